"""Text cut into words and signs; what follows what is the parser's business."""

# ruff: noqa: RUF001 - the signs that people take for ours are here on purpose

from __future__ import annotations

import re
from typing import NamedTuple

from .tables import RESERVED, TOKEN

END = "$END"
WRONG = "WRONG"

# Signs of other languages, found before the grammar's words; and what no word of the grammar begins.
_SIGNS = r"--?>|=>|\|>|>>|\|\||&&|:=|\*\*|/\*[\s\S]*?(?:\*/|\Z)|[0-9]+(?:×[0-9]+)+"
_REST = r"""\"[^"\n]*|'[^'\n]*'?|“[^”\n]*”?|‘[^’\n]*’?|[\w.?]+|[\s\S]"""

_ANY = re.compile(rf"[ \t\r\n\f]*+(?:(?P<SIGN>{_SIGNS})|{TOKEN}|(?P<{WRONG}>{_REST}))")


CLOSERS = {"LPAR": "RPAR", "CALL": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSING = frozenset(CLOSERS.values())
STATEMENT_WORDS = frozenset({"USE", "CONST", "BLOCK", "SHARED", "LET", "OUT", "AUX", "TRAIN", "ASSERT", END})


class Token(NamedTuple):
    """A word or sign: its terminal in the grammar (or WRONG, or END), its place and its text."""

    kind: str
    start: int
    end: int
    text: str


def read_token(text: str, position: int) -> Token:
    """Return the first token from a position on, a comment being one too; END, empty, behind the last one."""
    match = _ANY.match(text, position)
    if match is None:
        return Token(END, len(text), len(text), "")
    kind: str = match.lastgroup  # type: ignore[assignment]  # one of the groups has matched
    word = match[kind]
    if kind == "NAME":
        kind = RESERVED.get(word, kind)
    elif kind == "SIGN":
        kind = WRONG
    end = match.end()
    return Token(kind, end - len(word), end, word)


def begins_line(text: str, token: Token) -> bool:
    """Whether nothing but blanks stands before a token in its line."""
    place = token.start - 1
    while place >= 0 and text[place] in " \t\r":
        place -= 1
    return place < 0 or text[place] == "\n"
