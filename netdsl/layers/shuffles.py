"""The same elements at other places: `pixel_shuffle`, `pixel_unshuffle`, `channel_shuffle`, `roll`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import EITHER, FIRST, KERAS, TORCH, Call, Part, Placed, Spelling, X, apply
from ..layer import Layer, Reach, Size, Tensor, arg, check, per_axis
from ..record import frozen
from ..size import ceil_div, divide, same
from ..values import COUNT, SHIFT
from .windows import axis_names


@frozen(kw_only=True)
class PixelShuffle(Layer):
    """Make R times as high and wide a map of fewer channels (Shi et al., 2016).

    Row i and column j of each R x R field come from channel c*R*R + i*R + j, as in PyTorch.

    pixel_shuffle 2
    """

    factor: Size = arg(
        COUNT, role="positional", help="how many times as high and wide; its square divides the channels"
    )

    keyword = "pixel_shuffle"
    ranks = (3,)
    brought = ("pixelshuffle", "depth_to_space", "depthtospace", "subpixel")

    def output(self, x: Tensor) -> Tensor:
        height, width, channels = x.sizes
        square = self.factor * self.factor
        fitting = ceil_div(channels, square) * square
        check(
            same(channels % square, 0),
            "E011",
            f"{channels} channel{'s' * (channels != 1)}, which {self.factor}*{self.factor} does not divide",
            f"write `linear {fitting} | pixel_shuffle {self.factor}`, which leaves {fitting // square}",
            "factor",
        )
        return x.resized(height * self.factor, width * self.factor, channels // square)

    def does_nothing(self, x: Tensor) -> bool:
        return self.factor == 1

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        step = divide(1, self.factor)
        return (Reach(1, step, divide(step - 1, 2)),) * 2


@frozen(kw_only=True)
class PixelUnshuffle(Layer):
    """Undo pixel_shuffle: each R x R field becomes R*R channels of one position.

    pixel_unshuffle 2
    """

    factor: Size = arg(
        COUNT, role="positional", help="side of a field, which divides height and width", tries=("1", "2")
    )

    keyword = "pixel_unshuffle"
    ranks = (3,)
    brought = ("pixelunshuffle", "space_to_depth", "spacetodepth")

    def output(self, x: Tensor) -> Tensor:
        for name, size in zip(axis_names(x.rank), x.positions, strict=True):
            check(
                same(size % self.factor, 0),
                "E008",
                f"the {name} is {size}, which {self.factor} does not divide",
                "`pad` or `crop` it before, or choose another factor",
                "factor",
            )
        sides = (size // self.factor for size in x.positions)
        return x.resized(*sides, x.channels * self.factor * self.factor)

    def does_nothing(self, x: Tensor) -> bool:
        return self.factor == 1

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        return (Reach(self.factor, self.factor, divide(self.factor - 1, 2)),) * 2


@frozen(kw_only=True)
class ChannelShuffle(Layer):
    """Take a channel of each group in turn: the first of each, then the second of each (Zhang et al., 2018).

    channel_shuffle 4
    """

    groups: Size = arg(COUNT, role="positional", help="number of groups, which divides the channels")

    keyword = "channel_shuffle"
    ranks = (3,)
    brought = ("channelshuffle", "shuffle_channels")

    def output(self, x: Tensor) -> Tensor:
        check(
            same(x.channels % self.groups, 0),
            "E006",
            f"{x.channels} channel{'s' * (x.channels != 1)}, which {self.groups} groups do not divide",
            "choose a number of groups that divides the channels",
            "groups",
        )
        return x


@frozen(kw_only=True)
class Roll(Layer):
    """Move the positions along their axes; what leaves at the end comes back at the start, as in numpy.roll.

    roll 3
    """

    amount: Any = arg(SHIFT, role="positional", help="by how many positions, towards the start where it is below 0")

    keyword = "roll"
    brought = ("cyclic_shift",)

    def amounts(self, x: Tensor) -> tuple[Size, ...]:
        """Return by how much each axis of positions is moved."""
        check(
            x.rank > 1,
            "E001",
            f"`roll` moves positions, and a vector has none: {x} enters",
            f"`reshape {x.channels}x1 | roll 1 | flatten` moves its elements",
        )
        return per_axis(self.amount, x.rank - 1, "amount")

    def output(self, x: Tensor) -> Tensor:
        self.amounts(x)
        return x


@TORCH.spells(PixelShuffle, layout=FIRST)
def _(shuffle: PixelShuffle, x: Placed) -> Spelling:
    return Part((Call("nn.PixelShuffle", (shuffle.factor,)),), apply("F.pixel_shuffle", X, shuffle.factor))


@TORCH.spells(PixelUnshuffle, layout=FIRST)
def _(shuffle: PixelUnshuffle, x: Placed) -> Spelling:
    return Part((Call("nn.PixelUnshuffle", (shuffle.factor,)),), apply("F.pixel_unshuffle", X, shuffle.factor))


@TORCH.spells(ChannelShuffle, layout=FIRST)
def _(shuffle: ChannelShuffle, x: Placed) -> Spelling:
    return Part((Call("nn.ChannelShuffle", (shuffle.groups,)),), apply("F.channel_shuffle", X, shuffle.groups))


@TORCH.spells(Roll, layout=EITHER)
def _(roll: Roll, x: Placed) -> Spelling:
    amounts, axes = roll.amounts(x.tensor), x.position_axes
    if x.spatial == 1:
        return Part(function=apply("torch.roll", X, *amounts, *axes))
    return Part(function=apply("torch.roll", X, amounts, axes))


def _rearranged(split: tuple[Size, ...], order: tuple[int, ...], joined: tuple[Size, ...]) -> Spelling:
    """Return Keras' way: split axes, put the parts in another order, and join them."""
    if not all(isinstance(size, int) for size in (*split, *joined)):
        parts = apply("ops.transpose", apply("ops.reshape", X, (-1, *split)), (0, *order))
        return Part(function=apply("ops.reshape", parts, (-1, *joined)))
    calls = (Call("layers.Reshape", (split,)), Call("layers.Permute", (order,)), Call("layers.Reshape", (joined,)))
    return tuple(Part((call,)) for call in calls)


@KERAS.spells(PixelShuffle)
def _(shuffle: PixelShuffle, x: Placed) -> Spelling:
    side = shuffle.factor
    joined = shuffle.output(x.tensor)
    return _rearranged((*x.positions, joined.channels, side, side), (1, 4, 2, 5, 3), joined.sizes)


@KERAS.spells(PixelUnshuffle)
def _(shuffle: PixelUnshuffle, x: Placed) -> Spelling:
    side = shuffle.factor
    joined = shuffle.output(x.tensor)
    height, width = joined.positions
    return _rearranged((height, side, width, side, x.channels), (1, 3, 5, 2, 4), joined.sizes)


@KERAS.spells(ChannelShuffle)
def _(shuffle: ChannelShuffle, x: Placed) -> Spelling:
    split = (*x.positions, shuffle.groups, x.channels // shuffle.groups)
    return _rearranged(split, (1, 2, 4, 3), x.sizes)


@KERAS.spells(Roll)
def _(roll: Roll, x: Placed) -> Spelling:
    amounts, axes = roll.amounts(x.tensor), x.position_axes
    if x.spatial == 1:
        return Part(function=apply("ops.roll", X, *amounts, axis=axes[0]))
    return Part(function=apply("ops.roll", X, amounts, axis=axes))
