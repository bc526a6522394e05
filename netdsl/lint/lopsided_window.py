"""D310: a long window on a square map."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class LopsidedWindow(Rule):
    code = "D310"
    name = "lopsided-window"
    severity = "info"
    page = Page(
        what=(
            "A convolution or pool whose window is not square, on a map that is nearly so, unless another one"
            " is turned the other way round."
        ),
        why=(
            "It relates what is far apart in one direction with what is close in the other, as if the axes "
            "meant different things."
        ),
        source="SO-43464835: a kernel of 5x50 on a map of 98x90.",
        example="in 98x90x1 | conv 64@5x51 same | relu | pool 2 | flatten | dense 10",
        instead="in 98x90x1 | conv 64@5x5 same | relu | pool 2 | flatten | dense 10",
        wrong_when="The axes mean different things, as time and frequency. Pairs such as 1x7 and 7x1 are left alone.",
        limits=(
            "Images of cameras are mostly 4:3, and their axes mean the same; from 3:2 on a map may be a "
            "spectrogram or a line of text."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        if view.has_mistakes:  # the other of a pair may be in one
            return
        windows = {tuple(number(slide.window) for slide in place.slides) for place in view.places}
        for place in view.places:
            slides = place.slides
            if len(slides) != 2:
                continue
            (high, wide), x = (number(slide.window) for slide in slides), place.tensors[0]
            height, width = map(number, x.positions)
            if (
                high is None
                or wide is None
                or height is None
                or width is None
                or high == wide
                or (wide, high) in windows
            ):
                continue
            if max(height, width) >= LEAST_ASPECT * min(height, width):
                continue
            yield self.found(
                place.span,
                f"{place.text} has a window of {high}x{wide} on a map of {height}x{width}, which is nearly square",
                place.flow,
                f"use a square window, as {min(high, wide)}x{min(high, wide)}",
            )


LEAST_ASPECT = 1.5
"""Of a map whose sides may well mean different things."""
