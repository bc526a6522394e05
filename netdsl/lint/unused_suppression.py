"""S607: a comment that suppresses nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class UnusedSuppression(Rule):
    code = "S607"
    name = "unused-suppression"
    severity = "warning"
    page = Page(
        what="A `# noqa` comment with a code that nothing on its line has.",
        why="It hides what may go wrong there later.",
        source="Ruff's rule RUF100.",
        example="in 8 | dense 4 | relu | dense 2  # noqa: C107",
        instead="in 8 | dense 4 | relu | dense 2",
        wrong_when="Never.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        yield from ()  # found where comments are looked at, once all other rules have run
