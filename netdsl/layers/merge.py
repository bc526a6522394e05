"""Combinators: layers that make one tensor of those of their branches, `add(...)` to `matmul(...)`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from ..emit.calls import (
    EITHER,
    FIRST,
    KERAS,
    LAST,
    TORCH,
    Call,
    Entering,
    Index,
    Operation,
    Part,
    Placed,
    Spelling,
    apply,
)
from ..layer import Layer, Refused, Size, Tensor, arg, axis_of, check, number_of_axes
from ..record import frozen
from ..size import choose, either, product, same
from ..values import AXIS
from .windows import axis_names


class Merge(Layer):
    """A layer whose inputs are the tensors of its branches."""

    combines = True

    def check_number(self, tensors: Sequence[Tensor], wanted: int | None = None) -> None:
        """Refuse no branches, or another number than is wanted."""
        check(len(tensors) > 0, "E008", f"`{self.keyword}` has no branches", f"write `{self.keyword}(a, b)`")
        check(
            wanted is None or len(tensors) == wanted,
            "E008",
            f"`{self.keyword}` takes {wanted} branches, not {len(tensors)}",
            f"write `{self.keyword}(a, b)`",
        )

    def does_nothing(self, *tensors: Tensor) -> bool:
        return len(tensors) == 1

    def shapes(self, tensors: Sequence[Tensor]) -> str:
        """Return what enters, for messages."""
        return f"`{self.keyword}` of {' and '.join(map(str, tensors))}"


def _merged(tensors: Sequence[Tensor], *sizes: Size) -> Tensor:
    """Return a tensor made of others: it differs between examples if one of them does."""
    return Tensor(sizes, tensors[0].dtype, any(x.per_example for x in tensors))


def _axis_name(axis: int, rank: int) -> str:
    """Return what an axis is called in the plural, the rank being that of the whole tensor."""
    names = (*axis_names(rank), "channel") if axis_names(rank) else ()
    return f"{names[axis]}s" if names else "sizes" if rank == 1 else f"sizes along axis {axis % rank}"


def _broadcast(merge: Merge, tensors: Sequence[Tensor], leading: int = 0) -> tuple[Size, ...]:
    """Return the sizes that tensors have in common, counted from the last axis: equal, or 1 in some.

    `leading` axes at the end are left out.
    """
    rank = max(x.rank for x in tensors)
    sizes = []
    for axis in range(-rank, -leading):
        having = [x for x in tensors if x.rank >= -axis]
        met = having[0].sizes[axis]
        for x in having[1:]:
            size = x.sizes[axis]
            if size == met:
                continue
            if either(same(met, size), same(met, 1), same(size, 1)) is False:  # words on open sizes take long
                other = next((y for y in having if y.sizes[axis] == met), having[0])
                raise Refused(
                    "E004",
                    f"{merge.shapes((other, x))}: the {_axis_name(axis, rank)} differ, {met} and {size}",
                    _help(axis == -1, met),
                )
            met = choose(same(met, 1), size, met)
        sizes.append(met)
    return tuple(sizes)


def _help(channels: bool, size: Size) -> str:
    if channels:
        return (
            f"sizes have to be equal, or 1; `linear {size}` or `conv {size}@1` at the end of the other branch fits it"
        )
    return (
        "sizes have to be equal, or 1, counted from the last axis\n"
        "use the same strides and `same` padding in both, or end one with `crop like=NAME` or `up like=NAME`"
    )


class Elementwise(Merge):
    """Combine the values at each place; sizes are equal, or 1, counted from the last axis."""

    broadcasts = True

    def output(self, *tensors: Tensor) -> Tensor:
        self.check_number(tensors)
        return _merged(tensors, *_broadcast(self, tensors))


@frozen(kw_only=True)
class Add(Elementwise):
    """Add the branches.

    add(conv 64@3 same, id)
    """

    keyword = "add"
    adds = True
    brought = ("plus", "addition", "merge")


@frozen(kw_only=True)
class Sub(Elementwise):
    """Subtract the second branch from the first.

    sub(id, pool 3/1 same avg)
    """

    keyword = "sub"
    adds = True
    brought = ("subtract", "minus")

    def output(self, *tensors: Tensor) -> Tensor:
        self.check_number(tensors, 2)
        return super().output(*tensors)


@frozen(kw_only=True)
class Mul(Elementwise):
    """Multiply the branches.

    mul(id, conv 64@1 | sigmoid)
    """

    keyword = "mul"
    multiplies = True
    brought = ("multiply", "times", "product")


@frozen(kw_only=True)
class Max(Elementwise):
    """Take the largest value of the branches at each place.

    max(conv 64@3 same, conv 64@5 same)
    """

    keyword = "max"
    brought = ("maximum", "maxout")


@frozen(kw_only=True)
class Average(Elementwise):
    """Take the average of the branches at each place.

    average(conv 64@3 same, conv 64@5 same)
    """

    keyword = "average"
    adds = True
    brought = ("avg",)


@frozen(kw_only=True)
class Concat(Merge):
    """Put the branches behind each other along an axis, the channels unless another is given.

    concat(conv 64@1, conv 64@3 same)
    """

    axis: int = arg(AXIS, default=-1, help="the axis that grows", tries=("-1", "0"))

    keyword = "concat"
    gathers = True
    accepts_int = True
    brought = ("concatenate", "cat", "join")

    def output(self, *tensors: Tensor) -> Tensor:
        self.check_number(tensors)
        first = tensors[0]
        axis = axis_of(self.axis, first.rank)
        for x in tensors[1:]:
            check(
                x.dtype == first.dtype,
                "E008",
                f"{self.shapes((first, x))}: one holds token ids, the other real numbers",
                "`embed` the token ids before",
            )
            _check_alike(self, first, x, axis)
        grown = sum((x.sizes[axis] for x in tensors[1:]), first.sizes[axis])
        return _merged(tensors, *(grown if place == axis else size for place, size in enumerate(first.sizes)))


@frozen(kw_only=True)
class Stack(Merge):
    """Put the branches behind each other along a new axis, the last unless another is given.

    stack(linear 64, linear 64)
    """

    axis: int = arg(AXIS, default=-1, help="the place of the new axis in the output", tries=("-1", "0"))

    keyword = "stack"

    def place(self, rank: int) -> int:
        """Return the new axis, counted from 0."""
        return axis_of(self.axis, rank + 1)

    def output(self, *tensors: Tensor) -> Tensor:
        self.check_number(tensors)
        first = tensors[0]
        for x in tensors[1:]:
            _check_alike(self, first, x)
        place = self.place(first.rank)
        return _merged(tensors, *first.sizes[:place], len(tensors), *first.sizes[place:])

    def does_nothing(self, *tensors: Tensor) -> bool:
        return False


def _check_alike(merge: Merge, first: Tensor, x: Tensor, but: int | None = None) -> None:
    """Refuse two tensors of different sizes, along all axes but one."""
    check(
        x.rank == first.rank,
        "E004",
        f"{merge.shapes((first, x))}: one is {number_of_axes(first)}, the other {number_of_axes(x)}",
        f"`{merge.keyword}` needs the same number of axes in all; `pool global keep` keeps them, `reshape` makes them",
    )
    for axis, (a, b) in enumerate(zip(first.sizes, x.sizes, strict=True)):
        check(
            axis == but or same(a, b),
            "E004",
            f"{merge.shapes((first, x))}: the {_axis_name(axis, x.rank)} differ, {a} and {b}",
            "all sizes have to be equal" + ("" if but is None else f", except along axis {but}")
            + ("; use the same strides and `same` padding in both" if axis < x.rank - 1 else ""),
        )  # fmt: skip


@frozen(kw_only=True)
class Matmul(Merge):
    """Multiply two branches as matrices: the last axis of the first with the last but one of the second.

    matmul(linear 64, permute [1, 0])
    """

    keyword = "matmul"
    multiplies = True
    broadcasts = True
    brought = ("dot", "bmm", "batchdot")

    def output(self, *tensors: Tensor) -> Tensor:
        self.check_number(tensors, 2)
        for x in tensors:
            check(
                x.rank >= 2,
                "E001",
                f"`matmul` multiplies matrices, and {x} is a vector",
                "`linear` has a matrix of its own; `reshape` makes a matrix of a vector",
            )
        a, b = tensors
        check(
            same(a.sizes[-1], b.sizes[-2]),
            "E004",
            f"{self.shapes(tensors)}: the last axis of the first has {a.sizes[-1]}, "
            f"and the last but one of the second {b.sizes[-2]}",
            "these two have to be equal; `permute [1, 0]` turns a matrix over",
        )
        return _merged(tensors, *_broadcast(self, tensors, leading=2), a.sizes[-2], b.sizes[-1])

    def products(self, *tensors: Tensor) -> Size:
        return product((*self.output(*tensors).sizes, tensors[0].sizes[-1]))


def _aligned(tensors: Sequence[Placed]) -> list[Any]:
    """Return the tensors as expressions, with axes of 1 where one has fewer, behind the batch (and the channels).

    So frameworks, which count the batch too, broadcast from the last axis as the language does.
    """
    widest = max(tensors, key=lambda x: x.rank)
    kept = slice(None)
    aligned: list[Any] = []
    for n, x in enumerate(tensors):
        new = (None,) * (widest.rank - x.rank)
        if not new:
            aligned.append(Entering(n))
        elif widest.layout == FIRST:
            aligned.append(Index(Entering(n), (kept, kept, *new, *(kept,) * x.spatial)))
        else:
            aligned.append(Index(Entering(n), (kept, *new, *(kept,) * x.rank)))
    return aligned


def _joined(operator: str, parts: list[Any]) -> Any:
    return reduce(lambda left, right: Operation(operator, left, right), parts)


def _arithmetic(layer: Elementwise, *tensors: Placed) -> Spelling:
    operator = {Add: "+", Sub: "-", Mul: "*"}[type(layer)]
    return Part(function=_joined(operator, _aligned(tensors)))


TORCH.spells(Add, Sub, Mul, layout=EITHER)(_arithmetic)
KERAS.spells(Add, Sub, Mul)(_arithmetic)


@TORCH.spells(Max, layout=EITHER)
def _(layer: Max, *tensors: Placed) -> Spelling:
    return Part(function=reduce(lambda left, right: apply("torch.maximum", left, right), _aligned(tensors)))


@TORCH.spells(Average, layout=EITHER)
def _(layer: Average, *tensors: Placed) -> Spelling:
    return Part(function=Operation("/", _joined("+", _aligned(tensors)), len(tensors)))


@KERAS.spells(Max)
def _(layer: Max, *tensors: Placed) -> Spelling:
    if _alike(tensors):
        return Part(function=Call(Call("layers.Maximum"), (_listed(tensors),)))
    return Part(function=reduce(lambda left, right: apply("ops.maximum", left, right), _aligned(tensors)))


@KERAS.spells(Average)
def _(layer: Average, *tensors: Placed) -> Spelling:
    if _alike(tensors):
        return Part(function=Call(Call("layers.Average"), (_listed(tensors),)))
    return Part(function=Operation("/", _joined("+", _aligned(tensors)), len(tensors)))


def _alike(tensors: Sequence[Placed]) -> bool:
    """Whether a merging layer of Keras broadcasts as the language does: there are several, of one rank."""
    return len(tensors) > 1 and len({x.rank for x in tensors}) == 1


def _listed(tensors: Sequence[Placed]) -> list[Entering]:
    return [Entering(n) for n in range(len(tensors))]


@TORCH.spells(Concat, layout=EITHER)
def _(concat: Concat, *tensors: Placed) -> Spelling:
    return Part(function=apply("torch.cat", tuple(_listed(tensors)), dim=tensors[0].axis(concat.axis)))


@KERAS.spells(Concat)
def _(concat: Concat, *tensors: Placed) -> Spelling:
    axis = tensors[0].axis(concat.axis)
    if tensors[0].tensor.dtype == "int":  # the layer would make real numbers of token ids
        return Part(function=apply("ops.concatenate", _listed(tensors), axis=axis))
    return Part(function=Call(KERAS.call("layers.Concatenate", axis=axis), (_listed(tensors),)))


@TORCH.spells(Stack, layout=LAST)
def _(stack: Stack, *tensors: Placed) -> Spelling:
    return Part(function=apply("torch.stack", tuple(_listed(tensors)), dim=_new_axis(stack, tensors[0])))


@KERAS.spells(Stack)
def _(stack: Stack, *tensors: Placed) -> Spelling:
    return Part(function=apply("ops.stack", _listed(tensors), axis=_new_axis(stack, tensors[0])))


def _new_axis(stack: Stack, x: Placed) -> int:
    """Return the new axis, counting the batch; -1 for the last."""
    place = stack.place(x.rank)
    return -1 if place == x.rank else place + 1


@TORCH.spells(Matmul, layout=LAST)
def _(matmul: Matmul, *tensors: Placed) -> Spelling:
    return Part(function=Operation("@", *_aligned(tensors)))


@KERAS.spells(Matmul)
def _(matmul: Matmul, *tensors: Placed) -> Spelling:
    return Part(function=Operation("@", *_aligned(tensors)))
