"""The networks in examples/: figures as published, and programs that count and compute the same."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import netdsl
from netdsl.analysis.counts import rows
from netdsl.network import Network

FOLDER = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((FOLDER / "figures.json").read_text())["networks"]
NAMES = sorted(path.stem for path in FOLDER.glob("*.net"))

BATCHES = {"unet": 1}
"""Where three examples at once take too long: 150 thousand million multiply-accumulates each."""


@cache
def network(name: str) -> Network:
    return oracle.network_of((FOLDER / f"{name}.net").read_text(), name)


def test_every_example_has_figures() -> None:
    assert sorted(FIGURES) == NAMES
    assert len(NAMES) >= 14


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_it_is(name: str) -> None:
    """It starts with a comment that says what to notice, and is laid out by hand within 120 columns."""
    lines = (FOLDER / f"{name}.net").read_text().splitlines()
    comment = lines[: lines.index("")]
    assert all(line.startswith("# ") for line in comment)
    assert any(word in " ".join(comment) for word in ("Notice", "notice"))
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_those_of_others(name: str) -> None:
    """It compiles without a warning, and counts what others count: in all, and layer by layer where they say it."""
    net = netdsl.load(FOLDER / f"{name}.net")
    figures = FIGURES[name]
    assert not net.diagnostics
    assert net.parameters.trainable == figures["trainable"]
    assert net.parameters.not_trained == figures["not_trained"]
    assert net.macs == figures.get("macs", net.macs)
    assert [list(output.shape) for output in net.outputs] == figures["outputs"]
    if "layers" in figures:
        weighted = [row for row in rows(net.network) if row.counts is not None and row.counts.total]
        ours = [[list(row.output.sizes), row.counts.trainable, row.counts.macs] for row in weighted]  # type: ignore[union-attr]
        assert ours == [layer[1:] for layer in figures["layers"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_add_up(name: str) -> None:
    """The rows of the summary have every weight of every copy between them."""
    net = netdsl.load(FOLDER / f"{name}.net")
    by_row = sum(row.counts.total * row.times for row in rows(net.network) if row.counts is not None)
    assert by_row == net.parameters.total == sum(oracle.declared_sizes(net.network).values())


@pytest.mark.parametrize("name", NAMES)
def test_pytorch_counts_the_same_multiplications(name: str) -> None:
    """PyTorch's own counter, run over the emitted program, finds as many multiply-accumulates."""
    inputs = [
        torch.from_numpy(oracle.channels_first(x)).to("meta") for x in oracle.random_inputs(network(name), batch=1)
    ]
    with torch.device("meta"):
        model = oracle._make(oracle.emit_both(network(name))[0]).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs)
    assert counter.get_total_flops() == netdsl.load(FOLDER / f"{name}.net").flops


@pytest.mark.parametrize("name", NAMES)
def test_programs_compute_the_same(name: str, jax: oracle.Jax) -> None:
    """PyTorch, Keras on torch and Keras on JAX agree at full size, with the same random weights and inputs."""
    text = (FOLDER / f"{name}.net").read_text()
    problem = oracle.disagreement(text, jax, BATCHES.get(name, oracle.BATCH))
    assert not problem, problem


class Constants(TorchDispatchMode):
    """Collects the operations whose result is the same number everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.seen = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and tensor.numel() > 1:
                self.seen += 1
                if tensor.max() - tensor.min() < 1e-6:
                    self.found.append(str(func))
        return result


@pytest.mark.parametrize("name", NAMES)
def test_nothing_dies_on_the_way(name: str) -> None:
    """With the random weights of the comparison no step gives a constant, behind which all programs would agree."""
    emitted, _ = oracle.emit_both(network(name))
    weights = oracle.random_weights(network(name))
    inputs = oracle.random_inputs(network(name), batch=BATCHES.get(name, 2))
    model = oracle._make(emitted).eval()
    state = {path: tensor for path, tensor in model.state_dict().items() if not path.endswith("num_batches_tracked")}
    shapes = {path: tuple(tensor.shape) for path, tensor in state.items()}
    oracle._move(emitted.weight_map, weights, shapes, lambda path, array: state[path].copy_(torch.from_numpy(array)))
    watch = Constants()
    with torch.no_grad(), watch:
        model(*(torch.from_numpy(np.ascontiguousarray(oracle.channels_first(x))) for x in inputs))
    assert watch.seen > 3
    assert not watch.found
