"""C105: an activation and a loss that do not go together."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Edit
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class OutputLossPairing(Rule):
    code = "C105"
    name = "output-loss-pairing"
    severity = "warning"
    page = Page(
        what=(
            "A last activation whose values mean something else than the loss takes them for: softmax with "
            "`binary_cross_entropy`, sigmoid with `cross_entropy`, softmax with a distance such as `mse`, and"
            " so on."
        ),
        why=(
            "Training runs, and makes something else small than was meant. A softmax shares one certainty out"
            " among classes that exclude each other; sigmoids decide for each by itself."
        ),
        source="Eight Stack Overflow posts, SO-51930566, SO-44399299 and SO-38648195 among them.",
        example="in 4 | dense 8 | relu | dense 3 | sigmoid\ntrain loss=cross_entropy",
        instead="in 4 | dense 8 | relu | dense 3 | softmax\ntrain loss=cross_entropy",
        wrong_when="A Brier score (softmax with `mse`) is wanted.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            for last, does, _ in view.last_activations(end):
                partner = _partner(end.loss, does.makes)
                if partner is None or (does.makes != "probability" and last.units == 1):
                    continue
                loss, activation = partner
                if activation == "softmax" and last.units == 1:  # of one unit it is always 1
                    loss, activation = "binary_cross_entropy", ""
                at = end.at("loss")
                edits = view.edits.replace(last.span, activation)
                if loss:
                    edits = () if at is None else (Edit(at, f"loss={loss}"),)
                cures = [f"use `{activation}` here"] if activation else []
                cures += [f"write `loss={loss}`"] if loss else []
                yield self.found(
                    last.span,
                    f"{last.text} makes {MEANING[does.makes]}, and the loss `{end.loss}` takes {TAKEN[end.loss]}",
                    last.flow,
                    " or ".join(cures),
                    end.related("loss", f"takes {TAKEN[end.loss]}"),
                    self.fix(cures[-1][:1].upper() + cures[-1][1:], edits),
                )


MEANING = {
    "probability": "a probability for each unit by itself",
    "distribution": "probabilities of classes that exclude each other",
    "log_distribution": "logarithms of probabilities",
}
TAKEN = {
    "cross_entropy": "probabilities of classes that exclude each other",
    "binary_cross_entropy": "a probability for each unit by itself",
    "nll": "logarithms of probabilities",
    "mse": "numbers of any size",
    "mae": "numbers of any size",
    "huber": "numbers of any size",
}


def _partner(loss: str, made: str) -> tuple[str, str] | None:
    """Return the loss to have instead, or the activation; None where the two go together."""
    if loss == "cross_entropy":
        return {"probability": ("", "softmax"), "log_distribution": ("nll", "")}.get(made)
    if loss == "binary_cross_entropy":
        return {"distribution": ("cross_entropy", ""), "log_distribution": ("nll", "")}.get(made)
    if loss == "nll":
        return {"distribution": ("", "log_softmax"), "probability": ("", "log_softmax")}.get(made)
    return ("cross_entropy", "") if loss in TAKEN and made == "distribution" else None
