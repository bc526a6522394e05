"""C114: a norm directly before the output."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, passes


class NormAtOutput(Rule):
    code = "C114"
    name = "norm-at-output"
    severity = "info"
    page = Page(
        what="A norm behind the last layer that learns, with nothing but dropout and the like behind it.",
        why=(
            "It takes the scale out of the answer: what leaves has the mean and variance of the norm's own "
            "weights, whatever the layer before says."
        ),
        source='Ioffe and Szegedy, 2015, "Batch normalization", who normalise what enters an activation.',
        example="in 64 | dense 32 | relu | dense 10 nobias | bn\ntrain loss=mse",
        instead="in 64 | dense 32 nobias | bn | relu | dense 10\ntrain loss=mse",
        wrong_when="The output is an encoding for something else. Behind sums, as in a transformer, it is left alone.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            norm: Place | None = end.place
            if norm is not None and norm.passes:
                norm, _ = view.before(norm, passes)
            if norm is None or not norm.is_norm:
                continue
            layer, _ = view.before(norm, passes)
            if layer is not None and layer.is_affine:
                yield self.found(
                    norm.span,
                    f"{norm.text} is the last before the output, and takes the scale out of what {layer.text} says",
                    norm.flow,
                    "put it before the activation of a hidden layer",
                    (Related(layer.span, "the last layer that learns"),),
                )
