"""Changes of a text that mend it: stages deleted, put in and replaced, arguments added."""

from __future__ import annotations

from functools import cached_property

from ..diagnostics import Edit
from ..scope import nodes_in
from ..source import Span
from ..syntax import tree


class Edits:
    """The stages of one text, for those who change them.

    What cannot be changed without harm has no edits: what stands in another file or has a name.
    """

    def __init__(self, program: tree.Program) -> None:
        self.program = program

    @cached_property
    def _stages(self) -> dict[tuple[int, int], tuple[tree.Pipeline, int]]:
        """The pipeline of each stage, and its number in it."""
        found = {}
        for statement in self.program.statements:
            for node in nodes_in(statement):
                if isinstance(node, tree.Pipeline):
                    for place, stage in enumerate(node.stages):
                        found[stage.span.start, stage.span.end] = (node, place)
        return found

    def stage(self, span: Span) -> tree.Stage | None:
        """Return the stage at a place, None where there is none in this text."""
        at = self._at(span)
        return None if at is None else at[0].stages[at[1]]

    def _at(self, span: Span) -> tuple[tree.Pipeline, int] | None:
        return self._stages.get((span.start, span.end)) if span.source is self.program.source else None

    def delete(self, span: Span) -> tuple[Edit, ...]:
        """Return what deletes a stage with its `|`; alone in its pipeline it becomes `id`."""
        at = self._at(span)
        if at is None or _label(at[0].stages[at[1]]) is not None:
            return ()
        pipeline, place = at
        stages = pipeline.stages
        if len(stages) == 1:
            return (Edit(span, "id"),)
        if place:
            gone = Span(span.source, _whole(stages[place - 1]).end, span.end)
        else:
            gone = Span(span.source, span.start, stages[1].span.start)
        return () if "#" in gone.text else (Edit(gone, ""),)

    def put_behind(self, span: Span, text: str) -> tuple[Edit, ...]:
        """Return what puts a stage behind another."""
        at = self._at(span)
        if at is None:
            return ()
        end = _whole(at[0].stages[at[1]]).end
        return (Edit(Span(span.source, end, end), f" | {text}"),)

    def put_before(self, span: Span, text: str) -> tuple[Edit, ...]:
        """Return what puts a stage before another."""
        if self._at(span) is None:
            return ()
        return (Edit(Span(span.source, span.start, span.start), f"{text} | "),)

    def replace(self, span: Span, text: str) -> tuple[Edit, ...]:
        """Return what puts another stage in the place of one."""
        return () if self._at(span) is None else (Edit(span, text),)

    def add_argument(self, span: Span, text: str) -> tuple[Edit, ...]:
        """Return what gives a layer one more argument."""
        stage = self.stage(span)
        if not isinstance(stage, tree.Layer):
            return ()
        return (Edit(Span(span.source, span.end, span.end), f" {text}"),)

    def set_number(self, span: Span, old: int, new: int) -> tuple[Edit, ...]:
        """Return what puts another number among the arguments of a layer, where it stands there once."""
        stage = self.stage(span)
        arguments = stage.arguments if isinstance(stage, tree.Layer) else ()
        numbers = [
            node
            for argument in arguments
            for node in nodes_in(argument.filters if isinstance(argument, tree.Filters) else argument)
            if isinstance(node, tree.Number) and node.value == old
        ]
        return (Edit(numbers[0].span, str(new)),) if len(numbers) == 1 else ()

    def drop_argument(self, span: Span, argument: tree.Argument) -> tuple[Edit, ...]:
        """Return what leaves out an argument of a layer, with the blank before it."""
        stage = self.stage(span)
        if not isinstance(stage, tree.Layer) or argument not in stage.arguments:
            return ()
        place = stage.arguments.index(argument)
        before = stage.arguments[place - 1].span.end if place else stage.name.span.end
        gone = Span(span.source, before, argument.span.end)
        return () if "#" in gone.text else (Edit(gone, ""),)

    def has_name(self, span: Span) -> bool:
        """Whether a stage has a label, which names the tensor behind it."""
        stage = self.stage(span)
        return stage is None or _label(stage) is not None

    def follows(self, first: Span, second: Span) -> bool:
        """Whether a stage stands directly behind another in one pipeline."""
        left, right = self._at(first), self._at(second)
        return left is not None and right is not None and left[0] is right[0] and left[1] + 1 == right[1]


def _label(stage: tree.Stage) -> tree.Name | None:
    label: tree.Name | None = getattr(stage, "label", None)
    return label


def _whole(stage: tree.Stage) -> Span:
    return stage.whole if isinstance(stage, tree.Labelled) else stage.span
