"""The printer of Python code: what it prints means the tree, and `ruff format` leaves it as it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netdsl.emit.code import (
    Assign,
    Attribute,
    Binary,
    Blank,
    Call,
    Class,
    Comment,
    Commented,
    Conditional,
    Dict,
    Docstring,
    Evaluate,
    Expression,
    For,
    FromImport,
    FString,
    Function,
    Generator,
    If,
    Import,
    Lambda,
    List,
    ListComprehension,
    Literal,
    Module,
    Name,
    Parameter,
    Return,
    Slice,
    Starred,
    Statement,
    Subscript,
    Tuple,
    Unary,
    Verbatim,
    binary,
    call,
    expression,
    render,
    render_expression,
)

x, c, stride, in_channels = map(Name, ("x", "c", "stride", "in_channels"))


def conv(*arguments: Any, **keywords: Any) -> Expression:
    return call("nn.Conv2d", *arguments, bias=False, **keywords)


def repeated(item: Expression, times: int) -> Expression:
    return Starred(Generator(item, Name("_"), call("range", times)))


# The examples of the design ------------------------------------------------------------------------------------------

FOUR = binary("*", 4, c)
INIT = Evaluate(call(Attribute(call("super"), "__init__")))
TENSOR, NONE = Name("Tensor"), expression(None)

PYTORCH = Module(
    (
        Import("torch.nn.functional", "F"),
        FromImport("torch", ("Tensor", "nn")),
        Class(
            "Bottleneck",
            (Name("nn.Module"),),
            (
                Function(
                    "__init__",
                    (
                        Parameter("self"),
                        Parameter("in_channels", Name("int")),
                        Parameter("c", Name("int")),
                        Parameter("stride", Name("int"), expression(1)),
                    ),
                    (
                        INIT,
                        Assign(
                            Name("self.main"),
                            call(
                                "nn.Sequential",
                                conv(in_channels, c, 1),
                                call("nn.BatchNorm2d", c),
                                call("nn.ReLU"),
                                call("nn.Conv2d", c, c, 3, stride=stride, padding=1, bias=False),
                                call("nn.BatchNorm2d", c),
                                call("nn.ReLU"),
                                conv(c, FOUR, 1),
                                call("nn.BatchNorm2d", FOUR),
                            ),
                        ),
                        Assign(
                            Name("self.shortcut"),
                            Conditional(
                                call("nn.Identity"),
                                binary("and", binary("==", in_channels, FOUR), binary("==", stride, 1)),
                                call(
                                    "nn.Sequential",
                                    call("nn.Conv2d", in_channels, FOUR, 1, stride=stride, bias=False),
                                    call("nn.BatchNorm2d", FOUR),
                                ),
                            ),
                        ),
                    ),
                    NONE,
                ),
                Function(
                    "forward",
                    (Parameter("self"), Parameter("x", TENSOR)),
                    (Return(call("F.relu", binary("+", call("self.main", x), call("self.shortcut", x)))),),
                    TENSOR,
                ),
            ),
        ),
        Class(
            "Resnet50b",
            (Name("nn.Module"),),
            (
                Function(
                    "__init__",
                    (Parameter("self"),),
                    (
                        INIT,
                        Assign(
                            Name("self.stem"),
                            call(
                                "nn.Sequential",
                                call("nn.Conv2d", 3, 64, 7, stride=2, padding=3, bias=False),
                                call("nn.BatchNorm2d", 64),
                                call("nn.ReLU"),
                                call("nn.MaxPool2d", 3, stride=2, padding=1),
                            ),
                        ),
                        Assign(
                            Name("self.stage_1"),
                            call("nn.Sequential", call("Bottleneck", 64, 64), repeated(call("Bottleneck", 256, 64), 2)),
                        ),
                        *(
                            Assign(
                                Name(f"self.stage_{stage}"),
                                call(
                                    "nn.Sequential",
                                    call("Bottleneck", 2 * wide, wide, stride=2),
                                    repeated(call("Bottleneck", 4 * wide, wide), times),
                                ),
                            )
                            for stage, wide, times in ((2, 128, 3), (3, 256, 5), (4, 512, 2))
                        ),
                        Assign(Name("self.head"), call("nn.Linear", 2048, 1000)),
                    ),
                    NONE,
                ),
                Function(
                    "forward",
                    (Parameter("self"), Parameter("x", TENSOR)),
                    (
                        Assign(x, call("self.stem", x)),
                        *(Assign(x, call(f"self.stage_{stage}", x)) for stage in (1, 2, 3)),
                        Assign(x, call(Attribute(call("self.stage_4", x), "mean"), (-2, -1))),
                        Assign(Name("head"), call("self.head", x)),
                        Return(Name("head")),
                    ),
                    TENSOR,
                ),
            ),
        ),
    )
)

PYTORCH_TEXT = """\
import torch.nn.functional as F
from torch import Tensor, nn


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(in_channels, c, 1, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU(),
            nn.Conv2d(c, c, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU(),
            nn.Conv2d(c, 4 * c, 1, bias=False),
            nn.BatchNorm2d(4 * c),
        )
        self.shortcut = (
            nn.Identity()
            if in_channels == 4 * c and stride == 1
            else nn.Sequential(
                nn.Conv2d(in_channels, 4 * c, 1, stride=stride, bias=False), nn.BatchNorm2d(4 * c)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.main(x) + self.shortcut(x))


class Resnet50b(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage_1 = nn.Sequential(Bottleneck(64, 64), *(Bottleneck(256, 64) for _ in range(2)))
        self.stage_2 = nn.Sequential(
            Bottleneck(256, 128, stride=2), *(Bottleneck(512, 128) for _ in range(3))
        )
        self.stage_3 = nn.Sequential(
            Bottleneck(512, 256, stride=2), *(Bottleneck(1024, 256) for _ in range(5))
        )
        self.stage_4 = nn.Sequential(
            Bottleneck(1024, 512, stride=2), *(Bottleneck(2048, 512) for _ in range(2))
        )
        self.head = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.stage_1(x)
        x = self.stage_2(x)
        x = self.stage_3(x)
        x = self.stage_4(x).mean((-2, -1))
        head = self.head(x)
        return head
"""


def test_design_pytorch() -> None:
    assert render(PYTORCH, width=100) == PYTORCH_TEXT


def test_design_keras() -> None:
    y = Name("y")

    def layer(name: str, value: Expression, *arguments: Any, to: Expression | None = None, **keywords: Any) -> Assign:
        return Assign(to or value, call(call(f"layers.{name}", *arguments, **keywords), value))

    def norm(value: Expression) -> Assign:
        return layer("BatchNormalization", value, momentum=0.9, epsilon=1e-5)

    block = Function(
        "bottleneck",
        (Parameter("x"), Parameter("c"), Parameter("stride", None, expression(1))),
        (
            Assign(in_channels, Subscript(Name("x.shape"), expression(-1))),
            layer("Conv2D", x, c, 1, to=y, use_bias=False),
            norm(y),
            Assign(y, call("ops.relu", y)),
            If(
                binary("or", binary("!=", in_channels, FOUR), binary("!=", stride, 1)),
                (layer("Conv2D", x, FOUR, 1, strides=stride, use_bias=False), norm(x)),
            ),
            Assign(x, binary("+", y, x)),
            Return(call("ops.relu", x)),
        ),
    )
    model = Function(
        "resnet50b",
        (),
        (
            Assign((x, Name("inputs")), call("keras.Input", (224, 224, 3))),
            Assign(x, call("ops.pad", x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-float("inf"))),
            For(Name("_"), call("range", 2), (Assign(x, call("bottleneck", x, 64)),)),
            Return(call("keras.Model", Name("inputs"), x)),
        ),
        Name("keras.Model"),
    )
    assert (
        render(Module((Import("keras"), FromImport("keras", ("layers", "ops")), block, model)))
        == """\
import keras
from keras import layers, ops


def bottleneck(x, c, stride=1):
    in_channels = x.shape[-1]
    y = layers.Conv2D(c, 1, use_bias=False)(x)
    y = layers.BatchNormalization(momentum=0.9, epsilon=1e-05)(y)
    y = ops.relu(y)
    if in_channels != 4 * c or stride != 1:
        x = layers.Conv2D(4 * c, 1, strides=stride, use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-05)(x)
    x = y + x
    return ops.relu(x)


def resnet50b() -> keras.Model:
    x = inputs = keras.Input((224, 224, 3))
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=float("-inf"))
    for _ in range(2):
        x = bottleneck(x, 64)
    return keras.Model(inputs, x)
"""
    )


# One example of each -------------------------------------------------------------------------------------------------

LONG = Name("a_name_of_thirty_characters_ab")

EXPRESSIONS = [
    (Name("nn.Conv2d"), "nn.Conv2d"),
    (Attribute(expression(1), "real"), "(1).real"),
    (expression(1e-5), "1e-05"),
    (expression(1e16), "1e16"),
    (expression(-1), "-1"),
    (expression(-0.0), "-0.0"),
    (expression(float("inf")), 'float("inf")'),
    (expression([1, (2,), (), None, True]), "[1, (2,), (), None, True]"),
    (expression("it's"), '"it\'s"'),
    (expression('say "x"'), "'say \"x\"'"),
    (expression("\"'\\\n\x00\u2028é"), '"\\"\'\\\\\\n\\x00\\u2028é"'),
    (FString(("{stage}_", binary("+", x, 1))), 'f"{{stage}}_{x + 1}"'),
    (Unary("-", Unary("not", x)), "-(not x)"),
    (Unary("-", binary("**", x, 2)), "-(x**2)"),
    (binary("**", Unary("-", x), 2), "(-x) ** 2"),
    (binary("**", call("f", x), 2), "f(x) ** 2"),
    (binary("-", x, binary("-", c, 1), 2), "x - (c - 1) - 2"),
    (binary("and", x, binary("and", c, 1)), "x and c and 1"),
    (binary("==", binary("==", x, c), 1), "(x == c) == 1"),
    (Conditional(Conditional(x, c, x), c, Conditional(x, c, x)), "(x if c else x) if c else x if c else x"),
    (call("f", Lambda((x,), binary("*", x, 2)), c), "f(lambda x: x * 2, c)"),
    (call("f", Generator(x, x, c)), "f(x for x in c)"),
    (call("f", Starred(Generator(x, Tuple((x, c)), c, x)), 1), "f(*(x for x, c in c if x), 1)"),
    (ListComprehension(x, x, c, Conditional(x, c, x)), "[x for x in c if (x if c else x)]"),
    (Dict(((expression("x"), x),)), '{"x": x}'),
    (Subscript(x, Slice(None, binary("-", c, 1))), "x[: c - 1]"),
    (Subscript(x, Tuple((Slice(), Slice(c, None), Slice(step=expression(2))))), "x[:, c:, ::2]"),
    (Subscript(x, Tuple((Slice(Name("a.b"), Name("c.d")), c))), "x[a.b : c.d, c]"),
    (Subscript(x, Tuple((c,))), "x[c,]"),
    (call(call("layers.Conv2D", 64, 7, strides=2), x), "layers.Conv2D(64, 7, strides=2)(x)"),
]


@pytest.mark.parametrize("tree, text", EXPRESSIONS, ids=[text for _, text in EXPRESSIONS])
def test_expression(tree: Expression, text: str) -> None:
    assert render_expression(tree) == text


STATEMENTS: list[tuple[Statement, str]] = [
    # a call breaks in its brackets: first with all arguments on a line, then with one on each
    (Assign(x, call("f", LONG, LONG)), "x = f(\n    {0}, {0}\n)"),
    (Assign(x, call("f", LONG, LONG, LONG)), "x = f(\n    {0},\n    {0},\n    {0},\n)"),
    (Assign(x, call(call("f", LONG, LONG), x)), "x = f(\n    {0}, {0}\n)(x)"),
    # a list or tuple always has one on each
    (Assign(x, List((LONG, LONG))), "x = [\n    {0},\n    {0},\n]"),
    # operators: one break in a bracket at the end looks better than parentheses, two do not
    (Assign(x, binary("+", call("f", LONG), call("g", LONG))), "x = f({0}) + g(\n    {0}\n)"),
    (Assign(x, binary("+", LONG, call("g", x), LONG)), "x = (\n    {0}\n    + g(x)\n    + {0}\n)"),
    # parentheses around a word, only if it fits then; its comment goes along
    (Assign(LONG, Name("self." + LONG.dotted)), "{0} = (\n    self.{0}\n)"),
    (Assign(LONG, Commented(LONG, "C")), "{0} = (\n    {0}  # C\n)"),
    (Assign(LONG, Name(3 * LONG.dotted)), "{0} = {0}{0}{0}"),
    # a chain of methods has a line for each, behind the first call
    (
        Assign(x, call(Attribute(call(Attribute(call("f", LONG), "view"), LONG), "mean"), 1)),
        "x = (\n    f({0})\n    .view({0})\n    .mean(1)\n)",
    ),
    # comments: behind a statement, and behind an item, which then has a line of its own
    (Return(Commented(call("f", x), "64x28x28\n")), "return f(x)  # 64x28x28"),
    (Assign(x, call("f", Commented(x, "64"), c)), "x = f(\n    x,  # 64\n    c,\n)"),
    (Comment("one\n\n  two"), "# one\n#\n# two"),
    # tuples without parentheses
    (Assign(Tuple((x, c)), call("f", x)), "x, c = f(x)"),
    (Return(Tuple((x, c))), "return x, c"),
    (Return(Tuple((LONG, LONG))), "return (\n    {0},\n    {0},\n)"),
    (For(Tuple((x, c)), x, ()), "for x, c in x:\n    pass"),
    (Assign((x, c), expression(1)), "x = c = 1"),
    (Assign(x, Tuple((c, c)), Name("tuple")), "x: tuple = (c, c)"),
    (
        If(x, (Return(x),), (If(c, (Return(c),), (If(x, ()), Return(x))),)),
        "if x:\n    return x\nelif c:\n    return c\nelse:\n    if x:\n        pass\n    return x",
    ),
    (
        Function("f", (Parameter("self"), Parameter("x", Name("int"), expression(1), True)), (), NONE, (Name("d"),)),
        "@d\ndef f(self, *, x: int = 1) -> None:\n    pass",
    ),
    (Function("f", (Parameter("x", LONG, LONG),), ()), "def f(\n    x: {0} = {0},\n):\n    pass"),
    (
        Class("A", (), (Docstring("One.\n\n  two\n    three\n"),)),
        'class A:\n    """One.\n\n    two\n      three\n    """',
    ),
    (Class("A", (LONG, LONG), ()), "class A(\n    {0}, {0}\n):\n    pass"),
    (FromImport("a", ("b", ("c", "d"))), "from a import b, c as d"),
    (FromImport("a", (LONG.dotted, LONG.dotted)), "from a import (\n    {0},\n    {0},\n)"),
    (Verbatim("\nclass A:  # as it is\n    x=1\n\n"), "class A:  # as it is\n    x=1"),
]


@pytest.mark.parametrize("statement, text", STATEMENTS, ids=[text for _, text in STATEMENTS])
def test_statement(statement: Statement, text: str) -> None:
    assert render(Module((statement,)), width=66) == text.replace("{0}", LONG.dotted) + "\n"


def test_empty_lines() -> None:
    method = Function("f", (), (Docstring("Say."), Import("math"), Comment("here"), Return(x)))
    body = (Docstring("Say."), Assign(x, c), Comment("of f"), method, Assign(x, c), Blank(), Assign(x, c))
    module = (Docstring("Say."), Import("math"), Blank(), Import("keras"), Comment("of x"), Assign(x, c))
    after = (Comment("of A"), Class("A", (), body), Comment("last"), If(x, (method,)), Assign(x, c))
    assert (
        render(Module((*module, *after)))
        == '''\
"""Say."""

import math

import keras

# of x
x = c


# of A
class A:
    """Say."""

    x = c

    # of f
    def f():
        """Say."""
        import math

        # here
        return x

    x = c

    x = c


# last
if x:

    def f():
        """Say."""
        import math

        # here
        return x


x = c
'''
    )


# What is printed means the tree --------------------------------------------------------------------------------------

NAMES = st.sampled_from(["x", "c", "in_channels", "self.features", "nn.BatchNorm2d", "attention_weights"]).map(Name)
VALUES = st.one_of(
    st.integers(-3, 2048),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=12),
    st.sampled_from(["same", "relu", "it's", 'say "x"', "a\\b\n", "\U0001f600\x7f"]),
).map(expression)
BINARY = {
    **{"Or": "or", "And": "and", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!="},
    **{"Is": "is", "IsNot": "is not", "In": "in", "NotIn": "not in", "Add": "+", "Sub": "-", "Mult": "*"},
    **{"MatMult": "@", "Div": "/", "FloorDiv": "//", "Mod": "%", "Pow": "**", "BitOr": "|", "BitXor": "^"},
    **{"BitAnd": "&", "LShift": "<<", "RShift": ">>"},
}
UNARY = {"USub": "-", "UAdd": "+", "Invert": "~", "Not": "not"}


def _calls(of: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    functions = st.one_of(NAMES, st.builds(Attribute, of, st.sampled_from(["mean", "shape"])), of)
    arguments = st.lists(st.one_of(of, of, of, of.map(Starred)), max_size=3).map(tuple)
    words = st.sampled_from(["stride", "padding", "bias"])
    keywords = st.dictionaries(words, of, max_size=2).map(lambda named: tuple(named.items()))
    return st.one_of(st.builds(Call, functions, arguments, keywords), st.builds(Call, NAMES, arguments, keywords))


def _larger(of: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    bounds = st.one_of(st.none(), NAMES, st.builds(Binary, NAMES, st.just("+"), NAMES), _calls(of))
    slices = st.builds(Slice, bounds, bounds, bounds)
    targets = st.sampled_from([x, Tuple((x, c))])
    return st.one_of(
        _calls(of),
        st.builds(Binary, of, st.sampled_from(list(BINARY.values())), of),
        st.builds(
            lambda operator, items: binary(operator, *items),
            st.sampled_from(["+", "and"]),
            st.lists(of, min_size=3, max_size=4),
        ),
        st.builds(Unary, st.sampled_from(list(UNARY.values())), of),
        st.builds(Conditional, of, of, of),
        st.builds(Lambda, st.sampled_from([(), (x,), (x, c)]), of),
        st.builds(Attribute, of, st.sampled_from(["mean", "shape"])),
        st.builds(
            Subscript, of, st.one_of(of, slices, st.lists(st.one_of(slices, of), max_size=3).map(tuple).map(Tuple))
        ),
        st.lists(st.one_of(of, of.map(Starred)), max_size=3).map(tuple).map(List),
        st.lists(of, max_size=3).map(tuple).map(Tuple),
        st.lists(st.tuples(of, of), max_size=2).map(tuple).map(Dict),
        st.builds(Generator, of, targets, of, st.one_of(st.none(), of)),
        st.builds(ListComprehension, of, targets, of, st.one_of(st.none(), of)),
    )


TREES = st.recursive(st.one_of(NAMES, VALUES), _larger, max_leaves=12)


def meaning(tree: Expression | None) -> Any:
    """The tree as plain data; chains of `and` and of `or` are flat, as Python has them."""
    match tree:
        case None:
            return None
        case Name(dotted):
            first, *rest = dotted.split(".")
            result: Any = ("name", first)
            for word in rest:
                result = ("attribute", result, word)
            return result
        case Literal(value):
            return ("literal", repr(value))
        case Unary(operator, operand):
            return (operator, meaning(operand))
        case Binary(left, ("and" | "or") as operator, right):
            sides = [meaning(left), meaning(right)]
            return (operator, *(part for side in sides for part in (side[1:] if side[0] == operator else (side,))))
        case Binary(left, operator, right):
            return (operator, meaning(left), meaning(right))
        case Conditional(value, condition, otherwise):
            return ("if", meaning(value), meaning(condition), meaning(otherwise))
        case Lambda(parameters, body):
            return ("lambda", [parameter.dotted for parameter in parameters], meaning(body))
        case Starred(inside):
            return ("*", meaning(inside))
        case Generator(item, target, source, condition):
            return (type(tree).__name__, *map(meaning, (item, target, source, condition)))
        case List(items) | Tuple(items):
            return (type(tree).__name__, *map(meaning, items))
        case Dict(items):
            return ("dict", *((meaning(key), meaning(value)) for key, value in items))
        case Attribute(value, word):
            return ("attribute", meaning(value), word)
        case Call(value, arguments, keywords):
            named = [(word, meaning(each)) for word, each in keywords]
            return ("call", meaning(value), [meaning(argument) for argument in arguments], named)
        case Subscript(value, index):
            return ("subscript", meaning(value), meaning(index))
        case Slice(lower, upper, step):
            return ("slice", meaning(lower), meaning(upper), meaning(step))
    raise TypeError(tree)


def parsed(node: ast.AST | None) -> Any:
    """The same of what Python has parsed."""

    def symbol(operator: ast.AST) -> str:
        return {**BINARY, **UNARY}[type(operator).__name__]

    match node:
        case None:
            return None
        case ast.Name(word):
            return ("name", word)
        case ast.Constant(value):
            return ("literal", repr(value))
        case ast.UnaryOp(operator, operand):
            return (symbol(operator), parsed(operand))
        case ast.BoolOp(operator, values):
            return (symbol(operator), *map(parsed, values))
        case ast.BinOp(left, operator, right):
            return (symbol(operator), parsed(left), parsed(right))
        case ast.Compare(left, [operator], [right]):
            return (symbol(operator), parsed(left), parsed(right))
        case ast.IfExp(condition, value, otherwise):
            return ("if", parsed(value), parsed(condition), parsed(otherwise))
        case ast.Lambda(arguments, body):
            return ("lambda", [each.arg for each in arguments.args], parsed(body))
        case ast.Starred(inside):
            return ("*", parsed(inside))
        case ast.GeneratorExp(item, [each]) | ast.ListComp(item, [each]):
            kind = "Generator" if isinstance(node, ast.GeneratorExp) else "ListComprehension"
            return (kind, *map(parsed, (item, each.target, each.iter)), parsed(each.ifs[0]) if each.ifs else None)
        case ast.List(items) | ast.Tuple(items):
            return (type(node).__name__, *map(parsed, items))
        case ast.Dict(keys, values):
            return ("dict", *((parsed(key), parsed(value)) for key, value in zip(keys, values, strict=True)))
        case ast.Attribute(value, word):
            return ("attribute", parsed(value), word)
        case ast.Call(value, arguments, keywords):
            named = [(str(each.arg), parsed(each.value)) for each in keywords]
            return ("call", parsed(value), [parsed(argument) for argument in arguments], named)
        case ast.Subscript(value, index):
            return ("subscript", parsed(value), parsed(index))
        case ast.Slice(lower, upper, step):
            return ("slice", parsed(lower), parsed(upper), parsed(step))
    raise TypeError(ast.dump(node))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.sampled_from([20, 88]))
def test_means_the_tree(tree: Expression, width: int) -> None:
    assert parsed(ast.parse(render_expression(tree), mode="eval").body) == meaning(tree)
    (statement,) = ast.parse(render(Module((Assign(x, tree),)), width)).body
    assert isinstance(statement, ast.Assign) and parsed(statement.value) == meaning(tree)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    assert ast.literal_eval(render_expression(Literal(text))) == text
    assert eval(render_expression(FString((text, Literal(1), text)))) == f"{text}1{text}"
    body = (Docstring(text), Comment(text), Return(Commented(x, text)))
    (function,) = ast.parse(render(Module((Comment(text), Function("f", (), body))))).body
    assert isinstance(function, ast.FunctionDef) and len(function.body) == 2
    said = (ast.get_docstring(function) or "").split()
    assert said == text.split() or any(not letter.isprintable() for letter in text)


@pytest.mark.parametrize("word", ["", "a b", "a.", "1a", "lambda", "x)", "None"])
def test_no_other_names(word: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        Name(word)
    with pytest.raises(ValueError, match="not a name"):
        Attribute(x, word)
    with pytest.raises(ValueError, match="not a name"):
        call("f", **{word: 1})


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan"), object(), (1,)])
def test_no_other_literals(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        Literal(value)


def test_what_has_no_place() -> None:
    with pytest.raises(ValueError, match="f-string"):
        render_expression(FString((expression("a"),)))
    with pytest.raises(ValueError, match="no room"):
        render_expression(Commented(x, "why"))
    with pytest.raises(ValueError, match="top of a module"):
        render(Module((If(x, (Verbatim("class A: ..."),)),)))
    with pytest.raises(ValueError, match="operator"):
        Binary(x, "+ 1 +", c)
    with pytest.raises(ValueError, match="operator"):
        Unary("- -", c)


def test_literals_are_different_code() -> None:
    assert len({expression(1), expression(1.0), expression(True)}) == 3
    assert call("f", 1) == call("f", 1) != call("f", 1.0)


def test_large() -> None:
    layers = [call("nn.Conv2d", count, count, 3, padding=1) for count in range(1, 5001)]
    lines = render(Module((Assign(x, call("nn.Sequential", *layers)),))).splitlines()
    assert len(lines) == 5002
    assert len(render(Module((Assign(x, binary("+", *range(5000))),))).splitlines()) == 5002
    assert len(render(Module((Assign(x, c),) * 5000)).splitlines()) == 5000


# ruff format leaves it ------------------------------------------------------------------------------------------------

# Left out is what networks do not need and ruff prints in ways of its own: `x** y` inside of other broken operators,
# two subscripts in a row, a lambda whose body begins beyond the width, comments in the brackets of a sum with a slice.
WORDS = st.sampled_from(
    ["x", "c", "nn", "stride", "in_channels", "self.features", "nn.BatchNorm2d", "attention_weights"]
)
PLAIN = st.sampled_from([0, 1, 64, 1024, 0.5, 1e-5, -1, -0.25, True, None, float("-inf"), "same", 'say "x"', "it's"])
SMALL = st.one_of(WORDS.map(Name), WORDS.map(Name), PLAIN.map(expression), st.just(FString(("stage_", x))))
NOTES = st.sampled_from(["64x56x56", "a comment of more than a few words"])


def _common(of: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    items = st.lists(of, max_size=4).map(tuple)
    keywords = st.dictionaries(st.sampled_from(["stride", "padding", "bias"]), of, max_size=2)
    calls = st.builds(Call, WORDS.map(Name), items, keywords.map(lambda named: tuple(named.items())))
    operators = st.sampled_from(["+", "-", "*", "//", "@", "==", "<", "in", "not in", "and", "or", "|"])
    methods = st.builds(Attribute, of, st.sampled_from(["mean", "flatten", "shape"]))
    bounds = st.one_of(st.none(), WORDS.map(Name), st.builds(Binary, WORDS.map(Name), st.just("+"), SMALL))
    index = st.one_of(SMALL, st.builds(lambda bound, other: Tuple((Slice(), Slice(bound, other))), bounds, bounds))
    targets = st.sampled_from([Name("_"), Tuple((x, c))])
    return st.one_of(
        calls,
        calls,
        st.builds(Call, st.one_of(calls, methods), items),
        methods,
        st.builds(Binary, of, operators, of),
        st.builds(lambda operator, values: binary(operator, *values), operators, st.lists(of, min_size=3, max_size=4)),
        st.builds(Unary, st.sampled_from(["-", "not"]), of),
        st.builds(Conditional, of, of, of),
        st.builds(Subscript, st.one_of(calls, WORDS.map(Name)), index),
        items.map(List),
        items.map(Tuple),
        st.lists(st.tuples(SMALL, of), max_size=3).map(tuple).map(Dict),
        st.builds(lambda *parts: Call(Name("f"), (Starred(Generator(*parts)), x)), of, targets, of),
        st.builds(lambda *parts: Call(Name("sum"), (Generator(*parts),)), of, targets, of, st.one_of(st.none(), of)),
        st.builds(ListComprehension, of, targets, of),
    )


COMMON = st.recursive(SMALL, _common, max_leaves=20)
NOTED = st.builds(Commented, COMMON, NOTES)
SEQUENTIAL = st.lists(st.one_of(COMMON, NOTED), min_size=1, max_size=4).map(
    lambda items: Call(Name("nn.Sequential"), tuple(items))
)
TARGETS = st.sampled_from([x, Name("self.a_long_name_of_a_module"), Tuple((x, c))])
ANNOTATIONS = st.one_of(
    WORDS.map(Name), st.lists(WORDS.map(Name), min_size=2, max_size=6).map(lambda w: Subscript(c, Tuple(tuple(w))))
)
SIMPLE: st.SearchStrategy[Statement] = st.one_of(
    st.builds(Assign, TARGETS, st.one_of(COMMON, COMMON, NOTED, SEQUENTIAL)),
    st.builds(Assign, st.sampled_from([Subscript(x, c), (x, Name("inputs"))]), COMMON),
    st.builds(Assign, st.just(x), COMMON, WORDS.map(Name)),
    st.builds(Return, st.one_of(COMMON, NOTED)),
    st.builds(lambda value: Evaluate(call("self.add", value)), COMMON),
    st.builds(Comment, NOTES),
    st.sampled_from(
        [Blank(), Import("math"), FromImport("a_module.of_ours", ("one_function", "another_one", "a_third_one"))]
    ),
)


def _blocks(of: st.SearchStrategy[Statement]) -> st.SearchStrategy[Statement]:
    bodies = st.lists(of, max_size=3).map(tuple)
    documented = st.builds(
        lambda docstring, body: (*docstring, *body), st.sampled_from([(), (Docstring("A.\n\nB."),)]), bodies
    )
    parameters = st.builds(
        lambda plain, defaults, by_keyword: (
            *(Parameter(f"p_{place}", each) for place, each in enumerate(plain)),
            *(Parameter(f"default_{place}", each, one) for place, (each, one) in enumerate(defaults)),
            *(Parameter(f"keyword_{place}", each, one, True) for place, (each, one) in enumerate(by_keyword)),
        ),
        st.lists(st.one_of(st.none(), ANNOTATIONS), max_size=3),
        st.lists(st.tuples(st.one_of(st.none(), ANNOTATIONS), SMALL), max_size=2),
        st.lists(st.tuples(st.one_of(st.none(), ANNOTATIONS), st.one_of(st.none(), SMALL)), max_size=2),
    )
    decorators = st.sampled_from([(), (), (call("keras.saving.register", package="p"),)])
    return st.one_of(
        st.builds(
            If, COMMON, bodies, st.one_of(bodies, st.builds(If, COMMON, bodies, bodies).map(lambda other: (other,)))
        ),
        st.builds(For, st.sampled_from([x, Tuple((x, c))]), COMMON, bodies),
        st.builds(Function, st.just("f"), parameters, documented, st.one_of(st.none(), ANNOTATIONS), decorators),
        st.builds(
            Class,
            st.just("A"),
            st.lists(SMALL.filter(lambda each: isinstance(each, Name)), max_size=4).map(tuple),
            documented,
            decorators,
        ),
    )


BLOCKS = st.recursive(SIMPLE, _blocks, max_leaves=6)
IN_FUNCTION = st.lists(BLOCKS, min_size=1, max_size=3).map(
    lambda body: Module(
        (Docstring("A."), Function("f", (Parameter("self"),), tuple(body)), Comment("of A"), Class("A", (), ()))
    )
)


def left_by_ruff(folder: Path, width: int) -> str:
    """What ruff would change in the files of a folder."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--isolated",
        "--no-cache",
        "--diff",
        "--target-version",
        "py311",
    ]
    done = subprocess.run([*command, "--line-length", str(width), str(folder)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize("width", [60, 88])
def test_ruff_leaves_it(tmp_path: Path, width: int) -> None:
    printed = {render(PYTORCH, width)} | {render(Module((statement,)), width) for statement, _ in STATEMENTS[:-1]}
    printed |= {f"x = {render_expression(tree)}\n" for tree, text in EXPRESSIONS if len(text) < 56}

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(IN_FUNCTION)
    def collect(module: Module) -> None:
        printed.add(render(module, width))

    collect()
    for number, text in enumerate(sorted(printed)):
        (tmp_path / f"{number}.py").write_text(text)
    assert left_by_ruff(tmp_path, width) == ""
