"""Kinds of argument: what a value may be, how it is read, and examples of it; not which layer takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from .record import frozen
from .size import Condition, Expression

if TYPE_CHECKING:
    from fractions import Fraction

    from .source import Span

Number: TypeAlias = "int | Fraction | Expression"
Truth: TypeAlias = "bool | Condition"
Value: TypeAlias = "Any"
"""What an expression stands for: a Number, a Truth, a Word, OPEN, a NamedTensor, or a tuple of values."""

LARGEST = 2**63 - 1
"""The largest size, and the largest count of anything; frameworks hold both in 64 bits."""


@frozen
class Word:
    """A bare word that no scope declares: a flag or a value of the layer that it stands in."""

    text: str


@frozen
class OpenSize:
    """`?`: a size left open, or one to be inferred."""


OPEN = OpenSize()


class Unfit(Exception):
    """A value is not of the kind that is wanted; the message says what it is instead.

    `bound` says what a number of the right kind would have to be, where only its size is wrong.
    """

    def __init__(self, message: str, bound: str = "") -> None:
        super().__init__(message)
        self.bound = bound


@frozen(eq=False)
class Kind:
    """A kind of argument.

    `wanted` is a noun phrase for messages and pages, `read` returns the value in its one form or raises Unfit,
    `tries` are texts of fit values, from which tests and pages draw examples.
    """

    wanted: str
    read: Callable[[Value], Value]
    tries: tuple[str, ...] = ()
    takes_words: bool = False
    """Whether a word that nothing declares can be read."""


def show(value: Value) -> str:
    """Return a value as an author would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, Word):
        return value.text
    if isinstance(value, NamedTensor) or hasattr(value, "parameters"):  # a tensor, or a block
        return str(value.name)
    if value is OPEN:
        return "?"
    if isinstance(value, (int, Expression, Condition)):
        return str(value)
    if hasattr(value, "numerator"):
        return f"{float(value):.6g}"
    return str(value)


def is_number(value: Value) -> bool:
    """Whether a value is a number, known or symbolic, and not a truth value."""
    return not isinstance(value, bool) and (isinstance(value, (int, Expression)) or hasattr(value, "numerator"))


def whole(least: int | None) -> Callable[[Value], Value]:
    """Return a reader of whole numbers that are at least `least`."""

    def read(value: Value) -> Value:
        if not is_number(value):
            raise Unfit(f"`{show(value)}` is not a number")
        if not isinstance(value, (int, Expression)):
            raise Unfit(f"{show(value)} is not a whole number")
        if least is not None and (value < least) is True:
            raise Unfit(f"{show(value)} is below {least}", f"at least {least}")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise Unfit(f"{show(value)} is beyond {LARGEST:,}, the largest size")
        return value

    return read


def number(
    low: float | None = None, below: float | None = None, above: float | None = None
) -> Callable[[Value], Value]:
    """Return a reader of numbers from `low` (or above `above`) and below `below`."""

    def read(value: Value) -> Value:
        if not is_number(value):
            raise Unfit(f"`{show(value)}` is not a number")
        if low is not None and (value < low) is True:
            raise Unfit(f"{show(value)} is below {low:g}", f"at least {low:g}")
        if above is not None and (value <= above) is True:
            raise Unfit(f"{show(value)} is not above {above:g}", f"above {above:g}")
        if below is not None and (value >= below) is True:
            raise Unfit(f"{show(value)} is not below {below:g}", f"below {below:g}")
        return value

    return read


def listed(read_item: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """Return a reader of lists of what `read_item` reads."""

    def read(value: Value) -> Value:
        if not isinstance(value, tuple):
            raise Unfit(f"`{show(value)}` is not a list")
        return tuple(map(read_item, value))

    return read


def one_or_listed(read_item: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """Return a reader of one value for every axis, or of a list with a value an axis."""

    def read(value: Value) -> Value:
        return tuple(map(read_item, value)) if isinstance(value, tuple) else read_item(value)

    return read


def _read_pads(value: Value) -> Value:
    """Read `1`, `[1, 2]` (an axis each) or `[[0, 1], [0, 1]]` (start and end of each axis)."""
    read = whole(0)
    if not isinstance(value, tuple):
        return read(value)
    pads = []
    for item in value:
        if isinstance(item, tuple):
            if len(item) != 2:
                raise Unfit(f"`{show(item)}` is not a pair of start and end")
            pads.append((read(item[0]), read(item[1])))
        else:
            pads.append((read(item), read(item)))
    return tuple(pads)


def _read_shape(value: Value) -> Value:
    """Read the sizes of a tensor; a single number is a vector's."""
    read = whole(1)
    sizes = value if isinstance(value, tuple) else (value,)
    if any(isinstance(size, int) and size < 0 for size in sizes):
        raise Unfit(f"{show(value)} is below 0; a size to be inferred is `?`")
    if not sizes:
        raise Unfit("a tensor without sizes has nothing in it")
    return tuple(size if size is OPEN else read(size) for size in sizes)


COUNT = Kind("a whole number, at least 1", whole(1), ("1", "2", "4"))
WHOLE = Kind("a whole number, at least 0", whole(0), ("0", "1", "2"))
WINDOW = Kind(
    "a whole number, or one an axis as `3x5` or `[3, 5]`",
    one_or_listed(whole(1)),
    ("1", "2", "3", "[3, 2]", "[1, 2, 3]"),
)
STRIDE = Kind("a whole number, or one an axis as `2x1` or `[2, 1]`", one_or_listed(whole(1)), ("1", "2", "3", "[2, 1]"))
PADS = Kind(
    "a whole number, one an axis as `[1, 2]`, or start and end of each as `[[0, 1], [0, 1]]`",
    _read_pads,
    ("0", "1", "[2, 1]", "[[0, 1], [1, 0]]", "[[2, 1]]", "[[0, 1], [1, 1], [1, 0]]"),
)
SHAPE = Kind("a shape such as `28x28x1`", _read_shape)
SIZES = Kind("a whole number, or one an axis as `7x7` or `[7, 7]`", one_or_listed(whole(1)), ("1", "3", "[5, 2]"))
SHIFT = Kind(
    "a whole number, or one an axis as `[3, 3]`",
    one_or_listed(whole(None)),
    ("1", "-2", "[3]", "[3, -1]", "[1, 2, -1]"),
)
AXIS = Kind("the number of an axis, from 0, or from -1 backwards", whole(None), ("-1", "0", "1"))
AXIS_OR_AXES = Kind(
    "the number of an axis, or a list of axes as `[0, 1]`", one_or_listed(whole(None)), ("0", "-1", "[0, 1]", "[-1, 0]")
)
AXES = Kind("a list of axes, such as `[1, 0, 2]`", listed(whole(None)))
NUMBER = Kind("a number", number(), ("0.5", "-2", "3"))
ABOVE_ZERO = Kind("a number above 0", number(above=0), ("1e-5", "0.5"))
RATE = Kind("a rate, at least 0 and below 1", number(low=0, below=1), ("0.25", "0.5"))
KEPT = Kind("a share, at least 0 and at most 1", number(low=0), ("0.9", "0.99"))
TRUTH = Kind("`true` or `false`", lambda value: value)


@frozen
class NamedTensor:
    """A tensor that an argument names, `like=skip`: its value in the body, and what is known of it.

    `maker` is the layer that made it, or the only one of the shared block that did.
    """

    name: str
    value: int
    sizes: tuple[Any, ...]
    span: Span
    maker: Any = None


def _read_tensor(value: Value) -> Value:
    if not isinstance(value, NamedTensor):
        raise Unfit(f"`{show(value)}` is not the name of a tensor")
    return value


TENSOR = Kind("the name of a tensor", _read_tensor, ("other",))
"""A tensor whose shape is asked for."""
OPERAND = Kind("the name of a tensor", _read_tensor, ("other",))
"""A tensor that the layer takes as one more input, behind those that enter."""
TABLE = Kind("the name of an `embed` layer, or of a shared block of one", _read_tensor, ("other",))
"""A tensor whose maker's weights the layer uses as its own."""
NAMING = (TENSOR, OPERAND, TABLE)
"""The kinds whose value is a NamedTensor."""
