"""S608: a definition that nothing uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..scope import nodes_in
from ..syntax import tree
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import View


class UnusedDefinition(Rule):
    code = "S608"
    name = "unused-definition"
    severity = "warning"
    page = Page(
        what="A block, a shared block or a constant that nothing in the file uses.",
        why="It is never part of the network; most often another one was meant where it should stand.",
        source="Ruff has it for Python, as F401 and F841.",
        example="block cbr c: conv c@3 same nobias | bn | relu\nin 32x32x3 | conv 8@3x3 | relu | flatten | dense 10",
        instead="block cbr c: conv c@3 same nobias | bn | relu\nin 32x32x3 | cbr 8 | flatten | dense 10",
        wrong_when="Never; in a file that only declares things for others this rule is silent.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        if view.is_library or any(error.code in ("E009", "E010") for error in view.result.errors):
            return  # a name that is wrong may be meant to be one of these
        statements = view.program.statements
        words = Counter(
            node.text for statement in statements for node in nodes_in(statement) if isinstance(node, tree.Name)
        )
        kinds = {tree.Block: "block", tree.Shared: "shared block", tree.Const: "constant"}
        for statement in statements:
            kind = kinds.get(type(statement))
            if kind is None or not isinstance(statement, tree.Block | tree.Shared | tree.Const):
                continue
            name = statement.name
            if words[name.text] == 1:
                yield self.found(
                    name.span, f"nothing uses the {kind} `{name.text}`", "", "use it, or delete its declaration"
                )
