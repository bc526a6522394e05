"""E013: labels of another shape than the output."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..size import same
from ..values import OPEN
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class TargetShapeMismatch(Rule):
    code = "E013"
    name = "target-shape-mismatch"
    severity = "error"
    page = Page(
        what="A `train` statement whose `target`, the shape of the labels, is not the shape of the output.",
        why=(
            "Frameworks either refuse, or stretch the smaller one over the larger and train something else "
            "than was meant."
        ),
        source="SO-50426349, SO-48978609, SO-63859629 and SO-64435490.",
        example="in 8x16 | lstm 32 seq | lstm 32 seq | linear 10 | softmax\ntrain loss=cross_entropy target=10",
        instead="in 8x16 | lstm 32 seq | lstm 32 | dense 10 | softmax\ntrain loss=cross_entropy target=10",
        wrong_when="Never; labels that are class numbers are declared by `labels=index`, and are left alone.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for end in view.ends:
            training, x = end.training, end.place.output
            if training is None or training.target is None or training.labels is not None or x is None:
                continue
            target = training.target
            if x.rank == len(target) and all(
                n is OPEN or same(n, m) is not False for n, m in zip(target, x.sizes, strict=True)
            ):
                continue
            wanted = "x".join("?" if n is OPEN else str(n) for n in target)
            last = next((tail.learner for tail in view.tails(end) if tail.learner is not None), end.place)
            blamed, why, cure = last, "", f"let it leave {wanted}, or write `target={x}` if the labels have that shape"
            if x.rank > len(target):
                blamed = _keeping_positions(view, end.place) or last
                is_sequence = blamed.does is not None and blamed.does.is_recurrent
                why = f": {blamed.text} keeps the {'x'.join(map(str, x.positions))} positions"
                cure = (
                    "leave out its `seq`, so that its last state leaves"
                    if is_sequence
                    else ("put `flatten` or `pool global` before it, which leave one answer")
                )
            elif x.rank == len(target) and x.positions != target[:-1]:
                shrinking = _losing_positions(view, end.place, target)
                if shrinking is not None:
                    blamed, why = shrinking, f": {shrinking.text} makes {shrinking.output} of {shrinking.tensors[0]}"
                    cure = f"leave its stride out, or bring the size back, as by `up 2`; the labels are {wanted}"
            yield self.found(
                blamed.span,
                f"the output is {x}, and the labels are {wanted}{why}",
                blamed.flow,
                cure,
                end.related("target", f"labels of {wanted}"),
            )


def _keeping_positions(view: View, end: Place) -> Place | None:
    """Return the last recurrent layer that leaves a sequence, else the first `linear` on positions."""
    way = _way_back(end)
    recurrent = (place for place in way if place.does is not None and place.does.is_recurrent)
    pointwise = (place for place in reversed(way) if place.is_pointwise)
    return next(recurrent, None) or next(pointwise, None)


def _losing_positions(view: View, end: Place, target: tuple[object, ...]) -> Place | None:
    """Return the first stage that leaves fewer positions than the labels have, of those that had as many."""
    for place in reversed(_way_back(end)):
        x = place.tensors[0] if place.tensors else None
        if x is None or place.output is None or not x.rank == place.output.rank == len(target):
            continue
        if x.positions == target[:-1] != place.output.positions:
            return place
    return None


def _way_back(place: Place) -> list[Place]:
    """Return the stages before one, each behind the first of its branches."""
    way = [place]
    while way[-1].inputs:
        way.append(way[-1].inputs[0])
    return way
