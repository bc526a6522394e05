"""D304: convolutions that have seen the whole image before."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class UnproductiveLayers(Rule):
    code = "D304"
    name = "unproductive-layers"
    severity = "info"
    page = Page(
        what=(
            "At least two convolutions whose input sees more than the whole image already, in a network for "
            "images that joins no branches."
        ),
        why=(
            "They have nothing to add: the parts that they relate have met before, and trained layers of this"
            " kind turn out to do next to nothing."
        ),
        source="Richter, Shenk, Byttner, Arumugam and Leiner, 2021: VGG-19 on 32x32 images.",
        example="in 32x32x3 | for c in [64, 128, 256] ((conv c@3x3 same | relu) * 4 | pool 2) | pool global | dense 10",
        instead="in 32x32x3 | for c in [64, 128] ((conv c@3x3 same | relu) * 3 | pool 2) | pool global | dense 10",
        wrong_when="The network also runs on larger images. One that enlarges maps is left alone.",
        limits=(
            "One such layer may be the last of a stage, and is no design; with two or more, a stage could go. "
            "Without a branch there is nothing that leads the image itself to them."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        image = view.image()
        if image is None or any(place.joins or place.enlarges for place in view.places):
            return
        largest = max(image.sides)
        late = []
        for place in view.places:
            if place.looks_around:
                fields = view.entering_field(place)
                if fields and len(fields) == 2 and all((field.size > largest) is True for field in fields):
                    late.append(place)
        if len(late) < 2:
            return
        first, last = late[0], late[-1]
        fields = view.entering_field(first)
        assert fields, "it has been asked before"
        see = "x".join(str(field.size) for field in fields)
        related = (Related(last.span, "the last of them"),) if last.span != first.span else ()
        yield self.found(
            first.span,
            f"{first.text} gets features that see {see} of a {'x'.join(map(str, image.sides))} image: the {len(late)} "
            "convolutions from here on have nothing new to relate",
            "the first of them" if related else "",
            "leave out the last stages, or pool and stride later",
            (*related, Related(image.place.span, "the image")),
        )
