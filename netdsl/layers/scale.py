"""Multiplying by a number: `scale`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import EITHER, KERAS, TORCH, Operation, Part, Placed, Spelling, X
from ..layer import Layer, Tensor, arg
from ..record import frozen
from ..values import NUMBER, Number


@frozen(kw_only=True)
class Scale(Layer):
    """factor * x + offset.

    scale 2 offset=-1
    """

    factor: Number = arg(NUMBER, role="positional", help="what every value is multiplied by")
    offset: Number = arg(NUMBER, default=0, help="what is added then", tries=("0", "-1", "0.5"))

    keyword = "scale"
    elementwise = True
    brought = ("rescaling", "rescale")

    def output(self, x: Tensor) -> Tensor:
        return x

    def does_nothing(self, x: Tensor) -> bool:
        return self.factor == 1 and self.offset == 0


def _expression(scale: Scale) -> Any:
    scaled = Operation("*", scale.factor, X)
    if scale.offset == 0:
        return scaled
    if (scale.offset < 0) is True:
        return Operation("-", scaled, -scale.offset)
    return Operation("+", scaled, scale.offset)


@TORCH.spells(Scale, layout=EITHER)
def _(scale: Scale, x: Placed) -> Spelling:
    return Part(function=_expression(scale))


@KERAS.spells(Scale)
def _(scale: Scale, x: Placed) -> Spelling:
    return Part((KERAS.call("layers.Rescaling", scale.factor, offset=scale.offset),), _expression(scale))
