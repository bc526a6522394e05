"""Whether a mistake inside a block is the block's or one of a use of it, and how it is told; nothing is elaborated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from .diagnostics import MOST_RELATED, Diagnostic, Related, quoted
from .expressions import SIZES
from .layer import Tensor
from .layers.windows import axis_names
from .record import evolve, frozen
from .scope import Block, Builder, nodes_in
from .size import Expression, symbol
from .size import truth as open_truth
from .source import Span
from .syntax import tree
from .values import NamedTensor, Value, Word, is_number

NUMBERS = (1680, 2)
"""What a block is tried on, besides values left open: a number that much divides, and a small one."""
MOST_OWN_NUMBERS = 4
SHAPES: tuple[tuple[int, Literal["float", "int"]], ...] = (
    (3, "float"), (2, "float"), (1, "float"), (4, "float"), (1, "int"), (2, "int")
)  # fmt: skip
"""Ranks and element types that a block is tried on."""


@frozen(eq=False)
class UseOf:
    """A block at one of its uses, with the arguments of its parameters and where those are written."""

    block: Block
    stage: tree.Layer
    inner: Builder
    arguments: dict[str, Value]
    spans: dict[str, Span]

    @property
    def known(self) -> dict[str, Value]:
        """The arguments that are more than numbers, by which uses differ in kind."""
        return {name: value for name, value in self.arguments.items() if not is_number(value)}

    def argument_at(self, place: Span) -> Span | None:
        """Return the argument that a place in the block's body stands for, if it is made of one alone."""
        if not self.is_in_body(place) or not _is_value(self.block.body, place):
            return None
        words = set(re.findall(r"(?<![\w.])[a-z_][a-z0-9_]*", place.text))
        named = [name for name in self.arguments if name in words]
        if len(named) != 1 or words & (SIZES.keys() - self.arguments.keys()):
            return None
        return self.spans.get(named[0])

    def is_in_body(self, place: Span) -> bool:
        """Whether a place is in this block, and not in one that it uses."""
        body = self.block.body.span
        return place.source is body.source and body.start <= place.start < body.end

    def default_at(self, place: Span) -> Span | None:
        """Return the default that a parameter has because this use leaves it out, if a place is its name alone."""
        for parameter in self.block.parameters:
            if parameter.name.text == place.text and parameter.name.text not in self.spans:
                return None if parameter.default is None else parameter.default.span
        return None


def _is_value(body: tree.Branch, place: Span) -> bool:
    """Whether a place is an argument or part of one, or the word of a stage, and no more of a stage."""
    return any(node.span == place for node in nodes_in(body) if not isinstance(node, tree.Labelled | tree.Pipeline))


def in_the_block(found: Diagnostic, use: UseOf) -> Diagnostic:
    """Return the message of a mistake that is the block's own, from whichever use it was found."""
    name = quoted(use.block.name)
    related = (*found.related, Related(use.stage.span, f"{name} is used here"))
    default = use.default_at(found.span) if found.code == "E009" and use.is_in_body(found.span) else None
    if default is not None:
        return evolve(found, span=default, related=_fewer((Related(found.span, "here"), *related)))
    return evolve(found, related=_fewer(related))


def at_the_use(found: Diagnostic, use: UseOf, copy: Related | None) -> Diagnostic:
    """Return the message of a mistake that is one of this use, which may stand in a copy of a repeat."""
    argument = use.argument_at(found.span)
    is_word = argument is not None and any(isinstance(value, Word) for value in use.arguments.values())
    x = use.inner.inputs[0]
    enters = f"{x} enters" if argument is None and len(str(x)) < 40 else ""
    label, inside = (found.label, "") if is_word else (enters, found.label if found.label != enters else "")
    inside = f"here in the block {quoted(use.block.name)}{f': {inside}' if inside else ''}"
    copies = () if copy is None else (copy,)
    related = _fewer((*copies, Related(found.span, inside), *found.related))
    return evolve(found, span=argument or use.stage.span, label=label, related=related)


def unknown_word(found: Diagnostic) -> str:
    """Return the word that a message says is unknown, or "" if it says something else."""
    if found.code not in ("E009", "E010"):
        return ""
    named = re.search(r"(?:nothing called|is the word|has no argument) `(\w+)`", found.message)
    return named[1] if named else found.span.text if re.fullmatch(r"\w+", found.span.text) else ""


def _fewer(related: tuple[Related, ...]) -> tuple[Related, ...]:
    """Return the places that tell most where blocks stand in many blocks: the first and the last ones."""
    if len(related) <= MOST_RELATED:
        return related
    return (*related[: MOST_RELATED // 2], *related[-(MOST_RELATED // 2) :])


# What a block is tried on


def numbers_for(block: Block, code: str) -> tuple[int | None, ...]:
    """Return the numbers to try a block on, None for those that are left open.

    Open sizes decide nothing where branches are joined, as a size of 1 fits any other; there, the block's own numbers
    do.
    """
    if code != "E004":
        return (None, *NUMBERS)
    own = (node.value for node in nodes_in(block.body) if isinstance(node, tree.Number))
    return (
        *NUMBERS,
        *list(dict.fromkeys(value for value in own if type(value) is int and value > 1))[:MOST_OWN_NUMBERS],
    )


def tensors_like(entering: tuple[Tensor | None, ...], number: int | None) -> Iterator[tuple[Tensor | None, ...]]:
    """Return tensors to try a block on: as at a use in rank and type, then what enters of others."""
    first, *others = entering
    assert first is not None, "a block is tried where something enters"
    shapes = dict.fromkeys(((first.rank, first.dtype), *SHAPES))
    for rank, dtype in shapes:
        x = Tensor((1,) * rank, dtype, first.per_example)
        yield tuple(opened_tensor(x, f"in{place or ''}", number) for place, x in enumerate((x, *others)))


def opened_tensor(x: Tensor | None, name: str, number: int | None = None) -> Tensor | None:
    """Return a tensor with its sizes left open, or with others that a number tells."""
    if x is None:
        return None
    if number is not None:
        return x.resized(*(number * 16,) * (x.rank - 1), number)
    axes = axis_names(x.rank) or tuple(f"axis_{axis}" for axis in range(x.rank - 1))
    return x.resized(*(symbol(f"{name}_{axis}") for axis in (*axes, "channels")))


def tried(value: Value, name: str, number: int | None) -> Value:
    """Return what stands for an argument where a block is tried: another number, or one that is left open."""
    if number is None:
        return opened(value, name)
    return number if type(value) is int else value


def opened(value: Value, name: str) -> Value:
    """Return a value with its numbers and truth values left open."""
    if isinstance(value, bool):
        return open_truth(name)
    if is_number(value) and not isinstance(value, Expression):
        return any_number(name)
    if isinstance(value, tuple):
        return tuple(opened(item, f"{name}_{number}") for number, item in enumerate(value))
    return value


def any_number(name: str) -> Expression:
    """Return a value that is left open: unlike a size, it may be 0, or a rate."""
    return symbol(name, positive=False)


def with_sizes(value: Value, tensors: tuple[Tensor | None, ...]) -> Any:
    """Return an argument with the sizes that the tensors in it have where a block is tried."""
    if isinstance(value, NamedTensor):
        x = tensors[value.value]
        return value if x is None else evolve(value, sizes=x.sizes)
    if isinstance(value, tuple):
        return tuple(with_sizes(item, tensors) for item in value)
    return value
