"""What is likely meant where a text cannot be read: a message for each mistake, and often what to read in its place.

`explain` asks the functions of this file in turn; the first that knows the mistake answers. Each shows in its
docstring a text that it is about.
"""

# ruff: noqa: RUF001 - the signs that people take for ours are here on purpose

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from attrs import field, frozen

from ..diagnostics import Diagnostic, Related
from ..source import Source, Span
from .tables import RESERVED
from .tokens import CLOSERS, CLOSING, END, STATEMENT_WORDS, WRONG, Token, begins_line, read_token

SIGNS = {
    "VBAR": "|", "COMMA": ",", "COLON": ":", "EQUAL": "=", "STAR": "*", "RPAR": ")", "RSQB": "]", "RBRACE": "}",
}  # fmt: skip
OPENING = {")": "(", "]": "[", "}": "{"}
OPERATORS = frozenset({"PLUS", "MINUS", "NEG", "STAR", "SLASH", "FLOOR", "COMPARE", "AND", "OR", "NOT"})
NUMBERS = frozenset({"INT", "FLOAT", "DIMS"})

# The words whose brackets hold pipelines. Everything else is a layer or a block, and takes its arguments bare.
MERGES = frozenset({"add", "sub", "mul", "max", "average", "matmul", "concat", "stack"})
COMBINATORS = MERGES | {"residual", "freeze", "attention", "moe"}

# What begins a statement in other languages, or is said by people who have not read ours.
TRANSLATED = {
    "input": "in", "inputs": "in", "output": "out", "outputs": "out", "return": "out", "def": "block", "class": "block",
    "define": "block", "function": "block", "module": "block", "import": "use", "include": "use", "from": "use",
    "require": "use", "var": "const", "val": "const", "set": "const", "constant": "const",
}  # fmt: skip

EXAMPLES = {
    "LET": "let left = in 28x28x1 | conv 8@3",
    "CONST": "const width = 64",
    "BLOCK": "block unit c k=3: conv c@k | relu",
    "SHARED": "shared tower: conv 8@3 | relu",
    "FOR": "for c in [64, 128] (conv c@3 | relu)",
    "EACH": "concat(each k in [1, 3] (conv 8@k same))",
    "OUT": "out in 784 | dense 10",
    "AUX": "aux left | dense 10",
    "TRAIN": "train loss=cross_entropy target=10",
    "AS": "conv 8@3 as stem",
    "IF": "if s > 1 then pool 2 else id",
    "RESIDUAL": "residual(conv 8@3 same | relu)",
    "FREEZE": "freeze(conv 8@3 same | relu)",
    "ID": "add(conv 8@3 same, id)",
}
"""How words that are no layers are used."""

VALUES = "a value is a number, a shape, a list, a word, or an expression such as `2*c`"

COMMENTS = "a comment begins with `#` and ends with its line"

REPEATS = frozenset({"repeat", "repeat(", "loop", "loop("})
_REPEATED = re.compile(r"\w+(?:\(|\s*(?=[0-9]*\s*[:(\[{]))\s*([0-9]*)[\s,:(\[{)]*")
_OPEN_SHAPE = re.compile(r"[(\[]?\s*((?:None|[0-9]+|\?)(?:\s*[,x]\s*(?:None|[0-9]+|\?))*)(?:\s*,?\s*[)\]])?")
_FUNCTION = re.compile(r"lambda\b[\w\s,=*]*:|[\w.]*\bLambda\(")

MAX_SHOWN = 30  # characters of a word in a message
MAX_REREAD = 2000  # characters that are read again when a mistake turns out to have begun earlier
MAX_SEARCHED = 1000  # tokens in which the end of a bracket is looked for
MAX_REWRITTEN = 24  # tokens between brackets that are read as if they had none


@frozen
class Mistake:
    """A message, and how to go on: with `read` instead of the token; without it, behind what the mistake spoils.

    A token of the kind WRONG in `read` stands for something that is not known.
    """

    diagnostic: Diagnostic
    read: tuple[Token, ...] | None = field(default=None, kw_only=True)
    forget: int = field(default=0, kw_only=True)  # values to take off the parser's stack before
    end: int | None = field(default=None, kw_only=True)  # where to go on reading, if not behind the token


@frozen
class Bracket:
    """A bracket that is open."""

    token: Token
    before: Token | None  # the token before it
    below: str  # the symbol before it
    values: int  # on the parser's stack, its own among them
    among_arguments: bool
    holds_pipelines: bool


@frozen
class Place:
    """Where a token cannot stand, and what led there."""

    source: Source
    token: Token
    recent: tuple[Token, ...]  # the tokens before it, the nearest last
    symbols: tuple[str, ...]  # of the grammar: all that is read so far, in a row
    expected: frozenset[str]  # the terminals that could follow
    brackets: tuple[Bracket, ...]  # the innermost last

    @property
    def before(self) -> Token:
        """The token before; an empty one at the start of the text."""
        return self.recent[-1] if self.recent else Token("", self.token.start, self.token.start, "")

    @property
    def wants_value(self) -> bool:
        """Whether a number, list or the like could stand here."""
        return {"INT", "LSQB"} <= self.expected

    @property
    def wants_stage(self) -> bool:
        """Whether a stage of a pipeline has to stand here."""
        return {"NAME", "FOR"} <= self.expected and "INT" not in self.expected

    @property
    def wants_name(self) -> bool:
        """Whether nothing but a name can stand here."""
        return self.expected <= {"NAME", "COLON"} and "NAME" in self.expected

    @property
    def between_statements(self) -> bool:
        """Whether what stands before is complete, and only a new statement can follow."""
        return "LET" in self.expected and not {"VBAR", "INT"} & self.expected

    @property
    def begins_line(self) -> bool:
        """Whether the token is the first in its line."""
        return begins_line(self.source.text, self.token)

    @property
    def ends_statement(self) -> bool:
        """Whether the token begins a new statement, or the text ends."""
        return self.token.kind in STATEMENT_WORDS or (self.token.kind == "IN" and self.begins_line)

    def next(self, token: Token | None = None) -> Token:
        """Return the token behind another one, or behind the one that cannot stand here."""
        found = read_token(self.source.text, (token or self.token).end)
        while found.kind == "COMMENT":
            found = read_token(self.source.text, found.end)
        return found

    def closer(self, token: Token) -> Token | None:
        """Return what ends the bracket that a token stands in, None if nothing does; the token may be that itself."""
        depth = 0
        for _ in range(MAX_SEARCHED):
            if token.kind in STATEMENT_WORDS:
                return None
            if token.kind in CLOSING and depth == 0:
                return token
            depth += (token.kind in CLOSERS) - (token.kind in CLOSING)
            token = self.next(token)
        return None

    def between(self, opener: Token, nested: bool = True) -> tuple[tuple[Token, ...], Token] | None:
        """Return what stands in a bracket, and its end; None where that is long, nested or never ends.

        Sizes as Python writes them, `(3, 3)`, and words in quotes are turned into ours on the way.
        """
        from .calls import with_sizes_joined

        inside: list[Token] = []
        token = self.next(opener)
        while token.kind not in CLOSING:
            if token.kind == "LPAR" and nested and not (inside and inside[-1].kind == "NAME"):
                sizes = self.between(token, nested=False)
                text = with_sizes_joined(f"({''.join(size.text for size in sizes[0])})") if sizes else ""
                meant = _whole(text)
                if sizes is None or meant is None or meant.kind not in ("INT", "DIMS"):
                    return None
                token = Token(meant.kind, token.start, sizes[1].end, text)
            elif token.kind in (WRONG, "STRING") and re.fullmatch(r"""(['"])[A-Za-z_][\w.]*\1""", token.text):
                token = _as("NAME", token.text[1:-1], token)
            elif token.text in ("True", "False", "None"):
                word = token.text.lower()
                token = _as(RESERVED.get(word, "NAME"), word, token)
            if token.kind in (END, WRONG) or token.kind in CLOSERS or len(inside) >= MAX_REWRITTEN:
                return None
            inside.append(token)
            token = self.next(token)
        return tuple(inside), token

    def say(
        self,
        message: str,
        label: str = "",
        help: str = "",
        *,
        at: Token | tuple[Token, Token] | None = None,
        related: tuple[Token, str] | None = None,
        read: tuple[Token, ...] | None = None,
        forget: int = 0,
        end: int | None = None,
    ) -> Mistake:
        """Return the mistake at the token, or `at` another one, or from one to another."""
        first, last = at if at is not None and not isinstance(at, Token) else (at or self.token,) * 2
        span = Span(self.source, first.start, last.end)
        others = (Related(Span(self.source, related[0].start, related[0].end), related[1]),) if related else ()
        diagnostic = Diagnostic("E020", message, span, label, help, others)
        return Mistake(diagnostic, read=read, forget=forget, end=end)


def explain(place: Place) -> Mistake:
    """Return what is wrong at a place."""
    for knows in WORDS if place.token.kind == WRONG else STRUCTURE:
        mistake = knows(place)
        if mistake is not None:
            return mistake
    return _unknown(place)


def _shown(text: str) -> str:
    """Return a word as a message quotes it: not too long, and nothing that a terminal could act upon."""
    text = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
    return "".join(character if character.isprintable() else "?" for character in text)


def _as(kind: str, text: str, token: Token) -> Token:
    """Return a token of another kind and text in the place of one."""
    return Token(kind, token.start, token.end, text)


def _added(kind: str, token: Token, text: str = "") -> Token:
    """Return a token that was left out before another one."""
    return Token(kind, token.start, token.start, text or SIGNS.get(kind, kind.lower()))


def _whole(text: str) -> Token | None:
    """Return the one token that a text is, or None."""
    token = read_token(text, 0)
    return token if text and token.end == len(text) and token.kind != WRONG else None


def _layer_for(word: str) -> str | None:
    """Return the layer that a word from elsewhere stands for."""
    from ..layers import suggest

    return suggest(word.rpartition(".")[2])


def _layer_tokens(layer: str, start: int, end: int) -> tuple[Token, ...]:
    """Return what a layer's name is read as in the place of another: `pool global` is two words."""
    return tuple(Token("NAME", start, end, word) for word in layer.split() if word.isidentifier())


def _takes_filters(layer: str) -> bool:
    """Whether a layer is told its numbers as `filters@window`."""
    from ..layer import arguments
    from ..layers import forms

    return any(argument.role == "filters" for form in forms(layer) for argument in arguments(form).values())


# Words and signs that the language does not have


def _repeat(place: Place) -> Mistake | None:
    """`repeat 3 (conv 8@3 same)`, `repeat(3, relu)`, `repeat 3: relu`."""
    words = [*(bracket.token for bracket in place.brackets), *place.recent]
    word = next((one for one in words if one.kind in ("NAME", "CALL") and one.text in REPEATS), None)
    if word is None or place.ends_statement:
        return None
    match = _REPEATED.match(place.source.text, word.start)
    if match is None or re.search(rf"\b(block|shared)\s+{word.text.strip('(')}\b", place.source.text):
        return None
    message = f"`{word.text.strip('(')}` is not a word of this language: a group is repeated with `*`"
    inside = [bracket for bracket in place.brackets if bracket.token.start >= word.start]
    closer = place.closer(place.token) if inside else None
    if closer is None:
        return place.say(message, f"write `( ... ) * {match[1] or 3}`", at=(word, place.token))
    body = place.source.text[match.end() : closer.start]
    behind = re.search(r"\s*,\s*([0-9]+)\s*\Z", body)
    count = match[1] or (behind[1] if behind else "3")
    body = " ".join(body[: behind.start() if behind else None].split())
    label = f"write `({body if 0 < len(body) <= MAX_SHOWN else ' ... '}) * {count}`"
    read = (Token(WRONG, word.start, closer.end, ""),)
    forget = inside[0].values + (0 if inside[0].token == word else 1 + bool(match[1]))
    return place.say(message, label, at=(word, closer), read=read, forget=forget, end=closer.end)


def _open_size(place: Place) -> Mistake | None:
    """`in None`, `in Nonex28x28x1`, `in (None, 28, 28, 1)`, `input(shape=(None, 80))`."""
    bracket = place.brackets[-1] if place.brackets else None
    call = place.brackets[-2].token if len(place.brackets) > 1 else None
    if call and TRANSLATED.get(call.text[:-1]) == "in" and place.token.text == "None":
        return _called(place, call, call, "in", place.brackets[-2].values)
    first, before, values = place.token, place.before, 0
    if bracket and before.kind != "IN":
        first, values = bracket.token, bracket.values
        before = bracket.before or before
    shape = _OPEN_SHAPE.match(place.source.text, first.start)
    if before.kind != "IN" or shape is None or "None" not in shape[1]:
        return None
    sizes = re.sub("None", "?", re.sub(r"\s*,\s*", "x", shape[1]))
    batch, _, rest = sizes.partition("x")
    label = f"write `{sizes}`"
    if batch == "?" and rest:
        label = f"{label}, or `{rest}` if the first is the batch" if "?" in rest else f"write `{rest}`"
        sizes = rest if "?" not in rest else ""
    meant = _whole(sizes)
    at = Token(meant.kind if meant and sizes != "?" else WRONG, first.start, shape.end(), sizes)
    help = "a shape has no batch axis, and a size that is left open is `?`"
    return place.say("`None` is not a size here", label, help, at=at, read=(at,), forget=values, end=at.end)


def _function(place: Place) -> Mistake | None:
    """`in 784 | lambda x: 2 * x`, `Lambda(lambda x: 2 * x)`."""
    words = (*place.recent, place.token)
    word = next((one for one in words if _FUNCTION.match(place.source.text, one.start)), None)
    if word is None:
        return None
    help = "layers calculate, as `scale 2`, `square`, `clip 0 6` or `mul(id, other)`; `netdsl layers` lists them all"
    return place.say("a function of Python cannot stand here", "", help, at=word)


def _invisible(place: Place) -> Mistake | None:
    """`conv 3@3\\u00a0same`."""
    word = place.token.text
    if len(word) != 1 or (word.isprintable() and unicodedata.category(word) not in ("Zs", "Cf")):
        return None
    name = unicodedata.name(word, "a control character").lower()
    message = f"a character that cannot be seen stands here: {name} (U+{ord(word):04X})"
    return place.say(message, "here", "delete it; ordinary blanks part words", read=())


def _comment(place: Place) -> Mistake | None:
    """`/* the stem */`."""
    if not place.token.text.startswith("/*"):
        return None
    start = Token(WRONG, place.token.start, place.token.start + 2, "/*")
    label = "delete it, or write it behind a `#` at the end of a line"
    return place.say("`/*` does not begin a comment here", label, COMMENTS, at=start, read=())


def _arrow(place: Place) -> Mistake | None:
    """`in 784 -> dense 10;`."""
    sign, after = place.token.text, place.next()
    if sign not in ("->", "-->", "=>", "|>", ">>", "→", "⇒", ";", "||"):
        return None
    if sign == ";" and "LET" in place.expected and (after.kind in STATEMENT_WORDS or after.kind == "IN"):
        return place.say(
            "no `;` ends a statement", "delete it", "each statement begins with a word of its own", read=()
        )
    if sign == "||" and "OR" in place.expected and not ("VBAR" in place.expected and after.kind == "NAME"):
        return place.say("`||` is not a sign of this language", "write `or`", read=(_as("OR", "or", place.token),))
    if "VBAR" not in place.expected:
        return None
    message = "one `|` is enough between two layers" if sign == "||" else f"`{sign}` does not join layers: `|` does"
    return place.say(message, "write `|`", read=(_as("VBAR", "|", place.token),))


def _sign(place: Place) -> Mistake | None:
    """`if a && b`, `dropout 50%`."""
    token, before = place.token, place.before
    after = place.next()
    if token.text in ("^", "**"):
        if before.kind == after.kind == "INT" and before.text.isdigit() and re.fullmatch("[0-9]", after.text):
            power = Token("INT", before.start, after.end, str(int(before.text[:9]) ** int(after.text)))
        elif before.text == "2" and re.fullmatch("[0-9]{1,2}", after.text):
            power = Token("INT", before.start, after.end, str(2 ** int(after.text)))
        else:
            return place.say("there is no sign for powers", "", "write a product, as in `c*c`")
        message, label = "there is no sign for powers", f"write `{power.text}`"
        return place.say(message, label, at=power, read=(power,), forget=1, end=after.end)
    meant = {"&&": ("AND", "and"), "&": ("AND", "and"), "!": ("NOT", "not"), ":=": ("EQUAL", "=")}
    if token.text in meant and meant[token.text][0] in place.expected:
        kind, text = meant[token.text]
        message = f"`{token.text}` is not a sign of this language"
        return place.say(message, f"write `{text}`", read=(_as(kind, text, token),))
    if token.text == "\\":
        return place.say("`\\` is not needed here", "delete it", "a line may break between any two words", read=())
    if token.text == "%" and re.fullmatch("[0-9]{1,3}", before.text) and before.end == token.start:
        share = f"{int(before.text) / 100:g}"
        meant_number = Token("FLOAT" if "." in share else "INT", before.start, token.end, share)
        message = "a share is written as a number, not in per cent"
        return place.say(message, f"write `{share}`", at=meant_number, read=(meant_number,), forget=1)
    help = {
        "%": "the remainder of `a` by `b` is `a - a // b * b`",
        "×": "sizes are joined by the letter `x`, as in `28x28x1`",
        "…": "write out what it stands for",
    }.get(token.text)
    return place.say(f"`{token.text}` is not a sign of this language", help=help) if help else None


def _quotes(place: Place) -> Mistake | None:
    """`use 'blocks.net'`."""
    word = place.token.text
    closers = {'"': '"', "'": "'", "‘": "’", "“": "”"}
    if word[0] not in closers:
        return None
    ended = len(word) > 1 and word.endswith(closers[word[0]])
    inside = word[1:-1] if ended else word[1:].rstrip()
    name = _whole(inside)
    kind = "STRING" if place.before.kind == "USE" else name.kind if name and name.kind in NUMBERS else "NAME"
    fits = kind in place.expected and (kind == "STRING" or (name is not None and name.kind == kind))
    read = (_as(kind, f'"{inside}"' if kind == "STRING" else inside, place.token),) if fits else None
    if word[0] == '"':
        return place.say("this text never ends", "begins here", 'write `"` at its end, in the same line', read=read)
    if kind != "STRING" and name is not None and name.kind == kind:
        what = "words" if kind == "NAME" else "numbers"
        return place.say(f"{what} stand without quotes", f"write `{_shown(inside)}`", read=read)
    return place.say(f'text stands in double quotes: `"{_shown(inside)}"`', f"not in `{word[0]}`", read=read)


def _text(place: Place) -> Mistake | None:
    """`block unit act="relu": ...`."""
    inside = place.token.text[1:-1]
    if place.token.kind != "STRING" or "NAME" not in place.expected or not re.fullmatch("[a-z_][a-z0-9_]*", inside):
        return None
    read = (_as("NAME", inside, place.token),)
    return place.say("words stand without quotes", f"write `{_shown(inside)}`", read=read)


def _dims(place: Place) -> Mistake | None:
    """`in 10X10X3`."""
    word = place.token.text
    fixed = re.sub(r"(?<=[0-9?])[X×](?=[0-9?A-Z])|(?<=[0-9?A-Z])[X×](?=[0-9?])", "x", word)
    meant = _whole(fixed)
    if fixed == word or meant is None or meant.kind != "DIMS":
        return None
    message = "sizes are joined by a lower-case letter `x`"
    return place.say(message, f"write `{_shown(fixed)}`", read=(_as("DIMS", fixed, place.token),))


def _is_constant(place: Place, name: str) -> bool:
    """Whether a name is declared as a constant, or by a `for`."""
    return name.isidentifier() and re.search(rf"\b(?:const|for)\s+{name}\b", place.source.text) is not None


def _number(place: Place) -> Mistake | None:
    """`dense 5K`, `dropout .5`, `dense 64same`, `in 28x28x`, `reshape 196xdim`."""
    word = place.token.text
    if not re.match(r"\.?[0-9]", word):
        return None
    suffix = {"K": "k", "m": "M", "g": "G", "b": "B"}.get(word[-1])
    fixed = word[:-1] + suffix if suffix else "0" + word if word[0] == "." else word.rstrip(".")
    meant = _whole(fixed) if fixed != word else None
    if meant is not None and meant.kind in ("INT", "FLOAT"):
        why = "digits stand on both sides of a dot"
        if suffix:
            why = (
                f"a {'thousand' if suffix == 'k' else 'million' if suffix == 'M' else 'thousand million'} is `{suffix}`"
            )
        message = f"`{_shown(word)}` is not a number: {why}"
        return place.say(message, f"write `{_shown(fixed)}`", read=(_as(meant.kind, fixed, place.token),))
    shape = re.search(r"[0-9?]x|x[0-9?]", word)
    parts = re.fullmatch(r"([0-9_.]+[kMGB]?)([a-z_][a-z0-9_]*)", word)
    names = [part for part in word.split("x") if not part.isdigit()]
    if shape and len(word) < MAX_SHOWN and names and all(_is_constant(place, name) for name in names):
        written = f"[{', '.join(word.split('x'))}]"
        read = tuple(Token(one.kind, place.token.start, place.token.end, one.text) for one in _tokens(written))
        return place.say("a shape with names in it is a list", f"write `{written}`", read=read)
    if re.fullmatch("[0-9]+x", word) and (counted := _counted_before(place, word[:-1], place.next())):
        return counted
    if shape:
        help = "sizes are whole numbers, `?` or upper-case names, joined by `x`: `28x28x1`, `Tx80`"
        return place.say(f"`{_shown(word)}` is not a shape", help=help)
    if parts and place.before.kind in ("AS", "LET", "CONST", "BLOCK"):
        read_name = (_as("NAME", f"_{word}", place.token),)
        return place.say("a name does not begin with a digit", f"write `_{_shown(word)}`", read=read_name)
    if parts and _whole(parts[1]):
        start, middle, end = place.token.start, place.token.start + len(parts[1]), place.token.end
        read = (
            Token("INT" if parts[1].isdigit() else "FLOAT", start, middle, parts[1]),
            Token("NAME", middle, end, parts[2]),
        )
        label = f"write `{_shown(parts[1] + ' ' + parts[2])}`"
        return place.say(f"`{_shown(word)}` is neither a number nor a name", label, read=read)
    help = "numbers look like `64`, `10_000`, `5M`, `0.5` or `1e-3`"
    return place.say(f"`{_shown(word)}` is not a number", help=help)


def _path(place: Place) -> Mistake | None:
    """`cnn.net` as the whole text of a network."""
    text = place.source.text
    if place.recent or len(text) > MAX_REREAD or not re.fullmatch(r"\s*[^\s|#]+\.net\s*", text):
        return None
    end = len(text.rstrip())
    at = Token(WRONG, place.token.start, end, "")
    message = "this is the name of a file, and the text of a network is wanted here"
    help = "a file is given to a command without `-e`, and to `netdsl.load` in Python"
    return place.say(message, "", help, at=at, read=(at,), end=end)


def _mixed_case(place: Place) -> Mistake | None:
    """`In 28x28x1 | Conv2D 32@3 | myBlock`."""
    token = place.token
    word, last = token.text, token.text.rpartition(".")[2]
    lower = last.lower()
    if not last.isidentifier():
        return None
    if RESERVED.get(lower) in place.expected:
        return place.say(
            f"`{lower}` is written in lower case", f"write `{lower}`", read=(_as(RESERVED[lower], lower, token),)
        )
    layer, after = _layer_for(word) if place.wants_stage else None, place.next()
    if layer and after.kind == "LPAR":
        return _called(place, _as("CALL", word + "(", token), after, layer)
    if layer:
        message = f"`{_shown(word)}` is not a layer of this language"
        return place.say(message, f"write `{layer}`", read=_layer_tokens(layer, token.start, token.end))
    if word != last:
        return place.say(f"`{_shown(word)}` is not a name", help="a name has no dot in it")
    fixed = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()
    # As a stage it would be one more mistake if nothing has that name.
    declared = rf"\b(block|shared|let|as|const)\s+{word}\b"
    known = not place.wants_stage or (len(word) < 100 and re.search(declared, place.source.text) is not None)
    read = (_as("NAME", fixed, token),) if known else None
    if not word.isascii():
        help = "a name is made of `a` to `z`, `0` to `9` and `_`"
        return place.say(f"`{_shown(word)}` is not a name", help=help, read=read)
    message = f"`{_shown(word)}` is not a name: names are lower case"
    return place.say(message, f"write `{_shown(fixed)}`", read=read)


def _other_word(place: Place) -> Mistake:
    """`conv 3@3 $ relu`, `relu | ...`."""
    word = _shown(place.token.text)
    if re.fullmatch(r"[.?]+", place.token.text):
        return place.say(f"`{word}` means nothing here", help="write out what it stands for")
    return place.say(f"`{word}` means nothing in this language", "delete it", read=() if len(word) == 1 else None)


# Brackets


def _call_without_pipelines(place: Place) -> Mistake | None:
    """`dense(10)`, `concat()`, `conv(x, 32, 3)`."""
    opener, token = place.before, place.token
    if not place.wants_stage or place.ends_statement:
        return None
    bracket = place.brackets[-1] if place.brackets else None
    if bracket and bracket.token.kind == "CALL" and opener.kind in ("CALL", "COMMA"):
        name = bracket.token.text[:-1]
        if name not in COMBINATORS:
            return _called(place, bracket.token, bracket.token, name, bracket.values)
    if opener.kind != "CALL":
        return None
    name = opener.text[:-1]
    example = f"`{EXAMPLES.get(name.upper(), 'concat(conv 8@1, conv 8@3 same)')}`"
    if token.kind == "RPAR":
        return place.say(f"`{name}()` holds no pipeline", "", example, at=(opener, token))
    return place.say(f"`{name}(` takes pipelines, and `{_shown(token.text)}` is none", "", example)


def _called(place: Place, name: Token, opener: Token, layer: str, forget: int = 0) -> Mistake:
    """Report a layer that is written like a call; `opener` is the token that ends in its bracket.

    `forget` counts the values on the parser's stack that belong to it.
    """
    from ..layers import brought
    from .calls import in_our_words

    between = place.between(opener)
    word = name.text[:-1]
    declared = re.search(rf"\b(block|shared)\s+{re.escape(layer[:MAX_REREAD])}\b", place.source.text)
    layer = layer if declared else brought(layer) or layer
    if layer in MERGES:
        return _combined(place, name, opener, layer, forget)
    if between is None or any(token.kind in ("VBAR", "AS", "IN") for token in between[0]):
        closer = place.closer(place.next(opener))
        message = f"`{_shown(word)}` takes its arguments without brackets"
        help = f"as in `{layer}`" if " " in layer else _example_of(layer)
        if "bidirectional" in layer:
            message = f"`{_shown(word)}` is no layer here, but a word behind one"
        if closer is None or closer.kind != "RPAR":
            return place.say(message, "", help, at=name)
        read = (_as(WRONG, "", name),)
        return place.say(message, "", help, at=(name, closer), read=read, forget=forget, end=closer.end)
    inside, closer = between
    call = _shown(place.source.text[name.start : closer.end])
    entering = _entering(place, name, inside)
    given = _given(inside[2:] if entering else inside)
    written = in_our_words(word, layer, given)
    if not _whole_stages(written):
        return place.say(f"`{_shown(word)}` takes its arguments without brackets", "", _example_of(layer), at=name)
    message = f"`{call}`: arguments stand without brackets and commas" if given else f"`{call}`: no brackets are needed"
    if entering:
        message = f"`{call}`: what enters a layer stands before it, and a `|` between them"
        written = f"{entering} | {written}"
    meant = tuple(Token(token.kind, name.start, closer.end, token.text) for token in _tokens(written))
    return place.say(message, f"write `{written}`", at=(name, closer), read=meant, forget=forget, end=closer.end)


_LISTED = re.compile(r"(?:\)\s*\()?\s*\[(?P<listed>[^\[\]]*)\]\s*(?:,\s*(?:axis\s*=\s*-1|dim\s*=\s*(?:1|-1))\s*)?\)")


def _combined(place: Place, name: Token, opener: Token, word: str, forget: int) -> Mistake:
    """Report branches that are combined in another language: `torch.cat([left, right], dim=1)`."""
    shown = _shown(name.text[:-1])
    message = f"`{shown}` is `{word}` here, and its branches stand between its parentheses"
    listed = _LISTED.match(place.source.text, opener.end)
    closer = place.closer(place.next(opener))
    if listed is None or closer is None:
        help = f"as in `{word}(left, right)`; `axis=` counts without the batch"
        if closer is None:
            return place.say(message, "", help, at=name)
        unknown = (Token(WRONG, name.start, closer.end, ""),)
        return place.say(message, "", help, at=(name, closer), read=unknown, forget=forget, end=closer.end)
    at = Token("", name.start, listed.end(), "")
    inside = " ".join(listed["listed"].split())
    label = f"write `{word}({inside if len(inside) <= 2 * MAX_SHOWN else ' ... '})`"
    read = tuple(Token(token.kind, at.start, at.end, token.text) for token in _tokens(f"{word}({listed['listed']})"))
    return place.say(message, label, at=at, read=read, forget=forget, end=at.end)


def _tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text."""
    tokens = [read_token(text, 0)]
    while tokens[-1].kind != END:
        tokens.append(read_token(text, tokens[-1].end))
    return tuple(tokens[:-1])


def _whole_stages(written: str) -> bool:
    """Whether nothing in what is to be written is unknown."""
    return all(token.kind != WRONG for token in _tokens(written))


def _entering(place: Place, name: Token, inside: tuple[Token, ...]) -> str:
    """Return the tensor that stands first among the arguments of a call: `relu(x)`, `conv(x, 32, 3)`; else nothing."""
    if not inside or inside[0].kind != "NAME" or (len(inside) > 1 and inside[1].kind != "COMMA"):
        return ""
    if not re.search(r"(=|\b(?:out|aux))\s*$", place.source.text[max(name.start - 50, 0) : name.start]):
        return ""
    return inside[0].text if _is_tensor(place, inside[0]) else ""


def _given(inside: tuple[Token, ...]) -> list[tuple[str, str]]:
    """Return the arguments of a call: a name, empty where there is none, and a value."""
    parts: list[list[Token]] = [[]]
    for token in inside:
        if token.kind == "COMMA":
            parts.append([])
        else:
            parts[-1].append(token)
    given = []
    for part in filter(None, parts):
        named = len(part) > 2 and part[1].kind == "EQUAL"
        value = "".join(token.text if token.kind != "AT" else "@" for token in part[2 if named else 0 :])
        given.append((part[0].text if named else "", value))
    return given


def _example_of(layer: str) -> str:
    """Return how a layer is written, from its page."""
    from ..binding import example
    from ..layers import forms

    declared = forms(layer.split()[0])
    return f"as in `{example(declared[0]) if declared else layer}`"


def _branches(place: Place) -> Mistake | None:
    """`(conv 8@3, conv 8@5)`, `concat([left, right])`, `residual { relu | bn }`."""
    if not place.brackets:
        return None
    *_, bracket = place.brackets
    opener, name, token = bracket.token, bracket.before, place.token
    if opener.kind == "CALL" and opener == place.before and token.kind == "LSQB" and opener.text[:-1] in COMBINATORS:
        between = place.between(token)
        return _in_brackets(place, token, between[1], opener.text[:-1], between[0]) if between else None
    closer = place.closer(token)
    if closer is None or name is None:
        return None
    unknown: tuple[Token, ...] = (Token(WRONG, opener.start, closer.end, ""),)
    if opener.kind == "LPAR" and bracket.holds_pipelines and token.kind == "COMMA" and _is_stage(place, place.next()):
        if name.kind == "CALL" and name.text[:-1] in COMBINATORS:
            return _in_brackets(place, opener, closer, name.text[:-1], unknown, bracket.values)
        label = f"write `concat({_inside(place, opener, closer)})`, or `add( ... )`"
        message, at = "branches stand in the parentheses of a combinator", (opener, closer)
        return place.say(message, label, at=at, read=unknown, forget=bracket.values, end=closer.end)
    if opener.kind in ("LSQB", "LBRACE") and bracket.among_arguments and name.text in COMBINATORS:
        label = f"write `{name.text}({_inside(place, opener, closer)})`"
        message, at = f"`{name.text}` takes parentheses", (name, closer)
        unknown = (Token(WRONG, name.start, closer.end, ""),)
        return place.say(message, label, at=at, read=unknown, forget=bracket.values + 1, end=closer.end)
    return None


def _in_brackets(
    place: Place, opener: Token, closer: Token, word: str, read: tuple[Token, ...], forget: int = 0
) -> Mistake:
    """Report branches that stand in brackets inside of the parentheses of a combinator."""
    label = f"write `{word}({_inside(place, opener, closer)})`"
    message = f"the branches of `{word}` stand in no other brackets than its parentheses"
    return place.say(message, label, at=(opener, closer), read=read, forget=forget, end=closer.end)


def _inside(place: Place, opener: Token, closer: Token) -> str:
    """Return what is written between two brackets, to be shown."""
    written = " ".join(place.source.text[opener.end : closer.start].split())
    return written if len(written) <= 2 * MAX_SHOWN and written.isprintable() else " ... "


def _is_tensor(place: Place, token: Token) -> bool:
    """Whether a token is the name of a tensor that the text declares before."""
    named = rf"\b(let|as)\s+{re.escape(token.text[:MAX_REREAD])}\b"
    return token.kind == "NAME" and re.search(named, place.source.text[: token.start]) is not None


def _is_stage(place: Place, token: Token) -> bool:
    """Whether a token is the word of a layer or block, or a tensor, or begins a group or a combinator."""
    from ..layers import forms

    declared = rf"\b(let|as|block|shared)\s+{re.escape(token.text[:MAX_REREAD])}\b"
    if token.kind == "NAME":
        return token.text == "id" or bool(forms(token.text) or re.search(declared, place.source.text))
    return token.kind in ("LPAR", "CALL")


def _sizes(place: Place) -> Mistake | None:
    """`in (28, 28, 1)`, `conv 8@(3, 3)`, `const width = 1,000`."""
    token, before, after = place.token, place.before, place.next()
    if token.kind != "COMMA":
        return None
    is_grouped = before.end == token.start == after.start - 1 and len(after.text) == 3 and after.text.isdigit()
    if before.kind == "INT" and before.text[-1].isdigit() and is_grouped:
        number = Token("INT", before.start, after.end, f"{before.text}_{after.text}")
        message, label = "a comma does not group digits", f"write `{_shown(number.text)}`"
        return place.say(message, label, at=number, read=(number,), forget=1, end=after.end)
    between = place.between(place.brackets[-1].token) if place.brackets else None
    if between is None or place.brackets[-1].token.kind != "LPAR" or place.brackets[-1].holds_pipelines:
        return None
    inside = [part for part in between[0] if part.kind != "COMMA"]
    alike = len(inside) > 2 or len({part.text for part in inside}) == 1
    if place.brackets[-1].below == "NAME" and not alike:
        return None
    dims = _whole("x".join(part.text for part in inside))
    if dims is None or dims.kind != "DIMS":
        return None
    opener, closer = place.brackets[-1].token, between[1]
    meant = Token("DIMS", opener.start, closer.end, dims.text)
    read, forget = (meant,), place.brackets[-1].values
    return place.say(
        "sizes are joined by `x`", f"write `{dims.text}`", at=meant, read=read, forget=forget, end=closer.end
    )


def _brackets_apart(place: Place) -> Mistake | None:
    """`add (left, right)`, `relu (conv 8@3 | bn)`, `relu add(left, right | bn)`."""
    if not place.brackets:
        return None
    bracket = place.brackets[-1]
    opener, name, values = bracket.token, bracket.before, bracket.values
    if bracket.holds_pipelines or not bracket.among_arguments or opener.kind not in ("LPAR", "CALL") or name is None:
        return None
    if place.token.kind in CLOSING or place.token.kind in (END, "IN") or place.token.start - opener.start > MAX_REREAD:
        return None
    behind_name = opener.kind == "LPAR" and bracket.below == "NAME"
    whole = Token("CALL", name.start, opener.end, name.text + "(")
    if behind_name and name.text in COMBINATORS:
        message = f"no blank stands between `{name.text}` and its bracket"
        return place.say(message, f"write `{whole.text}`", at=whole, read=(whole,), forget=values + 1, end=opener.end)
    if behind_name and place.token.kind == "COMMA":
        return _called(place, whole, opener, name.text, values + 1)
    if opener.kind == "CALL" and opener.text[:-1] not in COMBINATORS:
        return None
    if place.token.kind == "EQUAL" and values == 2:
        return place.say("arguments stand without brackets", "delete it", f"as in `{EXAMPLES['TRAIN']}`", at=opener)
    if place.closer(place.token) is None:
        help = "delete it, or write `)` where it ends"
        return place.say("this `(` is never closed", "", help, at=opener, read=(), forget=values, end=opener.end)
    message = f"a `|` is missing between `{_shown(name.text)}` and `{opener.text}`"
    read = (_added("VBAR", opener), opener)
    return place.say(message, f"write `| {opener.text}`", at=opener, read=read, forget=values, end=opener.end)


def _closes_wrongly(place: Place) -> Mistake | None:
    """`in 784 | dense 10) | relu`, `[1, 2)`."""
    token = place.token
    if token.kind not in CLOSING:
        return None
    if not place.brackets:
        help = f"delete it, or write the `{OPENING[token.text]}` that it belongs to"
        return place.say(f"this `{token.text}` closes nothing", "", help, read=())
    innermost = place.brackets[-1].token
    wanted = CLOSERS[innermost.kind]
    if wanted == token.kind:
        return None
    found = place.closer(place.next())
    if found and found.kind == wanted:
        return place.say(f"this `{token.text}` closes nothing", "", "delete it", read=())
    if any(CLOSERS[bracket.token.kind] == token.kind for bracket in place.brackets):
        return _never_closed(place)
    message, label = f"`{token.text}` does not close `{innermost.text[-1]}`", f"write `{SIGNS[wanted]}`"
    read = (_as(wanted, SIGNS[wanted], token),)
    return place.say(message, label, related=(innermost, "opened here"), read=read)


def _closed(place: Place) -> tuple[Token, ...]:
    """Return the ends of all open brackets, and the token behind them.

    Nobody knows how much of what follows was to be inside, so something unknown comes last in the innermost.
    """
    openers = [bracket.token for bracket in reversed(place.brackets)]
    ends = (*(_added(CLOSERS[opener.kind], place.token) for opener in openers), place.token)
    part = "VBAR" if "VBAR" in place.expected else "COMMA"
    listed = openers and openers[0].kind in ("LSQB", "LBRACE")
    if part == "VBAR" or (listed and part in place.expected):
        return _added(part, place.token), _added(WRONG, place.token), *ends
    return ends


def _never_closed(place: Place) -> Mistake | None:
    """`out concat(left, right`, `take [1, 2 | relu`."""
    token = place.token
    if not place.brackets:
        return None
    innermost = place.brackets[-1]
    if token.kind == CLOSERS[innermost.token.kind]:
        return None
    statement = place.ends_statement
    if statement and not place.begins_line and token.kind != END and place.closer(place.next()):
        message, help = (
            f"`{token.text}` begins a statement, and cannot stand in brackets",
            "delete it, or close the brackets",
        )
        return place.say(message, "", help, read=())
    if not (statement or token.kind in CLOSING or (token.kind == "VBAR" and not innermost.holds_pipelines)):
        return None
    if token.kind == "VBAR" and innermost.token.kind in ("LSQB", "LBRACE"):
        closer = place.closer(place.next())
        if closer and closer.kind == CLOSERS[innermost.token.kind]:
            message = f"commas part what stands between `{innermost.token.text}` and `{closer.text}`"
            return place.say(message, "write `,`", read=(_as("COMMA", ",", token),))
    return place.say(
        f"this `{innermost.token.text[-1]}` is never closed",
        "opened here",
        f"write `{SIGNS[CLOSERS[innermost.token.kind]]}` where it ends",
        at=innermost.token,
        related=None if token.kind == END else (token, f"then comes `{_shown(token.text)}`"),
        read=_closed(place) if statement else (_added(CLOSERS[innermost.token.kind], token), token),
    )


# Words of the language in the wrong place


def _slashes(place: Place) -> Mistake | None:
    """`// the stem`, `-- the stem`, `% the stem`."""
    text, first = place.source.text, place.before if place.before.kind in ("MINUS", "NEG") else place.token
    sign = next((sign for sign in ("--", "%") if text.startswith(sign, first.start)), "")
    if sign and begins_line(text, first):
        _, end = place.source.line_at(first.start)
        at, forget = Token(WRONG, first.start, first.start + len(sign), sign), int(first is place.before)
        message = f"`{sign}` does not begin a comment here"
        return place.say(message, "write `#`", COMMENTS, at=at, read=(), forget=forget, end=end)
    if place.token.kind != "FLOOR" or (place.wants_value and not place.begins_line and place.next().kind != "NAME"):
        return None
    _, end = place.source.line_at(place.token.start)
    return place.say("`//` does not begin a comment here", "write `#`", COMMENTS, read=(), end=end)


def _pipe(place: Place) -> Mistake | None:
    """`in 784 | | relu`, `block b: | relu`."""
    if place.token.kind != "VBAR" or not place.wants_stage:
        return None
    if place.before.kind == "VBAR":
        help = "name a layer, or delete one of the two"
        return place.say("nothing stands between this `|` and the one before it", "", help, read=())
    return place.say(
        "nothing stands before this `|`", "delete it", "a pipeline begins with a layer or a tensor", read=()
    )


def _nothing_behind(place: Place) -> Mistake | None:
    """`in 784 | dense 10 |`."""
    token, before = place.token, place.before
    if before.kind != "VBAR" or not place.wants_stage:
        return None
    if token.kind in ("OUT", "AUX") and not place.begins_line:
        message = f"`{token.text}` stands at the beginning of a statement, not in a pipeline"
        label = "delete it: what leaves the last layer is an output"
        return place.say(message, label, f"as in `{EXAMPLES[token.kind]}`", read=())
    if place.ends_statement or token.kind in CLOSING or token.kind in ("COMMA", "ELSE"):
        help = "name the next layer, or delete the `|`"
        read = _closed(place) if place.ends_statement else (token,)
        return place.say("nothing stands behind this `|`", "", help, at=before, read=read, forget=1)
    return None


def _missing_pipe(place: Place) -> Mistake | None:
    """`(conv 8@3 | relu) dense 10`, `(relu) x4`."""
    token = place.token
    if "VBAR" not in place.expected:
        return None
    times = re.fullmatch(r"x?([0-9]+)", token.text)
    if token.text in ("x", "times") and place.next().kind == "INT" and "STAR" in place.expected:
        return place.say("a group is repeated with `*`", "write `*`", read=(_as("STAR", "*", token),))
    if times and "STAR" in place.expected and "INT" not in place.expected:
        read = (_added("STAR", token), _as("INT", times[1], token))
        return place.say("a group is repeated with `*`", f"write `* {times[1]}`", read=read)
    inside = place.between(token, nested=False) if token.kind == "LPAR" else None
    if inside and len(inside[0]) == 1 and inside[0][0].kind == "NAME" and place.before.end == token.start:
        tensor = inside[0][0].text
        if _is_tensor(place, inside[0][0]):
            message = f"`{_shown(tensor)}` enters a layer by a `|` before it"
            return place.say(message, "", f"as in `{_shown(tensor)} | conv 8@3`", at=(token, inside[1]))
    if token.kind in ("NAME", "CALL", "LPAR") or (token.kind == "FOR" and place.next().kind == "NAME"):
        word = _shown(token.text)
        if place.begins_line and "LET" in place.expected and _is_tensor(place, token):
            return place.say(
                f"no statement begins with `{word}`", f"write `out {word}`", read=(_added("OUT", token), token)
            )
        label = f"write `| {word}`" + (f", or `out {word}` for a statement of its own" if place.begins_line else "")
        return place.say(f"a `|` is missing before `{word}`", label, read=(_added("VBAR", token), token))
    if token.kind == "AS":
        name = place.next()
        end = name.end if name.kind == "NAME" else None
        return place.say("this has a name already", "delete one of the two", read=(), end=end)
    return None


def _calculated_tensors(place: Place) -> Mistake | None:
    """`out left + right`, `conv 8@3 + left`, `relu | + left`."""
    token, first, second = place.token, place.before, place.next()
    word = {"PLUS": "add", "MINUS": "sub", "NEG": "sub", "STAR": "mul"}.get(token.kind)
    if word is None or not _is_tensor(place, second):
        return None
    if not _is_tensor(place, first):
        begins = [number for number, one in enumerate(place.recent) if one.kind in ("VBAR", "LPAR", "CALL", "COLON")]
        if not begins or not (place.wants_stage or "AT" in [one.kind for one in place.recent[-2:]]):
            return None
        stage = place.source.text[place.recent[begins[-1]].end : token.start]
        label = f"write `{word}({_shown(' '.join(stage.split()) or 'id')}, {_shown(second.text)})`"
        message, first = "tensors are joined by combinators, not by signs", (*place.recent, token)[begins[-1] + 1]
        unknown = (Token(WRONG, token.start, second.end, ""),) if place.wants_stage else ()
        return place.say(message, label, at=(first, second), read=unknown, end=second.end)
    written = f"{word}({first.text}, {second.text})"
    read = tuple(Token(one.kind, first.start, second.end, one.text) for one in _tokens(written))
    message, label = "tensors are joined by combinators, not by signs", f"write `{_shown(written)}`"
    return place.say(message, label, at=(first, second), read=read, forget=1, end=second.end)


def _repeated(place: Place) -> Mistake | None:
    """`residual(conv 8@3) * 3`, `relu * 2`."""
    token = place.token
    if token.kind != "STAR" or "VBAR" not in place.expected or "STAR" in place.expected:
        return None
    count = place.next()
    end = count.end if count.kind == "INT" else None
    if place.before.kind == "RPAR" and "item" in place.symbols[-4:]:
        message = "a combinator is repeated in parentheses of its own"
        return place.say(message, "", "as in `(residual(conv 8@3 same)) * 3`", at=(token, count), read=(), end=end)
    message = "only what stands in parentheses can be repeated"
    return place.say(message, "", "as in `(conv 8@3 same | relu) * 3`", at=(token, count), read=(), end=end)


def _window(place: Place) -> Mistake | None:
    """`conv 64@`, `conv @3`, `conv 64@k + 1`."""
    token, before = place.token, place.before
    kinds = [one.kind for one in place.recent]
    example = "`conv 64@3/2`: 64 filters, a window of 3x3, a stride of 2"
    if before.kind == "AT":
        return place.say("the window is missing behind this `@`", "", example, at=before)
    if before.kind == "SLASH" and "AT" in kinds[-4:]:
        return place.say("the stride is missing behind this `/`", "", example, at=before)
    text = re.fullmatch(r"\"\{?([a-z_]\w*)\}?\"", before.text)
    if token.kind == "AT" and text:
        return place.say("filters are a number, or the name of one", f"write `{_shown(text[1])}`", at=before)
    if token.kind == "SLASH" and "AT" in kinds[-4:] and "SLASH" in kinds[-2:] and place.next().kind == "INT":
        first, second = before.text, place.next()
        label, at = f"write `{first}x{second.text}`", (before, second)
        return place.say("one stride stands behind the window", label, at=at, read=(), end=second.end)
    if token.kind == "AT" and place.wants_value:
        return place.say("the number of filters is missing before this `@`", "", example)
    if token.kind in OPERATORS and "AT" in kinds[-2:]:
        return _calculated(place, "behind `@` an expression stands in parentheses")
    return None


def _calculated(place: Place, message: str) -> Mistake:
    """Report an operator where only one value can stand."""
    operator, left, right = place.token, place.before, place.next()
    if left.kind not in ("INT", "FLOAT", "NAME") or right.kind not in ("INT", "FLOAT", "NAME"):
        return place.say(message, help="as in `(c // 2)`")
    written = place.source.text[left.start : right.end]
    read = (_added("LPAR", left, "("), left, operator, right, Token("RPAR", right.end, right.end, ")"))
    return place.say(message, f"write `({_shown(written)})`", at=(left, right), read=read, forget=1, end=right.end)


def _comma(place: Place) -> Mistake | None:
    """`conv 64, 3`, `block unit c, k: ...`."""
    if place.token.kind != "COMMA" or not {"VBAR", "COLON"} & place.expected:
        return None
    stray = place.closer(place.next()) if not place.brackets else None
    if stray:
        related = (place.token, "this comma too belongs between brackets")
        help = f"delete it, or write the `{OPENING[stray.text]}` that it belongs to"
        message = f"this `{stray.text}` closes nothing"
        return place.say(message, "", help, at=stray, related=related, read=(), end=stray.end)
    if place.before.kind == "INT" and len(place.recent) > 1 and place.recent[-2].text in ("in", "param", "reshape"):
        sizes = [place.before]
        following = place.token
        while following.kind == "COMMA" and (size := place.next(following)).kind == "INT":
            sizes.append(size)
            following = place.next(size)
        meant = Token("DIMS", sizes[0].start, sizes[-1].end, "x".join(size.text for size in sizes))
        if len(sizes) > 1:
            label = f"write `{_shown(meant.text)}`"
            return place.say("sizes are joined by `x`", label, at=meant, read=(meant,), forget=1, end=meant.end)
    name, number, after = place.recent[-2] if len(place.recent) > 1 else place.before, place.before, place.next()
    if name.kind == "NAME" and number.kind == "INT" and after.kind in NUMBERS and _takes_filters(name.text):
        message, label = "filters and window are joined by `@`", f"write `{_shown(number.text)}@{_shown(after.text)}`"
        return place.say(message, label, at=(number, after), read=(_as("AT", "@", place.token),))
    if name.kind == "NAME" and number.kind == "DIMS" and after.kind == "INT" and _takes_filters(name.text):
        read = (_as("INT", after.text, number), _as("AT", "@", place.token), _as("DIMS", number.text, after))
        label, at = f"write `{_shown(after.text)}@{_shown(number.text)}`", (number, after)
        return place.say("filters and window are joined by `@`", label, at=at, read=read, forget=1, end=after.end)
    if "LET" in place.expected and place.next(after).kind == "EQUAL" and place.next(place.next(after)).kind == "IN":
        let = (_as("LET", "let", place.token),)
        return place.say("each tensor has a `let` of its own", "write `let`", read=let)
    if "LET" in place.expected and {"OUT", "AUX"} & {*place.symbols} and _is_tensor(place, after):
        out = (_as("OUT", "out", place.token),)
        return place.say("each output has an `out` of its own", "write `out`", read=out)
    if "VBAR" in place.expected and _is_stage(place, after) and not _is_tensor(place, after):
        return place.say("`,` does not join layers: `|` does", "write `|`", read=(_as("VBAR", "|", place.token),))
    if "VBAR" in place.expected:
        return place.say("no comma stands between arguments", "delete it", "as in `conv 64@3 same`", read=())
    return place.say("no comma stands between parameters", "delete it", f"as in `{EXAMPLES['BLOCK']}`", read=())


def _colon(place: Place) -> Mistake | None:
    """`conv filters:64`, `let x: in 8`, `if a: relu`, `slice 1:10`."""
    token, expected = place.token, place.expected
    if token.kind != "COLON":
        return None
    if place.before.kind in ("OUT", "AUX"):
        return place.say(f"no `:` stands behind `{place.before.text}`", "delete it", read=())
    if place.before.kind in NUMBERS and place.next().kind == "INT" and "AT" in [one.kind for one in place.recent[-3:]]:
        stride, window = place.next(), place.before
        slash = (_as("SLASH", "/", token),)
        label = f"write `{window.text}/{stride.text}`"
        return place.say("the stride stands behind `/`", label, at=(window, stride), read=slash)
    word = place.recent[-2].text if len(place.recent) > 1 else ""
    if place.before.kind in NUMBERS and place.next().kind in NUMBERS and not _takes_filters(word):
        return place.say("a blank stands between two numbers", "write a blank", "as in `slice 1 10`", read=())
    if "THEN" in expected:
        help = f"as in `{EXAMPLES['IF']}`"
        return place.say(
            "the condition of an `if` ends with `then`", "write `then`", help, read=(_as("THEN", "then", token),)
        )
    if named := _named_before(place):
        return named
    if "EQUAL" in expected:
        return place.say("`=` gives a name its value", "write `=`", read=(_as("EQUAL", "=", token),))
    if place.before.kind == "NAME" and place.before.text in COMBINATORS:
        return place.say("a pipeline stands in parentheses here", "write `(`", read=())
    if "LPAR" in expected and not place.wants_stage and not place.wants_value:
        return place.say("no `:` belongs to `for`", "delete it", f"as in `{EXAMPLES['FOR']}`", read=())
    return None


def _named_before(place: Place) -> Mistake | None:
    """`relu | head = dense 10`, `relu | head: dense 10`, `relu | activation=relu`."""
    name, after = place.before, place.next()
    begins = place.recent[-2].kind if len(place.recent) > 1 else ""
    if name.kind != "NAME" or name.text in COMBINATORS or begins not in ("VBAR", "LPAR"):
        return None
    if not _is_stage(place, after):
        return None
    if name.text in ("activation", "act"):
        message, label = "each activation is a layer of its own", f"write `{_shown(after.text)}`"
        return place.say(message, label, at=(name, after), read=(), forget=1)
    message = "a layer gets its name behind it, by `as`"
    help = f"as in `{_shown(after.text)} ... as {_shown(name.text)}`"
    return place.say(message, "delete it", help, at=(name, place.token), read=(), forget=1)


def _equal(place: Place) -> Mistake | None:
    """`if s = 1 then`, `block b = relu`, `conv 3=2`."""
    token = place.token
    if token.kind != "EQUAL":
        return None
    if place.before.kind in ("OUT", "AUX"):
        return place.say(f"no `=` stands behind `{place.before.text}`", "delete it", read=())
    if {"OUT", "AUX"} & {*place.symbols[-2:-1]}:
        help = "as in `out left | dense 1 as same`"
        return place.say(
            "an output gets its name behind its pipeline", "", help, read=(), forget=int(place.before.kind == "NAME")
        )
    behind = [one.kind for one in place.recent[-3:]]
    if (
        behind == ["NAME", "EQUAL", "NAME"]
        and "CONST" not in place.symbols
        and place.recent[-2].end < place.before.start
    ):
        name, equal, _ = place.recent[-3:]
        return place.say(f"a value is missing behind `{_shown(name.text)}=`", "", VALUES, at=(name, equal))
    compares = {"IF", "ASSERT", "EQUAL"} & {*place.symbols[-6:]}
    if not compares and (place.before.kind in NUMBERS or place.before.kind in CLOSING):
        return place.say("`=` stands behind the name of an argument", help="as in `stride=2`")
    if "COMPARE" in place.expected:
        return place.say("values are compared with `==`", "write `==`", read=(_as("COMPARE", "==", token),))
    if "VBAR" in place.expected and place.before.kind == "NAME":
        if named := _named_before(place):
            return named
        message = f"`{_shown(place.before.text)}=` is an argument, and stands behind the name of its layer"
        return place.say(message, "", "as in `conv 8@3 stride=2`", at=(place.before, token))
    if "COLON" in place.expected:
        help = f"as in `{EXAMPLES['BLOCK']}`"
        return place.say("the body of a block begins behind a `:`", "write `:`", help, read=(_as("COLON", ":", token),))
    return None


def _chained(place: Place) -> Mistake | None:
    """`1 < x < 3`."""
    if place.token.kind != "COMPARE" or "AND" not in place.expected:
        return None
    return place.say("comparisons cannot be chained", "", "as in `1 < x and x < 3`")


def _reserved_name(place: Place) -> Mistake | None:
    """`let in = relu`."""
    token = place.token
    if token.kind not in RESERVED.values() or not place.wants_name:
        return None
    if place.begins_line and place.ends_statement:
        return None
    message = f"`{token.text}` is a word of the language and cannot be a name"
    other = token.text + "_"
    return place.say(message, f"choose another name, such as `{other}`", read=(_as("NAME", other, token),))


def _name(place: Place) -> Mistake | None:
    """`let = relu`, `relu as | bn`, `block unit(c): relu`."""
    token, before = place.token, place.before
    if not place.wants_name:
        return None
    if token.kind == "CALL" and before.kind in ("BLOCK", "SHARED"):
        message, help = "parameters stand without brackets and commas", f"as in `{EXAMPLES['BLOCK']}`"
        between = place.between(token)
        if between is None or before.kind == "SHARED":
            return place.say(message, "", help)
        name = Token("NAME", token.start, token.end - 1, token.text[:-1])
        kept = tuple(part for part in between[0] if part.kind != "COMMA")
        inside = re.sub(r"\s*,\s*|\s+", " ", _inside(place, token, between[1]))
        label = f"write `{_shown(f'{name.text} {inside}')}`"
        return place.say(message, label, help, at=(token, between[1]), read=(name, *kept), end=between[1].end)
    loop = [symbol for symbol in place.symbols if symbol in ("FOR", "EACH")]
    help = (
        f"as in `{EXAMPLES[before.kind if before.kind in EXAMPLES else loop[-1]]}`"
        if loop or before.kind in EXAMPLES
        else ""
    )
    message = f"a name is missing behind `{_shown(before.text)}`"
    if before.kind != "AS":
        return place.say(message, "", help, at=before) if "COLON" not in place.expected else None
    if token.kind in NUMBERS or token.kind == "STRING":
        return place.say(f"{message}, and `{_shown(token.text)}` is none", "", help, read=(), forget=1)
    return place.say(message, "", help, at=before, read=(token,), forget=1)


def _dash(place: Place) -> Mistake | None:
    """`let left-eye = relu`."""
    token, before, after = place.token, place.before, place.next()
    joined = before.end == token.start and token.end == after.start and before.kind == "NAME"
    labels = [one.kind for one in place.recent[-2:-1]] == ["AS"]
    if token.kind not in ("MINUS", "NEG") or not joined or after.kind not in ("NAME", "INT"):
        return None
    if not labels and not {"EQUAL", "COLON"} & place.expected:
        return None
    name = Token("NAME", before.start, after.end, f"{before.text}_{after.text}")
    return place.say(
        "a name has no `-` in it", f"write `{_shown(name.text)}`", at=name, read=(name,), forget=1, end=after.end
    )


def _missing_comma(place: Place) -> Mistake | None:
    """`[1 2]`."""
    token = place.token
    if "COMMA" not in place.expected or "VBAR" in place.expected or not {"RSQB", "RBRACE", "RPAR"} & place.expected:
        return None
    if token.kind not in NUMBERS and token.kind not in ("NAME", "CALL", "LSQB", "NEG", "TRUE", "FALSE"):
        return None
    bracket = place.brackets[-1] if place.brackets else None
    between = place.between(bracket.token) if bracket and bracket.token.kind in ("LSQB", "LBRACE") else None
    if bracket and between and "COMMA" not in [part.kind for part in between[0]] and "NEG" not in place.symbols[-2:]:
        inside, closer = between
        parted = [part for one in inside for part in (_added("COMMA", one), one)][1:]
        message = f"commas part what stands between `{bracket.token.text}` and `{closer.text}`"
        label = f"write `{_shown(bracket.token.text + ', '.join(part.text for part in inside) + closer.text)}`"
        read = (bracket.token, *parted, closer)
        return place.say(message, label, at=(bracket.token, closer), read=read, forget=bracket.values, end=closer.end)
    word = _shown(token.text)
    return place.say(f"a comma is missing before `{word}`", f"write `, {word}`", read=(_added("COMMA", token), token))


def _missing_word(place: Place) -> Mistake | None:
    """`let x in 8`, `shared tower relu`, `for c [1, 2] (relu)`, `if s > 1 pool 2 else id`."""
    token, before = place.token, place.before
    missing = {
        frozenset({"EQUAL"}): "EQUAL", frozenset({"COLON"}): "COLON", frozenset({"IN", "COMMA"}): "IN",
    }.get(place.expected)  # fmt: skip
    if missing is None and "THEN" in place.expected:
        missing = "THEN"
    if missing is None:
        return None
    if missing == "COLON" and token.kind == "LBRACE":
        return _braces(place, f"as in `{EXAMPLES['SHARED']}`")
    sign = SIGNS.get(missing, missing.lower())
    message = f"`{sign}` is missing behind `{_shown(before.text)}`"
    if token.kind == END or (missing == "THEN" and token.kind not in ("NAME", "CALL", "LPAR")):
        words = {"EQUAL": "LET", "COLON": "SHARED", "THEN": "IF", "IN": "FOR"}
        if "CONST" in place.symbols:
            words["EQUAL"] = "CONST"
        return place.say(message, "", f"as in `{EXAMPLES[words[missing]]}`", at=before)
    return place.say(message, f"write `{sign} {_shown(token.text)}`", read=(_added(missing, token), token))


def _block_head(place: Place) -> Mistake | None:
    """`block unit c conv c@3 | relu`, `block unit c { relu }`, `block unit c=2*k: relu`."""
    token = place.token
    if "COLON" not in place.expected or "BLOCK" not in place.symbols or place.ends_statement:
        return None
    message, help = "a `:` is missing before the body of this block", f"as in `{EXAMPLES['BLOCK']}`"
    if token.kind in OPERATORS and "EQUAL" in [one.kind for one in place.recent[-2:]]:
        return _calculated(place, "a default that is calculated stands in parentheses")
    if token.kind in ("CALL", "LPAR", "IF", "FOR"):
        return place.say(message, f"write `: {_shown(token.text)}`", help, read=(_added("COLON", token), token))
    if token.kind == "LBRACE":
        return _braces(place, help)
    head = _block_read_again(place)
    if head is None:
        return place.say(message, "this belongs to its body", help)
    parameters, body = head
    label, at = f"write `: {_shown(body[0].text)}`", body[0]
    if parameters and parameters[-1].kind == "EQUAL":
        message, label, at = "the body of a block begins behind a `:`", "write `:`", parameters.pop()
    read = (*parameters, _added("COLON", body[0]), *body)
    forget = place.symbols[::-1].index("BLOCK") - 1  # what stands behind the block's name
    return place.say(message, label, help, at=at, read=read, forget=forget)


def _braces(place: Place, help: str) -> Mistake:
    """Report a body that stands in braces."""
    opener, message = place.token, "a body stands behind a `:`, without braces"
    closer, between = place.closer(place.next()), place.between(opener)
    if closer is None:
        return place.say(message, "write `:`", help)
    body = between[0] if between else (Token(WRONG, opener.start, closer.end, ""),)
    read = (_as("COLON", ":", opener), *body)
    return place.say(message, "write `:`", help, related=(closer, "and nothing here"), read=read, end=closer.end)


def _body_in_braces(place: Place) -> Mistake | None:
    """`block unit c = { conv c@3 }`."""
    bracket = place.brackets[0] if place.brackets else None
    if bracket is None or bracket.token.kind != "LBRACE" or bracket.before is None or bracket.before.kind != "EQUAL":
        return None
    if not _HEAD.search(place.source.text[max(bracket.before.start - MAX_REREAD, 0) : bracket.before.start]):
        return None
    closer = next((one for one in map(place.closer, (place.token,)) if one), None)
    while closer is not None and closer.kind != "RBRACE":
        closer = place.closer(place.next(closer))
    related = (closer, "and nothing here") if closer else None
    at, end = (bracket.before, bracket.token), closer.end if closer else None
    read = (_as("COLON", ":", bracket.token), Token(WRONG, bracket.token.start, end or place.token.end, ""))
    forget = bracket.values + 1
    message, help = "a body stands behind a `:`, without braces", f"as in `{EXAMPLES['BLOCK']}`"
    return place.say(message, "write `:`", help, at=at, related=related, read=read, forget=forget, end=end)


_HEAD = re.compile(r"\b(?:block|shared)\s+[a-z_]\w*(?:[ \t]+[a-z_]\w*(?:=\S+)?)*[ \t]*\Z")
"""What stands before the `=` that is written for the `:` of a block."""


def _block_read_again(place: Place) -> tuple[list[Token], list[Token]] | None:
    """Return the tokens behind a block's name up to its body, and those of the body up to the place; None if none is.

    The body begins with the first word in a new line, else with the first that is a layer.
    """
    from ..layers import forms

    starts = [match.end() for match in _BLOCK.finditer(place.source.text, 0, place.token.start)]
    if not starts or place.token.start - starts[-1] > MAX_REREAD:
        return None
    tokens = []
    token = read_token(place.source.text, starts[-1])
    while token.start < place.token.start:
        tokens.append(token)
        token = place.next(token)
    tokens = [one for one in tokens if one.kind not in ("LPAR", "RPAR", "COMMA")] + [token]
    names = [number for number, one in enumerate(tokens) if one.kind in ("NAME", "CALL", "LPAR")]
    body = next((number for number in names if begins_line(place.source.text, tokens[number])), None)
    if body is None:
        body = next((number for number in names if tokens[number].text == "id" or forms(tokens[number].text)), None)
    return None if body is None else (tokens[:body], tokens[body:])


_BLOCK = re.compile(r"\bblock\s+[a-z_]\w*")


def _shared_head(place: Place) -> Mistake | None:
    """`shared tower c k=3: conv c@k`."""
    token, last = place.token, place.token
    if place.symbols[-2:] != ("SHARED", "NAME") or token.kind != "NAME":
        return None
    following = place.next()
    parts = (*NUMBERS, "NAME", "EQUAL", "NEG", "TRUE", "FALSE", "LSQB", "COMMA", "RSQB")
    while following.kind in parts:
        last, following = following, place.next(following)
    if following.kind != "COLON":
        return None
    message, help = "a shared block has no parameters", "it is the same everywhere; with parameters it is a `block`"
    read = (_as("BLOCK", "block", place.before), place.before, token)
    return place.say(message, "", help, at=(token, last), read=read, forget=2)


def _condition(place: Place) -> Mistake | None:
    """`if s > 1 then pool 2`, `relu | if s > 1 then pool 2 else id`."""
    token = place.token
    ends = place.ends_statement or token.kind in CLOSING or token.kind in ("COMMA", "VBAR")
    for one in place.recent:
        if one.text in ("elif", "elseif"):
            return place.say(f"`{one.text}` is not a word of this language", "write `else if`", at=one)
    if "ELSE" in place.expected and ends:
        read = (_added("ELSE", token), _added("NAME", token, "id"), token) if "VBAR" in place.expected else None
        help = "to do nothing otherwise, write `else id`" if read else "as in `(if s > 1 then 2 else 1)`"
        return place.say("this `if` has no `else`", "`else` is wanted behind this", help, at=place.before, read=read)
    if token.kind == "IF" and place.wants_stage and place.before.kind == "VBAR":
        help = "as in `relu | (if s > 1 then pool 2 else id) | bn`"
        return place.say("an `if` between layers stands in parentheses", "write `(` before this", help)
    return None


def _loop(place: Place) -> Mistake | None:
    """`relu | each k in [1, 2] (conv 8@k)`, `for c in [64, 128] conv c@3`."""
    token = place.token
    if token.kind == "EACH" and place.wants_stage:
        message = "`each` stands between the brackets of a combinator"
        help = f"as in `{EXAMPLES['EACH']}`; for one behind the other: `{EXAMPLES['FOR']}`"
        return place.say(message, "", help, read=(_as("FOR", "for", token),))
    loops = [symbol for symbol in place.symbols if symbol in ("FOR", "EACH")]
    if not loops or "LPAR" not in place.expected or place.wants_stage or place.wants_value:
        return None
    message = f"the body of `{loops[-1].lower()}` stands in parentheses"
    return place.say(message, "write `(` before this", f"as in `{EXAMPLES[loops[-1]]}`")


def _file_name(place: Place) -> Mistake | None:
    """`use std/resnet`."""
    token = place.token
    match = re.compile(r"[^\s#]+").match(place.source.text, token.start)
    if place.before.kind != "USE" or place.ends_statement or match is None:
        return None
    path = match[0].strip("\"'`<>()")
    meant = Token("STRING", token.start, match.end(), f'"{path}"')
    message = "the name of a file stands in double quotes"
    return place.say(message, f'write `"{_shown(path)}"`', at=meant, read=(meant,), end=meant.end)


_PYTHON = re.compile(
    r"(?:import|from)\s+[\w.]+(?:\s+(?:as|import)\b|\s*$)|(?:class|def)\s+\w+\s*\([^)]*\)\s*(?:->[^:\n]*)?:\s*$"
    r"|(?:[\w.]+(?:\s*,\s*\w+)*\s*=\s*)?(?:\w+\.)+\w+\(|\w+\s*=\s*(?:[A-Z]\w*)\(|(?:print|super)\(|[A-Z]\w*\(",
    re.MULTILINE,
)
"""The first line of a program in Python, or of a model in it."""
_DATA = {
    "YAML": re.compile(r"(?:---|- \w|[\w-]+:[ \t]*(?:[^|\n]*\n\s*(?:- )?[\w-]+:|$))", re.MULTILINE),
    "JSON": re.compile(r"[\[{]\s*[\[{\"]"),
}
"""The beginning of a file in a language for data."""
_STATEMENT = re.compile(r"^(?:in|out|aux|let|const|block|shared|use|train|assert)\s+[\w\"?]", re.MULTILINE)


def _python(place: Place) -> Mistake | None:
    """`import torch.nn as nn`, `model = Sequential()`, `nn.Sequential(`."""
    text, start = place.source.text, place.token.start
    others = [] if place.recent else [language for language, begins in _DATA.items() if begins.match(text, start)]
    language = "Python" if _PYTHON.match(text, start) else others[0] if others else ""
    if not place.between_statements or not language:
        return None
    following = _STATEMENT.search(place.source.text, place.token.end)
    end = following.start() if following else len(place.source.text)
    message = f"this is {language}, and a network is written without it"
    help = "it is one line from its input on, as in `in 28x28x1 | conv 32@3 | relu | flatten | dense 10`\n"
    help += "`netdsl emit` writes the Python of a file"
    if place.token.text == "def":
        help = f"what is used again is a block, as in `{EXAMPLES['BLOCK']}`"
    return place.say(message, "", help, read=(Token(WRONG, place.token.start, end, ""),), end=end)


def _statement(place: Place) -> Mistake | None:
    """`conv 8@3 | relu` at the start of a file, `x = in 8`, `input 8 | relu`."""
    token, after = place.token, place.next()
    if not place.between_statements or token.kind in (END, "PARAM"):
        return None
    if python := _python(place):
        return python
    word, shown = token.text.lower(), _shown(token.text)
    if token.kind == "AS" and place.before.kind == "STRING":
        end = after.end if after.kind == "NAME" else None
        return place.say("`use` brings names as they are", "delete it", at=(token, after), read=(), end=end)
    if token.kind == "VBAR" and place.recent:
        return place.say("nothing can be joined with what stands before this `|`", "", "it is no pipeline")
    if token.kind == "VBAR":
        help = "a pipeline on its own begins with its input: `in 28x28x1 | conv 8@3`"
        return place.say("nothing stands before this `|`", "", help)
    if token.kind == "NAME" and after.kind == "EQUAL":
        number = place.next(after).kind in (*NUMBERS, "LSQB", "LBRACE", "TRUE", "FALSE")
        kind, what = ("CONST", "number or list") if number else ("LET", "tensor")
        message = f"a {what} is given a name with `{kind.lower()}`"
        return place.say(message, f"write `{kind.lower()} {shown}`", read=(_added(kind, token), token))
    if token.kind == "NAME" and (word in TRANSLATED or word in RESERVED):
        meant = TRANSLATED.get(word, word)
        read = (_as(RESERVED[meant], meant, token),) if RESERVED[meant] in place.expected else None
        last = after if meant in ("in", "out", "train") and after.kind in ("COLON", "EQUAL") else token
        message = f"`{shown}` is not a word of this language"
        return place.say(message, f"write `{meant}`", at=(token, last), read=read, end=last.end if read else None)
    if token.kind in NUMBERS and not place.recent:
        message = "a pipeline on its own begins with its input"
        return place.say(message, f"write `in {shown}`", read=(_added("IN", token), token))
    if token.kind == "CALL" and TRANSLATED.get(word[:-1]) == "in":
        return _called(place, token, token, "in")
    if token.kind == "CALL" or _is_tensor(place, token):
        return place.say("an output begins with `out`", f"write `out {shown}`", read=(_added("OUT", token), token))
    if token.kind in ("NAME", "LPAR", "FOR", "IF") and not place.recent:
        help = f"as in `in 28x28x1 | {shown} ...`, with the shape of what enters"
        return place.say("a pipeline on its own begins with its input", "", help)
    help = "what stands before it is complete; a statement begins with `in`, `out`, `let`, `const`, `block`, ..."
    return place.say(f"no statement begins with `{shown}`", "", help)


def _stage(place: Place) -> Mistake | None:
    """`in 8x8x3 | 64@3`, `let x = 5`, `out`."""
    token, before = place.token, place.before
    if not place.wants_stage:
        return None
    shown = _shown(token.text)
    if token.kind == "IN" and before.kind in ("VBAR", "COLON", "THEN", "ELSE"):
        help = f"an input stands in `let`, in `out` or on its own, as in `{EXAMPLES['LET']}`"
        return place.say("`in` begins a pipeline, and nothing can enter it", "", help)
    if token.kind in NUMBERS or token.kind in ("AT", "STRING", "LSQB", "LBRACE", "TRUE", "FALSE"):
        closer = place.closer(place.next())
        if token.kind in ("LSQB", "LBRACE") and closer and _is_stage(place, place.next()):
            inside = place.source.text[token.end : closer.start]
            if "," not in inside and ("|" in inside or place.next(closer).kind == "STAR"):
                label, read = f"write `({_inside(place, token, closer)})`", (Token(WRONG, token.start, closer.end, ""),)
                count = place.next(place.next(closer))
                end = count.end if place.next(closer).kind == "STAR" and count.kind in ("INT", "NAME") else closer.end
                message = "a group stands in parentheses"
                return place.say(message, label, at=(token, closer), read=read, end=end)
        if token.kind == "LSQB" and closer and _is_stage(place, place.next()):
            label = f"write `concat({_inside(place, token, closer)})`, or `add( ... )`"
            read = (Token(WRONG, token.start, closer.end, ""),)
            message = "branches stand in the parentheses of a combinator"
            return place.say(message, label, at=(token, closer), read=read, end=closer.end)
        if token.kind == "LBRACE":
            help = "as in `const act = {relu, gelu}`, and then `| act`"
            return place.say("a choice of layers is given a name with `const`", "", help)
        if before.kind == "EQUAL":
            help = f"numbers and lists are named with `const`, as in `{EXAMPLES['CONST']}`"
            return place.say(f"`let` names a tensor, and `{shown}` is none", "", help)
        help = "a stage is the name of a layer and its arguments, without commas: `conv 64@3 same`"
        if token.kind == "INT" and place.next().kind == "STAR":
            counted = _counted_before(place, token.text, place.next(place.next()))
            if counted:
                return counted
        if before.kind == "COMMA":
            return place.say(f"a pipeline is wanted here, and `{shown}` is none", "", help)
        return place.say(f"the name of a layer is missing before `{shown}`", "", help)
    if place.ends_statement or token.kind in CLOSING or token.kind in ("IN", "COMMA", "ELSE", "AS", "THEN"):
        what = "layer" if before.kind in ("VBAR", "THEN", "ELSE") else "pipeline"
        help = f"as in `{EXAMPLES.get(before.kind, 'conv 8@3 | relu')}`"
        return place.say(f"a {what} is missing behind `{_shown(before.text)}`", "", help, at=before)
    return None


def _counted_before(place: Place, count: str, group: Token) -> Mistake | None:
    """Report `3 * (conv 8@3)` or `3x(conv 8@3)`."""
    closer = place.closer(place.next(group)) if group.kind == "LPAR" else None
    if closer is None:
        return None
    written = " ".join(f"{place.source.text[group.start : closer.end]} * {count}".split())
    label = f"write `{written}`" if len(written) < 60 else ""
    message = "how often a group is repeated stands behind it"
    return place.say(message, label, "as in `(conv 8@3 same | relu) * 3`", at=(place.token, closer))


def _value(place: Place) -> Mistake | None:
    """`conv 8@3 stride= | relu`, `dense 4 * | relu`, `const c = in 8`."""
    token, before = place.token, place.before
    if not place.wants_value:
        return None
    if token.kind == "IN" and "CONST" in place.symbols:
        help = f"a tensor is named with `let`, as in `{EXAMPLES['LET']}`"
        return place.say("a constant is a number, a list or a word", "", help)
    if before.kind in ("IN", "PARAM", "TRAIN") and token.kind in ("COLON", "EQUAL"):
        return place.say(f"no `{token.text}` stands behind `{before.text}`", "delete it", read=())
    if before.kind in ("IN", "PARAM") and "names" not in place.symbols[-2:]:
        return place.say(f"`{before.text}` needs a shape", "", f"as in `{before.text} 28x28x1`", at=before)
    if before.kind == "TRAIN":
        return place.say("`train` needs arguments", "", f"as in `{EXAMPLES['TRAIN']}`", at=before)
    if before.kind in OPERATORS or before.kind in ("EQUAL", "COMMA", "ASSERT", "IF", "LBRACE", "CALL", "LPAR", "IN"):
        named = place.recent[-2] if before.kind == "EQUAL" and len(place.recent) > 1 else before
        if token.kind == "IN" and named.kind == "NAME" and begins_line(place.source.text, named):
            read = (_added("LET", named), named, before, token)
            label = f"write `let {_shown(named.text)}`"
            return place.say("a tensor is given a name with `let`", label, at=named, read=read, forget=2)
        name = place.recent[-2].text + "=" if before.kind == "EQUAL" and len(place.recent) > 1 else before.text
        return place.say(f"a value is missing behind `{_shown(name)}`", "", VALUES, at=before)
    if token.kind in OPERATORS:
        return place.say(f"a value is missing before `{_shown(token.text)}`", "", VALUES)
    if token.kind in RESERVED.values() and not place.ends_statement and token.kind != "IN":
        return place.say(f"`{token.text}` is a word of the language, and cannot be an argument", "delete it")
    return None


def _unknown(place: Place) -> Mistake:
    """Say what stands there and what could."""
    token = place.token
    message = "the text ends too early" if token.kind == END else f"`{_shown(token.text)}` cannot stand here"
    return place.say(message, f"wanted: {_wanted(place)}", at=place.before if token.kind == END else token)


def _wanted(place: Place) -> str:
    """Return what could stand at a place, in words."""
    words = []
    if place.wants_stage:
        words.append("a layer")
    elif place.wants_value:
        words.append("a value")
    elif "NAME" in place.expected:
        words.append("a name")
    if "STRING" in place.expected and not place.wants_value:
        words.append("a text in quotes")
    words += [f"`{SIGNS[kind]}`" for kind in SIGNS if kind in place.expected and kind != "STAR"]
    words += [f"`{kind.lower()}`" for kind in ("THEN", "ELSE") if kind in place.expected]
    if "LET" in place.expected:
        words.append("a new statement")
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or "something else"


Knows = Callable[[Place], Mistake | None]

WORDS: tuple[Knows, ...] = (
    _path, _slashes, _invisible, _python, _function, _open_size, _comment, _arrow, _sign, _file_name, _quotes, _dims,
    _number, _mixed_case, _other_word,
)  # fmt: skip

STRUCTURE: tuple[Knows, ...] = (
    _path, _text, _function, _open_size, _repeat, _body_in_braces, _branches, _call_without_pipelines, _sizes,
    _brackets_apart, _closes_wrongly, _slashes, _pipe, _nothing_behind, _never_closed, _file_name, _missing_pipe,
    _calculated_tensors, _repeated, _window, _comma, _colon, _equal, _chained, _reserved_name, _dash, _missing_comma,
    _name, _shared_head, _missing_word, _block_head, _condition, _loop, _statement, _stage, _value,
)  # fmt: skip
