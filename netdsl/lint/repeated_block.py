"""S603: stages that are written out several times."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Edit
from ..scope import nodes_in
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class RepeatedBlock(Rule):
    code = "S603"
    name = "repeated-block"
    severity = "info"
    is_default = False
    page = Page(
        what="The same stages at least three times in a row.",
        why="A repeat says how often, and a change has to be made once.",
        source='Hunt and Thomas, 1999, "The pragmatic programmer": every piece of knowledge in one place.',
        example="in 16 | dense 16 | relu | dense 16 | relu | dense 16 | relu | dense 2",
        instead="in 16 | (dense 16 | relu) * 3 | dense 2",
        wrong_when="The copies are about to differ.",
        limits=("Two copies are often clearer written out; from three on the count says more."),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for statement in view.program.statements:
            for pipeline in nodes_in(statement):
                if isinstance(pipeline, tree.Pipeline):
                    yield from self._in(pipeline)

    def _in(self, pipeline: tree.Pipeline) -> Iterator[Diagnostic]:
        texts = [_text(stage) for stage in pipeline.stages]
        start = 0
        while start < len(texts):
            length, times = _longest(texts, start)
            if times < FEWEST:
                start += 1
                continue
            stages = pipeline.stages[start : start + length * times]
            span = stages[0].span.to(stages[-1].span)
            inner = stages[0].span.to(stages[length - 1].span).text
            better = f"({inner}) * {times}"
            edits = () if "#" in span.text else (Edit(span, better),)
            yield self.found(
                stages[0].span.to(stages[length - 1].span),
                f"these stages stand here {times} times in a row",
                "",
                f"write `{' '.join(better.split())}`",
                fix=self.fix("Write a repeat", edits, is_safe=True),
            )
            start += length * times


FEWEST = 3
"""Copies; two are often clearer written out."""
LONGEST = 40
"""Stages that are compared with those behind them; no one sees a repeat in more."""


def _longest(texts: list[str | None], start: int) -> tuple[int, int]:
    """Return of how many stages what repeats itself from a place on is made, and how often it stands there."""
    best = (1, 1)
    for length in range(1, min((len(texts) - start) // FEWEST, LONGEST) + 1):
        part, times = texts[start : start + length], 1
        while None not in part and texts[start + length * times : start + length * (times + 1)] == part:
            times += 1
        if times >= FEWEST and length * times > best[0] * best[1]:
            best = (length, times)
    return best


def _text(stage: tree.Stage) -> str | None:
    """Return what is written, on one line; None for what has a name, or cannot be repeated."""
    if any(getattr(node, "label", None) is not None for node in nodes_in(stage)) or isinstance(stage, tree.Wrong):
        return None
    return " ".join(stage.span.text.split()) if "#" not in stage.span.text else None
