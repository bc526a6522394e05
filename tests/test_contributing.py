"""The layer that CONTRIBUTING.md adds in one file is a layer: it counts, it has a page, and both programs agree."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import drawn
import oracle
import pytest

import netdsl
from netdsl import layers
from netdsl.catalogue import page
from netdsl.layer import Layer

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"


@pytest.fixture(scope="module")
def low_rank() -> Iterator[type[Layer]]:
    """Put the example in its place, as the page says: one file, one line in the list."""
    (text,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ((file, keyword),) = re.findall(r'^    "(\w+)": \("(\w+)",\),$', PAGE.read_text("utf-8"), re.MULTILINE)
    module = types.ModuleType(f"netdsl.layers.{file}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        exec(compile(text, str(PAGE), "exec"), module.__dict__)
        patch.setitem(layers.FILES, file, (keyword,))
        patch.setitem(layers._FILE_OF, keyword, file)
        (layer,) = layers.forms(keyword)
        yield layer


def test_it_counts(low_rank: type[Layer]) -> None:
    net = netdsl.compile("in 10x32 | low_rank 64 through=8")
    assert net.outputs[0].shape == (10, 64)
    assert net.parameters.total == 32 * 8 + 8 * 64 + 64
    assert net.macs == 10 * (32 * 8 + 8 * 64)
    assert "8*32 + 64*8 + 64 = 832" in net.explain()


def test_it_has_a_page_and_messages(low_rank: type[Layer]) -> None:
    assert "number of channels in between" in page("low_rank")
    assert "`low_rank`" in str(netdsl.check("in 8 | lowrank 3")[0])
    (diagnostic,) = netdsl.check("in 8 | low_rank 3 thru=2")
    assert "thru" in diagnostic.message


def test_both_programs_agree(low_rank: type[Layer]) -> None:
    """A few of the networks that are drawn from it, three ways; the suite proper takes all of a layer's."""
    oracle.fast_keras()
    networks = list(drawn.pairwise(low_rank)[0])  # type: ignore[arg-type]  # mypy takes classes of attrs for unhashable
    assert len(networks) > 10
    jax = oracle.Jax()
    try:
        wrong = [problem for text in networks[::5] if (problem := oracle.disagreement(text, jax))]
    finally:
        jax.close()
    assert not wrong, "\n\n".join(wrong)
