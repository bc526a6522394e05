"""S605: a flatten that is not written."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class ImplicitFlatten(Rule):
    code = "S605"
    name = "implicit-flatten"
    severity = "info"
    is_default = False
    page = Page(
        what="A `dense` on a map, which flattens it first.",
        why="Where a map ends and a vector begins is worth seeing; some teams want it written.",
        source="The Zen of Python: explicit is better than implicit.",
        example="in 28x28x1 | dense 32 | relu | dense 10",
        instead="in 28x28x1 | flatten | dense 32 | relu | dense 10",
        wrong_when="It is a matter of taste.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if place.does is not None and place.does.flattens and not place.is_written and place.tensors:
                yield self.found(
                    place.span,
                    f"`{place.span.text}` flattens {place.tensors[0]}, and does not say so",
                    place.flow,
                    f"write `flatten | {place.span.text}`",
                    fix=self.fix("Write `flatten`", view.edits.put_before(place.span, "flatten"), is_safe=True),
                )
