"""Parts of an axis: `take` by index, `slice` by start and end."""

from __future__ import annotations

from typing import Any, ClassVar

from ..emit.calls import EITHER, KERAS, LAST, TORCH, Part, Placed, Spelling, Wish, X, along, apply
from ..layer import Layer, Size, Tensor, arg, axis_of, check
from ..record import frozen
from ..size import both, choose, same
from ..values import AXIS, Kind, one_or_listed, whole

INDEX = Kind(
    "a whole number, or a list of them as `[0, 2]`", one_or_listed(whole(None)), ("0", "-1", "1", "[2, 0]", "[-1, 1]")
)
PLACE = Kind("a whole number, counted from the end where it is below 0", whole(None))


@frozen(kw_only=True)
class Take(Layer):
    """One element along an axis, which goes; or, by a list, those elements in that order.

    take 0
    """

    index: Any = arg(INDEX, role="positional", help="which element, or a list; below 0 from the end")
    axis: int = arg(AXIS, default=0, help="the axis along which they lie")

    keyword = "take"
    accepts_int = True
    brought = ("index_select", "gather")

    def output(self, x: Tensor) -> Tensor:
        axis = axis_of(self.axis, x.rank)
        size = x.sizes[axis]
        indices = self.index if isinstance(self.index, tuple) else (self.index,)
        check(len(indices) > 0, "E008", "an empty list takes nothing", "for example `take [0, 2]`", "index")
        for index in indices:
            check(
                both(-size <= index, index < size),
                "E008",
                f"there is no index {index}: axis {axis} of {x} has {size}, 0 to {size - 1} (or -{size} to -1)",
                "indices count from 0; -1 is the last one",
                "index",
            )
        kept = (len(indices),) if isinstance(self.index, tuple) else ()
        check(
            x.rank > 1 or len(kept) > 0,
            "E008",
            f"no axis of {x} would be left, and a tensor has at least one",
            f"`take [{self.index}]` leaves a vector of one",
        )
        return x.resized(*x.sizes[:axis], *kept, *x.sizes[axis + 1 :])


@frozen(kw_only=True)
class Slice(Layer):
    """The elements along an axis from a start to an end, which is the first that is left out.

    slice 0 -1
    """

    start: Size = arg(PLACE, role="positional", help="the first that is kept", tries=("0", "1", "-3"))
    end: Size = arg(PLACE, role="positional", help="the first that is left out", tries=("2", "-1", "4"))
    axis: int = arg(AXIS, default=0, help="the axis along which they lie")

    keyword = "slice"
    accepts_int = True
    brought = ("narrow", "strided_slice", "split", "chunk")
    brought_as: ClassVar[dict[str, str]] = dict.fromkeys(("split", "chunk"), "slice 0 32 axis=-1")

    def bounds(self, x: Tensor) -> tuple[Size, Size]:
        """Return start and end counted from the start, after checking that they enclose something that is there."""
        size = x.sizes[axis_of(self.axis, x.rank)]
        start, end = (choose(place < 0, size + place, place) for place in (self.start, self.end))
        for argument, written, place in (("start", self.start, start), ("end", self.end, end)):
            check(
                both(place >= 0, place <= size),
                "E008",
                f"`{argument}` is {written}, and axis {axis_of(self.axis, x.rank)} of {x} has only {size}",
                f"0 to {size} are places in it, and -{size} to -1 from its end",
                argument,
            )
        check(
            start < end,
            "E008",
            f"nothing lies from {self.start} to {self.end} of {size}",
            f"the end is the first that is left out; `slice {self.start} {size}` goes on to the last",
        )
        return start, end

    def output(self, x: Tensor) -> Tensor:
        axis = axis_of(self.axis, x.rank)
        start, end = self.bounds(x)
        return x.resized(*x.sizes[:axis], end - start, *x.sizes[axis + 1 :])


def _take_layout(take: Take, x: Tensor) -> Wish:
    """Without channels, what is left of a channels-first tensor is no channels-first tensor any more."""
    loses_channels = not isinstance(take.index, tuple) and axis_of(take.axis, x.rank) == x.rank - 1
    return LAST if loses_channels and x.rank > 2 else EITHER


@TORCH.spells(Take, layout=_take_layout)
def _(take: Take, x: Placed) -> Spelling:
    return Part(function=along(x, take.axis, list(take.index) if isinstance(take.index, tuple) else take.index))


@KERAS.spells(Take)
def _(take: Take, x: Placed) -> Spelling:
    if isinstance(take.index, tuple):
        return Part(function=apply("ops.take", X, list(take.index), axis=x.axis(take.axis)))
    return Part(function=along(x, take.axis, take.index))


def _sliced(layer: Slice, x: Placed) -> Spelling:
    _, end = layer.bounds(x.tensor)
    is_rest = same(end, x.sizes[layer.axis]) is True
    return Part(function=along(x, layer.axis, slice(layer.start or None, None if is_rest else layer.end)))


TORCH.spells(Slice, layout=EITHER)(_sliced)
KERAS.spells(Slice)(_sliced)
