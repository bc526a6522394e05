"""P403: one tensor that takes most of the memory."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.memory import BYTES, inference_bytes
from ..diagnostics import Diagnostic
from ..size import product
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class ActivationMemory(Rule):
    code = "P403"
    name = "activation-memory"
    severity = "info"
    is_default = False
    page = Page(
        what="A tensor that takes more than half of the memory that activations take at their peak.",
        why="Shrinking this one is what makes the network smaller in use, or its batch larger.",
        source='Lin, Chen, Cai, Gan and Han, 2021, "MCUNetV2": few layers make the peak of a whole network.',
        example="in 16x16x8 | conv_transpose 8@16x16/16",
        instead="in 16x16x8 | conv_transpose 2@2x2/2",
        wrong_when="Memory is no concern.",
        limits=(
            "Half: a tensor and what is made of it are both alive, so that in a network of equal maps no tensor "
            "takes more than half of the peak."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        total = view.result.total
        if total is None or not view.ends:
            return
        peak = number(inference_bytes(view.result.network, total) - total.total * BYTES)
        sizes = [(number(product(place.output.sizes)) or 0, place) for place in view.places if place.output is not None]
        largest, place = max(sizes, key=lambda one: one[0], default=(0, None))
        if peak is None or place is None or largest * BYTES <= LARGEST_PART * peak:
            return
        yield self.found(
            place.span,
            f"what leaves {place.text} takes {largest * BYTES:,} of the {peak:,} bytes of activations at their peak",
            place.flow,
            "a stride or fewer channels here save the most",
        )


LARGEST_PART = 0.5
