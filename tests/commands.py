"""Commands run as `netdsl` would run them, in this process."""

from __future__ import annotations

import pytest

from netdsl.cli import main

Capture = pytest.CaptureFixture[str]


def outcome(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Return the exit status, standard output and standard error of a command."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err
