"""A text with its name, and places in it; nothing here knows the language."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from .record import field, frozen

MAX_TEXT = 10_000_000
"""Characters of a text, and of all files together that it uses."""


@frozen(eq=False, slots=False)  # for what is cached
class Source:
    """The text of one file, or of a string, with the name that messages call it by."""

    name: str
    text: str = field(repr=False)

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both counted from 1."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    @cached_property
    def _lines(self) -> Sequence[int]:
        """The offsets where lines begin: thousands of messages ask for their places."""
        from array import array

        starts = array("L", [0])  # a tenth of the memory of a list, for a text may be nothing but lines
        while end := self.text.find("\n", starts[-1]) + 1:
            starts.append(end)
        return starts

    def line_at(self, offset: int) -> tuple[int, int]:
        """Return the offsets where the line around an offset begins and ends, without its line feed."""
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        return start, len(self.text) if end < 0 else end


@frozen
class Span:
    """A place in a source: characters from `start` up to `end`, not included."""

    source: Source = field(repr=False)
    start: int
    end: int

    @property
    def text(self) -> str:
        """What is written there."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """Return the place from the start of this one to the end of another."""
        return Span(self.source, self.start, other.end)

    def holds(self, other: Span) -> bool:
        """Whether another place is a part of this one."""
        return self.source is other.source and self != other and self.start <= other.start and other.end <= self.end


def begins_line(span: Span) -> bool:
    """Whether nothing but blanks stands before a place in its line."""
    line, _ = span.source.line_at(span.start)
    return not span.source.text[line : span.start].strip()
