"""Code for open sizes: every network of the parity tests again, its positions left open, against that on numbers."""

from __future__ import annotations

import re

import drawn
import oracle
import pytest

pytestmark = pytest.mark.usefixtures("fast")

LAYERS = {drawn.drawn(layer).name: layer for layer in drawn.layers()}
SYMBOLS = "PQRSUVW"
MOST = 8  # networks of a layer; each takes three programs


def opened(text: str) -> str | None:
    """Return a network with the positions of its inputs left open, None where it has none or needs them."""
    names = iter(SYMBOLS)

    def replaced(match: re.Match[str]) -> str:
        *positions, channels = match[1].split("x")
        return "in " + "x".join([*(next(names) for _ in positions), channels])

    found = re.sub(r"\bin (\d+(?:x\d+)+)", replaced, text)
    found = re.sub(r"\bin (\d+) int", lambda match: f"in {next(names)} int", found)
    return found if found != text and drawn.is_valid(found) else None


@pytest.mark.parametrize("name", LAYERS)
def test_code_for_open_sizes(name: str, jax: oracle.Jax) -> None:
    """One program serves every size: on the sizes of the numbers it computes what the program for these does."""
    pairs = [(symbolic, text) for text in drawn.pairwise(LAYERS[name])[0] if (symbolic := opened(text)) is not None]
    wrong = [problem for pair in pairs[:MOST] if (problem := oracle.open_disagreement(*pair, jax))]
    assert not wrong, "\n\n".join(wrong)
