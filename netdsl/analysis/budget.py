"""Whether a network keeps the budgets that its text asserts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..diagnostics import Diagnostic, quoted
from ..expressions import Mistake, evaluate, truth
from ..layer import Size, Tensor
from ..network import Budget, Network
from ..source import Span
from ..syntax import tree
from ..values import Value, is_number, show
from .counts import Counts
from .memory import inference_bytes


def broken(network: Network, total: Counts) -> Iterator[Diagnostic]:
    """Return a message for each budget that a network does not keep, or that open sizes leave undecided."""
    for budget in network.budgets:
        names = _Figures(network, total, budget)
        try:
            holds = truth(budget.condition, names)
        except Mistake as found:
            yield found.diagnostic
            continue
        if isinstance(holds, bool):
            if not holds:
                yield _message(budget.condition, names)
            continue
        open_sizes = " and ".join(f"`{name}`" for name in sorted(holds.symbols))
        yield Diagnostic(
            "E030",
            f"whether {quoted(budget.condition.span.text)} holds depends on {open_sizes}",
            budget.condition.span,
            help=f"give {open_sizes} a value with `--set`",
        )


def _message(condition: tree.Expression, names: _Figures) -> Diagnostic:
    """Return the message of a broken budget, which says by how much where it is one comparison of numbers."""
    text = quoted(condition.span.text)
    while isinstance(condition, tree.Parentheses):
        condition = condition.inner
    label = ""
    if isinstance(condition, tree.Binary) and condition.operator in ("<", "<=", ">", ">="):
        left, right = evaluate(condition.left, names), evaluate(condition.right, names)
        if is_number(left) and is_number(right):
            distance = left - right if condition.operator in ("<", "<=") else right - left
            way = "too many" if condition.operator in ("<", "<=") else "too few"
            label = f"{_figure(left)} against {_figure(right)}: {_figure(distance)} {way}"
    return Diagnostic(
        "E034",
        f"the network breaks its budget {text}",
        condition.span,
        label or "this does not hold",
        "make the network smaller, or the budget larger" if label else "",
    )


def _figure(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) else show(value)


class _Figures:
    """The names in a budget: figures of the network, and the constants before it."""

    entering: Tensor | None = None
    place = "assert"
    leaves_open = False

    def __init__(self, network: Network, total: Counts, budget: Budget) -> None:
        self.network = network
        self.total = total
        self.budget = budget

    def look_up(self, name: tree.Name) -> Value | None:
        if name.text in self.budget.constants:
            return self.budget.constants[name.text]
        figure = FIGURES.get(name.text)
        return None if figure is None else figure(self.network, self.total)

    def size(self, name: str, span: Span) -> Value:
        raise Mistake(Diagnostic("E010", f"a budget is about figures, and `{name}` is a size", span, help=KNOWN))

    def names(self) -> tuple[str, ...]:
        return (*FIGURES, *self.budget.constants)

    def misplaced(self, word: str, span: Span) -> None:
        return None

    def member(self, members: tuple[Value, ...], span: Span) -> Value:
        raise Mistake(Diagnostic("E032", "a budget has no choices", span, help="write it for each constant"))


FIGURES: dict[str, Callable[[Network, Counts], Size]] = {
    "params": lambda network, total: total.total,
    "trainable": lambda network, total: total.trainable,
    "macs": lambda network, total: total.macs,
    "flops": lambda network, total: total.macs * 2,
    "memory": inference_bytes,
}
"""What a budget can be about; memory in bytes, of one example in float32."""
KNOWN = f"the figures are {', '.join(FIGURES)}"
