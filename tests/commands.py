"""Commands of `netdsl` and what becomes of them, in this process or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import netdsl
from netdsl.cli import main

Capture = pytest.CaptureFixture[str]


def outcome(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Return the exit status, standard output and standard error of a command."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, which finds this netdsl wherever it runs."""
    environment = {**os.environ, "NO_COLOR": "", "PYTHONPATH": str(Path(netdsl.__file__).parents[1])}
    return subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


def loaded(*arguments: str) -> tuple[str, set[str]]:
    """Return what a command prints, and the modules that it loads."""
    script = (
        "import sys; before = set(sys.modules)\n"
        "from netdsl.cli import main\n"
        f"main({arguments!r})\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = run(sys.executable, "-c", script)
    return done.stdout, set(done.stderr.split())
