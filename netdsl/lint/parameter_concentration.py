"""D302: one dense layer that holds almost all parameters."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View, number

LEAST = 5_000_000
"""Below, it does not matter where the parameters are."""


class ParameterConcentration(Rule):
    code = "D302"
    name = "parameter-concentration"
    severity = "warning"
    page = Page(
        what=(
            "A network with convolutions and at least 5 million parameters, of which one dense layer holds "
            "more than 90 %."
        ),
        why=(
            "A map that is flattened before it has become small makes the first dense layer huge: it costs "
            "memory, overfits, and learns every feature anew for every position. A pool over all positions, "
            "or more strides before, does away with it."
        ),
        source=(
            "AlexNet and VGG had such layers; Network in Network (Lin et al., 2013) and everything since "
            "average over all positions instead."
        ),
        example="in 100x100x1 | conv 60@7x7 | relu | conv 100@5x5 | relu | pool 2 | dense 250 | relu | dense 1",
        instead="in 100x100x1 | conv 60@7x7/4 | relu | conv 100@5x5/2 | relu | pool 2 | dense 250 | relu | dense 1",
        wrong_when="Each position has a meaning of its own, as on a board or a fixed grid.",
        options=(
            "`parameter-share` (0.9). VGG-16 has 74 % in its first dense layer, and the networks that this "
            "rule was drawn up on between 95 % and 99.9 %; below 5 million parameters it does not matter "
            "(Keras' example for CIFAR-10 has 94 % of 1.25 million)."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        total = number(view.result.total.total) if view.result.total is not None else None
        has_convolutions = any(place.does is not None and place.does.convolves for place in view.places)
        if total is None or total < LEAST or not has_convolutions:
            return
        for place in view.places:
            does, counts = place.does, place.counts
            held = number(counts.total) if counts is not None else None
            if does is None or not (does.is_affine and does.sees_all) or held is None:
                continue
            if held <= settings.parameter_share * total:
                continue
            source, _ = view.before(place, lambda stage: stage.passes and not stage.is_pool)
            related: tuple[Related, ...] = ()
            if source is not None and source.output is not None and source.output.rank > 1:
                values = f"{source.output} leaves here, which is {place.tensors[0].channels:,} values"
                related = (Related(source.span, values),)
            yield self.found(
                place.span,
                f"{place.text} holds {100 * held / total:.1f} % of all parameters: {held:,} of {total:,}",
                f"{place.tensors[0].channels:,} values enter",
                "shrink the map before it: more strides or pools, or `pool global`, which leaves one value a channel",
                related,
            )
