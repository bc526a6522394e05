"""Whether a network keeps its budgets, those that its text asserts and others; if not, what costs most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import nlargest
from itertools import islice

from ..diagnostics import Diagnostic, quoted
from ..expressions import Mistake, evaluate, mistake, truth
from ..layer import Size, Tensor
from ..network import Budget, Network
from ..scope import nodes_in
from ..source import Span
from ..spelling import nearest
from ..syntax import tree
from ..values import Value, is_number, show
from .counts import MOST_ROWS, Counts, Row, rows
from .memory import BYTES, elements, inference_bytes


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
    label, costs = "", ""
    if isinstance(condition, tree.Binary) and condition.operator in ("<", "<=", ">", ">="):
        left, right = evaluate(condition.left, names), evaluate(condition.right, names)
        if is_number(left) and is_number(right):
            is_above = condition.operator in ("<", "<=")
            label = against(left, right) if is_above else against(right, left, "too few")
            about = {node.text for node in nodes_in(condition) if isinstance(node, tree.Name)} & FIGURES.keys()
            if is_above and len(about) == 1:
                costs = where_most_is(costliest(names.network, about.pop()))
    return Diagnostic(
        "E034",
        f"the network breaks its budget {text}",
        condition.span,
        label or "this does not hold",
        "\n".join(filter(None, [costs, "make the network smaller, or the budget larger" if label else ""])),
    )


def against(value: Value, limit: Value, way: str = "too many") -> str:
    """Return by how much a figure misses its limit, the larger of both first."""
    figure, wanted = (value, limit) if way == "too many" else (limit, value)
    return f"{_figure(figure)} against {_figure(wanted)}: {_figure(value - limit)} {way}"


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

    def misplaced(self, word: str, span: Span) -> Mistake:
        meant = _BROUGHT.get(word) or nearest(word, self.names())
        label = f"did you mean `{meant}`?" if meant else ""
        return mistake("E010", f"a budget is over no figure called {quoted(word)}", span, label, KNOWN)

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
_COSTS: dict[str, Callable[[Row, Counts], Size]] = {
    "params": lambda row, counts: counts.total * row.times,
    "trainable": lambda row, counts: counts.trainable * row.times,
    "macs": lambda row, counts: 0 if row.is_aux else counts.macs * row.times,
    "flops": lambda row, counts: 0 if row.is_aux else counts.macs * row.times * 2,
    "memory": lambda row, counts: counts.total * row.times * BYTES + elements(row.output) * BYTES,
}
"""What a line of the summary has of each figure; of memory, its weights and what leaves it."""
_BROUGHT = {"parameters": "params", "weights": "params", "size": "params", "mac": "macs", "flop": "flops"}
"""What people call the figures elsewhere."""
KNOWN = f"the figures are {', '.join(FIGURES)}"


def costliest(network: Network, figure: str, most: int = 3) -> tuple[tuple[Row, int], ...]:
    """Return the layers that have the most of a figure, with what they have, where that is a number above 0."""
    listed = list(islice(rows(network), MOST_ROWS + 1))
    if len(listed) > MOST_ROWS:
        listed = list(islice(rows(network, 1), MOST_ROWS))
    costs = ((row, _COSTS[figure](row, row.counts)) for row in listed if row.counts is not None)
    numbers = [(row, cost) for row, cost in costs if isinstance(cost, int) and cost > 0]
    return tuple(nlargest(most, numbers, key=lambda pair: pair[1]))


def where_most_is(costs: tuple[tuple[Row, int], ...]) -> str:
    """Return in words what `costliest` has found; nothing where that is nothing."""
    if not costs:
        return ""
    *others, last = (f"`{row.name}` ({cost:,})" for row, cost in costs)
    return "most is in " + (f"{', '.join(others)} and {last}" if others else last)
