"""A network as rules look at it: its stages in a row, with what is before and behind each; no pattern in particular.

Blocks and repeats are written out, so that a rule sees across their borders; of many equal copies a few stand for all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Any, Generic, TypeVar, overload

from attrs import Factory, field, frozen

from ..analysis.counts import Counts, counts_of
from ..analysis.receptive_field import Field, Fields, ReceptiveFields
from ..compiler import Result
from ..diagnostics import Related, quoted
from ..layer import Layer, Size, Slide, Tensor
from ..network import Body, Output, Repeat, Run, Step, Use, Value
from ..size import product
from ..source import Span
from ..syntax import tree
from ..training import Train
from .edits import Edits
from .guess import is_guessed

T = TypeVar("T")


class _asked_once(Generic[T]):
    """A property whose value is kept with the step of a place."""

    def __init__(self, ask: Callable[[Place], T]) -> None:
        self.ask = ask
        self.name = ask.__name__
        self.__doc__ = ask.__doc__

    @overload
    def __get__(self, place: None, owner: type) -> _asked_once[T]: ...

    @overload
    def __get__(self, place: Place, owner: type) -> T: ...

    def __get__(self, place: Place | None, owner: type) -> T | _asked_once[T]:
        if place is None:
            return self
        if self.name not in place.known:
            place.known[self.name] = self.ask(place)
        value: T = place.known[self.name]
        return value


@frozen(eq=False)
class Frame:
    """A body at one of the places where it stands: the step that it is part of, and which copy of a repeat it is."""

    body: Body
    parent: Frame | None = None
    step: Step | None = None
    run: Run | None = None
    copy: int = 0


@frozen(eq=False)
class Skip:
    """Copies of a repeat that are left out, as they are like the one before, which `entered` enters."""

    entered: Place
    copies: int


@frozen(eq=False)
class Place:
    """A stage at one of the places where it stands.

    `does` is None where nothing is known: for a stage with a mistake in it, what enters a block of a library, or copies
    that are left out. `inputs` are what it takes, `readers` what takes it, `tensors` what enters; `value` is its
    number in the body of its frame.
    """

    step: Step
    does: Layer | None
    inputs: tuple[Place, ...]
    tensors: tuple[Tensor, ...]
    output: Tensor | None
    frame: Frame = field(repr=False)
    value: Value
    known: dict[str, Any] = field(repr=False)
    """What has been asked of the stage, for all places where it is the same step."""
    skip: Skip | None = None
    readers: list[Place] = Factory(list)

    @property
    def span(self) -> Span:
        """Where it is written."""
        return self.step.span

    @property
    def text(self) -> str:
        """What is written, in backticks; what a `dense` implies has the name of its layer."""
        does = self.does
        return quoted(self.step.text or (does.keyword if does is not None else self.step.name))

    @property
    def is_written(self) -> bool:
        """Whether it stands in the text, and is not implied by the stage behind it."""
        return self.step.text != ""

    @property
    def learns(self) -> bool:
        """Whether it has a kernel."""
        return self.does is not None and self.does.learns

    @property
    def is_affine(self) -> bool:
        """Whether it is a trained linear map."""
        return self.does is not None and self.does.is_affine

    @property
    def is_activation(self) -> bool:
        """Whether it bends what enters."""
        return self.does is not None and self.does.is_activation

    @property
    def is_norm(self) -> bool:
        """Whether it brings values to one scale."""
        return self.does is not None and self.does.is_norm

    @property
    def is_pool(self) -> bool:
        """Whether it pools, over windows or over all positions."""
        return self.does is not None and self.does.is_pool

    @property
    def takes_largest(self) -> bool:
        """Whether it is a pool that takes the largest value."""
        return self.is_pool and getattr(self.does, "kind", "") == "max"

    @property
    def joins(self) -> bool:
        """Whether it makes one tensor of several branches."""
        return self.does is not None and self.does.combines and len(self.inputs) > 1

    @property
    def multiplies(self) -> bool:
        """Whether it is a product, so that what enters can be a weight of something else."""
        return self.does is not None and self.does.multiplies

    @property
    def passes(self) -> bool:
        """Whether it only moves, drops or averages values."""
        return self.does is not None and len(self.inputs) == 1 and self.does.passes_through()

    @property
    def units(self) -> int | None:
        """The number of channels that leave, where it is known."""
        return None if self.output is None else number(self.output.channels)

    @_asked_once
    def keeps_channels_apart(self) -> bool:
        """Whether it makes each channel of one that enters, as `depthwise` does."""
        parts = number(self.does.parts(self.tensors[0])) if self.is_affine and self.does and self.tensors else 1
        return parts != 1 and parts == number(self.tensors[0].channels)

    @_asked_once
    def slides(self) -> tuple[Slide, ...]:
        """How its window goes over each axis; empty where it has none."""
        return () if self.does is None or not self.tensors else self.does.slides(self.tensors[0])

    @_asked_once
    def fan_in(self) -> Size:
        """Of how many values a trained linear map makes each of its own."""
        assert self.does is not None, "it is a linear map"
        return self.does.fan_in(self.tensors[0])

    @_asked_once
    def looks_around(self) -> bool:
        """Whether it is a convolution with a window of more than one position."""
        return self.is_affine and any(number(slide.window) != 1 for slide in self.slides)

    @_asked_once
    def has_stride(self) -> bool:
        """Whether its windows, of a convolution or a pool, lie more than one position apart."""
        return any(number(slide.stride) != 1 for slide in self.slides)

    @_asked_once
    def enlarges(self) -> bool:
        """Whether more positions leave it than enter, each seeing a part of one."""
        if self.does is None or not self.tensors or self.tensors[0].rank < 2 or self.does.sees_all:
            return False
        return any((reach.step < 1) is True for reach in self.does.sees(*self.tensors) or ())

    @property
    def is_dense(self) -> bool:
        """Whether it is a trained linear map of everything that enters."""
        return self.is_affine and self.does is not None and self.does.sees_all

    @property
    def is_pointwise(self) -> bool:
        """Whether it is a trained linear map of the channels at each position, `linear`."""
        does = self.does
        return self.is_affine and does is not None and not does.sees_all and not does.convolves

    @property
    def rate(self) -> Any:
        """The part of the values that it drops, 0 for anything else than dropout."""
        return self.does.rate if self.does is not None and self.does.drops else 0  # type: ignore[attr-defined]

    @property
    def flow(self) -> str:
        """What enters and leaves, as a label: `48x48x1 -> 46x46x64`."""
        if self.output is None or any(map(is_guessed, (*self.tensors, self.output))):
            return ""
        entering = ", ".join(map(str, self.tensors))
        return f"{entering} -> {self.output}" if entering else ""

    @_asked_once
    def counts(self) -> Counts | None:
        """What it costs, where that is known."""
        if self.does is None or (not self.tensors and not self.does.is_source):
            return None
        return counts_of(self.does.weights(*self.tensors), self.does.products(*self.tensors))

    @property
    def cost(self) -> str:
        """What enters and leaves with the number of parameters, as a label."""
        counts = self.counts
        parameters = None if counts is None else number(counts.total)
        return f"{self.flow}, {parameters:,} parameters" if parameters else self.flow


@frozen(eq=False)
class End:
    """An output of the network, with what trains it and where that is written."""

    output: Output
    place: Place
    training: Train | None = None
    written: tree.Train | None = None

    @property
    def loss(self) -> str:
        """What training makes small, nothing where that is not said."""
        return "" if self.training is None else self.training.loss

    def at(self, argument: str) -> Span | None:
        """Return where an argument of the training is written, with its name."""
        for written in () if self.written is None else self.written.arguments:
            if isinstance(written, tree.Keyword) and written.name.text == argument:
                return written.span
        return None

    def related(self, argument: str, label: str) -> tuple[Related, ...]:
        """Return the place of an argument of the training, for a message."""
        span = self.at(argument)
        return () if span is None else (Related(span, label),)


@frozen(eq=False)
class Tail:
    """One way back from an output to the last layer that learns.

    `learner` is None where the way leads to something else, `activation` is the last one on it; `between` are the
    stages behind the learner, the last first. `is_joined` says that branches are joined on the way.
    """

    learner: Place | None
    activation: Place | None
    between: tuple[Place, ...]
    is_joined: bool


MOST_COLOURS = 4
"""Channels that an image has at most; a map of more is made by a network."""


@frozen(eq=False)
class Image:
    """An input that is an image, with its height and width."""

    place: Place
    sides: tuple[int, int]


Through = Callable[[Place], bool]


@frozen(eq=False)
class Row:
    """Stages in a row of which some count, from the first of these to the last."""

    first: Place
    last: Place
    count: int


class View:
    """A network, or one block of a library; see `views.views_of`."""

    def __init__(
        self,
        result: Result,
        places: tuple[Place, ...],
        ends: tuple[End, ...],
        is_whole: bool,
        targets: Collection[str],
    ) -> None:
        self.result = result
        self.program = result.program
        self.places = places
        self.ends = ends
        self.is_whole = is_whole
        """Whether every use of every block is among the places."""
        self.has_mistakes = bool(result.errors)
        """Whether some stages are not known, which may be what makes the others right."""
        self.targets = targets
        """The frameworks that the network is for."""
        self.edits = Edits(result.program)
        self.is_library = result.is_library
        self._fields: dict[Frame, tuple[Fields | None, ...]] = {}
        self._receptive = ReceptiveFields()
        self._tails: dict[End, tuple[Tail, ...]] = {}

    # Where something stands

    def is_hidden(self, place: Place) -> bool:
        """Whether a layer that learns stands somewhere behind."""
        return place in self._hidden

    @cached_property
    def _hidden(self) -> frozenset[Place]:
        return self.leading_to(_may_learn)

    def leading_to(self, wanted: Through) -> frozenset[Place]:
        """Return the places behind which somewhere is one that is wanted."""
        found = set()
        for place in reversed(self.places):
            if any(wanted(reader) or reader in found for reader in place.readers):
                found.add(place)
        return frozenset(found)

    def before(self, place: Place, through: Through) -> tuple[Place | None, tuple[Place, ...]]:
        """Return what is before a place, behind what is looked through, and that, the nearest first."""
        between: list[Place] = []
        here = place.inputs[0] if place.inputs else None
        while here is not None and through(here):
            between.append(here)
            here = here.inputs[0] if here.inputs else None
        return here, tuple(between)

    def after(self, place: Place, through: Through) -> Iterator[tuple[Place | None, tuple[Place, ...]]]:
        """Return what is behind a place, and what is looked through on each way there, the nearest first.

        None stands for an end.
        """
        way: dict[Place, Place] = {}
        waiting = [place]
        while waiting:
            here = waiting.pop()
            if not here.readers:
                yield None, _along(way, here)
            for reader in here.readers:
                if not through(reader):
                    yield reader, _along(way, here)
                elif reader not in way:
                    way[reader] = here
                    waiting.append(reader)

    def only_reader(self, place: Place) -> Place | None:
        """Return what reads a place, if that is one stage and no output."""
        if len(place.readers) != 1 or any(end.place is place for end in self.ends):
            return None
        return place.readers[0]

    def ahead(self, places: Iterable[Place]) -> set[Place]:
        """Return all that some places depend on, with these."""
        found = set(places)
        waiting = list(found)
        while waiting:
            for source in waiting.pop().inputs:
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return found

    def inputs(self) -> Iterator[Place]:
        """Return what comes from outside of the network."""
        return (place for place in self.places if place.does is not None and place.does.is_input)

    def image(self) -> Image | None:
        """Return the only input of the network, if it is an image of known size; None for anything else."""
        inputs = list(self.inputs())
        x = inputs[0].output if len(inputs) == 1 else None
        if x is None or x.rank != 3:
            return None
        height, width, channels = map(number, x.sizes)
        if height is None or width is None or channels is None or channels > MOST_COLOURS:
            return None
        return Image(inputs[0], (height, width))

    def is_rebuilt(self, end: End) -> bool:
        """Whether an output has as many values as an input, so that the network may return what enters."""
        x = end.place.output
        sizes = {number(product(place.output.sizes)) for place in self.inputs() if place.output is not None}
        return x is None or number(product(x.sizes)) in sizes

    def is_in_branch(self, place: Place, of_sum: bool = True) -> bool:
        """Whether it stands in a residual branch: branches are added behind it, one of which leads round it.

        Without `of_sum` they may be joined in any way.
        """
        behind = {place}
        for number in range(self._numbers[place], len(self.places)):
            here = self.places[number]
            if not behind.isdisjoint(here.inputs):
                if here.joins and here.does is not None and (here.does.adds or not of_sum):
                    around = (source for source in here.inputs if source not in behind)
                    if any(self._sources[source] & self._sources[place] for source in around):
                        return True
                behind.add(here)
            if here in behind and here in self._waists:
                return False
        return False

    @cached_property
    def _numbers(self) -> dict[Place, int]:
        return {place: number for number, place in enumerate(self.places)}

    @cached_property
    def _sources(self) -> dict[Place, frozenset[Place]]:
        """What each place depends on of that which depends on nothing, as inputs do."""
        found: dict[Place, frozenset[Place]] = {}
        for place in self.places:
            first, *others = (found[source] for source in place.inputs) if place.inputs else (frozenset((place,)),)
            found[place] = first.union(*others) if any(other is not first for other in others) else first
        return found

    @cached_property
    def _waists(self) -> frozenset[Place]:
        """The places that nothing leads round: of all before them, only they are read behind them."""
        found, furthest = set(), 0
        for number, place in enumerate(self.places):
            if furthest <= number:
                found.add(place)
            furthest = max([furthest, *(self._numbers[reader] for reader in place.readers)])
        return frozenset(found)

    def is_everywhere(self, place: Place, found: Callable[[Place], bool]) -> bool:
        """Whether something holds wherever a stage of the text stands."""
        return self.is_whole and all(map(found, self._standing[place.span]))

    @cached_property
    def _standing(self) -> dict[Span, list[Place]]:
        """The places where each stage of the text stands."""
        found: dict[Span, list[Place]] = {}
        for place in self.places:
            found.setdefault(place.span, []).append(place)
        return found

    def tails(self, end: End) -> tuple[Tail, ...]:
        """Return the ways back from an output to the last layers that learn."""
        if end not in self._tails:
            self._tails[end] = tuple(self._ways_back(end))
        return self._tails[end]

    def _ways_back(self, end: End) -> Iterator[Tail]:
        waiting: list[tuple[Place, Place | None, bool]] = [(end.place, None, False)]
        way: dict[Place, Place] = {}
        while waiting:
            here, activation, is_joined = waiting.pop()
            if here.learns:
                yield Tail(here, activation, (end.place, *_along(way, here))[:-1], is_joined)
                continue
            if here.is_activation and activation is None:
                activation = here
            if not (here.joins or _keeps_meaning(here)):
                yield Tail(None, activation, (end.place, *_along(way, here))[:-1], is_joined)
                continue
            for source in here.inputs:
                if source not in way:
                    way[source] = here
                    waiting.append((source, activation, is_joined or here.joins))

    def rows(self, counts: Through, ends: Through) -> list[Row]:
        """Return the longest rows of stages that count, along ways on which nothing ends them."""
        rows: dict[Place, Row] = {}
        longest: dict[Place, Row] = {}
        for place in self.places:
            if ends(place):
                continue
            row = max((rows[source] for source in place.inputs if source in rows), key=_count, default=None)
            if counts(place):
                row = Row(row.first if row else place, place, row.count + 1 if row else 1)
                if row.count > longest.get(row.first, row).count or row.first not in longest:
                    longest[row.first] = row
            entered = rows.get(place.skip.entered) if place.skip else None
            if place.skip and row and entered and row.first is entered.first:
                row = Row(row.first, row.last, row.count + (row.count - entered.count) * place.skip.copies)
            if row:
                rows[place] = row
        return list(longest.values())

    def last_activations(self, end: End) -> Iterator[tuple[Place, Layer, Tail]]:
        """Return the activations behind the last layers that learn, where no branches are joined behind these."""
        for tail in self.tails(end):
            last = tail.activation
            if last is not None and last.does is not None and tail.learner is not None and not tail.is_joined:
                yield last, last.does, tail

    def is_for_more(self, ends: Iterable[Place | None]) -> bool:
        """Whether something else than linear maps reads what goes these ways, or may do so.

        Such is the stem of a residual network, which enters its branches and is added to what leaves them.
        """
        return any(
            end is not None
            and (end.does is None or end.is_activation or end.is_norm or (end.joins and not end.does.gathers))
            for end in ends
        )

    # Figures

    def field(self, place: Place) -> Fields | None:
        """Return what the positions that leave a place see of the input."""
        return self._fields_of(place.frame)[place.value]

    def entering_field(self, place: Place) -> Fields | None:
        """Return what the positions see that enter a place."""
        frame = place.frame
        return self._fields_of(frame)[frame.body.steps[place.value - len(frame.body.inputs)].inputs[0]]

    def _fields_of(self, frame: Frame) -> tuple[Fields | None, ...]:
        if frame not in self._fields:
            self._fields[frame] = self._receptive.values(frame.body, self._entering(frame))
        return self._fields[frame]

    def _entering(self, frame: Frame) -> tuple[Fields | None, ...]:
        if frame.parent is None or frame.step is None:
            return tuple(() if x is None else tuple(Field(0, 1, 1) for _ in x.positions) for x in frame.body.inputs)
        values = self._fields_of(frame.parent)
        entering = tuple(values[value] for value in frame.step.inputs)
        if isinstance(frame.step.does, Use):
            return entering
        if not isinstance(frame.step.does, Repeat):
            return (None,) * len(frame.body.inputs)
        for run in frame.step.does.runs:
            copies = frame.copy if run is frame.run else run.count
            entering = (self._receptive.behind_copies(run, entering, copies), *entering[1:])
            if run is frame.run:
                break
        return entering


def number(size: Size | None) -> int | None:
    """Return a size as a number, None where it is open."""
    return size if isinstance(size, int) else None


def passes(place: Place) -> bool:
    """Whether a stage only moves, drops or averages values."""
    return place.passes


def passes_or_rescales(place: Place) -> bool:
    """Whether a stage is linear once it is trained: it passes values through, or is a batch norm."""
    return place.passes or (place.does is not None and place.does.keeps_statistics)


def _count(row: Row) -> int:
    return row.count


def _along(way: dict[Place, Place], place: Place) -> tuple[Place, ...]:
    """Return what lies on a way up to a place, with that, from the first that has one before it."""
    found = []
    while place in way:
        found.append(place)
        place = way[place]
    return tuple(reversed(found))


def _may_learn(place: Place) -> bool:
    return place.learns or (place.does is None and isinstance(place.step.does, Use | Repeat))


def is_between(place: Place) -> bool:
    """Whether a stage only bends, rescales or passes on what a layer that learns has made."""
    return place.passes or place.is_activation or place.is_norm


def _keeps_meaning(place: Place) -> bool:
    """Whether values mean the same behind a stage: it moves them, chooses some, or brings them to one scale."""
    does = place.does
    if does is None or len(place.inputs) != 1:
        return False
    return does.passes_through() or does.is_activation or does.is_norm or does.is_pool or not does.elementwise
