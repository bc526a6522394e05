"""The node for each rule of the grammar, from the rule's parts; the methods have the names of the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..diagnostics import Diagnostic
from ..source import Source, Span
from . import tree
from .tokens import Token

MAX_DIGITS = 40  # of a number; sizes end at 2^63, which has 19
MAX_EXPONENT = 300

_SCALES = {"k": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}

Parts = list[Any]


class Builder:
    """Makes nodes. The parts of a rule are tokens and nodes in the order of the text, None for what was left out."""

    def __init__(self, source: Source, report: Callable[[Diagnostic], None]) -> None:
        self.source = source
        self.report = report

    # Statements

    def start(self, parts: Parts, span: Span) -> tuple[tree.Statement, ...]:
        return tuple(parts)

    def use(self, parts: Parts, span: Span) -> tree.Use:
        return tree.Use(span, self.quoted(parts[1]))

    def const(self, parts: Parts, span: Span) -> tree.Const:
        return tree.Const(span, self.word(parts[1]), parts[3])

    def block(self, parts: Parts, span: Span) -> tree.Block:
        return tree.Block(span, self.word(parts[1]), tuple(parts[2:-2]), parts[-1])

    def parameter(self, parts: Parts, span: Span) -> tree.Parameter:
        return tree.Parameter(span, self.word(parts[0]), parts[2])

    def shared(self, parts: Parts, span: Span) -> tree.Shared:
        return tree.Shared(span, self.word(parts[1]), parts[3])

    def let(self, parts: Parts, span: Span) -> tree.Let:
        return tree.Let(span, self.word(parts[1]), parts[3])

    def out(self, parts: Parts, span: Span) -> tree.Output:
        return tree.Output(span, "out", parts[1])

    def aux(self, parts: Parts, span: Span) -> tree.Output:
        return tree.Output(span, "aux", parts[1])

    def bare(self, parts: Parts, span: Span) -> tree.Output:
        return tree.Output(span, "", self.pipeline(parts, span))

    def train(self, parts: Parts, span: Span) -> tree.Train:
        return tree.Train(span, tuple(parts[1:]))

    def assert_(self, parts: Parts, span: Span) -> tree.Assert:
        return tree.Assert(span, tuple(parts[1::2]))

    # Pipelines and stages

    def pipeline(self, parts: Parts, span: Span) -> tree.Pipeline:
        return tree.Pipeline(span, tuple(parts[::2]))

    def conditional(self, parts: Parts, span: Span) -> tree.Conditional:
        return tree.Conditional(span, parts[1], parts[3], parts[5])

    def layer(self, parts: Parts, span: Span) -> tree.Layer:
        return tree.Layer(self.unlabelled(parts, span), self.word(parts[0]), tuple(parts[1:-1]), parts[-1])

    def group(self, parts: Parts, span: Span) -> tree.Group:
        return tree.Group(self.unlabelled(parts, span), parts[1], parts[4], parts[5])

    def call(self, parts: Parts, span: Span) -> tree.Call:
        close = next(place for place, part in enumerate(parts) if type(part) is Token and part.kind == "RPAR")
        items = tuple(part for part in parts[1:close] if part is not None and type(part) is not Token)
        arguments = tuple(parts[close + 1 : -1])
        return tree.Call(self.unlabelled(parts, span), self.called(parts[0]), items, arguments, parts[-1])

    def for_(self, parts: Parts, span: Span) -> tree.For:
        return tree.For(self.unlabelled(parts, span), tuple(parts[1]), parts[3], parts[5], parts[7])

    def each(self, parts: Parts, span: Span) -> tree.Each:
        return tree.Each(self.unlabelled(parts, span), tuple(parts[1]), parts[3], parts[5], parts[7])

    def names(self, parts: Parts, span: Span) -> Parts:
        return [self.word(part) for part in parts[::2]]

    def tag(self, parts: Parts, span: Span) -> tree.Name:
        return self.word(parts[1])

    # Arguments and expressions

    def keyword(self, parts: Parts, span: Span) -> tree.Keyword:
        return tree.Keyword(span, self.word(parts[0]), parts[2])

    def filters(self, parts: Parts, span: Span) -> tree.Filters:
        return tree.Filters(span, parts[0], parts[2], parts[4])

    def choose(self, parts: Parts, span: Span) -> tree.Choose:
        return tree.Choose(span, parts[1], parts[3], parts[5])

    def binary(self, parts: Parts, span: Span) -> tree.Binary:
        return tree.Binary(span, parts[1].text, parts[0], parts[2])

    def unary(self, parts: Parts, span: Span) -> tree.Unary:
        return tree.Unary(span, parts[0].text, parts[1])

    def open(self, parts: Parts, span: Span) -> tree.Open:
        return tree.Open(span)

    def name(self, parts: Parts, span: Span) -> tree.Name:
        return tree.Name(span, parts[0].text)

    def true(self, parts: Parts, span: Span) -> tree.Truth:
        return tree.Truth(span, True)

    def false(self, parts: Parts, span: Span) -> tree.Truth:
        return tree.Truth(span, False)

    def text(self, parts: Parts, span: Span) -> tree.Text:
        return self.quoted(parts[0])

    def list(self, parts: Parts, span: Span) -> tree.List:
        return tree.List(span, _listed(parts))

    def family(self, parts: Parts, span: Span) -> tree.Family:
        return tree.Family(span, _listed(parts))

    def parentheses(self, parts: Parts, span: Span) -> tree.Parentheses:
        return tree.Parentheses(span, parts[1])

    def function(self, parts: Parts, span: Span) -> tree.Function:
        return tree.Function(span, self.called(parts[0]), _listed(parts))

    def number(self, parts: Parts, span: Span) -> tree.Number | tree.Wrong:
        text = parts[0].text.replace("_", "")
        scale = _SCALES.get(text[-1])
        digits = text if scale is None else text[:-1]
        mantissa, _, exponent = digits.lower().partition("e")
        if len(digits) > MAX_DIGITS or abs(int(exponent or 0)) > MAX_EXPONENT:
            return self.too_large(span)
        if mantissa is digits or digits.isdigit():
            return tree.Number(span, int(digits) * (scale or 1))
        from fractions import Fraction

        value = Fraction(digits) * (scale or 1)
        return tree.Number(span, value.numerator if value.denominator == 1 else value)

    def dims(self, parts: Parts, span: Span) -> tree.Dims | tree.Wrong:
        sizes = parts[0].text.split("x")
        if any(size.isdigit() and len(size) > MAX_DIGITS for size in sizes):
            return self.too_large(span)
        return tree.Dims(span, tuple(None if size == "?" else int(size) if size.isdigit() else size for size in sizes))

    # Words

    def word(self, token: Token) -> tree.Name:
        """Return the name that a token is."""
        return tree.Name(Span(self.source, token.start, token.end), token.text)

    def called(self, token: Token) -> tree.Name:
        """Return the name in front of the bracket that is part of the same token."""
        return tree.Name(Span(self.source, token.start, token.end - 1), token.text[:-1])

    def quoted(self, token: Token) -> tree.Text:
        """Return the string that a token is."""
        return tree.Text(Span(self.source, token.start, token.end), token.text[1:-1])

    def unlabelled(self, parts: Parts, span: Span) -> Span:
        """Return the span up to the label, which is the last part."""
        if parts[-1] is None:
            return span
        last = next(part for part in parts[-2::-1] if part is not None)
        return Span(self.source, span.start, last.end if type(last) is Token else last.span.end)

    def too_large(self, span: Span) -> tree.Wrong:
        """Report a number that is too long to be meant."""
        self.report(Diagnostic("E026", "this number is too long to be read", span, help="sizes end at 2^63"))
        return tree.Wrong(span)


def _listed(parts: Parts) -> tuple[tree.Expression, ...]:
    """Return what stands between brackets, without the commas."""
    return tuple(part for part in parts[1:-1] if part is not None and type(part) is not Token)
