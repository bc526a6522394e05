"""Bringing data to mean 0 and variance 1 by figures that are known: `normalize`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..emit.calls import EITHER, KERAS, TORCH, Call, Operation, Part, Placed, Spelling, Stored, X
from ..layer import Layer, Tensor, Weight, arg, check
from ..record import frozen
from ..size import same
from ..values import Kind, Unfit, Value, number, one_or_listed, show

LEAST_VARIANCE = Fraction(1, 10**14)


def _read_variance(value: Value) -> Value:
    """Read a variance whose root is no less than what Keras divides by."""
    value = number(above=0)(value)
    if (value < LEAST_VARIANCE) is True:
        raise Unfit(f"{show(value)} is below 1e-14", "at least 1e-14")
    return value


MEANS = Kind(
    "a number, or one a channel as `[0.5, 0.4, 0.4]`",
    one_or_listed(number()),
    ("0.5", "-2", "[0.5, -1, 2, 0.25]"),
)
VARIANCES = Kind(
    "a number above 0, or one a channel as `[0.06, 0.05, 0.05]`",
    one_or_listed(_read_variance),
    ("0.5", "2", "[0.5, 1, 2, 0.25]"),
)


@frozen(kw_only=True)
class Normalize(Layer):
    """(x - mean) / sqrt(variance), by given figures, or by those of the data.

    Without figures, mean, variance and the number of examples are weights that are not trained, as those that `adapt`
    finds in Keras; they start at 0, 1 and 0.

    normalize mean=0.13 variance=0.095
    """

    mean: Any = arg(MEANS, default=None, help="what is subtracted")
    variance: Any = arg(VARIANCES, default=None, help="its root is what is divided by")

    keyword = "normalize"
    brought = ("normalization", "normalise", "standardize", "standardise")

    def output(self, x: Tensor) -> Tensor:
        figures = {"mean": self.mean, "variance": self.variance}
        for given, other in (("mean", "variance"), ("variance", "mean")):
            check(
                figures[given] is None or figures[other] is not None,
                "E022",
                f"`normalize` gets `{given}=`, and no `{other}=`",
                "give both, or neither for figures that are kept as weights",
                given,
            )
            check(
                not isinstance(figures[given], tuple) or same(len(figures[given]), x.channels),
                "E008",
                f"`{given}` has {_several(figures[given])}, and {x} has {x.channels} channel{'s' * (x.channels != 1)}",
                "write a number for each channel, or one number for all",
                given,
            )
        return x

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        kept = self.mean is None
        return (
            Weight("mean", (x.channels,), trained=False, present=kept),
            Weight("variance", (x.channels,), trained=False, present=kept),
            Weight("count", (1,), trained=False, present=kept),
        )

    def figures(self) -> tuple[Any, Any]:
        """Return mean and variance as two numbers, or as two lists."""
        pair = (self.mean, self.variance)
        length = next((len(figure) for figure in pair if isinstance(figure, tuple)), None)
        if length is None:
            return pair
        mean, variance = (list(figure) if isinstance(figure, tuple) else [figure] * length for figure in pair)
        return mean, variance


def _several(figure: Any) -> str:
    count = len(figure) if isinstance(figure, tuple) else 1
    return f"{count} number{'s' * (count != 1)}"


_STORED = tuple(Stored(name, name, (0,)) for name in ("mean", "variance", "count"))


@TORCH.spells(Normalize, layout=EITHER)
def _(normalize: Normalize, x: Placed) -> Spelling:
    shape = x.per_channel()
    if normalize.mean is None:
        return Part((Call("Normalization", (shape,)),), weights=_STORED, idiom="Normalization")
    mean, variance = normalize.figures()
    if not isinstance(mean, list):
        centred = Operation("+", X, -mean) if (mean < 0) is True else Operation("-", X, mean)
        return Part(function=Operation("/", centred, Operation("**", variance, 0.5)))
    shaped = (shape,) if len(shape) > 1 else ()
    return Part((Call("Normalize", (mean, variance, *shaped)),), idiom="Normalize")


@KERAS.spells(Normalize)
def _(normalize: Normalize, x: Placed) -> Spelling:
    if normalize.mean is None:
        return Part((Call("layers.Normalization"),), weights=_STORED)
    mean, variance = normalize.figures()
    return Part((KERAS.call("layers.Normalization", mean=mean, variance=variance),))
