"""C109: an input whose channels seem to come first."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Edit
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, number


class SuspiciousChannelOrder(Rule):
    code = "C109"
    name = "suspicious-channel-order"
    severity = "warning"
    page = Page(
        what=(
            "An input of three sizes of which the first is 1, 3 or 4 and the others larger, or of two of "
            "which the first is 1, that convolutions or pools look at."
        ),
        why=(
            "Shapes have channels last here: 3x32x32 is an image 3 high, 32 wide, with 32 channels. Filters "
            "then slide along one image side and take the other for channels."
        ),
        source="Eight Stack Overflow posts, SO-45711636 and SO-39815518 among them.",
        example="in 3x32x32 | conv 16@3x3 same | relu | flatten | dense 10",
        instead="in 32x32x3 | conv 16@3x3 same | relu | flatten | dense 10",
        wrong_when="The data has three or four rows, of sensors for example.",
        limits=(
            "Images have 1 (grey), 3 (colour) or 4 channels (with transparency); a side of four positions or "
            "fewer could itself be a number of channels, so that nothing is said where one is that small."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            x = place.output
            if place.does is None or not place.does.is_input or x is None or x.dtype == "int":
                continue
            sizes = [number(size) for size in x.sizes]
            if None in sizes or not _looks_turned([size for size in sizes if size is not None]):
                continue
            if not any(_slides(end) for end, _ in view.after(place, _is_elementwise)):
                continue
            first, *others = sizes
            meant = "x".join(map(str, (*others, first)))
            axis = "high" if len(others) > 1 else "long"
            yield self.found(
                place.span,
                f"{place.text} is {first} {axis} and has {others[-1]} channels: channels come last, and here they "
                "seem to come first",
                "",
                f"write `in {meant}`; `permute` reorders data that comes this way",
                fix=self.fix(f"Write `in {meant}`", _edits(view, place, meant)),
            )


COLOURS = (1, 3, 4)
MOST = 4
"""Sizes up to this one may well be numbers of channels."""


def _looks_turned(sizes: list[int]) -> bool:
    """Whether sizes are those of an image, or of a row of numbers, whose channels come first."""
    if len(sizes) == 3:
        return sizes[0] in COLOURS and min(sizes[1:]) > MOST
    return len(sizes) == 2 and sizes[0] == 1 and sizes[1] > MOST


def _is_elementwise(place: Place) -> bool:
    does = place.does
    return does is not None and len(place.inputs) == 1 and (does.elementwise or does.is_norm)


def _slides(place: Place | None) -> bool:
    """Whether a stage slides along positions; one with a mistake in it may."""
    return place is not None and (place.does is None or bool(place.slides) or place.is_pool)


def _edits(view: View, place: Place, meant: str) -> tuple[Edit, ...]:
    stage = view.edits.stage(place.span)
    shape = stage.arguments[0] if isinstance(stage, tree.Layer) and stage.arguments else None
    return (Edit(shape.span, meant),) if isinstance(shape, tree.Dims) else ()
