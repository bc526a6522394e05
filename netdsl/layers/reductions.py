"""Axes that become one value: `mean`, `sum`."""

from __future__ import annotations

from operator import index
from typing import Any, ClassVar

from ..emit.calls import EITHER, KERAS, LAST, TORCH, Method, Part, Placed, Spelling, Wish, X, apply
from ..layer import Layer, Tensor, arg, axis_of, check
from ..record import frozen
from ..values import AXIS_OR_AXES


class Reduction(Layer):
    """A function of all values along some axes, which go.

    There is no default: all axes would leave nothing, `pool global` takes the positions, and `softmax` the channels.
    """

    axis: Any

    def axes(self, x: Tensor) -> tuple[int, ...]:
        """Return the axes that go, counted from 0."""
        written = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        axes = tuple(index(axis_of(axis, x.rank)) for axis in written)
        twice = next((axis for axis in axes if axes.count(axis) > 1), None)
        check(
            len(axes) > 0 and twice is None,
            "E008",
            f"`axis` names {'no axis' if not axes else f'axis {twice} twice, counted from the start'}",
            f"for example `{self.keyword} axis=[0, 1]`",
            "axis",
        )
        check(
            len(axes) < x.rank,
            "E008",
            f"no axis of {x} would be left, and a tensor has at least one",
            f"leave one out, as in `{self.keyword} axis=0`"
            if x.rank > 1
            else f"`reshape {x.channels}x1 | {self.keyword} axis=0` leaves a vector of one",
            "axis",
        )
        return axes

    def output(self, x: Tensor) -> Tensor:
        axes = self.axes(x)
        return x.resized(*(size for axis, size in enumerate(x.sizes) if axis not in axes))

    def passes_through(self) -> bool:
        return True


@frozen(kw_only=True)
class Mean(Reduction):
    """The mean along one axis or several, which go; `pool global avg` is that of all positions.

    mean axis=0
    """

    axis: Any = arg(AXIS_OR_AXES, help="the axis that goes, or a list of them")

    keyword = "mean"
    of_branches = "average"
    brought = ("reduce_mean", "reducemean")
    brought_as: ClassVar[dict[str, str]] = dict.fromkeys(brought, "mean axis=0")


@frozen(kw_only=True)
class Sum(Reduction):
    """The sum along one axis or several, which go.

    sum axis=-1
    """

    axis: Any = arg(AXIS_OR_AXES, help="the axis that goes, or a list of them")

    keyword = "sum"
    of_branches = "add"
    brought = ("reduce_sum", "reducesum")
    brought_as: ClassVar[dict[str, str]] = dict.fromkeys(brought, "sum axis=0")


def _layout(layer: Reduction, x: Tensor) -> Wish:
    """Without channels, what is left of a channels-first tensor is no channels-first tensor any more."""
    axes = layer.axes(x)
    return LAST if x.rank - 1 in axes and x.rank - len(axes) > 1 else EITHER


def _axes(layer: Reduction, x: Placed) -> Any:
    axes = tuple(x.axis(axis) for axis in layer.axes(x.tensor))
    return axes if len(axes) > 1 else axes[0]


@TORCH.spells(Mean, Sum, layout=_layout)
def _(layer: Reduction, x: Placed) -> Spelling:
    return Part(function=apply(Method(X, layer.keyword), _axes(layer, x)))


@KERAS.spells(Mean, Sum)
def _(layer: Reduction, x: Placed) -> Spelling:
    return Part(function=apply(f"ops.{layer.keyword}", X, axis=_axes(layer, x)))
