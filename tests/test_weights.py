"""Weights that move: names and shapes, models of both frameworks, files of every kind, and what is said of others."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import README, blocks

import netdsl
from netdsl import weights
from netdsl.cli import main
from netdsl.emit.emitted import Location
from netdsl.weights import WeightsError

Arrays = dict[str, np.ndarray]

NETWORKS = {
    "chain": "in 8x8x3 | conv 4@3 | relu | bn | dense 5 | dense 4",
    "order": "in 5x4x3 | conv 2@3 same nobias | flatten | relu | dense 5 | dropout 0.5 | dense 6",
    "volume": "in 4x5x4x2 | conv 4@2 | depthwise 2 mult=2 | gn 2 | dense 3",
    "convolutions": "in 8x8x4 | depthwise 3 mult=2 same | separable 4@3 mult=2 | conv_transpose 3@3/2 "
    "| conv 6@1 groups=3",
    "recurrent": "in 6x4 | rnn 3 seq | lstm 3 seq bidirectional layers=2 | gru 4 seq layers=2 "
    "| gru 3 bidirectional seq | lstm 5 reverse as last",
    "attention": "in 6x8 | attention 2 dropout=0.1 | attention 4 kv_heads=2 rope | attention 2 bare | linear 3",
    "windows": "in 4x4x8 | attention 2 window=2x2 shift=1 relative | ln",
    "tied": "in 6 int as ids | embed 8 vocab=11 as tokens | positions max=6 | normalize | linear 8 "
    "| unembed tokens bias",
    "vectors": "let t = param 1x4 init=normal\nin 6x4 | add(id, t) | linear 4 | prelu | ln noscale nobias | rms | ln "
    "| pool 2 weighted | freeze(linear 3)",
    "experts": "in 6x4 | linear 4 | moe( linear 6 as up | relu | linear 4 ) experts=3 top=2 | linear 4 as dense "
    "| linear 2",
    "repeats": "block unit c: residual(conv c@3 same | bn | relu)\nin 8x8x4 | (unit 4) * 3 as stage "
    "| (conv 4@1 as mix | bn) * 2 as body | for n in [2, 2] (conv n@1) as tail | dense 2",
    "shared": "shared tower: conv 3@3 | relu | bn | pool global\nlet left = in 8x8x2 | tower\n"
    "let right = in 8x8x2 | tower\nout concat(left, right) | dense 2",
}
"""Every way in which a target keeps a weight, with layers of one kind in several places."""

TRAINING = {
    "head": "let x = in 6x6x2 | conv 2@3 same\naux x | conv 2@3 same | dense 3 as helper\n"
    "out x | conv 2@3 same | dense 2",
    # Keras numbers what is shared first, also where the model does not have it
    "shared": "shared tower: conv 2@3 same | bn\nlet x = in 6x6x2 | conv 2@3 same\naux x | tower | dense 3 as helper\n"
    "out x | conv 2@3 same | bn | dense 2",
    "both": "shared tower: conv 2@3 same | bn\nlet x = in 6x6x2 | conv 2@3 same\naux x | tower | dense 3 as helper\n"
    "out x | tower | dense 2",
    "shared alone": "shared tower: conv 2@3 same\nlet x = in 6x6x2 | conv 2@3 same\naux x | tower\nout x | dense 2",
}
"""Outputs for training alone, with weights of their own and with those of the others."""

SMALL = NETWORKS["chain"]


def net_of(text: str) -> netdsl.Net:
    return netdsl.compile(text, "small")


def drawn(net: netdsl.Net, seed: int = 0) -> Arrays:
    """Return an array for every weight, as the declarations ask for them: by the walk of the oracle, not by ours."""
    arrays = oracle.random_weights(net.network, seed)
    named = {f"{layer}.{weight}": array for (layer, weight), array in arrays.items()}
    return {name: np.array([3]) if name.endswith(".count") else array for name, array in named.items()}


def assert_equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    assert sorted(one) == sorted(other)
    for name in one:
        assert one[name].shape == other[name].shape, name
        assert np.array_equal(one[name], other[name]), name


def by_torch(model: Any, net: netdsl.Net) -> list[np.ndarray]:
    import torch

    inputs = [torch.from_numpy(oracle.channels_first(x).copy()) for x in oracle.random_inputs(net.network)]
    with torch.no_grad():
        answer = model.eval()(*inputs)
    return [oracle.channels_last(output.numpy()) for output in (answer if isinstance(answer, tuple) else (answer,))]


def by_keras(model: Any, net: netdsl.Net) -> list[np.ndarray]:
    inputs = oracle.random_inputs(net.network)
    answer = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = answer if isinstance(answer, list | tuple) else [answer]
    return [output.detach().numpy() for output in outputs]


# Names


def test_names_and_shapes_are_those_of_the_language() -> None:
    net = net_of("block unit c: conv c@3x5 same nobias | bn\nin 7x7x4 | (unit 4) * 2 as stage | dense 10 as head")
    unit = {"conv_1.kernel": (3, 5, 4, 4)} | {f"bn_1.{name}": (4,) for name in ("scale", "bias", "mean", "variance")}
    expected = {f"stage.{copy}.unit_1.{name}": shape for copy in (1, 2) for name, shape in unit.items()}
    found = weights.shapes(net)
    assert found == expected | {"head.kernel": (7 * 7 * 4, 10), "head.bias": (10,)}
    assert list(found)[-2:] == ["head.kernel", "head.bias"]


@pytest.mark.parametrize("text", [*NETWORKS.values(), *TRAINING.values()], ids=[*NETWORKS, *TRAINING])
def test_every_weight_has_a_name(text: str) -> None:
    net = net_of(text)
    found = weights.shapes(net)
    assert found == {name: array.shape for name, array in drawn(net).items()}
    for target in ("torch", "keras"):
        assert {f"{place.layer}.{place.weight}" for place in net.weight_map(target)} == set(found)


# The inverse


@st.composite
def located(draw: st.DrawFn) -> tuple[Location, tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return a location, the shape of the weight, that of the whole tensor, and that of the part."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    order = None
    if draw(st.booleans()):
        order = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=4)))
        shape = (int(np.prod(order)), *shape[1:])
    axes = tuple(draw(st.permutations(range(len(shape)))))
    arranged = tuple(shape[axis] for axis in axes)
    blocks = None
    if draw(st.booleans()):
        count = draw(st.sampled_from([n for n in range(1, arranged[0] + 1) if arranged[0] % n == 0]))
        blocks = tuple(draw(st.permutations(range(count))))
    kept = draw(st.sampled_from([arranged, (arranged[0], 1, *arranged[1:]), (1, *arranged), (int(np.prod(arranged)),)]))
    before, behind = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    part = (before, before + kept[0]) if draw(st.booleans()) else None
    whole = kept if part is None else (part[1] + behind, *kept[1:])
    return Location("layer", "weight", "path", axes, part, order, blocks), shape, whole, kept


@given(located())
@settings(max_examples=300, deadline=None)
def test_restore_is_the_inverse_of_arrange(
    found: tuple[Location, tuple[int, ...], tuple[int, ...], tuple[int, ...]],
) -> None:
    location, shape, whole, kept = found
    weight = np.arange(int(np.prod(shape))).reshape(shape)
    stored = np.full(whole, -1)
    place = slice(None) if location.part is None else slice(*location.part)
    stored[place] = location.arrange(weight, whole)
    assert np.array_equal(location.restore(stored, shape), weight)
    random = np.random.default_rng(0).permutation(int(np.prod(whole))).reshape(whole)
    assert np.array_equal(location.arrange(location.restore(random, shape), whole), random[place])
    assert random[place].shape == kept


# Models


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_weights_go_there_and_back(text: str, tmp_path: Path) -> None:
    """From PyTorch into a Keras model that is not the first one of its session, and back, and on through its file."""
    import keras

    net = net_of(text)
    arrays = drawn(net)
    source = net.build("torch")
    weights.write(net, source, arrays)
    assert_equal(weights.read(net, source), arrays)

    net_of(SMALL).build("keras")
    between = [net.build("keras") for _ in range(2)][-1]
    weights.copy(net, source, between)
    assert_equal(weights.read(net, between), arrays)
    back = net.build("torch").train()
    weights.copy(net, between, back)
    kept = {name: tensor for name, tensor in back.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert_equal(
        {name: tensor.numpy() for name, tensor in kept.items()}, {name: source.state_dict()[name] for name in kept}
    )
    assert oracle.difference(by_torch(back, net), by_keras(between, net)) < oracle.TOLERANCE

    between.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_equal(weights.read(net, loaded), arrays)
    weights.write(net, loaded, drawn(net, seed=1))
    weights.copy(net, loaded, back)
    assert oracle.difference(by_torch(back, net), by_keras(loaded, net)) < oracle.TOLERANCE
    assert_equal(weights.read(net, between), arrays)


@pytest.mark.parametrize("text", TRAINING.values(), ids=TRAINING)
def test_outputs_for_training(text: str) -> None:
    """A model without them takes what it has from one with them; the other way it is said what is missing."""
    net = net_of(text)
    arrays = drawn(net)
    everything = [net.build("torch", aux=True), net.build("keras", aux=True)]
    without = [net.build("torch"), net.build("keras")]
    weights.write(net, everything[0], arrays)
    weights.copy(net, *everything)
    for source in everything:
        assert_equal(weights.read(net, source), arrays)
        for target in without:
            weights.copy(net, source, target)
            assert set(weights.read(net, target)) < set(arrays)
            assert oracle.difference(by_torch(without[0], net), by_keras(without[1], net)) < oracle.TOLERANCE or (
                target is without[0] and source is everything[0]
            )
    main_ones = weights.read(net, without[0])
    assert_equal(main_ones, weights.read(net, without[1]))
    assert_equal(main_ones, {name: arrays[name] for name in main_ones})
    weights.copy(net, without[0], without[1])
    weights.copy(net, without[1], without[0])
    for target in everything:
        with pytest.raises(WeightsError, match=r"is missing \(it serves training alone\)"):
            weights.copy(net, without[0], target)


def test_numbers_keep_their_precision() -> None:
    import torch

    net = net_of(SMALL)
    model = net.build("torch").to(torch.float64)
    weights.write(net, model, {name: array + 1e-12 for name, array in drawn(net).items()})
    assert weights.read(net, model)["conv_1.kernel"].dtype == np.float64
    half = net.build("torch").to(torch.bfloat16)
    weights.copy(net, model, half)
    read = weights.read(net, half)["conv_1.kernel"]
    assert read.dtype == np.float32
    assert np.array_equal(read, half.state_dict()["0.weight"].float().numpy().transpose(2, 3, 1, 0))
    keras_model = net.build("keras")
    weights.copy(net, half, keras_model)
    again = net.build("torch").to(torch.bfloat16)
    weights.copy(net, keras_model, again)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in half.state_dict().items())


def test_arrays_are_copies() -> None:
    net = net_of(SMALL)
    for model in (net.build("torch"), net.build("keras")):
        before = weights.read(net, model)
        changed = weights.read(net, model)
        for array in changed.values():
            array += 1
        assert_equal(weights.read(net, model), before)
        weights.write(net, model, changed)
        written = weights.read(net, model)
        for array in changed.values():
            array += 1
        assert_equal(weights.read(net, model), written)


def test_wrappers_and_state_dicts_are_read() -> None:
    import torch

    net = net_of(SMALL)
    model = net.build("torch")
    arrays = weights.read(net, model)
    assert_equal(weights.read(net, model.state_dict()), arrays)
    assert_equal(weights.read(net, torch.nn.DataParallel(model)), arrays)
    assert_equal(weights.read(net, torch.compile(model)), arrays)


ON_JAX = """
import sys, numpy, netdsl
from netdsl import weights
net = netdsl.compile(sys.argv[1])
model = [net.build("keras") for _ in range(2)][1]
weights.load(net, "given.safetensors", model)
weights.save(net, model, "read.safetensors")
numpy.save("output.npy", model(numpy.load("input.npy"), training=False))
"""


def test_keras_on_jax(tmp_path: Path) -> None:
    """There, what a layer has made of its weights does not change with them."""
    net = net_of("in 4x3 | normalize | linear 3 | lstm 4 bidirectional seq")
    weights.write_file(net, tmp_path / "given.safetensors", drawn(net))
    (entering,) = oracle.random_inputs(net.network)
    np.save(tmp_path / "input.npy", entering)
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    subprocess.run([sys.executable, "-c", ON_JAX, net.network.source.text], cwd=tmp_path, env=environment, check=True)
    assert_equal(weights.read_file(net, tmp_path / "read.safetensors"), drawn(net))
    model = net.build("torch")
    weights.load(net, tmp_path / "read.safetensors", model)
    assert oracle.difference(by_torch(model, net), [np.load(tmp_path / "output.npy")]) < oracle.TOLERANCE


# What does not fit


OTHERS = {
    "in 8x8x3 | conv 4@3 | relu | bn | dense 6 | dense 4": "dense_1.kernel: .* is 6x144, and 5x144 is wanted",
    "in 8x8x3 | conv 4@3 | relu | bn | dense 5": "dense_2.kernel: there is no",
    "in 8x8x3 | conv 4@3 | relu | bn | dense 5 | dense 4 | bn": r"`6.weight` is no weight of the network",
    # as many numbers, in other shapes
    "in 36x36x3 | conv 4@9 | bn | relu | conv 4@1": "conv_1.kernel",
    "in 8x8x27 | conv 4@1 | relu | bn | pool 3/1 | dense 5 | dense 4": "conv_1.kernel: .* is 4x27x1x1, and 4x3x3x3",
    "in 5x8 | lstm 3": "conv_1.kernel",
}


@pytest.mark.parametrize("text", OTHERS)
def test_another_network_does_not_fit(text: str) -> None:
    net, other = net_of(SMALL), net_of(text)
    with pytest.raises(WeightsError, match=OTHERS[text]) as caught:
        weights.read(net, other.build("torch"))
    assert str(caught.value).startswith("the model does not fit small\n  ")
    assert len(str(caught.value).splitlines()) <= 1 + weights.MOST_PROBLEMS
    for source, target in (("torch", "keras"), ("keras", "torch"), ("keras", "keras")):
        with pytest.raises(WeightsError, match=r"the source does not fit small\n  "):
            weights.copy(net, other.build(source), net.build(target))
        target_model = other.build(target)
        before = weights.read(other, target_model)
        with pytest.raises(WeightsError, match=r"the model does not fit small\n  "):
            weights.copy(net, net.build(source), target_model)
        assert_equal(weights.read(other, target_model), before)


def test_a_map_of_another_order_is_another_shape() -> None:
    """A kernel turned round has as many numbers."""
    net, other = net_of("in 4 | linear 6 nobias"), net_of("in 6 | linear 4 nobias")
    for target in ("torch", "keras"):
        with pytest.raises(WeightsError, match=r"linear_1.kernel: .* is (4x6|6x4), and (4x6|6x4) is wanted"):
            weights.read(net, other.build(target))


def test_a_tensor_more_or_less() -> None:
    import torch

    net = net_of(SMALL)
    state = dict(net.build("torch").state_dict())
    with pytest.raises(WeightsError, match=r"does not fit small\n  `note` is no weight of the network$"):
        weights.read(net, {**state, "note": torch.zeros(1)})
    del state["2.running_var"]
    with pytest.raises(WeightsError, match=r"does not fit small\n  bn_1.variance: there is no `2.running_var`$"):
        weights.read(net, state)


def test_a_second_bias_is_no_weight() -> None:
    import torch

    net = net_of("in 5x4 | lstm 3")
    model = net.build("torch")
    before = weights.read(net, model)
    (extra,) = net._emitted("torch").extra
    with torch.no_grad():
        model.state_dict()[extra.path][2] = 0.5
    with pytest.raises(WeightsError, match=rf"`{extra.path}`, PyTorch's second bias of lstm_1.*add it to the first"):
        weights.read(net, model)
    weights.write(net, model, before)
    assert not model.state_dict()[extra.path].any()
    assert_equal(weights.read(net, model), before)
    state = {name: tensor for name, tensor in model.state_dict().items() if name != extra.path}
    with pytest.raises(WeightsError, match=rf"there is no `{extra.path}`"):
        weights.read(net, state)


def test_arrays_that_do_not_fit() -> None:
    net = net_of(SMALL)
    arrays = drawn(net)
    for target in ("torch", "keras"):
        model = net.build(target)
        before = weights.read(net, model)
        missing = {name: array for name, array in arrays.items() if name != "dense_1.bias"}
        for wrong, message in (
            ({**arrays, "dense_3.bias": arrays["dense_1.bias"]}, "`dense_3.bias` is no weight of the network"),
            ({**arrays, "conv_1.bias": np.zeros(3)}, "conv_1.bias is 3, and 4 is wanted"),
            (missing, "dense_1.bias is missing"),
        ):
            with pytest.raises(WeightsError, match=rf"^what is written does not fit small\n  {message}$"):
                weights.write(net, model, wrong)
            assert_equal(weights.read(net, model), before)


def test_what_is_no_model() -> None:
    for nothing in (3, None, "a.pt"):
        with pytest.raises(WeightsError, match=r"is no torch.nn.Module, no state_dict of one, and no keras.Model"):
            weights.read(net_of(SMALL), nothing)


# Files


@pytest.fixture(scope="module")
def net() -> netdsl.Net:
    return net_of(SMALL)


@pytest.fixture(scope="module")
def arrays(net: netdsl.Net) -> Arrays:
    return drawn(net)


FILED = {name: (NETWORKS | TRAINING)[name] for name in ("chain", "recurrent", "shared alone")} | {
    "training": TRAINING["shared"]
}


@pytest.mark.parametrize("ending", weights.ENDINGS)
@pytest.mark.parametrize("text", FILED.values(), ids=FILED)
def test_files_hold_what_was_written(ending: str, text: str, tmp_path: Path) -> None:
    net = net_of(text)
    arrays = drawn(net)
    path = tmp_path / f"weights{ending}"
    weights.write_file(net, path, arrays)
    assert_equal(weights.read_file(net, path), arrays)
    if text in TRAINING.values():  # a file of the model without them
        used = weights.read(net, net.build("torch"))
        weights.write_file(net, path, used)
        read = weights.read_file(net, path)
        if ending in (".pt", ".pth") and text == TRAINING["shared alone"]:  # nothing tells it from one with them
            read = {name: array for name, array in read.items() if name in used}
        assert_equal(read, used)
    assert list(tmp_path.iterdir()) == [path]


def test_our_files(net: netdsl.Net, arrays: Arrays, tmp_path: Path) -> None:
    """They have the names of the language and the same bytes every time, and a model is as before."""
    import safetensors

    one, other = net.build("torch"), net.build("keras")
    weights.write(net, one, arrays)
    weights.save(net, one, tmp_path / "a.safetensors")
    weights.load(net, tmp_path / "a.safetensors", other)
    assert_equal(weights.read(net, other), arrays)
    weights.save(net, other, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    with safetensors.safe_open(tmp_path / "a.safetensors", "np") as file:
        assert set(file.keys()) == set(weights.shapes(net))
        assert json.loads(file.metadata()["netdsl"]) == {"version": 1, "network": "small"}


def test_only_ours_are_saved_and_loaded(net: netdsl.Net, tmp_path: Path) -> None:
    for call in (lambda path: weights.save(net, net.build("torch"), path), lambda path: weights.load(net, path, None)):
        with pytest.raises(WeightsError, match=r"should end in .safetensors"):
            call(tmp_path / "a.pt")


def test_files_of_the_frameworks(net: netdsl.Net, arrays: Arrays, tmp_path: Path) -> None:
    """What the programs save is read, and what is written they load, strictly."""
    import safetensors.torch
    import torch

    model = net.build("torch")
    weights.write(net, model, arrays)
    torch.save(model.state_dict(), tmp_path / "a.pt")
    safetensors.torch.save_file(model.state_dict(), tmp_path / "state.safetensors")
    half = {name: tensor.bfloat16() for name, tensor in model.state_dict().items()}
    safetensors.torch.save_file(half, tmp_path / "half.safetensors")
    assert_equal(weights.read_file(net, tmp_path / "a.pt"), arrays)
    assert_equal(weights.read_file(net, tmp_path / "state.safetensors"), arrays)
    read = weights.read_file(net, tmp_path / "half.safetensors")["dense_1.bias"]
    assert np.array_equal(read, torch.from_numpy(arrays["dense_1.bias"]).bfloat16().float().numpy())

    weights.convert(net, tmp_path / "state.safetensors", tmp_path / "b.pth")
    other = net.build("torch")
    other.load_state_dict(torch.load(tmp_path / "b.pth", weights_only=True))
    assert_equal(weights.read(net, other), arrays)
    weights.convert(net, tmp_path / "a.pt", tmp_path / "c.weights.h5")
    keras_model = net.build("keras")
    keras_model.load_weights(tmp_path / "c.weights.h5")
    assert_equal(weights.read(net, keras_model), arrays)


def test_a_trained_keras_model_is_read(net: netdsl.Net, tmp_path: Path) -> None:
    """Its files have an optimizer and metrics beside the weights."""
    model = net.build("keras")
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((4, 8, 8, 3)), np.zeros((4, 4)), verbose=0)
    for name in ("a.keras", "a.weights.h5"):
        (model.save if name == "a.keras" else model.save_weights)(tmp_path / name)
        assert_equal(weights.read_file(net, tmp_path / name), weights.read(net, model))


def test_files_that_do_not_fit(net: netdsl.Net, tmp_path: Path) -> None:
    for number, text in enumerate(list(OTHERS)[:3]):
        other = net_of(text)
        for ending in weights.ENDINGS:
            path = tmp_path / f"other_{number}{ending}"
            weights.write_file(other, path, drawn(other))
            with pytest.raises(WeightsError, match=rf"^`{path}` does not fit small"):
                weights.read_file(net, path)


def test_shapes_are_named_in_keras_weights(net: netdsl.Net, tmp_path: Path) -> None:
    other = net_of(SMALL.replace("dense 5", "dense 6"))
    weights.write_file(other, tmp_path / "a.weights.h5", drawn(other))
    with pytest.raises(WeightsError, match=r"dense\w*/kernel` is 144x6, and 144x5 is wanted$"):
        weights.read_file(net, tmp_path / "a.weights.h5")


@pytest.mark.parametrize("ending", weights.ENDINGS)
def test_damaged_files(net: netdsl.Net, arrays: Arrays, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    for content in (b"", b"in 8 | dense 3\n" * 20):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=rf"^`{path}` is damaged, or no ") as caught:
            weights.read_file(net, path)
        assert "\n" not in str(caught.value)
        assert "not found" not in str(caught.value)
    weights.write_file(net, path, arrays)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(WeightsError, match=rf"^`{path}` is damaged, or no "):
        weights.read_file(net, path)


class Anything:
    """What a file of PyTorch must not make when it is read."""

    made = 0

    def __init__(self) -> None:
        Anything.made += 1

    def __reduce__(self) -> Any:
        return Anything, ()


def test_files_of_pytorch_that_are_no_state_dict(net: netdsl.Net, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "a.pt"
    torch.save(net.build("torch"), path)
    with pytest.raises(WeightsError, match=r"holds more than tensors, and is not opened: save `model.state_dict\(\)`"):
        weights.read_file(net, path)
    made = Anything.made
    torch.save({"0.weight": Anything()}, path)
    with pytest.raises(WeightsError, match=r"holds more than tensors"):
        weights.read_file(net, path)
    path.write_bytes(pickle.dumps(Anything()))
    with pytest.raises(WeightsError, match=r"is damaged, or no file of PyTorch|holds more than tensors"):
        weights.read_file(net, path)
    assert Anything.made == made + 2  # by this test
    for content, holds in (
        ({"model": net.build("torch").state_dict(), "epoch": 3}, "a dictionary of `model`, `epoch`"),
        ({}, "nothing"),
        (torch.zeros(3), "Tensor"),
    ):
        torch.save(content, path)
        with pytest.raises(WeightsError, match=rf"holds {holds}, and no state_dict; save `model.state_dict\(\)`"):
            weights.read_file(net, path)


def test_other_versions_are_refused(net: netdsl.Net, arrays: Arrays, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(arrays, tmp_path / "a.safetensors", {"netdsl": json.dumps({"version": 2, "network": "small"})})
    with pytest.raises(WeightsError, match=r"was written by another version of netdsl: .*2"):
        weights.read_file(net, tmp_path / "a.safetensors")
    save_file(arrays, tmp_path / "a.safetensors")
    with pytest.raises(
        WeightsError, match=r"a state_dict of PyTorch, does not fit small\n  conv_1.kernel: there is no `0.w"
    ):
        weights.read_file(net, tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "package, ending, extra",
    [("safetensors", ".safetensors", "weights"), ("torch", ".pt", "torch"), ("keras", ".keras", "keras")],
)
def test_what_is_not_installed(
    package: str,
    ending: str,
    extra: str,
    net: netdsl.Net,
    arrays: Arrays,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / f"a{ending}"
    weights.write_file(net, path, arrays)
    before = path.read_bytes()
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: weights.read_file(net, path), lambda: weights.write_file(net, path, arrays)):
        with pytest.raises(WeightsError, match=rf"^{package} is not installed; `pip install 'netdsl\[{extra}\]'`"):
            call()
    assert path.read_bytes() == before


def test_files_that_cannot_be_used(net: netdsl.Net, arrays: Arrays, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot read `.*a.pt`: there is no such file or folder"):
        weights.read_file(net, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=r"cannot write `.*a.pt`: there is no such file or folder"):
        weights.write_file(net, tmp_path / "none" / "a.pt", arrays)
    for name, cure in (("a.txt", r"\.weights\.h5$"), ("a.h5", "; save it as .keras or .weights.h5")):
        with pytest.raises(WeightsError, match=rf"`.*{name}` is no file of weights: these end in .*{cure}"):
            weights.convert(net, tmp_path / "a.pt", tmp_path / name)


# The command


def test_the_command(
    net: netdsl.Net, arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.net").write_text(SMALL.replace("dense 5", "dense n").replace("in 8", "const n = 3\nin 8"))
    weights.write_file(net, "a.pt", arrays)
    setting = ("--set", "n=5")
    for words in (
        ("small.net", *setting, "a.pt", "b.keras"),
        ("small.net", "b.keras", *setting, "c.safetensors"),
        (*setting, "small.net", "c.safetensors", "d.weights.h5"),
        ("-e", SMALL, "d.weights.h5", "e.pt"),
        ("d.weights.h5", "f.pth", "-e", SMALL),
    ):
        assert main(["weights", *words]) == 0
        source, target = [word for word in words if word[1:2] == "."]
        shown = f"{target}: 10 weights with 877 parameters, from {source}\n"
        assert capsys.readouterr() == (shown, "")
    assert_equal(weights.read_file(net, "f.pth"), arrays)
    assert_equal(weights.read_file(net, "e.pt"), arrays)

    before = Path("b.keras").read_bytes()
    assert main(["weights", "small.net", "a.pt", "b.keras", *setting]) == 2
    assert capsys.readouterr().err == "netdsl weights: error: `b.keras` is there already; --force replaces it\n"
    assert Path("b.keras").read_bytes() == before
    weights.write_file(net, "a.pt", drawn(net, seed=1))
    assert main(["weights", "small.net", "a.pt", "b.keras", *setting, "--force"]) == 0
    assert_equal(weights.read_file(net, "b.keras"), drawn(net, seed=1))
    capsys.readouterr()

    assert main(["weights", "small.net", "a.pt", "x.pt"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        "netdsl weights: error: `a.pt` does not fit small\n  dense_1.kernel: `4.weight` is 5x144, and 3"
    )
    assert main(["weights", "small.net", "none.pt", "x.pt"]) == 1
    assert main(["weights", "none.net", "a.pt", "x.pt"]) == 1
    assert main(["weights", "-e", "in 8 | dnse 3", "a.pt", "x.pt"]) == 1
    assert "did you mean `dense`" in capsys.readouterr().err
    for words in (("small.net", "a.pt"), ("-e", SMALL, "a.pt"), ("-e", SMALL, "small.net", "a.pt", "x.pt")):
        assert main(["weights", *words]) == 2
        assert "two files of weights are needed" in capsys.readouterr().err
    assert not Path("x.pt").exists()


def test_the_commands_of_the_readme(
    net: netdsl.Net, arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (commands,) = blocks(README, "sh")
    monkeypatch.chdir(tmp_path)
    Path("cnn.net").write_text(SMALL)
    weights.write_file(net, "trained.pt", arrays)
    for command in commands.splitlines():
        program, *words = command.split()
        assert program == "netdsl"
        assert main(words) == 0
    assert_equal(weights.read_file(net, words[-1]), arrays)


def test_files_of_ours_need_no_framework(net: netdsl.Net, arrays: Arrays, tmp_path: Path) -> None:
    one, other = str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors")
    weights.write_file(net, one, arrays)
    script = (
        "import sys\nfrom netdsl.cli import main\n"
        f"main(['weights', '-e', {SMALL!r}, {one!r}, {other!r}])\n"
        "print(*sorted({'torch', 'keras', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == [""]
    assert_equal(weights.read_file(net, other), arrays)
