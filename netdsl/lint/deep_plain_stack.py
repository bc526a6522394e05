"""T207: many layers in a row without a norm or a shortcut."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class DeepPlainStack(Rule):
    code = "T207"
    name = "deep-plain-stack"
    severity = "warning"
    page = Page(
        what="More than 20 conv or dense layers on a path with no norm, and no branches that are joined.",
        why=(
            "Deep plain networks are hard to train: beyond about 20 layers, more layers make even the "
            "training error worse."
        ),
        source='He, Zhang, Ren and Sun, 2015, "Deep residual learning for image recognition", figure 1.',
        example="in 32x32x16 | (conv 16@3x3 same | relu) * 30 | pool global | dense 10",
        instead=(
            "in 32x32x16 | (residual(conv 16@3x3 same | relu | conv 16@3x3 same) | relu) * 15 | pool global\n| dense 10"
        ),
        wrong_when=(
            "The weights start so that the network is near the identity, or layers are added while training. "
            "VDSR, whose shortcut goes around all of it, is left alone."
        ),
        limits=(
            "VGG-19 has 19 layers, the plain network of 20 in He et al. still learns better than that of 56, and "
            "one of 34 worse than that of 18: beyond 20 a shortcut or a norm pays."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for row in view.rows(_counts, _ends):
            if row.count <= MOST or view.is_in_branch(row.first):
                continue
            is_one = row.first.span == row.last.span
            count = f"{row.count}" if view.is_whole else f"at least {row.count}"
            yield self.found(
                row.first.span,
                f"{count} layers that learn stand in a row with no norm or shortcut: so deep, they hardly train",
                "" if is_one else "the first of them",
                "put shortcuts around pairs of them by `residual( ... )`, or `bn` behind each",
                () if is_one else (Related(row.last.span, "the last of them"),),
            )


MOST = 20


def _counts(place: Place) -> bool:
    return place.is_affine


def _ends(place: Place) -> bool:
    """Whether a stage keeps a gradient to its scale, or leads it round others."""
    does = place.does
    if does is None:
        return place.skip is None
    return does.is_norm or does.combines or (does.learns and not does.is_affine)
