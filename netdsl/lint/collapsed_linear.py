"""C107: layers in a row that are one linear map together."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from ..source import Span
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, passes_or_rescales


class CollapsedLinear(Rule):
    code = "C107"
    name = "collapsed-linear"
    severity = "warning"
    page = Page(
        what=(
            "A conv or dense layer whose output reaches the next conv or dense without a non-linear function "
            "on the way. Dropout, flatten, reshape, average pools and batch norm do not bend anything; layer,"
            " group and rms norm do."
        ),
        why=(
            "A linear map of a linear map is a linear map: the two layers can learn nothing that one could "
            "not, and cost the parameters of both. Most often an activation has been forgotten."
        ),
        source="Ten of the Stack Overflow posts that NeuraLint and Tensfa collected.",
        example="in 48x48x1 | conv 64@3x3 | conv 64@3x3 | relu | pool 2 | flatten | dense 10",
        instead="in 48x48x1 | conv 64@3x3 | relu | conv 64@3x3 | relu | pool 2 | flatten | dense 10",
        wrong_when=(
            "A linear map was meant, as in the decoder of SegNet-basic. Silent where the first layer is a "
            "bottleneck, with fewer outputs than it has inputs and the next has outputs (MobileNetV2, "
            "low-rank factors), where channels stay apart (depthwise), for a pair of 1xN and Nx1, where "
            "the output is bent, or added to something, on another way, and for what brings an output to the size of "
            "the image."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        is_last: dict[Span, bool] = {}
        for place in view.places:
            if not place.is_affine or place.keeps_channels_apart:
                continue
            ways = [(end, between) for end, between in view.after(place, passes_or_rescales) if end is not None]
            if view.is_for_more(end for end, _ in ways):
                continue
            for following, between in ways:
                if following.enlarges and not view.is_hidden(following):
                    continue  # an output that is brought to the size of the image
                if following.is_affine and not following.keeps_channels_apart and not _is_factored(place, following):
                    norm = next((stage for stage in reversed(between) if stage.is_norm), place)
                    fix = self.fix("Put `relu` between them", view.edits.put_behind(norm.span, "relu"))
                    if norm.span not in is_last:
                        is_last[norm.span] = _is_last_somewhere(view, norm)
                    yield self.found(
                        place.span,
                        f"{place.text} feeds {following.text} with nothing in between that bends: "
                        "together they are one linear map",
                        place.cost,
                        f"put an activation between them: `{_shown(norm)} | relu`",
                        (Related(following.span, "the next layer that learns"),),
                        None if is_last[norm.span] else fix,
                    )
                    break


def _is_last_somewhere(view: View, place: Place) -> bool:
    """Whether what a stage makes is an output in one of its places, as in the last copy of a repeat."""
    return not view.is_everywhere(
        place, lambda at: all(end is not None for end, _ in view.after(at, passes_or_rescales))
    )


def _is_factored(first: Place, second: Place) -> bool:
    """Whether two layers are one linear map on purpose, as a product of two smaller ones."""
    if first.output is None or second.output is None or not first.tensors or not second.tensors:
        return True
    left, right = first.slides, second.slides
    if len(left) == len(right) > 1 and all(1 in (a.window, b.window) for a, b in zip(left, right, strict=True)):
        is_strip = (any(axis.window != 1 for axis in axes) for axes in (left, right))
        if all(is_strip):
            return True
    width = first.output.channels
    # what open sizes leave undecided may be a bottleneck
    return (width >= first.fan_in) is not True and (width >= second.output.channels) is not True


def _shown(place: Place) -> str:
    return place.text.strip("`")
