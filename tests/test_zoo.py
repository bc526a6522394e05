"""The zoo in examples/zoo/: published networks cost exactly what the libraries they come from say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import oracle
import pytest

import netdsl
from netdsl.analysis.counts import rows
from netdsl.size import substitute

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())
FILES = sorted(path.relative_to(EXAMPLES).as_posix() for path in (EXAMPLES / "zoo").glob("*.net"))
LIBRARY = sorted(path.stem for path in (Path(netdsl.__file__).parent / "library" / "std").glob("*.net"))


def test_every_entry_is_there() -> None:
    numbers = {"keras": 32, "torchvision": 14, "transformers": 6, "classics": 14}
    assert Counter(name.split("/")[0] for name in FIGURES) == numbers


def test_every_file_has_figures() -> None:
    assert set(FILES) <= {figures["file"] for figures in FIGURES.values()}


@pytest.mark.parametrize("file", FILES)
def test_a_file_says_what_it_is(file: str) -> None:
    lines = (EXAMPLES / file).read_text().splitlines()
    assert lines[0].startswith("# ")
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_the_library(name: str) -> None:
    """Every number is the same, without a warning; MACs where the library's are known."""
    figures = FIGURES[name]
    net = netdsl.load(EXAMPLES / figures["file"], **figures["set"])
    assert not net.diagnostics
    returned = [net.network.body.tensor(output.value) for output in net.network.outputs if not output.aux]
    assert [list(tensor.sizes) for tensor in returned if tensor is not None] == figures["outputs"]
    assert (net.parameters.trainable, net.parameters.not_trained) == (figures["trainable"], figures["not_trained"])
    assert net.macs == figures.get("macs", net.macs)


@pytest.mark.parametrize("name", [name for name, figures in FIGURES.items() if "layers" in figures])
def test_figures_of_each_layer(name: str) -> None:
    """The layers with weights have the shapes, the trained parameters and the MACs of those in the library."""
    figures = FIGURES[name]
    net = netdsl.load(EXAMPLES / figures["file"], **figures["set"])
    weighted = [row for row in rows(net.network) if row.counts is not None and row.counts.total]
    ours = [[list(row.output.sizes), row.counts.trainable, row.counts.macs] for row in weighted]  # type: ignore[union-attr]
    assert ours == [layer[1:] for layer in figures["layers"]]


@pytest.mark.parametrize("name", [name for name, figures in FIGURES.items() if "T" in figures["set"]])
def test_an_open_length_gives_what_a_number_gives(name: str) -> None:
    """MACs are an expression in T, whose value at a length is what the network costs at that length."""
    figures = FIGURES[name]
    constants = {constant: value for constant, value in figures["set"].items() if constant != "T"}
    open_macs = netdsl.load(EXAMPLES / figures["file"], **constants).macs
    assert not isinstance(open_macs, int)
    for length in (7, figures["set"]["T"]):
        assert (
            substitute(open_macs, {"T": length}) == netdsl.load(EXAMPLES / figures["file"], T=length, **constants).macs
        )


def test_a_summary_shows_the_polynomial() -> None:
    """GPT-2: twice 768*T*T in each of 12 layers, and each weight but those of tables and norms at each position."""
    net = netdsl.load(EXAMPLES / "zoo" / "gpt2.net")
    assert "MACs        18432*T**2 + 123532032*T\n" in net.summary()
    assert (
        substitute(net.macs, {"T": 1024}) == 145_824_153_600 == netdsl.load(EXAMPLES / "zoo" / "gpt2.net", T=1024).macs
    )


def test_llama_3_405b() -> None:
    """The largest Llama 3 has as many parameters as its files (Grattafiori et al. 2024, table 3)."""
    shape = {"dim": 16384, "layers": 126, "heads": 128, "kv_heads": 8, "hidden": 53248, "vocab": 128256}
    net = netdsl.load(EXAMPLES / "zoo" / "llama.net", theta="500k", **shape)
    assert net.parameters.total == net.parameters.trainable == 405_853_388_800


SMALL: dict[str, dict[str, Any]] = {
    "albert": {"T": 4},
    "alexnet_2012": {"inputs": {"": (67, 67, 3)}},
    "bert": {"dim": 24, "layers": 2, "heads": 3, "T": 6},
    "dcgan_discriminator": {},
    "distilbert": {"T": 4},
    "gpt2": {"dim": 24, "layers": 2, "heads": 3, "T": 5},
    "llama": {"dim": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 40, "vocab": 50, "theta": 100, "T": 6},
    "mnist_cnn": {},
    "text_classifier": {"T": 6},
    "transformer": {"dim": 24, "heads": 3, "layers": 2, "T": 5},
    "unet": {"inputs": {"": (188, 204, 1)}},
    "vit": {"dim": 24, "layers": 2, "heads": 3, "patch": 56},
}
"""Members of families that are small enough to be run."""


@pytest.mark.parametrize("name", SMALL)
def test_small_members_compute_the_same(name: str, jax: oracle.Jax) -> None:
    """PyTorch, Keras on torch and Keras on JAX agree, with the same random weights and inputs."""
    net = netdsl.load(EXAMPLES / "zoo" / f"{name}.net", **SMALL[name])
    problem = oracle.disagreement(net.network, jax)
    assert not problem, problem


@pytest.mark.parametrize("name", LIBRARY)
def test_a_file_of_the_library_shows_its_use(name: str) -> None:
    """Its first lines say what it holds, with a network that uses it; it has no mistakes of its own."""
    text = (Path(netdsl.__file__).parent / "library" / "std" / f"{name}.net").read_text()
    shown = [line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     ")]
    assert shown[0] == f'use "std/{name}"'
    net = netdsl.compile("\n".join(shown))
    assert not net.diagnostics
    assert [found.code for found in netdsl.check(text)] == []
    assert max(map(len, text.splitlines())) <= 120
