"""Sizes that are known only as the emitted code runs: symbols for them in a spelling, and what they are in its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..layer import Layer, Tensor, arguments
from ..record import evolve
from ..size import Condition, Expression, as_value, divide, fold, same, substitute, symbol, symbols
from ..values import TABLE, NamedTensor
from .calls import Call, Choice, Index, Method, Operation, Part


class Unknown(Exception):
    """A layer asks for sizes that none of the tensors that enter it has."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        self.symbols = names


class NoFunction(Exception):
    """A layer makes something of a size that is only known as the code runs."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        self.symbols = names


def in_own_sizes(
    layer: Layer, tensors: Sequence[Tensor], read: Sequence[Tensor], known: frozenset[str]
) -> tuple[Layer, tuple[Tensor, ...]]:
    """Return a layer and the tensors that enter it, where each open size is a symbol for the size of a tensor's axis.

    `read` are the tensors behind those that enter of which the layer asks for the shape. Symbols that are `known` are
    arguments of the code, and stay.
    """
    everything = (*tensors, *read)
    found: dict[str, Any] = {}
    own = []
    for place, x in enumerate(everything):
        sizes = []
        for axis, size in enumerate(x.sizes):
            mine = symbol(f"{place}.{axis}") if symbols(size) - known else size
            sizes.append(mine)
            for name, value in _solved(size, mine, known):
                found.setdefault(name, value)
        own.append(x.resized(*sizes))
    pairs = zip(everything, own, strict=True)
    equal: dict[Any, Any] = {a: b for x, y in pairs for a, b in zip(x.sizes, y.sizes, strict=True)}

    def moved(value: Any) -> Any:
        if isinstance(value, NamedTensor):
            return evolve(value, sizes=tuple(map(moved, value.sizes)))
        if isinstance(value, tuple):
            return tuple(map(moved, value))
        if not isinstance(value, (Expression, Condition)):
            return value
        if value in equal:
            return equal[value]
        solved = substitute(value, found)
        unknown = frozenset(name for name in symbols(solved) - known if not name[0].isdigit())
        if unknown:
            raise Unknown(unknown)
        return solved

    return evolve(layer, **{name: moved(value) for name, value in _values(layer).items()}), tuple(own[: len(tensors)])


def _values(layer: Layer) -> dict[str, Any]:
    """Return the arguments of a layer but for a table, of which it asks for the layer that keeps it, and no shape."""
    declared = arguments(type(layer))
    return {name: getattr(layer, name) for name, argument in declared.items() if argument.kind is not TABLE}


def _solved(size: Any, mine: Any, known: frozenset[str]) -> list[tuple[str, Any]]:
    """Return the symbol of a size that is linear in it, in terms of the size: of `2*T + 1` that T is (size - 1)/2."""
    names = symbols(size) - known
    if len(names) != 1:
        return []
    (name,) = names
    try:
        start = substitute(size, {name: 0})
        slope = substitute(size, {name: 1}) - start
    except ZeroDivisionError:  # something is divided by it
        return []
    if symbols(slope) or slope == 0 or same(size, symbol(name) * slope + start) is not True:
        return []
    return [(name, divide(mine - start, slope))]


def open_in(value: Any, known: frozenset[str]) -> frozenset[str]:
    """Return the symbols in a spelling's expression but for those that are known."""
    if isinstance(value, (Expression, Condition)):
        return symbols(value) - known
    return frozenset().union(*(open_in(part, known) for part in _parts(value)))


def _parts(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Call):
        return (value.function, *value.arguments, *(item for _, item in value.keywords))
    if isinstance(value, Method):
        return (value.receiver,)
    if isinstance(value, Operation):
        return (value.left, value.right)
    if isinstance(value, Index):
        return (value.receiver, *value.items)
    if isinstance(value, slice):
        return (value.start, value.stop, value.step)
    return tuple(value) if isinstance(value, (tuple, list)) else ()


def with_sizes(part: Part, size_of: Callable[[int, int], Any], known: frozenset[str]) -> Part:
    """Return a part whose expression asks for its open sizes: `size_of` gets the number of a tensor and of an axis.

    An object cannot be made of what is not known yet, so the expression takes its place. Raises NoFunction where there
    is none.
    """
    if not open_in((part.modules, part.function, part.applied), known):
        return part
    lacking = open_in(part.modules, known)
    if lacking and part.function is None:
        raise NoFunction(lacking)
    function, applied = _mapped(part.function, size_of, known), _mapped(part.applied, size_of, known)
    return evolve(part, modules=() if lacking else part.modules, function=function, applied=applied)


def _mapped(value: Any, size_of: Callable[[int, int], Any], known: frozenset[str]) -> Any:
    def of(part: Any) -> Any:
        return _mapped(part, size_of, known)

    if isinstance(value, (Expression, Condition)):
        return _written(value, size_of, known) if symbols(value) - known else value
    if isinstance(value, Call):
        function = value.function if isinstance(value.function, str) else of(value.function)
        return Call(function, tuple(map(of, value.arguments)), tuple((name, of(item)) for name, item in value.keywords))
    if isinstance(value, Method):
        return Method(of(value.receiver), value.name)
    if isinstance(value, Operation):
        return Operation(value.operator, of(value.left), of(value.right))
    if isinstance(value, Index):
        return Index(of(value.receiver), tuple(map(of, value.items)))
    if isinstance(value, slice):
        return slice(of(value.start), of(value.stop), of(value.step))
    if isinstance(value, tuple):
        return tuple(map(of, value))
    return list(map(of, value)) if isinstance(value, list) else value


def _written(value: Expression | Condition, size_of: Callable[[int, int], Any], known: frozenset[str]) -> Any:
    """Return an expression of sizes as one of a spelling. What is divided here is divided without a rest."""

    def leaf(node: Any) -> Any:
        if node.name in known:
            return as_value(node)
        place, _, axis = node.name.partition(".")
        return size_of(int(place), int(axis))

    def apply(name: str, operands: tuple[Any, ...]) -> Any:
        if name == "if":
            return Choice(*operands)
        if name in ("min", "max"):
            return Call(name, operands)
        if len(operands) == 1:
            return Operation("-", 0, *operands)
        result = operands[0]
        for operand in operands[1:]:
            result = Operation("//" if name == "/" else name, result, operand)
        return result

    return fold(value, lambda number: number, leaf, apply)
