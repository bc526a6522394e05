"""What commands have in common: exit statuses, decisions of the command line about a text, and messages."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from ..diagnostics import Diagnostic, render
from ..source import Source

if TYPE_CHECKING:
    from ..options import Options

DONE, FOUND, USAGE, INTERRUPTED = 0, 1, 2, 130

TEXT = "<text>"
"""What messages call the text of -e."""


def takes_line(command: ArgumentParser, help: str) -> None:
    """Let a command take a text from the command line."""
    command.add_argument("-e", dest="text", metavar="TEXT", help=help)


def takes_decisions(command: ArgumentParser, text: str) -> None:
    """Let a command take a text, and what is decided outside of it."""
    takes_line(command, text)
    named: dict[str, Any] = {"action": "append", "default": [], "type": _named}
    command.add_argument(
        "--set", **named, metavar="NAME=VALUE", help="another value for a constant, or one for an open size such as T"
    )
    command.add_argument(
        "--input",
        action="append",
        default=[],
        type=lambda text: _named(text) if "=" in text else ("", text),
        metavar="[NAME=]SHAPE",
        help="another shape for an input, as in 256x256x3",
    )
    command.add_argument("--pick", **named, metavar="NAME=VALUE", help="one member of a choice such as {32, 64}")


def _named(text: str) -> tuple[str, str]:
    """Return a name and the text of its value."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name.strip(), value.strip()


def files_of(options: Namespace) -> list[str]:
    """Return the files that are named; there has to be one, or a text instead."""
    files = [options.files] if isinstance(options.files, str) else options.files or []
    if (options.text is None) == (not files):
        wanted = "a file, - for standard input, or -e TEXT"
        options.command.error(f"{'either' if files else 'a network is needed:'} {wanted}")
    return files


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
