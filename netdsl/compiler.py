"""The compiler on one page: from a text to what it says, what that means, and what it costs."""

from __future__ import annotations

from .analysis.counts import Counts, count
from .diagnostics import Diagnostic, each_once
from .elaborate import elaborate
from .garbage import uncollected
from .network import Network
from .options import NO_OPTIONS, Options
from .record import frozen
from .size import TooLarge
from .source import Source, Span
from .syntax import tree
from .syntax.parser import parse
from .syntax.tree import Program


@frozen(eq=False)
class Result:
    """What became of a text: every stage, as far as mistakes let it come, and all that was found on the way.

    `total` is None where there are errors.
    """

    program: Program
    network: Network
    total: Counts | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_library(self) -> bool:
        """Whether the text only declares what others can use, so that it describes no network on purpose."""
        declarations = tree.Use | tree.Const | tree.Block | tree.Shared
        return bool(self.program.statements) and all(isinstance(s, declarations) for s in self.program.statements)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What has to be mended before the text describes a network."""
        return _errors(self.diagnostics)


@uncollected()
def compile_source(source: Source, name: str, options: Options = NO_OPTIONS) -> Result:
    """Compile a text, whose network is called `name`. Raises nothing: mistakes are in the result."""
    program, syntax = parse(source)
    network, meaning = elaborate(program, name, options)
    if syntax:  # what could not be read may have been the network, or what takes the rest
        meaning = tuple(diagnostic for diagnostic in meaning if diagnostic.code not in ("E025", "C115"))
    found = each_once(sorted((*syntax, *meaning), key=lambda one: (one.span.source is not source, one.span.start)))
    if _errors(found):
        return Result(program, network, None, found)
    try:
        total = count(network)
        if network.budgets and total is not None:
            from .analysis.budget import broken

            found = (*found, *broken(network, total))
        return Result(program, network, total, found)
    except TooLarge as reason:
        return Result(program, network, None, (*found, _too_large(network, reason)))


def _errors(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    return tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")


def _too_large(network: Network, reason: TooLarge) -> Diagnostic:
    message = f"the figures of this network are too large to be shown: {reason}"
    start = Span(network.source, 0, 0)
    return Diagnostic("E026", message, start, help="give open sizes a number where the inputs are declared")
