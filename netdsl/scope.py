"""Where names live: what a file declares, and bodies in the making with the tensors and values named in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from .layer import Tensor
from .network import Body, Group, Step, Value
from .record import evolve, frozen
from .source import Span
from .syntax import tree
from .values import NamedTensor
from .values import Value as ArgumentValue


@frozen(eq=False)
class Held:
    """A tensor that a name stands for; its value is None where a mistake has left it unknown."""

    value: Value | None
    span: Span


@frozen(eq=False)
class Given:
    """A value that a name stands for: a constant, a parameter of a block, a variable of `for` or `each`."""

    value: ArgumentValue
    span: Span


@frozen(eq=False)
class Block:
    """A block, or one whose weights are shared, with what it can see: what its file declares before it."""

    name: str
    parameters: tuple[tree.Parameter, ...]
    body: tree.Branch
    span: Span
    home: Declarations
    order: int
    is_shared: bool


@frozen(eq=False)
class Lost:
    """A name whose declaration has a mistake in it; what uses it is unknown, without a message."""

    span: Span


Entry: TypeAlias = "Held | Given | Block | Lost"


class Declarations:
    """Constants and blocks of one file in their order, its own and those that it uses of others."""

    def __init__(self, program: tree.Program) -> None:
        self.program = program
        self.entries: dict[str, tuple[int, Entry]] = {}
        self.own: dict[str, Given | Block] = {}
        """Those that are handed to a file that uses this one."""
        self.labels: dict[str, tree.Node] = {}
        """Every name in the file that its author gives to a tensor, with what is called so first."""
        for name, node in _labels(program):
            if name not in self.labels or node.span.start < self.labels[name].span.start:
                self.labels[name] = node
        self.statements: dict[str, tree.Const | tree.Block | tree.Shared] = {}
        """Every constant and block in the file, those too that come further down."""
        for statement in program.statements:
            if isinstance(statement, (tree.Const, tree.Block, tree.Shared)):
                self.statements.setdefault(statement.name.text, statement)
        self.misses_names = False
        """Whether a file that it uses could not be read, so that any name may be one of that."""

    def find(self, name: str, limit: int | None) -> Entry | None:
        """Return what a name stands for among the first `limit` declarations."""
        order, entry = self.entries.get(name, (0, None))
        return entry if limit is None or order < limit else None

    def add(self, name: str, entry: Entry) -> None:
        """Append a declaration."""
        self.entries[name] = (len(self.entries), entry)

    def reached_from(self, name: str) -> frozenset[str]:
        """Return the words in a declaration of the file, and in those that it uses, and so on."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            statement = self.statements.get(waiting.pop())
            if statement is not None:
                made_of = statement.value if isinstance(statement, tree.Const) else statement.body
                words = {node.text for node in nodes_in(made_of) if isinstance(node, tree.Name)}
                waiting.extend(words - found)
                found |= words
        return frozenset(found)

    def names(self, limit: int | None) -> Iterator[str]:
        """Return the names of the first `limit` declarations."""
        return (name for name, (order, _) in self.entries.items() if limit is None or order < limit)


class Frame:
    """Names that are visible together; a scope holds what is declared in it, another frame only what it begins with."""

    def __init__(self, names: dict[str, Entry], counters: dict[str, int], is_scope: bool) -> None:
        self.names = names
        self.counters = counters
        self.is_scope = is_scope


class Builder:
    """A body in the making: its steps so far, and the names that can be used in it.

    Values of steps are negative while it is being built, as inputs may still be added.
    """

    def __init__(
        self,
        parent: Builder | None,
        inputs: Iterable[Tensor | None],
        declarations: Declarations,
        limit: int | None = None,
    ) -> None:
        self.parent = parent
        self.inputs: list[Tensor | None] = list(inputs)
        self.steps: list[Step] = []
        self.declarations = declarations
        self.limit = limit
        self.frames = [Frame({}, {}, is_scope=True)]
        self.groups: tuple[Group, ...] = ()
        self.is_frozen = False
        self.around: Value | None = None
        """What enters the innermost branch, of which sources in it can ask the sizes."""
        self.is_lost = False
        """Whether what enters the stage that is being read is unknown because of a mistake."""
        self.full_names: set[str] = set()
        self.outer: list[Value] = []
        """The parent's value behind each input: what enters, then what was taken by name."""
        self.taken: dict[Value, Value] = {}

    def tensor(self, value: Value | None) -> Tensor | None:
        """Return what is known of a value."""
        if value is None:
            return None
        return self.inputs[value] if value >= 0 else self.steps[-value - 1].output

    def maker(self, value: Value) -> Step | None:
        """Return the step that made a value, None for an input."""
        return self.steps[-value - 1] if value < 0 else None

    def add(self, step: Step) -> Value:
        """Append a step and return its value."""
        self.steps.append(step)
        self.full_names.add(step.full_name)
        return -len(self.steps)

    @property
    def root(self) -> Builder:
        """The outermost builder around this one: that of the file, or of a block."""
        return self if self.parent is None else self.parent.root

    @property
    def keeps_frozen(self) -> bool:
        """Whether what is added here is frozen, by anything around it."""
        return self.is_frozen or (self.parent is not None and self.parent.keeps_frozen)

    # Names

    def find(self, name: str) -> Entry | None:
        """Return what a name stands for here; a tensor from outside becomes an input of this body."""
        for frame in reversed(self.frames):
            if name in frame.names:
                return frame.names[name]
        if self.parent is None:
            return self.declarations.find(name, self.limit)
        outside = self.parent.find(name)
        if isinstance(outside, Held) and outside.value is not None:
            return Held(self.take(outside.value), outside.span)
        return Given(self.taken_values(outside.value), outside.span) if isinstance(outside, Given) else outside

    def take(self, outside: Value) -> Value:
        """Return the input of this body that stands for a value of its parent."""
        assert self.parent is not None
        if outside not in self.taken:
            self.inputs.append(self.parent.tensor(outside))
            self.outer.append(outside)
            self.taken[outside] = len(self.inputs) - 1
        return self.taken[outside]

    def taken_values(self, value: ArgumentValue) -> ArgumentValue:
        """Return a value of the parent's as it is here: tensors in it become inputs of this body."""
        if isinstance(value, NamedTensor):
            return evolve(value, value=self.take(value.value))
        if isinstance(value, tuple):
            return tuple(map(self.taken_values, value))
        return value

    def declared(self, name: str) -> Entry | None:
        """Return what a name already stands for in the innermost scope."""
        if self.parent is None and self.limit is None and self.scope is self.frames[0]:
            return self.scope.names.get(name) or self.declarations.find(name, None)
        return self.scope.names.get(name)

    def lose(self, name: tree.Name) -> None:
        """Let a name whose declaration has a mistake in it be known as such."""
        self.scope.names[name.text] = Lost(name.span)
        if self.parent is None and self.limit is None and self.scope is self.frames[0]:
            self.declarations.add(name.text, Lost(name.span))

    @property
    def scope(self) -> Frame:
        """The innermost scope."""
        return next(frame for frame in reversed(self.frames) if frame.is_scope)

    @contextmanager
    def frame(self, names: dict[str, Entry], is_scope: bool, counts_anew: bool = False) -> Iterator[None]:
        """Let names be visible inside; a scope takes what is declared inside, and may count names anew."""
        counters = {} if counts_anew else self.frames[-1].counters
        self.frames.append(Frame(names, counters, is_scope))
        try:
            yield
        finally:
            self.frames.pop()

    @contextmanager
    def group(self, group: Group | None) -> Iterator[None]:
        """Put the steps that are added inside into a labelled group, if there is one."""
        outside = self.groups
        if group is not None:
            self.groups = (*outside, group)
        try:
            yield
        finally:
            self.groups = outside

    def next_name(self, keyword: str) -> str:
        """Return the next automatic name of a keyword that no label in the file uses."""
        counters = self.frames[-1].counters
        while True:
            counters[keyword] = counters.get(keyword, 0) + 1
            name = f"{keyword}_{counters[keyword]}"
            if name not in self.declarations.labels:
                return name

    def unused(self, name: str) -> str:
        """Return a name that no step in the same group has; two scopes of one body may choose the same."""
        prefix = "".join(f"{group.name}." for group in self.groups)
        number, found = 1, name
        while prefix + found in self.full_names:
            number += 1
            found = f"{name}_{number}"
        return found

    def visible(self) -> tuple[str, ...]:
        """Return the names that can be used here."""
        inner = (name for frame in reversed(self.frames) for name in frame.names)
        outer = self.parent.visible() if self.parent else self.declarations.names(self.limit)
        return (*inner, *outer)

    def taken_by(self, output: Value | None) -> tuple[Value, ...]:
        """Return the values of the parent that an output needs, beside what enters."""
        needed = _needed(self.steps, () if output is None else (output,), keep_all=output is None)
        return tuple(self.outer[value] for value in range(1, len(self.inputs)) if value in needed)

    def finish(self, output: Value | None, taken: tuple[Value, ...] | None = None) -> Body:
        """Return the body, with the steps that its output does not need left out.

        `taken` are the values of the parent that its inputs stand for, beside what enters; without, those that it took.
        """
        inputs, places = tuple(self.inputs), {value: value for value in range(len(self.inputs))}
        if taken is not None:
            assert self.parent is not None
            inputs = (self.inputs[0], *map(self.parent.tensor, taken))
            taken_at = {outside: place for place, outside in enumerate(taken, 1)}
            places = {0: 0, **{n: taken_at.get(self.outer[n], 0) for n in range(1, len(self.inputs))}}
        outputs = () if output is None else (output,)
        return pruned(inputs, self.steps, outputs, output is None, places)[0]


def pruned(
    inputs: tuple[Tensor | None, ...],
    steps: list[Step],
    outputs: tuple[Value, ...],
    keep_all: bool,
    places: dict[Value, Value] | None = None,
) -> tuple[Body, dict[Value, Value], list[tuple[Value, Step]]]:
    """Return a body of the steps that some output needs, the new number of each value, and the steps left out
    with their old ones.

    Values of steps come as negative numbers and leave counted behind the inputs; `places` are the numbers of those.
    """
    needed = _needed(steps, outputs, keep_all)
    renumbered: dict[Value, Value] = dict(places or {})
    kept: list[Step] = []
    dropped: list[tuple[Value, Step]] = []
    for place, step in enumerate(steps):
        if -place - 1 in needed:
            renumbered[-place - 1] = len(inputs) + len(kept)
            tied = None if step.tied is None else renumbered[step.tied]
            read = tuple(renumbered[value] for value in step.inputs)
            asked = tuple(renumbered[value] for value in step.asked)
            kept.append(step.reading(read, tied, asked))
        else:
            dropped.append((-place - 1, step))
    output = renumbered[outputs[-1]] if outputs else None
    return Body(inputs, tuple(kept), output), renumbered, dropped


def _needed(steps: list[Step], outputs: tuple[Value, ...], keep_all: bool) -> set[Value]:
    """Return the values that some output needs, of steps and of inputs."""
    needed = set(outputs)
    for place in range(len(steps) - 1, -1, -1):
        if keep_all or -place - 1 in needed:
            needed.add(-place - 1)
            needed.update(read_by(steps[place]))
    return needed


def read_by(step: Step) -> tuple[Value, ...]:
    """Return the values that a step needs."""
    return (*step.inputs, *step.asked, *(() if step.tied is None else (step.tied,)))


def nodes_in(node: tree.Node) -> Iterator[tree.Node]:
    """Return a node and all that it is made of."""
    waiting: list[Any] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tree.Node):
            yield part
            waiting.extend(getattr(part, name) for name in part.__slots__)  # type: ignore[attr-defined]
        elif isinstance(part, tuple):
            waiting.extend(part)


def _labels(program: tree.Program) -> Iterator[tuple[str, tree.Node]]:
    """Return every name that the author gives to a tensor, with what is called so."""
    waiting: list[Any] = list(program.statements)
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Let):
            yield node.name.text, node
        label = getattr(node, "label", None)
        if label is not None:
            yield label.text, node
        for part in (getattr(node, "body", None), getattr(node, "first", None), getattr(node, "second", None)):
            if part is not None:
                waiting.append(part)
        waiting.extend(getattr(node, "stages", ()))
        if isinstance(node, tree.Call):
            waiting.extend(node.items)
