"""Messages about a text: what a message is, its codes, and the one renderer of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .record import evolve, frozen
from .source import Source, Span

CODES = {
    "E001": "rank-mismatch",
    "E002": "spatial-size-exhausted",
    "E003": "reshape-size-mismatch",
    "E004": "merge-shape-mismatch",
    "E005": "heads-not-dividing",
    "E006": "groups-not-dividing",
    "E007": "norm-groups-not-dividing",
    "E008": "bad-argument",
    "E009": "unknown-name",
    "E010": "undefined-or-cyclic-reference",
    "E011": "shuffle-factor",
    "E012": "recurrent-needs-sequence",
    "E020": "syntax-error",
    "E022": "missing-argument",
    "E023": "repeated-argument",
    "E024": "unreadable-file",
    "E025": "no-network",
    "E026": "limit-exceeded",
    "E027": "closed-branch",
    "E028": "open-pipeline",
    "E029": "repeated-name",
    "E030": "size-left-open",
    "E031": "shared-differently",
    "E032": "choice-left-open",
    "E033": "unknown-option",
    "E034": "budget-broken",
}
"""Every code that this version reports, with its name; the catalogue of lint rules goes on from here."""


@frozen
class Related:
    """A second place that a message is about, with what it has to do with it."""

    span: Span
    label: str


@frozen
class Edit:
    """What shall stand in the place of a piece of text."""

    span: Span
    text: str


@frozen
class Fix:
    """Edits that mend what a message is about; a safe one leaves the function of the network as it is."""

    message: str
    edits: tuple[Edit, ...]
    is_safe: bool


@frozen
class Diagnostic:
    """One finding: where it is, what it is, and what to do about it."""

    code: str
    message: str
    span: Span
    label: str = ""
    help: str = ""
    related: tuple[Related, ...] = ()
    severity: str = "error"
    """"error", "warning" or "info"."""
    fix: Fix | None = None
    shapes: tuple[tuple[object, ...], ...] = ()
    """What enters the stage that this is about, and what leaves it, for programs that read messages."""


class CompileError(Exception):
    """The text does not describe a network; `diagnostics` says why, one entry a mistake."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n\n".join(render(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = diagnostics


MOST_RELATED = 4  # places that a message shows beside its own
AND_HERE = "and here"


def with_another_place(found: Diagnostic, span: Span) -> Diagnostic:
    """Return a message that shows one more place where the same is wrong, if not too many are shown already."""
    if len(found.related) >= MOST_RELATED:
        return found
    return evolve(found, related=(*found.related, Related(span, AND_HERE)))


def each_once(found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Leave out what says of a piece of text what another message says of it; an error is left out for another alone.

    What cannot be read is told by the parser, and once more by what it is read as: `None` is no name, and none that is
    known. Where all of the argument or stage has to be written in another way, the message that says so is kept. The
    same mistake in several places is one message.
    """
    unread = [one for one in found if one.code == "E020"]
    unknown = [one.span for one in found if one.code == "E009"]
    unfit = {(one.span.source, one.span.start) for one in found if one.code == "E008"}

    def is_part_of_another(span: Span) -> bool:
        return (
            (span.source, span.start) in unfit
            or any(_is_of_unknown(span, argument) for argument in unknown)
            or any(one.span.holds(span) for one in unread)
        )

    kept = {one for one in unread if not is_part_of_another(one.span)}
    told = {(span.source, span.start) for one in kept for span in _places(one)}
    gathered: dict[object, Diagnostic] = {}
    for one in found:
        if one in kept:
            same = (one.message, one.label, one.help, one.span.source)
            gathered[same] = with_another_place(gathered[same], one.span) if same in gathered else one
        elif one.code != "E020" and not (one.code in _OF_NAMES and (one.span.source, one.span.start) in told):
            gathered[one] = one
    return tuple(gathered.values())


_OF_NAMES = frozenset({"E009", "E010", "E024", "E027"})
"""What is said of the name of a layer, a value, a file or a tensor."""
_NAMED = re.compile(r"(\w+)\s*=\s*\Z")
"""The name of an argument before its value."""
LONGEST_STAGE = 500
"""Characters from an argument to another one of its stage."""


def _is_of_unknown(value: Span, argument: Span) -> bool:
    """Whether a value is that of an unknown argument, or one behind it in its stage, whose message has to wait."""
    text = value.source.text
    named = _NAMED.search(text, max(value.start - LONGEST_QUOTE, 0), value.start)
    if named is None or value.source is not argument.source:
        return False
    is_behind = 0 <= value.start - argument.end < LONGEST_STAGE and "|" not in text[argument.end : value.start]
    return is_behind or named[1] == argument.text


def _places(one: Diagnostic) -> tuple[Span, ...]:
    """Return every place where a message says that the same is wrong."""
    return one.span, *(related.span for related in one.related if related.label == AND_HERE)


LONGEST_QUOTE = 60  # of the text in a message; the place shows the rest


def quoted(text: str) -> str:
    """Return what was written in backticks, on one line, its middle left out where it is long."""
    line = " ".join(text.split())
    if len(line) > LONGEST_QUOTE:
        line = f"{line[: LONGEST_QUOTE - 20]} ... {line[-15:]}"
    return f"`{line}`"


WIDTH = 100  # of a source line as shown; more of it would wrap in a terminal
COLOURS = {"error": "\033[31m", "warning": "\033[33m", "info": "\033[36m"}


def render(diagnostic: Diagnostic, colour: bool = False) -> str:
    """Return the message with the text it is about and marks under it.

    E009 there is no layer `con`
      --> cnn.net:1:14
       |
     1 | in 48x48x1 | con 64@3x3
       |              ^^^ did you mean `conv`?
    """
    own, blue, bold, off = ("",) * 4
    if colour:
        own, blue, bold, off = COLOURS[diagnostic.severity], "\033[34m", "\033[1m", "\033[0m"
    span = diagnostic.span
    line, column = span.source.line_and_column(span.start)
    places = [(span, diagnostic.label, "^")]
    places += [(related.span, related.label, "-") for related in diagnostic.related]
    message, help = _fit_to_show(diagnostic.message), _fit_to_show(diagnostic.help).splitlines()
    helps = [f"{'help: ' if n == 0 else '      '}{text}" for n, text in enumerate(help)]
    lines = [f"{own}{diagnostic.code}{off} {bold}{message}{off}"]
    if not span.source.text:  # a file that is empty, or could not be read
        return "\n".join([*lines, f"  {blue}-->{off} {printable(span.source.name)}", *helps])
    lines.append(f"  {blue}-->{off} {printable(span.source.name)}:{line}:{column}")
    gutter = max(len(str(place.source.line_and_column(place.start)[0])) for place, _, _ in places)
    empty = f" {blue}{'':{gutter}} |{off} "
    source: Source | None = span.source
    lines.append(empty.rstrip(" ") if not colour else empty)
    for place_source, number, start, marks in _by_line(places):
        if place_source is not source:
            source = place_source
            lines.append(f"  {blue}:::{off} {printable(source.name)}")
        shown, rows = _draw_line(place_source, start, marks)
        lines.append(f" {blue}{number:{gutter}} |{off} {shown}".rstrip())
        lines.extend((empty + row).rstrip() for row in rows)
    return "\n".join([*lines, *helps])


def printable(name: str) -> str:
    """Return the name of a file as it can be shown, on one line: a file may be called anything."""
    return name if name.isprintable() else "".join(c if c.isprintable() else "?" for c in name)


def _fit_to_show(text: str) -> str:
    """Return a text of ours, whose words may be an author's: cut where they are endless, without control characters."""
    words = (word if len(word) <= WIDTH else f"{word[: WIDTH - 3]}..." for word in text.split(" "))
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in " ".join(words))


_Mark = tuple[int, int, str, str]  # from, to, label, the character that underlines


def _by_line(places: list[tuple[Span, str, str]]) -> list[tuple[Source, int, int, list[_Mark]]]:
    """Gather the marks of each line, the lines of the first place's source before others, in order."""
    first = places[0][0].source
    gathered: dict[tuple[bool, str, int], tuple[Source, int, int, list[_Mark]]] = {}
    for span, label, character in places:
        start, end = span.source.line_at(span.start)
        number = span.source.line_and_column(span.start)[0]
        key = (span.source is not first, span.source.name, number)
        _, _, _, marks = gathered.setdefault(key, (span.source, number, start, []))
        marks.append((span.start, max(min(span.end, end), span.start + 1), label, character))
    return [gathered[key] for key in sorted(gathered)]


def _draw_line(source: Source, start: int, marks: list[_Mark]) -> tuple[str, list[str]]:
    """Return the part of a line that its marks are in, and the rows under it."""
    end = source.line_at(start)[1]
    first, last = min(mark[0] for mark in marks), max(mark[1] for mark in marks)
    left, right = start, end
    if end - start > WIDTH:
        spare = max(WIDTH - (last - first), 20)
        left = max(start, min(first - spare // 2, end - WIDTH))
        right = min(end, left + WIDTH)
    before, after = ("..." if left > start else ""), ("..." if right < end else "")
    text = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in source.text[left:right])
    shift = len(before) - left
    underline = [" "] * (len(before) + right - left + 1)
    for mark_start, mark_end, _, character in sorted(marks, key=lambda mark: mark[3] == "^"):
        for place in range(mark_start, max(min(mark_end, right), mark_start + 1)):
            if place + shift < len(underline):
                underline[place + shift] = character
    rows = ["".join(underline).rstrip()]
    labelled = sorted((mark for mark in marks if mark[2]), reverse=True)
    behind = max(mark[0] for mark in marks)  # only the label of the last mark can stand behind all of them
    for mark_start, _, label, _ in labelled:
        for text_line in _fit_to_show(label).splitlines():
            if mark_start == behind and len(rows) == 1 and rows[0].endswith(("^", "-")):
                rows[0] += " " + text_line
            else:
                rows.append(" " * (mark_start + shift) + text_line)
    return before + text + after, rows
