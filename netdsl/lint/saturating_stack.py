"""T205: many saturating activations in a row."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, Through, View, passes


class SaturatingStack(Rule):
    code = "T205"
    name = "saturating-stack"
    severity = "warning"
    page = Page(
        what=(
            "At least four sigmoids, or six activations like tanh, as activations of hidden layers in a row, "
            "without a norm or a shortcut between."
        ),
        why=(
            "A sigmoid's slope is at most 1/4, and less away from zero: each layer shrinks the gradient, "
            "until the first ones learn nothing. Activations around zero last longer."
        ),
        source=(
            'Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward neural '
            'networks"; AUTOTRAINER (Zhang et al., 2021).'
        ),
        example="in 20 | (dense 32 | sigmoid) * 5 | dense 3",
        instead="in 20 | (dense 32 | relu) * 5 | dense 3",
        wrong_when=(
            "The weights start so that the slopes are met, or the network is trained layer by layer. LeNet-5,"
            " with four tanh, is below the limit."
        ),
        limits=(
            "Four sigmoids let at most (1/4)^4, less than half a percent, of a gradient through, and Glorot and "
            "Bengio show them stuck; three still learn. A tanh has a slope of 1 at zero: LeNet-5 has four in a "
            "row, the paper goes up to five."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for is_centred, most in ((False, MOST_SIGMOIDS), (True, MOST_TANHS)):
            for row in view.rows(*_stages(view, is_centred)):
                if row.count < most:
                    continue
                is_one = row.first.span == row.last.span
                fix = view.edits.replace(row.first.span, "relu") if is_one else ()
                yield self.found(
                    row.first.span,
                    f"{row.count} hidden layers in a row end in {row.first.text} or the like, which shrinks the "
                    "gradient each time: the first of them will hardly learn",
                    "" if is_one else "the first of them",
                    "use `relu`, or put `bn` between, or a shortcut around some of them by `residual( ... )`",
                    () if is_one else (Related(row.last.span, "the last of them"),),
                    self.fix("Use `relu`", fix),
                )


MOST_SIGMOIDS, MOST_TANHS = 4, 6


def _stages(view: View, is_centred: bool) -> tuple[Through, Through]:
    """Return what is such an activation of a hidden layer, and what ends a row of them."""

    def counts(place: Place) -> bool:
        does = place.does
        if does is None or not does.is_saturating or does.is_centred is not is_centred or not view.is_hidden(place):
            return False
        layer, _ = view.before(place, passes)
        return layer is not None and layer.is_affine

    def ends(place: Place) -> bool:
        does = place.does
        if does is None:
            return place.skip is None
        is_other = does.is_activation and not (does.is_saturating and does.is_centred is is_centred)
        looks_around = does.learns and not does.is_affine
        return is_other or looks_around or does.is_norm or does.combines

    return counts, ends
