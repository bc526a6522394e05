"""X506: a name that the target owns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..diagnostics import CompileError, Diagnostic
from ..network import Step
from ..source import Span
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Frame, View

FRAMEWORKS = {"torch": "PyTorch", "keras": "Keras"}


class ReservedName(Rule):
    code = "X506"
    name = "reserved-name"
    severity = "warning"
    is_default = False
    is_on_emit = True
    page = Page(
        what=(
            "A name behind `as` that Python, the framework or the emitted code needs for itself, so that the code "
            "calls the layer or tensor something else."
        ),
        why=(
            "The code then differs from the text, and in PyTorch the paths of the weights do, too: `forward` is kept "
            "as `forward_`."
        ),
        source=(
            "Python's keywords, the attributes of PyTorch 2's `nn.Module`, and the names that emitted code imports or "
            "defines: a layer called `train` or `forward` would replace a method of the model."
        ),
        example="in 8 | dense 4 as forward | relu | dense 2",
        instead="in 8 | dense 4 as hidden | relu | dense 2",
        wrong_when="The code is never read, and weights are moved by netdsl, which knows both names.",
        options=(
            "It speaks of the framework that code is emitted for; `netdsl lint --select X506` of both. Keras takes any "
            "name for a layer, so that there only those of tensors change."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        owned = [(name, span) for name, span in _names(view) if _may_be_owned(name)]
        if not owned or view.has_mistakes:  # of which there is no code
            return
        for target in view.targets:
            code = _emitted(view, target)
            for name, span in owned:
                called = re.search(rf"\b{re.escape(name)}_+\b", code)
                if called is not None:
                    yield self.found(
                        span,
                        f"`{name}` cannot be the name of this in the {FRAMEWORKS[target]} code, which calls it "
                        f"`{called[0]}`",
                        "",
                        "give it another name",
                    )


def _names(view: View) -> Iterator[tuple[str, Span]]:
    """Return the names that the author has given to layers, groups, and uses of blocks, with their places."""
    steps: set[Step] = set()
    frames: set[Frame] = set()
    for place in view.places:
        step: Step | None = place.step
        frame: Frame | None = place.frame
        while step is not None and frame is not None:
            if step not in steps:
                steps.add(step)
                yield from ((group.name, group.span) for group in step.groups if group.is_named)
                if step.named:
                    yield step.name, step.span
            if frame in frames:
                break
            frames.add(frame)
            step, frame = frame.step, frame.parent


def _may_be_owned(name: str) -> bool:
    from ..emit.skeleton import is_free
    from ..emit.torch import MODULE_OWNS

    return not is_free(name) or name in MODULE_OWNS


def _emitted(view: View, target: str) -> str:
    """Return the code of a network, which shows what is called otherwise there; nothing where there is none."""
    from ..emit import emit

    try:
        return emit(view.result.network, target).source
    except CompileError:
        return ""
