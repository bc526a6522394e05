"""The zoo's networks from Keras compute what keras.applications computes, where both have the same weights."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest

import netdsl
from netdsl.emit import keras as keras_emitter
from netdsl.emit.emitted import Emitted, Location

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())

SIZES = {
    "ConvNeXtSmall": 64,
    "DenseNet121": 64,
    "EfficientNetB0": 64,
    "EfficientNetV2B0": 64,
    "InceptionV3": 95,
    "MobileNet": 64,
    "MobileNetV2": 64,
    "MobileNetV3Large": 64,
    "ResNet101V2": 64,
    "ResNet50": 64,
    "VGG16": 32,
    "Xception": 95,
}
"""One of each family, and the height and width of the pictures that it gets; odd where the library pads by parity."""

KINDS = {
    **dict.fromkeys(("depthwise_kernel", "pointwise_kernel", "depthwise", "pointwise"), "kernel"),
    **{"gamma": "scale", "beta": "bias", "moving_mean": "mean", "moving_variance": "variance"},
}


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the values of a weight, which are the same for all weights of one kind and shape.

    So the order of layers need not be known: what two networks do differently shows all the same.
    """
    kind, sizes = KINDS.get(name, name), tuple(size for size in shape if size > 1)
    generator = np.random.default_rng(zlib.crc32(f"{kind}{sizes}".encode()))
    values = generator.normal(0, 1, sizes)
    if kind == "kernel":
        is_depthwise = len(sizes) == 3 and sizes[0] == sizes[1]
        values *= np.sqrt(2 / np.prod(sizes[:2] if is_depthwise else sizes[:-1]))
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
    variables = {
        "/".join(variable.path.split("/")[-2:]): variable
        for variable in oracle._make(Emitted("keras", "make", source, lambda: iter(()))).variables
        if "seed_generator" not in variable.path
    }
    weights, locations = {}, []
    for path, variable in variables.items():
        layer, weight = path.split("/")
        weight = "value" if weight.startswith("variable") else weight  # the scale in ConvNeXt has no name
        weights[layer, weight] = drawn(weight, tuple(variable.shape))
        locations.append(Location(layer, weight, path, tuple(range(len(variable.shape)))))
    return Emitted("keras", "make", source, lambda: iter(locations)), weights


@pytest.mark.parametrize("name", SIZES)
def test_keras_computes_the_same(name: str, jax: oracle.Jax) -> None:
    figures, size = FIGURES[f"keras/{name}"], SIZES[name]
    text = (EXAMPLES / figures["file"]).read_text().replace(" | softmax", "")  # behind it, other logits may look alike
    final = {"final": "id"} if "const final" in text else {}
    net = netdsl.compile(text, inputs={"": (size, size, 3)}, **{**figures["set"], **final})
    ours = keras_emitter.emit(net.network)
    declared = oracle.declared_weights(net.network)
    weights = {key: drawn(weight, shape) for key, (weight, shape, _) in declared.items()}
    theirs, their_weights = application(name, size)
    inputs = [np.random.default_rng(1).uniform(0, 1, (2, size, size, 3)).astype(np.float32)]
    # Keras' torch backend averages wrongly where it pads, as Inception v3 does; JAX takes five times as long
    run = jax if name == "InceptionV3" else oracle.by_keras
    one, other = run(ours, weights, inputs), run(theirs, their_weights, inputs)
    assert sorted(one.sizes.values()) == sorted(other.sizes.values())
    assert not oracle.is_constant(one.outputs[0])
    assert oracle.difference(one.outputs, other.outputs) < oracle.TOLERANCE
