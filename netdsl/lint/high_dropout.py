"""T204: dropout of most values."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class HighDropout(Rule):
    code = "T204"
    name = "high-dropout"
    severity = "info"
    page = Page(
        what="Dropout with a rate above 0.5; above 0.8 it is a warning.",
        why=(
            "At 0.5 the number of different networks that training draws is largest; above, most of what a "
            "layer has learned is thrown away in each step."
        ),
        source="UMLAUT (Schoop et al., 2021); SO-60566498.",
        example="in 64 | dense 256 | relu | dropout 0.9 | dense 10",
        instead="in 64 | dense 256 | relu | dropout 0.5 | dense 10",
        wrong_when="The layer is very wide, or the rate was tuned.",
        limits=(
            "0.5 is the rate of the paper on dropout, of AlexNet and of VGG. At 0.8 and above, what is left has "
            "five times its size and more; no network of the zoo drops that much."
        ),
        options="`max-dropout` (0.5): AlexNet and VGG have that rate, at which what is drawn varies most.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        most = Fraction(str(settings.max_dropout))
        for place in view.places:
            if (place.rate > most) is not True:
                continue
            share = float(100 * place.rate)
            yield self.found(
                place.span,
                f"{place.text} throws away {share:g} % of the values in each step",
                place.flow,
                f"{float(most):g} is the highest rate that is usual",
                severity="warning" if place.rate > FAR_TOO_MUCH else "",
            )


FAR_TOO_MUCH = Fraction(4, 5)
