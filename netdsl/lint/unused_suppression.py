"""S607: comments that suppress nothing. They are found once all others are; see `linter.suppressions`."""

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
        what=(
            "A `# noqa` or `# netdsl: file-ignore` that suppresses nothing, or names a rule that there is none of, or "
            "an error, which cannot be suppressed."
        ),
        why=(
            "What the comment was for has been mended, or a letter is wrong. Left where it is, it would hide the next "
            "finding of its rule. A code is needless if its rule finds nothing there, whether the rule is on or off."
        ),
        source="Ruff has it for Python, as RUF100.",
        example="in 8 | dense 16 | relu | dense 10  # noqa: C106",
        instead="in 8 | dense 16 | relu | dense 10",
        wrong_when="The same file is checked by a version of netdsl that finds it still: `# noqa: C106, S607`.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        return iter(())
