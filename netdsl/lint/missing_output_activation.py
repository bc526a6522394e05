"""C103: an output that is no probability, and a loss that takes its logarithm."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class MissingOutputActivation(Rule):
    code = "C103"
    name = "missing-output-activation"
    severity = "error"
    page = Page(
        what=(
            "A network trained by `cross_entropy`, `binary_cross_entropy` or `nll` whose last activation "
            "makes no probabilities."
        ),
        why=(
            "These losses take the logarithm of what the network says it believes. Of a value below 0 that is"
            " not a number, and of one above 1 it rewards mistakes."
        ),
        source="UMLAUT (Schoop et al., 2021); NeuraLint's rules 8 and 12; tf-encrypted's network B.",
        example="in 784 | dense 128 | relu | dense 10\ntrain loss=cross_entropy",
        instead="in 784 | dense 128 | relu | dense 10\ntrain loss=cross_entropy_logits",
        wrong_when="Never: where the network's output has been a probability by luck, say so by an activation.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            wanted = WANTED.get(end.loss)
            tails = list(view.tails(end))
            if wanted is None or not tails or any(tail.learner is None for tail in tails):
                continue
            if any(tail.activation and tail.activation.does and tail.activation.does.makes for tail in tails):
                continue
            tail = tails[0]
            place = tail.activation or tail.learner
            assert place is not None, "there is a last layer"
            what = "logarithms of probabilities" if end.loss == "nll" else "probabilities"
            cure, edits = f"end with `{wanted}`", view.edits.put_behind(place.span, wanted)
            if tail.activation is not None:
                edits = view.edits.replace(place.span, wanted)
            if end.loss != "nll":
                cure += f", or write `loss={end.loss}_logits`, which takes what comes before it"
            if wanted != "sigmoid" and place.units == 1:
                cure = "one unit is one probability: end with `sigmoid`, and write `loss=binary_cross_entropy`"
                edits = ()
            yield self.found(
                place.span,
                f"the loss `{end.loss}` takes {what}, and {place.text} leaves other numbers",
                place.flow,
                cure,
                end.related("loss", f"takes {what}"),
                self.fix(f"End with `{wanted}`", () if tail.is_joined else edits),
            )


WANTED = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "nll": "log_softmax"}
"""The activation that each loss takes the output of."""
