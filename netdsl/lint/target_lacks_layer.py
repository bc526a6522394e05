"""X502: a layer that a framework does not have."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..emit.calls import FIRST, KERAS, LAST, TORCH, Placed, Target
from ..size import Undecided
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class TargetLacksLayer(Rule):
    code = "X502"
    name = "target-lacks-layer"
    severity = "warning"
    is_default = False
    page = Page(
        what="A layer for which PyTorch or Keras has no class or function, so that the emitted code brings one along.",
        why="Tools that look for known layers, to quantize or export them, will not know it.",
        source="",
        example="in 28x28x1 | conv 8@3x3 | relu | pool 2 weighted | flatten | dense 10",
        instead="in 28x28x1 | conv 8@3x3 | relu | pool 2 | flatten | dense 10",
        wrong_when="The code runs as it is; that is what it is for.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if place.does is None or not place.tensors or place.does.needs_int:
                continue
            lacking = [
                title for title, target in (("PyTorch", TORCH), ("Keras", KERAS)) if _brings_class(target, place)
            ]
            if lacking:
                yield self.found(
                    place.span,
                    f"{' and '.join(lacking)} {'have' if len(lacking) > 1 else 'has'} no {place.text}: the emitted "
                    "code brings a class of its own",
                    place.flow,
                    "use a layer that both have, where tools have to know it",
                )


def _brings_class(target: Target, place: Place) -> bool:
    assert place.does is not None, "it is known"
    if not target.can_spell(type(place.does)):
        return False
    wish = target.layout(place.does, place.tensors[0]) if target is TORCH else LAST
    if wish not in (FIRST, LAST):
        wish = FIRST if place.tensors[0].rank > 2 else LAST
    placed = (Placed(x, FIRST if wish == FIRST else LAST) for x in place.tensors)
    try:
        return any(part.idiom for part in target.spell(place.does, *placed))
    except Undecided:
        return False
