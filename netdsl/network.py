"""What a text means: bodies of steps, wired up, with the sizes of every tensor; not how they came about."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, TypeAlias

from .layer import Layer, Size, Tensor
from .record import field, frozen
from .source import Source, Span

if TYPE_CHECKING:
    from .layers.moe import Moe
    from .options import Options
    from .scope import Block
    from .size import Condition
    from .syntax import tree
    from .training import Train

Value: TypeAlias = int
"""Index in one Body: its inputs, then one value per step. Local, so that bodies can be shared."""


@frozen(eq=False)
class Body:
    """Steps from entering tensors to one that leaves.

    The first of `inputs` is what enters, where something does; the others are tensors taken by name from outside.
    """

    inputs: tuple[Tensor | None, ...]
    steps: tuple[Step, ...]
    output: Value | None

    def tensor(self, value: Value) -> Tensor | None:
        """Return what is known of a value; None where a mistake has left it unknown."""
        if value < len(self.inputs):
            return self.inputs[value]
        return self.steps[value - len(self.inputs)].output

    def maker(self, value: Value) -> Step | None:
        """Return the step that makes a value, None for an input."""
        return None if value < len(self.inputs) else self.steps[value - len(self.inputs)]


@frozen(eq=False)
class Step:
    """One layer, block or repeat at its place.

    `does` and `output` are None where a mistake has left them unknown. `named` says that the author chose the name,
    `groups` are the labelled groups around it, outermost first. `is_frozen` keeps its weights as they are;
    `tied` is the value whose maker's weights it uses as its own, `asked` are those of whose open shape it asks.
    """

    name: str
    does: Layer | Repeat | Use | Experts | If | None
    inputs: tuple[Value, ...]
    output: Tensor | None
    span: Span
    text: str
    named: bool = False
    groups: tuple[Group, ...] = ()
    is_frozen: bool = False
    tied: Value | None = None
    asked: tuple[Value, ...] = ()

    @property
    def full_name(self) -> str:
        """The name in its body, behind those of the groups around it."""
        return ".".join((*(group.name for group in self.groups), self.name)) if self.groups else self.name

    def reading(self, inputs: tuple[Value, ...], tied: Value | None, asked: tuple[Value, ...]) -> Step:
        """Return the step as it is where the values that it reads have other numbers."""
        return Step(
            self.name, self.does, inputs, self.output, self.span, self.text, self.named, self.groups, self.is_frozen,
            tied, asked,
        )  # fmt: skip


@frozen(eq=False)
class Group:
    """`( ... ) as stem`: a name for steps that stand in a row; or a copy of `for`, which may have none of the author's.

    `values` are those of the loop's variables in a copy.
    """

    name: str
    span: Span
    is_named: bool = True
    loop: Loop | None = None
    values: tuple[Any, ...] = ()


@frozen(eq=False)
class Loop:
    """`for c, n in ...`, by its variables."""

    names: tuple[str, ...]


@frozen(eq=False)
class Run:
    """Equal copies in a row of one repeat; how many may be open in a body on symbols."""

    body: Body
    times: Size

    @property
    def count(self) -> int:
        """How many there are. Raises Undecided where that is open."""
        return index(self.times)


@frozen(eq=False)
class Repeat:
    """Copies of a pipeline in a row, each with weights of its own.

    A copy that leaves the tensor that it got is the same as all behind it, so copies are held as runs of equal ones.
    """

    runs: tuple[Run, ...]

    @property
    def times(self) -> int:
        """The number of copies. Raises Undecided where it is open."""
        return sum(run.count for run in self.runs)


@frozen(eq=False)
class Use:
    """A block at one of the places where it is used.

    Uses with equal arguments on equal tensors have one Body between them. Where the block is shared, its Body stands
    for one set of weights; else each use has weights of its own. `written` are the parameters that are not left to
    their defaults.
    """

    definition: Block = field(repr=False)
    arguments: tuple[tuple[str, Any], ...]
    body: Body
    written: frozenset[str]

    @property
    def block(self) -> str:
        """The name of the block."""
        return self.definition.name

    @property
    def is_shared(self) -> bool:
        """Whether all uses have one set of weights."""
        return self.definition.is_shared


@frozen(eq=False)
class If:
    """Two bodies on the same tensors, one of which is there; only in bodies on symbols, which leave open which."""

    condition: Condition
    first: Body
    second: Body


@frozen(eq=False)
class Experts:
    """Copies of a body beside each other, of which `router` chooses some for each position of what enters."""

    router: Moe
    body: Body


@frozen(eq=False)
class Output:
    """A tensor that the network returns; with `aux`, in training only."""

    name: str
    value: Value
    span: Span
    aux: bool = False


@frozen(eq=False)
class Budget:
    """A condition that the figures of the network have to meet, and the constants that it can name."""

    condition: tree.Expression
    constants: dict[str, Any]


@frozen(eq=False)
class Network:
    """A whole file: its body, whose sources are steps, and what it returns."""

    name: str
    source: Source = field(repr=False)
    body: Body
    outputs: tuple[Output, ...]
    options: Options = field(repr=False)
    trainings: tuple[Train, ...] = ()
    budgets: tuple[Budget, ...] = ()
    program: tree.Program | None = field(default=None, repr=False)
    """What was written, where a constant is a number, so that code can have it as an argument."""
