"""The programs of the zoo's networks compute what those of keras.applications do, where all have the same weights."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest

import netdsl
from netdsl.emit.emitted import Emitted, Location

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())

PICTURES = {
    "ConvNeXtSmall": (64, 255),
    "DenseNet121": (64, 1),
    "EfficientNetB0": (64, 255),
    "EfficientNetV2B0": (64, 255),
    "InceptionV3": (95, 1),
    "MobileNet": (64, 1),
    "MobileNetV2": (64, 1),
    "MobileNetV3Large": (64, 255),
    "ResNet101V2": (64, 1),
    "ResNet50": (64, 1),
    "VGG16": (32, 1),
    "Xception": (95, 1),
}
"""One of each family, with the height and width of the pictures that it gets, and their largest value."""

KINDS = {
    **dict.fromkeys(("depthwise_kernel", "pointwise_kernel", "depthwise", "pointwise"), "kernel"),
    **{"gamma": "scale", "beta": "bias", "moving_mean": "mean", "moving_variance": "variance"},
}


GAIN = 1.9
"""Of weights over their number of inputs: with less the picture is lost on its way, with more rounding errors grow."""


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the values of a weight, which are the same for all weights of one kind and shape.

    So the order of layers need not be known: what two networks do differently shows all the same.
    """
    kind, sizes = KINDS.get(name, name), tuple(size for size in shape if size > 1)
    generator = np.random.default_rng(zlib.crc32(f"{kind}{sizes}".encode()))
    values = generator.normal(0, 1, sizes)
    if kind == "kernel":
        is_depthwise = len(sizes) == 3 and sizes[0] == sizes[1]
        values *= np.sqrt(GAIN / np.prod(sizes[:2] if is_depthwise else sizes[:-1]))
    elif kind in ("mean", "bias"):
        values *= 0.1
    else:
        values = 1 + 0.1 * values.clip(-3, 3)
    return values.reshape(shape).astype(np.float32)


def application(name: str, size: int) -> tuple[Emitted, oracle.Arrays]:
    """Return a program that makes a model of keras.applications, and its weights."""
    import keras

    made = f"keras.applications.{name}(weights=None, input_shape=({size}, {size}, 3), classifier_activation=None)"
    source = f"import keras\n\n\ndef make():\n    return {made}\n"
    keras.utils.clear_session()
    model = oracle._make(Emitted("keras", "make", source, lambda: iter(())))
    weights, locations = {}, []
    for variable in model.variables:
        path, shape = variable.path.removeprefix(f"{model.name}/"), tuple(variable.shape)
        layer, _, weight = path.rpartition("/")
        if not layer.startswith("seed_generator"):
            weight = "value" if weight.startswith("variable") else weight  # the scale in ConvNeXt has no name
            weights[layer, weight] = drawn(weight, shape)
            locations.append(Location(layer, weight, path, tuple(range(len(shape)))))
    return Emitted("keras", "make", source, lambda: iter(locations)), weights


@pytest.mark.parametrize("name", PICTURES)
def test_both_programs_compute_what_the_library_does(name: str, jax: oracle.Jax) -> None:
    figures, (size, largest) = FIGURES[f"keras/{name}"], PICTURES[name]
    text = (EXAMPLES / figures["file"]).read_text().replace(" | softmax", "")  # behind it, other logits may look alike
    final = {"final": "id"} if "const final" in text else {}
    net = netdsl.compile(text, inputs={"": (size, size, 3)}, **{**figures["set"], **final})
    for_torch, for_keras = oracle.emit_both(net.network)
    declared = oracle.declared_weights(net.network)
    weights = {key: drawn(weight, shape) for key, (weight, shape, _) in declared.items()}
    inputs = [np.random.default_rng(1).uniform(0, largest, (2, size, size, 3)).astype(np.float32)]
    # Keras' torch backend averages wrongly where it pads, as Inception v3 does; JAX takes five times as long
    run = jax if name == "InceptionV3" else oracle.by_keras
    theirs = run(*application(name, size), inputs)
    one, other = theirs.outputs[0]
    assert oracle.difference([one], [other]) > 10 * oracle.TOLERANCE  # they see what is in the pictures
    for ours in (run(for_keras, weights, inputs), oracle.by_torch(for_torch, weights, inputs)):
        assert (ours.trainable, ours.not_trained) == (theirs.trainable, theirs.not_trained)
        assert oracle.difference(ours.outputs, theirs.outputs) < oracle.TOLERANCE
