"""Findings in the forms that people, editors and servers read; SARIF has a file of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..diagnostics import Diagnostic, printable
from ..source import Source, Span
from .selection import is_error, name_of

FORMATS = ("full", "concise", "json", "github", "gitlab", "sarif")


def written(format: str, found: Sequence[Diagnostic]) -> str:
    """Return findings in one of the forms but `full`, which `diagnostics.render` writes."""
    if format == "sarif":
        from .sarif import as_sarif

        return as_sarif(found)
    form: Callable[[Sequence[Diagnostic]], str] = _FORMS[format]
    return form(found)


def place(span: Span) -> tuple[str, int, int]:
    """Return the file, line and column where a place begins."""
    return (span.source.name, *span.source.line_and_column(span.start))


def is_file(source: Source) -> bool:
    """Whether a text is that of a file, and not from standard input, the command line or the library."""
    return not source.name.startswith("<") and os.path.exists(source.name)


def as_concise(found: Sequence[Diagnostic]) -> str:
    """Return a line for each finding, as compilers write it; [*] stands where `--fix` mends it."""
    return "\n".join(map(_line, found))


def _line(diagnostic: Diagnostic) -> str:
    name, line, column = place(diagnostic.span)
    star = "[*] " if diagnostic.fix is not None and diagnostic.fix.is_safe else ""
    return f"{printable(name)}:{line}:{column}: {diagnostic.code} {star}{_one_line(diagnostic.message)}"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" if c != "\n" else " " for c in text)


# JSON


def as_json(found: Sequence[Diagnostic]) -> str:
    """Return findings as a JSON list, under the names that ruff has for them; `docs/lint.schema.json` describes it."""
    return dumped([_object(diagnostic) for diagnostic in found])


def dumped(value: object) -> str:
    """Return plain values as JSON."""
    import json

    return json.dumps(value, indent=2, ensure_ascii=False)


def _object(diagnostic: Diagnostic) -> dict[str, Any]:
    fix = diagnostic.fix
    return {
        "code": diagnostic.code,
        "name": name_of(diagnostic.code),
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": diagnostic.help,
        **_located(diagnostic.span),
        "shapes": [[size if isinstance(size, int) else str(size) for size in shape] for shape in diagnostic.shapes],
        "related": [{"message": related.label, **_located(related.span)} for related in diagnostic.related],
        "fix": None
        if fix is None
        else {
            "applicability": "safe" if fix.is_safe else "unsafe",
            "message": fix.message,
            "edits": [{"content": edit.text, **_ends(edit.span)} for edit in fix.edits],
        },
        "noqa_row": None if is_error(diagnostic.code) else place(diagnostic.span)[1],
        "url": None,  # the pages of the rules are in `netdsl rule`, and have no address
    }


def _located(span: Span) -> dict[str, Any]:
    source = span.source
    return {"filename": os.path.abspath(source.name) if is_file(source) else source.name, **_ends(span)}


def _ends(span: Span) -> dict[str, Any]:
    places = {"location": span.start, "end_location": span.end}
    return {
        key: dict(zip(("row", "column"), span.source.line_and_column(at), strict=True)) for key, at in places.items()
    }


# GitHub and GitLab

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def as_github(found: Sequence[Diagnostic]) -> str:
    """Return the commands of a GitHub workflow that show findings in a change."""
    return "\n".join(map(_command, found))


def _command(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    name, line, column = place(span)
    end_line, end_column = span.source.line_and_column(span.end)
    properties = {
        "title": f"netdsl ({diagnostic.code})",
        "file": name.replace(os.sep, "/"),
        "line": line,
        "col": column,
        "endLine": end_line,
        "endColumn": end_column,
    }
    message = f"{name}:{line}:{column}: {diagnostic.code} {diagnostic.message}"
    message += f"\nhelp: {diagnostic.help}" if diagnostic.help else ""
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_GRADES = {"error": "major", "warning": "minor", "info": "info"}


def as_gitlab(found: Sequence[Diagnostic]) -> str:
    """Return a Code Quality report of GitLab, whose paths begin at the root of the project."""
    root = os.environ.get("CI_PROJECT_DIR") or os.curdir
    return dumped([_issue(diagnostic, root, finger) for diagnostic, finger in fingerprints(found)])


def _issue(diagnostic: Diagnostic, root: str, fingerprint: str) -> dict[str, Any]:
    source, span = diagnostic.span.source, diagnostic.span
    ends = {"begin": span.start, "end": span.end}
    return {
        "check_name": diagnostic.code,
        "description": f"{diagnostic.code}: {_one_line(diagnostic.message)}",
        "severity": _GRADES[diagnostic.severity],
        "fingerprint": fingerprint,
        "location": {
            "path": os.path.relpath(source.name, root).replace(os.sep, "/") if is_file(source) else source.name,
            "positions": {
                end: dict(zip(("line", "column"), source.line_and_column(at), strict=True)) for end, at in ends.items()
            },
        },
    }


def fingerprints(found: Sequence[Diagnostic]) -> Iterator[tuple[Diagnostic, str]]:
    """Return findings, each with what it is known by when lines before it have come or gone."""
    from hashlib import sha256

    seen: Counter[tuple[str, ...]] = Counter()
    for diagnostic in found:
        source, span = diagnostic.span.source, diagnostic.span
        name = os.path.relpath(source.name).replace(os.sep, "/") if is_file(source) else source.name
        facts = (name, diagnostic.code, diagnostic.message, span.text)
        yield (
            diagnostic,
            sha256("\0".join((*facts, str(seen[facts]))).encode(errors="surrogateescape")).hexdigest()[:32],
        )
        seen[facts] += 1


_FORMS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "concise": as_concise,
    "json": as_json,
    "github": as_github,
    "gitlab": as_gitlab,
}
