"""C102: an output that is turned into probabilities twice."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class ActivationBeforeLogitsLoss(Rule):
    code = "C102"
    name = "activation-before-logits-loss"
    severity = "error"
    page = Page(
        what=(
            "A sigmoid or softmax at the end of a network whose loss is one of those with `_logits`, which "
            "takes what comes before such a function."
        ),
        why=(
            "The loss applies the function itself, so that it acts twice: what the network says is squeezed "
            "together, and gradients almost vanish."
        ),
        source="NeuraLint's rule 15.",
        example="in 784 | dense 128 | relu | dense 10 | softmax\ntrain loss=cross_entropy_logits",
        instead="in 784 | dense 128 | relu | dense 10\ntrain loss=cross_entropy_logits",
        wrong_when="Never.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            if not end.loss.endswith("_logits"):
                continue
            for last, does, _ in view.last_activations(end):
                if not does.makes:
                    continue
                plain = end.loss.removesuffix("_logits")
                yield self.found(
                    last.span,
                    f"{last.text} stands before the loss `{end.loss}`, which applies it itself, so that it acts twice",
                    "",
                    f"delete it, or write `loss={plain}`, which takes what it makes",
                    end.related("loss", "takes logits"),
                    self.fix(f"Delete {last.text}", view.edits.delete(last.span)),
                )
