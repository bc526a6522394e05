"""Blocks as code has them: one body on symbols for all uses that differ in numbers, and the numbers of each use.

Uses of a block are one family where they differ in nothing but numbers and truth values: a word, a list, a rank makes
another. The numbers are symbols in the family's body; those that it cannot leave open are fixed, each to what it is at
a use, and make a more special body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve, field, frozen

from ..layer import Layer, Tensor
from ..layers.windows import axis_names
from ..network import Body, Network, Step, Use
from ..scope import Block
from ..size import Condition, Expression, Undecided, symbol, symbols, truth
from ..symbolic import Differs, Instance, Matching, NotGeneral, body_on, itself
from ..syntax import tree
from ..values import NamedTensor, Word
from .skeleton import every_step


@frozen(eq=False)
class Symbol:
    """A number that the code of a block takes as an argument: a size of what enters, or a parameter."""

    name: str
    """In expressions; no two families have one in common."""
    word: str
    """What the author calls it, or the field."""
    at: tuple[int, int] | None
    """The input and axis of a size."""
    samples: tuple[Any, ...]
    """What it is at the uses."""
    default: Any = None
    """What the author lets it be where a use does not say it; None where that is no number."""

    @property
    def is_open(self) -> bool:
        """Whether it is known only as the code runs."""
        return bool(symbols(self.samples))

    @property
    def is_position(self) -> bool:
        """Whether it is a size of what enters that is no number of channels."""
        return self.at is not None and self.word not in ("in_channels",) and not self.word.endswith("_channels")

    def value(self) -> Any:
        """Return the symbol as shape rules take it."""
        if all(isinstance(sample, bool) for sample in self.samples):
            return truth(self.name)
        numbers = [sample for sample in self.samples if not symbols(sample)]
        whole = all(isinstance(number, int) for number in numbers)
        if self.at is not None or all(number >= 1 for number in numbers if whole) and whole:
            return symbol(self.name)
        return symbol(self.name, positive=not whole and all(number > 0 for number in numbers), whole=whole)


@frozen(eq=False)
class Family:
    """Uses of a block that differ in nothing but numbers."""

    definition: Block
    uses: list[Use]
    inputs: tuple[Tensor, ...]
    given: dict[str, Any]
    """What is said of parameters at all uses alike, and of the others None."""
    table: dict[str, Symbol] = field(factory=dict)
    fixed: set[str] = field(factory=set)

    def values(self, use: Use) -> dict[str, Any]:
        """Return what each symbol is at a use."""
        said = dict(use.arguments)
        found = {}
        for name, known in self.table.items():
            if known.at is None:
                found[name] = said[known.word]
            else:
                x = use.body.inputs[known.at[0]]
                assert x is not None, "only whole networks are emitted"
                found[name] = x.sizes[known.at[1]]
        return found


@frozen(eq=False)
class General:
    """A block's body for some of its uses: those of a family, or a few of them where something had to be fixed."""

    block: str
    body: Body
    parameters: tuple[Symbol, ...]
    """What is open in it, in the order in which code takes it."""
    tensors: tuple[str, ...]
    """What the block calls the tensors behind the one that enters."""


class Blocks:
    """The blocks of a network, each in as few bodies as its uses allow."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.families: dict[Any, Family] = {}
        self.owners: dict[str, Family] = {}
        self.known: dict[Any, General] = {}
        self.matchings: dict[tuple[General, Body], Instance] = {}
        uses: dict[Block, list[Use]] = {}
        for step in every_step(network.body):
            if isinstance(step.does, Use) and not step.does.is_shared:
                uses.setdefault(step.does.definition, []).append(step.does)
        self.written = {block: frozenset().union(*(use.written for use in group)) for block, group in uses.items()}
        for group in uses.values():
            for use in group:
                self.join(use)
        for family in self.families.values():
            self.name(family)
        self.settle()

    # Families

    def key(self, use: Use) -> Any:
        """Return what uses of one family have in common."""
        shapes = tuple((x.rank, x.dtype, x.per_example) for x in use.body.inputs if x is not None)
        said = tuple((name, _kind(value)) for name, value in self.said(use))
        return use.definition, shapes, said

    def said(self, use: Use) -> Iterator[tuple[str, Any]]:
        """Return the arguments of the parameters that some use does not leave to the default."""
        written = self.written[use.definition]
        return ((name, value) for name, value in use.arguments if name in written)

    def join(self, use: Use) -> None:
        """Put a use into its family."""
        key = self.key(use)
        if key not in self.families:
            given = {name: None if _is_open(value) else value for name, value in self.said(use)}
            inputs = tuple(x for x in use.body.inputs if x is not None)
            self.families[key] = Family(use.definition, [], inputs, given)
        self.families[key].uses.append(use)

    def name(self, family: Family) -> None:
        """Give a family its symbols."""
        prefix = f"{len(self.owners)}.{family.definition.name}"
        tensors = ("", *_tensor_names(family))
        found: list[Symbol] = []
        for place, x in enumerate(family.inputs):
            of = f"{tensors[place]}_" if place else ""
            axes = axis_names(x.rank) or tuple(f"axis_{axis}" for axis in range(x.rank - 1))
            words = (*(f"{of}{axis}" for axis in axes), f"{of}channels" if place else "in_channels")
            for axis, word in enumerate(words):
                samples = tuple(use.body.inputs[place].sizes[axis] for use in family.uses)  # type: ignore[union-attr]
                found.append(Symbol(f"{prefix}.{place}.{word}", word, (place, axis), samples))
        for parameter in family.definition.parameters:
            word = parameter.name.text
            if word in family.given and family.given[word] is None:
                samples = tuple(dict(use.arguments)[word] for use in family.uses)
                found.append(Symbol(f"{prefix}..{word}", word, None, samples, _literal(parameter.default)))
        family.table.update((known.name, known) for known in found)
        self.owners.update((known.name, family) for known in found)

    # Bodies

    def settle(self) -> None:
        """Fix what cannot be left open, until every use is what its body on symbols makes of it."""
        uses = [use for family in self.families.values() for use in family.uses]
        while not all(map(self.is_settled, uses)):
            pass

    def is_settled(self, use: Use) -> bool:
        """Whether the body for a use is there and is that of the use; something else is fixed where it is not."""
        family = self.families[self.key(use)]
        try:
            self.instance(use)
            return True
        except Undecided as question:
            self.fix(question)
        except (NotGeneral, Differs):
            if family.fixed >= set(family.table):
                raise
            family.fixed.update(family.table)
        return False

    def fix(self, question: Undecided) -> None:
        """Let symbols be numbers. Raises the question again where none of them can be."""
        mine = [name for name in sorted(question.symbols) if name in self.owners]
        fresh = [name for name in mine if name not in self.owners[name].fixed]
        if not fresh:
            raise question
        for name in fresh:
            self.owners[name].fixed.add(name)
        self.known.clear()
        self.matchings.clear()

    def of(self, use: Use) -> tuple[General, dict[str, Any]]:
        """Return the body for a use, and what its symbols are there. Raises Undecided where a fixed one is open."""
        family = self.families.get(self.key(use))
        if family is None:  # inside of a block, where another value is one of a list or a word
            raise Undecided(symbols((*(x.sizes for x in use.body.inputs if x), *(v for _, v in use.arguments))))
        values = family.values(use)
        held = {name: values[name] for name in family.table if name in family.fixed}
        mine = symbols(tuple(held.values())) & self.owners.keys()
        if mine:
            raise Undecided(mine)
        if len(held) == len(family.table):
            key: Any = use.body
            made = General(use.block, use.body, (), _tensor_names(family))
        else:
            key = (id(family), tuple(held.items()))
            made = self.known.get(key) or self.general(family, held)
        self.known.setdefault(key, made)
        return self.known[key], values

    def general(self, family: Family, held: dict[str, Any]) -> General:
        """Return a family's body on symbols, some of which are held at numbers. Raises Undecided or NotGeneral."""
        value_of = {name: held[name] if name in held else known.value() for name, known in family.table.items()}
        sizes = {known.at: value_of[name] for name, known in family.table.items() if known.at is not None}
        tensors = tuple(
            x.resized(*(sizes[place, axis] for axis in range(x.rank))) for place, x in enumerate(family.inputs)
        )
        given = {name: _on(tensors, value) for name, value in family.given.items()}
        given.update((known.word, value_of[name]) for name, known in family.table.items() if known.at is None)
        body, _ = body_on(family.definition, self.network.options, tensors, given)
        free = tuple(known for name, known in family.table.items() if name not in held)
        return General(family.definition.name, body, free, _tensor_names(family))

    def instance(self, use: Use) -> Instance:
        """Return a use as what its body on symbols makes of it. Raises Undecided, NotGeneral or Differs."""
        general, values = self.of(use)
        if (general, use.body) not in self.matchings:
            self.matchings[general, use.body] = Matching(values).instance(general.body, use.body)
        return self.matchings[general, use.body]


def _is_open(value: Any) -> bool:
    """Whether an argument is a number or a truth value, which code can take as an argument too."""
    return isinstance(value, int | Expression | Condition) or hasattr(value, "numerator")


def _kind(value: Any) -> Any:
    """Return what an argument is to a family: a number of any value, a truth value, or this very one."""
    if isinstance(value, bool | Condition):
        return bool
    if _is_open(value):
        return int
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    return _key(value)


def _key(value: Any) -> Any:
    if isinstance(value, NamedTensor):
        return NamedTensor, value.value
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    return type(value), value


def _on(tensors: tuple[Tensor, ...], value: Any) -> Any:
    """Return an argument with the sizes of the tensors in it."""
    if isinstance(value, NamedTensor):
        return evolve(value, sizes=tensors[value.value].sizes)
    if isinstance(value, tuple):
        return tuple(_on(tensors, item) for item in value)
    return value


def _literal(default: tree.Node | None) -> Any:
    """Return the number or truth value that a parameter's default is, None where it is something else."""
    return default.value if isinstance(default, tree.Number | tree.Truth) else None


def _tensor_names(family: Family) -> tuple[str, ...]:
    """Return what a block calls the tensors behind the one that enters."""
    found: dict[int, str] = {}

    def look(name: str, value: Any) -> None:
        if isinstance(value, NamedTensor):
            found[value.value] = name
        elif isinstance(value, tuple):
            for number, item in enumerate(value, 1):
                look(f"{name}_{number}", item)

    for name, value in family.given.items():
        look(name, value)
    return tuple(found.get(number, f"x{number}") for number in range(1, len(family.inputs)))
