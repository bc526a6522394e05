"""D305: a map that is flattened at full size."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from ..size import product
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number


class NoDownsampling(Rule):
    code = "D305"
    name = "no-downsampling"
    severity = "info"
    page = Page(
        what=(
            "At least two convolutions without a stride or a pool, and then a `flatten` of at least 16,384 "
            "values that keeps a quarter of the positions or more."
        ),
        why=(
            "The layer behind it has a weight for each of these values and each unit, and sees features of "
            "small patches alone."
        ),
        source="NeuraLint's rule 2; SO-42235611.",
        example="in 32x32x3 | conv 32@3x3 | relu | conv 32@3x3 | relu | flatten | dense 10",
        instead="in 32x32x3 | conv 32@3x3/2 | relu | conv 32@3x3/2 | relu | flatten | dense 10",
        wrong_when="Each position has a meaning of its own, as on a board.",
        limits=(
            "DQN flattens 3,136 values of a map of 7x7, LeNet-5 400, AlexNet 9,216 and VGG-16 25,088 behind five "
            "pools, which keep a thousandth of the positions. 16,384 are a map of 32x32 with 16 channels; the "
            "network of SO-42235611 has 869,632. A quarter of the positions is what one pool of 2 would leave."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if place.does is None or not place.does.flattens or not place.tensors or place.output is None:
                continue
            values = number(place.output.channels)
            if values is None or values < LEAST_VALUES:
                continue
            ahead = view.ahead((place,))
            inputs = [one for one in ahead if one.does is not None and one.does.is_input]
            if sum(one.is_affine and bool(one.slides) for one in ahead) < 2 or len(inputs) != 1:
                continue
            if any(one.is_pool or one.has_stride for one in ahead) or inputs[0].output is None:
                continue
            there, here = (number(product(x.positions)) for x in (inputs[0].output, place.tensors[0]))
            if here is None or there is None or here < LEAST_PART * there:
                continue
            yield self.found(
                place.span,
                f"{place.tensors[0]} is flattened, {values:,} values: the convolutions before have no stride, and no "
                f"pool follows, so that {100 * here // there} % of the positions are left",
                place.flow,
                "pool, or give the convolutions strides, before flattening; `pool global` leaves one value a channel",
                (Related(inputs[0].span, f"{inputs[0].output} enters"),),
            )


LEAST_VALUES, LEAST_PART = 16_384, 0.25
