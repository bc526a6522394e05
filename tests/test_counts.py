"""What networks cost: golden figures, sums that have to add up, and arithmetic that has to be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work import measured

import netdsl
from netdsl.analysis.counts import Row, count, rows
from netdsl.analysis.explain import explain, names
from netdsl.compiler import Result, compile_source
from netdsl.files import reader
from netdsl.options import Options
from netdsl.size import symbol
from netdsl.source import Source

QUESTION = "in 100x100x1 | conv 60@7x7 valid | conv 100@5x5 | pool 2 weighted | dense 250 | dense 200 | dense 1"
EXAMPLES = sorted((Path(__file__).parents[1] / "examples").rglob("*.net"))
MIXED = """
let left = in 20x20x3 | (conv 8@3 | relu | (conv 8@3) * 3) as stem
let right = in 12x12x4 as other | (conv 8@3 same | bn) * 5
out concat(left, right) | (residual(conv 16@3 same nobias | gn 4) | relu) * 1k as deep | pool global | dense 3
out right | depthwise 3 mult=2 | separable 4@3 | prelu | flatten | (dense 7 | dense 9) * 4
"""


def compiled(text: str) -> Result:
    result = compile_source(Source("test", text), "test", Options(read=reader(None)))
    assert not result.errors, result.errors
    return result


def figures(text: str) -> list[tuple[str, str, object, object]]:
    return [
        (row.name, str(row.output), row.counts.total, row.counts.macs)
        for row in rows(compiled(text).network)
        if row.counts is not None
    ]


def test_the_question() -> None:
    assert figures(QUESTION) == [
        ("in_1", "100x100x1", 0, 0),
        ("conv_1", "94x94x60", 3_000, 25_977_840),
        ("conv_2", "90x90x100", 150_100, 1_215_000_000),
        ("pool_1", "45x45x100", 200, 0),
        ("flatten_1", "202500", 0, 0),
        ("dense_1", "250", 50_625_250, 50_625_000),
        ("dense_2", "200", 50_200, 50_000),
        ("dense_3", "1", 201, 200),
    ]
    total = count(compiled(QUESTION).network)
    assert total is not None
    assert (total.total, total.trainable, total.not_trained) == (50_828_951, 50_828_951, 0)
    assert total.macs == 1_291_653_040


@pytest.mark.parametrize(
    ("layer", "own", "parameters", "macs"),
    [("lstm", 394_240, 1_675_525, 19_662_080), ("gru", 296_448, 1_577_733, 14_746_880)],
)
def test_recurrent_layers_count_what_keras_counts(layer: str, own: int, parameters: int, macs: int) -> None:
    """PyTorch's lstm holds a second bias, which does nothing that the first one could not."""
    text = f"in 50 int | embed 128 vocab=10k | {layer} 256 | dense 5"
    assert figures(text)[2][2] == own
    total = compiled(text).total
    assert total is not None and (total.total, total.macs) == (parameters, macs)


def test_a_table_that_is_used_twice_counts_once() -> None:
    total = compiled("in 16 int | embed 8 vocab=50 as tokens | unembed tokens bias").total
    assert total is not None and (total.total, total.macs) == (50 * 8 + 50, 16 * 50 * 8)


def test_the_question_without_weighted_pooling() -> None:
    total = compiled(QUESTION.replace(" weighted", "")).total
    assert total is not None
    assert (total.total, total.macs) == (50_828_751, 1_291_653_040)


def test_what_is_not_trained_is_counted_apart() -> None:
    total = compiled("in 8x8x3 | conv 4@3 nobias | bn").total
    assert total is not None
    assert (total.trainable, total.not_trained, total.total) == (4 * 27 + 8, 8, 4 * 27 + 16)


def test_names_are_paths() -> None:
    found = [(row.name, row.path, row.times) for row in rows(compiled(MIXED).network)]
    assert found[1:6] == [
        ("stem.conv_1", ("stem",), 1),
        ("stem.relu_1", ("stem",), 1),
        ("stem.repeat_1.1.conv_1", ("stem", "repeat_1", "1"), 1),
        ("stem.repeat_1.2.conv_1", ("stem", "repeat_1", "2"), 1),
        ("stem.repeat_1.3.conv_1", ("stem", "repeat_1", "3"), 1),
    ]
    assert ("other", (), 1) in found
    assert ("deep.add_1", ("deep",), 1000) in found


def test_copies_that_are_equal_share_a_row() -> None:
    found = [(row.name, row.times) for row in rows(compiled("in 8x8x3 | (conv 8@3 same | relu) * 5").network)]
    assert found == [
        ("in_1", 1),
        ("repeat_1.1.conv_1", 1),
        ("repeat_1.1.relu_1", 1),
        ("repeat_1.2.conv_1", 4),
        ("repeat_1.2.relu_1", 4),
    ]


@pytest.mark.parametrize("count_", ["1M", "9_000_000_000_000_000_000"])
def test_a_repeat_costs_what_its_body_costs(count_: str) -> None:
    text = f"in 8 | (((relu | dense 8) * {count_} | relu) * {count_}) * {count_}"
    result, _ = measured(lambda: compiled(text), most=100_000)
    (row,) = (row for row in rows(result.network) if row.text == "dense 8")
    times = {"1M": 10**18}.get(count_, 729 * 10**54)
    assert row.times == times
    assert result.total is not None
    assert result.total.total == 72 * times


def test_open_sizes_give_expressions() -> None:
    total = compiled("in Tx80 | conv 8@3 | relu | conv 4@1").total
    assert total is not None
    assert total.total == 8 * 240 + 8 + 36
    assert total.macs == (symbol("T") - 2) * (8 * 240 + 32)


def test_what_is_unknown_is_never_0() -> None:
    result = compile_source(Source("test", "in 8x8x3 | conv 4@3 | conv 4@9 | relu"), "test")
    assert result.errors
    assert result.total is None
    assert count(result.network) is None
    unknown = [row for row in rows(result.network) if row.output is None]
    assert unknown
    assert all(row.counts is None for row in unknown)
    assert "unknown" in explain(result.network, None)


# Sums


def check_sums(result: Result) -> None:
    total = result.total
    assert total is not None
    for depth in (None, 1, 2, 3):
        found = list(rows(result.network, depth))
        for figure in ("trainable", "not_trained", "total"):
            assert sum(getattr(row.counts, figure) * row.times for row in found) == getattr(total, figure), depth
        for is_aux, macs in ((False, total.macs), (True, total.aux_macs)):
            assert sum(row.counts.macs * row.times for row in found if row.is_aux == is_aux) == macs, depth
        assert all(depth is None or len(row.path) < depth for row in found)
        assert len({row.name for row in found}) == len(found)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_columns_of_examples_add_up(path: Path) -> None:
    result = compiled(path.read_text("utf-8"))
    check_sums(result)
    check_equations(explain(result.network, result.total))


def test_columns_of_every_form_add_up() -> None:
    check_sums(compiled(MIXED))


STAGES = st.sampled_from(
    [
        "conv 4@3 same",
        "conv 3@2",
        "pool 2 weighted",
        "pool 3/1 same",
        "bn",
        "relu",
        "prelu",
        "separable 5@3 same",
        "dense 6",
    ]
)


def pipelines(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    chain = st.lists(inner, min_size=1, max_size=3).map(" | ".join)
    return st.one_of(
        chain,
        st.tuples(chain, st.integers(0, 7)).map(lambda drawn: f"({drawn[0]}) * {drawn[1]}"),
        chain.map("residual({})".format),
        st.tuples(chain, chain).map(lambda drawn: f"concat({drawn[0]}, {drawn[1]}, id)"),
    )


@settings(deadline=None)
@given(st.recursive(STAGES, pipelines, max_leaves=8))
def test_columns_of_random_networks_add_up(pipeline: str) -> None:
    result = compile_source(Source("test", f"in 24x18x3 | {pipeline}"), "test")
    if not result.errors:
        check_sums(result)
        check_equations(explain(result.network, result.total))


# Arithmetic


def check_equations(text: str) -> int:
    """Calculate what an explanation says; return how many equations in numbers it has."""
    text = re.sub(r"\s*\n {16}(?=[=+*])|(?<=[=+*])\s*\n {16}", " ", text)  # wrapped lines
    found = 0
    for equation in re.split(r"\n|, and ", text):
        sides = [side.replace(",", "") for side in re.split(r"\s=\s|^  [a-zA-Z]* +|^ {16}", equation)]
        numbers = [re.fullmatch(r"([\d()+*/ -]*[\d)])( [a-zA-Z ]+)?", side) for side in sides]
        values = [eval(side[1]) for side in numbers if side]
        if len(values) > 1:
            assert len(set(values)) == 1, equation
            found += 1
    return found


@pytest.mark.parametrize("text", [QUESTION, MIXED], ids=["question", "mixed"])
def test_explanations_are_right(text: str) -> None:
    result = compiled(text)
    explained = explain(result.network, result.total)
    assert check_equations(explained) > 15
    places = [match.start() for match in re.finditer(r"(?<= = )\d", explained)]
    assert len(places) > 15
    for place in places:
        with pytest.raises(AssertionError):
            check_equations(f"{explained[:place]}1{explained[place:]}")


def test_the_question_explained() -> None:
    result = compiled(QUESTION)
    explained = explain(result.network, result.total)
    for expected in (
        "height - kernel + 1 = 100 - 7 + 1 = 94, and the width likewise",
        "60*(7*7*1) + 60 = 3,000",
        "94*94 * 60*(7*7*1) = 25,977,840",
        "100*(5*5*60) + 100 = 150,100",
        "height//window = 90//2 = 45, and the width likewise",
        "100 + 100 = 200",
        "height*width*channels = 45*45*100 = 202,500",
        "250*202500 + 250 = 50,625,250",
        "1*200 + 1 = 201",
        "3,000 + 150,100 + 200 + 50,625,250 + 50,200 + 201 = 50,828,951",
        "25,977,840 + 1,215,000,000 + 50,625,000 + 50,000 + 200 = 1,291,653,040",
        "2 * 1,291,653,040 = 2,583,306,080",
    ):
        assert expected in explained
    pool = explain(result.network, result.total, "pool_1")
    assert "trained coefficient" in pool
    assert "each of the 100 channels" in pool.replace("\n                ", " ")


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("conv 8@3/2", "(height - kernel)//stride + 1 = (9 - 3)//2 + 1 = 4"),
        ("conv 8@3/2 same", "(height + 1)//2 = (9 + 1)//2 = 5"),
        ("conv 8@3 same", "9x12x4 -> 9x12x8"),
        ("conv 8@3 groups=4 nobias", "8*(3*3*1) = 72"),
        ("depthwise 3 mult=2", "mult*channels = 2*4 = 8"),
        ("up 3", "height*factor = 9*3 = 27"),
        ("pad 2", "height + 2*amount = 9 + 2*2 = 13"),
        ("concat(id, id, conv 3@1)", "channels_1 + channels_2 + channels_3 = 4 + 4 + 3 = 11"),
        ("concat(id, id) axis=0", "2*height = 2*9 = 18"),
        ("bn", "4 + 4 = 8, and 4 + 4 = 8 not trained"),
        ("(conv 4@1) * 6", "6 * 20 = 120 parameters"),
        ("linear 5", "9*12 * 5*4 = 2,160"),
        ("relu", "9x12x4, the shape stays"),
    ],
)
def test_explanations_of_stages(stage: str, expected: str) -> None:
    result = compiled(f"in 9x12x4 | {stage}")
    explained = explain(result.network, result.total)
    assert expected in explained.replace("channels*mult = 4*2", "mult*channels = 2*4")
    check_equations(explained)


def test_a_part_is_explained_alone() -> None:
    network = compiled(MIXED).network
    stem = explain(network, None, "stem")
    assert stem.count("\n\n") == 4
    assert stem.startswith("stem.conv_1  conv 8@3\n")
    assert {"stem", "stem.repeat_1", "stem.repeat_1.1", "deep", "dense_1"} <= set(names(network))
    with pytest.raises(LookupError):
        explain(network, None, "nothing")


def test_rows_say_where_they_were_written() -> None:
    def place(row: Row) -> tuple[int, int]:
        return row.span.source.line_and_column(row.span.start)

    assert [place(row) for row in rows(compiled("in 8\n  | dense 3\n  | relu").network)] == [(1, 1), (2, 5), (3, 5)]


def test_a_network_that_expands_without_end_is_counted_and_folded() -> None:
    """Forty blocks that use the one before twice: two to the power of forty layers."""
    blocks = "\n".join(f"block b{n} c: b{n - 1} c | b{n - 1} c" for n in range(1, 41))
    text = f"block b0 c: linear c | relu\n{blocks}\nin 8 | b40 8 | dense 3"
    net, _ = measured(lambda: netdsl.compile(text), most=1_000_000)
    assert net.parameters.total == 2**40 * 72 + 27
    assert net.inputs[0].shape == (8,)
    for listed in (net.summary, net.explain):
        with pytest.raises(netdsl.CompileError, match="more than 200,000 layers, too many to be listed") as error:
            listed()
        assert "`netdsl summary --depth 10`" in error.value.diagnostics[0].help
    assert len(net.summary(depth=10).splitlines()) < 1_000
    assert "b40" in net._repr_html_()
