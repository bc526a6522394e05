"""From what the compiler makes of a text to what rules look at: blocks and repeats written out, stage by stage."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from ..blame import SHAPES
from ..compiler import Result
from ..elaborate import MOST_OPEN, Elaborator
from ..emit import TARGETS
from ..expressions import Mistake, Silent
from ..layer import Layer, Tensor
from ..layers.windows import axis_names
from ..network import Body, Experts, If, Network, Repeat, Step, Use, Value
from ..scope import Block, Builder, Declarations
from ..size import Undecided, symbol
from ..syntax import tree
from .guess import guesses
from .view import End, Frame, Place, Skip, View, number

MOST_COPIES = 24
"""Of a repeat that are written out; enough for each rule that counts how many stages stand in a row."""
MOST_PLACES = 4_000
"""Beyond, a block or repeat is written out where that has not been done before, and of a repeat two copies."""


def views_of(result: Result, targets: Collection[str] = TARGETS) -> Iterator[list[View]]:
    """Return what there is to look at in a text: its network, or the blocks of a library.

    There are several such lists where a text has mistakes; what is true of it is true in each.
    """
    if result.is_library:  # the first is for what is said of the text alone
        yield [View(result, (), (), True, targets), *_blocks(result, targets)]
    else:
        for network in guesses(result) if result.errors else (result.network,):
            yield [_view_of_network(result, network, targets)]


def _view_of_network(result: Result, network: Network, targets: Collection[str]) -> View:
    walk = _Walk()
    values = walk.body(Frame(network.body), ())
    return View(result, tuple(walk.places), tuple(_ends(result, network, values)), walk.is_whole, targets)


def _ends(result: Result, network: Network, values: Sequence[Place]) -> Iterator[End]:
    """Return the outputs, each with the statement that trains it."""
    statements = [statement for statement in result.program.statements if isinstance(statement, tree.Train)]
    written = statements if len(statements) == len(network.trainings) else [None] * len(network.trainings)
    trained = [output for output in network.outputs if not output.aux]
    for output in network.outputs:
        for training, statement in zip(network.trainings, written, strict=True):
            if training.output is None:
                is_meant = len(trained) == 1 and output is trained[0]
            else:
                is_meant = training.output.name == output.name
            if is_meant:
                yield End(output, values[output.value], training, statement)
                break
        else:
            yield End(output, values[output.value])


class _Walk:
    """A walk over bodies that writes down every stage, in an order in which each follows what it takes."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.seen: set[Step] = set()
        """Uses of blocks, and repeats, that have been written out."""
        self.known: dict[Step, dict[str, Any]] = {}
        self.is_whole = True

    def body(self, frame: Frame, entering: Sequence[Place]) -> list[Place]:
        """Write down the steps of a body; return the stage that makes each of its values."""
        values = list(entering)
        for step in frame.body.steps:
            values.append(self.step(frame, step, tuple(values[value] for value in step.inputs), len(values)))
        return values

    def step(self, frame: Frame, step: Step, inputs: tuple[Place, ...], value: Value) -> Place:
        """Write down a step; return the stage that makes what leaves it."""
        does = step.does
        if isinstance(does, Layer):
            return self.place(frame, step, does, inputs, value)
        made = None
        if isinstance(does, Use) and self.is_wanted(step):
            made = self.inside(Frame(does.body, frame, step), inputs)
        elif isinstance(does, Repeat) and self.is_wanted(step):
            made = self.repeat(frame, step, does, inputs, value)
        elif isinstance(does, If):
            sides = (self.inside(Frame(side, frame, step), inputs) for side in (does.first, does.second))
            made = self.place(frame, step, None, tuple(side for side in sides if side is not None), value)
        elif isinstance(does, Experts):
            entered = self.place(frame, step, None, inputs, value)
            expert = self.inside(Frame(does.body, frame, step), (entered,))
            made = self.place(frame, step, does.router, inputs if expert is None else (*inputs, expert), value)
        return made or self.place(frame, step, None, inputs, value)

    def is_wanted(self, step: Step) -> bool:
        """Whether a use of a block, or a repeat, is written out."""
        if len(self.places) >= MOST_PLACES and step in self.seen:
            self.is_whole = False
            return False
        self.seen.add(step)
        return True

    def inside(self, frame: Frame, inputs: Sequence[Place]) -> Place | None:
        """Write down a body; return what makes the tensor that leaves it, None where that is unknown."""
        values = self.body(frame, inputs)
        return None if frame.body.output is None else values[frame.body.output]

    def repeat(self, frame: Frame, step: Step, repeat: Repeat, inputs: tuple[Place, ...], value: Value) -> Place | None:
        """Write down the copies of a repeat, of many equal ones the first few and the last."""
        x: Place | None = inputs[0]
        for run in repeat.runs:
            times = number(run.times)
            copies = MOST_COPIES if times is None else times
            wanted = min(copies, MOST_COPIES if len(self.places) < MOST_PLACES else 2)
            entered = x
            for copy in range(wanted):
                if x is None:
                    return None
                if copy == wanted - 1 and copies > wanted and entered is not None:
                    x = self.place(frame, step, None, (x,), value, Skip(entered, copies - wanted))
                    copy = copies - 1
                entered = x
                x = self.inside(Frame(run.body, frame, step, run, copy), (x, *inputs[1:]))
        return x

    def place(
        self,
        frame: Frame,
        step: Step,
        does: Layer | None,
        inputs: tuple[Place, ...],
        value: Value,
        skip: Skip | None = None,
    ) -> Place:
        """Write down a stage."""
        tensors = tuple(source.output for source in inputs if source.output is not None)
        known = tensors if len(tensors) == len(inputs) else ()
        asked = self.known.setdefault(step, {}) if skip is None else {}
        made = Place(step, does, inputs, known, step.output, frame, value, asked, skip)
        self.places.append(made)
        for source in dict.fromkeys(inputs):
            source.readers.append(made)
        return made


# Libraries

WIDTH, SIDE = 64, 56
"""What stands for a number of channels, and for a size, that a block of a library cannot leave open."""


def _blocks(result: Result, targets: Collection[str]) -> Iterator[View]:
    """Return the blocks of a library, each by itself."""
    elaborator = Elaborator(result.program.source, result.network.options)
    builder = Builder(None, (), Declarations(result.program))
    for statement in result.program.statements:
        try:
            elaborator.statement(builder, statement)
        except (Mistake, Silent, Undecided):
            continue
    for block in builder.declarations.own.values():
        if isinstance(block, Block):
            body = _body_of(result, block)
            if body is not None:
                yield _view_of(result, block, body, targets)


def _view_of(result: Result, block: Block, body: Body, targets: Collection[str]) -> View:
    walk = _Walk()
    frame = Frame(body)
    entering = []
    for value, x in enumerate(body.inputs):
        step = Step("in", None, (), x, block.span, "")
        entering.append(walk.place(frame, step, None, (), value))
    walk.body(frame, entering)
    return View(result, tuple(walk.places), (), walk.is_whole, targets)


def _body_of(result: Result, block: Block) -> Body | None:
    """Return the body of a block, as far as may be on symbols; None where none is found that suits it."""
    from ..symbolic import NotGeneral, TooManyStages, body_on

    asked = [parameter.name.text for parameter in block.parameters if parameter.default is None]
    for has_symbols in (True, False):
        for rank, dtype in SHAPES:
            axes = axis_names(rank)
            sizes = [symbol(axis) if has_symbols else SIDE for axis in axes]
            channels = symbol("channels") if has_symbols else WIDTH
            x = Tensor((*sizes, *(channels,) * (rank > len(axes))), dtype)
            for given in ({name: symbol(name) for name in asked}, dict.fromkeys(asked, WIDTH)):
                try:
                    return body_on(block, result.network.options, (x,), given, MOST_OPEN)[0]
                except TooManyStages:
                    return None
                except (NotGeneral, Undecided, Mistake, Silent):
                    continue
    return None
