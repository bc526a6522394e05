"""The zoo in examples/zoo/: published networks cost exactly what the libraries they come from say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from one_step import one_step

import netdsl
from netdsl.analysis.counts import rows
from netdsl.network import Repeat, Use
from netdsl.size import substitute

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())
FILES = sorted(path.relative_to(EXAMPLES).as_posix() for path in (EXAMPLES / "zoo").glob("*.net"))
LIBRARY = sorted(path.stem for path in (Path(netdsl.__file__).parent / "library" / "std").glob("*.net"))


def test_every_entry_is_there() -> None:
    numbers = {"keras": 32, "torchvision": 14, "transformers": 6, "classics": 14}
    assert Counter(name.split("/")[0] for name in FIGURES) == numbers


def test_every_file_has_figures() -> None:
    assert set(FILES) <= {figures["file"] for figures in FIGURES.values()}


@pytest.mark.parametrize("file", FILES)
def test_a_file_says_what_it_is(file: str) -> None:
    lines = (EXAMPLES / file).read_text().splitlines()
    assert lines[0].startswith("# ")
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_the_library(name: str) -> None:
    """Every number is the same, without a warning; MACs where the library's are known."""
    figures = FIGURES[name]
    net = netdsl.load(EXAMPLES / figures["file"], **figures["set"])
    assert not net.diagnostics
    returned = [net.network.body.tensor(output.value) for output in net.network.outputs if not output.aux]
    assert [list(tensor.sizes) for tensor in returned if tensor is not None] == figures["outputs"]
    assert (net.parameters.trainable, net.parameters.not_trained) == (figures["trainable"], figures["not_trained"])
    assert net.macs == figures.get("macs", net.macs)


@pytest.mark.parametrize("name", [name for name, figures in FIGURES.items() if "layers" in figures])
def test_figures_of_each_layer(name: str) -> None:
    """The layers with weights have the shapes, the trained parameters and the MACs of those in the library."""
    figures = FIGURES[name]
    net = netdsl.load(EXAMPLES / figures["file"], **figures["set"])
    weighted = [row for row in rows(net.network) if row.counts is not None and row.counts.total]
    ours = [[list(row.output.sizes), row.counts.trainable, row.counts.macs] for row in weighted]  # type: ignore[union-attr]
    assert ours == [layer[1:] for layer in figures["layers"]]


@pytest.mark.parametrize("name", [name for name, figures in FIGURES.items() if "T" in figures["set"]])
def test_an_open_length_gives_what_a_number_gives(name: str) -> None:
    """MACs are an expression in T, whose value at a length is what the network costs at that length."""
    figures = FIGURES[name]
    constants = {constant: value for constant, value in figures["set"].items() if constant != "T"}
    open_macs = netdsl.load(EXAMPLES / figures["file"], **constants).macs
    assert not isinstance(open_macs, int)
    for length in (7, figures["set"]["T"]):
        assert (
            substitute(open_macs, {"T": length}) == netdsl.load(EXAMPLES / figures["file"], T=length, **constants).macs
        )


def test_a_summary_shows_the_polynomial() -> None:
    """GPT-2: twice 768*T*T in each of 12 layers, and each weight but those of tables and norms at each position."""
    net = netdsl.load(EXAMPLES / "zoo" / "gpt2.net")
    assert "MACs        18432*T**2 + 123532032*T\n" in net.summary()
    assert (
        substitute(net.macs, {"T": 1024}) == 145_824_153_600 == netdsl.load(EXAMPLES / "zoo" / "gpt2.net", T=1024).macs
    )


def test_llama_3_405b() -> None:
    """The largest Llama 3 has as many parameters as its files (Grattafiori et al. 2024, table 3)."""
    shape = {"dim": 16384, "layers": 126, "heads": 128, "kv_heads": 8, "hidden": 53248, "vocab": 128256}
    net = netdsl.load(EXAMPLES / "zoo" / "llama.net", theta="500k", **shape)
    assert net.parameters.total == net.parameters.trainable == 405_853_388_800


PICTURE = {"": (64, 64, 3)}
STAGES = [[16, 2, 1], [32, 3, 2], [32, 2, 2], [64, 2, 2]]
WORDS = {"dim": 24, "layers": 2, "heads": 3, "T": 6}

REDUCED: dict[str, dict[str, Any]] = {
    "alexnet.net": {"inputs": PICTURE},
    "zoo/albert.net": WORDS,
    "zoo/alexnet_2012.net": {"inputs": {"": (67, 67, 3)}},
    "zoo/autoencoder.net": {},
    "zoo/bert.net": WORDS,
    "zoo/convnext.net": {"size": "tiny", "c": 8, "third": 3, "inputs": PICTURE},
    "zoo/dcgan_discriminator.net": {},
    "zoo/dcgan_generator.net": {},
    "zoo/densenet.net": {"growth": 4, "third": 3, "fourth": 3, "inputs": PICTURE},
    "zoo/distilbert.net": WORDS,
    "zoo/efficientnet.net": {"width": 0.25, "depth": 0.5, "size": 64},
    "zoo/efficientnet_v2.net": {"width": 0.25, "depth": 0.51, "size": 64},
    "keras/EfficientNetV2M": {"width": 0.25, "depth": 0.21, "size": 64},
    "keras/EfficientNetV2L": {"width": 0.25, "depth": 0.21, "size": 64},
    "zoo/googlenet.net": {"inputs": PICTURE},
    "zoo/gpt2.net": WORDS,
    "zoo/inception_v3.net": {"inputs": {"": (95, 95, 3)}},
    "zoo/lenet5.net": {},
    "zoo/lenet5_1998.net": {},
    "zoo/llama.net": {"dim": 64, "layers": 2, "heads": 16, "hidden": 40, "vocab": 50, "theta": 100, "T": 6},
    "zoo/mlp.net": {},
    "zoo/mnist_cnn.net": {},
    "zoo/mobilenet.net": {"width": 0.25, "size": 64},
    "zoo/mobilenet_v2.net": {"width": 0.35, "inputs": PICTURE},
    "zoo/mobilenet_v3.net": {"inputs": PICTURE},
    "zoo/question_net.net": {"inputs": {"": (20, 20, 1)}},
    "zoo/resnet.net": {"stages": STAGES, "inputs": PICTURE},
    "zoo/resnet_v1.net": {"stages": STAGES, "inputs": PICTURE},
    "zoo/resnet_v2.net": {"stages": [[8, 3, 2], [16, 4, 2], [16, 3, 2], [32, 3, 1]], "inputs": PICTURE},
    "zoo/squeezenet.net": {"inputs": PICTURE},
    "zoo/text_classifier.net": {"T": 6},
    "zoo/transformer.net": WORDS,
    "zoo/unet.net": {"inputs": {"": (188, 204, 1)}},
    "zoo/vgg.net": {"column": [[8, 1], [8, 2], [16, 3], [16, 3], [32, 2]], "inputs": {"": (32, 32, 3)}},
    "zoo/vit.net": {"dim": 24, "layers": 2, "heads": 3, "patch": 56},
    "zoo/xception.net": {"inputs": {"": (95, 95, 3)}},
}
"""What makes a file, or an entry, small enough to be run, with every stage and every kind of block that it has."""

TAKE_BYTES = ("keras/ConvNeXt", "keras/EfficientNet", "keras/MobileNetV3")
"""The networks that bring pictures with values from 0 to 255 to a smaller range themselves."""


def reduced(name: str) -> netdsl.Net:
    """Return an entry with its own settings, made small, and without a softmax, which would hide differences."""
    figures = FIGURES[name]
    path = EXAMPLES / figures["file"]
    final = {"final": "id"} if "const final" in path.read_text() else {}
    return netdsl.load(path, **{**figures["set"], **REDUCED.get(name, REDUCED[figures["file"]]), **final})


def stages(net: netdsl.Net) -> set[tuple[str, int, int]]:
    """Return the places in the texts of all stages that a network is made of, but for its final activation."""
    found, waiting = set(), [net.network.body]
    while waiting:
        for step in waiting.pop().steps:
            if step.text != "final":
                found.add((Path(step.span.source.name).name, step.span.start, step.span.end))
            if isinstance(step.does, Use):
                waiting.append(step.does.body)
            elif isinstance(step.does, Repeat):
                waiting += [run.body for run in step.does.runs]
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_a_reduced_network_has_every_stage(name: str) -> None:
    figures = FIGURES[name]
    assert stages(reduced(name)) == stages(netdsl.load(EXAMPLES / figures["file"], **figures["set"]))


def moved(net: netdsl.Net, arrays: oracle.Arrays) -> Any:
    """Return the Keras model with weights that were put into the PyTorch model, and moved from there."""
    has_aux = any(output.aux for output in net.network.outputs)
    in_torch, in_keras = (net.build(target, aux=has_aux) for target in ("torch", "keras"))
    netdsl.weights.write(net, in_torch, {".".join(key): array for key, array in arrays.items()})
    netdsl.weights.copy(net, in_torch, in_keras)
    return in_keras


Answers = dict[str, oracle.Answer]


@pytest.fixture(scope="module")
def compared() -> dict[str, Answers]:
    """What the programs of reduced networks answered, by their source: some entries are the same when made small."""
    return {}


@pytest.mark.parametrize("name", FIGURES)
def test_programs_compute_the_same(name: str, jax: oracle.Jax, compared: dict[str, Answers]) -> None:
    """PyTorch, Keras on torch and Keras on JAX agree on what they make of the same random weights and inputs.

    Keras on torch gets them from the PyTorch model by `netdsl.weights`.
    """
    net = reduced(name)
    network, counted = net.network, (net.parameters.trainable, net.parameters.not_trained)
    for_torch, for_keras = oracle.emit_both(network)
    source = for_torch.source + for_keras.source
    if source not in compared:
        inputs = oracle.random_inputs(network, batch=16)
        if name.startswith(TAKE_BYTES):
            inputs = [np.random.default_rng(1).uniform(0, 255, x.shape).astype(np.float32) for x in inputs]
        weights = oracle.settled(for_torch, oracle.random_weights(network), inputs)
        inputs = [x[:2] for x in inputs]
        model = moved(net, weights)
        compared[source] = {
            "torch": oracle.by_torch(for_torch, weights, inputs),
            "keras on torch": oracle.of_keras(model, oracle.variables_of(model), inputs),
            "keras on jax": jax(for_keras, weights, inputs),
        }
    reference = compared[source]["torch"].outputs
    for output in reference:
        assert oracle.difference([output[0]], [output[1]]) > 10 * oracle.TOLERANCE  # it depends on what enters
    for answer in compared[source].values():
        assert (answer.trainable, answer.not_trained) == counted
        assert oracle.difference(reference, answer.outputs) < oracle.TOLERANCE


IN_FLOAT32 = ("classics/dcgan_discriminator_64",)
"""The networks whose backward pass PyTorch has in float32 alone: `slow_conv2d` refuses its own gradient in float64."""


@pytest.fixture(scope="module")
def trained() -> dict[str, str]:
    """What is wrong with a step of training of reduced networks, by their source."""
    return {}


@pytest.mark.parametrize("name", FIGURES)
def test_a_step_of_training_is_the_same(name: str, trained: dict[str, str], fast: None) -> None:
    """From equal weights, SGD gives PyTorch and Keras equal losses and equal weights, in float64.

    Float32 is not enough for six: what is rounded to the other side of a ReLU's bend changes their gradients.
    """
    network = reduced(name).network
    source = netdsl.net.emit(network, "torch").source
    if source not in trained:
        trained[source] = one_step(network, double=name not in IN_FLOAT32).problem
    assert not trained[source]


@pytest.mark.parametrize("name", LIBRARY)
def test_a_file_of_the_library_shows_its_use(name: str) -> None:
    """Its first lines say what it holds, with a network that uses it; it has no mistakes of its own."""
    text = (Path(netdsl.__file__).parent / "library" / "std" / f"{name}.net").read_text()
    shown = [line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     ")]
    assert shown[0] == f'use "std/{name}"'
    net = netdsl.compile("\n".join(shown))
    assert not net.diagnostics
    assert [found.code for found in netdsl.check(text)] == []
    assert max(map(len, text.splitlines())) <= 120
