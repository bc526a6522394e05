"""D323: a network that costs more than the project allows."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.budget import FIGURES, against, costliest, where_most_is
from ..diagnostics import Diagnostic
from ..network import Network
from ..record import as_dict
from ..source import Span
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number

MEANINGS = {"params": "parameters", "macs": "multiply-accumulates", "memory": "bytes of memory"}


class BudgetExceeded(Rule):
    code = "D323"
    name = "budget-exceeded"
    severity = "warning"
    page = Page(
        what=(
            "A network with more parameters, multiply-accumulates or memory than the settings of the project allow. "
            "Without a `budget` in the settings nothing is found."
        ),
        why=(
            "What a device or a service can bear is a property of the project, and a network outgrows it a layer at "
            "a time. The message says by how much, and which layers cost most."
        ),
        source=(
            "Budgets of files in web projects, as those of webpack and Lighthouse. `assert` is a budget of one file, "
            "and breaking that is an error."
        ),
        example="in 784 | dense 4096 | relu | dense 10",
        instead="in 784 | dense 64 | relu | dense 10",
        wrong_when="The file is an experiment that is never meant to run on the device.",
        options=(
            "`budget`, a table with any of `params`, `macs` and `memory`: weights and activations of one example in "
            'float32, in bytes. Numbers may be written as in the language: `params = "5M"`.'
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        network, total = view.result.network, view.result.total
        if total is None or view.is_library:
            return
        for name, limit in as_dict(settings.budget).items():
            figure = None if limit is None else number(FIGURES[name](network, total))
            if figure is None or figure <= limit:
                continue
            costs = costliest(network, name)
            yield self.found(
                _stage_of(network, costs[0][0].name) if costs else Span(network.source, 0, 0),
                f"the network has {figure:,} {MEANINGS[name]}, and the budget is {limit:,}",
                against(figure, limit),
                "\n".join(filter(None, [where_most_is(costs), "make the network smaller, or the budget larger"])),
            )


def _stage_of(network: Network, name: str) -> Span:
    """Return the place in the file itself of a layer, or of the block or repeat that it is in."""
    around = (step for step in network.body.steps if f"{name}.".startswith(f"{step.full_name}."))
    return next(around).span
