"""Plain functions of one element: `abs`, `square`, `sqrt`, `clip`."""

from __future__ import annotations

from typing import ClassVar

from ..emit.calls import EITHER, KERAS, TORCH, Call, Part, Placed, Spelling, X, apply
from ..layer import Layer, Tensor, arg, check
from ..record import frozen
from ..values import NUMBER, Number, show


class Arithmetic(Layer):
    """A function of each element by itself."""

    elementwise = True

    def output(self, x: Tensor) -> Tensor:
        return x


@frozen(kw_only=True)
class Abs(Arithmetic):
    """x without its sign.

    abs
    """

    keyword = "abs"
    brought = ("absolute",)


@frozen(kw_only=True)
class Square(Arithmetic):
    """x * x.

    square
    """

    keyword = "square"
    brought = ("squared",)


@frozen(kw_only=True)
class Sqrt(Arithmetic):
    """The square root; of a negative number it is not a number (NaN).

    sqrt
    """

    keyword = "sqrt"
    brought = ("square_root",)


@frozen(kw_only=True)
class Clip(Arithmetic):
    """low where x is below it, high where x is above it, else x.

    clip 0 6
    """

    low: Number = arg(NUMBER, role="positional", help="the least value that leaves", tries=("-0.5", "0"))
    high: Number = arg(NUMBER, role="positional", help="the largest value that leaves", tries=("0.25", "1"))

    keyword = "clip"
    brought = ("clamp", "hardtanh", "clip_by_value")
    brought_as: ClassVar[dict[str, str]] = {"hardtanh": "clip -1 1"}

    def output(self, x: Tensor) -> Tensor:
        check(
            self.low < self.high,
            "E008",
            f"the lower bound of `clip` is {show(self.low)}, and the upper one {show(self.high)}",
            "the lower bound stands first, as in `clip 0 6`",
            "high",
        )
        return x


def _plain(function: str, layer: type[Arithmetic]) -> None:
    TORCH.spells(layer, layout=EITHER)(lambda layer, x: Part(function=apply(f"torch.{function}", X)))
    KERAS.spells(layer)(lambda layer, x: Part(function=apply(f"ops.{function}", X)))


_plain("abs", Abs)
_plain("square", Square)
_plain("sqrt", Sqrt)


@TORCH.spells(Clip, layout=EITHER)
def _(clip: Clip, x: Placed) -> Spelling:
    return Part((Call("nn.Hardtanh", (clip.low, clip.high)),), apply("torch.clamp", X, clip.low, clip.high))


@KERAS.spells(Clip)
def _(clip: Clip, x: Placed) -> Spelling:
    return Part(function=apply("ops.clip", X, clip.low, clip.high))
