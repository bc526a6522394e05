"""The command line: what each command reads, prints and returns. Everything that it knows, it asks the compiler."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module

from . import __version__
from .commands.shared import (
    DONE,
    FOUND,
    INTERRUPTED,
    TEXT,
    USAGE,
    decided,
    files_of,
    report,
    takes_decisions,
    write_out,
    wrong,
)
from .diagnostics import CompileError, printable
from .files import decode, in_words, name_of, read
from .source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .analysis.summary import Summary
    from .compiler import Result

LINE = "in 28x28x1 | conv 32@3 | relu | dense 10"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 the networks have errors, 2 wrong usage."""
    _open_streams()
    try:
        try:
            options = _parser().parse_args(arguments)
            run: Callable[[Namespace], int] = options.run
            status = run(options)
        except SystemExit as end:  # argparse has said why
            status = end.code if isinstance(end.code, int) else USAGE
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has seen enough
        _close_streams()
        return DONE
    except OSError as reason:  # what is wrong with a file is said where it is read or written
        is_lost = isinstance(reason, FileNotFoundError)
        what = "the current folder is gone" if is_lost else f"cannot write the output: {in_words(reason)}"
        _close_streams(f"netdsl: error: {what}")
        return FOUND
    except KeyboardInterrupt:
        _close_streams("interrupted")
        return INTERRUPTED


def _open_streams() -> None:
    """Have something to write to, in which a letter that the terminal lacks stops nothing."""
    if sys.stdout is None:  # it is closed, which is said when something is written
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:  # `print` would take standard output instead
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _close_streams(message: str = "") -> None:
    """Say a last word, and write no more: what waits to be written must not fail again as Python exits."""
    with suppress(OSError):
        if message:
            print(message, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # what stands in for a stream, as in tests, may have no descriptor
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


# What can be written


class _Help(RawDescriptionHelpFormatter):
    """Help in 80 columns: to ask for the width of the terminal, argparse loads modules at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class _Command(ArgumentParser):
    """A command whose files may stand among its options: argparse itself takes only those that stand in one place.

    `declare` adds the options of a command that is in a file of its own, once they are asked for.
    """

    declare: Callable[[ArgumentParser], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        declare, self.declare = self.declare, None
        if declare is not None:
            declare(self)
        options, rest = super().parse_known_args(args, namespace)
        if isinstance(getattr(options, "files", None), list):
            options.files = [*options.files, *(word for word in rest if word == "-" or not word.startswith("-"))]
            rest = [word for word in rest if word != "-" and word.startswith("-")]
        return options, rest


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="netdsl",
        description="Compile neural networks, written as text, to shapes, counts, and PyTorch or Keras code.",
        epilog=f"example:\n  netdsl summary -e '{LINE}'",
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"netdsl {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Command)

    def command(
        name: str, run: Callable[[Namespace], int] | None, help: str, *examples: str, about: str = ""
    ) -> _Command:
        added: _Command = commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.{about}",
            epilog="\n  ".join(["examples:" if len(examples) > 1 else "example:", *examples]),
            formatter_class=_Help,
        )
        added.set_defaults(run=run, command=added)
        return added

    summary = command(
        "summary",
        _summary,
        "show layers, output shapes, parameters and MACs",
        "netdsl summary cnn.net",
        "netdsl summary resnet.net --set depth=101 --depth 1",
        "netdsl summary a.net b.net --format csv",
        f"netdsl summary -e '{LINE}'",
    )
    _takes_text(summary, several=True)
    formats = ("table", "json", "markdown", "csv")
    summary.add_argument("--format", choices=formats, default="table", help="how the layers are printed (table)")
    summary.add_argument("--depth", type=_depth, metavar="N", help="fold groups and repeats into N levels of names")

    explain = command(
        "explain",
        _explain,
        "show every figure with its arithmetic",
        "netdsl explain cnn.net",
        "netdsl explain cnn.net --layer conv_1",
    )
    _takes_text(explain)
    explain.add_argument("--layer", metavar="NAME", help="one layer, group or repeat alone")

    emit = command(
        "emit",
        _emit,
        "write PyTorch or Keras code",
        "netdsl emit --to torch cnn.net",
        "netdsl emit --to keras cnn.net -o cnn.py",
    )
    _takes_text(emit)
    emit.add_argument("--to", choices=("torch", "keras"), required=True, help="the framework")
    emit.add_argument("-o", "--output", metavar="FILE", default="-", help="where to write (-, standard output)")

    weights = command(
        "weights",
        _weights,
        "move trained weights between the files of the two programs",
        "netdsl weights cnn.net trained.pt cnn.keras",
        "netdsl weights cnn.net cnn.keras cnn.safetensors",
        about="""
A is read and B is written. Their endings say what they are:
  .safetensors  the language's own names and shapes; a file without the metadata
                of netdsl is read as a PyTorch state_dict
  .pt, .pth     a PyTorch state_dict
  .keras        a Keras model
  .weights.h5   the weights of a Keras model""",
    )
    weights.add_argument("files", nargs="*", metavar="NET A B", help="a network (- is standard input), and two files")
    weights.usage = "netdsl weights [options] NET A B"
    takes_decisions(weights, "a network, instead of NET")
    weights.add_argument("--force", action="store_true", help="replace B where it is there already")

    lint = command(
        "lint",
        None,
        "find what is wrong with networks, or likely to be",
        "netdsl lint nets/",
        "netdsl lint nets/ --fix",
        "netdsl lint cnn.net --select C,T --ignore T204",
        f"netdsl lint -e '{LINE}'",
        about="""
Settings are read from [tool.netdsl.lint] of the pyproject.toml, or [lint] of
the netdsl.toml, that is nearest to a file. `# noqa: C107` in a line keeps a
rule silent about it. Rules are named by code, by the letters that it begins
with, by name, or ALL; `netdsl rule` lists them.""",
    )
    lint.declare = partial(_declared, "lint", "declare_lint")

    check = command(
        "check",
        None,
        "find errors alone",
        "netdsl check nets/",
        "netdsl check cnn.net --output-format concise",
    )
    check.declare = partial(_declared, "lint", "declare_check")

    rule = command("rule", None, "show what a rule of lint is about", "netdsl rule", "netdsl rule C107")
    rule.declare = partial(_declared, "rule", "declare")
    fmt = command(
        "fmt",
        None,
        "lay networks out in one canonical form",
        "netdsl fmt cnn.net",
        "netdsl fmt nets/ --check",
        "netdsl fmt - < cnn.net",
        about="""
Files are rewritten, and of folders the .net files that git does not ignore;
what comes from standard input or from -e goes to standard output.""",
    )
    fmt.declare = partial(_declared, "fmt", "declare")

    layers = command(
        "layers",
        _layers,
        "show the layers of the language: arguments, weights, an example",
        "netdsl layers",
        "netdsl layers conv",
    )
    layers.add_argument("name", nargs="?", metavar="NAME", help="one layer alone, with its arguments")
    return parser


def _takes_text(command: ArgumentParser, several: bool = False) -> None:
    command.add_argument(
        "files",
        nargs="*" if several else "?",
        metavar="FILE",
        help=f"{'files' if several else 'a file'} with a network in {'each' if several else 'it'}; - is standard input",
    )
    takes_decisions(command, "a network, instead of a file")


def _depth(text: str) -> int:
    """Return a number of levels."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number, at least 1")
    return int(text)


def _declared(file: str, function: str, command: ArgumentParser) -> None:
    """Add the options of a command that is in a file of its own."""
    getattr(import_module(f"netdsl.commands.{file}"), function)(command)


# Commands


def _summary(options: Namespace) -> int:
    from .analysis.summary import as_csv, as_json, summarize

    results = list(_results(options))
    several = len(results) > 1
    found = []
    is_done = all(result is not None and not result.errors for result in results)
    for result in results:
        if result is not None and (result.network.body.steps or options.format == "json"):
            try:
                summary = summarize(result.network, result.total, options.depth)
            except CompileError as refused:
                report(refused.diagnostics)
                is_done = False
            else:
                found.append((result.network.source.name, summary))
    if found and options.format in ("json", "csv"):
        print((as_json if options.format == "json" else as_csv)(found, several))
    else:
        for place, (name, summary) in enumerate(found):
            if place:
                print()
            _print_table(summary, printable(name) if several else "", options.format == "markdown")
    return DONE if is_done else FOUND


def _print_table(summary: Summary, title: str, markdown: bool) -> None:
    """Print a table, under a title if it has one: drawn on a terminal, as plain text in a pipe."""
    from .analysis.summary import as_markdown, as_rich, as_table

    if markdown:
        print(*([f"## {title}", ""] if title else []), as_markdown(summary), sep="\n")
        return
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(file=sys.stdout, highlight=False)
        drawing = as_rich(summary, console.width, title)
        if drawing is not None:
            console.print(drawing)
            return
    print(*([title, ""] if title else []), as_table(summary), sep="\n")


def _explain(options: Namespace) -> int:
    from .analysis.explain import explain

    (result,) = _results(options)
    if result is None:
        return FOUND
    try:
        if result.network.body.steps:
            print(explain(result.network, result.total, options.layer))
    except CompileError as refused:
        report(refused.diagnostics)
        return FOUND
    except LookupError as reason:
        return FOUND if result.errors else wrong(options, str(reason))
    return FOUND if result.errors else DONE


def _emit(options: Namespace) -> int:
    (result,) = _results(options)
    if result is None or result.errors:
        return FOUND
    from .emit import emit

    try:
        source = emit(result.network, options.to).source
    except CompileError as refused:
        report(refused.diagnostics)
        return FOUND
    _warn(result, options.to)
    try:
        write_out(options.output, source, files_of(options))
    except CompileError as refused:
        report(refused.diagnostics)
        return FOUND
    return DONE


def _warn(result: Result, target: str) -> None:
    """Say what is worth knowing of the code; whatever that is, the code is right, and the exit status stays."""
    from .linter.emission import warnings
    from .linter.settings import SettingsError

    try:
        report(warnings(result, target))
    except SettingsError as reason:
        print(f"warning: {reason}", file=sys.stderr)


def _weights(options: Namespace) -> int:
    if len(options.files) != (3 if options.text is None else 2):  # the text stands in place of NET
        net = "a network, and " if options.text is None else ""
        options.command.error(f"{net}two files of weights are needed: A, which is read, and B, which is written")
    *options.files, source, target = options.files
    (result,) = _results(options)
    if result is None or result.errors:
        return FOUND
    assert result.total is not None, "a network without mistakes has figures"
    from .net import Net
    from .weights import WeightsError, convert

    if os.path.exists(target) and not options.force:
        return wrong(options, f"`{target}` is there already; --force replaces it")
    _choose_backend()
    try:
        moved = convert(Net(result.network, result.total, ()), source, target)
    except WeightsError as reason:
        wrong(options, str(reason))
        return FOUND
    except CompileError as refused:
        report(refused.diagnostics)
        return FOUND
    size = sum(array.size for array in moved.values())
    print(f"{target}: {len(moved):,} weights with {size:,} parameters, from {source}")
    return DONE


def _choose_backend() -> None:
    """Let Keras run on what is installed: any backend reads and writes files, and Keras would insist on TensorFlow."""
    from importlib.util import find_spec

    if "KERAS_BACKEND" not in os.environ and find_spec("tensorflow") is None:
        for backend in ("torch", "jax"):
            if find_spec(backend) is not None:
                os.environ["KERAS_BACKEND"] = backend
                return


def _layers(options: Namespace) -> int:
    from .catalogue import catalogue, page
    from .layers import keywords, suggest

    if options.name is None:
        print(catalogue())
    elif options.name in keywords():
        print(page(options.name))
    else:
        from .syntax.mistakes import EXAMPLES

        name, example, guess = options.name, EXAMPLES.get(options.name.upper()), suggest(options.name)
        if example:
            return wrong(options, f"`{name}` is no layer, but a word of the language, as in `{example}`")
        hint = f"did you mean `{guess}`?" if guess else "`netdsl layers` lists them all"
        return wrong(options, f"there is no layer `{name}`; {hint}")
    return DONE


# Texts in, results and messages out


def _results(options: Namespace) -> Iterator[Result | None]:
    """Compile what the command line names, and say what is wrong with it; None where it cannot be read."""
    from .compiler import compile_source

    for name, read_text in _texts(options):
        try:
            source = read_text()
        except CompileError as error:
            report(error.diagnostics)
            yield None
        else:
            result = compile_source(source, name, decided(options, source))
            report(result.diagnostics)
            yield result


def _texts(options: Namespace) -> Iterator[tuple[str, Callable[[], Source]]]:
    """Return the name of each network, and how to read its text."""
    files = files_of(options)
    if options.text is not None:
        yield "network", partial(decode, os.fsencode(options.text), TEXT)
    for file in files:
        yield name_of(file), partial(read, file)
