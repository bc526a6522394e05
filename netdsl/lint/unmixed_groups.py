"""D322: groups of channels that never meet."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, is_between, number


class UnmixedGroups(Rule):
    code = "D322"
    name = "unmixed-groups"
    severity = "warning"
    page = Page(
        what=(
            "A convolution of three or more groups behind another one with as many, without a shuffle or a layer "
            "between that mixes all channels."
        ),
        why="Each group is a network of its own from end to end: nothing that one learns can be used by another.",
        source='Zhang, Zhou, Lin and Sun, 2018, "ShuffleNet", section 3.1.',
        example="in 28x28x64 | conv 64@3 same groups=8 | relu | conv 64@3/2 same groups=8 | relu | flatten | dense 10",
        instead=(
            "in 28x28x64 | conv 64@3 same groups=8 | relu | channel_shuffle 8 | conv 64@3/2 same groups=8 | relu\n"
            "| flatten | dense 10"
        ),
        wrong_when="Separate networks are meant, as an ensemble.",
        limits=(
            "AlexNet has two groups in a row, one for each of the devices that it was trained on, and joins them later."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            groups = _groups(place)
            if groups is None:
                continue
            first, _ = view.before(place, _keeps_apart)
            if first is None or _groups(first) != groups:
                continue
            yield self.found(
                place.span,
                f"{place.text} has the same {groups} groups as {first.text} before it, and nothing mixes them",
                place.flow,
                f"put `channel_shuffle {groups}` between them, or a convolution of one position without groups",
                (Related(first.span, f"{groups} groups"),),
                self.fix(
                    f"Put `channel_shuffle {groups}` before it",
                    view.edits.put_before(place.span, f"channel_shuffle {groups}"),
                ),
            )


FEWEST = 3


def _groups(place: Place) -> int | None:
    """Return the number of groups of a convolution; None of one without, or of one that takes each channel alone."""
    if place.does is None or not place.is_affine or not place.tensors or place.keeps_channels_apart:
        return None
    groups = number(place.does.parts(place.tensors[0]))
    return groups if groups is not None and groups >= FEWEST else None


def _keeps_apart(place: Place) -> bool:
    return is_between(place) or place.is_pool or (place.is_affine and place.keeps_channels_apart)
