"""D308: fewer filters on a smaller map."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, is_between


class ShrinkingFilters(Rule):
    code = "D308"
    name = "shrinking-filters"
    severity = "info"
    page = Page(
        what=(
            "A convolution with a window that has fewer filters than the one before it, with a pool or a "
            "stride between."
        ),
        why=(
            "Where a map gets smaller, it gets channels for what has been put together; with fewer of both, "
            "what has been learned is thrown away early."
        ),
        source="NeuraLint's rule 23; SO-56103207.",
        example="in 28x28x1 | conv 32@5x5 | relu | pool 2 | conv 16@3x3 | relu | pool 2 | flatten | dense 10",
        instead="in 28x28x1 | conv 32@5x5 | relu | pool 2 | conv 64@3x3 | relu | pool 2 | flatten | dense 10",
        wrong_when=(
            "The network compresses. Those that enlarge maps or return the shape that entered, and residual "
            "branches, are left alone."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        is_left_alone = view.has_mistakes or any(place.enlarges for place in view.places)
        if is_left_alone or any(map(view.is_rebuilt, view.ends)):
            return
        for place in view.places:
            if not place.looks_around or place.keeps_channels_apart or place.units is None:
                continue
            wider, between = view.before(place, _is_between)
            if wider is None or not wider.looks_around or wider.units is None or wider.units <= place.units:
                continue
            shrinking = next((stage for stage in (*between, place) if stage.has_stride), None)
            if shrinking is None or view.is_in_branch(place, of_sum=False):
                continue
            yield self.found(
                place.span,
                f"{place.text} has fewer filters than {wider.text} before it, on a smaller map",
                place.flow,
                f"give it at least {wider.units} filters; doubling them is usual where a map is halved",
                (Related(wider.span, f"{wider.units} filters"),),
            )


def _is_between(place: Place) -> bool:
    """Whether a stage is no convolution that relates positions and mixes channels."""
    is_small = place.is_affine and bool(place.slides) and (place.keeps_channels_apart or not place.looks_around)
    return is_between(place) or place.is_pool or is_small
