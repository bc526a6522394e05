"""D301: a layer narrower than the output."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from ..size import product
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, is_between, number


class HiddenNarrowerThanOutput(Rule):
    code = "D301"
    name = "hidden-narrower-than-output"
    severity = "info"
    page = Page(
        what=(
            "A hidden dense layer with fewer units than the output layer has, with only dense layers, "
            "activations and norms between."
        ),
        why=(
            "All that the outputs can tell apart has to go through it: with two units before twenty classes, "
            "classes share directions."
        ),
        source='Szegedy et al., 2016, "Rethinking the inception architecture", the first principle; SO-50306988.',
        example="in 2 | dense 2 | sigmoid | dense 3 | softmax",
        instead="in 2 | dense 16 | sigmoid | dense 3 | softmax",
        wrong_when="A low rank is meant, as of embeddings. A network that returns what entered is left alone.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        sizes = {number(product(place.output.sizes)) for place in view.inputs() if place.output is not None}
        for end in view.ends:
            if end.place.output is None or number(product(end.place.output.sizes)) in sizes:
                continue
            for tail in view.tails(end):
                last = tail.learner
                if tail.is_joined or last is None or not last.is_dense or last.units is None:
                    continue
                narrow: Place | None = last
                while narrow is not None and narrow.is_dense:
                    if narrow.units is not None and narrow.units < last.units:
                        yield self.found(
                            narrow.span,
                            f"{narrow.text} has fewer units than the output, {last.text}: {narrow.units} numbers have "
                            f"to hold what {last.units} say",
                            narrow.flow,
                            f"give it at least {last.units} units",
                            (Related(last.span, "the output"),),
                        )
                    narrow, _ = view.before(narrow, is_between)
