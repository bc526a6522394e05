"""What commands have in common: exit statuses, decisions of the command line about a text, and messages."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from ..diagnostics import Diagnostic, render
from ..source import Source

if TYPE_CHECKING:
    from ..options import Options

DONE, FOUND, USAGE, INTERRUPTED = 0, 1, 2, 130


def decided(options: Namespace, source: Source) -> Options:
    """Return what the command line decides for a text."""
    from ..files import reader
    from ..options import Options, read_value, shape_of

    is_file = options.text is None and source.name != "<stdin>"
    try:
        return Options(
            {name: read_value(value) for name, value in options.set},
            {name: shape_of(read_value(value)) for name, value in options.input},
            {name: read_value(value) for name, value in options.pick},
            reader(os.path.dirname(source.name) or "." if is_file else None),
        )
    except ValueError as reason:
        options.command.error(str(reason))
        raise AssertionError("argparse has left") from reason


def has_colour(stream: TextIO) -> bool:
    """Whether what is written may be coloured."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def report(diagnostics: Sequence[Diagnostic]) -> None:
    """Print messages, with a blank line behind each."""
    colour = has_colour(sys.stderr)
    for diagnostic in diagnostics:
        print(render(diagnostic, colour), end="\n\n", file=sys.stderr)


def wrong(options: Namespace, message: str) -> int:
    """Say what is wrong with the command line, in the words of argparse, and return the exit status."""
    print(f"{options.command.prog}: error: {message}", file=sys.stderr)
    return USAGE
