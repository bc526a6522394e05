"""Texts made shorter that still fail in the same way, and names for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic

from reduced import reduced

from .targets import Failure, examine

PATIENCE = 60.0
"""Seconds in which a text is made shorter."""


def failure_of(text: str) -> Failure | None:
    """Return how a text fails, None where all holds of it."""
    try:
        examine(text)
    except Failure as failure:
        return failure
    return None


def shrunk(text: str, kind: str) -> str:
    """Return a short text that fails in the same way."""
    end = monotonic() + PATIENCE

    def fails(candidate: str) -> bool:
        failure = failure_of(candidate) if monotonic() < end else None
        return failure is not None and failure.kind == kind

    return _fewer_characters(reduced(text, fails), fails)


def _fewer_characters(text: str, is_wanted: Callable[[str], bool]) -> str:
    """Return a text without the characters that can be left out, large pieces first."""
    size = len(text) // 2
    while size:
        start = 0
        while start < len(text):
            candidate = text[:start] + text[start + size :]
            if is_wanted(candidate):
                text = candidate
            else:
                start += size
        size //= 2
    return text


def name_of(kind: str) -> str:
    """Return the name of the file for a kind of failure."""
    return re.sub(r"\W+", "_", kind).strip("_").lower()
