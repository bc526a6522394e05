"""S606: a network that does not say how it is trained."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class MissingContract(Rule):
    code = "S606"
    name = "missing-contract"
    severity = "info"
    is_default = False
    page = Page(
        what="A network without a `train` statement.",
        why=(
            "Whether the last activation, the loss and the labels go together can only be checked where they "
            "are said; and the emitted code then has a training step."
        ),
        source="The rules of NeuraLint and UMLAUT on outputs and losses, which need to know the loss.",
        example="in 784 | dense 32 | relu | dense 10",
        instead="in 784 | dense 32 | relu | dense 10\ntrain loss=cross_entropy_logits target=10",
        wrong_when="The network is a part of another one.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        if view.ends and not any(isinstance(statement, tree.Train) for statement in view.program.statements):
            end = view.ends[0]
            yield self.found(
                end.place.span,
                "nothing says how this network is trained, so that its output cannot be checked",
                f"{end.place.output} leaves the network" if end.place.output is not None else "",
                f"add for example `train loss=cross_entropy_logits target={end.place.output}`",
            )
