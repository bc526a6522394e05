"""Text in its one canonical form, which depends on nothing but the tree and its comments.

The words of a text are printed in their order, as they are written. What is decided here is what stands between two of
them: nothing, a blank, or a line break. A comment stays between its two words, and a line with `# noqa` stays a line.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence

from ..document import WIDTH, Document, Indent, Line, Paper, Trailing, group
from ..record import field, frozen
from ..source import Source
from . import tree
from .tokens import CLOSERS, CLOSING, END, Token, read_token

INDENT = 4
BAR = "| "

LINE_ENDS = frozenset({"COMMA", "COLON", "EQUAL"})
"""Signs that no line begins with: what is said between one and the word before it goes behind it."""

TIGHT = frozenset({"*", "/", "//"})
"""Operators that stand without blanks: 2*n + 1."""

KINDS: tuple[tuple[type[tree.Statement], ...], ...] = (
    (tree.Use,),
    (tree.Const,),
    (tree.Block, tree.Shared),
    (tree.Let,),
    (tree.Output, tree.Train, tree.Assert),
)
"""Statements that stand together; an empty line stands between two of different kinds."""


def formatted(program: tree.Program) -> str:
    """Return a program's text in its canonical form; the program must have been read without a mistake."""
    return _Layout(program).text()


# What is fixed between two words --------------------------------------------------------------------------------------


@frozen
class _Comment:
    """A comment: whether it trails what stands on its line, and whether an empty line stands before and behind it."""

    text: str
    trails: bool
    begins_apart: bool
    ends_apart: bool


@frozen
class _Gap:
    """A place between two words where the line breaks, for a comment or for what follows; or where it `stays` one."""

    comments: list[_Comment] = field(factory=list)
    stays: bool = False


def _words(text: str) -> list[Token]:
    """Return the words of a text, up to its end, without comments and without commas that can be left out."""
    words: list[Token] = []
    word = read_token(text, text.startswith("\ufeff"))
    while word.kind != END:
        if word.kind != "COMMENT":
            if word.kind in CLOSING and words[-1].kind == "COMMA":
                words.pop()
            words.append(word)
        word = read_token(text, word.end)
    return [*words, word]


def _gaps(program: tree.Program, words: Sequence[Token]) -> dict[int, _Gap]:
    """Return what is fixed in a text, each under the number of the word behind it."""
    source = program.source
    starts = [word.start for word in words]

    def home(place: int) -> int:
        """Where that goes which stands before a word: a `|` begins its line, the other signs end theirs."""
        if place and words[place - 1].kind == "VBAR":
            return place - 1
        return place + (words[place].kind in LINE_ENDS)

    gaps: dict[int, _Gap] = {}
    for comment in program.comments:
        begin, end = source.line_at(comment.span.start)
        place = bisect(starts, comment.span.start, hi=len(words) - 1)
        here = home(place)
        gap = gaps.setdefault(here, _Gap())
        last = min(place, here) - 1  # the word that a line will end in
        while last >= 0 and words[last].kind in LINE_ENDS:
            last -= 1
        trails = not gap.comments and last >= 0 and words[last].start >= begin
        apart = _is_empty(source, begin - 1), _is_empty(source, end + 1)
        gap.comments.append(_Comment(comment.span.text, trails, *apart))
        first = bisect(starts, begin - 1)
        if comment.is_noqa and first < place:
            gaps.setdefault(home(first), _Gap())
            inside = set(map(home, range(first + 1, place))) - {home(first), here}
            gaps |= dict.fromkeys(inside, _Gap(stays=True))
    return gaps


def _is_empty(source: Source, offset: int) -> bool:
    """Whether an offset is in a line with nothing but blanks in it."""
    return 0 <= offset <= len(source.text) and not source.text[slice(*source.line_at(offset))].strip()


# The layout -----------------------------------------------------------------------------------------------------------


class _Layout:
    """A walk over the tree that takes up the words of the text one by one, and makes documents of them."""

    def __init__(self, program: tree.Program) -> None:
        self.statements = program.statements
        self.words = _words(program.source.text)
        self.gaps = _gaps(program, self.words)
        self.place = 0  # of the next word
        self.step = INDENT  # by how much what is inside of the present stage or bracket stands further right

    def text(self) -> str:
        """Return the whole text."""
        text = ""
        before: tree.Statement | None = None
        was_long = False
        statements = list(reversed(self.statements))
        while statements:
            above = self.comments
            first = last = statements.pop()
            document = self.statement(first)
            while statements and self.stays:
                last = statements.pop()
                document = (document, " ", self.statement(last))
            paper = Paper(WIDTH)
            paper.write((document, *(_trailing(comment) for comment in self.comments if comment.trails)))
            lines = "".join(paper.text)
            is_long = lines.count("\n") > 1
            is_apart = before is not None and (was_long or is_long or _kind(before) != _kind(first))
            text += _above(above, is_apart) + lines
            before, was_long = last, is_long
        text = (text + _above(self.comments, False)).strip("\n")
        return f"{text}\n" if text else ""

    # Words, and what stands before them

    @property
    def comments(self) -> Sequence[_Comment]:
        """The comments before the next word."""
        return self.gaps[self.place].comments if self.place in self.gaps else ()

    @property
    def stays(self) -> bool:
        """Whether the next word has to stand on the line of the one before."""
        return self.place in self.gaps and self.gaps[self.place].stays

    def word(self) -> str:
        """Take up a word."""
        self.place += 1
        return self.words[self.place - 1].text

    def next(self, between: str = "") -> Document:
        """Take up a word, with what stands before it."""
        return self.gap(between), self.word()

    def gap(self, between: str = "") -> Document:
        """Return what stands before a word that begins no line; where a comment breaks it, it goes on indented."""
        return self.before(between, between, self.step, self.step)

    def line(self, between: str = "") -> Document:
        """Return what stands before a word that may begin a line."""
        return self.before(Line(between), between, 0, 0)

    def before(self, free: Document, between: str, comments: int, word: int) -> Document:
        """Return what stands before the next word, and where nothing is fixed `free`; both may be further right."""
        gap = self.gaps.get(self.place)
        if gap is None:
            return free
        return between if gap.stays else (Indent(self.commented(gap), comments), Indent(Line(forced=1), word))

    def commented(self, gap: _Gap) -> Document:
        """Return comments inside of a statement."""
        parts: list[Document] = []
        may_be_apart = self.words[self.place - 1].kind not in CLOSERS
        for comment in gap.comments:
            if comment.trails:
                parts.append(_trailing(comment))
            else:
                parts += Line(forced=1 + (comment.begins_apart and may_be_apart)), comment.text
            may_be_apart = True
        return tuple(parts)

    def opened(self) -> tuple[str, int]:
        """Take up a bracket, and return it with the step around it."""
        bracket, step, self.step = self.word(), self.step, INDENT
        return bracket, step

    def closed(self, opened: tuple[str, int], inside: Document) -> Document:
        """Take up the bracket that ends what is inside, which stands on lines of its own if it does not fit on one."""
        bracket, self.step = opened
        return group(bracket, Indent(inside, self.step), self.before(Line(), "", self.step, 0), self.word())

    # Statements

    def statement(self, node: tree.Statement) -> Document:
        """Return the document of a statement."""
        match node:
            case tree.Use():
                return self.word(), self.next(" ")
            case tree.Const(value=tree.Choose() as value):
                return self.named(), self.gap(" "), self.choice(value, INDENT)
            case tree.Const(value=value):
                return self.named(), self.gap(" "), self.document(value)
            case tree.Let(body=body):
                return self.named(), self.gap(" "), self.branch(body, INDENT)
            case tree.Block(parameters=parameters, body=body):
                return self.definition(parameters, body)
            case tree.Shared(body=body):
                return self.definition((), body)
            case tree.Output(keyword=keyword, body=body):
                begin = (self.word(), self.gap(" ")) if keyword else ""
                return begin, self.branch(body, INDENT if isinstance(body, tree.Conditional) else 0)
            case tree.Train(arguments=arguments):
                return self.word(), self.arguments(arguments)
            case tree.Assert(conditions=(first, *others)):
                start = self.word(), self.gap(" "), self.document(first)
                return start, Indent(self.others(others, share_lines=True))
        raise AssertionError("what could not be read has no form")

    def named(self) -> Document:
        """Take up `const name =` or `let name =`."""
        return self.word(), self.next(" "), self.next(" ")

    def definition(self, parameters: Sequence[tree.Parameter], body: tree.Branch) -> Document:
        """Return the document of a block; parameters that go on in a second line stand further right than the body."""
        parts = [self.word(), self.next(" ")]
        parts += (group(Indent((self.line(" "), self.parameter(one)), 2 * INDENT)) for one in parameters)
        return group(*parts, self.next(), Indent((self.line(" "), self.branch(body))))

    def parameter(self, node: tree.Parameter) -> Document:
        """Return the document of a parameter of a block."""
        if node.default is None:
            return self.word()
        return self.word(), self.next(), self.gap(), self.document(node.default)

    # Pipelines and stages

    def branch(self, node: tree.Branch, columns: int = 0) -> Document:
        """Return the document of a pipeline or a choice between some; further lines may stand further right."""
        if isinstance(node, tree.Conditional):
            return self.choice(node, columns)
        assert isinstance(node, tree.Pipeline)
        first, *others = node.stages
        parts = [self.document(first)]
        step = self.step
        for stage in others:
            bar = self.line(" "), self.word(), self.gap(" ")
            self.step = INDENT - len(BAR)
            parts.append(Indent((bar, Indent(self.document(stage), len(BAR))), columns))
            self.step = step
        return group(*parts) if others else parts[0]

    def choice(self, node: tree.Conditional | tree.Choose, columns: int = 0) -> Document:
        """Return the document of `if ... then ... else ...`, of which each `else` may begin a line."""
        begin: list[Document] = []
        others: list[Document] = []
        parts = begin
        while True:
            parts += self.word(), self.gap(" "), self.document(node.condition), self.next(" "), self.side(node.first)
            parts = others
            parts += self.line(" "), self.word()
            if not isinstance(node.second, type(node)):
                break
            parts.append(self.gap(" "))
            node = node.second
        parts.append(self.side(node.second))
        return group(*begin, Indent(tuple(others), columns))

    def side(self, node: tree.Branch | tree.Expression) -> Document:
        """Return the document of a side of a choice; if it is a long pipeline, it has lines of its own."""
        if isinstance(node, tree.Conditional) or (isinstance(node, tree.Pipeline) and len(node.stages) > 1):
            return group(Indent((self.line(" "), self.branch(node))))
        return self.gap(" "), self.document(node)

    def document(self, node: tree.Node) -> Document:
        """Return the document of anything but a statement."""
        match node:
            case tree.Number() | tree.Dims() | tree.Name() | tree.Truth() | tree.Open() | tree.Text():
                return self.word()
            case tree.Pipeline() | tree.Conditional():
                return self.branch(node)
            case tree.Choose():
                return self.choice(node)
            case tree.Layer(arguments=arguments):
                return self.word(), self.arguments(arguments), self.label(node, may_break=True)
            case tree.Group(body=body, count=count):
                repeated = self.closed(self.opened(), (self.line(), self.branch(body)))
                times = (self.next(" "), self.gap(" "), self.document(count)) if count is not None else ""
                return repeated, times, self.label(node)
            case tree.Call(items=items, arguments=arguments):
                call = self.closed(self.opened(), self.items(items))
                return call, tuple((self.gap(" "), self.document(one)) for one in arguments), self.label(node)
            case tree.For(names=names, items=over, body=body) | tree.Each(names=names, items=over, body=body):
                head = self.word(), self.names(names), self.next(" "), self.gap(" "), self.document(over), self.gap(" ")
                return head, self.closed(self.opened(), (self.line(), self.branch(body))), self.label(node)
            case tree.Filters(filters=filters, kernel=kernel, stride=stride):
                parts = self.document(filters), self.next(), self.gap(), self.document(kernel)
                return parts if stride is None else (parts, self.next(), self.gap(), self.document(stride))
            case tree.Keyword(value=value):
                return self.word(), self.next(), self.gap(), self.document(value)
            case tree.List(items=items) | tree.Family(members=items):
                has_rows = any(isinstance(item, tree.List | tree.Family) for item in items)
                return self.closed(self.opened(), self.items(items, share_lines=not has_rows))
            case tree.Function(arguments=arguments):
                return self.closed(self.opened(), self.items(arguments))
            case tree.Parentheses(inner=tree.Binary() as inner):
                return self.closed(self.opened(), (self.line(), self.binary(inner, 0)))
            case tree.Parentheses(inner=inner):
                return self.closed(self.opened(), (self.line(), self.document(inner)))
            case tree.Unary(operator=operator, operand=operand):
                return self.word(), self.gap(" " if operator == "not" else ""), self.document(operand)
            case tree.Binary():
                return self.binary(node, self.step)
        raise AssertionError("what could not be read has no form")

    def label(self, node: tree.Labelled, may_break: bool = False) -> Document:
        """Return the document of `as name`, if it is there."""
        if getattr(node, "label", None) is None:
            return ""
        if may_break:
            return group(Indent((self.line(" "), self.word(), self.next(" ")), self.step))
        return self.next(" "), self.next(" ")

    def names(self, names: Sequence[tree.Name]) -> Document:
        """Return the document of the names in front of `in`."""
        return tuple((self.gap(" "), self.word(), self.next() if name is not names[-1] else "") for name in names)

    def arguments(self, nodes: Sequence[tree.Argument]) -> Document:
        """Return the document of the arguments of a layer, which fill as many lines as they need."""
        parts: list[Document] = []
        step, self.step = self.step, INDENT
        for node in nodes:
            parts.append(group(Indent((self.line(" "), self.document(node)), step)))
        self.step = step
        return tuple(parts)

    def items(self, nodes: Sequence[tree.Node], share_lines: bool = False) -> Document:
        """Return the document of what stands in brackets with commas between, an item a line or as many as fit."""
        return (self.line(), self.document(nodes[0]), self.others(nodes[1:], share_lines)) if nodes else ""

    def others(self, nodes: Sequence[tree.Node], share_lines: bool) -> Document:
        """Return the document of all items but the first, with the commas before them."""
        parts: list[Document] = []
        for node in nodes:
            part = self.word(), self.line(" "), self.document(node)
            parts.append(group(*part) if share_lines else part)
        return tuple(parts)

    def binary(self, node: tree.Binary, columns: int) -> Document:
        """Return the document of an operation, which breaks before its sign."""
        left = self.binary(node.left, columns) if isinstance(node.left, tree.Binary) else self.document(node.left)
        if node.operator in TIGHT:
            return left, self.next(), self.gap(), self.document(node.right)
        step, self.step = self.step, INDENT
        right = self.line(" "), self.word(), self.gap(" "), self.document(node.right)
        self.step = step
        return group(left, Indent(right, columns))


# Comments and empty lines ---------------------------------------------------------------------------------------------


def _trailing(comment: _Comment) -> Trailing:
    # code that fits on its line is not broken for what is said of it
    return Trailing(comment.text, measured=False)


def _above(comments: Sequence[_Comment], is_apart: bool) -> str:
    """Return the lines between two statements: the comments that do not trail the first, with their empty lines."""
    above = [comment for comment in comments if not comment.trails]
    if not above:
        return "\n" * is_apart
    is_apart = is_apart and not (above[-1].ends_apart or any(comment.begins_apart for comment in above))
    lines = ("\n" * comment.begins_apart + f"{comment.text}\n" for comment in above)
    return "\n" * is_apart + "".join(lines) + "\n" * above[-1].ends_apart


def _kind(statement: tree.Statement) -> int:
    """Return the place in KINDS."""
    return next(place for place, kinds in enumerate(KINDS) if isinstance(statement, kinds))
