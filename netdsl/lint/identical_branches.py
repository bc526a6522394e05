"""C121: two branches that are the same."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related, quoted
from ..network import Use
from ..source import Span
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class IdenticalBranches(Rule):
    code = "C121"
    name = "identical-branches"
    severity = "warning"
    page = Page(
        what=(
            "An `add` or `concat` of two branches that are written alike, with weights of their own and "
            "nothing random in them."
        ),
        why=(
            "Most often one has been copied to be changed, and was not. Two equal branches side by side are "
            "one of twice the width, and their sum says no more than one."
        ),
        source="Branches that are the same are found in every language, as by S3923 of Sonar and V523 of PVS-Studio.",
        example="in 32x32x8 | concat(conv 16@3x3 same | relu, conv 16@3x3 same | relu) | pool global | dense 10",
        instead="in 32x32x8 | concat(conv 16@3x3 same | relu, conv 16@5x5 same | relu) | pool global | dense 10",
        wrong_when="An ensemble. Branches of `each` are meant to be alike, and are left alone.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        structures: dict[tuple[object, ...], int] = {}
        known: dict[Place, int] = {}
        for place in view.places:
            sources = tuple(known[source] for source in place.inputs)
            is_own = place.does is None or place.does.is_input
            key: tuple[object, ...] = (place,) if is_own else (place.does, place.step.is_frozen, *sources)
            known[place] = structures.setdefault(key, len(structures))
            if not place.joins or place.does is None or not (place.does.adds or place.does.gathers):
                continue
            first: dict[int, Place] = {}
            for branch in place.inputs:
                other = first.setdefault(known[branch], branch)
                if other is branch:
                    continue
                differing = [pair for pair in zip(_chain(other), _chain(branch), strict=False) if pair[0] != pair[1]]
                if differing and _is_copied(view, other, branch):
                    first_span, span = differing[0]
                    yield self.found(
                        span,
                        f"the branch that ends in this {quoted(span.text)} is the same as another of "
                        f"`{place.does.keyword}`",
                        "",
                        "change or delete one of them",
                        (Related(first_span, "the other one ends here"),),
                    )


def _chain(place: Place) -> list[Span]:
    """Return where a stage is written, behind the uses of blocks and the repeats that it is in, the outermost first."""
    spans, frame = [place.span], place.frame
    while frame.step is not None and frame.parent is not None:
        spans.append(frame.step.span)
        frame = frame.parent
    return spans[::-1]


def _is_copied(view: View, first: Place, second: Place) -> bool:
    """Whether two equal branches have weights of their own, and nothing that makes them differ."""
    here = view.ahead((second,)) - view.ahead((first,))
    is_random = any(place.does is not None and place.does.is_stochastic for place in here)
    return bool(here) and not is_random and not any(_is_shared(place) for place in here)


def _is_shared(place: Place) -> bool:
    frame = place.frame
    while frame.step is not None and frame.parent is not None:
        if isinstance(frame.step.does, Use) and frame.step.does.is_shared:
            return True
        frame = frame.parent
    return False
