"""P407: a recurrent layer that runs on slow code."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class RnnOffCudnn(Rule):
    code = "P407"
    name = "rnn-off-cudnn"
    severity = "info"
    is_default = False
    page = Page(
        what="An `lstm` or `gru` without biases.",
        why="Keras uses the fast code of cuDNN only for layers with biases, and loops over the positions otherwise.",
        source="Keras' documentation of LSTM and GRU.",
        example="in 50x8 | lstm 64 nobias | dense 2",
        instead="in 50x8 | lstm 64 | dense 2",
        wrong_when="The network is not for Keras on a GPU.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            does = place.does
            if does is None or not does.is_recurrent or getattr(does, "bias", True) is not False or does.gates == 1:  # type: ignore[attr-defined]
                continue
            yield self.found(
                place.span,
                f"{place.text} has no biases, so Keras runs it without cuDNN, position by position",
                place.flow,
                "leave `nobias` out; the biases are a small part of its parameters",
            )
