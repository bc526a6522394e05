"""Comments that suppress findings: `# noqa: C107` on a line, and `# netdsl: file-ignore[C107]` at the top of a file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from attrs import field, frozen

from ..diagnostics import Diagnostic, Edit, Fix
from ..scope import nodes_in
from ..source import Source, Span
from ..spelling import distance
from ..syntax import tree
from .selection import UnknownRule, code_of, is_code, is_error

UNUSED = "S607"
FILE_IGNORE = "file-ignore"

_NOQA = re.compile(r"#[ \t]*noqa\b(?P<list>[ \t]*:)?", re.IGNORECASE)
_OF_FILE = re.compile(r"#[ \t]*netdsl:[ \t]*(?P<word>[\w-]+)(?P<list>[ \t]*\[)?", re.IGNORECASE)
_WORD = re.compile(r"[ \t]*(?P<comma>,)?[ \t]*(?P<word>[A-Za-z][\w-]*)")


@frozen(eq=False, slots=False)
class Directive:
    """What one comment suppresses: everything but errors, or the rules that it lists."""

    comment: Span
    span: Span
    """The part of the comment that says so."""
    words: tuple[Span, ...]
    """The codes or names in its list."""
    has_list: bool
    is_of_file: bool
    used: set[str] = field(factory=set)
    """The codes of what it has suppressed."""

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes of the rules in its list."""
        return frozenset(code for word in self.words if (code := _code(word)) is not None and not is_error(code))

    def covers(self, code: str) -> bool:
        """Whether it suppresses what has a code."""
        return not is_error(code) and (code in self.codes if self.has_list else True)


def _code(word: Span) -> str | None:
    """Return the code that a word in a list means."""
    try:
        return code_of(word.text)
    except UnknownRule:
        return None


class Suppressions:
    """The comments of one file that suppress something, and what they have suppressed so far."""

    def __init__(self, program: tree.Program) -> None:
        self.program = program
        self.of_file: list[Directive] = []
        self.of_lines: dict[int, list[Directive]] = {}
        self.misplaced: list[Directive] = []
        self.mistaken: list[Span] = []
        """Words that are almost `file-ignore`."""
        for comment in program.comments:
            self._read(comment.span)

    def _read(self, comment: Span) -> None:
        source, text = comment.source, comment.text
        of_file = _OF_FILE.match(text)
        if of_file is not None and of_file["word"].lower() == FILE_IGNORE:
            directive = _directive(comment, of_file, is_of_file=True)
            first = self.program.statements[0].span.start if self.program.statements else len(source.text)
            (self.of_file if comment.start < first else self.misplaced).append(directive)
        elif of_file is not None and distance(of_file["word"].lower(), FILE_IGNORE) <= 2:
            start = comment.start + of_file.start("word")
            self.mistaken.append(Span(source, start, start + len(of_file["word"])))
        for match in _NOQA.finditer(text):
            self.of_lines.setdefault(self.line(comment.start), []).append(_directive(comment, match, is_of_file=False))

    def line(self, offset: int) -> int:
        """Return the line that an offset is in."""
        return self.program.source.line_and_column(offset)[0]

    @property
    def directives(self) -> Iterator[Directive]:
        """All that have an effect."""
        yield from self.of_file
        for directives in self.of_lines.values():
            yield from directives

    @property
    def codes(self) -> frozenset[str]:
        """The codes that are listed anywhere: only who runs their rules knows whether they suppress something."""
        return frozenset().union(*(directive.codes for directive in self.directives))

    def left(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return what nothing suppresses."""
        return tuple(diagnostic for diagnostic in found if not self.suppresses(diagnostic))

    def suppresses(self, diagnostic: Diagnostic) -> bool:
        """Whether something suppresses a finding."""
        covering = [directive for directive in self.over(diagnostic.span) if directive.covers(diagnostic.code)]
        for directive in covering:
            directive.used.add(diagnostic.code)
        return bool(covering)

    def over(self, span: Span) -> Iterator[Directive]:
        """Return what stands on the lines of a place, or at the top of the file."""
        if span.source is not self.program.source:
            return
        yield from self.of_file
        if self.of_lines:
            for line in self.lines(span):
                yield from self.of_lines.get(line, ())

    def lines(self, span: Span) -> set[int]:
        """Return the lines on which a comment is about a place: where it begins and ends, and where its stage does."""
        around = [stage for stage in self._stages if stage.start <= span.start and span.end <= stage.end]
        innermost = min(around, key=lambda stage: stage.end - stage.start, default=span)
        ends = [span, *([innermost] if innermost in self._whole else [])]
        return {self.line(offset) for place in ends for offset in (place.start, max(place.start, place.end - 1))}

    @cached_property
    def _stages(self) -> tuple[Span, ...]:
        """The places of stages and statements, and of the pipelines that they are in."""
        kinds = tree.Layer | tree.Call | tree.Group | tree.For | tree.Pipeline | tree.Conditional
        kinds |= tree.Train | tree.Assert | tree.Const | tree.Use
        nodes = (node for statement in self.program.statements for node in nodes_in(statement))
        return tuple(_whole(node) for node in nodes if isinstance(node, kinds))

    @cached_property
    def _whole(self) -> frozenset[Span]:
        """Those places that are one thing, on however many lines."""
        kinds = tree.Layer | tree.Call | tree.Train | tree.Assert | tree.Const | tree.Use
        nodes = (node for statement in self.program.statements for node in nodes_in(statement))
        return frozenset(_whole(node) for node in nodes if isinstance(node, kinds))

    # What is wrong with the comments themselves

    def unused(self) -> Iterator[Diagnostic]:
        """Return a finding for each comment that suppresses nothing, or lists what it cannot suppress."""
        for directive in self.directives:
            if UNUSED not in directive.codes:
                yield from self._unused(directive)
        for directive in self.misplaced:
            message = f"`{directive.span.text}` stands behind a statement, and so suppresses nothing"
            yield _finding(message, directive.span, "move it to the top of the file, or write `# noqa` on each line")
        for word in self.mistaken:
            yield _finding(f"there is no `{word.text}`", word, f"did you mean `{FILE_IGNORE}`?")

    def _unused(self, directive: Directive) -> Iterator[Diagnostic]:
        if not directive.has_list:
            if not directive.used:
                message = f"`{directive.span.text}` suppresses nothing"
                yield _finding(message, directive.span, "leave it out", _without(directive, directive.words))
            return
        if not directive.words:
            yield _finding(
                f"`{directive.span.text}` lists no rule", directive.span, "write codes, as in `# noqa: C107`"
            )
        needless = []
        for word in directive.words:
            code = _code(word)
            if code is None:
                try:
                    code_of(word.text)
                except UnknownRule as reason:
                    yield _finding(str(reason), word)
            elif is_error(code) or code not in directive.used:
                needless.append(word)
        for word in needless:
            message = f"`{word.text}` suppresses nothing here"
            help = "leave it out"
            if is_error(_code(word) or ""):
                message, help = f"`{word.text}` is an error, and errors cannot be suppressed", "mend it"
            yield _finding(message, word, help, _without(directive, needless))


def _directive(comment: Span, match: re.Match[str], is_of_file: bool) -> Directive:
    """Return what a part of a comment says, which goes on up to the next `#`, or the `]` of its list."""
    source, has_list = comment.source, bool(match["list"])
    start, end = comment.start + match.start(), comment.start + match.end()
    following = source.text.find("#", end, comment.end)
    last = comment.end if following < 0 else following
    words = _listed(source, end, last) if has_list else ()
    if is_of_file:
        closed = source.text.find("]", end, last) + 1
        last = (closed or last) if has_list else end
    span = Span(source, start, start + len(source.text[start:last].rstrip()))
    return Directive(comment, span, words, has_list, is_of_file)


def _listed(source: Source, start: int, end: int) -> tuple[Span, ...]:
    """Return the words of a list: behind commas, or, if they are codes, behind blanks; what follows is a reason."""
    words: list[Span] = []
    while (match := _WORD.match(source.text, start, end)) is not None:
        if words and not match["comma"] and not is_code(match["word"]):
            break
        words.append(Span(source, match.start("word"), match.end("word")))
        start = match.end()
    return tuple(words)


def _whole(node: tree.Node) -> Span:
    return node.whole if isinstance(node, tree.Labelled) else node.span


def _finding(message: str, span: Span, help: str = "", fix: Fix | None = None) -> Diagnostic:
    return Diagnostic(UNUSED, message, span, help=help, severity="warning", fix=fix)


def _without(directive: Directive, words: Collection[Span]) -> Fix:
    """Return how words are taken out of a list, or all of the comment where nothing is left of it."""
    kept = [word.text for word in directive.words if word not in words]
    if kept:
        listed = directive.words[0].to(directive.words[-1])
        return Fix("Leave out what suppresses nothing", (Edit(listed, ", ".join(kept)),), True)
    return Fix("Leave out the comment", (Edit(_with_blanks(directive), ""),), True)


def _with_blanks(directive: Directive) -> Span:
    """Return the place of a comment with the blanks before it, and with its line where nothing else is there."""
    source, start, end = directive.span.source, directive.span.start, directive.span.end
    text = source.text
    line_start, line_end = source.line_at(start)
    if text[end:line_end].lstrip().startswith("#"):  # another comment stays
        return Span(source, start, end + len(text[end:line_end]) - len(text[end:line_end].lstrip()))
    end = line_end if not text[end:line_end].strip() or start == directive.comment.start else end
    start = line_start + len(text[line_start:start].rstrip(" \t"))
    if start == line_start and end == line_end:
        return Span(source, start, min(end + 1, len(text)))
    return Span(source, start, end)


# Comments that are written


def with_noqa(source: Source, found: Iterable[Diagnostic], suppressions: Suppressions) -> tuple[tuple[Edit, ...], int]:
    """Return the edits that suppress findings where they are, and how many comments they write or extend."""
    wanted: dict[int, dict[str, None]] = {}
    for diagnostic in found:
        if diagnostic.span.source is source and not is_error(diagnostic.code) and diagnostic.code != UNUSED:
            wanted.setdefault(suppressions.line(diagnostic.span.start), {})[diagnostic.code] = None
    edits = []
    starts = [0, *(match.end() for match in re.finditer("\n", source.text))]
    for line, codes in sorted(wanted.items()):
        listed = ", ".join(sorted(codes))
        lists = [directive for directive in suppressions.of_lines.get(line, ()) if directive.has_list]
        if lists and lists[0].words:
            end = lists[0].words[-1].end
            edits.append(Edit(Span(source, end, end), f", {listed}"))
        elif lists:
            end = lists[0].span.start + lists[0].span.text.index(":") + 1
            gap = "" if source.text[end : end + 1].isspace() or end == len(source.text) else " "
            edits.append(Edit(Span(source, end, end), f" {listed}{gap}"))
        else:
            start, end = source.line_at(starts[line - 1])
            end = start + len(source.text[start:end].rstrip())
            edits.append(Edit(Span(source, end, end), f"  # noqa: {listed}"))
    return tuple(edits), len(edits)
