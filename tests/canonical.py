"""What has to hold of the canonical form of any text: it keeps every word and comment, and is its own form."""

from __future__ import annotations

from bisect import bisect

from attrs import frozen

from netdsl.source import Source
from netdsl.syntax.formatter import formatted
from netdsl.syntax.parser import parse
from netdsl.syntax.tokens import CLOSING, END, Token, read_token
from netdsl.syntax.tree import Program

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
