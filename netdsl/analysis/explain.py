"""How each figure of a network comes about, in the numbers of its weights' shapes and of its layers' own rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ..layer import Layer, Refused, Size, Tensor, Weight, arguments, default_of, show_shape
from ..layers.windows import axis_names
from ..network import Network
from ..record import evolve, frozen
from ..size import Expression, TooLarge, Undecided, product, substitute, symbol
from ..spelling import nearest
from .counts import Counts, Row, listed_rows

if TYPE_CHECKING:
    from ..layers.moe import Moe

WIDTH = 100
LABELS = 16  # columns that stand before a figure
LONGEST_RULE = 40  # characters of a rule with its arguments by name; a longer one teaches less than its numbers


def explain(network: Network, total: Counts | None, layer: str | None = None) -> str:
    """Return every figure of a network with its arithmetic, or those of one layer, group or repeat.

    `total` is the cost of the network, None where it is unknown. Raises LookupError where no layer has that name,
    CompileError where there are too many to be listed.
    """
    everything = listed_rows(network)
    if layer is not None:
        chosen = [row for row in everything if row.name == layer or row.name.startswith(f"{layer}.")]
        if not chosen:
            raise LookupError(_unknown(layer, names(network)))
        return "\n\n".join(_explain_row(row) for row in chosen)
    return "\n\n".join([*(_explain_row(row) for row in everything), _explain_total(everything, total)])


def names(network: Network) -> tuple[str, ...]:
    """Return the names that `explain` knows: of layers, and of the groups and repeats around them."""
    found: dict[str, None] = {}
    for row in listed_rows(network):
        for end in range(1, len(row.path) + 1):
            found[".".join(row.path[:end])] = None
        found[row.name] = None
    return tuple(found)


def _unknown(layer: str, known: tuple[str, ...], most: int = 12) -> str:
    guess = nearest(layer, known)
    listed = ", ".join(known[:most]) + (", ..." if len(known) > most else "")
    return f"there is no layer `{layer}`; {f'did you mean `{guess}`?' if guess else f'there are {listed}'}"


def _explain_row(row: Row) -> str:
    """Return the paragraph of one layer.

    conv_1  conv 60@7x7 valid
      output        100x100x1 -> 94x94x60
                    height - kernel + 1 = 100 - 7 + 1 = 94, and the width likewise
      parameters    60*(7*7*1) + 60 = 3,000
                    kernel 7x7x1x60, bias 60
      MACs          94*94 * 60*(7*7*1) = 25,977,840
    """
    written = row.text if row.text or row.kind is None else f"{row.kind}, which is implied here"
    lines = [f"{row.name}  {written}"]
    layer, output = row.does, row.output
    tensors = tuple(tensor for tensor in row.inputs if tensor is not None)
    if row.experts is not None and output is not None and row.counts is not None:
        return "\n".join([*lines, *_explain_experts(*row.experts, tensors[0], output, row.counts)])
    if layer is None or output is None or row.counts is None:
        return "\n".join([*lines, *_entry("unknown", ["because of a mistake"])])
    weights = [weight for weight in layer.weights(*tensors) if weight.present is not False]
    if row.is_frozen:
        weights = [evolve(weight, trained=False) for weight in weights]
    if tensors or str(output) not in row.text:
        lines += _entry("output", _explain_output(layer, tensors, output))
    own = [weight for weight in weights if not weight.tied]
    if own and row.is_shared:
        lines += _entry("parameters", [f"shared with the first use, which has them: {_shapes(own)}"])
    elif own:
        lines += _entry("parameters", _explain_parameters(own, row.counts))
    reason = layer.reason(*tensors)
    if reason:
        lines += _entry("why", [reason])
    lines += _entry("MACs", _explain_macs(layer, weights, tensors, output, row.counts))
    if row.times > 1:
        lines += _entry("copies", _explain_copies(row.times, row.counts))
    return "\n".join(lines)


def _entry(label: str, texts: Iterable[str]) -> Iterator[str]:
    """Return texts below each other, with a label before the first of them."""
    pieces = (piece for text in texts for piece in wrap(text, WIDTH - LABELS, break_long_words=False))
    for place, piece in enumerate(pieces):
        yield f"  {label if place == 0 else '':{LABELS - 2}}{piece}"


def _explain_experts(router: Moe, each: Counts, x: Tensor, output: Tensor, counts: Counts) -> Iterator[str]:
    (weight,) = router.weights(x)
    yield from _entry("output", [f"{output}, the shape stays" if x.sizes == output.sizes else f"{x} -> {output}"])
    own = _equation([_elements(weight), f"{_factor(router.experts)}*{_factor(each.total)}"], counts.total)
    yield from _entry("parameters", [own, f"router {show_shape(weight.shape)}, and {_show(each.total)} of each expert"])
    positions = _uses(weight.uses, (x,), output)
    run = f"{positions} * {_factor(router.top)}*{_factor(each.macs)}"
    equation = _equation([f"{positions} * {_elements(weight)}", run], counts.macs)
    yield from _entry("MACs", [equation, f"a position goes through {_show(router.top)} of the experts"])


# Sizes


def _explain_output(layer: Layer, tensors: tuple[Tensor, ...], output: Tensor) -> Iterator[str]:
    if not tensors:
        yield f"{output}"
        return
    if len(tensors) == 1 and output.sizes == tensors[0].sizes:
        yield f"{output}, the shape stays"
        return
    yield f"{' and '.join(map(str, tensors))} -> {output}"
    yield from _said_once(_size_rules(layer, tensors, output))


@frozen
class _Rule:
    """How the size of one axis comes about: in names, in numbers, and the size."""

    axis: str
    names: str
    numbers: str
    size: Size

    def __str__(self) -> str:
        return f"{self.names} = {self.numbers} = {_show(self.size)}"


def _said_once(rules: Sequence[_Rule]) -> Iterator[str]:
    """Return the rules as text; axes that follow the same one in the same numbers share a line."""
    alike: dict[tuple[str, str], list[_Rule]] = {}
    for rule in rules:
        alike.setdefault((rule.names.replace(rule.axis, "*"), rule.numbers), []).append(rule)
    for first, *others in alike.values():
        likewise = " and ".join(f"the {rule.axis}" for rule in others)
        yield f"{first}, and {likewise} likewise" if others else f"{first}"


def _size_rules(layer: Layer, tensors: tuple[Tensor, ...], output: Tensor) -> tuple[_Rule, ...]:
    """Return how each size of the output comes from those that enter, by the layer's own rule run on symbols."""
    symbols = _Symbols()
    entering = symbols.of_tensors(tensors)
    with_arguments = _run(_with_symbols(layer, symbols), entering)
    with_numbers = _run(layer, entering)
    axes = _names_of_axes(output)
    found = []
    for axis, size in enumerate(output.sizes):
        for sizes in (with_arguments, with_numbers):
            if sizes is None or len(sizes) != len(output.sizes) or not isinstance(sizes[axis], Expression):
                continue
            names = symbols.write(sizes[axis], lambda name: symbols.names[name])
            fits = len(names) <= LONGEST_RULE or sizes is with_numbers
            says_how = names not in symbols.names.values() and " if " not in names
            if fits and says_how and substitute(sizes[axis], symbols.values) == size:
                numbers = symbols.write(sizes[axis], lambda name: _operand(symbols.values[name]))
                found.append(_Rule(axes[axis], names, numbers, size))
                break
    return tuple(found)


class _Symbols:
    """Symbols that stand for numbers, so that a rule that runs on them shows what it does."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Size] = {}

    def new(self, name: str, value: Size) -> Expression:
        """Return a symbol for a value. Symbols sort as they were made, and so are the factors of a product."""
        unique = f"s{len(self.names):03}_"
        self.names[unique] = name
        self.values[unique] = value
        return symbol(unique)

    def of_tensors(self, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return tensors of symbols. Positions of equal size are one symbol; each tensor has channels of its own."""
        made: dict[tuple[str, Size], Size] = {}
        entering = []
        for number, x in enumerate(tensors, 1):
            sizes = []
            for name, size in zip(_names_of_axes(x), x.sizes, strict=True):
                key = (f"{name}_{number}" if name == "channels" and len(tensors) > 1 else name, size)
                if key not in made:
                    made[key] = self.new(key[0], size)
                sizes.append(made[key])
            entering.append(x.resized(*sizes))
        return tuple(entering)

    def write(self, size: Size, replacement: Callable[[str], str]) -> str:
        """Return a size in the language's arithmetic, with something else for each symbol."""
        return re.sub(r"s\d+_", lambda match: replacement(match[0]), _spaced(size))


def _with_symbols(layer: Layer, symbols: _Symbols) -> Layer:
    """Return a layer with symbols for the numbers that its author chose."""

    def replaced(name: str, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(replaced(name, item) for item in value)
        return symbols.new(name, value) if type(value) is int and value > 0 else value

    kind = type(layer)
    chosen = {name: value for name in arguments(kind) if (value := getattr(layer, name)) != default_of(kind, name)}
    return evolve(layer, **{name: replaced(name, value) for name, value in chosen.items()})


def _run(layer: Layer, tensors: tuple[Tensor, ...]) -> tuple[Size, ...] | None:
    """Return the sizes that leave a layer; None where its rule does not run on these symbols."""
    try:
        return layer.output(*tensors).sizes
    except (Refused, Undecided, TooLarge, TypeError):  # TypeError: an axis or a word cannot be a symbol
        return None


def _names_of_axes(x: Tensor) -> tuple[str, ...]:
    positions = axis_names(x.rank) or tuple(f"axis_{axis}" for axis in range(x.rank - 1))
    return (*positions, "channels")


# Weights


def _explain_parameters(weights: Sequence[Weight], counts: Counts) -> Iterator[str]:
    trained = [weight for weight in weights if weight.trained]
    others = [weight for weight in weights if not weight.trained]
    figures, shapes = [], []
    if trained:
        figures.append(_equation(map(_elements, trained), counts.trainable))
        shapes.append(_shapes(trained))
    if others:
        figures.append(f"{_equation(map(_elements, others), counts.not_trained)} not trained")
        shapes.append(f"not trained: {_shapes(others)}")
    yield ", and ".join(figures)
    yield "; ".join(shapes)


def _shapes(weights: Sequence[Weight]) -> str:
    return ", ".join(f"{weight.name} {show_shape(weight.shape)}" for weight in weights)


def _elements(weight: Weight) -> str:
    """Return the product of a shape, the last axis times the others: `60*(7*7*1)`, `250*202500`, `60`."""
    *others, last = map(_operand, weight.shape)
    if not others:
        return last
    return f"{last}*{others[0]}" if len(others) == 1 else f"{last}*({'*'.join(others)})"


def _explain_macs(
    layer: Layer, weights: Sequence[Weight], tensors: tuple[Tensor, ...], output: Tensor, counts: Counts
) -> Iterator[str]:
    terms = [
        _elements(weight) if weight.uses == 1 else f"{_uses(weight.uses, tensors, output)} * {_elements(weight)}"
        for weight in weights
        if weight.uses != 0
    ]
    products = layer.products(*tensors)
    if products != 0:
        terms.append(f"{_show(products)} between activations")
    if terms:
        yield _equation(terms, counts.macs)
    elif weights:
        yield "0: weights that are looked up, scale or shift are not counted"


def _uses(uses: Size, tensors: tuple[Tensor, ...], output: Tensor) -> str:
    """Return how often a weight is used, as the positions that it is used at if that is what it is."""
    for x in (output, *tensors):
        if product(x.positions) == uses:
            return "*".join(map(_operand, x.positions))
    return _operand(uses)


def _explain_copies(times: int, counts: Counts) -> Iterator[str]:
    own = ", each with weights of its own" if counts.total != 0 else ""
    yield f"this layer stands here {times:,} times{own}"
    figures = {"parameters": counts.total, "MACs": counts.macs}
    for what, figure in figures.items():
        if figure != 0:
            yield f"{times:,} * {_factor(figure)} = {_show(figure * times)} {what}"


# Totals


def _explain_total(everything: Sequence[Row], total: Counts | None) -> str:
    if total is None:
        return "\n".join(["total", *_entry("unknown", ["a part of the network is unknown, because of a mistake"])])
    lines = ["total"]
    lines += _entry("parameters", [_sum(everything, lambda counts: counts.total, total.total)])
    if total.not_trained != 0:
        split = f"{_show(total.trainable)} trainable + {_show(total.not_trained)} not trained"
        lines += _entry("", [split])
    main = [row for row in everything if not row.is_aux]
    lines += _entry("MACs", [_sum(main, lambda counts: counts.macs, total.macs)])
    if any(row.is_aux for row in everything):
        aux = [row for row in everything if row.is_aux]
        lines += _entry("in training", [f"{_sum(aux, lambda counts: counts.macs, total.aux_macs)} more, for `aux`"])
    flops = f"2 * {_factor(total.macs)} = {_show(2 * total.macs)}, a multiplication and an addition each"
    lines += _entry("FLOPs", [flops])
    return "\n".join(lines)


def _sum(everything: Sequence[Row], figure_of: Callable[[Counts], Size], total: Size) -> str:
    """Return a total as the sum of the layers' figures; a layer that stands there n times comes as `n*figure`."""
    figures = [(row.times, figure_of(row.counts)) for row in everything if row.counts is not None]
    terms = [
        _show(figure) if times == 1 else f"{times:,}*{_factor(figure)}" for times, figure in figures if figure != 0
    ]
    return _equation(terms, total)


def _equation(terms: Iterable[str], total: Size) -> str:
    """Return `a + b = total`, or the total alone where that is all there is to say."""
    left, right = " + ".join(terms), _show(total)
    return right if left in ("", right) else f"{left} = {right}"


def _show(size: Size) -> str:
    return f"{size:,}" if isinstance(size, int) else _spaced(size)


def _spaced(size: Size) -> str:
    """Return a size with blanks around every + and -."""
    return re.sub(r"(?<=[\w)])([+-])", r" \1 ", str(size))


def _factor(size: Size) -> str:
    """Return a size, in parentheses where it is a sum."""
    return _show(size) if isinstance(size, int) else _operand(size)


def _operand(size: Size) -> str:
    """Return a size without separators, in parentheses where it is more than one word."""
    text = str(size)
    return text if re.fullmatch(r"[\w.]+", text) else f"({_show(size)})"
