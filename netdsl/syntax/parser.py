"""Text to tree: an LR parser over the tables that Lark made of the grammar, which goes on behind a mistake."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ..diagnostics import Diagnostic, each_once
from ..source import MAX_TEXT, Source, Span
from . import tree
from .builder import Builder
from .tables import ACCEPTED, RULES, START, STATES, SYMBOLS
from .tokens import CLOSERS, CLOSING, END, STATEMENT_WORDS, WRONG, Token, begins_line, read_token

if TYPE_CHECKING:
    from .mistakes import Place

MAX_NESTING = 100  # brackets in brackets
MAX_DEPTH = 250  # nodes in nodes: whoever walks a tree by recursion stays inside Python's limit
MAX_PENDING = 1000  # symbols that wait for their end, as in `not not not ...`
MAX_MISTAKES = 100  # of syntax in one text

NEAR = 6  # tokens before a mistake that its message may look at

TOO_MANY = f"this was not read any more: {MAX_MISTAKES} mistakes stand before it"
TOO_DEEP = "this is nested too deeply, or a chain of too many parts"

# Behind a mistake the parser goes on at one of these, once something can be taken as wrong so that it fits.
RESUMES = frozenset({"VBAR", "COMMA", "COLON", "THEN", "ELSE", "AS"})
REPLACEABLE = ("arg", "parameter", "stage", "atomic", "statement")

# What is complete in itself in front of a mistake inside an argument, and is kept.
INSIDE_ARGUMENT = frozenset(
    {"arg", "value", "expr", "either", "both", "negation", "compared", "sum", "product", "signed", "atom", "atomic"}
    | {"parameter", "default"}
)


def parse(source: Source) -> tuple[tree.Program, tuple[Diagnostic, ...]]:
    """Return what a text says and its mistakes in syntax; what could not be read stands in the tree as `Wrong`."""
    if len(source.text) > MAX_TEXT:
        message = f"this text has more than {MAX_TEXT:,} characters, which is the limit"
        too_long = Diagnostic("E026", message, Span(source, 0, 0), help="spread it over several files, with `use`")
        return tree.Program(source, (), ()), (too_long,)
    parser = _Parser(source)
    parser.run()
    return tree.Program(source, parser.values[0], tuple(parser.comments)), each_once(parser.diagnostics)


class _Parser:
    """The state of reading one text: three stacks of what is read so far, and the place where reading goes on."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.position = 1 if source.text.startswith("\ufeff") else 0
        self.states = [START]
        self.values: list[Any] = []  # one for each state but the first: a Token, a Node, or a list of them
        self.depths: list[int] = []  # of those values as trees
        self.brackets: list[tuple[int, Token, Token | None]] = []  # the open: states below, token, the token before
        self.recent: list[Token] = []  # the last tokens that were taken
        self.moved = True  # whether a token was taken since the last mistake
        self.comments: list[tree.Comment] = []
        self.diagnostics: list[Diagnostic] = []
        self.said: set[str] = set()  # limits that are told of
        self.builder = Builder(source, self.diagnostics.append)

    def run(self) -> None:
        """Read all of the text; in the end the only value is the tuple of its statements."""
        token = self.next()
        while self.states[-1] != ACCEPTED:
            if len(self.diagnostics) >= MAX_MISTAKES and token.kind != END:
                self.limit(token, TOO_MANY)
                self.position = len(self.source.text)
                token = self.recover(self.next())
            elif token.kind in CLOSERS and len(self.brackets) >= MAX_NESTING:
                self.limit(token, f"this bracket stands inside {MAX_NESTING} others, which is the limit")
                token = self.recover(token)
            elif len(self.states) > MAX_PENDING:
                self.limit(token, TOO_DEEP)
                token = self.leave_statement(token)
            elif self.take(token):
                token = self.next()
            else:
                token = self.mistaken(token)

    def next(self) -> Token:
        """Return the next token; comments are put aside."""
        while True:
            token = read_token(self.source.text, self.position)
            self.position = token.end
            if token.kind == "COMMENT":
                end = token.start + len(token.text.rstrip())
                self.comments.append(tree.Comment(Span(self.source, token.start, end)))
            else:
                return token

    def take(self, token: Token) -> bool:
        """Apply the rules that end before a token and take it; False where it cannot stand."""
        states = self.states
        kind = token.kind
        action = STATES[states[-1]].get(kind)
        # LALR tables may end rules before they find out that a token does not fit: what stands there would be lost.
        if action is None or (action < 0 and not self.fits(kind)):
            return False
        while action < 0:
            if RULES[~action][2] == "":  # by far the most frequent
                states[-1] = _renamed(states[-2], states[-1], kind)
            else:
                self.apply(~action)
                if states[-1] == ACCEPTED:
                    return True
            action = STATES[states[-1]][kind]
        if kind in CLOSERS:
            self.brackets.append((len(states), token, self.recent[-1] if self.recent else None))
        elif kind in CLOSING:
            self.brackets.pop()
        states.append(action)
        self.values.append(token)
        self.depths.append(0)
        self.moved = True
        self.recent.append(token)
        if len(self.recent) > 100:
            del self.recent[:-NEAR]
        return True

    def apply(self, number: int) -> None:
        """Replace the last values by what a rule makes of them."""
        made, size, builds, layout = RULES[number]
        states, values, depths = self.states, self.values, self.depths
        if builds == "":
            states[-1] = STATES[states[-2]][made]
            return
        parts = values[-size:] if size else []
        depth = max(depths[-size:]) if size else 0
        if size:
            del states[-size:], values[-size:], depths[-size:]
        value: Any
        if builds == "+":
            if type(parts[0]) is list:
                value = parts[0]
                value += parts[1:]
            else:
                value = parts
        else:
            start, end = (_start(parts[0]), _end(parts[-1])) if size else (0, 0)
            span = Span(self.source, start, end)
            if layout is not None:
                parts = _lay_out(parts, layout)
            depth += 1
            if depth > MAX_DEPTH:
                self.limit(Token(END, start, end, ""), TOO_DEEP)
                depth, value = 0, tree.Wrong(span)
            else:
                value = getattr(self.builder, builds)(parts, span)
        states.append(STATES[states[-1]][made])
        values.append(value)
        depths.append(depth)

    # Mistakes

    def limit(self, token: Token, message: str) -> None:
        """Report that a text is larger than what is read, once."""
        if message not in self.said:
            self.said.add(message)
            help = (
                "give parts of it names, with `block`, `let` or `const`" if message != TOO_MANY else "mend those first"
            )
            self.diagnostics.append(Diagnostic("E026", message, Span(self.source, token.start, token.end), "", help))

    def mistaken(self, token: Token) -> Token:
        """Report a token that cannot stand where it does, and return the one to go on with."""
        if not self.moved:  # what follows from the last mistake is no other one
            return self.recover(token)
        from .mistakes import explain

        mistake = explain(self.place(token))
        self.diagnostics.append(mistake.diagnostic)
        self.moved = False
        if mistake.read is None:
            return self.recover(token)
        self.forget(len(self.states) - mistake.forget)
        after = token if mistake.end is None else read_token(self.source.text, mistake.end)
        for meant, following in zip(mistake.read, (*mistake.read[1:], after), strict=False):
            if meant.kind == WRONG:
                self.resume(following, len(self.states) - 1, [meant.start, meant.end])
            elif not self.take(meant):
                return self.recover(meant)
        if mistake.end is not None:
            self.position = mistake.end
        return self.next()

    def place(self, token: Token) -> Place:
        """Return what there is to know about a place where a token cannot stand."""
        from .mistakes import Bracket, Place

        expected = {kind for kind in STATES[self.states[-1]] if (kind.isupper() or kind == END) and self.fits(kind)}
        brackets = tuple(
            Bracket(
                opener,
                before,
                below=SYMBOLS[self.states[height - 1]],
                values=len(self.states) - height,
                among_arguments="arg" in STATES[self.states[height - 1]],
                holds_pipelines="branch" in STATES[self.states[height]],
            )
            for height, opener, before in self.brackets
        )
        symbols = tuple(SYMBOLS[state] for state in self.states)
        return Place(self.source, token, tuple(self.recent[-NEAR:]), symbols, frozenset(expected), brackets)

    def forget(self, height: int) -> None:
        """Keep only the lowest states."""
        del self.states[height:], self.values[height - 1 :], self.depths[height - 1 :]
        while self.brackets and self.brackets[-1][0] >= height:
            self.brackets.pop()

    def recover(self, token: Token) -> Token:
        """Take what surrounds a mistake as wrong, skip tokens until one fits behind that, and return it."""
        self.moved = False
        self.settle()
        skipped = [token.start, self.recent[-1].end if self.recent else token.start]
        levels = [(height, CLOSERS[opener.kind]) for height, opener, _ in self.brackets]
        inside = 0  # brackets that are open in what is skipped
        tried: set[str] = set()
        while True:
            kind = token.kind
            if kind in STATEMENT_WORDS or (kind == "IN" and begins_line(self.source.text, token)):
                if self.resume(token, 0, skipped):
                    return token
            elif kind in CLOSERS:
                inside += 1
            elif kind in CLOSING and inside:
                inside -= 1
            elif kind in CLOSING and any(closer == kind for _, closer in levels):
                closer = ""
                while closer != kind:
                    if self.resume(token, levels[-1][0], skipped):
                        return token
                    _, closer = levels.pop()
                tried.clear()
            elif kind in RESUMES and not inside and kind not in tried:
                tried.add(kind)
                if self.resume(token, levels[-1][0] if levels else 0, skipped):
                    return token
            skipped[1] = token.end
            token = self.next()

    def settle(self) -> None:
        """Apply the rules that end where a mistake begins, up to the argument that it is in."""
        while True:
            row = STATES[self.states[-1]]
            if "arg" in row or "parameter" in row:
                return
            ends = {~action for action in row.values() if action < 0}
            listed = SYMBOLS[self.states[-1]] in ("arg", "parameter")
            ends = {end for end in ends if RULES[end][0] in INSIDE_ARGUMENT or (listed and RULES[end][2] == "+")}
            if not ends:
                return
            self.apply(min(ends))

    def resume(self, token: Token, floor: int, skipped: list[int]) -> bool:
        """Take the least that lets a token follow as wrong, leaving the lowest states alone."""
        closed = 0  # brackets of which only the end has been passed
        for height in range(len(self.states), floor, -1):
            if height < len(self.states):
                passed = SYMBOLS[self.states[height]]
                closed = closed + 1 if passed in CLOSING else max(closed - 1, 0) if passed in CLOSERS else closed
            row = STATES[self.states[height - 1]]
            for symbol in REPLACEABLE if not closed else ():
                if symbol in row and self.fits(token.kind, height, row[symbol]):
                    start = _start(self.values[height - 1]) if height < len(self.states) else skipped[0]
                    span = Span(self.source, min(start, skipped[1]), skipped[1])
                    self.forget(height)
                    self.states.append(row[symbol])
                    self.values.append(tree.Wrong(span))
                    self.depths.append(0)
                    return True
        return False

    def fits(self, kind: str, height: int | None = None, state: int | None = None) -> bool:
        """Whether a token can follow: as things are, or were a state put onto the lowest ones."""
        states = self.states
        lower = len(states) if height is None else height
        upper = [] if state is None else [state]
        top = upper[-1] if upper else states[lower - 1]
        while True:
            action = STATES[top].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            made, size, builds, _ = RULES[~action]
            if builds == "":
                top = _renamed(upper[-2] if len(upper) > 1 else states[lower - 1 - (not upper)], top, kind)
                if upper:
                    upper.pop()
                else:
                    lower -= 1
                upper.append(top)
                continue
            inside = min(size, len(upper))
            if inside:
                del upper[-inside:]
            lower -= size - inside
            top = STATES[upper[-1] if upper else states[lower - 1]][made]
            if top == ACCEPTED:
                return True
            upper.append(top)

    def leave_statement(self, token: Token) -> Token:
        """Take a whole statement as wrong."""
        while token.kind not in STATEMENT_WORDS:
            token = self.next()
        return self.recover(token)


@cache
def _renamed(below: int, state: int, kind: str) -> int:
    """Return the state after the rules that only give the last value another name, in front of a kind of token.

    `64` is a number, so an atom, so a product, so a sum, and so on, before it can be an argument. A grammar has only
    so many of these ways.
    """
    while (action := STATES[state].get(kind, 0)) < 0:
        made, _, builds, _ = RULES[~action]
        if builds != "":
            break
        state = STATES[below][made]
    return state


def _start(value: Any) -> int:
    """Where a value begins."""
    while type(value) is list:
        value = value[0]
    start: int = value.start if type(value) is Token else value.span.start
    return start


def _end(value: Any) -> int:
    """Where a value ends, with its label."""
    while type(value) is list:
        value = value[-1]
    if type(value) is Token:
        return value.end
    span: Span = value.whole if isinstance(value, tree.Labelled) else value.span
    return span.end


def _lay_out(parts: list[Any], layout: tuple[int | None, ...]) -> list[Any]:
    """Put the parts of a rule where its node wants them."""
    laid_out: list[Any] = []
    for place in layout:
        if place is None:
            laid_out.append(None)
        elif place >= 0:
            laid_out.append(parts[place])
        else:
            laid_out += parts[~place]
    return laid_out
