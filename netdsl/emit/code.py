"""Python source as trees of expressions and statements, and their printer; nothing about layers or frameworks.

What is printed is what `ruff format` leaves as it is. Like ruff, the printer makes a document of a tree (text, places
where a line may break, groups that break together) and fits that into the width. Where lines break and where
parentheses stand follows https://github.com/astral-sh/ruff/tree/main/crates/ruff_python_formatter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from keyword import iskeyword
from types import EllipsisType
from typing import Any, TypeAlias

from attrs import field, frozen
from attrs.validators import in_, optional

from ..document import WIDTH, Document, Group, IfBroken, Indent, Line, Paper, Trailing, flat, group, must_break
from ..record import fields, has

# Documents ------------------------------------------------------------------------------------------------------------


def bracket(left: str, content: Document, right: str) -> Group:
    """Return brackets that stand on lines of their own if their content does not fit between them."""
    return group(left, Indent((Line(), content)), Line(), right)


def parentheses_if_broken(content: Document) -> Group:
    """Return parentheses that are only there if the content does not fit on the line."""
    return group(IfBroken("("), Indent((Line(), content)), Line(), IfBroken(")"))


def separated(items: Iterable[Document]) -> tuple[Document, ...]:
    """Return items with commas between them, and one at the end where each has a line."""
    parts: list[Document] = []
    for item in items:
        parts += (",", Line(" "), item) if parts else (item,)
    return (*parts, IfBroken(",")) if len(parts) > 1 else tuple(parts)


def _always_comma(items: Sequence[Document]) -> Document:
    """Return items with a comma behind a single one too, as ruff has it for parameters and imports."""
    return separated(items) if len(items) > 1 else (*items, IfBroken(","))


def _trailing(comment: str) -> Document:
    return Trailing(f"# {comment}") if comment else ""


class Page(Paper):
    """The lines of a program that are printed so far, and where the next one goes."""

    def write_value(self, before: Document, value: Expression, after: str = "") -> None:
        """Print a statement with an expression in it, in parentheses if its own brackets do not make it fit."""
        comment: Document = ""
        if isinstance(value, Commented):
            comment, value = _trailing(value.comment), value.inside
        plain, inside = value.document(False), value.document(True)
        open_line: Document = (before, plain, after, comment)
        if isinstance(value, (Name, Literal, FString)):
            inside, comment = (inside, comment), ""  # where one word gets parentheses, its comment goes with it
        wrapped: Document = (before, "(", Indent((Line(), inside)), Line(), ")", after, comment)
        wrapping = _wrapping(value)
        if wrapping == NEVER:
            is_open = True
        elif wrapping == IF_IT_FITS:
            is_open = self.fits(open_line, True) or not self.fits(wrapped, True)
        elif _breaks_well_in_brackets(value):
            is_open = self.fits(open_line, True)
        else:
            is_open = self.fits(open_line, False) and not must_break(plain)
        self.write(open_line if is_open else wrapped)

    def write_body(self, body: Body, owner: Statement) -> None:
        """Print the statements of a module or, further right, of another statement, with empty lines between them."""
        self.indent += 4 * (not isinstance(owner, Module))
        before: Statement | None = None
        is_blank = False
        for position, statement in enumerate(body):
            if isinstance(statement, Blank):
                is_blank = before is not None
                continue
            count = _blank_lines(before, statement, _after_comments(body, position), owner)
            self.text.append("\n" * max(count, is_blank))
            statement.write(self)
            before, is_blank = statement, False
        if not isinstance(owner, Module) and all(isinstance(statement, (Blank, Comment)) for statement in body):
            self.write("pass")
        self.indent -= 4 * (not isinstance(owner, Module))


# Words ----------------------------------------------------------------------------------------------------------------


def _is_word(_: object, __: object, word: str) -> None:
    if not word.isidentifier() or iskeyword(word):
        raise ValueError(f"{word!r} is not a name in Python")


def _are_words(_: object, __: object, dotted: str) -> None:
    for word in dotted.split("."):
        _is_word(_, __, word)


def _name_keywords(_: object, __: object, keywords: Iterable[tuple[str, Expression]]) -> None:
    for word, _value in keywords:
        _is_word(_, __, word)


def _as_comment(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _escaped(text: str, quote: str) -> str:
    def escape(letter: str) -> str:
        if letter == quote or letter == "\\":
            return f"\\{letter}"
        return letter if letter.isprintable() else repr(letter)[1:-1]

    return "".join(map(escape, text))


def _quote_for(text: str) -> str:
    return "'" if text.count('"') > text.count("'") else '"'


# Expressions ----------------------------------------------------------------------------------------------------------

# How tightly an expression binds: https://docs.python.org/3/reference/expressions.html#operator-precedence
LAMBDA, CONDITIONAL, OR, AND, NOT, COMPARISON, BIT_OR, BIT_XOR, BIT_AND, SHIFT, SUM, PRODUCT, SIGN, POWER, WHOLE = (
    range(15)
)

# How tightly an operator binds, and its left and its right side have to.
_OPERATORS = {
    "or": (OR, OR, OR),
    "and": (AND, AND, AND),
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in", "not in", "is", "is not"), (COMPARISON, BIT_OR, BIT_OR)),
    "|": (BIT_OR, BIT_OR, BIT_XOR),
    "^": (BIT_XOR, BIT_XOR, BIT_AND),
    "&": (BIT_AND, BIT_AND, SHIFT),
    **dict.fromkeys(("<<", ">>"), (SHIFT, SHIFT, SUM)),
    **dict.fromkeys(("+", "-"), (SUM, SUM, PRODUCT)),
    **dict.fromkeys(("*", "@", "/", "//", "%"), (PRODUCT, PRODUCT, SIGN)),
    "**": (POWER, WHOLE, SIGN),
}


class Expression:
    """A piece of code that has a value."""

    def operands(self) -> tuple[Expression, ...]:
        """Return the parts outside of its brackets, in order, those that need parentheses in them."""
        return ()

    def document(self, may_break: bool) -> Document:
        """Return how it is printed; its lines break in its brackets, and outside of them if they `may_break`."""
        raise NotImplementedError


@frozen
class Parenthesized(Expression):
    """The printer's own: trees are built without, and get the parentheses that they need."""

    inside: Expression

    def document(self, may_break: bool) -> Document:
        return bracket("(", self.inside.document(True), ")")


def _rank(expression: Expression) -> int:
    if isinstance(expression, Binary):
        return _OPERATORS[expression.operator][0]
    if isinstance(expression, Unary):
        return NOT if expression.operator == "not" else SIGN
    return {Conditional: CONDITIONAL, Lambda: LAMBDA}.get(type(expression), WHOLE)


def _operand(expression: Expression, least: int) -> Expression:
    return Parenthesized(expression) if _rank(expression) < least else expression


@frozen
class Name(Expression):
    """`x`, or with dots `self.stem`."""

    dotted: str = field(validator=_are_words)

    def document(self, may_break: bool) -> Document:
        return self.dotted


@frozen
class Literal(Expression):
    """A text, True, False, None, `...`, or a finite number from 0: one token. `expression` knows all other values."""

    value: int | float | str | bool | EllipsisType | None = field(eq=repr)  # 1, 1.0 and True are equal, but other code

    @value.validator
    def _is_one_token(self, _: object, value: object) -> None:
        # a subclass may print itself as anything
        if type(value) not in (int, float, str, bool, EllipsisType, type(None)):
            raise TypeError(f"{value!r} is not a literal")
        if isinstance(value, (int, float)) and not 0 <= value < math.inf:
            raise ValueError(f"{value} takes an expression, not a literal")

    def document(self, may_break: bool) -> Document:
        if isinstance(self.value, str):
            quote = _quote_for(self.value)
            return quote + _escaped(self.value, quote) + quote
        return "..." if self.value is ... else repr(self.value).replace("e+", "e")


@frozen
class FString(Expression):
    """Texts and expressions; before Python 3.12 there are no quotes, backslashes or braces in these."""

    parts: tuple[str | Expression, ...]

    def document(self, may_break: bool) -> Document:
        quote = _quote_for("".join(part for part in self.parts if isinstance(part, str)))
        return f"f{quote}{''.join(self._printed(part, quote) for part in self.parts)}{quote}"

    def _printed(self, part: str | Expression, quote: str) -> str:
        if isinstance(part, str):
            return _escaped(part, quote).replace("{", "{{").replace("}", "}}")
        code = flat(_operand(part, CONDITIONAL).document(False))
        if not set("\"'\\{}").isdisjoint(code):
            raise ValueError(f"an f-string cannot hold {code}")
        return f"{{{code}}}"


@frozen
class Commented(Expression):
    """A statement's value, an argument or an item, with a comment behind it on its line."""

    inside: Expression
    comment: str = field(converter=_as_comment)

    def document(self, may_break: bool) -> Document:
        return (self.inside.document(may_break), _trailing(self.comment))


@frozen
class Unary(Expression):
    """`-x`, `+x`, `~x` or `not x`."""

    operator: str = field(validator=in_(("-", "+", "~", "not")))
    operand: Expression

    def operands(self) -> tuple[Expression, ...]:
        # ruff prints -(x**2), though -x**2 is the same
        return (_operand(self.operand, WHOLE if _rank(self.operand) == POWER else _rank(self)),)

    def document(self, may_break: bool) -> Document:
        operator = "not " if self.operator == "not" else self.operator
        return (operator, self.operands()[0].document(may_break))


@frozen
class Binary(Expression):
    """Arithmetic, a comparison, `and` or `or`."""

    left: Expression
    operator: str = field(validator=in_(_OPERATORS))
    right: Expression

    @property
    def level(self) -> int:
        """Its rank, with `and` and `or` as one: operators of a level break together."""
        return max(_rank(self), AND)

    def operands(self) -> tuple[Expression, ...]:
        _, left, right = _OPERATORS[self.operator]
        return (_operand(self.left, left), _operand(self.right, right))

    def document(self, may_break: bool) -> Document:
        chain = list(self._chain())
        parts: list[Document] = []
        for position, part in enumerate(chain):
            if isinstance(part, Expression):
                parts.append(part.document(may_break))
            elif part == "**" and all(map(_is_simple, chain[position - 1 : position + 2 : 2])):
                parts += (Line(), part, IfBroken(" ")) if may_break else (part,)
            else:
                parts += (Line(" ") if may_break else " ", part, " ")
        return group(*parts) if may_break else tuple(parts)

    def _chain(self) -> Iterator[Expression | str]:
        waiting: list[Expression | str] = [self]
        while waiting:
            part = waiting.pop()
            if isinstance(part, Binary) and part.level == self.level:
                left, right = part.operands()
                waiting += (right, part.operator, left)
            else:
                yield part


def _is_simple(part: Expression | str | None) -> bool:
    """Whether ** has no spaces beside it; the colon of a slice, if there is no dot either."""
    if isinstance(part, Unary):
        return part.operator != "not" and _is_simple(part.operands()[0])
    if isinstance(part, Attribute):
        return _is_simple(part.value)
    return isinstance(part, Name) or (isinstance(part, Literal) and not isinstance(part.value, str))


@frozen
class Conditional(Expression):
    """`value if condition else otherwise`."""

    value: Expression
    condition: Expression
    otherwise: Expression

    def operands(self) -> tuple[Expression, ...]:
        return (_operand(self.value, OR), _operand(self.condition, OR), _operand(self.otherwise, CONDITIONAL))

    def document(self, may_break: bool) -> Document:
        line: Document = Line(" ") if may_break else " "
        parts: list[Document] = []
        last: Expression = self
        while isinstance(last, Conditional):
            value, condition, last = last.operands()
            parts += (value.document(may_break), line, "if ", condition.document(may_break), line, "else ")
        parts.append(last.document(may_break))
        return group(*parts) if may_break else tuple(parts)


@frozen
class Lambda(Expression):
    """`lambda x: body`."""

    parameters: tuple[Name, ...]
    body: Expression

    def document(self, may_break: bool) -> Document:
        names = ", ".join(parameter.dotted for parameter in self.parameters)
        body = self.body.document(True)
        if _wrapping(self.body) == WHEN_IT_BREAKS or not _is_bracketed(self.body):
            body = parentheses_if_broken(body)
        return (f"lambda {names}: " if names else "lambda: ", body)


@frozen
class Starred(Expression):
    """`*items`, as an argument or an item."""

    inside: Expression

    def document(self, may_break: bool) -> Document:
        return ("*", _operand(self.inside, BIT_OR).document(may_break))


@frozen
class Generator(Expression):
    """`(item for target in source if condition)`."""

    item: Expression
    target: Expression
    source: Expression
    condition: Expression | None = None

    def document(self, may_break: bool) -> Document:
        return bracket("(", self.inside(), ")")

    def inside(self) -> Document:
        """Return what stands between the brackets."""
        source = _operand(self.source, OR).document(True)
        parts: list[Document] = [self.item.document(True), Line(" "), f"for {_target(self.target)} in ", source]
        if self.condition is not None:
            parts += (Line(" "), "if ", _operand(self.condition, OR).document(True))
        return group(*parts)


@frozen
class ListComprehension(Generator):
    """`[item for target in source if condition]`."""

    def document(self, may_break: bool) -> Document:
        return bracket("[", self.inside(), "]")


@frozen
class List(Expression):
    """`[1, 2]`."""

    items: tuple[Expression, ...]

    def document(self, may_break: bool) -> Document:
        return bracket("[", _documents(self.items), "]") if self.items else "[]"


@frozen
class Tuple(Expression):
    """`(1, 2)`; without parentheses as a target, as an index, and if it fits where it is returned."""

    items: tuple[Expression, ...]

    def document(self, may_break: bool) -> Document:
        return bracket("(", self.inside(), ")") if self.items else "()"

    def inside(self) -> Document:
        """Return what stands between the brackets."""
        return (_documents(self.items), "," if len(self.items) == 1 else "")


@frozen
class Dict(Expression):
    """`{"x": 1}`."""

    items: tuple[tuple[Expression, Expression], ...]

    def document(self, may_break: bool) -> Document:
        pairs = [group(key.document(True), ": ", value.document(True)) for key, value in self.items]
        return bracket("{", separated(pairs), "}") if pairs else "{}"


def _documents(items: Iterable[Expression]) -> tuple[Document, ...]:
    return separated(item.document(True) for item in items)


def _target(target: Expression) -> str:
    if isinstance(target, Tuple) and len(target.items) > 1:
        return flat(_documents(target.items))
    return flat(target.document(False))


@frozen
class Link(Expression):
    """What stands behind a value: an attribute, a call or a subscript. Chains of them are printed as one."""

    value: Expression

    def operands(self) -> tuple[Expression, ...]:
        is_number = isinstance(self.value, Literal) and isinstance(self.value.value, (int, float))
        needs_parentheses = is_number and isinstance(self, Attribute)  # 1.real is no code
        return (Parenthesized(self.value) if needs_parentheses else _operand(self.value, WHOLE),)

    def tail(self) -> Document:
        """Return it without the value."""
        raise NotImplementedError

    def document(self, may_break: bool) -> Document:
        root, links = _unfolded(self)
        is_fluent = may_break and _is_fluent(links)
        parts = [root.document(may_break)]
        for link, is_break in links:
            parts += (Line(), link.tail()) if is_fluent and is_break else (link.tail(),)
        return group(*parts) if is_fluent else tuple(parts)


_Links: TypeAlias = Sequence[tuple[Link, bool]]


def _unfolded(expression: Expression) -> tuple[Expression, _Links]:
    """Return the start of a chain and its links, each with whether it is a dot behind a bracket."""
    links: list[tuple[Link, bool]] = []
    while isinstance(expression, Link):
        link = expression
        (expression,) = link.operands()
        is_behind_bracket = isinstance(expression, (Call, Subscript, Parenthesized))
        links.append((link, isinstance(link, Attribute) and is_behind_bracket))
    return expression, links[::-1]


def _is_fluent(links: _Links) -> bool:
    """Whether a chain that does not fit has a line for each dot."""
    return sum(is_break for _, is_break in links) >= 2


@frozen
class Attribute(Link):
    """`value.name`."""

    name: str = field(validator=_is_word)

    def tail(self) -> Document:
        return f".{self.name}"


@frozen
class Call(Link):
    """`value(*arguments, **keywords)`."""

    arguments: tuple[Expression, ...] = ()
    keywords: tuple[tuple[str, Expression], ...] = field(default=(), validator=_name_keywords)

    def tail(self) -> Document:
        if not self.arguments and not self.keywords:
            return "()"
        if len(self.arguments) == 1 and not self.keywords and type(self.arguments[0]) is Generator:
            return bracket("(", self.arguments[0].inside(), ")")
        items: list[Document] = [argument.document(True) for argument in self.arguments]
        items += [(f"{name}=", value.document(True)) for name, value in self.keywords]
        return bracket("(", group(*separated(items)), ")")


@frozen
class Subscript(Link):
    """`value[index]`; an index of several is a Tuple."""

    index: Expression

    def tail(self) -> Document:
        if isinstance(self.index, Tuple) and self.index.items:
            return bracket("[", group(self.index.inside()), "]")
        return bracket("[", self.index.document(True), "]")


@frozen
class Slice(Expression):
    """`lower:upper:step`, in the index of a subscript."""

    lower: Expression | None = None
    upper: Expression | None = None
    step: Expression | None = None

    def document(self, may_break: bool) -> Document:
        bounds = [bound for bound in (self.lower, self.upper, self.step) if bound is not None]
        is_tight = all(_is_simple(bound) and "." not in flat(bound.document(False)) for bound in bounds)
        space = "" if is_tight else " "
        parts: list[Document] = [self.lower.document(True), space] if self.lower else []
        parts.append(":")
        if self.upper:
            parts += (space, self.upper.document(True))
        if self.step:
            parts += (space if self.upper else "", ":", space, self.step.document(True))
        return tuple(parts)


def expression(value: Any) -> Expression:
    """Return the code of a Python value: a number, a text, None, a tuple, a list; an expression is its own."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, tuple):
        return Tuple(tuple(map(expression, value)))
    if isinstance(value, list):
        return List(tuple(map(expression, value)))
    if isinstance(value, float) and not math.isfinite(value):
        return call("float", str(value))
    if isinstance(value, (int, float)) and math.copysign(1, value) < 0:  # also -0.0, which is not below 0
        return Unary("-", Literal(-value))
    return Literal(value)


def call(function: str | Expression, /, *arguments: Any, **keywords: Any) -> Expression:
    """Return a call of a dotted name or an expression, with Python values or expressions."""
    value = Name(function) if isinstance(function, str) else function
    named = tuple((name, expression(keyword)) for name, keyword in keywords.items())
    return Call(value, tuple(map(expression, arguments)), named)


def binary(operator: str, first: Any, *others: Any) -> Expression:
    """Return `first + other + ...`, from the left, of Python values or expressions."""
    result = expression(first)
    for other in others:
        result = Binary(result, operator, expression(other))
    return result


# When a statement puts parentheses around its expression.
NEVER, IF_IT_FITS, WHEN_IT_BREAKS = range(3)


def _wrapping(expression: Expression) -> int:
    while isinstance(expression, Unary):
        (expression,) = expression.operands()
    root, links = _unfolded(expression)
    if isinstance(expression, (Binary, Conditional)) or _is_fluent(links):
        return WHEN_IT_BREAKS
    return IF_IT_FITS if isinstance(root, (Name, Literal, FString)) else NEVER


def _breaks_well_in_brackets(expression: Expression) -> bool:
    """Whether an expression may do without parentheses, if breaking in its own brackets makes it fit.

    Not if operators of its loosest level repeat (`f(x) + g(x) + h(x)`), or if brackets neither begin nor end it.
    """
    levels: list[int] = []
    has_brackets = False
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        has_brackets |= _is_bracketed(part)
        if isinstance(part, Binary):
            levels.append(part.level)
        elif isinstance(part, Conditional):
            levels += (CONDITIONAL, CONDITIONAL)
        elif isinstance(part, Unary) and part.operator == "~":
            levels.append(SIGN)
        elif isinstance(part, Attribute) and _is_bracketed(part.operands()[0]):
            levels.append(WHOLE)
        waiting += part.operands()
    loosest = min(levels, default=WHOLE)
    if not has_brackets or levels.count(loosest) > 1:
        return False
    first = last = expression
    while first.operands() and not isinstance(first, Unary):
        first = first.operands()[0]
    while last.operands() and not isinstance(last, Link):
        last = last.operands()[-1]
    return loosest == WHOLE or _is_filled(first) or _is_filled(last)


def _is_bracketed(expression: Expression) -> bool:
    return isinstance(expression, (Call, Subscript, List, Tuple, Dict, Generator, Parenthesized))


def _is_filled(expression: Expression) -> bool:
    if isinstance(expression, Call):
        return bool(expression.arguments or expression.keywords)
    if isinstance(expression, (List, Tuple, Dict)):
        return bool(expression.items)
    return isinstance(expression, (Generator, Parenthesized))


# Statements -----------------------------------------------------------------------------------------------------------


class Statement:
    """A line or a block of code."""

    def write(self, page: Page) -> None:
        """Print it."""
        raise NotImplementedError


Body: TypeAlias = tuple[Statement, ...]


@frozen(eq=False)
class Module(Statement):
    """A whole file."""

    body: Body

    def write(self, page: Page) -> None:
        page.write_body(self.body, self)


def _as_tuple(targets: Expression | Iterable[Expression]) -> tuple[Expression, ...]:
    return (targets,) if isinstance(targets, Expression) else tuple(targets)


@frozen(eq=False)
class Assign(Statement):
    """`target = value`; several targets are `x = inputs = value`, and a single one may have an annotation."""

    targets: tuple[Expression, ...] = field(converter=_as_tuple)
    value: Expression
    annotation: Expression | None = None

    def write(self, page: Page) -> None:
        first, annotation = self.targets[0], self.annotation
        before: Document = "".join(f"{_target(target)} = " for target in self.targets)
        parts: Document = (first.document(True), " = ")
        if annotation is not None:
            before = f"{_target(first)}: {flat(annotation.document(False))} = "
            parts = (_target(first), ": ", annotation.document(True), " = ")
        if len(self.targets) == 1 and not page.fits((before, "("), False):
            before = parts
        page.write_value(before, self.value)


@frozen(eq=False)
class Return(Statement):
    """`return value`."""

    value: Expression

    def write(self, page: Page) -> None:
        if isinstance(self.value, Tuple) and len(self.value.items) > 1:
            items = _documents(self.value.items)
            if page.fits(("return ", items), False) and not must_break(items):
                page.write(f"return {flat(items)}")
                return
        page.write_value("return ", self.value)


@frozen(eq=False)
class Evaluate(Statement):
    """A call on a line of its own."""

    value: Expression

    def write(self, page: Page) -> None:
        page.write(self.value.document(False))


@frozen(eq=False)
class If(Statement):
    """`if condition: body`, `else: otherwise`; where `otherwise` is just another If, it is an `elif`."""

    condition: Expression
    body: Body
    otherwise: Body = ()

    def write(self, page: Page) -> None:
        page.write_value("if ", self.condition, ":")
        page.write_body(self.body, self)
        otherwise = self.otherwise
        while len(otherwise) == 1 and isinstance(otherwise[0], If):
            page.write_value("elif ", otherwise[0].condition, ":")
            page.write_body(otherwise[0].body, self)
            otherwise = otherwise[0].otherwise
        if otherwise:
            page.write("else:")
            page.write_body(otherwise, self)


@frozen(eq=False)
class For(Statement):
    """`for target in source: body`."""

    target: Expression
    source: Expression
    body: Body

    def write(self, page: Page) -> None:
        page.write_value(f"for {_target(self.target)} in ", self.source, ":")
        page.write_body(self.body, self)


@frozen(eq=False)
class Parameter:
    """`name: annotation = default` of a function; those `by_keyword` stand behind a `*`, after all others."""

    name: str = field(validator=_is_word)
    annotation: Expression | None = None
    default: Expression | None = None
    by_keyword: bool = False

    def document(self) -> Document:
        """Return how it is printed."""
        parts: list[Document] = [self.name]
        if self.annotation is not None:
            parts += (": ", self.annotation.document(True))
        if self.default is not None:
            parts += ("=" if self.annotation is None else " = ", self.default.document(True))
        return tuple(parts)


@frozen(eq=False)
class Function(Statement):
    """`def name(parameters) -> returns: body`."""

    name: str = field(validator=_is_word)
    parameters: tuple[Parameter, ...]
    body: Body
    returns: Expression | None = None
    decorators: tuple[Expression, ...] = ()

    def write(self, page: Page) -> None:
        _write_decorators(page, self.decorators)
        items: list[Document] = [parameter.document() for parameter in self.parameters]
        star = next((place for place, each in enumerate(self.parameters) if each.by_keyword), None)
        if star is not None:
            items.insert(star, "*")
        inside: Document = group(*separated(items))
        if len(self.parameters) == 1:
            inside = _always_comma(items)
        parts: list[Document] = [f"def {self.name}("]
        parts += (Indent((Line(), inside)), Line(), ")") if items else (")",)
        if self.returns is not None:
            returns = self.returns.document(True)
            is_wrapped = _wrapping(self.returns) == WHEN_IT_BREAKS
            parts += (" -> ", parentheses_if_broken(returns) if is_wrapped else returns)
        page.write(group(*parts, ":"))
        page.write_body(self.body, self)


@frozen(eq=False)
class Class(Statement):
    """`class name(bases): body`."""

    name: str = field(validator=_is_word)
    bases: tuple[Expression, ...]
    body: Body
    decorators: tuple[Expression, ...] = ()

    def write(self, page: Page) -> None:
        _write_decorators(page, self.decorators)
        bases = bracket("(", group(*_documents(self.bases)), ")") if self.bases else ""
        page.write((f"class {self.name}", bases, ":"))
        page.write_body(self.body, self)


def _write_decorators(page: Page, decorators: Iterable[Expression]) -> None:
    for decorator in decorators:
        page.write(("@", decorator.document(False)))


@frozen(eq=False)
class Import(Statement):
    """`import module as alias`."""

    module: str = field(validator=_are_words)
    alias: str | None = field(default=None, validator=optional(_is_word))

    def write(self, page: Page) -> None:
        page.write(f"import {self.module}{f' as {self.alias}' if self.alias else ''}")


@frozen(eq=False)
class FromImport(Statement):
    """`from module import names`; a name may be ("module", "alias")."""

    module: str = field(validator=_are_words)
    names: tuple[str | tuple[str, str], ...]

    def write(self, page: Page) -> None:
        pairs = [(name,) if isinstance(name, str) else name for name in self.names]
        names = [" as ".join(Name(word).dotted for word in pair) for pair in pairs]
        page.write((f"from {self.module} import ", parentheses_if_broken(_always_comma(names))))


@frozen(eq=False)
class Comment(Statement):
    """A comment on lines of its own; before a class or function it belongs to that."""

    text: str

    def write(self, page: Page) -> None:
        for line in self.text.splitlines():
            page.write(f"# {_as_comment(line)}".rstrip())


@frozen(eq=False)
class Docstring(Statement):
    """What a module, class or function says about itself, first in its body."""

    text: str

    def write(self, page: Page) -> None:
        first, *rest = [line.rstrip() for line in self.text.strip().expandtabs().splitlines()] or [" "]
        margin = min((len(line) - len(line.lstrip()) for line in rest if line), default=0)
        page.text.append(f'{" " * page.indent}"""{_in_docstring(first)}')
        for line in rest:
            page.text.append(f"\n{' ' * page.indent}{_in_docstring(line[margin:])}" if line else "\n")
        page.text.append(f'\n{" " * page.indent}"""\n' if rest else '"""\n')


def _in_docstring(line: str) -> str:
    could_end_it = line[:1] == '"' or line[-1:] == '"' or '"""' in line
    return _escaped(line, '"' if could_end_it else "\\")


@frozen(eq=False)
class Blank(Statement):
    """An empty line where there would be none."""


@frozen(eq=False)
class Verbatim(Statement):
    """A class or function of a module that is already printed."""

    text: str

    def write(self, page: Page) -> None:
        if page.indent:
            raise ValueError("verbatim code stands at the top of a module")
        page.text.append(self.text.strip("\n") + "\n")


def _after_comments(body: Body, position: int) -> Statement | None:
    while position < len(body) and isinstance(body[position], Comment):
        position += 1
    return body[position] if position < len(body) else None


def _blank_lines(before: Statement | None, next_one: Statement, described: Statement | None, owner: Statement) -> int:
    """Return the number of empty lines between two statements; `described` is the next one that is no comment."""
    definitions, imports = (Function, Class, Verbatim), (Import, FromImport)
    if before is None:
        return int(isinstance(owner, (If, For)) and isinstance(next_one, definitions))
    if isinstance(before, Comment):
        return 0
    if isinstance(described, definitions) or _ends_in(before, definitions):
        return 2 if isinstance(owner, Module) else 1
    if isinstance(before, Docstring):
        return 0 if isinstance(owner, Function) else 1
    return int(isinstance(before, imports) and not isinstance(next_one, imports))


def _ends_in(statement: Statement, kinds: tuple[type[Statement], ...]) -> bool:
    while isinstance(statement, (If, For)):
        body = statement.otherwise if isinstance(statement, If) and statement.otherwise else statement.body
        statement = next((last for last in reversed(body) if not isinstance(last, Blank)), Blank())
    return isinstance(statement, kinds)


def render(module: Module, width: int = WIDTH) -> str:
    """Return a module's source, with lines up to `width` where they can be broken."""
    page = Page(width)
    module.write(page)
    return "".join(page.text)


def render_expression(value: Expression) -> str:
    """Return an expression's source on one line."""
    return flat(value.document(False))


def names_in(tree: Any) -> set[str]:
    """Return the names in pieces of code, with their dots."""
    if isinstance(tree, Name):
        return {tree.dotted}
    parts = tree if isinstance(tree, (tuple, list)) else ()
    if has(type(tree)):
        parts = [getattr(tree, field.name) for field in fields(type(tree))]
    return set().union(*map(names_in, parts))
