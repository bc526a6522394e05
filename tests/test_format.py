"""The canonical form: what it looks like, and that it keeps every word and every comment, and does not change again.

Each file of cases/format is a text, a line `# output`, and its form; without that line it is its own form.
`NETDSL_UPDATE=1 pytest tests/test_format.py` writes the forms anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random

import programs
import pytest
from attrs import frozen
from canonical import MOVED, checked, read, words_of
from work import measured

from fuzz.grammar import BLANKS, statements
from fuzz.texts import texts as of_the_project
from netdsl.source import Source
from netdsl.syntax.formatter import formatted
from netdsl.syntax.parser import MAX_NESTING, parse
from netdsl.syntax.tokens import Token

ROOT = Path(__file__).parents[1]
CASES = {path.stem: path for path in sorted((ROOT / "tests" / "cases" / "format").glob("*.net"))}
DIVIDER = "# output\n"


# The form


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    content = CASES[name].read_text("utf-8")
    text, divider, expected = content.partition(DIVIDER)
    form = checked(text)
    if os.environ.get("NETDSL_UPDATE"):
        CASES[name].write_text(text + divider + form if divider or form != text else text, "utf-8")
    else:
        assert form == (expected if divider else text)


# Any text


@cache
def texts() -> Mapping[str, str]:
    """Return every text of the project that is free of mistakes in its syntax."""
    return {name: text for name, text in of_the_project().items() if not parse(Source(name, text))[1]}


def test_every_text_of_the_project_keeps_what_it_says() -> None:
    for text in texts().values():
        checked(text)
    assert len(texts()) > 500


# Any text, laid out in any way

DRAWN = 40
"""Texts for each property."""


@frozen
class Remark:
    """A comment as it will be written: behind a word, or on a line of its own with or without empty lines around."""

    text: str
    trails: bool
    empty_before: bool
    empty_behind: bool


def remarks(random: Random, words: Sequence[Token], share: float, *texts: str) -> dict[int, list[Remark]]:
    """Return comments for some of the places before, between and behind words."""
    found: dict[int, list[Remark]] = {}
    numbers = iter(range(10**6))
    for place in range(len(words) + 1):
        if place and words[place - 1].kind == "NEG":  # it would be none
            continue
        while random.random() < share:
            before = found.setdefault(place, [])
            text = random.choice(texts).format(next(numbers))
            trails = place > 0 and not before and random.random() < 0.5
            before.append(Remark(text, trails, random.random() < 0.3, random.random() < 0.3))
    return found


def laid_out(random: Random, words: Sequence[Token], comments: Mapping[int, Sequence[Remark]]) -> str:
    """Return the words with the comments between them, and any blanks elsewhere."""
    text = ""
    for place in range(len(words) + 1):
        for remark in comments.get(place, ()):
            if remark.trails:
                text += f" {remark.text}\n"
            else:
                text += ("" if text.endswith("\n") or not text else "\n") + "\n" * remark.empty_before
                text += f"{random.choice(('', '  ', '    '))}{remark.text}\n"
        if place == len(words):
            return text
        if comments.get(place):
            text += "\n" * comments[place][-1].empty_behind + random.choice(("", "    ", "\t"))
        elif place and words[place - 1].kind != "NEG":
            trails = any(remark.trails for remark in comments.get(place + 1, ()))
            text += " " if trails and words[place].kind in MOVED else random.choice(BLANKS)
        text += words[place].text
    raise AssertionError


def test_drawn_texts_keep_what_they_say() -> None:
    for seed in range(DRAWN):
        checked(statements(Random(seed)))


def test_drawn_programs_keep_what_they_say() -> None:
    for seed in range(6):
        checked(programs.program(Random(seed)))


@pytest.mark.parametrize("kind", ["drawn", "of the project"])
def test_the_form_depends_on_words_and_comments_alone(kind: str) -> None:
    for seed in range(DRAWN):
        random = Random(seed)
        words = words_of(statements(random) if kind == "drawn" else random.choice([*texts().values()]))
        comments = remarks(random, words, random.choice((0.0, 0.02, 0.2)), "# {}", "#!{} ü", "##")
        assert checked(laid_out(random, words, comments)) == checked(laid_out(random, words, comments))


def test_a_line_with_noqa_stays_a_line() -> None:
    for seed in range(DRAWN):
        random = Random(seed)
        words = words_of(statements(random) if seed % 2 else random.choice([*texts().values()]))
        comments = remarks(random, words, 0.1, "# {}", "# noqa", "#NOQA: C107", "# why {}  # noqa: C107, D302")
        checked(laid_out(random, words, comments))


def test_deep_texts() -> None:
    """What the parser takes is laid out."""
    deep = MAX_NESTING
    for text in (
        f"in 8 | {'(' * deep}relu{')' * deep}",
        f"in 8 | {'add(id, ' * deep}relu{')' * deep}",
        f"in 8 | {'for i in 3 (' * deep}relu{')' * deep}",
        f"const a = {'[' * deep}1{']' * deep}",
        f"const a = {'not ' * 200}b",
        f"const a = 1{' + b' * 200}",
        f"const a = {'if b then ' * 200}1{' else 2' * 200}",
        f"block a: {'if b then ' * 200}id{' else id' * 200}",
        f"block a: {'if b then id else ' * 100}id",
        f"block a: {'add(id, if b then ' * 80}relu{' else id)' * 80}",
    ):
        form = formatted(read(text))
        assert [word.text for word in words_of(form)] == [word.text for word in words_of(text)]
        assert formatted(read(form)) == form


def test_long_texts() -> None:
    """The work that a text takes grows as the text does."""
    for many in (
        lambda times: f"in 8{' | dense 8 | relu' * times}",
        lambda times: "let a = in 8 | dense 10 # why\n" * times,
        lambda times: f"const a = [{'[1, 2], ' * times}]",
        lambda times: "# a comment\n" * times,
    ):
        checked(many(20))
        program, longer = read(many(200)), read(many(2000))
        _, short = measured(lambda program=program: formatted(program), most=1_000_000)
        measured(lambda program=longer: formatted(program), most=11 * short)
