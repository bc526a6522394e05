"""What a position sees of the inputs of a network: receptive field and total stride of every tensor, an axis each."""

from __future__ import annotations

from collections.abc import Sequence

from ..layer import Layer, Reach, Size, Tensor
from ..network import Body, If, Repeat, Run, Step, Use
from ..record import frozen
from ..size import divide, maximum


@frozen
class Field:
    """What the positions of a tensor see along one axis of the input.

    Each sees `size` positions in a row; what neighbours see lies `jump` apart, and `start` is the middle of what the
    first one sees, that of the first input position being 1/2 (Araujo, Norris and Sim, 2019, "Computing receptive
    fields of convolutional neural networks"). Where positions have been joined, `size` stays and `jump` is 0.
    """

    start: Size
    jump: Size
    size: Size


Fields = tuple[Field, ...]
"""One an axis of the input's positions; none for what depends on no position."""


class ReceptiveFields:
    """A walk over bodies that looks at each of them once for what enters it; None is what is not known."""

    def __init__(self) -> None:
        self.known: dict[tuple[Body, tuple[Fields | None, ...]], tuple[Fields | None, ...]] = {}
        self.reaches: dict[Step, tuple[Reach, ...] | None] = {}
        """What a position that leaves a layer sees of those that enter it; this does not depend on what these see."""

    def values(self, body: Body, entering: tuple[Fields | None, ...]) -> tuple[Fields | None, ...]:
        """Return what each value of a body sees, of the inputs and of the steps."""
        key = (body, entering)
        if key not in self.known:
            found = list(entering)
            for step in body.steps:
                found.append(self.step(body, step, tuple(found[value] for value in step.inputs)))
            self.known[key] = tuple(found)
        return self.known[key]

    def step(self, body: Body, step: Step, entering: tuple[Fields | None, ...]) -> Fields | None:
        """Return what leaves a step sees."""
        does = step.does
        if isinstance(does, Layer):
            tensors = [tensor for value in step.inputs if (tensor := body.tensor(value)) is not None]
            return self.layer(step, does, tensors, entering) if len(tensors) == len(step.inputs) else None
        if isinstance(does, Use):
            return self.leaving(does.body, entering)
        if isinstance(does, Repeat):
            for run in does.runs:
                entering = (self.behind_copies(run, entering, run.count), *entering[1:])
            return entering[0]
        if isinstance(does, If):
            return _together([self.leaving(does.first, entering), self.leaving(does.second, entering)])
        return None

    def layer(
        self, step: Step, layer: Layer, tensors: Sequence[Tensor], entering: tuple[Fields | None, ...]
    ) -> Fields | None:
        """Return what the positions see that leave a layer."""
        if layer.is_input:
            return tuple(Field(divide(1, 2), 1, 1) for _ in layer.output().positions)
        if len(entering) != 1 and not layer.sees_all:
            return _together(entering)
        fields, x = entering[0], tensors[0]
        if fields is None or len(fields) != len(x.positions):
            return fields  # what is joined stays so
        if layer.sees_all:
            keeps = layer.output(*tensors).positions == x.positions
            return tuple(
                Field(field.start, field.jump if keeps else 0, field.size + (n - 1) * field.jump)
                for field, n in zip(fields, x.positions, strict=True)
            )
        if step not in self.reaches:
            self.reaches[step] = layer.sees(*tensors)
        reaches = self.reaches[step]
        if reaches is None:
            return None
        return tuple(
            Field(
                field.start + reach.start * field.jump,
                field.jump * reach.step,
                field.size + (reach.size - 1) * field.jump,
            )
            for field, reach in zip(fields, reaches, strict=True)
        )

    def leaving(self, body: Body, entering: tuple[Fields | None, ...]) -> Fields | None:
        """Return what the tensor that leaves a body sees."""
        return None if body.output is None else self.values(body, entering)[body.output]

    def behind_copies(self, run: Run, entering: tuple[Fields | None, ...], copies: int) -> Fields | None:
        """Return what is seen behind some copies of a run; each adds what the second one added to the first."""
        seen = [entering[0]]
        while len(seen) <= min(copies, 2):
            seen.append(self.leaving(run.body, (seen[-1], *entering[1:])))
        if copies < len(seen):
            return seen[copies]
        first, last = seen[-2], seen[-1]
        if first is None or last is None or len(first) != len(last):
            return last
        more = copies + 1 - len(seen)
        return tuple(
            Field(
                b.start + (b.start - a.start) * more,
                b.jump + (b.jump - a.jump) * more,
                b.size + (b.size - a.size) * more,
            )
            for a, b in zip(first, last, strict=True)
        )


def _together(several: Sequence[Fields | None]) -> Fields | None:
    """Return what is seen by positions that are made of those of several tensors."""
    known = [fields for fields in several if fields is not None]
    if len(known) < len(several):
        return None
    axes = max(map(len, known), default=0)
    seeing = [fields for fields in known if fields]
    if any(len(fields) != axes for fields in seeing):
        return None
    joined = []
    for along in zip(*seeing, strict=True):
        placed = max(along, key=lambda field: field.jump != 0)
        joined.append(Field(placed.start, placed.jump, maximum(*(field.size for field in along))))
    return tuple(joined)
