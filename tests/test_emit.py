"""Emitted code: the look of it, names that somebody else owns, and structures that no single layer has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import drawn
import numpy as np
import oracle
import pytest

import netdsl
from netdsl.diagnostics import CompileError
from netdsl.emit import TARGETS
from netdsl.emit import keras as keras_emitter
from netdsl.emit import torch as torch_emitter
from netdsl.emit.keras import snake_case
from netdsl.emit.torch import MODULE_OWNS

# ruff: noqa: E501 (a network stands on one line where that reads best)

STRUCTURES = {
    "a block that attends to a smaller map, and may not be relative": """
        block seer k: attention(conv 8@1 stride=[2, 1] valid) 1 relative=(k <= 4) head_dim=k
        in 12x3x8 | seer 5 | seer 6
    """,
    "two outputs of a named trunk": """
        in 31x31x3 as image
        let trunk = image | conv 8@3/2 same | relu
        out trunk | pool global | dense 3 as head
        out trunk | conv 1@1 as map
    """,
    "residuals repeated": "in 9x8x4 | (residual(conv 4@3 same | tanh | conv 4@3 same) | relu) * 3 | dense 5",
    "a repeat whose first copy changes the shape": "in 9x8x3 | (conv 6@3 same as c | tanh) * 3 | dense 5",
    "a repeat whose copies read different tensors": """
        in 8 as x | dense 16 as y
        | ((if channels > 8 then dense 8 | add(id, x) else dense 8 | add(id, y | dense 8)) | tanh) * 3 | dense 2
    """,
    "a repeat whose last copies do nothing": """
        in 16 | ((if channels > 4 then dense (channels/2) | tanh else id)) * 5 | dense 3
    """,
    "a shared block that is frozen where it is used": """
        shared t: dense 8 | tanh | dense 8
        shared u: dense 8
        in 8 | freeze(t | u) | relu | freeze((u | tanh) * 2 | t) | dense 2
    """,
    "a shared block that serves training first": """
        shared t: dense 8 | tanh
        let x = in 8
        aux x | t | dense 3
        out x | t | dense 2
    """,
    "a block called like a module of functions": """
        block f skip: up like=skip
        in 8x8x3 as x | pool 2 as y | f x | pool 2 | pool 2 | f y | conv 2@3
    """,
    "a repeat that shrinks": "in 12x12x2 | (conv 4@3 | tanh) * 4 | flatten | linear 3",
    "a repeat in a repeat": "in 6x5x4 | ((conv 4@3 same | tanh) * 2 | bn) * 3 | pool global max | dense 2",
    "a repeat that reads what is outside": """
        let skip = in 8x7x4 as x | conv 5@3 same
        out skip | tanh | (concat(conv 3@3 same, skip | conv 2@1) | tanh) * 2 | pool global | dense 3
    """,
    "a repeat of another layout than what enters": "in 16x6 | linear 5 | (conv 5@3 same | tanh) * 3 | linear 2",
    "branches that mix layouts": "in 8x7x4 | add(conv 6@3 same, linear 6, conv 6@1 | ln) | softmax axis=0 | dense 3",
    "a flatten whose readers disagree": """
        let flat = in 5x4x3 | conv 2@2 | flatten
        out concat(flat | dense 4, flat | scale 2 | linear 3)
    """,
    "each, with a name for each": "in 9x9x3 | concat(each k in [1, 3, 5] (conv 4@k same | tanh) as tower) | dense 2",
    "groups with names": "in 16x16x3 | (conv 4@3 same | bn | relu | pool 2) as stem | ((conv 6@3 | bn) as inner | relu) "
    "as body | pool global | dense 10 as head",
    "inputs that reach the output alone": "in 4x3 as a  in 4x3 as b  out sub(a, b)  out b",
    "an input twice": "in 6 as a  out mul(a, a) | dense 2  out add(a | dense 6, a | dense 6)",
    "a chain of functions": "in 5x4x3 | exp | permute [1, 0, 2] | scale 0.1 offset=1 | exp | reshape 12x5 | softmax axis=0",
    "a padded average of a sum": "in 7x8x3 | add(conv 3@3 same, id) | pool 3/2 avg same | dense 2",
    "skips over several layers": """
        in 16x16x2 | conv 4@3 same | relu as one | pool 2 | conv 6@3 same | relu as two | pool 2 | conv 8@3 same | relu
        | up 2 | concat(id, two) | conv 6@3 same | relu | up 2 | concat(one, id) | conv 1@1
    """,
    "names that Python and the frameworks own": """
        in 8x8x3 as x | conv 4@3 same as class | relu as forward | conv 4@3 same as half
        | add(id, forward) as self | (conv 4@3 | tanh) as training | conv 4@1 as nn | conv 4@1 as conv2d
        | conv 4@1 as relu | add(conv 4@1, id) as add | dense 3 as inputs
    """,
    "more names": """
        in 8x8x3 as keras | conv 4@3 as layers | tanh as ops | conv 4@1 as __init__ | conv 4@1 as torch | conv 4@1 as type
        out concat(layers | crop 0 | conv 2@1, torch, ops) as tensor | dense 3 as dense
    """,
    "a table that is used both ways": """
        in 9 int | embed 8 vocab=13 as tokens | positions | (residual(ln | linear 8 | gelu)) * 3 | ln
        | unembed tokens bias as logits
    """,
    "tables by another name, whose tensor is read too": """
        let x = in 5 int as ids | embed 4 vocab=7
        let z = in 6 int as more | (embed 4 vocab=9 as table | tanh) as reader
        out x | add(id, table | pool global) as table_ | unembed table
        out z | linear 4 as x_ | unembed x bias | softmax
        out x | unembed x
    """,
    "a table in each copy of a repeat": """
        in 6 int as ids
        in 6x4 as x | (mul(ids | embed 4 vocab=7 as table, id) | tanh | unembed table | linear 4) * 3
    """,
    "frozen recurrent layers": """
        in 6x5 | freeze(lstm 4 seq bidirectional as both | gru 3 seq) | freeze(positions) | rnn 3 | dense 2
    """,
    "a repeat called like the variable of its loop": """
        in 9 int | embed 4 vocab=7 | (linear channels as out_1) * 2 as i | linear 2
    """,
    "frozen attention": """
        in 6x4 | freeze(attention 2 | attention 4) | freeze(attention 2 rope as near) | attention 2 rope | reshape 2x3x4 | freeze(attention 1 window=[2, 3])
        | flatten | dense 2
    """,
    "blocks of recurrent layers and tables": """
        shared words: embed 4 vocab=9 | positions max=12
        block both n: lstm n seq bidirectional | gru n seq reverse | linear 4
        block again n: embed n vocab=9 as tokens | positions | positions sinusoidal | unembed tokens bias
        in 7 int as ids
        let x = ids | words | both 3 | (both 3) * 2
        out concat(x, ids | words, ids | again 3, ids | again 4) | rnn 3
    """,
    "a block, twice the same and once another": """
        block unit c k=3 act=relu:
            add((conv c@k same nobias | bn | act) as main, (if channels == c then id else conv c@1) as shortcut) | act
        in 9x8x3 | unit 4 | unit 4 | (unit 4 act=tanh) * 3 | unit 6 k=5 as last | pool global | dense 3
    """,
    "blocks in blocks": """
        block cna c k=3: conv c@k same | bn | tanh
        block pair c: cna c | cna c k=1 as second
        block both c: concat(pair c, cna c as lone) | cna c
        in 8x7x2 | both 4 | (both 4) * 2 | pool global | dense 2
    """,
    "a block with tensors": """
        block join other others=[] scale_by=0.5: concat(id, other | conv 3@1, each o in others (o | conv 2@1)) | scale scale_by
        in 6x5x2 as image
        let a = image | conv 4@3 same
        let b = image | conv 2@1 | tanh
        out a | join b | join a others=[b, a] scale_by=-2 | conv 2@3
    """,
    "a shared block": """
        shared tower: conv 4@3 same as c | bn | tanh | pool global
        in 7x6x2 as left
        in 7x6x2 as right
        out concat(left | tower, right | tower) | dense 2 as same
    """,
    "a shared layer over and over": """
        shared layer: residual(linear 6 | tanh | linear 6) | ln
        in 5x4 | linear 6 | (layer) * 4 | linear 2
    """,
    "a shared layer in each copy of a repeat": """
        shared mix: linear 6 | tanh
        in 5x4 | linear 6 | (linear 6 | mix | ln) * 3 | mix | linear 2
    """,
    "a shared table that is used both ways": """
        shared tokens: embed 6 vocab=11
        let source = in 5 int as one | tokens | mean axis=0
        let target = in 5 int as two | tokens
        out add(target, source) | linear 6 | tanh | unembed tokens
    """,
    "frozen parts": """
        block unit c: conv c@3 same as inner | bn | relu
        shared top: dense 4 | tanh
        in 8x8x2 | freeze(conv 4@3 | bn as norm | relu) as backbone | freeze(unit 4) | unit 4 | freeze((unit 4) * 2)
        | flatten | dense 4 | top | freeze(dense 4) | top
    """,
    "outputs for training": """
        in 9x9x2 | conv 4@3 | relu as early | conv 4@3 | relu as late | pool global | dense 3 as head
        aux early | pool global as pooled | dense 3 as helper
        aux pooled
        aux late | conv 2@1
    """,
    "a tensor for training that an output is made of": "in 8 | dense 6 as a | relu | dense 3  aux a",
    "trained tensors": """
        let cls = param 1x6 init=normal
        in 5x6 | concat(cls, id) axis=0 | add(id, param 6x6) | mul(id, param 6 init=0.5) | add(id, param 6x6 init=eye frozen)
        | (mul(id, param 6 init=ones) | linear 6) * 2 | take 0 | dense 2
    """,
    "trained tensors on maps": """
        let prior = param 4x3x2 init=ones
        in 4x3x2 | conv 2@3 same | add(id, prior) | conv 5@3 same | mul(id, param 5) | concat(id, param 4x3x1) | conv 2@1
        out prior | conv 3@1
    """,
    "a loop": """
        in 12x12x3 | for c, n in [[4, 1], [6, 2]] (conv c@3 same as first | (residual(conv c@3 same | tanh)) * n | pool 2) as stage
        | for i in 3 (conv i + 2@1 | tanh) | concat(id, stage_2) | dense 2
    """,
    "names in the copies of a loop": """
        in 8x8x3 | for c in [4, 6] (conv c@3 same as a | tanh | add(id, a) as b | mul(id, b)) as stage | dense 2
    """,
    "recurrent layers in rows, groups and repeats": """
        in 9 int | embed 6 vocab=11 | lstm 4 seq | (lstm 4 seq bidirectional | linear 4) * 3 | lstm 5 seq reverse as back
        | lstm 4 seq bidirectional as ways | (gru 3 bidirectional layers=2 | dense 5 | tanh) as head | dense 2
    """,
    "recurrent layers that read one tensor": """
        let x = in 7x5 as sequence | rnn 4 seq
        out concat(x | lstm 3, x | lstm 3 reverse, x | gru 2 layers=2 bidirectional, x | rnn 3 seq reverse | pool global)
    """,
    "a repeat of one recurrent layer": "in 7x5 as sequence | rnn 4 seq | (lstm 4 seq) * 3 | gru 3",
    "experts": """
        block expert hidden width=channels: residual(linear 2*hidden nobias as up | swiglu | linear width)
        in 5x6 | moe(linear 8 | relu | linear 6) experts=4 | residual(moe(expert 5) experts=3 top=1 as mixture)
        | (moe(dense 6 as inside | tanh) experts=2 as few) * 2 | ln | linear 3
    """,
    "experts of maps and vectors": """
        in 4x3x6 | conv 6@3 same | moe(linear 8 | relu | linear 6) experts=3 top=3 | conv 2@1 | pool global
        | freeze(moe(dense 4 | tanh) experts=5) | dense 2
    """,
    "many repeats": "in 4 | (linear 4 | tanh) * 40 | dense 2",
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_compute_the_same(name: str, jax: oracle.Jax) -> None:
    assert oracle.disagreement(STRUCTURES[name], jax) == ""


def test_emitted_code_is_clean(tmp_path: Path) -> None:
    """ruff has nothing to say about style or layout, and mypy nothing about the types of PyTorch code."""
    texts = list(STRUCTURES.values())
    for layer in drawn.layers():
        # the classes that go along with a layer of branches have other lines for other options
        texts += list(drawn.pairwise(layer)[0])[: None if layer.branches else 4]
    for number, text in enumerate(texts):
        for target in TARGETS:
            (tmp_path / f"{target}_{number}.py").write_text(netdsl.compile(text).emit(target))
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--isolated", "--select", "E,F,I,UP,B,W", "--line-length", "88", "--target-version", "py311"]
    for command in (["check", *rules, "--ignore", "E501"], ["format", "--isolated", "--check"]):
        done = subprocess.run([*ruff, *command, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    checker = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=skip", "--disallow-untyped-defs"]
    torch_files = [str(path) for path in tmp_path.glob("torch_*.py")]
    done = subprocess.run([*checker, *torch_files], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]


def test_emission_is_reproducible() -> None:
    for text in STRUCTURES.values():
        for target in TARGETS:
            assert netdsl.compile(text).emit(target) == netdsl.compile(text).emit(target)


def test_a_million_copies_are_a_loop() -> None:
    for target in TARGETS:
        few = netdsl.compile("in 4 | ((linear 4 | relu) * 10) * 10").emit(target)
        many = netdsl.compile("in 4 | ((linear 4 | relu) * 1M) * 1M").emit(target)
        assert many.splitlines()[8:] == few.replace("range(10)", "range(1000000)").splitlines()[8:] or len(many) < 2000


def test_the_layout_of_a_chain() -> None:
    source = netdsl.compile("in 28x28x1 | conv 8@3 same | relu | pool 2 | dense 10", name="small").emit("torch")
    assert source.endswith(
        """class Small(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 8, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(1568, 10),
        )
"""
    )


def test_names_that_modules_own_are_known() -> None:
    from torch import nn

    owned = {name for name in dir(nn.Module()) if not name.startswith("_")}
    assert owned <= MODULE_OWNS, sorted(owned - MODULE_OWNS)


def test_names_that_keras_gives() -> None:
    import keras

    for name in dir(keras.layers):
        if name[0].isupper():
            assert snake_case(name) == keras.src.utils.naming.to_snake_case(name), name


TRAINING = ("dropout 0.3", "spatial_dropout 0.3", "drop_path 0.3")


@pytest.mark.parametrize("stage", TRAINING)
@pytest.mark.parametrize("target", ["torch", "keras"])
def test_dropouts_drop_their_share_in_training(stage: str, target: str) -> None:
    """Of what is in training, the share that is dropped is the rate, and what stays is scaled to keep the mean."""
    model = netdsl.compile(f"in 40x40x50 | {stage}").build(target)
    ones = np.ones((200, 50, 40, 40), np.float32)
    dropped, kept = _train(model, ones, target)
    per_example = 1 / np.sqrt(200 * (1 if "path" in stage else 50 if "spatial" in stage else 50 * 1600))
    assert abs(dropped - 0.3) < 5 * per_example * 0.46
    assert np.allclose(kept, 1 / 0.7, rtol=1e-4)


@pytest.mark.parametrize("target", ["torch", "keras"])
@pytest.mark.parametrize("layers", [1, 2])
def test_recurrent_layers_drop_between_them_alone(target: str, layers: int) -> None:
    """In training two layers with a dropout answer differently each time; one layer has nothing between."""
    model = netdsl.compile(f"in 6x40 | gru 30 seq layers={layers} dropout=0.5").build(target)
    x = np.random.default_rng(0).normal(size=(4, 6, 40)).astype(np.float32)
    if target == "torch":
        import torch

        answers = [model.train()(torch.from_numpy(x)).detach().numpy() for _ in range(2)]
    else:
        import keras

        _randomise(model)
        answers = [keras.ops.convert_to_numpy(model(x, training=True)) for _ in range(2)]
    assert answers[0].any()
    assert np.allclose(*answers) == (layers == 1)


def _randomise(model: Any) -> None:
    """Give a Keras model random weights; in tests they start from zeros."""
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(size=weight.shape) for weight in model.get_weights()])


def _train(model: object, ones: np.ndarray, target: str) -> tuple[float, np.ndarray]:
    if target == "torch":
        import torch

        answer = model.train()(torch.from_numpy(ones)).numpy()  # type: ignore[attr-defined]
    else:
        import keras

        answer = keras.ops.convert_to_numpy(model(np.moveaxis(ones, 1, -1), training=True))  # type: ignore[operator]
    return float((answer == 0).mean()), answer[answer != 0]


@pytest.mark.parametrize("deviation", [0.5, 20])
@pytest.mark.parametrize("target", ["torch", "keras"])
def test_noise_is_added_in_training(deviation: float, target: str) -> None:
    """Its standard deviation is the one that is asked for, also where Keras' own layer takes none so large."""
    model = netdsl.compile(f"in 50x40x40 | noise {deviation}").build(target)
    _, noisy = _train(model, np.ones((20, 40, 50, 40), np.float32), target)
    assert abs(noisy.mean() - 1) < deviation / 200
    assert abs(noisy.std() / deviation - 1) < 0.01


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_token_ids_stay_token_ids(target: str) -> None:
    """What selects parts of them neither rounds them nor makes real numbers of them."""
    model = netdsl.compile("in 3x9 int | take [2, 0] | slice 1 -1 axis=-1 | take -1").build(target)
    ids = np.arange(2 * 27).reshape(2, 3, 9) + 2**24
    answer = model(_tokens(ids, target))  # type: ignore[operator]
    assert not answer.is_floating_point() if target == "torch" else "int" in str(answer.dtype)
    assert (np.asarray(answer) == ids[:, 0, 1:-1]).all()


def _tokens(ids: np.ndarray, target: str) -> object:
    if target == "keras":
        return ids.astype(np.int32)
    import torch

    return torch.from_numpy(ids)


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_kept_figures_start_as_those_of_no_data(target: str) -> None:
    """Mean, variance and count of `normalize` start at 0, 1 and 0, and change nothing."""
    model = netdsl.compile("in 4 | normalize").build(target)
    batch = np.random.default_rng(0).normal(3, 2, (5, 4)).astype(np.float32)
    if target == "torch":
        import torch

        assert {name: value.unique().tolist() for name, value in model.state_dict().items()} == {  # type: ignore[attr-defined]
            "0.mean": [0], "0.variance": [1], "0.count": [0],
        }  # fmt: skip
        assert np.allclose(model(torch.from_numpy(batch)).numpy(), batch)  # type: ignore[operator]
    else:
        assert np.allclose(model(batch), batch)  # type: ignore[operator]


def test_momentum_is_the_part_that_is_kept() -> None:
    """One step of training moves the running mean by the same part of the batch's mean in both frameworks."""
    import keras
    import torch

    net = netdsl.compile("in 3 | bn momentum=0.8")
    batch = np.full((16, 3), 5, np.float32)
    for_torch = net.build("torch").train()
    for_torch(torch.from_numpy(batch))
    for_keras = net.build("keras")
    for_keras(batch, training=True)
    assert np.allclose(for_torch[0].running_mean.numpy(), 1.0)
    moving = next(v for v in for_keras.variables if v.path.endswith("moving_mean"))
    assert np.allclose(keras.ops.convert_to_numpy(moving), 1.0)


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_a_table_that_is_used_both_ways_is_one(target: str, tmp_path: Path) -> None:
    """What changes the table, as training does, changes both of its uses; a saved Keras model still has it once."""
    import keras
    import torch

    model = netdsl.compile("in 6 int | embed 4 vocab=7 as tokens | unembed tokens").build(target)
    ids = np.arange(12, dtype=np.int32).reshape(2, 6) % 7
    if target == "torch":
        with torch.no_grad():
            before = model(torch.from_numpy(ids))
            model.tokens.weight *= 2
            assert torch.allclose(model(torch.from_numpy(ids)), 4 * before)
        assert len(list(model.parameters())) == 1
        return
    _randomise(model)
    before = keras.ops.convert_to_numpy(model(ids))
    assert before.any()
    (table,) = model.trainable_variables
    table.assign(2 * table)
    assert np.allclose(keras.ops.convert_to_numpy(model(ids)), 4 * before)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.allclose(keras.ops.convert_to_numpy(again(ids)), 4 * before) and len(again.trainable_variables) == 1


def test_a_network_without_inputs_is_no_keras_model() -> None:
    """PyTorch's takes nothing, and Keras has no such models, which is said."""
    network = oracle.network_of("param 3x4 init=ones | relu")
    assert "def forward(self) -> Tensor:" in torch_emitter.emit(network).source
    with pytest.raises(CompileError) as refused:
        keras_emitter.emit(network)
    assert [found.code for found in refused.value.diagnostics] == ["E025"]
