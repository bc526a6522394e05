"""P402: a width that the hardware pads."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class TensorCoreAlignment(Rule):
    code = "P402"
    name = "tensor-core-alignment"
    severity = "info"
    is_default = False
    page = Page(
        what=(
            "A hidden layer with more than 1 % of the multiply-accumulates whose number of outputs is no "
            "multiple of 8, or a tied vocabulary that is no multiple of 64."
        ),
        why=(
            "Matrix units of GPUs work on blocks of 8 or more half-precision numbers; other widths are padded"
            " or fall back to slower code."
        ),
        source="NVIDIA's guide to the performance of deep learning.",
        example="in 64 | dense 250 | relu | dense 10",
        instead="in 64 | dense 256 | relu | dense 10",
        wrong_when="The network runs on something else, or its shape is given.",
        limits=(
            "8 numbers of half precision are the 16 bytes that NVIDIA's guide asks for; it names 64 as best on an "
            "A100, which is asked of vocabularies alone, whose layer is the largest. A layer with less than 1 % "
            "of the work cannot change the time by more."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        total = number(view.result.total.macs) if view.result.total is not None else None
        if not total:
            return
        for place in view.places:
            counts, units = place.counts, place.units
            macs = number(counts.macs) if counts is not None else None
            if not place.learns or units is None or macs is None or macs <= LEAST_PART * total:
                continue
            block = VOCABULARY if place.step.tied is not None else CHANNELS
            if units % block == 0 or (block == CHANNELS and not view.is_hidden(place)):
                continue
            better = units + -units % block
            yield self.found(
                place.span,
                f"{place.text} leaves {units} channels, which is no multiple of {block}",
                place.flow,
                f"{better} would run faster on the matrix units of a GPU",
                fix=self.fix(f"Use {better}", view.edits.set_number(place.span, units, better)),
            )


LEAST_PART = 0.01
CHANNELS, VOCABULARY = 8, 64
