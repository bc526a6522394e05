"""Text to tree: what can be written, what nodes it makes and where they stand, and what is said of wrong texts.

The files cases/errors/syntax_*.net stand beside exactly the messages that they get; `NETDSL_UPDATE=1 pytest
tests/test_parser.py` writes those anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import golden
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work import measured

from netdsl.diagnostics import Diagnostic, render
from netdsl.source import Source, Span
from netdsl.syntax import tree
from netdsl.syntax.build_tables import TABLES, read_grammar, tables
from netdsl.syntax.mistakes import EXAMPLES
from netdsl.syntax.parser import MAX_DEPTH, MAX_MISTAKES, MAX_NESTING, MAX_TEXT, parse
from netdsl.syntax.tables import RESERVED

CASES = {path.stem: path for path in sorted((Path(__file__).parent / "cases" / "errors").glob("syntax_*.net"))}

PROGRAMS = (
    "",
    "# nothing but a comment",
    "in 784 | dense 10",
    "in 100x100x1 | conv 60@7x7 valid | conv 100@5x5 | pool 2 weighted | dense 250 | dense 200 | dense 1",
    'use "std/resnet" use "../blocks.net"',
    "const growth = 32 const widths = [64, 128, 256] const act = {relu, gelu} const big = 5M",
    "const half = 0.5 const small = 1e-3 const grouped = 10_000 const scaled = 1.5k const deep = not true",
    "block cbr c k=3 s=1: conv c@k/s centered nobias | bn | relu",
    "block none: id block signed a=-1 b=(2*a) d=[1, -1] e=min(a, b): slice a b",
    "shared tower: conv 32@3 | relu | pool global avg\nlet left = in 28x28x1 | tower\nlet right = in 28x28x1 | tower\n"
    "out concat(left, right) | dense 1 as same\naux left | dense 10 as helper",
    "in Tx80 as speech | lstm 64 seq | reshape ?x64 | slice 0 -1 | take [0, 2] axis=-1",
    "in ?x?x3 | conv 8@[5, 20] | conv 8@5x20/[1, 2] | pool k/s | conv 4*c@(k + 1)/2 | pool 2 window=3/2",
    "train loss=cross_entropy_logits target=32x32x1 output=same optimizer=adam rate=1e-3",
    "assert params <= 5M, macs <= 600M and memory < 2G or not (flops != 2*macs)",
    "in 8x8x8 | (conv 8@3 same | relu) * 3 as body | (relu) * (n - 1) | (id)",
    "in 8x8x8 | add(id, conv 8@1) | concat(each k in [1, 3, 5] (conv 16@k same) as parts, id, axis=-1,) | relu",
    "in 8x8x8 | residual(conv c@3 | relu) when=(s == 1 and c == channels) | freeze(conv 8@3) as cold",
    "in 16x64 | attention(left, right | ln) 8 head_dim=64 causal | moe(linear 8 | relu) experts=4 top=2 as wide",
    "in 8 | for c, n in [[64, 3], [128, 4]] ((unit c) * n) as stage | for i in range(12) (unit i)",
    "block down c s=2: if s > 1 and c != channels then conv c@1/s else if s == 1 then id else (pool 2 | conv c@1)",
    "block pick c: (if c > 8 then conv c@3 else id) | dense (if c > 8 then c//2 else -c) | dense {c, 2*c}",
    "in 8 | dense max(channels // 2, 1) | scale divisible(1.5*c, 8) | dropout 1/10 | bn noscale=(a < b) same",
    "out param 1x64 init=normal frozen as token in 4 int | embed 8 vocab=100",
    "in 1x2x3\r\n| relu\t# a comment\r\n\f| relu # the end",
    "\ufeffin 784 | dense 10",
)

TREES = {
    "in 8": "Output('', Pipeline((Layer(Name('in'), (Number(8),), None),)))",
    "out x as y": "Output('out', Pipeline((Layer(Name('x'), (), Name('y')),)))",
    "const a = 5M": "Const(Name('a'), Number(5000000))",
    "const a = 1.5k": "Const(Name('a'), Number(1500))",
    "const a = 0.25": "Const(Name('a'), Number(Fraction(1, 4)))",
    "const a = 2e-2": "Const(Name('a'), Number(Fraction(1, 50)))",
    "const a = Hx?x3": "Const(Name('a'), Dims(('H', None, 3)))",
    "const a = ?": "Const(Name('a'), Open())",
    "const a = [true, -b]": "Const(Name('a'), List((Truth(True), Unary('-', Name('b')))))",
    "const a = []": "Const(Name('a'), List(()))",
    "const a = {b, c}": "Const(Name('a'), Family((Name('b'), Name('c'))))",
    "const a = 1 - 2 - 3 * 4": "Const(Name('a'), Binary('-', Binary('-', Number(1), Number(2)), "
    "Binary('*', Number(3), Number(4))))",
    "const a = n-1": "Const(Name('a'), Binary('-', Name('n'), Number(1)))",
    "const a = not b == c and d or e": "Const(Name('a'), Binary('or', Binary('and', Unary('not', "
    "Binary('==', Name('b'), Name('c'))), Name('d')), Name('e')))",
    "const a = if b then 1 else if c then 2 else 3": "Const(Name('a'), Choose(Name('b'), Number(1), "
    "Choose(Name('c'), Number(2), Number(3))))",
    "const a = min(b, (c))": "Const(Name('a'), Function(Name('min'), (Name('b'), Parentheses(Name('c')))))",
    "out take 0 -1": "Output('out', Pipeline((Layer(Name('take'), (Number(0), Unary('-', Number(1))), None),)))",
    "out conv a*b@3x3/2 same k=1": "Output('out', Pipeline((Layer(Name('conv'), (Filters(Binary('*', Name('a'), "
    "Name('b')), Dims((3, 3)), Number(2)), Name('same'), Keyword(Name('k'), Number(1))), None),)))",
    "out pool 3/2": "Output('out', Pipeline((Layer(Name('pool'), (Binary('/', Number(3), Number(2)),), None),)))",
    'out x a="b c"': "Output('out', Pipeline((Layer(Name('x'), (Keyword(Name('a'), Text('b c')),), None),)))",
    "aux (x) * n as y": "Output('aux', Pipeline((Group(Pipeline((Layer(Name('x'), (), None),)), Name('n'), "
    "Name('y')),)))",
    "out add(x, k=1,) 2 as y": "Output('out', Pipeline((Call(Name('add'), (Pipeline((Layer(Name('x'), (), None),)), "
    "Keyword(Name('k'), Number(1))), (Number(2),), Name('y')),)))",
    "out add(each a, b in c (x) as y)": "Output('out', Pipeline((Call(Name('add'), (Each((Name('a'), Name('b')), "
    "Name('c'), Pipeline((Layer(Name('x'), (), None),)), Name('y')),), (), None),)))",
    "out for a in 3 (x) as y": "Output('out', Pipeline((For((Name('a'),), Number(3), "
    "Pipeline((Layer(Name('x'), (), None),)), Name('y')),)))",
    "block b p q=1: x": "Block(Name('b'), (Parameter(Name('p'), None), Parameter(Name('q'), Number(1))), "
    "Pipeline((Layer(Name('x'), (), None),)))",
    "shared s: x": "Shared(Name('s'), Pipeline((Layer(Name('x'), (), None),)))",
    "let l = if c then x else y": "Let(Name('l'), Conditional(Name('c'), Pipeline((Layer(Name('x'), (), None),)), "
    "Pipeline((Layer(Name('y'), (), None),))))",
    'use "a.net"': "Use(Text('a.net'))",
    "train a=1": "Train((Keyword(Name('a'), Number(1)),))",
    "assert a < 1, b": "Assert((Binary('<', Name('a'), Number(1)), Name('b')))",
}


def read(text: str) -> tuple[tree.Program, tuple[Diagnostic, ...]]:
    return parse(Source("cnn.net", text))


def read_right(text: str) -> tree.Program:
    program, diagnostics = read(text)
    assert not diagnostics, "\n".join(map(render, diagnostics))
    return program


def children(node: tree.Node) -> Iterator[tree.Node]:
    """Yield the nodes in a node, in the order of its fields."""
    for name in node.__slots__:  # type: ignore[attr-defined]
        value = getattr(node, name, None)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, tree.Node):
                yield item


def whole(node: tree.Node) -> Span:
    return node.whole if isinstance(node, tree.Labelled) else node.span


def check_spans(node: tree.Node) -> int:
    """Check that the nodes in a node stand inside it, one behind the other; return how deep they go."""
    place, depth = whole(node).start, 0
    for child in children(node):
        assert place <= whole(child).start <= whole(child).end <= whole(node).end, (node, child)
        if not isinstance(node, tree.Labelled) or child is not getattr(node, "label", None):
            assert child.span.end <= node.span.end
        place = whole(child).end
        depth = max(depth, check_spans(child))
    if isinstance(node, tree.Name):
        assert node.span.text == node.text
    elif isinstance(node, tree.Text):
        assert node.span.text == f'"{node.value}"'
    elif not isinstance(node, tree.Wrong):
        text = whole(node).text
        assert text and text == text.strip()
    return depth + 1


# The grammar and its tables


def test_tables_are_fresh() -> None:
    """tables.py is what `python -m netdsl.syntax.build_tables` writes, whatever order Python's sets have."""
    assert tables(read_grammar()) == TABLES.read_text("utf-8")
    code = "from netdsl.syntax.build_tables import *; print(tables(read_grammar()), end='')"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert other.stdout.decode() == TABLES.read_text("utf-8")


def test_lark_agrees() -> None:
    """Lark's own parser, which refuses every conflict in the grammar, takes and refuses the same texts."""
    from lark.exceptions import UnexpectedInput

    lark = read_grammar()
    for text in (*PROGRAMS, *TREES):
        lark.parse(text.removeprefix("\ufeff"))
    for path in CASES.values():
        with pytest.raises(UnexpectedInput):
            lark.parse(path.read_text("utf-8"))


def test_parsing_needs_no_lark() -> None:
    code = """
import sys
from netdsl.source import Source
from netdsl.syntax.parser import parse
parse(Source("", "in 8 | relu"))
print(*sorted({"lark", "netdsl.syntax.mistakes", "fractions", "logging"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"\n"


# What is right


@pytest.mark.parametrize("text", PROGRAMS)
def test_programs(text: str) -> None:
    for statement in read_right(text).statements:
        check_spans(statement)


@pytest.mark.parametrize("text", TREES)
def test_trees(text: str) -> None:
    (statement,) = read_right(text).statements
    assert repr(statement) == TREES[text]
    assert whole(statement).text == text
    check_spans(statement)


def test_a_span_leaves_the_label_out_and_the_whole_takes_it_in() -> None:
    text = (
        "out (conv 8@3 same as a | relu as b) * 2 as c | add(id) axis=1 as d | for i in 2 (id) as e | residual(id) as f"
    )
    (output,) = read_right(text).statements
    assert isinstance(output, tree.Output) and isinstance(output.body, tree.Pipeline)
    assert [stage.span.text for stage in output.body.stages] == [
        "(conv 8@3 same as a | relu as b) * 2", "add(id) axis=1", "for i in 2 (id)", "residual(id)",
    ]  # fmt: skip
    assert [whole(stage).text.removeprefix(stage.span.text) for stage in output.body.stages] == [
        " as c", " as d", " as e", " as f",
    ]  # fmt: skip


def test_comments_are_kept_by_place() -> None:
    program = read_right("# one  \nin 8 # two\r\n| relu#three")
    assert [comment.span.text for comment in program.comments] == ["# one", "# two", "#three"]


# What is wrong


@pytest.mark.parametrize("name", CASES)
def test_messages(name: str) -> None:
    source = Source(CASES[name].name, CASES[name].read_text("utf-8"))
    text = "\n\n".join(render(diagnostic) for diagnostic in parse(source)[1]) + "\n"
    golden.compare(text, CASES[name].with_suffix(".expected"))


@pytest.mark.parametrize("name", CASES)
def test_what_a_message_says_to_write_mends_the_text(name: str) -> None:
    """Where a label says "write `this`", this in the place of what is marked leaves one mistake less."""
    text = CASES[name].read_text("utf-8")
    _, diagnostics = read(text)
    for diagnostic in diagnostics:
        advice = re.fullmatch(r"write `(.+?)`(, or .*)?", diagnostic.label)
        if advice:
            again = [related.span for related in diagnostic.related if related.label == "and here"]
            mended = text
            for span in sorted((diagnostic.span, *again), key=lambda span: -span.start):
                mended = mended[: span.start] + advice[1] + mended[span.end :]
            assert len(read(mended)[1]) == len(diagnostics) - 1, mended


def test_examples_in_messages_can_be_written() -> None:
    for kind, example in EXAMPLES.items():
        statement = kind in ("LET", "CONST", "BLOCK", "SHARED", "OUT", "AUX", "TRAIN")
        read_right(example if statement else f"let x = {example}")


def test_three_mistakes_leave_the_rest_as_it_is() -> None:
    program, diagnostics = read("in 28X28x1 | conv 8@ | relu | poool 2 | (dense 8 | ] relu) * 2 | dense 10")
    assert [diagnostic.span.text for diagnostic in diagnostics] == ["28X28x1", "@", "]"]
    assert repr(program.statements) == (
        "(Output('', Pipeline((Layer(Name('in'), (Dims((28, 28, 1)),), None), Layer(Name('conv'), (Filters(Number(8), "
        "Wrong(), None),), None), Layer(Name('relu'), (), None), Layer(Name('poool'), (Number(2),), None), "
        "Group(Pipeline((Layer(Name('dense'), (Number(8),), None), Layer(Name('relu'), (), None))), Number(2), None), "
        "Layer(Name('dense'), (Number(10),), None)))),)"
    )


@pytest.mark.parametrize(
    "text, rest",
    [
        ("let 5 = in 8 out in 8 | relu", "Output('out', Pipeline((Layer(Name('in'), (Number(8),), None), "
         "Layer(Name('relu'), (), None))))"),
        ("block b c c=: relu in 8", "Block(Name('b'), (Parameter(Name('c'), None), Parameter(Name('c'), Wrong())), "
         "Pipeline((Layer(Name('relu'), (), None), ..."),
        ("out add(conv 8@, relu)", "Output('out', Pipeline((Call(Name('add'), (Pipeline((Layer(Name('conv'), "
         "(Filters(Number(8), Wrong(), None),), None),)), Pipeline((Layer(Name('relu'), (), None),))), (), None),)))"),
        ("out take [1, 2 = 3, 4] | relu", "Output('out', Pipeline((Layer(Name('take'), (List((Number(1), Wrong(), "
         "Number(4))),), None), Layer(Name('relu'), (), None))))"),
        ("out dense 8 then 3 as x | relu", "Output('out', Pipeline((Layer(Name('dense'), (Number(8), Wrong()), "
         "Name('x')), Layer(Name('relu'), (), None))))"),
        ("out (conv 8@3 | 5 | relu", "Output('out', Pipeline((Group(Pipeline((Layer(Name('conv'), (Filters(Number(8), "
         "Number(3), None),), None), Wrong(), Layer(Name('relu'), (), None), Wrong())), None, None),)))"),
    ],
    ids=["a name", "a default", "a window in a branch", "in a list", "an argument", "a stage in an open bracket"],
)  # fmt: skip
def test_only_what_a_mistake_spoils_is_wrong(text: str, rest: str) -> None:
    program, diagnostics = read(text)
    assert 1 <= len(diagnostics) <= 2
    found = repr(program.statements[-1 if text.startswith("let") else 0])
    assert found == rest or (rest.endswith("...") and found.startswith(rest.removesuffix("), ...")))


# Texts from strangers


@pytest.mark.parametrize(
    "text",
    [
        "a" * 2_000_000,
        "aB" * 1_000_000,
        "in " + "1" * 2_000_000,
        "in " + "1x" * 1_000_000,
        "in " + "1_" * 1_000_000,
        "in 3 | " + "(" * 100_000 + "relu" + ")" * 100_000,
        "const a = " + "[" * 100_000,
        "in 3 | " + "add(" * 100_000,
        "in 3 | " + "add (" * 100_000,
        "in 3 | dense " + "(" * 100_000,
        ")" * 100_000,
        "([{" * 100_000,
        "assert " + "not " * 200_000 + "a",
        "const a = " + "1 + " * 100_000 + "1",
        "const a = " + "if b then 1 else " * 50_000 + "1",
        "block b: " + "if c then id else " * 50_000 + "id",
        "const a = 1e999999999",
        "const a = 1e-999999999",
        "const a = 0." + "1" * 100_000,
        "|%" * 200_000,
        "in 3 % " * 100_000,
        "in " * 200_000,
        "let " * 200_000,
        "," * 200_000,
        '"' * 200_001,
        "'a\n" * 100_000,
        "/*" * 200_000,
        "#\n" * 200_000,
        "\0" * 100_000,
        "\ud800" * 100_000,
        "in 8 |\0| relu \ud800 | relu",
        "a" * (MAX_TEXT + 1),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_every_text_ends_soon(text: str) -> None:
    """What is quadratic takes some hundred times the calls of what is allowed here."""
    (program, diagnostics), _ = measured(lambda: read(text), most=100_000 + 50 * len(text))
    assert len(diagnostics) <= MAX_MISTAKES + 1
    assert diagnostics or text.startswith("#")
    for diagnostic in diagnostics:
        assert len(render(diagnostic).encode()) < 2000
    assert repr(program)


def test_limits() -> None:
    nested = "in 8 | " + "(relu | " * MAX_NESTING + "relu" + ")" * MAX_NESTING
    (statement,) = read_right(nested).statements
    assert check_spans(statement) <= MAX_DEPTH
    _, (too_nested,) = read(nested.replace("(relu", "((relu", 1).replace(")", "))", 1))
    _, (too_many,) = read("const a = " + " + ".join("1" * (MAX_DEPTH + 2)))
    _, (too_long,) = read("const a = " + "1" * 5000)
    assert {too_nested.code, too_many.code, too_long.code} == {"E026"}
    program, _ = read("const a = " + " + ".join("1" * 5000))
    assert check_spans(program.statements[0]) <= MAX_DEPTH


def test_work_grows_with_the_text() -> None:
    def work(stages: int) -> int:
        return measured(lambda: read_right("in 8" + " | conv 8@3 same" * stages), most=10_000_000)[1]

    assert work(20_000) <= 10 * work(2_000)


# Every word of the language, some that are taken for one, and what no program holds.
WORDS = st.sampled_from(
    [
        *RESERVED, *"|()[]{},:=<@*/+-?|(),", "==", "//", "x", "conv", "relu", "dense", "add(", "residual(", "min(",
        "3", "3x3", "T", "?x3", "0.5", "5M", '"b"', "Conv2D", "nn.Linear(", "5K", "10X10", "50%", "1,", "'a'",
        *"%$;'\".#\né\0\ud800\u00a0", "->", "=>", "||", "/*",
    ]
)  # fmt: skip
SOUP = st.lists(st.tuples(WORDS, st.sampled_from(["", " ", " ", "\n"])).map("".join), max_size=40).map("".join)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw a right program in which a piece is missing, doubled or replaced."""
    text = draw(st.sampled_from(PROGRAMS))
    words = re.findall(r"\s+|\w+|.", text)
    place = draw(st.integers(0, len(words)))
    words[place : place + draw(st.integers(0, 2))] = draw(
        st.sampled_from([[], [draw(WORDS)], words[place : place + 1] * 2])
    )
    return "".join(words)


@settings(max_examples=400, deadline=None)
@given(st.one_of(SOUP, damaged(), st.text(max_size=30)))
def test_every_text_has_a_tree(text: str) -> None:
    """Nothing raises; nodes stand in their places; a text without a `Wrong` or a message is what its tree says."""
    program, diagnostics = read(text)
    for diagnostic in diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert diagnostic.label or diagnostic.help
        assert len(diagnostic.message) < 200 and not diagnostic.message.endswith(".")
        render(diagnostic).encode()
    assert repr(program)
    if not diagnostics:
        assert "Wrong()" not in repr(program)
        for statement in program.statements:
            check_spans(statement)
