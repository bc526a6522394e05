"""The value of an expression, from the names around it and the tensor that enters; no layers here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Protocol

from .diagnostics import Diagnostic, Related, quoted
from .layer import Tensor
from .size import (
    MOST_BITS,
    Condition,
    Expression,
    TooLarge,
    Undecided,
    both,
    ceil_div,
    choose,
    differ,
    divide,
    either,
    exact,
    maximum,
    minimum,
    negate,
    operands_of,
    same,
)
from .size import truth as open_truth
from .source import Span
from .spelling import nearest
from .syntax import tree
from .values import LARGEST, OPEN, NamedTensor, Truth, Value, Word, is_number, show


class Mistake(Exception):
    """One mistake in the text, as the message that will be shown."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def mistake(code: str, message: str, span: Span, label: str = "", help: str = "", *related: Related) -> Mistake:
    """Return a Mistake to be raised."""
    return Mistake(Diagnostic(code, message, span, label, help, related))


class Silent(Exception):
    """Something here is unknown because of a mistake that has been reported."""


class Names(Protocol):
    """What an expression can ask of the place where it stands."""

    entering: Tensor | None
    """The tensor that enters the stage, where one does and it is known."""
    place: str
    """What a choice that stands here is called."""
    leaves_open: bool
    """Whether values are left open here, so that a symbol may stand for a word, a list or a tensor too."""

    def look_up(self, name: tree.Name) -> Value | None:
        """Return what a name stands for, None where nothing declares it."""

    def size(self, name: str, span: Span) -> Value:
        """Return the symbol of an upper-case name."""

    def names(self) -> tuple[str, ...]:
        """Return the names that could have been meant."""

    def misplaced(self, word: str, span: Span) -> Mistake | None:
        """Return the mistake of a name that exists, but cannot be used here; None where there is no such name."""

    def member(self, members: tuple[Value, ...], span: Span) -> Value:
        """Return the member of a choice that has been picked."""


SIZES = {"channels": -1, "length": 0, "height": -3, "width": -2, "depth": 0}
_RANKS = {"length": (2,), "height": (3, 4), "width": (3, 4), "depth": (4,)}


CONDITION = "a condition"


def evaluate(expression: tree.Argument, names: Names) -> Value:
    """Return the value of an expression; a word that nothing declares is a Word, for a layer to read."""
    kind = type(expression)
    if kind is tree.Number:
        return expression.value  # type: ignore[union-attr]
    try:
        return _EVALUATE[kind](expression, names)
    except ZeroDivisionError:
        message = f"{quoted(expression.span.text)} divides by zero"
        raise mistake("E008", message, expression.span, help="divide by a number above 0") from None
    except TooLarge as reason:
        if names.leaves_open:
            raise Silent from None
        raise mistake("E026", str(reason), expression.span, help="give the open sizes in it a number") from None


def _dims(dims: tree.Dims, names: Names) -> Value:
    return tuple(
        OPEN if size is None else names.size(size, dims.span) if isinstance(size, str) else size for size in dims.sizes
    )


def _name(name: tree.Name, names: Names) -> Value:
    value = names.look_up(name)
    if value is not None:
        return value
    if name.text.isupper():
        return names.size(name.text, name.span)
    if name.text in SIZES:
        return _size_of_entering(name, names)
    return Word(name.text)


def _size_of_entering(name: tree.Name, names: Names) -> Value:
    x = names.entering
    if x is None:
        message = f"{quoted(name.text)} is a size of the tensor that enters, and none does here"
        raise mistake("E010", message, name.span, help="write a number, or the name of one")
    if name.text in _RANKS and x.rank not in _RANKS[name.text]:
        known = " and ".join(f"`{size}`" for size in SIZES if x.rank in _RANKS.get(size, (x.rank,)))
        message = f"the tensor that enters ({x}) has no {name.text}"
        raise mistake("E010", message, name.span, help=f"it has {known}")
    return x.sizes[SIZES[name.text]]


def _number(value: Value, expression: tree.Expression, names: Names) -> Value:
    """Return a value that has to be a number."""
    if is_number(value):
        return value
    if isinstance(value, Word):
        raise undefined(value, expression, names)
    if isinstance(value, NamedTensor):
        raise mistake(
            "E008",
            f"{quoted(value.name)} is a tensor, and numbers are calculated with here",
            expression.span,
            "a number is wanted here",
            "tensors are joined by `add(a, b)`, `mul(a, b)`, `concat(a, b)`, ...",
        )
    cure = "only numbers are calculated with"
    raise mistake("E008", f"{what_it_is(value)} is not a number", expression.span, "a number is wanted here", cure)


def what_it_is(value: Value) -> str:
    """Return what kind of value something is, for messages."""
    if isinstance(value, (bool, Condition)):
        return "a truth value"
    if isinstance(value, tuple):
        return f"the list {quoted(show(value))}"
    if isinstance(value, NamedTensor):
        return f"the tensor `{value.name}`"
    if isinstance(value, Word):
        return f"the word `{value.text}`"
    return f"the number {show(value)}" if is_number(value) else f"`{show(value)}`"


_SLASHES = re.compile(r"//[ \t]+\Z")


def undefined(word: Word, expression: tree.Expression, names: Names, wanted: str = "a number") -> Mistake:
    """Return the mistake of a word that nothing declares, where a value has to stand."""
    if isinstance(expression, tree.Name) and expression.text != word.text:
        return mistake(
            "E010",
            f"{quoted(expression.text)} is the word `{word.text}` here, and {wanted} is wanted",
            expression.span,
            help=f"compare it, as in `{expression.text} == {word.text}`"
            if wanted == CONDITION
            else f"if a name is meant by `{word.text}`, declare it before this",
        )
    guess = nearest(word.text, (*names.names(), *SIZES))
    source, place = expression.span.source, expression.span.start
    comment = _SLASHES.search(source.text, source.line_at(place)[0], place)
    if comment is not None and not guess:
        help = "a comment begins with `#` and ends with its line"
        span = Span(source, comment.start(), comment.start() + 2)
        return mistake("E020", "`//` does not begin a comment here", span, "write `#`", help)
    return names.misplaced(word.text, expression.span) or mistake(
        "E010",
        f"nothing called {quoted(word.text)} has been declared",
        expression.span,
        f"did you mean `{guess}`?" if guess else "",
        "a name is declared before it is used: by `const`, as a parameter, by `for`, or as a size such as `channels`",
    )


def truth(expression: tree.Expression, names: Names) -> Truth:
    """Return the value of a condition."""
    value = evaluate(expression, names)
    if isinstance(value, (bool, Condition)):
        return value
    if isinstance(value, Word):
        raise undefined(value, expression, names, CONDITION)
    if names.leaves_open and isinstance(value, Expression):
        raise Silent
    cure = "a condition is `true` or `false`, or compares values"
    if is_number(value) and not isinstance(expression, tree.Number):
        cure = f"compare it, as in `{' '.join(expression.span.text.split())} > 0`"
    raise mistake("E008", f"{what_it_is(value)} is neither true nor false", expression.span, CONDITION, cure)


def _unary(unary: tree.Unary, names: Names) -> Value:
    if unary.operator == "not":
        return negate(truth(unary.operand, names))
    value = evaluate(unary.operand, names)
    if isinstance(unary.operand, tree.Dims):
        first, _, others = unary.operand.span.text.partition("x")
        label = f"write `?x{others}`" if first == "1" else ""
        raise mistake("E008", "a size is not below 0; one to be inferred is `?`", unary.span, label, "as in `7x7x?`")
    return -_number(value, unary.operand, names)


def _divide(a: Value, b: Value, binary: tree.Binary) -> Value:
    _refuse_zero(b, binary)
    return divide(a, b)


def _floor_divide(a: Value, b: Value, binary: tree.Binary) -> Value:
    _refuse_zero(b, binary)
    return a // b


def _refuse_zero(b: Value, binary: tree.Binary) -> None:
    if b == 0:
        message = f"{quoted(binary.span.text)} divides by zero"
        raise mistake("E008", message, binary.right.span, help="divide by a number above 0")


_ARITHMETIC: dict[str, Callable[[Any, Any, tree.Binary], Value]] = {
    "+": lambda a, b, binary: a + b,
    "-": lambda a, b, binary: a - b,
    "*": lambda a, b, binary: a * b,
    "/": _divide,
    "//": _floor_divide,
    "<": lambda a, b, binary: a < b,
    "<=": lambda a, b, binary: a <= b,
    ">": lambda a, b, binary: a > b,
    ">=": lambda a, b, binary: a >= b,
}


def _binary(binary: tree.Binary, names: Names) -> Value:
    operator, left, right = binary.operator, binary.left, binary.right
    if operator in ("and", "or"):
        first = truth(left, names)
        if first is (operator == "or"):
            _check_names(right, names)
            return first
        return (both if operator == "and" else either)(first, truth(right, names))
    a, b = evaluate(left, names), evaluate(right, names)
    if operator == "//" and isinstance(b, Word):
        raise undefined(b, right, names)  # the words of a comment, whatever stands before it
    if operator in ("==", "!="):
        if is_number(a) and is_number(b):
            return same(a, b) if operator == "==" else differ(a, b)
        if names.leaves_open and (isinstance(a, Expression) or isinstance(b, Expression)):
            return open_truth(binary.span.text)
        _refuse_misspelled(left, a, right, b, names)
        _refuse_misspelled(right, b, left, a, names)
        return (a == b) is (operator == "==")
    value = _ARITHMETIC[operator](_number(a, left, names), _number(b, right, names), binary)
    if hasattr(value, "denominator") and not isinstance(value, bool):
        value = exact(value)
        if max(abs(value.numerator), value.denominator) >> MOST_BITS:
            raise mistake("E026", "a number of too many digits", binary.span, help="round it, or begin with fewer")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise mistake(
            "E026", f"a number beyond {LARGEST:,}, the largest size", binary.span, help="begin with smaller numbers"
        )
    return value


def _refuse_misspelled(
    written: tree.Expression, value: Value, other: tree.Expression, compared: Value, names: Names
) -> None:
    """Raise the mistake of a compared word that looks like a name that exists, or is compared with another word."""
    if not isinstance(value, Word) or not isinstance(written, tree.Name) or written.text != value.text:
        return
    is_constant = isinstance(compared, Word) and isinstance(other, tree.Name) and other.text == compared.text
    if is_constant or (is_number(compared) and nearest(value.text, (*names.names(), *SIZES))):
        raise undefined(value, written, names)


def _check_names(expression: tree.Expression, names: Names) -> None:
    """Raise the mistake of a name in what is not evaluated, because something guards it; its value may be anything."""
    try:
        evaluate(expression, names)
    except Mistake as found:
        if found.diagnostic.code in ("E009", "E010"):
            raise
    except Undecided:
        pass


def _choose(choice: tree.Choose, names: Names) -> Value:
    condition = truth(choice.condition, names)
    if isinstance(condition, bool):
        _check_names(choice.second if condition else choice.first, names)
        return evaluate(choice.first if condition else choice.second, names)
    first, second = evaluate(choice.first, names), evaluate(choice.second, names)
    return _one_of(condition, first, second, names)


def _one_of(condition: Condition, first: Value, second: Value, names: Names) -> Value:
    """Return what is the first value where an open condition holds, else the second; lists go item by item."""
    if is_number(first) and is_number(second):
        return choose(condition, first, second)
    if isinstance(first, (bool, Condition)) and isinstance(second, (bool, Condition)):
        return either(both(condition, first), both(negate(condition), second))
    if isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second):
        return tuple(_one_of(condition, a, b, names) for a, b in zip(first, second, strict=True))
    if type(first) is type(second) and first == second:
        return first
    if names.leaves_open:
        raise Silent
    raise Undecided(condition.symbols)


def _function(function: tree.Function, names: Names) -> Value:
    known = _FUNCTIONS.get(function.name.text)
    if known is None:
        from .layers import brought, forms

        meant = brought(function.name.text) or ""
        if meant not in _FUNCTIONS and any(form.combines for form in forms(meant)):
            raise mistake(
                "E020",
                f"`{function.name.text}( ... )` joins branches, and stands here among the arguments of another stage",
                function.span,
                "a pipeline on its own begins with `in`",
                f"write `| {meant}( ... )` to go on, or `out {meant}( ... )` for an output",
            )
        guess = meant if meant in _FUNCTIONS else nearest(function.name.text, _FUNCTIONS)
        raise mistake(
            "E009",
            f"there is no function {quoted(function.name.text)}",
            function.name.span,
            f"did you mean `{guess}`?" if guess else "",
            f"the functions are {', '.join(_FUNCTIONS)}",
        )
    least, most, call = known
    cure = f"for example `{function.name.text}({'16' if least == 1 else '20, 8'})`"
    values = [evaluate(argument, names) for argument in function.arguments]
    if function.name.text in ("min", "max") and len(values) == 1 and isinstance(values[0], tuple):
        values = list(values[0])
    numbers = [
        _number(value, function.arguments[min(n, len(function.arguments) - 1)], names) for n, value in enumerate(values)
    ]
    if not least <= len(numbers) <= most:
        wanted = f"{least}" if least == most else f"at least {least}"
        raise mistake(
            "E008",
            f"{quoted(function.name.text)} takes {wanted} argument{'s' * (least != 1)}, not {len(numbers)}",
            function.span,
            help=cure,
        )
    try:
        return call(*numbers)
    except ValueError as error:
        raise mistake("E008", f"{quoted(function.name.text)}: {error}", function.span, help=cure) from None


def _known(value: Value) -> Value:
    """Return a number that has to be known, for functions that have no symbolic form."""
    if isinstance(value, int) or hasattr(value, "numerator"):
        return value
    raise Undecided(value.symbols)


def _rational(value: float) -> Value:
    from fractions import Fraction

    number = Fraction(value)
    return number.numerator if number.denominator == 1 else number


def _square_root(value: Value) -> Value:
    value = _known(value)
    if value < 0:
        raise ValueError(f"{show(value)} is below 0")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return divide(top, bottom)
    return _rational(math.sqrt(value))


def _log2(value: Value) -> Value:
    value = _known(value)
    if value <= 0:
        raise ValueError(f"{show(value)} is not above 0")
    return _rational(math.log2(value))


def _range(*bounds: Value) -> Value:
    known = [_known(bound) for bound in bounds]
    if not all(isinstance(bound, int) for bound in known):
        raise ValueError("the bounds have to be whole numbers")
    if len(range(*known)) > MOST_ITEMS:
        raise ValueError(f"a list has at most {MOST_ITEMS:,} items")
    return tuple(range(*known))


MOST_ITEMS = 100_000
MOST_MEMBERS = 1_000
"""Of a choice."""


def divisible(x: Value, d: Value) -> Value:
    """Return x rounded to a multiple of d, at least d and at least 0.9 x (MobileNet, Howard et al., 2017)."""
    rounded = maximum(d, (x + divide(d, 2)) // d * d)
    return choose(rounded * 10 < x * 9, rounded + d, rounded)


def divisible_parts(value: Value) -> tuple[Value, Value] | None:
    """Return the x and d of which an open value is `divisible(x, d)`, None where it is something else."""
    chosen = operands_of(value, "if")
    largest = operands_of(chosen[2], "max") if chosen else ()
    steps = [part for part in largest if isinstance(part, int)]
    if len(largest) != 2 or len(steps) != 1:
        return None
    (d,) = steps
    (multiple,) = (part for part in largest if part is not d)
    floor = operands_of(divide(multiple, d), "//")
    if not floor:
        return None
    x = divide(floor[0] * d, floor[1]) - divide(d, 2)
    return (x, d) if divisible(x, d) == value else None


def _absolute(x: Value) -> Value:
    return choose(x < 0, -x, x)


_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "min": (1, 1000, minimum),
    "max": (1, 1000, maximum),
    "floor": (1, 1, lambda x: x // 1),
    "ceil": (1, 1, lambda x: ceil_div(x, 1)),
    "round": (1, 1, lambda x: (x + divide(1, 2)) // 1),
    "abs": (1, 1, _absolute),
    "sqrt": (1, 1, _square_root),
    "log2": (1, 1, _log2),
    "range": (1, 2, _range),
    "divisible": (2, 2, divisible),
}


def _list(listed: tree.List, names: Names) -> Value:
    place, items = names.place, []
    for number, item in enumerate(listed.items):
        names.place = f"{place}[{number}]"
        items.append(evaluate(item, names))
    names.place = place
    return tuple(items)


def _choice(family: tree.Family, names: Names) -> Value:
    if len(family.members) > MOST_MEMBERS:
        message = f"this choice has {len(family.members):,} members, and {MOST_MEMBERS:,} is the limit"
        raise mistake(
            "E026", message, family.span, help="choose in two steps, or let `--set` give a constant its value"
        )
    return names.member(tuple(evaluate(member, names) for member in family.members), family.span)


def _unreadable(wrong: tree.Wrong, names: Names) -> Value:
    raise Silent


def _text(text: tree.Text, names: Names) -> Value:
    inside = text.span.text.strip('"')
    label = f"write `{inside}`" if re.fullmatch(r"[\w.]+", inside) else "delete the quotes"
    raise mistake("E008", "a text in quotes stands only behind `use`", text.span, label)


_EVALUATE: dict[type, Callable[[Any, Names], Value]] = {
    tree.Dims: _dims,
    tree.Name: _name,
    tree.Truth: lambda literal, names: literal.value,
    tree.Open: lambda literal, names: OPEN,
    tree.List: _list,
    tree.Parentheses: lambda parentheses, names: evaluate(parentheses.inner, names),
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Choose: _choose,
    tree.Function: _function,
    tree.Family: _choice,
    tree.Text: _text,
    tree.Wrong: _unreadable,
}
