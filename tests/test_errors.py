"""What people type on their first day: each file in cases/errors beside exactly the messages that it gets.

A case of several files is a folder, whose network is main.net. A first line such as `# --set width=48` gives options.
`NETDSL_UPDATE=1 pytest tests/test_errors.py` writes the messages anew; read each that changed as a newcomer would.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
from work import measured

import netdsl
from netdsl.cli import main
from netdsl.compiler import Result, compile_source
from netdsl.diagnostics import AND_HERE, CODES, Diagnostic, render
from netdsl.files import reader
from netdsl.options import Options, read_value, shape_of
from netdsl.source import Source, Span
from netdsl.syntax.parser import parse

FOLDER = Path(__file__).parent / "cases" / "errors"
CASES = {
    path.stem: path
    for path in sorted(FOLDER.glob("*.net"))
    if not path.stem.startswith("syntax_")  # those are test_parser's
}
CASES |= {path.parent.name: path for path in sorted(FOLDER.glob("*/main.net"))}

SEVERAL = {"three_mistakes": 3, "mistakes_in_each_statement": 3, "argument_padding_in_quotes_twice": 2}
"""Files with more than one mistake in them; a mistake is one message, whatever comes of it further on."""

LONGEST_LINE = 200

Capture = pytest.CaptureFixture[str]


def compiled(path: Path) -> Result:
    """Return what becomes of a case; its messages call its files by their names alone, wherever they lie."""
    source = Source(path.name, path.read_text("utf-8"))
    options: dict[str, dict[str, Any]] = {"--set": {}, "--input": {}, "--pick": {}}
    for option, name, value in re.findall(r"(--\w+) (?:(\w+)=)?(\S+)", source.text.partition("\n")[0]):
        options[option][name] = shape_of(read_value(value)) if option == "--input" else read_value(value)
    with contextlib.chdir(path.parent):
        return compile_source(source, path.stem, Options(*options.values(), reader(".")))


@pytest.mark.parametrize("name", CASES)
def test_messages(name: str) -> None:
    found = compiled(CASES[name]).diagnostics
    text = "\n\n".join(render(diagnostic) for diagnostic in found) + "\n"
    golden.compare(text, FOLDER / f"{name}.expected")


@pytest.mark.parametrize("name", CASES)
def test_one_mistake_is_one_message(name: str) -> None:
    found = compiled(CASES[name]).diagnostics
    assert len(found) == SEVERAL.get(name, 1), [diagnostic.message for diagnostic in found]


@pytest.mark.parametrize("name", CASES)
def test_a_message_has_a_place_and_a_cure(name: str) -> None:
    """Every message has a known code, its place lies in the text, and the label or the help says what to do."""
    for diagnostic in compiled(CASES[name]).diagnostics:
        text = diagnostic.span.source.text
        assert diagnostic.code in CODES or diagnostic.severity == "warning"
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert diagnostic.label or diagnostic.help
        assert not diagnostic.message.endswith(".")
        assert max(map(len, render(diagnostic).splitlines())) <= LONGEST_LINE


SAID = re.compile(r"(?:\bwrite|did you mean|it is) `([^`]+)`(?! (?:behind|before|where|at its end|in))")
"""What a message says is to be written; not where it says of another place than its own."""
ANOTHER = {
    "aux_alone": "the word before the marked text",
    "branches_without_a_combinator": "the branches are of two sizes, which `concat` tells then",
    "brought_mean_reduce": "its axis is an example, and the only one of that vector",
    "for_upper_case": "the first copy has no units",
    "input_none": "`dense` cannot be of an open size",
    "library_with_a_mistake": "it is a library",
    "merge_too_many": "its branches are an example",
    "name_in_a_format_string": "the letter before the quotes is marked in no other language",
    "normalize_deviation": "the value changes too",
    "repeat_behind_a_form": "the second copy has a vector, which has no positions",
    "sizes_behind_a_mistake": "the mistake hides others",
    "tensor_without_let": "at the first of the places alone",
    "use_without_quotes_of_nothing": "there is no such file",
}
"""Cases in which what is to be written does not stand for the marked text, or is not all that is to be mended."""


def places_of(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Return what a suggestion may stand for: the marked text, with its value or name, in its stage, among numbers."""
    value = re.compile(r"\s*=\s*(?:\([^)]*\)|\[[^\]]*\]|[^\s|(),]+)").match(text, end)
    name = re.search(r"\w+\s*=\s*\Z", text[:start])
    stage = re.search(r"(?:^|[|(,:\n=]|\bout\b|\bif\b)\s*([^|(\n,]*)\Z", text[:start])
    behind = re.compile(r"[^|\n)]*?(?=\s*(?:[|\n)]|\Z))").match(text, end)
    sizes = re.compile(r"(?:[ ,]+[0-9]+)*").match(text, end)
    before = re.search(r"(?:[0-9]+[ ,]+)*\Z", text[:start])
    assert stage and behind and sizes and before
    yield start, end
    yield start, value.end() if value else end
    yield name.start() if name else start, end
    yield start, behind.end()
    yield stage.start(1), end
    yield stage.start(1), behind.end()
    yield before.start(), sizes.end()


def is_mended(path: Path, found: tuple[Diagnostic, ...], one: Diagnostic, written: str) -> bool:
    """Whether a suggestion takes a mistake away, and brings none, in one of the places that it may stand for."""
    text = one.span.source.text
    places = [(one.span, written)]
    places += [(other.span, written) for other in one.related if other.label == AND_HERE]
    places += [(other.span, "") for other in one.related if other.label == "and nothing here"]
    if "upper case" in one.message:
        places = [(Span(one.span.source, *match.span()), written) for match in re.finditer(one.span.text, text)]
    for choice in zip(*(places_of(text, span.start, span.end) for span, _ in places), strict=True):
        mended = text
        for (start, end), (_, put) in sorted(zip(choice, places, strict=True), key=lambda pair: -pair[0][0]):
            apart = " " if put.isalpha() and mended[start:end] == "," else ""
            mended = f"{mended[:start]}{apart}{put}{apart}{mended[end:]}"
        if len(compile_source(Source(path.name, mended), path.stem).errors) < len(found):
            return True
    return False


@pytest.mark.parametrize("name", CASES)
def test_what_a_message_says_can_be_written(name: str) -> None:
    """What a message says is to be written mends the mistake, in one of the places that it may stand for."""
    path = CASES[name]
    found = tuple(one for one in compiled(path).diagnostics if one.severity == "error")
    unfit = []
    for one in found:
        said = [written for written in SAID.findall(f"{one.label}\n{one.help}") if " ... " not in written]
        if said and one.span.source.name == path.name and not any(is_mended(path, found, one, it) for it in said):
            unfit.append(said)
    assert not unfit or name in ANOTHER, unfit
    assert unfit or name not in ANOTHER, "this case is no exception"


def test_no_expectation_is_left_over() -> None:
    syntax = {path.stem for path in FOLDER.glob("syntax_*.net")}
    assert {path.stem for path in FOLDER.glob("*.expected")} <= {*CASES, *syntax}


def test_three_mistakes_leave_the_shapes_of_the_rest(capsys: Capture) -> None:
    """Two mistakes of syntax and a wrong argument hide no shape that can be known without them."""
    assert main(["summary", str(CASES["three_mistakes"])]) == 1
    out, err = capsys.readouterr()
    assert len(re.findall(r"^E\d{3} ", err, re.MULTILINE)) == 3
    assert re.findall(r"\d+x\d+x\d+", out) == ["32x32x3", "32x32x3", "28x28x8", "28x28x8", "26x26x16", "13x13x16"]


def test_a_text_uses_no_files() -> None:
    (found,) = netdsl.check('use "blocks.net"\nin 784 | dense 10')
    assert found.message == 'cannot use `"blocks.net"`: only a file can use other files, and this text is none'


def test_a_link_leads_out_of_no_folder(tmp_path: Path) -> None:
    """What a link leads to is what is used; out of the folder of the compiled file it is not followed."""
    (tmp_path / "outside.net").write_text("const width = 3")
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "main.net").write_text('use "link.net"\nin 8 | dense width')
    (folder / "link.net").symlink_to(tmp_path / "outside.net")
    with pytest.raises(netdsl.CompileError, match="it lies outside of the folder of the file that is compiled"):
        netdsl.load(folder / "main.net")
    (folder / "link.net").unlink()
    (folder / "inner.net").write_text("const width = 5")
    (folder / "link.net").symlink_to("inner.net")
    assert netdsl.load(folder / "main.net").outputs[0].shape == (5,)
    (folder / "loop").symlink_to(".")
    (folder / "main.net").write_text('use "loop/main.net"\nin 8 | dense 3')
    with pytest.raises(netdsl.CompileError, match="a file cannot use itself"):
        netdsl.load(folder / "main.net")


@pytest.mark.parametrize(
    "content, reason",
    [(b"const a = 1\0", "it is not a text: it has bytes of value 0 in it"), (b"# \xe9", "it is not a text in UTF-8")],
)
def test_a_used_file_that_is_no_text(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "other.net").write_bytes(content)
    (tmp_path / "main.net").write_text('use "other.net"\nin 8 | dense 3')
    with pytest.raises(netdsl.CompileError, match=f'cannot use `"other.net"`: {reason}'):
        netdsl.load(tmp_path / "main.net")


@pytest.mark.parametrize("command", [["summary"], ["explain"], ["emit", "--to", "torch"]])
def test_a_library_is_no_network(capsys: Capture, tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "blocks.net"
    path.write_text("block unit c: conv c@3 | relu\n")
    assert main([*command, str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("E025 this file holds no network: it only declares what others can use\n")
    assert len(re.findall(r"^E\d{3} ", err, re.MULTILINE)) == 1


def test_files_that_use_files_without_end(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"file{number}.net").write_text(f'use "file{number + 1}.net"')
    (tmp_path / "main.net").write_text('use "file0.net"\nin 8 | dense 3')
    with pytest.raises(netdsl.CompileError, match="files use files more than 64 deep"):
        netdsl.load(tmp_path / "main.net")


def test_two_options_that_name_nothing_get_a_message_each() -> None:
    with pytest.raises(netdsl.CompileError) as error:
        netdsl.compile("in 8 | dense 3", width=3, depth=4)
    assert len(error.value.diagnostics) == 2


# Files and sizes that are no network


def refused(capsys: Capture, path: Path) -> str:
    """Return the one message that a file gets."""
    assert main(["summary", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(re.findall(r"^E\d{3} ", err, re.MULTILINE)) == 1, err
    assert "Traceback" not in err
    return err


def test_a_file_that_is_missing(capsys: Capture, tmp_path: Path) -> None:
    err = refused(capsys, tmp_path / "no.net")
    assert err.startswith(f"E024 cannot read `{tmp_path / 'no.net'}`: there is no such file or folder\n")


def test_a_folder(capsys: Capture, tmp_path: Path) -> None:
    assert "it is a folder" in refused(capsys, tmp_path)


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"\x89PNG\r\n\x1a\n\xff", "in 8 | relu".encode("utf-16")])
def test_a_file_that_is_not_text(capsys: Capture, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cnn.net"
    path.write_bytes(content)
    assert "is not a text" in refused(capsys, path)


def test_a_file_that_may_not_be_read(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cnn.net"
    path.write_text("in 8 | relu")
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser reads everything
        monkeypatch.setattr("builtins.open", _refuse)
    assert "permission denied" in refused(capsys, path)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2_000_000,
        "in 8 | " + "x" * 2_000_000,
        "in 8 | dense " + "9" * 2_000_000,
        "in 8 | dense 10 as " + "x" * 2_000_000 + " | " + "y" * 2_000_000,
        "in 8 | " + "(" * 100_000 + "relu" + ")" * 100_000,
        "in 8 | " + "(" * 100_000,
        "in 8 | relu" + ")" * 100_000,
        "in 8 | dense " + "(" * 100_000 + "8" + ")" * 100_000,
        "in 8 | " + "add(" * 100_000 + "relu",
        "in 8 | dense " + "[" * 100_000,
        "in 8 | dense 2" + "*2" * 100_000,
        "in 8 | dense 1" + "+1" * 100_000 + "/0",
        "in Tx8 | linear (length" + " * length" * 40 + ")",
        "".join(f"const c{n} = c{n - 1}" + f" * c{n - 1}" * 25 + "\n" for n in range(1, 9)).replace("c0", "(1/3)"),
    ],
    ids=[
        "a word", "a layer", "a number", "two names", "parentheses", "parentheses never closed",
        "parentheses never opened", "an expression", "combinators", "lists", "a product", "a sum",
        "a power", "digits",
    ],
)  # fmt: skip
def test_endless_texts_are_refused_at_once(text: str) -> None:
    """What is quadratic takes some hundred times the calls of what is allowed here."""
    found, _ = measured(lambda: netdsl.check(text), most=100_000 + 50 * len(text))
    assert any(diagnostic.severity == "error" for diagnostic in found)
    assert sum(len(render(diagnostic)) for diagnostic in found) < 5_000


def test_a_million_million_activations_are_right_and_quick() -> None:
    """Copies that leave the shape that they got cost nothing."""
    net, _ = measured(lambda: netdsl.compile("in 8 | ((relu) * 1M) * 1M"), most=100_000)
    assert net.parameters.total == 0
    assert net.outputs[0].shape == (8,)
    assert "1,000,000" in net.summary() or "1000000" in net.summary() or "1M" in net.summary()


@pytest.mark.parametrize("severity, colour", [("error", 31), ("warning", 33), ("info", 36)])
def test_the_colour_of_a_code_says_how_bad_it_is(severity: str, colour: int) -> None:
    found = Diagnostic("C107", "this", Span(Source("<text>", "in 8"), 0, 2), severity=severity)
    assert render(found, colour=True).startswith(f"\033[{colour}mC107\033[0m ")
    assert render(found).startswith("C107 this\n")


SPOILT = [
    (r" same\b", " padding='same'"),
    (r"\b(\w+)@", r"'\1'@"),
    (r"const (\w+) = (\w+)", r"const \1 = '\2'"),
    (r"=(\w+)", r"='\1'"),
    (r"\((.*)\)", r"[\1]"),
    (r"\((.*)\)", r"{ \1 }"),
    (r"\((.*)\)", r": \1"),
    (r"\b(\w+) \|", r"\1 bias=False |"),
    (r"\|", "| if"),
]
"""What people write in the way of another language, wherever it may stand."""


@pytest.mark.parametrize("pattern, replacement", SPOILT)
def test_what_cannot_be_read_is_never_accepted(pattern: str, replacement: str) -> None:
    """A message is left out where another says the same; where none does, as nothing is checked there, it is given."""
    unread = 0
    for path in CASES.values():
        text = re.sub(pattern, replacement, path.read_text("utf-8"), count=1)
        source = Source("spoilt", f"{text}\nblock unused c: ({text}) * 0")
        for part in (Source("spoilt", text), source):
            if parse(part)[1]:
                unread += 1
                assert compile_source(part, "spoilt").errors, part.text
    assert unread > 100
