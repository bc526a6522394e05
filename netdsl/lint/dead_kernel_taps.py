"""C117: a kernel that mostly sees padding."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Edit
from ..layer import Slide
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, number


class DeadKernelTaps(Rule):
    code = "C117"
    name = "dead-kernel-taps"
    severity = "warning"
    page = Page(
        what=(
            "A padded convolution on a map so small that a quarter of its kernel or more never meets a value:"
            " with a 3x3 kernel on a 1x1 map, eight of nine."
        ),
        why="Those weights get no gradient, and never do anything; they only take memory.",
        source="NeuraLint's program with filters larger than their input.",
        example="in 8x8x16 | pool 8 | conv 64@3x3 same | relu | pool global | dense 10",
        instead="in 8x8x16 | pool 8 | conv 64@1x1 | relu | pool global | dense 10",
        wrong_when="The network also runs on larger inputs.",
        limits=(
            "A quarter: a kernel of k uses all of its weights on (k + 1)/2 positions or more, a 3x3 on 2x2 and a "
            "7x7 on 4x4, as networks for 224x224 have them on images of 32x32. On one position less, a kernel of "
            "up to 7 loses more than a quarter."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            slides, live, taps = place.slides, 1, 1
            if not place.is_affine or not any(slide.before != 0 or slide.after != 0 for slide in slides):
                continue
            for slide, n in zip(slides, place.tensors[0].positions, strict=True):
                window, size, dilation = number(slide.window), number(n), number(slide.dilation)
                if window is None or size is None or dilation is None:
                    break
                within = -(-size // dilation)  # taps that meet a value behind the first, with that
                sides = (slide.before != 0) + (slide.after != 0)
                taps *= window
                live *= min(window, within + (sides - 1) * (within - 1)) if sides else window
            else:
                if live < LEAST_PART * taps:
                    x = place.tensors[0]
                    yield self.found(
                        place.span,
                        f"{place.text} on {x}: only {live} of the {taps} weights of each kernel ever meet a value, "
                        "the others see padding alone",
                        place.cost,
                        "use a kernel of at most the map's size, or shrink the map less before",
                        fix=self.fix("Use a kernel of 1", _edits(view, place, slides)),
                    )


LEAST_PART = 0.75


def _edits(view: View, place: Place, slides: tuple[Slide, ...]) -> tuple[Edit, ...]:
    """Return what makes the kernel one position, where the map is one."""
    stage = view.edits.stage(place.span)
    if any(number(n) != 1 for n in place.tensors[0].positions) or not isinstance(stage, tree.Layer):
        return ()
    filters = next((argument for argument in stage.arguments if isinstance(argument, tree.Filters)), None)
    return () if filters is None else (Edit(filters.kernel.span, "x".join("1" * len(slides))),)
