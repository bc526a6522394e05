"""X505: an order that differs between frameworks."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number, passes


class FlattenOrder(Rule):
    code = "X505"
    name = "flatten-order"
    severity = "info"
    is_default = False
    page = Page(
        what="A map that is flattened before a dense layer.",
        why=(
            "Keras flattens channels last, PyTorch code often channels first: the rows of the dense layer's "
            "kernel are in another order, and weights that are moved by hand have to be permuted."
        ),
        source="Keras' `data_format`; Keras 2 had `convert_dense_weights_data_format` for such weights.",
        example="in 28x28x3 | conv 8@3x3 | relu | flatten | dense 10",
        instead="in 28x28x3 | conv 8@15x15 | relu | pool global | dense 10",
        wrong_when="Weights are moved by netdsl, which permutes them.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if place.does is None or not place.does.flattens or not place.tensors or place.tensors[0].rank < 3:
                continue
            reader = next((end for end, _ in view.after(place, passes) if end is not None and end.is_dense), None)
            if reader is not None and any(number(n) != 1 for n in place.tensors[0].positions):
                yield self.found(
                    place.span,
                    f"{place.text} makes a row of {place.tensors[0]}, channels last, for {reader.text}, whose weights "
                    "are in another order in code that flattens channels first",
                    place.flow,
                    "permute the kernel where weights are moved by hand; `netdsl.weights` does",
                    (Related(reader.span, "its weights follow that order"),) if reader.span != place.span else (),
                )
