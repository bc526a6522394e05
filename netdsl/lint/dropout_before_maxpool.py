"""T203: dropout before a max pool."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class DropoutBeforeMaxpool(Rule):
    code = "T203"
    name = "dropout-before-maxpool"
    severity = "info"
    page = Page(
        what="Dropout whose output goes to a max pool, directly or through an activation.",
        why=(
            "The pool takes the largest of the values that are left, so that a window is dropped only where "
            "all of its values are: the rate that acts is much smaller than the one that is written, and "
            "differs from that in use."
        ),
        source="NeuraLint's rule 18; SO-44184091.",
        example="in 28x28x1 | conv 32@3x3 same | relu | dropout 0.3 | pool 2 | flatten | dense 10",
        instead="in 28x28x1 | conv 32@3x3 same | relu | pool 2 | dropout 0.3 | flatten | dense 10",
        wrong_when="The rate was tuned where it stands.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for pool in view.places:
            place = pool.inputs[0] if pool.takes_largest and len(pool.inputs) == 1 else None
            if place is not None and place.is_activation and len(place.inputs) == 1:
                place = place.inputs[0]
            if place is None or place.rate == 0:
                continue
            gone, put = view.edits.delete(place.span), view.edits.put_behind(pool.span, place.step.text)
            yield self.found(
                place.span,
                f"{place.text} stands before {pool.text}, which takes the largest of what is left, and so hides it",
                place.flow,
                f"put it behind the pool: `{pool.step.text} | {place.step.text}`",
                (Related(pool.span, "takes the largest"),),
                self.fix(f"Move it behind {pool.text}", (*gone, *put) if gone and put else ()),
            )
