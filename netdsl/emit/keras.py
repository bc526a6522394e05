"""Keras source for a network: a Sequential where it is a chain of layers, else the functional style."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, TypeGuard

from attrs import field, frozen

from ..diagnostics import CompileError, Diagnostic
from ..layer import Layer, Size, Tensor
from ..network import Body, Experts, Group, If, Network, Output, Repeat, Run, Step, Use
from ..record import evolve
from ..size import Condition, Undecided, negate, symbols
from ..symbolic import Instance
from . import code, loops, training
from .blocks import Blocks, General, Scope
from .calls import KERAS, LAST, MADE, TIED, Call, Entering, Index, Part, Placed, Stored
from .constants import with_constants
from .emitted import Emitted, Location, bounded
from .skeleton import (
    Arguments,
    Op,
    Operations,
    Variables,
    by_last_read,
    calls_in,
    class_name,
    docstring,
    function_name,
    idiom,
    is_used_frozen,
    present,
    sizes_in,
    spelled,
    step_names,
    to_code,
    words_of,
)


def emit(network: Network) -> Emitted:
    """Return Keras source for a network: one function, named after it, that returns the model."""
    blocks, (emitter, function) = with_constants(network, KERAS, _emitted)
    start = training.for_keras(network, emitter.function_names)
    emitter.words |= start.words
    own = (*emitter.definitions, function, *start.statements)
    body = (*emitter.imports(), *blocks.at_the_top(own), *emitter.idioms(), *own)
    module = code.Module((code.Docstring(docstring(network, "Keras")), *body))
    items, here = tuple(emitter.items), blocks.here
    return Emitted(
        KERAS.name,
        emitter.name,
        code.render(module),
        lambda: bounded(_locations(items, here, blocks, {}, "", ""), network.source),
    )


def _emitted(blocks: Blocks) -> tuple[_Emitter, code.Statement]:
    """Return the function of a network, and what has been made for it on the way."""
    reserved: frozenset[str] = frozenset()
    while True:
        emitter = _Emitter(blocks, reserved)
        function = emitter.network()
        clashes = emitter.function_names & emitter.carried.keys()
        if clashes <= reserved:
            return emitter, function
        reserved |= clashes


# Where weights live


@frozen
class _At:
    """The weights of one Keras layer, in the order in which layers are made."""

    step: Step
    kind: str
    label: str
    stored: tuple[Stored, ...]
    inside: tuple[str, ...] = ()
    """The kinds of the layers that its arguments make."""

    @property
    def has_labels(self) -> bool:
        """Whether it has a name of its own."""
        return bool(self.label)


@frozen
class _Below:
    """What stands below a step: the copies of a run of a repeat, experts, or what a block makes.

    `tag` is what names have before them there, `body` that of the copies.
    """

    step: Step
    tag: str
    items: tuple[_Item, ...]
    body: Body | None = None
    has_labels: bool = field(init=False)

    @has_labels.default
    def _(self) -> bool:
        return _has_labels(self.items)


@frozen
class _Lent:
    """What a shared block makes, below the name of its first use."""

    layer: str
    tag: str
    body: Body
    items: tuple[_Item, ...]
    has_labels: bool = True


@frozen
class _Either:
    """What the one or the other side of an `if` makes."""

    condition: Condition
    first: tuple[_Item, ...]
    second: tuple[_Item, ...]

    @property
    def has_labels(self) -> bool:
        """Whether a layer in it has a name of its own."""
        return _has_labels((*self.first, *self.second))


_Item: TypeAlias = "_At | _Below | _Lent | _Either"


def _locations(
    items: tuple[_Item, ...], here: Instance, blocks: Blocks, made: dict[str, int], layer: str, tag: str
) -> Iterator[Location | None]:
    """Return each weight of each copy, and None for each copy.

    `made` counts the layers without a name, which Keras numbers.
    """
    for item in items:
        if isinstance(item, _Either):
            side = item.first if here.holds(item.condition) else item.second
            yield from _locations(side, here, blocks, made, layer, tag)
        elif isinstance(item, _Lent):
            below, name = f"{layer}{item.layer}.", tag + item.tag
            yield from _locations(item.items, blocks.lent(item.body), blocks, made, below, name)
        elif isinstance(item, _Below):
            for instance, name, below in _inside(item, here, blocks):
                yield None
                yield from _locations(item.items, instance, blocks, made, f"{layer}{name}.", tag + below)
        else:
            inside = [_numbered(kind, made) for kind in item.inside]
            name = tag + item.label if item.label else _numbered(item.kind, made)
            for stored in item.stored:
                if here.has(item.step, stored.weight):
                    owner = layer + here.steps[item.step].full_name
                    path = f"{name}/{stored.attribute.format(*inside)}"
                    part = stored.part and (here.number(stored.part[0]), here.number(stored.part[1]))
                    yield Location(owner, stored.weight, path, stored.axes, part, blocks=stored.blocks)


def _inside(item: _Below, here: Instance, blocks: Blocks) -> Iterator[tuple[Instance, str, str]]:
    """Return what items below a step are of, one copy after the other, with its name and what Keras has before it."""
    step = here.steps.get(item.step)
    if step is None:
        return
    name, does = step.full_name, step.does
    if isinstance(does, Use):
        assert isinstance(item.step.does, Use)
        yield blocks.instance(item.step.does, does), name, f"{item.tag}_"
    elif isinstance(does, Experts):
        assert isinstance(item.step.does, Experts)
        expert = here.matching.instance(item.step.does.body, does.body)
        for copy in range(here.number(does.router.experts)):
            yield expert, f"{name}.{copy + 1}", f"{item.tag}_{copy + 1}_"
    else:
        assert item.body is not None, "copies have one"
        for first, times, instance in here.copies_of(item.step, item.body):
            for copy in range(first + 1, first + times + 1):
                yield instance, f"{name}.{copy}", f"{item.tag}_{copy}_"


def _numbered(kind: str, made: dict[str, int]) -> str:
    """Return the name that Keras gives to the next layer of a kind."""
    number = made[kind] = made.get(kind, -1) + 1
    return f"{kind}_{number}" if number else kind


def snake_case(name: str) -> str:
    """Return the name that Keras gives to a layer of a class without one, as `keras.src.utils.naming` makes it."""
    result = ""
    for place, c in enumerate(name):
        before = name[place - 1] if place else ""
        after = name[place + 1] if place + 1 < len(name) else ""
        starts = c.isupper() and (before.islower() or (before != "" and after.islower()))
        result += ("_" if starts else "") + c.lower()
    return result


def _kind(function: str) -> str:
    """Return the name that Keras gives to what a function makes."""
    return snake_case(function.rsplit(".", 1)[-1])


@frozen(eq=False)
class _Function:
    """The function of a block: its name, the symbols that it needs, and what it makes."""

    name: str
    scope: Scope
    items: tuple[_Item, ...]


class _Emitter:
    """One module of source: one function, and what it needs imported."""

    def __init__(self, blocks: Blocks, reserved: frozenset[str]) -> None:
        self.blocks = blocks
        self.first_uses = blocks.shared()
        self.scope = Scope(blocks.whole)
        self.name = ""
        """Of the function that makes the model."""
        arguments = blocks.arguments
        self.known = Arguments(arguments.always | arguments.positions, frozenset())
        """A function can ask the tensors that it takes for all of their sizes that are numbers."""
        self.known_operations: dict[Body, Operations] = {}
        self.words: set[str] = set()
        self.carried: dict[str, set[str]] = {}
        """The options of each class of ours that the code uses."""
        self.items: list[_Item] = []
        self.statements: list[code.Statement] = []
        self.variables = Variables(())
        self.variables.objects |= set(self.scope.words.values())
        self.tags: list[str | code.Expression] = []
        """What stands before the name of a layer in a repeat, so that each copy has a name of its own."""
        self.objects: dict[int, code.Expression] = {}
        """The variables of layers that are used more than once."""
        self.functions: dict[tuple[Body, bool], _Function] = {}
        """The functions of blocks; one whose layers are frozen is another."""
        self.definitions: list[code.Statement] = []
        self.function_names: set[str] = set(reserved)
        """Those that are there, and those that a function cannot have, as a variable may."""
        self.made: set[str] = set()
        self.own_layers: dict[str, code.Class] = {}
        self.loops = 0
        self.group: Group | None = None
        """The author's group that the code of a loop stands in."""
        self.loop_level = 0
        """How many `for` without a name are around that are loops in the code."""
        self.function_defaults: dict[str, dict[str, Any]] = {}
        self.blocked = 0
        self.is_frozen = False
        self.shared: dict[Body, code.Expression] = {}
        """The variables of shared blocks."""
        self.labelled: dict[tuple[str, ...], Step] = {}
        self.kinds: frozenset[str] = frozenset()
        """Names that Keras itself gives, with numbers, to the layers without one."""

    def imports(self) -> tuple[code.Statement, ...]:
        """Return the imports of what the code uses."""
        carried = {line for name, options in self.carried.items() for line in idiom(KERAS.name, name, options)[0]}
        words = self.words | {word for line in carried for word in line.replace(",", "").split()}
        names = tuple(word for word in ("layers", "ops") if word in words)
        lines: tuple[code.Statement, ...] = (code.Import("keras"),)
        return (*lines, code.FromImport("keras", names)) if names else lines

    def idioms(self) -> tuple[code.Statement, ...]:
        """Return the classes of ours that the code uses."""
        carried = (code.Verbatim(idiom(KERAS.name, name, options)[1]) for name, options in sorted(self.carried.items()))
        return (*carried, *self.own_layers.values())

    def network(self) -> code.Statement:
        """Return the function of the whole network."""
        network = self.blocks.network
        self.name = name = self.unused_function(function_name(network.name))
        body = network.body
        sources = [step for step in body.steps if isinstance(step.does, Layer) and step.does.is_input]
        if not sources:
            message = "a Keras model takes an input, and this network has none"
            found = Diagnostic("E025", message, network.outputs[0].span, help="begin a pipeline with `in`")
            raise CompileError((found,))
        operations = self.operations(body, tuple(output.value for output in network.outputs))
        self.kinds = frozenset(_kinds(operations))
        chain = self.chain(operations, sources)
        if chain is not None:
            self.statements = [code.Return(code.call("keras.Sequential", code.List(chain)))]
        else:
            self.function_names |= step_names(body) | self.blocks.words | {"name"}
            self.share(body, operations)
            self.functional(operations, sources, network.outputs, self.blocks.aux)
        has_aux = any(output.aux for output in network.outputs)
        flags = (code.Parameter("aux", code.Name("bool"), code.expression(False)),) if has_aux else ()
        parameters = (*self.scope.parameters(code.Name("str")), *flags)
        return code.Function(name, parameters, tuple(self.statements), code.Name("keras.Model"))

    def share(self, body: Body, operations: Operations) -> None:
        """Append the statements that make shared blocks, each a layer or a model of its own."""
        lent = {op.tied.shared[0] for op in operations.ops if op.tied is not None and op.tied.shared}
        for shared, (block, first_use) in self.first_uses.items():
            inside = self.operations(shared)
            name = self.variables.keep(block, set())
            outer_items, self.items, self.tags = self.items, [], [f"{block}_"]
            self.is_frozen = is_used_frozen(body, shared)
            self.blocked += 1
            only = inside.ops[0] if len(inside.ops) == 1 else None
            if only is not None and only.part is not None and len(only.part.modules) == 1:
                if shared in lent:
                    only.part = evolve(only.part, modules=only.part.lending or only.part.modules)
                (made,) = self.layers(only)
            else:
                made = self.model(shared, inside, block)
            self.blocked -= 1
            self.statements.append(code.Assign(code.Name(name), made))
            self.shared[shared] = code.Name(name)
            self.items = [*outer_items, _Lent(first_use, f"{block}_", shared, tuple(self.items))]
            self.tags, self.is_frozen = [], False

    def model(self, body: Body, operations: Operations, name: str) -> code.Expression:
        """Append the statements of a body, and return the model that it makes."""
        x = body.inputs[0]
        assert x is not None, "only whole networks are emitted"
        keywords = {"dtype": "int32"} if x.dtype == "int" else {}
        entering = code.Name(self.variables.keep(f"{name}_inputs" if name else "inputs", set()))
        x_word = self.variables.bind(self.variables.free("x", set()), -1)
        sizes = tuple(None if symbols(size) - self.known.always else size for size in x.sizes)
        made = code.call("keras.Input", to_code(sizes, size=self.scope.size), **keywords)
        self.statements.append(code.Assign((code.Name(x_word), entering), made))
        held = {0: -1}
        self.body(operations, held, set(), [])
        leaving = code.Name(self.variables.name_of[held[operations.outputs[0]]])
        return code.call("keras.Model", entering, leaving, **({"name": self.label(name)} if name else {}))

    # Bodies as operations

    def operations(self, body: Body, outputs: tuple[int, ...] = ()) -> Operations:
        """Return a body as operations, with activations as an argument of the layer before where Keras has one.

        A body that stands in several places is one; `outputs` are what leaves a network.
        """
        if body not in self.known_operations:
            if not outputs:
                assert body.output is not None, "only whole networks are emitted"
                outputs = (body.output,)
            self.known_operations[body] = self.made_operations(body, outputs)
        return self.known_operations[body]

    def made_operations(self, body: Body, outputs: tuple[int, ...]) -> Operations:
        """Return a body as operations."""
        sources = [step for step in body.steps if isinstance(step.does, Layer) and step.does.is_input]
        operations = Operations(len(body.inputs) or len(sources))
        readers = _readers(body, outputs)
        places: dict[int, int] = {value: value for value in range(len(body.inputs))}
        entering = 0
        for value, step in enumerate(body.steps, len(body.inputs)):
            if isinstance(step.does, Repeat):
                runs = tuple((self.operations(run.body), run) for run in step.does.runs)
                places[value] = operations.add(Op(tuple(places[source] for source in step.inputs), step, None, runs))
                continue
            if isinstance(step.does, Use):
                general, values = self.blocks.of(step.does)
                output = general.body.output
                assert output is not None, "only whole networks are emitted"
                entered = tuple(places[source] for source in step.inputs)
                if output < len(general.body.inputs):  # the block is `id`
                    places[value] = entered[output]
                    continue
                block = Op(entered, step)
                block.use, block.general, block.values = self.operations(general.body), general, values
                block.shared = (step.does.body,) if step.does.is_shared else ()
                places[value] = operations.add(block)
                continue
            if isinstance(step.does, If):
                either = Op(tuple(places[source] for source in step.inputs), step)
                either.choice = (self.operations(step.does.first), self.operations(step.does.second))
                places[value] = operations.add(either)
                continue
            if isinstance(step.does, Experts):
                mixture = Op(tuple(places[source] for source in step.inputs), step)
                mixture.use = self.operations(step.does.body)
                places[value] = operations.add(mixture)
                continue
            layer = step.does
            assert isinstance(layer, Layer), "only whole networks are emitted"
            if layer.is_input:
                places[value] = entering
                entering += 1
                continue
            tensors = tuple(_tensor(body, source) for source in step.inputs)
            asked = [(places[value], _tensor(body, value)) for value in step.asked]
            placed = [Placed(tensor, LAST) for tensor in (*tensors, *(x for _, x in asked))]
            spellings = spelled(KERAS, step, layer, placed, len(tensors), _size_at_run_time, self.known)
            parts = tuple(part for part, _ in spellings)
            # a tensor of its own asks what enters for the size of the batch
            inputs = (0,) if layer.is_source else tuple(places[source] for source in step.inputs)
            before = operations.maker(inputs[0]) if len(step.inputs) == 1 else None
            if before is not None and readers[step.inputs[0]] == 1 and _joins(before, parts, step):
                assert before.part is not None
                before.part = _with_activation(before.part, parts[0].activation)
                places[value] = inputs[0]
                continue
            entered = (*inputs, *(place for place, _ in asked))
            for number, (part, asks) in enumerate(spellings):
                if asks:
                    inputs = entered if number == 0 else (*inputs, *entered)
                kept = evolve(part, weights=present(part, layer, tensors))
                op = Op(inputs, step, kept, None, number == len(parts) - 1)
                op.asks = asks
                if asks:
                    leaving = step.output if number == len(parts) - 1 else tensors[0]
                    assert leaving is not None, "only whole networks are emitted"
                    op.leaves = tuple(None if symbols(size) - self.known.always else size for size in leaving.sizes)
                if step.tied is not None:
                    lender = operations.maker(places[step.tied])
                    assert lender is not None, "a table is made by a layer"
                    op.tie(lender)
                inputs = (operations.add(op),)
            places[value] = inputs[0]
        operations.outputs = [places[value] for value in outputs]
        return operations

    # A chain

    def chain(self, operations: Operations, sources: list[Step]) -> tuple[code.Expression, ...] | None:
        """Return the items of a Sequential, None where the network is more than a row of layers."""
        if operations.inputs != 1 or len(operations.outputs) != 1 or not operations.ops:
            return None
        readers = operations.readers()
        for value, op in enumerate(operations.ops, 1):
            if (
                op.part is None
                or not op.part.modules
                or op.part.applied is not None
                or op.inputs != (value - 1,)
                or readers[value - 1] != 1
            ):
                return None
            if op.labelled or op.loops:
                return None
        if operations.outputs[0] != len(operations.ops):
            return None
        made: list[code.Expression] = [self.input(sources[0])]
        for op in operations.ops:
            made.extend(self.layers(op))
        return tuple(made)

    def input(self, step: Step) -> code.Expression:
        """Return the input layer of a source."""
        assert step.output is not None
        keywords = {"dtype": "int32"} if step.output.dtype == "int" else {}
        if step.named:
            keywords["name"] = self.label(step.name)
            self.labelled[(self.label(step.name),)] = step
        sizes = tuple(None if symbols(size) - self.known.always else size for size in step.output.sizes)
        return code.call("keras.Input", to_code(sizes, size=self.scope.size), **keywords)

    def layers(self, op: Op) -> list[code.Expression]:
        """Return the constructors of an operation, and note where its weights are."""
        assert op.part is not None
        calls = list(op.part.modules)
        self.words |= words_of(op.part.modules) - {op.part.idiom}
        self.carry(op.part)
        for number, call in enumerate(calls):
            assert isinstance(call.function, str)
            is_last = number == len(calls) - 1
            label = self.label_of(op) if is_last and op.label else ""
            inside = tuple(map(_kind, calls_in(call.arguments)))
            self.items.append(_At(op.step, _kind(call.function), label, op.stored if is_last else (), inside))
        made: list[code.Expression] = [to_code(call, size=self.scope.size) for call in calls]
        last = made[-1]
        if isinstance(last, code.Call):
            if self.freezes(op) and not op.part.builds_inside:
                last = _frozen(last)
            if op.label:
                last = evolve(last, keywords=(*last.keywords, ("name", self.tagged(self.label_of(op)))))
            made[-1] = last
        return made

    def label_of(self, op: Op) -> str:
        """Return the author's name of a layer; with those of the groups around it before it where others have it.

        A copy of `for` without a name is such a group.
        """
        label = self.label(op.label)
        inside = "_".join((*(group.name for group in op.groups), label))
        tags = tuple(tag if isinstance(tag, str) else "*" for tag in self.tags)
        found = inside if op.loops else label
        while self.labelled.setdefault((*tags, found), op.step) is not op.step:
            found = inside if found == label != inside else f"{found}_"
        return found

    def carry(self, part: Part) -> None:
        """Let the module carry one of our classes, with the options that a part needs."""
        if part.idiom:
            self.carried.setdefault(part.idiom, set()).update(part.options)

    def tagged(self, label: str) -> code.Expression:
        """Return a layer's name, which has to be another one in each copy of a repeat."""
        if all(isinstance(tag, str) for tag in self.tags):
            return code.expression("".join(tag for tag in self.tags if isinstance(tag, str)) + label)
        return code.FString((*self.tags, label))

    def label(self, name: str) -> str:
        """Return the author's name of a layer, changed where Keras could give it to another one."""
        return f"{name}_" if name.rstrip("0123456789").rstrip("_") in self.kinds else name

    # The functional style

    def functional(
        self, operations: Operations, sources: list[Step], outputs: tuple[Output, ...], aux: frozenset[Step]
    ) -> None:
        """Append the statements of a network that is more than a chain; `aux` are the steps of training alone."""
        single = len(sources) == 1
        inputs = []
        for value, step in enumerate(sources):
            name = "x" if single and not step.named else step.name
            name = self.variables.free(name, set())
            self.variables.bind(name, value)
            targets = (code.Name(name), code.Name("inputs")) if single else (code.Name(name),)
            self.statements.append(code.Assign(targets, self.input(step)))
            inputs.append(name)
        kept = set() if single else set(range(len(sources)))  # the last statement names the inputs
        main = self.statements
        labels = [output.name for output in outputs]
        self.body(operations, dict(enumerate(range(operations.inputs))), kept, labels, aux)
        leaving = [code.Name(self.variables.name_of[value]) for value in operations.outputs]
        entering = code.Name("inputs") if single else code.List(tuple(map(code.Name, inputs)))

        def returned(values: list[code.Name]) -> code.Statement:
            made = values[0] if len(values) == 1 else code.List(tuple(values))
            return code.Return(code.call("keras.Model", entering, made))

        if any(output.aux for output in outputs):
            extra = self.statements if self.statements is not main else []
            main.append(code.If(code.Name("aux"), (*extra, returned(leaving))))
        main.append(returned([value for value, output in zip(leaving, outputs, strict=True) if not output.aux]))
        self.statements = main

    def body(
        self,
        operations: Operations,
        held: dict[int, int],
        outside: set[int],
        labels: list[str],
        aux: frozenset[Step] = frozenset(),
    ) -> None:
        """Append the statements of operations whose inputs are in variables; `outside` values stay alive throughout.

        Values of a loop's body have numbers of their own, which `held` takes to the numbers of the variables.
        """
        outside_loops = not self.loops and not self.blocked
        main = self.statements
        last_read: dict[int, int] = {}
        for number, op in enumerate(operations.ops):
            for value in op.inputs:
                last_read[value] = number
        read_by_ops = dict(last_read)
        for value in operations.outputs:
            last_read[value] = len(operations.ops)
        for value in range(operations.inputs):  # a block may be given one tensor twice
            twins = [twin for twin in range(operations.inputs) if held[twin] == held[value] and twin in last_read]
            if value in last_read:
                last_read[value] = max(last_read[twin] for twin in twins)
        ending = by_last_read(last_read)
        alive = outside | {held[value] for value in range(operations.inputs) if value in last_read}
        group = self.group
        skipped = 0
        for number, op in enumerate(operations.ops):
            value = operations.inputs + number
            if number < skipped:
                continue
            copies = self.copies_at(operations, number)
            if len(copies) > 1:
                end = copies[-1][-1] - operations.inputs + 1
                last = copies[-1][-1]
                held[last] = last if outside_loops else id(operations.ops[end - 1])
                still = alive - (
                    {held[seen] for n in range(number, end) for seen in ending.get(n, ()) if seen in held} - outside
                )
                around = op.labelled[-1] if op.labelled else None
                begins = [self.heading(operations, around)] if around is not None and around is not group else []
                if self.loop(operations, copies, held, still, begins):
                    group = around
                    skipped, alive = end, still | {held[last]}
                    continue
            held[value] = value if outside_loops else id(op)
            if op.step in aux and self.statements is main:
                self.statements = []
            if op.labelled and op.labelled[-1] is not group:
                self.statements.append(self.heading(operations, op.labelled[-1]))
            group = op.labelled[-1] if op.labelled else None
            alive.difference_update({held[seen] for seen in ending.get(number, ())} - outside)
            wanted = ""
            if value in operations.outputs and labels:
                wanted = labels[operations.outputs.index(value)] if len(operations.outputs) > 1 else ""
            elif op.label and read_by_ops.get(value, 0) > number + 1:  # not by the next operation alone
                wanted = op.label
            self.operation(op, held, value, alive, wanted, is_read=value in last_read)
            if value in last_read:
                alive.add(held[value])

    def heading(self, operations: Operations, group: Group) -> code.Statement:
        """Return a comment above what the author has named, with the shape that leaves it."""
        last = next(op for op in reversed(operations.ops) if group in op.groups)
        x = last.step.output
        if self.blocked or x is None:
            return code.Comment(group.name)
        return code.Comment(f"{group.name}: {self.shown(x)}")

    def shown(self, x: Tensor | None) -> str:
        """Return a shape as it is on the numbers of the constants."""
        assert x is not None, "only whole networks are emitted"
        return str(x.resized(*self.blocks.here.matching.put_in(x.sizes)))

    def copies_at(self, operations: Operations, number: int) -> list[list[int]]:
        """Return the values that each copy of a `for` without a name makes, where its first operation is this one."""
        groups = operations.ops[number].loops
        if len(groups) <= self.loop_level:
            return []
        loop = groups[self.loop_level].loop
        found: list[list[int]] = []
        before: Group | None = None
        for place in range(number, len(operations.ops)):
            groups = operations.ops[place].loops
            if len(groups) <= self.loop_level or groups[self.loop_level].loop is not loop:
                break
            if groups[self.loop_level] is not before:
                found.append([])
            before = groups[self.loop_level]
            found[-1].append(operations.inputs + place)
        return found

    def loop(
        self,
        operations: Operations,
        copies: list[list[int]],
        held: dict[int, int],
        alive: set[int],
        heading: list[code.Statement],
    ) -> bool:
        """Append the copies of a `for` as a loop over one variable, below a heading. Return whether that can be."""
        ops = [[operations.ops[value - operations.inputs] for value in copy] for copy in copies]
        if any(op.lends or op.tied is not None or op.asks for copy in ops for op in copy):
            return False
        found = _chain(ops, copies)
        if found is None:
            return False
        entering, chain = found
        read = (
            value
            for copy in ops
            for n, op in enumerate(copy)
            for place, value in enumerate(op.inputs)
            if (n, place) not in chain
        )
        inside = {value for copy in copies for value in copy}
        others = [value for value in dict.fromkeys(read) if value not in inside]
        outer = (self.statements, self.items, self.variables, dict(self.labelled))
        self.variables = self.variables.copy()
        taken = {held[value] for value in others}
        before, last = self.variables.name_of[held[entering]], held[copies[-1][-1]]
        name = self.variables.choose(last, "", ops[-1][-1].step.name, alive | taken)
        made: list[tuple[code.Statement, ...]] = []
        items: list[_Item] = []
        self.loop_level += 1
        self.loops += 1
        outside, self.group = self.group, ops[0][0].labelled[-1] if ops[0][0].labelled else None
        for values, copy in zip(copies, ops, strict=True):
            self.statements, self.items = [], []
            self.variables.bind(name, last)
            places = {value: n for n, value in enumerate(others, 1)}
            part = Operations(len(others) + 1)
            for n, (value, op) in enumerate(zip(values, copy, strict=True)):
                inputs = (0 if (n, place) in chain else places[v] for place, v in enumerate(op.inputs))
                places[value] = part.add(op.reading(tuple(inputs)))
            part.outputs = [places[values[-1]]]
            inner = {0: last, **{n: held[value] for n, value in enumerate(others, 1)}}
            self.body(part, inner, alive | taken, [])
            result = self.variables.name_of[inner[part.outputs[0]]]
            _leave(self.statements, result, name)
            made.append(tuple(self.statements))
            items += self.items
        self.loop_level -= 1
        self.loops -= 1
        self.group = outside
        groups = [copy[0].loops[self.loop_level] for copy in ops]
        variables = self.variables
        owned = {*variables.holds, *variables.objects, *self.scope.words.values(), *self.made}
        self.statements, self.items, self.variables, self.labelled = outer
        folded = None if _has_labels(tuple(items)) else loops.folded(made, groups, self.defaults_of, self.scope, owned)
        if folded is None:
            return False
        self.variables = variables
        self.variables.bind(name, last)
        self.statements += heading
        if before != name:
            self.statements.append(code.Assign(code.Name(name), code.Name(before)))
        self.statements.append(code.For(folded.target, folded.source, folded.body))
        self.items += items
        return True

    def defaults_of(self, function: str) -> Mapping[str, Any]:
        """Return the keywords of a function that have defaults."""
        return self.function_defaults.get(function) or KERAS.defaults_of(function)

    def operation(self, op: Op, held: dict[int, int], value: int, alive: set[int], wanted: str, is_read: bool) -> None:
        entering = tuple(code.Name(self.variables.name_of[held[source]]) for source in op.inputs)
        if op.use is not None and op.shared:
            applied = code.Call(self.shared[op.shared[0]], entering)
            name = self.variables.choose(held[value], wanted, op.step.name, alive)
            self.statements.append(code.Assign(code.Name(name), applied))
            return
        if isinstance(op.step.does, Experts):
            mixture = code.Call(self.experts(op, op.step.does, alive), entering)
            name = self.variables.choose(held[value], wanted, op.step.name, alive)
            self.statements.append(code.Assign(code.Name(name), mixture))
            return
        if isinstance(op.step.does, Use):
            called = self.call(op, op.step.does, entering)
            name = self.variables.choose(held[value], wanted, op.step.name, alive)
            self.statements.append(code.Assign(code.Name(name), called))
            return
        if op.choice is not None:
            self.choice(op, held, value, alive, wanted)
            return
        if op.part is None:
            self.repeat(op, held, value, alive, wanted)
            return
        expression: code.Expression
        part = op.part
        if op.lends:
            variable = code.Name(self.variables.keep(op.step.name, alive))
            self.statements.append(code.Assign(variable, *self.layers(op)))
            self.objects[id(op)] = variable
            if not is_read:
                return
            expression = code.Call(variable, entering)
        elif op.asks:
            expression = code.Call(self.own_layer(op), (code.List(entering) if len(entering) > 1 else entering[0],))
        elif not part.modules or (part.activation and part.function is not None and not op.label):
            self.words |= words_of(part.function)
            objects = {} if op.tied is None else {TIED: self.lent(op.tied)}
            expression = to_code(part.function, entering, objects, self.scope.size)
        else:
            *first, last = self.layers(op)
            if self.freezes(op) and part.builds_inside:
                kept = code.Name(self.variables.keep(op.step.name, alive))
                self.statements.append(code.Assign(kept, last))
                last = kept
            inside: tuple[code.Expression, ...] = entering
            for layer in first:
                inside = (code.Call(layer, inside),)
            expression = (
                code.Call(last, inside)
                if part.applied is None
                else to_code(part.applied, inside, {MADE: last}, self.scope.size)
            )
        name = self.variables.choose(held[value], wanted, op.step.name, alive)
        self.statements.append(code.Assign(code.Name(name), expression))
        if self.freezes(op) and part.builds_inside:
            self.statements.append(code.Assign(code.Attribute(kept, "trainable"), code.expression(False)))

    def freezes(self, op: Op) -> bool:
        """Whether training leaves the weights of an operation as they are."""
        return (self.is_frozen or op.step.is_frozen) and bool(op.stored)

    def own_layer(self, op: Op) -> code.Expression:
        """Return a layer of its own for an expression that asks for sizes, which only a layer's `call` can do."""
        assert op.part is not None and op.part.function is not None
        around = frozenset().union(*map(symbols, (*sizes_in(op.part.function), *op.leaves)))
        if around & self.known.always:  # a class at the top of the module sees no arguments
            raise Undecided(around & self.known.always)
        self.words |= {"ops", *words_of(op.part.function)}
        names = ["x", *(f"x{number}" for number in range(1, len(op.inputs)))]
        tensor = code.Name("keras.KerasTensor")
        statements: list[code.Statement] = []
        parameter = code.Parameter("x", tensor)
        if len(names) > 1:
            parameter = code.Parameter("tensors", code.Subscript(code.Name("list"), tensor))
            statements.append(code.Assign(code.Tuple(tuple(map(code.Name, names))), code.Name("tensors")))
        statements.append(code.Return(to_code(op.part.function, tuple(map(code.Name, names)))))
        parameters = (code.Parameter("self"), parameter)
        call = code.Function("call", parameters, tuple(statements), tensor)
        first: code.Expression = code.Name("x")
        if len(names) > 1:
            first = code.Subscript(code.Name("tensors"), code.expression(0))
        batch = code.Subscript(code.Attribute(first, "shape"), code.expression(0))
        shape = code.Tuple((batch, *map(code.expression, op.leaves)))
        made = code.call("keras.KerasTensor", shape, code.Attribute(first, "dtype"))
        # said here, as Keras cannot compare sizes that it does not know
        spec = code.Function("compute_output_spec", parameters, (code.Return(made),), tensor)
        key = repr(op.part.function)
        if key not in self.own_layers:
            name = class_name(op.step.name)
            while any(name == definition.name for definition in self.own_layers.values()) or name in self.carried:
                name += "_"
            register = code.call("keras.saving.register_keras_serializable", package="netdsl")
            self.own_layers[key] = code.Class(
                name, (code.Name("keras.layers.Layer"),), (code.Docstring(op.step.text), call, spec), (register,)
            )
        name = self.own_layers[key].name
        label = self.label_of(op) if op.label else ""
        self.items.append(_At(op.step, _kind(name), label, ()))
        keywords = (("name", self.tagged(label)),) if label else ()
        return code.Call(code.Name(name), (), keywords)

    def lent(self, op: Op) -> code.Expression:
        """Return the variable of a layer that another operation uses too."""
        return self.shared[op.shared[0]] if op.shared else self.objects[id(op)]

    def call(self, op: Op, use: Use, entering: tuple[code.Name, ...]) -> code.Expression:
        """Return the call of a block's function, which is written when it is called first."""
        is_frozen = self.is_frozen or op.step.is_frozen
        key = op.general.body, is_frozen
        if key not in self.functions:
            self.functions[key] = self.function(op.use, op.general, is_frozen)
        function = self.functions[key]
        tag = op.step.full_name.replace(".", "_")
        self.items.append(_Below(op.step, tag, function.items))
        plain, keywords = function.scope.passed(op.values, self.scope)
        if _has_labels(function.items):
            keywords = (*keywords, ("name", self.tagged(tag)))
        return code.Call(code.Name(function.name), (*entering, *plain), keywords)

    def function(self, operations: Operations, general: General, is_frozen: bool) -> _Function:
        """Write the function of a block."""
        outer = (self.statements, self.items, self.variables, self.tags, self.loops, self.is_frozen, self.scope)
        self.statements, self.items, self.variables, self.loops = [], [], Variables(("name",)), 0
        level, self.loop_level, group, self.group = self.loop_level, 0, self.group, None
        self.scope = Scope(general, ("name",), asks_tensors=True)
        self.variables.objects |= set(self.scope.words.values())
        self.tags, self.is_frozen = [code.Name("name"), "_"], is_frozen
        self.blocked += 1
        held = {number: -1 - number for number in range(1 + len(general.tensors))}
        words = []
        for number, word in enumerate(("x", *general.tensors)):
            words.append(self.variables.bind(self.variables.free(word, set(held.values())), held[number]))
        self.body(operations, held, set(), [])
        leaving = code.Name(self.variables.name_of[held[operations.outputs[0]]])
        last = self.statements[-1] if self.statements else None
        if isinstance(last, code.Assign) and last.targets == (leaving,):
            self.statements[-1] = code.Return(last.value)
        else:
            self.statements.append(code.Return(leaving))
        self.blocked -= 1
        body, items, scope = (*self.scope.asked(words), *self.statements), tuple(self.items), self.scope
        self.statements, self.items, self.variables, self.tags, self.loops, self.is_frozen, self.scope = outer
        tensor = code.Name("keras.KerasTensor")
        own = scope.parameters(code.Name("str"))
        named = (code.Parameter("name", code.Name("str")),) if _has_labels(items) else ()
        plain = tuple(parameter for parameter in own if parameter.default is None)
        parameters = (*(code.Parameter(word, tensor) for word in words), *plain, *named, *own[len(plain) :])
        self.loop_level, self.group = level, group
        name = self.unused_function(function_name(general.block))
        self.function_defaults[name] = scope.defaults()
        self.definitions.append(code.Function(name, parameters, body, tensor))
        for word in sorted(scope.carried):
            self.carried.setdefault(word, set())
        return _Function(name, scope, items)

    def choice(self, op: Op, held: dict[int, int], value: int, alive: set[int], wanted: str) -> None:
        """Append an `if` whose sides leave their tensors in one variable."""
        does = op.step.does
        assert isinstance(does, If)
        was_frozen, self.is_frozen = self.is_frozen, self.is_frozen or op.step.is_frozen
        outer, outer_items = self.statements, self.items
        holds = dict(self.variables.holds)
        self.blocked += 1
        sides: list[tuple[list[code.Statement], tuple[_Item, ...], str]] = []
        for operations in op.choice:
            self.statements, self.items = [], []
            inner = {number: held[source] for number, source in enumerate(op.inputs)}
            self.body(operations, inner, alive, [])
            result = self.variables.name_of[inner[operations.outputs[0]]]
            sides.append((self.statements, tuple(self.items), result))
            self.variables.holds = dict(holds)
        self.blocked -= 1
        self.is_frozen = was_frozen
        self.statements, self.items = outer, outer_items
        (first, first_items, yes), (second, second_items, no) = sides
        results = (yes, no) if not first or second else (no, yes)  # a side that does nothing has it already
        free = [name for name in results if holds.get(name) not in alive]
        if free and not wanted:
            name = self.variables.bind(free[0], held[value])
        else:
            name = self.variables.choose(held[value], wanted, op.step.name, alive)
        for statements, _, result in sides:
            _leave(statements, result, name)
        condition = does.condition if first else negate(does.condition)
        body, otherwise = (first, second) if first else (second, [])
        if body:
            self.statements.append(code.If(self.scope.size(condition), tuple(body), tuple(otherwise)))
        if first_items or second_items:
            self.items.append(_Either(does.condition, first_items, second_items))

    def unused_function(self, name: str) -> str:
        """Return a name for a function that nothing in the module has, and no variable can take."""
        number, found = 1, name
        while (
            found in self.function_names or found.rstrip("_") in (*Variables.FEW, "inputs") or hasattr(builtins, found)
        ):
            number += 1
            found = f"{name}_v{number}"
        self.function_names.add(found)
        self.made.add(found)
        return found

    def experts(self, op: Op, experts: Experts, alive: set[int]) -> code.Expression:
        """Append the function that makes an expert, and return the layer that holds all of them."""
        self.carry(Part(idiom="MixtureOfExperts"))
        outer, self.statements = self.statements, []
        outer_items, self.items = self.items, []
        outer_variables, self.variables = self.variables, Variables(())
        self.variables.objects |= set(self.scope.words.values())
        was_frozen, self.is_frozen = self.is_frozen, self.is_frozen or op.step.is_frozen
        tag = op.step.full_name.replace(".", "_")
        tags, self.tags = self.tags, [*self.tags, f"{tag}_", code.Name("number"), "_"]
        self.blocked += 1
        self.statements.append(code.Return(self.model(experts.body, op.use, "")))
        self.blocked -= 1
        self.tags, self.is_frozen, self.variables = tags, was_frozen, outer_variables
        body, self.statements = tuple(self.statements), outer
        items, self.items = tuple(self.items), outer_items
        name = self.variables.keep(f"{tag}_expert", alive)
        is_named = _has_labels(items)
        # a function in a loop is given the loop's variable as it is now
        loops = [tag for tag in tags if isinstance(tag, code.Name)] if is_named else []
        numbers = [code.Parameter(loop.dotted, code.Name("int"), loop) for loop in loops]
        parameters = (code.Parameter("number", code.Name("int")), *numbers) if is_named else ()
        self.statements.append(code.Function(name, parameters, body, code.Name("keras.Model")))
        count = experts.router.experts
        made = code.Call(code.Name(name), (code.Name("number"),) if is_named else ())
        counted = self.counted(1, count + 1) if is_named else self.counted(count)
        copies = code.ListComprehension(made, code.Name("number" if is_named else "_"), counted)
        label = self.label_of(op) if op.label else ""
        keywords: dict[str, Any] = {"top": to_code(experts.router.top, size=self.scope.size)}
        if self.is_frozen or op.step.is_frozen:
            keywords["trainable"] = False
        if label:
            keywords["name"] = self.tagged(label)
        self.items.append(_Below(op.step, tag, items))
        router = Stored("router", "router", (0, 1))
        self.items.append(_At(op.step, _kind("MixtureOfExperts"), label, (router,)))
        return code.call("MixtureOfExperts", copies, **keywords)

    def repeat(self, op: Op, held: dict[int, int], value: int, alive: set[int], wanted: str) -> None:
        """Append the copies of a repeat: one in place, several as a loop over one variable."""
        runs: tuple[tuple[Operations, Run], ...] = op.repeat
        before = self.variables.name_of[held[op.inputs[0]]]
        taken = {held[source] for source in op.inputs[1:]}
        name = self.variables.choose(held[value], wanted, op.step.name, alive | taken)
        if before != name:
            self.statements.append(code.Assign(code.Name(name), code.Name(before)))
        word = op.step.full_name.replace(".", "_")
        if op.label and not self.blocked and not self.loops:
            self.statements.append(code.Comment(f"{op.label}: {self.shown(op.step.output)}"))
        was_frozen, self.is_frozen = self.is_frozen, self.is_frozen or op.step.is_frozen
        first: Size = 0
        single: list[tuple[code.Statement, ...]] = []
        for operations, run in runs:
            outer, self.statements = self.statements, []
            outer_items, self.items = self.items, []
            tags = list(self.tags)
            variable = self.variables.free(f"i{self.loops or ''}", alive | {held[value]})
            self.variables.objects.add(variable)  # no loop inside may have it too
            self.loops += 1
            number: tuple[str | code.Expression, ...] = (f"{word}_{first + 1}_",)
            if run.times != 1:
                number = (f"{word}_", code.Name(variable), "_")
            self.tags.extend(number)
            inner = {0: held[value], **{n: held[source] for n, source in enumerate(op.inputs[1:], 1)}}
            self.body(operations, inner, alive | taken, [])
            result = self.variables.name_of[inner[operations.outputs[0]]]
            _leave(self.statements, result, name)
            self.variables.bind(name, held[value])
            copied, self.statements = tuple(self.statements), outer
            items, self.items = tuple(self.items), outer_items
            self.loops -= 1
            self.variables.objects.discard(variable)
            self.tags = tags
            if run.times == 1 and not _has_labels(items):
                single.append(copied)
            else:
                self.row(single)
                single = []
                counted, target = self.counted(run.times), code.Name("_")
                if _has_labels(items):
                    counted, target = self.counted(first + 1, first + run.times + 1), code.Name(variable)
                self.statements += copied if run.times == 1 else (code.For(target, counted, copied),)
            self.items.append(_Below(op.step, word, items, run.body))
            first += run.times
        self.row(single)
        self.is_frozen = was_frozen

    def row(self, copies: list[tuple[code.Statement, ...]]) -> None:
        """Append copies that differ in their tensors, as a loop if nothing but numbers is other in the code."""
        folded = None
        if len(copies) > 2 or (len(copies) == 2 and copies[0] == copies[1]):
            owned = {*self.variables.holds, *self.variables.objects, *self.scope.words.values(), *self.made}
            folded = loops.folded(copies, [None] * len(copies), self.defaults_of, self.scope, owned)
        if folded is None:
            self.statements += [statement for copy in copies for statement in copy]
        else:
            self.statements.append(code.For(folded.target, folded.source, folded.body))

    def counted(self, *bounds: Size) -> code.Expression:
        """Return a range of numbers."""
        return code.call("range", *(to_code(bound, size=self.scope.size) for bound in bounds))


def _chain(ops: list[list[Op]], copies: list[list[int]]) -> tuple[int, set[tuple[int, int]]] | None:
    """Return what enters the first copy of a `for`, and where: by operation and input; None where they are no chain.

    In a chain each of the others reads in these places, and nowhere else, what leaves the one before.
    """
    before = copies[0][-1]
    chain = {(n, place) for n, op in enumerate(ops[1]) for place, value in enumerate(op.inputs) if value == before}
    if not chain or any([len(op.inputs) for op in copy] != [len(op.inputs) for op in ops[0]] for copy in ops):
        return None
    inside = {value for copy in copies for value in copy}
    for values, copy, last in zip(copies[1:], ops[1:], (values[-1] for values in copies), strict=False):
        for n, op in enumerate(copy):
            for place, value in enumerate(op.inputs):
                if (value == last) != ((n, place) in chain) or (value in inside - {last} and value not in values):
                    return None
    entering = {ops[0][n].inputs[place] for n, place in chain}
    return (entering.pop(), chain) if len(entering) == 1 else None


def _frozen(layer: code.Call) -> code.Call:
    """Return the constructor of a layer that training leaves as it is; one around another leaves that to the other."""
    inside = tuple(_frozen(part) if _is_a_layer(part) else part for part in layer.arguments)
    if inside != layer.arguments:
        return evolve(layer, arguments=inside)
    if "trainable" in dict(layer.keywords):
        return layer
    return evolve(layer, keywords=(*layer.keywords, ("trainable", code.expression(False))))


def _is_a_layer(part: code.Expression) -> TypeGuard[code.Call]:
    """Whether an argument makes another layer."""
    return isinstance(part, code.Call) and isinstance(part.value, code.Name) and part.value.dotted.startswith("layers.")


def _leave(statements: list[code.Statement], result: str, name: str) -> None:
    """Let statements leave their tensor in a variable other than the one that they have it in."""
    last = statements[-1] if statements else None
    if result != name and isinstance(last, code.Assign) and last.targets == (code.Name(result),):
        statements[-1] = evolve(last, targets=(code.Name(name),))
    elif result != name:
        statements.append(code.Assign(code.Name(name), code.Name(result)))


def _has_labels(items: tuple[_Item, ...]) -> bool:
    """Whether a layer among items has a name of its own."""
    return any(item.has_labels for item in items)


def _kinds(operations: Operations) -> Iterator[str]:
    """Return the names that Keras gives to layers without one, and to operations, which have names too."""
    yield "input_layer"
    waiting, seen = [operations], {id(operations)}
    while waiting:
        for op in waiting.pop().ops:
            inside = [op.use] if op.use is not None else [inner for inner, _ in op.repeat or ()]
            inside.extend(op.choice or ())
            for inner in inside:
                if id(inner) not in seen:
                    seen.add(id(inner))
                    waiting.append(inner)
            if op.part is not None:
                yield from map(_kind, calls_in((*op.part.modules, op.part.function)))
                yield from _OPERATIONS


_OPERATIONS = ("add", "subtract", "multiply", "divide", "true_divide", "get_item")
"""The names that Keras gives to operators."""


def _size_at_run_time(entering: int, axis: int) -> Index:
    """Return the size of an axis of an entering tensor, the batch counted."""
    return Index(Call("ops.shape", (Entering(entering),)), (axis,))


def _readers(body: Body, outputs: tuple[int, ...]) -> dict[int, int]:
    """Return how often each value of a body is read."""
    counts = dict.fromkeys(range(len(body.inputs) + len(body.steps)), 0)
    for value in (*outputs, *(value for step in body.steps for value in step.inputs)):
        counts[value] += 1
    return counts


def _tensor(body: Body, value: int) -> Tensor:
    tensor = body.tensor(value)
    assert tensor is not None, "only whole networks are emitted"
    return tensor


def _joins(before: Op, parts: tuple[Part, ...], step: Step) -> bool:
    """Whether an activation can be an argument of the layer before it: neither has a name of its own."""
    if len(parts) != 1 or not parts[0].activation or before.part is None or not before.part.takes_activation:
        return False
    return not step.named and not before.label and before.groups == step.groups


def _with_activation(part: Part, word: str) -> Part:
    *first, last = part.modules
    named = Call(last.function, last.arguments, (*last.keywords, ("activation", word)))
    return evolve(part, modules=(*first, named), takes_activation=False)
