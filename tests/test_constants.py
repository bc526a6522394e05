"""Constants in the code: an argument does what `--set` does, and what decides or varies in its kind is held."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import oracle
import pytest

import netdsl
from netdsl.emit import TARGETS

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())


def arguments(made: Any) -> dict[str, Any]:
    """Return the arguments of a class or function that are constants, with their defaults."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(made).parameters.items()
        if name not in ("self", "aux") and parameter.default is not inspect.Parameter.empty
    }


def shapes(model: Any, target: str) -> list[tuple[int, ...]]:
    """Return the shape of every weight of a model."""
    weights = model.state_dict().values() if target == "torch" else model.weights
    return [tuple(weight.shape) for weight in weights]


SMALL = {
    "densenet.net": {"growth": 8},
    "gpt2.net": {"dim": 48, "layers": 3, "heads": 4},
    "bert.net": {"dim": 48, "layers": 3, "heads": 4},
    "distilbert.net": {"dim": 48, "layers": 3, "heads": 4},
    "albert.net": {"dim": 48, "layers": 3, "heads": 4},
    "llama.net": {"dim": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 40, "vocab": 50},
    "resnet.net": {"groups": 2, "width": 96},
    "convnext.net": {"c": 16},
    "mobilenet.net": {"width": 2},
    "vit.net": {"patch": 32, "dim": 48, "layers": 3, "heads": 4},
    "transformer.net": {"heads": 4, "layers": 2},
}
"""For constants of the zoo, values that are not those of the text."""

ZOO = sorted({str(figures["file"]) for figures in FIGURES.values()})


@pytest.mark.parametrize("target", ["torch", "keras"])
@pytest.mark.parametrize("file", ZOO)
def test_an_argument_does_what_set_does(file: str, target: str) -> None:
    """The weights of a model that is made with other arguments are those of the network with its constants set so."""
    net = netdsl.load(EXAMPLES / file)
    make = net._runnable(target)
    found = arguments(make)
    constants = {name.rstrip("_"): name for name in found}
    values = {word: value for word, value in SMALL.get(Path(file).name, {}).items() if word in constants}
    values = {word: value for word, value in values.items() if value != found[constants[word]]}
    if not values:
        assert not found or set(constants) <= {"size", "dropped"}, f"a value for {found} is missing here"
        return
    model = make(**{constants[word]: value for word, value in values.items()})
    assert shapes(model, target) == shapes(netdsl.load(EXAMPLES / file, **values).build(target), target)


OPEN = {
    "a width": ("const c = 8\nin 9x9x3 | conv c@3 | relu | conv 2*c@3 | dense 4", {"c": 5}),
    "a count": ("const n = 2\nin 9x9x3 | (conv 3@3 same | relu) * n | dense 4", {"n": 3}),
    "growth": (
        "const g = 4\nblock layer: concat(id, conv g@3 same | relu)\n"
        "in 9x9x3 | (layer) * 3 | conv (channels//2)@1 | (layer) * 2 | dense 4",
        {"g": 6},
    ),
    "a constant of a constant": ("const c = 8\nconst d = 3*c\nin 9x9x3 | conv c@3 | conv d@1 | dense 4", {"c": 4}),
    "one that a block of a block reads": (
        "const c = 4\nblock inner k: conv c@k same | relu\nblock outer k: inner k | conv 2*c@1\n"
        "in 9x9x3 | outer 1 | outer 3 | dense 4",
        {"c": 5},
    ),
    "one that a block's parameter is called like": (
        "const c = 4\nblock inner k: conv c@k same | relu\nblock outer c: inner 3 | conv c@1\n"
        "in 9x9x3 | outer 5 | outer 6 | dense 4",
        {"c": 7},
    ),
    "one that a shared block reads": (
        "const c = 4\nshared s: conv c@3 same | relu | conv 3@1\nin 9x9x3 | s | relu | s | dense 4",
        {"c": 6},
    ),
    "one in a default": (
        "const c = 4\nblock b k=c: conv k@3 same | relu\nin 9x9x3 | b | b 5 | dense 4",
        {"c": 6},
    ),
    "one in the middle of a table": (
        "const c = 4\nin 9x9x3 | for k, n in [[1, c], [3, 2*c], [2, 3*c]] (conv n@k | relu) | dense 4",
        {"c": 5},
    ),
    "heads": ("const h = 2\nin 6x12 | attention h | linear h | ln", {"h": 3}),
    "a sequence": ("const d = 6\nin 7x4 | linear d | gru d seq | linear 2*d", {"d": 5}),
    "a count of no copies": ("const n = 0\nin 9x9x3 | (conv 3@3 same | relu) * n | dense 4", {"n": 2}),
    "a repeat in the middle": ("const n = 2\nin 6 | dense 5 | (dense 5 | relu) * n | dense 3 | dense 2", {"n": 4}),
}


@pytest.mark.parametrize("case", OPEN)
def test_what_a_constant_is_made_to(case: str, jax: oracle.Jax) -> None:
    """Both programs agree, and their arguments do what `--set` does."""
    text, values = OPEN[case]
    assert not oracle.disagreement(oracle.network_of(text), jax)
    net = netdsl.compile(text)
    for target in TARGETS:
        make = net._runnable(target)
        assert values.keys() <= {name.rstrip("_") for name in arguments(make)}, net.emit(target)
        made = shapes(make(**values), target)
        assert made == shapes(netdsl.compile(text, **values).build(target), target)
        assert made != shapes(make(), target) or case == "heads"


HELD = {
    "one that decides": "const n = 50\nin 9x9x3 | (if n == 50 then conv 4@3 else conv 5@3) | dense n",
    "one that others decide by": "const n = 9\nconst c = (if n > 8 then 4 else 5)\nin 9x9x3 | conv c@3 | dense n",
    "a list": "const c = [4, 5]\nin 9x9x3 | for k in c (conv k@3 | relu) | dense 4",
    "a word": "const act = relu\nin 9x9x3 | conv 4@3 | act | dense 4",
    "a truth value": "const b = true\nin 9x9x3 | conv 4@3 nobias=b | dense 4",
    "copies that each leave another shape": "const n = 3\nin 9x9x3 | (conv (channels+2)@1) * n | dense 4",
    "a residual that may be none": "const c = 3\nin 9x9x3 | residual(conv c@3 same) when=(c == channels) | dense 4",
}


@pytest.mark.parametrize("case", HELD)
def test_what_decides_is_held(case: str, jax: oracle.Jax) -> None:
    net = netdsl.compile(HELD[case])
    assert not oracle.disagreement(net.network, jax)
    assert not [name for target in TARGETS for name in arguments(net._runnable(target)) if name != "c"]


def test_a_fraction_stands_at_the_top_of_the_module() -> None:
    """It is an argument of nothing, as it would be handed from one block to the next."""
    text = "const rate = 0.25\nconst eps = 1e-4\nblock b: linear 4 | ln eps=eps | dropout rate\nin 6 | b | b"
    net = netdsl.compile(text)
    for target in TARGETS:
        assigned = {
            ast.unparse(line.targets[0]): ast.literal_eval(line.value)
            for line in ast.parse(net.emit(target)).body
            if isinstance(line, ast.Assign)
        }
        assert assigned == {"RATE": 0.25, "EPS": 1e-4}
        assert not arguments(net._runnable(target))


def test_torch_is_not_asked_for_a_size_of_the_image() -> None:
    net = netdsl.compile("const size = 32\nin [size, size, 3] | conv 8@3/2 same | pool global avg | dense 4")
    assert not arguments(net._runnable("torch"))
    assert arguments(net._runnable("keras")) == {"size": 32}


TAKEN = ["x", "f", "layers", "in_channels", "keras", "name", "self_", "nn", "model", "lambda", "torch", "channels_"]


@pytest.mark.parametrize("word", TAKEN)
def test_constants_with_names_that_are_taken(word: str, jax: oracle.Jax) -> None:
    text = (
        f"const {word} = 4\nconst other = 0.5\nblock b c: conv {word}*c@3 same | relu | scale other\n"
        f"in 9x9x3 | b 1 | b 2 | conv {word}@1 as stem | dropout other | dense {word}"
    )
    assert not oracle.disagreement(oracle.network_of(text), jax)


def test_constants_called_like_classes_and_each_other(jax: oracle.Jax) -> None:
    text = (
        "const f = 0.5\nconst c = 0.25\nblock b k: conv k@3 same | scale c\n"
        "block c_ k: conv k@3 same | scale f | relu\nin 9x9x3 | c_ 3 | b 2 | c_ 4 | dense 4"
    )
    assert not oracle.disagreement(oracle.network_of(text), jax)
