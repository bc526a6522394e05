"""Text that knows where it may break, and the paper that it is fitted on; nothing about any language.

The model is that of Wadler ("A prettier printer", 2003) and of the formatters that follow him: a group stays on one
line if it fits there, and breaks at all of its own lines if it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, Union

from .record import frozen

WIDTH = 88
"""Columns of a line, as black and `ruff format` have it."""

Document: TypeAlias = Union[str, tuple["Document", ...], "Line", "IfBroken", "Indent", "Group", "Trailing"]


@frozen(eq=False)
class Line:
    """A line break where the group around it breaks, else `flat`; or as many as are `forced`, in any case."""

    flat: str = ""
    forced: int = 0


@frozen(eq=False)
class IfBroken:
    """Text that is there where the group around it breaks."""

    text: str


@frozen(eq=False)
class Indent:
    """What is some columns further right."""

    content: Document
    columns: int = 4


@frozen(eq=False)
class Group:
    """What breaks at all of its own lines, or at none; it `must_break` around a comment."""

    content: Document
    must_break: bool


@frozen(eq=False)
class Trailing:
    """A comment, with the sign that begins it, which goes to the end of its line.

    If it is not `measured`, the line may become too long by it.
    """

    text: str
    measured: bool = True


def group(*parts: Document) -> Group:
    """Return the parts as a group."""
    return Group(parts, must_break(parts))


def must_break(document: Document) -> bool:
    """Whether a document has something in it that does not fit on one line, however long that is."""
    if isinstance(document, str):
        return False
    if isinstance(document, tuple):
        return any(map(must_break, document))
    if isinstance(document, Indent):
        return must_break(document.content)
    if isinstance(document, Line):
        return document.forced > 0
    return document.must_break if isinstance(document, Group) else isinstance(document, Trailing)


def _text(document: Line | IfBroken, breaks: bool) -> str:
    if isinstance(document, IfBroken):
        return document.text if breaks else ""
    return document.flat


def flat(document: Document) -> str:
    """Return a document's text on one line. Raises ValueError where there is a comment in it."""
    if isinstance(document, tuple):
        return "".join(map(flat, document))
    if isinstance(document, str):
        return document
    if isinstance(document, (Indent, Group)):
        return flat(document.content)
    if isinstance(document, Trailing):
        raise ValueError(f"no room for the comment {document.text!r} here")
    return _text(document, breaks=False)


_Entry: TypeAlias = tuple[int, bool, Document]  # the indent, and whether the group around the document breaks


class Paper:
    """The lines printed so far, and where the next one goes."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.indent = 0
        self.text: list[str] = []

    def write(self, document: Document) -> None:
        """Print a document from the start of a line to the end of one; outside of groups its lines break."""
        self.text.append(" " * self.indent)
        column, comment = self.indent, ""
        stack: list[_Entry] = [(self.indent, True, document)]
        while stack:
            indent, breaks, document = stack.pop()
            if isinstance(document, str):
                self.text.append(document)
                column += len(document)
            elif isinstance(document, tuple):
                stack += [(indent, breaks, part) for part in reversed(document)]
            elif isinstance(document, Indent):
                stack.append((indent + document.columns, breaks, document.content))
            elif isinstance(document, Group):
                as_line = (indent, False, document.content)
                breaks = breaks and (document.must_break or not self._fits(column, as_line, stack))
                stack.append((indent, breaks, document.content))
            elif isinstance(document, Trailing):
                comment += f"  {document.text}"
            elif isinstance(document, Line) and breaks:
                self.text.append(f"{comment}" + "\n" * max(document.forced, 1) + " " * indent)
                column, comment = indent, ""
            else:
                self.text.append(_text(document, breaks))
                column += len(self.text[-1])
        self.text.append(f"{comment}\n")

    def fits(self, document: Document, breaks: bool) -> bool:
        """Whether a document fits on the line, or has no line too long when it `breaks` wherever it can."""
        return self._fits(self.indent, (self.indent, breaks, document), (), every_line=breaks)

    def _fits(self, column: int, entry: _Entry, rest: Sequence[_Entry], every_line: bool = False) -> bool:
        """Whether an entry fits, together with what follows it up to the first line break."""
        room = self.width - column
        stack, following = [entry], len(rest)
        while room >= 0 and (stack or following):
            if not stack:
                following -= 1
                stack.append(rest[following])
            indent, breaks, document = stack.pop()
            if isinstance(document, str):  # by far the most frequent
                room -= len(document)
            elif isinstance(document, tuple):
                stack += [(indent, breaks, part) for part in reversed(document)]
            elif isinstance(document, Indent):
                stack.append((indent + document.columns, breaks, document.content))
            elif isinstance(document, Group):
                stack.append((indent, breaks or document.must_break, document.content))
            elif isinstance(document, Trailing):
                room -= document.measured and len(f"  {document.text}")
            elif isinstance(document, Line) and breaks:
                if not every_line:
                    return True
                room = self.width - indent
            else:
                room -= len(_text(document, breaks))
        return room >= 0
