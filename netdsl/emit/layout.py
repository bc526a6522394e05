"""Where PyTorch code has the channels: a body as operations on channels-first or channels-last tensors."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from ..layer import Layer, Tensor
from ..network import Body, Experts, If, Repeat, Step, Use, Value
from ..record import evolve
from .blocks import Blocks
from .calls import (
    EITHER,
    FIRST,
    LAST,
    TORCH,
    Entering,
    Index,
    Layout,
    Method,
    Part,
    Placed,
    X,
    apply,
)
from .skeleton import Op, Operations, present, spelled


class Layouts:
    """The layouts in which tensors enter each block, so that all of its uses have one class."""

    def __init__(self) -> None:
        self.counts: dict[Body, Counter[tuple[Layout, ...]]] = {}
        self.settled: dict[Body, tuple[Layout, ...]] = {}

    def only(self, body: Body, candidates: list[tuple[Layout, ...]]) -> list[tuple[Layout, ...]]:
        """Return what a block can take: what has been settled, or any."""
        return [self.settled[body]] if body in self.settled else candidates

    def count(self, body: Body, layouts: tuple[Layout, ...]) -> None:
        """Note what suits a use best."""
        self.counts.setdefault(body, Counter())[layouts] += 1

    def settle(self) -> bool:
        """Let blocks whose uses differ take what suits most of them. Return whether there were any."""
        found = {body: layouts.most_common(1)[0][0] for body, layouts in self.counts.items() if len(layouts) > 1}
        self.settled.update(found)
        self.counts.clear()
        return bool(found)


class Placement:
    """A body as operations on channels-first or channels-last tensors."""

    def __init__(
        self,
        body: Body,
        layouts: tuple[Layout, ...],
        leaving: Layout | Literal["natural", "as it is"],
        outputs: tuple[Value, ...],
        known: dict[tuple[Body, tuple[Layout, ...], str], Placement],
        blocks: Blocks,
        layouts_of: Layouts,
        around: Step | None = None,
    ) -> None:
        self.known = known
        self.blocks = blocks
        self.layouts_of = layouts_of
        self.shared: dict[Body, Placement] = {}
        """The shared blocks that it needs, each in one arrangement."""
        self.body = body
        self.operations = Operations(len(layouts))
        self.places: dict[Value, int] = {}
        self.layouts: list[Layout] = list(layouts)
        self.orders: dict[Value, tuple[Any, ...]] = {}
        self.converted: dict[tuple[int, Layout], int] = {}
        self.conversions = 0
        self.repeats: dict[int, tuple[Placement, ...]] = {}
        self.outputs = outputs
        self.inputs: list[Value] = []
        for value in range(len(body.inputs)):
            self.places[value] = value
        for index, step in enumerate(body.steps, len(body.inputs)):
            self.step(index, step)
        for value in outputs:
            place = self.places[value]
            tensor = self.tensor(value)
            wanted = self.layouts[place] if leaving == "as it is" else leaving
            if wanted == "natural":
                wanted = natural(tensor)
            place = self.for_each_example(place, tensor)
            self.operations.outputs.append(self.in_layout(place, tensor, wanted, body.maker(value) or around))

    def tensor(self, value: Value) -> Tensor:
        tensor = self.body.tensor(value)
        assert tensor is not None, "only whole networks are emitted"
        return tensor

    def step(self, value: Value, step: Step) -> None:
        if isinstance(step.does, Repeat):
            self.places[value] = self.repeat(step, step.does)
            return
        if isinstance(step.does, Use):
            self.places[value] = self.use(step, step.does)
            return
        if isinstance(step.does, If):
            self.places[value] = self.choice(step, step.does)
            return
        if isinstance(step.does, Experts):
            x = self.tensor(step.inputs[0])
            op = Op((self.in_layout(self.places[step.inputs[0]], x, LAST, step),), step)
            op.use = self.inside(step.does.body, (LAST,), "as it is")
            self.places[value] = self.add(op, LAST)
            return
        layer = step.does
        assert isinstance(layer, Layer), "only whole networks are emitted"
        if layer.is_input:
            self.places[value] = len(self.inputs)
            self.inputs.append(value)
            return
        self.places[value] = self.layer(value, step, layer)

    def layer(self, value: Value, step: Step, layer: Layer) -> int:
        tensors = tuple(self.tensor(source) for source in step.inputs)
        layout = self.wanted(layer, step, tensors)
        order = self.orders.get(step.inputs[0]) if step.inputs else None
        if layer.flattens and layout == FIRST and tensors[0].rank > 1:
            if self.absorbed(value):
                self.orders[value] = tensors[0].sizes
            else:
                layout = LAST
        elif order is not None and layer.elementwise:
            self.orders[value] = order
        places = tuple(
            self.in_layout(self.places[source], tensor, layout, step)
            for source, tensor in zip(step.inputs, tensors, strict=True)
        )
        if not layer.broadcasts:
            places = self.with_batch(places, tensors, step)
        asked = tuple((self.places[value], self.tensor(value)) for value in step.asked)
        placed = [Placed(x, layout) for x in tensors]
        placed += [Placed(x, self.layouts[place]) for place, x in asked]
        parts = spelled(TORCH, step, layer, placed, len(tensors), _size_at_run_time, self.blocks.arguments)
        entered = (*places, *(place for place, _ in asked))
        for number, (part, asks) in enumerate(parts):
            inputs = places if not asks else entered if number == 0 else (*places, *entered)
            kept = evolve(part, weights=present(part, layer, tensors))
            op = Op(inputs, step, kept, None, number == len(parts) - 1, order)
            if step.tied is not None:
                op.tie(self.lender(step.tied))
            places = (self.add(op, layout),)
        return places[0]

    def with_batch(self, places: tuple[int, ...], tensors: tuple[Tensor, ...], step: Step) -> tuple[int, ...]:
        """Return values of which all have a batch, if one has: what all examples have in common is expanded to it."""
        batched = next((place for place, x in zip(places, tensors, strict=True) if x.per_example), None)
        if batched is None:
            return places
        return tuple(
            place if x.per_example else self.expanded(place, x, batched, step)
            for place, x in zip(places, tensors, strict=True)
        )

    def expanded(self, place: int, x: Tensor, batched: int, step: Step) -> int:
        """Return a value that all examples have in common, once for each."""
        batch = Index(Method(Entering(1), "shape"), (0,))
        part = Part(function=apply(Method(X, "expand"), batch, *(-1,) * x.rank))
        return self.add(Op((place, batched), step, part, None, ends_step=False), self.layouts[place])

    def for_each_example(self, place: int, x: Tensor) -> int:
        """Return an output of the network, which is one for each example."""
        if x.per_example or not self.inputs:
            return place
        return self.expanded(place, x, 0, self.operations.ops[place - self.operations.inputs].step)

    def lender(self, value: Value) -> Op:
        """Return the operation that makes a value."""
        lender = self.operations.maker(self.places[value])
        assert lender is not None, "a table is made by a layer"
        return lender

    def add(self, op: Op, layout: Layout) -> int:
        self.layouts.append(layout)
        return self.operations.add(op)

    def wanted(self, layer: Layer, step: Step, tensors: tuple[Tensor, ...]) -> Layout:
        """Return the layout that a layer is applied in; one that takes either follows most of its inputs."""
        wish = TORCH.layout(layer, tensors[0] if tensors else layer.output())
        if wish != EITHER:
            return FIRST if wish == FIRST else LAST
        held = [self.layouts[self.places[value]] for value, x in zip(step.inputs, tensors, strict=True) if x.rank > 1]
        first = held.count(FIRST)
        if 2 * first == len(held):
            return held[0] if held else LAST
        return FIRST if 2 * first > len(held) else LAST

    def in_layout(self, place: int, tensor: Tensor, layout: Layout, step: Step | None) -> int:
        """Return a value with its channels where they are wanted, which may take a permutation."""
        if tensor.rank == 1 or self.layouts[place] == layout:
            return place
        known = self.converted.get((place, layout))
        if known is None:
            assert step is not None
            part = Part(function=_permutation(tensor.rank, layout))
            self.conversions += 1
            known = self.add(Op((place,), step, part, None, ends_step=False), layout)
            self.converted[place, layout] = known
        return known

    def absorbed(self, value: Value) -> bool:
        """Whether all that reads a flattened value can follow another order of its elements."""
        if value in self.outputs:
            return False
        readers = [
            (reader, step.does)
            for reader, step in enumerate(self.body.steps, len(self.body.inputs))
            if value in step.inputs
        ]
        return all(
            isinstance(does, Layer) and (does.absorbs_order or (does.elementwise and self.absorbed(reader)))
            for reader, does in readers
        )

    def repeat(self, step: Step, repeat: Repeat) -> int:
        """Place a repeat in the layout that needs the fewest permutations in its copies."""
        x = self.tensor(step.inputs[0])
        held = self.layouts[self.places[step.inputs[0]]]
        candidates = [held] if x.rank == 1 else [held, LAST if held == FIRST else FIRST]
        tries: list[tuple[int, int, Layout, tuple[Placement, ...]]] = []
        for layout in candidates:
            outside = [layout, *(natural(self.tensor(value)) for value in step.inputs[1:])]
            copies = tuple(self.inside(run.body, tuple(outside), layout) for run in repeat.runs)
            cost = sum(
                copy.conversions * (1 if run.times == 1 else 2) for copy, run in zip(copies, repeat.runs, strict=True)
            )
            tries.append((cost + 2 * (layout != held), len(tries), layout, copies))
        _, _, layout, copies = min(tries, key=lambda found: found[:2])
        wanted = (layout, *(natural(self.tensor(value)) for value in step.inputs[1:]))
        places = tuple(
            self.in_layout(self.places[value], self.tensor(value), to, step)
            for value, to in zip(step.inputs, wanted, strict=True)
        )
        op = Op(places, step, None, tuple(zip(copies, repeat.runs, strict=True)))
        shared = {body: placement for copy in copies for body, placement in copy.shared.items()}
        self.shared.update(shared)
        op.shared = tuple(shared)
        return self.add(op, layout)

    def inside(
        self, body: Body, layouts: tuple[Layout, ...], leaving: Layout | Literal["as it is"], around: Step | None = None
    ) -> Placement:
        """Return the arrangement of a body that stands in this one; equal ones are one."""
        assert body.output is not None, "only whole networks are emitted"
        key = (body, layouts, leaving)
        if key not in self.known:
            self.known[key] = Placement(
                body, layouts, leaving, (body.output,), self.known, self.blocks, self.layouts_of, around
            )
        return self.known[key]

    def use(self, step: Step, use: Use) -> int:
        """Place a block in the layout that needs the fewest permutations."""
        general, values = self.blocks.of(use)
        output = general.body.output
        assert output is not None, "only whole networks are emitted"
        if output < len(use.body.inputs):  # the block is `id`
            return self.places[step.inputs[output]]
        x = self.tensor(step.inputs[0])
        held = tuple(self.layouts[self.places[value]] for value in step.inputs)
        other: Layout = LAST if held[0] == FIRST else FIRST
        candidates = [held] if x.rank == 1 else [held, (other, *held[1:])]
        if use.is_shared:
            candidates = [(natural(x), *held[1:])]
        candidates = self.layouts_of.only(general.body, candidates)
        tries: list[tuple[int, tuple[Layout, ...], Placement]] = []
        for layouts in candidates:
            # what leaves as it entered can stand in a row
            for leaving in (layouts[0], "as it is"):
                made = self.inside(general.body, layouts, leaving)
                left = made.layouts[made.operations.outputs[0]]
                cost = made.conversions + (layouts != held) + (left != layouts[0] and general.leaving.rank > 1)
                tries.append((cost, layouts, made))
        _, layouts, chosen = min(tries, key=lambda found: found[0])
        self.layouts_of.count(general.body, layouts)
        places = tuple(
            self.in_layout(self.places[value], self.tensor(value), layout, step)
            for value, layout in zip(step.inputs, layouts, strict=True)
        )
        op = Op(places, step)
        op.use, op.general, op.values = chosen, general, values
        if use.is_shared:
            op.shared = (use.body,)
            self.shared[use.body] = chosen
        return self.add(op, chosen.layouts[chosen.operations.outputs[0]])

    def choice(self, step: Step, does: If) -> int:
        """Place the two sides of an `if` in the layouts that need the fewest permutations."""
        x, leaving = self.tensor(step.inputs[0]), step.output
        assert leaving is not None, "only whole networks are emitted"
        held = tuple(self.layouts[self.places[value]] for value in step.inputs)
        other: Layout = LAST if held[0] == FIRST else FIRST
        tries: list[tuple[int, int, tuple[Layout, ...], Layout, tuple[Placement, Placement]]] = []
        for entering in [held[0]] if x.rank == 1 else [held[0], other]:
            for left in [LAST] if leaving.rank == 1 else [held[0], other]:
                layouts = (entering, *held[1:])
                first, second = (self.inside(side, layouts, left, step) for side in (does.first, does.second))
                sides = (first, second)
                cost = sum(side.conversions for side in sides) + (entering != held[0])
                tries.append((cost, len(tries), layouts, left, sides))
        _, _, layouts, left, sides = min(tries, key=lambda found: found[:2])
        entering_place = self.in_layout(self.places[step.inputs[0]], x, layouts[0], step)
        op = Op((entering_place, *(self.places[value] for value in step.inputs[1:])), step)
        op.choice = sides
        return self.add(op, left)


def natural(x: Tensor) -> Layout:
    """Return the layout in which tensors come and go: channels-first from rank 3 on."""
    return FIRST if x.rank >= 3 else LAST


def _permutation(rank: int, layout: Layout) -> object:
    """Return the expression that moves the channels of a batch."""
    if rank == 2:
        return apply(Method(X, "transpose"), 1, 2)
    if layout == LAST:
        return apply(Method(X, "permute"), 0, *range(2, rank + 1), 1)
    return apply(Method(X, "permute"), 0, rank, *range(1, rank))


def _size_at_run_time(entering: int, axis: int) -> Index:
    """Return the size of an axis of an entering tensor, the batch counted."""
    return Index(Method(Entering(entering), "shape"), (axis,))
