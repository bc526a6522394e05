"""Convolutions: `conv`, `depthwise` and `separable`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from ..emit.calls import FIRST, KERAS, TORCH, Part, Placed, Spelling, Stored, one_or_all
from ..layer import Layer, Refused, Size, Slide, Tensor, Weight, arg, check, flag, per_axis, words
from ..record import frozen
from ..size import both, either, is_plain, product, same, symbols
from ..values import COUNT, PADS, STRIDE, WINDOW, Truth
from .windows import (
    Pads,
    check_fits,
    extent,
    keras_pad,
    no_padding,
    padding_amounts,
    symmetric,
    torch_pad,
    torch_same,
    windows_along,
)


@frozen
class Placement:
    """Where the windows of a convolution go on one input: numbers an axis, and how many windows fit along each."""

    kernel: tuple[Size, ...]
    stride: tuple[Size, ...]
    dilation: tuple[Size, ...]
    pads: Pads
    along: tuple[Size, ...]


@frozen(kw_only=True)
class Convolution(Layer):
    """What `conv`, `depthwise` and `separable` have in common: how the window goes over the input."""

    kernel: Any
    stride: Any = arg(STRIDE, default=1, help="distance between windows")
    padding: str = words("valid", "same", "centered", "causal", help="what is put around the input")
    pad: Any = arg(PADS, default=None, help="zeros around the input, in numbers")
    dilation: Any = arg(STRIDE, default=1, help="distance between the elements of a window", tries=("1", "2", "[1, 2]"))
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    ranks: ClassVar[tuple[int, ...]] = (2, 3, 4)
    learns = True
    is_affine = True
    convolves = True

    def placement(self, x: Tensor) -> Placement:
        """Return where the windows go, after checking that they can."""
        asked = (x.sizes, self.kernel, self.stride, self.dilation, self.pad)
        return _placement(self, x) if is_plain(asked) else self._placed(x)

    def _placed(self, x: Tensor) -> Placement:
        axes = x.rank - 1
        kernel = per_axis(self.kernel, axes, "kernel")
        stride = per_axis(self.stride, axes, "stride")
        dilation = per_axis(self.dilation, axes, "dilation")
        check(
            either(both(*(same(s, 1) for s in stride)), both(*(same(d, 1) for d in dilation))),
            "E008",
            "stride and dilation are both above 1, which no framework has",
            "use one of them",
            "dilation",
        )
        span = extent(kernel, dilation)
        pads = padding_amounts(x, self.padding, self.pad, span, stride)
        check_fits(x, self.keyword, kernel, span, pads)
        return Placement(kernel, stride, dilation, pads, windows_along(x, span, stride, pads))

    def slides(self, x: Tensor) -> tuple[Slide, ...]:
        at = self.placement(x)
        pairs = zip(at.kernel, at.stride, at.dilation, at.pads, strict=True)
        return tuple(Slide(k, s, d, before, after) for k, s, d, (before, after) in pairs)

    def padded_alike(self, x: Tensor, placement: Placement) -> bool:
        """Whether `same` would pad this input as it is padded."""
        span = extent(placement.kernel, placement.dilation)
        return placement.pads == padding_amounts(x, "same", None, span, placement.stride)


@lru_cache(maxsize=256)
def _placement(layer: Convolution, x: Tensor) -> Placement:
    """Return where windows go: shape, weights, figures and both targets ask for it."""
    return layer._placed(x)


@frozen(kw_only=True)
class Conv(Convolution):
    """Slide filters over the positions; 1-D, 2-D or 3-D by the rank of what enters.

    conv 64@3 same
    """

    filters: Size = arg(COUNT, role="filters", help="number of filters, the channels that leave", tries=("4", "8"))
    kernel: Any = arg(WINDOW, role="filters", help="size of the window")
    groups: Size = arg(COUNT, default=1, help="split the channels into groups that do not mix", tries=("1", "2", "4"))

    keyword = "conv"
    brought = ("conv1d", "conv2d", "conv3d", "convolution", "convolution2d", "cnn")

    def output(self, x: Tensor) -> Tensor:
        for size, argument, what in ((x.channels, "groups", "channels enter"), (self.filters, "filters", "filters")):
            if same(size % self.groups, 0) is False:
                raise Refused(
                    "E006",
                    f"{size} {what}, which {self.groups} groups do not divide",
                    "choose a number of groups that divides both the channels and the filters",
                    argument,
                )
        return x.resized(*self.placement(x).along, self.filters)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        placement = self.placement(x)
        kernel = (*placement.kernel, x.channels // self.groups, self.filters)
        return (
            Weight("kernel", kernel, uses=product(placement.along)),
            Weight("bias", (self.filters,), present=self.bias),
        )

    def fan_in(self, x: Tensor) -> Size:
        return product(self.placement(x).kernel) * (x.channels // self.groups)

    def parts(self, x: Tensor) -> Size:
        return self.groups


@frozen(kw_only=True)
class Depthwise(Convolution):
    """Slide `mult` filters over each channel by itself; filter m of channel c makes channel c * mult + m.

    depthwise 3/2 same
    """

    kernel: Any = arg(WINDOW, role="positional", help="size of the window")
    mult: Size = arg(COUNT, default=1, help="number of filters for each channel", tries=("1", "2"))

    keyword = "depthwise"
    brought = ("depthwiseconv2d", "depthwise_conv", "dwconv", "depthwiseconv1d")

    def output(self, x: Tensor) -> Tensor:
        return x.resized(*self.placement(x).along, x.channels * self.mult)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        placement = self.placement(x)
        return (
            Weight("kernel", (*placement.kernel, x.channels, self.mult), uses=product(placement.along)),
            Weight("bias", (x.channels * self.mult,), present=self.bias),
        )

    def fan_in(self, x: Tensor) -> Size:
        return product(self.placement(x).kernel)

    def parts(self, x: Tensor) -> Size:
        return x.channels


@frozen(kw_only=True)
class Separable(Convolution):
    """Slide `mult` filters over each channel by itself, then mix the channels at each position.

    separable 64@3 same
    """

    filters: Size = arg(COUNT, role="filters", help="number of channels that leave", tries=("4", "8"))
    kernel: Any = arg(WINDOW, role="filters", help="size of the window")
    mult: Size = arg(COUNT, default=1, help="number of filters for each channel", tries=("1", "2"))

    keyword = "separable"
    ranks = (2, 3)
    brought = ("separableconv2d", "separable_conv", "sepconv", "separableconv1d")

    def output(self, x: Tensor) -> Tensor:
        return x.resized(*self.placement(x).along, self.filters)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        placement = self.placement(x)
        uses = product(placement.along)
        return (
            Weight("depthwise", (*placement.kernel, x.channels, self.mult), uses=uses),
            Weight("pointwise", (x.channels * self.mult, self.filters), uses=uses),
            Weight("bias", (self.filters,), present=self.bias),
        )

    def fan_in(self, x: Tensor) -> Size:
        return product(self.placement(x).kernel) * x.channels


def _torch_geometry(layer: Convolution, x: Placed) -> tuple[tuple[Part, ...], dict[str, Any]]:
    """Return the padding that has to be a step of its own, and the arguments that say the rest."""
    placement = layer.placement(x.tensor)
    arguments: dict[str, Any] = {"stride": one_or_all(placement.stride)}
    steps: tuple[Part, ...] = ()
    if layer.padding == "same" and one_or_all(placement.stride) == 1:
        arguments["padding"] = "same"
    elif layer.padding == "same" and symbols(tuple(amount for pair in placement.pads for amount in pair)):
        steps = (torch_same(placement.kernel, placement.stride, placement.dilation),)
    elif symmetric(placement.pads):
        arguments["padding"] = one_or_all(tuple(before for before, _ in placement.pads))
    else:
        steps = (torch_pad(placement.pads),)
    arguments["dilation"] = one_or_all(placement.dilation)
    return steps, arguments


def _torch_kernel(spatial: int) -> tuple[int, ...]:
    """Return the axes of a kernel in PyTorch's order: filters, channels, then the window."""
    return (spatial + 1, spatial, *range(spatial))


@TORCH.spells(Conv, layout=FIRST)
def _(conv: Conv, x: Placed) -> Spelling:
    steps, geometry = _torch_geometry(conv, x)
    kernel = one_or_all(conv.placement(x.tensor).kernel)
    module = TORCH.call(
        f"nn.Conv{x.spatial}d", x.channels, conv.filters, kernel, **geometry, groups=conv.groups, bias=conv.bias
    )
    stored = (Stored("kernel", "weight", _torch_kernel(x.spatial)), Stored("bias", "bias", (0,)))
    return (*steps, Part((module,), weights=stored))


@TORCH.spells(Depthwise, layout=FIRST)
def _(depthwise: Depthwise, x: Placed) -> Spelling:
    steps, geometry = _torch_geometry(depthwise, x)
    kernel = one_or_all(depthwise.placement(x.tensor).kernel)
    module = TORCH.call(
        f"nn.Conv{x.spatial}d",
        x.channels,
        x.channels * depthwise.mult,
        kernel,
        **geometry,
        groups=x.channels,
        bias=depthwise.bias,
    )
    channel_first = (x.spatial, x.spatial + 1, *range(x.spatial))
    return (*steps, Part((module,), weights=(Stored("kernel", "weight", channel_first), Stored("bias", "bias", (0,)))))


@TORCH.spells(Separable, layout=FIRST)
def _(separable: Separable, x: Placed) -> Spelling:
    steps, geometry = _torch_geometry(separable, x)
    kernel = one_or_all(separable.placement(x.tensor).kernel)
    between = x.channels * separable.mult
    conv = f"nn.Conv{x.spatial}d"
    depthwise = TORCH.call(conv, x.channels, between, kernel, **geometry, groups=x.channels, bias=False)
    pointwise = TORCH.call(conv, between, separable.filters, 1, bias=separable.bias)
    channel_first = (x.spatial, x.spatial + 1, *range(x.spatial))
    return (
        *steps,
        Part((depthwise,), weights=(Stored("depthwise", "weight", channel_first),)),
        Part((pointwise,), weights=(Stored("pointwise", "weight", (1, 0)), Stored("bias", "bias", (0,)))),
    )


def _keras_geometry(layer: Convolution, x: Placed) -> tuple[tuple[Part, ...], dict[str, Any]]:
    """Return the padding that has to be a step of its own, and the arguments that say the rest."""
    placement = layer.placement(x.tensor)
    arguments: dict[str, Any] = {"strides": one_or_all(placement.stride)}
    steps: tuple[Part, ...] = ()
    if no_padding(placement.pads):
        pass
    elif layer.padded_alike(x.tensor, placement):
        arguments["padding"] = "same"
    elif layer.padding == "causal" and isinstance(layer, Conv):
        arguments["padding"] = "causal"
    else:
        steps = (keras_pad(placement.pads),)
    arguments["dilation_rate"] = one_or_all(placement.dilation)
    return steps, arguments


def _stored_as_is(*weights: tuple[str, int]) -> tuple[Stored, ...]:
    """Return weights that Keras keeps under their names, in our order of axes."""
    return tuple(Stored(name, name, tuple(range(rank))) for name, rank in weights)


@KERAS.spells(Conv)
def _(conv: Conv, x: Placed) -> Spelling:
    steps, geometry = _keras_geometry(conv, x)
    kernel = one_or_all(conv.placement(x.tensor).kernel)
    module = KERAS.call(
        f"layers.Conv{x.spatial}D", conv.filters, kernel, **geometry, groups=conv.groups, use_bias=conv.bias
    )
    stored = _stored_as_is(("kernel", x.spatial + 2), ("bias", 1))
    return (*steps, Part((module,), weights=stored, takes_activation=True))


@KERAS.spells(Depthwise)
def _(depthwise: Depthwise, x: Placed) -> Spelling:
    steps, geometry = _keras_geometry(depthwise, x)
    kernel = one_or_all(depthwise.placement(x.tensor).kernel)
    stored = _stored_as_is(("kernel", x.spatial + 2), ("bias", 1))
    if x.spatial == 3:  # Keras has no DepthwiseConv3D; a group a channel is the same
        module = KERAS.call(
            "layers.Conv3D",
            x.channels * depthwise.mult,
            kernel,
            **geometry,
            groups=x.channels,
            use_bias=depthwise.bias,
        )
    else:
        module = KERAS.call(
            f"layers.DepthwiseConv{x.spatial}D",
            kernel,
            **geometry,
            depth_multiplier=depthwise.mult,
            use_bias=depthwise.bias,
        )
    return (*steps, Part((module,), weights=stored, takes_activation=True))


@KERAS.spells(Separable)
def _(separable: Separable, x: Placed) -> Spelling:
    steps, geometry = _keras_geometry(separable, x)
    kernel = one_or_all(separable.placement(x.tensor).kernel)
    module = KERAS.call(
        f"layers.SeparableConv{x.spatial}D",
        separable.filters,
        kernel,
        **geometry,
        depth_multiplier=separable.mult,
        use_bias=separable.bias,
    )
    stored = (
        Stored("depthwise", "depthwise_kernel", tuple(range(x.spatial + 2))),
        Stored("pointwise", "pointwise_kernel", (0, 1)),
        Stored("bias", "bias", (0,)),
    )
    return (*steps, Part((module,), weights=stored, takes_activation=True))
