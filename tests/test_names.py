"""Hostile names: whatever an author calls something, or a file, both programs are Python that computes the same."""

from __future__ import annotations

import ast
import keyword
import re
from pathlib import Path

import oracle
import pytest

import netdsl
from netdsl.emit import TARGETS
from netdsl.network import Network

RESERVED = "in out aux let const block shared use param train assert if then else for each as and or not"

WORDS = """
    bool dict enumerate eval exec float int isinstance len list map max min object open print property range self set
    slice sorted str sum super tuple type zip cls args kwargs
    __ __call__ __class__ __dict__ __doc__ __file__ __getattr__ __import__ __init__ __module__ __name__
    torch nn f functional tensor math keras layers ops initializers model module sequential input conv conv2d linear
    dense relu batch_norm batch_normalization kernel weight bias
    add_module apply buffers children compile copy cuda double forward half load_state_dict modules named_parameters
    parameters register_buffer state_dict to training zero_grad _modules _parameters append extend insert
    add_weight build call compute_output_shape count_params dtype fit from_config get_config inputs losses metrics name
    non_trainable_weights optimizer output output_shape outputs path predict save summary supports_masking trainable
    variables weights
    x y z x1 x_ i j k n c key value query branch branch_1 layers_1 in_channels channels height width network network_1
    mixture_of_experts affine attention trained_tensor learned_positions normalize drop_path gaussian_noise experts
    residual concat bn norm helper dense_1 repeat_1 block_ unit pool mean scale wrap
"""
"""Builtins; what Python's objects have; what programs import and use; attributes of modules, layers and models of the
frameworks; names of variables, attributes, classes and functions that the emitters give themselves."""

PYTHON = [word for word in (*keyword.kwlist, *keyword.softkwlist) if word.islower() and word not in RESERVED.split()]
NAMES = list(dict.fromkeys((*PYTHON, *WORDS.split())))
PACKS = 5
"""Many names stand in one text, which is quicker, and lets them meet."""

POSITIONS = {
    "a layer": ("in 6", " | dense 6 as NAME | tanh", ""),
    "a layer that is read later": ("in 6", " | dense 6 as NAME | tanh | dense 6 | add(id, NAME) | ln", ""),
    "a group": ("in 6", " | (dense 6 | tanh | dense 6) as NAME", ""),
    "a repeat": ("in 6", " | (residual(dense 6 | tanh)) * 2 as NAME | ln", ""),
    "a loop": ("in 6", " | for v in [5, 6] (dense v | tanh) as NAME", ""),
    "a branch for each": ("in 6", " | concat(each v in [2, 4] (dense v | tanh) as NAME)", ""),
    "the variable of a loop": ("in 6", " | for NAME in [5, 6] (dense NAME | tanh)", ""),
    "an input": ("", "in 6 as NAME  out NAME | dense 2\n", ""),
    "an output": ("let start = in 6 | dense 5  out start | tanh", "  out start | dense 2 as NAME", ""),
    "an output of training": ("let start = in 6 | dense 5  out start | tanh", "  aux start | dense 2 as NAME", ""),
    "a tensor": ("let start = in 6", "  let NAME = start | dense 6  out add(start, NAME, NAME | dense 6)", ""),
    "a constant": ("", "const NAME = 6\n", "in 5 | dense NAME | tanh"),
    "a block": ("", "block NAME c: dense c | tanh\n", "in 6 | NAME 5 | NAME 4 | (NAME 4) * 2"),
    "a block of branches": ("", "block NAME c: residual(dense c | tanh) | ln\n", "in 6 | NAME 6 | (NAME 6) * 2"),
    "a block and its uses": ("", "block NAME c: add(id, dense c | tanh) | ln\n", "in 6 | (NAME 6 as NAME) * 2"),
    "a layer in a block": ("block two c: dense c", " | dense c as NAME | add(id, NAME) | ln", "\nin 6 | two 3 | two 4"),
    "a shared block": ("", "shared NAME: dense 6 | tanh\n", "in 6 | NAME | dense 6 | NAME"),
    "a block of experts": ("", "block NAME v: linear v | tanh | linear 6\n", "in 5x6 | moe(NAME 4) experts=2"),
    "a table": ("in 5 int as ids", "  out ids | embed 4 vocab=9 as NAME | tanh | unembed NAME bias", ""),
    "a trained tensor": ("let start = in 4x6", "  let NAME = param 4x6 init=normal  out add(start, NAME)", ""),
    "a recurrent layer": ("in 5x6", " | lstm 6 seq as NAME", ""),
    "what a class goes along for": ("in 5x6", " | attention 2 as NAME | add(id, param 6 init=ones) | ln", " | flatten"),
    "a layer of maps": ("in 8x8x3", " | conv 3@3 same as NAME | bn", " | pool global"),
}  # fmt: skip
"""Where an author names something: what begins the text, what each name adds to it, and how it ends; stages there that
hold NAME stand once for each of them."""

PARAMETERS = {
    "a number": ("dense NAME | tanh", (2, 3, 4), (4, 2, 3)),
    "a number of copies": ("(dense 6 | tanh) * NAME | ln", (1, 2, 3), (3, 1, 2)),
    "a word": ("dense 6 | NAME", ("tanh", "relu", "silu"), ("relu", "silu", "tanh")),
    "a condition": ("(if NAME > 1 then dense 6 else tanh)", (1, 2, 3), (2, 3, 1)),
    "a tensor": ("add(id, NAME | dense 6) | ln", ("one", "other"), ("other", "one")),
}
"""What a block does with each of its parameters, and the values that they have at its two uses."""


def pack(number: int, text: str) -> list[str]:
    """Return the names of a pack, without those that the text needs itself: a name hides a layer that is called so."""
    needed = set(re.findall(r"\w+", text))
    return [name for name in NAMES[number::PACKS] if name not in needed]


def text_of(position: str, names: list[str]) -> str:
    start, each, end = POSITIONS[position]
    body = "".join(each.replace("NAME", name) for name in names)
    first, *stages = end.split(" | ")
    if "NAME" in end:
        stages = [stage.replace("NAME", name) for name in names for stage in stages]
    return start + body + " | ".join((first, *stages))


def with_parameters(kind: str, names: list[str], by_keyword: bool) -> str:
    """Return a text with two uses of a block whose parameters have these names, and defaults if given `by_keyword`."""
    stage, *uses = PARAMETERS[kind]
    body = " | ".join(stage.replace("NAME", name) for name in names)
    declared = [f"{name}={uses[0][0]}" for name in names] if by_keyword and kind != "a tensor" else names
    stages = []
    for values in uses:
        given = [(name, values[number % len(values)]) for number, name in enumerate(names)]
        stages.append("outer " + " ".join(f"{name}={value}" if by_keyword else f"{value}" for name, value in given))
    block = f"block outer {' '.join(declared)}: dense 6 | {body} | dense 6\n"
    return block + "in 6 | dense 6 as one | dense 6 as other | " + " | ".join(stages)


def compare(network: Network) -> None:
    """Both programs compile, and give the same for the same weights."""
    for_torch, for_keras = oracle.emit_both(network)
    weights, inputs = oracle.random_weights(network), oracle.random_inputs(network, batch=2)
    one, other = oracle.by_torch(for_torch, weights, inputs), oracle.by_keras(for_keras, weights, inputs)
    assert (one.trainable, one.not_trained) == (other.trainable, other.not_trained)
    assert oracle.difference(one.outputs, other.outputs) < oracle.TOLERANCE
    assert not any(oracle.is_constant(output) for output in one.outputs)


@pytest.mark.parametrize("number", range(PACKS))
@pytest.mark.parametrize("position", POSITIONS)
def test_any_name_in_any_position(position: str, number: int, fast: None) -> None:
    compare(oracle.network_of(text_of(position, pack(number, " ".join(POSITIONS[position])))))


@pytest.mark.parametrize("number", range(PACKS))
@pytest.mark.parametrize("by_keyword", [False, True])
@pytest.mark.parametrize("kind", PARAMETERS)
def test_any_name_for_a_parameter(kind: str, by_keyword: bool, number: int, fast: None) -> None:
    names = pack(number, f"outer if then else dense one other {PARAMETERS[kind]}")
    compare(oracle.network_of(with_parameters(kind, names, by_keyword)))


EVERYWHERE = """
block NAME OTHER: dense OTHER as NAME | residual(dense OTHER | tanh) | add(id, NAME)
in 6 as OTHER | (for NAME in [5, 6] (dense NAME as OTHER | tanh)) * 2
| (NAME 6 as OTHER | tanh | add(id, OTHER) | ln) * 2 | add(id, OTHER) | (NAME 6 as NAME) * 2 | dense 4
"""


@pytest.mark.parametrize(
    "name, other",
    [("class", "self"), ("self", "torch"), ("torch", "type"), ("type", "x"), ("x", "forward"), ("keras", "inputs"),
     ("forward", "__init__"), ("__init__", "model"), ("model", "super"), ("inputs", "layers"), ("super", "class")],
)  # fmt: skip
def test_one_name_everywhere(name: str, other: str, fast: None) -> None:
    """The network, a block, its parameter, a loop's variable, an input and layers have two names between them."""
    compare(oracle.network_of(EVERYWHERE.replace("NAME", name).replace("OTHER", other), name))


FILES = [
    *(
        'a"""b',
        '"',
        '"""',
        "'''",
        "a\\",
        "a\\\\",
        "a\nimport os",
        'x"""\nimport os\n"""',
        "a\rb",
        "a\u2028b",
        "\t",
        "#",
    ),
    *("class", "self", "torch", "nn", "keras", "layers", "ops", "Tensor", "F", "__init__", "super", "Model", "None"),
    *(
        "Affine",
        "affine",
        "Attention",
        "Unit",
        "unit",
        "x",
        "inputs",
        "é",
        "日本",
        "a b",
        "-",
        "_",
        "9",
        "...",
        "{x}",
        "%s",
    ),
]


@pytest.mark.parametrize("name", FILES)
def test_any_name_of_a_file(name: str, tmp_path: Path, fast: None) -> None:
    """A class and a function are called after it, and the docstring that names it is all that it adds to the code."""
    path = tmp_path / f"{name}.net"
    text = "block unit c: residual(dense c | tanh)  in 2x4 | attention 2 | add(id, param 4) | flatten | unit 8 | unit 8"
    path.write_text(text)
    net, usual = netdsl.load(path), netdsl.compile(text)
    for target in TARGETS:
        ours, others = ast.parse(net.emit(target)).body, ast.parse(usual.emit(target)).body
        assert [type(node) for node in ours] == [type(node) for node in others]
        assert isinstance(ours[0], ast.Expr) and isinstance(ours[0].value, ast.Constant)
    compare(net.network)
