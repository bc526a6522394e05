"""The pages of `docs`: the layers as they are declared, and a tutorial whose networks compile and whose commands run.

`NETDSL_UPDATE=1 pytest tests/test_docs.py` writes the layers, and what the commands print.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from golden import compare as compare_text
from pages import LANGUAGE, LAYERS, blocks, commands, compare

from netdsl.catalogue import handbook
from netdsl.compiler import Result, compile_source
from netdsl.files import reader
from netdsl.options import Options
from netdsl.source import Source

BEFORE = "let skip = in {shape}\nin 32 int as ids | embed 64 vocab=10k as tokens\nin {shape} | {example}"
ENTERING = ("8x8x4", "32x32x64", "32x64", "784", "32 int")
NETWORKS = blocks(LANGUAGE, "net")
COMMANDS = dict(commands(LANGUAGE))


def test_the_layers_are_as_declared() -> None:
    compare_text(handbook(), LAYERS)


@pytest.mark.parametrize("example", blocks(LAYERS, "net"))
def test_the_example_of_a_layer_compiles(example: str) -> None:
    """It stands alone, or behind a tensor of one shape or another, beside the tensors that the examples name."""
    texts = (example, *(BEFORE.format(shape=shape, example=example) for shape in ENTERING))
    assert any(not compiled(text).errors for text in texts)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the tutorial: a network whose first line is `# NAME.net` is the file of that name."""
    for text in NETWORKS:
        named = re.match(r"# (\w+\.net)\n", text)
        if named:
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


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_what_is_shown(command: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    compare(LANGUAGE, command, COMMANDS[command], capsys)
