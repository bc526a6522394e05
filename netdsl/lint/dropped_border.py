"""C111: a pool that leaves out much of its input."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..layers.windows import axis_names
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class DroppedBorder(Rule):
    code = "C111"
    name = "dropped-border"
    severity = "info"
    page = Page(
        what="A pool without padding whose windows do not reach the last rows or columns, at least a fifth of them.",
        why="What lies there is never seen: 3 of 7 rows, where windows of 4 begin at the first.",
        source="PyTorch's documentation of MaxPool2d: `ceil_mode` lets windows go beyond the end.",
        example="in 28x28x1 | conv 8@3x3 same | relu | pool 4 | conv 8@3x3 same | relu | pool 4 | flatten | dense 10",
        instead="in 28x28x1 | conv 8@3x3 same | relu | pool 4 | conv 8@3x3 same | relu | pool 7 | flatten | dense 10",
        wrong_when="The border holds nothing of interest.",
        limits=(
            "A fifth: a pool of 2 loses a row of any odd number, which on 7 rows or more is less, and a pool of 3 "
            "at most 2 of 11. What is wrong is found on small maps, where 3 of 7 or 1 of 3 rows are lost."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if not place.is_pool or not place.tensors or place.output is None or getattr(place.does, "ceil", False):
                continue
            for axis, (slide, n) in enumerate(zip(place.slides, place.tensors[0].positions, strict=False)):
                size, left = number(n), number((n - slide.span) % slide.stride)
                if slide.before != 0 or slide.after != 0 or size is None or left is None or left < LEAST_PART * size:
                    continue
                name = axis_names(place.tensors[0].rank)[axis]
                yield self.found(
                    place.span,
                    f"{place.text} never sees the last {left} of {size} along the {name}: no window fits there",
                    place.flow,
                    "use `same`, or a window that divides the size",
                    fix=self.fix("Use `same`", view.edits.add_argument(place.span, "same")),
                )
                break


LEAST_PART = 0.2
