"""Layers that put something around the positions or take something off: `pad`, `crop`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import EITHER, FIRST, KERAS, TORCH, Part, Placed, Spelling, X, apply
from ..layer import Layer, Reach, Tensor, arg, check, number_of_axes
from ..record import frozen
from ..values import PADS, TENSOR, NamedTensor
from .windows import Pads, axis_names, keras_crop, keras_pad, no_padding, pads_per_axis, torch_crop, torch_pad


@frozen(kw_only=True)
class Pad(Layer):
    """Put zeros around the positions of each channel.

    pad [[0, 1], [0, 1]]
    """

    amount: Any = arg(PADS, role="positional", help="zeros at both sides of each axis, or at start and end of each")

    keyword = "pad"
    ranks = (2, 3, 4)
    brought = ("zeropadding1d", "zeropadding2d", "zeropadding3d", "zeropad2d", "zero_pad", "zeropad", "zero_padding")

    def pads(self, x: Tensor) -> Pads:
        """Return what is put at the start and end of each axis."""
        return pads_per_axis(self.amount, x.rank - 1, "amount")

    def output(self, x: Tensor) -> Tensor:
        sides = zip(x.positions, self.pads(x), strict=True)
        return x.resized(*(n + before + after for n, (before, after) in sides), x.channels)

    def does_nothing(self, x: Tensor) -> bool:
        return no_padding(self.pads(x))

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        return tuple(Reach(1, 1, -before) for before, _ in self.pads(tensors[0]))


@frozen(kw_only=True)
class Crop(Layer):
    """Take positions off the start and end of each axis.

    crop 1
    """

    amount: Any = arg(PADS, role="positional", help="what goes at both sides of each axis, or at start and end of each")

    keyword = "crop"
    ranks = (2, 3, 4)
    brought = ("cropping1d", "cropping2d", "cropping3d", "centercrop", "center_crop")

    def pads(self, x: Tensor) -> Pads:
        """Return what is taken off the start and end of each axis, after checking that something is left."""
        pads = pads_per_axis(self.amount, x.rank - 1, "amount")
        for axis, (n, (before, after)) in enumerate(zip(x.positions, pads, strict=True)):
            check(
                before + after < n,
                "E008",
                f"taking {before} and {after} off the {axis_names(x.rank)[axis]} leaves nothing of {n}",
                "crop less, or shrink the tensor less before",
                "amount",
                axis,
            )
        return pads

    def output(self, x: Tensor) -> Tensor:
        sides = zip(x.positions, self.pads(x), strict=True)
        return x.resized(*(n - before - after for n, (before, after) in sides), x.channels)

    def does_nothing(self, x: Tensor) -> bool:
        return no_padding(self.pads(x))

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        return tuple(Reach(1, 1, before) for before, _ in self.pads(tensors[0]))


@frozen(kw_only=True)
class CropLike(Layer):
    """Take positions off both sides until the tensor is as large as another; an odd one goes at the end.

    crop like=skip
    """

    like: NamedTensor = arg(TENSOR, help="the tensor whose positions are matched; its channels do not matter")

    keyword = "crop"
    form = "like"
    ranks = (2, 3, 4)

    def pads(self, x: Tensor) -> Pads:
        """Return what is taken off the start and end of each axis, after checking that the other is not larger."""
        wanted = positions_of(self.like, x)
        pads = []
        for axis, (n, m) in enumerate(zip(x.positions, wanted, strict=True)):
            check(
                m <= n,
                "E008",
                f"the {axis_names(x.rank)[axis]} of `{self.like.name}` is {m}, and cropping cannot make {m} of {n}",
                f"`up like={self.like.name}` enlarges; or crop `{self.like.name}` like this tensor",
                "like",
                axis,
            )
            before = (n - m) // 2
            pads.append((before, n - m - before))
        return tuple(pads)

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        return tuple(Reach(1, 1, before) for before, _ in self.pads(tensors[0]))

    def output(self, x: Tensor) -> Tensor:
        self.pads(x)
        return x.resized(*positions_of(self.like, x), x.channels)


def positions_of(like: NamedTensor, x: Tensor) -> tuple[Any, ...]:
    """Return the positions of a named tensor, which has to have as many axes as the one that enters."""
    other = Tensor(like.sizes)
    check(
        other.rank == x.rank,
        "E008",
        f"`{like.name}` is {number_of_axes(other)}, and {number_of_axes(x)} enters",
        "both have to have the same number of axes",
        "like",
    )
    return other.positions


@TORCH.spells(Pad, layout=EITHER)
def _(pad: Pad, x: Placed) -> Spelling:
    pads = pad.pads(x.tensor)
    if x.layout == FIRST:
        return torch_pad(pads)
    return Part(function=apply("F.pad", X, (0, 0, *(amount for pair in reversed(pads) for amount in pair))))


@KERAS.spells(Pad)
def _(pad: Pad, x: Placed) -> Spelling:
    return keras_pad(pad.pads(x.tensor))


@TORCH.spells(Crop, CropLike, layout=EITHER)
def _(crop: Crop | CropLike, x: Placed) -> Spelling:
    return torch_crop(crop.pads(x.tensor), x.layout)


@KERAS.spells(Crop, CropLike)
def _(crop: Crop | CropLike, x: Placed) -> Spelling:
    return keras_crop(crop.pads(x.tensor), x.positions)
