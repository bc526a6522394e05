"""The same elements in another shape: `flatten`, `reshape`, `permute`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import EITHER, KERAS, LAST, TORCH, Call, Method, Part, Placed, Spelling, X, apply
from ..layer import Layer, Reach, Size, Tensor, arg, axis_of, check, show_shape
from ..record import frozen
from ..size import product, same
from ..values import AXES, OPEN, SHAPE


@frozen(kw_only=True)
class Flatten(Layer):
    """Put all elements in one axis, in the order of the language: channels last.

    flatten
    """

    keyword = "flatten"
    accepts_int = True
    flattens = True
    brought = ("flat", "view")

    def output(self, x: Tensor) -> Tensor:
        return x.resized(product(x.sizes))

    def passes_through(self) -> bool:
        return True

    def does_nothing(self, x: Tensor) -> bool:
        return x.rank == 1


@frozen(kw_only=True)
class Reshape(Layer):
    """Give the elements another shape, in the order of the language: channels last; one `?` is inferred.

    reshape 7x7x?
    """

    shape: Any = arg(
        SHAPE,
        role="positional",
        help="the new sizes, one of which may be `?`",
        tries=("?", "?x4", "2x?x2", "2x?x2x2"),
    )

    keyword = "reshape"
    accepts_int = True
    brought = ("unflatten",)

    def output(self, x: Tensor) -> Tensor:
        size = product(x.sizes)
        known = product(n for n in self.shape if n is not OPEN)
        open_sizes = sum(n is OPEN for n in self.shape)
        check(open_sizes <= 1, "E008", "only one size can be inferred", "leave one `?`", "shape")
        fits = same(size % known, 0) if open_sizes else same(size, known)
        wanted = f"a multiple of {known}" if open_sizes else f"{known}"
        check(
            fits,
            "E003",
            f"{show_shape(x.sizes)} has {size} elements, and "
            f"{'x'.join('?' if n is OPEN else str(n) for n in self.shape)} holds {wanted}",
            f"let one size be inferred: `reshape {_with_inferred(size, self.shape)}`"
            if _with_inferred(size, self.shape)
            else f"the product of the sizes has to stay the same{_dividing(size, known) if open_sizes else ''}",
            "shape",
        )
        return x.resized(*(size // known if n is OPEN else n for n in self.shape))

    def passes_through(self) -> bool:
        return True

    def does_nothing(self, x: Tensor) -> bool:
        return self.output(x) == x

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...] | None:
        return (Reach(1),) * (tensors[0].rank - 1) if self.does_nothing(*tensors) else None


def _dividing(size: Size, known: Size) -> str:
    """Return the numbers next to a product of sizes that divide the number of elements."""
    if not isinstance(size, int) or not isinstance(known, int) or known > 100_000:
        return ""
    below = next(n for n in range(known, 0, -1) if size % n == 0)
    above = next((n for n in range(known, min(2 * known, size) + 1) if size % n == 0), None)
    return f", and {below}{f' and {above}' if above else ''} would divide it"


def _with_inferred(size: Size, shape: tuple[Any, ...]) -> str:
    """Return the shape with one size left to be inferred where that would fit, else nothing."""
    for place in range(len(shape)):
        rest = [n for index, n in enumerate(shape) if index != place]
        if OPEN not in rest and rest and isinstance(size, int) and same(size % product(rest), 0) is True:
            return "x".join("?" if index == place else str(n) for index, n in enumerate(shape))
    return ""


@frozen(kw_only=True)
class Permute(Layer):
    """Reorder the axes: axis i of what leaves is axis `axes[i]` of what enters.

    permute [1, 0, 2]
    """

    axes: Any = arg(
        AXES,
        role="positional",
        help="the axes in their new order, as a list",
        tries=("[0]", "[1, 0]", "[1, 0, 2]", "[2, 0, 1]", "[-1, 0, 1]", "[2, 0, 3, 1]"),
    )

    keyword = "permute"
    accepts_int = True
    brought = ("transpose", "swapaxes")

    def order(self, x: Tensor) -> tuple[int, ...]:
        """Return the axes counted from 0."""
        axes = tuple(axis_of(axis, x.rank, "axes") for axis in self.axes)
        check(
            sorted(axes) == list(range(x.rank)),
            "E008",
            f"`axes` has to name each of the {x.rank} axes once",
            f"for example `permute {[*range(x.rank)][::-1]}`",
            "axes",
        )
        return axes

    def output(self, x: Tensor) -> Tensor:
        return x.resized(*(x.sizes[axis] for axis in self.order(x)))

    def passes_through(self) -> bool:
        return True

    def does_nothing(self, x: Tensor) -> bool:
        return self.order(x) == tuple(range(x.rank))

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...] | None:
        return (Reach(1),) * (tensors[0].rank - 1) if self.does_nothing(*tensors) else None


@TORCH.spells(Flatten, layout=EITHER)
def _(flatten: Flatten, x: Placed) -> Spelling:
    return Part((Call("nn.Flatten"),), apply(Method(X, "flatten"), 1))


@KERAS.spells(Flatten)
def _(flatten: Flatten, x: Placed) -> Spelling:
    return Part((Call("layers.Flatten"),))


@TORCH.spells(Reshape, layout=LAST)
def _(reshape: Reshape, x: Placed) -> Spelling:
    sizes = reshape.output(x.tensor).sizes
    return Part(function=apply(Method(X, "reshape"), -1, *sizes))


@KERAS.spells(Reshape)
def _(reshape: Reshape, x: Placed) -> Spelling:
    sizes = reshape.output(x.tensor).sizes
    if sum(not isinstance(size, int) for size in sizes) == 1:  # Keras can work out one that is open
        sizes = tuple(size if isinstance(size, int) else -1 for size in sizes)
    return Part((Call("layers.Reshape", (sizes,)),), apply("ops.reshape", X, (-1, *sizes)))


@TORCH.spells(Permute, layout=LAST)
def _(permute: Permute, x: Placed) -> Spelling:
    return Part(function=apply(Method(X, "permute"), 0, *(axis + 1 for axis in permute.order(x.tensor))))


@KERAS.spells(Permute)
def _(permute: Permute, x: Placed) -> Spelling:
    return Part((Call("layers.Permute", (tuple(axis + 1 for axis in permute.order(x.tensor)),)),))
