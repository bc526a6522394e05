"""C113: dropout behind the last layer."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class DropoutAtOutput(Rule):
    code = "C113"
    name = "dropout-at-output"
    severity = "warning"
    page = Page(
        what="Dropout behind the last layer that learns, with no pool behind it.",
        why=(
            "While training it sets parts of the answer to 0, whatever the network says, and the loss "
            "punishes that. It never regularises anything, as no layer that learns follows."
        ),
        source='Srivastava et al., 2014, "Dropout", who drop inputs and hidden units.',
        example="in 64 | dense 32 | relu | dense 10 | dropout 0.5",
        instead="in 64 | dense 32 | relu | dropout 0.5 | dense 10",
        wrong_when="Never; SqueezeNet drops before its last convolution and averages behind.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            for tail in view.tails(end):
                if tail.learner is None:
                    continue
                for place in tail.between:
                    if place.is_pool or place.joins:
                        break
                    if place.rate != 0:
                        layer = tail.learner.text
                        yield self.found(
                            place.span,
                            f"{place.text} drops parts of the output, behind {layer}, the last layer that learns",
                            place.flow,
                            "delete it, or put it before that layer",
                            (Related(tail.learner.span, "the last layer that learns"),),
                            self.fix(f"Delete {place.text}", view.edits.delete(place.span)),
                        )
