"""PyTorch source for a network: modules and attributes, the forward function, and where weights live in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from keyword import iskeyword
from typing import Any, TypeAlias

from attrs import frozen

from ..layer import Layer, show_shape
from ..network import Body, Experts, Group, If, Network, Step, Use
from ..record import evolve
from ..size import Condition, Truth, Undecided, both, negate, substitute
from ..symbolic import Instance
from . import code, loops, training
from .blocks import Blocks, General, Scope
from .calls import (
    FIRST,
    MADE,
    TIED,
    TORCH,
    Extra,
    Object,
    Part,
    Stored,
)
from .constants import with_constants
from .emitted import Emitted, ExtraTensor, Location, bounded
from .layout import Layouts, Placement, natural
from .skeleton import (
    Op,
    Variables,
    by_last_read,
    class_name,
    docstring,
    idiom,
    is_used_frozen,
    sizes_in,
    times_read,
    to_code,
    without_underscores,
    words_of,
)


def emit(network: Network) -> Emitted:
    """Return PyTorch source for a network: one module, named after it."""
    blocks, (emitter, main, items) = with_constants(network, TORCH, _emitted)
    start = training.for_torch(network, natural)
    emitter.words |= start.words
    own = (*emitter.classes, main, *start.statements)
    body = (*emitter.imports(), *blocks.at_the_top(own), *emitter.idioms(), *own)
    here = blocks.here
    extra = _extra_elements(items, here, blocks, {})
    module = code.Module((code.Docstring(docstring(network, "PyTorch", extra)), *body))
    return Emitted(
        TORCH.name,
        emitter.name,
        code.render(module),
        lambda: bounded(_locations(items, here, blocks), network.source),
    )


def _emitted(blocks: Blocks) -> tuple[_Emitter, code.Statement, tuple[_Item, ...]]:
    """Return the class of a network, where its weights are, and what has been made for it on the way."""
    layouts_of = Layouts()
    reserved: frozenset[str] = frozenset()
    while True:
        emitter = _Emitter(blocks, layouts_of, reserved)
        main, items = emitter.network()
        clashes = emitter.class_names & emitter.carried.keys()
        if not layouts_of.settle() and clashes <= reserved:
            return emitter, main, items
        reserved |= clashes


# Where weights live


@frozen
class _At:
    """A weight of a layer, at a path in the module that holds it."""

    step: Step
    stored: Stored
    path: str
    order: tuple[Any, ...] | None


@frozen
class _Beyond:
    """A tensor of PyTorch that is no weight of the language."""

    step: Step
    extra: Extra
    path: str


@frozen
class _Copies:
    """Weights of the modules that are the copies of a run of a repeat, each under its number behind `offset`."""

    step: Step
    path: str
    body: Body
    items: tuple[_Item, ...]
    offset: int = 0


@frozen
class _Experts:
    """Weights of the modules that are the experts of a mixture, each under its number."""

    step: Step
    path: str
    items: tuple[_Item, ...]


@frozen
class _Inside:
    """Weights of a block, below its name."""

    step: Step
    path: str
    items: tuple[_Item, ...]


@frozen
class _Lent:
    """Weights of a shared block, below the name of its first use."""

    layer: str
    path: str
    body: Body
    items: tuple[_Item, ...]


@frozen
class _Either:
    """Weights of the one or the other side of an `if`."""

    condition: Condition
    path: str
    first: tuple[_Item, ...]
    second: tuple[_Item, ...]


_Item: TypeAlias = "_At | _Beyond | _Copies | _Experts | _Inside | _Lent | _Either"


def _locations(
    items: tuple[_Item, ...], here: Instance, blocks: Blocks, layer: str = "", path: str = ""
) -> Iterator[Location | ExtraTensor | None]:
    """Return each weight of each copy, and what PyTorch keeps beside them; and None for each copy."""
    for item in items:
        below = path + item.path
        if isinstance(item, (_At, _Beyond)):
            name = layer + here.steps[item.step].full_name
            if isinstance(item, _Beyond):
                yield ExtraTensor(name, below + item.extra.attribute, here.number(item.extra.size))
            elif here.has(item.step, item.stored.weight):
                stored = item.stored
                yield Location(
                    name,
                    stored.weight,
                    f"{below}{stored.attribute}".removesuffix("."),  # a weight may be the attribute itself
                    stored.axes,
                    stored.part and (here.number(stored.part[0]), here.number(stored.part[1])),
                    tuple(map(here.number, item.order)) if item.order and stored.follows_order else None,
                    stored.blocks,
                )
            continue
        for inside, instance, name, prefix, times in _below(item, here, blocks):
            for copy in range(times):
                number = f".{prefix + copy + 1}" if prefix is not None else ""
                offset = item.offset if isinstance(item, _Copies) else 0
                place = f"{prefix + copy + offset}." if prefix is not None else ""
                inner = f"{layer}{name}{number}." if name else layer
                yield None
                yield from _locations(inside, instance, blocks, inner, below + place)


def _below(
    item: _Copies | _Experts | _Inside | _Lent | _Either, here: Instance, blocks: Blocks
) -> Iterator[tuple[tuple[_Item, ...], Instance, str, int | None, int]]:
    """Return what is inside of an item: items, what they are of, its name, the number of the first copy, how many."""
    if isinstance(item, _Either):
        yield (item.first if here.holds(item.condition) else item.second), here, "", None, 1
    elif isinstance(item, _Lent):
        yield item.items, blocks.lent(item.body), item.layer, None, 1
    elif item.step in here.steps:
        step = here.steps[item.step]
        if isinstance(item, _Copies):
            for first, times, copy in here.copies_of(item.step, item.body):
                yield item.items, copy, step.full_name, first, times
        elif isinstance(step.does, Experts) and isinstance(item.step.does, Experts):
            expert = here.matching.instance(item.step.does.body, step.does.body)
            yield item.items, expert, step.full_name, 0, here.number(step.does.router.experts)
        elif isinstance(step.does, Use):
            assert isinstance(item.step.does, Use)
            yield item.items, blocks.instance(item.step.does, step.does), step.full_name, None, 1


def _extra_elements(
    items: tuple[_Item, ...], here: Instance, blocks: Blocks, known: dict[tuple[int, Body], int]
) -> int:
    """Return how many elements PyTorch keeps beyond the weights of the language; what stands twice is counted once."""
    total = 0
    for item in items:
        if isinstance(item, _Beyond):
            total += here.number(item.extra.size)
        elif not isinstance(item, _At):
            for inside, instance, _, _, times in _below(item, here, blocks):
                key = id(inside), instance.at
                if key not in known:
                    known[key] = _extra_elements(inside, instance, blocks, known)
                total += known[key] * times
    return total


def _moved(items: Iterable[_Item], path: str) -> tuple[_Item, ...]:
    """Return items as the module that holds their module sees them."""
    return tuple(evolve(item, path=path + item.path) for item in items)


# Modules


@frozen(eq=False)
class _Segment:
    """Operations in a row that become one attribute, or (without modules) expressions."""

    ops: tuple[Op, ...]
    name: str = ""
    modules: tuple[code.Expression, ...] = ()
    items: tuple[_Item, ...] = ()
    group: str = ""
    leaves: tuple[_Leaf, ...] = ()

    @property
    def module(self) -> code.Expression:
        """The attribute: a module alone, or several in a Sequential."""
        alone = len(self.modules) == 1 and not isinstance(self.modules[0], code.Starred)
        return self.modules[0] if alone else code.call("nn.Sequential", *self.modules)

    def assignment(self, scope: Scope) -> Iterator[code.Statement]:
        """Return the statements that make the attribute, or those of the sides of an `if`."""
        for leaf in self.leaves:
            yield _attribute(leaf.name, leaf.module)
        if not self.modules:
            return
        attribute = code.Attribute(code.Name("self"), self.name)
        yield code.Assign((attribute,), self.module)
        last = self.ops[-1]
        for done in last.part.setup if last.part is not None else ():
            if isinstance(done, str):
                yield code.Comment(done)
            else:
                yield code.Evaluate(to_code(done, (), {MADE: attribute}, scope.size))


@frozen(eq=False)
class _Leaf:
    """A side of an `if` that is a row of modules, and an attribute of its own; an identity where it is not taken."""

    side: Placement
    module: code.Expression
    items: tuple[_Item, ...]
    name: str = ""


class _Emitter:
    """One module of source: classes for what is no chain, and what they need imported."""

    def __init__(self, blocks: Blocks, layouts_of: Layouts, reserved: frozenset[str]) -> None:
        self.blocks = blocks
        self.layouts_of = layouts_of
        self.first_uses = blocks.shared()
        self.scope = Scope(blocks.whole)
        self.classes: list[code.Statement] = []
        self.words: set[str] = {"nn"}
        self.carried: dict[str, set[str]] = {}
        """The options of each class of ours that the code uses."""
        self.class_names: set[str] = {"F", "Tensor", *self.scope.words.values(), *reserved}
        self.class_numbers: dict[str, int] = {}
        self.name = ""
        """Of the class that is the model."""
        self.copies: dict[int, _Copy] = {}
        self.class_defaults: dict[str, dict[str, Any]] = {}

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

    def network(self) -> tuple[code.Statement, tuple[_Item, ...]]:
        """Return the class of the whole network, and where its weights are."""
        network = self.blocks.network
        self.name = name = self.unused_class(class_name(network.name))
        sources = [step for step in network.body.steps if isinstance(step.does, Layer) and step.does.is_input]
        layouts = tuple(natural(step.output) for step in sources if step.output is not None)
        outputs = tuple(output.value for output in network.outputs)
        placement = Placement(network.body, layouts, "natural", outputs, {}, self.blocks, self.layouts_of)
        labels = {output.value: output.name for output in network.outputs}
        names = ["x" if len(sources) == 1 and not step.named else step.name for step in sources]
        whole = _Whole(self.blocks.aux, sum(not output.aux for output in network.outputs))
        return self.class_of(name, placement, names, [labels[value] for value in placement.outputs], whole)

    def class_of(
        self,
        name: str,
        placement: Placement,
        inputs: list[str],
        outputs: list[str],
        whole: _Whole | None = None,
    ) -> tuple[code.Statement, tuple[_Item, ...]]:
        """Return the class of a body: a Sequential if it is a chain, else attributes and a forward function."""
        segments = self.segments(placement)
        if self.is_chain(placement, segments):
            only = segments[0]
            alone = only.modules[0]
            if (
                whole is None
                and len(only.modules) == 1
                and isinstance(alone, code.Call)
                and isinstance(alone.value, code.Name)
                and alone.value.dotted not in self.scope.words.values()  # it would be an argument
            ):
                start = code.Call(code.Attribute(code.call("super"), "__init__"), alone.arguments, alone.keywords)
                init = self.init((), code.Evaluate(start))
                return code.Class(name, (alone.value,), (init,)), only.items
            stands_alone = len(only.modules) == 1 and not isinstance(alone, code.Starred)
            items = _moved(only.items, "0.") if stands_alone else only.items
            return code.Class(name, (code.Name("nn.Sequential"),), (self.init((), _start(*only.modules)),)), items
        segments = [part for segment in segments for part in self.trimmed(segment, placement)]
        shared = {body: _attribute_of(self.first_uses[body][0]) for body in placement.shared}
        aux = whole.aux if whole is not None else frozenset()
        has_aux = whole is not None and len(outputs) > whole.main_outputs
        taken = [*(shared.values() if whole else ()), *(["aux"] if has_aux else ()), *self.kept_words(placement)]
        segments = self.named(segments, placement, taken)
        attributes = [segment for segment in segments if segment.modules or segment.leaves]
        me = code.Name("self")
        callees = {body: code.Attribute(me, word) if whole else code.Name(word) for body, word in shared.items()}
        forward = _Forward(self, placement, segments, inputs, outputs, callees, whole)
        function = forward.function()
        assigns = [_attribute(word, value) for word, value in forward.kept.items()]
        lent: list[_Item] = []
        for block, word in shared.items() if whole else ():
            module, inside = self.copy(word, placement.shared[block])
            assigns.append(_attribute(word, _not_trained(module) if is_used_frozen(placement.body, block) else module))
            lent.append(_Lent(self.first_uses[block][1], f"{word}.", block, inside))
        scope = self.scope
        assigns += [line for part in attributes if part.ops[0].step not in aux for line in part.assignment(scope)]
        body: list[code.Statement] = []
        if has_aux:
            extra = tuple(line for part in attributes if part.ops[0].step in aux for line in part.assignment(scope))
            flag = code.Name("aux")
            statements = (_start(), _attribute("aux", flag), *assigns, *([code.If(flag, extra)] if extra else []))
            body.append(self.init((code.Parameter("aux", code.Name("bool"), code.expression(False)),), *statements))
        elif assigns:
            body.append(self.init((), _start(), *assigns))
        own: list[_Item] = []
        for segment in attributes:
            own += _moved(segment.items, f"{segment.name}.")
            own += [item for leaf in segment.leaves for item in _moved(leaf.items, f"{leaf.name}.")]
        self.words.add("Tensor")
        return code.Class(name, (code.Name("nn.Module"),), (*body, function)), (*lent, *own)

    def init(self, more: tuple[code.Parameter, ...], *body: code.Statement) -> code.Function:
        """Return a constructor that takes what the code of the class needs."""
        parameters = (code.Parameter("self"), *self.scope.parameters(_MODULES), *more)
        return code.Function("__init__", parameters, body, code.expression(None))

    def kept_words(self, placement: Placement) -> set[str]:
        """Return what a class may have to keep for its forward function."""
        found: set[str] = set()
        for op in placement.operations.ops:
            if op.choice is not None:
                assert isinstance(op.step.does, If)
                found |= self.scope.words_in(op.step.does.condition)
                found |= {word for side in op.choice for word in self.kept_words(side)}
            elif op.part is not None:
                for size in sizes_in((op.part.function, op.part.applied)):
                    found |= self.scope.words_in(size)
        return {_attribute_of(word) for word in found}

    def is_chain(self, placement: Placement, segments: list[_Segment]) -> bool:
        """Whether a body is nothing but unnamed modules in a row."""
        operations = placement.operations
        if len(segments) != 1 or operations.inputs != 1 or len(operations.outputs) != 1:
            return False
        only = segments[0]
        if not _stands_in_rows(only.ops[0]) or placement.shared:
            return False
        named = any(op.label or op.labelled for op in only.ops)
        return bool(only.modules) and not named and operations.outputs[0] == len(operations.ops)

    def segments(self, placement: Placement) -> list[_Segment]:
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
        return not last.label and not op.step.named and last.labelled[:1] == op.labelled[:1]

    def segment(self, ops: tuple[Op, ...]) -> _Segment:
        """Return the modules of operations in a row, and where their weights are in that row."""
        if ops[0].choice is not None and not _stands_in_rows(ops[0]):
            return _Segment(ops, leaves=tuple(self.leaves(ops[0], ())))
        if not _is_kept(ops[0]):
            return _Segment(ops)
        entries = self.row(ops, 0)
        group = next((known.name for known in self.common_groups(ops)), "")
        if len(entries) == 1 and not isinstance(entries[0].module, code.Starred):
            return _Segment(ops, "", (entries[0].module,), entries[0].parts[0][1], group)
        modules, items = [], []
        place = 0
        for entry in entries:
            modules.append(entry.module)
            items += [moved for at, inside in entry.parts for moved in _moved(inside, f"{place + at}.")]
            items += [evolve(copies, offset=place) for copies in entry.copies]
            place += entry.width
        return _Segment(ops, "", tuple(modules), tuple(items), group)

    def leaves(self, op: Op, around: tuple[Truth, ...]) -> Iterator[_Leaf]:
        """Return the sides of an `if` that are rows of modules, and those of an `if` in a side of it."""
        does = op.step.does
        assert isinstance(does, If) and op.choice is not None
        for holds, side in zip((does.condition, negate(does.condition)), op.choice, strict=True):
            ops = side.operations.ops
            if not ops:
                continue
            if _row_input(side) is not None:
                segment = self.segment(tuple(side.operations.ops))
                condition = both(*around, holds)
                assert isinstance(condition, Condition)
                items = (_Either(condition, "", segment.items, ()),) if segment.items else ()
                module = _not_trained(segment.module) if op.step.is_frozen and items else segment.module
                yield _Leaf(side, code.Conditional(module, self.scope.size(condition), code.call("nn.Identity")), items)
            elif len(ops) == 1 and ops[0].choice is not None:
                yield from self.leaves(ops[0], (*around, holds))

    def common_groups(self, ops: tuple[Op, ...]) -> list[Group]:
        """Return the author's groups that all operations of a row stand in, outermost first."""
        return [group for group in ops[0].labelled if all(group in op.groups for op in ops)]

    def row(self, ops: tuple[Op, ...], level: int) -> list[_Entry]:
        """Return modules in a row; copies of a `for` without a name are a loop, if they differ in numbers alone."""
        entries: list[_Entry] = []
        rest = list(ops)
        while rest:
            loops = rest[0].loops
            copies: list[list[Op]] = []
            if len(loops) > level:
                while rest and len(rest[0].loops) > level and rest[0].loops[level].loop is loops[level].loop:
                    if not copies or copies[-1][0].loops[level] is not rest[0].loops[level]:
                        copies.append([])
                    copies[-1].append(rest.pop(0))
                rows = [self.row(tuple(copy), level + 1) for copy in copies]
                entries += self.loop(rows, [copy[0].loops[level] for copy in copies])
            else:
                entries += self.entries(rest.pop(0), ops)
        return entries

    def loop(self, rows: list[list[_Entry]], groups: list[Group]) -> list[_Entry]:
        """Return the copies of a `for` as one entry if that can be, else as they are."""
        unrolled = [entry for row in rows for entry in row]
        if len(rows) < 2 or any(entry.copies for entry in unrolled):
            return unrolled
        alone = all(len(row) == 1 and row[0].width == 1 for row in rows)
        made = [
            row[0].module if alone else code.call("nn.Sequential", *(entry.module for entry in row)) for row in rows
        ]
        folded = loops.folded(made, groups, self.defaults_of, self.scope)
        if folded is None:
            return unrolled
        parts: list[tuple[int, tuple[_Item, ...]]] = []
        for number, row in enumerate(rows):
            place = 0
            inside: list[_Item] = []
            for entry in row:
                for at, items in entry.parts:
                    inside += items if alone else _moved(items, f"{place + at}.")
                place += entry.width
            parts.append((number, tuple(inside)))
        module = code.Starred(code.Generator(folded.body, folded.target, folded.source))
        return [_Entry(module, len(rows), tuple(parts))]

    def defaults_of(self, function: str) -> Mapping[str, Any]:
        """Return the keywords of a class that have defaults."""
        return self.class_defaults.get(function) or TORCH.defaults_of(function)

    def entries(self, op: Op, row: tuple[Op, ...]) -> list[_Entry]:
        """Return the modules of one operation in a row of them."""
        if op.repeat is not None and len(row) > 1 and not op.step.is_frozen:
            times = [substitute(run.times, self.blocks.numbers) for _, run in op.repeat]
            if op is row[-1] or all(isinstance(number, int) for number in times):
                modules, kept = self.copies_of(op)
                width = sum(number for number in times if isinstance(number, int))
                first, *others = modules
                return [_Entry(first, width, (), kept), *(_Entry(module, 0, ()) for module in others)]
        made, items = self.modules_of(op)
        return [*(_Entry(module, 1, ((0, ()),)) for module in made[:-1]), _Entry(made[-1], 1, ((0, items),))]

    def modules_of(self, op: Op) -> tuple[list[code.Expression], tuple[_Item, ...]]:
        """Return the constructors of an operation, and where its weights are in the last of them."""
        items: tuple[_Item, ...]
        if op.choice is not None:
            module, items = self.either(op)
            modules = [module]
        elif isinstance(op.step.does, Use):
            module, inside = self.copy(op.step.does.block, op.use, op.general, op.values)
            modules, items = [module], (_Inside(op.step, "", inside),)
        elif isinstance(op.step.does, Experts):
            module, items = self.experts(op, op.step.does)
            modules = [module]
        elif op.part is None:
            module, items = self.repeat(op)
            modules = [module]
        else:
            self.carry(op.part)
            self.words |= words_of(op.part.modules) - {op.part.idiom}
            beyond = (_Beyond(op.step, extra, "") for extra in op.part.extra)
            items = (*(_At(op.step, stored, "", op.order) for stored in op.stored), *beyond)
            modules = [to_code(call, size=self.scope.size) for call in op.part.modules]
        if op.step.is_frozen and items:
            modules[-1] = _not_trained(modules[-1])
        return modules, items

    def either(self, op: Op) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return the two sides of an `if` as one module; a side that needs none is an identity."""
        does = op.step.does
        assert isinstance(does, If) and op.choice is not None
        made: list[tuple[code.Expression, tuple[_Item, ...]]] = []
        for side in op.choice:
            if _row_input(side) is None or not side.operations.ops:
                made.append((code.call("nn.Identity"), ()))
            else:
                segment = self.segment(tuple(side.operations.ops))
                made.append((segment.module, segment.items))
        (yes, first), (no, second) = made
        condition = self.scope.size(does.condition)
        items = (_Either(does.condition, "", first, second),) if first or second else ()
        return code.Conditional(yes, condition, no), items

    def experts(self, op: Op, experts: Experts) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return a mixture of experts as one module."""
        router = experts.router
        expert, inside = self.copy(f"{op.step.name}_expert", op.use)
        count = code.call("range", to_code(router.experts, size=self.scope.size))
        copies = code.Generator(expert, code.Name("_"), count)
        self.carry(Part(idiom="MixtureOfExperts"))
        channels = experts.body.inputs[0]
        assert channels is not None and op.step.output is not None, "only whole networks are emitted"
        sizes = (channels.channels, op.step.output.channels, router.top)
        entering, leaving, top = (to_code(size, size=self.scope.size) for size in sizes)
        module = code.call("MixtureOfExperts", entering, leaving, copies, top=top)
        stored = _At(op.step, Stored("router", "router.weight", (1, 0)), "", None)
        return module, (stored, _Experts(op.step, "experts.", inside))

    def repeat(self, op: Op) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return the copies of a repeat as one module."""
        copies, items = self.copies_of(op)
        if len(op.inputs) == 1 and not op.shared:
            return code.call("nn.Sequential", *copies), items
        only = copies[0]
        if len(copies) == 1 and isinstance(only, code.Starred):
            return code.call("nn.ModuleList", only.inside), items
        return code.call("nn.ModuleList", code.List(tuple(copies))), items

    def copies_of(self, op: Op) -> tuple[list[code.Expression], tuple[_Copies, ...]]:
        """Return the copies of a repeat, as arguments of what holds them."""
        copies: list[code.Expression] = []
        items: list[_Copies] = []
        for placement, run in op.repeat:
            module, kept = self.copy(op.step.name, placement)
            if kept:  # else there are no weights to be found in all the copies
                items.append(_Copies(op.step, "", run.body, kept))
            if run.times == 1:
                copies.append(module)
            else:
                count = code.call("range", to_code(run.times, size=self.scope.size))
                copies.append(code.Starred(code.Generator(module, code.Name("_"), count)))
        if len(copies) > 2 and not any(isinstance(copy, code.Starred) for copy in copies):
            folded = loops.folded(copies, [None] * len(copies), self.defaults_of, self.scope)
            if folded is not None:
                copies = [code.Starred(code.Generator(folded.body, folded.target, folded.source))]
        return copies, tuple(items)

    def copy(
        self,
        word: str,
        placement: Placement,
        general: General | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> tuple[code.Expression, tuple[_Item, ...]]:
        """Return the constructor of a block, or of a copy of a repeat; that is a class, unless it is a chain.

        A block has its own symbols, which are `values` here; a copy those of what it stands in.
        """
        outer = self.scope
        known = self.copies.get(id(placement))
        if known is None:
            inline = None
            if general is None:
                segments = self.segments(placement)
                inline = segments[0] if self.is_chain(placement, segments) or _is_one(placement) else None
            if inline is not None:
                known = _Copy(inline.module, outer, inline.items)
            else:
                general = general or outer.general
                self.scope = Scope(self.blocks.inside if general is self.blocks.whole else general)
                name = self.unused_class(class_name(word))
                others = range(1, placement.operations.inputs)
                tensors = values is not None and general is not None and general.tensors
                entering = ["x", *(tensors or [f"x{number}" for number in others])]
                definition, items = self.class_of(name, placement, entering, [""])
                self.classes.append(definition)
                self.class_defaults[name] = self.scope.defaults()
                for carried in sorted(self.scope.carried):
                    self.carried.setdefault(carried, set())
                known = _Copy(code.Name(name), self.scope, items)
                self.scope = outer
            self.copies[id(placement)] = known
        if not isinstance(known.made, code.Name):
            outer.used |= known.scope.used if known.scope is not outer else set()
            return known.made, known.items
        if values is None:
            values = {name: symbol.value() for name, symbol in outer.symbols.items()}
        return code.Call(known.made, *known.scope.passed(values, outer)), known.items

    def unused_class(self, name: str) -> str:
        """Return a class name that nothing in the module has."""
        wanted, number = name, self.class_numbers.get(name, 1)
        while name in self.class_names:
            number += 1
            name = f"{wanted}_{number}" if wanted[-1].isdigit() else f"{wanted}{number}"
        self.class_names.add(name)
        self.class_numbers[wanted] = number
        return name

    def trimmed(self, segment: _Segment, placement: Placement) -> list[_Segment]:
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

    def named(self, segments: list[_Segment], placement: Placement, owned: Iterable[str]) -> list[_Segment]:
        """Give every attribute a name: the author's, that of its only layer, or what it is."""
        operations = placement.operations
        readers_of: dict[int, list[Op]] = {}
        for op in operations.ops:
            for value in op.inputs:
                readers_of.setdefault(value, []).append(op)
        in_group: dict[Group, int] = {}
        for segment in segments:
            for group in segment.ops[0].labelled:
                in_group[group] = in_group.get(group, 0) + 1
        names: list[str] = []
        groups: list[str] = []
        value = operations.inputs - 1
        for segment in segments:
            value += len(segment.ops)
            last = segment.ops[-1]
            suffix = last.part.suffix if last.part is not None else ""
            joins = any(len(reader.inputs) > 1 for reader in readers_of.get(value, []))
            unnamed = _BRANCH if joins else _CHAIN
            if segment.leaves:
                names += [unnamed] * len(segment.leaves)
            elif not segment.modules:
                names.append("")
            elif whole := [group for group in self.common_groups(segment.ops) if in_group[group] == 1]:
                names.append(whole[0].name + suffix)
            elif len({id(op.step) for op in segment.ops}) == 1 and last.choice is None:
                names.append(last.step.name + suffix)
            else:
                names.append(unnamed)
            groups += [segment.group] * (len(segment.leaves) or 1)
        taken = {*MODULE_OWNS, *owned}
        counters: dict[str, int] = {}
        repeated = {name for name in (_BRANCH, _CHAIN) if names.count(name) > 1}
        for place, (name, group_name) in enumerate(zip(list(names), groups, strict=True)):
            if name in repeated:
                counters[name] = counters.get(name, 0) + 1
                names[place] = f"{name}_{counters[name]}"
            names[place] = names[place] and without_underscores(names[place])
            if names[place] in taken and group_name and group_name != names[place]:
                names[place] = f"{group_name}_{names[place]}"
            while names[place] in taken or iskeyword(names[place]):
                word, _, number = names[place].rpartition("_")
                is_numbered = word and number.isdecimal()
                names[place] = f"{word}_{int(number) + 1}" if is_numbered else f"{names[place]}_"
            taken.update(filter(None, (names[place],)))
        given = iter(names)
        named = []
        for segment in segments:
            leaves = tuple(evolve(leaf, name=next(given)) for leaf in segment.leaves)
            named.append(evolve(segment, name="" if leaves else next(given), leaves=leaves))
        return named


@frozen(eq=False)
class _Entry:
    """Something in a row of modules: one of them, or several behind a star, with where the weights of each are."""

    module: code.Expression
    width: int
    parts: tuple[tuple[int, tuple[_Item, ...]], ...]
    copies: tuple[_Copies, ...] = ()


@frozen(eq=False)
class _Copy:
    """What a block or a copy of a repeat is made by: a class by its name, or all that makes it; and its symbols."""

    made: code.Expression
    scope: Scope
    items: tuple[_Item, ...]


_MODULES = code.Subscript(code.Name("type"), code.Name("nn.Module"))

_BRANCH, _CHAIN = "branch", "layers"  # attributes of several layers that the author has not named


def _start(*modules: code.Expression) -> code.Statement:
    """Return the call of the base class' constructor."""
    return code.Evaluate(code.Call(code.Attribute(code.call("super"), "__init__"), modules))


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
    if op.choice is not None:
        return _stands_in_rows(op)
    return not (op.use is not None and op.shared) and not _repeats_shared(op)


def _repeats_shared(op: Op) -> bool:
    """Whether an operation is nothing but one shared block, over and over again."""
    if op.repeat is None or len(op.repeat) != 1 or len(op.shared) != 1 or len(op.inputs) != 1:
        return False
    inside = op.repeat[0][0].operations
    return len(inside.ops) == 1 and inside.ops[0].use is not None and inside.outputs == [1]


def _stands_in_rows(op: Op) -> bool:
    """Whether an operation is a module that a Sequential can hold."""
    if op.choice is not None:
        return len(op.inputs) == 1 and all(_row_input(side) is not None for side in op.choice)
    if op.part is None:
        return len(op.inputs) == 1 and not op.shared
    return bool(op.part.modules) and op.part.applied is None and not op.lends and len(op.inputs) == 1


def _is_one(placement: Placement) -> bool:
    """Whether a body is nothing but one module on all that enters it."""
    operations = placement.operations
    if len(operations.ops) != 1 or placement.shared:
        return False
    (op,) = operations.ops
    is_plain = _is_kept(op) and (op.part is None or op.part.applied is None) and not op.lends and op.tied is None
    return is_plain and op.choice is None and op.repeat is None and op.inputs == tuple(range(operations.inputs))


def _row_input(placement: Placement) -> int | None:
    """Return which tensor enters a side of an `if` that is a row of modules, or nothing at all; None for others."""
    operations = placement.operations
    (leaving,) = operations.outputs
    if not operations.ops:
        return leaving
    readers = operations.readers()
    before = operations.ops[0].inputs[0]
    first = before
    for value, op in enumerate(operations.ops, operations.inputs):
        if op.inputs != (before,) or readers[before] != 1 or not _stands_in_rows(op):
            return None
        before = value
    return first if leaving == before else None


def _times_read_by(op: Op, place: int) -> int:
    """Return how often the code of an `if` names a tensor that enters it."""
    count = 0
    for side in op.choice:
        operations = side.operations
        nested = operations.ops[0] if len(operations.ops) == 1 and operations.ops[0].choice is not None else None
        if nested is not None and _row_input(side) is None:
            count += sum(_times_read_by(nested, n) for n, source in enumerate(nested.inputs) if source == place)
        else:
            count += operations.readers()[place]
    return count


def _attribute_of(word: str) -> str:
    """Return a word as an attribute: one that Python or the module owns gets a `_`."""
    word = without_underscores(word)
    return f"{word}_" if word in MODULE_OWNS or iskeyword(word) else word


def _is_function(op: Op) -> bool:
    return op.part is not None and op.part.function is not None and not op.stored


# The forward function


class _Forward:
    """Statements that apply the attributes and functions of a class in order."""

    def __init__(
        self,
        emitter: _Emitter,
        placement: Placement,
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
        self.layouts = placement.layouts
        self.kept: dict[str, code.Expression] = {}
        """What the constructor keeps for the sizes and conditions in here."""
        self.segments = segments
        self.labels = outputs
        owned = {f"self.{segment.name}" for segment in segments}
        self.variables = Variables(owned)
        self.inputs: list[str] = []
        for n, name in enumerate(inputs):
            self.inputs.append(self.variables.bind(self.variables.free(name, set(range(n))), n))
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
        self.attributes.update(
            (id(leaf.side), code.Attribute(me, leaf.name)) for part in segments for leaf in part.leaves
        )
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
            parameters += [
                code.Parameter(_attribute_of(self.emitter.first_uses[body][0]), module) for body in self.shared
            ]
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
        if op.choice is not None and not _stands_in_rows(op):
            return sum(_times_read_by(op, n) for n, source in enumerate(op.inputs) if source == value)
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
        if op.choice is not None and not _stands_in_rows(op):
            return self.either(op, entering)
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
        return to_code(expression, entering, objects, self.size)

    def shape(self, segment: _Segment, value: int) -> str:
        """Return the shape behind a part of a network that the author has named, "" elsewhere."""
        op = segment.ops[-1]
        is_named = segment.group or op.label or op.step.named
        if not self.is_whole or not segment.modules or not is_named or op.step.output is None:
            return ""
        *positions, channels = op.step.output.sizes
        sizes = (channels, *positions) if self.layouts[value] == FIRST else op.step.output.sizes
        return show_shape(self.emitter.blocks.here.matching.put_in(sizes))

    def size(self, value: Any) -> code.Expression:
        """Return a size or condition in terms of what the constructor keeps."""
        scope = self.emitter.scope
        word = scope.name_of(value)
        if word:
            return self.keep(word, scope.size(value))

        def kept(name: str) -> code.Expression:
            if scope.symbols[name].in_module:
                return scope.spelled(name)
            return scope.spelled(name, self.keep(scope.words[name], code.Name(scope.words[name])))

        return scope.size(value, kept)

    def keep(self, word: str, value: code.Expression) -> code.Expression:
        """Let the constructor keep a value, and return its attribute."""
        self.kept[_attribute_of(word)] = value
        return code.Attribute(code.Name("self"), _attribute_of(word))

    def either(self, op: Op, entering: tuple[code.Expression, ...]) -> code.Expression:
        """Return the one or the other side of an `if` as an expression."""
        does = op.step.does
        assert isinstance(does, If) and op.choice is not None
        first, second = (self.side(side, entering, does.condition) for side in op.choice)
        return code.Conditional(first, self.size(does.condition), second)

    def side(self, side: Placement, entering: tuple[code.Expression, ...], condition: Condition) -> code.Expression:
        """Return a side of an `if` as one expression. Raises Undecided where it is more than that."""
        if id(side) in self.attributes:
            return code.Call(self.attributes[id(side)], (entering[_row_input(side) or 0],))
        operations = side.operations
        readers = operations.readers()
        values = list(entering)
        for value, op in enumerate(operations.ops, operations.inputs):
            inputs = tuple(values[source] for source in op.inputs)
            if op.choice is not None and len(operations.ops) == 1:
                values.append(self.either(op, inputs))
                continue
            if op.part is None or op.stored or op.part.function is None or op.tied is not None or readers[value] != 1:
                raise Undecided(condition.symbols)
            self.emitter.words |= words_of(op.part.function)
            values.append(to_code(op.part.function, inputs, {}, self.size))
        return values[operations.outputs[0]]

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
            shape = self.shape(segment, value)
            if shape:
                expression = code.Commented(expression, shape)
            name = self.variables.choose(value, wanted, fallback, alive)
            self.statements.append(code.Assign(code.Name(name), expression))
            return
        entering = [self.read(source) for source in segment.ops[0].inputs]
        taken = set(segment.ops[0].inputs[1:])  # each round reads them again
        name = self.variables.choose(value, wanted, fallback, alive | taken)
        if entering[0] != code.Name(name):
            self.statements.append(code.Assign(code.Name(name), entering[0]))
        if _repeats_shared(op):
            times = code.call("range", self.size(sum(run.times for _, run in op.repeat)))
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
