"""Windows that slide along axes: padding, output sizes, and how each target pads; shared by convolutions and pools."""

from __future__ import annotations

from typing import Any

from ..emit.calls import FIRST, Call, Index, Layout, Part, X, apply, one_or_all
from ..layer import Refused, Size, Tensor, check
from ..size import ceil_div, maximum

Pads = tuple[tuple[Size, Size], ...]


def extent(window: tuple[Size, ...], dilation: tuple[Size, ...]) -> tuple[Size, ...]:
    """Return how many positions a dilated window spans, an axis each."""
    return tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))


def padding_amounts(x: Tensor, padding: str, pad: Any, span: tuple[Size, ...], stride: tuple[Size, ...]) -> Pads:
    """Return what is put at the start and end of each axis (language reference, section 5, `conv`).

    `span` is what the dilated window spans. "same" gives ceil(n/s) windows, the odd one of the padding at the end;
    "centered" the same on both sides; "causal" all at the start, so that no window sees a later position.
    """
    if pad is not None:
        check(padding == "valid", "E008", f"`pad=` and `{padding}` both say how to pad", "keep one", "pad")
        return pads_per_axis(pad, x.rank - 1)
    if padding == "same":
        totals = [
            maximum((ceil_div(n, s) - 1) * s + e - n, 0) for n, s, e in zip(x.positions, stride, span, strict=True)
        ]
        return tuple((total // 2, total - total // 2) for total in totals)
    if padding == "centered":
        return tuple(((e - 1) // 2, (e - 1) // 2) for e in span)
    if padding == "causal":
        check(
            x.rank == 2,
            "E008",
            "`causal` is for sequences (length x channels)",
            "use `same`, `centered` or `pad=`",
            "padding",
        )
        return tuple((e - 1, 0) for e in span)
    return ((0, 0),) * len(span)


def pads_per_axis(pad: Any, axes: int, argument: str = "pad") -> Pads:
    """Return start and end of each axis from `1`, `[1, 2]` or `[[0, 1], [0, 1]]`, as PADS reads them."""
    if not isinstance(pad, tuple):
        return ((pad, pad),) * axes
    check(
        len(pad) == axes,
        "E008",
        f"`{argument}` has {len(pad)} value{'s' * (len(pad) != 1)}, but the tensor has {axes} "
        f"{'axes' if axes != 1 else 'axis'} beside the channels",
        "write one number for every axis, one an axis as `[1, 2]`, or start and end of each as `[[0, 1], [0, 1]]`",
        argument,
    )
    return pad


def check_fits(x: Tensor, keyword: str, window: tuple[Size, ...], span: tuple[Size, ...], pads: Pads) -> None:
    """Refuse a window that is larger than its padded input; `span` is what it spans where it is dilated."""
    for axis, (n, e, (before, after)) in enumerate(zip(x.positions, span, pads, strict=True)):
        padded = n + before + after
        if (padded >= e) is False:
            what = f"{keyword} {'x'.join(map(str, window))}"
            raise Refused(
                "E002",
                f"the window of `{what}` spans {e} along the {axis_names(x.rank)[axis]}, which has only {padded}",
                "use a smaller window, pad with `same`, or shrink the tensor less before",
                axis=axis,
            )


def axis_names(rank: int) -> tuple[str, ...]:
    """Return what the axes of a tensor are called, without the channels."""
    return {2: ("length",), 3: ("height", "width"), 4: ("depth", "height", "width")}.get(rank, ())


def windows_along(x: Tensor, span: tuple[Size, ...], stride: tuple[Size, ...], pads: Pads) -> tuple[Size, ...]:
    """Return how many windows fit along each axis."""
    return tuple(
        (n + before + after - e) // s + 1
        for n, e, s, (before, after) in zip(x.positions, span, stride, pads, strict=True)
    )


def symmetric(pads: Pads) -> bool:
    """Whether as much is put at the end of each axis as at its start."""
    return all(before == after for before, after in pads)


def no_padding(pads: Pads) -> bool:
    """Whether nothing is put anywhere."""
    return all(before == 0 and after == 0 for before, after in pads)


def torch_pad(pads: Pads, value: float = 0.0) -> Part:
    """Return PyTorch's padding of the positions of a channels-first tensor, as a step of its own."""
    amounts = tuple(amount for pair in reversed(pads) for amount in pair)
    amount = one_or_all(amounts)
    if value:
        module = Call(f"nn.ConstantPad{len(pads)}d", (amount, value))
        return Part((module,), apply("F.pad", X, amounts, value=value))
    return Part((Call(f"nn.ZeroPad{len(pads)}d", (amount,)),), apply("F.pad", X, amounts))


def torch_same(
    window: tuple[Size, ...], stride: tuple[Size, ...], dilation: tuple[Size, ...] = (), value: float = 0.0
) -> Part:
    """Return PyTorch's padding of positions whose number is open, so that ceil(n/s) windows fit."""
    spread = one_or_all(dilation) if dilation else 1
    arguments = (("dilation", spread),) if spread != 1 else ()
    keywords = (*arguments, ("value", value)) if value else arguments
    options = ("dilation",) * (spread != 1) + ("value",) * bool(value)
    made = Call("SamePad", (one_or_all(window), one_or_all(stride)), keywords)
    return Part((made,), idiom="SamePad", options=options)


def keras_pad(pads: Pads, value: float = 0.0) -> Part:
    """Return Keras' padding of the positions of a channels-last tensor, as a step of its own."""
    if value:
        return Part(function=keras_padded(X, pads, value))
    return Part((Call(f"layers.ZeroPadding{len(pads)}D", (_keras_amount(pads),)),), keras_padded(X, pads))


def _keras_amount(pads: Pads) -> Any:
    """Return padding in its shortest form: a number, one an axis, or start and end of each."""
    if symmetric(pads):
        return one_or_all(tuple(before for before, _ in pads))
    return pads[0] if len(pads) == 1 else pads


def keras_padded(x: Any, pads: Pads, value: float = 0.0) -> Call:
    """Return Keras' padding as an expression."""
    keywords = {"constant_values": value} if value else {}
    return apply("ops.pad", x, ((0, 0), *pads, (0, 0)), **keywords)


def torch_crop(pads: Pads, layout: Layout = FIRST) -> Part:
    """Return PyTorch's removal of positions at the start and end of each axis."""
    negative = tuple(-amount for pair in reversed(pads) for amount in pair)
    modules = (Call(f"nn.ZeroPad{len(pads)}d", (one_or_all(negative),)),) if layout == FIRST else ()
    if all(isinstance(amount, int) for amount in negative):
        whole = slice(None)
        kept = tuple(slice(before or None, -after or None) for before, after in pads)
        return Part(modules, Index(X, (whole, whole, *kept) if layout == FIRST else (whole, *kept)))
    # x[:, :, a:-b] would be empty where b turns out to be 0
    return Part(modules, apply("F.pad", X, negative if layout == FIRST else (0, 0, *negative)))


def keras_crop(pads: Pads, positions: tuple[Size, ...] = ()) -> Part:
    """Return Keras' removal of positions at the start and end of each axis; of an open number with `positions`."""
    kept = tuple(slice(before, n - after) for n, (before, after) in zip(positions, pads, strict=False))
    return Part((Call(f"layers.Cropping{len(pads)}D", (_keras_amount(pads),)),), Index(X, (slice(None), *kept)))
