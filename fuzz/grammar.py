"""Texts out of the grammar and the layers' declarations, and other texts that parts of such texts are put into."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import get_args

import attrs
import drawn
import programs
from attrs import frozen
from lark.grammar import NonTerminal, Rule
from lark.lexer import PatternStr

from netdsl.elaborate import FORMS, IDENTITY
from netdsl.expressions import _FUNCTIONS as FUNCTIONS
from netdsl.expressions import SIZES
from netdsl.layer import Layer, arguments
from netdsl.layers import BROUGHT_FORMS, forms, keywords
from netdsl.source import Source, Span
from netdsl.syntax import tree
from netdsl.syntax.build_tables import read_grammar
from netdsl.syntax.parser import INSIDE_ARGUMENT, parse
from netdsl.syntax.tables import RESERVED
from netdsl.syntax.tokens import END, Token, read_token
from netdsl.training import Train

from .texts import texts

# Words of the grammar ------------------------------------------------------------------------------------------------

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "INT": ("1", "64", "10_000", "5M"), "FLOAT": ("0.5", "1.5k", "1e-3"), "DIMS": ("3x3", "?x?x3", "Tx80"),
    "NAME": ("conv", "relu", "c", "T", "same", "stem_1", "a_rather_long_name"), "CALL": ("add(", "min(", "concat("),
    "STRING": ('"std/resnet"', '"a b"'), "OPEN": ("?",), "NEG": ("-",), "COMPARE": ("==", "<", ">="),
}  # fmt: skip
"""Of the words that have more than one: a few of each."""

EXTREMES: Mapping[str, tuple[str, ...]] = {
    "INT": (
        *map(str, range(10)), "16", "63", "64", "65", "100", "1k", "100_000", "9G", "2147483648", "4294967296",
        "9223372036854775807", "9223372036854775808", "1000000007", "9" * 40, "9" * 41, "1_0",
    ),
    "FLOAT": ("0.5", "0.1", "1.0", "2.5", "0.0", "1e-3", "1e3", "1e300", "1e-300", "1e301", "0.99999999999", "1.5G"),
    "DIMS": (
        "3x3", "8x8", "1x1", "0x0", "6x5x4", "32x32x3", "TxC", "Tx8", "HxWx3", "?x?x3", "?x8", "TxTxT", "5x4x3x2x1",
        "9999999999x3", "1x1x1x1x1x1x1x1", "T0xA_B",
    ),
}  # fmt: skip
"""Numbers at the ends of what there is."""

OWN_NAMES = ("a", "b", "c", "i", "k", "n", "x", "unit", "tower", "skip", "T", "H", "C")
ODD = (
    *"\\'\"\t\r\n\f\0;$`%\ufeff\u2028\ud800\x85\x1c\u00a0\u00fc\u00d7\u2212\u201c\u00b2\u0663\u00df\u0130\ufb01\U0001f600",
    "//", "/*", "**", "->", ":=", "# noqa", "#noqa:C107,", "\n#\n",
)  # fmt: skip
"""Characters and signs that are none of the language, or that others take for something else."""


@cache
def spellings() -> Mapping[str, tuple[str, ...]]:
    """Return what each word of the grammar may be, as far as it is declared anywhere."""
    layers = [form for keyword in keywords() for form in forms(keyword)]
    fields = [field for layer in (*layers, Train) for field in arguments(layer).items()]
    names = {*keywords(), *OWN_NAMES, *SIZES, *FORMS, IDENTITY, *BROUGHT_FORMS, *(name for name, _ in fields)}
    names.update(word for _, argument in fields for word in argument.words)
    names.update(word for layer in layers for word in layer.brought if word.isidentifier())
    calls = {*FUNCTIONS, *FORMS}
    calls.update(layer.keyword for layer in layers if layer.combines or layer.holds_pipeline or layer.branches)
    values = {text for _, argument in fields for text in argument.tries}
    library = {name.removeprefix("netdsl/library/") for name in texts() if name.startswith("netdsl/library/")}
    found = {**SPELLINGS, **EXTREMES}
    found["NAME"] = tuple(sorted(name for name in names if name not in RESERVED))
    found["CALL"] = tuple(sorted(f"{call}(" for call in calls))
    found["STRING"] = (*SPELLINGS["STRING"], *(f'"{name.removesuffix(".net")}"' for name in sorted(library)))
    for value in sorted(values):
        kind = read_token(value, 0).kind
        if kind in EXTREMES and value not in found[kind]:
            found[kind] = (*found[kind], value)
    return found


@cache
def words() -> tuple[str, ...]:
    """Return every word and sign that means something, for a dictionary."""
    signs = [one.pattern.value for one in read_grammar().terminals if isinstance(one.pattern, PatternStr)]
    return tuple(sorted({*signs, *(word for several in spellings().values() for word in several)}))


# Texts as the grammar allows them ------------------------------------------------------------------------------------

DEEPEST = 20
"""Rules in rules."""


@frozen
class Grammar:
    """The rules of each symbol with how deep they go at least, and the spelling of each word that has but one."""

    rules: Mapping[str, Sequence[tuple[int, Rule]]]
    signs: Mapping[str, str]


@cache
def grammar() -> Grammar:
    """Return the rules of the grammar's file."""
    lark = read_grammar()
    depths: dict[str, int] = {}

    def depth(rule: Rule) -> float:
        return 1 + max((depths.get(one.name, float("inf")) for one in rule.expansion if not one.is_term), default=0)

    for _ in lark.rules:  # as often as it can matter
        for rule in lark.rules:
            name = rule.origin.name
            if depth(rule) < depths.get(name, float("inf")):
                depths[name] = int(depth(rule))
    rules: dict[str, list[tuple[int, Rule]]] = {}
    for rule in lark.rules:
        rules.setdefault(rule.origin.name, []).append((int(depth(rule)), rule))
    signs = {one.name: one.pattern.value for one in lark.terminals if isinstance(one.pattern, PatternStr)}
    return Grammar(rules, signs)


def derived(
    random: Random, symbol: str, spelled: Mapping[str, Sequence[str]] = SPELLINGS, depth: int = 0
) -> Iterator[str]:
    """Return the words that a symbol of the grammar stands for, each with the blank behind it."""
    rules = grammar().rules[symbol]
    least = min(deep for deep, _ in rules)
    fitting = [rule for deep, rule in rules if deep <= max(DEEPEST - depth, least)]
    weights = [5 if symbol in INSIDE_ARGUMENT and len(rule.expansion) == 1 else 1 for rule in fitting]
    (rule,) = random.choices(fitting, weights)
    for part in rule.expansion:
        if isinstance(part, NonTerminal):
            yield from derived(random, part.name, spelled, depth + 1)
        else:
            word = grammar().signs.get(part.name) or random.choice(spelled[part.name])
            yield word + " " * (part.name != "NEG")


def statements(random: Random, spelled: Mapping[str, Sequence[str]] = SPELLINGS) -> str:
    """Return a text of a few statements in words that are parted by blanks, as the grammar allows it."""
    while True:
        text = "".join(word for _ in range(random.randint(1, 4)) for word in derived(random, "statement", spelled))
        text = re.sub(r"-+(?=[-\[{])", "", text)  # a `-` in front of these is no sign
        if not parse(Source("drawn", text))[1]:
            return text


def of_a_layer(random: Random) -> str:
    """Return a network of one layer with any of its declared arguments, whether they go together or not."""
    layer: type[Layer] = random.choice(drawn.layers())
    factors = drawn.drawn(layer).factors
    return drawn.text_of(layer, {name: random.choice(values) for name, values in factors.items()})


# Blanks and comments anywhere ----------------------------------------------------------------------------------------

BLANKS = (" ", " ", "  ", "\t", "\n", "\n    ", "\r\n", "\n\n\n")


def tokens(text: str) -> list[Token]:
    """Return the words of a text, comments and what is no word among them."""
    found: list[Token] = []
    word = read_token(text, 0)
    while word.kind != END:
        found.append(word)
        word = read_token(text, word.end)
    return found


def laid_out_anew(random: Random, text: str) -> str:
    """Return the words of a text with other blanks between them, and comments."""
    remarks = ("# why\n", "#\n", "# noqa\n", "\n# noqa: C107, D302\n", "\n\n# ü\n\n")
    laid_out = ""
    for word in tokens(text):
        laid_out += word.text + ("\n" if word.kind == "COMMENT" else "")
        if word.kind != "NEG":
            laid_out += random.choice(remarks) if random.random() < 0.1 else random.choice(BLANKS)
    return laid_out


# Texts with parts of others ------------------------------------------------------------------------------------------

KINDS = {
    "stage": get_args(tree.Stage), "branch": get_args(tree.Branch), "expression": get_args(tree.Expression),
    "argument": (tree.Filters, tree.Keyword), "statement": get_args(tree.Statement),
}  # fmt: skip
LONGEST_PART = 400
LONGEST = 3000
"""Characters of a text that is changed once more."""


def parts(text: str) -> list[tuple[str, int, int]]:
    """Return what a text is made of: the kind and the place of each node."""
    found: list[tuple[str, int, int]] = []

    def visit(node: object) -> None:
        if isinstance(node, tuple):
            for item in node:
                visit(item)
        elif attrs.has(type(node)) and not isinstance(node, Span | Source):
            span = getattr(node, "span", None)
            if isinstance(span, Span):
                found.extend((kind, span.start, span.end) for kind, types in KINDS.items() if isinstance(node, types))
            for attribute in attrs.fields(type(node)):
                visit(getattr(node, attribute.name))

    try:
        visit(parse(Source("parts", text))[0])
    except Exception:  # the text is kept as it is, and this is found when it is examined
        return []
    return [(kind, start, end) for kind, start, end in found if start < end]


@cache
def known_parts() -> Mapping[str, Sequence[str]]:
    """Return the parts of the texts of the project by their kind."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for text in texts().values():
        for kind, start, end in parts(text):
            if end - start <= LONGEST_PART:
                found[kind].add(text[start:end])
    return {kind: sorted(several) for kind, several in found.items()}


def with_part(random: Random, text: str) -> str:
    """Return a text in which a part of another one stands in the place of one of its kind, or around it."""
    places = parts(text)
    if not places:
        return text
    kind, start, end = random.choice(places)
    part = random.choice(known_parts()[kind])
    if kind == "stage" and random.random() < 0.5:
        part = random.choice((f"{text[start:end]} | {part}", f"{part} | {text[start:end]}"))
    elif kind == "statement" and random.random() < 0.5:
        part = random.choice((f"{text[start:end]}\n{part}", f"{part}\n{text[start:end]}"))
    return text[:start] + part + text[end:]


WRAPS = (
    "({})", "({}) * 3", "({}) * 1000", "residual({})", "freeze({})", "add({}, id)", "concat(id, {})", "({}) as a",
    "for i in 3 ({})", "for i in [1, 2] ({})", "for i in 100000 ({})", "(if channels == 8 then {} else id)",
    "concat(each i in [1, 3] ({}))", "(({}) * 9) * 9", "moe({}) experts=4", "attention({}) 2", "residual({}) when=true",
)  # fmt: skip


def wrapped(random: Random, text: str) -> str:
    """Return a text with one of its stages inside of something."""
    stages = [(start, end) for kind, start, end in parts(text) if kind == "stage"]
    if not stages:
        return text
    start, end = random.choice(stages)
    return text[:start] + random.choice(WRAPS).format(text[start:end]) + text[end:]


def with_words(random: Random, text: str) -> str:
    """Return a text with a word deleted, doubled, moved, put in, or replaced by another one or one of its kind."""
    found = tokens(text)
    if not found:
        return random.choice(words())
    one, other = random.choice(found), random.choice(found)
    edit = random.randrange(7)
    if edit == 0:
        return text[: one.start] + text[one.end :]
    if edit == 1:
        return text[: one.end] + " " + text[one.start :]
    if edit == 2:
        start, end = sorted((one.start, other.end))
        return text[:start] + text[end:] if end - start < 40 else text
    if edit == 3:
        start, end = sorted((one.start, other.end))
        part = text[start:end][:LONGEST_PART]
        place = random.choice(found).start
        return f"{text[:place]}{part} {text[place:]}"
    if edit == 4:
        return f"{text[: one.start]}{random.choice(words())} {text[one.start :]}"
    alike = spellings().get(one.kind) if edit == 5 else None
    return text[: one.start] + random.choice(alike or words()) + text[one.end :]


def with_number(random: Random, text: str) -> str:
    """Return a text with another number in it."""
    numbers = [word for word in tokens(text) if word.kind in EXTREMES]
    if not numbers:
        return text
    one = random.choice(numbers)
    kind = one.kind if random.random() < 0.8 else random.choice([*EXTREMES])
    return text[: one.start] + random.choice(spellings()[kind]) + text[one.end :]


def with_characters(random: Random, text: str) -> str:
    """Return a text with a character gone, doubled or put in."""
    place = random.randrange(len(text) + 1)
    return text[:place] + random.choice(("", *ODD)) + text[place + random.randrange(3) :]


BRACKETS = (("(", ")"), ("[", "]"), ("add(id, ", ")"), ("{", "}"), ("not ", ""), ("-", ""), ("if a then ", " else b"))


def many(random: Random, text: str) -> str:
    """Return a text with a part of it many times in a row, or brackets many times around it."""
    found = tokens(text)
    if not found:
        return text
    first = random.randrange(len(found))
    last = min(first + random.randrange(8), len(found) - 1)
    start, end = found[first].start, found[last].end
    times = random.choice((3, 30, 101, 300, 1100))
    part = text[start:end]
    if len(part) * times > 20_000:
        return text
    if random.random() < 0.3:
        opening, closing = random.choice(
            (("(", ")"), ("[", "]"), ("add(id, ", ")"), ("{", "}"), ("not ", ""), ("-", ""))
        )
        return text[:start] + opening * times + part + closing * times + text[end:]
    return text[:start] + f"{part} " * times + text[end:]


CHANGES = (
    *(with_part,) * 6, *(with_words,) * 6, *(with_number,) * 4, *(wrapped,) * 3, with_characters, laid_out_anew,
)  # fmt: skip


def changed(random: Random, text: str, most: int = 6) -> str:
    """Return a text with a few changes made to it."""
    for _ in range(random.randint(1, most)):
        if len(text) > LONGEST:
            break
        text = random.choice(CHANGES)(random, text)
    return many(random, text) if random.random() < 0.03 else text


def text_of(random: Random) -> str:
    """Return a text, all of whose chances are those of a generator."""
    kind = random.randrange(100)
    if kind < 1:
        text = programs.program(random)
        return changed(random, text, 3) if random.random() < 0.5 else text
    if kind < 12:
        return statements(random, spellings())
    if kind < 30:
        text = of_a_layer(random)
        return text if random.random() < 0.3 else changed(random, text, 4)
    return changed(random, random.choice([*texts().values()]))
