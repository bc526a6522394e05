"""X506: a name that the target owns."""

from __future__ import annotations

from collections.abc import Iterator
from keyword import iskeyword

from ..diagnostics import Diagnostic
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class ReservedName(Rule):
    code = "X506"
    name = "reserved-name"
    severity = "warning"
    is_default = False
    page = Page(
        what="A name behind `as` that Python, PyTorch's nn.Module or the emitted code needs for itself.",
        why=(
            "The emitted code has to call it something else, and so differs from the text and from the paths "
            "of its weights."
        ),
        source="",
        example="in 8 | dense 4 as forward | relu | dense 2",
        instead="in 8 | dense 4 as hidden | relu | dense 2",
        wrong_when="The code is never read.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        from ..emit.skeleton import PYTHON_OWNS
        from ..emit.torch import MODULE_OWNS

        seen = set()
        for place in view.places:
            frame_names = [(group.name, group.span) for group in place.step.groups if group.is_named]
            names = [*frame_names, *([(place.step.name, place.span)] if place.step.named else [])]
            for name, span in names:
                if (name, span) in seen or not (iskeyword(name) or name in PYTHON_OWNS or name in MODULE_OWNS):
                    continue
                seen.add((name, span))
                owner = (
                    "Python"
                    if iskeyword(name)
                    else "PyTorch's nn.Module"
                    if name in MODULE_OWNS
                    else "the emitted code"
                )
                yield self.found(
                    span,
                    f"`{name}` is a name that {owner} needs for itself, so the emitted code calls this `{name}_`",
                    "",
                    "give it another name",
                )
