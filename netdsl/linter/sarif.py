"""Findings as SARIF 2.1.0, with the pages of their rules, their fixes, and the other places that they are about.

Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard, 2020.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..diagnostics import Diagnostic, Edit, Related
from ..lint import RULES
from ..source import Source, Span
from .formats import dumped, fingerprints, is_file
from .pages import markdown, page, sentence
from .selection import name_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def as_sarif(found: Sequence[Diagnostic]) -> str:
    """Return findings as a SARIF log of one run; columns count characters, which SARIF calls code points."""
    codes = sorted({diagnostic.code for diagnostic in found})
    levels = {diagnostic.code: LEVELS[diagnostic.severity] for diagnostic in found}
    run = {
        "tool": {
            "driver": {
                "name": "netdsl",
                "version": __version__,
                "rules": [_rule(code, levels[code]) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"uri": f"file://{quote(os.getcwd().replace(os.sep, '/'))}/"}},
        "results": [_result(diagnostic, codes, fingerprint) for diagnostic, fingerprint in fingerprints(found)],
    }
    return dumped({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str, level: str) -> dict[str, Any]:
    described = {"id": code, "name": name_of(code)}
    if code not in RULES:
        return {**described, "shortDescription": {"text": sentence(code)}, "defaultConfiguration": {"level": level}}
    return {
        **described,
        "shortDescription": {"text": sentence(code)},
        "fullDescription": {"text": RULES[code].page.what},
        "help": {"text": page(code), "markdown": markdown(code)},
        "defaultConfiguration": {"level": LEVELS[RULES[code].severity], "enabled": RULES[code].is_default},
    }


def _result(diagnostic: Diagnostic, codes: Sequence[str], fingerprint: str) -> dict[str, Any]:
    result = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": LEVELS[diagnostic.severity],
        "message": {"text": _message(diagnostic)},
        "locations": [{"physicalLocation": _place(diagnostic.span)}],
        "partialFingerprints": {"netdsl/v1": fingerprint},
    }
    if diagnostic.related:
        result["relatedLocations"] = [_related(number, one) for number, one in enumerate(diagnostic.related, 1)]
    if diagnostic.shapes:
        result["properties"] = {"shapes": ["x".join(map(str, shape)) for shape in diagnostic.shapes]}
    if diagnostic.fix is not None:
        by_file: dict[Source, list[Edit]] = {}
        for edit in diagnostic.fix.edits:
            by_file.setdefault(edit.span.source, []).append(edit)
        fix = {
            "description": {"text": diagnostic.fix.message},
            "artifactChanges": [
                {"artifactLocation": _artifact(source), "replacements": [_replacement(edit) for edit in edits]}
                for source, edits in by_file.items()
            ],
            "properties": {"applicability": "safe" if diagnostic.fix.is_safe else "unsafe"},
        }
        result["fixes"] = [fix]
    return result


def _message(diagnostic: Diagnostic) -> str:
    return diagnostic.message + (f"\n{diagnostic.help}" if diagnostic.help else "")


def _related(number: int, related: Related) -> dict[str, Any]:
    return {"id": number, "physicalLocation": _place(related.span), "message": {"text": related.label}}


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}


def _place(span: Span) -> dict[str, Any]:
    return {"artifactLocation": _artifact(span.source), "region": _region(span)}


def _artifact(source: Source) -> dict[str, Any]:
    """Return where a text is: below the current folder, where a server looks for it, if it lies there."""
    if not is_file(source):
        return {"uri": quote(source.name.strip("<>"))}
    path = os.path.relpath(source.name)
    if path.startswith(os.pardir):
        return {"uri": f"file://{quote(os.fsencode(os.path.abspath(source.name).replace(os.sep, '/')))}"}
    return {"uri": quote(os.fsencode(path.replace(os.sep, "/"))), "uriBaseId": ROOT}


def _region(span: Span) -> dict[str, int]:
    start, end = span.source.line_and_column(span.start), span.source.line_and_column(span.end)
    return {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}
