"""Enlarging: `up` by a factor, to the size of another tensor, or to a given size."""

from __future__ import annotations

from math import gcd
from typing import Any

from ..emit.calls import (
    FIRST,
    KERAS,
    TORCH,
    Call,
    Index,
    Operation,
    Part,
    Placed,
    Spelling,
    X,
    apply,
    one_or_all,
)
from ..layer import Layer, Reach, Size, Tensor, arg, check, number_of_axes, per_axis, words
from ..record import frozen
from ..size import divide, same
from ..values import SIZES, STRIDE, TENSOR, NamedTensor
from .borders import positions_of

LARGEST_EXACT_FACTOR = 40
"""Up to here PyTorch's mode "nearest" repeats each position equally often; 41 is the first factor where it rounds."""


class Enlargement(Layer):
    """What the forms of `up` have in common.

    Position i of m looks at (i + 1/2) * n/m - 1/2 of the n that enter, the centre of a pixel being its place.
    """

    ranks = (2, 3, 4)
    kind: str

    def sizes(self, x: Tensor) -> tuple[Size, ...]:
        """Return the size of the output along each axis."""
        raise NotImplementedError

    def output(self, x: Tensor) -> Tensor:
        check(
            self.kind != "bilinear" or x.rank == 3,
            "E008",
            f"`bilinear` is for maps (height x width x channels), and {number_of_axes(x)} enters",
            "use `nearest`, the default",
            "kind",
        )
        return x.resized(*self.sizes(x), x.channels)

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        x = tensors[0]
        seen = 1 if self.kind == "nearest" else 2
        steps = (divide(n, m) for n, m in zip(x.positions, self.sizes(x), strict=True))
        return tuple(Reach(seen, step, divide(step - 1, 2)) for step in steps)


@frozen(kw_only=True)
class Up(Enlargement):
    """Make each axis a whole number of times as long, by repeating positions or by blending neighbours.

    up 2
    """

    factor: Any = arg(STRIDE, role="positional", help="how many times as long each axis gets")
    kind: str = words("nearest", "bilinear", help="the nearest position, or a blend of the four around")

    keyword = "up"
    brought = ("upsample", "upsampling", "upsampling1d", "upsampling2d", "upsampling3d", "upscale")

    def factors(self, x: Tensor) -> tuple[Size, ...]:
        """Return the factor of each axis."""
        return per_axis(self.factor, x.rank - 1, "factor")

    def sizes(self, x: Tensor) -> tuple[Size, ...]:
        return tuple(n * k for n, k in zip(x.positions, self.factors(x), strict=True))

    def does_nothing(self, x: Tensor) -> bool:
        return all(factor == 1 for factor in self.factors(x))


@frozen(kw_only=True)
class UpLike(Enlargement):
    """Make the positions as many as those of another tensor.

    up like=skip
    """

    like: NamedTensor = arg(TENSOR, help="the tensor whose positions are matched; its channels do not matter")
    kind: str = words("nearest", "bilinear", help="the nearest position, or a blend of the four around")

    keyword = "up"
    form = "like"

    def sizes(self, x: Tensor) -> tuple[Size, ...]:
        return positions_of(self.like, x)


@frozen(kw_only=True)
class UpTo(Enlargement):
    """Make the positions a given size.

    up to=65x65
    """

    to: Any = arg(SIZES, help="size of the output along each axis")
    kind: str = words("nearest", "bilinear", help="the nearest position, or a blend of the four around")

    keyword = "up"
    form = "to"
    brought = ("resize", "resizing", "interpolate")

    def sizes(self, x: Tensor) -> tuple[Size, ...]:
        return per_axis(self.to, x.rank - 1, "to")


def _between_positions(n: Size, m: Size) -> bool:
    """Whether the centre of some output position lies between two input positions, so that rounding decides.

    That is where (2*i + 1) * n/m is even for some i; in floats, as frameworks count, one of 4 to 41 is rounded down.
    """
    if isinstance(n, int) and isinstance(m, int):
        return n // gcd(n, m) % 2 == 0
    return same(m % n, 0) is not True


def _nearest(n: Size, m: Size, arange: str) -> Any:
    """Return the input position of each of m output positions, in whole numbers."""
    centres = Operation("+", Operation("*", 2, Call(arange, (m,))), 1)
    return Operation("//", Operation("*", centres, n), 2 * m)


@TORCH.spells(Up, layout=FIRST)
def _(up: Up, x: Placed) -> Spelling:
    factors = up.factors(x.tensor)
    mode = up.kind
    if mode == "nearest" and not all(isinstance(k, int) and k <= LARGEST_EXACT_FACTOR for k in factors):
        mode = "nearest-exact"
    keywords = {"scale_factor": one_or_all(factors), "mode": mode}
    return Part((TORCH.call("nn.Upsample", **keywords),), TORCH.call("F.interpolate", X, **keywords))


@KERAS.spells(Up)
def _(up: Up, x: Placed) -> Spelling:
    factor = one_or_all(up.factors(x.tensor))
    return Part((KERAS.call(f"layers.UpSampling{x.spatial}D", factor, interpolation=up.kind),))


@TORCH.spells(UpLike, UpTo, layout=FIRST)
def _(up: UpLike | UpTo, x: Placed) -> Spelling:
    sizes = up.sizes(x.tensor)
    pairs = tuple(zip(x.positions, sizes, strict=True))
    if up.kind == "nearest" and any(_between_positions(n, m) for n, m in pairs):
        picked: Any = X
        for axis, (n, m) in enumerate(pairs):
            if n != m:
                picked = Index(picked, ((slice(None),) * (axis + 2)) + (_nearest(n, m, "torch.arange"),))
        return Part(function=picked)
    keywords = {"size": one_or_all(sizes), "mode": "nearest-exact" if up.kind == "nearest" else up.kind}
    return Part((TORCH.call("nn.Upsample", **keywords),), TORCH.call("F.interpolate", X, **keywords))


@KERAS.spells(UpLike, UpTo)
def _(up: UpLike | UpTo, x: Placed) -> Spelling:
    sizes = up.sizes(x.tensor)
    pairs = tuple(zip(x.positions, sizes, strict=True))
    if x.rank == 3 and (up.kind == "bilinear" or not any(_between_positions(n, m) for n, m in pairs)):
        resized = apply("ops.image.resize", X, sizes, interpolation=up.kind)
        return Part((KERAS.call("layers.Resizing", *sizes, interpolation=up.kind),), resized)
    taken: Any = X
    for axis, (n, m) in enumerate(pairs):
        if n != m:
            taken = apply("ops.take", taken, _nearest(n, m, "ops.arange"), axis=axis + 1)
    return Part(function=taken)
