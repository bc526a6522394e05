"""Pages of Markdown that tell the truth: what is fenced in them is run, and what it prints is compared.

`NETDSL_UPDATE=1` writes what the commands print into the page.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import outcome

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
LANGUAGE = ROOT / "docs" / "language.md"
LAYERS = ROOT / "docs" / "layers.md"
LINT = ROOT / "docs" / "lint.md"
RULES = ROOT / "docs" / "rules.md"


def blocks(page: Path, language: str) -> tuple[str, ...]:
    """Return the fenced blocks of a language, without their fences."""
    return tuple(re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL))


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Return each command with the output that is shown under it."""
    for block in blocks(page, "console"):
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def compare(page: Path, command: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command, and compare what it prints with what the page shows under it."""
    output = _printed(capsys, command)
    if os.environ.get("NETDSL_UPDATE"):
        before = f"$ {command}\n"
        page.write_text(page.read_text("utf-8").replace(before + shown, before + output, 1), "utf-8")
    else:
        assert output == shown


def _printed(capsys: pytest.CaptureFixture[str], command: str) -> str:
    """Return what a command prints: installing is left out, and `| tail -n N` may follow."""
    words = shlex.split(command.removeprefix("pip install . && "))
    end = words.index("|") if "|" in words else len(words)
    program, *arguments = words[:end]
    assert program == "netdsl"
    _, out, err = outcome(capsys, *arguments)
    lines = (err + out).splitlines()
    if end < len(words):
        part, option, count = words[end + 1 :]
        assert (part, option) == ("tail", "-n")
        lines = lines[-int(count) :]
    return "".join(f"{line}\n" for line in lines)
