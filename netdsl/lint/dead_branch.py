"""C115: a tensor that reaches no output."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Edit
from ..record import evolve
from ..scope import nodes_in
from ..source import Span
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class DeadBranch(Rule):
    code = "C115"
    name = "dead-branch"
    severity = "warning"
    page = Page(
        what="A named tensor or an input that no output depends on.",
        why=(
            "It is left out of the network: it is not counted and not emitted. Most often a line was to use "
            "it, and names another."
        ),
        source="Neurarch's rule R04.",
        example="let x = in 8 | dense 4 | relu\nlet spare = x | dense 2\nout x | dense 3",
        instead="let x = in 8 | dense 4 | relu\nout x | dense 3",
        wrong_when="Never; what only training needs is given to `aux`.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for found in view.result.diagnostics:  # the compiler finds it, as it leaves the steps out
            if found.code == self.code:
                yield evolve(found, fix=self.fix("Delete the statement", _edits(view, found)))


def _edits(view: View, found: Diagnostic) -> tuple[Edit, ...]:
    """Return what deletes the statement that makes a tensor, if nothing else names it."""
    words = [
        node.text
        for statement in view.program.statements
        for node in nodes_in(statement)
        if isinstance(node, tree.Name)
    ]
    for statement in view.program.statements:
        span = statement.span
        if not isinstance(statement, tree.Let) or span.source is not found.span.source:
            continue
        if span.start <= found.span.start < span.end and words.count(statement.name.text) == 1:
            text, end = span.source.text, span.end
            while end < len(text) and text[end] in " \t":
                end += 1
            is_line = end == len(text) or text[end] == "\n"
            return (Edit(Span(span.source, span.start, min(end + 1, len(text)) if is_line else span.end), ""),)
    return ()
