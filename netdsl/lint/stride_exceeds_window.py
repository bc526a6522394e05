"""C112: windows with gaps between them."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Edit
from ..layers.windows import axis_names
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, number


class StrideExceedsWindow(Rule):
    code = "C112"
    name = "stride-exceeds-window"
    severity = "warning"
    page = Page(
        what=(
            "A convolution or pool whose windows lie further apart than they are wide, along any axis. "
            "Windows of one position, as in the shortcut of a residual network, are meant so."
        ),
        why=(
            "The positions in the gaps are never seen. `Conv2D(32, 3, 3)` had a stride of 3 in Keras 2 where "
            "it had a 3x3 kernel before."
        ),
        source="SO-60129234.",
        example="in 64x64x3 | conv 16@3x3/4 same | relu | flatten | dense 10",
        instead="in 64x64x3 | conv 16@3x3/2 same | relu | flatten | dense 10",
        wrong_when="The data is so smooth that every other position says the same.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            slides = place.slides
            if all(number(slide.window) == 1 for slide in slides):
                continue
            for axis, slide in enumerate(slides):
                if (slide.stride > slide.span) is not True:
                    continue
                name = axis_names(place.tensors[0].rank)[axis]
                stride = slide.window
                yield self.found(
                    place.span,
                    f"{place.text} has a stride of {slide.stride} and a window of {slide.window}: along the {name} "
                    f"it skips {slide.stride - slide.span} of every {slide.stride} positions",
                    place.flow,
                    f"use a stride of at most {slide.window}, or a larger window",
                    fix=self.fix(f"Use a stride of {stride}", _edits(view, place, f"{stride}")),
                )
                break


def _edits(view: View, place: Place, stride: str) -> tuple[Edit, ...]:
    """Return what sets the stride of a layer, where it is written as one number."""
    stage = view.edits.stage(place.span)
    for argument in stage.arguments if isinstance(stage, tree.Layer) else ():
        value: tree.Expression | None = None
        if isinstance(argument, tree.Filters):
            value = argument.stride
        elif isinstance(argument, tree.Keyword) and argument.name.text == "stride":
            value = argument.value
        elif isinstance(argument, tree.Binary) and argument.operator == "/":
            value = argument.right
        if isinstance(value, tree.Number):
            return (Edit(value.span, stride),)
    return ()
