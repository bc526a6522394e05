"""Normalisations: over the batch `bn`, over positions `gn` `instance_norm`, over channels `ln` `rms` `lrn` `l2norm`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import EITHER, FIRST, KERAS, LAST, TORCH, Call, Method, Part, Placed, Spelling, Stored, X, apply
from ..layer import Layer, Size, Tensor, Weight, arg, check, flag
from ..record import frozen
from ..size import differ, product, same
from ..values import ABOVE_ZERO, COUNT, KEPT, Number, Truth


class Normalisation(Layer):
    """Bring values to mean 0 and variance 1, then to a trained scale and bias for each channel."""

    is_norm = True

    eps: Number
    scale: Truth
    bias: Truth

    def output(self, x: Tensor) -> Tensor:
        return x

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (
            Weight("scale", (x.channels,), present=self.scale),
            Weight("bias", (x.channels,), present=self.bias),
        )


@frozen(kw_only=True)
class Bn(Normalisation):
    """Normalise each channel over batch and positions; outside training by averages kept (Ioffe and Szegedy, 2015).

    bn
    """

    eps: Number = arg(ABOVE_ZERO, default=1e-5, help="added to the variance")
    momentum: Number = arg(KEPT, default=0.9, trains=True, help="the part of the running averages that each step keeps")
    scale: Truth = flag("noscale", off=True, help="leave out the scale")
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    keyword = "bn"
    keeps_statistics = True
    brought = ("batchnorm", "batch_norm", "batchnormalization", "batchnorm1d", "batchnorm2d", "batchnorm3d", "norm")

    def output(self, x: Tensor) -> Tensor:
        check(
            self.momentum <= 1,
            "E008",
            "`momentum` is the part of the running averages that is kept, at most 1",
            "PyTorch's momentum is 1 minus it",
            "momentum",
        )
        return x

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (
            *super().weights(x),
            Weight("mean", (x.channels,), trained=False),
            Weight("variance", (x.channels,), trained=False),
        )


@frozen(kw_only=True)
class Ln(Normalisation):
    """Normalise the channels at each position (Ba et al., 2016).

    ln
    """

    eps: Number = arg(ABOVE_ZERO, default=1e-5, help="added to the variance")
    scale: Truth = flag("noscale", off=True, help="leave out the scale")
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    keyword = "ln"
    brought = ("layernorm", "layer_norm", "layernormalization")


@frozen(kw_only=True)
class Gn(Normalisation):
    """Normalise each group of neighbouring channels over all positions (Wu and He, 2018).

    gn 32
    """

    groups: Size = arg(COUNT, role="positional", help="number of groups, which divides the channels")
    eps: Number = arg(ABOVE_ZERO, default=1e-5, help="added to the variance")
    scale: Truth = flag("noscale", off=True, help="leave out the scale")
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    keyword = "gn"
    brought = ("groupnorm", "group_norm", "groupnormalization")

    def output(self, x: Tensor) -> Tensor:
        check(
            same(x.channels % self.groups, 0),
            "E007",
            f"{x.channels} channels, which {self.groups} groups do not divide",
            "choose a number of groups that divides the channels",
            "groups",
        )
        return x


@frozen(kw_only=True)
class InstanceNorm(Normalisation):
    """Normalise each channel over all positions (Ulyanov et al., 2016).

    instance_norm
    """

    eps: Number = arg(ABOVE_ZERO, default=1e-5, help="added to the variance")
    scale: Truth = flag("noscale", off=True, help="leave out the scale")
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    keyword = "instance_norm"
    brought = (
        "instancenorm", "instancenorm1d", "instancenorm2d", "instancenorm3d", "instancenormalization",
        "instance_normalization",
    )  # fmt: skip

    def output(self, x: Tensor) -> Tensor:
        check(
            differ(product(x.positions), 1),
            "E001",
            f"`instance_norm` compares a channel's values at all positions, and {x} has one value in each channel",
            "`ln` normalises over the channels; or put `instance_norm` where there are more positions",
        )
        return x


@frozen(kw_only=True)
class Rms(Layer):
    """Divide the channels at each position by their root mean square, then scale each (Zhang and Sennrich, 2019).

    rms
    """

    eps: Number = arg(ABOVE_ZERO, default=1e-6, help="added to the mean square")
    scale: Truth = flag("noscale", off=True, help="leave out the scale")

    keyword = "rms"
    is_norm = True
    brought = ("rmsnorm", "rms_norm", "rmsnormalization", "rms_normalization")

    def output(self, x: Tensor) -> Tensor:
        return x

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("scale", (x.channels,), present=self.scale),)


@frozen(kw_only=True)
class Lrn(Layer):
    """Divide by (k + alpha/size * the sum of squares in a window over the channels)^beta (Krizhevsky et al., 2012).

    The window of an even size has its odd channel at the start.

    lrn 5 k=2
    """

    size: Size = arg(COUNT, default=5, role="positional", help="number of neighbouring channels", tries=("1", "2", "3"))
    alpha: Number = arg(ABOVE_ZERO, default=1e-4, help="factor of the mean square", tries=("0.5", "2"))
    beta: Number = arg(ABOVE_ZERO, default=0.75, help="power of the divisor", tries=("0.5", "2"))
    k: Number = arg(ABOVE_ZERO, default=1, help="added to the mean square", tries=("0.5", "2"))

    keyword = "lrn"
    brought = ("localresponsenorm", "local_response_norm", "localresponsenormalization", "local_response_normalization")

    def output(self, x: Tensor) -> Tensor:
        return x


@frozen(kw_only=True)
class L2norm(Layer):
    """Divide the channels at each position by their Euclidean length, or by eps where they are shorter.

    l2norm
    """

    eps: Number = arg(ABOVE_ZERO, default=1e-12, help="the least divisor", tries=("0.5", "3"))

    keyword = "l2norm"
    brought = ("l2_norm", "l2normalize", "l2_normalize", "unitnormalization", "unit_norm")

    def output(self, x: Tensor) -> Tensor:
        return x


_STORED = (Stored("scale", "weight", (0,)), Stored("bias", "bias", (0,)))


def _affine(norm: Normalisation, x: Placed) -> tuple[Part, ...]:
    """Return a scale or a bias alone behind a PyTorch norm, where its module has both or neither."""
    if bool(norm.scale) == bool(norm.bias):
        return ()
    absent = (("bias", False),) if norm.scale else (("scale", False),)
    stored = (Stored("scale", "scale", (0,)), Stored("bias", "bias", (0,)))
    return (Part((Call("Affine", (x.per_channel(),), absent),), weights=stored, idiom="Affine"),)


def flattened(x: Placed) -> tuple[Part, Part]:
    """Return what makes one axis of the positions of a channels-first tensor in PyTorch, and what restores them."""
    flat = Part((Call("nn.Flatten", (2,)),), apply(Method(X, "flatten"), 2))
    return flat, Part((Call("nn.Unflatten", (2, x.positions)),), apply(Method(X, "unflatten"), 2, x.positions))


@TORCH.spells(Bn, layout=FIRST)
def _(bn: Bn, x: Placed) -> Spelling:
    kept = (Stored("mean", "running_mean", (0,)), Stored("variance", "running_var", (0,)))
    # 0.1 and not the 0.09999999999999998 that floats make of 1 - 0.9
    momentum = 0.1 if bn.momentum == 0.9 else 1 - bn.momentum
    # only the newest PyTorch knows `bias=False` here, so a scale or a bias alone is a step of its own
    affine = bool(bn.scale) and bool(bn.bias)
    written_out = x.rank > 4  # PyTorch has no BatchNorm4d, so the positions become one axis
    axes = 1 if written_out else max(x.spatial, 1)
    module = TORCH.call(f"nn.BatchNorm{axes}d", x.channels, eps=bn.eps, momentum=momentum, affine=affine)
    part = Part((module,), weights=(*_STORED, *kept) if affine else kept)
    if not written_out:
        return (part, *_affine(bn, x))
    flat, restored = flattened(x)
    return (flat, part, restored, *_affine(bn, x))


@TORCH.spells(Ln, layout=LAST)
def _(ln: Ln, x: Placed) -> Spelling:
    keywords: dict[str, Any] = {"bias": bool(ln.bias)} if ln.scale else {"elementwise_affine": False}
    module = TORCH.call("nn.LayerNorm", x.channels, eps=ln.eps, **keywords)
    if ln.scale:
        return Part((module,), weights=_STORED)
    return (Part((module,)), *_affine(ln, x))


@TORCH.spells(Gn, layout=FIRST)
def _(gn: Gn, x: Placed) -> Spelling:
    affine = bool(gn.scale) and bool(gn.bias)
    module = TORCH.call("nn.GroupNorm", gn.groups, x.channels, eps=gn.eps, affine=affine)
    return (Part((module,), weights=_STORED if affine else ()), *_affine(gn, x))


@TORCH.spells(InstanceNorm, layout=FIRST)
def _(norm: InstanceNorm, x: Placed) -> Spelling:
    affine = bool(norm.scale) and bool(norm.bias)
    if x.rank > 4:  # PyTorch has no InstanceNorm4d, and groups of one channel are the same
        module = TORCH.call("nn.GroupNorm", x.channels, x.channels, eps=norm.eps, affine=affine)
    else:
        module = TORCH.call(f"nn.InstanceNorm{x.spatial}d", x.channels, eps=norm.eps, affine=affine)
    return (Part((module,), weights=_STORED if affine else ()), *_affine(norm, x))


@TORCH.spells(Rms, layout=LAST)
def _(rms: Rms, x: Placed) -> Spelling:
    module = TORCH.call("nn.RMSNorm", x.channels, eps=rms.eps, elementwise_affine=bool(rms.scale))
    return Part((module,), weights=(Stored("scale", "weight", (0,)),))


@TORCH.spells(Lrn, layout=FIRST)
def _(lrn: Lrn, x: Placed) -> Spelling:
    module = TORCH.call("nn.LocalResponseNorm", lrn.size, alpha=lrn.alpha, beta=lrn.beta, k=lrn.k)
    if x.rank in (2, 3):
        return Part((module,))
    # it wants a position, and takes several axes of them only as they lie in memory
    if not x.spatial:
        return (Part((Call("nn.Unflatten", (1, (x.channels, 1))),)), Part((module,)), Part((Call("nn.Flatten"),)))
    flat, restored = flattened(x)
    return (flat, Part((module,)), restored)


@TORCH.spells(L2norm, layout=EITHER)
def _(l2norm: L2norm, x: Placed) -> Spelling:
    return Part(function=TORCH.call("F.normalize", X, dim=x.axis(-1), eps=l2norm.eps))


def _keras_norm(norm: Normalisation, function: str, *arguments: Any, **keywords: Any) -> Part:
    """Spell a norm in the words that Keras' norms share."""
    module = KERAS.call(function, *arguments, **keywords, epsilon=norm.eps, center=norm.bias, scale=norm.scale)
    return Part((module,), weights=(Stored("scale", "gamma", (0,)), Stored("bias", "beta", (0,))))


@KERAS.spells(Bn)
def _(bn: Bn, x: Placed) -> Spelling:
    part = _keras_norm(bn, "layers.BatchNormalization", momentum=bn.momentum)
    kept = (Stored("mean", "moving_mean", (0,)), Stored("variance", "moving_variance", (0,)))
    return Part(part.modules, weights=(*part.weights, *kept))


@KERAS.spells(Ln)
def _(ln: Ln, x: Placed) -> Spelling:
    return _keras_norm(ln, "layers.LayerNormalization")


@KERAS.spells(Gn)
def _(gn: Gn, x: Placed) -> Spelling:
    return _keras_norm(gn, "layers.GroupNormalization", gn.groups)


@KERAS.spells(InstanceNorm)
def _(norm: InstanceNorm, x: Placed) -> Spelling:
    return _keras_norm(norm, "layers.GroupNormalization", groups=-1)


@KERAS.spells(Rms)
def _(rms: Rms, x: Placed) -> Spelling:
    if not rms.scale:
        return Part(function=apply("ops.rms_normalization", X, epsilon=rms.eps))
    return Part((KERAS.call("layers.RMSNormalization", epsilon=rms.eps),), weights=(Stored("scale", "scale", (0,)),))


@KERAS.spells(Lrn)
def _(lrn: Lrn, x: Placed) -> Spelling:
    keywords = {"alpha": lrn.alpha, "beta": lrn.beta, "k": lrn.k}
    return Part((apply("LocalResponseNormalization", lrn.size, **keywords),), idiom="LocalResponseNormalization")


@KERAS.spells(L2norm)
def _(l2norm: L2norm, x: Placed) -> Spelling:
    return Part(function=apply("ops.normalize", X, epsilon=l2norm.eps))
