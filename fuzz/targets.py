"""What is done with one text, and what has to hold whatever it says."""

from __future__ import annotations

import ast
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import process_time
from types import FrameType
from typing import TypeVar

from attrs import field, frozen
from canonical import checked as in_form

import netdsl
from netdsl.analysis.summary import as_csv, as_json, as_markdown, as_table
from netdsl.compiler import Result, compile_source
from netdsl.diagnostics import CompileError, Diagnostic, render
from netdsl.emit import TARGETS
from netdsl.files import reader
from netdsl.lint.thresholds import Thresholds
from netdsl.linter.check import NO_NETWORK, Checked, check
from netdsl.linter.fixing import Text, fixable, mend
from netdsl.linter.selection import Choice, selected
from netdsl.net import Net
from netdsl.options import Options
from netdsl.size import substitute, symbols
from netdsl.source import Source, Span
from netdsl.syntax.parser import parse

T = TypeVar("T")

SECONDS, SECONDS_A_CHARACTER = 1.0, 50e-6
"""What each step may take, of the processor's time."""
LONGEST = 20.0
"""Seconds after which a step is broken off."""
MOST_MEMORY = 200
"""MB by which a text may raise the memory of a process that is warm."""

RULES = selected((Choice(select=("ALL",)),), preview=True)


class Failure(Exception):
    """Something does not hold of a text; `kind` is the same for texts that fail alike."""

    def __init__(self, kind: str, text: str, detail: str = "") -> None:
        super().__init__(f"{kind}\n{detail}\n{text!r}")
        self.kind = kind
        self.text = text
        self.detail = detail


class TooLong(BaseException):
    """A step has taken too long. Not an Exception, so that nothing on the way handles it."""


@frozen
class Examined:
    """What became of a text: whether it is right, and the seconds of each step."""

    is_right: bool
    seconds: dict[str, float] = field(factory=dict)

    @property
    def total(self) -> float:
        """The seconds of all steps."""
        return sum(self.seconds.values())


def examine(text: str, slowness: float = 1.0) -> Examined:
    """Do with a text all that there is to be done. Raises Failure; `slowness` is how much longer it may take."""
    examination = _Examination(text, slowness)
    try:
        return examination.run()
    except Failure:
        raise
    except (Exception, TooLong) as raised:
        kind = f"{examination.step}: {type(raised).__name__} in {_place(raised)}"
        raise Failure(kind, text, "".join(traceback.format_exception(raised, limit=-8))) from None


class _Examination:
    """One text on its way through the steps."""

    def __init__(self, text: str, slowness: float) -> None:
        self.text = text
        self.slowness = slowness
        self.step = "start"
        self.rounds = 1
        """How often the work of a step is done in it."""
        self.seconds: dict[str, float] = {}

    def timed(self, step: str, work: Callable[[], T]) -> T:
        """Do a step, within its time."""
        self.step, self.rounds = step, 1
        began = process_time()
        with _at_most(LONGEST * self.slowness):
            result = work()
        self.seconds[step] = process_time() - began
        allowed = (SECONDS + SECONDS_A_CHARACTER * len(self.text)) * self.rounds
        self.hold(self.seconds[step] <= allowed * self.slowness, "slow", f"{self.seconds[step]:.2f} s")
        return result

    def hold(self, condition: bool, kind: str, detail: object = "") -> None:
        """Raise Failure where a condition does not hold."""
        if not condition:
            raise Failure(f"{self.step}: {kind}", self.text, str(detail))

    def run(self) -> Examined:
        """Go through all steps."""
        source = Source("fuzz", self.text)
        result = self.timed("compile", lambda: compile_source(source, "fuzz", OPTIONS))
        self.timed("messages", lambda: self.messages(result.diagnostics))
        checked = self.timed("lint", lambda: self.lint(result))
        self.timed("lint messages", lambda: self.messages(checked.found))
        if not parse(source)[1]:
            form = self.timed("fmt", lambda: in_form(self.text))
            self.timed("compile form", lambda: self.same_meaning(result, form))
        if "\r\n" not in self.text and fixable(checked, unsafe=True):
            self.timed("fix", lambda: self.fix(checked))
        if not result.errors:
            self.right(result)
        return Examined(not result.errors, self.seconds)

    def messages(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Each message has places in texts, says more than that something is wrong, and can be shown."""
        for found in diagnostics:
            spans = [found.span, *(related.span for related in found.related)]
            spans += [edit.span for edit in found.fix.edits] if found.fix is not None else []
            self.hold(all(map(_is_inside, spans)), f"the place of {found.code} is outside of its text", found)
            says = bool(found.label or found.help or found.severity != "error")
            self.hold(says, f"{found.code} says only that something is wrong", found)
            self.hold(bool(found.message), f"{found.code} has no message", found)
            shown = render(found), render(found, colour=True)
            self.hold(all(line.isprintable() for line in shown[0].split("\n")), f"{found.code} is not printable", shown)

    def lint(self, result: Result) -> Checked:
        """Lint finds the errors of the compiler, and no rule breaks."""
        checked = check(result, RULES, Thresholds())
        errors = {_key(one) for one in result.errors if one.code != NO_NETWORK or not result.is_library}
        found = {_key(one) for one in checked.found if one.severity == "error" and one.code in ERRORS}
        self.hold(found == errors, "lint finds other errors", found ^ errors)
        return checked

    def fix(self, checked: Checked) -> None:
        """No fix is to blame for a new mistake, and fixes come to an end."""

        def again(source: Source) -> Checked:
            self.rounds += 1
            return check(compile_source(source, "fuzz", OPTIONS), RULES, Thresholds())

        mended = mend(Text.of(self.text), checked, again, unsafe=True)
        for refused in mended.refused:
            self.hold(not refused.is_ours, f"the fix of {refused.diagnostic.code} breaks the text", refused.mistake)
        self.messages(mended.checked.found)

    def same_meaning(self, result: Result, form: str) -> None:
        """The canonical form is as right as the text is, and costs what it costs."""
        again = compile_source(Source("fuzz", form), "fuzz", OPTIONS)
        if result.errors:  # what else is said of a mistake may depend on the line on which it stands
            self.hold(bool(again.errors), "the form has no mistakes", form)
        else:
            before, after = ([one.code for one in each.diagnostics] for each in (result, again))
            self.hold(before == after, "the form has other mistakes", (form, before, after))
            self.hold(result.total == again.total, "the form has other figures", form)

    def right(self, result: Result) -> None:
        """What has no mistakes has figures, a summary, and code."""
        assert result.total is not None
        net = Net(result.network, result.total, result.diagnostics)
        self.timed("summary", lambda: self.summaries(net))
        self.timed("explain", net.explain)
        names = sorted(symbols(tuple(_figures(net))))
        if names:
            self.timed("numbers", lambda: self.on_numbers(net, names))
        for target in TARGETS:
            source = self.timed(target, lambda target=target: self.emitted(net, target))  # type: ignore[misc]
            if source is not None:
                self.timed(f"{target} code", lambda source=source: ast.parse(source))  # type: ignore[misc]

    def summaries(self, net: Net) -> None:
        """Every form of the summary can be made, or there are too many rows for all of them."""
        with suppress(CompileError):
            summary = net._summary()
            assert as_table(summary) and as_markdown(summary)
            assert as_csv([("fuzz", summary)]) and as_json([("fuzz", summary)])
        with suppress(CompileError):
            assert net.summary(depth=1)

    def emitted(self, net: Net, target: str) -> str | None:
        """Return the code for a target, None where it is refused."""
        try:
            source = net.emit(target)
            assert net.weight_map(target) is not None
            return source
        except CompileError as refused:
            self.messages(refused.diagnostics)
            self.hold(bool(refused.diagnostics), "it is refused without a reason")
            return None

    def on_numbers(self, net: Net, names: list[str]) -> None:
        """What is counted on symbols is, on numbers, what is counted on these."""
        values = {name: 24 + 8 * place for place, name in enumerate(names) if name.isidentifier()}
        if len(values) < len(names):
            return
        try:
            numbers = netdsl.compile(self.text, "fuzz", **values)  # type: ignore[arg-type]
        except CompileError:
            return
        wanted = substitute(tuple(_figures(net)), values)
        self.hold(wanted == tuple(_figures(numbers)), "symbols count otherwise", (wanted, tuple(_figures(numbers))))


OPTIONS = Options(read=reader(None))
ERRORS = frozenset(code for code in netdsl.diagnostics.CODES)


def _figures(net: Net) -> Iterator[object]:
    yield net.parameters.trainable
    yield net.parameters.not_trained
    yield net.macs
    for output in net.outputs:
        yield from output.shape


def _key(found: Diagnostic) -> tuple[object, ...]:
    return found.code, found.span.source.name, found.span.start, found.span.end, found.message


def _is_inside(span: Span) -> bool:
    return 0 <= span.start <= span.end <= len(span.source.text)


def _place(raised: BaseException) -> str:
    """Return the function of the compiler in which something was raised."""
    frames = [frame for frame, _ in traceback.walk_tb(raised.__traceback__)]
    ours = [frame for frame in frames if f"{os.sep}netdsl{os.sep}" in frame.f_code.co_filename] or frames
    if isinstance(raised, RecursionError | TooLong | MemoryError):  # where that happens is chance
        return ours[min(3, len(ours) - 1)].f_code.co_qualname
    return ours[-1].f_code.co_qualname


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise TooLong where something takes longer, in the processor's time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
