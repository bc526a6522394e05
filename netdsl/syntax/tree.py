"""What was written, as nodes with spans: statements, pipelines, stages, arguments, expressions.

Nothing here knows what a layer is. Lexemes and parentheses are kept, so that a formatter can print what the author
wrote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..record import frozen
from ..source import Source, Span

if TYPE_CHECKING:
    from fractions import Fraction  # slow to import, and only for decimals


@frozen(eq=False, repr=False)
class Node:
    """Something written at one place."""

    span: Span

    # One for all: generating one for each class would double the time that it takes to load this module.
    def __repr__(self) -> str:
        inside = (getattr(self, name) for name in self.__slots__ if name != "__weakref__")  # type: ignore[attr-defined]
        return f"{type(self).__name__}({', '.join(map(repr, inside))})"


@frozen(eq=False, repr=False)
class Labelled(Node):
    """What can end in `as name`. Its span leaves that out, as messages want it; `whole` takes it in."""

    @property
    def whole(self) -> Span:
        """All that was written, with the label."""
        label: Name | None = getattr(self, "label", None)
        return self.span if label is None else self.span.to(label.span)


# Expressions


@frozen(eq=False, repr=False)
class Number(Node):
    """`64`, `10_000`, `5M`, `0.5`, `1e-3`: the exact value; the lexeme is the span's text."""

    value: int | Fraction


@frozen(eq=False, repr=False)
class Dims(Node):
    """`100x100x1`, `Tx80`, `?x?x3`: numbers, symbols, and None for `?`."""

    sizes: tuple[int | str | None, ...]


@frozen(eq=False, repr=False)
class Name(Node):
    """A word: a constant, parameter, tensor, flag, value, or (all upper case) a symbol."""

    text: str


@frozen(eq=False, repr=False)
class Truth(Node):
    """`true` or `false`."""

    value: bool


@frozen(eq=False, repr=False)
class Open(Node):
    """`?`: a size that is left open, or to be inferred."""


@frozen(eq=False, repr=False)
class Text(Node):
    """A string in quotes; `value` has them off."""

    value: str


@frozen(eq=False, repr=False)
class List(Node):
    """`[a, b, c]`."""

    items: tuple[Expression, ...]


@frozen(eq=False, repr=False)
class Family(Node):
    """`{a, b, c}`: a choice between values."""

    members: tuple[Expression, ...]


@frozen(eq=False, repr=False)
class Parentheses(Node):
    """`(inner)`, kept because a fraction in a window argument needs them."""

    inner: Expression


@frozen(eq=False, repr=False)
class Function(Node):
    """`min(a, b)`."""

    name: Name
    arguments: tuple[Expression, ...]


@frozen(eq=False, repr=False)
class Unary(Node):
    """`-a` or `not a`."""

    operator: str
    operand: Expression


@frozen(eq=False, repr=False)
class Binary(Node):
    """`a + b`, `a < b`, `a and b`, ..."""

    operator: str
    left: Expression
    right: Expression


@frozen(eq=False, repr=False)
class Choose(Node):
    """`if condition then first else second` between values."""

    condition: Expression
    first: Expression
    second: Expression


# Arguments


@frozen(eq=False, repr=False)
class Filters(Node):
    """`F@K` or `F@K/S`: filters, kernel, stride."""

    filters: Expression
    kernel: Expression
    stride: Expression | None


@frozen(eq=False, repr=False)
class Keyword(Node):
    """`name=value`, in the arguments of a layer or among the branches of a combinator."""

    name: Name
    value: Expression


# Stages


@frozen(eq=False, repr=False)
class Layer(Labelled):
    """`conv 64@3 same as stem`: a layer or a block, or, as the first stage, `in` or `param`."""

    name: Name
    arguments: tuple[Argument, ...]
    label: Name | None


@frozen(eq=False, repr=False)
class Group(Labelled):
    """`( pipeline ) * count as label`."""

    body: Branch
    count: Expression | None
    label: Name | None


@frozen(eq=False, repr=False)
class Each(Labelled):
    """`each k in [1, 2, 3] ( pipeline )`: a branch per item."""

    names: tuple[Name, ...]
    items: Expression
    body: Branch
    label: Name | None


@frozen(eq=False, repr=False)
class Call(Labelled):
    """`add(a, b)`, `concat(a, b) axis=0`, `residual(...)`, `attention(kv) 8`, `freeze(...)`, ..."""

    name: Name
    items: tuple[Branch | Each | Keyword, ...]
    arguments: tuple[Argument, ...]
    label: Name | None


@frozen(eq=False, repr=False)
class For(Labelled):
    """`for c in [64, 128] ( pipeline )`: a copy per item, in a row."""

    names: tuple[Name, ...]
    items: Expression
    body: Branch
    label: Name | None


@frozen(eq=False, repr=False)
class Wrong(Node):
    """What could not be read, as a stage, an argument, a branch or a statement; its mistake has been reported."""


@frozen(eq=False, repr=False)
class Pipeline(Node):
    """`stage | stage | ...`."""

    stages: tuple[Stage, ...]


@frozen(eq=False, repr=False)
class Conditional(Node):
    """`if condition then pipeline else pipeline`."""

    condition: Expression
    first: Branch
    second: Branch


# Statements


@frozen(eq=False, repr=False)
class Use(Node):
    """`use "file.net"`."""

    path: Text


@frozen(eq=False, repr=False)
class Const(Node):
    """`const name = value`."""

    name: Name
    value: Expression


@frozen(eq=False, repr=False)
class Parameter(Node):
    """A parameter of a block, with its default if it has one."""

    name: Name
    default: Expression | None


@frozen(eq=False, repr=False)
class Block(Node):
    """`block name parameters: pipeline`."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Branch


@frozen(eq=False, repr=False)
class Shared(Node):
    """`shared name: pipeline`."""

    name: Name
    body: Branch


@frozen(eq=False, repr=False)
class Let(Node):
    """`let name = pipeline`."""

    name: Name
    body: Branch


@frozen(eq=False, repr=False)
class Output(Node):
    """`out pipeline`, `aux pipeline`, or (bare) a pipeline that stands alone; `keyword` is "out", "aux" or ""."""

    keyword: str
    body: Branch


@frozen(eq=False, repr=False)
class Train(Node):
    """`train loss=... target=...`."""

    arguments: tuple[Argument, ...]


@frozen(eq=False, repr=False)
class Assert(Node):
    """`assert condition, condition`."""

    conditions: tuple[Expression, ...]


Expression = (
    Number
    | Dims
    | Name
    | Truth
    | Open
    | Text
    | List
    | Family
    | Parentheses
    | Function
    | Unary
    | Binary
    | Choose
    | Wrong
)
Argument = Filters | Keyword | Expression
Stage = Layer | Group | Call | For | Wrong
Branch = Pipeline | Conditional | Wrong
Statement = Use | Const | Block | Shared | Let | Output | Train | Assert | Wrong


_NOQA = re.compile(r"#\s*noqa\b", re.IGNORECASE)


@frozen(eq=False)
class Comment:
    """`# ...` to the end of its line."""

    span: Span

    @property
    def is_noqa(self) -> bool:
        """Whether it keeps lint quiet about what stands on its line: `# noqa`, also behind other words."""
        return _NOQA.search(self.span.text) is not None


@frozen(eq=False)
class Program:
    """One file, as it was written."""

    source: Source
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]
