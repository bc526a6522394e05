"""What both emitters share: a body as operations on values, names for variables, and small pieces of code."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from copy import copy
from keyword import iskeyword
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from ..diagnostics import CompileError, Diagnostic
from ..document import WIDTH
from ..layer import Layer
from ..network import Body, Experts, Group, If, Network, Repeat, Step, Use
from ..record import evolve
from ..size import Condition, Expression
from . import code, open_sizes
from .calls import Call, Choice, Entering, Index, Method, Object, Operation, Part, Placed, Stored, Target


class Op:
    """One thing that the code does to values: a part of a layer's spelling, a change of layout, a repeat or a block.

    Values are numbered as in a Body: the inputs, then one for each operation.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        step: Step,
        part: Part | None = None,
        repeat: Any = None,
        ends_step: bool = True,
        order: tuple[int, ...] | None = None,
    ) -> None:
        self.inputs = inputs
        self.step = step
        self.part = part
        self.repeat = repeat
        self.use: Any = None
        """The block that it applies, as the target arranges it."""
        self.general: Any = None
        """That block on symbols, which are `values` here."""
        self.values: Mapping[str, Any] = {}
        self.choice: Any = None
        """The two sides of an `if`, as the target arranges them."""
        self.shared: tuple[Body, ...] = ()
        """The shared blocks that a repeat needs inside, or the one that a block is."""
        self.label = step.name if step.named and ends_step else ""
        self.order = order
        self.asks = False
        """Whether its expression asks for sizes as the code runs."""
        self.leaves: tuple[Any, ...] = ()
        """What is known of the sizes of what such a one makes."""
        self.tied: Op | None = None
        """The operation whose object this one uses as well."""
        self.lends = False
        """Whether another one uses its object."""

    def tie(self, lender: Op) -> None:
        """Let this operation use the object of another."""
        self.tied = lender
        lender.lends = True
        if lender.part is not None:
            lender.part = evolve(lender.part, modules=lender.part.lending or lender.part.modules)

    def reading(self, inputs: tuple[int, ...]) -> Op:
        """Return the same on other values."""
        other = copy(self)
        other.inputs = inputs
        return other

    @property
    def groups(self) -> tuple[Group, ...]:
        """The labelled groups around it."""
        return self.step.groups

    @property
    def labelled(self) -> tuple[Group, ...]:
        """The groups around it that the author has named, outermost first."""
        return tuple(group for group in self.groups if group.is_named)

    @property
    def loops(self) -> tuple[Group, ...]:
        """The copies of `for` without a name around it, outermost first."""
        return tuple(group for group in self.groups if group.loop is not None and not group.is_named)

    @property
    def stored(self) -> tuple[Stored, ...]:
        """Where the weights that the arguments ask for are kept."""
        return self.part.weights if self.part is not None else ()


class Operations:
    """A body as operations in the order of the text, with the values that leave."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.ops: list[Op] = []
        self.outputs: list[int] = []

    def add(self, op: Op) -> int:
        """Append an operation and return its value."""
        self.ops.append(op)
        return self.inputs + len(self.ops) - 1

    def maker(self, value: int) -> Op | None:
        """Return the operation that makes a value, None for an input."""
        return self.ops[value - self.inputs] if value >= self.inputs else None

    def readers(self) -> dict[int, int]:
        """Return how often each value is read, by operations or as an output."""
        counts = dict.fromkeys(range(self.inputs + len(self.ops)), 0)
        for op in self.ops:
            for value in op.inputs:
                counts[value] += 1
        for value in self.outputs:
            counts[value] += 1
        return counts


def present(part: Part, layer: Layer, tensors: tuple[Any, ...]) -> tuple[Stored, ...]:
    """Return the places of the weights that a layer has, or that an open condition lets it have."""
    has = {weight.name for weight in layer.weights(*tensors) if weight.present is not False}
    return tuple(stored for stored in part.weights if stored.weight in has)


SizeCode: TypeAlias = "Callable[[Any], code.Expression]"


def to_code(
    value: Any,
    inputs: tuple[code.Expression, ...] = (),
    objects: Mapping[Object, code.Expression] = {},
    size: SizeCode | None = None,
) -> code.Expression:
    """Return the code of a spelling's expression, with the code of entering tensors, objects and open sizes put in."""

    def of(part: Any) -> code.Expression:
        return to_code(part, inputs, objects, size)

    if isinstance(value, code.Expression):
        return value
    if isinstance(value, (Expression, Condition)):
        assert size is not None, "what is open here has no name"
        return size(value)
    if isinstance(value, Entering):
        return inputs[value.index]
    if isinstance(value, Object):
        return objects[value]
    if isinstance(value, Call):
        function = code.Name(value.function) if isinstance(value.function, str) else of(value.function)
        keywords = tuple((word, of(item)) for word, item in value.keywords)
        return code.Call(function, tuple(map(of, value.arguments)), keywords)
    if isinstance(value, Method):
        return code.Attribute(of(value.receiver), value.name)
    if isinstance(value, Choice):
        return code.Conditional(of(value.yes), of(value.condition), of(value.no))
    if isinstance(value, Operation):
        return code.Binary(of(value.left), value.operator, of(value.right))
    if isinstance(value, Index):
        items = tuple(map(of, value.items))
        return code.Subscript(of(value.receiver), items[0] if len(items) == 1 else code.Tuple(items))
    if isinstance(value, slice):
        return code.Slice(*(None if bound is None else of(bound) for bound in (value.start, value.stop, value.step)))
    if isinstance(value, tuple):
        return in_one(tuple(map(of, value)))
    if isinstance(value, list):
        return code.List(tuple(map(of, value)))
    if value is None or value is ... or isinstance(value, (bool, int, float, str)):
        return code.expression(value)
    return number(value)


def in_one(items: tuple[code.Expression, ...]) -> code.Expression:
    """Return a tuple; that of `k[0]` and `k[1]`, the numbers of a parameter, is `k`."""
    whole = items[0].value if items and isinstance(items[0], code.Subscript) else None
    if whole is not None and all(item == code.Subscript(whole, code.Literal(n)) for n, item in enumerate(items)):
        return whole
    return code.Tuple(items)


def number(value: Any) -> code.Expression:
    """Return a number; a fraction as one where that is shorter than its decimals."""
    if isinstance(value, int):
        return code.expression(value)
    decimal = float(value)
    if value > 0 and len(f"{decimal}") > 8 and value.denominator < 10_000:
        return code.Binary(code.expression(value.numerator), "/", code.expression(value.denominator))
    return code.expression(decimal)


def spelled(
    target: Target,
    step: Step,
    layer: Layer,
    placed: Sequence[Placed],
    entering: int,
    size_of: Callable[[int, int], Any],
    arguments: Arguments,
) -> list[tuple[Part, bool]]:
    """Return the parts of a layer, and of each whether its expression asks for sizes as the code runs.

    The first `entering` of `placed` enter it; of the others it asks for the shape. A first part that asks has all of
    them as its inputs, a later one what the part before makes and then all of them; `size_of` gets the number of an
    input and of an axis as the target counts them.
    """
    parts = target.spell(layer, *placed[:entering])
    known = arguments.always
    if not open_sizes.open_in(tuple((part.modules, part.function, part.applied) for part in parts), known):
        return [(part, False) for part in parts]
    try:
        try:
            return _asking(target, layer, placed, entering, size_of, known)
        except (open_sizes.NoFunction, open_sizes.Unknown):
            return _asking(target, layer, placed, entering, size_of, known | arguments.positions)
    except (open_sizes.NoFunction, open_sizes.Unknown) as unknown:
        names = " and ".join(f"`{name}`" for name in sorted(unknown.symbols))
        message = f"code for this needs {names}, which no tensor that enters here has as a size"
        help = "write it by `length`, `height` or `width` of what enters, or give it a number"
        raise CompileError((Diagnostic("E030", message, step.span, help=help),)) from None


def _asking(
    target: Target,
    layer: Layer,
    placed: Sequence[Placed],
    entering: int,
    size_of: Callable[[int, int], Any],
    known: frozenset[str],
) -> list[tuple[Part, bool]]:
    """Return the parts of a layer that ask for all sizes but those that are known."""
    tensors = [x.tensor for x in placed]
    layer, own = open_sizes.in_own_sizes(layer, tensors[:entering], tensors[entering:], known)
    inside = [Placed(x, seen.layout) for x, seen in zip(own, placed, strict=False)]
    found = []
    for number, part in enumerate(target.spell(layer, *inside)):
        behind = int(number > 0)

        def size(place: int, axis: int, behind: int = behind) -> Any:
            seen = placed[place]
            return size_of(place + behind, seen.axis(axis) % (seen.rank + 1))

        asks = bool(open_sizes.open_in((part.modules, part.function, part.applied), known))
        found.append((open_sizes.with_sizes(part, size, known), asks))
    return found


@frozen
class Arguments:
    """The symbols that code around a layer takes as arguments: everywhere, or where what is made needs them."""

    always: frozenset[str]
    positions: frozenset[str]


def words_of(value: Any) -> set[str]:
    """Return the first words of the dotted names in a spelling's expression: what has to be imported."""
    return {function.split(".", 1)[0] for function in calls_in(value)}


def calls_in(value: Any) -> Iterator[str]:
    """Return the dotted names that a spelling's expression calls."""
    calls = (part.function for part in _parts(value) if isinstance(part, Call))
    return (function for function in calls if isinstance(function, str))


def sizes_in(value: Any) -> Iterator[Expression | Condition]:
    """Return the open sizes and conditions in a spelling's expression."""
    return (part for part in _parts(value) if isinstance(part, (Expression, Condition)))


def times_read(value: Any, index: int) -> int:
    """Return how often a spelling's expression names an entering tensor."""
    return sum(isinstance(part, Entering) and part.index == index for part in _parts(value))


def _parts(value: Any) -> Iterator[Any]:
    """Return a spelling's expression and all that is in it."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        yield here
        if isinstance(here, Call):
            waiting.append(here.function)
            waiting.extend(here.arguments)
            waiting.extend(item for _, item in here.keywords)
        elif isinstance(here, Method):
            waiting.append(here.receiver)
        elif isinstance(here, Index):
            waiting.extend((here.receiver, here.items))
        elif isinstance(here, slice):
            waiting.extend((here.start, here.stop, here.step))
        elif isinstance(here, Operation):
            waiting.extend((here.left, here.right))
        elif isinstance(here, Choice):
            waiting.extend((here.condition, here.yes, here.no))
        elif isinstance(here, (tuple, list)):
            waiting.extend(here)


def without_underscores(name: str) -> str:
    """Return a name without those before it: such names belong to Python, and to the framework's own attributes."""
    name = name.lstrip("_") or "layer"
    return f"layer_{name}" if name[0].isdigit() else name


def by_last_read(last_read: dict[int, int]) -> dict[int, list[int]]:
    """Return, for each place, the values that are read there for the last time."""
    ending: dict[int, list[int]] = {}
    for value, place in last_read.items():
        ending.setdefault(place, []).append(value)
    return ending


class Variables:
    """Which variable holds which value, as statements follow each other.

    A variable is used again as soon as nothing reads its value any more, so that a chain stays `x` throughout.
    """

    FEW = ("x", "y", "z")

    def __init__(self, reserved: Iterable[str]) -> None:
        self.reserved = frozenset(reserved)
        self.holds: dict[str, int] = {}
        self.name_of: dict[int, str] = {}
        self.objects: set[str] = set()

    def copy(self) -> Variables:
        """Return variables that hold the same, and go their own way from here."""
        other = Variables(self.reserved)
        other.holds, other.name_of, other.objects = dict(self.holds), dict(self.name_of), set(self.objects)
        return other

    def bind(self, name: str, value: int) -> str:
        """Let a variable hold a value."""
        self.holds[name] = value
        self.name_of[value] = name
        return name

    def keep(self, name: str, alive: set[int]) -> str:
        """Return the variable for an object, which keeps it from now on."""
        name = self.free(name, alive)
        self.objects.add(name)
        return name

    def choose(self, value: int, wanted: str, fallback: str, alive: set[int]) -> str:
        """Return the variable for a new value: the wanted name, else one that holds nothing that is still needed."""
        if wanted:
            return self.bind(self.free(wanted, alive), value)
        for name in self.FEW:
            if self.holds.get(name) not in alive and name not in self.reserved and name not in self.objects:
                return self.bind(name, value)
        return self.bind(self.free(fallback, alive), value)

    def free(self, name: str, alive: set[int]) -> str:
        """Return a name, with a `_` behind it as long as something owns it."""
        name = without_underscores(name)
        while iskeyword(name) or name in PYTHON_OWNS or name in self.objects or self.holds.get(name) in alive:
            name += "_"
        return name


PYTHON_OWNS = frozenset(
    (
        *("self", "nn", "F", "torch", "Tensor", "keras", "layers", "ops", "inputs"),
        *("super", "type", "Callable", "range", "float", "min", "max", "tuple", "list"),
    )
)
"""Names that emitted code uses itself."""


def is_free(name: str) -> bool:
    """Whether neither Python nor emitted code owns a name."""
    return not iskeyword(name) and name not in PYTHON_OWNS


def first_uses(body: Body) -> dict[Body, tuple[str, str]]:
    """Return the block of each shared body, and the full name of its first use; of a repeat, that in its first copy."""
    found: dict[Body, tuple[str, str]] = {}

    def walk(body: Body, prefix: str) -> None:
        for step in body.steps:
            name = prefix + step.full_name
            if isinstance(step.does, Repeat):
                copy = 1
                for run in step.does.runs:
                    walk(run.body, f"{name}.{copy}.")
                    copy += run.count
            elif isinstance(step.does, Use) and step.does.is_shared:
                found.setdefault(step.does.body, (step.does.block, name))

    walk(body, "")
    return found


def is_used_frozen(body: Body, shared: Body) -> bool:
    """Whether a shared block is used frozen, which it is everywhere or nowhere."""
    return any(isinstance(step.does, Use) and step.does.body is shared and step.is_frozen for step in every_step(body))


def step_names(body: Body) -> set[str]:
    """Return the name of every step in a body and those in it, which variables may take."""
    return {step.name for step in every_step(body)}


def every_step(body: Body) -> Iterator[Step]:
    """Return the steps of a body and of those in it, each body once."""
    waiting, seen = [body], {body}
    while waiting:
        for step in waiting.pop().steps:
            yield step
            inner: list[Body] = []
            if isinstance(step.does, If):
                inner = [step.does.first, step.does.second]
            elif isinstance(step.does, (Use, Experts)):
                inner = [step.does.body]
            elif isinstance(step.does, Repeat):
                inner = [run.body for run in step.does.runs]
            for part in inner:
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)


def main_first(network: Network) -> tuple[Network, frozenset[Step]]:
    """Return a network with the steps that serve training alone behind all others, and these steps."""
    from ..analysis.counts import only_in_training

    body = network.body
    inputs = {step for step in body.steps if isinstance(step.does, Layer) and step.does.is_input}
    aux = only_in_training(network) - inputs  # which stay in the order of the text
    order = sorted(range(len(body.steps)), key=lambda place: body.steps[place] in aux)
    new = {old: place for place, old in enumerate(order)}
    steps, last = [], set()
    for place in order:
        step = body.steps[place]
        tied = None if step.tied is None else new[step.tied]
        asked = tuple(new[value] for value in step.asked)
        moved = step.reading(tuple(new[value] for value in step.inputs), tied, asked)
        steps.append(moved)
        if step in aux:
            last.add(moved)
    outputs = sorted(network.outputs, key=lambda output: output.aux)
    arranged = Body((), tuple(steps), None if body.output is None else new[body.output])
    return evolve(
        network, body=arranged, outputs=tuple(evolve(output, value=new[output.value]) for output in outputs)
    ), frozenset(last)


def class_name(name: str) -> str:
    """Return a name in the style of a class: `resnet_18` as Resnet18."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name).split()
    joined = "".join(word[0].upper() + word[1:] for word in words)
    joined = joined if joined[:1].isalpha() else f"Network{joined}"
    return f"{joined}_" if iskeyword(joined) else joined


def function_name(name: str) -> str:
    """Return a name in the style of a function: `LeNet-5` as lenet_5."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name).lower().split()
    joined = "_".join(words)
    joined = joined if joined[:1].isalpha() else f"network_{joined}".rstrip("_")
    return f"{joined}_" if iskeyword(joined) or joined in PYTHON_OWNS else joined


def idiom(target: str, name: str, options: Container[str] = ()) -> tuple[set[str], str]:
    """Return the imports of a class or function of ours, and its text, as its file has them for some options.

    A line that ends in `#: rope or scale` is only there for one of these options, and with it the block that it opens.
    `#: rope and scale` wants both, and `#: rope else scale = 1` has another line in its place, which may have a
    condition of its own.
    """
    file = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    text = (Path(__file__).parent / "idioms" / target / f"{file}.py").read_text("utf-8")
    text = _BRACKETS.sub(_joined, "\n".join(_lines(text, options)))
    start = next(
        text.index(opening) for opening in ("@keras.saving", f"class {name}", f"def {name}") if opening in text
    )
    imports = {line for line in text[:start].splitlines() if line.startswith(("import ", "from "))}
    return imports, text[start:].rstrip() + "\n"


def _lines(text: str, options: Container[str]) -> Iterator[str]:
    """Return the lines of an idiom for some options, without more than one empty line in a class."""
    left_out: int | None = None  # the indent of the line whose block is left out
    was_empty = waits = False
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if left_out is not None and (not line or indent > left_out):
            waits = waits or not line
            continue
        if waits and not was_empty:
            yield ""
        left_out, waits = None, False
        kept = _line(line, options)
        if line.partition(_MARK)[0].endswith(":") and not (kept or "").endswith(":"):
            left_out = indent
        if kept is not None and (kept or not was_empty):
            yield kept
            was_empty = not kept


_MARK = "  #: "


def _line(line: str, options: Container[str]) -> str | None:
    """Return a line of an idiom for some options, None where they leave it out."""
    text, is_marked, rest = line.partition(_MARK)
    condition, has_other, other = rest.partition(" else ")
    if not is_marked or any(all(word in options for word in part.split(" and ")) for part in condition.split(" or ")):
        return text
    indent = line[: len(line) - len(line.lstrip())]
    return _line(indent + other, options) if has_other else None


_BRACKETS = re.compile(r"^( *)(.*[(\[])\n((?:\1    [^ \n].*,\n)+)\1([)\]].*)$", re.MULTILINE)
"""Brackets whose content has lines of its own, each with a comma behind it."""


def _joined(brackets: re.Match[str]) -> str:
    """Return brackets on one line if they fit: lines of an idiom may have been left out."""
    indent, start, content, end = brackets.groups()
    line = f"{indent}{start}{' '.join(part.strip() for part in content.splitlines())[:-1]}{end}"
    return line if len(line) <= WIDTH else brackets[0]


def docstring(network: Network, target: str, extra: int = 0) -> str:
    """Return what the emitted module says of itself: the text that it came from, and what it counts.

    `extra` are the elements that the target keeps beyond those of the language.
    """
    from ..analysis.counts import count
    from ..analysis.summary import show

    counted = count(network)
    assert counted is not None, "only whole networks are emitted"
    return (
        f"{class_name(network.name)} in {target}, written by netdsl from {Path(network.source.name).name}.\n\n"
        f"{counted.total:,} parameters ({counted.trainable:,} trained), {show(counted.macs)} multiply-accumulates."
        + (f"\n{target} itself counts {extra:,} more, which stay zero." if extra else "")
    )
