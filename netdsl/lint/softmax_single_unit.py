"""C101: a softmax over one value."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class SoftmaxSingleUnit(Rule):
    code = "C101"
    name = "softmax-single-unit"
    severity = "error"
    page = Page(
        what="A softmax, or its logarithm, along an axis that has one element.",
        why="What a softmax returns sums to 1 along its axis. Of one element that is 1 for every input (or 0, its "
        "logarithm), no gradient passes, and the network cannot learn.",
        source="The most frequent mistake in the programs that NeuraLint, DeepLocalize and DeepFD were tried on: 13 of "
        "them, all from Stack Overflow.",
        example="in 10 | dense 32 | relu | dense 1 | softmax\ntrain loss=binary_cross_entropy",
        instead="in 10 | dense 32 | relu | dense 1 | sigmoid\ntrain loss=binary_cross_entropy",
        wrong_when="Never.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            does = place.does
            if does is None or not does.makes.endswith("distribution") or not place.tensors:
                continue
            x = place.tensors[0]
            if number(x.sizes[does.axis]) != 1:  # type: ignore[attr-defined]
                continue
            always = "1" if does.makes == "distribution" else "0"
            yield self.found(
                place.span,
                f"{place.text} over a single value is always {always}, whatever enters",
                f"{x} enters",
                "one unit that says yes or no takes `sigmoid`; for a number that is any, leave the activation out; "
                "several classes need a unit each",
                fix=self.fix("Use `sigmoid`", view.edits.replace(place.span, "sigmoid")),
            )
