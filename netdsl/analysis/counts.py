"""What a network costs: parameters and multiply-accumulates, all derived from the weights that its layers declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ..diagnostics import CompileError, Diagnostic
from ..layer import Layer, Size, Tensor, Weight
from ..network import Body, Experts, Network, Repeat, Run, Step, Use
from ..record import evolve, frozen
from ..size import product
from ..source import Span

if TYPE_CHECKING:
    from ..layers.moe import Moe


@frozen
class Counts:
    """Elements of weights that training changes and that it does not, and the multiply-accumulates of one example."""

    trainable: Size
    not_trained: Size
    macs: Size
    aux_macs: Size = 0
    """Those of what serves training alone, which `macs` leaves out."""

    @property
    def total(self) -> Size:
        """All parameters."""
        return self.trainable + self.not_trained

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.trainable + other.trainable, self.not_trained + other.not_trained, self.macs + other.macs)

    def __mul__(self, times: Size) -> Counts:
        return Counts(self.trainable * times, self.not_trained * times, self.macs * times)


NOTHING = Counts(0, 0, 0)


@frozen(eq=False)
class Row:
    """One line of a summary: a layer, or a group or repeat that is folded into one line.

    `name` is the full one, with `path` before the last dot. The layer stands there `times` times; `counts` are those of
    one of them. What a mistake has left unknown is None. `does` is None for what is folded, too. `is_shared` says that
    its weights have a line before, `is_aux` that it serves training alone, `is_frozen` that training leaves it alone.
    """

    name: str
    path: tuple[str, ...]
    does: Layer | None
    kind: str | None
    text: str
    span: Span
    times: int
    inputs: tuple[Tensor | None, ...]
    output: Tensor | None
    counts: Counts | None
    is_shared: bool = False
    is_aux: bool = False
    is_frozen: bool = False
    experts: tuple[Moe, Counts] | None = None
    """Of a mixture of experts its router, and what one expert costs at one position."""

    @property
    def is_input(self) -> bool:
        """Whether it is an input of the network, which costs nothing."""
        return self.does is not None and self.does.is_input


def count(network: Network) -> Counts | None:
    """Return what a network costs; None where a part of it is unknown."""
    counter = _Counter()
    total = counter.total(network.body)
    trained_only = only_in_training(network)
    if total is None or not trained_only:
        return total
    aux = _sum(counter.step(network.body, step).counts for step in trained_only)
    return None if aux is None else evolve(total, macs=total.macs - aux.macs, aux_macs=aux.macs)


def only_in_training(network: Network) -> frozenset[Step]:
    """Return the steps that only `aux` outputs need."""
    body = network.body
    if not any(output.aux for output in network.outputs):
        return frozenset()
    needed = {output.value for output in network.outputs if not output.aux}
    others = set()
    for value in range(len(body.inputs) + len(body.steps) - 1, len(body.inputs) - 1, -1):
        step = body.steps[value - len(body.inputs)]
        if value in needed:
            needed.update((*step.inputs, *step.asked, *(() if step.tied is None else (step.tied,))))
        else:
            others.add(step)
    return frozenset(others)


MOST_ROWS = 200_000
"""Lines of a summary; counting is quick whatever a network expands to, but no one reads that."""
FEW_ROWS = 1_000
"""Lines that a summary may have which is offered in place of one that is too long."""


def listed_rows(network: Network, depth: int | None = None) -> tuple[Row, ...]:
    """Return the lines of a summary, if they are not too many. Raises CompileError where they are."""
    if depth is not None or _least_rows(network.body, {}) <= MOST_ROWS:
        found = tuple(islice(rows(network, depth), MOST_ROWS + 1))
        if len(found) <= MOST_ROWS:
            return found
    fits = 0
    while sum(1 for _ in islice(rows(network, fits + 1), FEW_ROWS + 1)) <= FEW_ROWS:
        fits += 1
    message = f"this network has more than {MOST_ROWS:,} layers, too many to be listed"
    help = f"`netdsl summary --depth {fits}` folds them into fewer lines" if fits else ""
    raise CompileError((Diagnostic("E026", message, Span(network.source, 0, 0), help=help),))


def _least_rows(body: Body, known: dict[Body, int]) -> int:
    """Return how many lines a body has at least, without making them; repeats of shared weights may have more."""
    if body not in known:
        inner = (
            [run.body for run in step.does.runs]
            if isinstance(step.does, Repeat)
            else [step.does.body]
            if isinstance(step.does, Use)
            else None
            for step in body.steps
        )
        known[body] = sum(1 if bodies is None else sum(_least_rows(each, known) for each in bodies) for bodies in inner)
    return known[body]


def rows(network: Network, depth: int | None = None) -> Iterator[Row]:
    """Return the lines of a network's summary, in the order of the text; there may be more than can be listed.

    Names that have more than `depth` parts are folded: what they share is one line.
    """
    return _Counter(only_in_training(network)).rows(network.body, _Where((), depth))


def counts_of(weights: Sequence[Weight], products: Size) -> Counts:
    """Return the counts of weights, and of products between activations."""
    trainable: Size = 0
    not_trained: Size = 0
    macs = products
    for weight in weights:
        if weight.tied:
            pass  # counted with the layer that keeps it
        elif weight.trained:
            trainable = trainable + weight.size
        else:
            not_trained = not_trained + weight.size
        macs = macs + weight.size * weight.uses
    return Counts(trainable, not_trained, macs)


@frozen(eq=False)
class _Tally:
    """What steps cost by themselves, and the shared bodies whose weights they use, each frozen or not."""

    counts: Counts | None
    shared: dict[Body, bool]


class _Counter:
    """A walk over bodies that counts each of them once, however often it stands there."""

    def __init__(self, aux: frozenset[Step] = frozenset()) -> None:
        self.aux = aux
        self.counted: dict[Body, _Tally] = {}
        self.seen: set[Body] = set()
        """Shared bodies that have had their lines."""

    def total(self, body: Body) -> Counts | None:
        """Return what a body costs with the shared weights that it uses, each counted once."""
        tally = self.body(body)
        weights = (_frozen(_weights_of(self.total(shared)), is_frozen) for shared, is_frozen in tally.shared.items())
        return _sum((tally.counts, *weights))

    def body(self, body: Body) -> _Tally:
        if body not in self.counted:
            self.counted[body] = _together(self.step(body, step) for step in body.steps)
        return self.counted[body]

    def step(self, body: Body, step: Step) -> _Tally:
        if isinstance(step.does, Repeat):
            runs = [(self.body(run.body), run.count) for run in step.does.runs]
            tally = _together(_Tally(_times(inner.counts, times), inner.shared) for inner, times in runs)
        elif isinstance(step.does, Use) and step.does.is_shared:
            inner = self.body(step.does.body)
            macs = None if inner.counts is None else Counts(0, 0, inner.counts.macs)
            return _Tally(macs, {step.does.body: step.is_frozen})
        elif isinstance(step.does, Use):
            tally = self.body(step.does.body)
        elif isinstance(step.does, Experts):
            inner = self.body(step.does.body)
            tally = _Tally(self.experts(body, step, step.does, inner.counts), inner.shared)
        else:
            tally = _Tally(self.layer(body, step), {})
        return _Tally(_frozen(tally.counts, step.is_frozen), tally.shared)

    def experts(self, body: Body, step: Step, experts: Experts, each: Counts | None) -> Counts | None:
        """Return what experts cost: the weights of all, the multiply-accumulates of those that a position goes through.

        `each` is what one costs at one position.
        """
        x = body.tensor(step.inputs[0])
        if x is None or each is None:
            return None
        router = experts.router
        active = each.macs * router.top * product(x.positions)
        of_all = each * router.experts
        return counts_of(router.weights(x), active) + Counts(of_all.trainable, of_all.not_trained, 0)

    def layer(self, body: Body, step: Step) -> Counts | None:
        tensors = [tensor for value in step.inputs if (tensor := body.tensor(value)) is not None]
        if not isinstance(step.does, Layer) or len(tensors) < len(step.inputs):
            return None
        return counts_of(step.does.weights(*tensors), step.does.products(*tensors))

    # Rows

    def rows(self, body: Body, where: _Where) -> Iterator[Row]:
        """Return the lines of a body."""
        place = 0
        while place < len(body.steps):
            step = body.steps[place]
            inner = where.below(*(group.name for group in step.groups))
            if where.depth is not None and len(inner.path) >= where.depth > len(where.path):
                level = where.depth - len(where.path) - 1
                end = _end_of_group(body, place, level)
                yield self.group(body, where, level, body.steps[place:end])
                place = end
                continue
            place += 1
            inner = inner.of_step(step, step in self.aux)
            folds = where.depth is not None and len(inner.path) + 1 >= where.depth
            if isinstance(step.does, Repeat) and not folds:
                yield from self.repeat(inner.below(step.name), step, step.does)
            elif isinstance(step.does, Use) and not folds:
                yield from self.use(inner.below(step.name), step.does)
            else:
                yield self.row(body, inner, step)

    def row(self, body: Body, where: _Where, step: Step) -> Row:
        """Return the line of a layer, or of a repeat or block that is folded."""
        does = step.does
        kind = "repeat" if isinstance(does, Repeat) else does.block if isinstance(does, Use) else None
        each = None
        if isinstance(does, Experts):
            kind, each = does.router.keyword, self.body(does.body).counts
        is_shared = where.is_shared or (isinstance(does, Use) and does.body in self.seen)
        return Row(
            name=".".join((*where.path, step.name)),
            path=where.path,
            does=does if isinstance(does, Layer) else None,
            kind=does.keyword if isinstance(does, Layer) else kind,
            text=step.text,
            span=step.span,
            times=where.times,
            inputs=tuple(map(body.tensor, step.inputs)),
            output=step.output,
            counts=where.counts(self.with_shared(self.step(body, step))),
            is_shared=is_shared,
            is_aux=where.is_aux,
            is_frozen=where.is_frozen,
            experts=(does.router, each) if isinstance(does, Experts) and each is not None else None,
        )

    def with_shared(self, tally: _Tally) -> Counts | None:
        """Return what steps cost in a line, with the shared weights that no line before has."""
        found = [tally.counts]
        for body, is_frozen in tally.shared.items():
            if body not in self.seen:
                self.seen.add(body)
                found.append(_frozen(_weights_of(self.total(body)), is_frozen))
        return _sum(found)

    def use(self, where: _Where, use: Use) -> Iterator[Row]:
        """Return the lines of a block; those of a shared one have its weights the first time."""
        if use.is_shared and use.body in self.seen:
            where = evolve(where, is_shared=True)
        elif use.is_shared:
            self.seen.add(use.body)
        return self.rows(use.body, where)

    def repeat(self, where: _Where, step: Step, repeat: Repeat) -> Iterator[Row]:
        """Return the lines of a repeat; where its copies differ, each run of equal ones has the number of its first."""
        first = 1
        for run in repeat.runs:
            inner = where if len(repeat.runs) == 1 else where.below(str(first))
            shared = self.body(run.body).shared
            if run.count > 1 and any(body not in self.seen for body in shared):
                # the first copy has the lines with the shared weights, which the others use too
                yield from self.copies(where.below(str(first)), step, run, first, 1)
                yield from self.copies(where.below(str(first + 1)), step, run, first + 1, run.count - 1)
            else:
                yield from self.copies(inner, step, run, first, run.count)
            first += run.count

    def copies(self, where: _Where, step: Step, run: Run, first: int, times: int) -> Iterator[Row]:
        """Return the lines of equal copies, from number `first` on; one line where they are folded."""
        inner = evolve(where, times=where.times * times)
        if where.depth is None or len(where.path) < where.depth:
            yield from self.rows(run.body, inner)
            return
        last = first + times - 1
        yield Row(
            name=".".join(where.path),
            path=where.path[:-1],
            does=None,
            kind="repeat",
            text=f"copy {first}" if first == last else f"copies {first} to {last}",
            span=step.span,
            times=inner.times,
            inputs=run.body.inputs[:1],
            output=None if run.body.output is None else run.body.tensor(run.body.output),
            counts=where.counts(self.with_shared(self.body(run.body))),
            is_shared=where.is_shared,
            is_aux=where.is_aux,
            is_frozen=where.is_frozen,
        )

    def group(self, body: Body, where: _Where, level: int, steps: tuple[Step, ...]) -> Row:
        """Return the line of a group that is folded: of its steps, which stand in a row."""
        *outer, group = steps[0].groups[: level + 1]
        above = where.below(*(group.name for group in outer))
        return Row(
            name=".".join((*above.path, group.name)),
            path=above.path,
            does=None,
            kind="group",
            text="( ... )",
            span=group.span,
            times=where.times,
            inputs=tuple(map(body.tensor, steps[0].inputs)),
            output=steps[-1].output,
            counts=where.counts(self.with_shared(_together(self.step(body, step) for step in steps))),
            is_shared=where.is_shared,
            is_aux=where.is_aux or all(step in self.aux for step in steps),
            is_frozen=where.is_frozen or all(step.is_frozen for step in steps),
        )


@frozen
class _Where:
    """Where the lines of a body stand, and what that makes of their figures."""

    path: tuple[str, ...]
    depth: int | None
    times: int = 1
    is_shared: bool = False
    is_frozen: bool = False
    is_aux: bool = False

    def below(self, *names: str) -> _Where:
        """Return the place below names."""
        return evolve(self, path=(*self.path, *names)) if names else self

    def of_step(self, step: Step, is_aux: bool) -> _Where:
        """Return the place of what a step is made of."""
        if not step.is_frozen and not is_aux:
            return self
        return evolve(self, is_frozen=self.is_frozen or step.is_frozen, is_aux=self.is_aux or is_aux)

    def counts(self, counts: Counts | None) -> Counts | None:
        """Return what something costs here: weights that have had their line cost nothing again."""
        if counts is None:
            return None
        return Counts(0, 0, counts.macs) if self.is_shared else _frozen(counts, self.is_frozen)


def _end_of_group(body: Body, place: int, level: int) -> int:
    """Return the place behind the last step of the group that a step is in."""
    group = body.steps[place].groups[level]
    while place < len(body.steps) and group in body.steps[place].groups:
        place += 1
    return place


def _together(tallies: Iterable[_Tally]) -> _Tally:
    """Return what several things cost together."""
    everything = list(tallies)
    shared = {body: is_frozen for tally in everything for body, is_frozen in tally.shared.items()}
    return _Tally(_sum(tally.counts for tally in everything), shared)


def _sum(all_counts: Iterable[Counts | None]) -> Counts | None:
    """Add counts; the sum with something unknown is unknown."""
    total = NOTHING
    for counts in all_counts:
        if counts is None:
            return None
        total = total + counts
    return total


def _times(counts: Counts | None, times: int) -> Counts | None:
    return None if counts is None else counts * times


def _weights_of(counts: Counts | None) -> Counts | None:
    """Return the parameters of something without its multiply-accumulates."""
    return None if counts is None else Counts(counts.trainable, counts.not_trained, 0)


def _frozen(counts: Counts | None, is_frozen: bool) -> Counts | None:
    """Return what something costs whose weights may be frozen."""
    return counts if counts is None or not is_frozen else Counts(0, counts.total, counts.macs)
