"""A short run of each engine of fuzz/, and every text that once failed: what has to hold does so, in bounded work."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from work import measured

from fuzz import grammar
from fuzz.__main__ import run
from fuzz.shrink import name_of, shrunk
from fuzz.targets import Failure, examine
from fuzz.texts import CORPUS, CRASHES
from fuzz.watch import RECORD, Record
from netdsl.syntax.tokens import read_token

UNHURRIED = 100.0
"""Times what an input may take: these tests run beside others, and bound work instead."""
MOST_CALLS = 10_000_000
"""Of functions, for a text that once took minutes."""


@pytest.mark.parametrize("path", sorted(CRASHES.glob("*.net")), ids=lambda path: path.stem)
def test_what_once_failed(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    measured(lambda: examine(text, UNHURRIED), most=MOST_CALLS)


def test_the_corpus() -> None:
    paths = sorted(CORPUS.glob("*.net"))
    assert paths
    for path in paths:
        examine(path.read_bytes().decode("utf-8", "surrogatepass"), UNHURRIED)


ENGINES = {"grammar": 120, "atheris": 60}
"""Inputs of each."""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="atheris is made for Linux")
def test_a_short_run(engine: str, tmp_path: Path) -> None:
    assert engine != "atheris" or importlib.util.find_spec("atheris"), "`pip install 'netdsl[fuzz]'` brings atheris"
    run(engine, tmp_path, "0", seconds=600, inputs=ENGINES[engine])
    record = Record.load(tmp_path / RECORD)
    assert record.tried == ENGINES[engine]
    assert record.right > 0
    failed = {kind: found for kind, found in record.failures.items() if not kind.endswith(": slow")}
    assert not failed, failed


def test_every_spelling_is_its_word() -> None:
    """What is drawn for a word of the grammar is one."""
    for kind, several in grammar.spellings().items():
        if kind != "NEG":  # a sign only where something follows
            assert {read_token(word, 0).kind for word in several} <= {kind, "SLASH"}, kind


def test_what_is_declared_is_drawn() -> None:
    words = grammar.words()
    assert {"conv", "residual(", "relu", "same", "weighted", "loss", "//", "out"} <= set(words)


def test_a_failure_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(text: str, slowness: float = 1.0) -> None:
        if "softmax" in text:
            raise Failure("lint: KeyError in softmax", text)

    monkeypatch.setattr("fuzz.shrink.examine", fails)
    text = "const a = 3\nin 28x28x1 | conv 8@3 | relu | (dense 10 | softmax) * a\nout in 3 | relu"
    assert shrunk(text, "lint: KeyError in softmax") == "softmax"
    assert name_of("lint: KeyError in softmax") == "lint_keyerror_in_softmax"
