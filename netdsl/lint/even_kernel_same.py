"""D312: a kernel without a middle."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..layers.windows import axis_names
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class EvenKernelSame(Rule):
    code = "D312"
    name = "even-kernel-same"
    severity = "info"
    page = Page(
        what=(
            "A convolution with `same` padding and no stride whose kernel is even, so that one side gets more"
            " padding than the other."
        ),
        why=(
            "Its output lies half a position off its input; several in a row move the map further, and "
            "frameworks disagree about which side gets more."
        ),
        source="PyTorch issue 7549; SO-56479008.",
        example="in 64x64x1 | conv 64@4x4 same | relu | pool 2 | flatten | dense 10",
        instead="in 64x64x1 | conv 64@5x5 same | relu | pool 2 | flatten | dense 10",
        wrong_when=(
            "The shift is meant, or undone by another such layer. With a stride of 2 an even kernel is padded"
            " evenly, and left alone."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if not place.is_affine or getattr(place.does, "padding", "") != "same":
                continue
            for axis, slide in enumerate(place.slides):
                before, after = number(slide.before), number(slide.after)
                if slide.stride != 1 or before is None or after is None or before == after:
                    continue
                window, name = slide.window, axis_names(place.tensors[0].rank)[axis]
                yield self.found(
                    place.span,
                    f"{place.text} has no middle along the {name}, and gets {before} before and {after} behind: "
                    "the map moves by half a position",
                    place.flow,
                    f"use an odd kernel, as {window - 1} or {window + 1}",
                )
                break
