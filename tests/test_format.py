"""The canonical form: what it looks like, and that it keeps every word and every comment, and does not change again.

Each file of cases/format is a text, a line `# output`, and its form; without that line it is its own form.
`NETDSL_UPDATE=1 pytest tests/test_format.py` writes the forms anew.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random

import programs
import pytest
from attrs import frozen
from lark.grammar import NonTerminal, Rule
from work import measured

from netdsl.source import Source
from netdsl.syntax.build_tables import read_grammar
from netdsl.syntax.formatter import formatted
from netdsl.syntax.parser import INSIDE_ARGUMENT, MAX_NESTING, parse
from netdsl.syntax.tokens import CLOSING, END, Token, read_token
from netdsl.syntax.tree import Program

ROOT = Path(__file__).parents[1]
CASES = {path.stem: path for path in sorted((ROOT / "tests" / "cases" / "format").glob("*.net"))}
DIVIDER = "# output\n"

FILES = sorted([*(ROOT / "examples").rglob("*.net"), *(ROOT / "netdsl" / "library").rglob("*.net")])
MOVED = {"VBAR", "COMMA", "COLON", "EQUAL"}
"""Signs that a comment may change places with, to stand at the end of a line."""


@frozen
class Said:
    """What a text says: its tree, its words, its comments, and the words on each line that ends in `# noqa`.

    Words are without commas that can be left out. With each comment stands how many words are before it, without
    those that it may change places with.
    """

    tree: str
    words: list[str]
    comments: list[tuple[str, int]]
    kept_lines: list[list[str]]


def said(program: Program) -> Said:
    """Return what a program says."""
    words = words_of(program.source.text)
    fixed = [word for word in words if word.kind not in MOVED]
    starts = [word.start for word in fixed]
    comments = [(one.span.text, bisect(starts, one.span.start)) for one in program.comments]
    lines = [program.source.line_at(one.span.start) for one in program.comments if one.is_noqa]
    kept = [[word.text for word in fixed[bisect(starts, start - 1) : bisect(starts, end)]] for start, end in lines]
    return Said(repr(program.statements), [word.text for word in words], comments, kept)


def words_of(text: str) -> list[Token]:
    """Return the words, without comments, and without commas that can be left out."""
    words: list[Token] = []
    word = read_token(text, text.startswith("\ufeff"))
    while word.kind != END:
        if word.kind in CLOSING and words[-1].kind == "COMMA":
            words.pop()
        if word.kind != "COMMENT":
            words.append(word)
        word = read_token(text, word.end)
    return words


def read(text: str) -> Program:
    """Return the program of a text without mistakes in its syntax."""
    program, mistakes = parse(Source("text", text))
    assert not mistakes, (text, mistakes)
    return program


def checked(text: str) -> str:
    """Return the canonical form of a text, which has to be as good as the text itself."""
    program = read(text)
    form = formatted(program)
    again = read(form)
    assert said(again) == said(program)
    assert formatted(again) == form, "the form has another form"
    lines = form.split("\n")
    assert lines.pop() == ""
    assert all(line == line.rstrip() for line in lines)
    assert not form.startswith("\n") and "\n\n\n" not in form and not form.endswith("\n\n")
    return form


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
    found = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in FILES}
    for file in ("lint_cases.jsonl", "lint_clean.jsonl"):
        for line in (ROOT / "tests" / "data" / file).read_text("utf-8").splitlines():
            case = json.loads(line)
            found |= {f"{case['id']} {part}": case[part] for part in ("net", "fixed") if case.get(part)}
    for path in sorted((ROOT / "tests" / "cases" / "errors").rglob("*.net")):
        if not parse(Source(path.name, path.read_text("utf-8")))[1]:
            found[str(path.relative_to(ROOT))] = path.read_text("utf-8")
    return found


def test_every_text_of_the_project_keeps_what_it_says() -> None:
    for text in texts().values():
        checked(text)
    assert len(texts()) > 500


# Any text, laid out in any way

SPELLINGS = {
    "INT": ("1", "64", "10_000", "5M"), "FLOAT": ("0.5", "1.5k", "1e-3"), "DIMS": ("3x3", "?x?x3", "Tx80"),
    "NAME": ("conv", "relu", "c", "T", "same", "stem_1", "a_rather_long_name"), "CALL": ("add(", "min(", "concat("),
    "STRING": ('"std/resnet"', '"a b"'), "OPEN": ("?",), "NEG": ("-",), "COMPARE": ("==", "<", ">="),
}  # fmt: skip
"""Of the words that have more than one."""

DEEPEST = 20
"""Rules in rules."""

DRAWN = 40
"""Texts for each property."""


@frozen
class Grammar:
    """The rules of each symbol with how deep they go at least, and the spellings of each word."""

    rules: Mapping[str, Sequence[tuple[int, Rule]]]
    spellings: Mapping[str, Sequence[str]]


@cache
def grammar() -> Grammar:
    lark = read_grammar()
    depths: dict[str, int] = {}

    def depth(rule: Rule) -> float:
        return 1 + max((depths.get(one.name, float("inf")) for one in rule.expansion if not one.is_term), default=0)

    for _ in lark.rules:  # as often as it can matter
        for rule in lark.rules:
            name = rule.origin.name
            if depth(rule) < depths.get(name, float("inf")):
                depths[name] = int(depth(rule))
    rules: dict[str, list[tuple[int, Rule]]] = {}
    for rule in lark.rules:
        rules.setdefault(rule.origin.name, []).append((int(depth(rule)), rule))
    spellings = {one.name: SPELLINGS.get(one.name, (one.pattern.value,)) for one in lark.terminals}
    return Grammar(rules, spellings)


def drawn(random: Random) -> str:
    """Return a text of a few statements in words that are parted by blanks, as the grammar allows it."""
    while True:
        text = "".join(word for _ in range(random.randint(1, 4)) for word in derived(random, "statement", 0))
        text = re.sub(r"-+(?=[-\[{])", "", text)  # a `-` in front of these is no sign
        if not parse(Source("drawn", text))[1]:
            return text


def derived(random: Random, symbol: str, depth: int) -> Iterator[str]:
    """Return the words that a symbol of the grammar stands for, each with the blank behind it."""
    rules = grammar().rules[symbol]
    least = min(deep for deep, _ in rules)
    fitting = [rule for deep, rule in rules if deep <= max(DEEPEST - depth, least)]
    weights = [5 if symbol in INSIDE_ARGUMENT and len(rule.expansion) == 1 else 1 for rule in fitting]
    (rule,) = random.choices(fitting, weights)
    for part in rule.expansion:
        if isinstance(part, NonTerminal):
            yield from derived(random, part.name, depth + 1)
        else:
            yield random.choice(grammar().spellings[part.name]) + " " * (part.name != "NEG")


BLANKS = (" ", " ", "  ", "\t", "\n", "\n    ", "\r\n", "\n\n\n")


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
        checked(drawn(Random(seed)))


def test_drawn_programs_keep_what_they_say() -> None:
    for seed in range(6):
        checked(programs.program(Random(seed)))


@pytest.mark.parametrize("kind", ["drawn", "of the project"])
def test_the_form_depends_on_words_and_comments_alone(kind: str) -> None:
    for seed in range(DRAWN):
        random = Random(seed)
        words = words_of(drawn(random) if kind == "drawn" else random.choice([*texts().values()]))
        comments = remarks(random, words, random.choice((0.0, 0.02, 0.2)), "# {}", "#!{} ü", "##")
        assert checked(laid_out(random, words, comments)) == checked(laid_out(random, words, comments))


def test_a_line_with_noqa_stays_a_line() -> None:
    for seed in range(DRAWN):
        random = Random(seed)
        words = words_of(drawn(random) if seed % 2 else random.choice([*texts().values()]))
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
