"""D301: a layer narrower than the output."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, is_between


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
        wrong_when=(
            "A low rank is meant, as of embeddings. A network that returns what entered is left alone, and so are "
            "layers that grow until one has as many units as the output, as in a generator."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            tails = () if view.is_rebuilt(end) else view.tails(end)
            for last in (tail.learner for tail in tails if tail.learner is not None and not tail.is_joined):
                for narrow in _narrower(view, last):
                    yield self.found(
                        narrow.span,
                        f"{narrow.text} has fewer units than the output, {last.text}: {narrow.units} numbers have "
                        f"to hold what {last.units} say",
                        narrow.flow,
                        f"give it at least {last.units} units",
                        (Related(last.span, "the output"),),
                    )


def _narrower(view: View, last: Place) -> Iterator[Place]:
    """Return the dense layers before the last with fewer units, but those that grow to as many, as in a generator."""
    most = last.units
    place, widest = last, 0
    while most is not None and place.is_dense:
        before, _ = view.before(place, is_between)
        if before is None or not before.is_dense or before.units is None:
            return
        place = before
        grows = widest >= most and (before.units > before.fan_in) is True
        if before.units < most and not grows:
            yield before
        widest = max(widest, before.units)
