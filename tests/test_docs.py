"""The pages of `docs`: layers and rules as they are declared, and guides whose networks compile and whose commands run.

`NETDSL_UPDATE=1 pytest tests/test_docs.py` writes the layers and rules, and what the commands print.
"""

from __future__ import annotations

import doctest
import json
import re
import tomllib
from pathlib import Path

import pytest
from golden import compare as compare_text
from pages import LANGUAGE, LAYERS, LINT, RULES, blocks, commands, compare

from netdsl.catalogue import handbook
from netdsl.cli import main
from netdsl.compiler import Result, compile_source
from netdsl.files import reader
from netdsl.linter import pages as rules
from netdsl.options import Options
from netdsl.source import Source

BEFORE = "let skip = in {shape}\nin 32 int as ids | embed 64 vocab=10k as tokens\nin {shape} | {example}"
ENTERING = ("8x8x4", "32x32x64", "32x64", "784", "32 int")
NETWORKS = [text for page in (LANGUAGE, LINT) for text in blocks(page, "net")]
COMMANDS = {(page, command): shown for page in (LANGUAGE, LINT) for command, shown in commands(page)}


def test_the_layers_are_as_declared() -> None:
    compare_text(handbook(), LAYERS)


def test_the_rules_are_as_declared() -> None:
    compare_text(rules.handbook(), RULES)


@pytest.mark.parametrize("example", blocks(LAYERS, "net"))
def test_the_example_of_a_layer_compiles(example: str) -> None:
    """It stands alone, or behind a tensor of one shape or another, beside the tensors that the examples name."""
    texts = (example, *(BEFORE.format(shape=shape, example=example) for shape in ENTERING))
    assert any(not compiled(text).errors for text in texts)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the guides: a network whose first line is `# NAME.net` is the file of that name."""
    for text in NETWORKS:
        named = re.match(r"# (\w+\.net)\n", text)
        if named:
            assert not (tmp_path / named[1]).exists(), "each file is written once"
            (tmp_path / named[1]).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compiled(text: str, folder: Path | None = None) -> Result:
    where = None if folder is None else str(folder)
    return compile_source(Source("page", text), "page", Options(read=reader(where)))


@pytest.mark.parametrize("text", NETWORKS)
def test_a_network_compiles(text: str, folder: Path) -> None:
    """A library says that it holds none, and a family asks which one is meant: no other message comes."""
    assert {found.code for found in compiled(text, folder).diagnostics} <= {"E025", "E032"}


@pytest.mark.parametrize("page, command", COMMANDS, ids=[command for _, command in COMMANDS])
def test_a_command_prints_what_is_shown(
    page: Path, command: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    compare(page, command, COMMANDS[page, command], capsys)


def test_the_settings_of_the_page_are_right(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (settings,) = blocks(LINT, "toml")
    (folder / "pyproject.toml").write_text(settings)
    assert main(["lint", "-e", "in 8 | dense 16 | relu | dense 10", "--output-format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    lint = tomllib.loads(settings)["tool"]["netdsl"]["lint"]
    assert {"select", "per-file-ignores", "fail-on", "max-dropout", "budget"} <= set(lint)


def test_the_suppressions_of_the_page_are_needed(folder: Path) -> None:
    from netdsl.net import compile

    (text,) = (text for text in NETWORKS if "# noqa" in text)
    assert compile(text).lint() == ()
    assert [found.code for found in compile(re.sub("#.*", "", text)).lint()] != []


def test_the_python_of_lint() -> None:
    (session,) = blocks(LINT, "pycon")
    runner = doctest.DocTestRunner()
    seen: list[str] = []
    runner.run(doctest.DocTestParser().get_doctest(session, {}, "lint", str(LINT), 0), out=seen.append)
    assert runner.tries > 2 and not seen, "".join(seen)
