"""P406: an activation of values that a pool throws away."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class ActivationBeforeMaxpool(Rule):
    code = "P406"
    name = "activation-before-maxpool"
    severity = "info"
    is_default = False
    page = Page(
        what="An activation that keeps the order of values, such as `relu`, whose output goes to a max pool alone.",
        why=(
            "The largest of what `relu` makes is `relu` of the largest: the other way round it has to look at"
            " a quarter of the values, and the result is the same."
        ),
        source="Algebra.",
        example="in 32x32x3 | conv 16@3x3 same | relu | pool 2 | flatten | dense 10",
        instead="in 32x32x3 | conv 16@3x3 same | pool 2 | relu | flatten | dense 10",
        wrong_when="The compiler of the target does it anyway.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            pool = _pool_behind(view, place)
            if pool is None:
                continue
            is_sure = view.is_everywhere(place, lambda one: _pool_behind(view, one) is not None)
            is_sure = is_sure and view.is_everywhere(pool, lambda one: _pool_behind(view, one.inputs[0]) is one)
            edits = (*view.edits.delete(place.span), *view.edits.put_behind(pool.span, place.step.text))
            follows = (
                view.edits.follows(place.span, pool.span) and len(edits) > 1 and not view.edits.has_name(pool.span)
            )
            yield self.found(
                place.span,
                f"{place.text} before {pool.text} works on values that the pool throws away",
                place.flow,
                f"`{pool.step.text} | {place.step.text}` gives the same result for less work",
                (Related(pool.span, "takes the largest"),),
                self.fix(f"Put {pool.text} first", edits if follows else (), is_sure),
            )


def _pool_behind(view: View, place: Place) -> Place | None:
    """Return the max pool that alone reads an activation which keeps the order of values."""
    if place.does is None or not place.does.is_monotone:
        return None
    pool = view.only_reader(place)
    is_plain = pool is not None and pool.takes_largest and getattr(pool.does, "weighted", None) is None
    return pool if is_plain else None
