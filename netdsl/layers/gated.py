"""Gates: one half of an axis times a function of the other, `glu`, `swiglu`, `geglu`."""

from __future__ import annotations

from ..emit.calls import EITHER, KERAS, TORCH, Operation, Part, Placed, Spelling, X, along, apply
from ..layer import Layer, Tensor, arg, axis_of, check
from ..record import frozen
from ..size import same
from ..values import AXIS


class Gate(Layer):
    """A product of the two halves of an axis, one of them behind a function."""

    is_activation = True
    axis: int

    def output(self, x: Tensor) -> Tensor:
        axis = axis_of(self.axis, x.rank)
        size = x.sizes[axis]
        halved = "the channels" if axis == x.rank - 1 else f"axis {axis}"
        check(
            same(size % 2, 0),
            "E008",
            f"`{self.keyword}` makes two halves of {halved}, and {size} is odd",
            f"an even size has to enter, as in `linear {size + 1} | {self.keyword}`"
            if axis == x.rank - 1
            else "an even size has to enter; without `axis=` the channels are halved",
        )
        return x.resized(*x.sizes[:axis], size // 2, *x.sizes[axis + 1 :])


@frozen(kw_only=True)
class Glu(Gate):
    """The first half times the sigmoid of the second (Dauphin et al., 2017).

    glu
    """

    axis: int = arg(AXIS, default=-1, help="the axis that is halved", tries=("-1", "0"))

    keyword = "glu"
    brought = ("gatedlinearunit", "gated_linear_unit")


@frozen(kw_only=True)
class Swiglu(Gate):
    """The silu of the first half times the second (Shazeer, 2020).

    swiglu
    """

    axis: int = arg(AXIS, default=-1, help="the axis that is halved", tries=("-1", "0"))

    keyword = "swiglu"
    brought = ("swi_glu",)


@frozen(kw_only=True)
class Geglu(Gate):
    """The gelu of the first half times the second (Shazeer, 2020).

    geglu
    """

    axis: int = arg(AXIS, default=-1, help="the axis that is halved", tries=("-1", "0"))

    keyword = "geglu"
    brought = ("ge_glu",)


@TORCH.spells(Glu, layout=EITHER)
def _(glu: Glu, x: Placed) -> Spelling:
    dim = x.axis(glu.axis)
    return Part((TORCH.call("nn.GLU", dim=dim),), TORCH.call("F.glu", X, dim=dim))


@KERAS.spells(Glu)
def _(glu: Glu, x: Placed) -> Spelling:
    return Part(function=KERAS.call("ops.glu", X, axis=x.axis(glu.axis)))


def _gated(gate: Gate, x: Placed, function: str) -> Spelling:
    middle = x.sizes[gate.axis] // 2
    first, second = (along(x, gate.axis, half) for half in (slice(None, middle), slice(middle, None)))
    keywords = {"approximate": False} if function == "ops.gelu" else {}
    return Part(function=Operation("*", apply(function, first, **keywords), second))


TORCH.spells(Swiglu, layout=EITHER)(lambda swiglu, x: _gated(swiglu, x, "F.silu"))
TORCH.spells(Geglu, layout=EITHER)(lambda geglu, x: _gated(geglu, x, "F.gelu"))
KERAS.spells(Swiglu)(lambda swiglu, x: _gated(swiglu, x, "ops.silu"))
KERAS.spells(Geglu)(lambda geglu, x: _gated(geglu, x, "ops.gelu"))
