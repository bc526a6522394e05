"""The corpus: of what the engines have found, short texts that reach code which no other text of the project does."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from . import ROOT
from .shrink import failure_of
from .texts import CORPUS, texts

LONGEST = 400
"""Characters of a text of the corpus."""

PACKAGE = str(ROOT / "netdsl") + "/"


class Reach:
    """The lines of the compiler that have been reached."""

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()
        self.left: dict[CodeType, set[int]] = {}

    def add(self, text: str) -> bool:
        """Examine a text; return whether it reaches a line that was not reached before."""
        before = len(self.lines)
        sys.settrace(self.enter)
        try:
            failure_of(text)
        finally:
            sys.settrace(None)
        return len(self.lines) > before

    def enter(self, frame: FrameType, event: str, argument: object) -> Any:
        """Look at the lines of a function, while there are some that have not been reached."""
        code = frame.f_code
        if code not in self.left:
            ours = code.co_filename.startswith(PACKAGE)
            self.left[code] = {line for _, _, line in code.co_lines() if line is not None} if ours else set()
        return self.step if self.left[code] else None

    def step(self, frame: FrameType, event: str, argument: object) -> Any:
        """Note a line."""
        left = self.left[frame.f_code]
        if event == "line" and frame.f_lineno in left:
            left.discard(frame.f_lineno)
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.step


def keep(folder: Path) -> None:
    """Put texts that the engines have found into the corpus, where they reach what others do not."""
    reach = Reach()
    for text in texts().values():
        reach.add(text)
    print(f"the texts of the project reach {len(reach.lines):,} lines of the compiler")
    found = {path.read_bytes() for path in folder.glob("*/grown/*") if path.stat().st_size <= LONGEST}
    kept = 0
    for data in sorted(found, key=lambda data: (len(data), data)):
        text = data.decode("utf-8", "replace")
        if "\0" not in text and reach.add(text) and failure_of(text) is None:
            kept += 1
            (CORPUS / f"{sha256(data).hexdigest()[:12]}.net").write_bytes(text.encode())
    print(f"{kept} of {len(found):,} are new in the corpus, with which it is {len(reach.lines):,} lines")
