"""Programs drawn over the whole language: all layers in all forms, branches, loops, conditions, blocks, shared blocks.

A program grows from left to right. Each stage is asked of the compiler, on the tensor that enters, before it is kept;
so what is drawn has no mistake, and every argument may be an expression. Of any choice the first is the simplest, as
Hypothesis shrinks towards it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from math import prod
from random import Random
from typing import Any, TypeVar

import drawn
from attrs import evolve, field, fields, frozen, has
from hypothesis import strategies as st

from netdsl.analysis.counts import count
from netdsl.elaborate import elaborate
from netdsl.layer import Argument, Layer, Tensor, arguments, default_of
from netdsl.layers import forms, keywords
from netdsl.network import Body, Experts, Network, Repeat, Step, Use
from netdsl.source import Source
from netdsl.syntax.parser import parse
from netdsl.values import COUNT, NUMBER, OPERAND, PADS, SIZES, STRIDE, TABLE, TENSOR, WHOLE, WINDOW

T = TypeVar("T")

MOST_ELEMENTS, MOST_CHANNELS, MOST_WEIGHTS, MOST_MACS = 3000, 40, 20_000, 1_000_000
"""Of one tensor, and of one stage: a program has to run in a moment."""

MOST_STEPS = 200
"""Layers in a row, and beside each other: Keras walks through a model by recursion."""

DEEPEST = 3
"""Pipelines in pipelines."""

TRIES = 4
"""Stages that are drawn before a pipeline goes on without one."""

MOST_ASKS = 250
"""Questions to the compiler, before a program is finished with what it has."""

USUAL = ("relu", "linear", "conv", "bn", "tanh", "pool", "conv", "linear", "flatten", "dense")
"""Layers that are drawn more often than others: they leave what the others take."""

ACTIVATIONS = ("relu", "tanh", "bn", "ln", "id", "gelu", "softmax", "prelu", "rms", "leaky_relu")
"""What a parameter that holds a layer may be."""

BEFORE = {**drawn.BEFORE, "exp": "tanh | ", "square": "tanh | "}
"""What stands before a layer that does not take every number, or whose outputs in a row grow beyond all numbers."""

SHAPES = {
    1: ((6,), (4,), (9,), (8,), (1,), (16,)),
    2: ((5, 4), (6, 3), (9, 8), (1, 6), (7, 1), (12, 5), (8, 2)),
    3: ((6, 5, 4), (8, 8, 3), (9, 7, 2), (5, 5, 1), (1, 4, 6), (10, 8, 8), (7, 6, 8), (12, 3, 5)),
    4: ((4, 5, 4, 3), (3, 6, 5, 2), (5, 5, 5, 4), (1, 4, 3, 6), (6, 2, 7, 1)),
}
"""Shapes of inputs by rank: even and odd sizes, and sizes of 1."""

NAMES = (
    "stem", "skip", "head", "tower", "body", "left", "x", "self", "out_1", "forward", "class", "conv", "training",
    "inputs", "torch", "nn", "layers", "keras", "ops", "range", "type", "half", "float", "name", "f", "i", "model",
    "conv_1", "relu_1", "add_1", "linear_1", "len", "sum", "units", "super", "dtype", "build", "call", "weights",
)  # fmt: skip
"""Names for tensors and layers; many of them are somebody's already."""

PARAMETERS = {
    "number": ("c", "n", "k", "units", "width", "x", "dim", "self", "in_channels", "i"),
    "layer": ("act", "norm", "f", "layer", "forward"),
    "flag": ("project", "wide", "training", "bias"),
    "padding": ("p", "border", "padding"),
    "list": ("ws", "sizes", "list", "range"),
    "tensor": ("skip", "other", "y", "inputs", "memory"),
}
"""Names of parameters by what they hold."""

LITERALS = {"number": ("4", "2", "3", "1", "6", "8"), "list": ("[2]", "[2, 3]", "[4, 1, 4]", "[3, 3]", "[]")}
PADDINGS = ("same", "valid", "centered")


@frozen
class Named:
    """A tensor that has a name, and a pipeline that leaves one like it."""

    name: str
    source: str
    x: Tensor


@frozen
class Parameter:
    """A parameter of a block: its name, what it holds, and its default, "" where it has to be given."""

    name: str
    kind: str
    default: str = ""

    def __str__(self) -> str:
        return f"{self.name}={self.default}" if self.default else self.name


@frozen
class Block:
    """A block that can be used."""

    name: str
    parameters: tuple[Parameter, ...]
    calls: tuple[str, ...] = ()


@frozen
class Scope:
    """What is known where a stage stands.

    `head` are the declarations of the file so far, `values` what the names of parameters, constants and variables
    stand for while drawing: what they hold, and a text.
    """

    head: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    shared: tuple[tuple[str, Tensor], ...] = ()
    values: dict[str, tuple[str, str]] = field(factory=dict)
    tensors: tuple[Named, ...] = ()
    in_block: bool = False
    in_file: bool = False
    """Whether statements can be put before the pipeline."""
    depth: int = 0

    def names(self, kind: str) -> list[str]:
        """Return the names of what holds a kind of value."""
        return [name for name, (held, _) in self.values.items() if held == kind]

    @property
    def constants(self) -> str:
        """The values as statements."""
        return "".join(f"const {name} = {text}\n" for name, (_, text) in self.values.items())

    def around(self, text: str) -> str:
        """Return a text behind the declarations that it needs: a block that is not used takes long to be checked."""
        for declaration in reversed(self.head):
            if re.search(rf"\b{declaration.split()[1].rstrip(':')}\b", text):
                text = declaration + text
        return self.constants + text

    def inner(self, **values: tuple[str, str]) -> Scope:
        """Return the scope of a pipeline inside of a stage."""
        return evolve(self, depth=self.depth + 1, in_file=False, values={**self.values, **values})


@frozen
class Piece:
    """A part of a pipeline: its text, what leaves it, names that it makes, and statements that stand before it."""

    text: str
    x: Tensor
    named: tuple[Named, ...] = ()
    before: tuple[Named, ...] = ()


def source_of(x: Tensor) -> str:
    """Return a source of a tensor of a kind."""
    sizes = "x".join(map(str, x.sizes))
    return f"in {sizes}" + " int" * (x.dtype == "int") if x.per_example else f"param {sizes}"


def lets_of(tensors: Sequence[Named], text: str) -> str:
    """Return the tensors that a text names as statements."""
    return "".join(f"let {one.name} = {one.source}\n" for one in tensors if re.search(rf"\b{one.name}\b", text))


@lru_cache(2000)
def compiled(text: str) -> Network | None:
    """Return the network of a text, None where the compiler refuses it."""
    program, mistakes = parse(Source("drawn", text))
    if mistakes:
        return None
    network, found = elaborate(program, "drawn")
    return None if any(one.severity == "error" for one in found) else network


@cache
def fitting_forms(rank: int, dtype: str) -> list[type[Layer]]:
    """Return the forms of layers that take tensors of a rank and of a type of element."""
    found = [
        form
        for keyword in keywords()
        for form in forms(keyword)
        if not form.ranks or rank in form.ranks
        for _ in range(1 + len(arguments(form)) // 4)  # there is more of it to be seen
    ]
    if dtype == "int":
        ids = [form for form in found if form.accepts_int or form.needs_int]
        return [*ids, *(form for form in ids if form.needs_int for _ in range(len(ids)))]
    return [form for form in found if not form.needs_int]


def total_steps(network: Network) -> int:
    """Return the number of layers of a network, each copy by itself."""
    known: dict[Body, int] = {}

    def of(body: Body) -> int:
        if body not in known:
            known[body] = sum(map(steps, body.steps))
        return known[body]

    def steps(step: Step) -> int:
        if isinstance(step.does, Repeat):
            return sum(run.times * of(run.body) for run in step.does.runs)
        return of(step.does.body) if isinstance(step.does, Use | Experts) else 1

    return of(network.body)


class Writer:
    """Draws programs; all chance comes from one generator."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.numbers = itertools.count(1)
        self.asks = 0

    def any(self, of: Sequence[T]) -> T:
        return self.random.choice(of)

    def chance(self, percent: int) -> bool:
        return self.random.randint(0, 99) >= 100 - percent

    def fresh(self, names: Sequence[str], taken: Sequence[str] = ()) -> str:
        """Return a name that is not taken."""
        name = self.any(names)
        return name if name not in taken else f"{name}_{next(self.numbers)}n"

    # ---- what the compiler says ----

    def asked(self, scope: Scope, x: Tensor, stage: str, before: Sequence[Named] = (), more: str = "") -> Any:
        """Return the tensors that leave a stage, and those that a text behind it makes outputs of; else None."""
        lets = lets_of((*scope.tensors, *before), stage)
        text = f"{lets}let entering_ = {source_of(x)}\nout entering_ | {stage}\n{more}"
        self.asks += 1
        network = compiled(scope.around(text)) if self.asks <= MOST_ASKS else None
        if network is None:
            return None
        tensors = [network.body.tensor(output.value) for output in network.outputs]
        total = count(network)
        assert total is not None
        figures = [size for one in tensors if one is not None for size in one.sizes]
        if not all(isinstance(size, int) for size in figures):
            return None
        small = total_steps(network) <= MOST_STEPS and all(
            prod(one.sizes) <= MOST_ELEMENTS and one.channels <= MOST_CHANNELS for one in tensors
        )
        return tensors if small and total.trainable <= MOST_WEIGHTS and total.macs <= MOST_MACS else None

    def kept(self, scope: Scope, x: Tensor, text: str, named: Sequence[str] = (), before: Sequence[Named] = ()) -> Any:
        """Return a piece, with the tensors that it names; None where the compiler refuses it."""
        leaving = self.asked(scope, x, text, before, "".join(f"out {name}\n" for name in named))
        if leaving is None:
            return None
        made = tuple(Named(name, source_of(one), one) for name, one in zip(named, leaving[1:], strict=True))
        return Piece(text, leaving[0], made, tuple(before))

    # ---- expressions ----

    def number(self, scope: Scope, literal: str = "") -> str:
        """Return a number as an argument."""
        literal = literal or self.any(LITERALS["number"])
        names = scope.names("number")
        if self.chance(50 if not names else 30):
            return literal
        if names and self.chance(60):
            return self.any(names)
        one = self.any([*names, "channels"])
        other = self.any([*names, literal])
        form = self.any((
            "channels", "({one} + {other})", "(2*{one})", "({one}//2)", "max({one}, {other})", "min({one}, {other})",
            "(if {condition} then {one} else {other})", "({one} - 1)", "divisible({one}, 4)", "({one}*{other})",
            "({one}/2)", "round({one}/{other})", "ceil({one}/2)", "floor({one}*0.75)", "abs({other} - {one})",
            "(height//2)", "length", "sqrt({one}*{one})", "(log2(8) + {one} - 2)", "(({one} + 1)//2*2)", "width",
        ))  # fmt: skip
        return form.format(one=one, other=other, condition=self.condition(scope) if "{c" in form else "")

    def condition(self, scope: Scope) -> str:
        """Return a condition."""
        one = self.any([*scope.names("number"), "channels"])
        forms = ["channels == {n}", "{one} > {n}", "{one} <= 4", "{one} != {n} and channels > 1", "true", "height > 4",
                 "not ({one} == channels)", "{one} < 2 or length >= 6"]  # fmt: skip
        forms += [form for name in scope.names("flag") for form in (name, f"not {name}", f"{name} or {{one}} > 3")]
        forms += [f"{name} == {{layer}}" for name in scope.names("layer")]
        forms += [f"{name} == same" for name in scope.names("padding")]
        return self.any(forms).format(one=one, n=self.any(("4", "2", "3")), layer=self.any(ACTIVATIONS))

    def listed(self, scope: Scope) -> str:
        """Return a list of numbers."""
        if scope.names("list") and self.chance(50):
            return self.any(scope.names("list"))
        return f"[{', '.join(self.number(scope) for _ in range(self.any((1, 2, 3))))}]"

    def value(self, scope: Scope, kind: str) -> str:
        """Return an argument for a parameter."""
        if kind == "number":
            return self.number(scope)
        if kind == "list":
            return self.listed(scope)
        if kind == "flag":
            return self.any(("true", "false", *scope.names("flag"), f"({self.condition(scope)})"))
        if kind == "padding":
            return self.any((*PADDINGS, *scope.names("padding")))
        if kind == "layer":
            plain = [block.name for block in scope.blocks if all(one.default for one in block.parameters)]
            return self.any((*ACTIVATIONS, *plain, *scope.names("layer")))
        return self.any([one.name for one in scope.tensors])

    # ---- stages ----

    def stage(self, scope: Scope, x: Tensor) -> Piece:
        """Return a stage for what enters, `id` where nothing was taken."""
        for _ in range(TRIES):
            kinds: list[Callable[[Scope, Tensor], Piece | None]] = [self.layer] * 6
            kinds += [self.layer_value] * 2 if scope.names("layer") else []
            kinds += [self.use] * 5 if scope.blocks else []
            kinds += [self.shared_use] * 3 if scope.shared else []
            kinds += [self.parametric] * (5 if scope.in_block else 1) if scope.values else []
            kinds += [self.padded] if scope.names("padding") else []
            if scope.depth < DEEPEST and self.asks < MOST_ASKS:
                kinds += [self.layer] * (4 * scope.depth)
                kinds += [
                    self.group,
                    self.repeat,
                    self.residual,
                    self.conditional,
                    self.loop,
                    self.branches,
                    self.freeze,
                ]
            piece = self.any(kinds)(scope, x)
            if piece is not None:
                return piece
        return self.plain(x)

    def pipeline(self, scope: Scope, x: Tensor, most: int = 3) -> Piece:
        """Return a few stages."""
        pieces: list[Piece] = []
        for _ in range(self.any(range(1, most + 1))):
            piece = self.stage(scope, x)
            scope = evolve(scope, tensors=(*scope.tensors, *piece.named, *piece.before))
            pieces.append(piece)
            x = piece.x
        return joined(pieces)

    def keeping(self, scope: Scope, x: Tensor, channels: bool = True) -> Piece:
        """Return a few stages that leave the positions that enter, and the channels too."""
        piece = self.pipeline(scope, x, 2)
        if piece.x.sizes[:-1] == x.sizes[:-1] and piece.x.dtype == x.dtype:
            if piece.x == x or (not channels and x.rank == piece.x.rank):
                return piece
            last = self.kept(self.after(scope, piece), piece.x, self.any(("linear ", "conv ")) + f"{x.channels}")
            last = last or self.kept(self.after(scope, piece), piece.x, f"linear {x.channels}")
            if last is not None and last.x == x:
                return joined([piece, last])
        return self.plain(x)

    def plain(self, x: Tensor) -> Piece:
        """Return a stage that takes anything and leaves the same shape, where nothing else was taken."""
        return Piece("id" if x.dtype == "int" else self.any(("relu", "id", "tanh", "sigmoid")), x)

    def after(self, scope: Scope, piece: Piece) -> Scope:
        return evolve(scope, tensors=(*scope.tensors, *piece.named, *piece.before))

    def tagged(self, scope: Scope, x: Tensor, text: str, pieces: Sequence[Piece] = (), percent: int = 20) -> Any:
        """Return a piece of a text around others, sometimes with a name; names in the others are seen behind it."""
        names = [one.name for piece in pieces for one in piece.named]
        before = [one for piece in pieces for one in piece.before]
        if self.chance(percent):
            # a name hides a layer of that name, so that one which the pipeline itself needs is refused
            name = self.fresh(NAMES, [one.name for one in (*scope.tensors, *before)] + names + list(scope.values))
            piece = self.kept(scope, x, f"{text} as {name}", [*names, name], before)
            if piece is not None:
                return piece
        return self.kept(scope, x, text, names, before)

    def layer(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return a layer in any of its forms, or a combinator, or experts, or a trained tensor."""
        fitting = fitting_forms(x.rank, x.dtype)
        usual = [form for form in fitting if form.keyword in USUAL]
        form = self.any(usual if usual and self.chance(40) else fitting)
        for attempt in range(TRIES if not form.combines and not form.holds_pipeline else 1):
            wider = self.kept(scope, x, "linear 8") if attempt > 1 and x.dtype == "float" else None
            piece = self.formed(scope, wider.x if wider is not None else x, form)
            if piece is not None:
                return piece if wider is None else joined([wider, piece])
        return None

    def formed(self, scope: Scope, x: Tensor, form: type[Layer]) -> Piece | None:
        """Return a layer in one form, with arguments that may not fit."""
        keyword = form.keyword
        if form.is_source:
            return self.trained(scope, x, form) if scope.in_file or not form.is_input else None
        if form.combines:
            return self.branches(scope, x, form) if scope.depth < DEEPEST else None
        before: list[Named] = []
        inside: list[Piece] = []
        word = keyword
        if not scope.tensors and not scope.in_file and any(a.kind in (TENSOR, TABLE) for a in arguments(form).values()):
            return None
        choice = drawn.completed(self.random, form, self.factors(form), {"rank": str(x.rank)})
        if form.holds_pipeline:
            if scope.depth >= DEEPEST:
                return None
            inside = [self.pipeline(scope.inner(), x.resized(*x.sizes), 2)]
            word = f"{keyword}({inside[0].text})"
            inside = []
        elif form.branches and self.chance(40):
            inside = [self.branch(scope, x, before) for _ in range(self.any(form.branches))]
            word = f"{keyword}({', '.join(piece.text for piece in inside)})"
        for name, argument in arguments(form).items():
            if choice.get(name):
                choice[name] = self.written(scope, x, name, argument, choice[name], before)
        text = f"{BEFORE.get(keyword, '')}{word} {drawn.written_arguments(form, choice)}".rstrip()
        piece = self.tagged(scope, x, text, [*inside, Piece("", x, (), tuple(before))])
        if piece is not None and form.needs_int and piece.named:  # what uses its table has to find it
            last = evolve(piece.named[-1], source=f"{source_of(x)} | {text}")
            piece = evolve(piece, named=(*piece.named[:-1], last))
        return piece  # type: ignore[no-any-return]

    def factors(self, form: type[Layer]) -> dict[str, tuple[str, ...]]:
        """Return the texts of each argument, those that change training too."""
        found = {
            name: texts
            for name, texts in drawn.drawn(form).factors.items()
            if name in arguments(form) or name in ("rank",)
        }
        for name, argument in arguments(form).items():
            if name not in found:
                found[name] = ("", *argument.tries)
        return found

    def written(self, scope: Scope, x: Tensor, name: str, argument: Argument, text: str, before: list[Named]) -> str:
        """Return the text of an argument, or another that may stand for it."""
        if argument.kind in (TENSOR, OPERAND, TABLE):
            if argument.kind is TENSOR and scope.in_file and self.chance(70):
                sizes = tuple(max(1, size + self.any((0, -1, 1, 3, -2))) for size in x.positions)  # type: ignore[operator]
                return self.input(scope, x.resized(*sizes, x.channels), before)
            if argument.kind is OPERAND and scope.in_file and self.chance(80):
                positions = prod(x.positions)  # type: ignore[arg-type]
                return self.input(scope, Tensor((positions, positions)), before)
            tables = [one.name for one in scope.tensors if " embed " in one.source]
            if argument.kind is TABLE and scope.in_file and (not tables or self.chance(50)):
                before.append(Named(f"table_{next(self.numbers)}", f"in 5 int | embed {x.channels} vocab=7", x))
                return before[-1].name
            return self.any(tables or [one.name for one in scope.tensors]) if scope.tensors else ""
        if argument.role == "flag" and text in argument.words and self.chance(25):
            return f"{text}=({self.condition(scope)})"
        if argument.kind in (COUNT, WHOLE, WINDOW, STRIDE, PADS, SIZES) and text.isdigit() and self.chance(35):
            return self.number(scope, text)
        if argument.kind is NUMBER and self.chance(20):
            return f"({self.number(scope)}/4)"
        if argument.role == "word" and argument.bare is None and self.chance(30):
            return self.any([*scope.names("padding"), text])
        return text

    def input(self, scope: Scope, x: Tensor, before: list[Named]) -> str:
        """Return the name of one more input or trained tensor, which is declared before the pipeline."""
        taken = [one.name for one in (*scope.tensors, *before)] + list(scope.values)
        name = f"other_{next(self.numbers)}"
        assert name not in taken
        x = evolve(x, per_example=not self.chance(20), dtype="float")
        before.append(Named(name, source_of(x), x))
        return name

    def branch(self, scope: Scope, x: Tensor, before: list[Named]) -> Piece:
        """Return a branch of attention: a pipeline, or another tensor."""
        if scope.in_file and self.chance(30) and x.rank == 2:
            other = x.resized(self.any((5, 3, 7, x.sizes[0])), self.any((x.channels, 6)))  # type: ignore[arg-type]
            return Piece(self.input(scope, other, before), other)
        if scope.tensors and self.chance(40):
            one = self.any(scope.tensors)
            return Piece(one.name, one.x)
        return Piece("id", x) if self.chance(40) else self.pipeline(scope.inner(), x, 1)

    def trained(self, scope: Scope, x: Tensor, form: type[Layer]) -> Piece | None:
        """Return a stage that joins what enters with a tensor of weights, or in a file with one more input."""
        sizes = self.any([x.sizes[-1:], x.sizes, (1, *x.sizes[1:])])
        choice = {"init": self.any(("normal", "ones", "0.5", "", "eye")), "frozen": self.any(("", "frozen"))}
        shape = (
            "x".join(map(str, sizes))
            if self.chance(70)
            else f"[{', '.join(['channels' if n == x.channels else str(n) for n in sizes])}]"
        )
        text = f"{form.keyword} {shape}"
        if not form.is_input:
            text += f" init={choice['init']}" * bool(choice["init"]) + " frozen" * bool(choice["frozen"])
        joint = self.any(("add(id, {})", "mul({}, id)", "concat(id, {})", "concat({}, id, axis=0)", "max({}, id)"))
        return self.tagged(scope, x, joint.format(text))  # type: ignore[no-any-return]

    def layer_value(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return a stage that a parameter or constant holds."""
        return self.tagged(scope, x, self.any(scope.names("layer")))  # type: ignore[no-any-return]

    def parametric(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return a stage that depends on what names hold."""
        numbers = scope.names("number") or ["channels"]
        words = {
            "n": self.any(numbers),
            "m": self.any((*numbers, "2")),
            "f": self.any((*scope.names("layer"), "relu")),
            "ws": self.any((*scope.names("list"), f"[{self.any(numbers)}, 3]")),
            "t": self.any([one.name for one in scope.tensors] or ["id"]),
            "p": self.any((*scope.names("padding"), "same")),
            "flag": self.any((*scope.names("flag"), f"({self.any(numbers)} > 3)")),
        }
        return self.tagged(scope, x, self.any(PARAMETRIC).format(**words))  # type: ignore[no-any-return]

    def padded(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return a layer that a parameter pads."""
        form = self.any(("conv {n}@{k} {p}", "depthwise {k} {p}", "pool {k}/1 {p}", "pool {k}/2 avg {p}",
                         "conv {n}@{k}/2 {p} nobias"))  # fmt: skip
        text = form.format(n=self.number(scope), k=self.any(("3", "2", "1")), p=self.any(scope.names("padding")))
        return self.tagged(scope, x, text)  # type: ignore[no-any-return]

    def use(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return a use of a block, and perhaps another with other arguments."""
        block = self.any(scope.blocks)
        pieces: list[Piece] = []
        for _ in range(self.any((1, 1, 2, 3))):
            piece = self.used(scope, x, block)
            if piece is not None:
                pieces.append(piece)
                scope, x = self.after(scope, piece), piece.x
        return joined(pieces) if pieces else None

    def used(self, scope: Scope, x: Tensor, block: Block) -> Piece | None:
        words: list[str] = []
        by_name = False
        for parameter in block.parameters:
            if parameter.kind == "tensor" and not scope.tensors:
                return None
            if parameter.default and self.chance(50):
                by_name = True
                continue
            value = self.value(scope, parameter.kind)
            if parameter.kind == "flag" and value == "true":
                words.append(parameter.name)
            else:
                by_name = by_name or self.chance(25)
                words.append(f"{parameter.name}={value}" if by_name else value)
        text = " ".join((block.name, *words))
        if self.chance(20) and scope.depth < DEEPEST:
            text = f"({text}) * {self.any(('2', '3', *scope.names('number')))}"
        return self.tagged(scope, x, text, (), 10)  # type: ignore[no-any-return]

    def shared_use(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return a use of a shared block, behind what brings the tensor that it takes."""
        name, wanted = self.any(scope.shared)
        text = name
        if x.sizes != wanted.sizes:
            if x.sizes[:-1] != wanted.sizes[:-1]:
                return None
            text = f"linear {wanted.channels} | {name}"
        text = self.any((text, text, f"({text}) * 2", f"freeze({text})", f"residual({text} | linear channels)"))
        return self.tagged(scope, x, text)  # type: ignore[no-any-return]

    def group(self, scope: Scope, x: Tensor) -> Piece | None:
        inner = self.pipeline(scope.inner(), x)
        return self.tagged(scope, x, f"({inner.text})", [inner], 80)  # type: ignore[no-any-return]

    def freeze(self, scope: Scope, x: Tensor) -> Piece | None:
        inner = self.pipeline(scope.inner(), x)
        return self.tagged(scope, x, f"freeze({inner.text})", [inner])  # type: ignore[no-any-return]

    def repeat(self, scope: Scope, x: Tensor) -> Piece | None:
        inner = (self.keeping if self.chance(70) else self.pipeline)(scope.inner(), x)
        times = self.any(("2", "3", "1", "0", *scope.names("number"), f"({self.number(scope)} - 1)"))
        return self.tagged(scope, x, f"({inner.text}) * {times}")  # type: ignore[no-any-return]

    def residual(self, scope: Scope, x: Tensor) -> Piece | None:
        inner = self.keeping(scope.inner(), x)
        text = f"residual({inner.text})"
        text += f" when=({self.condition(scope)})" if self.chance(30) else ""
        return self.tagged(scope, x, text, [inner])  # type: ignore[no-any-return]

    def conditional(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return an `if`, whose sides often leave the same."""
        condition = self.condition(scope)
        if self.chance(30):
            c = self.number(scope)
            then = f"if channels == {c} then id else {self.any(('linear ' + c, f'conv {c}@1'))}"
            return self.tagged(scope, x, f"({then})")  # type: ignore[no-any-return]
        one = self.pipeline(scope.inner(), x)
        other = Piece("id", x) if self.chance(40) else self.pipeline(scope.inner(), x)
        first, second = (one, other) if self.chance(50) else (other, one)
        text = f"(if {condition} then {first.text} else {second.text})"
        return self.tagged(scope, x, text)  # type: ignore[no-any-return]

    def loop(self, scope: Scope, x: Tensor) -> Piece | None:
        """Return a `for`, sometimes with names for its copies."""
        variables, items, values, copies = self.items(scope)
        inner = (self.keeping if self.chance(40) else self.pipeline)(scope.inner(**values), x)
        text = f"for {variables} in {items} ({inner.text})"
        if self.chance(30):
            name = f"stage_{next(self.numbers)}n"
            piece = self.kept(scope, x, f"{text} as {name}", [f"{name}_{n}" for n in range(1, copies + 1)])
            if piece is not None:
                return piece  # type: ignore[no-any-return]
        return self.kept(scope, x, text)  # type: ignore[no-any-return]

    def items(self, scope: Scope) -> tuple[str, str, dict[str, tuple[str, str]], int]:
        """Return the variables of a loop, its list, what they are for the first item, and the number of items."""
        copies = self.any((1, 2, 3))
        if self.chance(25):
            values = {"i": ("number", "0")}
            number = self.any((str(copies), *scope.names("number")))
            return "i", self.any((number, f"range({number})")), values, copies
        if self.chance(25):
            one, two = self.any((("c", "n"), ("a", "b"), ("k", "width")))
            items = [[self.any(LITERALS["number"]) for _ in range(2)] for _ in range(copies)]
            values = {one: ("number", items[0][0]), two: ("number", items[0][1])}
            return f"{one}, {two}", f"[{', '.join(f'[{a}, {b}]' for a, b in items)}]", values, copies
        name = self.any(("c", "k", "i", "item"))
        if scope.names("layer") and self.chance(20):
            words = [self.any(ACTIVATIONS) for _ in range(copies)]
            return "f", f"[{', '.join(words)}]", {"f": ("layer", words[0])}, copies
        return name, self.listed(scope), {name: ("number", self.any(LITERALS["number"]))}, copies

    def branches(self, scope: Scope, x: Tensor, form: type[Layer] | None = None) -> Piece | None:
        """Return a combinator."""
        combining = [one for keyword in keywords() for one in forms(keyword) if one.combines]
        form = form or self.any(combining)
        inner = scope.inner()
        parts: list[Piece] = []
        for _ in range(self.any((2, 2, 3)) if form.keyword not in ("sub", "matmul") else 2):
            part = self.part(inner, x, form)
            parts.append(part)
            inner = self.after(inner, part)
        texts = [part.text for part in parts]
        if form.keyword == "matmul" and x.rank > 1:
            swapped = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
            texts[1] = self.any((f"{texts[1]} | permute {swapped}", texts[1]))
        if form.keyword not in ("sub", "matmul") and self.chance(25):
            variables, items, values, _ = self.items(scope)
            each = self.keeping(inner.inner(**values), x, form.keyword != "concat")
            texts.append(f"each {variables} in {items} ({each.text})")
        joined_texts = ", ".join(self.random.sample(texts, len(texts)) if self.chance(30) else texts)
        choice = {name: self.any(texts) for name, texts in self.factors(form).items() if name != "rank"}
        options = drawn.written_arguments(form, choice)
        inside = self.chance(50) and options
        text = f"{form.keyword}({joined_texts}{', ' + options if inside else ''})"
        text += f" {options}" if options and not inside else ""
        return self.tagged(scope, x, text, parts)  # type: ignore[no-any-return]

    def part(self, scope: Scope, x: Tensor, form: type[Layer]) -> Piece:
        """Return a branch of a combinator."""
        alike = [one for one in scope.tensors if one.x.sizes[:-1] == x.sizes[:-1]]
        if alike and self.chance(30):
            one = self.any(alike)
            if one.x.sizes == x.sizes or self.chance(30):
                return Piece(one.name, one.x)
            return Piece(f"{one.name} | linear {x.channels}", x)
        if self.chance(25):
            return Piece("id", x)
        if self.chance(10):
            return Piece("pool global keep" if x.rank > 1 else "id", x)
        return self.keeping(scope, x, form.keyword != "concat")

    # ---- statements ----

    def block(self, scope: Scope) -> tuple[str, Block]:
        """Return a block that was drawn on one shape and one set of arguments."""
        parameters: list[Parameter] = []
        values: dict[str, tuple[str, str]] = {
            name: value for name, value in scope.values.items() if name in CONSTANT_NAMES
        }
        tensors: list[Named] = []
        x = self.shape(ranks=(3, 2, 3, 1, 4))
        for kind in self.any((("number",), (), ("number", "number"), ("number", "layer"), ("number", "number", "flag"),
                              ("number", "padding"), ("layer",), ("list",), ("number", "layer", "tensor"),
                              ("tensor",), ("number", "number", "number", "layer", "flag", "list"),
                              ("number", "list"), ("flag", "padding", "layer"))):  # fmt: skip
            name = self.fresh(PARAMETERS[kind], [*values, *(one.name for one in tensors)])
            if kind == "tensor":
                other = x if self.chance(60) else self.shape(ranks=(x.rank,))
                tensors.append(Named(name, source_of(other), other))
                parameters.insert(0, Parameter(name, kind))
                continue
            value = self.value(Scope(), kind) if kind != "number" else self.any(LITERALS["number"])
            has_default = kind == "flag" or any(one.default for one in parameters) or self.chance(50)
            default = "false" if kind == "flag" else self.default(kind, parameters) if has_default else ""
            values[name] = (kind, value if kind != "flag" else self.any(("true", "false")))
            parameters.append(Parameter(name, kind, default))
        inner = Scope(scope.head, scope.blocks, (), values, tuple(tensors), in_block=True, depth=1)
        body = self.pipeline(inner, x, 4)
        name = f"{self.any(('unit', 'cell', 'stage', 'part', 'f'))}_{next(self.numbers)}b"
        text = f"block {' '.join((name, *map(str, parameters)))}: {body.text}\n"
        return text, Block(name, tuple(parameters))

    def default(self, kind: str, parameters: list[Parameter]) -> str:
        """Return a default."""
        if kind == "number":
            earlier = [one.name for one in parameters if one.kind == "number"]
            forms = ["channels", "(channels//2)", "(2*channels)", "max(channels, 2)", "(channels + 1)", "height"]
            forms += [form for one in earlier for form in (one, f"({one} + 1)", f"(2*{one})", f"({one}//2)")]
            return self.any(LITERALS["number"]) if self.chance(60) else self.any(forms)
        if kind == "list":
            return self.any(LITERALS["list"])
        return self.any(ACTIVATIONS if kind == "layer" else PADDINGS)

    def shape(self, ranks: Sequence[int] = (3, 2, 1, 4, 2, 3)) -> Tensor:
        return Tensor(self.any(SHAPES[self.any(ranks)]))

    def ids(self) -> Tensor:
        """Return a tensor of token ids."""
        return Tensor(self.any(((5,), (6,), (9,), (3, 4))), "int")

    def start(self, scope: Scope) -> tuple[str, Piece]:
        """Return the beginning of a statement, "" or a name that is given there, and what leaves it."""
        if scope.tensors and self.chance(50):
            one = self.any(scope.tensors)
            if one.x.dtype == "float" and self.chance(40):
                alike = [other for other in scope.tensors if other.x.sizes[:-1] == one.x.sizes[:-1]]
                other = self.any(alike)
                second = other.name if other.x.sizes == one.x.sizes else f"{other.name} | linear {one.x.channels}"
                text = self.any(("concat({}, {})", "add({}, {})", "sub({}, {})", "mul({}, {})")).format(
                    one.name, second
                )
                piece = self.closed(scope, text)
                if piece is not None:
                    return "", piece
            return "", Piece(one.name, one.x)
        x = self.ids() if self.chance(15) else self.shape()
        if self.chance(3):
            x = evolve(x, per_example=False, dtype="float")
        if self.chance(40):
            name = self.fresh(NAMES, [one.name for one in scope.tensors] + list(scope.values))
            if compiled(f"{source_of(x)} as {name}\nout {name}") is not None:
                return "in", Piece(f"{source_of(x)} as {name}", x, (Named(name, source_of(x), x),))
        return "in", Piece(source_of(x), x)

    def closed(self, scope: Scope, text: str) -> Piece | None:
        """Return a pipeline that begins with tensors, None where the compiler refuses it."""
        lets = lets_of(scope.tensors, text)
        network = compiled(scope.around(f"{lets}out {text}"))
        x = network.body.tensor(network.outputs[0].value) if network is not None else None
        return Piece(text, x) if x is not None else None

    def beginning_with(self, scope: Scope, form: type[Layer]) -> Piece:
        """Return an input and a layer in a form, or the input alone where no arguments fitted."""
        is_of_ids = form.needs_int or (form.is_input and self.chance(50))
        ranks = form.ranks or (3, 2, 1, 4)
        for rank in (*self.random.sample(ranks, len(ranks)), *ranks):
            x = self.ids() if is_of_ids else self.shape((rank,))
            start = Piece(source_of(x), x)
            piece = self.branches(scope, x, form) if form.combines else self.formed(scope, x, form)
            if piece is not None:
                return joined([start, piece])
        return start

    def program(self, form: type[Layer] | None = None) -> str:
        """Return a program, which begins with a layer in a form where one is given."""
        scope = Scope(in_file=True)
        for name, kind, text in CONSTANTS:
            if self.chance(25):
                scope = evolve(scope, values={**scope.values, name: (kind, text)})
        constants = scope.constants
        for _ in range(self.any((0, 1, 1, 2, 3))):
            text, block = self.block(scope)
            if compiled(scope.around(f"{text}in 4 | relu")) is not None:
                scope = evolve(scope, head=(*scope.head, text), blocks=(*scope.blocks, block))
        if self.chance(25):
            x = self.ids() if self.chance(15) else self.shape()
            inner = evolve(scope.inner(), in_block=True)
            body = (self.pipeline if self.chance(50) or x.dtype == "int" else self.keeping)(inner, x)
            scope = evolve(scope, head=(*scope.head, f"shared both_: {body.text}\n"), shared=(("both_", x),))
        statements: list[str] = []
        count_of = self.any((1, 1, 2, 3, 4))
        unused: list[str] = []
        for place in range(count_of):
            kind, start = self.start(scope) if place or form is None else ("in", self.beginning_with(scope, form))
            body = self.pipeline(self.after(scope, start), start.x, 5)
            whole = joined([start, body])
            scope = evolve(scope, tensors=(*scope.tensors, *whole.named))
            lines = [f"let {one.name} = {one.source}" for one in whole.before]
            scope = evolve(scope, tensors=(*scope.tensors, *whole.before))
            word = self.any(("out", "let", "bare" if kind == "in" else "out", "aux" if place else "out"))
            if word == "let":
                name = f"tensor_{place + 1}"
                lines.append(f"let {name} = {whole.text}")
                scope = evolve(scope, tensors=(*scope.tensors, Named(name, source_of(whole.x), whole.x)))
                unused.append(name)
            else:
                lines.append(f"{word} {whole.text}" if word != "bare" else whole.text)
            statements += lines
        if all(line.startswith(("let ", "aux ")) for line in statements) and not unused:
            unused.append(scope.tensors[-1].name if scope.tensors else "")
        statements += [f"out {name}" for name in unused]
        return constants + "".join(scope.head) + "\n".join(statements) + "\n"


PARAMETRIC = (
    "linear {n}",
    "conv {n}@{m} same",
    "{f}",
    "conv {n}@3/2 {p} nobias={flag} | {f}",
    "(linear {n} | {f}) * {m}",
    "(if channels == {n} then id else conv {n}@1)",
    "residual(linear 2*{n} | {f} | linear channels) when={flag}",
    "for i in {m} (linear {n} + i | {f})",
    "concat(id, linear {n} | {f})",
    "for w in {ws} (linear w | {f})",
    "concat(each w in {ws} (linear w), id)",
    "(if {flag} then linear {n} else linear {n} | {f})",
    "dense {n}*{m}",
    "add(conv {n}@{m} same | {f}, (if channels == {n} then id else conv {n}@1)) | {f}",
    "pool {m}/1 {p} avg",
    "mul(id, pool global keep | linear max(channels//{m}, 1) | {f} | linear channels | sigmoid)",
    "pool {m} max",
    "(residual(bn | {f} | linear channels)) * {n} | {f}",
    "(conv {n}@3 {p} | concat(id, conv {m}@1)) * 2",
    "for i in {m} (concat(id, linear {n}))",
    "concat(each i in {m} (linear {n} + i), linear {n})",
    "scale {n} offset={m}",
    "attention {m} head_dim={n}",
    "lstm {n} seq bidirectional={flag} | linear {m}",
    "gru {n}",
    "depthwise {m} mult={n} {p}",
    "for a, b in [[{n}, 1], [{m}, 2]] ((linear a | {f}) * b)",
    "(if {flag} and channels > {n} then conv {n}@1 else {f})",
    "concat(id, {t})",
    "add(id, {t} | linear channels)",
    "(add(id, {t} | linear channels) | {f}) * {m}",
    "sub({t}, id)",
    "slice 0 {m}",
    "dropout {n}/100",
    "gn {m}",
    "for i in {n} (if i < {m} then linear {n} | {f} else {f} | linear {n})",
    "bn noscale={flag} | {f}",
    "reshape [{n}, ?]",
    "up {m}",
    "pad {m}",
    "residual(({f}) * {m} | linear channels) | linear {n}",
    "(linear {n} | {f} | linear channels) as name_ | add(id, name_)",
    "freeze(linear {n} | {f})",
    "conv {n}@{m} groups={m}",
    "moe(linear {n} | {f} | linear channels) experts={m} top=1",
    "swiglu | linear {n}",
    "{t}",
    "conv_transpose {n}@{m}/2",
    "(add({f}, linear {n}) | for w in {ws} ({f} | linear w)) * {m} | linear {n}",
    "clip 0 {m}",
    "roll {m}",
    "crop {m}",
    "take {m}",
    "(if {n} == {m} then {f} else id)",
    "concat(for w in {ws} (linear w) as at_, at__1) | linear {n}",
)
"""Stages that depend on what names hold: numbers n and m, a layer f, a list ws, a tensor t, a padding p."""

CONSTANTS = (
    ("few", "number", "3"), ("many", "number", "6"), ("widths", "list", "[2, 5]"), ("nonlinear", "layer", "tanh"),
    ("edge", "padding", "same"), ("deep", "flag", "true"),
)  # fmt: skip
CONSTANT_NAMES = tuple(name for name, _, _ in CONSTANTS)


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return pieces in a row as one."""
    texts = [piece.text for piece in pieces if piece.text != "id"] or ["id"]
    named = tuple(one for piece in pieces for one in piece.named)
    before = tuple(one for piece in pieces for one in piece.before)
    return Piece(" | ".join(texts), pieces[-1].x, named, before)


def program(random: Random, form: type[Layer] | None = None) -> str:
    """Return a program, all of whose chances are those of a generator, and which may have to begin with a form.

    A few rules hold for a file as a whole, such as that a shared block is frozen everywhere or nowhere; where one is
    broken, the program is drawn again.
    """
    while True:
        text = Writer(random).program(form)
        network = compiled(text)
        if network is not None and total_steps(network) <= MOST_STEPS:
            return text


def stage_of(random: Random, form: type[Layer]) -> str:
    """Return a program of one stage that has a layer in a form, or of none where no arguments fitted."""
    piece = Writer(random).beginning_with(Scope(in_file=True), form)
    text = "\n".join([*(f"let {one.name} = {one.source}" for one in piece.before), f"{piece.text}\n"])
    return text if compiled(text) is not None else "in 4\n"


def programs(form: type[Layer] | None = None) -> st.SearchStrategy[str]:
    """Return the strategy of programs, which may have to begin with a layer in a form."""
    return st.randoms(use_true_random=False).map(lambda random: program(random, form))


def all_forms() -> dict[str, type[Layer]]:
    """Return every layer in every form, by its name."""
    return {form_name(form): form for keyword in keywords() for form in forms(keyword)}


def form_name(form: type[Layer]) -> str:
    """Return the word of a layer in one form."""
    return f"{form.keyword} {form.form}".rstrip()


def all_features() -> frozenset[str]:
    """Return what there is to be reached: every layer in every form, and every form of the language."""
    return frozenset({*keywords(), *all_forms(), *language_features()})


def language_features() -> frozenset[str]:
    """Return every form of the language."""
    return frozenset({*LANGUAGE.values(), "aux", "several inputs", "several outputs", "int", USED_OTHERWISE})


USED_OTHERWISE = "a block with other arguments or on another shape"


LANGUAGE = {
    "Const": "const", "Block": "block", "Shared": "shared", "Let": "let", "Output": "out", "Group": "group",
    "Call": "combinator", "For": "for", "Each": "each", "Conditional": "if", "Choose": "if in an expression",
    "Function": "function", "Keyword": "keyword", "List": "list", "Filters": "F@K",
}  # fmt: skip
"""The forms of the language by the nodes of the tree."""


def features(text: str) -> frozenset[str]:
    """Return what a program has of these, and every argument that is not its default."""
    network = compiled(text)
    assert network is not None
    found: set[str] = set()
    bodies: list[Body] = [network.body]
    seen: set[Body] = set()
    uses: dict[str, set[Body]] = {}
    while bodies:
        body = bodies.pop()
        if body in seen:
            continue
        seen.add(body)
        for step in body.steps:
            if isinstance(step.does, Repeat):
                bodies += [run.body for run in step.does.runs]
            elif isinstance(step.does, Use):
                bodies.append(step.does.body)
                uses.setdefault(step.does.block, set()).add(step.does.body)
            elif step.does is not None:
                layer = step.does.router if isinstance(step.does, Experts) else step.does
                if isinstance(step.does, Experts):
                    bodies.append(step.does.body)
                found |= {layer.keyword, form_name(type(layer))}
                for name in arguments(type(layer)):
                    default = default_of(type(layer), name)
                    if getattr(layer, name) != default:
                        found.add(f"{form_name(type(layer))} {name}")
    found |= {USED_OTHERWISE for bodies_of in uses.values() if len(bodies_of) > 1}
    inputs = [step for step in network.body.steps if isinstance(step.does, Layer) and step.does.is_input]
    found |= {"several inputs"} if len(inputs) > 1 else set()
    found |= {"aux"} if any(output.aux for output in network.outputs) else set()
    found |= {"several outputs"} if len(network.outputs) > 1 else set()
    found |= {"int"} if any(step.output is not None and step.output.dtype == "int" for step in inputs) else set()
    program_tree, _ = parse(Source("drawn", text))
    return frozenset(found | {LANGUAGE[name] for name in nodes(program_tree) if name in LANGUAGE})


def nodes(part: Any) -> Iterator[str]:
    """Return the kinds of node in a tree."""
    if isinstance(part, tuple):
        for item in part:
            yield from nodes(item)
    elif has(type(part)) and not isinstance(part, Source):
        yield type(part).__name__
        for attribute in fields(type(part)):
            yield from nodes(getattr(part, attribute.name))
