"""The one walk: what it makes of repeats, names and scopes, and that it means the same on symbols as on numbers."""

from __future__ import annotations

import oracle
import pytest

import netdsl
from netdsl.analysis.counts import Row, rows
from netdsl.size import substitute

OPEN = {
    "convolutions": "in HxWx3 | conv 8@3/2 same | bn | relu | pool 2 | conv 4@5 pad=2 | pool global | dense 2",
    "a repeat": "in HxWx4 | (residual(conv 4@3 same | relu) | relu) * 5 | pool global max | dense 3",
    "a repeat that changes the width": "in HxWx3 | (conv 6@3 same | tanh) * 4 | pool 3/2 ceil | gn 2",
    "branches": "in HxWx3 | concat(conv 4@1, pool 3/1 centered avg, each k in [3, 5] (conv 2@k centered))",
    "up and down": "in HxWx2 | pad [[1, 2], [0, 1]] | conv_transpose 3@4/2 | crop 1 | up 3 | depthwise 3/2 mult=2",
    "a sequence": "in Hx5 | conv 7@3 causal dilation=2 | ln | linear 3 | softmax | add(id, linear 3)",
    "expressions": "in HxWx6 | conv (2*channels)@1 | pool to=[2, 3] avg | conv channels/2@1",
}
"""Networks whose sizes H and W are open."""


@pytest.mark.parametrize("height, width", [(16, 16), (17, 23), (40, 9)])
@pytest.mark.parametrize("name", OPEN)
def test_symbols_with_values_put_in_are_the_numbers(name: str, height: int, width: int) -> None:
    """A network elaborated on symbols, with values put in, is the network elaborated on the values: each row of it."""
    values = {"H": height, "W": width}
    closed = OPEN[name].replace("HxWx", f"{height}x{width}x").replace("Hx", f"{height}x")
    on_symbols = list(rows(oracle.network_of(OPEN[name])))
    on_numbers = list(rows(oracle.network_of(closed)))
    assert [_facts(row, values) for row in on_symbols] == [_facts(row, {}) for row in on_numbers]
    assert [row.does for row in on_symbols][1:] == [row.does for row in on_numbers][1:]


def _facts(row: Row, values: dict[str, int]) -> tuple[object, ...]:
    assert row.output is not None and row.counts is not None
    counts = (row.counts.trainable, row.counts.not_trained, row.counts.macs)
    return row.name, row.times, substitute(row.output.sizes, values), substitute(counts, values)


def names(text: str) -> list[str]:
    return [row.name for row in rows(oracle.network_of(text))]


def test_names_count_per_keyword_and_scope() -> None:
    assert names("in 8 | relu | dense 3 | relu | (dense 3 | relu) * 2") == [
        "in_1",
        "relu_1",
        "dense_1",
        "relu_2",
        "repeat_1.dense_1",
        "repeat_1.relu_1",
    ]


def test_names_of_the_author_are_not_given_again() -> None:
    assert names("in 8 | dense 4 | dense 3 as dense_1 | dense 2") == ["in_1", "dense_2", "dense_1", "dense_3"]


def test_a_repeat_that_keeps_the_shape_is_one_run() -> None:
    (repeat,) = [step.does for step in oracle.network_of("in 4 | (linear 4) * 1M").body.steps[1:]]
    assert [run.times for run in repeat.runs] == [1_000_000]  # type: ignore[union-attr]


def test_a_repeat_whose_copies_differ_has_a_run_for_each() -> None:
    (repeat,) = [step.does for step in oracle.network_of("in 9x9x3 | (conv 4@3) * 3").body.steps[1:]]
    assert [run.times for run in repeat.runs] == [1, 1, 1]  # type: ignore[union-attr]


def test_no_copy_is_the_tensor_as_it_came() -> None:
    assert names("in 4 | (dense 4) * 0 | dense 2") == ["in_1", "dense_1"]


def test_sizes_are_of_what_enters_the_branch_around_a_source() -> None:
    net = netdsl.compile(
        "block token: concat(param [1, channels], id) axis=0\nin 8x4 | token | mul(id, param [channels])"
    )
    assert [output.shape for output in net.outputs] == [(9, 4)]
    assert net.parameters.total == 8


def test_a_shared_table_is_counted_once_wherever_it_is_used() -> None:
    net = netdsl.compile(
        "shared words: embed 4 vocab=10\n"
        "let first = in 6 int | words\n"
        "out in 6 int | words | add(id, first) | unembed words"
    )
    assert (net.parameters.total, net.macs) == (40, 6 * 4 * 10)


@pytest.mark.parametrize(
    "text",
    [
        "block noisy rate: dropout rate | conv 4@3 pad=rate\nin 8x8x3 | conv 4@1",
        "block noisy rate=0: if rate > 0 then drop_path rate else id\nin 8x8x3 | noisy | noisy 0.5",
        "for rate in [0, 0.5, 1] (if rate < 1 then dropout rate else id)",
    ],
)
def test_values_that_are_left_open_may_be_rates(text: str) -> None:
    """What nothing uses, and the side of an `if` that is not taken, is checked on numbers that are no sizes."""
    oracle.network_of(text if "in 8x8x3" in text else f"in 8x8x3 | {text}")


def test_a_trained_tensor_in_a_block_has_the_sizes_of_its_use() -> None:
    assert not netdsl.check("block scaled: mul(id, param [channels] init=ones)\nin 8 | dense 3")
    (found,) = netdsl.check("in Tx4 | mul(id, param [length, 4])")
    assert (found.code, found.span.text) == ("E030", "param [length, 4]")


def test_a_fraction_that_comes_out_whole_is_a_whole_number() -> None:
    net = netdsl.compile("const x = 0.1\nin 9 | dense (x*10*channels) | dense (x*3*10) | dense (1/2 + 3/2)")
    assert [step.output.sizes for step in net.network.body.steps if step.output] == [(9,), (9,), (3,), (2,)]


@pytest.mark.parametrize("given", ["act", "other"])
def test_a_word_that_a_parameter_holds_is_a_layer_and_no_name(given: str) -> None:
    """What `act` and `other` are called inside of the block has nothing to do with what they hold."""
    with pytest.raises(netdsl.CompileError, match=f"there is no layer `{given}`"):
        netdsl.compile(f"block unit act other=3: dense other | act\nin 8 | unit {given}")


def test_what_an_if_does_not_take_may_grow_beyond_what_is_calculated() -> None:
    """On open sizes, twelve blocks in blocks give an expression that is too large to be looked at."""
    body = "conv 3@1, conv 3@3/2 same | up 2 | conv 3@1"
    blocks = "".join(f"block b{n}: add(b{n - 1} | {body})\n" for n in range(1, 12))
    net = netdsl.compile(f"block b0: conv 3@3 same\n{blocks}in 8x8x3 | (if width > 9 then b11 else id)")
    assert net.parameters.total == 0


def test_a_repeat_whose_last_copies_do_nothing_keeps_the_first_ones() -> None:
    halved = "in 16 | ((if channels > 4 then dense (channels/2) else id)) * 5 | dense 2"
    assert netdsl.compile(halved).parameters == netdsl.compile("in 16 | dense 8 | dense 4 | dense 2").parameters


@pytest.mark.parametrize(
    "condition", ["n > 0 and 8/n > 2", "not (n == 0 or 8/n <= 2)", "(if n > 0 then 8/n else 0) > 2"]
)
def test_what_a_condition_guards_is_not_calculated(condition: str) -> None:
    text = f"block unit n: if {condition} then dense 4 else id\nin 8 | unit 0 | unit 2"
    assert [step.output.sizes for step in netdsl.compile(text).network.body.steps if step.output] == [(8,), (8,), (4,)]
    with pytest.raises(netdsl.CompileError, match="nothing called `m` has been declared"):
        netdsl.compile(text.replace("8/n", "8/m"))


@pytest.mark.parametrize(
    "stage",
    [
        "for c, n in (if s == 1 then [[4, 1]] else [[5, 2]]) ((dense c) * n)",
        "for c in (if s == 1 then [4] else [5, 2]) (dense c)",
        "dense 4 | (if s == 1 then relu else tanh)",
        "dense 4 | softmax axis=(if s == 1 then -1 else 0)",
        "dense 4 | bn noscale=(if s == 1 then true else false)",
    ],
)
def test_an_if_may_choose_any_value_where_values_are_left_open(stage: str) -> None:
    """It chooses between lists, words and truth values in a part that is checked, but not taken."""
    assert netdsl.check(f"block b s: {stage}  in 8 | (if channels > 9 then b channels else b 1)") == ()


def test_a_constant_that_depends_on_another_can_be_set_to_a_list() -> None:
    text = "const deep = true  const stages = (if deep then [[4, 1], [8, 2]] else [[4, 2], [8, 3]])"
    net = netdsl.compile(f"{text}  in 8 | for c, n in stages ((dense c) * n)", stages=[[5, 3]])
    assert [row.output.sizes for row in rows(net.network) if row.output] == [(8,), (5,), (5,)]


def test_a_list_that_an_open_size_chooses() -> None:
    """Lists of one length are chosen item by item; else the size has to be known."""
    source = "in T int | embed 4 vocab=9 | for c in (if length > 3 then [4, 6] else {}) (linear c)"
    assert netdsl.compile(source.format("[4, 6]")).outputs[0].shape[1] == 6
    (problem,) = netdsl.check(source.format("[4]"))
    assert (problem.code, problem.message) == ("E030", "`T` must be known here")


def test_a_word_can_be_compared_with_a_number_but_not_a_misspelled_name() -> None:
    text = "block down s=auto: pool (if s == auto then 2 else s)\nin 8x8x3 | down | down 4"
    assert netdsl.compile(text).outputs[0].shape == (1, 1, 3)
    for condition in ("chanels == 3", "3 != chanels", "kind == batch"):
        with pytest.raises(netdsl.CompileError, match="nothing called"):
            netdsl.compile(f"in 8x8x3 | (if {condition} then bn else id)")
