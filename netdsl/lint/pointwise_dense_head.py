"""C110: a head that answers at every position."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, passes_or_rescales


class PointwiseDenseHead(Rule):
    code = "C110"
    name = "pointwise-dense-head"
    severity = "warning"
    page = Page(
        what=(
            "A network that ends in `linear` on the map or sequence of an input, of convolutions or of a "
            "pool, so that its output still has positions."
        ),
        why=(
            "`linear` maps the channels at each position by itself. Where one answer is wanted for the whole "
            "input, a `flatten` or a pool over all positions has been forgotten."
        ),
        source=(
            "Eleven Stack Overflow posts, SO-53119432 and SO-61030068 among them: Dense of Keras takes the "
            "last axis alone."
        ),
        example="in 30x1 | conv 64@3 | relu | pool 4 | linear 1 | sigmoid\ntrain loss=binary_cross_entropy",
        instead="in 30x1 | conv 64@3 | relu | pool 4 | flatten | dense 1 | sigmoid\ntrain loss=binary_cross_entropy",
        wrong_when=(
            "An answer for each position is wanted: say so by `train target=`, the shape of the labels, or "
            "use a convolution of one position."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            if end.training is not None and end.training.target is not None:
                continue  # it is said what is wanted
            for tail in view.tails(end):
                last, x = tail.learner, end.place.output
                if tail.is_joined or last is None or not last.is_pointwise or x is None or x.rank < 2:
                    continue
                source, between = view.before(last, lambda place: _is_between(place) or place.is_pointwise)
                if source is None or source.does is None or not _makes_positions(source):
                    continue
                first = next((place for place in reversed(between) if place.is_pointwise), last)
                units = "" if x.channels == 1 else f", of {x.channels} values each"
                positions = "x".join(map(str, x.positions))
                related = (Related(last.span, f"so {x} leaves the network"),) if last is not first else ()
                yield self.found(
                    first.span,
                    f"{first.text} maps each position by itself, so that the network gives {positions} answers{units}",
                    first.flow,
                    "for one answer put `flatten` or `pool global` before it; "
                    f"for one at each position say so: `train target={x}`",
                    related,
                    self.fix("Put `flatten` before it", view.edits.put_before(first.span, "flatten")),
                )


def _is_between(place: Place) -> bool:
    return passes_or_rescales(place) or place.is_activation


def _makes_positions(place: Place) -> bool:
    """Whether the positions behind a stage are those of the data: of an input, of convolutions, or of a pool."""
    assert place.does is not None, "it is known"
    return place.does.convolves or place.is_pool or (place.does.is_input and not place.does.needs_int)
