"""S601: an option that says what is so anyway."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..layer import Argument, arguments, default_of, required
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class RedundantDefault(Rule):
    code = "S601"
    name = "redundant-default"
    severity = "info"
    is_default = False
    page = Page(
        what="An argument that has the value of its default.",
        why="It makes a reader look for the reason.",
        source="Ruff has it for `open`, as UP015.",
        example="in 28x28x1 | conv 8@3x3 valid groups=1 | relu | flatten | dense 10",
        instead="in 28x28x1 | conv 8@3x3 | relu | flatten | dense 10",
        wrong_when="Defaults of other frameworks differ, and the text says so for their users.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            stage = view.edits.stage(place.span)
            if place.does is None or not place.is_written or not isinstance(stage, tree.Layer):
                continue
            if stage.name.text != place.does.keyword:
                continue
            declared = arguments(type(place.does))
            for written in stage.arguments:
                name = _argument(written, declared)
                if name is None or name in required(type(place.does)):
                    continue
                if getattr(place.does, name) == default_of(type(place.does), name) is not None:
                    yield self.found(
                        written.span,
                        f"`{written.span.text}` is the default of `{place.does.keyword}`",
                        "",
                        "leave it out",
                        fix=self.fix("Leave it out", view.edits.drop_argument(place.span, written), is_safe=True),
                    )


def _argument(written: tree.Argument, declared: dict[str, Argument]) -> str | None:
    """Return the argument that is set by a word or by a value that is written out; None for anything else."""
    if isinstance(written, tree.Name):
        words = (name for name, argument in declared.items() if written.text in argument.words)
        return next(words, None)
    if isinstance(written, tree.Keyword) and isinstance(written.value, tree.Number | tree.Truth):
        words = (name for name, argument in declared.items() if written.name.text in argument.words)
        return written.name.text if written.name.text in declared else next(words, None)
    return None
