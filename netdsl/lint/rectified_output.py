"""C104: an output that is cut off at zero."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class RectifiedOutput(Rule):
    code = "C104"
    name = "rectified-output"
    severity = "warning"
    page = Page(
        what="An activation like `relu` behind the last layer that learns, with no pool behind it.",
        why=(
            "Where the layer's value falls below zero for all examples, the output is stuck there: its "
            "gradient is zero and nothing can mend it. And all values below zero are out of reach."
        ),
        source="Six cases, SO-48251943 and SO-44066044 among them.",
        example="in 2 | dense 4 | relu | dense 1 | relu\ntrain loss=mse",
        instead="in 2 | dense 4 | relu | dense 1\ntrain loss=mse",
        wrong_when=(
            "What is predicted is never negative; `softplus` says so without getting stuck. SqueezeNet "
            "averages behind its last `relu`, and is left alone."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            for last, does, tail in view.last_activations(end):
                if not does.is_rectified:
                    continue
                if any(stage.is_pool for stage in tail.between[: tail.between.index(last)]):
                    continue
                assert tail.learner is not None, "it is the last layer"
                yield self.found(
                    last.span,
                    f"the output ends in {last.text}, and is stuck at the bottom where {tail.learner.text} falls "
                    "below zero",
                    last.flow,
                    "leave it out, or end with what the loss takes, as `sigmoid`; for amounts with `softplus`",
                    (Related(tail.learner.span, "the last layer that learns"),),
                    self.fix(f"Delete {last.text}", view.edits.delete(last.span)),
                )
