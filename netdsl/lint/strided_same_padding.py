"""X501: padding that PyTorch has no option for."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class StridedSamePadding(Rule):
    code = "X501"
    name = "strided-same-padding"
    severity = "info"
    is_default = False
    page = Page(
        what="A convolution or pool with a stride and `same` padding, of which one side gets more than the other.",
        why=(
            'PyTorch pads both sides alike and refuses `padding="same"` with a stride, so the emitted code '
            "pads in a step of its own; weights trained with symmetric padding do not fit."
        ),
        source="PyTorch issues 3867 and 67551.",
        example="in 32x32x3 | conv 16@3x3/2 same | relu | flatten | dense 10",
        instead="in 32x32x3 | conv 16@3x3/2 centered | relu | flatten | dense 10",
        wrong_when="The weights come from TensorFlow, whose padding this is.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if getattr(place.does, "padding", "") != "same" or not place.has_stride:
                continue
            for slide in place.slides:
                before, after = number(slide.before), number(slide.after)
                if number(slide.stride) != 1 and before is not None and after is not None and before != after:
                    yield self.found(
                        place.span,
                        f"{place.text} pads {before} before and {after} behind, for which PyTorch needs one more step",
                        place.flow,
                        "`centered` or `pad=` pads both sides alike",
                    )
                    break
