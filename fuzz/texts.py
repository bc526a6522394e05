"""The texts that fuzzing begins with: all those of the project, right and wrong ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from . import ROOT

CORPUS, CRASHES = ROOT / "fuzz" / "corpus", ROOT / "fuzz" / "crashes"
FOLDERS = ("examples", "netdsl/library", "tests/cases", "fuzz/corpus", "fuzz/crashes")


@cache
def texts() -> Mapping[str, str]:
    """Return every text of the project by its name."""
    files = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.net"))
    found = {path.relative_to(ROOT).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in files}
    for file in sorted((ROOT / "tests" / "data").glob("lint_*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            case = json.loads(line)
            for part in ("net", "fixed"):
                if case.get(part):
                    found[f"{file.stem} {case.get('id', len(found))} {part}"] = case[part]
    return found
