"""Lint in a text with mistakes: what is true of the rest, whatever the mistake is mended to, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netdsl.compiler import compile_source
from netdsl.diagnostics import Diagnostic, render
from netdsl.lint import FILES, RULES, findings
from netdsl.lint.guess import GUESS
from netdsl.lint.thresholds import Thresholds
from netdsl.scope import nodes_in
from netdsl.source import Source
from netdsl.syntax import tree

DEFAULT = [code for code in FILES if RULES[code].is_default]
CASES = Path(__file__).parent / "cases" / "errors"
CLEAN = [json.loads(line) for line in (Path(__file__).parent / "data" / "lint_clean.jsonl").read_text().splitlines()]


def linted(text: str) -> tuple[Diagnostic, ...]:
    """Return what the rules that are on find in a text with mistakes."""
    result = compile_source(Source("<text>", text), "network")
    assert result.errors
    return findings(result, DEFAULT, Thresholds())


FOUND = {
    "behind a layer that there is not": ("in 48x48x1 | conv 8@3 | rleu | dense 4 | softmax | softmax", ["C106"]),
    "behind an argument that there is not": (
        "in 48x48x1 | conv 8@3 padding=causal | relu | conv 4@3 | conv 4@3 | dense 4",
        ["C107", "C107"],
    ),
    "before the loss": (
        "in 28x28x1 | conv 8@3 | rleu | conv 8@3 | dense 300 | softmax train loss=cross_entropy_logits",
        ["C102"],
    ),
    "before the mistake": ("in 48x48x1 | conv 8@3 | conv 8@3 | relu | dense 4 | foo", ["C107"]),
    "behind what cannot be read": (
        "in 784 | dense 300 | dense 250 | relu | dropout 50% | dense 10 | relu",
        ["C107", "C104"],
    ),
    "in a block": ("block b c: rleu | conv c@3 | conv c@3 | relu\nin 9x9x3 | b 4 | dense 2", ["C107"]),
    "behind a layer on a tensor of another rank": ("in 8 | conv 3@3 | relu | dense 7 | dense 6", ["C107"]),
    "nothing of a layer that may bend": ("in 48x48x1 | conv 8@3 | rleu | conv 8@3 | relu | dense 4", []),
    "nothing of a number of axes that is not known": ("in 50 int | embedding 10000 64 | flatten | dense 2", []),
    "nothing of a block whose name is wrong": (
        "block unitt c: conv c@3 | relu\nin 32x32x3 | unit 4 | unit 5 | pool 2 | dense 3",
        [],
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_the_rest_is_looked_at(case: str) -> None:
    text, codes = FOUND[case]
    assert [one.code for one in linted(text)] == codes


@pytest.mark.parametrize("case", CLEAN, ids=lambda case: str(case["id"]))
def test_a_mistake_in_a_published_network_is_all_that_is_told(case: dict[str, str]) -> None:
    """Any of its stages may be the one that is not known."""
    text = case["net"]
    statements = compile_source(Source("<text>", text), "network").program.statements
    stages = [node for statement in statements for node in nodes_in(statement) if isinstance(node, tree.Layer)]
    names = [stage.name.span for stage in stages if stage.name.text != "in"]
    for name in names[:: max(1, len(names) // 4)]:
        assert not linted(f"{text[: name.start]}unheard_of{text[name.end :]}"), text[name.start :][:40]


def test_no_message_shows_a_guess() -> None:
    shown = 0
    for path in sorted(CASES.glob("*.net")):
        result = compile_source(Source(path.name, path.read_text()), "network")
        for one in findings(result, DEFAULT, Thresholds()):
            shown += 1
            assert GUESS not in render(one)
            assert all(GUESS not in shape for shape in one.shapes)
    assert shown > 20
