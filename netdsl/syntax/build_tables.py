"""Write tables.py: what Lark makes of the grammar, as plain literals, so that parsing needs neither Lark nor time.

python -m netdsl.syntax.build_tables
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark

GRAMMAR = Path(__file__).parents[2] / "grammar" / "netdsl.lark"
TABLES = Path(__file__).with_name("tables.py")

HEADER = '''"""The parser's tables. Written by build_tables.py from grammar/netdsl.lark: change that, not this."""

# ruff: noqa
# fmt: off
'''

Rule = tuple[str, int, str, tuple[int | None, ...] | None]


def read_grammar() -> Lark:
    """Return Lark's own parser for the grammar; `strict` refuses every conflict."""
    from lark import Lark

    return Lark(GRAMMAR.read_text("utf-8"), parser="lalr", lexer="basic", strict=True, keep_all_tokens=True)


def tables(lark: Lark) -> str:
    """Return the text of tables.py.

    TOKEN     one expression for all terminals, in the order in which Lark tries them
    RESERVED  the words that are terminals of their own
    RULES     per rule: what it makes, how many symbols it is made of, the node to build ("" hands its one part on,
              "+" gathers parts in a list), and where the node's parts are: an index, ~index for a list to be spread
              out, None for a part that was left out; no layout where the parts are the symbols
    STATES    per state and symbol: a state to go on with, or ~index of a rule to apply
    SYMBOLS   per state: the symbol that leads to it
    START, ACCEPTED    the first state, and the one in which all has been read
    """
    lexer: Any = lark.parser.lexer
    (expression,) = (pattern.pattern for pattern in lexer.scanner._mres)
    reserved = {word.pattern.value: word.name for word in lexer.callback["NAME"].scanner.terminals}

    rules = sorted(lark.rules, key=lambda rule: (rule.origin.name, rule.order, str(rule.expansion)))
    number_of = {rule: number for number, rule in enumerate(rules)}

    table: Any = lark.parser.parser._parse_table
    order = [table.start_states["start"]]
    symbols = [""]
    for state in order:  # grows while it is walked
        for symbol, (action, target) in sorted(table.states[state].items()):
            if str(action) == "Shift" and target not in order:
                order.append(target)
                symbols.append(str(symbol))
    place_of = {state: place for place, state in enumerate(order)}
    states = [
        {
            str(symbol): place_of[target] if str(action) == "Shift" else ~number_of[target]
            for symbol, (action, target) in sorted(table.states[state].items())
        }
        for state in order
    ]
    return (
        HEADER
        + f"\nTOKEN = {expression!r}\n"
        + f"\nRESERVED = {dict(sorted(reserved.items()))!r}\n"
        + _lines("RULES", "tuple[str, int, str, tuple[int | None, ...] | None]", map(_rule, rules))
        + _lines("STATES", "dict[str, int]", states)
        + _lines("SYMBOLS", "str", symbols)
        + f"\nSTART = {place_of[table.start_states['start']]}\nACCEPTED = {place_of[table.end_states['start']]}\n"
    )


def _lines(name: str, kind: str, items: Iterable[object]) -> str:
    """Return the text of a tuple, an item a line."""
    return f"\n{name}: tuple[{kind}, ...] = (\n" + "".join(f"    {item!r},\n" for item in items) + ")\n"


def _rule(rule: Any) -> Rule:
    """Return one entry of RULES."""
    made, parts = str(rule.origin.name), [str(symbol.name) for symbol in rule.expansion]
    if made.startswith("__"):
        return made, len(parts), "+", None
    if rule.options.expand1 and not rule.alias and len(parts) == 1:
        return made, 1, "", None
    layout: list[int | None] = []
    positions = iter(range(len(parts)))
    for left_out in rule.options.empty_indices or (False,) * len(parts):
        position = None if left_out else next(positions)
        spread = position is not None and parts[position].startswith("__")
        layout.append(~position if spread and position is not None else position)
    plain = layout == list(range(len(parts)))
    return made, len(parts), str(rule.alias or made), None if plain else tuple(layout)


if __name__ == "__main__":
    TABLES.write_text(tables(read_grammar()), "utf-8")
