"""C116: a stage that does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Edit
from ..layer import arguments
from ..layers import forms
from ..scope import nodes_in
from ..source import Span
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class NoOpLayer(Rule):
    code = "C116"
    name = "no-op-layer"
    severity = "info"
    page = Page(
        what=(
            "A stage whose arguments make it leave what enters as it is: a pool or `up` of 1, `dropout 0`, "
            "`flatten` of a vector, `reshape` to the same shape, `concat` of one branch, a group `* 1`."
        ),
        why="It reads as if something happened there.",
        source="Statements without effect are found in every language, as by W0104 of Pylint.",
        example="in 64 | flatten | dense 32 | relu | dense 10",
        instead="in 64 | dense 32 | relu | dense 10",
        wrong_when=(
            "It keeps a place for a number that is to change; give that a name by `const`, which this rule "
            "takes for such."
        ),
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            if not place.is_written or not _does_nothing(place) or not view.is_everywhere(place, _does_nothing):
                continue
            stage = view.edits.stage(place.span)
            if stage is None or _has_names(stage):
                continue
            edits = view.edits.delete(place.span)
            if isinstance(stage, tree.Call):
                is_group = not stage.arguments and all(isinstance(item, tree.Branch) for item in stage.items)
                edits = (Edit(stage.name.span, ""),) if is_group else ()
            entering = place.tensors[0]
            yield self.found(
                place.span,
                f"{place.text} does nothing: {entering} enters and leaves as it was",
                "",
                "delete it",
                fix=self.fix(f"Delete {place.text}", edits, is_safe=True),
            )
        for group in (node for statement in view.program.statements for node in nodes_in(statement)):
            if isinstance(group, tree.Group) and isinstance(group.count, tree.Number) and group.count.value == 1:
                end = Span(group.span.source, group.body.span.end, group.count.span.end)
                text = end.text
                edits = (
                    (Edit(Span(end.source, end.start + text.index(")") + 1, end.end), ""),) if "#" not in text else ()
                )
                yield self.found(
                    group.count.span,
                    "a repeat that is done once is a group",
                    "",
                    "leave `* 1` out",
                    fix=self.fix("Leave out `* 1`", edits, is_safe=True),
                )


def _does_nothing(place: Place) -> bool:
    return place.does is not None and bool(place.tensors) and place.does.does_nothing(*place.tensors)


def _has_names(stage: tree.Stage) -> bool:
    """Whether arguments of a stage are made of names, so that it may do something for other values of them."""
    if not isinstance(stage, tree.Layer | tree.Call):
        return True
    words = {word for form in forms(stage.name.text) for taken in arguments(form).values() for word in taken.words}
    names = (node for argument in stage.arguments for node in nodes_in(argument) if isinstance(node, tree.Name))
    keywords = {argument.name for argument in stage.arguments if isinstance(argument, tree.Keyword)}
    return not forms(stage.name.text) or any(name.text not in words and name not in keywords for name in names)
