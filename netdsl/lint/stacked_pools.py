"""D316: a pool of what a pool has made."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, number


class StackedPools(Rule):
    code = "D316"
    name = "stacked-pools"
    severity = "info"
    page = Page(
        what="A pool directly behind another one, with nothing else that reads the first.",
        why="Two pools in a row are one with a larger window: nothing is learned between them.",
        source="Algebra: the largest of the largest values is the largest of all.",
        example="in 32x32x3 | conv 16@3x3 same | relu | pool 2 | pool 2 | flatten | dense 10",
        instead="in 32x32x3 | conv 16@3x3 same | relu | pool 4 | flatten | dense 10",
        wrong_when=(
            "The second one has no stride, and smooths, or averages over all positions behind a max pool: "
            "these are left alone."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            first = place.inputs[0] if place.is_pool and place.inputs else None
            if first is None or view.only_reader(first) is not place or not (first.has_stride and _joins(place, first)):
                continue
            window = _merged(first, place)
            gone = view.edits.delete(place.span) if window and view.edits.follows(first.span, place.span) else ()
            text = f"pool {window}" + (" avg" if getattr(first.does, "kind", "") == "avg" else "")
            edits = (*view.edits.replace(first.span, text), *gone) if gone else ()
            is_sure = view.is_everywhere(place, lambda one: _is_merged(view, one))
            yield self.found(
                place.span,
                f"{place.text} pools what {first.text} has pooled",
                place.flow,
                f"`{text}` is the same" if window else "use one pool, with a larger window",
                (Related(first.span, "the first pool"),),
                self.fix(f"Use `{text}`", edits if is_sure else (), is_safe=True),
            )


def _joins(place: Place, first: Place) -> bool:
    """Whether a pool joins windows of another one, and is not the usual average over all that it has left."""
    does = place.does
    if does is not None and does.sees_all:
        return getattr(does, "kind", "") == getattr(first.does, "kind", "")
    return place.has_stride


def _is_merged(view: View, place: Place) -> bool:
    first = place.inputs[0] if place.inputs else None
    return first is not None and view.only_reader(first) is place and _merged(first, place) is not None


def _merged(first: Place, second: Place) -> int | None:
    """Return the window of the one pool that two are; None where that is not one square window, or one is none."""
    if not (first.is_pool and second.is_pool):
        return None
    kinds = [(getattr(pool.does, "kind", ""), getattr(pool.does, "weighted", None)) for pool in (first, second)]
    if kinds[0] != kinds[1] or kinds[0][1] is not None or len(first.slides) != len(second.slides):
        return None
    windows = set()
    for a, b, n in zip(first.slides, second.slides, first.tensors[0].positions, strict=True):
        sides = [number(size) for size in (a.window, b.window, n)]
        if (a.stride, b.stride) != (a.window, b.window) or None in sides or (a.before, a.after) != (0, 0):
            return None
        left, right, size = (side or 0 for side in sides)
        if (b.before, b.after) != (0, 0) or size % (left * right):
            return None
        windows.add(left * right)
    return windows.pop() if len(windows) == 1 else None
