"""The command line: what goes to standard output, what to standard error, the exit status, and what it loads."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Capture, loaded, outcome, run

import netdsl
from netdsl.cli import main

ROOT = Path(__file__).parents[1]
NETWORKS = [*(ROOT / "examples").rglob("*.net"), *(ROOT / "netdsl" / "library").rglob("*.net")]
QUESTION = "in 100x100x1 | conv 60@7x7 valid | conv 100@5x5 | pool 2 weighted | dense 250 | dense 200 | dense 1"
REPEATED = "in 8x8x4 | (conv 4@3 same | relu) * 3 as trunk | (dense 5 | relu) as head"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cnn.net"
    path.write_text(QUESTION)
    return path


# summary


TABLE = """\
name       layer              output     parameters           MACs
in_1       in 100x100x1       100x100x1
conv_1     conv 60@7x7 valid  94x94x60        3,000     25,977,840
conv_2     conv 100@5x5       90x90x100     150,100  1,215,000,000
pool_1     pool 2 weighted    45x45x100         200              0
flatten_1                     202500              0              0
dense_1    dense 250          250        50,625,250     50,625,000
dense_2    dense 200          200            50,200         50,000
dense_3    dense 1            1                 201            200

parameters  50,828,951 (50,828,951 trainable, 0 not trained)
MACs        1,291,653,040
FLOPs       2,583,306,080 (2 a MAC)
"""


def test_summary_is_an_aligned_table(capsys: Capture, file: Path) -> None:
    assert outcome(capsys, "summary", file) == (0, TABLE, "")
    assert outcome(capsys, "summary", "-e", QUESTION) == (0, TABLE, "")


def test_summary_reads_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(QUESTION.encode())))
    assert outcome(capsys, "summary", "-") == (0, TABLE, "")


def test_summary_says_how_often_a_layer_stands_there(capsys: Capture) -> None:
    status, out, _ = outcome(capsys, "summary", "-e", REPEATED)
    assert status == 0
    assert out.splitlines()[0].split() == ["name", "layer", "output", "parameters", "each", "MACs", "each", "times"]
    assert re.search(r"trunk.conv_1 +conv 4@3 same +8x8x4 +148 +9,216 +3\n", out)


def test_summary_folds(capsys: Capture) -> None:
    _, out, _ = outcome(capsys, "summary", "-e", REPEATED, "--depth", 1)
    names = [line.split()[0] for line in out.splitlines()[1:4]]
    assert names == ["in_1", "trunk", "head"]
    assert re.search(r"trunk +\( \.\.\. \) \* 3 +8x8x4 +444 +27,648", out)


def test_summary_shortens_long_texts(capsys: Capture) -> None:
    _, out, _ = outcome(capsys, "summary", "-e", f"in 8x8x4 | concat({', '.join(['conv 4@3 same'] * 20)})")
    assert max(map(len, out.splitlines())) < 120
    assert "  concat(conv 4@3 same, conv 4@3 same, conv 4@3...  " in out


def test_summary_of_several_files(capsys: Capture, tmp_path: Path, file: Path) -> None:
    other = tmp_path / "other.net"
    other.write_text("in 8 | dense 3")
    status, out, err = outcome(capsys, "summary", file, other)
    assert (status, err) == (0, "")
    assert out == f"{file}\n\n{TABLE}\n{other}\n\n{outcome(capsys, 'summary', other)[1]}"
    status, out, err = outcome(capsys, "summary", tmp_path / "missing.net", other)
    assert status == 1
    assert "E024" in err
    assert "dense 3" in out


def test_json(capsys: Capture, file: Path) -> None:
    _, out, _ = outcome(capsys, "summary", file, "--format", "json")
    found = json.loads(out)
    layers = found.pop("layers")
    assert found == {
        "inputs": [{"name": "in_1", "shape": [100, 100, 1], "dtype": "float"}],
        "outputs": [{"name": "dense_3", "shape": [1]}],
        "parameters": {"total": 50828951, "trainable": 50828951, "not_trained": 0},
        "macs": 1291653040,
        "flops": 2583306080,
    }
    assert layers[0] == {
        "name": "conv_1",
        "layer": "conv",
        "text": "conv 60@7x7 valid",
        "line": 1,
        "column": 16,
        "path": [],
        "times": 1,
        "inputs": [[100, 100, 1]],
        "output": [94, 94, 60],
        "parameters": {"trainable": 3000, "not_trained": 0},
        "macs": 25977840,
    }
    flatten = layers[3]
    assert (flatten["name"], flatten["layer"], flatten["text"]) == ("flatten_1", "flatten", "")
    assert flatten["column"] == layers[4]["column"]


def test_json_of_repeats_open_sizes_and_several_files(capsys: Capture, tmp_path: Path, file: Path) -> None:
    _, out, _ = outcome(capsys, "summary", "-e", REPEATED, "--format", "json")
    relu = json.loads(out)["layers"][1]
    assert (relu["name"], relu["path"], relu["times"]) == ("trunk.relu_1", ["trunk"], 3)
    _, out, _ = outcome(capsys, "summary", "-e", "in Tx80 | conv 8@3", "--format", "json")
    found = json.loads(out)
    assert found["inputs"][0]["shape"] == ["T", 80]
    assert found["layers"][0]["output"] == ["T-2", 8]
    assert found["macs"] == "1920*T - 3840"
    _, out, _ = outcome(capsys, "summary", file, file, "--format", "json")
    assert [found["file"] for found in json.loads(out)] == [str(file), str(file)]


def test_csv_and_markdown(capsys: Capture, file: Path) -> None:
    _, out, _ = outcome(capsys, "summary", file, "--format", "csv")
    found = list(csv.DictReader(io.StringIO(out)))
    assert sum(int(row["trainable"]) * int(row["times"]) for row in found) == 50828951
    assert found[1]["text"] == "conv 60@7x7 valid"
    _, out, _ = outcome(capsys, "summary", file, "--format", "markdown")
    assert "| conv_1 | `conv 60@7x7 valid` | 94x94x60 | 3,000 | 25,977,840 |\n" in out
    assert "- MACs: 1,291,653,040\n" in out
    _, out, _ = outcome(capsys, "summary", file, file, "--format", "csv")
    assert len({row["file"] for row in csv.DictReader(io.StringIO(out))}) == 1


def test_what_is_known_is_shown_in_spite_of_errors(capsys: Capture) -> None:
    status, out, err = outcome(capsys, "summary", "-e", "in 8x8x3 | conv 8@3 | conv 9@9")
    assert status == 1
    assert "E002" in err
    assert "8 -> 6" in err
    assert re.search(r"conv_1 +conv 8@3 +6x6x8 +224 +7,776\n", out)
    assert re.search(r"conv_2 +conv 9@9 +\? +\? +\?\n", out)
    assert "parameters  " not in out.split("\n", 1)[1]
    _, out, _ = outcome(capsys, "summary", "-e", "in 8x8x3 | conv 8@3 | conv 9@9", "--format", "json")
    found = json.loads(out)
    assert found["parameters"] == {"total": None, "trainable": None, "not_trained": None}
    assert (found["macs"], found["layers"][1]["output"], found["layers"][1]["macs"]) == (None, None, None)


def test_warnings_do_not_fail(capsys: Capture) -> None:
    status, out, err = outcome(capsys, "summary", "-e", "let spare = in 8x8x3 | conv 8@3\nin 4 | dense 3")
    assert status == 0
    assert "C115" in err
    assert "dense 3" in out


def test_terminals_get_a_drawn_table(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    _, out, _ = outcome(capsys, "summary", "-e", QUESTION)
    assert "─────" in out
    assert "\033[" in out
    plain = re.sub(r"\033\[[0-9;]*m", "", out)
    assert re.search(r"conv_1 +conv 60@7x7 valid +94x94x60 +3,000 +25,977,840", plain)
    monkeypatch.setenv("COLUMNS", "40")
    _, out, _ = outcome(capsys, "summary", "-e", QUESTION)
    assert out == TABLE  # figures are never cut off


# explain, emit, layers


def test_explain(capsys: Capture, file: Path) -> None:
    status, out, _ = outcome(capsys, "explain", file)
    assert status == 0
    assert "60*(7*7*1) + 60 = 3,000" in out
    status, out, _ = outcome(capsys, "explain", file, "--layer", "pool_1")
    assert status == 0
    assert "subsampling" in out
    assert "conv_1" not in out
    status, out, err = outcome(capsys, "explain", file, "--layer", "pool_11")
    assert (status, out) == (2, "")
    assert "did you mean `pool_1`?" in err


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_emit(capsys: Capture, file: Path, tmp_path: Path, target: str) -> None:
    file.write_text(QUESTION.replace(" weighted", ""))
    status, out, err = outcome(capsys, "emit", "--to", target, file)
    assert (status, err) == (0, "")
    compile(out, "emitted", "exec")
    assert out == netdsl.load(file).emit(target)
    written = tmp_path / "emitted.py"
    assert outcome(capsys, "emit", "--to", target, file, "-o", written) == (0, "", "")
    assert written.read_text("utf-8") == out
    assert outcome(capsys, "emit", "--to", target, file, "-o", "/dev/null") == (0, "", "")
    status, _, err = outcome(capsys, "emit", "--to", target, file, "-o", tmp_path / "missing" / "emitted.py")
    assert status == 1
    assert "cannot write" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cnn.net", "emitted.py"]


@pytest.mark.parametrize("command", [["emit", "--to", "keras"], ["lint"], ["check"]], ids=lambda words: words[0])
def test_no_output_replaces_its_network(capsys: Capture, file: Path, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "link.net").symlink_to(file)
    for target in (file, tmp_path / "link.net"):
        status, out, err = outcome(capsys, *command, file, "-o", target)
        assert (status, out) == (1, "")
        assert f"E024 cannot write `{target}`: the network itself is in it, and would be lost" in err
    assert file.read_text() == QUESTION


@pytest.mark.parametrize("command", [["emit", "--to", "keras"], ["lint"], ["check"]], ids=lambda words: words[0])
def test_output_to_a_dash_is_standard_output(capsys: Capture, file: Path, command: list[str]) -> None:
    assert outcome(capsys, *command, file, "-o", "-") == outcome(capsys, *command, file)


def test_emit_replaces_a_file_and_keeps_its_mode_and_link(capsys: Capture, file: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target.py", tmp_path / "link.py"
    target.write_text("before")
    target.chmod(0o640)
    link.symlink_to(target)
    outcome(capsys, "emit", "--to", "torch", file, "-o", link)
    assert link.is_symlink()
    assert "nn.Conv2d" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640


def test_nothing_is_emitted_of_a_network_with_errors(capsys: Capture, tmp_path: Path) -> None:
    written = tmp_path / "emitted.py"
    status, out, err = outcome(capsys, "emit", "--to", "torch", "-e", "in 8 | dnse 3", "-o", written)
    assert (status, out) == (1, "")
    assert "did you mean `dense`?" in err
    assert not written.exists()


def test_layers(capsys: Capture) -> None:
    from netdsl.layers import keywords

    status, out, _ = outcome(capsys, "layers")
    assert status == 0
    assert set(keywords()) <= {re.split(r"[ (]", line)[0] for line in out.splitlines()}
    for keyword in keywords():
        status, out, err = outcome(capsys, "layers", keyword)
        assert (status, err) == (0, "")
        assert out.startswith(keyword)
    _, out, _ = outcome(capsys, "layers", "conv")
    assert "kernel  3x3xCx64" in out
    assert "dilation=1" in out
    assert outcome(capsys, "layers", "Conv2D") == (
        2,
        "",
        "netdsl layers: error: there is no layer `Conv2D`; did you mean `conv`?\n",
    )
    assert outcome(capsys, "layers", "transformer")[2].endswith("`transformer`; `netdsl layers` lists them all\n")


@pytest.mark.parametrize("word", ["residual", "freeze", "id", "for", "block", "if"])
def test_words_that_are_no_layers(capsys: Capture, word: str) -> None:
    status, out, err = outcome(capsys, "layers", word)
    assert (status, out) == (2, "")
    example = re.fullmatch(
        rf"netdsl layers: error: `{word}` is no layer, but a word of the language, as in `(.+)`\n", err
    )
    assert example and re.search(rf"\b{word}\b", example[1])


def test_stages_that_are_commands(capsys: Capture) -> None:
    from netdsl.elaborate import COMMANDS

    for word in COMMANDS:
        assert outcome(capsys, word, "--help")[0] == 0


def test_every_example_of_the_catalogue_compiles() -> None:
    from netdsl.binding import example
    from netdsl.layers import forms, keywords

    for keyword in keywords():
        for form in forms(keyword):
            shapes = ("98", "98 int", "48x64", "96x96x96")
            names = "in 7 int as ids | embed 64 vocab=9 as tokens\n"
            texts = [f"{names}let skip = in {shape}\nin {shape} | {example(form)}" for shape in shapes]
            wrong = [text for text in texts if any(d.severity == "error" for d in netdsl.check(text))]
            assert form.is_source or len(wrong) < len(texts), example(form)


# What the command line decides


WIDE = "const width = 3\nin Tx4 | linear width"
PAIR = "in 4 as a\nin 5 as b\nout concat(a, b) | dense 3"
FAMILY = "const width = {8, 16}\nin 4 | dense width"


@pytest.mark.parametrize(
    "text, options, parameters",
    [
        (WIDE, ["--set", "width=6"], 4 * 6 + 6),
        (WIDE, ["--set", "T=16"], 4 * 3 + 3),
        (WIDE, ["--set", "T=16", "--set", "width=6"], 4 * 6 + 6),
        ("const sizes = [2, 3]\nin 4 | for n in sizes (dense n)", ["--set", "sizes=[5]"], 4 * 5 + 5),
        ("const act = relu\nin 4 | dense 3 | act", ["--set", "act=prelu"], 4 * 3 + 3 + 3),
        ("in 4 | dense 3", ["--input", "7"], 7 * 3 + 3),
        ("in 4x4x1 as image | dense 3", ["--input", "image=8x8x2"], 128 * 3 + 3),
        (PAIR, ["--input", "a=7"], 12 * 3 + 3),
        (PAIR, ["--input", "a=7", "--input", "b=8"], 15 * 3 + 3),
        (FAMILY, ["--pick", "width=16"], 4 * 16 + 16),
        ("in 4 | dense {8, 16}", ["--pick", "dense_1.units=8"], 4 * 8 + 8),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_set_input_and_pick(capsys: Capture, text: str, options: list[str], parameters: int) -> None:
    """Each command takes them, and so does Python."""
    status, out, err = outcome(capsys, "summary", "-e", text, *options, "--format", "json")
    assert (status, err) == (0, "")
    assert json.loads(out)["parameters"]["total"] == parameters
    status, out, _ = outcome(capsys, "explain", "-e", text, *options)
    assert status == 0
    assert f"= {parameters}\n" in out
    for target in ("torch", "keras"):
        status, out, _ = outcome(capsys, "emit", "--to", target, "-e", text, *options)
        assert status == 0
        assert f"{parameters} parameters" in out


def test_an_open_size_is_set(capsys: Capture) -> None:
    _, out, _ = outcome(capsys, "summary", "-e", WIDE, "--format", "json")
    assert json.loads(out)["macs"] == "12*T"
    _, out, _ = outcome(capsys, "summary", "-e", WIDE, "--set", "T=16", "--format", "json")
    found = json.loads(out)
    assert (found["inputs"][0]["shape"], found["macs"]) == ([16, 4], 192)


@pytest.mark.parametrize(
    "text, options, code, expected",
    [
        (WIDE, ["--set", "widht=6"], "E033", "did you mean `width`?"),
        (WIDE, ["--set", "S=6"], "E033", "there is no constant and no open size called `S`"),
        (WIDE, ["--set", "width=wide"], "E008", "`width` cannot be set to the word `wide`"),
        (PAIR, ["--input", "7"], "E033", "there are 2 inputs, so the one to be replaced has to be named: `a`, `b`"),
        (PAIR, ["--input", "c=7"], "E033", "there is no input called `c`; the inputs are `a`, `b`"),
        (FAMILY, [], "E032", "choose one with `--pick width=8`"),
        (FAMILY, ["--pick", "width=9"], "E032", "`width` is a choice of 8, 16, and `9` is none of them"),
        ("in 4 | dense 8", ["--pick", "width=9"], "E033", "there is no choice called `width`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_set(capsys: Capture, text: str, options: list[str], code: str, expected: str) -> None:
    """The message shows the option as it was written, and is the same one in each command."""
    for command in (["summary"], ["explain"], ["emit", "--to", "torch"]):
        status, _, err = outcome(capsys, *command, "-e", text, *options)
        assert status == 1
        assert re.findall(r"^[A-Z]\d{3} ", err, re.MULTILINE) == [f"{code} "]
        assert expected in err
        assert " ".join(options) in err


@pytest.mark.parametrize(
    "options, expected",
    [
        (["--set", "width"], "'width' is not NAME=VALUE"),
        (["--set", "width="], "'width=' is not NAME=VALUE"),
        (["--set", "width=]"], "`]` is not a value"),
        (["--set", "width=3,4"], "argument --set: `3,4` is not a value; a value is a number, a word, or a list"),
        (["--input", "64,64,3"], "argument --input: `64,64,3` is not a shape; a shape has positive numbers, as in"),
        (["--input", "a=0x3"], "`0x3` is not a shape"),
        (["--pick", "=8"], "'=8' is not NAME=VALUE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_no_value(capsys: Capture, options: list[str], expected: str) -> None:
    status, out, err = outcome(capsys, "summary", "-e", WIDE, *options)
    assert (status, out) == (2, "")
    assert expected in err


# Files that use others


def test_a_text_uses_the_library_and_no_file(capsys: Capture) -> None:
    network = "in 8x8x4 | basic 8 2 | pool global"
    status, out, err = outcome(capsys, "summary", "-e", f'use "std/resnet"\n{network}')
    assert (status, err) == (0, "")
    assert re.search(r"basic_1.conv_1 +conv c@3/stride centered nobias +4x4x8 +288 +4,608\n", out)
    status, _, err = outcome(capsys, "summary", "-e", f'use "blocks.net"\n{network}')
    assert status == 1
    assert "E024" in err
    assert "only a file can use other files" in err


def test_a_file_uses_another(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "blocks.net").write_text("block twice n: dense n | dense n")
    path = tmp_path / "main.net"
    path.write_text('use "blocks.net"\nin 4 | twice 3')
    status, out, err = outcome(capsys, "summary", path)
    assert (status, err) == (0, "")
    assert "twice_1.dense_2" in out


def test_a_library_holds_no_network(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "blocks.net"
    path.write_text("const wide = 9\nblock twice n: dense n | dense n")
    for command in (["summary"], ["explain"], ["emit", "--to", "keras"]):
        status, out, err = outcome(capsys, *command, path)
        assert (status, out) == (1, "")
        assert err.startswith("E025 this file holds no network: it only declares what others can use\n")


def test_json_of_shared_and_training_layers(capsys: Capture) -> None:
    """What is shared is counted where it stands first, and the MACs of `aux` stand apart."""
    text = (
        "shared tower: dense 3\nin 4 as a\nin 4 as b\n"
        "aux a | dense 7 as helper\nout concat(a | tower, b | tower) | dense 2"
    )
    _, out, _ = outcome(capsys, "summary", "-e", text, "--format", "json")
    found = json.loads(out)
    assert found["outputs"] == [{"name": "helper", "shape": [7], "aux": True}, {"name": "dense_1", "shape": [2]}]
    assert found["parameters"]["total"] == 5 * 7 + 5 * 3 + 7 * 2
    assert (found["macs"], found["aux_macs"], found["flops"]) == (2 * 4 * 3 + 6 * 2, 4 * 7, 2 * 36)
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert {name for name, layer in layers.items() if layer.get("aux")} == {"helper"}
    assert {name for name, layer in layers.items() if layer.get("shared")} == {"tower_2.dense_1"}
    second = layers["tower_2.dense_1"]
    assert (second["parameters"], second["macs"]) == ({"trainable": 0, "not_trained": 0}, 12)
    _, out, _ = outcome(capsys, "summary", "-e", "in 4 | dense 3", "--format", "json")
    assert "aux" not in out
    assert "shared" not in out


# Bad input


BAD = {
    "unknown layer": ("in 8x8x3 | con 8@3", "did you mean `conv`?"),
    "unknown argument": ("in 8x8x3 | conv 8@3 sane", "did you mean `same`?"),
    "missing argument": ("in 8x8x3 | conv same", "needs"),
    "doubled argument": ("in 8 | dense 3 units=4", "said twice"),
    "a window too large": ("in 8x8x3 | conv 8@5 | conv 8@5", "8 -> 4"),
    "shapes that differ": ("in 8x8x3 | add(conv 4@1, conv 5@1)", "8x8x5"),
    "a forgotten bar": ("in 99x99x1 | conv 60@7x7 conv 100@5x5", "a `|` is missing before `conv`"),
    "parentheses": ("in 8 | dense(10)", "write `dense 10`"),
    "a blank before parentheses": ("in 8x8x3 | add (id, id)", "write `add(`"),
    "upper-case X": ("in 10X10X3 | relu", "10x10x3"),
    "input": ("input 8x8x3 | relu", "write `in`"),
    "a closed branch": ("let a = in 8\nin 8 | a | dense 3", "would be lost"),
    "dense on a sequence": ("in 9x8 | dense 3", "linear 3"),
    "cut off": ("in 8x8x3 | con", "E0"),
    "no window": ("in 8x8x3 | conv 64@0", "has to be at least 1, but is `0`"),
    "open group": ("in 8 | (relu | dense 3", "never closed"),
    "no input": ("relu | dense 3", "in 28x28x1"),
    "empty": ("", "the file is empty"),
    "a long word": ("in 8 | " + "x" * 2_000_000, "E009"),
    "deep": ("in 8 | " + "(" * 100_000 + "relu" + ")" * 100_000, "limit"),
}


@pytest.mark.parametrize("text, expected", BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_message(capsys: Capture, tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "bad.net"
    path.write_text(text)
    for command in (["summary"], ["explain"], ["emit", "--to", "torch"], ["summary", "--format", "json"]):
        status, _, err = outcome(capsys, *command, path)
        assert status == 1
        assert expected in err
        codes = re.findall(r"^[A-Z]\d{3} ", err, re.MULTILINE)
        assert len(codes) == 1, err
        assert f"--> {path}" in err
        assert len(err) < 3000


def unreadable(tmp_path: Path) -> dict[str, tuple[Path, str]]:
    (tmp_path / "nul.net").write_bytes(b"in 8 | dense\0 3")
    (tmp_path / "latin.net").write_bytes(b"in 8\n# gr\xfc\xdfe\n| dense 3")
    return {
        "missing": (tmp_path / "missing.net", "there is no such file"),
        "folder": (tmp_path, "it is a folder"),
        "nul": (tmp_path / "nul.net", "bytes of value 0"),
        "latin": (tmp_path / "latin.net", "line 2 has other bytes"),
    }


@pytest.mark.parametrize("kind", ["missing", "folder", "nul", "latin"])
def test_files_without_text(capsys: Capture, tmp_path: Path, kind: str) -> None:
    path, expected = unreadable(tmp_path)[kind]
    for command in (["summary"], ["explain"], ["emit", "--to", "keras"]):
        status, out, err = outcome(capsys, *command, path)
        assert (status, out) == (1, "")
        assert re.fullmatch(rf"E024 .*{expected}.*\n  --> {re.escape(str(path))}\n\n", err)


def test_a_file_that_may_not_be_read(capsys: Capture, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    status, _, err = outcome(capsys, "summary", file)
    assert status == 1
    assert "permission denied" in err


def test_closed_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    status, _, err = outcome(capsys, "summary", "-")
    assert status == 1
    assert "standard input is closed" in err


def test_three_mistakes_are_three_messages_and_the_rest_has_its_shapes(capsys: Capture) -> None:
    text = "let a = in 8x8x3 | conv 8@3 | dense(4)\nlet b = in 8 | dense 5 6\nin 20x20x1 | conv 4@3 | input | pool 2"
    status, out, err = outcome(capsys, "summary", "-e", text)
    assert status == 1
    assert len(re.findall(r"^E\d{3} ", err, re.MULTILINE)) == 3
    assert "6x6x8" in out
    assert "18x18x4" in out


# fmt

LAID_OUT = "in 8 | dense 3 | relu\n"


def test_fmt_rewrites_what_is_not_in_form(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("a.net").write_text("in 8|dense 3|\n  relu")
    Path("b.net").write_text(LAID_OUT)
    Path("sub/c.net").write_text("in 8|dense 3  |  relu")
    Path("sub/other.txt").write_text("in   8")
    os.utime("b.net", (0, 0))
    assert outcome(capsys, "fmt", ".", "a.net") == (0, "2 files reformatted, 1 file left unchanged\n", "")
    assert Path("a.net").read_text() == Path("sub/c.net").read_text() == LAID_OUT
    assert Path("b.net").stat().st_mtime == 0
    assert outcome(capsys, "fmt", ".") == (0, "3 files left unchanged\n", "")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.net", "b.net", "c.net", "other.txt", "sub"]


def test_fmt_check_writes_nothing(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.net").write_text("in 8|dense 3|relu")
    Path("b.net").write_text(LAID_OUT)
    said = "Would reformat: a.net\n1 file would be reformatted, 1 file already formatted\n"
    assert outcome(capsys, "fmt", ".", "--check") == (1, said, "")
    assert Path("a.net").read_text() == "in 8|dense 3|relu"
    assert outcome(capsys, "fmt", "b.net", "--check") == (0, "1 file already formatted\n", "")
    assert outcome(capsys, "fmt", "-e", "in  8", "--check")[:2] == (
        1,
        "Would reformat: <text>\n1 file would be reformatted\n",
    )


def test_fmt_diff_is_a_patch(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = "# ü\nconst a = 1\nlet x = in  a\nout x|relu"
    Path("a.net").write_text(before, "utf-8")
    Path("b.net").write_text(LAID_OUT)
    status, patch, err = outcome(capsys, "fmt", ".", "--diff")
    assert (status, err) == (1, "1 file would be reformatted, 1 file already formatted\n")
    assert patch.startswith(
        "--- a.net\n+++ a.net\n@@ -1,4 +1,6 @@\n # ü\n const a = 1\n-let x = in  a\n-out x|relu\n\\ No newline"
    )
    assert Path("a.net").read_text("utf-8") == before
    subprocess.run(["git", "apply", "-p0", "-"], input=patch.encode(), check=True, capture_output=True)
    assert outcome(capsys, "fmt", ".", "--diff") == (0, "", "2 files already formatted\n")


def test_fmt_is_a_filter(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(capsys, "fmt", "-e", "in 8|dense 3 | relu") == (0, LAID_OUT, "")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"in 8|dense 3\n|relu")))
    assert outcome(capsys, "fmt", "-") == (0, LAID_OUT, "")


def test_fmt_leaves_what_has_mistakes(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of syntax: whether the network makes sense is not asked."""
    monkeypatch.chdir(tmp_path)
    Path("a.net").write_text("in 8|dense 3 |")
    Path("b.net").write_text("in 8|con 3")
    status, out, err = outcome(capsys, "fmt", ".", "missing.net")
    assert (status, out) == (1, "1 file reformatted, 2 files failed to reformat\n")
    assert re.findall(r"^([A-Z]\d+) ", err, re.MULTILINE) == ["E020", "E024"]
    assert Path("a.net").read_text() == "in 8|dense 3 |"
    status, out, err = outcome(capsys, "fmt", "-e", "in 8 |")
    assert (status, out) == (1, "")
    assert err.startswith("E020 ")


def test_fmt_keeps_how_a_file_is_written(capsys: Capture, tmp_path: Path) -> None:
    """Its rights, what begins it, and how its lines end; where these differ, as the first one does."""
    path = tmp_path / "a.net"
    path.write_bytes(b"\xef\xbb\xbf# first\r\nin 8|relu # \xc3\xbc\n")
    path.chmod(0o640)
    link = tmp_path / "link.net"
    link.symlink_to(path)
    form = b"\xef\xbb\xbf# first\r\nin 8 | relu  # \xc3\xbc\r\n"
    assert outcome(capsys, "fmt", link)[0] == 0
    assert path.read_bytes() == form
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert outcome(capsys, "fmt", path)[1] == "1 file left unchanged\n"


def test_fmt_of_nothing(capsys: Capture, tmp_path: Path) -> None:
    assert outcome(capsys, "fmt", tmp_path) == (0, "", f"no networks in {tmp_path}\n")


def test_files_of_the_project_are_in_form(capsys: Capture) -> None:
    status, out, _ = outcome(capsys, "fmt", "--check", ROOT / "examples", ROOT / "netdsl" / "library")
    assert (status, out) == (0, f"{len(NETWORKS)} files already formatted\n")


def test_hooks_of_pre_commit_run_commands() -> None:
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    found = re.findall(r"^- id: netdsl-(\w+)\n(?:  .*\n)*  entry: netdsl (\w+)\n(?:  .*\n)*", hooks, re.MULTILINE)
    assert found == [("fmt", "fmt"), ("lint", "lint")]


# Usage


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["summary"],
        ["summary", "a.net", "-e", "in 8 | dense 3"],
        ["summary", "-e", "in 8 | dense 3", "--depth", "0"],
        ["summary", "-e", "in 8 | dense 3", "--format", "xml"],
        ["explain", "a.net", "b.net"],
        ["fmt"],
        ["fmt", "a.net", "-e", "in 8"],
        ["emit", "a.net"],
        ["emit", "--to", "caffe", "a.net"],
        ["layers", "conv", "pool"],
        ["sumary", "a.net"],
    ],
    ids=" ".join,
)
def test_wrong_usage(capsys: Capture, arguments: list[str]) -> None:
    status, out, err = outcome(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: netdsl")


@pytest.mark.parametrize("command", ["summary", "explain", "emit", "fmt", "layers"])
def test_help_has_an_example(capsys: Capture, command: str) -> None:
    status, out, err = outcome(capsys, command, "--help")
    assert (status, err) == (0, "")
    assert re.search(rf"\nexamples?:\n  netdsl {command}", out)
    assert max(map(len, out.splitlines())) <= 80
    assert command in outcome(capsys, "--help")[1]


def test_version(capsys: Capture) -> None:
    assert outcome(capsys, "--version") == (0, f"netdsl {netdsl.__version__}\n", "")


def test_interruption(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netdsl.compiler.compile_source", interrupted)
    assert outcome(capsys, "summary", "-e", QUESTION) == (130, "", "interrupted\n")


# The process


def test_output_that_cannot_be_written_is_no_traceback(file: Path) -> None:
    for shell, status, said in (
        ("> /dev/full", 1, "netdsl: error: cannot write the output: no space left on device\n"),
        (">&-", 1, "netdsl: error: cannot write the output: it is closed\n"),
    ):
        done = run("bash", "-c", f"'{sys.executable}' -m netdsl summary '{file}' {shell}")
        assert (done.returncode, done.stdout, done.stderr) == (status, "", said)


def test_messages_may_go_nowhere(tmp_path: Path) -> None:
    done = run("bash", "-c", f"'{sys.executable}' -m netdsl summary '{tmp_path / 'missing.net'}' 2>&-")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "long.net"
    path.write_text(f"in 8 | {' | '.join(['relu'] * 20_000)}")
    done = run("bash", "-c", f"set -o pipefail; '{sys.executable}' -m netdsl summary '{path}' | head -n 1")
    assert done.stdout.split() == ["name", "layer", "output", "parameters", "MACs"]
    assert (done.returncode, done.stderr) == (0, "")


def test_files_stand_among_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.net").write_text("in 8 | dense 3")
    words = [str(tmp_path / "a.net"), "--format", "csv", str(tmp_path / "b.net")]
    assert main(["summary", *words]) == 0
    assert [line.partition(",")[0][-5:] for line in capsys.readouterr().out.splitlines()[1:]] == ["a.net"] * 2 + [
        "b.net"
    ] * 2
    assert main(["summary", *words, "--other", "-x"]) == 2
    assert "unrecognized arguments: --other -x" in capsys.readouterr().err


def test_colour_is_for_terminals() -> None:
    done = run(sys.executable, "-m", "netdsl", "summary", "-e", "in 8 | dnse 3")
    assert "\033" not in done.stdout + done.stderr
    assert done.returncode == 1


HEAVY = {
    "torch", "keras", "numpy", "jax", "rich", "lark", "dataclasses", "fractions", "decimal", "json", "csv", "shutil",
    "tempfile", "pathlib", "textwrap", "importlib.metadata", "hashlib", "subprocess", "asyncio", "difflib",
    "attr", "attrs", "inspect",
}  # fmt: skip


def test_start_loads_little() -> None:
    """The costs of a start are imports: a pipe needs no framework, no rich, and not the parser generator."""
    out, modules = loaded("summary", "-e", QUESTION)
    assert out == TABLE
    assert not modules & HEAVY
    for name in ("netdsl.emit.code", "netdsl.emit.torch", "netdsl.analysis.explain", "netdsl.layers.norms"):
        assert name not in modules


def test_fmt_loads_nothing_that_knows_layers() -> None:
    out, modules = loaded("fmt", "-e", "in 8|dense 3|relu")
    assert out == LAID_OUT
    assert not modules & HEAVY
    ours = {name.removeprefix("netdsl.") for name in modules if name.startswith("netdsl.")}
    floor = {
        "cli",
        "commands",
        "commands.fmt",
        "commands.shared",
        "diagnostics",
        "document",
        "files",
        "record",
        "source",
        "spelling",
    }
    assert {name for name in ours if name.partition(".")[0] != "syntax"} == floor
    assert "syntax.mistakes" not in ours
