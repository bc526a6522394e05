"""T206: exp between layers."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, passes_or_rescales


class ExponentialActivation(Rule):
    code = "T206"
    name = "exponential-activation"
    severity = "warning"
    page = Page(
        what="`exp` as the activation of a hidden layer.",
        why="Each layer multiplies what it adds: values and gradients explode within a few layers, or steps.",
        source="AUTOTRAINER (Zhang et al., 2021).",
        example="in 2 | dense 5 | exp | dense 5 | exp | dense 1",
        instead="in 2 | dense 5 | tanh | dense 5 | tanh | dense 1",
        wrong_when=(
            "Never between layers; where a variance or a rate is wanted, `exp` stands at an output or "
            "multiplies something, and is left alone."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if place.does is None or not place.does.is_exponential:
                continue
            layer, _ = view.before(place, passes_or_rescales)
            following = next(
                (end for end, _ in view.after(place, passes_or_rescales) if end is not None and end.learns), None
            )
            if layer is None or not layer.learns or following is None:
                continue
            yield self.found(
                place.span,
                f"{place.text} is the activation of {layer.text}, a hidden layer: what {following.text} sees explodes",
                place.flow,
                "use `relu` or `tanh`",
                (Related(following.span, "the next layer that learns"),),
                self.fix("Use `tanh`", view.edits.replace(place.span, "tanh")),
            )
