"""Functions of one element, and the softmaxes: `relu` to `log_softmax`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import EITHER, FIRST, KERAS, TORCH, Call, Part, Placed, Spelling, Stored, X, apply
from ..layer import Layer, Tensor, Weight, arg, axis_of, flag
from ..record import frozen
from ..values import AXIS, NUMBER, Number, Truth


class Activation(Layer):
    """A non-linear function that keeps the shape."""

    is_activation = True
    elementwise = True

    def output(self, x: Tensor) -> Tensor:
        return x


@frozen(kw_only=True)
class Relu(Activation):
    """max(x, 0) (Nair and Hinton, 2010).

    relu
    """

    keyword = "relu"
    is_monotone = True
    is_rectified = True
    is_idempotent = True
    brought = ("rectifier", "rectified_linear")


@frozen(kw_only=True)
class Relu6(Activation):
    """min(max(x, 0), 6) (Krizhevsky, 2010).

    relu6
    """

    keyword = "relu6"
    is_monotone = True
    is_rectified = True
    is_idempotent = True


@frozen(kw_only=True)
class LeakyRelu(Activation):
    """x above 0, slope * x below (Maas et al., 2013).

    leaky_relu slope=0.2
    """

    slope: Number = arg(NUMBER, default=0.01, help="factor below 0", tries=("0.01", "0.3"))

    keyword = "leaky_relu"
    is_rectified = True
    brought = ("leakyrelu", "lrelu", "leaky")


@frozen(kw_only=True)
class Prelu(Activation):
    """x above 0, slope * x below, with a trained slope for each channel (He et al., 2015).

    prelu
    """

    keyword = "prelu"
    is_rectified = True
    elementwise = False
    brought = ("parametric_relu",)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("slope", (x.channels,)),)


@frozen(kw_only=True)
class Elu(Activation):
    """x above 0, alpha * (exp(x) - 1) below (Clevert et al., 2016).

    elu alpha=0.5
    """

    alpha: Number = arg(NUMBER, default=1, help="the limit far below 0 is -alpha", tries=("1", "0.5"))

    keyword = "elu"
    is_rectified = True


@frozen(kw_only=True)
class Selu(Activation):
    """elu with the scale and alpha that keep mean 0 and variance 1 (Klambauer et al., 2017).

    selu
    """

    keyword = "selu"
    is_monotone = True
    is_rectified = True


@frozen(kw_only=True)
class Celu(Activation):
    """max(x, 0) + min(exp(x) - 1, 0): elu with alpha 1, by its own name (Barron, 2017).

    celu
    """

    keyword = "celu"
    is_monotone = True
    is_rectified = True


@frozen(kw_only=True)
class Gelu(Activation):
    """x times the normal distribution function of x (Hendrycks and Gimpel, 2016).

    gelu
    """

    tanh: Truth = flag("tanh", help="the approximation by tanh")

    keyword = "gelu"
    is_rectified = True


@frozen(kw_only=True)
class Silu(Activation):
    """x * sigmoid(x) (Elfwing et al., 2018).

    silu
    """

    keyword = "silu"
    is_rectified = True
    brought = ("swish",)


@frozen(kw_only=True)
class Mish(Activation):
    """x * tanh(softplus(x)) (Misra, 2019).

    mish
    """

    keyword = "mish"
    is_rectified = True


@frozen(kw_only=True)
class Hardswish(Activation):
    """x * relu6(x + 3) / 6 (Howard et al., 2019).

    hardswish
    """

    keyword = "hardswish"
    is_rectified = True
    brought = ("hard_swish", "hard_silu", "hardsilu")


@frozen(kw_only=True)
class Hardsigmoid(Activation):
    """relu6(x + 3) / 6 (Howard et al., 2019).

    hardsigmoid
    """

    keyword = "hardsigmoid"
    is_monotone = True
    is_saturating = True
    makes = "probability"
    brought = ("hard_sigmoid",)


@frozen(kw_only=True)
class Sigmoid(Activation):
    """1 / (1 + exp(-x)).

    sigmoid
    """

    keyword = "sigmoid"
    is_monotone = True
    is_saturating = True
    makes = "probability"
    brought = ("logistic",)


@frozen(kw_only=True)
class Tanh(Activation):
    """The hyperbolic tangent.

    tanh
    """

    keyword = "tanh"
    is_monotone = True
    is_saturating = True
    is_centred = True


@frozen(kw_only=True)
class Softplus(Activation):
    """log(1 + exp(x)).

    softplus
    """

    keyword = "softplus"
    is_monotone = True


@frozen(kw_only=True)
class Softsign(Activation):
    """x / (1 + |x|).

    softsign
    """

    keyword = "softsign"
    is_monotone = True
    is_saturating = True
    is_centred = True


@frozen(kw_only=True)
class Exp(Activation):
    """The exponential function.

    exp
    """

    keyword = "exp"
    is_monotone = True
    is_exponential = True
    brought = ("exponential",)


class AlongAxis(Activation):
    """A function of all elements along an axis."""

    elementwise = False
    axis: int

    def output(self, x: Tensor) -> Tensor:
        axis_of(self.axis, x.rank)
        return x


@frozen(kw_only=True)
class Softmax(AlongAxis):
    """exp(x), divided by its sum along an axis.

    softmax
    """

    axis: int = arg(AXIS, default=-1, help="the axis that sums to 1", tries=("-1", "0"))

    keyword = "softmax"
    makes = "distribution"


@frozen(kw_only=True)
class LogSoftmax(AlongAxis):
    """The logarithm of softmax.

    log_softmax
    """

    axis: int = arg(AXIS, default=-1, help="the axis along which the exponentials sum to 1", tries=("-1", "0"))

    keyword = "log_softmax"
    makes = "log_distribution"
    brought = ("logsoftmax",)


# PyTorch: an object for a Sequential, a function elsewhere.


def _torch_plain(module: str, function: str, *layers: type[Layer]) -> None:
    TORCH.spells(*layers, layout=EITHER)(lambda layer, x: Part((Call(module),), apply(function, X)))


_torch_plain("nn.ReLU", "F.relu", Relu)
_torch_plain("nn.ReLU6", "F.relu6", Relu6)
_torch_plain("nn.SELU", "F.selu", Selu)
_torch_plain("nn.CELU", "F.celu", Celu)
_torch_plain("nn.SiLU", "F.silu", Silu)
_torch_plain("nn.Mish", "F.mish", Mish)
_torch_plain("nn.Hardswish", "F.hardswish", Hardswish)
_torch_plain("nn.Hardsigmoid", "F.hardsigmoid", Hardsigmoid)
_torch_plain("nn.Sigmoid", "F.sigmoid", Sigmoid)
_torch_plain("nn.Tanh", "F.tanh", Tanh)
_torch_plain("nn.Softplus", "F.softplus", Softplus)
_torch_plain("nn.Softsign", "F.softsign", Softsign)


@TORCH.spells(Exp, layout=EITHER)
def _(exp: Exp, x: Placed) -> Spelling:
    return Part(function=apply("torch.exp", X))


@TORCH.spells(LeakyRelu, layout=EITHER)
def _(leaky_relu: LeakyRelu, x: Placed) -> Spelling:
    return Part((TORCH.call("nn.LeakyReLU", leaky_relu.slope),), TORCH.call("F.leaky_relu", X, leaky_relu.slope))


@TORCH.spells(Prelu, layout=FIRST)
def _(prelu: Prelu, x: Placed) -> Spelling:
    return Part((Call("nn.PReLU", (x.channels,)),), weights=(Stored("slope", "weight", (0,)),))


@TORCH.spells(Elu, layout=EITHER)
def _(elu: Elu, x: Placed) -> Spelling:
    return Part((TORCH.call("nn.ELU", elu.alpha),), TORCH.call("F.elu", X, elu.alpha))


@TORCH.spells(Gelu, layout=EITHER)
def _(gelu: Gelu, x: Placed) -> Spelling:
    approximate = "tanh" if gelu.tanh else "none"
    return Part((TORCH.call("nn.GELU", approximate=approximate),), TORCH.call("F.gelu", X, approximate=approximate))


@TORCH.spells(Softmax, LogSoftmax, layout=EITHER)
def _(softmax: Softmax | LogSoftmax, x: Placed) -> Spelling:
    dim = x.axis(softmax.axis)
    module, function = (
        ("nn.Softmax", "F.softmax") if isinstance(softmax, Softmax) else ("nn.LogSoftmax", "F.log_softmax")
    )
    return Part((apply(module, dim=dim),), apply(function, X, dim=dim))


# Keras: a word where the layer before has an argument for it, a layer, and a function elsewhere.


def _keras_plain(word: str, function: str, *layers: type[Layer]) -> None:
    def spell(layer: Layer, x: Placed) -> Spelling:
        return Part((Call("layers.Activation", (word,)),), apply(function, X) if function else None, activation=word)

    KERAS.spells(*layers)(spell)


_keras_plain("relu", "ops.relu", Relu)
_keras_plain("relu6", "ops.relu6", Relu6)
_keras_plain("selu", "ops.selu", Selu)
_keras_plain("celu", "ops.celu", Celu)
_keras_plain("silu", "ops.silu", Silu)
_keras_plain("mish", "", Mish)  # there is no ops.mish
_keras_plain("hard_silu", "ops.hard_silu", Hardswish)
_keras_plain("hard_sigmoid", "ops.hard_sigmoid", Hardsigmoid)
_keras_plain("sigmoid", "ops.sigmoid", Sigmoid)
_keras_plain("tanh", "ops.tanh", Tanh)
_keras_plain("softplus", "ops.softplus", Softplus)
_keras_plain("softsign", "ops.softsign", Softsign)
_keras_plain("exponential", "ops.exp", Exp)


@KERAS.spells(LeakyRelu)
def _(leaky_relu: LeakyRelu, x: Placed) -> Spelling:
    slope = leaky_relu.slope
    return Part((apply("layers.LeakyReLU", negative_slope=slope),), apply("ops.leaky_relu", X, negative_slope=slope))


@KERAS.spells(Prelu)
def _(prelu: Prelu, x: Placed) -> Spelling:
    shared = tuple(range(1, x.rank))
    module = apply("layers.PReLU", shared_axes=shared) if shared else Call("layers.PReLU")
    return Part((module,), weights=(Stored("slope", "alpha", (0,)),))


@KERAS.spells(Elu)
def _(elu: Elu, x: Placed) -> Spelling:
    word = "elu" if elu.alpha == 1 else ""
    return Part(
        (KERAS.call("layers.ELU", alpha=elu.alpha),), KERAS.call("ops.elu", X, alpha=elu.alpha), activation=word
    )


@KERAS.spells(Gelu)
def _(gelu: Gelu, x: Placed) -> Spelling:
    if gelu.tanh:
        return Part(function=apply("ops.gelu", X, approximate=True))
    return Part((Call("layers.Activation", ("gelu",)),), apply("ops.gelu", X, approximate=False), activation="gelu")


def _keras_along_axis(word: str, layer: Any, x: Placed) -> Part:
    """Spell a softmax: the word only means the last axis."""
    axis = x.axis(layer.axis)
    if axis == -1:
        return Part((Call("layers.Activation", (word,)),), apply(f"ops.{word}", X, axis=-1), activation=word)
    return Part(function=apply(f"ops.{word}", X, axis=axis))


@KERAS.spells(Softmax)
def _(softmax: Softmax, x: Placed) -> Spelling:
    return _keras_along_axis("softmax", softmax, x)


@KERAS.spells(LogSoftmax)
def _(log_softmax: LogSoftmax, x: Placed) -> Spelling:
    return _keras_along_axis("log_softmax", log_softmax, x)
