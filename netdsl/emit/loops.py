"""Loops for copies of code that differ in nothing but numbers and names; what these are is a table, or counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any, TypeAlias

import attrs
from attrs import evolve, frozen

from ..network import Group
from ..values import Word
from . import code
from .skeleton import PYTHON_OWNS, is_free, to_code

Defaults: TypeAlias = "Callable[[str], Mapping[str, Any]]"
"""The keywords of a function that have a default, with it."""


@frozen(eq=False)
class Folded:
    """A target and a source of a loop, and what stands in it."""

    target: code.Expression
    source: code.Expression
    body: Any


def folded(
    copies: Sequence[Any], groups: Sequence[Group | None], defaults: Defaults, owned: Iterable[str] = ()
) -> Folded | None:
    """Return a loop for copies of code, None where they differ in more than numbers and names.

    `groups` are the copies of `for` that they are, which know the author's names of what differs; `owned` are names
    that the loop's variables cannot have.
    """
    columns: dict[tuple[Any, ...], str] = {}
    try:
        _compare(tuple(copies), defaults, "", columns)
    except _Differ:
        return None
    names = _names(columns, groups, {*owned, *PYTHON_OWNS})
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


class _Differ(Exception):
    """Copies differ in their structure."""


Column: TypeAlias = "tuple[code.Expression, ...]"


def _is_value(tree: Any) -> bool:
    """Whether a piece of code can stand in a table: a number, a truth value, or the name of something imported."""
    if isinstance(tree, code.Unary) and tree.operator == "-":
        return _is_value(tree.operand)
    if isinstance(tree, code.Binary) and tree.operator == "/":
        return isinstance(tree.left, code.Literal) and isinstance(tree.right, code.Literal)
    if isinstance(tree, code.Name):
        return "." in tree.dotted and not tree.dotted.startswith("self.")
    return isinstance(tree, code.Literal) and isinstance(tree.value, int | float | str)


def _compare(trees: tuple[Any, ...], defaults: Defaults, hint: str, columns: dict[Column, str]) -> None:
    """Find where copies of code differ, with a word for what that is. Raises _Differ."""
    first = trees[0]
    if all(tree == first for tree in trees):
        return
    if all(map(_is_value, trees)):
        columns.setdefault(trees, hint)
        return
    for parts, word in _parts(trees, defaults):
        _compare(parts, defaults, word or hint, columns)


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
    if attrs.has(type(first)):
        names = [field.name for field in attrs.fields(type(first))]
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


def _names(columns: Mapping[Column, str], groups: Sequence[Group | None], owned: set[str]) -> dict[Column, _Column]:
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
        values = [_number(value) for value in column]
        own = next((name for name, known in authors.items() if _equal(values, known)), "")
        own = own or next((name for name, known in authors.items() if name not in bound and _named(column, known)), "")
        if own:
            bound.add(own)
            named[column] = _Column(code.Name(spelled[own]), spelled[own], column)
            continue
        line = _line(values)
        if line is not None and len(values) > 2:
            start, slope = line
            named[column] = _Column(_affine(start, slope, code.Name(counter)), counter, None)
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


def _number(value: code.Expression) -> Any:
    """Return the number that a literal is, None for a name."""
    if isinstance(value, code.Unary):
        return -_number(value.operand)
    if isinstance(value, code.Binary):
        return Fraction(_number(value.left), _number(value.right))
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


def _line(values: list[Any]) -> tuple[Fraction, Fraction] | None:
    """Return start and slope of numbers that are evenly spaced."""
    if any(isinstance(value, bool) or value is None for value in values):
        return None
    slope = Fraction(values[1] - values[0])
    if slope <= 0 or values[0] < 0 or any(b - a != slope for a, b in pairwise(values)):
        return None
    return Fraction(values[0]), slope


def _affine(start: Fraction, slope: Fraction, variable: code.Expression) -> code.Expression:
    """Return the number with this start and slope at a place, counted from 0."""
    scale = lcm(start.denominator, slope.denominator)
    first, step = int(start * scale), int(slope * scale)
    result = variable if step == 1 else code.Binary(code.expression(step), "*", variable)
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
        for field in attrs.fields(type(first))
    }
    return evolve(first, **parts)
