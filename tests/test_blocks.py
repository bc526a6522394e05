"""Blocks in the code: one definition for all uses that differ in numbers, which is each use with its numbers put in."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oracle
import pytest

import netdsl
from netdsl.emit.blocks import Blocks, General
from netdsl.emit.calls import KERAS, TORCH
from netdsl.emit.skeleton import class_name, every_step, function_name
from netdsl.network import Body, Network, Use
from netdsl.size import symbols
from netdsl.symbolic import Differs, Matching

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())


def uses_in(network: Network) -> Iterator[Use]:
    """Return every use of a block whose uses have weights of their own."""
    uses = (step.does for step in every_step(network.body) if isinstance(step.does, Use))
    return (use for use in uses if not use.is_shared)


@pytest.mark.parametrize("name", FIGURES)
def test_the_body_on_symbols_is_that_of_each_use(name: str) -> None:
    """With a use's values put in it has the same layers, shapes and order as what was elaborated on these values."""
    figures = FIGURES[name]
    net = netdsl.load(EXAMPLES / figures["file"], **figures["set"])
    blocks = Blocks(net.network, TORCH)
    for use in uses_in(net.network):
        general, values = blocks.of(use)
        assert general.body is not use.body
        assert not symbols(tuple(values.values()))
        assert Matching(values).instance(general.body, use.body).at is use.body


@pytest.mark.parametrize("name", FIGURES)
def test_a_block_has_one_definition(name: str) -> None:
    figures = FIGURES[name]
    net = netdsl.load(EXAMPLES / figures["file"], **figures["set"])
    used = {use.block for use in uses_in(net.network)}
    for target, kind, spell in (("torch", ast.ClassDef, class_name), ("keras", ast.FunctionDef, function_name)):
        made = [node.name for node in ast.parse(net.emit(target)).body if isinstance(node, kind)]
        for block in used:
            name = re.compile(rf"{spell(block)}(_?v?[0-9]+)?")  # the number of a second one
            of_block = [known for known in made if name.fullmatch(known) and known not in map(spell, used - {block})]
            is_the_network_called_so = spell(block) == spell(net.name)
            assert len(of_block) == 1 + is_the_network_called_so, (block, made)


UNIT = "block unit c s=1: conv c@3/s centered | add(relu, if s == 1 and channels == 2*c then id else conv c@1)\n"


def bodies(text: str) -> tuple[General, dict[str, Any], Body, Body]:
    """Return the body on symbols for two uses of a block, the values of the first, and the bodies of both."""
    network = oracle.network_of(text)
    first, second = uses_in(network)
    general, values = Blocks(network, TORCH).of(first)
    return general, values, first.body, second.body


def test_another_use_is_told_apart() -> None:
    general, values, first, second = bodies(f"{UNIT}in 8x8x4 | unit 6 | unit 8 s=2 | pool global | dense 2")
    assert Matching(values).instance(general.body, first)
    with pytest.raises(Differs):
        Matching(values).instance(general.body, second)


CHANGES = {
    "a layer less": ("conv c@3 | relu", "conv c@3"),
    "another layer": ("conv c@3 | relu", "conv c@3 | elu"),
    "another argument": ("conv c@3 | relu", "conv c@3 nobias | relu"),
    "another order": ("conv c@3 same | relu", "relu | conv c@3 same"),
    "another number of copies": ("(conv c@3 same) * 2", "(conv c@3 same) * 3"),
    "a frozen layer": ("conv c@3", "freeze(conv c@3)"),
    "another side": ("if c == 5 then relu else elu", "if c == 5 then elu else relu"),
    "another tensor": ("id as a | relu as b | elu | add(id, a)", "id as a | relu as b | elu | add(id, b)"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_body_is_told_apart(change: str) -> None:
    one, other = CHANGES[change]
    network = oracle.network_of(f"block unit c: {one}\nin 8x8x4 | unit 5 | conv 2@1")
    changed = oracle.network_of(f"block unit c: {other}\nin 8x8x4 | unit 5 | conv 2@1")
    (use,), (another,) = uses_in(network), uses_in(changed)
    general, values = Blocks(network, KERAS).of(use)
    assert Matching(values).instance(general.body, use.body)
    with pytest.raises(Differs):
        Matching(values).instance(general.body, another.body)


FIXED = {
    "a count of copies that each leave another shape": "block b n: (conv channels+2@1) * n\n"
    "in 8x8x4 | b 2 | b 3 | conv 2@1",
    "a square root": "block b: scale (1/sqrt(channels)) | linear 9\nin 8x4 | b | b | linear 2",
    "frozen uses": "block b c: conv c@3 | bn\nin 9x9x4 | freeze(b 4) | b 5 | freeze(b 5) | conv 2@1",
    "a flag that PyTorch has not": "block b f: conv 4@3 | bn noscale=f\nin 9x9x4 | b true | b false | conv 2@1",
    "a list of words": "block b acts: for a in acts (if a == relu then relu else tanh)\n"
    "in 9x4 | b [relu, tanh] | b [tanh] | linear 2",
    "a list of another length": "block b ks: for k in ks (conv 4@k)\nin 9x9x4 | b [1, 3] | b [2] | conv 2@1",
    "a word for an argument": "block b p: conv 4@3 p\nin 9x9x4 | b same | b valid | conv 2@1",
    "an index": "block b i: take i axis=0 | linear 4\nin 3x5x4 | b 0 | b 2 axis=0 | dense 2".replace(
        " axis=0 | dense", " | dense"
    ),
}


@pytest.mark.parametrize("case", FIXED)
def test_what_cannot_be_open_is_another_definition(case: str, jax: oracle.Jax) -> None:
    assert not oracle.disagreement(FIXED[case], jax)


OPEN = {
    "sizes of several tensors": "block b other c: concat(crop like=other | conv c@1, other | conv c@3 same)\n"
    "in 9x9x4 as x  let y = x | conv 3@3  out x | b y 2 | pad 1 | b x 5 | conv 2@1",
    "a flag": "block b f: conv 4@3 nobias=f | relu\nin 9x9x4 | b true | b false | conv 2@1",
    "a rate and groups": "block b g drop=0: conv 8@3 same groups=g | (if drop > 0 then dropout drop else id)\n"
    "in 9x9x4 | b 2 | b 4 drop=0.2 | conv 2@1",
    "sides with other tensors": "block b c: id as x | conv c@1 | add(relu, if channels == 4 then x else elu)\n"
    "in 9x9x4 | b 4 | b 6 | conv 2@1",
    "a residual with a condition": "block b c s=1: residual(conv c@3/s same | bn) when=(s == 1 and channels == c)\n"
    "in 9x9x4 | b 4 | b 6 s=2 | b 6 | conv 2@1",
    "copies": "block b c n: (conv c@3 same | relu) * n\nin 9x9x4 | b 4 1 | b 6 3 | conv 2@1",
    "no copies": "block b c n: conv c@3 same | (conv c@1 | relu) * n\nin 9x9x4 | b 4 0 | b 6 2 | conv 2@1",
    "a block in a block": "block a c k=3: conv c@k same | relu\nblock b c: a c | a (2*c) k=1\n"
    "in 9x9x4 | b 4 | b 3 | a 2",
    "a block as an argument": "block n: bn eps=0.01\nblock b c norm: conv c@3 | norm | relu\n"
    "in 9x9x4 | b 4 n | b 5 n | conv 2@1",
    "a window with a number for each axis": "block b k=3: conv 4@k same\nin 9x9x4 | b [1, 3] | b | b 5 | conv 2@1",
    "a word for a stage": "block b c act=relu: conv c@3 | act\nin 9x9x4 | b 4 | b 5 act=tanh | b 5 sigmoid | conv 2@1",
    "a map that is flattened": "block b n: dense n | relu | reshape 4x4x2\nin 5x5x3 | b 32 | b 32 | conv 2@1",
    "a named layer in a block": "block b c: conv c@3 as first | relu | conv c@1 as second\n"
    "in 9x9x4 | b 4 | b 6 | conv 2@1",
    "attention": "block b h c=channels: residual(ln | attention h) | linear c | gelu\n"
    "in 6x8 | b 2 | b 4 c=12 | b 3 | linear 2",
    "experts": "block b e w: moe(linear w | relu | linear 4) experts=e\nin 6x4 | b 2 8 | b 3 5 | linear 2",
    "one tensor of its own": "block b c: linear c | add(id, param [c] init=normal)\nin 6x4 | b 3 | b 5 | linear 2",
    "a numeric parameter called like a word of Python": "block b class x: conv class@3 | scale x\n"
    "in 9x9x4 | b 4 2 | b 5 3 | conv 2@1",
    "a division by a size": "block b c: conv c@3 stride=height//2 pad=1 | conv c@1\nin 7x6x8 | b 4 | b 3 | conv 2@1",
    "a side that does nothing": "block b k act=tanh: if k == 2 then act else id\nin 6 | b 2 | b 3 act=relu | dense 2",
    "a block that is a word alone": "block b act: act\nin 6 | b relu | dense 4 | b tanh | dense 2",
    "experts with a parameter called like a tensor": "block b x e: moe(linear x) experts=e\n"
    "in 5x5x1 | b 6 2 | b 3 3 | conv 2@1",
    "a recurrent layer": "block b n: lstm n seq | dropout 0.1\nin 6x4 | b 3 | b 5 | linear 2",
    "a parameter in a function": "block b r: linear (4*r) | reshape [length*r, 4]\nin 6x4 | b 2 | b 3 | linear 2",
    "a number that is rounded": "block b c: conv (divisible(c, 8))@1 | conv (max(2, c//3))@1\n"
    "in 5x5x4 | b 13 | b 24 | conv 2@1",
    "a fraction": "block b c d: conv (c/2)@1 | dropout (d/3) | scale (1/c)\nin 5x5x4 | b 8 0.3 | b 12 0.6 | conv 2@1",
}


@pytest.mark.parametrize("case", OPEN)
def test_what_is_open_is_an_argument(case: str, jax: oracle.Jax) -> None:
    """Both programs have one definition for all uses, and agree."""
    network = oracle.network_of(OPEN[case])
    assert not oracle.disagreement(network, jax)
    assert not any(family.fixed for target in (TORCH, KERAS) for family in Blocks(network, target).families.values())
    for emitted in oracle.emit_both(network):
        names = [
            node.name for node in ast.parse(emitted.source).body if isinstance(node, ast.ClassDef | ast.FunctionDef)
        ]
        assert not [name for name in names if name[-1].isdigit()], emitted.source


def test_a_class_takes_what_enters_then_the_author_s_parameters() -> None:
    network = oracle.network_of(f"{UNIT}in 8x8x4 | unit 6 | unit 8 s=2 | pool global | dense 2")
    for_torch, for_keras = oracle.emit_both(network)
    assert "def __init__(self, in_channels: int, c: int, s: int = 1) -> None:" in for_torch.source
    assert "def unit(x: keras.KerasTensor, c: int, s: int = 1) -> keras.KerasTensor:" in for_keras.source
    assert "Unit(4, 6)" in for_torch.source and "Unit(6, 8, s=2)" in for_torch.source
    assert "if s == 1 and in_channels == 2 * c" not in for_torch.source.split("class Network")[1]


FOLDED = {
    "two words": "in 8x8x3 | for n, r in [[relu, sigmoid], [tanh, relu], [gelu, tanh]] (conv 4@1 | n | conv 3@1 | r)",
    "words the other way round": "in 8x16 | for a, b in [[relu, tanh], [tanh, relu]] (linear 16 | a | ln | b)",
    "a word and a number": "in 8x8x3 | for r, k in [[relu, 1], [tanh, 3]] (conv 4@1 | r | conv 4@k same) | conv 1@1",
    "words of a pool": "in 8x8x3 | for m, r in [[max, relu], [avg, tanh]] (pool 2/1 m | conv 4@1 | r) | conv 1@1",
    "a table in a block": "block t c: for f, k, r in [[1, 3, relu], [2, 1, tanh], [4, 5, gelu]] (conv f*c@k same | r)\n"
    "in 8x8x3 | t 2 | t 3 | conv 1@1",
    "some at their default": "block d p=1: linear 8 | scale p\nin 8 | for p in [1, 2, 5] (d p=p) | linear 2",
    "a fraction at its default": "block d p=0.1: linear 8 | scale p\nin 8 | for p in [0.1, 0.2] (d p=p) | linear 2",
    "nothing but a loop": "in 8x16 | for c in [16, 32] (linear c | relu)",
    "a block of nothing but a loop": "block u: for c in [16, 32] (linear c | relu)\nin 8x16 | u | u",
    "loops in loops": "in 8x4 | for a in [3, 5] (for b in 3 (linear a+b | relu) | ln) | linear 2",
    "a loop in a repeat": "in 8x4 | (for b in [3, 4] (linear b | relu)) * 3 | linear 2",
    "what stands outside": "in 8x4 as x | for c in [4, 4, 4] (add(x, linear c)) | linear 2",
}


@pytest.mark.parametrize("case", FOLDED)
def test_a_loop_is_what_is_written_out(case: str, jax: oracle.Jax) -> None:
    """Both programs agree, and PyTorch's with the one that has no loops and no arguments."""
    assert not oracle.judge(FOLDED[case], lambda: jax).disagreement
