"""What every layer refuses, and how a refusal is told; each layer's own rules are in its file."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from .diagnostics import Diagnostic, Edit, Fix, Related
from .layer import Layer, Refused, Size, Tensor, show_shape
from .network import Step, Value
from .scope import Builder
from .size import product, symbols
from .source import Span
from .values import LARGEST, show


def refusal(
    builder: Builder,
    refused: Refused,
    span: Span,
    inputs: tuple[Value, ...],
    spans: dict[str, Span],
    copy: Related | None,
) -> Diagnostic:
    """Return the message of a layer that refuses its input, with the place of what made that where it helps.

    `copy` is the one of a repeat or `for` that it stands in.
    """
    related: list[Related] = []
    label, help = "", refused.help
    tensors = [builder.tensor(value) for value in inputs]
    if len(inputs) > 1 or refused.code == "E004":
        related = [Related(spans[str(n)], str(tensor)) for n, tensor in enumerate(tensors) if str(n) in spans]
        span = Span(span.source, span.start, span.start + len(span.text.split("(", 1)[0]))
    elif inputs:
        maker = builder.maker(inputs[0])
        shows_maker = maker is not None and maker.span != span  # in a `for` it may be the same stage, a copy before
        if maker is not None and shows_maker and refused.code in ("E001", "E002", "E003", "E006", "E007", "E012"):
            related = [Related(maker.span, f"{maker.output} leaves here")]
        label = f"{tensors[0]} enters" if len(str(tensors[0])) < 40 else ""
        if refused.axis is not None:
            ladder = _ladder(builder, inputs[0], refused.axis)
            if len(ladder) > 1:
                help = f"the sizes on the way are {' -> '.join(map(str, ladder))}\n{help}"
            elif tensors[0] is not None:
                help = _other_order(tensors[0]) or help
        if refused.code in ("E001", "E030"):
            help += _with_batch(builder, inputs[0], refused.code)
        if refused.code == "E001" and tensors[0] is not None:
            help += _axes_lost(maker, tensors[0])
    if copy is not None:
        related.append(copy)
    blamed = spans.get(refused.argument, span)
    fix = _with_sequence(builder.maker(inputs[0])) if refused.code == "E012" else None
    return Diagnostic(refused.code, refused.message, blamed, label, help, tuple(related), fix=fix)


def _with_sequence(maker: Step | None) -> Fix | None:
    """Return what lets a recurrent layer leave its sequence, if one stands before what takes a sequence."""
    if maker is None or not isinstance(maker.does, Layer) or not maker.does.is_recurrent:
        return None
    end = Span(maker.span.source, maker.span.end, maker.span.end)
    return Fix("Let the layer before leave its sequence", (Edit(end, " seq"),), is_safe=False)


def _other_order(x: Tensor) -> str:
    """Return the shape that an input may have been meant to have, if it looks like one of another order."""
    first, *rest = x.sizes
    meant = ""
    if x.rank == 4 and first == 1:
        meant = show_shape(tuple(rest))
    elif x.rank == 3 and first in (1, 3, 4) and (x.channels > 4) is True:
        meant = show_shape((*rest, first))
    return f"shapes have no batch axis, and channels come last: is it `in {meant}`?" if meant else ""


def _axes_lost(maker: Step | None, x: Tensor) -> str:
    """Return which layer right before has taken the axes away that are wanted, if one has."""
    if maker is None or not isinstance(maker.does, Layer) or maker.does.keyword not in ("flatten", "pool"):
        return ""
    keeping = "; `pool global keep` keeps them" if maker.does.keyword == "pool" else ""
    return (
        f"\n`{maker.does.keyword}` has taken them away: leave it out, or put it behind{keeping}" if x.rank == 1 else ""
    )


def _with_batch(builder: Builder, value: Value, code: str) -> str:
    """Return an input's shape without its first size if that is left open, as people leave the batch open."""
    maker = builder.maker(value)
    while code == "E030" and maker is not None and maker.inputs:
        maker = builder.maker(maker.inputs[0])
    if maker is None or maker.inputs or maker.output is None or maker.output.dtype == "int":
        return ""
    first, *rest = maker.output.sizes
    if isinstance(first, int) or symbols(tuple(rest)) or len(rest) != (1 if code == "E001" else 3):
        return ""
    shown = show(first) if "." not in show(first) else "?"
    return f"\nif `{shown}` is the batch, leave it out, as in `in {show_shape(tuple(rest))}`"


def _reshaped(x: Tensor, ranks: tuple[int, ...]) -> str:
    """Return a shape of the elements of a tensor with as many axes as are wanted, a square map where it can be one."""
    *before, channels = x.sizes
    rank = next(rank for rank in (3, *ranks) if rank in ranks and rank > x.rank)
    if not all(isinstance(size, int) for size in x.sizes) or rank > 3:
        return ""
    count = product(before) if before else channels
    if rank == 2:
        return f"{count}x1"
    for depth in (1, 3, 4, *range(5, 4097)) if not before else (1,):
        side = isqrt(count // depth)
        if side > 1 and side * side * depth == count:
            return f"{side}x{side}x{channels if before else depth}"
    side = next((side for side in range(isqrt(count), 2, -1) if count % side == 0), 0)
    return f"{side}x{count // side}x{channels if before else 1}" if side and count < 10**9 else ""


def _ladder(builder: Builder, value: Value, axis: int) -> list[Size]:
    """Return the sizes that an axis had on the way to a value, each change once, the latest dozen."""
    sizes: list[Size] = []
    here: Builder | None = builder
    while here is not None and len(sizes) < 12:
        tensor = here.tensor(value)
        if tensor is None or axis >= tensor.rank - 1:
            break
        if not sizes or sizes[-1] != tensor.sizes[axis]:
            sizes.append(tensor.sizes[axis])
        maker = here.maker(value)
        if maker is None:
            value = here.outer[value] if value < len(here.outer) else 0
            here = here.parent
        elif maker.inputs:
            value = maker.inputs[0]
        else:
            break
    return sizes[::-1]


def check_input(layer: Layer, tensors: list[Tensor]) -> None:
    """Refuse tensors of a rank or element type that a layer does not take."""
    for x in tensors:
        if x.dtype == "int" and not (layer.accepts_int or layer.needs_int):
            raise Refused(
                "E001",
                f"`{layer.keyword}` takes real numbers, and token ids (`int`) enter",
                "`embed 64 vocab=10k` makes a vector of each; for real numbers leave `int` out where the input is "
                "declared",
            )
        if layer.needs_int and x.dtype != "int":
            raise Refused(
                "E001",
                f"`{layer.keyword}` takes token ids, and real numbers enter",
                "write `int` where the input is declared, as in `in 50 int`",
            )
        if layer.ranks and x.rank not in layer.ranks:
            wanted = {1: "a vector", 2: "a sequence (length x channels)", 3: "a map (height x width x channels)"}
            wanted[4] = "a volume (depth x height x width x channels)"
            takes = " or ".join(wanted[rank] for rank in layer.ranks)
            raise Refused(
                layer.refuses_rank_as,
                f"`{layer.keyword}` takes {takes}; {wanted.get(x.rank, f'a tensor of rank {x.rank}')} enters: {x}",
                layer.lacks_axes or _axes_given(x, layer.ranks)
                if x.rank < min(layer.ranks)
                else "make a sequence of it: `reshape [height, width*channels]` has a step for each row, "
                "`reshape [height*width, channels]` one for each position"
                if (x.rank, layer.ranks) == (3, (2,))
                else "`flatten`, `reshape` or `pool global` leave fewer axes",
            )


def _axes_given(x: Tensor, ranks: tuple[int, ...]) -> str:
    """Return how a tensor gets as many axes as are wanted."""
    shape = _reshaped(x, ranks)
    return f"give it the axes that it needs by `reshape`{f', as in `reshape {shape}`' if shape else ''}"


def check_sizes(output: Tensor, layer: Layer, tensors: list[Tensor]) -> None:
    """Refuse what no framework could hold, and weights whose shape has a size that is open."""
    weights = layer.weights(*tensors) if tensors or layer.is_source else ()
    counts = (("elements", product(output.sizes)), ("parameters", sum(weight.size for weight in weights)))
    for what, count in counts:
        if (count <= LARGEST) is False:
            raise Refused(
                "E026",
                f"{show_shape(output.sizes)} has more than {LARGEST:,} {what}, the largest number that frameworks hold",
                "make a size smaller",
            )
    for weight in weights:
        unknown = sorted(symbols((*weight.shape, weight.present))) if weight.present is not False else ()
        if unknown:
            names, are = " and ".join(f"`{name}`" for name in unknown), "is" if len(unknown) == 1 else "are"
            raise Refused(
                "E030",
                f"the {weight.name.replace('_', ' ')} of `{layer.keyword}` would depend on {names}, which {are} open",
                layer.closes or _closing(unknown, output),
            )


def _closing(unknown: Sequence[str], output: Tensor) -> str:
    """Return how a weight gets a shape of numbers."""
    them = "it" if len(unknown) == 1 else "them"
    closed = f"give {them} a number where the input is declared"
    if all("." not in name for name in unknown):
        closed += f", or by `--set {' '.join(f'{name}=128' for name in unknown)}`"
    return f"{closed}; or take {them} away before, as `pool global` does" if output.rank == 1 else closed
