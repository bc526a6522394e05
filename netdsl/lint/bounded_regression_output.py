"""C119: a number that cannot leave a range."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class BoundedRegressionOutput(Rule):
    code = "C119"
    name = "bounded-regression-output"
    severity = "info"
    page = Page(
        what="A single output behind `sigmoid`, `tanh` or the like that is trained by a distance such as `mse`.",
        why=(
            "Such an output stays between 0 and 1, or between -1 and 1, and learns slowly near these: what "
            "lies outside can never be said."
        ),
        source="SO-48221692.",
        example="in 1 | dense 5 | relu | dense 1 | sigmoid\ntrain loss=mse",
        instead="in 1 | dense 5 | relu | dense 1\ntrain loss=mse",
        wrong_when="The labels have been scaled to that range.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            x = end.place.output
            if end.loss not in DISTANCES or x is None or x.rank != 1 or number(x.channels) != 1:
                continue
            for last, does, _ in view.last_activations(end):
                if not does.is_saturating:
                    continue
                least = -1 if does.is_centred else 0
                yield self.found(
                    last.span,
                    f"{last.text} keeps the output between {least} and 1, and the loss `{end.loss}` compares it with "
                    "any number",
                    last.flow,
                    "leave it out, unless the labels are scaled to that range",
                    end.related("loss", "a distance between numbers"),
                    self.fix(f"Delete {last.text}", view.edits.delete(last.span)),
                )


DISTANCES = ("mse", "mae", "huber")
