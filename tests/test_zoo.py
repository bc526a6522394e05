"""The zoo in examples/zoo/: published networks cost exactly what the libraries they come from say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import netdsl

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())
FILES = sorted(path.relative_to(EXAMPLES).as_posix() for path in (EXAMPLES / "zoo").glob("*.net"))


def test_every_entry_is_there() -> None:
    assert Counter(name.split("/")[0] for name in FIGURES) == {"keras": 32, "torchvision": 14, "transformers": 6, "classics": 14}


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
