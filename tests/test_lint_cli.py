"""`netdsl lint`, `netdsl check` and `netdsl rule`: which rules run, what is printed, mended and suppressed."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import Capture, loaded, outcome

import netdsl
from netdsl.diagnostics import CODES, Diagnostic, Edit, Fix
from netdsl.lint import RULES
from netdsl.linter.settings import forget
from netdsl.source import Span

CLEAN = "in 28x28x1 | conv 32@3 | relu | pool 2 | flatten | dense 10"
TWICE = "in 8 | dense 16 | relu | relu | dense 10"
"""C106, a warning, with a safe fix."""
ALONE = "in 8 | dense 16 | relu | dense 1 | softmax"
"""C101, of severity error, with an unsafe fix."""
MUCH = "in 8 | dense 16 | relu | dropout 0.6 | dense 10"
"""T204, an info, without a fix."""
BROKEN = "in 8 | dnse 3"
"""E009, an error."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which no settings lie above."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def codes(capsys: Capture, *arguments: object) -> list[str]:
    """Return the codes that are found, as JSON has them."""
    status, out, err = outcome(capsys, "lint", "--output-format", "json", *arguments)
    assert status in (0, 1), err
    return [found["code"] for found in json.loads(out)]


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.net").write_text(text)


# What is printed, and the exit status


def test_a_finding_is_shown_as_a_mistake_is(capsys: Capture) -> None:
    status, out, err = outcome(capsys, "lint", "-e", TWICE)
    assert (status, err) == (1, "")
    first, place, _, text, marks, *_ = out.splitlines()
    assert first.startswith("C106 ")
    assert place == "  --> <text>:1:26"
    assert text == f" 1 | {TWICE}"
    assert "^^^^" in marks
    assert out.endswith("\n\nFound 1 problem (1 fixable with --fix)\n")


def test_nothing_found(capsys: Capture) -> None:
    assert outcome(capsys, "lint", "-e", CLEAN) == (0, "No problems found\n", "")
    assert outcome(capsys, "check", "-e", TWICE) == (0, "No problems found\n", "")
    assert outcome(capsys, "lint", "-e", CLEAN, "--output-format", "json") == (0, "[]\n", "")


def test_errors_are_found_by_both(capsys: Capture) -> None:
    for command in ("lint", "check"):
        status, out, _ = outcome(capsys, command, "-e", BROKEN, "--output-format", "concise")
        assert status == 1
        assert out.startswith("<text>:1:8: E009 there is no layer `dnse`\n")
    assert codes(capsys, "-e", f"{BROKEN} | relu | relu", "--select", "C106")[0] == "E009"


@pytest.mark.parametrize(
    "text, options, status",
    [
        (MUCH, [], 0),
        (MUCH, ["--fail-on", "info"], 1),
        (MUCH, ["--fail-on", "warning"], 0),
        (TWICE, [], 1),
        (TWICE, ["--fail-on", "error"], 0),
        (ALONE, ["--fail-on", "error"], 1),
        (BROKEN, ["--fail-on", "error"], 1),
        (BROKEN, ["--exit-zero"], 0),
        (TWICE, ["--exit-zero"], 0),
    ],
)
def test_exit_status(capsys: Capture, text: str, options: list[str], status: int) -> None:
    found, out, _ = outcome(capsys, "lint", "-e", text, *options)
    assert found == status
    assert "Found 1 problem" in out


def test_files_and_folders(capsys: Capture, folder: Path) -> None:
    (folder / "inner").mkdir()
    write(folder, b=TWICE, a=CLEAN)
    write(folder / "inner", c=TWICE)
    (folder / "notes.txt").write_text("no network")
    status, out, _ = outcome(capsys, "lint", "--output-format", "concise")
    assert status == 1
    assert re.findall(r"^(\S+?):", out, re.MULTILINE) == ["b.net", os.path.join("inner", "c.net")]
    assert outcome(capsys, "lint", "inner", "--output-format", "concise")[1].splitlines()[0].startswith("inner")
    assert outcome(capsys, "lint", "b.net", "b.net", ".", "--output-format", "concise")[1].count("b.net:") == 1
    assert outcome(capsys, "lint", "missing.net")[0] == 1
    assert "there is no such file" in outcome(capsys, "lint", "missing.net")[1]


def test_a_folder_without_networks(capsys: Capture) -> None:
    assert outcome(capsys, "lint") == (0, "No problems found\n", "no networks in .\n")


def test_what_git_ignores_is_left_out(capsys: Capture, folder: Path) -> None:
    write(folder, ignored=TWICE, kept=TWICE)
    (folder / ".gitignore").write_text("ignored.net\n")
    subprocess.run(["git", "init", "-q"], check=True)
    status, out, _ = outcome(capsys, "lint", "--output-format", "concise")
    assert status == 1
    assert "kept.net" in out and "ignored.net" not in out
    assert outcome(capsys, "lint", "ignored.net")[0] == 1


def test_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TWICE.encode())))
    status, out, _ = outcome(capsys, "lint", "-", "--output-format", "concise")
    assert status == 1
    assert out.startswith("<stdin>:1:26: C106 [*] ")


def test_decisions_of_the_command_line(capsys: Capture) -> None:
    text = "const rate = 0.1\nin 8 | dense 16 | relu | dropout rate | dense 10"
    assert codes(capsys, "-e", text) == []
    assert codes(capsys, "-e", text, "--set", "rate=0.6") == ["T204"]
    assert codes(capsys, "-e", "in 4 | dense {8, 16}") == ["E032"]
    assert codes(capsys, "-e", "in 4 | dense {8, 16}", "--pick", "dense_1.units=8") == []
    status, _, err = outcome(capsys, "lint", "-e", text, "--set", "rate=]")
    assert status == 2 and "is not a value" in err


def test_libraries_need_no_network(capsys: Capture, folder: Path) -> None:
    write(folder, blocks="block twice n: dense n | relu | dense n", main='use "blocks.net"\nin 4 | twice 8')
    for command in ("lint", "check"):
        assert outcome(capsys, command, ".") == (0, "No problems found\n", "")
    assert codes(capsys, "-e", "") == ["E025"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("block wide n=]: dense n | relu", "E020"),
        ("block wide n=foo: dense n | relu", "E009"),
        ("block wide n=(1/0): dense n | relu", "E008"),
        ("block wide n={2, 3}: dense n | relu", None),
        ("block wide n: wide n", "E010"),
        ("const n = n", "E010"),
        ('use "missing.net"\nblock wide: dense 8', "E024"),
    ],
)
def test_libraries_with_mistakes(capsys: Capture, text: str, expected: str | None) -> None:
    found = codes(capsys, "-e", text, "--select", "ALL", "--ignore", "S,X")
    assert set(found) == ({expected} if expected else set())


def test_what_a_used_file_has_belongs_to_it(capsys: Capture, folder: Path) -> None:
    """Its errors are told once, and its other findings where it is checked itself."""
    write(folder, blocks="block twice n: dense n | relu | relu", main='use "blocks.net"\nin 4 | twice 8 | dense 3')
    assert codes(capsys, "main.net") == []
    status, out, _ = outcome(capsys, "lint", ".", "--output-format", "concise")
    assert status == 1
    assert out.count("C106") == 1 and out.startswith("blocks.net:1:")
    assert outcome(capsys, "lint", ".", "--fix")[1] == "Found 1 problem (1 fixed, 0 remaining)\n"
    write(folder, blocks="block twice n: dnse n")
    assert codes(capsys, "main.net") == ["E009"]
    assert codes(capsys, ".") == ["E009"]


def test_a_file_for_the_output(capsys: Capture, folder: Path) -> None:
    assert outcome(capsys, "lint", "-e", TWICE, "-o", "found.txt") == (1, "", "")
    assert (folder / "found.txt").read_text() == outcome(capsys, "lint", "-e", TWICE)[1]
    status, out, err = outcome(capsys, "lint", "-e", TWICE, "-o", "no/found.txt")
    assert (status, out) == (1, "")
    assert "cannot write `no/found.txt`" in err


def test_statistics(capsys: Capture) -> None:
    text = f"{ALONE} | dense 8 | relu | relu | dense 8 | relu | relu | dense 4"
    out = outcome(capsys, "lint", "-e", text, "--select", "C101,C106", "--statistics")[1]
    assert out == "2  C106  double-activation [*]\n1  C101  softmax-single-unit\n"
    out = outcome(capsys, "lint", "-e", TWICE, "--statistics", "--output-format", "json")[1]
    assert json.loads(out) == [{"code": "C106", "name": "double-activation", "count": 1, "fixable_count": 1}]
    assert outcome(capsys, "lint", "-e", CLEAN, "--statistics")[1] == "No problems found\n"


def test_colour_is_for_terminals(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert outcome(capsys, "lint", "-e", TWICE)[1].startswith("\033[33mC106\033[0m")
    assert "\033" not in outcome(capsys, "lint", "-e", TWICE, "--output-format", "concise")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in outcome(capsys, "lint", "-e", TWICE)[1]


# Which rules run


@pytest.mark.parametrize(
    "options, expected",
    [
        ([], {"C106", "C101"}),
        (["--select", "C106"], {"C106"}),
        (["--select", "double-activation"], {"C106"}),
        (["--select", "c1"], {"C106", "C101"}),
        (["--select", "T"], set()),
        (["--ignore", "C106"], {"C101"}),
        (["--ignore", "ALL"], set()),
        (["--select", "ALL", "--ignore", "C,T,D,P,X,S"], set()),
        (["--select", "C", "--ignore", "C106"], {"C101"}),
        (["--select", "C106", "--ignore", "C"], {"C106"}),
        (["--select", "C106", "--ignore", "C106"], set()),
        (["--select", "T", "--extend-select", "C106"], {"C106"}),
    ],
)
def test_selection(capsys: Capture, options: list[str], expected: set[str]) -> None:
    assert {*codes(capsys, "-e", f"{TWICE} | relu | dense 1 | softmax", *options)} & {"C106", "C101"} == expected


def test_rules_that_are_off(capsys: Capture) -> None:
    text = "in 64 | dense 1003 | relu | dense 10"
    assert codes(capsys, "-e", text) == []
    assert codes(capsys, "-e", text, "--extend-select", "P402") == ["P402"]
    assert "P402" in codes(capsys, "-e", text, "--select", "P")


def test_rules_in_preview(capsys: Capture) -> None:
    text = "in 8x8x3 | conv 16@3 nobias | relu | bn | flatten | dense 10"
    assert codes(capsys, "-e", text, "--preview") == []
    status, out, err = outcome(capsys, "lint", "-e", text, "--select", "T208")
    assert (status, out) == (0, "No problems found\n")
    assert err == "warning: `T208` is in preview, and needs --preview\n"
    assert codes(capsys, "-e", text, "--select", "T", "--preview") == ["T208"]


@pytest.mark.parametrize(
    "options, expected",
    [
        (["--select", "C10g"], "there is no rule `C10g`"),
        (["--select", "C999"], "there is no rule `C999`"),
        (["--select", "double-activatoin"], "did you mean `double-activation`?"),
        (["--ignore", "E009"], "`E009` is an error, and errors cannot be ignored"),
        (["--ignore", "E"], "`E` is an error"),
        (["--per-file-ignores", "C107"], "'C107' is not PATTERN:CODE,CODE"),
        (["--per-file-ignores", "*.net:C99"], "there is no rule `C99`"),
        (["--fail-on", "fatal"], "invalid choice"),
        (["--output-format", "xml"], "invalid choice"),
        (["--config", "missing.toml"], "cannot read `missing.toml`: there is no such file"),
        (["a.net"], "either files or -e TEXT"),
        (["--watch"], "only files can be watched"),
        (["--add-noqa", "--fix"], "--add-noqa goes alone"),
        (["--fxi"], "unrecognized arguments: --fxi"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage(capsys: Capture, options: list[str], expected: str) -> None:
    status, out, err = outcome(capsys, "lint", "-e", CLEAN, *options)
    assert (status, out) == (2, "")
    assert expected in err


def test_per_file_ignores(capsys: Capture, folder: Path) -> None:
    (folder / "old").mkdir()
    write(folder, a=TWICE)
    write(folder / "old", b=TWICE, c=TWICE)

    def found_in(*ignores: str) -> set[str]:
        options = [word for text in ignores for word in ("--per-file-ignores", text)]
        out = outcome(capsys, "lint", ".", "--output-format", "concise", *options)[1]
        return {os.path.basename(name) for name in re.findall(r"^(\S+?):", out, re.MULTILINE)}

    assert found_in() == {"a.net", "b.net", "c.net"}
    assert found_in("old/*.net:C106") == {"a.net"}
    assert found_in("old:C") == {"a.net"}
    assert found_in("**/b.net:ALL") == {"a.net", "c.net"}
    assert found_in("c.net:C106,T204", "?.net:T204") == {"a.net", "b.net"}
    assert found_in("*.net:C106") == set()
    assert found_in("!old/*:C106") == {"b.net", "c.net"}
    assert found_in("ol:C106", "net:C106") == {"a.net", "b.net", "c.net"}


# Settings


def settings(folder: Path, text: str, name: str = "netdsl.toml") -> None:
    (folder / name).write_text(text)


def test_settings_of_a_project(capsys: Capture, folder: Path) -> None:
    write(folder, a=MUCH)
    assert codes(capsys, "a.net") == ["T204"]
    settings(folder, '[tool.netdsl.lint]\nignore = ["T204"]', "pyproject.toml")
    assert codes(capsys, "a.net") == []
    settings(folder, "[lint]\nmax-dropout = 0.1")
    assert codes(capsys, "a.net") == ["T204"]  # netdsl.toml goes before pyproject.toml
    settings(folder, "[lint]\nmax-dropout = 0.7")
    assert codes(capsys, "a.net") == []


@pytest.mark.parametrize(
    "text, found, status",
    [
        ('select = ["P"]', [], 0),
        ('select = ["T"]', ["T204"], 0),
        ('extend-select = ["T"]\nfail-on = "info"', ["T204"], 1),
        ('fail-on = "error"', ["T204"], 0),
        ('per-file-ignores = { "a.net" = ["T"] }', [], 0),
        ('per-file-ignores = { "b.net" = ["T"] }', ["T204"], 0),
    ],
)
def test_keys(capsys: Capture, folder: Path, text: str, found: list[str], status: int) -> None:
    write(folder, a=MUCH)
    settings(folder, f"[lint]\n{text}")
    assert codes(capsys, "a.net") == found
    assert outcome(capsys, "lint", "a.net")[0] == status


def test_settings_are_found_upwards(capsys: Capture, folder: Path) -> None:
    """The nearest that says something of netdsl counts, alone; each file has its own."""
    inner = folder / "inner"
    inner.mkdir()
    write(folder, a=MUCH)
    write(inner, b=MUCH)
    settings(folder, '[lint]\nignore = ["T204"]')
    settings(inner, "[project]\nname = 'x'", "pyproject.toml")
    assert codes(capsys, ".") == []
    settings(inner, "[tool.netdsl]", "pyproject.toml")
    assert codes(capsys, ".") == ["T204"]
    assert codes(capsys, ".", "--config", "netdsl.toml") == []
    assert codes(capsys, "-e", MUCH) == []  # a text that is no file has those of the current folder


def test_patterns_are_relative_to_the_settings(capsys: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "old").mkdir()
    write(folder / "old", b=MUCH)
    settings(folder, '[lint.per-file-ignores]\n"old/*.net" = ["T204"]')
    monkeypatch.chdir(folder / "old")
    assert codes(capsys, "b.net") == []


def test_the_command_line_goes_before_settings(capsys: Capture, folder: Path) -> None:
    settings(folder, '[lint]\nselect = ["C101"]\nignore = ["C106"]\nfail-on = "error"')
    assert codes(capsys, "-e", TWICE) == []
    assert codes(capsys, "-e", TWICE, "--select", "C") == ["C106"]
    assert codes(capsys, "-e", TWICE, "--extend-select", "C106") == ["C106"]
    assert codes(capsys, "-e", ALONE, "--ignore", "C101") == []
    assert outcome(capsys, "lint", "-e", TWICE, "--select", "C", "--fail-on", "info")[0] == 1
    settings(folder, "[lint]\npreview = true\n")
    text = "in 8x8x3 | conv 16@3 nobias | relu | bn | flatten | dense 10"
    assert codes(capsys, "-e", text, "--select", "T208") == ["T208"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ('[lint]\nslect = ["C"]', "there is no key `slect` in [lint]; did you mean `select`?"),
        ("[lint]\nmax_dropout = 0.3", "there is no key `max_dropout` in [lint]; did you mean `max-dropout`?"),
        ("[lnit]", "there is no key `lnit`; did you mean `lint`?"),
        ("lint = 3", "[lint] has to be a table, and is a number"),
        ('[lint]\nselect = "C"', "`select` in [lint]: wanted is a list of texts"),
        ("[lint]\nignore = [3]", "`ignore` in [lint]: wanted is a list of texts"),
        ('[lint]\nselect = ["C99"]', "`select` in [lint]: there is no rule `C99`"),
        ('[lint]\nignore = ["E002"]', "`ignore` in [lint]: `E002` is an error"),
        ('[lint]\nextend-select = ["dead-brunch"]', "did you mean `dead-branch`?"),
        ("[lint]\npreview = 1", "`preview` in [lint]: wanted is true or false, and this is a number"),
        ('[lint]\nfail-on = "all"', "`fail-on` in [lint]: wanted is one of 'info', 'warning', 'error'"),
        ('[lint]\nper-file-ignores = ["C"]', "`per-file-ignores` in [lint]: wanted is a table"),
        ('[lint]\nper-file-ignores = { "a" = "C" }', "`per-file-ignores` in [lint]: wanted is a list"),
        ('[lint]\nmax-dropout = "0.3"', "`max-dropout` in [lint]: wanted is a number, at least 0, and this is a text"),
        ("[lint]\nmax-dropout = inf", "`max-dropout` in [lint]: wanted is a number, at least 0"),
        ("[lint]\nmax-dropout = nan", "`max-dropout` in [lint]: wanted is a number, at least 0"),
        ("[lint]\nbudget = 5", "[lint.budget] has to be a table, and is a number"),
        ("[lint.budget]\nparam = 5", "there is no key `param` in [lint.budget]; did you mean `params`?"),
        ('[lint.budget]\nparams = "5 M"', "`params` in [lint.budget]: wanted is a whole number"),
        ("[lint.budget]\nmacs = -1", "`macs` in [lint.budget]: wanted is a whole number"),
        ("[lint.budget]\nmacs = inf", "`macs` in [lint.budget]: wanted is a whole number"),
        ("[lint]\nselect = [", "is not TOML"),
    ],
)
def test_settings_that_are_wrong(capsys: Capture, folder: Path, text: str, expected: str) -> None:
    write(folder, a=CLEAN)
    settings(folder, text)
    for options in (["a.net"], [".", "--config", "netdsl.toml"]):
        status, out, err = outcome(capsys, "lint", *options)
        assert (status, out) == (2, "")
        assert err.startswith("netdsl lint: error: `netdsl.toml`")
        assert expected in err
    if text.startswith("[lint"):
        (folder / "netdsl.toml").unlink()
        settings(folder, text.replace("[lint", "[tool.netdsl.lint"), "pyproject.toml")
        status, _, err = outcome(capsys, "lint", "a.net")
        assert status == 2
        assert expected.replace("[lint", "[tool.netdsl.lint") in err
    assert outcome(capsys, "check", "a.net")[0] == 0  # errors are not a matter of settings


def test_settings_that_are_no_text(capsys: Capture, folder: Path) -> None:
    (folder / "netdsl.toml").write_bytes(b"\xff\xfe")
    assert outcome(capsys, "lint", "-e", CLEAN)[0] == 2
    (folder / "netdsl.toml").unlink()
    (folder / "netdsl.toml").mkdir()
    status, _, err = outcome(capsys, "lint", "-e", CLEAN)
    assert status == 2 and "it is a folder" in err


@pytest.mark.parametrize("limit", ["100", '"0.1k"', "1e2"])
def test_a_budget(capsys: Capture, folder: Path, limit: str) -> None:
    settings(folder, f"[lint.budget]\nparams = {limit}\nmacs = 1_000_000")
    status, out, _ = outcome(capsys, "lint", "-e", "in 8 | dense 16 | relu | dense 4 | softmax")
    assert status == 1
    assert "D323" in out and "Found 1 problem" in out
    assert "212 against 100: 112 too many" in out
    assert "`dense_1` (144)" in out and "`dense_2` (68)" in out
    assert codes(capsys, "-e", "in 8 | dense 8") == []
    assert codes(capsys, "-e", "in Tx8 | linear 16", "--select", "D") == ["D323"]
    settings(folder, f"[lint.budget]\nmacs = {limit}")
    assert codes(capsys, "-e", "in Tx8 | linear 8", "--select", "D") == []  # T decides
    assert codes(capsys, "-e", "in Tx8 | linear 8", "--select", "D", "--set", "T=9") == ["D323"]
    blocks = "block wide n: dense n | relu | dense n\nin 8 | (wide 32 | relu) as stem | wide 8 | softmax"
    settings(folder, f"[lint.budget]\nparams = {limit}")
    (found,) = json.loads(outcome(capsys, "lint", "-e", blocks, "--output-format", "json")[1])
    assert found["location"] == {"row": 2, "column": 9}  # the use of the block that has the costliest layer
    assert "`stem.wide_1.dense_2` (1,056)" in found["help"]


# Comments that suppress


@pytest.mark.parametrize(
    "text, expected",
    [
        (f"{TWICE}  # noqa", []),
        (f"{TWICE}  # noqa: C106", []),
        (f"{TWICE}  # NOQA:c106", []),
        (f"{TWICE}  # noqa: double-activation", []),
        (f"{TWICE}  #noqa : T204, C106 as it was published", ["S607"]),
        (f"{TWICE}  # as published # noqa: C106 # indeed", []),
        (f"{TWICE}  # noqa: T204", ["C106", "S607"]),
        (f"{TWICE}  # noqa:", ["C106", "S607"]),
        (f"{TWICE}  # noqa: C999", ["C106", "S607"]),
        (f"{TWICE}  # noqa: C1", ["C106", "S607"]),
        (f"{CLEAN}  # noqa", ["S607"]),
        (f"{CLEAN}  # noqa: S607", []),
        (f"{CLEAN}  # noqa: C106, S607", []),
        (f"{TWICE}  # see noqa", ["C106"]),
        (f"{BROKEN}  # noqa", ["E009"]),
        (f"{BROKEN}  # noqa: E009", ["E009"]),
        (f"{TWICE}  # noqa: C106, E009", ["S607"]),
        (f"# netdsl: file-ignore[C106]\n{TWICE}", []),
        (f"# netdsl: file-ignore\n{TWICE}", []),
        (f"# netdsl: file-ignore[C106, T204]\n{TWICE}", ["S607"]),
        (f"# netdsl: file-ignore[E009]\n{BROKEN}", ["E009"]),
        (f"# netdsl: file-ignore[C106]\n{CLEAN}", ["S607"]),
        (f"# netdsl: file-ignore[C106, S607]\n{CLEAN}", []),
        (f"{TWICE}\n# netdsl: file-ignore[C106]", ["C106", "S607"]),
        (f"# netdsl: file-ignre[C106]\n{TWICE}", ["S607", "C106"]),
        (f"# netdsl: nothing of ours\n{CLEAN}", []),
        (f"{TWICE}  # netdsl: file-ignore[T204 # noqa: C106", ["S607"]),
        (f"# netdsl: file-ignore[C106 # and more\n{TWICE}", []),
        ('use "# noqa"\nin 8', ["E024"]),
        ("in 8 | dense 16\n| relu\n| relu  # noqa: C106\n| dense 10", []),
        ("in 8 | dense 16\n| relu  # noqa: C106\n| relu\n| dense 10", ["S607", "C106"]),
        ("in 8 | dense 16 | relu\n| dropout  # noqa: T204\n  0.6 | dense 10", []),
        ("in 8 | dense 16 | relu\n| dropout\n  0.6  # noqa: T204\n| dense 10", []),
        ("block twice:  # noqa: C106\n  relu | relu\nin 8 | dense 16 | twice | dense 10", ["S607", "C106"]),
        ("block twice:\n  relu | relu  # noqa: C106\nin 8 | dense 16 | twice | dense 10", []),
    ],
)
def test_suppression(capsys: Capture, text: str, expected: list[str]) -> None:
    assert codes(capsys, "-e", text) == expected


def test_a_rule_that_is_off_may_be_suppressed(capsys: Capture) -> None:
    """Whether it finds something is asked all the same, as another run may have it on."""
    text = "in 64 | dense 1003 | relu | dense 10  # noqa: P402"
    assert codes(capsys, "-e", text) == []
    assert codes(capsys, "-e", text.replace("1003", "1024")) == ["S607"]
    assert codes(capsys, "-e", text.replace("1003", "1024"), "--select", "P") == []


@pytest.mark.parametrize(
    "before, after",
    [
        (f"{CLEAN}  # noqa", CLEAN),
        (f"{CLEAN}  # why # noqa: C106", f"{CLEAN}  # why"),
        (f"{CLEAN}  # noqa: C106 # why", f"{CLEAN}  # why"),
        (f"{CLEAN}  # noqa: C106 as it was\n", f"{CLEAN}\n"),
        (f"# noqa\n{CLEAN}", CLEAN),
        (f"{TWICE}  # noqa: T204, C106, C101 why", f"{TWICE}  # noqa: C106 why"),
        (f"{TWICE}  # noqa: C106, E009", f"{TWICE}  # noqa: C106"),
        (f"# netdsl: file-ignore[C106, T204]\n{TWICE}\n", f"# netdsl: file-ignore[C106]\n{TWICE}\n"),
        (f"# A network.\n  # netdsl: file-ignore[C106]\n{CLEAN}\n", f"# A network.\n{CLEAN}\n"),
        (f"{CLEAN}  # noqa: C999", f"{CLEAN}  # noqa: C999"),
    ],
)
def test_needless_suppressions_are_taken_out(capsys: Capture, folder: Path, before: str, after: str) -> None:
    write(folder, a=before)
    outcome(capsys, "lint", "a.net", "--fix")
    assert (folder / "a.net").read_text() == after


@pytest.mark.parametrize(
    "before, after",
    [
        (TWICE, f"{TWICE}  # noqa: C106"),
        (f"{TWICE}   \n", f"{TWICE}  # noqa: C106   \n"),
        (f"{TWICE}  # noqa: T204, S607", f"{TWICE}  # noqa: T204, S607, C106"),
        (f"{TWICE}  # why", f"{TWICE}  # why  # noqa: C106"),
        (f"{TWICE}  # noqa:", f"{TWICE}  # noqa: C106"),
        (f"{TWICE}  # noqa:4 of them", f"{TWICE}  # noqa: C106 4 of them"),
        ("in 8 | dense 16\r\n| relu\r\n| relu\r\n", "in 8 | dense 16\r\n| relu\r\n| relu  # noqa: C106\r\n"),
        (f"{TWICE} | relu | dense 1 | softmax", f"{TWICE} | relu | dense 1 | softmax  # noqa: C101, C106"),
        (CLEAN, CLEAN),
        (BROKEN, BROKEN),
    ],
)
def test_suppressions_are_written(capsys: Capture, folder: Path, before: str, after: str) -> None:
    (folder / "a.net").write_bytes(before.encode())
    status, out, err = outcome(capsys, "lint", "a.net", "--add-noqa", "--select", "C101,C106")
    assert (folder / "a.net").read_bytes().decode() == after
    assert status == (1 if before == BROKEN else 0)
    assert f"Wrote {1 if before != after else 0} noqa comment" in err
    if before != BROKEN:
        assert codes(capsys, "a.net", "--select", "C101,C106,S607") == []
        assert out == "No problems found\n"
    else:
        assert "no comments are written into a text with errors" in err


# Fixes


def fixed(capsys: Capture, folder: Path, text: str, *options: str) -> str:
    (folder / "a.net").write_bytes(text.encode())
    outcome(capsys, "lint", "a.net", "--fix", *options)
    return (folder / "a.net").read_bytes().decode()


def test_fixes_are_made(capsys: Capture, folder: Path) -> None:
    assert fixed(capsys, folder, TWICE) == "in 8 | dense 16 | relu | dense 10"
    assert fixed(capsys, folder, ALONE) == ALONE
    assert fixed(capsys, folder, ALONE, "--unsafe-fixes") == ALONE.replace("softmax", "sigmoid")
    assert fixed(capsys, folder, CLEAN) == CLEAN


def test_a_text_that_cannot_be_read_is_not_mended(capsys: Capture, folder: Path) -> None:
    text = f"{TWICE} (\n"
    assert fixed(capsys, folder, text) == text
    assert "fixable" not in outcome(capsys, "lint", "a.net")[1]
    text = f"{TWICE}\nlet spare = in 4 | dnse 3\n"  # an error that is not of syntax
    assert fixed(capsys, folder, text) == text.replace("relu | relu", "relu")


def test_touching_fixes_are_made_one_after_another(capsys: Capture, folder: Path) -> None:
    many = "in 8 | dense 16" + " | relu" * 30 + " | dense 10"
    assert fixed(capsys, folder, many) == "in 8 | dense 16 | relu | dense 10"
    write(folder, a=many)
    assert outcome(capsys, "lint", "a.net", "--fix") == (0, "Found 29 problems (29 fixed, 0 remaining)\n", "")


def test_what_is_left_decides_the_status(capsys: Capture, folder: Path) -> None:
    write(folder, a=f"{TWICE} | relu | dense 1 | softmax")
    status, out, _ = outcome(capsys, "lint", "a.net", "--fix", "--select", "C101,C106")
    assert status == 1
    assert "C106" not in out
    assert out.endswith("\nFound 2 problems (1 fixed, 1 remaining)\n")


def test_line_endings_and_marks_are_kept(capsys: Capture, folder: Path) -> None:
    text = "\ufeffin 8 | dense 16\r\n| relu\r\n| relu\r\n| relu\n| dense 10\r\n"
    expected = re.sub(r"(\s*\| relu)+", "\r\n| relu", text, count=1)
    found = fixed(capsys, folder, text)
    assert found.replace("\n", "").replace("\r", "") == expected.replace("\n", "").replace("\r", "")
    assert found.startswith("\ufeffin 8 | dense 16\r\n| relu")
    assert found.endswith("| dense 10\r\n")


def test_only_what_is_mended_changes(capsys: Capture, folder: Path) -> None:
    """Lines end as they did, each of them."""
    text = "# one\r\n# two\nin 8 | dense 16 | relu | relu\r\n| dense 10\n# three\r\n"
    assert fixed(capsys, folder, text) == text.replace("relu | relu", "relu")


def test_files_keep_their_mode_and_link(capsys: Capture, folder: Path) -> None:
    write(folder, target=TWICE)
    (folder / "target.net").chmod(0o640)
    (folder / "a.net").symlink_to(folder / "target.net")
    outcome(capsys, "lint", "a.net", "--fix")
    assert (folder / "a.net").is_symlink()
    assert (folder / "target.net").read_text() == "in 8 | dense 16 | relu | dense 10"
    assert (folder / "target.net").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["a.net", "target.net"]


def test_a_file_that_may_not_be_written(capsys: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, content: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    write(folder, a=TWICE)
    monkeypatch.setattr("netdsl.files._replace", refuse)
    status, out, _ = outcome(capsys, "lint", "a.net", "--fix")
    assert status == 1
    assert "cannot write `a.net`: permission denied" in out
    assert "C106" in out
    assert (folder / "a.net").read_text() == TWICE


def test_a_difference_is_shown_and_nothing_changed(capsys: Capture, folder: Path) -> None:
    write(folder, a=f"{TWICE}\n")
    status, out, err = outcome(capsys, "lint", "a.net", "--diff")
    assert (status, err) == (1, "Would fix 1 problem\n")
    assert out.splitlines() == [
        "--- a.net",
        "+++ a.net",
        "@@ -1 +1 @@",
        f"-{TWICE}",
        "+in 8 | dense 16 | relu | dense 10",
    ]
    assert (folder / "a.net").read_text() == f"{TWICE}\n"
    patched = subprocess.run(["git", "apply", "-p0", "-"], input=out, text=True, capture_output=True)
    assert patched.returncode == 0, patched.stderr
    assert (folder / "a.net").read_text() == "in 8 | dense 16 | relu | dense 10\n"
    assert outcome(capsys, "lint", "a.net", "--diff") == (0, "", "")
    write(folder, a=ALONE)
    assert outcome(capsys, "lint", "a.net", "--diff") == (0, "", "")
    assert outcome(capsys, "lint", "a.net", "--diff", "--unsafe-fixes")[0] == 1


def test_a_mended_text_of_standard_input_is_printed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{TWICE}\n".encode())))
    status, out, err = outcome(capsys, "lint", "-", "--fix")
    assert (status, out) == (0, "in 8 | dense 16 | relu | dense 10\n")
    assert err == "Found 1 problem (1 fixed, 0 remaining)\n"
    assert outcome(capsys, "lint", "-e", CLEAN, "--fix") == (0, f"{CLEAN}\n", "No problems found\n")


def test_a_fix_that_breaks_a_text_is_not_made(capsys: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else can be mended is, and who is at fault is said."""

    def wrong_fix(text: str, is_safe: bool) -> None:
        from netdsl.lint import findings

        def findings_with_it(*arguments: object) -> tuple[Diagnostic, ...]:
            found = findings(*arguments)  # type: ignore[arg-type]
            source = arguments[0].program.source  # type: ignore[attr-defined]
            place = source.text.find("dense 10")
            if place < 0:  # the fix has been tried
                return found
            span = Span(source, place, place + len("dense 10"))
            fix = Fix("Break it", (Edit(span, text),), is_safe)
            return (*found, Diagnostic("C101", "a needless finding", span, severity="error", fix=fix))

        monkeypatch.setattr("netdsl.linter.check.findings", findings_with_it)

    for text, is_safe, is_ours, code in [
        ("dense (", True, True, "E020"),
        ("dense (", False, True, "E020"),
        ("conv 3@3", False, False, "E001"),
        ("conv 3@3", True, True, "E001"),
    ]:
        write(folder, a=TWICE)
        with monkeypatch.context():
            wrong_fix(text, is_safe)
            status, out, err = outcome(capsys, "lint", "a.net", "--fix", *([] if is_safe else ["--unsafe-fixes"]))
            monkeypatch.undo()
            monkeypatch.chdir(folder)
        assert status == 1
        assert (folder / "a.net").read_text() == "in 8 | dense 16 | relu | dense 10"
        assert f"the fix of C101 is not made, as with it there would be {code}" in err
        assert ("a mistake in netdsl" in err) is is_ours
        assert "(1 fixed, 1 remaining)" in out


def test_a_file_that_changes_meanwhile_is_left_alone(
    capsys: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netdsl.commands import lint

    def change(*arguments: object) -> object:
        write(folder, a=CLEAN)
        return real(*arguments)  # type: ignore[arg-type]

    real = lint.check
    write(folder, a=TWICE)
    monkeypatch.setattr("netdsl.commands.lint.check", change)
    status, _, err = outcome(capsys, "lint", "a.net", "--fix")
    assert status == 1
    assert err == "a.net: it has changed meanwhile, and is left as it is\n"
    assert (folder / "a.net").read_text() == CLEAN


# Watching


def test_watching(folder: Path) -> None:
    """It checks again when a file, a file that it uses, or the settings have changed, and ends quietly."""
    write(folder, a='use "parts/blocks.net"\nin 8 | dense 16 | relu | part', b=CLEAN)
    (folder / "parts").mkdir()
    write(folder / "parts", blocks="block part: dense 10")
    command = [sys.executable, "-u", "-m", "netdsl", "lint", "a.net", "b.net", "--watch", "--output-format", "concise"]
    environment = {**os.environ, "PYTHONPATH": str(Path(netdsl.__file__).parents[1])}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "No problems found\n"
        time.sleep(0.2)
        write(folder, b=f"{TWICE} ")
        assert process.stdout.readline().startswith("b.net:1:26: C106")
        assert process.stdout.readline().startswith("Found 1 problem")
        time.sleep(0.2)
        write(folder / "parts", blocks="block part: dnse 10")
        assert process.stdout.readline().startswith("parts/blocks.net:1:13: E009")
        assert process.stdout.readline().startswith("b.net:1:26: C106")
        assert process.stdout.readline().startswith("Found 2 problems")
        time.sleep(0.2)
        write(folder / "parts", blocks="block part: dense 12")
        assert process.stdout.readline().startswith("b.net:1:26: C106")
        assert process.stdout.readline().startswith("Found 1 problem")
        time.sleep(0.2)
        settings(folder, '[lint]\nignore = ["C106"]')
        assert process.stdout.readline() == "No problems found\n"
        process.send_signal(2)
        assert process.wait(10) == 0


def test_the_screen_is_cleared_on_a_terminal(capsys: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+C is how watching ends, and no failure."""

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    write(folder, a=TWICE)
    monkeypatch.setattr("time.sleep", interrupted)
    status, out, err = outcome(capsys, "lint", "a.net", "--watch")
    assert (status, err) == (0, "\nWatching 1 file; Ctrl+C ends it\n")
    assert out.startswith("C106")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert outcome(capsys, "lint", "a.net", "--watch")[1].startswith("\033[2J")


# Rules


def test_the_page_of_a_rule(capsys: Capture) -> None:
    for word in ("C106", "c106", "double-activation"):
        status, out, err = outcome(capsys, "rule", word)
        assert (status, err) == (0, "")
        assert out.startswith("C106 double-activation\n  warning, on\n")
        assert RULES["C106"].page.example in out
    for code in RULES:
        prose = [line for line in outcome(capsys, "rule", code)[1].splitlines() if not line.startswith("      ")]
        assert max(map(len, prose)) < 100


def test_all_rules(capsys: Capture) -> None:
    listed = outcome(capsys, "rule")[1]
    pages = outcome(capsys, "rule", "--all")[1]
    for code in {*RULES, *CODES}:
        assert re.search(rf"^{code}  [a-z-]+ +", listed, re.MULTILINE)
        assert re.search(rf"^{code} [a-z-]+$", pages, re.MULTILINE)


def test_an_error_has_no_page_but_its_message(capsys: Capture) -> None:
    _, out, _ = outcome(capsys, "rule", "E002")
    assert out == (
        "E002 spatial-size-exhausted\n  error, always on\n\n"
        "  What is wrong, where, and what would mend it, is said by the message.\n"
    )


def test_rules_that_there_are_not(capsys: Capture) -> None:
    status, out, err = outcome(capsys, "rule", "C199")
    assert (status, out) == (2, "")
    assert err.startswith("netdsl rule: error: there is no rule `C199`")
    assert outcome(capsys, "rule", "nothing")[2].endswith("there is no rule `nothing`; `netdsl rule` lists them\n")
    assert outcome(capsys, "rule", "C106", "--all")[0] == 2


def test_a_page_on_a_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    out = outcome(capsys, "rule", "C106")[1]
    assert "\033[" in out
    assert "double-activation" in re.sub(r"\033\[[0-9;]*m", "", out)


# From Python


def test_a_net_is_linted() -> None:
    net = netdsl.compile(f"{TWICE} | relu | dense 1 | softmax")
    assert {"C101", "C106"} <= {found.code for found in net.lint()}
    assert {found.code for found in net.lint(select=["C106"])} == {"C106"}
    assert {found.code for found in net.lint(select=[], extend_select=["softmax-single-unit"])} == {"C101"}
    assert "C106" not in {found.code for found in net.lint(ignore=["C106"])}
    assert netdsl.compile(f"{TWICE}  # noqa: C106").lint() == ()
    with pytest.raises(ValueError, match="there is no rule `C99`"):
        net.lint(select=["C99"])
    assert net.lint(select=["C106"])[0].shapes == ((16,), (16,))


# Where code is emitted

OWN_WEIGHTS = "in 28x28x1 | conv 8@3 | relu | pool 2 weighted | dense 10"
RESERVED = "in 8 | dense 4 as forward | relu | dense 2"


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_emit_warns_of_what_the_framework_lacks(capsys: Capture, folder: Path, target: str) -> None:
    title = {"torch": "PyTorch", "keras": "Keras"}[target]
    status, code, err = outcome(capsys, "emit", "--to", target, "-e", OWN_WEIGHTS)
    assert (status, err.splitlines()[0]) == (
        0,
        f"X502 {title} has no `pool 2 weighted`: the emitted code keeps its scale and bias in a class of its own",
    )
    assert outcome(capsys, "emit", "--to", target, "-e", OWN_WEIGHTS, "-o", "code.py") == (0, "", err)
    assert (folder / "code.py").read_text() == code


def test_emit_warns_of_names_that_it_changes(capsys: Capture) -> None:
    status, code, err = outcome(capsys, "emit", "--to", "torch", "-e", RESERVED)
    assert status == 0
    assert err.startswith("X506 `forward` ")
    assert "calls it `forward_`" in err
    assert "self.forward_ = " in code
    status, code, err = outcome(capsys, "emit", "--to", "keras", "-e", RESERVED)
    assert (status, err) == (0, "")
    assert 'name="forward"' in code
    branches = "let x = in 8 | dense 4 as self\nout add(x | dense 4 | relu, x) | dense 2"
    for target in ("torch", "keras"):
        assert "calls it `self_`" in outcome(capsys, "emit", "--to", target, "-e", branches)[2]
    uses = "block part: dense 4 | relu\nin 8 | part as cpu | (part | dense 4) * 3 as half | part as compile | dense 2"
    _, _, err = outcome(capsys, "emit", "--to", "torch", "-e", uses)
    assert re.findall(r"calls it `(\w+)`", err) == ["cpu_", "half_", "compile_"]


def test_what_emit_warns_of_can_be_turned_off(capsys: Capture, folder: Path) -> None:
    write(folder, net=f"{OWN_WEIGHTS}  # noqa: X502", other=OWN_WEIGHTS)
    command = ("emit", "--to", "torch")
    assert outcome(capsys, *command, "net.net")[2] == ""
    assert outcome(capsys, *command, "other.net")[2].startswith("X502 ")
    assert outcome(capsys, "lint", "net.net")[1] == "No problems found\n"  # the comment is of use, so no S607
    for settings in (
        'ignore = ["X502"]',
        'select = ["C"]',
        'per-file-ignores = { "other.net" = ["target-lacks-layer"] }',
    ):
        (folder / "netdsl.toml").write_text(f"[lint]\n{settings}")
        forget()
        assert outcome(capsys, *command, "other.net")[2] == ""
    (folder / "netdsl.toml").write_text("[lint]\nignored = []")
    forget()
    status, code, err = outcome(capsys, *command, "other.net")
    assert (status, bool(code)) == (0, True)
    assert err == "warning: `netdsl.toml`: there is no key `ignored` in [lint]; did you mean `ignore`?\n"


def test_what_the_framework_lacks_altogether_is_no_warning(capsys: Capture) -> None:
    text = "in 28x28x1 | conv 8@3 | relu | lrn 5 | flatten | dense 10"
    assert outcome(capsys, "emit", "--to", "keras", "-e", text)[2] == ""
    _, out, _ = outcome(capsys, "lint", "-e", text, "--select", "X502", "--output-format", "json")
    assert [(found["severity"], found["message"]) for found in json.loads(out)] == [
        ("info", "Keras has no `lrn 5`: the emitted code brings a class of its own")
    ]
    for silent in ("in 32x32x3 | conv 8@3/2 same | flatten | dense 10", "in 16x8 | attention 2 | pool global"):
        assert codes(capsys, "-e", silent, "--select", "X502") == []


# The process


def test_other_commands_load_nothing_of_lint() -> None:
    _, modules = loaded("summary", "-e", CLEAN)
    assert not [name for name in modules if re.match(r"netdsl\.(lint|linter|commands\.(lint|rule))\b", name)]
    assert "tomllib" not in modules


def test_lint_loads_no_emitter() -> None:
    """Which rules are on is asked of all of them, also of those that need to know what emitters do."""
    _, modules = loaded("lint", "-e", CLEAN)
    assert not modules & {"netdsl.emit.torch", "netdsl.emit.keras", "netdsl.emit.skeleton", "rich", "json", "torch"}


@pytest.mark.parametrize("command", ["lint", "check", "rule"])
def test_help_has_an_example(capsys: Capture, command: str) -> None:
    status, out, err = outcome(capsys, command, "--help")
    assert (status, err) == (0, "")
    assert re.search(rf"\nexamples?:\n  netdsl {command}", out)
    assert max(map(len, out.splitlines())) <= 80
    assert command in outcome(capsys, "--help")[1]
