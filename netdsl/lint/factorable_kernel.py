"""P404: a large kernel that small ones can replace."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class FactorableKernel(Rule):
    code = "P404"
    name = "factorable-kernel"
    severity = "info"
    is_default = False
    page = Page(
        what="A convolution with a 5x5 or 7x7 kernel and no stride on at least 32 channels.",
        why=(
            "Two 3x3 see as much as one 5x5 for 18/25 of the products, and three as much as one 7x7 for "
            "27/49, with an activation more in between."
        ),
        source='Szegedy et al., 2016, "Rethinking the inception architecture", section 3.1.',
        example="in 8x8x32 | conv 64@5x5 same | relu | flatten | dense 10",
        instead="in 8x8x32 | conv 64@3x3 same | relu | conv 64@3x3 same | relu | flatten | dense 10",
        wrong_when="The large kernel is what is studied.",
        limits=(
            "Behind fewer than 32 channels, as those of an image, the large kernel is a small part of the work, "
            "and a second convolution on all filters may cost more."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            windows = {number(slide.window) for slide in place.slides}
            channels = number(place.tensors[0].channels) if place.tensors else None
            if not place.is_affine or place.keeps_channels_apart or len(windows) != 1 or place.has_stride:
                continue
            (window,) = windows
            small = {5: 2, 7: 3}.get(window or 0)
            if small is None or len(place.slides) < 2 or channels is None or channels < FEWEST_CHANNELS:
                continue
            share = small * 3 ** len(place.slides) / window ** len(place.slides)  # type: ignore[operator]
            yield self.found(
                place.span,
                f"{place.text} can be {small} convolutions with windows of 3, for {100 * share:.0f} % of the products",
                place.cost,
                "put an activation between them",
            )


FEWEST_CHANNELS = 32
