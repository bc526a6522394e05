"""The programs of the zoo's networks compute what the models of keras.applications do, with their weights moved."""

from __future__ import annotations

import json
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
    "ConvNeXtTiny": (64, 255),
    "DenseNet121": (64, 1),
    "DenseNet169": (64, 1),
    "EfficientNetB0": (64, 255),
    "EfficientNetB1": (64, 255),
    "EfficientNetV2B0": (64, 255),
    "EfficientNetV2S": (64, 255),
    "InceptionV3": (95, 1),
    "MobileNet": (64, 1),
    "MobileNetV2": (64, 1),
    "MobileNetV3Large": (64, 255),
    "MobileNetV3Small": (64, 255),
    "ResNet101": (64, 1),
    "ResNet50": (64, 1),
    "ResNet50V2": (64, 1),
    "VGG16": (32, 1),
    "VGG19": (32, 1),
    "Xception": (95, 1),
}
"""Models, with the height and width of the pictures that each gets, and their largest value."""

OTHERS: dict[str, dict[str, Any]] = {
    "ConvNeXtTiny": {**FIGURES["keras/ConvNeXtSmall"], "set": {"size": "tiny", "drop": 0, "normalized": True}},
    "DenseNet169": {**FIGURES["keras/DenseNet121"], "set": {"depth": 169, "eps": 1.001e-05, "momentum": 0.99}},
    "EfficientNetV2S": {**FIGURES["keras/EfficientNetV2M"], "set": {"variant": "s"}},
    "MobileNetV3Small": {**FIGURES["keras/MobileNetV3Large"], "set": {"size": "small"}},
    "ResNet50V2": {**FIGURES["keras/ResNet101V2"], "set": {"depth": 50}},
}
"""Members of families that are not among the published figures."""

NAMES = {
    **{"depthwise_kernel": "depthwise", "pointwise_kernel": "pointwise"},
    **{"gamma": "scale", "beta": "bias", "moving_mean": "mean", "moving_variance": "variance"},
    "variable": "value",  # the scale in ConvNeXt has no name
}
"""What we call Keras' weights."""


def entry(name: str) -> netdsl.Net:
    """Return our network for a model, before its softmax, behind which other logits may look alike."""
    figures, (size, _) = OTHERS.get(name) or FIGURES[f"keras/{name}"], PICTURES[name]
    path = EXAMPLES / figures["file"]
    final = {"final": "id"} if "const final" in path.read_text() else {}
    return netdsl.load(path, inputs={"": (size, size, 3)}, **{**figures["set"], **final})


def application(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Emitted, list[tuple[str, str, tuple[int, ...]]]]:
    """Return a program that makes a model of keras.applications, and its weights in the order in which it makes them.

    That is the order of the text, while Keras lists the weights of a model by the distance from its end.
    """
    import keras

    made: list[Any] = []
    add_weight = keras.layers.Layer.add_weight

    def noted(self: Any, *arguments: Any, **keywords: Any) -> Any:
        made.append(add_weight(self, *arguments, **keywords))
        return made[-1]

    shape = (PICTURES[name][0], PICTURES[name][0], 3)
    call = f"keras.applications.{name}(weights=None, input_shape={shape}, classifier_activation=None)"
    source = f"import keras\n\n\ndef make():\n    return {call}\n"
    keras.utils.clear_session()
    with monkeypatch.context() as patch:
        patch.setattr(keras.layers.Layer, "add_weight", noted)
        model = oracle._make(Emitted("keras", "make", source, lambda: iter(())))
    weights = [(v.path.removeprefix(f"{model.name}/"), v.name.rstrip("_0123456789"), tuple(v.shape)) for v in made]
    locations = [Location(path, kind, path, tuple(range(len(shape)))) for path, kind, shape in weights]
    return Emitted("keras", "make", source, lambda: iter(locations)), weights


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape that is the same for a filter for each channel, however its framework keeps that."""
    return tuple(size for size in shape if size > 1)


@pytest.mark.parametrize("name", PICTURES)
def test_both_programs_compute_what_the_library_does(
    name: str, jax: oracle.Jax, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each weight of ours, layer by layer in the order of the text, is moved into the library's own model."""
    net, (size, largest) = entry(name), PICTURES[name]
    for_torch, for_keras = oracle.emit_both(net.network)
    library, made = application(name, monkeypatch)
    declared = oracle.declared_weights(net.network)
    assert [(kind, without_ones(shape)) for kind, shape, _ in declared.values()] == [
        (NAMES.get(kind, kind), without_ones(shape)) for _, kind, shape in made
    ]
    pictures = [np.random.default_rng(1).uniform(0, largest, (16, size, size, 3)).astype(np.float32)]
    weights = oracle.settled(for_torch, oracle.random_weights(net.network), pictures)
    moved = {(path, kind): weights[key].reshape(shape) for key, (path, kind, shape) in zip(declared, made, strict=True)}
    inputs = [x[:2] for x in pictures]
    # Keras' torch backend averages wrongly where it pads, as Inception v3 does; JAX takes five times as long
    run = jax if name == "InceptionV3" else oracle.by_keras
    theirs = run(library, moved, inputs)
    one, other = theirs.outputs[0]
    assert oracle.difference([one], [other]) > 10 * oracle.TOLERANCE  # they see what is in the pictures
    for ours in (run(for_keras, weights, inputs), oracle.by_torch(for_torch, weights, inputs)):
        assert (ours.trainable, ours.not_trained) == (theirs.trainable, theirs.not_trained)
        assert oracle.difference(ours.outputs, theirs.outputs) < oracle.TOLERANCE


def test_weights_in_another_order_show() -> None:
    """Two weights of the same shape, in neighbouring layers, cannot change places without a difference."""
    net = entry("MobileNet")
    for_torch, _ = oracle.emit_both(net.network)
    inputs = [np.random.default_rng(1).uniform(0, 1, (16, 64, 64, 3)).astype(np.float32)]
    weights = oracle.settled(for_torch, oracle.random_weights(net.network), inputs)
    kernels = [
        (key, shape) for key, (kind, shape, _) in oracle.declared_weights(net.network).items() if kind == "kernel"
    ]
    pairs = [(a, b) for (a, one), (b, other) in zip(kernels, kernels[2:], strict=False) if one == other]
    assert len(pairs) > 5
    outputs = oracle.by_torch(for_torch, weights, inputs).outputs
    for a, b in pairs:
        swapped = {**weights, a: weights[b], b: weights[a]}
        assert oracle.difference(outputs, oracle.by_torch(for_torch, swapped, inputs).outputs) > oracle.TOLERANCE
