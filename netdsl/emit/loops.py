"""Loops for copies of code that differ in nothing but numbers and names; what these are is a table, or counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import lcm
from operator import add, floordiv, mul, sub
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from ..network import Group
from ..record import evolve, fields, has
from ..size import divide, symbol, symbols
from ..values import Word
from . import code
from .skeleton import PYTHON_OWNS, is_free, to_code

if TYPE_CHECKING:
    from .blocks import Scope

Defaults: TypeAlias = "Callable[[str], Mapping[str, Any]]"
"""The keywords of a function that have a default, with it."""


@frozen(eq=False)
class Folded:
    """A target and a source of a loop, and what stands in it."""

    target: code.Expression
    source: code.Expression
    body: Any


def folded(
    copies: Sequence[Any],
    groups: Sequence[Group | None],
    defaults: Defaults,
    scope: Scope,
    owned: Iterable[str] = (),
) -> Folded | None:
    """Return a loop for copies of code, None where they differ in more than numbers and names.

    `groups` are the copies of `for` that they are, which know the author's names of what differs; `scope` is where the
    code stands, and `owned` are further names that the loop's variables cannot have. Raises Undecided where they differ
    in what an open constant makes of them.
    """
    columns: dict[tuple[Any, ...], str] = {}
    arguments = {word: symbol(name) for name, word in scope.words.items() if scope.symbols[name].is_number}
    around = _Around(defaults, arguments, scope.size)
    try:
        _compare(tuple(copies), "", columns, around)
    except _Differ:
        scope.hold_constants(code.names_in(copies))
        return None
    names = _names(columns, groups, {*owned, *scope.words.values(), *PYTHON_OWNS}, around)
    body = _put(tuple(copies), defaults, names)
    count = len(copies)
    rows, targets = _rows(names, count)
    if not targets:
        return Folded(code.Name("_"), code.call("range", count), body)
    variables = tuple(map(code.Name, targets))
    if rows == [(number,) for number in map(code.Literal, range(count))]:
        return Folded(variables[0], code.call("range", count), body)
    if len(variables) == 1:
        return Folded(variables[0], code.List(tuple(row[0] for row in rows)), body)
    return Folded(code.Tuple(variables), code.List(tuple(map(code.Tuple, rows))), body)


@frozen(eq=False)
class _Around:
    """What is known where copies stand: defaults of what they call, numbers that are arguments, and code for sizes."""

    defaults: Defaults
    arguments: Mapping[str, Any]
    """By their names in the code."""
    size: Callable[[Any], code.Expression]


class _Differ(Exception):
    """Copies differ in their structure."""


Column: TypeAlias = "tuple[code.Expression, ...]"


def _is_sum(tree: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether a piece of code is arithmetic on numbers and arguments."""
    if isinstance(tree, code.Unary):
        return tree.operator == "-" and _is_sum(tree.operand, arguments)
    if isinstance(tree, code.Binary):
        return all(_is_sum(operand, arguments) for operand in (tree.left, tree.right))
    if isinstance(tree, code.Name):
        return tree.dotted in arguments
    return isinstance(tree, code.Literal) and type(tree.value) in (int, float)


def _is_value(tree: Any) -> bool:
    """Whether a piece of code can stand in a table: a number, a truth value, or the name of something imported."""
    if isinstance(tree, code.Unary) and tree.operator == "-":
        return _is_value(tree.operand)
    if isinstance(tree, code.Binary) and tree.operator == "/":
        return isinstance(tree.left, code.Literal) and isinstance(tree.right, code.Literal)
    if isinstance(tree, code.Name):
        return "." in tree.dotted and not tree.dotted.startswith("self.")
    return isinstance(tree, code.Literal) and isinstance(tree.value, (int, float, str))


def _compare(trees: tuple[Any, ...], hint: str, columns: dict[Column, str], around: _Around) -> None:
    """Find where copies of code differ, with a word for what that is. Raises _Differ."""
    first = trees[0]
    if all(tree == first for tree in trees):
        return
    if all(map(_is_value, trees)):
        columns.setdefault(trees, hint)
        return
    inside: dict[Column, str] = {}
    try:
        for parts, word in _parts(trees, around.defaults):
            _compare(parts, word or hint, inside, around)
    except _Differ:
        if not all(_is_sum(tree, around.arguments) for tree in trees):
            raise
        inside = {trees: hint}
    for column, word in inside.items():
        columns.setdefault(column, word)


def _parts(trees: tuple[Any, ...], defaults: Defaults) -> list[tuple[tuple[Any, ...], str]]:
    """Return the parts of copies that stand at the same place, each with a word for it. Raises _Differ."""
    first = trees[0]
    if any(type(tree) is not type(first) for tree in trees):
        raise _Differ
    if isinstance(first, tuple):
        if any(len(tree) != len(first) for tree in trees):
            raise _Differ
        return [(parts, "") for parts in zip(*trees, strict=True)]
    if isinstance(first, code.Call):
        keywords = _keywords(trees, defaults)
        arguments = [(parts, "in_channels" if n == 0 else "") for n, (parts, _) in enumerate(_parts_of(trees))]
        values = [(tuple(given[word] for given in keywords), word) for word in keywords[0]]
        return [(tuple(tree.value for tree in trees), ""), *arguments, *values]
    if has(type(first)):
        names = [field.name for field in fields(type(first))]
        return [(tuple(getattr(tree, name) for tree in trees), "") for name in names]
    raise _Differ


def _parts_of(calls: tuple[code.Call, ...]) -> list[tuple[tuple[Any, ...], str]]:
    if any(len(call.arguments) != len(calls[0].arguments) for call in calls):
        raise _Differ
    return [(parts, "") for parts in zip(*(call.arguments for call in calls), strict=True)]


def _keywords(calls: tuple[code.Call, ...], defaults: Defaults) -> list[dict[str, code.Expression]]:
    """Return the keywords of calls, with those that only some of them have filled in by their defaults."""
    given = [dict(call.keywords) for call in calls]
    words = list(dict.fromkeys(word for keywords in given for word in keywords))
    value = calls[0].value
    known = defaults(value.dotted) if isinstance(value, code.Name) else {}
    for keywords in given:
        for word in words:
            if word not in keywords:
                if word not in known:
                    raise _Differ
                value = known[word]
                keywords[word] = value if isinstance(value, code.Expression) else to_code(value)
    return [{word: keywords[word] for word in words} for keywords in given]


@frozen(eq=False)
class _Column:
    """What differs between copies: its variable or an expression of one, and its values where it has a variable."""

    code: code.Expression
    variable: str
    values: Column | None


def _names(
    columns: Mapping[Column, str], groups: Sequence[Group | None], owned: set[str], around: _Around
) -> dict[Column, _Column]:
    """Give each column the author's name of it, or one that says what it is."""
    authors: dict[str, tuple[Any, ...]] = {}
    first = groups[0]
    if first is not None and first.loop is not None and all(group is not None for group in groups):
        for place, name in enumerate(first.loop.names):
            authors[name] = tuple(group.values[place] for group in groups if group is not None)
    named: dict[Column, _Column] = {}
    bound: set[str] = set()
    taken = set(owned)
    spelled = {name: _free(name, taken) for name in authors}
    counted = [name for name, values in authors.items() if values == tuple(range(len(groups)))]
    counter = spelled[counted[0]] if counted else _free("i", taken)
    for column, hint in columns.items():
        values = [_number(value, around.arguments) for value in column]
        own = next((name for name, known in authors.items() if _equal(values, known)), "")
        own = own or next((name for name, known in authors.items() if name not in bound and _named(column, known)), "")
        if own:
            bound.add(own)
            named[column] = _Column(code.Name(spelled[own]), spelled[own], column)
            continue
        line = _line(values)
        if line is not None and len(values) > 2:
            value = _affine(*line, code.Name(counter), around.size)
            named[column] = _Column(value, counter, None)
            continue
        word = _free(hint or "value", taken)
        named[column] = _Column(code.Name(word), word, column)
    return named


def _rows(names: Mapping[Column, _Column], count: int) -> tuple[list[tuple[code.Expression, ...]], list[str]]:
    """Return the table of the variables that are used, and these, in the order in which the code reads them."""
    columns: dict[str, Column] = {}
    for column in names.values():
        values = tuple(map(code.Literal, range(count))) if column.values is None else column.values
        columns.setdefault(column.variable, values)
    return list(zip(*columns.values(), strict=True)), list(columns)


def _free(name: str, taken: set[str]) -> str:
    """Return a name that nothing has, and take it."""
    while name in taken or not is_free(name):
        name += "_"
    taken.add(name)
    return name


def _number(value: code.Expression, arguments: Mapping[str, Any]) -> Any:
    """Return the number that a piece of code is, open where it is of arguments; None for a word."""
    if isinstance(value, code.Name):
        return arguments.get(value.dotted)
    if isinstance(value, code.Unary):
        return -_number(value.operand, arguments)
    if isinstance(value, code.Binary):
        left, right = _number(value.left, arguments), _number(value.right, arguments)
        if value.operator == "/":
            return divide(left, right)
        return {"+": add, "-": sub, "*": mul, "//": floordiv}[value.operator](left, right)
    if not isinstance(value, code.Literal) or isinstance(value.value, str):
        return None
    # 0.1 is the tenth that it is printed as
    return Fraction(repr(value.value)) if isinstance(value.value, float) else value.value


def _equal(values: list[Any], known: tuple[Any, ...]) -> bool:
    """Whether the author's values are these."""
    if [isinstance(value, bool) for value in values] != [isinstance(value, bool) for value in known]:
        return False
    return None not in values and values == list(known)


def _named(column: Column, known: tuple[Any, ...]) -> bool:
    """Whether words in code are those of the author: each of his has one, and no two have the same."""
    pairs = set(zip(column, known, strict=True))
    words, names = {word for _, word in pairs}, {name for name, _ in pairs}
    are_words = all(isinstance(word, Word) for word in words)
    are_names = all(isinstance(name, code.Name) or isinstance(getattr(name, "value", None), str) for name in names)
    return are_words and are_names and len(pairs) == len(words) == len(names)


def _line(values: list[Any]) -> tuple[Any, Any] | None:
    """Return start and slope of numbers that are evenly spaced."""
    if any(isinstance(value, bool) or value is None for value in values):
        return None
    slope = values[1] - values[0]
    if any(b - a != slope for a, b in pairwise(values)):
        return None
    if symbols((slope, values[0])):
        return values[0], slope
    return (Fraction(values[0]), Fraction(slope)) if slope > 0 and values[0] >= 0 else None


def _affine(
    start: Any, slope: Any, variable: code.Expression, size: Callable[[Any], code.Expression]
) -> code.Expression:
    """Return the number with this start and slope at a place, counted from 0."""
    if symbols((start, slope)):
        step = variable if slope == 1 else code.Binary(size(slope), "*", variable)
        return step if start == 0 else code.Binary(size(start), "+", step)
    scale = lcm(start.denominator, slope.denominator)
    first, each = int(start * scale), int(slope * scale)
    result = variable if each == 1 else code.Binary(code.expression(each), "*", variable)
    if first:
        result = code.Binary(code.expression(first), "+", result)
    return result if scale == 1 else code.Binary(result, "/", code.expression(scale))


def _put(trees: tuple[Any, ...], defaults: Defaults, names: Mapping[Column, _Column]) -> Any:
    """Return the code that all copies are, with variables where they differ."""
    first = trees[0]
    if all(tree == first for tree in trees):
        return first
    if trees in names:
        return names[trees].code
    if isinstance(first, tuple):
        return tuple(_put(parts, defaults, names) for parts in zip(*trees, strict=True))
    if isinstance(first, code.Call):
        keywords = _keywords(trees, defaults)
        return code.Call(
            _put(tuple(tree.value for tree in trees), defaults, names),
            tuple(_put(parts, defaults, names) for parts, _ in _parts_of(trees)),
            tuple((word, _put(tuple(given[word] for given in keywords), defaults, names)) for word in keywords[0]),
        )
    parts = {
        field.name: _put(tuple(getattr(tree, field.name) for tree in trees), defaults, names)
        for field in fields(type(first))
    }
    return evolve(first, **parts)
