"""D311: a pool behind every convolution."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, is_between


class PoolAfterEveryConv(Rule):
    code = "D311"
    name = "pool-after-every-conv"
    severity = "info"
    is_default = False
    is_preview = True
    page = Page(
        what="A network of at least five convolutions with a pool behind each.",
        why=(
            "Convolutions in a row see more of the image with fewer parameters than one before each pool, and"
            " the map is small before much has been learned."
        ),
        source="NeuraLint's rule 25.",
        example="in 128x128x3 | for c in [16, 32, 64, 128, 256] (conv c@3x3 same | relu | pool 2) | flatten | dense 10",
        instead=(
            "in 128x128x3 | for c in [16, 32, 64] (conv c@3x3 same | relu | conv c@3x3 same | relu | pool 2) "
            "| flatten | dense 10"
        ),
        wrong_when="The network has to be small and fast, as the tiny ones of YOLO.",
        limits=(
            "Up to four convolutions with a pool each are the networks of most tutorials, for images of 28 to 150 "
            "pixels."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        layers = [place for place in view.places if place.looks_around]
        if len(layers) < FEWEST:
            return
        ends = [next((end for end, _ in view.after(place, is_between)), None) for place in layers]
        if not all(end is not None and end.is_pool and end.slides for end in ends):
            return
        yield self.found(
            layers[0].span,
            f"each of the {len(layers)} convolutions has a pool behind it",
            layers[0].flow,
            "put two or three convolutions before each pool",
        )


FEWEST = 5
