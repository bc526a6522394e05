"""What is decided outside of a text: values of constants and open sizes, shapes of inputs, choices, files to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .expressions import Mistake, evaluate
from .layer import Tensor
from .record import field, frozen
from .source import Source, Span
from .syntax import tree
from .syntax.parser import parse
from .values import OPEN, Word, show


def _no_files(path: str, user: Source) -> Source:
    raise OSError("there are no files here")


@frozen(eq=False)
class Options:
    """Values by name, in the form that expressions have (see `values.Value`).

    `settings` are of constants and of symbolic sizes, `inputs` are shapes ("" is the only input), `picks` are members
    of choices. `read` returns the source that `use` names, for the file that uses it; it raises OSError where there is
    none.
    """

    settings: Mapping[str, Any] = field(factory=dict)
    inputs: Mapping[str, tuple[Any, ...]] = field(factory=dict)
    picks: Mapping[str, Any] = field(factory=dict)
    read: Callable[[str, Source], Source] = _no_files


NO_OPTIONS = Options()


def place_of(option: str, name: str, value: object) -> Span:
    """Return the place of an option in messages: what was written for it."""
    shown = "x".join(map(show, value)) if option == "input" and isinstance(value, tuple) else show(value)
    source = Source("<options>", f"--{option} {name}={shown}" if name else f"--{option} {shown}")
    return Span(source, len(f"--{option} "), len(source.text))


def read_value(text: str) -> Any:
    """Return the value of a text such as `48`, `[64, 128]` or `relu`. Raises ValueError where it has none."""
    program, mistakes = parse(Source("option", f"const value = {text}"))
    statement = program.statements[0] if len(program.statements) == 1 else None
    if mistakes or not isinstance(statement, tree.Const):
        raise ValueError(f"`{text}` is not a value; a value is a number, a word, or a list such as `[64, 128]`")
    try:
        return evaluate(statement.value, _NoNames())
    except Mistake as found:
        raise ValueError(found.diagnostic.message) from None


def value_of(value: object) -> Any:
    """Return a value of Python as one of the language. Raises ValueError where there is no such value."""
    if value is None:
        return OPEN
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return read_value(repr(value))
    if isinstance(value, str):
        return read_value(value)
    if isinstance(value, list | tuple):
        return tuple(map(value_of, value))
    raise ValueError(f"{value!r} is not a number, a word or a list")


def read_shape(text: str) -> tuple[Any, ...]:
    """Return the shape of a text such as `64x64x3`. Raises ValueError where it is none."""
    try:
        value = read_value(text)
    except ValueError:
        raise _no_shape(text) from None
    return shape_of(value)


def shape_of(value: Any) -> tuple[Any, ...]:
    """Return a value as the shape of an input. Raises ValueError where it is none."""
    sizes = value if isinstance(value, tuple) else (value,)
    for size in sizes:
        is_symbol = isinstance(size, Word) and size.text.isupper()
        if not (is_symbol or size is OPEN or (type(size) is int and size > 0)):
            raise _no_shape("x".join(map(show, sizes)))
    return sizes


def _no_shape(shown: str) -> ValueError:
    return ValueError(f"`{shown}` is not a shape; a shape has positive numbers, as in `64x64x3`")


class _NoNames:
    """Nothing is declared around a value from outside; a size in upper case is a Word, for the text to know."""

    entering: Tensor | None = None
    place = ""
    leaves_open = False

    def look_up(self, name: tree.Name) -> None:
        return None

    def size(self, name: str, span: Span) -> Word:
        return Word(name)

    def names(self) -> tuple[str, ...]:
        return ()

    def misplaced(self, word: str, span: Span) -> None:
        return None

    def member(self, members: tuple[Any, ...], span: Span) -> Any:
        raise ValueError("a value from outside is one, not a choice")
