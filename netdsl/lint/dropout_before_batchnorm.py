"""T201: dropout whose output a batch norm measures."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class DropoutBeforeBatchnorm(Rule):
    code = "T201"
    name = "dropout-before-batchnorm"
    severity = "warning"
    page = Page(
        what="Dropout that reaches a batch norm through activations, pools, flatten or reshape.",
        why=(
            "Dropout raises the variance of its output in training and leaves it alone afterwards, so the "
            "averages that batch norm keeps are of another distribution than it meets in use."
        ),
        source=(
            'Li, Chen, Hu and Yang, 2019, "Understanding the disharmony between dropout and batch '
            'normalization by variance shift".'
        ),
        example="in 28x28x1 | conv 32@3x3 | relu | dropout 0.3 | bn | conv 64@3x3/2 | relu | flatten | dense 10",
        instead="in 28x28x1 | conv 32@3x3 | relu | bn | dropout 0.3 | conv 64@3x3/2 | relu | flatten | dense 10",
        wrong_when="Inside of a residual branch, as wide residual networks have it; this rule leaves that alone.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for norm in view.places:
            if norm.does is None or not norm.does.keeps_statistics:
                continue
            place, _ = view.before(norm, _keeps_shift)
            if place is None or place.does is None or not place.does.drops or getattr(place.does, "rate", 0) == 0:
                continue
            if view.is_in_branch(place):
                continue
            gone, put = view.edits.delete(place.span), view.edits.put_behind(norm.span, place.step.text)
            yield self.found(
                place.span,
                f"{place.text} stands before {norm.text}, whose averages it shifts: training measures values that "
                "it has dropped, and use has none dropped",
                "",
                "drop behind the norm and its activation: `conv | bn | relu | dropout`",
                (Related(norm.span, "keeps the variance of training for use"),),
                self.fix(f"Move it behind {norm.text}", (*gone, *put) if gone and put else ()),
            )


def _keeps_shift(place: Place) -> bool:
    """Whether the variance behind a stage is still shifted if it is before."""
    does = place.does
    return does is not None and not does.drops and (place.passes or place.is_activation or place.is_pool)
