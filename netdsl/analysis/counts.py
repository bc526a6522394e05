"""What a network costs: parameters and multiply-accumulates, all derived from the weights that its layers declare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from ..layer import Layer, Size, Tensor, Weight
from ..network import Body, Network, Repeat, Step
from ..source import Span


@frozen
class Counts:
    """Elements of weights that training changes and that it does not, and the multiply-accumulates of one example."""

    trainable: Size
    not_trained: Size
    macs: Size

    @property
    def total(self) -> Size:
        """All parameters."""
        return self.trainable + self.not_trained

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.trainable + other.trainable, self.not_trained + other.not_trained, self.macs + other.macs)

    def __mul__(self, times: int) -> Counts:
        return Counts(self.trainable * times, self.not_trained * times, self.macs * times)


NOTHING = Counts(0, 0, 0)


@frozen(eq=False)
class Row:
    """One line of a summary: a layer, or a group or repeat that is folded into one line.

    `name` is the full one, with `path` before the last dot. The layer stands there `times` times; `counts` are those of
    one of them. What a mistake has left unknown is None. `does` is None for what is folded, too.
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

    @property
    def is_input(self) -> bool:
        """Whether it is an input of the network, which costs nothing."""
        return self.does is not None and self.does.is_source and self.output is not None and self.output.per_example


def count(network: Network) -> Counts | None:
    """Return what a network costs; None where a part of it is unknown."""
    return _Counter().body(network.body)


def rows(network: Network, depth: int | None = None) -> Iterator[Row]:
    """Return the lines of a network's summary, in the order of the text.

    Names that have more than `depth` parts are folded: what they share is one line.
    """
    return _Counter().rows(network.body, (), 1, depth)


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


class _Counter:
    """A walk over bodies that counts each of them once, however often it stands there."""

    def __init__(self) -> None:
        self.counted: dict[Body, Counts | None] = {}

    def body(self, body: Body) -> Counts | None:
        if body not in self.counted:
            self.counted[body] = _sum(self.step(body, step) for step in body.steps)
        return self.counted[body]

    def step(self, body: Body, step: Step) -> Counts | None:
        if isinstance(step.does, Repeat):
            return _sum(_times(self.body(run.body), run.times) for run in step.does.runs)
        tensors = [tensor for value in step.inputs if (tensor := body.tensor(value)) is not None]
        if step.does is None or len(tensors) < len(step.inputs):
            return None
        return counts_of(step.does.weights(*tensors), step.does.products(*tensors))

    def rows(self, body: Body, path: tuple[str, ...], times: int, depth: int | None) -> Iterator[Row]:
        """Return the lines of a body that stands below `path`, `times` times in all."""
        place = 0
        while place < len(body.steps):
            step = body.steps[place]
            inner = (*path, *(group.name for group in step.groups))
            if depth is not None and len(inner) >= depth > len(path):
                level = depth - len(path) - 1
                end = _end_of_group(body, place, level)
                yield self.group(body, path, times, level, body.steps[place:end])
                place = end
                continue
            place += 1
            if not isinstance(step.does, Repeat) or (depth is not None and len(inner) + 1 >= depth):
                yield self.row(body, inner, times, step)
                continue
            yield from self.repeat(body, (*inner, step.name), times, depth, step, step.does)

    def row(self, body: Body, path: tuple[str, ...], times: int, step: Step) -> Row:
        """Return the line of a layer, or of a repeat that is folded."""
        layer = step.does if isinstance(step.does, Layer) else None
        return Row(
            name=".".join((*path, step.name)),
            path=path,
            does=layer,
            kind="repeat" if isinstance(step.does, Repeat) else None if layer is None else layer.keyword,
            text=step.text,
            span=step.span,
            times=times,
            inputs=tuple(map(body.tensor, step.inputs)),
            output=step.output,
            counts=self.step(body, step),
        )

    def repeat(
        self, body: Body, path: tuple[str, ...], times: int, depth: int | None, step: Step, repeat: Repeat
    ) -> Iterator[Row]:
        """Return the lines of a repeat; where its copies differ, each run of equal ones has the number of its first."""
        if len(repeat.runs) == 1:
            yield from self.rows(repeat.runs[0].body, path, times * repeat.times, depth)
            return
        first = 1
        for run in repeat.runs:
            last = first + run.times - 1
            if depth is not None and len(path) + 1 >= depth:
                yield Row(
                    name=".".join((*path, str(first))),
                    path=path,
                    does=None,
                    kind="repeat",
                    text=f"copy {first}" if first == last else f"copies {first} to {last}",
                    span=step.span,
                    times=times * run.times,
                    inputs=run.body.inputs[:1],
                    output=None if run.body.output is None else run.body.tensor(run.body.output),
                    counts=self.body(run.body),
                )
            else:
                yield from self.rows(run.body, (*path, str(first)), times * run.times, depth)
            first = last + 1

    def group(self, body: Body, path: tuple[str, ...], times: int, level: int, steps: tuple[Step, ...]) -> Row:
        """Return the line of a group that is folded: of its steps, which stand in a row."""
        *outer, group = steps[0].groups[: level + 1]
        above = (*path, *(group.name for group in outer))
        return Row(
            name=".".join((*above, group.name)),
            path=above,
            does=None,
            kind="group",
            text="( ... )",
            span=group.span,
            times=times,
            inputs=tuple(map(body.tensor, steps[0].inputs)),
            output=steps[-1].output,
            counts=_sum(self.step(body, step) for step in steps),
        )


def _end_of_group(body: Body, place: int, level: int) -> int:
    """Return the place behind the last step of the group that a step is in."""
    group = body.steps[place].groups[level]
    while place < len(body.steps) and group in body.steps[place].groups:
        place += 1
    return place


def _sum(all_counts: Iterator[Counts | None]) -> Counts | None:
    """Add counts; the sum with something unknown is unknown."""
    total = NOTHING
    for counts in all_counts:
        if counts is None:
            return None
        total = total + counts
    return total


def _times(counts: Counts | None, times: int) -> Counts | None:
    return None if counts is None else counts * times
