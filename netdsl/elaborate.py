"""From what was written to what it means: names, arguments, blocks, repeats and shapes are worked out in one walk."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from .binding import bind, bind_block, example, foreign, is_word_of
from .blame import (
    SHAPES,
    UseOf,
    any_number,
    at_the_use,
    in_the_block,
    numbers_for,
    opened,
    opened_tensor,
    tensors_like,
    tried,
    unknown_word,
    with_sizes,
)
from .diagnostics import LONGEST_QUOTE, Diagnostic, Related, quoted, with_another_place
from .expressions import SIZES, Mistake, Silent, evaluate, mistake, truth, undefined, what_it_is
from .files import LIBRARY, blocks_of_library
from .layer import Layer, Refused, Tensor, kept
from .layer import arguments as declared_arguments
from .layers import brought, forms, keywords, suggest
from .layers.windows import axis_names
from .network import Body, Budget, Experts, Group, Loop, Network, Output, Repeat, Run, Step, Use, Value
from .options import NO_OPTIONS, Options, place_of
from .record import evolve, frozen
from .refusals import check_input, check_sizes, refusal
from .scope import Block, Builder, Declarations, Entry, Given, Held, Lost, nodes_in, pruned, read_by
from .size import Condition, Expression, TooLarge, Undecided, choose, symbol, symbols
from .source import MAX_TEXT, Source, Span, begins_line
from .spelling import nearest
from .syntax import tree
from .syntax.calls import argument_in_our_words, in_our_words, with_sizes_joined
from .syntax.parser import parse
from .values import OPEN, OPERAND, TABLE, TENSOR, Kind, NamedTensor, Unfit, Word, is_number, show, whole
from .values import Value as ArgumentValue

if TYPE_CHECKING:
    from .training import Train

MOST_STAGES = 200_000
"""Stages that one file may expand to; copies of a repeat count until one leaves what it got, uses of a block once."""
MOST_TRIED = 2_000
"""Stages that a block may expand to where it is tried on other tensors and numbers, for whose mistake something is."""
MOST_OPEN = 500
"""Stages that are looked at of a block that nothing uses: sizes left open take long."""
MOST_NESTED = 64
"""Blocks in blocks, and files that use files."""
MOST_LISTED = 100
"""Members of a choice that a message lists."""
MOST_USES = 1_000
"""Places that use a file, in all files together."""

RESIDUAL, FREEZE, IDENTITY = "residual", "freeze", "id"
FORMS = (RESIDUAL, FREEZE)
"""Words with branches behind them that are no layers."""
_DECLARED = re.compile(r"\b(?:block|shared|let|const|as|def|class)\s+([a-z_]\w*)")
"""What a statement declares that could not be read, or is Python."""
_POOLS = {"max": "", "average": " avg"}
"""Combinators that are taken for a pool, with the word that it has."""
COMMANDS = frozenset({"summary", "explain", "emit", "lint", "check", "fmt"})
"""What the command line does with a network, and no stage of it does."""


def elaborate(
    program: tree.Program, name: str, options: Options = NO_OPTIONS
) -> tuple[Network, tuple[Diagnostic, ...]]:
    """Return the network that a program describes, as far as it is known, and what is wrong with it."""
    return Elaborator(program.source, options).file(program, name)


@frozen(eq=False)
class _Made:
    """A block's body on some arguments and tensors, what leaves it, and its mistakes."""

    body: Body
    output: Tensor | None
    diagnostics: tuple[Diagnostic, ...]


class StageNames:
    """The names around one stage, for its arguments; see `expressions.Names`.

    `births` is the name of an input, whose shape makes symbols; `place` is what a choice in the arguments is called.
    Where nothing enters, sizes are of what enters the branch around; `is_lost` says that they are unknown.
    """

    def __init__(
        self, elaborator: Elaborator, builder: Builder, entering: Value | None, births: str = "", place: str = ""
    ) -> None:
        self.elaborator = elaborator
        self.builder = builder
        if entering is None and not builder.is_lost:
            entering = builder.around
        self.entering = builder.tensor(entering)
        self.is_lost = self.entering is None and (builder.is_lost or entering is not None)
        self.births = births
        self.place = place
        self.leaves_open = bool(elaborator.checking)

    def look_up(self, name: tree.Name) -> ArgumentValue | None:
        entry = self.builder.find(name.text)
        if entry is None:
            if self.builder.root.declarations.misses_names and not forms(name.text):
                raise Silent
            self.elaborator.refuse_later(self.builder, name)
            if self.is_lost and name.text in SIZES:
                raise Silent
            return None
        if isinstance(entry, Given):
            return self.elaborator.opened(entry.value, name.text)
        if isinstance(entry, Block):
            return self.elaborator.table(self.builder, entry, name) if entry.is_shared else entry
        tensor = self.builder.tensor(entry.value) if isinstance(entry, Held) else None
        if not isinstance(entry, Held) or tensor is None or entry.value is None:
            raise Silent
        maker = self.builder.maker(entry.value)
        layer = maker.does if maker is not None and isinstance(maker.does, Layer) else None
        return NamedTensor(name.text, entry.value, tensor.sizes, entry.span, layer)

    def size(self, name: str, span: Span) -> ArgumentValue:
        if self.births:
            return self.elaborator.born(name)
        if name in self.elaborator.symbols:
            return self.elaborator.symbols[name]
        guess = nearest(name, self.elaborator.symbols)
        raise mistake(
            "E010",
            f"no input has a size called `{name}`",
            span,
            f"did you mean `{guess}`?" if guess else "",
            f"a symbolic size is born in an input, as in `in {name}x80`; names in lower case are values",
        )

    def names(self) -> tuple[str, ...]:
        return self.builder.visible()

    def misplaced(self, word: str, span: Span) -> Mistake | None:
        return self.elaborator.misplaced(self.builder, word, span)

    def member(self, members: tuple[ArgumentValue, ...], span: Span) -> ArgumentValue:
        """Return the member of a choice that has been picked."""
        return self.elaborator.member(self.place, members, span)


class Elaborator:
    """One walk over one file."""

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.diagnostics: list[Diagnostic] = []
        self.reported: set[tuple[str, str, int]] = set()
        self.reports = 0
        """How often something was reported, again or anew."""
        self.unknown: dict[str, Diagnostic] = {}
        """What was said of each word that nothing declares."""
        self.symbols: dict[str, Any] = {}
        self.copies: list[Related | None] = []
        """The copies of repeats and `for` that are being read, with what to say of each."""
        self.stages = 0
        self.nested: list[Block] = []
        self.checking = 0
        """Above 0 while something is checked for its names, arguments and ranks, with its values left open."""
        self.made: dict[Any, _Made] = {}
        self.outputs: dict[Any, Tensor] = {}
        """What leaves layers, by the layer and what enters."""
        self.trials: dict[Any, tuple[frozenset[tuple[str, Span]], frozenset[Span]]] = {}
        self.origins: dict[Diagnostic, Span] = {}
        """Where a mistake that is told at a use of a block was made."""
        self.passed: set[Span] | None = None
        """Stages that were right, while a block is tried."""
        self.right_sides: dict[Any, Tensor | None] = {}
        """The sides of `if` that were checked and right, with what leaves them."""
        self.words_in: dict[int, list[str]] = {}
        """The names that stand in each side."""
        self.used: set[Block] = set()
        self.shared: dict[Block, tuple[Tensor, bool, Span]] = {}
        self.files: dict[str, Declarations | None] = {}
        self.reading = [source.name]
        self.uses = 0
        """Places that have used a file."""
        self.characters = 0
        """Characters that have been read of other files, of one that is used twice both times."""
        self.constants: dict[str, Span] = {}
        """Every constant that has been read, in all files."""
        self.has_numbers = False
        """Whether one of them is a number."""
        self.copies_made: dict[Span, int] = {}
        """How many copies of a label there are at most, -1 where a mistake leaves that unknown."""
        self.trainings: list[tuple[Train, dict[str, Span], Span]] = []
        self.budgets: list[Budget] = []
        self.inputs: dict[str, Span] = {}
        self.has_one_input = False
        self.choices: dict[str, Span] = {}
        """The choices that have been read, by the names that they are picked by."""
        self.asked: dict[str, Diagnostic] = {}
        """The messages about choices that are left open."""

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep the first message at a place, as a copy of a repeat makes the mistake of the first again.

        A word that is unknown is told of once, with the other places where it stands.
        """
        self.reports += 1
        span = diagnostic.span
        place = (span.source.name, span.source.text, span.start)
        if place in self.reported:
            return
        self.reported.add(place)
        word = unknown_word(diagnostic)
        said = self.unknown.get(word) if word else None
        if said is not None and said in self.diagnostics and said.span.source is span.source:
            self.unknown[word] = with_another_place(said, span)
            self.diagnostics[self.diagnostics.index(said)] = self.unknown[word]
            self.origins[self.unknown[word]] = self.origins.get(said, said.span)
            return
        if word:
            self.unknown[word] = diagnostic
        self.diagnostics.append(diagnostic)

    @contextmanager
    def reporting(self, span: Span) -> Iterator[None]:
        """Report the mistake that is raised inside, by what stands at a place, and go on behind it."""
        try:
            yield
        except Mistake as found:
            self.report(found.diagnostic)
        except Silent:
            pass
        except Undecided as open_question:
            self.report_undecided(open_question, span)
        except TooLarge as too_large:
            self.report_too_large(too_large, span)

    @contextmanager
    def apart(self) -> Iterator[list[Diagnostic]]:
        """Gather the messages that are made inside by themselves."""
        outside = self.diagnostics, self.reported, self.unknown
        self.diagnostics, self.reported, self.unknown = [], set(), {}
        try:
            yield self.diagnostics
        finally:
            self.diagnostics, self.reported, self.unknown = outside

    # Values that are left open, or decided outside

    def born(self, name: str) -> ArgumentValue:
        """Return the size that an input's shape calls by a name: a symbol, or the number that was set for it."""
        if name not in self.symbols:
            value = self.options.settings.get(name, OPEN)
            self.symbols[name] = symbol(name) if value is OPEN else value
            if value is not OPEN and not (type(value) is int and value > 0):
                self.symbols[name] = symbol(name)
                message = f"`{name}` is a size, which is a whole number from 1 on, and this is {what_it_is(value)}"
                raise mistake("E008", message, place_of("set", name, value), help=f"for example `--set {name}=128`")
        return self.symbols[name]

    def opened(self, value: ArgumentValue, name: str) -> ArgumentValue:
        """Return a value, left open while something is only checked."""
        return opened(value, name) if self.checking else value

    def member(self, place: str, members: tuple[ArgumentValue, ...], span: Span) -> ArgumentValue:
        """Return the member of a choice that has been picked; asks for one where none has."""
        place = self.name_of_choice(place, span)
        self.choices[place] = span
        listed = ", ".join(map(show, members[:MOST_LISTED])) + (", ..." if len(members) > MOST_LISTED else "")
        if place not in self.options.picks:
            if self.checking:
                return opened(members[0], place)
            self.asked[place] = Diagnostic(
                "E032",
                f"`{place}` is a choice of {listed}: the file describes a family, and one of it is needed here",
                span,
                f"write `{listed}` if no choice is meant" if len(members) == 1 else "",
                f"choose one with `--pick {place}={show(members[0])}`",
            )
            raise Mistake(self.asked[place])
        picked = self.options.picks[place]
        for member in members:
            named = member.name if isinstance(member, Block) else None
            if (type(member) is type(picked) and member == picked) or named == getattr(picked, "text", picked):
                return member
        raise mistake(
            "E032",
            f"`{place}` is a choice of {listed}, and `{show(picked)}` is none of them",
            place_of("pick", place, picked),
            "",
            f"choose one with `--pick {place}={show(members[0])}`",
            Related(span, "the choice"),
        )

    def name_of_choice(self, place: str, span: Span) -> str:
        """Return what a choice is picked by: one place in the text has one name, and no two have the same."""
        body = self.nested[-1].body.span if self.nested else None
        if body is not None and body.source is span.source and body.start <= span.start < body.end:
            place = f"{self.nested[-1].name}.{place}"
        found, number = place, 1
        for known, seen in self.choices.items():
            if seen == span:
                return known
        while found in self.choices:
            number += 1
            found = f"{place}_{number}"
        return found

    # Statements

    def file(self, program: tree.Program, name: str) -> tuple[Network, tuple[Diagnostic, ...]]:
        builder = Builder(None, (), Declarations(program))
        outputs: list[Output] = []
        bodies = (s.body for s in program.statements if isinstance(s, (tree.Let, tree.Output)))
        stages = (node for body in bodies for node in nodes_in(body) if isinstance(node, tree.Layer))
        self.has_one_input = sum(any(form.is_input for form in forms(stage.name.text)) for stage in stages) == 1
        try:
            for statement in program.statements:
                with self.reporting(statement.span):
                    found = self.statement(builder, statement)
                    if found is not None:
                        outputs.append(found)
            self.check_unused_blocks(builder)
        except RecursionError:
            self.report(_nested_too_deep(Span(self.source, 0, 0)))
        self.report_unsettled(builder)
        self.report_no_network(program, builder, outputs)
        return self.network(name, builder, outputs)

    def report_no_network(self, program: tree.Program, builder: Builder, outputs: list[Output]) -> None:
        """Report a text without an output, where no mistake explains that."""
        statements = program.statements
        if not statements:
            self.report(_no_network(program.source, "the file is empty", ""))
            return
        errors = [found for found in self.diagnostics if found.severity == "error"]
        if errors or any(isinstance(statement, tree.Wrong) for statement in statements):
            return
        if outputs:
            if all(output.aux for output in outputs):
                cure = "`aux` is for outputs beside others; write `out` for one that the network is for"
                message = "this describes no network: its outputs serve training alone"
                self.report(_no_network(program.source, message, cure, outputs[0].span))
            return
        end = statements[-1].span
        declared = [s for s in statements if isinstance(s, (tree.Block, tree.Shared, tree.Const, tree.Use))]
        if len(declared) == len(statements):
            names = [s.name.text for s in declared if isinstance(s, (tree.Block, tree.Shared))]
            example = f"in 32x32x3 | {names[-1]} ..." if names else "in 32x32x3 | conv 8@3"
            message = "this file holds no network: it only declares what others can use"
            self.report(_no_network(program.source, message, f"a network is a pipeline, as in `{example}`", end))
            return
        seen_input = any(isinstance(step.does, Layer) and step.does.is_source for step in builder.steps)
        what = "nothing leaves it" if seen_input else "nothing enters it"
        named = [s.name.text for s in statements if isinstance(s, tree.Let)]
        cure = f"make it an output: `out {named[-1]}`" if named and seen_input else ""
        self.report(_no_network(program.source, f"this describes no network: {what}", cure, end))

    def network(self, name: str, builder: Builder, outputs: list[Output]) -> tuple[Network, tuple[Diagnostic, ...]]:
        """Return the network of what the outputs need; the rest is warned of."""
        trainings = self.checked_trainings(outputs)
        values = tuple(output.value for output in outputs)
        has_errors = any(found.severity == "error" for found in self.diagnostics)
        body, renumbered, dropped = pruned((), builder.steps, values, keep_all=has_errors)
        read = {value for _, step in dropped for value in read_by(step)}
        for value, step in dropped:
            if value not in read:
                self.report(
                    Diagnostic(
                        "C115",
                        f"what {quoted(step.text or step.name)} makes reaches no output, so it is left out",
                        step.span,
                        help="give it to an `out`, or delete it",
                        severity="warning",
                    )
                )
        renamed = tuple(evolve(output, value=renumbered[output.value]) for output in outputs)
        ordered = sorted(self.diagnostics, key=lambda found: (found.span.source is not self.source, found.span.start))
        budgets = tuple(self.budgets)
        program = builder.declarations.program if self.has_numbers else None
        network = Network(name, self.source, body, renamed, self.options, trainings, budgets, program)
        return network, tuple(ordered)

    def statement(self, builder: Builder, statement: tree.Statement) -> Output | None:
        """Elaborate a statement; return the output that it makes, if it makes one."""
        try:
            return self.meaning(builder, statement)
        except (Mistake, Silent, Undecided, TooLarge):
            self.lose_names(builder, statement)
            raise

    def lose_names(self, builder: Builder, node: tree.Node) -> None:
        """Let the names of tensors that something with a mistake in it would have made be known as lost."""
        for part in nodes_in(node):
            label = part.name if isinstance(part, tree.Let) else getattr(part, "label", None)
            if label is not None and builder.scope.names.get(label.text) is None:
                builder.lose(label)
                self.copies_made.setdefault(label.span, -1)

    def meaning(self, builder: Builder, statement: tree.Statement) -> Output | None:
        """Elaborate a statement, as far as a mistake lets that be."""
        if isinstance(statement, tree.Let):
            value = self.closed(builder, statement.body, "let")
            self.declare(builder, statement.name, value)
        elif isinstance(statement, tree.Output):
            value = self.closed(builder, statement.body, statement.keyword or "a pipeline on its own")
            if value is not None and not _only_declares_an_input(statement):
                return self.output(builder, value, statement)
        elif isinstance(statement, tree.Wrong):
            for found in _DECLARED.finditer(statement.span.text):
                name = tree.Name(statement.span, found[1])
                if builder.declared(name.text) is None:
                    builder.lose(name)
        else:
            self.declaration(builder, statement)
        return None

    def output(self, builder: Builder, value: Value, statement: tree.Output) -> Output:
        """Return an output under the name of its tensor."""
        step = builder.maker(value)
        assert step is not None, "a file's values are all made by steps"
        named = (
            name for name, held in builder.frames[0].names.items() if isinstance(held, Held) and held.value == value
        )
        return Output(next(named, step.name), value, statement.body.span, statement.keyword == "aux")

    def declaration(self, builder: Builder, statement: tree.Statement) -> None:
        """Elaborate a statement that declares values or blocks."""
        if isinstance(statement, tree.Use):
            self.use(builder, statement)
        elif isinstance(statement, tree.Const):
            self.constant(builder, statement)
        elif isinstance(statement, (tree.Block, tree.Shared)):
            home = builder.declarations
            parameters = statement.parameters if isinstance(statement, tree.Block) else ()
            self.refuse_name(builder, statement.name)
            block = Block(
                statement.name.text,
                parameters,
                statement.body,
                statement.name.span,
                home,
                len(home.entries),
                isinstance(statement, tree.Shared),
            )
            try:
                self.refuse_parameters(block)
            except (Mistake, Silent):
                builder.lose(statement.name)
                raise
            home.add(block.name, block)
            home.own[block.name] = block
        elif isinstance(statement, tree.Train):
            self.train(builder, statement)
        elif isinstance(statement, tree.Assert):
            entries = builder.declarations.entries.items()
            constants = {name: entry.value for name, (_, entry) in entries if isinstance(entry, Given)}
            self.budgets += [Budget(condition, constants) for condition in statement.conditions]

    def train(self, builder: Builder, statement: tree.Train) -> None:
        """Elaborate `train`: how an output is meant to be trained."""
        from .training import Train

        if any(isinstance(argument, tree.Wrong) for argument in statement.arguments):
            raise Silent
        word = tree.Name(Span(statement.span.source, statement.span.start, statement.span.start + 5), "train")
        bound = bind(word, (Train,), statement.arguments, StageNames(self, builder, None, place="train"))
        assert isinstance(bound.layer, Train)
        self.trainings.append((bound.layer, bound.spans, word.span))

    def checked_trainings(self, outputs: list[Output]) -> tuple[Train, ...]:
        """Report a `train` whose output is none, or not said where there are several."""
        trained = [output for output in outputs if not output.aux]
        for training, spans, span in self.trainings:
            if training.output is None and len(trained) > 1:
                names = ", ".join(f"`{output.name}`" for output in trained)
                message = f"the network has several outputs, and this does not say which is trained: {names}"
                self.report(Diagnostic("E022", message, span, help=f"add `output={trained[0].name}`"))
            elif training.output is not None and all(output.value != training.output.value for output in outputs):
                message = f"{quoted(training.output.name)} is no output of the network"
                self.report(Diagnostic("E010", message, spans["output"], help="an output is declared by `out`"))
        return tuple(training for training, _, _ in self.trainings)

    def refuse_name(self, builder: Builder, name: tree.Name) -> None:
        """Raise the mistake of a declared name that is in upper case, or that stands for something else already."""
        try:
            _refuse_upper_case(name)
        except Mistake:
            builder.lose(name)
            raise
        entry = builder.declared(name.text)
        if entry is not None and not isinstance(entry, Lost):
            raise mistake(
                "E029",
                f"{quoted(name.text)} is declared twice",
                name.span,
                "declared again here",
                "give one of them another name; a name stands for one thing in its scope",
                Related(entry.span, "declared here"),
            )

    def refuse_parameters(self, block: Block) -> None:
        """Raise the mistake of a parameter that is declared twice, or in upper case."""
        seen: dict[str, tree.Name] = {}
        if any(isinstance(parameter, tree.Wrong) for parameter in block.parameters):
            raise Silent
        for parameter in block.parameters:
            name = parameter.name
            _refuse_upper_case(name)
            if name.text in seen:
                raise mistake(
                    "E029",
                    f"the block {quoted(block.name)} has two parameters called {quoted(name.text)}",
                    name.span,
                    "declared again here",
                    "give one of them another name",
                    Related(seen[name.text].span, "declared here"),
                )
            seen[name.text] = name

    def constant(self, builder: Builder, statement: tree.Const) -> None:
        """Elaborate `const`: its own value, or the one that was set for it."""
        name = statement.name.text
        self.refuse_name(builder, statement.name)
        self.constants.setdefault(name, statement.name.span)
        self.checking += name in self.options.settings  # what is set is not needed
        try:
            value = evaluate(statement.value, StageNames(self, builder, None, place=name))
            if _tensor_in(value):
                raise mistake(
                    "E008",
                    f"{quoted(_tensor_in(value))} is a tensor, and a constant is a number, a list or a word",
                    statement.value.span,
                    help=f"name a tensor with `let {name} = {_tensor_in(value)} | ...`",
                )
        except Silent:
            if name not in self.options.settings:
                builder.declarations.add(name, Lost(statement.name.span))
                raise
            value = None  # its own value is left open, and not needed
        except (Mistake, Undecided) as found:
            builder.declarations.add(name, Lost(statement.name.span))
            if isinstance(found, Undecided):
                self.report_undecided(found, statement.value.span)
                raise Silent from None
            raise
        finally:
            self.checking -= name in self.options.settings
        if name in self.options.settings:
            value = self.setting(builder, statement, value)
        self.has_numbers |= is_number(value)
        given = Given(self.constant_value(name, value), statement.name.span)
        builder.declarations.add(name, given)
        builder.declarations.own[name] = given

    def constant_value(self, name: str, value: ArgumentValue) -> ArgumentValue:
        """Return what a constant is to all that names it."""
        return value

    def setting(self, builder: Builder, statement: tree.Const, own: ArgumentValue) -> ArgumentValue:
        """Return the value that has been set for a constant, which has to be like its own one."""
        name = statement.name.text
        value = self.options.settings[name]
        block = builder.find(value.text) if isinstance(value, Word) else None
        if isinstance(block, Block):
            value = block
        if own is not None and _sort(value) != _sort(own):
            builder.declarations.add(name, Lost(statement.name.span))
            raise mistake(
                "E008",
                f"`{name}` cannot be set to {what_it_is(value)}",
                place_of("set", name, value),
                "",
                f"it stands for {_sort(own)} in the text",
                Related(statement.span, "declared here"),
            )
        return value

    def report_unsettled(self, builder: Builder) -> None:
        """Report options that name nothing in the text."""
        sizes = tuple(name for name in self.symbols if "." not in name)
        for name, value in self.options.settings.items():
            if name not in self.constants and name not in sizes:
                cure = self.cure_of_setting(builder, name, sizes)
                message = f"there is no constant and no open size called `{name}` to be set"
                self.diagnostics.append(Diagnostic("E033", message, place_of("set", name, value), help=cure))
        for name, shape in self.options.inputs.items():
            if name not in self.inputs and (name or len(self.inputs) != 1):
                message = f"there is no input called `{name}`; {_are('input', self.inputs)}"
                cure = f"for example `--input {next(iter(self.inputs), 'image')}=64x64x3`"
                held = builder.scope.names.get(name)
                maker = builder.maker(held.value) if isinstance(held, Held) and held.value is not None else None
                if maker is not None and maker.name in self.inputs:
                    cure = f"`{name}` begins with it: write `--input {maker.name}=...`"
                if not name:
                    count = f"there are {len(self.inputs)} inputs"
                    message = f"{count}, so the one to be replaced has to be named: {_listed(self.inputs)}"
                self.diagnostics.append(Diagnostic("E033", message, place_of("input", name, shape), help=cure))
        for name, value in self.options.picks.items():
            if name not in self.choices:
                guess = nearest(name, self.choices)
                cure = f"did you mean `{guess}`?" if guess else _are("choice", self.choices)
                if name in self.constants:
                    cure = f"`{name}` is a constant, which is set: `--set {name}={show(value)}`"
                asked = self.asked.get(guess or "")
                self.diagnostics = [found for found in self.diagnostics if found is not asked]
                message = f"there is no choice called `{name}`"
                self.diagnostics.append(Diagnostic("E033", message, place_of("pick", name, value), help=cure))

    def cure_of_setting(self, builder: Builder, name: str, sizes: tuple[str, ...]) -> str:
        """Return what to write in place of a setting that names nothing."""
        guess = nearest(name, (*self.constants, *sizes))
        if guess:
            return f"did you mean `{guess}`?"
        for _, entry in builder.declarations.entries.values():
            if isinstance(entry, Block) and any(parameter.name.text == name for parameter in entry.parameters):
                return f"`{name}` is a parameter of the block `{entry.name}`, and is given where that is used"
        known = (*self.constants, *sizes)
        if not known:
            return "a constant is declared by `const width = 64`"
        return f"there {'is' if len(known) == 1 else 'are'} {_listed(known)}"

    # Other files

    def use(self, builder: Builder, statement: tree.Use) -> None:
        """Declare the constants and blocks of another file."""
        found = None
        try:
            found = self.file_of(statement)
        finally:
            builder.declarations.misses_names |= found is None
        if found is None:
            raise Silent
        clashes: list[tuple[str, Entry, Entry]] = []
        for name, entry in found.own.items():
            clash = builder.declared(name)
            if clash is None:
                builder.declarations.add(name, entry)
            elif clash is not entry:
                clashes.append((name, clash, entry))
        if clashes:
            names = " and ".join(f"`{name}`" for name, _, _ in clashes[:4])
            are = "is" if len(clashes) == 1 else "are"
            _, here, there = clashes[0]
            place = "here" if here.span.source is statement.span.source else f"in `{here.span.source.name}`"
            raise mistake(
                "E029",
                f"{names} {are} declared {place}, and in `{there.span.source.name}` too",
                statement.path.span,
                "",
                "give one of them another name; a name stands for one thing in a file",
                Related(here.span, "declared here"),
                Related(there.span, "and here"),
            )

    def file_of(self, statement: tree.Use) -> Declarations | None:
        """Return what another file declares; None where it could not be read, which has been reported."""
        path = statement.path
        if self.uses > MOST_USES or self.characters > MAX_TEXT:  # which has been told
            raise Silent
        self.uses += 1
        if self.uses > MOST_USES:
            message = f"files are used at more than {MOST_USES:,} places"
            raise mistake("E026", message, path.span, help="put what is needed of them into one file")
        try:
            source = self.options.read(path.value, path.span.source)
        except OSError as reason:
            message = f"cannot use {quoted(path.span.text)}: {reason}"
            cure = "`use` names a file, relative to this one, or one of the library, as in `std/resnet`"
            raise mistake("E024", message, path.span, help=cure) from None
        if source.name in self.reading:
            first, *others = [*self.reading[self.reading.index(source.name) :], source.name]
            if len(others) == 1:
                cure = "leave it out; a file knows what it declares itself"
                raise mistake("E010", "a file cannot use itself", path.span, help=cure)
            circle = f"`{first}` uses {', which uses '.join(f'`{name}`' for name in others)}"
            raise mistake(
                "E010",
                "these files use each other in a circle",
                path.span,
                "this closes it",
                f"{circle}\nput what they have in common into a file of its own",
            )
        self.characters += len(source.text)
        is_too_deep = len(self.reading) > MOST_NESTED
        if source.name not in self.files or self.characters > MAX_TEXT:
            if is_too_deep or self.characters > MAX_TEXT:
                message = f"the files that are used have more than {MAX_TEXT:,} characters together"
                if is_too_deep:
                    message = f"files use files more than {MOST_NESTED} deep"
                raise mistake("E026", message, path.span, help="put what is needed of them into one file")
            self.reading.append(source.name)
            try:
                self.files[source.name] = self.declarations_of(source)
            finally:
                self.reading.pop()
        return self.files[source.name]

    def declarations_of(self, source: Source) -> Declarations | None:
        """Return what a file declares; None where that has a mistake in it, which has been reported."""
        program, mistakes = _program_of_library(source) if source.name.startswith(LIBRARY) else parse(source)
        for found in mistakes:
            self.report(found)
        before = len(self.diagnostics)
        builder = Builder(None, (), Declarations(program))
        for statement in program.statements:
            if isinstance(statement, (tree.Use, tree.Const, tree.Block, tree.Shared)):
                with self.reporting(statement.span):
                    self.declaration(builder, statement)
        return None if mistakes or len(self.diagnostics) > before else builder.declarations

    # Blocks

    def use_block(self, builder: Builder, stage: tree.Layer, block: Block, entering: Value | None) -> Value | None:
        """Elaborate a use of a block."""
        name = self.step_name(builder, block.name, stage.label)
        if block in self.nested:
            raise mistake(
                "E010", f"the block {quoted(block.name)} uses itself", stage.span, help="repeat a group: `( ... ) * 3`"
            )
        if block.is_shared and builder.root.limit is not None:
            raise mistake(
                "E010",
                f"{quoted(block.name)} is shared, and a block does not see it",
                stage.name.span,
                help="give its tensor to the block as an argument",
            )
        if len(self.nested) >= MOST_NESTED:
            message = f"blocks stand in blocks more than {MOST_NESTED} deep"
            raise mistake("E026", message, stage.span, help="put blocks one behind the other, or repeat a group")
        inner = Builder(None, [builder.tensor(entering)], block.home, block.order)
        inner.outer.append(0 if entering is None else entering)
        try:
            use = self.use_of(builder, inner, stage, block, entering, name)
        except (Mistake, Silent, Undecided) as found:
            if isinstance(found, Mistake):
                self.report(found.diagnostic)
            elif isinstance(found, Undecided):
                self.report_undecided(found, stage.span)
            return self.unknown_step(builder, stage, name)
        x = inner.inputs[0]
        if entering is None or x is None:
            return self.unknown_step(builder, stage, name)
        if block.is_shared:
            self.refuse_other_use(builder, stage, block, x)
        made = self.body_of(use)
        for found_inside in made.diagnostics:
            self.blame(found_inside, use)
        does = Use(block, tuple(use.arguments.items()), made.body, frozenset(use.spans))
        text, is_named = _one_line(stage.span.text), stage.label is not None
        is_frozen = builder.keeps_frozen if block.is_shared else builder.is_frozen
        value = builder.add(
            Step(name, does, tuple(inner.outer), made.output, stage.span, text, is_named, builder.groups, is_frozen)
        )
        if stage.label is not None:
            self.declare(builder, stage.label, value if made.output is not None else None)
        return value if made.output is not None else None

    def use_of(
        self, builder: Builder, inner: Builder, stage: tree.Layer, block: Block, entering: Value | None, name: str
    ) -> UseOf:
        """Return a use with the value of every parameter of the block, which are names inside it."""
        if any(isinstance(argument, tree.Wrong) for argument in stage.arguments):
            raise Silent
        names = StageNames(self, builder, entering)
        given, spans = bind_block(stage, block.name, block.parameters, names, name)
        arguments: dict[str, ArgumentValue] = {}
        for parameter in block.parameters:
            word = parameter.name.text
            if word in given:
                value = _moved_in(given[word], builder, inner)
            else:
                assert parameter.default is not None, "what has no default is given"
                value = evaluate(parameter.default, StageNames(self, inner, 0, place=f"{block.name}.{word}"))
            arguments[word] = value
            inner.frames[0].names[word] = Given(value, parameter.name.span)
        return UseOf(block, stage, inner, arguments, spans)

    def refuse_other_use(self, builder: Builder, stage: tree.Layer, block: Block, x: Tensor) -> None:
        """Raise the mistake of a shared block that cannot have the same weights here as at its first use."""
        is_frozen = builder.keeps_frozen
        seen, was_frozen, span = self.shared.setdefault(block, (x, is_frozen, stage.span))
        if seen != x:
            raise mistake(
                "E031",
                f"{quoted(block.name)} is shared, so the same shape has to enter it everywhere: here it is {x}, "
                f"before it was {seen}",
                stage.span,
                f"{x} enters",
                "bring both to one shape before it, or declare it as a `block`, whose uses have weights of their own",
                Related(span, f"{seen} enters"),
            )
        if was_frozen != is_frozen:
            raise mistake(
                "E031",
                f"{quoted(block.name)} is shared, and frozen at one of its uses only",
                stage.span,
                "frozen here" if is_frozen else "not frozen here",
                f"its weights are the same everywhere; write `freeze( ... )` where {quoted(block.name)} is declared",
                Related(span, "frozen here" if was_frozen else "not frozen here"),
            )

    def body_of(self, use: UseOf) -> _Made:
        """Return the body of a block on some arguments and tensors; equal ones have one between them."""
        block, inner = use.block, use.inner
        self.used.add(block)
        values = tuple(map(_key, use.arguments.values()))
        key = (block, tuple(inner.inputs), values, bool(self.checking))
        if key not in self.made:
            with self.apart() as found:
                output = self.inside(block, inner)
            self.made[key] = _Made(inner.finish(output), inner.tensor(output), tuple(found))
        return self.made[key]

    def inside(self, block: Block, inner: Builder) -> Value | None:
        """Elaborate the body of a block, whose parameters are names already."""
        self.nested.append(block)
        try:
            with self.without_copies():
                return self.open(inner, block.body, f"the block {quoted(block.name)}")
        finally:
            self.nested.pop()

    @property
    def copy(self) -> Related | None:
        """The copy of the innermost repeat or `for` that is being read, if there is something to say of it."""
        return self.copies[-1] if self.copies else None

    @contextmanager
    def in_copy(self, said: Related | None) -> Iterator[None]:
        """Let messages about what is inside say that it is in a copy."""
        self.copies.append(said)
        try:
            yield
        finally:
            self.copies.pop()

    @contextmanager
    def without_copies(self) -> Iterator[None]:
        """Forget the repeats around a block, whose body is the same in all of them."""
        outside, self.copies = self.copies, []
        try:
            yield
        finally:
            self.copies = outside

    def open(self, builder: Builder, branch: tree.Branch, where: str) -> Value | None:
        """Elaborate a pipeline that has to take the tensor that enters."""
        value = None
        with self.reporting(branch.span):
            if self.is_closed(builder, branch):
                first = branch.stages[0] if isinstance(branch, tree.Pipeline) else branch
                declared = forms(first.name.text) if isinstance(first, tree.Layer) else ()
                is_input = bool(declared) and declared[0].is_input
                raise mistake(
                    "E027",
                    f"{where} takes a tensor, and this begins with one of its own",
                    first.span,
                    help="leave it out: what enters is known where the block is used"
                    if is_input
                    else "put `id` or a layer first, or join the two: `concat(id, other)`",
                )
            value = self.branch(builder, branch, 0 if builder.inputs[0] is not None else None)
        return value

    def blame(self, found: Diagnostic, use: UseOf) -> None:
        """Report a mistake inside a block: in the block if it is made on all that may enter, else at the use."""
        if self.checking:
            self.report(found)
            return
        origin = self.origins.get(found, found.span)
        is_argument = found.span.text in use.spans and use.is_in_body(found.span) and found.code != "E027"
        is_told = found.severity != "error" or found.code == "E032"  # a choice is made at its own place
        is_own = is_told or (not is_argument and self.is_made_anyway(found, origin, use))
        told = in_the_block(found, use) if is_own else at_the_use(found, use, self.copy)
        self.origins[told] = origin
        self.report(told)

    def is_made_anyway(self, found: Diagnostic, origin: Span, use: UseOf) -> bool:
        """Whether a block makes a mistake on whatever tensors and numbers it is tried on."""
        was_made = False
        for number in numbers_for(use.block, found.code):
            for tensors in tensors_like(tuple(use.inner.inputs), number):
                mistakes, passed = self.tried(use, tensors, number)
                if (found.code, origin) in mistakes:
                    was_made = True
                elif any(stage.start <= found.span.start < stage.end for stage in passed):
                    return False
        return was_made

    def tried(
        self, use: UseOf, tensors: tuple[Tensor | None, ...], number: int | None
    ) -> tuple[frozenset[tuple[str, Span]], frozenset[Span]]:
        """Return the mistakes that a block makes on other tensors and numbers, and the stages that were right."""
        key = (use.block, tensors, number, tuple(map(_key, use.known.items())), frozenset(use.spans))
        if key not in self.trials:
            outside = self.stages, self.passed
            self.stages, self.passed = MOST_STAGES - MOST_TRIED, set()
            self.checking += number is None
            copy = Builder(None, tensors, use.block.home, use.block.order)
            try:
                for parameter, value in zip(use.block.parameters, use.arguments.values(), strict=True):
                    word = parameter.name.text
                    value = with_sizes(value, tensors)
                    if word in use.spans or number is None:
                        value = tried(value, word, number)
                    if isinstance(value, Word) and isinstance(parameter.default, tree.Name):
                        value = evaluate(parameter.default, StageNames(self, copy, 0))
                    copy.frames[0].names[word] = Given(value, parameter.name.span)
                with self.apart() as found:
                    self.inside(use.block, copy)
                mistakes = frozenset((mistake.code, self.origins.get(mistake, mistake.span)) for mistake in found)
                self.trials[key] = mistakes, frozenset(self.passed)
            finally:
                self.checking -= number is None
                self.stages, self.passed = outside
        return self.trials[key]

    @contextmanager
    def only_checked(self) -> Iterator[None]:
        """Leave values open inside, where only names, arguments and ranks are looked at."""
        self.checking += 1
        try:
            yield
        finally:
            self.checking -= 1

    def check_unused_blocks(self, builder: Builder) -> None:
        """Check the blocks that nothing uses, each on the rank of tensors that suits it best."""
        for block in list(builder.declarations.own.values()):
            if isinstance(block, Block) and block not in self.used:
                self.check_alone(block)

    def check_alone(self, block: Block) -> None:
        """Check a block by itself, with its parameters open."""
        best: list[Diagnostic] | None = None
        outside = self.stages
        for rank, dtype in SHAPES:
            self.stages = MOST_STAGES - MOST_OPEN
            x = Tensor(tuple(symbol(name) for name in (*axis_names(rank), "channels")), dtype)
            with self.apart() as found, self.only_checked(), self.reporting(block.span):
                inner = Builder(None, [x], block.home, block.order)
                for parameter in block.parameters:
                    self.open_parameter(inner, parameter)
                self.inside(block, inner)
            is_cut = self.stages > MOST_STAGES
            if is_cut:
                found = [diagnostic for diagnostic in found if diagnostic.code != "E026"]
            if best is None or len(found) < len(best):
                best = found
            if not found or is_cut:
                break
        self.stages = outside
        for diagnostic in best or ():
            self.report(diagnostic)

    def open_parameter(self, inner: Builder, parameter: tree.Parameter) -> None:
        """Let a parameter of a block be a name inside it, its default or else a symbol its value."""
        name = parameter.name
        value: ArgumentValue = any_number(name.text)
        if parameter.default is not None:
            with self.reporting(parameter.default.span):
                value = evaluate(parameter.default, StageNames(self, inner, 0, place=name.text))
        inner.frames[0].names[name.text] = Given(value, name.span)

    def table(self, builder: Builder, block: Block, name: tree.Name) -> NamedTensor:
        """Return the last tensor that went through a shared block here, for a layer that uses its weights."""
        for place, step in enumerate(reversed(builder.steps)):
            if step.output is None and step.text.split(" ", 1)[0] == block.name:
                raise Silent
            if isinstance(step.does, Use) and step.does.is_shared and step.does.block == block.name and step.output:
                layers = [inside.does for inside in step.does.body.steps]
                maker = layers[0] if len(layers) == 1 else None
                return NamedTensor(block.name, place - len(builder.steps), step.output.sizes, step.span, maker)
        raise mistake(
            "E010",
            f"{quoted(block.name)} is a shared block that no tensor has gone through here yet",
            name.span,
            help=f"use it before, as in `... | {block.name} | ...`",
        )

    # Pipelines

    def closed(self, builder: Builder, branch: tree.Branch, where: str) -> Value | None:
        """Elaborate a pipeline that has to begin with a source."""
        if isinstance(branch, tree.Pipeline) and not self.is_closed(builder, branch):
            first = branch.stages[0]
            with self.reporting(first.span):
                is_unread = any(isinstance(node, tree.Wrong) for node in nodes_in(first))
                if is_unread or self.holds_unknown_name(builder, first):
                    raise Silent
                self.refuse_unknown_tensor(builder, first)
                if isinstance(first, tree.Layer) and builder.find(first.name.text) is None:
                    self.refuse_unknown_stage(builder, first)
                named = self.tensor_among(builder, first)
                if named is not None:
                    name, stage = named
                    branch = evolve(branch, stages=(tree.Layer(name.span, name, (), None), stage, *branch.stages[1:]))
                    raise mistake(
                        "E028",
                        f"{quoted(name.text)} enters a layer by a `|` before it",
                        first.span,
                        f"write `{name.text} | {stage.span.text}`",
                    )
                if isinstance(first, tree.Call) and brought(first.name.text) == "in" and (given := _keywords(first)):
                    message = f"{quoted(first.span.text)}: arguments stand without brackets and commas"
                    raise mistake("E020", message, first.span, f"write `{in_our_words('input', 'in', given)}`")
                raise mistake(
                    "E028",
                    f"nothing enters {quoted(first.span.text)}",
                    first.span,
                    f"{where} begins with an input or a named tensor",
                    "begin with the shape of one example, as in `in 28x28x1 | ...`",
                )
        return self.branch(builder, branch, None)

    def tensor_among(self, builder: Builder, stage: tree.Stage) -> tuple[tree.Name, tree.Layer] | None:
        """Return a tensor that stands last among the arguments of a layer, `conv 32@3 x`, and the layer without it."""
        if not isinstance(stage, tree.Layer) or not stage.arguments:
            return None
        last = stage.arguments[-1]
        name = tree.Name(last.span, last.span.text.strip("() "))
        entry = builder.find(name.text)
        is_tensor = isinstance(entry, Held) or (isinstance(entry, Given) and isinstance(entry.value, NamedTensor))
        if not is_tensor or not isinstance(last, (tree.Name, tree.Parentheses)):
            return None
        others = stage.arguments[:-1]
        span = stage.name.span.to((others[-1] if others else stage.name).span)
        return name, tree.Layer(span, stage.name, others, stage.label)

    def holds_unknown_name(self, builder: Builder, stage: tree.Stage) -> bool:
        """Whether a branch of a combinator is a name that nothing has declared, which is told of by itself."""
        items = stage.items if isinstance(stage, tree.Call) else ()
        return any(
            self.is_unknown_name(builder, item) for item in items if not isinstance(item, (tree.Keyword, tree.Each))
        )

    def refuse_unknown_tensor(self, builder: Builder, first: tree.Stage) -> None:
        """Raise the mistake of a pipeline that begins with a name, which nothing has declared before."""
        if not isinstance(first, tree.Layer) or first.arguments or forms(first.name.text):
            return
        word = first.name.text
        if builder.find(word) is not None or word == IDENTITY:
            return
        self.excuse(builder)
        misplaced = self.misplaced(builder, word, first.name.span)
        if misplaced is not None:
            raise misplaced
        if brought(word):
            return
        guess = nearest(word, builder.visible())
        raise mistake(
            "E010",
            f"nothing called {quoted(word)} has been named before this",
            first.name.span,
            f"did you mean `{guess}`?" if guess else "",
            "a pipeline begins with `in`, or with a tensor named by `let` or `as` above it",
        )

    def refuse_later(self, builder: Builder, name: tree.Name) -> None:
        """Raise the mistake of a constant or block that is declared further down, or that is made of itself."""
        home = builder.root.declarations
        statement = home.statements.get(name.text)
        if statement is None or name.text in home.names(builder.root.limit) or forms(name.text):
            return
        is_constant = isinstance(statement, tree.Const)
        what = "constant" if is_constant else "block"
        if statement.span.start <= name.span.start < statement.span.end:
            message = f"the {what} {quoted(name.text)} {'would be made of' if is_constant else 'uses'} itself"
            cure = "give it a value, as in `const width = 64`" if is_constant else "repeat a group: `( ... ) * 3`"
            raise mistake("E010", message, name.span, help=cure)
        here = self.nested[-1].name if self.nested else ""
        if here in home.reached_from(name.text):
            message = f"the blocks {quoted(here)} and {quoted(name.text)} use each other"
            cure = "a block cannot use itself, nor through others; repeat a group: `( ... ) * 3`"
            related = Related(statement.name.span, f"which uses {quoted(here)}")
        else:
            message = f"{quoted(name.text)} is declared further down, and a {what} is declared before it is used"
            cure = "move its declaration up"
            related = Related(statement.name.span, "declared here")
        raise mistake("E010", message, name.span, "", cure, related)

    def misplaced(self, builder: Builder, word: str, span: Span) -> Mistake | None:
        """Return the mistake of using the name of a tensor where it is not known; None where there is no such name."""
        labels = builder.root.declarations.labels
        node = labels.get(word)
        if node is None:
            loop, _, number = word.rpartition("_")
            if number.isdecimal() and isinstance(copies := labels.get(loop), tree.For | tree.Each):
                made = self.copies_made.get(_label_of(copies), 0)
                if made < 0:
                    raise Silent
                if int(number) > made:
                    message = f"there is no copy {quoted(word)}: {quoted(loop)} has {made} of them"
                    return mistake("E010", message, span, help=f"they are called `{loop}_1`, `{loop}_2`, ...")
                node = copies
        if node is None:
            return self.in_another_file(word, span)
        named: Span = (getattr(node, "label", None) or node.name).span  # type: ignore[attr-defined]
        message = f"nothing called {quoted(word)} has been named before this"
        cure = "a tensor is named before it is used"
        block = self.nested[-1] if self.nested and builder.root.limit is not None else None
        if block is not None and not block.body.span.start <= named.start < block.body.span.end:
            message = f"{quoted(word)} is a tensor outside of the block {quoted(block.name)}, which does not see it"
            listed = " ".join((*(parameter.name.text for parameter in block.parameters), word))
            cure = f"give it to the block as an argument: `block {block.name} {listed}: ...`"
        elif isinstance(node, (tree.For, tree.Each)) and node.label is not None and node.label.text == word:
            message = f"{quoted(word)} names copies, which are `{word}_1`, `{word}_2` and so on"
            cure = "choose one of them; the last one is also what leaves the `for`, so that a `|` goes on from it"
        elif node.span.start <= span.start < node.span.end:
            cure = "a pipeline begins with `in`, or with a tensor named by `let` or `as` above it"
            line, _ = span.source.line_at(span.start)
            if line > node.span.start and begins_line(span):
                if re.compile(r"\s*=(?!=)").match(span.source.text, span.end):
                    message = f"{quoted(word)} is a tensor already, and a name stands for one"
                    cure = f"go on from it under another name: `let {word}2 = {word} | ...`"
                    return mistake("E020", message, span, "declared again here", cure, Related(named, "declared here"))
                message = f"no statement begins with {quoted(word)}, so it is read as part of the one before"
                return mistake("E020", message, span, f"write `out {word}`, or `let NAME = {word}`")
            cure += "\na name stands for one tensor: call the new one otherwise, or go on with `|`"
            return mistake("E010", f"{quoted(word)} would be made of itself", span, help=cure)
        elif named.start > span.start:
            message += "; it is named further down"
        else:
            message = f"{quoted(word)} is named in another scope, and is not known outside of it"
            cure = "repeats, blocks, bodies of `for` and sides of `if` keep their names; put `as` behind the whole"
        return mistake("E010", message, span, "", cure, Related(named, "named here"))

    def in_another_file(self, word: str, span: Span) -> Mistake | None:
        """Return the mistake of a name of another file that `use` does not bring."""
        for name, declarations in self.files.items():
            if declarations is None or name == span.source.name:
                continue
            if word in declarations.own:
                message = f"{quoted(word)} is declared in `{name}`, which this file does not use"
                cure = "`use` brings what a file declares itself, not what that uses; `use` this one too"
                return mistake("E010", message, span, "", cure, Related(declarations.own[word].span, "declared here"))
            if word in declarations.labels:
                message = f"{quoted(word)} is a tensor in `{name}`, and `use` brings constants and blocks alone"
                return mistake("E010", message, span, help="make a block of what leads to it")
        return None

    def excuse(self, builder: Builder) -> None:
        """Raise Silent where any name may be one of a file that could not be read."""
        if builder.root.declarations.misses_names:
            raise Silent

    def declare(self, builder: Builder, name: tree.Name, value: Value | None) -> None:
        """Let a name stand for a tensor in this scope."""
        self.refuse_name(builder, name)
        builder.scope.names[name.text] = Held(value, name.span)

    def is_closed(self, builder: Builder, branch: tree.Branch) -> bool:
        """Whether a pipeline begins with a source or a named tensor, or a combinator of such."""
        if isinstance(branch, tree.Conditional):
            return self.is_closed(builder, branch.first) and self.is_closed(builder, branch.second)
        return isinstance(branch, tree.Pipeline) and self.stage_is_closed(builder, branch.stages[0])

    def stage_is_closed(self, builder: Builder, stage: tree.Stage) -> bool:
        """Whether a stage is a tensor, and takes none."""
        if isinstance(stage, tree.Layer):
            entry = builder.find(stage.name.text)
            if entry is not None:
                is_tensor = isinstance(entry, Given) and isinstance(entry.value, NamedTensor)
                return is_tensor or isinstance(entry, (Held, Lost))
            return any(form.is_source for form in forms(stage.name.text))
        if isinstance(stage, tree.Group):
            return self.is_closed(builder, stage.body)
        if isinstance(stage, tree.Call):
            bodies = [
                item.body if isinstance(item, tree.Each) else item
                for item in stage.items
                if not isinstance(item, tree.Keyword)
            ]
            wanted = max((n for form in forms(stage.name.text) for n in form.branches), default=0)
            holds = any(form.holds_pipeline for form in forms(stage.name.text))
            takes_entering = holds or stage.name.text == RESIDUAL or len(bodies) < wanted
            return not takes_entering and bool(bodies) and all(self.is_closed(builder, body) for body in bodies)
        return False

    def branch(self, builder: Builder, branch: tree.Branch, entering: Value | None) -> Value | None:
        """Elaborate a pipeline; return the tensor that leaves it, None where a mistake leaves that unknown."""
        if isinstance(branch, tree.Wrong):
            return None
        outside = builder.is_lost
        builder.is_lost = entering is None and (outside or not self.is_closed(builder, branch))
        try:
            if isinstance(branch, tree.Conditional):
                return self.conditional(builder, branch, entering)
            return self.stages_in_a_row(builder, branch, entering)
        finally:
            builder.is_lost = outside

    def closed_in_a_chain(self, builder: Builder, stage: tree.Stage) -> Diagnostic:
        """Return the message of a tensor where another one enters."""
        message = f"{quoted(stage.span.text)} is a tensor by itself, so the one that enters it would be lost"
        other = stage.span.text if isinstance(stage, tree.Layer) else "other"
        both = f"`concat(id, {other})` or `add(id, {other})`"
        if isinstance(stage, tree.Call) and forms(stage.name.text) and len(stage.span.text) < LONGEST_QUOTE:
            inside = " ".join(stage.span.text.partition("(")[2].split())
            both = f"`{stage.name.text}(id, {inside}`"
        help = f"join the two, as in {both}, or begin a pipeline with it"
        entry = builder.find(stage.name.text) if isinstance(stage, tree.Layer) else None
        if isinstance(stage, tree.Layer) and isinstance(entry, Held) and forms(stage.name.text):
            help = f"the tensor hides the layer `{stage.name.text}`: give it another name"
            return Diagnostic("E027", message, stage.span, "", help, (Related(entry.span, "this tensor"),))
        return Diagnostic("E027", message, stage.span, "this takes no input", help)

    def stages_in_a_row(self, builder: Builder, pipeline: tree.Pipeline, entering: Value | None) -> Value | None:
        """Elaborate the stages of a pipeline."""
        value = entering
        for place, stage in enumerate(pipeline.stages):
            if self.stages > MOST_STAGES:  # which has been told: nothing more is read
                return None
            if place:
                builder.is_lost = value is None
            if place and self.stage_is_closed(builder, stage):
                if not self.is_of_lost(builder, stage):
                    self.report(self.closed_in_a_chain(builder, stage))
                value = None
                continue
            known = value is not None or place == 0
            try:
                value = self.stage(builder, stage, value)
                if self.passed is not None and value is not None:
                    self.passed.add(stage.span)
            except (Mistake, Silent, Undecided, TooLarge) as found:
                value = None
                self.lose_names(builder, stage)
                with self.reporting(stage.span):
                    raise found
            if not known:
                value = None
        return value

    def is_of_lost(self, builder: Builder, stage: tree.Stage) -> bool:
        """Whether a stage has a name in it that a mistake has made unknown."""
        words = (node.name.text for node in nodes_in(stage) if isinstance(node, tree.Layer))
        return any(isinstance(builder.find(word), Lost) for word in words)

    def report_undecided(self, open_question: Undecided, span: Span) -> None:
        """Report that a number is needed where a symbol stands, unless values are left open on purpose."""
        if not self.checking:
            self.report(_undecided(open_question, span))

    def report_too_large(self, reason: TooLarge, span: Span) -> None:
        """Report an expression that grew beyond all limits, unless values are left open on purpose."""
        if not self.checking:
            cure = "give open sizes a number where inputs are declared"
            self.report(Diagnostic("E026", str(reason), span, help=cure))

    def stage(self, builder: Builder, stage: tree.Stage, entering: Value | None) -> Value | None:
        """Elaborate one stage; return the tensor that leaves it."""
        self.expand(1, stage.span)
        if isinstance(stage, tree.Layer):
            return self.layer(builder, stage, entering)
        if isinstance(stage, tree.Group):
            return self.group(builder, stage, entering)
        if isinstance(stage, tree.Call):
            return self.call(builder, stage, entering)
        if isinstance(stage, tree.For):
            return self.loop(builder, stage, entering)
        raise Silent

    def expand(self, stages: int, span: Span) -> None:
        """Count stages that a text expands to. Raises the mistake of one that expands to too many, and only once."""
        was_reported = self.stages > MOST_STAGES
        self.stages += stages
        if was_reported:
            raise Silent
        if self.stages > MOST_STAGES:
            raise mistake(
                "E026",
                f"with this the network has more than {MOST_STAGES:,} stages, which is the limit",
                span,
                help="the copies of a repeat, `( ... ) * 1000`, count once where they keep the shape",
            )

    def conditional(self, builder: Builder, branch: tree.Conditional, entering: Value | None) -> Value | None:
        """Elaborate the side of an `if` that its condition takes; the other one is checked with its values open."""
        condition: Any = None
        with self.reporting(branch.condition.span):
            condition = truth(branch.condition, StageNames(self, builder, entering, place="if"))
        if isinstance(condition, bool):
            taken, other = (branch.first, branch.second) if condition else (branch.second, branch.first)
            self.check_side(builder, other, entering)
            with builder.frame({}, is_scope=True):
                return self.in_branch(builder, taken, entering)
        if condition is None:
            for side in (branch.first, branch.second):
                self.check_side(builder, side, entering)
            return None
        return self.open_conditional(builder, branch, condition, entering)

    def open_conditional(
        self, builder: Builder, branch: tree.Conditional, condition: Condition, entering: Value | None
    ) -> Value | None:
        """Elaborate an `if` whose condition symbols leave open: both of its sides are checked."""
        sides = [self.check_side(builder, side, entering) for side in (branch.first, branch.second)]
        if not self.checking:
            raise Mistake(_undecided(Undecided(condition.symbols), branch.condition.span))
        return self.joined(builder, branch, condition, sides)

    def check_side(self, builder: Builder, side: tree.Branch, entering: Value | None) -> Tensor | None:
        """Check a side of an `if` for names, arguments and ranks; return the tensor that would leave it.

        What was right is not checked again for the same names, whose numbers are open, and the same open tensor.
        """
        x = builder.tensor(builder.around if entering is None else entering)
        opened_x = opened_tensor(x, "in")
        seen = self.open_names(builder, side)
        key = (id(side), opened_x, entering is None, builder.is_lost, seen)
        if seen is not None and key in self.right_sides:
            return self.right_sides[key]
        output, before = None, self.reports
        with self.only_checked():
            copy = Builder(builder, [opened_x], builder.declarations)
            copy.outer.append(0)
            copy.around, copy.is_lost = None if x is None else 0, builder.is_lost
            closed = self.is_closed(copy, side)
            if entering is not None or closed:
                output = copy.tensor(self.branch(copy, side, None if closed else 0))
        if seen is not None and self.reports == before:
            self.right_sides[key] = output
        return output

    def open_names(self, builder: Builder, side: tree.Branch) -> tuple[Any, ...] | None:
        """Return what the names in a side of an `if` stand for, with numbers left open; None where one is a tensor."""
        words = self.words_in.get(id(side))
        if words is None:
            words = sorted({node.text for node in nodes_in(side) if isinstance(node, tree.Name)})
            self.words_in[id(side)] = words
        entries: list[Any] = []
        for word in words:
            entry = builder.find(word)
            if isinstance(entry, (Held, Lost)) or (isinstance(entry, Given) and isinstance(entry.value, NamedTensor)):
                return None
            entries.append(_key(opened(entry.value, word)) if isinstance(entry, Given) else entry)
        return tuple(entries)

    def joined(
        self, builder: Builder, branch: tree.Conditional, condition: Condition, sides: list[Tensor | None]
    ) -> Value | None:
        """Return what leaves an `if` whose condition is open, as far as that is one tensor."""
        first, second = sides
        if first is None or second is None or first.rank != second.rank:
            return None
        try:
            output = first.resized(*(choose(condition, a, b) for a, b in zip(first.sizes, second.sizes, strict=True)))
        except TooLarge:
            return None
        return builder.add(Step(builder.next_name("if"), None, (), output, branch.span, "", groups=builder.groups))

    def loop(self, builder: Builder, stage: tree.For, entering: Value | None) -> Value | None:
        """Elaborate `for`: a copy of its pipeline for each item, in a row."""
        items = self.items(builder, stage, entering)
        label, value = stage.label, entering
        made_by = Loop(tuple(name.text for name in stage.names))
        is_right = True
        for number, names in enumerate(items, 1):
            word = f"{label.text}_{number}" if label is not None else builder.next_name("for")
            if is_right:  # the copies behind one with a mistake would only make it again
                if number == 1:
                    self.refuse_closed_copy(builder, stage, names)
                values = tuple(given.value if isinstance(given, Given) else None for given in names.values())
                group = Group(word, stage.span, label is not None, made_by, values)
                scope, inside = builder.frame(names, True, counts_anew=True), builder.group(group)
                with scope, inside, self.in_copy(_copy_of(stage, number, names)):
                    value = self.branch(builder, stage.body, value)
                is_right = value is not None
            if label is not None:
                self.declare(builder, tree.Name(label.span, word), value)
        if entering is None and not items:
            raise Silent
        return value

    def refuse_closed_copy(self, builder: Builder, stage: tree.For, names: dict[str, Entry]) -> None:
        """Raise the mistake of a `for` whose copies would each begin with a tensor of their own."""
        with builder.frame(names, is_scope=True):
            if self.is_closed(builder, stage.body):
                raise mistake(
                    "E027",
                    "`for` puts its copies in a row, so each takes a tensor, and this begins with one",
                    stage.body.span,
                    help="put `id` or a layer first; branches beside each other are `concat(each k in ...)`",
                )

    def items(self, builder: Builder, stage: tree.For | tree.Each, entering: Value | None) -> list[dict[str, Entry]]:
        """Return what the variables of `for` or `each` stand for, item by item."""
        try:
            items = self.listed(builder, stage, entering)
            if self.copies_made.setdefault(_label_of(stage), len(items)) < len(items):
                self.copies_made[_label_of(stage)] = len(items)
        except (Mistake, Silent, Undecided):
            self.copies_made[_label_of(stage)] = -1
            raise
        return [
            {
                name.text: Given(self.opened(value, name.text), name.span)
                for name, value in zip(stage.names, values, strict=True)
            }
            for values in items
        ]

    def listed(self, builder: Builder, stage: tree.For | tree.Each, entering: Value | None) -> list[tuple[Any, ...]]:
        """Return the items of the list of `for` or `each`, a value for each of its variables."""
        word = "for" if isinstance(stage, tree.For) else "each"
        self.refuse_variables(stage, word)
        names = StageNames(self, builder, entering, place=f"{word}.items")
        items: Any = evaluate(stage.items, names)
        if isinstance(items, Word):
            raise undefined(items, stage.items, names, "a list or a number")
        if isinstance(items, Expression):
            return self.open_items(stage, items)
        variables = ", ".join(name.text for name in stage.names)
        several = len(stage.names) > 1
        pair = f"for example `{word} {variables} in [[{', '.join('12345678'[: len(stage.names)])}]] ( ... )`"
        if is_number(items):
            if not isinstance(items, int) or items < 0:
                raise mistake(
                    "E008",
                    f"`{word}` counts to a whole number, at least 0, and this is {show(items)}",
                    stage.items.span,
                    help="for example `for i in 4 ( ... )`, in which `i` is 0, 1, 2, 3",
                )
            if several:
                message = f"`{word} {variables}` takes {len(stage.names)} values from each item, and this counts"
                raise mistake("E008", message, stage.items.span, "a list of lists is wanted here", pair)
            items = range(min(items, MOST_STAGES + 1))
        if not isinstance(items, (tuple, range)):
            raise mistake(
                "E008",
                f"`{word}` goes through a list, or counts to a number, and this is {what_it_is(items)}",
                stage.items.span,
                help=f"for example `{word} c in [16, 32] ( ... )`",
            )
        self.expand(len(items), stage.items.span)
        written = stage.items.items if isinstance(stage.items, tree.List) else ()
        for place, item in enumerate(items if several else ()):
            if not isinstance(item, tuple) or len(item) != len(stage.names):
                raise mistake(
                    "E008",
                    f"`{word} {variables}` takes {len(stage.names)} values from each item, and `{show(item)}` is "
                    f"{f'a list of {len(item)}' if isinstance(item, tuple) else 'a single one'}",
                    written[place].span if len(written) == len(items) else stage.items.span,
                    help=pair,
                )
        return list(items) if several else [(item,) for item in items]  # type: ignore[arg-type]

    def open_items(self, stage: tree.For | tree.Each, items: Expression) -> list[tuple[Any, ...]]:
        """Return what stands for the items where symbols leave open how many there are: one, with its values open."""
        if not self.checking:
            raise Mistake(_undecided(Undecided(items.symbols), stage.items.span))
        return [tuple(any_number(name.text) for name in stage.names)]

    def refuse_variables(self, stage: tree.For | tree.Each, word: str) -> None:
        """Raise the mistake of variables that are in upper case, or of one name."""
        seen: dict[str, tree.Name] = {}
        for name in stage.names:
            _refuse_upper_case(name)
            if name.text in seen:
                raise mistake(
                    "E029",
                    f"`{word}` has two variables called {quoted(name.text)}",
                    name.span,
                    "declared again here",
                    "give one of them another name",
                    Related(seen[name.text].span, "declared here"),
                )
            seen[name.text] = name

    # Layers

    def layer(self, builder: Builder, stage: tree.Layer, entering: Value | None) -> Value | None:
        """Elaborate a layer, a block, or a named tensor at the start of a pipeline."""
        word = stage.name.text
        entry = builder.find(word)
        if isinstance(entry, Lost):
            raise Silent
        if isinstance(entry, Given):
            stage, entry = self.stage_of_value(stage, entry)
        if isinstance(entry, Held):
            return self.named_tensor(builder, stage, entry)
        if isinstance(entry, Block):
            return self.use_block(builder, stage, entry, entering)
        if stage.name.text == IDENTITY:
            return self.identity(builder, stage, entering)
        self.refuse_unknown_stage(builder, stage)
        first, *others = self.split_at_missing_bars(builder, stage)
        value = self.declared_layer(builder, first, entering)
        for other in others:
            value = self.layer(builder, other, value)
        return value

    def stage_of_value(self, stage: tree.Layer, given: Given) -> tuple[tree.Layer, Entry | None]:
        """Return the stage that a constant or parameter stands for: a layer's word, a block, or a tensor."""
        value, name = given.value, stage.name
        if isinstance(value, Word):
            return tree.Layer(stage.span, tree.Name(name.span, value.text), stage.arguments, stage.label), None
        if isinstance(value, Block):
            return stage, value
        if isinstance(value, NamedTensor):
            return stage, Held(value.value, given.span)
        if self.checking and isinstance(value, Expression):
            raise Silent  # a parameter that is left open may be a word
        raise mistake(
            "E009",
            f"{quoted(name.text)} is {what_it_is(value)} here, not a layer",
            name.span,
            help="a stage is a layer, a block, or a constant or parameter that holds the word of one, such as `relu`",
        )

    def named_tensor(self, builder: Builder, stage: tree.Layer, held: Held) -> Value:
        """Return a named tensor, at the start of a pipeline."""
        if any(isinstance(argument, tree.Wrong) for argument in stage.arguments):
            raise Silent
        if stage.arguments:
            message = f"{quoted(stage.name.text)} is a tensor and takes no arguments"
            first = stage.arguments[0]
            is_tensor = isinstance(first, tree.Name) and isinstance(builder.find(first.text), Held)
            label = f"write `, {first.span.text}` for another branch" if is_tensor else "leave it out"
            raise mistake("E008", message, first.span, label, "a stage ends at `|`")
        if stage.label is not None:
            self.declare(builder, stage.label, held.value)
        if held.value is None:
            raise Silent
        return held.value

    def declared_layer(self, builder: Builder, stage: tree.Layer, entering: Value | None) -> Value | None:
        candidates = forms(stage.name.text)
        is_input = candidates[0].is_input
        name = self.step_name(builder, stage.name.text, stage.label)
        if any(isinstance(argument, tree.Wrong) for argument in stage.arguments):
            return self.unknown_step(builder, stage, name)
        if is_input and (builder.parent is not None or builder.limit is not None or len(builder.frames) > 1):
            raise mistake(
                "E027",
                "an input stands outside of blocks, repeats, loops and sides of `if`",
                stage.span,
                help="declare it before, by `let`",
            )
        names = StageNames(self, builder, entering, births=name if is_input else "", place=name)
        if is_input:
            self.inputs[name] = stage.span
        try:
            bound = bind(stage.name, candidates, stage.arguments, names)
        except Mistake as found:
            self.report(found.diagnostic)
            return self.unknown_step(builder, stage, name)
        except Silent:
            return self.unknown_step(builder, stage, name)
        except Undecided as open_question:
            self.report_undecided(open_question, stage.span)
            return self.unknown_step(builder, stage, name)
        layer = bound.layer
        if is_input:
            layer = self.with_open_sizes(self.with_shape(layer, name), name)
        if layer.is_source:
            return self.step(builder, stage, name, layer, (), bound.spans)
        if entering is None:
            return self.unknown_step(builder, stage, name)
        x = builder.tensor(entering)
        assert x is not None, "a known value has a tensor"
        implied = layer.implied(x)
        if implied is not None:
            implied_name = self.step_name(builder, implied.keyword, None)
            step = Step(implied_name, implied, (entering,), implied.output(x), stage.span, "", groups=builder.groups)
            entering = builder.add(step)
        return self.step(builder, stage, name, layer, (entering,), bound.spans)

    def with_shape(self, layer: Layer, name: str) -> Layer:
        """Return an input with the shape that has been set for it, if one has."""
        shape = self.options.inputs.get(name, self.options.inputs.get("") if self.has_one_input else None)
        if shape is None:
            return layer
        sizes = tuple(self.born(size.text) if isinstance(size, Word) else size for size in shape)
        return evolve(layer, shape=sizes)

    def with_open_sizes(self, layer: Layer, name: str) -> Layer:
        """Return an input whose `?` are symbols of their own, called after its axes."""
        shape: tuple[ArgumentValue, ...] = layer.shape  # type: ignore[attr-defined]
        axes = (*axis_names(len(shape)), "channels")
        sizes = []
        for axis, size in enumerate(shape):
            if size is OPEN:
                label = axes[axis] if len(axes) == len(shape) else f"axis_{axis}"
                size = self.symbols.setdefault(f"{name}.{label}", symbol(f"{name}.{label}"))
            sizes.append(size)
        return evolve(layer, shape=tuple(sizes))

    def step(
        self,
        builder: Builder,
        stage: tree.Layer | tree.Call,
        name: str,
        layer: Layer,
        inputs: tuple[Value, ...],
        spans: dict[str, Span],
    ) -> Value | None:
        """Append a layer, after its rules have taken its inputs."""
        entering, inputs = len(inputs), (*inputs, *(named.value for named in _named(layer, OPERAND)))
        tied = next((named.value for named in _named(layer, TABLE)), None)
        tensors = [tensor for value in inputs if (tensor := builder.tensor(value)) is not None]
        span = stage.span
        try:
            if tied is not None and tied >= 0:
                raise Refused(
                    "E008",
                    f"`{layer.keyword}` uses the weights of a layer outside of this repeat or block",
                    "put that layer inside too, or this one behind it",
                )
            output = self.output_of(layer, tensors, entering)
        except Refused as refused:
            if not (self.checking and refused.code == "E030"):
                self.report(refusal(builder, refused, span, inputs, spans, self.copy))
            return self.unknown_step(builder, stage, name, inputs)
        except Undecided as open_question:
            self.report_undecided(open_question, span)
            return self.unknown_step(builder, stage, name, inputs)
        except TooLarge as too_large:
            self.report_too_large(too_large, span)
            return self.unknown_step(builder, stage, name, inputs)
        named, text = stage.label is not None, _one_line(span.text)
        is_frozen = builder.is_frozen
        asked = tuple(named.value for named in _named(layer, TENSOR) if symbols(named.sizes))
        value = builder.add(
            Step(name, layer, inputs, output, span, text, named, builder.groups, is_frozen, tied, asked)
        )
        if stage.label is not None:
            self.declare(builder, stage.label, value)
        return value

    def output_of(self, layer: Layer, tensors: list[Tensor], entering: int) -> Tensor:
        """Return what leaves a layer, once what enters is checked; the other tensors are named in its arguments."""
        key = (type(layer), layer, *tensors, bool(self.checking))
        output = self.outputs.get(key)
        if output is None:
            check_input(layer, tensors[:entering])
            output = layer.output(*tensors)
            self.check_sizes(output, layer, tensors)
            self.outputs[key] = output
        return output

    def check_sizes(self, output: Tensor, layer: Layer, tensors: list[Tensor]) -> None:
        """Refuse sizes that are too large, and weights of an open size, unless values are left open on purpose."""
        if not self.checking:
            check_sizes(output, layer, tensors)

    def unknown_step(
        self, builder: Builder, stage: tree.Layer | tree.Call, name: str, inputs: tuple[Value, ...] = ()
    ) -> Value | None:
        """Append a step of which nothing is known, so that it has its row."""
        span = stage.span
        builder.add(Step(name, None, inputs, None, span, _one_line(span.text), stage.label is not None, builder.groups))
        if stage.label is not None:
            self.declare(builder, stage.label, None)
        return None

    def identity(self, builder: Builder, stage: tree.Layer, entering: Value | None) -> Value:
        """Elaborate `id`: the tensor as it came."""
        if stage.arguments:
            raise mistake("E008", "`id` takes no arguments", stage.arguments[0].span, help="a stage ends at `|`")
        if entering is None:
            raise Silent
        if stage.label is not None:
            self.declare(builder, stage.label, entering)
        return entering

    def refuse_unknown_stage(self, builder: Builder, stage: tree.Layer) -> None:
        """Raise the mistake of a stage whose word is no layer."""
        if stage.name.text == IDENTITY:
            return
        word = stage.name.text
        declarations = forms(word)
        if declarations and not declarations[0].combines and not declarations[0].holds_pipeline:
            return
        if declarations:
            raise mistake(
                "E020",
                f"{quoted(word)} combines branches, which stand in parentheses directly behind it",
                stage.span,
                self.combined(builder, stage),
                f"for example `{example(declarations[0])}`",
            )
        if word in FORMS:
            raise mistake(
                "E020",
                f"{quoted(word)} takes a pipeline in parentheses",
                stage.span,
                help=f"`{word}(conv 8@3 same)`",
            )
        self.excuse(builder)
        known = brought(word)
        guess = nearest(word, builder.visible()) or suggest(word)
        self.refuse_later(builder, stage.name)
        misplaced = self.misplaced(builder, word, stage.name.span)
        if misplaced is not None:
            raise misplaced
        argument = stage.arguments[0].span.text.strip("'\"") if stage.arguments else "..."
        if word == "activation":
            written = argument_in_our_words("", word, argument).removeprefix("| ")
            message = f"there is no layer {quoted(word)}: each activation is a layer of its own"
            raise mistake("E009", message, stage.span, f"write `{written}`" if stage.arguments else "write `relu`")
        if word in COMMANDS and not stage.arguments:
            help = f"`netdsl {word} FILE` is a command that takes the file; nothing of it stands inside"
            raise mistake("E009", f"there is no layer {quoted(word)}", stage.name.span, "leave it out", help)
        written, span = _in_our_words(stage)
        path, blocks = blocks_of_library(word) if not known else ("", ())
        path = path if blocks == (word,) or not guess else ""
        label = f"did you mean `{guess}`?" if guess and not path else ""
        help = "" if guess else "`netdsl layers` lists them all"
        if path:
            what = "a block of this name" if blocks == (word,) else f"the blocks {', '.join(blocks)}"
            help = f'`use "{path}"` brings {what}'
        if word == "output" and not stage.arguments:
            label = "leave it out: what leaves the last layer is the output"
        elif known == "in":
            label = "an input begins a pipeline: leave it out"
        elif written:
            label, help = f"write `{written}`", ""
        elif known:
            label = f"it is `{known}` here"
        raise mistake("E009", f"there is no layer {quoted(word)}", span, label, help)

    def combined(self, builder: Builder, stage: tree.Layer) -> str:
        """Return what to write for a combinator without parentheses, where that is plain: `add x`, `max 2`."""
        word, given = stage.name.text, [one.span.text for one in stage.arguments]
        named = [one for one in stage.arguments if isinstance(one, tree.Name)]
        if given and len(named) == len(given) and all(isinstance(builder.find(name), Held) for name in given):
            return f"write `{word}({', '.join(given if len(given) > 1 else ['id', *given])})`"
        written, _ = _in_our_words(stage)
        if written:
            return f"write `{written}`"
        if word in _POOLS and len(given) == 1 and isinstance(stage.arguments[0], (tree.Number, tree.Dims)):
            return f"write `pool {given[0]}{_POOLS[word]}`"
        return ""

    def split_at_missing_bars(self, builder: Builder, stage: tree.Layer) -> tuple[tree.Layer, ...]:
        """Report layers' names among the arguments of a layer: a `|` is missing before each. Return all layers."""
        words = [stage.name]
        for argument in stage.arguments:
            if isinstance(argument, tree.Name) and self.is_layer_among_arguments(builder, words[-1].text, argument):
                words.append(argument)
        first, *others = words
        if not others:
            return (stage,)
        word = others[0].text
        what = "block" if isinstance(builder.find(word), Block) else "layer"
        help = f"end the stage before it: `{first.text} ... | {brought(word) or word} ...`"
        if begins_line(others[0].span):
            help += "; a new line does not"
        behind = next((one for one in stage.arguments if one.span.start > others[0].span.start), None)
        taken = declared_arguments(forms(first.text)[0]) if forms(first.text) else {}
        if word in taken and isinstance(behind, (tree.Number, tree.Dims)):
            help = f"write `{word}={behind.span.text}` for the argument of {quoted(first.text)}; or {help}"
        found = Diagnostic(
            "E020",
            f"a `|` is missing before {quoted(word)}",
            others[0].span,
            f"{quoted(word)} is a {what}, not an argument of {quoted(first.text)}",
            help,
        )
        for other in others[1:]:
            found = with_another_place(found, other.span)
        self.report(found)
        cuts = [bisect(stage.arguments, word.span.start, key=lambda one: one.span.start) for word in others]
        layers = []
        for keyword, first_of, end in zip(words, (0, *cuts), (*(cut - 1 for cut in cuts), None), strict=True):
            inside = stage.arguments[first_of:end]
            span = keyword.span.to((inside[-1] if inside else keyword).span)
            layers.append(tree.Layer(span, keyword, tuple(inside), stage.label if keyword is words[-1] else None))
        return tuple(layers)

    def is_layer_among_arguments(self, builder: Builder, keyword: str, argument: tree.Name) -> bool:
        """Whether an argument of a layer is the word of another layer or of a block, and nothing that it takes."""
        declarations = forms(keyword)
        if is_word_of(declarations, argument.text):
            return False
        kinds = [taken.kind for form in declarations for taken in declared_arguments(form).values()]
        if TABLE in kinds:
            return False
        entry = builder.find(argument.text)
        if isinstance(entry, Block):
            return True
        is_brought = begins_line(argument.span) and brought(argument.text) is not None and foreign(argument) is None
        return entry is None and (bool(forms(argument.text)) or is_brought)

    def step_name(self, builder: Builder, keyword: str, label: tree.Name | None) -> str:
        """Return the author's name of a step, else the next one of its keyword that no label in the file uses."""
        return builder.unused(label.text if label is not None else builder.next_name(keyword))

    # Groups and repeats

    def group(self, builder: Builder, stage: tree.Group, entering: Value | None) -> Value | None:
        """Elaborate `( ... )`, once in place or as a repeat."""
        if stage.count is None:
            return self.plain_group(builder, stage, entering)
        names = StageNames(self, builder, entering, place="repeat.count")
        count = evaluate(stage.count, names)
        if isinstance(count, Word):
            raise undefined(count, stage.count, names)
        try:
            count = whole(0)(count)
        except Unfit as reason:
            raise mistake(
                "E008",
                f"a repeat is done a whole number of times, at least 0, but {reason}",
                stage.count.span,
                help="for example `(conv 8@3 same | relu) * 3`",
            ) from None
        if not isinstance(count, int):
            return self.open_repeat(builder, stage, count, entering)
        return self.repeat(builder, stage, count, entering)

    def open_repeat(
        self, builder: Builder, stage: tree.Group, count: Expression, entering: Value | None
    ) -> Value | None:
        """Elaborate a repeat whose count symbols leave open: one copy is checked."""
        assert stage.count is not None
        if not self.checking:
            raise Mistake(_undecided(Undecided(count.symbols), stage.count.span))
        return self.repeat(builder, stage, 1, entering)

    def plain_group(
        self, builder: Builder, stage: tree.Group | tree.Call, entering: Value | None, body: tree.Branch | None = None
    ) -> Value | None:
        label = stage.label
        group = Group(builder.unused(label.text), stage.span) if label is not None else None
        with builder.group(group):
            value = self.branch(builder, stage.body if isinstance(stage, tree.Group) else body, entering)  # type: ignore[arg-type]
        if label is not None:
            self.declare(builder, label, value)
        return value

    def repeat(self, builder: Builder, stage: tree.Group, count: int, entering: Value | None) -> Value | None:
        """Elaborate copies until one leaves what it got; the rest are the same one."""
        if self.is_closed(builder, stage.body):
            raise mistake(
                "E027",
                "a repeat is of something that takes a tensor, and this begins with one",
                stage.body.span,
                help="put `id` or a layer first, or write the copies as branches: `concat(a, b)`",
            )
        x = builder.tensor(entering)
        name = self.step_name(builder, "repeat", stage.label)
        copies: list[tuple[Builder, Value | None, int]] = []
        remaining = count
        while remaining > 0:
            copy = Builder(builder, [x], builder.declarations)
            copy.outer.append(0 if entering is None else entering)
            end, place = stage.span.end, count - remaining + 1
            last = Span(stage.span.source, end - 1, end)
            with self.in_copy(Related(last, f"in copy {place} of this repeat") if place > 1 else None):
                output = self.branch(copy, stage.body, 0 if x is not None else None)
            leaves = copy.tensor(output)
            same_as_before = x is not None and leaves == x
            times = remaining if same_as_before or leaves is None else 1
            if output != 0:  # else nothing but `id`
                copies.append((copy, output, times))
            remaining -= times
            x = leaves
        if not copies or entering is None:
            if stage.label is not None:
                self.declare(builder, stage.label, entering)
            if entering is None:
                raise Silent
            return entering
        # all copies get the same tensors, whichever of them each one reads
        taken = tuple(dict.fromkeys(value for copy, output, _ in copies for value in copy.taken_by(output)))
        runs = tuple(Run(copy.finish(output, taken), times) for copy, output, times in copies)
        does, inputs, text = Repeat(runs), (entering, *taken), f"( ... ) * {count}"
        named, groups = stage.label is not None, builder.groups
        value = builder.add(Step(name, does, inputs, x, stage.span, text, named, groups, builder.is_frozen))
        if stage.label is not None:
            self.declare(builder, stage.label, value if x is not None else None)
        return value if x is not None else None

    # Combinators

    def call(self, builder: Builder, stage: tree.Call, entering: Value | None) -> Value | None:
        """Elaborate a combinator, `residual` or `freeze`."""
        word = stage.name.text
        if word == RESIDUAL:
            return self.residual(builder, stage, entering)
        if word == FREEZE:
            return self.freeze(builder, stage, entering)
        declarations = forms(word)
        if declarations and declarations[0].branches:
            branches, arguments = self.branches(builder, stage, entering)
            if len(branches) not in declarations[0].branches:
                wanted = " or ".join(map(str, declarations[0].branches))
                raise mistake(
                    "E008",
                    f"{quoted(word)} takes {wanted} branches, and here {'is' if len(branches) == 1 else 'are'} "
                    f"{len(branches)}",
                    stage.span,
                    help="one goes with what enters, as in `attention(memory) 8`; three are queries, keys and values",
                )
            if len(branches) < max(declarations[0].branches):
                branches = [(entering, stage.name.span), *branches]
            return self.combine(builder, stage, stage.name, branches, (*arguments, *stage.arguments), entering)
        if declarations and declarations[0].holds_pipeline:
            return self.experts(builder, stage, entering)
        if not declarations or not declarations[0].combines:
            raise self.not_a_combinator(builder, stage)
        branches, arguments = self.branches(builder, stage, entering)
        return self.combine(builder, stage, stage.name, branches, (*arguments, *stage.arguments), entering)

    def experts(self, builder: Builder, stage: tree.Call, entering: Value | None) -> Value | None:
        """Elaborate `moe( ... )`: copies of a pipeline that is applied to each position by itself."""
        from .layers.moe import Moe

        name = self.step_name(builder, stage.name.text, stage.label)
        pipelines = [item for item in stage.items if not isinstance(item, (tree.Keyword, tree.Each))]
        if len(pipelines) != 1 or any(isinstance(item, tree.Each) for item in stage.items):
            raise mistake(
                "E008",
                f"{quoted(stage.name.text)} takes one pipeline, of which all experts are copies",
                stage.span,
                help=f"for example `{example(forms(stage.name.text)[0])}`",
            )
        written = (*(item for item in stage.items if isinstance(item, tree.Keyword)), *stage.arguments)
        names = StageNames(self, builder, entering, place=name)
        bound = bind(stage.name, forms(stage.name.text), written, names)
        assert isinstance(bound.layer, Moe)
        x = builder.tensor(entering)
        if x is None or entering is None:
            return self.unknown_step(builder, stage, name)
        inner = Builder(builder, [bound.layer.position(x)], builder.declarations)
        inner.outer.append(entering)
        output = self.open(inner, pipelines[0], "an expert")
        if len(inner.inputs) > 1:
            raise mistake(
                "E027",
                "an expert sees one position at a time, and no tensor from outside",
                pipelines[0].span,
                help="join the two before: `concat(id, other) | moe( ... ) experts=8`",
            )
        made = inner.tensor(output)
        if made is None:
            return self.unknown_step(builder, stage, name, (entering,))
        try:
            check_input(bound.layer, [x])
            leaving = bound.layer.output(x, made)
            self.check_sizes(leaving, bound.layer, [x])
        except Refused as refused:
            self.report(refusal(builder, refused, stage.span, (entering,), bound.spans, self.copy))
            return self.unknown_step(builder, stage, name, (entering,))
        does, text, is_named = Experts(bound.layer, inner.finish(output)), _one_line(stage.span.text), bool(stage.label)
        value = builder.add(
            Step(name, does, (entering,), leaving, stage.span, text, is_named, builder.groups, builder.is_frozen)
        )
        if stage.label is not None:
            self.declare(builder, stage.label, value)
        return value

    def freeze(self, builder: Builder, stage: tree.Call, entering: Value | None) -> Value | None:
        """Elaborate `freeze( ... )`: the weights of what stands in it are not trained."""
        only = stage.items[0] if len(stage.items) == 1 else None
        if only is None or isinstance(only, (tree.Keyword, tree.Each)) or stage.arguments:
            spare = (*stage.items[1:], *stage.arguments)
            wrong = spare[0].span if spare else stage.span
            raise mistake(
                "E008", "`freeze` takes one pipeline and nothing else", wrong, help="`freeze(conv 8@3 | relu)`"
            )
        outside, builder.is_frozen = builder.is_frozen, True
        try:
            return self.plain_group(builder, stage, None if self.is_closed(builder, only) else entering, only)
        finally:
            builder.is_frozen = outside

    def not_a_combinator(self, builder: Builder, stage: tree.Call) -> Mistake:
        word = stage.name.text
        self.excuse(builder)
        if forms(word) or isinstance(builder.find(word), Block):
            inner = ", ".join(with_sizes_joined(item.span.text) for item in stage.items)
            what = "layer" if forms(word) else "block"
            combinator = forms(word)[0].of_branches if forms(word) else ""
            if combinator and len(stage.items) > 1:
                return mistake(
                    "E020",
                    f"{quoted(word)} takes one tensor, and for branches there is `{combinator}`",
                    stage.span,
                    help=f"write `{_one_line(f'{combinator}({inner})')}`",
                )
            others = [item for item in stage.items if not isinstance(item, tree.Keyword)]
            written = in_our_words(word, word, _keywords(stage))
            if len(others) == 1 and not isinstance(others[0], tree.Each) and self.is_closed(builder, others[0]):
                message = f"what enters {quoted(word)} stands before it, and a `|` between them"
                return mistake("E020", message, stage.span, f"write `{_one_line(others[0].span.text)} | {written}`")
            if not others:
                inner = written.removeprefix(word).strip()
            return mistake(
                "E020",
                f"{quoted(word)} is a {what}, and takes its arguments without parentheses",
                stage.span,
                help=f"write `{f'{word} {inner}'.strip()}`" if len(inner) < 40 else f"write `{word} ...`",
            )
        combinators = [keyword for keyword in keywords() if forms(keyword)[0].combines]
        guess = brought(word) or nearest(word, (*combinators, *FORMS)) or suggest(word)
        return mistake(
            "E009",
            f"there is no combinator {quoted(word)}",
            stage.name.span,
            f"did you mean `{guess}`?" if guess else "",
            f"the combinators are {', '.join((*combinators, *FORMS))}",
        )

    def branches(
        self, builder: Builder, stage: tree.Call, entering: Value | None
    ) -> tuple[list[tuple[Value | None, Span]], tuple[tree.Keyword, ...]]:
        """Elaborate the branches of a combinator; return their tensors, and the keywords among them."""
        found: list[tuple[Value | None, Span]] = []
        keywords_: list[tree.Keyword] = []
        # `add (a, b)`: the parser has said that the blank is wrong, and names like `a` are told of once it is gone
        was_mended = not stage.span.text.startswith(f"{stage.name.text}(")
        for item in stage.items:
            if isinstance(item, tree.Keyword):
                keywords_.append(item)
            elif isinstance(item, tree.Each):
                found.extend(self.each(builder, item, entering))
            elif was_mended and self.is_unknown_name(builder, item):
                found.append((None, item.span))
            else:
                found.append((self.in_branch(builder, item, entering), _last_stage(item)))
        return found, tuple(keywords_)

    def is_unknown_name(self, builder: Builder, branch: tree.Branch) -> bool:
        """Whether a branch is a bare word that names nothing."""
        only = branch.stages[0] if isinstance(branch, tree.Pipeline) and len(branch.stages) == 1 else None
        if not isinstance(only, tree.Layer) or only.arguments:
            return False
        return builder.find(only.name.text) is None and not forms(only.name.text) and only.name.text != IDENTITY

    def in_branch(self, builder: Builder, branch: tree.Branch, entering: Value | None) -> Value | None:
        """Elaborate a branch: an open one takes the tensor that enters, a closed one ignores it."""
        closed = self.is_closed(builder, branch)
        if entering is None:
            value = self.branch(builder, branch, None)
            return value if closed else None
        outside, builder.around = builder.around, entering
        try:
            return self.branch(builder, branch, None if closed else entering)
        finally:
            builder.around = outside

    def each(self, builder: Builder, each: tree.Each, entering: Value | None) -> list[tuple[Value | None, Span]]:
        """Elaborate a branch for each item of a list."""
        found = []
        for number, names in enumerate(self.items(builder, each, entering), 1):
            word = f"{each.label.text}_{number}" if each.label is not None else ""
            scope, group = builder.frame(names, False), builder.group(Group(word, each.span) if word else None)
            with scope, group, self.in_copy(_copy_of(each, number, names)):
                value = self.in_branch(builder, each.body, entering)
            if each.label is not None:
                self.declare(builder, tree.Name(each.label.span, word), value)
            found.append((value, _last_stage(each.body)))
        return found

    def residual(self, builder: Builder, stage: tree.Call, entering: Value | None) -> Value | None:
        """Elaborate `residual(P)`: add(P, id), or P alone where `when=` is false."""
        when: bool | Condition = True
        for argument in (*stage.arguments, *(item for item in stage.items if isinstance(item, tree.Keyword))):
            if not isinstance(argument, tree.Keyword) or argument.name.text != "when":
                cure = "for example `residual(conv 8@3 same) when=(channels == 8)`"
                raise mistake("E009", "`residual` knows only `when=`", argument.span, "leave it out", cure)
            when = truth(argument.value, StageNames(self, builder, entering, place="residual.when"))
            if not isinstance(when, bool):
                self.check_open_residual(when, argument.value.span)
        branches, _ = self.branches(builder, stage, entering)
        if len(branches) != 1:
            raise mistake(
                "E008",
                f"`residual` takes one pipeline, and here are {len(branches)}",
                stage.span,
                help="stages in a row are joined by `|`; branches beside each other are `add(a, b, id)`",
            )
        if not isinstance(when, bool):
            return self.open_residual(builder, stage, when, branches[0][0], entering)
        if not when:
            value = branches[0][0]
            if stage.label is not None:
                self.declare(builder, stage.label, value)
            return value
        self.refuse_other_shape(builder, stage, branches[0], entering)
        word = tree.Name(stage.name.span, "add")
        return self.combine(builder, stage, word, [*branches, (entering, stage.name.span)], (), entering)

    def check_open_residual(self, when: Condition, span: Span) -> None:
        """Raise the mistake of a `when=` that symbols leave open."""
        raise Silent if self.checking else Mistake(_undecided(Undecided(when.symbols), span))

    def open_residual(
        self, builder: Builder, stage: tree.Call, when: Condition, branch: Value | None, entering: Value | None
    ) -> Value | None:
        """Elaborate a residual that symbols leave open; here nothing has come so far."""
        raise Silent

    def refuse_other_shape(
        self, builder: Builder, stage: tree.Call, branch: tuple[Value | None, Span], entering: Value | None
    ) -> None:
        """Raise the mistake of a residual whose branch does not leave what it can be added to."""
        leaving, entered = builder.tensor(branch[0]), builder.tensor(entering)
        if leaving is None or entered is None:
            return
        try:
            forms("add")[0]().output(leaving, entered)
        except Refused:
            fits = f"conv {leaving.channels}@1" if leaving.rank == 3 else f"linear {leaving.channels}"
            cure = f"end the branch with {entered.channels} channels, or write both sides: `add(..., {fits})`"
            if leaving.positions != entered.positions:
                cure = "use `same` padding and no stride in the branch, or write both sides: `add(..., pool 2)`"
            raise mistake(
                "E004",
                f"`residual` adds what leaves its branch, {leaving}, to what entered, {entered}",
                stage.name.span,
                f"{entered} enters",
                cure,
                Related(branch[1], f"{leaving} leaves here"),
            ) from None

    def combine(
        self,
        builder: Builder,
        stage: tree.Call,
        word: tree.Name,
        branches: list[tuple[Value | None, Span]],
        arguments: tuple[tree.Argument, ...],
        entering: Value | None,
    ) -> Value | None:
        """Append the layer that joins branches."""
        name = self.step_name(builder, word.text, stage.label)
        bound = bind(word, forms(word.text), arguments, StageNames(self, builder, entering, place=name))
        values = tuple(value for value, _ in branches if value is not None)
        if len(values) < len(branches):
            self.unknown_step(builder, stage, name, values)
            return None
        spans = {**bound.spans, **{str(n): span for n, (_, span) in enumerate(branches)}}
        return self.step(builder, stage, name, bound.layer, values, spans)


_program_of_library = cache(parse)  # of which there are only so many


@kept
def _of_kind(declaration: type[Layer], kind: Kind) -> tuple[str, ...]:
    """Return the names of a layer's arguments of a kind."""
    return tuple(name for name, argument in declared_arguments(declaration).items() if argument.kind is kind)


def _in_our_words(stage: tree.Layer) -> tuple[str, Span]:
    """Return what is to be written for a stage of another language, and instead of which text.

    Empty where its word alone is another one here: `conv2d 8 3`, `batch norm`, `conv3x3 32`.
    """
    word, arguments, flags = stage.name.text, stage.arguments, []
    given: list[tuple[str, str]] = []
    behind = arguments[0].text if arguments and isinstance(arguments[0], tree.Name) else ""
    joined = next((both for both in (f"{word}_{behind}", f"{behind}_{word}") if behind and brought(both)), "")
    if joined:
        word, arguments = joined, arguments[1:]
    windowed = re.fullmatch(r"([a-z_]+?)_?([0-9](?:x[0-9])?)", word)
    if windowed and any("kernel" in declared_arguments(form) for form in forms(windowed[1])) and not brought(word):
        word = windowed[1]
        given.append(("kernel_size", windowed[2]))
    known = brought(word)
    if known is None or known == "in":
        return "", stage.name.span
    for argument in arguments:
        value = argument.value if isinstance(argument, tree.Keyword) else argument
        if isinstance(argument, tree.Name) and is_word_of(forms(known.split()[0]), argument.text):
            flags.append(argument.text)
        elif isinstance(value, (tree.Number, tree.Dims)) or (value is not argument and isinstance(value, tree.Name)):
            given.append((argument.name.text if isinstance(argument, tree.Keyword) else "", value.span.text))
        else:
            return "", stage.name.span
    if windowed and len([name for name, _ in given if not name]) > 1:
        return "", stage.name.span
    written = " ".join((in_our_words(word, known, given), *flags))
    if windowed and not arguments and "=" in written:
        return f"{word} 64@{windowed[2]}", stage.name.span
    if not (joined or windowed) and written in (known, f"{known} {' '.join(one.span.text for one in arguments)}"):
        return "", stage.name.span
    return written, stage.name.span.to((stage.arguments or (stage.name,))[-1].span)


def _named(layer: Layer, kind: Kind) -> list[NamedTensor]:
    """Return the tensors that arguments of a kind name."""
    values = [getattr(layer, name) for name in _of_kind(type(layer), kind)]
    return [value for value in values if value is not None]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _are(what: str, names: Collection[str]) -> str:
    """Return a sentence that says which ones there are."""
    if len(names) < 2:
        return f"the {what} is {_listed(names)}" if names else f"there is no {what}"
    return f"the {what}s are {_listed(names)}"


def _sort(value: ArgumentValue) -> str:
    """Return what a constant stands for; a list of numbers may stand where a number does."""
    if isinstance(value, (bool, Condition)):
        return "a truth value"
    return "a number or a list" if is_number(value) or isinstance(value, tuple) else "a word"


def _tensor_in(value: ArgumentValue) -> str:
    """Return the name of a tensor that a value is or holds."""
    if isinstance(value, tuple):
        return next(filter(None, map(_tensor_in, value)), "")
    return value.name if isinstance(value, NamedTensor) else ""


def _label_of(stage: tree.For | tree.Each) -> Span:
    return stage.span if stage.label is None else stage.label.span


def _refuse_upper_case(name: tree.Name) -> None:
    """Raise the mistake of a name that is declared in upper case."""
    if name.text.isupper():
        raise mistake(
            "E009",
            f"{quoted(name.text)} is in upper case, which is for symbolic sizes",
            name.span,
            help=f"write `{name.text.lower()}`",
        )


def _copy_of(stage: tree.For | tree.Each, number: int, names: dict[str, Entry]) -> Related:
    """Return what messages say of a copy of `for` or `each`."""
    values = (f"`{name}` is {show(given.value)}" for name, given in names.items() if isinstance(given, Given))
    return Related(stage.items.span, f"in copy {number}, where {', '.join(values)}")


def _moved_in(value: ArgumentValue, builder: Builder, inner: Builder) -> ArgumentValue:
    """Return an argument as it is inside a block: tensors in it become inputs of its body."""
    if isinstance(value, NamedTensor):
        inner.inputs.append(builder.tensor(value.value))
        inner.outer.append(value.value)
        return evolve(value, value=len(inner.inputs) - 1)
    if isinstance(value, tuple):
        return tuple(_moved_in(item, builder, inner) for item in value)
    return value


def _key(value: ArgumentValue) -> Any:
    """Return what tells a value from others; `true` is not 1."""
    if isinstance(value, NamedTensor):
        return NamedTensor, value.value, value.maker is not None
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    return type(value), value


def _nested_too_deep(span: Span) -> Diagnostic:
    return Diagnostic("E026", "blocks and parentheses are nested too deep", span, help="use fewer levels of them")


def _only_declares_an_input(statement: tree.Output) -> bool:
    """Whether a bare pipeline is nothing but `in ... as x`."""
    if statement.keyword or not isinstance(statement.body, tree.Pipeline) or len(statement.body.stages) > 1:
        return False
    only = statement.body.stages[0]
    if not isinstance(only, tree.Layer) or only.label is None:
        return False
    return any(form.is_source for form in forms(only.name.text))


def _no_network(source: Source, message: str, cure: str, span: Span | None = None) -> Diagnostic:
    usual = "a network begins with the shape of one example, as in `in 28x28x1 | conv 8@3 | dense 10`"
    return Diagnostic("E025", message, span or Span(source, 0, 0), help=cure or usual)


def _undecided(open_question: Undecided, span: Span) -> Diagnostic:
    names = " and ".join(f"`{name}`" for name in sorted(open_question.symbols))
    return Diagnostic(
        "E030",
        f"{names} must be known here",
        span,
        "a number is needed",
        f"give {names} a number where the input is declared, or by `--set {sorted(open_question.symbols)[0]}=128`",
    )


def _last_stage(branch: tree.Branch) -> Span:
    """Return the place of the stage that a branch ends with."""
    return branch.stages[-1].span if isinstance(branch, tree.Pipeline) else branch.span


def _keywords(stage: tree.Call) -> list[tuple[str, str]]:
    """Return what stands by name between the parentheses of a combinator: each name, and its value as written."""
    return [(item.name.text, item.value.span.text) for item in stage.items if isinstance(item, tree.Keyword)]


def _one_line(text: str) -> str:
    """Return a text on one line; comments in it end at their own."""
    if "\n" not in text:
        return text
    return " ".join(line.split("#", 1)[0].strip() for line in text.splitlines()).strip()
