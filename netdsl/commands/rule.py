"""`netdsl rule`: the pages of the rules of lint."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..linter.pages import catalogue, markdown, page
from ..linter.selection import UnknownRule, code_of, known_codes
from .shared import DONE, wrong


def declare(command: ArgumentParser) -> None:
    """Add the options of `netdsl rule`."""
    command.add_argument("name", nargs="?", metavar="CODE", help="the code of a rule, or its name")
    command.add_argument("--all", action="store_true", help="the pages of all rules")
    command.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the page of one rule, or of all, or list them."""
    if options.all and options.name:
        options.command.error("either CODE or --all")
    if options.name is None and not options.all:
        print(catalogue())
        return DONE
    try:
        codes = sorted(known_codes()) if options.all else [code_of(options.name)]
    except UnknownRule as reason:
        return wrong(options, str(reason))
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        console = Console(file=sys.stdout)
        for code in codes:
            console.print(Markdown(markdown(code).replace("```net", "```")))
            console.print()
    else:
        print("\n\n\n".join(map(page, codes)))
    return DONE
