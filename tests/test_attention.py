"""Attention against its definition, written out in NumPy: what both emitted programs share could be wrong in both."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
from attrs import frozen

import netdsl
from netdsl.emit import keras as keras_emitter
from netdsl.emit import torch as torch_emitter
from netdsl.emit.emitted import Emitted
from netdsl.layer import per_axis
from netdsl.layers.attention import Attending
from netdsl.network import Network

Array = np.ndarray[Any, Any]

# The definition


@frozen
class Relation:
    """Who attends to whom, for each query and key: whether, the row of the table of offsets, the place in a bias."""

    seen: Array
    offset: Array
    queries: Array
    keys: Array


def on_a_sequence(layer: Attending, queries: int, keys: int) -> Relation:
    i, j = np.arange(queries)[:, None], np.arange(keys)
    seen = np.ones((queries, keys), bool)
    if layer.causal:
        seen &= j <= i
    if layer.window is not None:
        seen &= np.abs(i - j) < layer.window
    reach = queries if layer.window is None else layer.window
    return Relation(seen, np.where(seen, i - j + reach - 1, 0), i[:, 0], j)


def on_a_map(layer: Attending, sizes: tuple[int, ...]) -> Relation:
    """A window begins at every multiple behind the shift, and ends at the edge; a grid takes each n-th position."""
    places = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), -1).reshape(-1, len(sizes))
    if layer.window is not None:
        windows = np.array(per_axis(layer.window, 2, "window"))
        shifted = places - np.array(per_axis(layer.shift, 2, "shift"))
        group, inside = shifted // windows, shifted % windows
    elif layer.grid is not None:
        windows = np.array(per_axis(layer.grid, 2, "grid"))
        group, inside = places % (np.array(sizes) // windows), places // (np.array(sizes) // windows)
    else:
        windows, group, inside = np.array(sizes), places * 0, places
    seen = (group[:, None] == group).all(-1)
    row, column = np.moveaxis(inside[:, None] - inside + windows - 1, -1, 0)
    place = inside[:, 0] * windows[1] + inside[:, 1]
    return Relation(seen, row * (2 * windows[1] - 1) + column, place, place)


def rotated(x: Array, channels: int, theta: float) -> Array:
    """Return rotary embeddings as Llama has them: x*cos + rotate_half(x)*sin, each angle for two halves."""
    angles = np.arange(x.shape[2])[:, None] / theta ** (np.arange(0, channels, 2) / channels)
    angles = np.concatenate([angles, angles], -1)
    turned, rest = x[..., :channels], x[..., channels:]
    half = np.concatenate([-turned[..., channels // 2 :], turned[..., : channels // 2]], -1)
    return np.concatenate([turned * np.cos(angles) + half * np.sin(angles), rest], -1)


def defined(layer: Attending, weights: dict[str, Array], tensors: list[Array]) -> Array:
    """Return what attention makes of a batch, in float64."""
    bias = None if layer.bias is None else tensors[-1]
    query, key, value = layer.entering(tensors)
    batch, *places, _ = query.shape
    heads, served = layer.heads, layer.serving()

    def projected(x: Array, name: str) -> Array:
        return x @ weights[name] + weights.get(f"{name}_bias", 0) if name in weights else x

    def split(x: Array, count: int) -> Array:
        return x.reshape(batch, -1, count, x.shape[-1] // count).transpose(0, 2, 1, 3)

    q = split(projected(query, "query"), heads)
    k = split(projected(key, "key"), served).repeat(heads // served, 1)
    v = split(projected(value, "value"), served).repeat(heads // served, 1)
    if layer.rope:
        channels = q.shape[-1] if layer.rope is True else layer.rope
        q, k = rotated(q, channels, float(layer.theta)), rotated(k, channels, float(layer.theta))
    scores = q @ k.transpose(0, 1, 3, 2) * (q.shape[-1] ** -0.5 if layer.scale is None else float(layer.scale))
    if query.ndim == 3 or key.shape[1:-1] != query.shape[1:-1]:
        relation = on_a_sequence(layer, q.shape[2], k.shape[2])
    else:
        relation = on_a_map(layer, tuple(places))
    if "relative_bias" in weights:
        scores += weights["relative_bias"][relation.offset].transpose(2, 0, 1)
    if bias is not None:
        whole = (batch, heads, relation.queries.max() + 1, relation.keys.max() + 1)
        bias = bias.reshape(batch, *(1,) * (4 - bias.ndim), *bias.shape[1:])
        scores += np.broadcast_to(bias, whole)[:, :, relation.queries[:, None], relation.keys]
    shares = np.where(relation.seen, np.exp(scores), 0)
    shares /= shares.sum(-1, keepdims=True)
    return projected((shares @ v).transpose(0, 2, 1, 3).reshape(batch, *places, -1), "output")


# Against it

pytestmark = pytest.mark.usefixtures("fast")

SELF = [
    "attention 4",
    "attention 2 head_dim=3 dim=5 nobias",
    "attention 4 kv_heads=2 qkv_bias",
    "attention 2 scale=1/3",
    "attention 2 causal",
    "attention 2 window=3",
    "attention 2 window=2 causal",
    "attention 2 rope",
    "attention 2 rope=2 theta=50 causal kv_heads=1",
    "attention 2 relative",
    "attention 2 relative window=3 causal",
    "attention 2 bias=keys",
    "attention 2 bias=square causal",
    "attention 2 bias=heads window=4 relative",
    "attention 4 bare",
    "attention 2 bare rope causal",
]
MAPS = [
    "attention 4",
    "attention 2 relative dim=5",
    "attention 2 window=3x2",
    "attention 2 window=3x2 relative",
    "attention 2 window=3x2 shift=[1, 1]",
    "attention 4 window=3x4 shift=[2, 3] relative kv_heads=2",
    "attention 4 window=6x4 shift=[2, 0] relative",
    "attention 2 grid=3x2 relative",
    "attention 2 grid=2x4",
    "attention 2 window=3x2 shift=[1, 1] bias=square",
    "attention 2 grid=3x2 bias=heads relative",
    "attention 2 window=3x2 shift=[1, 0] relative bare",
]
OTHERS = [
    "in 5x6 as m  in 7x8 as x  out x | attention(m) 4",
    "in 9x6 as m  in 7x8 as x  out x | attention(m) 4 causal",
    "in 5x6 as m  in 7x8 as x  out x | attention(m) 4 causal window=3 rope",
    "in 5x6 as m  in 5x3 as n  in 7x8 as x  out attention(x, m, n) 4 kv_heads=2",
    "in 5x8 as m  in 5x3 as n  in 7x8 as x  out attention(x, m, n) 1 bare",
    "in 5x4 as m  in 5x6 as n  in 7x8 as x  out attention(x, m, n) 4 kv_heads=2 bare",
    "in 5x6 as m  in 3x7x8 as x  out x | attention(m) 4",
    "in 5x2x6 as m  in 7x8 as x  out x | attention(m) 4",
    "in 5x2x6 as m  in 3x4x8 as x  out x | attention(m) 4 dim=3",
    "in 6x4x6 as m  in 6x4x8 as x  out x | attention(m) 4 window=3x2 shift=[1, 1] relative",
    "in 6x4x6 as m  in 6x4x8 as x  out x | attention(m) 4 grid=3x2",
]
TEXTS = [
    *(f"in 7 as keys in 7x7 as square in 2x7x7 as heads in 7x8 as x out x | {stage}" for stage in SELF),
    *(f"in 6x6 as square in 2x6x6 as heads in 6x4x8 as x out x | {stage}" for stage in MAPS),
    *OTHERS,
]


def difference(network: Network, emitted: Emitted, run: Any) -> float:
    """Return how far a program is from the definition, as a share of the largest output."""
    (step,) = (step for step in network.body.steps if isinstance(step.does, Attending))
    layer = step.does
    assert isinstance(layer, Attending)
    weights, inputs = oracle.random_weights(network), oracle.random_inputs(network)
    sources = [n for n, step in enumerate(network.body.steps) if step.inputs == ()]
    tensors = [inputs[sources.index(value)].astype(np.float64) for value in step.inputs]
    expected = defined(layer, {name: weight for (_, name), weight in weights.items()}, tensors)
    found = run(emitted, weights, inputs).outputs
    return oracle.difference(found, [expected])


@pytest.mark.parametrize("text", TEXTS)
def test_programs_follow_the_definition(text: str) -> None:
    network = oracle.network_of(text)
    assert difference(network, torch_emitter.emit(network), oracle.by_torch) < oracle.TOLERANCE
    assert difference(network, keras_emitter.emit(network), oracle.by_keras) < oracle.TOLERANCE


def test_the_definition_can_be_missed() -> None:
    for text, other in (
        ("attention 2 window=3", "attention 2 window=2"),
        ("attention 2 rope", "attention 2 rope=2"),
        ("attention 2 relative", "attention 2"),
        ("attention 4 kv_heads=2", "attention 4 kv_heads=2 scale=1"),
    ):
        network, changed = (oracle.network_of(f"in 7x8 | {stage}") for stage in (text, other))
        emitted = torch_emitter.emit(network)
        with pytest.raises(AssertionError):
            assert difference(changed, emitted, oracle.by_torch) < oracle.TOLERANCE


@pytest.mark.parametrize("causal", [False, True])
def test_plain_attention_is_that_of_pytorch(causal: bool) -> None:
    import torch
    from torch import nn

    network = oracle.network_of(f"in 7x8 | attention 4 {'causal' if causal else ''}")
    weights, (x,) = oracle.random_weights(network), oracle.random_inputs(network)
    arrays = {name: torch.from_numpy(array) for (_, name), array in weights.items()}
    module = nn.MultiheadAttention(8, 4, batch_first=True)
    packed = ("query", "key", "value")
    module.load_state_dict(
        {
            "in_proj_weight": torch.cat([arrays[name].T for name in packed]),
            "in_proj_bias": torch.cat([arrays[f"{name}_bias"] for name in packed]),
            "out_proj.weight": arrays["output"].T,
            "out_proj.bias": arrays["output_bias"],
        }
    )
    entering = torch.from_numpy(x)
    mask = nn.Transformer.generate_square_subsequent_mask(7) if causal else None
    with torch.no_grad():
        expected, _ = module.eval()(entering, entering, entering, attn_mask=mask)
    found = oracle.by_torch(torch_emitter.emit(network), weights, [x]).outputs
    assert oracle.difference(found, [expected.numpy()]) < oracle.TOLERANCE


@pytest.mark.parametrize(
    "text",
    [
        "in 7x8 as x  out param [4, 8] init=normal | attention(x) 2 rope",
        "in 7x8 as x  out x | attention(param [4, 8] init=normal) 2 causal window=4",
        "let b = param [2, 7, 7] init=normal  in 7x8 | attention 2 bias=b causal",
        "let b = param [6] init=normal  in 6x4x8 | attention 2 bias=b window=3x2 shift=1",
        "in 7x8 as x  in 7 as b  out x | (attention 2 bias=b | ln) * 3",
        "in 5x6 as m  in 7x8 as x  out x | (attention(m) 2 | tanh) * 3 | dropout 0.5 | flatten | dense 2",
        "in 7x8 | attention(id, linear 3, id) 2 | attention(ln) 4 kv_heads=2 | attention 2 rope=2 | attention 8 bare",
    ],
)
def test_it_is_wired_the_same(text: str, jax: oracle.Jax) -> None:
    """Tensors that all examples have in common, those from outside of repeats, and several options in one program."""
    assert oracle.disagreement(text, jax) == ""


# What programs have to do besides


def made(text: str, target: str) -> Any:
    """Return the model of a text, with weights that are not zero."""
    namespace: dict[str, Any] = {"__name__": "emitted"}
    exec(netdsl.compile(text, name="net").emit(target), namespace)
    model = namespace["Net" if target == "torch" else "net"]()
    generator = np.random.default_rng(0)
    for weight in model.weights if target == "keras" else ():
        weight.assign(generator.normal(size=weight.shape))
    return model


@pytest.mark.parametrize("stage", ["attention 4", "attention 2 rope causal kv_heads=1", "attention 2 window=3 scale=1"])
def test_the_length_may_be_another_one(stage: str) -> None:
    """Nothing in the classes keeps the length that the text has."""
    network, longer = (oracle.network_of(f"in {length}x8 | {stage}") for length in (7, 11))
    emitted = torch_emitter.emit(network)
    assert difference(longer, emitted, oracle.by_torch) < oracle.TOLERANCE
    source = keras_emitter.emit(network).source.replace("keras.Input((7, 8))", "keras.Input((None, 8))")
    emitted = Emitted("keras", "network", source, lambda: iter(keras_emitter.emit(network).weight_map))
    assert difference(longer, emitted, oracle.by_keras) < oracle.TOLERANCE


@pytest.mark.parametrize(
    "text",
    [
        "in 7x8 | attention 4 kv_heads=2 causal window=3 rope scale=1 dropout=0.2 nobias",
        "in 7x8 | attention 2 relative qkv_bias",
        "in 6x4x8 | attention 2 window=3x2 shift=[1, 1] relative dropout=0.2 kv_heads=1",
        "in 6x4x8 | attention 2 grid=3x2 bare",
    ],
)
def test_keras_saves_and_loads_them(text: str, tmp_path: Any) -> None:
    import keras

    model = made(text, "keras")
    (x,) = oracle.random_inputs(oracle.network_of(text))
    before = keras.ops.convert_to_numpy(model(x, training=False))
    model.save(tmp_path / "model.keras")
    after = keras.ops.convert_to_numpy(keras.saving.load_model(tmp_path / "model.keras")(x, training=False))
    assert oracle.difference([before], [after]) < oracle.TOLERANCE


@pytest.mark.parametrize("stage", ["attention 2 dropout=0.5", "attention 2 dropout=0.5 rope"])
def test_only_training_drops(stage: str) -> None:
    import keras
    import torch

    text = f"in 7x8 | {stage}"
    (x,) = oracle.random_inputs(oracle.network_of(text))
    module, model = made(text, "torch"), made(text, "keras")
    entering = torch.from_numpy(x)
    for training in (False, True):
        module.train(training)
        same = torch.equal(module(entering), module(entering))
        assert same != training
        one, two = (keras.ops.convert_to_numpy(model(x, training=training)) for _ in range(2))
        assert np.array_equal(one, two) != training


def test_what_it_costs() -> None:
    from netdsl.size import symbol

    def macs(text: str) -> Any:
        return netdsl.compile(text).macs

    projections = 100 * 4 * 64 * 64
    assert macs("in 100x64 | attention 8") == projections + 2 * 100 * 100 * 64
    assert macs("in 100x64 | attention 8 causal") == projections + 2 * 100 * 100 * 64
    assert macs("in 100x64 | attention 8 window=10") == projections + 2 * 100 * 19 * 64
    assert macs("in 100x64 | attention 8 window=80") == projections + 2 * 100 * 100 * 64
    assert macs("in 10x10x64 | attention 8 window=5") == projections + 2 * 100 * 25 * 64
    assert macs("in 10x10x64 | attention 8 grid=2x5 relative") == projections + 2 * 100 * 10 * 64
    assert macs("in 100x64 | attention 8 bare") == 2 * 100 * 100 * 64
    assert macs("in 50x32 as m in 100x64 | attention(m) 8 kv_heads=2") == (
        2 * 100 * 64 * 64 + 2 * 50 * 32 * 16 + 2 * 100 * 50 * 64
    )
    t = symbol("T")
    assert macs("in Tx64 | attention 8") == t * 4 * 64 * 64 + 2 * t * t * 64
    assert netdsl.compile("in 14x14x64 | attention 2 window=7 relative").parameters.total == 4 * 65 * 64 + 13 * 13 * 2
