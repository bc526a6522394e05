"""Lint: every fault that has been seen in the wild is found at its stage, and published networks are left alone."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import fields
from work import measured

import netdsl
from netdsl.analysis.receptive_field import ReceptiveFields
from netdsl.compiler import Result, compile_source
from netdsl.diagnostics import CODES, Diagnostic, Edit, render
from netdsl.files import read, reader
from netdsl.layer import Tensor
from netdsl.lint import FILES, ON_EMIT, RULES, findings
from netdsl.lint.edits import Edits
from netdsl.lint.thresholds import Budget, Thresholds
from netdsl.lint.view import View
from netdsl.lint.views import MOST_PLACES, views_of
from netdsl.linter.check import check
from netdsl.network import Body
from netdsl.options import Options
from netdsl.source import Source
from netdsl.syntax.parser import parse

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"


def _lines(name: str) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in map(json.loads, (DATA / name).read_text("utf-8").splitlines())}


CASES = _lines("lint_cases.jsonl")
"""Faulty networks, and some that look so; `tests/data/lint_places.txt` says which stage of each is wrong."""
CLEAN = _lines("lint_clean.jsonl")
"""Published networks, of which nothing may be said."""
OWN = _lines("lint_own.jsonl")
"""Mistakes of tutorials and questions, and sound networks, from memory: what the rules have not grown up on."""
DEFAULT = frozenset(code for code, rule in RULES.items() if rule.is_default and not rule.is_preview)
FOUND_ELSEWHERE = {"S607": "where comments are looked at"}
PROGRAMS = [
    *sorted((ROOT / "examples").glob("*.net")),
    *sorted((ROOT / "examples" / "zoo").glob("*.net")),
    *sorted((ROOT / "netdsl" / "library" / "std").glob("*.net")),
]
LINEAR = {"C107", "C120", "D302"}
FAULTY = {"cnn.net": LINEAR, "question_net.net": LINEAR}
"""The network that the project began with has no activations."""


def compiled(text: str, folder: str | None = None) -> Result:
    """Return what becomes of a text."""
    return compile_source(Source("net.net", text), "net", Options(read=reader(folder)))


def linted(text: str, codes: Collection[str] = DEFAULT, thresholds: Thresholds | None = None) -> tuple[Diagnostic, ...]:
    """Return all messages about a text, of the compiler and of some rules."""
    result = compiled(text)
    found = findings(result, codes, thresholds or Thresholds())
    return (*(one for one in result.diagnostics if one.code not in RULES), *found)


def codes_of(found: Collection[Diagnostic]) -> set[str]:
    return {one.code for one in found}


def loud(found: Collection[Diagnostic]) -> set[str]:
    """Return the codes of what is at warning or above."""
    return {one.code for one in found if one.severity != "info"}


def mended(text: str, edits: Collection[Edit]) -> str:
    """Return a text with edits made."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


# The rules themselves


def test_every_rule_is_in_the_list() -> None:
    folder = ROOT / "netdsl" / "lint"
    others = {"__init__", "rule", "thresholds", "edits", "guess", "view", "views"}
    assert {path.stem for path in folder.glob("*.py")} - others == set(FILES.values())
    assert [rule.code for rule in RULES.values()] == list(FILES)
    assert len(RULES) == len(FILES)
    assert tuple(code for code, rule in RULES.items() if rule.is_on_emit) == ON_EMIT


@pytest.mark.parametrize("code", FILES)
def test_a_rule_is_named_as_its_file(code: str) -> None:
    rule = RULES[code]
    assert rule.name.replace("-", "_") == FILES[code]
    assert rule.severity in ("error", "warning", "info")
    assert rule.__module__ == f"netdsl.lint.{FILES[code]}"
    assert code not in CODES
    page = rule.page
    for text in (page.what, page.why, page.wrong_when, page.source):
        assert (text[0].isupper() or text[0] == "`") and text.endswith(".")


@pytest.mark.parametrize("code", FILES)
def test_a_page_says_why_its_numbers_are_where_they_are(code: str) -> None:
    """A rule compares with numbers that its file names in capitals, or with those that a project may set."""
    rule = RULES[code]
    module = sys.modules[rule.__module__]
    compares = any(name.isupper() and isinstance(value, int | float | Fraction) for name, value in vars(module).items())
    set_by_projects = {field.name for field in fields(Thresholds)}
    compares |= any(f"settings.{name}" in inspect.getsource(rule.check) for name in set_by_projects)
    assert not compares or rule.page.limits or rule.page.options


@pytest.mark.parametrize("code", FILES)
def test_a_page_shows_its_rule(code: str) -> None:
    """The example gives that code and no other that is on by default, what to use instead gives none."""
    page = RULES[code].page
    budget = Thresholds(budget=Budget(params=100_000)) if code == "D323" else Thresholds()
    codes = {*DEFAULT, code}
    assert codes_of(check(compiled(page.example), codes, budget).found) == {code}
    assert codes_of(check(compiled(page.instead), codes, budget).found) == set()


# What has gone wrong elsewhere


def _places() -> list[tuple[str, str, list[str]]]:
    """Return for each case and code the stages that are wrong: their text, with a number if it stands there again."""
    lines = (DATA / "lint_places.txt").read_text("utf-8").splitlines()
    found = []
    for line in lines:
        where, _, stages = line.partition(": ")
        case, code = where.split(" ")
        found.append((case, code, stages.split("; ")))
    return found


def _stage(one: Diagnostic) -> str:
    text, before = one.span.text, one.span.source.text[: one.span.start]
    number, place = 1, -1
    while (place := before.find(text, place + 1)) >= 0:
        number += 1
    return text if number == 1 else f"{text} #{number}"


def test_every_case_has_places() -> None:
    assert len(CASES) == 91
    assert len(CLEAN) == 33
    assert {(case, code) for case, code, _ in _places()} == {
        (name, code) for name, case in CASES.items() for code in case["expect"]
    }


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_found(name: str) -> None:
    case = CASES[name]
    expected = set(case["expect"])
    found = linted(case["net"], {*DEFAULT, *expected})
    assert expected <= codes_of(found)
    assert loud(found) <= expected | set(case["also"])


@pytest.mark.parametrize(("name", "code", "stages"), _places())
def test_a_fault_is_found_where_it_is(name: str, code: str, stages: list[str]) -> None:
    found = linted(CASES[name]["net"], {code})
    assert [_stage(one) for one in found if one.code == code] == stages


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["fixed"]])
def test_what_is_mended_is_left_alone(name: str) -> None:
    case = CASES[name]
    expected = set(case["expect"])
    assert not codes_of(linted(case["fixed"], {*DEFAULT, *expected})) & expected


@pytest.mark.parametrize("name", CLEAN)
def test_published_networks_are_left_alone(name: str) -> None:
    assert not linted(CLEAN[name]["net"])


@pytest.mark.parametrize("name", OWN)
def test_what_the_rules_have_not_grown_up_on(name: str) -> None:
    found = linted(OWN[name]["net"])
    expected = set(OWN[name]["expect"])
    assert expected <= codes_of(found)
    assert loud(found) <= expected


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_our_own_networks_are_left_alone(path: Path) -> None:
    result = compile_source(read(str(path)), path.stem, Options(read=reader(str(path.parent))))
    found = findings(result, DEFAULT, Thresholds())
    assert loud(found) == FAULTY.get(path.name, set())


TRULY_LACKING = {
    "cnn.net": "`pool 2 weighted` has a coefficient and a bias for each channel",
    "lenet5_1998.net": "its subsampling is trained",
    "lenet5_trained_subsampling.net": "its subsampling is trained",
}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_our_own_networks_are_emitted_without_warnings(path: Path) -> None:
    result = compile_source(read(str(path)), path.stem, Options(read=reader(str(path.parent))))
    for target, lacking in (("torch", {"inception_v3.net"}), ("keras", set())):  # a norm with a bias and no scale
        found = findings(result, ON_EMIT, Thresholds(), (target,))
        assert loud(found) == ({"X502"} if path.name in {*TRULY_LACKING, *lacking} else set())


SILENT = {
    "AlexNet feeds convolutions to each other": ("alexnet", {"C107", "D308"}),
    "VGG-16 has 74 % of its parameters in one layer": ("vgg16", {"D302"}),
    "a wide residual network drops inside of its branches": ("wideresnet", {"T201"}),
    "LeNet-5 has four tanh": ("lenet5", {"T205"}),
    "SqueezeNet averages behind its last relu": ("squeezenet1.1", {"C104"}),
    "DCGAN's 4x4 with a stride of 2 is padded evenly": ("dcgan_disc", {"D312"}),
    "DCGAN's 4x4 with a stride of 2 overlaps evenly": ("dcgan_gen", {"D313"}),
    "MobileNetV2 has linear bottlenecks": ("mobilenetv2", {"C107"}),
    "a shortcut of a residual network has a stride of 2 and a window of 1": ("resnet50", {"C112"}),
    "a vision transformer has positions and sees everything": ("vit_b16", {"D303", "D319"}),
    "Keras' network for CIFAR-10 is small": ("keras_cifar10_cnn", {"D302"}),
}


@pytest.mark.parametrize("reason", SILENT)
def test_there_is_a_reason_to_be_silent(reason: str) -> None:
    name, codes = SILENT[reason]
    assert not linted(CLEAN[name]["net"], codes)


def test_a_shortcut_around_a_deep_stack_is_enough() -> None:
    stack = "(conv 64@3 same | relu) * 19 | conv 1@3 same"
    assert not linted(f"in 41x41x1 | residual(conv 64@3 same | relu | {stack})", {"T207"})
    assert linted(f"in 41x41x1 | conv 64@3 same | relu | {stack}", {"T207"})


# Fixes


def _fixes() -> list[tuple[str, str]]:
    pages = [(code, RULES[code].page.example) for code in FILES if code not in FOUND_ELSEWHERE]
    return [*pages, *((name, case["net"]) for name, case in CASES.items())]


@pytest.mark.parametrize(("name", "text"), _fixes())
def test_a_fix_mends(name: str, text: str) -> None:
    for one in linted(text, FILES, Thresholds(budget=Budget(params=100_000))):
        if one.fix is None:
            continue
        assert one.fix.edits
        assert all(edit.span.source.text == text for edit in one.fix.edits)
        new = mended(text, one.fix.edits)
        assert new != text
        _, mistakes = parse(Source("net.net", new))
        assert not mistakes, new
        if one.fix.is_safe:
            assert _leaving(compiled(new)) == _leaving(compiled(text))
        for _ in range(20):  # what is moved or merged may have to go on
            left = [other.fix for other in linted(new, {one.code}) if other.code == one.code and other.fix]
            if not left:
                break
            new = mended(new, left[0].edits)
        else:
            raise AssertionError(f"{one.code} stays in {new}")


def _leaving(result: Result) -> list[Tensor | None]:
    return [result.network.body.tensor(output.value) for output in result.network.outputs]


SAFE = {
    "C106": "in 8 | dense 6 | relu | relu | dense 2",
    "C116": "in 4x4x2 | pool 1 | conv 3@3 | concat(id) | pool global | flatten | dropout 0 | (tanh | dense 2) * 1",
    "D316": "in 16x16x2 | conv 3@3 same | pool 2 | pool 4 | flatten | dense 2",
    "P406": "in 8x8x2 | conv 3@3 same | tanh | pool 2 | flatten | dense 2",
    "S601": "in 8x8x2 | conv 3@3 valid dilation=1 | leaky_relu slope=0.01 | flatten | dense 2",
    "S603": "in 6 | dense 6 | tanh | dense 6 | tanh | dense 6 | tanh | dense 2",
    "S605": "in 4x4x2 | dense 4 | relu | dense 2",
}


@pytest.mark.parametrize("code", SAFE)
def test_a_safe_fix_leaves_the_function_as_it_is(code: str) -> None:
    import torch

    text = SAFE[code]
    while found := [one for one in linted(text, {code}) if one.code == code]:
        assert found[0].fix is not None
        assert found[0].fix.is_safe
        text = mended(text, found[0].fix.edits)
    assert text != SAFE[code]
    torch.manual_seed(0)
    models = [netdsl.compile(each).build("torch").eval() for each in (SAFE[code], text)]
    for first, second in zip(*(model.parameters() for model in models), strict=True):
        second.data = first.data
    shape = netdsl.compile(text).inputs[0].shape
    x = torch.randn(3, *(shape[-1:] + shape[:-1]))
    assert torch.equal(models[0](x), models[1](x))


def test_a_norm_makes_a_bias_needless() -> None:
    import torch

    text = "in 6x6x2 | conv 3@3 | bn | relu | flatten | dense 2"
    (found,) = linted(text, {"P401"})
    assert found.fix is not None
    new = mended(text, found.fix.edits)
    assert "conv 3@3 nobias" in new
    torch.manual_seed(0)
    old, mend = (netdsl.compile(each).build("torch").train() for each in (text, new))
    with torch.no_grad():
        named = dict(old.named_parameters())
        for name, weight in mend.named_parameters():
            weight.copy_(named[name])
        x = torch.randn(4, 2, 6, 6)
        assert torch.allclose(old(x), mend(x), atol=1e-5)


def test_a_stage_with_a_name_is_not_deleted() -> None:
    (found,) = linted("in 8 | dense 6 | relu | relu as features | dense 2", {"C106"})
    assert found.fix is None


def test_a_fix_in_a_block_is_safe_where_it_is_for_all_uses() -> None:
    block = "block twice act: dense 8 | act | relu\n"
    (found,) = linted(block + "in 8 | twice relu | dense 2", {"C106"})
    assert found.fix is not None
    assert found.fix.is_safe
    (found,) = linted(block + "in 8 | twice relu | twice tanh | dense 2", {"C106"})
    assert found.fix is not None
    assert not found.fix.is_safe


# What rules see


def test_a_block_that_is_used_often_is_told_once() -> None:
    text = "block two c: conv c@3 same | conv c@3 same | relu\nin 32x32x8 | " + " | ".join(["two 16"] * 10)
    (found,) = linted(text, {"C107"})
    assert found.span.start == text.index("conv c@3")


def test_rules_see_across_the_borders_of_blocks() -> None:
    text = "block c n: conv n@3 same\nin 32x32x8 | c 16 | (c 16 | relu) as g | c 8"
    (found,) = linted(text, {"C107"})
    assert found.span.text == "conv n@3 same"


def test_rules_see_across_the_seam_of_a_repeat() -> None:
    (found,) = linted("in 8x8x8 | (bn | conv 8@3 same | relu | dropout 0.2) * 3 | flatten | dense 2", {"T201"})
    assert found.span.text == "dropout 0.2"
    assert not linted("in 8x8x8 | (bn | conv 8@3 same | relu | dropout 0.2) * 1 | flatten | dense 2", {"T201"})


def test_rules_see_through_names_and_branches() -> None:
    text = "let x = in 8x8x4 | conv 8@3 same\nout concat(x | bn | conv 8@3 same, x) | flatten | relu | dense 2"
    assert [found.span.start for found in linted(text, {"C107"})] == [text.index("conv 8@3")]
    both = "let x = in 8x8x4 | conv 8@3 same\nout add(x | bn | relu | conv 8@3 same, x | conv 8@1) | flatten | dense 2"
    assert not linted(both, {"C107"})  # made for a branch that bends it, too
    stem = "in 8x8x3 | conv 64@3 same | (residual(conv 64@3 same | relu | conv 64@3 same)) * 4 | pool global | dense 2"
    assert not linted(stem, {"C107"})


def test_a_shared_block_is_no_copy() -> None:
    text = "shared tower: dense 8 | relu\nlet a = in 4\nout add(a | tower, a | tower) | dense 2"
    assert not linted(text, {"C121"})
    assert linted(text.replace("shared", "block"), {"C121"})


def test_copies_of_a_repeat_are_counted() -> None:
    for times in (5, 50, 5000):
        (found,) = linted(f"in 8 | (dense 8 | sigmoid) * {times} | dense 2", {"T205"})
        assert found.message.startswith(f"{times} hidden layers")
    assert not linted("in 8 | (dense 8 | sigmoid | dense 8 | sigmoid | ln) * 50 | dense 2", {"T205"})


def test_the_rest_of_a_text_with_errors_is_looked_at() -> None:
    found = linted("in 32x32x3 | conv 8@3 | conv 8@3 | relu | con 8@3\nlet x = in 5 | dense 1 | softmax")
    assert codes_of(found) == {"E009", "C107", "C101"}


def test_a_mistake_is_told_once() -> None:
    found = linted("in 8x16 | lstm 32 | lstm 32 | dense 2")
    assert [one.code for one in found] == ["E012"]
    assert found[0].fix is not None
    assert not linted(mended("in 8x16 | lstm 32 | lstm 32 | dense 2", found[0].fix.edits))
    labelled = linted("in 30x1 | conv 8@3 | relu | linear 1 | sigmoid\ntrain loss=binary_cross_entropy target=1")
    assert [one.code for one in labelled] == ["E013"]


def test_blocks_of_a_library_are_looked_at() -> None:
    library = (
        "block two c: conv c@3 same | conv c@3 same | relu\nblock one n: linear n | softmax | linear n | relu | relu"
    )
    assert codes_of(linted(library)) == {"C107", "C108", "C106", "E025"}
    assert not linted("block unused: relu\nconst spare = 3", {"S608"})[1:]


def test_open_sizes_leave_rules_silent() -> None:
    assert not linted("in TxTx3 | conv 8@3 same | relu | pool global | dense 2")
    assert codes_of(linted("in Tx8 | conv 8@3 | conv 8@3 | relu | pool global | dense 2")) == {"C107"}


def test_a_message_shows_both_stages() -> None:
    (found,) = linted("in 48x48x1 | conv 64@3x3 | conv 64@3x3 | relu | pool 2 | flatten | dense 10", {"C107"})
    assert render(found) == (
        "C107 `conv 64@3x3` feeds `conv 64@3x3` with nothing in between that bends: together they are one linear map\n"
        "  --> net.net:1:14\n"
        "   |\n"
        " 1 | in 48x48x1 | conv 64@3x3 | conv 64@3x3 | relu | pool 2 | flatten | dense 10\n"
        "   |              ^^^^^^^^^^^   ----------- the next layer that learns\n"
        "   |              48x48x1 -> 46x46x64, 640 parameters\n"
        "help: put an activation between them: `conv 64@3x3 | relu`"
    )


# Thresholds


def test_thresholds_are_what_rules_compare_with() -> None:
    dropped = "in 8 | dense 8 | relu | dropout 0.6 | dense 2"
    assert linted(dropped, {"T204"}, Thresholds(max_dropout=0.5))
    assert not linted(dropped, {"T204"}, Thresholds(max_dropout=0.6))
    assert linted(dropped.replace("0.6", "0.85"), {"T204"})[0].severity == "warning"
    vgg = CLEAN["vgg16"]["net"]
    assert linted(vgg, {"D302"}, Thresholds(parameter_share=0.7))
    small = "in 32x32x3 | conv 8@9 same | relu | pool global | dense 2"
    assert linted(small, {"D303"})
    assert not linted(small, {"D303"}, Thresholds(receptive_field=0.25))


@pytest.mark.parametrize("figure", ["params", "macs", "memory"])
def test_a_budget_has_three_figures(figure: str) -> None:
    text = "in 784 | dense 64 | relu | dense 10"
    (found,) = linted(text, {"D323"}, Thresholds(budget=Budget(**{figure: 1000})))
    assert "the budget is 1,000" in found.message
    assert not linted(text, {"D323"}, Thresholds(budget=Budget(**{figure: 10**9})))


# Cost


def work(text: str, most: int = 10_000_000) -> tuple[tuple[Diagnostic, ...], int]:
    result = compiled(text)
    return measured(lambda: findings(result, DEFAULT, Thresholds()), most)


def test_doubling_blocks_cost_what_their_text_costs() -> None:
    blocks = "".join(f"block b{n}: b{n - 1} | b{n - 1}\n" for n in range(1, 41))
    found, _ = work(f"block b0: conv 8@3 same | conv 8@3 same | relu\n{blocks}in 32x32x8 | b40 | flatten | dense 2")
    assert codes_of(found) == {"C107", "T207"}


def test_nested_repeats_cost_what_their_text_costs() -> None:
    found, _ = work("in 32x32x8 | " + "(" * 30 + "conv 8@3 same" + ") * 3" * 30 + " | flatten | dense 2")
    assert codes_of(found) == {"C107", "T207"}


@pytest.mark.parametrize("stages", ["relu", "dropout 0.2 | bn", "dense 16 | dense 8", "pool 1", "relu | pool 3/1 same"])
def test_a_long_row_costs_a_little_a_stage(stages: str) -> None:
    """No rule looks at all other stages for each, which would be 64 times the work for 8 times the stages."""
    start = "in 8x8x8" if "pool" in stages else "in 8"
    short, long = (work(f"{start} | " + " | ".join([stages] * times))[1] for times in (100, 800))
    assert long < 9 * short


def test_a_long_repeat_is_not_written_out() -> None:
    ((view,),) = views_of(compiled("in 32x32x8 | (conv 8@3 same | relu) * 1_000_000 | pool global | dense 2"))
    assert len(view.places) < 100
    assert view.is_whole


def test_large_networks_are_written_out() -> None:
    (view,) = _views("densenet")
    assert view.is_whole
    assert len(view.places) < MOST_PLACES / 4


# Receptive fields


def _views(name: str) -> list[View]:
    path = ROOT / "examples" / "zoo" / f"{name}.net"
    (views,) = views_of(compile_source(read(str(path)), name, Options(read=reader(str(path.parent)))))
    return views


@pytest.mark.parametrize(
    ("name", "size", "jump"),
    [("mobilenet", 315, 32), ("resnet_v1", 483, 32), ("inception_v3", 1311, 32)],
)
def test_receptive_fields_are_those_that_are_published(name: str, size: int, jump: int) -> None:
    """Araujo, Norris and Sim, 2019, "Computing receptive fields of convolutional neural networks", the table there."""
    (view,) = _views(name)
    pool = [place for place in view.places if place.is_pool][-1]
    fields = view.entering_field(pool)
    assert fields is not None
    assert [(field.size, field.jump) for field in fields] == [(size, jump)] * 2


def _fields(text: str) -> tuple[Any, ...]:
    body: Body = compiled(text).network.body
    fields = ReceptiveFields().values(body, ())[-1]
    assert fields is not None
    return tuple((field.start, field.jump, field.size) for field in fields)


def test_the_field_of_copies_grows_with_each() -> None:
    one_by_one = _fields("in 99x8 | " + " | ".join(["conv 8@3 same"] * 7))
    assert _fields("in 99x8 | (conv 8@3 same) * 7") == one_by_one == ((0.5, 1, 15),)
    assert _fields("in 99x8 | (conv 8@3 same) * 1000") == ((0.5, 1, 2001),)


FIELDS = {
    "in 64x8 | conv 8@5/2": (2.5, 2, 5),
    "in 64x8 | conv 8@3 dilation=4": (4.5, 1, 9),
    "in 64x8 | pool 2 | up 2": (0.5, 1, 2),
    "in 64x8 | conv_transpose 8@2/2": (0.25, 0.5, 1),
    "in 64x8 | conv_transpose 8@4/2 same": (0.25, 0.5, 2),
    "in 64x8 | pad 3 | conv 8@7": (0.5, 1, 7),
    "in 64x8 | pool to=16 avg": (2, 4, 4),
    "in 64x8 | attention 2": (0.5, 1, 64),
    "in 64x8 | pool global keep": (32, 0, 64),
    "in 64x8 | add(conv 8@9 same, conv 8@3 same)": (0.5, 1, 9),
    "in 64x8 | mul(id, pool global keep | linear 8 | sigmoid)": (0.5, 1, 64),
}


@pytest.mark.parametrize("text", FIELDS)
def test_the_field_of_a_layer(text: str) -> None:
    (field,) = _fields(text)
    start, jump, size = FIELDS[text]
    assert field[1:] == (jump, size)
    if jump:
        assert field[0] == start


# Edits


def _edited(text: str, number: int, name: str, *arguments: Any) -> str:
    """Return a text with the stage of a number in its pipelines changed in some way."""
    program, _ = parse(Source("net.net", text))
    edits = Edits(program)
    stage = [pipeline.stages[place] for pipeline, place in edits._stages.values()][number]
    return mended(text, getattr(edits, name)(stage.span, *arguments))


def test_stages_are_deleted_with_their_bars() -> None:
    assert _edited("in 8 | relu\n| tanh", 1, "delete") == "in 8\n| tanh"
    assert _edited("in 8 | relu\n| tanh", 2, "delete") == "in 8 | relu"
    assert _edited("block b: relu | tanh\nin 8 | b", 0, "delete") == "block b: tanh\nin 8 | b"
    assert _edited("block b: relu\nin 8 | b", 0, "delete") == "block b: id\nin 8 | b"
    assert _edited("in 8 | # why\n relu", 1, "delete") == "in 8 | # why\n relu"


def test_stages_are_put_in() -> None:
    assert _edited("in 8 | relu as x | tanh", 1, "put_behind", "exp") == "in 8 | relu as x | exp | tanh"
    assert _edited("in 8 | relu | tanh", 1, "put_before", "exp") == "in 8 | exp | relu | tanh"
    assert _edited("in 8 | dense 4 as x", 1, "add_argument", "nobias") == "in 8 | dense 4 nobias as x"
    assert _edited("in 8 | dense 10", 1, "set_number", 10, 16) == "in 8 | dense 16"
