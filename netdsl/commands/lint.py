"""`netdsl lint` and `netdsl check`: which texts are checked, what is printed of them, and what is mended."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from attrs import frozen

from ..compiler import compile_source
from ..diagnostics import CompileError, Diagnostic, printable, render
from ..files import STANDARD_INPUT, content_of, decode, name_of, networks_in, read, rewrite
from ..linter.check import Checked, check
from ..linter.fixing import Mended, Refused, Text, fixable, mend
from ..linter.formats import FORMATS, dumped, place, written
from ..linter.selection import Choice, check_ignored, codes_of, is_error, without_effect
from ..linter.selection import name_of as name_of_rule
from ..linter.settings import (
    OWN,
    PROJECT,
    SEVERITIES,
    Settings,
    SettingsError,
    forget,
    ignores_of,
    read_settings,
    settings_of,
)
from ..linter.suppressions import with_noqa
from ..options import Options
from ..record import evolve
from ..source import Source
from .shared import (
    DONE,
    FOUND,
    TEXT,
    decided,
    has_colour,
    reads,
    report,
    say_there_is_none,
    takes_decisions,
    write_out,
    wrong,
)

# What can be written


def declare_lint(command: ArgumentParser) -> None:
    """Add the options of `netdsl lint`."""
    _declare(command)
    rules: dict[str, Any] = {"metavar": "RULES"}
    words = reads(_rules)
    command.add_argument(
        "--select", **rules, type=words, help="the rules that are on, instead of those of the settings"
    )
    command.add_argument("--extend-select", **rules, type=words, default=(), help="rules that are on besides")
    command.add_argument("--ignore", **rules, type=reads(_ignored), default=(), help="rules that are off")
    command.add_argument(
        "--per-file-ignores",
        action="append",
        default=[],
        type=reads(ignores_of),
        metavar="PATTERN:RULES",
        help="rules that are off in some files",
    )
    command.add_argument("--preview", action="store_true", help="let rules in preview be chosen, too")
    command.add_argument("--config", metavar="FILE", help="the settings, instead of those nearest to each file")
    command.add_argument("--fix", action="store_true", help="mend what can be mended with the function unchanged")
    command.add_argument("--unsafe-fixes", action="store_true", help="with --fix or --diff: all other fixes, too")
    command.add_argument("--diff", action="store_true", help="show what --fix would change, and change nothing")
    command.add_argument("--add-noqa", action="store_true", help="suppress all that is found now by comments")
    command.add_argument("--fail-on", choices=SEVERITIES[::-1], help="the least for exit status 1 (warning)")
    command.set_defaults(run=partial(run, is_lint=True))


def declare_check(command: ArgumentParser) -> None:
    """Add the options of `netdsl check`."""
    _declare(command)
    command.set_defaults(run=partial(run, is_lint=False), fix=False, unsafe_fixes=False, diff=False, add_noqa=False)


def _declare(command: ArgumentParser) -> None:
    command.add_argument(
        "files", nargs="*", metavar="FILE", help="files, and folders with *.net in them (.); - is standard input"
    )
    takes_decisions(command, "a network, instead of files")
    command.add_argument("--output-format", choices=FORMATS, default="full", help="how findings are printed (full)")
    command.add_argument("-o", "--output-file", metavar="FILE", help="where to, instead of standard output (-)")
    command.add_argument("--statistics", action="store_true", help="how often each code was found, instead of where")
    command.add_argument("--watch", action="store_true", help="go on, and check again when a file has changed")
    command.add_argument("--exit-zero", action="store_true", help="exit with status 0, whatever is found")


def _rules(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        codes_of(word)
    return words


def _ignored(text: str) -> tuple[str, ...]:
    words = _rules(text)
    check_ignored(words)
    return words


# One run


def run(options: Namespace, is_lint: bool) -> int:
    """Check what the command line names, and return the exit status."""
    if options.text is not None and options.files:
        options.command.error("either files or -e TEXT")
    if options.watch and (options.text is not None or STANDARD_INPUT in options.files):
        options.command.error("only files can be watched")
    if options.add_noqa and (options.fix or options.diff):
        options.command.error("--add-noqa goes alone: what is suppressed is not mended")
    if options.watch:
        return _watch(options, is_lint)
    return Run(options, is_lint).finish()


@frozen
class _Entry:
    """A text that is to be checked: its name, how it is read, and its file if it is in one."""

    name: str
    read: Callable[[], Source]
    path: str | None


class Run:
    """Checking once all that the command line names: what is decided, found and changed."""

    def __init__(self, options: Namespace, is_lint: bool) -> None:
        self.options = options
        self.is_lint = is_lint
        self.decided: dict[int, Settings] = {}
        """Settings with what the command line says on top, by the identity of what they were without."""
        self.given: Settings | None = None
        self.found: list[Diagnostic] = []
        self.told: set[tuple[str, int, str, str]] = set()
        """What was found in files that others use, so that it is told once."""
        self.fails = False
        self.fixed = 0
        self.fixable: Counter[bool] = Counter()
        """The number of fixes that are left, by whether they are safe."""
        self.noted = 0
        self.prints_texts = False
        """Whether texts go to standard output, so that findings do not."""
        self.files: dict[str, None] = {}
        """All files that were read, those of `use` among them."""

    def finish(self) -> int:
        """Check everything, print what is found, and return the exit status."""
        forget()
        try:
            if self.is_lint and self.options.config is not None:
                self.given = read_settings(self.options.config)
            self.all_texts()
        except SettingsError as reason:
            return wrong(self.options, str(reason))
        if self.options.diff:
            if self.fixed:
                print(f"Would fix {_counted(self.fixed, 'problem')}", file=sys.stderr)
            return FOUND if self.fixed and not self.options.exit_zero else DONE
        if self.options.add_noqa:
            print(f"Wrote {_counted(self.noted, 'noqa comment')}", file=sys.stderr)
        try:
            self.print_found()
        except CompileError as refused:
            report(refused.diagnostics)
            return FOUND
        return FOUND if self.fails and not self.options.exit_zero else DONE

    def all_texts(self) -> None:
        """Check each text. Raises SettingsError."""
        entries = list(self.entries())
        if not entries:
            say_there_is_none(self.options.files or [os.curdir])
        for entry in entries:
            settings = self.settings_for(entry)
            try:
                source = entry.read()
            except CompileError as unread:
                self.keep(unread.diagnostics, settings)
            else:
                self.one_text(entry, source, settings)

    def entries(self) -> Iterator[_Entry]:
        """Return the texts that the command line names."""
        if self.options.text is not None:
            yield _Entry("network", partial(decode, os.fsencode(self.options.text), TEXT), None)
            return
        for file in networks_in(self.options.files or [os.curdir]):
            yield _Entry(name_of(file), partial(read, file), None if file == STANDARD_INPUT else file)

    def settings_for(self, entry: _Entry) -> Settings:
        """Return what is decided about a text. Raises SettingsError."""
        if not self.is_lint:
            return _ERRORS_ALONE
        found = self.given or settings_of(entry.path or STANDARD_INPUT)
        if id(found) not in self.decided:
            options = self.options
            choice = Choice(options.select, options.extend_select, options.ignore)
            settings = evolve(
                found,
                choices=(*found.choices, choice),
                preview=found.preview or options.preview,
                fail_on=options.fail_on or found.fail_on,
            )
            for word in without_effect((*(choice.select or ()), *choice.extend_select), settings.preview):
                print(f"warning: `{word}` is in preview, and needs --preview", file=sys.stderr)
            self.decided[id(found)] = settings
        return self.decided[id(found)]

    def one_text(self, entry: _Entry, source: Source, settings: Settings) -> None:
        """Check a text, and change it if that is wanted."""
        options = self.options
        decisions = decided(options, source)
        codes = settings.codes_in(source.name, tuple(options.per_file_ignores)) if self.is_lint else settings.codes
        if entry.path is not None:
            self.files[entry.path] = None
            decisions = evolve(decisions, read=partial(self.read_used, decisions))

        def check_source(text: Source) -> Checked:
            return check(compile_source(text, entry.name, decisions), codes, settings.thresholds)

        checked = check_source(source)
        if options.fix or options.diff:
            checked = self.mend(entry, checked, check_source)
        elif options.add_noqa:
            checked = self.suppress(entry, checked, check_source)
        self.keep(checked.found, settings)
        self.fixable.update(found.fix is not None and found.fix.is_safe for found in fixable(checked, unsafe=True))

    def read_used(self, decisions: Options, path: str, user: Source) -> Source:
        """Return a file that another one uses."""
        source = decisions.read(path, user)
        self.files[source.name] = None
        return source

    def keep(self, found: Sequence[Diagnostic], settings: Settings) -> None:
        """Keep what is to be printed, once if several texts have it from the same file."""
        for diagnostic in found:
            span = diagnostic.span
            key = (os.path.realpath(span.source.name), span.start, diagnostic.code, diagnostic.message)
            if is_error(diagnostic.code):
                if key in self.told and not span.source.name.startswith("<"):
                    continue
                self.told.add(key)
            self.found.append(diagnostic)
            self.fails |= settings.fails_on(diagnostic.severity)

    # Changes

    def mend(self, entry: _Entry, checked: Checked, check_source: Callable[[Source], Checked]) -> Checked:
        """Make fixes, and return what is left to find; if only the difference is wanted, print that."""
        if not fixable(checked, self.options.unsafe_fixes):
            self.show_unchanged(entry, checked)
            return checked
        text = self.text_of(entry, checked)
        if text is None:
            return checked
        mended = mend(text, checked, check_source, self.options.unsafe_fixes)
        for refused in mended.refused:
            print(_refusal(refused), end="\n\n", file=sys.stderr)
        if self.options.diff:
            print(_difference(entry, text, mended), end="")
        elif not self.put(entry, mended.text):
            return checked
        self.fixed += mended.count
        return mended.checked

    def suppress(self, entry: _Entry, checked: Checked, check_source: Callable[[Source], Checked]) -> Checked:
        """Write comments that suppress what is found, and return what is left to find."""
        source = checked.result.program.source
        if checked.errors:
            print(f"{printable(source.name)}: no comments are written into a text with errors", file=sys.stderr)
            return checked
        edits, count = with_noqa(source, checked.found, checked.suppressions)
        text = self.text_of(entry, checked) if edits else None
        if text is None:
            self.show_unchanged(entry, checked)
            return checked
        edited = text.edited(edits)
        if not self.put(entry, edited):
            return checked
        self.noted += count
        return check_source(Source(source.name, edited.text))

    def text_of(self, entry: _Entry, checked: Checked) -> Text | None:
        """Return a text as its file has it; None, with a message, if that is not what was checked any more."""
        source = checked.result.program.source
        if entry.path is None:
            return Text.of(source.text)
        if os.path.exists(entry.path) and not os.path.isfile(entry.path):  # it cannot be read a second time
            print(f"{printable(source.name)}: it is a device or a pipe, and is left as it is", file=sys.stderr)
            return None
        try:
            text = Text.of(content_of(entry.path).decode())
        except (CompileError, ValueError):
            text = None
        if text is None or text.text != source.text:
            print(f"{printable(source.name)}: it has changed meanwhile, and is left as it is", file=sys.stderr)
            return None
        return text

    def put(self, entry: _Entry, text: Text) -> bool:
        """Write a text into its file, or print it if it is in none; False, with a message, where that fails."""
        if entry.path is None:
            self.prints_texts = True
            print(text.raw, end="" if text.raw.endswith("\n") else "\n")
            return True
        try:
            rewrite(entry.path, text.raw.encode())
        except CompileError as refused:
            self.keep(refused.diagnostics, _ERRORS_ALONE)
            return False
        return True

    def show_unchanged(self, entry: _Entry, checked: Checked) -> None:
        """Print a text from standard input that nothing is changed in, as a changed one would be printed."""
        if entry.path is None and not self.options.diff:
            self.put(entry, Text.of(checked.result.program.source.text))

    # What is printed

    def print_found(self) -> None:
        """Print what was found, in the form that is wanted. Raises CompileError where that cannot be written."""
        options = self.options
        stream = sys.stderr if self.prints_texts else sys.stdout
        if options.statistics:
            text = _statistics(self.found, options.output_format == "json")
        elif options.output_format == "full":
            colour = options.output_file is None and has_colour(stream)
            text = "\n\n".join(render(found, colour) for found in self.found)
        else:
            text = written(options.output_format, self.found)
        if options.output_format in ("full", "concise") and not (options.statistics and text):
            gap = "\n\n" if options.output_format == "full" and text else "\n" if text else ""
            text += gap + self.outcome()
        text += "\n" if text else ""
        if options.output_file is None:
            print(text, end="", file=stream)
        else:
            write_out(options.output_file, text, self.files)

    def outcome(self) -> str:
        """Return how much was found and mended, in a line."""
        left = len(self.found)
        if not left and not self.fixed:
            return "No problems found"
        if self.fixed:
            how = [f"{self.fixed} fixed", f"{left} remaining"]
        else:
            safe, unsafe = self.fixable[True], self.fixable[False]
            how = [f"{safe} fixable with --fix"] if safe else []
            how += [f"{unsafe} {'more' if safe else 'fixable'} with --fix --unsafe-fixes"] if unsafe else []
        counted = _counted(left + self.fixed, "problem")
        return f"Found {counted}" + (f" ({', '.join(how)})" if how else "")


_ERRORS_ALONE = Settings((Choice(select=()),))


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _refusal(refused: Refused) -> str:
    """Return why a fix was not made."""
    name, line, column = place(refused.diagnostic.span)
    name = printable(name)
    fault = "; that is a mistake in netdsl, please report it" if refused.is_ours else ""
    mistake = refused.mistake
    return (
        f"{name}:{line}:{column}: the fix of {refused.diagnostic.code} is not made, as with it there would be "
        f"{mistake.code}: {mistake.message}{fault}"
    )


def _difference(entry: _Entry, text: Text, mended: Mended) -> str:
    """Return what fixes change, as `diff -u` shows it."""
    from difflib import unified_diff

    name = entry.path or mended.checked.result.program.source.name
    lines = unified_diff(text.raw.splitlines(True), mended.text.raw.splitlines(True), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _statistics(found: Sequence[Diagnostic], is_json: bool) -> str:
    """Return how often each code was found, the most frequent first."""
    counts = Counter(diagnostic.code for diagnostic in found)
    mended = Counter(diagnostic.code for diagnostic in found if diagnostic.fix is not None and diagnostic.fix.is_safe)
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    if is_json:
        keys = ("code", "name", "count", "fixable_count")
        return dumped(
            [dict(zip(keys, (code, name_of_rule(code), counts[code], mended[code]), strict=True)) for code in ordered]
        )
    width = len(str(max(counts.values(), default=0)))
    lines = (
        f"{counts[code]:{width}}  {code}  {name_of_rule(code)}{' [*]' if mended[code] == counts[code] else ''}"
        for code in ordered
    )
    return "\n".join(lines)


# Watching

PAUSE = 0.5  # seconds between two looks at the files


def _watch(options: Namespace, is_lint: bool) -> int:
    """Check again and again, whenever a file has changed, until that is interrupted."""
    try:
        while True:
            if sys.stdout.isatty():
                print("\033[2J\033[3J\033[H", end="")
            last = Run(options, is_lint)
            last.finish()
            stamps = _stamps(options, last)
            sys.stdout.flush()
            print(f"\nWatching {_counted(len(last.files), 'file')}; Ctrl+C ends it", file=sys.stderr)
            while _stamps(options, last) == stamps:
                time.sleep(PAUSE)
    except KeyboardInterrupt:
        return DONE


def _stamps(options: Namespace, last: Run) -> dict[str, tuple[int, int] | None]:
    """Return when each file that matters was changed, and its size; None where there is no such file."""
    files = {*networks_in(options.files or [os.curdir]), *last.files}
    folders = {os.path.dirname(os.path.abspath(file)) for file in files} | {os.getcwd()}
    for folder in list(folders):
        while folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
            folders.add(folder)
    files |= {os.path.join(folder, name) for folder in folders for name in (OWN, PROJECT)}
    return {file: _stamp(file) for file in files | ({options.config} if getattr(options, "config", None) else set())}


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
