"""C108: a softmax inside of a network."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, passes


class HiddenSoftmax(Rule):
    code = "C108"
    name = "hidden-softmax"
    severity = "warning"
    page = Page(
        what="A softmax over the channels between two layers that learn.",
        why=(
            "It leaves values that sum to 1, so that units can grow only at the cost of others, and the more "
            "there are the smaller they get. It is made for outputs and for weighting."
        ),
        source='Bridle, 1990, "Probabilistic interpretation of feedforward classification network outputs".',
        example="in 64 | dense 32 | softmax | dense 10",
        instead="in 64 | dense 32 | relu | dense 10",
        wrong_when=(
            "The units are to compete. Where it weights something, in attention, a gate or a pool, it "
            "multiplies, and is left alone."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            does = place.does
            if does is None or does.makes != "distribution" or not place.tensors:
                continue
            if does.axis not in (-1, place.tensors[0].rank - 1):  # type: ignore[attr-defined]
                continue
            layer, _ = view.before(place, passes)
            following = next((end for end, _ in view.after(place, passes) if end is not None and end.learns), None)
            if layer is None or not layer.learns or following is None:
                continue
            yield self.found(
                place.span,
                f"{place.text} is the activation of {layer.text}, a hidden layer: its values sum to 1, so that "
                f"{following.text} sees next to nothing",
                place.flow,
                "use `relu` or another activation of single values",
                (Related(following.span, "learns from it"),),
                self.fix("Use `relu`", view.edits.replace(place.span, "relu")),
            )
