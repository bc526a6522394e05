"""Programs made smaller: what is left of a text where less of it would no longer show what is looked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from netdsl.source import Source, Span
from netdsl.syntax.parser import parse

LEFT_OVER = (
    (r"\|(\s*\|)+", "|"), (r"\(\s*\|", "("), (r"\|\s*([),]|else|$|\n)", r"\1"), (r",\s*([,)\]])", r"\1"),
    (r"([(\[])\s*,", r"\1"), (r"(then|else|:|=)\s*\|", r"\1"), (r" +", " "), (r"\n\s*\n", "\n"), (r" +\n", "\n"),
)  # fmt: skip
"""Signs that joined what is gone, and what stays of them."""


def reduced(text: str, is_wanted: Callable[[str], bool]) -> str:
    """Return a short text that is still wanted: parts are left out, or inner parts stand for them, while that holds."""
    refused: set[str] = set()
    while True:
        for candidate in _smaller(text):
            if candidate not in refused and is_wanted(candidate):
                text = candidate
                break
            refused.add(candidate)
        else:
            return text


def _smaller(text: str) -> Iterator[str]:
    """Return shorter texts, those first that leave out most."""
    program, _ = parse(Source("reduced", text))
    spans = sorted(set(_spans(program)), key=lambda one: one[0] - one[1])
    for start, end in spans:
        if re.fullmatch(r"\w+", text[start:end]) and text[:start].endswith("as "):
            yield _tidy(text[: start - 3] + text[end:])
        inner = [text[a:b] for a, b in spans if start <= a and b <= end and b - a < end - start]
        for put in ("", *inner, *(() if re.fullmatch(r"\w+", text[start:end]) else ("id", "1"))):
            candidate = _tidy(text[:start] + put + text[end:])
            if len(candidate) < len(text):
                yield candidate


def _tidy(text: str) -> str:
    for pattern, kept in LEFT_OVER:
        text = re.sub(pattern, kept, text)
    return text.strip() + "\n"


def _spans(node: Any) -> Iterator[tuple[int, int]]:
    if isinstance(node, tuple):
        for item in node:
            yield from _spans(item)
    elif attrs.has(type(node)) and not isinstance(node, Span | Source):
        span = getattr(node, "span", None)
        if isinstance(span, Span):
            yield span.start, span.end
        for attribute in attrs.fields(type(node)):
            yield from _spans(getattr(node, attribute.name))
