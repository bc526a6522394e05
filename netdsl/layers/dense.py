"""Maps without windows: `dense` on everything at once, `linear` on the last axis."""

from __future__ import annotations

from ..emit.calls import KERAS, LAST, TORCH, Part, Placed, Spelling, Stored
from ..layer import Layer, Size, Tensor, Weight, arg, check, flag, show_shape
from ..record import frozen
from ..size import product
from ..values import COUNT, Truth


@frozen(kw_only=True)
class Dense(Layer):
    """Connect every input to every unit; a map is flattened first.

    dense 250
    """

    units: Size = arg(COUNT, role="positional", help="number of outputs", tries=("1", "3"))
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    keyword = "dense"
    is_affine = True
    sees_all = True
    learns = True
    absorbs_order = True
    brought = ("fc", "fully_connected", "fullyconnected", "innerproduct", "full", "hidden", "output", "affine")

    def implied(self, x: Tensor) -> Layer | None:
        from .shape import Flatten

        return Flatten() if x.rank in (3, 4) else None

    def output(self, x: Tensor) -> Tensor:
        check(
            x.rank == 1,
            "E001",
            f"`dense` on a sequence ({show_shape(x.sizes)}) could mean two things",
            f"`linear {self.units}` maps each position by itself; `flatten | dense {self.units}` connects all of them",
        )
        return x.resized(self.units)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (
            Weight("kernel", (*x.sizes, self.units), uses=1),
            Weight("bias", (self.units,), present=self.bias),
        )

    def fan_in(self, x: Tensor) -> Size:
        return x.channels


@frozen(kw_only=True)
class Linear(Layer):
    """Connect the channels to every unit, by the same weights at each position.

    linear 64
    """

    units: Size = arg(COUNT, role="positional", help="number of channels that leave", tries=("1", "3"))
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    keyword = "linear"
    is_affine = True
    learns = True
    brought = ("timedistributed", "lin", "projection")

    def output(self, x: Tensor) -> Tensor:
        return x.resized(*x.positions, self.units)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (
            Weight("kernel", (x.channels, self.units), uses=product(x.positions)),
            Weight("bias", (self.units,), present=self.bias),
        )

    def fan_in(self, x: Tensor) -> Size:
        return x.channels


@TORCH.spells(Dense, Linear, layout=LAST)
def _(layer: Dense | Linear, x: Placed) -> Spelling:
    module = TORCH.call("nn.Linear", x.channels, layer.units, bias=layer.bias)
    return Part(
        (module,), weights=(Stored("kernel", "weight", (1, 0), follows_order=True), Stored("bias", "bias", (0,)))
    )


@KERAS.spells(Dense, Linear)
def _(layer: Dense | Linear, x: Placed) -> Spelling:
    module = KERAS.call("layers.Dense", layer.units, use_bias=layer.bias)
    stored = (Stored("kernel", "kernel", (0, 1)), Stored("bias", "bias", (0,)))
    return Part((module,), weights=stored, takes_activation=True)
