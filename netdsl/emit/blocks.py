"""Blocks as code has them: one body on symbols for all uses that differ in numbers, and the numbers of each use.

Uses of a block are one family where they differ in nothing but what code can take as an argument: numbers and truth
values, windows with a number for each axis, words of layers that need no more than their name. A rank, a list or
another word makes another family. What differs is symbols in the family's body; those that it cannot leave open are
fixed, each to what it is at a use, and make a more special body.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from keyword import iskeyword
from typing import Any, TypeVar

from attrs import field, frozen

from ..expressions import divisible_parts
from ..layer import Layer, Tensor, required
from ..layers import forms
from ..layers.windows import axis_names
from ..network import Body, Experts, Network, Repeat, Use
from ..record import evolve
from ..scope import Block, nodes_in
from ..size import Condition, Expression, Undecided, fold, substitute, symbol, symbols, truth, with_choices
from ..symbolic import Differs, Instance, Matching, NotGeneral, OpenLayer, OpenWord, body_on, constants_in
from ..syntax import tree
from ..values import NamedTensor, Word
from . import code
from .calls import EITHER, KERAS, LAST, TORCH, Call, Part, Placed, Spelling, Target
from .skeleton import PYTHON_OWNS, Arguments, every_step, first_uses, in_one, main_first, number, without_underscores

Made = TypeVar("Made")


@frozen(eq=False)
class Symbol:
    """A number that the code of a block takes as an argument: a size of what enters, or a parameter."""

    name: str
    """In expressions; no two families have one in common."""
    word: str
    """What the author calls it, or the field."""
    at: tuple[int, int] | None
    """The input and axis of a size."""
    is_channels: bool
    """Whether that is the last axis."""
    samples: tuple[Any, ...]
    """What it is at the uses."""
    default: Any = None
    """What the author lets it be where a use does not say it; None where that is no number."""
    words: dict[str, code.Expression] = field(factory=dict)
    """What the target calls each word that it may be, where it is one."""
    item: int | None = None
    """Which number of a list it is, where the parameter is one."""
    in_module: bool = False
    """Whether it stands at the top of the module, for all code in it to see."""

    @property
    def is_open(self) -> bool:
        """Whether it is known only as the code runs."""
        return bool(symbols(self.samples))

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return not self.words and self.item is None and self.type != "bool"

    @property
    def is_position(self) -> bool:
        """Whether it is another size of what enters."""
        return self.at is not None and not self.is_channels

    def passed(self, value: Any, outer: Scope) -> code.Expression:
        """Return what stands for it in a call from some other code."""
        if isinstance(value, tuple):
            return in_one(tuple(map(outer.size, value)))
        if isinstance(value, OpenWord):
            return outer.size(symbol(value.name))
        return self.words[value.text] if isinstance(value, Word) else outer.size(value)

    def annotation(self, of_words: code.Expression) -> code.Expression:
        """Return its type in Python."""
        if self.item is not None:
            numbers = (code.Name(self.type),) * len(self.samples[0])
            return code.Subscript(code.Name("tuple"), code.Tuple(numbers))
        return of_words if self.words else code.Name(self.type)

    @property
    def type(self) -> str:
        """Its type in Python, where it is a number or a truth value."""
        known = (*self.samples, self.default)
        if self.item is not None:
            known = tuple(number for sample in known if sample is not None for number in sample)
        values = [sample for sample in known if sample is not None and not symbols(sample)]
        for kind in (bool, int):
            if all(isinstance(value, kind) for value in values):
                return kind.__name__
        return "float"

    @property
    def is_fraction(self) -> bool:
        """Whether it is a number that need not be whole."""
        return not self.words and self.type == "float"

    @property
    def literal(self) -> code.Expression:
        """Its default."""
        if isinstance(self.default, Word):
            return self.words[self.default.text]
        if isinstance(self.default, tuple):
            return code.Tuple(tuple(map(number, self.default)))
        return number(self.default)

    def value(self) -> Any:
        """Return the symbol as shape rules take it."""
        if self.words:
            return OpenWord(self.name, tuple((word, forms(word)[0]()) for word in self.words))
        if all(isinstance(sample, bool) for sample in self.samples):
            return truth(self.name)
        samples = self.samples if self.item is None else tuple(sample[self.item] for sample in self.samples)
        numbers = [sample for sample in samples if not symbols(sample)]
        whole = all(isinstance(number, int) for number in numbers)
        if self.at is not None or (all(number >= 1 for number in numbers if whole) and whole):
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
                value = said[known.word]
                found[name] = value[known.item] if known.item is not None and isinstance(value, tuple) else value
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
    symbols: dict[str, Symbol]
    """What is open in it, in the order in which code takes it."""
    tensors: tuple[str, ...]
    """What the block calls the tensors behind the one that enters."""
    samples: tuple[dict[str, Any], ...] = ()
    """What is open, at each use."""
    named: dict[Any, str] = field(factory=dict)
    """The conditions that the author has named, by a parameter that is left to its default."""

    @property
    def leaving(self) -> Tensor:
        """What leaves it."""
        x = None if self.body.output is None else self.body.tensor(self.body.output)
        assert x is not None, "only whole networks are emitted"
        return x

    def is_whole(self, value: Any) -> bool:
        """Whether a quantity is a whole number wherever the block is used."""
        if isinstance(value, Expression) and value.whole:
            return True
        return all(isinstance(number, (int, Expression)) for number in self.at_uses(value))

    def at_uses(self, value: Any) -> Iterator[Any]:
        """Return what a quantity is at each use, but for those where what guards it lets it be undefined."""
        for sample in self.samples:
            with suppress(ZeroDivisionError):
                yield substitute(value, sample)


class Blocks:
    """The blocks of a network, each in as few bodies as its uses allow.

    The network may be on symbols for its `constants`; `numbers` is the same one without.
    """

    def __init__(
        self,
        network: Network,
        target: Target,
        numbers: Network | None = None,
        constants: Mapping[str, Symbol] = {},
    ) -> None:
        self.text = network if numbers is None else numbers
        """The network on numbers, in the order of the text."""
        self.network, self.aux = main_first(network)
        """The network, and its steps that serve training alone, which stand behind all others."""
        on_numbers = self.network if numbers is None else main_first(numbers)[0]
        self.target = target
        self.constants = constants
        self.numbers: dict[str, Any] = {name: known.default for name, known in constants.items()}
        self.own = {name: known.value() for name, known in constants.items()}
        self.whole = General(network.name, self.network.body, dict(constants), (), (self.numbers,))
        """The network itself, whose symbols are its constants."""
        inner = {name: evolve(known, default=None) for name, known in constants.items()}
        self.inside = evolve(self.whole, symbols=inner)
        """The same to what is written apart: only the network itself says what its constants are."""
        self.here = Matching(self.numbers).instance(self.network.body, on_numbers.body)
        """The network as it is on its numbers."""
        self.at: dict[Use, Use] = {}
        """Each use with what it is on numbers."""
        self.seen: set[Instance] = set()
        self.beside(self.here)
        self.families: dict[Any, Family] = {}
        self.owners: dict[str, Family] = {}
        self.known: dict[Any, General] = {}
        self.matchings: dict[tuple[General, Body], Instance] = {}
        uses: dict[Block, list[Use]] = {}
        for step in every_step(self.network.body):
            if isinstance(step.does, Use) and not step.does.is_shared:
                uses.setdefault(step.does.definition, []).append(step.does)
        self.uses = uses
        self.lengths = {
            (block, parameter.name.text): self.length_of(block, parameter.name.text)
            for block in uses
            for parameter in block.parameters
        }
        self.open_words = {block: self.words_of(block, group) for block, group in uses.items()}
        self.written = {block: frozenset().union(*(use.written for use in group)) for block, group in uses.items()}
        for group in uses.values():
            for use in group:
                self.join(use)
        for family in self.families.values():
            self.name(family)
        known = [known for family in self.families.values() for known in family.table.values() if not known.is_open]
        self.arguments = Arguments(
            frozenset((*(one.name for one in known if not one.is_position), *constants)),
            frozenset(one.name for one in known if one.is_position),
        )
        """The symbols that code takes as arguments."""
        self.settle()

    def length_of(self, block: Block, word: str) -> int | None:
        """Return how many numbers a parameter is at some uses, where it is one or as many at all others."""
        values = [dict(use.arguments)[word] for use in self.uses[block]]
        lengths = {len(value) for value in values if isinstance(value, tuple)}
        numbers = [item for value in values for item in (value if isinstance(value, tuple) else (value,))]
        are_numbers = all(_is_open(number) and not isinstance(number, (bool, Condition)) for number in numbers)
        return lengths.pop() if len(lengths) == 1 and are_numbers and lengths != {0} else None

    def words_of(self, block: Block, uses: list[Use]) -> dict[str, dict[str, code.Expression]]:
        """Return what the target calls the words that parameters are at uses, where code can take those as arguments.

        They have to name layers that are made or applied by a name alone, and stand for stages only.
        """
        found = {}
        for parameter in block.parameters:
            word = parameter.name.text
            values = [dict(use.arguments)[word] for use in uses]
            if parameter.default is not None:
                values += [Word(parameter.default.text)] if isinstance(parameter.default, tree.Name) else [None]
            words = dict.fromkeys(value.text for value in values if isinstance(value, Word))
            if len(words) < 2 or not all(isinstance(value, Word) for value in values) or not _is_a_stage(word, block):
                continue
            named = {known: _name_in(self.target, forms(known)[0]) for known in words if forms(known)}
            if len(named) == len(words) and None not in named.values():
                found[word] = {known: name for known, name in named.items() if name is not None}
        return found

    @property
    def words(self) -> set[str]:
        """Every name that the code of a block may give to a number."""
        symbols_of = (family.table for family in self.families.values())
        return {known.word for table in (*symbols_of, self.constants) for known in table.values()}

    def at_the_top(self, body: Sequence[code.Statement]) -> tuple[code.Statement, ...]:
        """Return the statements for what a module has above the code that names it."""
        named = code.names_in(body)
        known = [known for known in self.constants.values() if known.in_module and known.word in named]
        return tuple(code.Assign(code.Name(constant.word), constant.literal) for constant in known)

    def beside(self, here: Instance) -> None:
        """Note the uses in a body, each beside what it is on numbers."""
        for mine, other in here.steps.items():
            inside: list[Instance] = []
            if isinstance(mine.does, Use) and isinstance(other.does, Use):
                self.at[mine.does] = other.does
                inside = [here.matching.instance(mine.does.body, other.does.body)]
            elif isinstance(mine.does, Experts) and isinstance(other.does, Experts):
                inside = [here.matching.instance(mine.does.body, other.does.body)]
            elif isinstance(mine.does, Repeat):
                inside = [copy for _, _, copy in here.copies(mine)]
            for instance in inside:
                if instance not in self.seen:
                    self.seen.add(instance)
                    self.beside(instance)

    # Families

    def key(self, use: Use) -> Any:
        """Return what uses of one family have in common."""
        shapes = tuple((x.rank, x.dtype, x.per_example) for x in use.body.inputs if x is not None)
        words = self.open_words[use.definition]
        lengths = {name: self.lengths[use.definition, name] for name, _ in use.arguments}
        said = tuple((name, Word if name in words else lengths[name] or _kind(value)) for name, value in self.said(use))
        return use.definition, shapes, said

    def said(self, use: Use) -> Iterator[tuple[str, Any]]:
        """Return the arguments of the parameters that some use does not leave to the default."""
        written = self.written[use.definition]
        return ((name, value) for name, value in use.arguments if name in written)

    def join(self, use: Use) -> None:
        """Put a use into its family."""
        key = self.key(use)
        if key not in self.families:
            words = self.open_words[use.definition]
            given = {
                name: None if _is_open(value) or name in words or self.lengths[use.definition, name] else value
                for name, value in self.said(use)
            }
            inputs = tuple(x for x in use.body.inputs if x is not None)
            self.families[key] = Family(use.definition, [], inputs, given)
        self.families[key].uses.append(use)

    def name(self, family: Family) -> None:
        """Give a family its symbols."""
        prefix = f"b{len(self.owners)}.{family.definition.name}"  # sizes that are asked for begin with a digit
        tensors = ("", *_tensor_names(family))
        found: list[Symbol] = []
        for place, x in enumerate(family.inputs):
            of = f"{tensors[place]}_" if place else ""
            axes = axis_names(x.rank) or tuple(f"axis_{axis}" for axis in range(x.rank - 1))
            words = (*(f"{of}{axis}" for axis in axes), f"{of}channels" if place else "in_channels")
            for axis, word in enumerate(words):
                bodies = (self.at[use].body for use in family.uses)
                samples = tuple(body.inputs[place].sizes[axis] for body in bodies)  # type: ignore[union-attr]
                found.append(Symbol(f"{prefix}.{place}.{word}", word, (place, axis), axis == x.rank - 1, samples))
        for parameter in family.definition.parameters:
            word = parameter.name.text
            if word in family.given and family.given[word] is None:
                samples = tuple(dict(self.at[use].arguments)[word] for use in family.uses)
                length = self.lengths[family.definition, word]
                if length is not None:
                    found += _items(prefix, word, length, samples, _literal(parameter.default))
                    continue
                callables = self.open_words[family.definition].get(word, {})
                default = _literal(parameter.default)
                if callables and isinstance(parameter.default, tree.Name):
                    default = Word(parameter.default.text)
                found.append(Symbol(f"{prefix}..{word}", word, None, False, samples, default, callables))
        family.table.update((known.name, known) for known in found)
        self.owners.update((known.name, family) for known in found)

    # Bodies

    def settled(self, emit: Callable[[], Made]) -> Made:
        """Return what is emitted, once nothing more has to be fixed for it."""
        while True:
            try:
                return emit()
            except Undecided as question:
                self.fix(question)
                self.settle()

    def settle(self) -> None:
        """Fix what cannot be left open, until every use is what its body on symbols makes of it."""
        uses = [use for family in self.families.values() for use in family.uses]
        while not all(map(self.is_settled, uses)):
            pass

    def is_settled(self, use: Use) -> bool:
        """Whether the body for a use is there and is that of the use; something else is fixed where it is not."""
        family = self.families[self.key(use)]
        try:
            self.instance(use, self.at[use])
            return True
        except Undecided as question:
            self.fix(question)
        except (NotGeneral, Differs):
            if self.constants or family.fixed >= set(family.table):
                raise
            family.fixed.update(family.table)
        return False

    def fix(self, question: Undecided) -> None:
        """Let symbols be numbers. Raises the question again where none of them can be."""
        if question.symbols & self.constants.keys():  # they give way first, to what the author has made a parameter
            raise question
        mine = [name for name in sorted(question.symbols) if name in self.owners]
        fresh = [name for name in mine if name not in self.owners[name].fixed]
        if not fresh:
            raise question
        for name in fresh:
            family = self.owners[name]
            known = family.table[name]
            family.fixed.update(
                other for other, like in family.table.items() if (like.at, like.word) == (known.at, known.word)
            )

    def of(self, use: Use) -> tuple[General, dict[str, Any]]:
        """Return the body for a use, and what its symbols are there. Raises Undecided where a fixed one is open."""
        if use.is_shared:
            return evolve(self.inside, block=use.block, body=use.body), self.own
        # in a side of an `if` that no use takes there may be a block that none uses
        family = self.families.get(self.key(use)) if use.definition in self.written else None
        if family is None:  # inside of a block, where another value is one of a list or a word
            raise Undecided(_symbols_of(use))
        values = family.values(use)
        if not all(self.can_call(use.definition, family.table[name], value) for name, value in values.items()):
            raise Undecided(_symbols_of(use))
        held = {name: values[name] for name in family.table if name in family.fixed}
        mine = symbols(tuple(held.values())) & self.owners.keys()
        if mine:
            raise Undecided(mine)
        is_fixed = len(held) == len(family.table)
        key: Any = use.body if is_fixed else (id(family), tuple(held.items()))
        if key not in self.known:
            fixed = evolve(self.inside, block=use.block, body=use.body, tensors=_tensor_names(family))
            self.known[key] = fixed if is_fixed else self.general(family, held)
        return self.known[key], {**values, **self.own}

    def can_call(self, block: Block, known: Symbol, value: Any) -> bool:
        """Whether code can call a word, if it is one; in a side of an `if` that no use takes it may be another."""
        if not isinstance(value, Word) or value.text in known.words:
            return True
        name = _name_in(self.target, forms(value.text)[0]) if forms(value.text) else None
        if name is not None:
            self.open_words[block][known.word][value.text] = name  # which is what the symbol knows
        return name is not None

    def general(self, family: Family, held: dict[str, Any]) -> General:
        """Return a family's body on symbols, some of which are held at numbers. Raises Undecided or NotGeneral."""
        value_of = {name: held[name] if name in held else known.value() for name, known in family.table.items()}
        sizes = {known.at: value_of[name] for name, known in family.table.items() if known.at is not None}
        tensors = tuple(
            x.resized(*(sizes[place, axis] for axis in range(x.rank))) for place, x in enumerate(family.inputs)
        )
        given = {name: _on(tensors, value) for name, value in family.given.items()}
        for name, known in family.table.items():
            if known.item is not None:
                given[known.word] = (*(given[known.word] or ()), value_of[name])
            elif known.at is None:
                given[known.word] = value_of[name]
        body, arguments = body_on(family.definition, self.network.options, tensors, given)
        free = {name: known for name, known in family.table.items() if name not in held} | self.inside.symbols
        values = (family.values(self.at[use]) for use in family.uses)
        numbers = [name for name, known in family.table.items() if not known.words]
        samples = tuple(
            {**{name: value[name] for name in numbers}, **self.numbers}
            for value in values
            if all(value[name] == substitute(held[name], self.numbers) for name in held)
        )
        named = {value: word for word, value in arguments.items() if isinstance(value, Condition) and word not in given}
        return General(family.definition.name, body, free, _tensor_names(family), samples, named)

    def instance(self, use: Use, at: Use) -> Instance:
        """Return a use, which is `at` on numbers, as what its body on symbols makes of it.

        Raises Undecided, NotGeneral or Differs.
        """
        general, _ = self.of(use)
        if (general, at.body) not in self.matchings:
            values = {} if use.is_shared else self.families[self.key(use)].values(at)
            self.matchings[general, at.body] = Matching({**values, **self.numbers}).instance(general.body, at.body)
        return self.matchings[general, at.body]

    def shared(self) -> dict[Body, tuple[str, str]]:
        """Return the block of each shared body, and the full name of its first use in the text."""
        mine = {at.body: use.body for use, at in self.at.items() if use.is_shared}
        return {mine[body]: names for body, names in first_uses(self.text.body).items() if body in mine}

    def lent(self, body: Body) -> Instance:
        """Return the body of a shared block as it is on numbers."""
        at = next(at for use, at in self.at.items() if use.body is body)
        return self.here.matching.instance(body, at.body)


class Scope:
    """The code of one block, or of a part of it: what it calls its symbols, and which of them it needs."""

    def __init__(self, general: General | None, reserved: Iterable[str] = (), asks_tensors: bool = False) -> None:
        self.general = general
        self.asks_tensors = asks_tensors
        """Whether the code takes the tensors that enter, which know their sizes."""
        self.used: set[str] = set()
        self.carried: set[str] = set()
        """The functions of ours that the code needs."""
        self.words: dict[str, str] = {}
        taken = {*reserved, *PYTHON_OWNS}
        lists: dict[str, str] = {}
        for known in self.symbols.values():
            if known.in_module:
                self.words[known.name] = known.word
                taken.add(known.word)
        own = (known for known in self.symbols.values() if not known.in_module)
        for known in sorted(own, key=lambda known: known.at is not None):  # the author's come first
            word = without_underscores(known.word)
            while word in taken or iskeyword(word):
                word += "_"
            if known.item is not None:  # one word for all numbers of a list
                word = lists.setdefault(known.word, word)
            taken.add(word)
            self.words[known.name] = word

    @property
    def symbols(self) -> dict[str, Symbol]:
        """What is open here."""
        return self.general.symbols if self.general is not None else {}

    def spelled(self, name: str, of: code.Expression | None = None) -> code.Expression:
        """Return the code of a symbol, which may be one number of a list; that is its word, or `of`."""
        word = code.Name(self.words[name]) if of is None else of
        item = self.symbols[name].item
        return word if item is None else code.Subscript(word, code.expression(item))

    def hold_constants(self, words: Collection[str]) -> None:
        """Raise Undecided for the open constants that stand behind some words here."""
        found = constants_in(tuple(symbol(name) for name, word in self.words.items() if word in words))
        if found:
            raise Undecided(found)

    def name_of(self, value: Any) -> str:
        """Return what the author calls a condition, "" where it has no name."""
        word = self.general.named.get(value, "") if self.general is not None else ""
        return "" if word in self.words.values() else word

    def words_in(self, value: Any) -> set[str]:
        """Return the words that the code of a size or condition may have."""
        return {self.words[name] for name in symbols(value) if name in self.words} | {self.name_of(value)} - {""}

    def size(self, value: Any, of: Callable[[str], code.Expression] | None = None) -> code.Expression:
        """Return the code of a size or condition; `of` gives that of a symbol, which is its name unless given."""
        self.used |= symbols(value)
        assert self.general is not None or not symbols(value), "what is open outside of blocks has no name"
        fractions = {name for name in symbols(value) if self.symbols[name].is_fraction}
        if fractions and not isinstance(value, Condition) and self.general is not None and self.general.is_whole(value):
            raise Undecided(frozenset(fractions))  # floats would round what is whole
        rounded: dict[str, code.Expression] = {}

        def shorter(part: Any) -> Any:
            found = divisible_parts(part)
            if found is None:
                return part
            self.carried.add("divisible")
            name = f"divisible.{len(rounded)}"
            rounded[name] = code.call("divisible", *(self.size(number, of) for number in found))
            return symbol(name)

        value = with_choices(value, shorter)
        divides = "//" if self.general is None or self.general.is_whole(value) else "/"

        def leaf(node: Any) -> code.Expression:
            if node.name in rounded:
                return rounded[node.name]
            return self.spelled(node.name) if of is None else of(node.name)

        def apply(name: str, operands: tuple[Any, ...]) -> code.Expression:
            if name == "if":
                condition, yes, no = operands
                return code.Conditional(yes, condition, no)
            if name in ("min", "max"):
                return code.call(name, *operands)
            if len(operands) == 1:
                return code.Unary(name, *operands)
            result: code.Expression = operands[0]
            for operand in operands[1:]:
                result = _tidy(code.Binary(result, divides if name == "/" else name, operand))
            return result

        if isinstance(value, bool):
            return code.expression(value)
        written: code.Expression = fold(value, number, leaf, apply)
        return written

    def needed(self) -> list[Symbol]:
        """Return the symbols that the code needs: those without a default first, as Python wants it."""
        lists = {self.words[name] for name in self.used if name in self.words and self.symbols[name].item is not None}
        known = [
            known
            for name, known in self.symbols.items()
            if (self.words[name] in lists and known.item == 0) or (known.item is None and name in self.used)
            if not known.in_module
        ]
        if self.asks_tensors:
            known = [known for known in known if known.at is None]
        return sorted(known, key=lambda known: known.default is not None)

    def asked(self, tensors: Sequence[str]) -> list[code.Statement]:
        """Return the statements that ask the tensors that enter for their sizes."""
        found: list[code.Statement] = []
        for name, known in self.symbols.items():
            if name in self.used and known.at is not None:
                place, axis = known.at
                shape = code.Attribute(code.Name(tensors[place]), "shape")
                place_in_shape = code.expression(-1 if known.is_channels else axis + 1)
                found.append(code.Assign(code.Name(self.words[name]), code.Subscript(shape, place_in_shape)))
        return found

    def parameters(self, of_words: code.Expression) -> tuple[code.Parameter, ...]:
        """Return what the code takes, with its type, which is `of_words` for one that is a word of a layer."""
        return tuple(
            code.Parameter(
                self.words[known.name],
                known.annotation(of_words),
                None if known.default is None else known.literal,
            )
            for known in self.needed()
        )

    def defaults(self) -> dict[str, Any]:
        """Return the arguments that have defaults, with these."""
        needed = (known for known in self.needed() if known.default is not None)
        return {self.words[known.name]: known.literal if known.words else known.default for known in needed}

    def passed(
        self, values: Mapping[str, Any], outer: Scope
    ) -> tuple[tuple[code.Expression, ...], tuple[tuple[str, code.Expression], ...]]:
        """Return the arguments of a call of this code by another: by position, and by keyword where there are defaults.

        `values` are the symbols at the call; what is the default is left out.
        """
        plain: list[code.Expression] = []
        keywords: list[tuple[str, code.Expression]] = []
        for known in self.needed():
            value = values[known.name]
            if known.item is not None:
                value = tuple(values[name] for name, like in self.symbols.items() if like.word == known.word)
            if known.default is None and not keywords and known.type != "bool":
                plain.append(known.passed(value, outer))
            elif known.default is None or isinstance(value, (Expression, Condition)) or value != known.default:
                keywords.append((self.words[known.name], known.passed(value, outer)))
        return tuple(plain), tuple(keywords)


def _is_a_stage(word: str, block: Block) -> bool:
    """Whether a parameter stands for stages of a block, and for nothing else."""
    nodes = list(nodes_in(block.body))
    named = sum(isinstance(node, tree.Name) and node.text == word for node in nodes)
    stages = [node for node in nodes if isinstance(node, tree.Layer) and node.name.text == word]
    others = [node for parameter in block.parameters if parameter.default for node in nodes_in(parameter.default)]
    if any(isinstance(node, tree.Name) and node.text == word for node in others):
        return False
    return len(stages) == named and not any(stage.arguments for stage in stages)


def _name_in(target: Target, layer: type[Layer]) -> code.Expression | None:
    """Return what code can call a layer by: its class in PyTorch, its word in Keras; None where it takes arguments."""
    x = Tensor((2, 2, 2))
    if required(layer) or not layer.elementwise or layer().weights(x):
        return None
    part, *others = target.spell(layer(), Placed(x, LAST))
    if others or part.idiom:
        return None
    if target is KERAS:
        return code.expression(part.activation) if part.activation else None
    made = part.modules[0] if len(part.modules) == 1 else None
    is_plain = made is not None and not made.arguments and not made.keywords
    return code.Name(made.function) if made is not None and is_plain and isinstance(made.function, str) else None


def _tidy(difference: code.Binary) -> code.Expression:
    """Return (k - 1) // 2 for (k + 1) // 2 - 1, which is the normal form."""
    floor, offset = difference.left, difference.right
    if difference.operator != "-" or not isinstance(floor, code.Binary) or floor.operator != "//":
        return difference
    above, below = floor.left, floor.right
    if not isinstance(above, code.Binary) or above.operator != "+":
        return difference
    numbers = [part.value if isinstance(part, code.Literal) else None for part in (above.right, below, offset)]
    if not all(type(number) is int for number in numbers):
        return difference
    rest, divisor, taken = numbers
    left = rest - divisor * taken  # type: ignore[operator]
    moved = code.Binary(above.left, "-" if left < 0 else "+", code.expression(abs(left))) if left else above.left
    return code.Binary(moved, "//", below)


def _symbols_of(use: Use) -> frozenset[str]:
    """Return the symbols of what enters a use, and of its arguments."""
    return symbols((*(x.sizes for x in use.body.inputs if x is not None), *(value for _, value in use.arguments)))


def _is_open(value: Any) -> bool:
    """Whether an argument is a number or a truth value, which code can take as an argument too."""
    return isinstance(value, (int, Expression, Condition)) or hasattr(value, "numerator")


def _kind(value: Any) -> Any:
    """Return what an argument is to a family: a number of any value, a truth value, or this very one."""
    if isinstance(value, (bool, Condition)):
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


def _items(prefix: str, word: str, length: int, samples: tuple[Any, ...], default: Any) -> Iterator[Symbol]:
    """Return the numbers of a parameter that is a list at some uses."""
    lists = tuple(sample if isinstance(sample, tuple) else (sample,) * length for sample in samples)
    if default is not None and not isinstance(default, tuple):
        default = (default,) * length
    for item in range(length):
        yield Symbol(f"{prefix}..{word}.{item}", word, None, False, lists, default, {}, item)


def _literal(default: tree.Node | None) -> Any:
    """Return the number or truth value that a parameter's default is, None where it is something else."""
    while isinstance(default, tree.Parentheses):
        default = default.inner
    if isinstance(default, tree.List):
        items = tuple(map(_literal, default.items))
        return items if None not in items else None
    return default.value if isinstance(default, (tree.Number, tree.Truth)) else None


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


@TORCH.spells(OpenLayer, layout=EITHER)
def _(layer: OpenLayer, x: Placed) -> Spelling:
    return Part((Call(symbol(layer.word.name)),))


@KERAS.spells(OpenLayer)
def _(layer: OpenLayer, x: Placed) -> Spelling:
    return Part((Call("layers.Activation", (symbol(layer.word.name),)),))
