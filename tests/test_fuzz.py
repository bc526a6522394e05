"""Programs drawn over the whole language: what blocks and loops stand for, and that no text is too odd to be told of.

A drawn program is kept as a tree, which is printed twice: as it is, and written out, with every block, loop, condition
and constant gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import netdsl
from netdsl.compiler import compile_source
from netdsl.diagnostics import render
from netdsl.source import Source
from netdsl.syntax.tables import RESERVED

Values = Mapping[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

LAYERS = ("conv {}@{} same", "conv {}@1 nobias", "relu", "bn", "depthwise {} same", "ln", "pool 1", "id", "dropout 0.1")


@frozen
class Number:
    """A number as written, and its value."""

    text: str
    of: Callable[[Values], int]


@frozen
class Piece:
    """A part of a pipeline as written, and as it is written out."""

    text: str
    plain: Callable[[Values], str]


def number(draw: Draw, names: tuple[str, ...], most: int = 4) -> Number:
    literal = draw(st.integers(1, most))
    name = draw(st.sampled_from(names)) if names and draw(st.booleans()) else ""
    if not name:
        return Number(str(literal), lambda _: literal)
    if draw(st.booleans()):
        return Number(name, lambda values: values[name])
    return Number(f"({name} + {literal})", lambda values: values[name] + literal)


def stage(draw: Draw, names: tuple[str, ...], blocks: tuple[Block, ...], depth: int) -> Piece:
    kinds = ["layer"] * 3 + (["repeat", "for", "each", "add", "if", "freeze"] if depth else []) + ["use"] * bool(blocks)
    kind = draw(st.sampled_from(kinds))
    if kind == "layer":
        layer = draw(st.sampled_from(LAYERS))
        numbers = [number(draw, names, 3) for _ in range(layer.count("{}"))]
        text = layer.format(*(one.text for one in numbers))
        return Piece(text, lambda values: layer.format(*(one.of(values) for one in numbers)))
    if kind == "use":
        return draw(st.sampled_from(blocks)).use(draw, names)
    inner = pipeline(draw, names, blocks, depth - 1)
    if kind == "repeat":
        times = draw(st.integers(0, 3))
        return Piece(f"({inner.text}) * {times}", lambda values: in_a_row([inner.plain(values)] * times))
    if kind == "freeze":
        return Piece(f"freeze({inner.text})", lambda values: f"freeze({inner.plain(values)})")
    if kind == "if":
        left, right = number(draw, names), number(draw, names)
        other = pipeline(draw, names, blocks, depth - 1)
        return Piece(
            f"(if {left.text} < {right.text} then {inner.text} else {other.text})",
            lambda values: f"({(inner if left.of(values) < right.of(values) else other).plain(values)})",
        )
    if kind == "add":
        other = pipeline(draw, names, blocks, depth - 1)
        text = f"add({inner.text} | conv 3@1, {other.text} | conv 3@1)"
        return Piece(text, lambda values: f"add({inner.plain(values)} | conv 3@1, {other.plain(values)} | conv 3@1)")
    variable = draw(st.sampled_from(["i", "c", "n"]))
    items = [number(draw, names) for _ in range(draw(st.integers(1, 3)))]
    body = pipeline(draw, (*names, variable), blocks, depth - 1)

    def copies(values: Values) -> list[str]:
        return [body.plain({**values, variable: item.of(values)}) for item in items]

    written = f"{variable} in [{', '.join(item.text for item in items)}] ({body.text})"
    if kind == "for":
        label = draw(st.sampled_from(["", f" as {LABEL}"])) if depth == DEEPEST else ""
        return Piece(f"for {written}{label}", lambda values: in_a_row(copies(values)))
    return Piece(f"concat(each {written})", lambda values: f"concat({', '.join(copies(values))})")


def in_a_row(copies: list[str]) -> str:
    return f"({' | '.join(copies)})" if copies else "id"


def pipeline(draw: Draw, names: tuple[str, ...], blocks: tuple[Block, ...], depth: int) -> Piece:
    stages = [stage(draw, names, blocks, depth) for _ in range(draw(st.integers(1, 3)))]
    return Piece(" | ".join(one.text for one in stages), lambda values: " | ".join(one.plain(values) for one in stages))


@frozen
class Block:
    """A block: its parameters, the last of which has a default and may be a tensor's name, and its body."""

    name: str
    parameters: tuple[str, ...]
    default: Number | None
    takes_tensor: bool
    body: Piece

    @property
    def text(self) -> str:
        parameters = [*self.parameters, *(["skip"] if self.takes_tensor else [])]
        if self.default is not None:
            parameters.append(f"last={self.default.text}")
        joined = " | concat(id, skip)" if self.takes_tensor else ""
        return f"block {self.name} {' '.join(parameters)}: {self.body.text}{joined}"

    def use(self, draw: Draw, names: tuple[str, ...]) -> Piece:
        given = {name: number(draw, names) for name in self.parameters}
        by_name = draw(st.booleans())
        words = [self.name, *(f"{name}={one.text}" if by_name else one.text for name, one in given.items())]
        if self.takes_tensor:
            if "skip" not in names and "image" not in names:
                return Piece("id", lambda _: "id")
            words.append("skip=image" if by_name else "image")
        last = number(draw, names) if self.default is not None and draw(st.booleans()) else None
        if last is not None:
            words.append(f"last={last.text}")

        def plain(values: Values) -> str:
            inside = {**CONSTANTS, **{name: one.of(values) for name, one in given.items()}}
            default = last or self.default
            if default is not None:
                inside["last"] = default.of(values if last is not None else inside)
            return f"({self.body.plain(inside)}{' | concat(id, image)' if self.takes_tensor else ''})"

        return Piece(" ".join(words), plain)


CONSTANTS = {"wide": 5, "few": 2}
DEEPEST = 3
LABEL = "LABEL"
"""Stands for a name that is given once."""


@st.composite
def programs(draw: Draw) -> tuple[str, str]:
    """Return a program, and the same written out."""
    blocks: tuple[Block, ...] = ()
    for place in range(draw(st.integers(0, 3))):
        parameters = draw(st.sampled_from([(), ("c",), ("c", "n")]))
        default = number(draw, (*CONSTANTS, *parameters)) if draw(st.booleans()) else None
        names = (*CONSTANTS, *parameters, *(["last"] if default is not None else []))
        # a tensor is handed on to no inner block, whose use would have to know that it is there
        inner = tuple(block for block in blocks if not block.takes_tensor)
        body = pipeline(draw, names, inner, draw(st.integers(0, 2)))
        blocks = (*blocks, Block(f"unit_{place}", parameters, default, draw(st.booleans()), body))
    main = pipeline(draw, tuple(CONSTANTS), blocks, 0)
    deep = pipeline(draw, tuple(CONSTANTS), tuple(block for block in blocks if not block.takes_tensor), DEEPEST)
    constants = "".join(f"const {name} = {value}\n" for name, value in CONSTANTS.items())
    head = constants + "".join(f"{block.text}\n" for block in blocks)
    labels = (f"stage_{place}" for place in count())
    text = f"{head}in 9x7x3 as image | {main.text} | {deep.text} | pool global | dense few"
    text = re.sub(LABEL, lambda _: next(labels), text)
    return text, f"in 9x7x3 as image | {main.plain(CONSTANTS)} | {deep.plain(CONSTANTS)} | pool global | dense 2"


def figures(net: netdsl.Net) -> tuple[object, ...]:
    parameters = net.parameters
    return parameters.trainable, parameters.not_trained, net.macs, [output.shape for output in net.outputs]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_a_program_costs_what_it_costs_written_out(program: tuple[str, str]) -> None:
    text, plain = program
    net = netdsl.compile(text)
    assert figures(net) == figures(netdsl.compile(plain))
    assert net.summary() and net.explain()
    for target in ("torch", "keras"):
        compile(net.emit(target), target, "exec")


WORD = re.compile(r'\s*("[^"\n]*"|[a-z_]+\(|[A-Za-z_0-9.?]+|==|<=|//|\S)')
ODD = r"""
| ( ) * @ / , = [ ] { } : - + ? 0 1 2.5 -1 T 1B 3x3 \ ü # in out aux let const block shared use if then else for each
as param train assert true not and add( concat( residual( freeze( min( unit_0 c wide image skip channels height same
when axis int global pool conv dense relu flatten embed unembed attention moe( lstm "std/resnet" "none.net"
"""


@st.composite
def odd_programs(draw: Draw) -> str:
    """Return a program with words deleted, doubled, moved or put in."""
    words = WORD.findall(draw(programs())[0])
    for _ in range(draw(st.integers(1, 4))):
        place, other = draw(st.integers(0, len(words) - 1)), draw(st.integers(0, len(words) - 1))
        edit = draw(st.sampled_from(["delete", "double", "swap", "replace", "insert", "move"]))
        if edit == "delete" and len(words) > 1:
            del words[place]
        elif edit == "double":
            words.insert(place, words[place])
        elif edit == "swap":
            words[place], words[other] = words[other], words[place]
        elif edit == "replace":
            words[place] = draw(st.sampled_from(ODD.split()))
        elif edit == "insert":
            words.insert(place, draw(st.sampled_from(ODD.split())))
        else:
            words[other:other] = words[place : place + 5]
    return " ".join(words)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(odd_programs())
def test_whatever_is_written_is_told_of(text: str) -> None:
    """Nothing is raised; each message has a place in the text, and says more than that something is wrong."""
    result = compile_source(Source("odd", text), "odd")
    for found in result.diagnostics:
        assert 0 <= found.span.start <= found.span.end <= len(found.span.source.text)
        assert found.severity != "error" or found.label or found.help
        assert render(found)
    if not result.errors:
        net = netdsl.compile(text)
        assert net.summary() and net.explain()
        for target in ("torch", "keras"):
            try:
                compile(net.emit(target), target, "exec")
            except netdsl.CompileError as refused:
                assert refused.diagnostics


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs(), st.data())
def test_a_misspelled_word_is_one_message(program: tuple[str, str], data: st.DataObject) -> None:
    """Wherever else it has consequences, and whether it is declared, used or a layer's."""
    words = WORD.findall(program[0])
    names = [place for place, word in enumerate(words) if re.fullmatch("[a-z_]+[0-9]*", word) and word not in RESERVED]
    place = data.draw(st.sampled_from(names))
    words[place] += "zq"
    errors = [found for found in netdsl.check(" ".join(words)) if found.severity == "error"]
    assert len(errors) <= 1, [found.message for found in errors]
