"""T208: a batch norm behind an activation."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class NormAfterActivation(Rule):
    code = "T208"
    name = "norm-after-activation"
    severity = "info"
    is_default = False
    is_preview = True
    page = Page(
        what="A batch norm directly behind an activation.",
        why="Ioffe and Szegedy put it before, where values are closest to normal; behind `relu` half of them are zero.",
        source="Neurarch's rule R05. It is contested: some networks train better this way.",
        example="in 28x28x1 | conv 32@3x3/2 | relu | bn | flatten | dense 10",
        instead="in 28x28x1 | conv 32@3x3/2 nobias | bn | relu | flatten | dense 10",
        wrong_when="Often: this rule is a matter of taste.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for norm in view.places:
            place = norm.inputs[0] if norm.does is not None and norm.does.keeps_statistics and norm.inputs else None
            if place is None or not place.is_activation:
                continue
            gone, put = view.edits.delete(place.span), view.edits.put_behind(norm.span, place.step.text)
            yield self.found(
                norm.span,
                f"{norm.text} stands behind {place.text}, which has cut off a part of what it measures",
                norm.flow,
                f"put it before the activation: `bn | {place.step.text}`",
                (Related(place.span, "the activation"),),
                self.fix(f"Put {norm.text} first", (*gone, *put) if gone and put else ()),
            )
