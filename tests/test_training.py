"""What `train` adds to the programs: both train alike from the same weights, and the code is as it should be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from one_step import one_step
from test_emit import STRUCTURES

import netdsl
from netdsl import training
from netdsl.emit import TARGETS
from netdsl.emit.training import LOSSES, OPTIMIZERS

# ruff: noqa: E501 (a network stands on one line where that reads best)

pytestmark = pytest.mark.usefixtures("fast")

ENDS = {"cross_entropy": " | softmax", "binary_cross_entropy": " | sigmoid", "nll": " | log_softmax"}
"""What makes the numbers that a loss takes."""
RANKS = {
    "vector": "in 6x5x3 | conv 4@3 | tanh | dense 5",
    "sequence": "in 7x4 | linear 8 | tanh | linear 5",
    "picture": "in 6x5x3 | conv 4@3 same | tanh | conv 5@1",
    "volume": "in 4x3x2x3 | conv 4@1 | tanh | conv 5@1",
}
SGD = "optimizer=sgd rate=100"
LABELS = [
    (loss, labels) for loss in LOSSES for labels in ("", "labels=index") if not labels or LOSSES[loss].takes_numbers
]


def test_every_word_is_spelled() -> None:
    assert set(LOSSES) == set(training.LOSSES)
    assert set(OPTIMIZERS) == set(training.OPTIMIZERS)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(("loss", "labels"), LABELS)
def test_a_step_by_each_loss(rank: str, loss: str, labels: str) -> None:
    text = f"{RANKS[rank]}{ENDS.get(loss, '')} train loss={loss} {labels} {SGD}"
    if (rank, loss, labels) == ("picture", "cross_entropy", "labels=index"):
        # on a CPU PyTorch cannot go back through the loss that Keras takes from it here; Keras on JAX can
        with pytest.raises(RuntimeError, match="grad_input must be contiguous"):
            one_step(text)
        return
    found = one_step(text)
    assert not found.problem
    assert len(found.moved) == 4


def test_probabilities_of_classes_need_not_add_up_to_1() -> None:
    assert not one_step(f"in 6 | dense 5 | sigmoid train loss=cross_entropy {SGD}").problem
    assert not one_step(f"in 6 | dense 5 | exp train loss=cross_entropy labels=index {SGD}").problem


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("steps", [1, 3])
def test_steps_of_each_optimizer(optimizer: str, steps: int) -> None:
    """The gradients are large: the epsilons of Adam are not the same in the first steps, where one is inside of a root."""
    text = f"{RANKS['picture']} | scale 30 train loss=mse optimizer={optimizer} rate=0.05"
    found = one_step(text, steps=steps)
    assert not found.problem
    assert len(found.moved) == 4


NETWORKS = {
    **{
        name: STRUCTURES[name]
        for name in (
            "groups with names",
            "skips over several layers",
            "two outputs of a named trunk",
            "a shared block",
            "a shared block that is frozen where it is used",
            "a shared table that is used both ways",
            "a table in each copy of a repeat",
            "frozen parts",
            "frozen recurrent layers",
            "outputs for training",
            "trained tensors on maps",
            "recurrent layers in rows, groups and repeats",
            "experts",
        )
    },
    "attention": "in 6x8 | (residual(ln | attention 2 causal) | residual(ln | linear 16 | gelu | linear 8)) * 2 | linear 3",
    "attention to another sequence": "in 5x6 as memory in 4x6 | attention(memory) 3 kv_heads=1 rope | rms | linear 2",
    "normalisations": "in 6x6x8 | bn | conv 8@3 | gn 4 | tanh | conv 8@1 | ln | tanh | conv 8@1 | instance_norm | dense 3",
    "batch norms of each rank": "in 6x5x4x3 | bn | conv 4@3 | flatten | bn momentum=0.7 | dense 12 | tanh | reshape 4x3 | bn noscale | linear 2",
    "frozen batch norms without weights of their own": "in 6x5x3 | freeze(conv 4@3 | bn noscale nobias) | tanh | dense 3",
    "depthwise and transposed": "in 8x8x4 | depthwise 3 | relu | separable 6@3 | tanh | conv_transpose 4@3/2 | dense 3",
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("double", [False, True])
def test_a_step_of_a_network(name: str, double: bool) -> None:
    """Losses and weights are the same afterwards, running means among them; in float64 to the last few digits."""
    found = one_step(NETWORKS[name], double=double)
    assert not found.problem, netdsl.compile(NETWORKS[name]).emit("torch")
    assert found.moved


def test_what_is_frozen_stays_as_it_is() -> None:
    text = "in 8x8x2 | freeze(conv 4@3 as a | bn as b | relu) | conv 4@3 as c | bn as d | flatten | dense 3 as e"
    found = one_step(text)
    assert not found.problem
    assert {key.split(".")[0] for key in found.touched} == {"c", "d", "e"}
    assert "d.mean" in found.moved


SEVERAL = """
    let x = in 6 | dense 5 | tanh
    aux x | dense 3 as other
    aux x | dense 4 as d | scale 30 as more
    out x | dense 2 as unused
    out x | dense 2 as e | scale 30 as main
"""


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_outputs_that_are_trained(optimizer: str) -> None:
    """Each by its loss, also one that is there for training alone; the layers of the others stay as they are."""
    text = f"{SEVERAL} train loss=mse optimizer={optimizer} rate=0.05 output=main train loss=huber output=more"
    found = one_step(text, steps=2)
    assert not found.problem
    assert {key.split(".")[0] for key in found.touched} == {"dense_1", "d", "e"}


def test_an_output_by_another_name() -> None:
    text = f"let a = in 4 | dense 3 as b let x = b out x | dense 2 out x train loss=mse output=x {SGD}"
    found = one_step(text)
    assert not found.problem
    assert found.moved == {"b.kernel", "b.bias"}


EDITS = {
    "the loss": (f"in 6 | dense 5 train loss=huber {SGD}", 1, "F.huber_loss(output, y)", "F.mse_loss(output, y)"),
    "the axis of classes": (
        f"in 5x5 | linear 5 train loss=cross_entropy_logits {SGD}", 1, ".movedim(-1, 1)", ".movedim(-1, -1)",
    ),
    "probabilities that are not clipped": (
        f"in 6 | dense 5 | scale 60 | sigmoid train loss=binary_cross_entropy {SGD}", 1, ".clamp(1e-07, 1 - 1e-07)", "",
    ),
    "the rate": (f"in 6 | dense 5 train loss=mse {SGD}", 1, "lr=100.0", "lr=99.0"),
    "the momentum": ("in 6 | dense 5 train loss=mse optimizer=momentum", 2, "momentum=0.9", "momentum=0.8"),
    "the decay": ("in 6 | dense 5 train loss=mse optimizer=adamw rate=0.1", 1, "weight_decay=0.01", "weight_decay=0"),
    "the share that is kept": ("in 6 | dense 5 train loss=mse optimizer=rmsprop", 1, "alpha=0.9", "alpha=0.99"),
    "gradients that add up": (f"in 6 | dense 5 train loss=mse {SGD}", 2, "optimizer.zero_grad()", "pass"),
    "the mode of training": (f"in 6x6x3 | conv 4@3 | bn | dense 5 train loss=mse {SGD}", 1, "model.train()", "model.eval()"),
    "a frozen batch norm": (
        f"in 6x6x3 | freeze(conv 4@3 | bn) | dense 5 train loss=mse {SGD}", 1, "module.eval()", "module.train()",
    ),
    "a part that is frozen": (
        f"in 6 | freeze(dense 5) | dense 5 train loss=mse {SGD}", 1, "requires_grad_(False)", "requires_grad_(True)",
    ),
    "the weight of an output": (
        f"{SEVERAL} train loss=mse {SGD} output=main train loss=mse output=more", 1, "+ F.mse", "+ 0.99 * F.mse",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_what_is_done_otherwise_shows(name: str) -> None:
    text, steps, old, new = EDITS[name]
    assert not one_step(text, steps=steps).problem
    assert one_step(text, steps=steps, edit=(old, new)).problem


TEXTS = [
    *(f"{RANKS[rank]}{ENDS.get(loss, '')} train loss={loss} {labels}" for rank in RANKS for loss, labels in LABELS),
    *(f"in 4 | dense 2 train loss=mse optimizer={optimizer} rate=1e-5" for optimizer in OPTIMIZERS),
    f"{SEVERAL} train loss=mse output=main train loss=nll output=more train loss=nll labels=index output=other",
    f"{SEVERAL} train loss=huber output=unused",
    "in 6 as a in 6 as b out add(a, b) | dense 5 as y out a | dense 3 as class out b | dense 2 as outputs "
    "train loss=mse output=y train loss=cross_entropy output=class train loss=mse output=outputs",
    "in 6x6x3 | freeze(conv 4@3 | bn) | dense 3 train loss=mse optimizer=adamw",
    "block compile_model: dense 3 in 6 | compile_model | tanh | compile_model train loss=nll labels=index",
    "in HxWx3 | conv 4@3 train loss=cross_entropy_logits labels=index",
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of programs with training, in both targets."""
    folder = tmp_path_factory.mktemp("sources")
    for number, text in enumerate(TEXTS):
        for target in TARGETS:
            (folder / f"{target}_{number}.py").write_text(netdsl.compile(text, name="nll").emit(target))
    return folder


def test_the_code_is_clean(sources: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--isolated", "--select", "E4,E7,E9,F,I,UP,B", "--line-length", "88", "--target-version", "py311"]
    checker = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=skip", "--disallow-untyped-defs"]
    for command in (
        [*ruff, "check", *rules, str(sources)],
        [*ruff, "format", "--isolated", "--check", str(sources)],
        [*checker, *map(str, sources.glob("torch_*.py"))],
    ):
        done = subprocess.run(command, capture_output=True, text=True, cwd=sources)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_a_module_only_defines(sources: Path) -> None:
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for path in sources.glob("*.py"):
        docstring, *rest = ast.parse(path.read_text()).body
        assert isinstance(docstring, ast.Expr)
        assert all(isinstance(statement, kinds) for statement in rest)
        names = [statement.name for statement in rest if isinstance(statement, ast.FunctionDef | ast.ClassDef)]
        assert len(set(names)) == len(names)
        assert {"loss", "make_optimizer", "training_step"} < set(names) or any(
            "compile_model" in name for name in names
        )


def test_without_train_nothing_is_added() -> None:
    text = "in 6 | dense 5"
    for target in TARGETS:
        plain, trained = (netdsl.compile(text + end).emit(target) for end in ("", " train loss=mse"))
        assert "loss" not in plain and "optim" not in plain
        model = plain[plain.index("class Network" if target == "torch" else "def network") :]
        assert model in trained


@pytest.mark.parametrize("optimizer", ["", *OPTIMIZERS])
def test_rates(optimizer: str) -> None:
    """A rate is what the text says, else one that is usual for the optimizer, the same in both programs."""
    words = f"optimizer={optimizer}" if optimizer else ""
    usual = {"sgd": "0.01", "momentum": "0.01"}.get(optimizer, "0.001")
    for rate, shown in (("", usual), ("rate=3e-4", "0.0003"), ("rate=1/8", "0.125")):
        net = netdsl.compile(f"in 4 | dense 2 train loss=mse {words} {rate}")
        assert f"lr={shown}" in net.emit("torch")
        assert f"({shown}" in net.emit("keras").partition("keras.optimizers.")[2].partition("\n")[0]


@pytest.mark.parametrize(
    ("statements", "code", "message"),
    [
        ("train loss=mse labels=index output=one", "E008", "`labels=index` does not go with `loss=mse`"),
        ("train loss=mse output=one train loss=mae output=one", "E008", "two `train` are for the output `one`"),
        ("train loss=mse output=one rate=1 train loss=mse output=two rate=2", "E008", "several values to `rate`"),
        ("train loss=mse output=one optimizer=sgd train loss=mse output=two optimizer=adam", "E008", "to `optimizer`"),
    ],
)
@pytest.mark.parametrize("target", TARGETS)
def test_trainings_that_no_program_has(target: str, statements: str, code: str, message: str) -> None:
    net = netdsl.compile(f"let x = in 6 out x | dense 5 as one out x | dense 3 as two {statements}")
    with pytest.raises(netdsl.CompileError) as refused:
        net.emit(target)
    (found,) = refused.value.diagnostics
    assert found.code == code and message in found.message
