"""PyTorch source for a network: layout of the channels, modules and attributes, and the forward function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from keyword import iskeyword
from typing import Literal, TypeAlias

from attrs import evolve, field, frozen

from ..layer import Layer, Tensor
from ..network import Body, Experts, Network, Repeat, Step, Use, Value
from . import code, training
from .calls import (
    EITHER,
    FIRST,
    LAST,
    MADE,
    TIED,
    TORCH,
    Entering,
    Extra,
    Index,
    Layout,
    Method,
    Object,
    Part,
    Placed,
    Stored,
    X,
    apply,
)
from .emitted import Emitted, ExtraTensor, Location
from .skeleton import (
    Op,
    Operations,
    Variables,
    by_last_read,
    class_name,
    docstring,
    first_uses,
    idiom,
    is_used_frozen,
    main_first,
    number_of_uses,
    present,
    spelled,
    tensor_parameters,
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
    start = training.for_torch(network, natural)
    emitter.words |= start.words
    body = (*emitter.imports(), *emitter.idioms(), *emitter.classes, main, *start.statements)
    module = code.Module((code.Docstring(docstring(network, "PyTorch", _extra_elements(items))), *body))
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
class _Beyond:
    """A tensor of PyTorch that is no weight of the language."""

    layer: str
    extra: Extra
    path: str


@frozen
class _Copies:
    """Weights of a module that stands in a row `times` times, from number `first` (0 for the first of all)."""

    layer: str
    path: str
    first: int
    times: int
    items: tuple[_Item, ...]


@frozen
class _Inside:
    """Weights of a block, below its name."""

    layer: str
    path: str
    items: tuple[_Item, ...]


_Item: TypeAlias = "_At | _Beyond | _Copies | _Inside"


def _locations(items: tuple[_Item, ...], layer: str = "", path: str = "") -> Iterator[Location | ExtraTensor]:
    """Return each weight of each copy, and what PyTorch keeps beside them."""
    for item in items:
        if isinstance(item, _Beyond):
            extra = item.extra
            yield ExtraTensor(layer + item.layer, f"{path}{item.path}{extra.attribute}", int(extra.size))
        elif isinstance(item, _At):
            stored = item.stored
            yield Location(
                layer + item.layer,
                stored.weight,
                f"{path}{item.path}{stored.attribute}".removesuffix("."),  # a weight may be the attribute itself
                stored.axes,
                stored.part,
                item.order if stored.follows_order else None,
                stored.blocks,
            )
        elif isinstance(item, _Inside):
            yield from _locations(item.items, f"{layer}{item.layer}.", path + item.path)
        else:
            for copy in range(item.first, item.first + item.times):
                yield from _locations(item.items, f"{layer}{item.layer}.{copy + 1}.", f"{path}{item.path}{copy}.")


def _extra_elements(items: tuple[_Item, ...], known: dict[int, int] | None = None) -> int:
    """Return how many elements PyTorch keeps beyond the weights of the language; what stands twice is counted once."""
    known = {} if known is None else known
    total = 0
    for item in items:
        if isinstance(item, _Beyond):
            total += int(item.extra.size)
        elif isinstance(item, _Copies | _Inside):
            if id(item.items) not in known:
                known[id(item.items)] = _extra_elements(item.items, known)
            total += known[id(item.items)] * (item.times if isinstance(item, _Copies) else 1)
    return total


def _moved(items: tuple[_Item, ...], path: str) -> tuple[_Item, ...]:
    """Return items as the module that holds their module sees them."""
    return tuple(evolve(item, path=path + item.path) for item in items)


# Layout


class _Placement:
    """A body as operations on channels-first or channels-last tensors."""

    def __init__(
        self,
        body: Body,
        layouts: tuple[Layout, ...],
        leaving: Layout | Literal["natural", "as it is"],
        outputs: tuple[Value, ...],
        known: dict[tuple[Body, tuple[Layout, ...], str], _Placement],
    ) -> None:
        self.known = known
        self.shared: dict[Body, _Placement] = {}
        """The shared blocks that it needs, each in one arrangement."""
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
            wanted = self.layouts[place] if leaving == "as it is" else leaving
            if wanted == "natural":
                wanted = natural(tensor)
            place = self.for_each_example(place, tensor)
            self.operations.outputs.append(self.in_layout(place, tensor, wanted, body.maker(value)))

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
                self.orders[value] = tensors[0].sizes  # type: ignore[assignment]
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
        parts = spelled(TORCH, step, layer, placed, len(tensors), _size_at_run_time)
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
        tries: list[tuple[int, int, Layout, tuple[_Placement, ...]]] = []
        for layout in candidates:
            outside = [layout, *(natural(self.tensor(value)) for value in step.inputs[1:])]
            copies = tuple(self.inside(run.body, tuple(outside), layout) for run in repeat.runs)
            cost = sum(copy.conversions * min(run.times, 2) for copy, run in zip(copies, repeat.runs, strict=True))
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

    def inside(self, body: Body, layouts: tuple[Layout, ...], leaving: Layout | Literal["as it is"]) -> _Placement:
        """Return the arrangement of a body that stands in this one; equal ones are one."""
        assert body.output is not None, "only whole networks are emitted"
        key = (body, layouts, leaving)
        if key not in self.known:
            self.known[key] = _Placement(body, layouts, leaving, (body.output,), self.known)
        return self.known[key]

    def use(self, step: Step, use: Use) -> int:
        """Place a block in the layout that needs the fewest permutations."""
        output = use.body.output
        assert output is not None, "only whole networks are emitted"
        if output < len(use.body.inputs):  # the block is `id`
            return self.places[step.inputs[output]]
        x = self.tensor(step.inputs[0])
        held = tuple(self.layouts[self.places[value]] for value in step.inputs)
        candidates: list[Layout] = [held[0]] if x.rank == 1 else [held[0], LAST if held[0] == FIRST else FIRST]
        if use.is_shared:
            candidates = [natural(x)]
        tries = [(layout, self.inside(use.body, (layout, *held[1:]), "as it is")) for layout in candidates]
        layout, chosen = min(tries, key=lambda found: found[1].conversions + (found[0] != held[0]))
        first = self.in_layout(self.places[step.inputs[0]], x, layout, step)
        op = Op((first, *(self.places[value] for value in step.inputs[1:])), step)
        op.use = chosen
        if use.is_shared:
            op.shared = (use.body,)
            self.shared[use.body] = chosen
        return self.add(op, chosen.layouts[chosen.operations.outputs[0]])


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

    def assignment(self) -> Iterator[code.Statement]:
        """Return the statements that make the attribute."""
        attribute = code.Attribute(code.Name("self"), self.name)
        yield code.Assign((attribute,), self.module)
        last = self.ops[-1]
        for done in last.part.setup if last.part is not None else ():
            if isinstance(done, str):
                yield code.Comment(done)
            else:
                yield code.Evaluate(to_code(done, (), {MADE: attribute}))


class _Emitter:
    """One module of source: classes for what is no chain, and what they need imported."""

    def __init__(self) -> None:
        self.classes: list[code.Statement] = []
        self.words: set[str] = {"nn"}
        self.carried: dict[str, set[str]] = {}
        """The options of each class of ours that the code uses."""
        self.class_names: set[str] = set()
        self.copies: dict[int, tuple[code.Expression, tuple[_Item, ...]]] = {}
        self.first_uses: dict[Body, tuple[str, str]] = {}
        self.uses: dict[Body, int] = {}

    def imports(self) -> tuple[code.Statement, ...]:
        """Return the imports of what the code uses, sorted as isort has them."""
        words = self.words
        carried = {line for name, options in self.carried.items() for line in idiom(TORCH.name, name, options)[0]}
        others = sorted(line for line in carried if "torch" not in line)
        lines: list[code.Statement] = []
        for line in others:
            _, module, _, *names = line.replace(",", "").split()
            lines.append(code.FromImport(module, tuple(names)))
        if others:
            lines.append(code.Blank())
        if "torch" in words or "import torch" in carried:
            lines.append(code.Import("torch"))
        if "F" in words or "import torch.nn.functional as F" in carried:
            lines.append(code.Import("torch.nn.functional", "F"))
        words_of_torch = ("Tensor", "nn") if "Tensor" in words or "from torch import Tensor, nn" in carried else ("nn",)
        return (*lines, code.FromImport("torch", words_of_torch))

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
        self.first_uses = first_uses(network.body)
        network, aux = main_first(network)
        sources = [step for step in network.body.steps if isinstance(step.does, Layer) and step.does.is_input]
        layouts = tuple(natural(step.output) for step in sources if step.output is not None)
        outputs = tuple(output.value for output in network.outputs)
        placement = _Placement(network.body, layouts, "natural", outputs, {})
        labels = {output.value: output.name for output in network.outputs}
        names = ["x" if len(sources) == 1 and not step.named else step.name for step in sources]
        self.uses = number_of_uses(network.body)
        whole = _Whole(aux, sum(not output.aux for output in network.outputs))
        return self.class_of(name, placement, names, [labels[value] for value in placement.outputs], whole)

    def class_of(
        self,
        name: str,
        placement: _Placement,
        inputs: list[str],
        outputs: list[str],
        whole: _Whole | None = None,
    ) -> tuple[code.Statement, tuple[_Item, ...]]:
        """Return the class of a body: a Sequential if it is a chain, else attributes and a forward function."""
        segments = self.segments(placement)
        if self.is_chain(placement, segments):
            only = segments[0]
            items = only.items if len(only.modules) > 1 else _moved(only.items, "0.")
            return code.Class(name, (code.Name("nn.Sequential"),), (_init(_start(*only.modules)),)), items
        segments = [part for segment in segments for part in self.trimmed(segment, placement)]
        shared = {body: self.first_uses[body][0] for body in placement.shared}
        aux = whole.aux if whole is not None else frozenset()
        has_aux = whole is not None and len(outputs) > whole.main_outputs
        taken = [*(shared.values() if whole else ()), *(["aux"] if has_aux else ())]
        segments = self.named(segments, placement, taken)
        attributes = [segment for segment in segments if segment.modules]
        made = {body: self.copy(block, placement.shared[body]) for body, block in shared.items()} if whole else {}
        assigns = []
        for block, (module, _) in made.items():
            is_frozen = is_used_frozen(placement.body, block)
            assigns.append(_attribute(shared[block], _not_trained(module) if is_frozen else module))
        assigns += [line for part in attributes if part.ops[0].step not in aux for line in part.assignment()]
        body: list[code.Statement] = []
        if has_aux:
            extra = tuple(line for part in attributes if part.ops[0].step in aux for line in part.assignment())
            flag = code.Name("aux")
            statements = (_start(), _attribute("aux", flag), *assigns, *([code.If(flag, extra)] if extra else []))
            parameters = (code.Parameter("self"), code.Parameter("aux", code.Name("bool"), code.expression(False)))
            body.append(code.Function("__init__", parameters, statements, code.expression(None)))
        elif assigns:
            body.append(_init(_start(), *assigns))
        me = code.Name("self")
        callees = {body: code.Attribute(me, word) if whole else code.Name(word) for body, word in shared.items()}
        forward = _Forward(self, placement, segments, inputs, outputs, callees, whole).function()
        lent = (_Inside(self.first_uses[body][1], f"{shared[body]}.", inside) for body, (_, inside) in made.items())
        own = (item for segment in attributes for item in _moved(segment.items, f"{segment.name}."))
        self.words.add("Tensor")
        return code.Class(name, (code.Name("nn.Module"),), (*body, forward)), (*lent, *own)

    def is_chain(self, placement: _Placement, segments: list[_Segment]) -> bool:
        """Whether a body is nothing but unnamed modules in a row."""
        operations = placement.operations
        if len(segments) != 1 or operations.inputs != 1 or len(operations.outputs) != 1:
            return False
        only = segments[0]
        if not _stands_in_rows(only.ops[0]) or placement.shared:
            return False
        named = any(op.label or op.groups for op in only.ops)
        return bool(only.modules) and not named and operations.outputs[0] == len(operations.ops)

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
        if not _stands_in_rows(last) or not _stands_in_rows(op):
            return False
        if last.step is op.step:
            return True
        return not last.label and not op.step.named and last.groups == op.groups

    def segment(self, ops: tuple[Op, ...]) -> _Segment:
        """Return the modules of operations in a row, and where their weights are in that row."""
        if not _is_kept(ops[0]):
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
        items: tuple[_Item, ...]
        if isinstance(op.step.does, Use) and op.use is not None:
            module, inside = self.copy(op.step.does.block, op.use, tensor_parameters(op.step.does))
            modules, items = [module], (_Inside(layer, "", inside),)
        elif isinstance(op.step.does, Experts) and op.use is not None:
            module, items = self.experts(op, op.step.does)
            modules = [module]
        elif op.part is None:
            module, items = self.repeat(op, layer)
            modules = [module]
        else:
            self.carry(op.part)
            self.words |= words_of(op.part.modules) - {op.part.idiom}
            beyond = (_Beyond(layer, extra, "") for extra in op.part.extra)
            items = (*(_At(layer, stored, "", op.order) for stored in op.stored), *beyond)
            modules = [to_code(call) for call in op.part.modules]
        if op.step.is_frozen and items:
            modules[-1] = _not_trained(modules[-1])
        return modules, items

    def experts(self, op: Op, experts: Experts) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return a mixture of experts as one module."""
        layer, router = op.step.full_name, experts.router
        expert, inside = self.copy(f"{op.step.name}_expert", op.use)
        copies = code.Generator(expert, code.Name("_"), code.call("range", router.experts))
        self.carry(Part(idiom="MixtureOfExperts"))
        channels = experts.body.inputs[0]
        assert channels is not None and op.step.output is not None, "only whole networks are emitted"
        sizes = (channels.channels, op.step.output.channels)
        module = code.call("MixtureOfExperts", *sizes, copies, top=router.top)
        stored = _At(layer, Stored("router", "router.weight", (1, 0)), "", None)
        return module, (stored, _Copies(layer, "experts.", 0, int(router.experts), inside))

    def repeat(self, op: Op, layer: str) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return the copies of a repeat as one module."""
        copies: list[code.Expression] = []
        items: list[_Item] = []
        first = 0
        for placement, run in op.repeat:
            module, kept = self.copy(op.step.name, placement)
            items.append(_Copies(layer, "", first, run.times, kept))
            if run.times == 1:
                copies.append(module)
            else:
                count = code.call("range", run.times)
                copies.append(code.Starred(code.Generator(module, code.Name("_"), count)))
            first += run.times
        if len(op.inputs) == 1 and not op.shared:
            return code.call("nn.Sequential", *copies), tuple(items)
        only = copies[0]
        if len(copies) == 1 and isinstance(only, code.Starred):
            return code.call("nn.ModuleList", only.inside), tuple(items)
        return code.call("nn.ModuleList", code.List(tuple(copies))), tuple(items)

    def copy(
        self, word: str, placement: _Placement, parameters: tuple[str, ...] = ()
    ) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return the constructor of a block or of a copy of a repeat: as a class, but a chain that stands in one place.

        `parameters` are what the author calls the tensors behind the one that enters.
        """
        known = self.copies.get(id(placement))
        if known is not None:
            return known
        segments = self.segments(placement)
        if self.is_chain(placement, segments) and self.uses.get(placement.body, 0) < 2:
            made = segments[0].module, segments[0].items
        else:
            name = self.unused_class(class_name(word))
            others = range(1, placement.operations.inputs)
            entering = ["x", *(parameters or [f"x{number}" for number in others])]
            definition, items = self.class_of(name, placement, entering, [""])
            self.classes.append(definition)
            made = code.call(name), items
        self.copies[id(placement)] = made
        return made

    def unused_class(self, name: str) -> str:
        """Return a class name that nothing in the module has."""
        wanted, number = name, 1
        while name in self.class_names or name in self.carried or name in ("F", "Tensor"):
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

    def named(self, segments: list[_Segment], placement: _Placement, owned: Iterable[str]) -> list[_Segment]:
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
            last = segment.ops[-1]
            suffix = last.part.suffix if last.part is not None else ""
            if not segment.modules:
                names.append("")
            elif segment.group and in_group[segment.group] == 1:
                names.append(segment.group + suffix)
            elif len({id(op.step) for op in segment.ops}) == 1:
                names.append(last.step.name + suffix)
            else:
                joins = any(len(reader.inputs) > 1 for reader in readers_of.get(value, []))
                names.append(_BRANCH if joins else _CHAIN)
        taken = {*MODULE_OWNS, *owned}
        counters: dict[str, int] = {}
        repeated = {name for name in (_BRANCH, _CHAIN) if names.count(name) > 1}
        for place, name in enumerate(names):
            if name in repeated:
                counters[name] = counters.get(name, 0) + 1
                names[place] = f"{name}_{counters[name]}"
            names[place] = names[place] and without_underscores(names[place])
            inside = segments[place].group
            if names[place] in taken and inside and inside != names[place]:
                names[place] = f"{inside}_{names[place]}"
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


@frozen(eq=False)
class _Whole:
    """What a whole network has that a block has not: steps that serve training alone, behind its main outputs."""

    aux: frozenset[Step]
    main_outputs: int


def _attribute(name: str, value: code.Expression) -> code.Statement:
    return code.Assign((code.Attribute(code.Name("self"), name),), value)


def _not_trained(module: code.Expression) -> code.Expression:
    """Return a module whose weights training leaves as they are."""
    return code.Call(code.Attribute(module, "requires_grad_"), (code.expression(False),))


def _is_kept(op: Op) -> bool:
    """Whether an operation has an object of its own; what is shared belongs to the network."""
    if op.part is not None:
        return bool(op.part.modules)
    return not (op.use is not None and op.shared) and not _repeats_shared(op)


def _repeats_shared(op: Op) -> bool:
    """Whether an operation is nothing but one shared block, over and over again."""
    if op.repeat is None or len(op.repeat) != 1 or len(op.shared) != 1 or len(op.inputs) != 1:
        return False
    inside = op.repeat[0][0].operations
    return len(inside.ops) == 1 and inside.ops[0].use is not None and inside.outputs == [1]


def _stands_in_rows(op: Op) -> bool:
    """Whether an operation is a module that a Sequential can hold."""
    if op.part is None:
        return len(op.inputs) == 1 and not op.shared
    return bool(op.part.modules) and op.part.applied is None and not op.lends and len(op.inputs) == 1


def _is_function(op: Op) -> bool:
    return op.part is not None and op.part.function is not None and not op.stored


# The forward function


class _Forward:
    """Statements that apply the attributes and functions of a class in order."""

    def __init__(
        self,
        emitter: _Emitter,
        placement: _Placement,
        segments: list[_Segment],
        inputs: list[str],
        outputs: list[str],
        shared: Mapping[Body, code.Expression],
        whole: _Whole | None,
    ) -> None:
        self.emitter = emitter
        self.shared = shared
        self.is_whole = whole is not None
        self.aux = whole.aux if whole is not None else frozenset()
        self.main_outputs = whole.main_outputs if whole is not None else len(outputs)
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
        readers = self.operations.readers()
        for segment in segments:
            value += len(segment.ops)
            if readers[value] or not segment.ops[-1].lends:
                self.made.append((value, segment))
        me = code.Name("self")
        self.attributes = {id(part.ops[-1]): code.Attribute(me, part.name) for part in segments if part.name}
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
        main = self.statements
        for value, segment in self.made:
            if segment.ops[0].step in self.aux and self.statements is main:
                self.statements = []
            if value not in stated:
                self.expressions[value] = self.expression(segment)
                continue
            alive.difference_update(ending.get(number, ()))
            self.state(value, segment, alive)
            number += 1
        count = len(self.operations.outputs)
        self.statements.append(code.Return(self.returned(count)))
        tensor = code.Name("Tensor")
        returns: code.Expression = tensor
        if count > 1:
            returns = code.Subscript(code.Name("tuple"), code.Tuple((tensor,) * count))
        if count > self.main_outputs:
            if self.statements is main:  # the outputs for training are made for others too
                self.statements = [main.pop()]
            main.append(code.If(code.Attribute(code.Name("self"), "aux"), tuple(self.statements)))
            main.append(code.Return(self.returned(self.main_outputs)))
            several = code.Subscript(code.Name("tuple"), code.Tuple((tensor, code.expression(...))))
            returns = several if self.main_outputs > 1 else code.Binary(tensor, "|", several)
        parameters = [code.Parameter(name, tensor) for name in self.inputs]
        if not self.is_whole:
            module = code.Name("nn.Module")
            parameters += [code.Parameter(self.emitter.first_uses[body][0], module) for body in self.shared]
        return code.Function("forward", (code.Parameter("self"), *parameters), tuple(main), returns)

    def returned(self, count: int) -> code.Expression:
        """Return the first of the outputs, one alone or several as a tuple."""
        values = tuple(self.read(value) for value in self.operations.outputs[:count])
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
        if self.uses(reader, value) > 1:
            return True
        return bool(reader.modules) and not _is_permutation(segment)

    def uses(self, segment: _Segment, value: int) -> int:
        """Return how often the code of a segment names a value."""
        op = segment.ops[0]
        if op.part is None or (segment.modules and op.part.applied is None):
            return op.inputs.count(value)
        expression = op.part.applied if segment.modules else op.part.function
        return sum(times_read(expression, n) for n, source in enumerate(op.inputs) if source == value)

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
        objects: dict[Object, code.Expression] = {}
        if op.use is not None and op.shared:
            return code.Call(self.shared[op.shared[0]], entering)
        expression = op.part.function if op.part is not None else None
        if op.tied is not None:
            lender = op.tied
            objects[TIED] = self.shared[lender.shared[0]] if lender.shared else self.attributes[id(lender)]
        if segment.modules:
            objects[MADE] = self.attributes[id(segment.ops[-1])]
            expression = op.part.applied if op.part is not None else None
            if expression is None:
                return code.Call(objects[MADE], entering)
        self.emitter.words |= words_of(expression)
        return to_code(expression, entering, objects)

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
        if _repeats_shared(op):
            times = code.call("range", sum(run.times for _, run in op.repeat))
            call = code.Call(self.shared[op.shared[0]], (code.Name(name),))
            self.statements.append(code.For(code.Name("_"), times, (code.Assign(code.Name(name), call),)))
            return
        copy = code.Name("module" if name != "module" else "copy")
        attribute = code.Attribute(code.Name("self"), segment.name)
        call = code.Call(copy, (code.Name(name), *entering[1:], *(self.shared[body] for body in op.shared)))
        self.statements.append(code.For(copy, attribute, (code.Assign(code.Name(name), call),)))


def _is_loop(segment: _Segment) -> bool:
    """Whether a segment is a repeat that needs more than the tensor that enters."""
    op = segment.ops[0]
    return op.repeat is not None and (len(op.inputs) > 1 or bool(op.shared))


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
