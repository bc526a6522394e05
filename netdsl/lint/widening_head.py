"""D309: dense layers that get wider."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, is_between


class WideningHead(Rule):
    code = "D309"
    name = "widening-head"
    severity = "info"
    is_default = False
    is_preview = True
    page = Page(
        what="A hidden dense layer with more units than the dense layer before it.",
        why=(
            "Behind the features a head narrows down to an answer; what one layer has not kept, a wider one "
            "cannot bring back."
        ),
        source="NeuraLint's rule 19; SO-55093959.",
        example="in 8 | dense 16 | relu | dense 128 | relu | dense 2",
        instead="in 8 | dense 128 | relu | dense 16 | relu | dense 2",
        wrong_when="On tables of few columns, widening works. Decoders and residual branches are left alone.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        if any(map(view.is_rebuilt, view.ends)):
            return
        decoding = view.leading_to(lambda place: place.does is not None and place.does.convolves)
        for place in view.places:
            if (
                not place.is_dense
                or not view.is_hidden(place)
                or place.units is None
                or view.is_in_branch(place, of_sum=False)
            ):
                continue
            first, _ = view.before(place, is_between)
            if first is None or not first.is_dense or first.units is None or first.units >= place.units:
                continue
            if place in decoding:
                continue
            yield self.found(
                place.span,
                f"{place.text} has more units than {first.text} before it, {place.units} after {first.units}",
                place.flow,
                "let a head get narrower towards the output",
                (Related(first.span, f"{first.units} units"),),
            )
