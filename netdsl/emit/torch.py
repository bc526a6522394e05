"""PyTorch source for a network: layout of the channels, modules and attributes, and the forward function."""

from __future__ import annotations

from collections.abc import Iterator
from keyword import iskeyword
from typing import TypeAlias

from attrs import evolve, field, frozen

from ..layer import Layer, Tensor
from ..network import Body, Network, Repeat, Step, Value
from . import code
from .calls import EITHER, FIRST, LAST, TORCH, Layout, Method, Part, Placed, Stored, X, apply
from .emitted import Emitted, Location
from .skeleton import (
    Op,
    Operations,
    Variables,
    by_last_read,
    class_name,
    docstring,
    idiom,
    present,
    times_read,
    to_code,
    without_underscores,
    words_of,
)


def emit(network: Network) -> Emitted:
    """Return PyTorch source for a network: one module, named after it."""
    emitter = _Emitter()
    name = class_name(network.name)
    main, items = emitter.network(network, name)
    body = (*emitter.imports(), *emitter.idioms(), *emitter.classes, main)
    module = code.Module((code.Docstring(docstring(network, "PyTorch")), *body))
    return Emitted(TORCH.name, name, code.render(module), lambda: _locations(items))


# Where weights live


@frozen
class _At:
    """A weight of a layer, at a path in the module that holds it."""

    layer: str
    stored: Stored
    path: str
    order: tuple[int, ...] | None


@frozen
class _Copies:
    """Weights of a module that stands in a row `times` times, from number `first` (0 for the first of all)."""

    layer: str
    path: str
    first: int
    times: int
    items: tuple[_Item, ...]


_Item: TypeAlias = "_At | _Copies"


def _locations(items: tuple[_Item, ...], layer: str = "", path: str = "") -> Iterator[Location]:
    """Return each weight of each copy."""
    for item in items:
        if isinstance(item, _At):
            stored = item.stored
            yield Location(
                layer + item.layer,
                stored.weight,
                f"{path}{item.path}{stored.attribute}",
                stored.axes,
                stored.part,
                item.order if stored.follows_order else None,
            )
        else:
            for copy in range(item.first, item.first + item.times):
                yield from _locations(item.items, f"{layer}{item.layer}.{copy + 1}.", f"{path}{item.path}{copy}.")


def _moved(items: tuple[_Item, ...], path: str) -> tuple[_Item, ...]:
    """Return items as the module that holds their module sees them."""
    return tuple(evolve(item, path=path + item.path) for item in items)


# Layout


class _Placement:
    """A body as operations on channels-first or channels-last tensors."""

    def __init__(
        self, body: Body, layouts: tuple[Layout, ...], leaving: Layout | None, outputs: tuple[Value, ...]
    ) -> None:
        self.body = body
        self.operations = Operations(len(layouts))
        self.places: dict[Value, int] = {}
        self.layouts: list[Layout] = list(layouts)
        self.orders: dict[Value, tuple[int, ...]] = {}
        self.converted: dict[tuple[int, Layout], int] = {}
        self.conversions = 0
        self.repeats: dict[int, tuple[_Placement, ...]] = {}
        self.outputs = outputs
        self.inputs: list[Value] = []
        for value in range(len(body.inputs)):
            self.places[value] = value
        for index, step in enumerate(body.steps, len(body.inputs)):
            self.step(index, step)
        for value in outputs:
            place = self.places[value]
            tensor = self.tensor(value)
            wanted = leaving or natural(tensor)
            self.operations.outputs.append(self.in_layout(place, tensor, wanted, body.maker(value)))

    def tensor(self, value: Value) -> Tensor:
        tensor = self.body.tensor(value)
        assert tensor is not None, "only whole networks are emitted"
        return tensor

    def step(self, value: Value, step: Step) -> None:
        if isinstance(step.does, Repeat):
            self.places[value] = self.repeat(step, step.does)
            return
        layer = step.does
        assert layer is not None, "only whole networks are emitted"
        if layer.is_source:
            self.places[value] = len(self.inputs)
            self.inputs.append(value)
            return
        self.places[value] = self.layer(value, step, layer)

    def layer(self, value: Value, step: Step, layer: Layer) -> int:
        tensors = tuple(self.tensor(source) for source in step.inputs)
        layout = self.wanted(layer, step, tensors)
        order = self.orders.get(step.inputs[0])
        if layer.flattens and layout == FIRST and tensors[0].rank > 1:
            if self.absorbed(value):
                self.orders[value] = tensors[0].sizes  # type: ignore[assignment]
            else:
                layout = LAST
        elif order is not None and layer.elementwise:
            self.orders[value] = order
        places = tuple(
            self.in_layout(self.places[source], tensor, layout, step)
            for source, tensor in zip(step.inputs, tensors, strict=True)
        )
        parts = TORCH.spell(layer, *(Placed(tensor, layout) for tensor in tensors))
        for number, part in enumerate(parts):
            stored = present(part, layer, tensors)
            op = Op(
                places,
                step,
                evolve(part, weights=stored),
                None,
                number == len(parts) - 1,
                order,
            )
            places = (self.add(op, layout),)
        return places[0]

    def add(self, op: Op, layout: Layout) -> int:
        self.layouts.append(layout)
        return self.operations.add(op)

    def wanted(self, layer: Layer, step: Step, tensors: tuple[Tensor, ...]) -> Layout:
        """Return the layout that a layer is applied in; one that takes either follows most of its inputs."""
        wish = TORCH.layout(layer, tensors[0])
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
        tries: list[tuple[int, int, Layout, tuple[_Placement, ...]]] = []
        for layout in candidates:
            outside = [layout, *(natural(self.tensor(value)) for value in step.inputs[1:])]
            copies = tuple(
                _Placement(run.body, tuple(outside), layout, (run.body.output,))
                for run in repeat.runs
                if run.body.output is not None
            )
            cost = sum(copy.conversions * min(run.times, 2) for copy, run in zip(copies, repeat.runs, strict=True))
            tries.append((cost + 2 * (layout != held), len(tries), layout, copies))
        _, _, layout, copies = min(tries, key=lambda found: found[:2])
        wanted = (layout, *(natural(self.tensor(value)) for value in step.inputs[1:]))
        places = tuple(
            self.in_layout(self.places[value], self.tensor(value), to, step)
            for value, to in zip(step.inputs, wanted, strict=True)
        )
        return self.add(Op(places, step, None, tuple(zip(copies, repeat.runs, strict=True))), layout)


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


# Modules


@frozen(eq=False)
class _Segment:
    """Operations in a row that become one attribute, or (without modules) expressions."""

    ops: tuple[Op, ...]
    name: str = ""
    modules: tuple[code.Expression, ...] = ()
    items: tuple[_Item, ...] = ()
    group: str = field(default="")

    @property
    def module(self) -> code.Expression:
        """The attribute: a module alone, or several in a Sequential."""
        return self.modules[0] if len(self.modules) == 1 else code.call("nn.Sequential", *self.modules)


class _Emitter:
    """One module of source: classes for what is no chain, and what they need imported."""

    def __init__(self) -> None:
        self.classes: list[code.Statement] = []
        self.words: set[str] = {"nn"}
        self.carried: dict[str, set[str]] = {}
        """The options of each class of ours that the code uses."""
        self.class_names: set[str] = set()
        self.copies: dict[int, tuple[code.Expression, tuple[_Item, ...]]] = {}

    def imports(self) -> tuple[code.Statement, ...]:
        """Return the imports of what the code uses, sorted as isort has them."""
        words = self.words
        carried = {line for name, options in self.carried.items() for line in idiom(TORCH.name, name, options)[0]}
        lines: list[code.Statement] = []
        if "torch" in words or "import torch" in carried:
            lines.append(code.Import("torch"))
        if "F" in words or "import torch.nn.functional as F" in carried:
            lines.append(code.Import("torch.nn.functional", "F"))
        names = ("Tensor", "nn") if "Tensor" in words or "from torch import Tensor, nn" in carried else ("nn",)
        return (*lines, code.FromImport("torch", names))

    def idioms(self) -> tuple[code.Statement, ...]:
        """Return the classes of ours that the code uses."""
        return tuple(
            code.Verbatim(idiom(TORCH.name, name, options)[1]) for name, options in sorted(self.carried.items())
        )

    def carry(self, part: Part) -> None:
        """Let the module carry one of our classes, with the options that a part needs."""
        if part.idiom:
            self.carried.setdefault(part.idiom, set()).update(part.options)

    def network(self, network: Network, name: str) -> tuple[code.Statement, tuple[_Item, ...]]:
        """Return the class of the whole network, and where its weights are."""
        self.class_names.add(name)
        sources = [step for step in network.body.steps if isinstance(step.does, Layer) and step.does.is_source]
        layouts = tuple(natural(step.output) for step in sources if step.output is not None)
        placement = _Placement(network.body, layouts, None, tuple(output.value for output in network.outputs))
        labels = {output.value: output.name for output in network.outputs}
        names = ["x" if len(sources) == 1 and not step.named else step.name for step in sources]
        return self.class_of(name, placement, names, [labels[value] for value in placement.outputs])

    def class_of(
        self, name: str, placement: _Placement, inputs: list[str], outputs: list[str]
    ) -> tuple[code.Statement, tuple[_Item, ...]]:
        """Return the class of a body: a Sequential if it is a chain, else attributes and a forward function."""
        segments = self.segments(placement)
        if self.is_chain(placement, segments):
            only = segments[0]
            items = only.items if len(only.modules) > 1 else _moved(only.items, "0.")
            return code.Class(name, (code.Name("nn.Sequential"),), (_init(_start(*only.modules)),)), items
        segments = [part for segment in segments for part in self.trimmed(segment, placement)]
        segments = self.named(segments, placement)
        attributes = [segment for segment in segments if segment.modules]
        body: list[code.Statement] = []
        if attributes:
            assigns = (
                code.Assign((code.Attribute(code.Name("self"), segment.name),), segment.module)
                for segment in attributes
            )
            body.append(_init(_start(), *assigns))
        forward = _Forward(self, placement, segments, inputs, outputs).function()
        items = tuple(item for segment in attributes for item in _moved(segment.items, f"{segment.name}."))
        self.words.add("Tensor")
        return code.Class(name, (code.Name("nn.Module"),), (*body, forward)), items

    def is_chain(self, placement: _Placement, segments: list[_Segment]) -> bool:
        """Whether a body is nothing but unnamed modules in a row."""
        operations = placement.operations
        if len(segments) != 1 or operations.inputs != 1 or len(operations.outputs) != 1:
            return False
        only = segments[0]
        named = any(op.label or op.groups for op in only.ops)
        if not only.modules or named or operations.outputs[0] != len(operations.ops):
            return False
        return _takes_one(only.ops[0])

    def segments(self, placement: _Placement) -> list[_Segment]:
        """Split operations into the longest rows of modules that read each other and nothing else."""
        operations = placement.operations
        readers = operations.readers()
        rows: list[list[Op]] = []
        for value, op in enumerate(operations.ops, operations.inputs):
            last = rows[-1][-1] if rows else None
            follows = last is not None and op.inputs == (value - 1,) and readers[value - 1] == 1
            if follows and last is not None and self.belongs(last, op):
                rows[-1].append(op)
            else:
                rows.append([op])
        return [self.segment(tuple(row)) for row in rows]

    def belongs(self, last: Op, op: Op) -> bool:
        """Whether an operation can stand in a Sequential behind another."""
        if not _has_module(last) or not _has_module(op) or not _takes_one(last) or not _takes_one(op):
            return False
        if last.step is op.step:
            return True
        return not last.label and not op.step.named and last.groups == op.groups

    def segment(self, ops: tuple[Op, ...]) -> _Segment:
        """Return the modules of operations in a row, and where their weights are in that row."""
        if ops[0].part is not None and not ops[0].part.modules:
            return _Segment(ops)
        modules: list[code.Expression] = []
        items: list[tuple[int, tuple[_Item, ...]]] = []
        for op in ops:
            made, kept = self.modules_of(op)
            items.append((len(modules) + len(made) - 1, kept))
            modules.extend(made)
        placed = tuple(
            item for number, kept in items for item in (_moved(kept, f"{number}.") if len(modules) > 1 else kept)
        )
        group = ops[0].groups[-1].name if ops[0].groups else ""
        return _Segment(ops, "", tuple(modules), placed, group)

    def modules_of(self, op: Op) -> tuple[list[code.Expression], tuple[_Item, ...]]:
        """Return the constructors of an operation, and where its weights are in the last of them."""
        layer = op.step.full_name
        if op.part is None:
            module, items = self.repeat(op, layer)
            return [module], items
        self.carry(op.part)
        self.words |= words_of(op.part.modules) - {op.part.idiom}
        kept = tuple(_At(layer, stored, "", op.order) for stored in op.stored)
        return [to_code(call) for call in op.part.modules], kept

    def repeat(self, op: Op, layer: str) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return the copies of a repeat as one module."""
        copies: list[code.Expression] = []
        items: list[_Item] = []
        first = 0
        for placement, run in op.repeat:
            module, kept = self.copy(op, placement)
            items.append(_Copies(layer, "", first, run.times, kept))
            if run.times == 1:
                copies.append(module)
            else:
                count = code.call("range", run.times)
                copies.append(code.Starred(code.Generator(module, code.Name("_"), count)))
            first += run.times
        if len(op.inputs) == 1:
            return code.call("nn.Sequential", *copies), tuple(items)
        only = copies[0]
        if len(copies) == 1 and isinstance(only, code.Starred):
            return code.call("nn.ModuleList", only.inside), tuple(items)
        return code.call("nn.ModuleList", code.List(tuple(copies))), tuple(items)

    def copy(self, op: Op, placement: _Placement) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return the constructor of one copy of a repeat: a chain as it is, anything else as a class of its own."""
        known = self.copies.get(id(placement))
        if known is not None:
            return known
        segments = self.segments(placement)
        if self.is_chain(placement, segments):
            made = segments[0].module, segments[0].items
        else:
            name = self.unused_class(class_name(op.step.name))
            entering = ["x", *(f"x{number}" for number in range(1, placement.operations.inputs))]
            definition, items = self.class_of(name, placement, entering, [""])
            self.classes.append(definition)
            made = code.call(name), items
        self.copies[id(placement)] = made
        return made

    def unused_class(self, name: str) -> str:
        """Return a class name that nothing in the module has."""
        wanted, number = name, 1
        while name in self.class_names or name in self.carried or name in ("Tensor",):
            number += 1
            name = f"{wanted}_{number}" if wanted[-1].isdigit() else f"{wanted}{number}"
        self.class_names.add(name)
        return name

    def trimmed(self, segment: _Segment, placement: _Placement) -> list[_Segment]:
        """Return a segment with the functions at its start as expressions: `F.relu(a + b)` reads better inline.

        What the author has grouped or named stays whole.
        """
        ops = segment.ops
        if not segment.modules or segment.group or ops[0].step.named:
            return [segment]
        start = 0
        while start < len(ops) and _is_function(ops[start]):
            start += 1
        inline = [_Segment((op,)) for op in ops[:start]]
        return [*inline, self.segment(ops[start:])] if start < len(ops) else inline

    def named(self, segments: list[_Segment], placement: _Placement) -> list[_Segment]:
        """Give every attribute a name: the author's, that of its only layer, or what it is."""
        operations = placement.operations
        readers_of: dict[int, list[Op]] = {}
        for op in operations.ops:
            for value in op.inputs:
                readers_of.setdefault(value, []).append(op)
        in_group: dict[str, int] = {}
        for segment in segments:
            for group in segment.ops[0].groups:
                in_group[group.name] = in_group.get(group.name, 0) + 1
        names: list[str] = []
        value = operations.inputs - 1
        for segment in segments:
            value += len(segment.ops)
            if not segment.modules:
                names.append("")
            elif segment.group and in_group[segment.group] == 1:
                names.append(segment.group)
            elif len({id(op.step) for op in segment.ops}) == 1:
                names.append(segment.ops[-1].step.name)
            else:
                joins = any(len(reader.inputs) > 1 for reader in readers_of.get(value, []))
                names.append(_BRANCH if joins else _CHAIN)
        taken = set(MODULE_OWNS)
        counters: dict[str, int] = {}
        repeated = {name for name in (_BRANCH, _CHAIN) if names.count(name) > 1}
        for place, name in enumerate(names):
            if name in repeated:
                counters[name] = counters.get(name, 0) + 1
                names[place] = f"{name}_{counters[name]}"
            names[place] = names[place] and without_underscores(names[place])
            while names[place] in taken or iskeyword(names[place]):
                names[place] += "_"
            taken.update(filter(None, (names[place],)))
        return [evolve(segment, name=name) for segment, name in zip(segments, names, strict=True)]


_BRANCH, _CHAIN = "branch", "layers"  # attributes of several layers that the author has not named


def _start(*modules: code.Expression) -> code.Statement:
    """Return the call of the base class' constructor."""
    return code.Evaluate(code.Call(code.Attribute(code.call("super"), "__init__"), modules))


def _init(*body: code.Statement) -> code.Function:
    """Return a constructor without arguments."""
    return code.Function("__init__", (code.Parameter("self"),), body, code.expression(None))


def _has_module(op: Op) -> bool:
    if op.part is None:
        return len(op.inputs) == 1
    return bool(op.part.modules)


def _takes_one(op: Op) -> bool:
    """Whether an operation is called with one tensor, as what stands in a Sequential is."""
    return len(op.inputs) == 1 and (op.part is None or op.part.applied is None)


def _is_function(op: Op) -> bool:
    return op.part is not None and op.part.function is not None and not op.stored


# The forward function


class _Forward:
    """Statements that apply the attributes and functions of a class in order."""

    def __init__(
        self, emitter: _Emitter, placement: _Placement, segments: list[_Segment], inputs: list[str], outputs: list[str]
    ) -> None:
        self.emitter = emitter
        self.operations = placement.operations
        self.segments = segments
        self.labels = outputs
        owned = {f"self.{segment.name}" for segment in segments}
        self.variables = Variables(owned)
        self.inputs = [self.variables.bind(self.variables.free(name, set()), n) for n, name in enumerate(inputs)]
        self.expressions: dict[int, code.Expression] = {}
        self.statements: list[code.Statement] = []
        # a segment makes one value: that of its last operation
        self.made: list[tuple[int, _Segment]] = []
        value = self.operations.inputs - 1
        for segment in segments:
            value += len(segment.ops)
            self.made.append((value, segment))
        self.readers: dict[int, list[_Segment | None]] = {}
        for _, segment in self.made:
            for source in segment.ops[0].inputs:
                self.readers.setdefault(source, []).append(segment)
        for source in self.operations.outputs:
            self.readers.setdefault(source, []).append(None)

    def function(self) -> code.Function:
        """Return `forward`."""
        stated = {value for value, segment in self.made if self.is_statement(value, segment)}
        reads = self.reads_by_statement(stated)
        last_read = {value: number for number, values in enumerate(reads) for value in values}
        ending = by_last_read(last_read)
        alive = set(last_read)
        number = 0
        for value, segment in self.made:
            if value not in stated:
                self.expressions[value] = self.expression(segment)
                continue
            alive.difference_update(ending.get(number, ()))
            self.state(value, segment, alive)
            number += 1
        self.statements.append(code.Return(self.returned()))
        tensor = code.Name("Tensor")
        parameters = tuple(code.Parameter(name, tensor) for name in self.inputs)
        count = len(self.operations.outputs)
        returns = tensor if count == 1 else code.Subscript(code.Name("tuple"), code.Tuple((tensor,) * count))
        return code.Function("forward", (code.Parameter("self"), *parameters), tuple(self.statements), returns)

    def returned(self) -> code.Expression:
        values = tuple(self.read(value) for value in self.operations.outputs)
        return values[0] if len(values) == 1 else code.Tuple(values)

    def is_statement(self, value: int, segment: _Segment) -> bool:
        """Whether a value gets a variable: where it is read twice or none could read it inline."""
        readers = self.readers.get(value, [])
        if len(readers) != 1 or _is_loop(segment):
            return True
        reader = readers[0]
        if reader is None:
            return len(self.operations.outputs) > 1
        if _is_loop(reader):
            return True
        if not reader.modules and self.uses(reader, value) > 1:
            return True
        return bool(reader.modules) and not _is_permutation(segment)

    def uses(self, segment: _Segment, value: int) -> int:
        """Return how often the expression of a segment names a value."""
        op = segment.ops[0]
        assert op.part is not None
        return sum(times_read(op.part.function, n) for n, source in enumerate(op.inputs) if source == value)

    def reads_by_statement(self, stated: set[int]) -> list[set[int]]:
        """Return the variables that each statement reads, inside inlined expressions too; the last is the return."""
        inline: dict[int, set[int]] = {}

        def of(value: int) -> set[int]:
            return {value} if value in stated or value < self.operations.inputs else inline[value]

        reads: list[set[int]] = []
        for value, segment in self.made:
            found = set().union(*(of(source) for source in segment.ops[0].inputs))
            if value in stated:
                reads.append(found)
            else:
                inline[value] = found
        reads.append(set().union(*(of(value) for value in self.operations.outputs)))
        return reads

    def read(self, value: int) -> code.Expression:
        name = self.variables.name_of.get(value)
        return code.Name(name) if name is not None else self.expressions[value]

    def expression(self, segment: _Segment) -> code.Expression:
        """Return a segment applied to what enters it."""
        op = segment.ops[0]
        entering = tuple(self.read(value) for value in op.inputs)
        if segment.modules:
            built = code.Attribute(code.Name("self"), segment.name)
            applied = None if op.part is None else op.part.applied
            return code.Call(built, entering) if applied is None else to_code(applied, entering, built)
        assert op.part is not None and op.part.function is not None
        self.emitter.words |= words_of(op.part.function)
        return to_code(op.part.function, entering)

    def state(self, value: int, segment: _Segment, alive: set[int]) -> None:
        """Append the statement that gives a value its variable."""
        op = segment.ops[-1]
        label = op.label or (segment.group if segment.modules else "")
        readers = self.readers.get(value, [])
        if value in self.operations.outputs:
            label = label or self.labels[self.operations.outputs.index(value)]
        wanted = label if len(readers) > 1 or value in self.operations.outputs else ""
        fallback = segment.name or op.step.name
        if not _is_loop(segment):
            expression = self.expression(segment)
            name = self.variables.choose(value, wanted, fallback, alive)
            self.statements.append(code.Assign(code.Name(name), expression))
            return
        entering = [self.read(source) for source in segment.ops[0].inputs]
        taken = set(segment.ops[0].inputs[1:])  # each round reads them again
        name = self.variables.choose(value, wanted, fallback, alive | taken)
        if entering[0] != code.Name(name):
            self.statements.append(code.Assign(code.Name(name), entering[0]))
        copy = code.Name("module" if name != "module" else "copy")
        attribute = code.Attribute(code.Name("self"), segment.name)
        call = code.Call(copy, (code.Name(name), *entering[1:]))
        self.statements.append(code.For(copy, attribute, (code.Assign(code.Name(name), call),)))


def _is_loop(segment: _Segment) -> bool:
    """Whether a segment is a repeat that reads more than the tensor that enters."""
    return segment.ops[0].part is None and len(segment.ops[0].inputs) > 1


def _is_permutation(segment: _Segment) -> bool:
    """Whether a segment only moves the channels, which reads well inside another expression."""
    op = segment.ops[0]
    function = op.part.function if op.part is not None and not segment.modules else None
    return getattr(getattr(function, "function", None), "name", "") in ("transpose", "permute")


MODULE_OWNS = frozenset(
    [
        "T_destination",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
"""Attributes of torch.nn.Module, which no attribute of ours may hide; a test compares them with PyTorch's own."""
