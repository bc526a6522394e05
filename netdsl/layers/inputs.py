"""The source of every network: `in`."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from ..layer import Layer, Tensor, arg, flag
from ..values import SHAPE


@frozen(kw_only=True)
class In(Layer):
    """An input of the network: its shape without the batch axis, channels last.

    in 100x100x1
    """

    shape: Any = arg(SHAPE, role="positional", help="sizes of one example, channels last")
    int: bool = flag("int", help="token ids instead of real numbers")

    keyword = "in"
    is_source = True
    brought = ("input", "inputs", "inputlayer", "inp")

    def output(self) -> Tensor:
        return Tensor(self.shape, "int" if self.int else "float")
