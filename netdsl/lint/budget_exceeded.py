"""D323: a network that costs more than it may."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.memory import inference_bytes
from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class BudgetExceeded(Rule):
    code = "D323"
    name = "budget-exceeded"
    severity = "warning"
    page = Page(
        what=(
            "A network with more parameters, multiply-accumulates or memory than the `budget` of the "
            "configuration allows."
        ),
        why="Where a network has to run is known before it is designed.",
        source="",
        example="in 784 | dense 4096 | relu | dense 10",
        instead="in 784 | dense 64 | relu | dense 10",
        wrong_when="Never: change the budget. `assert` in the text says the same for one network.",
        options=(
            "`budget`, a table with `params`, `macs` and `memory` (bytes of weights and activations for one "
            "example); none is set unless a project sets it."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        total, budget = view.result.total, settings.budget
        if total is None or not view.ends:
            return
        memory = total.total if budget.memory is None else inference_bytes(view.result.network, total)
        figures = (
            ("parameters", budget.params, total.total),
            ("multiply-accumulates", budget.macs, total.macs),
            ("bytes of memory", budget.memory, memory),
        )
        for what, most, figure in figures:
            cost = number(figure)
            if most is not None and cost is not None and cost > most:
                yield self.found(
                    view.ends[0].output.span,
                    f"this network takes {cost:,} {what}, and the budget is {most:,}: {cost - most:,} too many",
                    "",
                    "make it smaller, or change `budget` in the configuration",
                )
