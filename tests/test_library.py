"""Every block of the library computes the same in PyTorch and in Keras, on two of its backends."""

from __future__ import annotations

import re
from pathlib import Path

import oracle
import pytest

import netdsl
from netdsl.source import Source
from netdsl.syntax import tree
from netdsl.syntax.parser import parse

pytestmark = pytest.mark.usefixtures("fast")

LIBRARY = Path(netdsl.__file__).parent / "library" / "std"

# ruff: noqa: E501 (a network stands on one line where that reads best)

NETWORKS = {
    "convnext": ["in 9x8x6 | convnext_unit drop=0.1 | convnext_unit scale=0.5 | convnext_down 4 | conv 2@1"],
    "dense": ["in 8x8x4 | dense_layer 3 | dense_layer growth=2 norm=id | transition | transition 5 norm=ln | conv 2@1"],
    "inception": ["in 7x7x5 | inception 2 3 4 2 3 2 | inception 1 2 3 1 2 2 k=3 norm=id | conv 2@1"],
    "mobile": [
        "in 8x9x8 | squeeze_excite 2 | squeeze_excite 3 act=silu gate=hardsigmoid | conv 2@1",
        "in 9x8x4 | inverted_residual 4 | inverted_residual 6 k=5 stride=2 expand=3 act=hardswish squeeze=4 drop=0.1 padding=same | conv 2@1",
    ],
    "recurrent": [
        "in 6x5 | linear 8 | residual_lstm 2 | attention_pool | dense 2",
        "in 6x5 as a  in 4x5 as b  let memory = a | lstm 4 seq  out b | luong_decoder memory units=4 | linear 2",
    ],
    "resnet": [
        "in 8x9x4 | basic 4 | basic 6 stride=2 | pool global | dense 2",
        "in 8x9x8 | bottleneck 2 | bottleneck 4 stride=2 groups=2 inside=8 | pool global | dense 2",
        "in 8x9x8 | preactivation 2 | preactivation 3 stride=2 | bn | relu | pool global | dense 2",
    ],
    "transformer": [
        "in 5x8 | post_norm 2 | post_norm 4 hidden=12 act=gelu causal | feed_forward 6 width=3",
        "in 5x8 as x  in 7x6 as m  out x | post_norm_decoder m 2 | pre_norm_decoder m 4 hidden=10 act=silu | linear 2",
        "in 5x8 | pre_norm 2 | pre_norm 4 hidden=12 causal | linear 2",
        "in 5x8 | llama 4 hidden=12 | llama 4 kv_heads=2 theta=100 | linear 2",
    ],
    "unet": ["in 12x12x3 | double_conv 4 padding=same norm=bn as skip | pool 2 | double_conv 6 padding=same | up_conv skip 4 padding=same | conv 2@1"],
    "vgg": ["in 8x8x3 | vgg_stage 4 | vgg_stage 6 n=1 norm=bn | pool global | dense 2"],
    "xception": ["in 8x9x4 | xception_down 6 | relu | xception_middle | xception_unit 3 norm=id | conv 2@1"],
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_of_the_library(name: str, jax: oracle.Jax) -> None:
    wrong = []
    for text in NETWORKS[name]:
        net = netdsl.compile(f'use "std/{name}"\n{text}')
        if problem := oracle.disagreement(net.network, jax):
            wrong.append(problem)
    assert not wrong, "\n\n".join(wrong)


def test_every_block_is_compared() -> None:
    for path in LIBRARY.glob("*.net"):
        program, _ = parse(Source(path.name, path.read_text()))
        used = set(re.findall(r"\w+", " ".join(NETWORKS[path.stem])))
        blocks = {statement.name.text for statement in program.statements if isinstance(statement, tree.Block)}
        assert blocks <= used, path.stem
