"""Texts as they are once what was found in them is mended; files are written elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from attrs import frozen

from ..diagnostics import Diagnostic, Edit
from ..source import Source
from .check import Checked

SYNTAX = "E020"
MOST_PASSES = 100
"""Of mending what is left after mending; each takes all fixes that do not touch one another."""


@frozen
class Text:
    """A text with how each of its lines ends in its file, so that what is not mended stays as it is."""

    text: str
    endings: tuple[str, ...]

    @classmethod
    def of(cls, raw: str) -> Text:
        """Return what a file holds, whose lines may end in several ways."""
        text = raw.replace("\r\n", "\n")
        if "\r\n" not in raw:
            return cls(text, ("\n",) * text.count("\n"))
        lines = raw.split("\n")[:-1]
        return cls(text, tuple("\r\n" if line.endswith("\r") else "\n" for line in lines))

    @property
    def raw(self) -> str:
        """What the file is to hold."""
        lines = self.text.split("\n")
        return "".join(map("".join, zip(lines, (*self.endings, ""), strict=True)))

    def edited(self, edits: Sequence[Edit]) -> Text:
        """Return the text with edits made, which must not overlap; new lines end as the first one does."""
        text, endings = self.text, self.endings
        ending = endings[0] if endings else "\n"
        for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
            start, end = edit.span.start, edit.span.end
            first, last = text.count("\n", 0, start), text.count("\n", 0, end)
            endings = (*endings[:first], *(ending,) * edit.text.count("\n"), *endings[last:])
            text = text[:start] + edit.text + text[end:]
        return Text(text, endings)


@frozen
class Refused:
    """A fix that was not made, as the text would have had new mistakes."""

    diagnostic: Diagnostic
    mistake: Diagnostic
    was_right: bool

    @property
    def is_ours(self) -> bool:
        """Whether the fault is ours: a safe fix must not break a text, and no fix may make it unreadable.

        In a text with mistakes, the new one may have been there already, behind another.
        """
        fix = self.diagnostic.fix
        return self.mistake.code == SYNTAX or (self.was_right and (fix is None or fix.is_safe))


@frozen
class Mended:
    """A text with its fixes made: what it was and is, what is left to find, and which rules' findings are mended."""

    text: Text
    checked: Checked
    codes: Counter[str]
    refused: tuple[Refused, ...]

    @property
    def count(self) -> int:
        """The number of fixes that were made."""
        return self.codes.total()


def mend(text: Text, checked: Checked, check: Callable[[Source], Checked], unsafe: bool) -> Mended:
    """Return a text with what was found in it mended, over and over until nothing is left that can be.

    Where fixes undo one another, that ends before the text is again what it was.
    `check` finds what is in a text of the same name; `unsafe` takes fixes that may change what the network computes.
    """
    source = checked.result.program.source
    codes: Counter[str] = Counter()
    refused: dict[str, Refused] = {}
    seen = {text.text}
    for _ in range(MOST_PASSES):
        chosen = _apart([found for found in fixable(checked, unsafe) if found.code not in refused])
        if not chosen:
            break
        edited = text.edited([edit for found in chosen for edit in _edits(found)])
        after = check(Source(source.name, edited.text))
        if _new_mistake(checked, after) is not None:  # one of them is to blame
            edited, after = text, checked
            sound: list[Diagnostic] = []
            for found in chosen:
                tried = text.edited([edit for each in (*sound, found) for edit in _edits(each)])
                with_it = check(Source(source.name, tried.text))
                mistake = _new_mistake(checked, with_it)
                if mistake is not None:
                    refused[found.code] = Refused(found, mistake, was_right=not checked.errors)
                else:
                    sound.append(found)
                    edited, after = tried, with_it
            chosen = sound
        if edited.text in seen and chosen:
            break
        seen.add(edited.text)
        codes.update(found.code for found in chosen)
        text, checked = edited, after
    return Mended(text, checked, codes, tuple(refused.values()))


def fixable(checked: Checked, unsafe: bool) -> list[Diagnostic]:
    """Return the findings that can be mended in their own text, by safe fixes or, if wanted, by others too.

    A text that cannot be read in full has none: what stands around an edit may be taken for something else.
    """
    source = checked.result.program.source
    if any(error.code == SYNTAX for error in checked.errors):
        return []
    return [
        found
        for found in checked.found
        if found.fix is not None
        and (found.fix.is_safe or unsafe)
        and found.fix.edits
        and all(edit.span.source is source for edit in found.fix.edits)
    ]


def _edits(found: Diagnostic) -> tuple[Edit, ...]:
    return () if found.fix is None else found.fix.edits


def _apart(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return findings whose edits do not touch: those of others are made after the text has been read again."""
    taken: list[tuple[int, int]] = []
    chosen = []
    for diagnostic in found:
        places = [(edit.span.start, edit.span.end) for edit in _edits(diagnostic)]
        if all(end < other_start or other_end < start for start, end in places for other_start, other_end in taken):
            taken += places
            chosen.append(diagnostic)
    return chosen


def _new_mistake(before: Checked, after: Checked) -> Diagnostic | None:
    """Return an error that a text did not have before it was edited."""
    known = Counter(error.code for error in before.errors)
    for error in after.errors:
        known[error.code] -= 1
        if known[error.code] < 0:
            return error
    return None
