"""D313: transposed windows that overlap unevenly."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class CheckerboardUpsampling(Rule):
    code = "D313"
    name = "checkerboard-upsampling"
    severity = "warning"
    page = Page(
        what="A transposed convolution whose stride does not divide its kernel.",
        why=(
            "Windows then overlap more at some positions than at others, in a pattern of squares that shows "
            "in what the network makes."
        ),
        source='Odena, Dumoulin and Olah, 2016, "Deconvolution and checkerboard artifacts".',
        example="in 16x16x32 | conv_transpose 16@3x3/2 same | relu | conv 1@3x3 same",
        instead="in 16x16x32 | conv_transpose 16@4x4/2 same | relu | conv 1@3x3 same",
        wrong_when="The layers behind have learned to even it out; Keras' own autoencoder has this.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            lays = () if place.does is None or not place.tensors else place.does.lays(place.tensors[0])
            for slide in lays:
                window, stride = number(slide.window), number(slide.stride)
                if window is None or stride is None or window % stride == 0:
                    continue
                better = max(window - window % stride, stride)
                yield self.found(
                    place.span,
                    f"{place.text} lays windows of {window} down {stride} apart, and they overlap unevenly",
                    place.flow,
                    f"use a kernel that the stride divides, as {better} or {better + stride}; or `up {stride} | conv`",
                )
                break
