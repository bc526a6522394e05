"""The transposed convolution: `conv_transpose`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import FIRST, KERAS, TORCH, Part, Placed, Spelling, Stored, one_or_all
from ..layer import Layer, Reach, Size, Slide, Tensor, Weight, arg, check, flag, per_axis, words
from ..record import frozen
from ..size import ceil_div, divide, maximum, product, same
from ..values import COUNT, PADS, STRIDE, WINDOW, Kind, Truth, one_or_listed, whole
from .windows import Pads, axis_names, keras_crop, no_padding, pads_per_axis, torch_crop

MORE_AT_THE_END = Kind(
    "a whole number, or one an axis as `[1, 0]`", one_or_listed(whole(0)), ("0", "1", "[1, 0]", "[0, 1, 1]")
)


@frozen
class Placement:
    """Where the windows of a transposed convolution go: numbers an axis.

    All windows together span (n - 1) * stride + kernel; `cropped` is taken off that, `added` put behind it.
    """

    kernel: tuple[Size, ...]
    stride: tuple[Size, ...]
    cropped: Pads
    added: tuple[Size, ...]
    along: tuple[Size, ...]


@frozen(kw_only=True)
class ConvTranspose(Layer):
    """Lay a window of weights down for every position, `stride` apart, and add where they overlap: `conv` backwards.

    conv_transpose 64@2/2
    """

    filters: Size = arg(COUNT, role="filters", help="number of channels that leave", tries=("3", "8"))
    kernel: Any = arg(WINDOW, role="filters", help="size of the window")
    stride: Any = arg(STRIDE, default=1, help="distance between windows in the output")
    padding: str = words("valid", "same", help="keep all that windows cover, or stride times the input")
    pad: Any = arg(PADS, default=None, help="what is taken off each side, in numbers")
    output_pad: Any = arg(MORE_AT_THE_END, default=0, help="how much more there is at the end, below the stride")
    bias: Truth = flag("nobias", off=True, help="leave out the bias")

    keyword = "conv_transpose"
    ranks = (2, 3, 4)
    learns = True
    is_affine = True
    convolves = True
    brought = (
        "conv1dtranspose", "conv2dtranspose", "conv3dtranspose", "convtranspose", "convtranspose1d", "convtranspose2d",
        "convtranspose3d", "transposed_conv", "transpose_conv", "deconv", "deconvolution", "deconv2d", "upconv",
    )  # fmt: skip

    def placement(self, x: Tensor) -> Placement:
        """Return where the windows go, after checking that something is left."""
        axes = x.rank - 1
        kernel = per_axis(self.kernel, axes, "kernel")
        stride = per_axis(self.stride, axes, "stride")
        added = per_axis(self.output_pad, axes, "output_pad")
        for more, s in zip(added, stride, strict=True):
            check(
                more < s,
                "E008",
                f"`output_pad` is {more}, and has to be below the stride of {s}",
                "it chooses among the input sizes that a strided `conv` brings to the same output",
                "output_pad",
            )
        cropped = self.cropped(axes, kernel, stride)
        if self.padding == "same":
            for more in added:
                check(same(more, 0), "E008", "`same` and `output_pad=` both decide the size", "keep one", "output_pad")
            added = tuple(maximum(s - k, 0) for k, s in zip(kernel, stride, strict=True))
        along = []
        for axis, (n, k, s, (before, after), more) in enumerate(
            zip(x.positions, kernel, stride, cropped, added, strict=True)
        ):
            size = (n - 1) * s + k - before - after + more
            check(
                size >= 1,
                "E002",
                f"`pad` takes {before} and {after} off a {axis_names(x.rank)[axis]} of {(n - 1) * s + k + more}",
                "pad less: in `conv_transpose` padding makes the output smaller",
                "pad",
                axis=axis,
            )
            along.append(size)
        return Placement(kernel, stride, cropped, added, tuple(along))

    def cropped(self, axes: int, kernel: tuple[Size, ...], stride: tuple[Size, ...]) -> Pads:
        """Return what is taken off the start and end of each axis."""
        if self.pad is not None:
            check(self.padding == "valid", "E008", "`pad=` and `same` both decide the size", "keep one", "pad")
            return pads_per_axis(self.pad, axes)
        if self.padding == "same":
            totals = [maximum(k - s, 0) for k, s in zip(kernel, stride, strict=True)]
            return tuple((total // 2, total - total // 2) for total in totals)
        return ((0, 0),) * axes

    def output(self, x: Tensor) -> Tensor:
        return x.resized(*self.placement(x).along, self.filters)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        kernel = (*self.placement(x).kernel, self.filters, x.channels)
        return (
            Weight("kernel", kernel, uses=product(x.positions)),
            Weight("bias", (self.filters,), present=self.bias),
        )

    def fan_in(self, x: Tensor) -> Size:
        return product(self.placement(x).kernel) * x.channels

    def lays(self, x: Tensor) -> tuple[Slide, ...]:
        at = self.placement(x)
        pairs = zip(at.kernel, at.stride, at.cropped, strict=True)
        return tuple(Slide(k, s, 1, before, after) for k, s, (before, after) in pairs)

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        at = self.placement(tensors[0])
        pairs = zip(at.kernel, at.stride, at.cropped, strict=True)
        return tuple(
            Reach(ceil_div(k, s), divide(1, s), divide(before - divide(k - 1, 2), s)) for k, s, (before, _) in pairs
        )


@TORCH.spells(ConvTranspose, layout=FIRST)
def _(conv: ConvTranspose, x: Placed) -> Spelling:
    placement = conv.placement(x.tensor)
    inside, behind = _split(placement.cropped)
    module = TORCH.call(
        f"nn.ConvTranspose{x.spatial}d",
        x.channels,
        conv.filters,
        one_or_all(placement.kernel),
        stride=one_or_all(placement.stride),
        padding=one_or_all(inside),
        output_padding=one_or_all(placement.added),
        bias=conv.bias,
    )
    kernel = (x.spatial + 1, x.spatial, *range(x.spatial))
    part = Part((module,), weights=(Stored("kernel", "weight", kernel), Stored("bias", "bias", (0,))))
    return part if no_padding(behind) else (part, torch_crop(behind))


def _split(cropped: Pads) -> tuple[tuple[Size, ...], Pads]:
    """Return what PyTorch's `padding` takes off both sides of each axis, and what is left to take off behind."""
    if all(same(before, after) for before, after in cropped):
        return tuple(before for before, _ in cropped), ((0, 0),) * len(cropped)
    if all(before <= after for before, after in cropped):
        return tuple(before for before, _ in cropped), tuple((0, after - before) for before, after in cropped)
    return (0,) * len(cropped), cropped


def _output_padding_matters(placement: Placement) -> bool:
    """Whether `output_padding` has to be written: by itself, Keras adds stride - kernel at the end if above 0."""
    pairs = zip(placement.kernel, placement.stride, strict=True)
    return not (all(more == 0 for more in placement.added) and all(k >= s for k, s in pairs))


@KERAS.spells(ConvTranspose)
def _(conv: ConvTranspose, x: Placed) -> Spelling:
    placement = conv.placement(x.tensor)
    keywords: dict[str, Any] = {"strides": one_or_all(placement.stride)}
    crops = conv.padding != "same" and not no_padding(placement.cropped)
    if conv.padding == "same":
        keywords["padding"] = "same"
    elif _output_padding_matters(placement):
        keywords["output_padding"] = one_or_all(placement.added)
    module = KERAS.call(
        f"layers.Conv{x.spatial}DTranspose",
        conv.filters,
        one_or_all(placement.kernel),
        **keywords,
        use_bias=conv.bias,
    )
    stored = (Stored("kernel", "kernel", tuple(range(x.spatial + 2))), Stored("bias", "bias", (0,)))
    part = Part((module,), weights=stored, takes_activation=not crops)
    return (part, keras_crop(placement.cropped)) if crops else part
