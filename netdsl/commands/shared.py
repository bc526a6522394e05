"""What commands have in common: exit statuses, decisions of the command line about a text, and messages."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from ..diagnostics import Diagnostic, render
from ..files import reader, unreadable, write
from ..source import Source

if TYPE_CHECKING:
    from ..options import Options

DONE, FOUND, USAGE, INTERRUPTED = 0, 1, 2, 130

STANDARD_OUTPUT = "-"

TEXT = "<text>"
"""What messages call the text of -e."""


def takes_line(command: ArgumentParser, help: str) -> None:
    """Let a command take a text from the command line."""
    command.add_argument("-e", dest="text", metavar="TEXT", help=help)


def takes_decisions(command: ArgumentParser, text: str) -> None:
    """Let a command take a text, and what is decided outside of it."""
    takes_line(command, text)
    named: dict[str, Any] = {"action": "append", "default": [], "type": _setting}
    command.add_argument(
        "--set", **named, metavar="NAME=VALUE", help="another value for a constant, or one for an open size such as T"
    )
    command.add_argument(
        "--input",
        action="append",
        default=[],
        type=_input,
        metavar="[NAME=]SHAPE",
        help="another shape for an input, as in 256x256x3",
    )
    command.add_argument("--pick", **named, metavar="NAME=VALUE", help="one member of a choice such as {32, 64}")


def _setting(text: str) -> tuple[str, Any]:
    """Return a name and its value."""
    from ..options import read_value

    name, value = _named(text)
    return name, reads(read_value)(value)


def _input(text: str) -> tuple[str, Any]:
    """Return the name of an input, empty where none is given, and its shape."""
    from ..options import read_shape

    name, shape = _named(text) if "=" in text else ("", text)
    return name, reads(read_shape)(shape)


def _named(text: str) -> tuple[str, str]:
    """Return a name and the text of its value."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name.strip(), value.strip()


T = TypeVar("T")


def reads(read_text: Callable[[str], T]) -> Callable[[str], T]:
    """Return what reads an option, and has argparse say what is wrong with it."""

    def read_option(text: str) -> T:
        try:
            return read_text(text)
        except ValueError as reason:
            raise ArgumentTypeError(str(reason)) from None

    return read_option


def files_of(options: Namespace) -> list[str]:
    """Return the files that are named; there has to be one, or a text instead."""
    files = [options.files] if isinstance(options.files, str) else options.files or []
    if (options.text is None) == (not files):
        wanted = "a file, - for standard input, or -e TEXT"
        options.command.error(f"{'either' if files else 'a network is needed:'} {wanted}")
    return files


def decided(options: Namespace, source: Source) -> Options:
    """Return what the command line decides for a text."""
    from ..options import Options

    is_file = options.text is None and source.name != "<stdin>"
    folder = os.path.dirname(source.name) or "." if is_file else None
    return Options(dict(options.set), dict(options.input), dict(options.pick), reader(folder))


def has_colour(stream: TextIO) -> bool:
    """Whether what is written may be coloured."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def report(diagnostics: Sequence[Diagnostic]) -> None:
    """Print messages, with a blank line behind each."""
    colour = has_colour(sys.stderr)
    for diagnostic in diagnostics:
        print(render(diagnostic, colour), end="\n\n", file=sys.stderr)


def write_out(path: str, text: str, networks: Iterable[str]) -> None:
    """Write what a command prints into a file instead; `-` is standard output.

    Raises CompileError where that cannot be, and where the file is one of the networks that the command has read.
    """
    if path == STANDARD_OUTPUT:
        print(text, end="")
        return
    if os.path.realpath(path) in map(os.path.realpath, networks):
        raise unreadable(path, f"cannot write `{path}`: the network itself is in it, and would be lost")
    write(path, text.encode(errors="backslashreplace"))


def say_there_is_none(places: Sequence[str]) -> None:
    """Say that there are no networks in folders."""
    print(f"no networks in {', '.join(places)}", file=sys.stderr)


def wrong(options: Namespace, message: str) -> int:
    """Say what is wrong with the command line, in the words of argparse, and return the exit status."""
    print(f"{options.command.prog}: error: {message}", file=sys.stderr)
    return USAGE
