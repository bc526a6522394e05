"""Keras source for a network: a Sequential where it is a chain of layers, else the functional style."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from ..layer import Layer, Tensor
from ..network import Body, Experts, Network, Output, Repeat, Step, Use
from . import code, training
from .calls import KERAS, LAST, MADE, TIED, Call, Entering, Index, Part, Placed, Stored
from .emitted import Emitted, Location
from .skeleton import (
    Op,
    Operations,
    Variables,
    by_last_read,
    calls_in,
    class_name,
    docstring,
    first_uses,
    function_name,
    idiom,
    is_used_frozen,
    main_first,
    number_of_uses,
    present,
    spelled,
    step_names,
    tensor_parameters,
    to_code,
    words_of,
)


def emit(network: Network) -> Emitted:
    """Return Keras source for a network: one function, named after it, that returns the model."""
    emitter = _Emitter()
    name = function_name(network.name)
    function = emitter.network(network, name)
    start = training.for_keras(network, emitter.function_names)
    emitter.words |= start.words
    body = (*emitter.imports(), *emitter.idioms(), function, *start.statements)
    module = code.Module((code.Docstring(docstring(network, "Keras")), *body))
    return Emitted(KERAS.name, name, code.render(module), lambda: _locations(tuple(emitter.items), {}, "", ""))


# Where weights live


@frozen
class _At:
    """The weights of one Keras layer, in the order in which layers are made."""

    layer: str
    kind: str
    label: str
    stored: tuple[Stored, ...]
    inside: tuple[str, ...] = ()
    """The kinds of the layers that its arguments make."""


@frozen
class _Copies:
    """What a loop makes, `times` times, from number `first` of a repeat."""

    layer: str
    tag: str
    first: int
    times: int
    items: tuple[_Item, ...]
    has_labels: bool = field(init=False)

    @has_labels.default
    def _(self) -> bool:
        return _has_labels(self.items)


@frozen
class _Inside:
    """What a block makes, below its name."""

    layer: str
    tag: str
    items: tuple[_Item, ...]
    has_labels: bool = field(init=False)

    @has_labels.default
    def _(self) -> bool:
        return _has_labels(self.items)


_Item: TypeAlias = "_At | _Copies | _Inside"


def _locations(items: tuple[_Item, ...], made: dict[str, int], layer: str, tag: str) -> Iterator[Location]:
    """Return each weight of each copy; `made` counts the layers without a name, which Keras numbers."""
    for item in items:
        if isinstance(item, _Inside):
            yield from _locations(item.items, made, f"{layer}{item.layer}.", tag + item.tag)
            continue
        if isinstance(item, _Copies):
            for copy in range(item.first + 1, item.first + item.times + 1):
                inner = f"{tag}{item.tag}_{copy}_"
                yield from _locations(item.items, made, f"{layer}{item.layer}.{copy}.", inner)
            continue
        inside = [_numbered(kind, made) for kind in item.inside]
        name = tag + item.label if item.label else _numbered(item.kind, made)
        for stored in item.stored:
            path = f"{name}/{stored.attribute.format(*inside)}"
            yield Location(layer + item.layer, stored.weight, path, stored.axes, stored.part, blocks=stored.blocks)


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


class _Emitter:
    """One module of source: one function, and what it needs imported."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.carried: dict[str, set[str]] = {}
        """The options of each class of ours that the code uses."""
        self.items: list[_Item] = []
        self.statements: list[code.Statement] = []
        self.variables = Variables(())
        self.tags: list[str | code.Expression] = []
        """What stands before the name of a layer in a repeat, so that each copy has a name of its own."""
        self.objects: dict[int, code.Expression] = {}
        """The variables of layers that are used more than once."""
        self.first_uses: dict[Body, tuple[str, str]] = {}
        self.uses: dict[Body, int] = {}
        self.functions: dict[tuple[Body, bool], tuple[str, tuple[_Item, ...], bool]] = {}
        """The functions of blocks that stand in several places: name, what they make, whether they take a name."""
        self.definitions: list[code.Statement] = []
        self.function_names: set[str] = set()
        self.own_layers: dict[str, code.Class] = {}
        self.loops = 0
        self.blocks = 0
        self.is_frozen = False
        self.shared: dict[Body, code.Expression] = {}
        """The variables of shared blocks."""
        self.labelled: dict[tuple[str, ...], Op] = {}
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
        return (*carried, *self.own_layers.values(), *self.definitions)

    def network(self, network: Network, name: str) -> code.Statement:
        """Return the function of the whole network."""
        self.first_uses = first_uses(network.body)
        network, aux = main_first(network)
        self.function_names.add(name)
        body = network.body
        sources = [step for step in body.steps if isinstance(step.does, Layer) and step.does.is_input]
        operations = _operations(body, tuple(output.value for output in network.outputs), {})
        self.kinds = frozenset(_kinds(operations))
        chain = self.chain(operations, sources)
        if chain is not None:
            self.statements = [code.Return(code.call("keras.Sequential", code.List(chain)))]
        else:
            self.uses = number_of_uses(body)
            self.function_names |= step_names(body)
            self.share(body, operations)
            self.functional(operations, sources, network.outputs, aux)
        has_aux = any(output.aux for output in network.outputs)
        parameters = (code.Parameter("aux", code.Name("bool"), code.expression(False)),) if has_aux else ()
        return code.Function(name, parameters, tuple(self.statements), code.Name("keras.Model"))

    def share(self, body: Body, operations: Operations) -> None:
        """Append the statements that make shared blocks, each a layer or a model of its own."""
        lent = {op.tied.shared[0] for op in operations.ops if op.tied is not None and op.tied.shared}
        for shared, (block, first_use) in self.first_uses.items():
            inside = _operations(shared, (shared.output,), {})  # type: ignore[arg-type]
            name = self.variables.keep(block, set())
            outer_items, self.items, self.tags = self.items, [], [f"{block}_"]
            self.is_frozen = is_used_frozen(body, shared)
            self.blocks += 1
            only = inside.ops[0] if len(inside.ops) == 1 else None
            if only is not None and only.part is not None and len(only.part.modules) == 1:
                if shared in lent:
                    only.part = evolve(only.part, modules=only.part.lending or only.part.modules)
                (made,) = self.layers(only)
            else:
                made = self.model(shared, inside, block)
            self.blocks -= 1
            self.statements.append(code.Assign(code.Name(name), made))
            self.shared[shared] = code.Name(name)
            self.items = [*outer_items, _Inside(first_use, f"{block}_", tuple(self.items))]
            self.tags, self.is_frozen = [], False

    def model(self, body: Body, operations: Operations, name: str) -> code.Expression:
        """Append the statements of a body, and return the model that it makes."""
        x = body.inputs[0]
        assert x is not None, "only whole networks are emitted"
        keywords = {"dtype": "int32"} if x.dtype == "int" else {}
        entering = code.Name(self.variables.keep(f"{name}_inputs" if name else "inputs", set()))
        self.variables.bind("x", -1)
        sizes = tuple(size if isinstance(size, int) else None for size in x.sizes)
        made = code.call("keras.Input", sizes, **keywords)
        self.statements.append(code.Assign((code.Name("x"), entering), made))
        held = {0: -1}
        self.body(operations, held, set(), [])
        leaving = code.Name(self.variables.name_of[held[operations.outputs[0]]])
        return code.call("keras.Model", entering, leaving, **({"name": self.label(name)} if name else {}))

    # A chain

    def chain(self, operations: Operations, sources: list[Step]) -> tuple[code.Expression, ...] | None:
        """Return the items of a Sequential, None where the network is more than a row of layers."""
        if operations.inputs != 1 or len(operations.outputs) != 1:
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
            if op.groups:
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
            keywords["name"] = step.name
        sizes = tuple(size if isinstance(size, int) else None for size in step.output.sizes)
        return code.call("keras.Input", sizes, **keywords)

    def layers(self, op: Op) -> list[code.Expression]:
        """Return the constructors of an operation, and note where its weights are."""
        assert op.part is not None
        calls = list(op.part.modules)
        layer = op.step.full_name
        self.words |= words_of(op.part.modules) - {op.part.idiom}
        self.carry(op.part)
        for number, call in enumerate(calls):
            assert isinstance(call.function, str)
            is_last = number == len(calls) - 1
            label = self.label_of(op) if is_last and op.label else ""
            inside = tuple(map(_kind, calls_in(call.arguments)))
            self.items.append(_At(layer, _kind(call.function), label, op.stored if is_last else (), inside))
        made: list[code.Expression] = [to_code(call) for call in calls]
        last = made[-1]
        if isinstance(last, code.Call):
            if (self.is_frozen or op.step.is_frozen) and op.stored:
                last = _frozen(last)
            if op.label:
                last = evolve(last, keywords=(*last.keywords, ("name", self.tagged(self.label_of(op)))))
            made[-1] = last
        return made

    def label_of(self, op: Op) -> str:
        """Return the author's name of a layer; one inside groups has theirs before it where another layer has it."""
        label = self.label(op.label)
        tags = tuple(tag if isinstance(tag, str) else "*" for tag in self.tags)
        owner = self.labelled.setdefault((*tags, label), op)
        return label if owner is op else "_".join((*(group.name for group in op.groups), label))

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
        outside_loops = not self.loops and not self.blocks
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
        group: object = None
        for number, op in enumerate(operations.ops):
            value = operations.inputs + number
            held[value] = value if outside_loops else id(op)
            if op.step in aux and self.statements is main:
                self.statements = []
            if op.groups and op.groups[-1] is not group:
                self.statements.append(code.Comment(op.groups[-1].name))
            group = op.groups[-1] if op.groups else None
            alive.difference_update({held[seen] for seen in ending.get(number, ())} - outside)
            wanted = ""
            if value in operations.outputs and labels:
                wanted = labels[operations.outputs.index(value)] if len(operations.outputs) > 1 else ""
            elif op.label and read_by_ops.get(value, 0) > number + 1:  # not by the next operation alone
                wanted = op.label
            self.operation(op, held, value, alive, wanted, is_read=value in last_read)
            if value in last_read:
                alive.add(held[value])

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
        if op.use is not None:
            self.block(op, held, value, alive, wanted)
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
            expression = to_code(part.function, entering, objects)
        else:
            *first, last = self.layers(op)
            inside: tuple[code.Expression, ...] = entering
            for layer in first:
                inside = (code.Call(layer, inside),)
            expression = (
                code.Call(last, inside) if part.applied is None else to_code(part.applied, inside, {MADE: last})
            )
        name = self.variables.choose(held[value], wanted, op.step.name, alive)
        self.statements.append(code.Assign(code.Name(name), expression))

    def own_layer(self, op: Op) -> code.Expression:
        """Return a layer of its own for an expression that asks for sizes, which only a layer's `call` can do."""
        assert op.part is not None and op.part.function is not None
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
        self.items.append(_At(op.step.full_name, _kind(name), label, ()))
        keywords = (("name", self.tagged(label)),) if label else ()
        return code.Call(code.Name(name), (), keywords)

    def lent(self, op: Op) -> code.Expression:
        """Return the variable of a layer that another operation uses too."""
        return self.shared[op.shared[0]] if op.shared else self.objects[id(op)]

    def block(self, op: Op, held: dict[int, int], value: int, alive: set[int], wanted: str) -> None:
        """Append what a block does: in place, or as a function where it stands in several."""
        operations: Operations = op.use
        if isinstance(op.step.does, Use) and self.uses.get(op.step.does.body, 0) > 1:
            called = self.call(
                op, op.step.does, [code.Name(self.variables.name_of[held[source]]) for source in op.inputs]
            )
            name = self.variables.choose(held[value], wanted, op.step.name, alive)
            self.statements.append(code.Assign(code.Name(name), called))
            return
        outer_items, self.items = self.items, []
        was_frozen, self.is_frozen = self.is_frozen, self.is_frozen or op.step.is_frozen
        tag = f"{op.step.full_name.replace('.', '_')}_"
        self.tags.append(tag)
        self.blocks += 1
        self.statements.append(code.Comment(op.step.full_name))
        inner = {number: held[source] for number, source in enumerate(op.inputs)}
        self.body(operations, inner, alive, [])
        result = self.variables.name_of[inner[operations.outputs[0]]]
        self.blocks -= 1
        self.tags.pop()
        self.is_frozen = was_frozen
        self.items = [*outer_items, _Inside(op.step.full_name, tag, tuple(self.items))]
        if wanted and wanted != result:
            name = self.variables.choose(held[value], wanted, op.step.name, alive)
            self.statements.append(code.Assign(code.Name(name), code.Name(result)))
        else:
            self.variables.bind(result, held[value])

    def call(self, op: Op, use: Use, entering: list[code.Name]) -> code.Expression:
        """Return the call of a block's function, which is written when it is called first."""
        is_frozen = self.is_frozen or op.step.is_frozen
        if (use.body, is_frozen) not in self.functions:
            self.functions[use.body, is_frozen] = self.function(op, use, is_frozen)
        function, items, takes_name = self.functions[use.body, is_frozen]
        tag = op.step.full_name.replace(".", "_")
        self.items.append(_Inside(op.step.full_name, f"{tag}_", items))
        keywords = (("name", self.tagged(tag)),) if takes_name else ()
        return code.Call(code.Name(function), tuple(entering), keywords)

    def function(self, op: Op, use: Use, is_frozen: bool) -> tuple[str, tuple[_Item, ...], bool]:
        """Write the function of a block; return its name, what it makes, and whether it takes a name for that."""
        operations: Operations = op.use
        outer = (self.statements, self.items, self.variables, self.tags, self.loops, self.is_frozen)
        self.statements, self.items, self.variables, self.loops = [], [], Variables(("name",)), 0
        self.tags, self.is_frozen = [code.Name("name"), "_"], is_frozen
        self.blocks += 1
        words = [self.variables.free(word, set()) for word in ("x", *tensor_parameters(use))]
        held = {number: -1 - number for number in range(len(words))}
        for number, word in enumerate(words):
            self.variables.bind(word, held[number])
        self.body(operations, held, set(), [])
        self.statements.append(code.Return(code.Name(self.variables.name_of[held[operations.outputs[0]]])))
        self.blocks -= 1
        body, items = tuple(self.statements), tuple(self.items)
        self.statements, self.items, self.variables, self.tags, self.loops, self.is_frozen = outer
        takes_name = _has_labels(items)
        tensor = code.Name("keras.KerasTensor")
        parameters = [code.Parameter(word, tensor) for word in words]
        if takes_name:
            parameters.append(code.Parameter("name", code.Name("str")))
        name = self.unused_function(function_name(use.block))
        self.definitions.append(code.Function(name, tuple(parameters), body, tensor))
        return name, items, takes_name

    def unused_function(self, name: str) -> str:
        """Return a name for a function that nothing in the module has, and no variable can take."""
        number, found = 1, name
        while found in self.function_names:
            number += 1
            found = f"{name}_v{number}"
        self.function_names.add(found)
        return found

    def experts(self, op: Op, experts: Experts, alive: set[int]) -> code.Expression:
        """Append the function that makes an expert, and return the layer that holds all of them."""
        self.carry(Part(idiom="MixtureOfExperts"))
        outer, self.statements = self.statements, []
        outer_items, self.items = self.items, []
        outer_variables, self.variables = self.variables, Variables(())
        was_frozen, self.is_frozen = self.is_frozen, self.is_frozen or op.step.is_frozen
        tag = op.step.full_name.replace(".", "_")
        tags, self.tags = self.tags, [*self.tags, f"{tag}_", code.Name("number"), "_"]
        self.blocks += 1
        self.statements.append(code.Return(self.model(experts.body, op.use, "")))
        self.blocks -= 1
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
        count = int(experts.router.experts)
        made = code.Call(code.Name(name), (code.Name("number"),) if is_named else ())
        counted = code.call("range", 1, count + 1) if is_named else code.call("range", count)
        copies = code.ListComprehension(made, code.Name("number" if is_named else "_"), counted)
        label = self.label_of(op) if op.label else ""
        keywords: dict[str, Any] = {"top": experts.router.top}
        if self.is_frozen or op.step.is_frozen:
            keywords["trainable"] = False
        if label:
            keywords["name"] = self.tagged(label)
        layer = op.step.full_name
        self.items.append(_Copies(layer, tag, 0, count, items))
        router = Stored("router", "router", (0, 1))
        self.items.append(_At(layer, _kind("MixtureOfExperts"), label, (router,)))
        return code.call("MixtureOfExperts", copies, **keywords)

    def repeat(self, op: Op, held: dict[int, int], value: int, alive: set[int], wanted: str) -> None:
        """Append the copies of a repeat: one in place, several as a loop over one variable."""
        runs: tuple[tuple[Operations, int], ...] = op.repeat
        before = self.variables.name_of[held[op.inputs[0]]]
        taken = {held[source] for source in op.inputs[1:]}
        name = self.variables.choose(held[value], wanted, op.step.name, alive | taken)
        if before != name:
            self.statements.append(code.Assign(code.Name(name), code.Name(before)))
        layer = op.step.full_name
        word = layer.replace(".", "_")
        was_frozen, self.is_frozen = self.is_frozen, self.is_frozen or op.step.is_frozen
        first = 0
        for operations, times in runs:
            outer, self.statements = self.statements, []
            outer_items, self.items = self.items, []
            tags = list(self.tags)
            variable = f"i{self.loops or ''}"
            self.loops += 1
            number: tuple[str | code.Expression, ...] = (f"{word}_{first + 1}_",)
            if times > 1:
                number = (f"{word}_", code.Name(variable), "_")
            self.tags.extend(number)
            inner = {0: held[value], **{n: held[source] for n, source in enumerate(op.inputs[1:], 1)}}
            self.body(operations, inner, alive | taken, [])
            result = self.variables.name_of[inner[operations.outputs[0]]]
            if result != name:
                self.statements.append(code.Assign(code.Name(name), code.Name(result)))
            self.variables.bind(name, held[value])
            copied, self.statements = tuple(self.statements), outer
            items, self.items = tuple(self.items), outer_items
            self.loops -= 1
            self.tags = tags
            if times == 1:
                self.statements.extend(copied)
            elif _has_labels(items):
                counted = code.call("range", first + 1, first + times + 1)
                self.statements.append(code.For(code.Name(variable), counted, copied))
            else:
                self.statements.append(code.For(code.Name("_"), code.call("range", times), copied))
            self.items.append(_Copies(layer, word, first, times, items))
            first += times
        self.is_frozen = was_frozen


def _frozen(layer: code.Call) -> code.Call:
    """Return the constructor of a layer that training leaves as it is; one around another leaves that to the other."""
    inside = tuple(_frozen(part) if isinstance(part, code.Call) else part for part in layer.arguments)
    if inside != layer.arguments:
        return evolve(layer, arguments=inside)
    if "trainable" in dict(layer.keywords):
        return layer
    return evolve(layer, keywords=(*layer.keywords, ("trainable", code.expression(False))))


def _has_labels(items: tuple[_Item, ...]) -> bool:
    """Whether a layer among items has a name of its own."""
    return any(bool(item.label) if isinstance(item, _At) else item.has_labels for item in items)


def _kinds(operations: Operations) -> Iterator[str]:
    """Return the names that Keras gives to layers without one, and to operations, which have names too."""
    yield "input_layer"
    waiting, seen = [operations], {id(operations)}
    while waiting:
        for op in waiting.pop().ops:
            inside = [op.use] if op.use is not None else [inner for inner, _ in op.repeat or ()]
            for inner in inside:
                if id(inner) not in seen:
                    seen.add(id(inner))
                    waiting.append(inner)
            if op.part is not None:
                yield from map(_kind, calls_in((*op.part.modules, op.part.function)))
                yield from _OPERATIONS


_OPERATIONS = ("add", "subtract", "multiply", "divide", "true_divide", "get_item")
"""The names that Keras gives to operators."""


def _operations(body: Body, outputs: tuple[int, ...], known: dict[Body, Operations]) -> Operations:
    """Return a body as operations, with activations as an argument of the layer before where Keras has one.

    A body that stands in several places is one.
    """
    if body not in known:
        known[body] = _made_operations(body, outputs, known)
    return known[body]


def _made_operations(body: Body, outputs: tuple[int, ...], known: dict[Body, Operations]) -> Operations:
    sources = [step for step in body.steps if isinstance(step.does, Layer) and step.does.is_input]
    operations = Operations(len(body.inputs) or len(sources))
    readers = _readers(body, outputs)
    places: dict[int, int] = {value: value for value in range(len(body.inputs))}
    entering = 0
    for value, step in enumerate(body.steps, len(body.inputs)):
        if isinstance(step.does, Repeat):
            runs = tuple(
                (_operations(run.body, (run.body.output,), known), run.times)
                for run in step.does.runs
                if run.body.output is not None
            )
            places[value] = operations.add(Op(tuple(places[source] for source in step.inputs), step, None, runs))
            continue
        if isinstance(step.does, Use):
            output = step.does.body.output
            assert output is not None, "only whole networks are emitted"
            entered = tuple(places[source] for source in step.inputs)
            if output < len(step.does.body.inputs):  # the block is `id`
                places[value] = entered[output]
                continue
            block = Op(entered, step)
            block.use = _operations(step.does.body, (output,), known)
            block.shared = (step.does.body,) if step.does.is_shared else ()
            places[value] = operations.add(block)
            continue
        if isinstance(step.does, Experts):
            mixture = Op(tuple(places[source] for source in step.inputs), step)
            assert step.does.body.output is not None, "only whole networks are emitted"
            mixture.use = _operations(step.does.body, (step.does.body.output,), known)
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
        spellings = spelled(KERAS, step, layer, placed, len(tensors), _size_at_run_time)
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
                op.leaves = tuple(size if isinstance(size, int) else None for size in leaving.sizes)
            if step.tied is not None:
                lender = operations.maker(places[step.tied])
                assert lender is not None, "a table is made by a layer"
                op.tie(lender)
            inputs = (operations.add(op),)
        places[value] = inputs[0]
    operations.outputs = [places[value] for value in outputs]
    return operations


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
