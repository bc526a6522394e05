"""D303: features that see a small part of the image before they are averaged."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..diagnostics import Diagnostic, Related
from ..size import maximum
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, number


class ReceptiveFieldTooSmall(Rule):
    code = "D303"
    name = "receptive-field-too-small"
    severity = "warning"
    page = Page(
        what=(
            "A network for images that ends in a pool over all positions, where each position sees less than "
            "half of the image's smaller side."
        ),
        why=(
            "What is averaged over all positions are then votes of small patches, none of which has seen the "
            "object: textures can be told apart so, shapes cannot."
        ),
        source="Richter, Shenk, Byttner, Arumugam and Leiner, 2021, on receptive fields and layers that do not learn.",
        example="in 224x224x3 | (conv 32@3x3 same | relu) * 4 | pool global | dense 10",
        instead=(
            "in 224x224x3 | for c in [32, 64, 128, 256, 256] (conv c@3x3/2 same | relu | conv c@3x3 same | "
            "relu) | pool global | dense 10"
        ),
        wrong_when=(
            "Textures or local defects are what is to be found. Silent where attention or a recurrent layer "
            "looks at all positions."
        ),
        options=(
            "`receptive-field` (0.5): ResNet-20 on CIFAR-10 sees 1.7 times its image, the networks that fail "
            "4 % to 20 %."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        image = view.image()
        if image is None:
            return
        height, width = image.sides
        for pool in view.places:
            does = pool.does
            if does is None or not (pool.is_pool and does.sees_all) or not pool.inputs or not _is_head(view, pool):
                continue
            fields = view.entering_field(pool)
            if fields is None or len(fields) != 2:
                continue
            if any(one.does is not None and (one.does.attends or one.does.is_recurrent) for one in view.ahead((pool,))):
                continue
            seen = [field.size for field in fields]
            if (maximum(*seen) < Fraction(settings.receptive_field) * min(height, width)) is not True:
                continue
            see = "x".join(map(str, seen))
            yield self.found(
                pool.span,
                f"{pool.text} averages features that see only {see} of the {height}x{width} image",
                f"receptive field {see}",
                "let features see more before it: pool or stride earlier, or add convolutions",
                (Related(image.place.span, "the image"),),
            )


def _is_head(view: View, pool: Place) -> bool:
    """Whether what leaves a pool over all positions goes to an output without being joined to anything."""
    if pool.output is None or any(number(size) != 1 for size in pool.output.positions):
        return False
    return all(end is None for end, _ in view.after(pool, lambda stage: stage.does is not None and not stage.joins))
