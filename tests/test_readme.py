"""The README tells the truth: its commands are run, its Python is run, and both print what it shows.

`NETDSL_UPDATE=1 pytest tests/test_readme.py` writes what they print into it.
"""

from __future__ import annotations

import doctest
import re

import pytest
from pages import LANGUAGE, LAYERS, LINT, README, ROOT, RULES, blocks, commands, compare

import netdsl

FIRST = "pip install . && netdsl summary examples/cnn.net"
SECOND = "pip install -e '.[test]' && pytest"
COMMANDS = {command: output for command, output in commands(README) if command != SECOND}

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_what_is_shown(command: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    compare(README, command, COMMANDS[command], capsys)


def test_python_prints_what_is_shown() -> None:
    """The examples are one session, from the first block to the last."""
    session = "\n".join(blocks(README, "pycon"))
    session = re.sub(r"\n\n(?!>>> )", "\n<BLANKLINE>\n", session)  # an output may have empty lines in it
    runner = doctest.DocTestRunner()
    seen: list[str] = []
    runner.run(doctest.DocTestParser().get_doctest(session, {}, "README", str(README), 0), out=seen.append)
    assert runner.tries == len(re.findall(r"^>>> ", session, re.MULTILINE)) > 5
    assert not seen, "".join(seen)


@pytest.mark.parametrize("text", blocks(README, "net"))
def test_a_network_compiles(text: str) -> None:
    assert netdsl.check(text) == ()


def test_the_commands_that_install_stand_alone() -> None:
    """The first two lines that begin with `pip install` are those that a newcomer copies, and `.ci/run` reads."""
    found = re.findall(r"^\s*(?:\$ )?(pip install .*\S)\s*$", README.read_text("utf-8"), re.MULTILINE)
    assert found[:2] == [FIRST, SECOND]


def test_links_lead_somewhere() -> None:
    for page in (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", LANGUAGE, LAYERS, LINT, RULES):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_language_is_shown_in_ten_lines() -> None:
    text = README.read_text("utf-8").partition("## The language in ten lines")[2]
    (shown, *_) = re.findall(r"^```net\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(shown.splitlines()) == 10


def test_the_file_that_is_shown_is_that_of_the_zoo() -> None:
    file = (ROOT / "examples" / "zoo" / "resnet.net").read_text("utf-8")
    assert re.sub(r"\A(#.*\n)+\n", "", file) in blocks(README, "net")
