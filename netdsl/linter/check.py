"""What is found in one text: errors, and what the rules that are on say and no comment suppresses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from attrs import frozen

from ..compiler import Result
from ..diagnostics import Diagnostic
from ..emit import TARGETS
from ..lint import findings
from ..lint.thresholds import Thresholds
from ..network import Body, Experts, Network, Repeat, Step, Use
from ..record import evolve
from .selection import is_error
from .suppressions import UNUSED, Suppressions

NO_NETWORK = "E025"


@frozen(eq=False)
class Checked:
    """A text that has been checked: what was found in it, in the order of the text."""

    result: Result
    found: tuple[Diagnostic, ...]
    suppressions: Suppressions

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors among what was found."""
        return tuple(diagnostic for diagnostic in self.found if is_error(diagnostic.code))


def check(
    result: Result, codes: Collection[str], thresholds: Thresholds, targets: Collection[str] = TARGETS
) -> Checked:
    """Return what is found in a text that has been compiled for some frameworks, by the rules that are on.

    What is found in a file that the text uses is left to whoever checks that file, unless it is an error. A text that
    only declares what others can use needs no network in it.
    """
    suppressions = Suppressions(result.program)
    wanted = frozenset(codes)
    asked = wanted | suppressions.codes if UNUSED in wanted else wanted
    found = [
        diagnostic
        for diagnostic in (*result.diagnostics, *findings(result, asked, thresholds, targets))
        if is_error(diagnostic.code) or (diagnostic.code in asked and diagnostic.span.source is result.program.source)
    ]
    if result.is_library:
        found = [diagnostic for diagnostic in found if diagnostic.code != NO_NETWORK]
    kept = [diagnostic for diagnostic in suppressions.left(found) if _is_on(diagnostic.code, wanted)]
    if UNUSED in wanted and not any(is_error(diagnostic.code) for diagnostic in kept):
        # where there are errors, what would be suppressed may not have been found
        kept += [unused for unused in suppressions.unused() if not _is_meant(suppressions, unused)]
    return Checked(result, tuple(_with_shapes(result.network, _once(kept, result))), suppressions)


def _is_on(code: str, codes: Collection[str]) -> bool:
    return is_error(code) or code in codes


def _is_meant(suppressions: Suppressions, unused: Diagnostic) -> bool:
    """Whether a comment says by name that needless comments may stand here."""
    return any(UNUSED in directive.codes for directive in suppressions.over(unused.span))


def _once(found: Iterable[Diagnostic], result: Result) -> list[Diagnostic]:
    """Return findings in the order of the text, each once: what a block has may be found at each of its uses."""
    seen = {
        (one.code, one.span.source.name, one.span.start, one.span.end, one.message): one for one in reversed([*found])
    }
    source = result.program.source
    return sorted(seen.values(), key=lambda one: (one.span.source is not source, one.span.start, one.code, one.message))


# The shapes around what a finding is about


def _with_shapes(network: Network, found: list[Diagnostic]) -> Iterator[Diagnostic]:
    if not found:
        return
    steps = {(id(step.span.source), step.span.start): (body, step) for body, step in _steps(network.body)}
    for diagnostic in found:
        at = steps.get((id(diagnostic.span.source), diagnostic.span.start))
        yield diagnostic if diagnostic.shapes or at is None else evolve(diagnostic, shapes=tuple(_shapes(*at)))


def _shapes(body: Body, step: Step) -> Iterator[tuple[object, ...]]:
    """Return the shapes that enter a step, and that which leaves it, as far as they are known."""
    for tensor in (*map(body.tensor, step.inputs), step.output):
        if tensor is not None:
            yield tensor.sizes


def _steps(outermost: Body) -> Iterator[tuple[Body, Step]]:
    """Return each step of each body once, the steps inside of a step before it."""
    waiting, seen = [outermost], {outermost}
    bodies = []
    while waiting:
        body = waiting.pop()
        bodies.append(body)
        for step in body.steps:
            inner: list[Body] = []
            if isinstance(step.does, Repeat):
                inner = [run.body for run in step.does.runs]
            elif isinstance(step.does, Use | Experts):
                inner = [step.does.body]
            waiting += [part for part in inner if part not in seen]
            seen.update(inner)
    for body in reversed(bodies):
        yield from ((body, step) for step in body.steps)
