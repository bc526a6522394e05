"""Layers that disturb training: `dropout`, `spatial_dropout`, `drop_path`, `noise`."""

from __future__ import annotations

from ..emit.calls import EITHER, FIRST, KERAS, TORCH, Call, Part, Placed, Spelling, apply
from ..layer import Layer, Tensor, arg
from ..record import frozen
from ..values import RATE, Kind, Number, Unfit, Value, is_number, number, show


def _read(value: Value) -> Value:
    """Read a rate; a percentage gets a hint."""
    if is_number(value) and (value >= 2) is True and (value <= 100) is True:
        raise Unfit(f"{show(value)} is not below 1; did you mean {float(value) / 100:g}?")
    return RATE.read(value)


DROPPED = Kind(RATE.wanted, _read, RATE.tries)
DEVIATION = Kind("a number, at least 0", number(low=0), ("0.1", "2"))


class Dropping(Layer):
    """Set values to 0 at random while training, and scale up the rest to keep the mean; else nothing happens."""

    rate: Number

    is_stochastic = True
    drops = True

    def output(self, x: Tensor) -> Tensor:
        return x

    def passes_through(self) -> bool:
        return True

    def does_nothing(self, x: Tensor) -> bool:
        return self.rate == 0


@frozen(kw_only=True)
class Dropout(Dropping):
    """Set single values to 0 while training, each with probability `rate` (Srivastava et al., 2014).

    dropout 0.5
    """

    rate: Number = arg(DROPPED, role="positional", trains=True, help="the part of the values that is dropped")

    keyword = "dropout"
    elementwise = True
    brought = ("drop", "do")


@frozen(kw_only=True)
class SpatialDropout(Dropping):
    """Set whole channels to 0 while training, each with probability `rate` (Tompson et al., 2015).

    spatial_dropout 0.2
    """

    rate: Number = arg(DROPPED, role="positional", trains=True, help="the part of the channels that is dropped")

    keyword = "spatial_dropout"
    ranks = (2, 3, 4)
    brought = (
        "spatialdropout", "spatialdropout1d", "spatialdropout2d", "spatialdropout3d",
        "dropout1d", "dropout2d", "dropout3d",
    )  # fmt: skip


@frozen(kw_only=True)
class DropPath(Dropping):
    """Set whole examples to 0 while training, each with probability `rate`: stochastic depth (Huang et al., 2016).

    drop_path 0.1
    """

    rate: Number = arg(DROPPED, role="positional", trains=True, help="the part of the examples that is dropped")

    keyword = "drop_path"
    elementwise = True
    brought = ("droppath", "stochastic_depth", "stochasticdepth", "drop_connect")


@frozen(kw_only=True)
class Noise(Layer):
    """Add normal noise of mean 0 while training; else nothing happens.

    noise 0.1
    """

    amount: Number = arg(DEVIATION, role="positional", trains=True, help="standard deviation of the noise")

    keyword = "noise"
    is_stochastic = True
    elementwise = True
    brought = ("gaussiannoise", "gaussian_noise")

    def output(self, x: Tensor) -> Tensor:
        return x

    def passes_through(self) -> bool:
        return True

    def does_nothing(self, x: Tensor) -> bool:
        return self.amount == 0


@TORCH.spells(Dropout, layout=EITHER)
def _(dropout: Dropout, x: Placed) -> Spelling:
    return Part((Call("nn.Dropout", (dropout.rate,)),))


@KERAS.spells(Dropout)
def _(dropout: Dropout, x: Placed) -> Spelling:
    return Part((Call("layers.Dropout", (dropout.rate,)),))


@TORCH.spells(SpatialDropout, layout=FIRST)
def _(dropout: SpatialDropout, x: Placed) -> Spelling:
    return Part((Call(f"nn.Dropout{x.spatial}d", (dropout.rate,)),))


@KERAS.spells(SpatialDropout)
def _(dropout: SpatialDropout, x: Placed) -> Spelling:
    return Part((Call(f"layers.SpatialDropout{x.spatial}D", (dropout.rate,)),))


@TORCH.spells(DropPath, layout=EITHER)
def _(drop_path: DropPath, x: Placed) -> Spelling:
    return Part((Call("DropPath", (drop_path.rate,)),), idiom="DropPath")


@KERAS.spells(DropPath)
def _(drop_path: DropPath, x: Placed) -> Spelling:
    return Part((apply("layers.Dropout", drop_path.rate, noise_shape=(None, *(1,) * x.rank)),))


@TORCH.spells(Noise, layout=EITHER)
def _(noise: Noise, x: Placed) -> Spelling:
    return Part((Call("GaussianNoise", (noise.amount,)),), idiom="GaussianNoise")


@KERAS.spells(Noise)
def _(noise: Noise, x: Placed) -> Spelling:
    if (noise.amount <= 1) is True:
        return Part((Call("layers.GaussianNoise", (noise.amount,)),))
    return Part((Call("StrongNoise", (noise.amount,)),), idiom="StrongNoise")  # Keras refuses a deviation above 1
