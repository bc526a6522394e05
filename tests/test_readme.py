"""The README tells the truth: its commands are run, its Python is run, and both print what it shows.

`NETDSL_UPDATE=1 pytest tests/test_readme.py` writes what they print into it.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import netdsl
from netdsl.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FIRST = "pip install . && netdsl summary examples/cnn.net"
SECOND = "pip install -e '.[test]' && pytest"

Capture = pytest.CaptureFixture[str]


def blocks(language: str) -> tuple[str, ...]:
    """Return the fenced blocks of a language, without their fences."""
    return tuple(re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL))


def commands() -> Iterator[tuple[str, str]]:
    """Return each command with the output that is shown under it."""
    for block in blocks("console"):
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


COMMANDS = {command: output for command, output in commands() if command != SECOND}


def printed(capsys: Capture, command: str) -> str:
    """Return what a command prints: installing is left out, and `| tail -n N` may follow."""
    words = shlex.split(command.removeprefix("pip install . && "))
    end = words.index("|") if "|" in words else len(words)
    program, *arguments = words[:end]
    assert program == "netdsl"
    main(arguments)
    out, err = capsys.readouterr()
    lines = (err + out).splitlines()
    if end < len(words):
        part, option, count = words[end + 1 :]
        assert (part, option) == ("tail", "-n")
        lines = lines[-int(count) :]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_what_is_shown(command: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = printed(capsys, command)
    if os.environ.get("NETDSL_UPDATE"):
        before = f"$ {command}\n"
        text = README.read_text("utf-8")
        README.write_text(text.replace(before + COMMANDS[command], before + output, 1), "utf-8")
    else:
        assert output == COMMANDS[command]


def test_python_prints_what_is_shown() -> None:
    """The examples are one session, from the first block to the last."""
    session = "\n".join(blocks("pycon"))
    session = re.sub(r"\n\n(?!>>> )", "\n<BLANKLINE>\n", session)  # an output may have empty lines in it
    runner = doctest.DocTestRunner()
    seen: list[str] = []
    runner.run(doctest.DocTestParser().get_doctest(session, {}, "README", str(README), 0), out=seen.append)
    assert runner.tries == len(re.findall(r"^>>> ", session, re.MULTILINE)) > 5
    assert not seen, "".join(seen)


@pytest.mark.parametrize("text", blocks("net"))
def test_a_network_compiles(text: str) -> None:
    assert netdsl.check(text) == ()


def test_the_commands_that_install_stand_alone() -> None:
    """The first two lines that begin with `pip install` are those that a newcomer copies, and `.ci/run` reads."""
    found = re.findall(r"^\s*(?:\$ )?(pip install .*\S)\s*$", README.read_text("utf-8"), re.MULTILINE)
    assert found[:2] == [FIRST, SECOND]


def test_links_lead_somewhere() -> None:
    for page in (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_language_is_shown_in_ten_lines() -> None:
    assert max(len(text.splitlines()) for text in blocks("net")) == 10
