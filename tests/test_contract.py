"""What a file promises beyond its shapes: `train` and `assert`."""

from __future__ import annotations

import re

import pytest

import netdsl
from netdsl.analysis.budget import FIGURES

NETWORK = "in 8x8x3 | conv 4@3 | relu as features | dense 10 as head"


def codes(text: str) -> list[str]:
    return [found.code for found in netdsl.check(text)]


def test_a_training_is_read() -> None:
    text = f"{NETWORK}\ntrain loss=cross_entropy_logits target=10 labels=index optimizer=adam rate=1e-3 output=head"
    (training,) = netdsl.compile(text).network.trainings
    assert (training.loss, training.target, training.labels) == ("cross_entropy_logits", (10,), "index")
    assert training.optimizer == "adam" and float(training.rate or 0) == 0.001
    assert training.output is not None and training.output.name == "head"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("train target=10", "E022"),
        ("train loss=cross_entropi target=10", "E008"),
        ("train loss=mse optimiser=adam", "E009"),
        ("train loss=mse rate=0", "E008"),
        ("train loss=mse output=features", "E010"),
        ("train loss=mse output=hed", "E010"),
        ("out features | pool global as second train loss=mse", "E022"),
    ],
)
def test_trainings_that_are_wrong(statement: str, code: str) -> None:
    assert codes(f"{NETWORK}\n{statement}") == [code]


def test_budgets_that_are_kept() -> None:
    """Every figure can be asserted, alone and with constants, and a network that keeps its budgets has no message."""
    text = f"const most = 2k {NETWORK} assert params <= most, trainable <= 1.6k, macs < 20k, flops < 40k, memory < 8k"
    net = netdsl.compile(text)
    assert not net.diagnostics
    assert len(FIGURES) == 5


@pytest.mark.parametrize("figure", FIGURES)
def test_a_budget_is_broken_by_one(figure: str) -> None:
    """The message says the figure itself and by how much it is too large."""
    net = netdsl.compile(NETWORK)
    value = FIGURES[figure](net.network, net.counts)
    assert not codes(f"{NETWORK} assert {figure} <= {value}, {figure} >= {value}")
    (broken,) = netdsl.check(f"{NETWORK} assert {figure} < {value}")
    assert broken.code == "E034"
    assert re.search(rf"{value:,} against {value:,}: 0 too many", broken.label)
    (broken,) = netdsl.check(f"{NETWORK} assert {figure} <= {value} - 1")  # type: ignore[operator]
    assert f"{value:,} against" in broken.label and "1 too many" in broken.label


def test_a_broken_budget_names_the_layers_that_cost_most() -> None:
    """Three at most, with what they have of the figure; none where there is too little of it, or nothing at all."""
    chain = "in 8x8x3 | conv 4@3 as a | conv 4@3 as b | conv 4@1 as c | dense 10 as head"
    (broken,) = netdsl.check(f"{chain} assert params < 5")
    assert broken.help.startswith("most is in `head` (650), `b` (148) and `a` (112)\n")
    (broken,) = netdsl.check(f"{chain} assert params > 5k")
    assert "most is in" not in broken.help
    (broken,) = netdsl.check("in 8 | relu assert params < 0")
    assert "most is in" not in broken.help
    (broken,) = netdsl.check("in 8 | (dense 8 | relu) * 100 as deep | dense 2 assert params < 5")
    assert "`deep.dense_1` (7,200) and `dense_1` (18)" in broken.help
    (broken,) = netdsl.check(f"{chain} assert memory < 5")
    assert f"`head` ({4 * (650 + 10):,})" in broken.help


def test_the_memory_of_a_chain() -> None:
    """Weights, and the step at which most is alive: 8x8x3 enters and 6x6x4 leaves, then relu needs 6x6x4 twice."""
    net = netdsl.compile(NETWORK)
    assert FIGURES["memory"](net.network, net.counts) == 4 * (net.parameters.total + max(192 + 144, 144 + 144))


def test_the_memory_of_a_repeat_is_that_of_its_body() -> None:
    """What a residual keeps waiting is counted, however often it is repeated."""
    body = "residual(linear 64 | relu | linear 16)"
    once = netdsl.compile(f"in 10x16 | {body}")
    many = netdsl.compile(f"in 10x16 | ({body}) * 50")
    peaks = [FIGURES["memory"](net.network, net.counts) - 4 * net.parameters.total for net in (once, many)]
    assert peaks == [4 * (160 + 640 + 640)] * 2


def test_a_budget_of_an_open_size_asks_for_it() -> None:
    text = "in Tx8 | linear 8\nassert macs < 1k"
    (asked,) = netdsl.check(text)
    assert asked.code == "E030" and "`T`" in asked.message
    assert not netdsl.compile(text, T=4).diagnostics


def test_a_budget_knows_its_figures() -> None:
    (unknown,) = netdsl.check(f"{NETWORK} assert parameters < 5")
    assert unknown.code == "E010"
    assert codes("assert params < 5") == ["E025"]
