"""X502: a layer that a framework does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..emit.calls import EITHER, FIRST, KERAS, LAST, TORCH, Part, Placed, Target
from ..size import Undecided
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View

FRAMEWORKS = (("PyTorch", TORCH), ("Keras", KERAS))


class TargetLacksLayer(Rule):
    code = "X502"
    name = "target-lacks-layer"
    severity = "warning"
    is_default = False
    is_on_emit = True
    page = Page(
        what=(
            "A layer for which PyTorch or Keras has no class or function, so that the emitted code brings a class "
            "along. It is a warning where the framework has the layer, and not the option that gives it more weights, "
            "which are then in a class that stands beside, and an info where the framework has nothing of the kind."
        ),
        why=(
            "Tools that look for known layers, to quantize, prune, convert or count them, will not know the class. An "
            "option can be left out; who writes a layer that the framework has not, as learned positions for Keras, "
            "knows that, and all others write a class for it, too."
        ),
        source=(
            "The layers of PyTorch 2 and Keras 3, as netdsl declares how it spells each; eager-mode quantization of "
            "PyTorch and the quantization API of TensorFlow replace layers by their classes."
        ),
        example="in 28x28x1 | conv 8@3x3 | relu | pool 2 weighted | flatten | dense 10",
        instead="in 28x28x1 | conv 8@3x3 | relu | pool 2 | flatten | dense 10",
        wrong_when=(
            "The code is run, and no tool looks into it. Left alone are a step without weights before a layer that the "
            "framework has, such as the padding of a strided `same` (X501), and a class that only puts layers of the "
            "framework together: attention in PyTorch keeps its weights in `nn.Linear`, and calls "
            "`F.scaled_dot_product_attention`."
        ),
        options="It speaks of the framework that code is emitted for; `netdsl lint --select X502` of both.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in {place.step: place for place in view.places if place.does is not None}.values():
            lacks = {title: _lack(target, place) for title, target in FRAMEWORKS if target.name in view.targets}
            weights = next(filter(None, lacks.values()), ())
            lacking = [title for title, lack in lacks.items() if lack is not None and bool(lack) == bool(weights)]
            if not lacking:
                continue
            has = f"{' and '.join(lacking)} {'have' if len(lacking) > 1 else 'has'}"
            message, cure = f"{has} no {place.text}: the emitted code brings a class of its own", "use another layer"
            if weights:
                message = (
                    f"{has} no {place.text}: the emitted code keeps its {' and '.join(weights)} in a class of its own"
                )
                cure = "leave the option out"
            yield self.found(
                place.span,
                message,
                place.flow,
                f"{cure}, if tools that look for known layers are to know it",
                severity="warning" if weights else "info",
            )


def _lack(target: Target, place: Place) -> tuple[str, ...] | None:
    """Return the weights of a layer for which a framework's own has no room, nothing where it has no such layer at all.

    None is returned where it lacks nothing.
    """
    does = place.does
    assert does is not None, "it is known"
    if not target.can_spell(type(does)) or not (place.tensors or does.is_source):
        return None
    try:
        parts = _parts(target, place)
    except Undecided:
        return None
    ours = [part for part in parts if part.idiom]
    kept = [stored for part in ours for stored in part.weights]
    if len(ours) < len(parts):
        has = {weight.name for weight in does.weights(*place.tensors)}
        return tuple(stored.weight for stored in kept if stored.weight in has) or None
    return () if ours and not any(INSIDE.search(stored.attribute) for stored in kept) else None


INSIDE = re.compile("[./]")
"""In the name of a weight that lies in a layer of the framework, inside of a class of ours."""


def _parts(target: Target, place: Place) -> tuple[Part, ...]:
    """Return how a framework spells a layer. Raises Undecided."""
    assert place.does is not None, "it is known"
    if not place.tensors:
        return target.spell(place.does)
    wish = target.layout(place.does, place.tensors[0])
    layout = FIRST if wish == FIRST or (wish == EITHER and target is TORCH) else LAST
    return target.spell(place.does, *(Placed(x, layout) for x in place.tensors))
