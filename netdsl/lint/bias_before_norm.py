"""P401: a bias that a batch norm takes out again."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class BiasBeforeNorm(Rule):
    code = "P401"
    name = "bias-before-norm"
    severity = "info"
    page = Page(
        what="A conv or dense layer with a bias, directly before a batch norm.",
        why=(
            "The norm subtracts the mean of each channel, with whatever has been added to it, and adds a bias"
            " of its own: the first one does nothing and takes memory."
        ),
        source="PyTorch's performance tuning guide.",
        example="in 28x28x1 | conv 32@5x5 same | bn | relu | pool 2 | flatten | dense 10",
        instead="in 28x28x1 | conv 32@5x5 same nobias | bn | relu | pool 2 | flatten | dense 10",
        wrong_when="Weights that are stored have the bias.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for norm in view.places:
            place = _biased(view, norm)
            if place is None:
                continue
            is_safe = view.is_everywhere(place, lambda one: any(_biased(view, reader) is one for reader in one.readers))
            yield self.found(
                place.span,
                f"the bias of {place.text} does nothing: {norm.text} subtracts it with the mean",
                place.cost,
                f"leave it out: `{place.step.text} nobias`",
                (Related(norm.span, "subtracts the mean of each channel"),),
                self.fix("Leave out the bias", view.edits.add_argument(place.span, "nobias"), is_safe),
            )


def _biased(view: View, norm: Place) -> Place | None:
    """Return the layer with a bias that a batch norm alone reads, if it does."""
    place = norm.inputs[0] if norm.does is not None and norm.does.keeps_statistics and norm.inputs else None
    if place is None or not place.is_affine or getattr(place.does, "bias", False) is not True:
        return None
    return place if view.only_reader(place) is norm else None
