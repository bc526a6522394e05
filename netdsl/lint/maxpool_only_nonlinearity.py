"""C120: a layer that only a max pool keeps from being linear."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, passes_or_rescales


class MaxpoolOnlyNonlinearity(Rule):
    code = "C120"
    name = "maxpool-only-nonlinearity"
    severity = "warning"
    page = Page(
        what=(
            "A conv or dense layer without an activation, whose output reaches the next layer that learns "
            "through a max pool."
        ),
        why=(
            "A max pool bends a little, and that hides that the activation is missing: within a window it "
            "picks one of several linear maps, and cannot switch a feature off."
        ),
        source="Four Stack Overflow posts, SO-59325381 and SO-60949314 among them.",
        example="in 28x28x1 | conv 32@3x3 same | pool 2 | conv 64@3x3 same | relu | pool 2 | dense 10",
        instead="in 28x28x1 | conv 32@3x3 same | relu | pool 2 | conv 64@3x3 same | relu | pool 2 | dense 10",
        wrong_when="The pool is meant as a maxout over positions.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if not place.is_affine or place.keeps_channels_apart:
                continue
            ways = [(end, between) for end, between in view.after(place, _is_linear_or_pool) if end is not None]
            if view.is_for_more(end for end, _ in ways):
                continue
            for following, between in ways:
                pool = next((stage for stage in between if stage.takes_largest), None)
                if following.learns and pool is not None:
                    yield self.found(
                        place.span,
                        f"{place.text} has no activation: {pool.text} is all that bends before {following.text}",
                        place.cost,
                        f"put an activation behind it: `{place.text.strip('`')} | relu`",
                        (Related(pool.span, "takes the largest of values that are linear in the input"),),
                        self.fix("Put `relu` behind it", view.edits.put_behind(place.span, "relu")),
                    )
                    break


def _is_linear_or_pool(place: Place) -> bool:
    return passes_or_rescales(place) or place.takes_largest
