"""Blocks on symbols: one body for many uses of a block, with its conditions kept; and what one of the uses makes of it.

A file can be had so too, for all values of its constants.

A question that symbols leave open raises Undecided, and a body that cannot be had on symbols raises NotGeneral.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import index
from typing import Any

from .diagnostics import Diagnostic
from .elaborate import MOST_STAGES, Elaborator, StageNames
from .expressions import evaluate
from .layer import Layer, Refused, Tensor, arguments
from .layers import forms
from .network import Body, Experts, If, Network, Repeat, Run, Step, Use, Value
from .options import Options
from .record import evolve, frozen
from .scope import Block, Builder, Given
from .size import Condition, Expression, TooLarge, Undecided, bounds, choose, known, negate, substitute, symbols
from .source import Span
from .syntax import tree
from .values import NamedTensor
from .values import Value as ArgumentValue


@frozen
class OpenWord:
    """The value of a parameter that names one of some layers without weights, and leaves open which."""

    name: str
    """Of the symbol that it is."""
    layers: tuple[tuple[str, Layer], ...]
    """What each word stands for."""


@frozen
class OpenLayer(Layer):
    """The layer that an open word names."""

    keyword = "word"
    elementwise = True

    word: OpenWord

    def output(self, x: Tensor) -> Tensor:
        return x


CONSTANT = "const."
"""How the name of the symbol begins that stands for a constant."""


def constants_in(value: Any) -> frozenset[str]:
    """Return the symbols in a value that stand for constants."""
    return frozenset(name for name in symbols(value) if name.startswith(CONSTANT))


def _refuse_constants(condition: Condition) -> None:
    """Ask for the constants in a condition: a network has the layers that its constants decide on, and no others."""
    if constants_in(condition):
        raise Undecided(constants_in(condition))


class NotGeneral(Exception):
    """A block cannot be elaborated on symbols: a rule refuses what holds for each of its uses."""


class TooManyStages(NotGeneral):
    """A block expands to more stages than were allowed, on whatever it is tried."""


def body_on(
    block: Block,
    options: Options,
    tensors: tuple[Tensor, ...],
    given: Mapping[str, ArgumentValue],
    most_stages: int = MOST_STAGES,
) -> tuple[Body, dict[str, ArgumentValue]]:
    """Return the body of a block on what enters, and the values of its parameters; those not given have defaults.

    Tensors behind the first are those that arguments name, by their place among them. Raises Undecided or NotGeneral.
    """
    elaborator = _Symbolic(block.span.source, options)
    elaborator.stages = MOST_STAGES - most_stages
    inner = Builder(None, tensors, block.home, block.order)
    inner.outer.extend(range(len(tensors)))
    values: dict[str, ArgumentValue] = {}
    try:
        for parameter in block.parameters:
            word = parameter.name.text
            if word in given:
                values[word] = given[word]
            else:
                assert parameter.default is not None, "what has no default is given"
                names = StageNames(elaborator, inner, 0, place=f"{block.name}.{word}")
                values[word] = evaluate(parameter.default, names)
            inner.frames[0].names[word] = Given(values[word], parameter.name.span)
        output = elaborator.inside(block, inner)
    except TooLarge as reason:
        raise NotGeneral(str(reason)) from None
    except NotGeneral:
        if elaborator.stages > MOST_STAGES:
            raise TooManyStages(block.name) from None
        raise
    if output is None:
        raise NotGeneral(block.name)
    return inner.finish(output), values


class _Side(Builder):
    """The body of a side of an `if`, in which the condition holds: what it says of symbols is put in."""

    def __init__(self, parent: Builder, entering: Value, condition: bool | Condition) -> None:
        self.facts = known(condition)
        x = parent.tensor(entering)
        super().__init__(parent, [self.with_facts(x)], parent.declarations)
        self.outer.append(entering)
        self.around = 0

    def with_facts(self, x: Tensor | None) -> Tensor | None:
        """Return a tensor of the parent as the condition makes it."""
        return None if x is None else x.resized(*substitute(x.sizes, self.facts))

    def take(self, outside: Value) -> Value:
        is_new = outside not in self.taken
        place = super().take(outside)
        if is_new:
            self.inputs[place] = self.with_facts(self.inputs[place])
        return place

    def taken_values(self, value: ArgumentValue) -> ArgumentValue:
        return substitute(super().taken_values(value), self.facts)


class _Symbolic(Elaborator):
    """A walk in which conditions and counts may stay open."""

    def report(self, diagnostic: Diagnostic) -> None:
        if diagnostic.severity == "error":
            raise NotGeneral(diagnostic.message)

    def report_undecided(self, open_question: Undecided, span: Span) -> None:
        raise Undecided(open_question.symbols)

    def report_too_large(self, reason: TooLarge, span: Span) -> None:
        raise NotGeneral(str(reason))

    def check_sizes(self, output: Tensor, layer: Layer, tensors: list[Tensor]) -> None:
        """Take sizes as they are: on the numbers of each use they have been checked."""

    def check_side(self, builder: Builder, side: tree.Branch, entering: Value | None) -> Tensor | None:
        """Leave the side that is not taken alone: it has been checked where the block was used."""
        return None

    def layer(self, builder: Builder, stage: tree.Layer, entering: Value | None) -> Value | None:
        """Elaborate a layer, or what an open word names."""
        entry = builder.find(stage.name.text)
        if not isinstance(entry, Given) or not isinstance(entry.value, OpenWord) or entering is None:
            return super().layer(builder, stage, entering)
        name = self.step_name(builder, stage.name.text, stage.label)
        return self.step(builder, stage, name, OpenLayer(entry.value), (entering,), {})

    def check_open_residual(self, when: Condition, span: Span) -> None:
        """Let `when=` be open."""

    def open_items(self, stage: tree.For | tree.Each, items: Expression) -> list[tuple[Any, ...]]:
        raise Undecided(items.symbols)

    def open_conditional(
        self, builder: Builder, branch: tree.Conditional, condition: Condition, entering: Value | None
    ) -> Value | None:
        """Append both sides of an `if` as bodies of their own."""
        _refuse_constants(condition)
        x = builder.around if entering is None else entering
        if x is None:
            raise Undecided(condition.symbols)
        sides = []
        for holds, side in ((condition, branch.first), (negate(condition), branch.second)):
            inner = _Side(builder, x, holds)
            closed = self.is_closed(inner, side)
            if entering is None and not closed:
                raise Undecided(condition.symbols)
            output = self.branch(inner, side, None if closed else 0)
            if output is None:
                raise NotGeneral(branch.span.text)
            sides.append((inner, output))
        return self.append_if(builder, condition, x, sides, branch.span)

    def open_residual(
        self, builder: Builder, stage: tree.Call, when: Condition, branch: Value | None, entering: Value | None
    ) -> Value | None:
        """Append the sum that is only there under a condition, and without which the branch stands alone."""
        if branch is None or entering is None:
            raise NotGeneral(stage.span.text)
        _refuse_constants(when)
        sides = []
        for holds in (when, negate(when)):
            inner = _Side(builder, branch, holds)
            output: Value = 0
            if holds is when:
                add, taken = forms("add")[0](), (0, inner.take(entering))
                tensors = [inner.tensor(value) for value in taken]
                text = stage.name.text
                try:
                    leaving = add.output(*tensors)
                except Refused:
                    raise Undecided(when.symbols) from None
                output = inner.add(Step(text, add, taken, leaving, stage.span, text))
            sides.append((inner, output))
        value = self.append_if(builder, when, branch, sides, stage.span)
        if stage.label is not None:
            self.declare(builder, stage.label, value)
        return value

    def append_if(
        self, builder: Builder, condition: Condition, x: Value, sides: list[tuple[_Side, Value]], span: Span
    ) -> Value:
        """Append a step that is one of two bodies."""
        (first, yes), (second, no) = sides
        taken = tuple(dict.fromkeys(value for side, output in sides for value in side.taken_by(output)))
        leaving, other = first.tensor(yes), second.tensor(no)
        assert leaving is not None and other is not None, "what leaves a side is known"
        if (leaving.rank, leaving.dtype, leaving.per_example) != (other.rank, other.dtype, other.per_example):
            raise Undecided(condition.symbols)
        sizes = (choose(condition, a, b) for a, b in zip(leaving.sizes, other.sizes, strict=True))
        does = If(condition, first.finish(yes, taken), second.finish(no, taken))
        name, inputs = builder.unused(builder.next_name("if")), (x, *taken)
        groups, is_frozen = builder.groups, builder.is_frozen
        return builder.add(
            Step(name, does, inputs, leaving.resized(*sizes), span, "", groups=groups, is_frozen=is_frozen)
        )

    def open_repeat(
        self, builder: Builder, stage: tree.Group, count: Expression, entering: Value | None
    ) -> Value | None:
        """Append a repeat of an open number of copies: the first one, then equal ones."""
        if entering is None or self.is_closed(builder, stage.body):
            raise NotGeneral(stage.span.text)
        copies: list[tuple[Builder, Value]] = []
        x = builder.tensor(entering)
        name = self.step_name(builder, "repeat", stage.label)
        while len(copies) < 2:
            copy = Builder(builder, [x], builder.declarations)
            copy.outer.append(entering)
            output = self.branch(copy, stage.body, 0)
            if output is None:
                raise NotGeneral(stage.span.text)
            copies.append((copy, output))
            entered, x = x, copy.tensor(output)
            if x == entered:
                break
        (_, output), *others = copies
        if output == 0 and not others:
            return entering
        if x != entered or (others and bounds(count)[0] < 1):
            raise Undecided(count.symbols)
        taken = tuple(dict.fromkeys(value for copy, output in copies for value in copy.taken_by(output)))
        bodies = [copy.finish(output, taken) for copy, output in copies]
        runs = (Run(bodies[0], count),) if not others else (Run(bodies[0], 1), Run(bodies[1], count - 1))
        text, named = f"( ... ) * {count}", stage.label is not None
        step = Step(name, Repeat(runs), (entering, *taken), x, stage.span, text, named, builder.groups)
        value = builder.add(evolve(step, is_frozen=builder.is_frozen))
        if stage.label is not None:
            self.declare(builder, stage.label, value)
        return value


class _OpenFile(_Symbolic):
    """A walk over a file whose constants may stay open."""

    def __init__(self, network: Network, constant: Callable[[str, ArgumentValue], ArgumentValue]) -> None:
        super().__init__(network.source, network.options)
        self.value_of_constant = constant

    def constant_value(self, name: str, value: ArgumentValue) -> ArgumentValue:
        return self.value_of_constant(name, value)

    def check_unused_blocks(self, builder: Builder) -> None:
        """Leave them alone: they have been checked, and are not in the network."""


def network_on(network: Network, constant: Callable[[str, ArgumentValue], ArgumentValue]) -> Network:
    """Return a network as it is where its constants are what `constant` makes of their names and values.

    One without numbers among its constants is the same. Raises Undecided or NotGeneral.
    """
    if network.program is None:
        return network
    try:
        return _OpenFile(network, constant).file(network.program, network.name)[0]
    except TooLarge as reason:
        raise NotGeneral(str(reason)) from None


# What a use makes of a body on symbols


class Differs(Exception):
    """A body on symbols, with the values of a use put in, is not the body of that use."""


@frozen(eq=False)
class Instance:
    """A body on symbols at one of the uses that it stands for: the values there, and the steps that its own become."""

    body: Body
    at: Body
    steps: Mapping[Step, Step]
    """The step of `at` for each layer, block and repeat of `body` that is there; sides of an `if` included."""
    matching: Matching

    def holds(self, condition: Any) -> bool:
        """Whether a condition holds here."""
        return bool(self.matching.put_in(condition))

    def number(self, size: Any) -> int:
        """Return what a size is here."""
        return index(self.matching.put_in(size))

    def has(self, step: Step, weight: str) -> bool:
        """Whether a layer has a weight that an argument may leave out."""
        layer, tensors = self.steps[step].does, tuple(map(self.at.tensor, self.steps[step].inputs))
        if isinstance(layer, Experts):
            return True
        assert isinstance(layer, Layer)
        return any(known.name == weight and known.present is True for known in layer.weights(*tensors))

    def copies(self, step: Step) -> list[tuple[int, int, Instance]]:
        """Return the copies of a repeat in rows of equal ones: the first's number from 0, how many, and what they are.

        A row ends where the copies of either body do.
        """
        here = self.steps.get(step)
        if here is None:
            return []
        assert isinstance(step.does, Repeat) and isinstance(here.does, Repeat)
        return self.matching.copies(step.does, here.does)

    def copies_of(self, step: Step, body: Body) -> list[tuple[int, int, Instance]]:
        """Return those copies of a repeat that have one of its bodies."""
        here = self.steps.get(step)
        if here is None:
            return []
        assert isinstance(step.does, Repeat) and isinstance(here.does, Repeat)
        return self.matching.copies_by_body(step.does, here.does).get(body, [])


class Matching:
    """Bodies on symbols beside those on numbers that they become with some values put in."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.known: dict[tuple[Body, Body], Instance] = {}
        self.rows: dict[tuple[Repeat, Repeat], dict[Body, list[tuple[int, int, Instance]]]] = {}
        self.results: dict[Any, Any] = {}

    def put_in(self, value: Any) -> Any:
        """Return a size, condition or argument as the values make it."""
        if type(value) is int or not isinstance(value, (tuple, Expression, Condition)):
            return value
        if value not in self.results:  # most steps of a body have the same sizes
            self.results[value] = substitute(value, self.values)
        return self.results[value]

    def instance(self, body: Body, at: Body) -> Instance:
        """Return a body on symbols as it is where it has the body `at`. Raises Differs where that is another one."""
        if (body, at) not in self.known:
            steps: dict[Step, Step] = {}
            if body is at:
                steps = {step: step for step in body.steps}
            else:
                _Walk(self, at, steps).whole(body)
            self.known[body, at] = Instance(body, at, steps, self)
        return self.known[body, at]

    def copies_by_body(self, mine: Repeat, other: Repeat) -> dict[Body, list[tuple[int, int, Instance]]]:
        """Return the copies of two repeats by the body of the first."""
        if (mine, other) not in self.rows:  # it is asked for each of the bodies
            rows = self.rows[mine, other] = {}
            for row in self.copies(mine, other):
                rows.setdefault(row[2].body, []).append(row)
        return self.rows[mine, other]

    def copies(self, mine: Repeat, other: Repeat) -> list[tuple[int, int, Instance]]:
        """Return the copies of two repeats in rows of equal ones. Raises Differs where they are not the same."""
        left = [(index(self.put_in(run.times)), run.body) for run in mine.runs]
        right = [(run.count, run.body) for run in other.runs]
        if sum(times for times, _ in left) != sum(times for times, _ in right):
            raise Differs("the number of copies")
        found, first = [], 0
        left.reverse()
        right.reverse()
        while left and right:
            (times, body), (others, at) = left.pop(), right.pop()
            least = min(times, others)
            if least:
                found.append((first, least, self.instance(body, at)))
                first += least
            if times > least:
                left.append((times - least, body))
            if others > least:
                right.append((others - least, at))
        return found


class _Walk:
    """A walk over a body on symbols beside one on numbers."""

    def __init__(self, matching: Matching, at: Body, steps: dict[Step, Step]) -> None:
        self.matching = matching
        self.at = at
        self.next = 0
        self.steps = steps

    def whole(self, body: Body) -> None:
        """Compare two bodies. Raises Differs."""
        if len(body.inputs) != len(self.at.inputs):
            raise Differs("the number of tensors that enter")
        for mine, other in zip(body.inputs, self.at.inputs, strict=True):
            self.compare(mine, other)
        places = self.side(body, {value: value for value in range(len(body.inputs))}, is_frozen=False)
        assert body.output is not None, "only whole bodies are compared"
        if self.next < len(self.at.steps) or places[body.output] != self.at.output:
            raise Differs("what leaves")

    def compare(self, mine: Tensor | None, other: Tensor | None) -> None:
        """Refuse tensors that differ."""
        if mine is None or other is None or mine.resized(*self.matching.put_in(mine.sizes)) != other:
            raise Differs(f"{mine} is not {other}")

    def side(self, body: Body, places: dict[Value, Value], is_frozen: bool) -> dict[Value, Value]:
        """Return what the values of a body, or of a side of an `if` in it, are in the other; its steps are compared."""
        for value, step in enumerate(body.steps, len(body.inputs)):
            inputs = tuple(places[source] for source in step.inputs)
            keeps = is_frozen or step.is_frozen
            if isinstance(step.does, If):
                holds = self.matching.put_in(step.does.condition)
                if not isinstance(holds, bool):
                    raise Differs("an open condition")
                side = step.does.first if holds else step.does.second
                assert side.output is not None
                places[value] = self.side(side, dict(enumerate(inputs)), keeps)[side.output]
            elif isinstance(step.does, Repeat) and all(self.matching.put_in(r.times) == 0 for r in step.does.runs):
                places[value] = inputs[0]
            elif self.next == len(self.at.steps):
                raise Differs(f"{step.name} is not there")
            else:
                here = self.at.steps[self.next]
                self.step(step, here, inputs, places, keeps)
                self.steps[step] = here
                places[value] = len(self.at.inputs) + self.next
                self.next += 1
        return places

    def step(self, mine: Step, other: Step, inputs: tuple[Value, ...], places: dict[Value, Value], keeps: bool) -> None:
        """Refuse steps that are not one: layers with equal arguments, uses of a block, or equal copies."""
        tied = None if mine.tied is None else places[mine.tied]
        asked = tuple(places[source] for source in mine.asked)
        if (inputs, tied, keeps) != (other.inputs, other.tied, other.is_frozen) or (other.asked or asked) != asked:
            raise Differs(f"what enters {mine.name}")
        self.compare(mine.output, other.output)
        does, here = mine.does, other.does
        if isinstance(does, Layer) and isinstance(here, Layer):
            self.layer(does, here)
        elif isinstance(does, Use) and isinstance(here, Use) and _is_one(does.definition, here.definition):
            self.matching.instance(does.body, here.body)
        elif isinstance(does, Experts) and isinstance(here, Experts):
            self.layer(does.router, here.router)
            self.matching.instance(does.body, here.body)
        elif isinstance(does, Repeat) and isinstance(here, Repeat):
            self.matching.copies(does, here)
        else:
            raise Differs(f"{mine.name} is not {other.name}")

    def layer(self, mine: Layer, other: Layer) -> None:
        """Refuse layers that differ; which tensors their arguments name has been compared already."""
        if isinstance(mine, OpenLayer):
            word = self.matching.values.get(mine.word.name)
            mine = dict(mine.word.layers)[getattr(word, "text", "")]
        if type(mine) is not type(other):
            raise Differs(f"{mine.keyword} is not {other.keyword}")
        for name in arguments(type(mine)):
            values = (getattr(mine, name), getattr(other, name))
            left, right = (value.sizes if isinstance(value, NamedTensor) else value for value in values)
            if not _alike(self.matching.put_in(left), right):
                raise Differs(f"{name} of {mine.keyword}")


def _is_one(block: Block, other: Block) -> bool:
    """Whether two blocks are one, which may have been read twice."""
    (mine, place), (source, start) = ((one.span.source, one.span.start) for one in (block, other))
    return block is other or (place == start and (mine.name, mine.text) == (source.name, source.text))


def _alike(value: Any, other: Any) -> bool:
    """Whether arguments mean the same: one number stands for as many equal ones."""
    if isinstance(value, tuple) and not isinstance(other, tuple) and other is not None:
        return all(item == other for item in value)
    return bool(value == other)
