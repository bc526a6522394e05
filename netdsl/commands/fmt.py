"""`netdsl fmt`: texts in their canonical form."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from ..diagnostics import CompileError, printable
from ..files import STANDARD_INPUT, content_of, decode, encode, networks_in, rewrite, shown
from .shared import DONE, FOUND, TEXT, files_of, report, say_there_is_none, takes_line


def declare(command: ArgumentParser) -> None:
    """Add the options of `netdsl fmt`."""
    command.add_argument("files", nargs="*", metavar="FILE", help="files and folders; - is standard input")
    takes_line(command, "a network, instead of a file")
    dry = "write nothing; {}, and exit with 1 then"
    command.add_argument("--check", action="store_true", help=dry.format("say what would change"))
    command.add_argument("--diff", action="store_true", help=dry.format("show what would change"))
    command.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Lay out what is named, and say how much has changed."""
    files = files_of(options)
    paths = list(networks_in(files)) if options.text is None else [TEXT]
    changes = [_format(options, path) for path in paths]
    is_dry = options.check or options.diff
    status = FOUND if None in changes or (is_dry and True in changes) else DONE
    if not is_dry and paths in ([TEXT], [STANDARD_INPUT]):
        return status
    done, left = ("would be reformatted", "already formatted") if is_dry else ("reformatted", "left unchanged")
    counts = [(changes.count(True), done), (changes.count(False), left), (changes.count(None), "failed to reformat")]
    said = ", ".join(f"{count} file{'s' * (count != 1)} {what}" for count, what in counts if count)
    if said:
        print(said, file=sys.stderr if options.diff else sys.stdout)
    else:
        say_there_is_none(files)
    return status


def _format(options: Namespace, path: str) -> bool | None:
    """Lay a file or text out, or only say what would change; return whether it does, None where there is a mistake."""
    try:
        before = content_of(path) if options.text is None else os.fsencode(options.text)
        after = _in_form(before, shown(path))
        if not (options.check or options.diff):
            if options.text is not None or path == STANDARD_INPUT:
                _print_bytes(after)
            elif after != before:
                rewrite(path, after)
    except CompileError as refused:
        report(refused.diagnostics)
        return None
    if after != before and options.diff:
        _print_bytes(_difference(before, after, shown(path)))
    elif after != before and options.check:
        print(f"Would reformat: {printable(shown(path))}")
    return after != before


def _in_form(content: bytes, name: str) -> bytes:
    """Return a text in its canonical form. Raises CompileError where its syntax is wrong, or it is no text."""
    from ..syntax.formatter import formatted
    from ..syntax.parser import parse

    program, mistakes = parse(decode(content, name))
    if mistakes:
        raise CompileError(mistakes)
    return encode(formatted(program), content)


def _difference(before: bytes, after: bytes, name: str) -> bytes:
    """Return what changes in a file as a patch."""
    from difflib import diff_bytes, unified_diff
    from io import BytesIO

    old, new = (BytesIO(content).readlines() for content in (before, after))
    patch = diff_bytes(unified_diff, old, new, os.fsencode(name), os.fsencode(name))
    missing = b"\n\\ No newline at end of file\n"
    return b"".join(line if line.endswith(b"\n") else line + missing for line in patch)


def _print_bytes(content: bytes) -> None:
    """Print a text as it is, whatever the terminal thinks of the ends of its lines."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
