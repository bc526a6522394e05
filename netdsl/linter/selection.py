"""Which rules are meant: by code, by the letters that a code begins with, or by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import frozen

from ..diagnostics import CODES
from ..lint import FILES, RULES
from ..spelling import nearest

ALL = "ALL"
_CODE = re.compile(r"[A-Z][0-9]{3}")
_PREFIX = re.compile(r"[A-Z][0-9]{0,2}")


class UnknownRule(ValueError):
    """No rule is called so; the message says which may be meant."""


def is_error(code: str) -> bool:
    """Whether a code is that of an error, which is always on."""
    return code.startswith("E")


def is_code(word: str) -> bool:
    """Whether a word has the form of a code."""
    return _CODE.fullmatch(word.upper()) is not None


def name_of(code: str) -> str:
    """Return the name that goes with a code."""
    return CODES[code] if code in CODES else FILES[code].replace("_", "-")


def known_codes() -> frozenset[str]:
    """Return the codes of all rules and errors."""
    return frozenset((*RULES, *CODES))


def code_of(word: str) -> str:
    """Return the code of the one rule or error with a code or name. Raises UnknownRule where there is none."""
    code = word.upper()
    if code in known_codes():
        return code
    names = {name_of(code): code for code in known_codes()}
    if word.lower() in names:
        return names[word.lower()]
    raise unknown(word)


def unknown(word: str) -> UnknownRule:
    """Return the error about a word that means no rule."""
    guess = nearest(word.upper(), sorted(known_codes())) or nearest(word.lower(), sorted(map(name_of, known_codes())))
    hint = f"did you mean `{guess}`?" if guess else "`netdsl rule` lists them"
    return UnknownRule(f"there is no rule `{word}`; {hint}")


def codes_of(word: str) -> frozenset[str]:
    """Return the codes that a word selects: `C107`, `C1`, `C`, `ALL`, or a name. Raises UnknownRule for other words."""
    prefix = word.upper()
    if prefix == ALL:
        return known_codes()
    if _PREFIX.fullmatch(prefix):
        found = frozenset(code for code in known_codes() if code.startswith(prefix))
        if found:
            return found
    return frozenset((code_of(word),))


def _specificity(word: str) -> int:
    """Return how exactly a word names a rule: what is said of `C107` counts more than what is said of `C`."""
    prefix = word.upper()
    if prefix == ALL:
        return 0
    return len(prefix) if _PREFIX.fullmatch(prefix) else len("C107")


@frozen
class Choice:
    """What one place, the configuration or the command line, decides about rules."""

    select: tuple[str, ...] | None = None
    """In place of all that was selected before; None leaves that as it is."""
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def selected(choices: Sequence[Choice], preview: bool, usual: Iterable[str] | None = None) -> frozenset[str]:
    """Return the codes of the rules that are on. Raises UnknownRule, and ValueError where an error is to be ignored.

    A later choice goes on from what an earlier one left, or puts its own selection in the place of that. Inside of one
    a code counts more than the letter that it begins with, and of equals, `ignore` counts. `usual` are the rules to
    begin with, without them those that are on by default.
    """
    if usual is None:
        usual = (code for code, rule in RULES.items() if rule.is_default and not rule.is_preview)
    codes = frozenset(usual)
    for choice in choices:
        check_ignored(choice.ignore)
        said = [(_specificity(word), False, word) for word in (*(choice.select or ()), *choice.extend_select)]
        said += [(_specificity(word), True, word) for word in choice.ignore]
        if choice.select is not None:
            codes = frozenset()
        for _, is_ignored, word in sorted(said):
            codes = codes - codes_of(word) if is_ignored else codes | codes_of(word)
    on = {code for code in codes if code in RULES and (preview or not RULES[code].is_preview)}
    return frozenset((*on, *filter(is_error, RULES)))


def check_ignored(words: Iterable[str]) -> None:
    """Raise ValueError where one of the words that are to be ignored names an error, or nothing."""
    for word in words:
        if word.upper() != ALL and all(map(is_error, codes_of(word))):
            raise ValueError(f"`{word}` is an error, and errors cannot be ignored")


def without_effect(words: Iterable[str], preview: bool) -> tuple[str, ...]:
    """Return the words that select nothing, as the rules that they mean are in preview."""
    if preview:
        return ()
    return tuple(word for word in words if all(code in RULES and RULES[code].is_preview for code in codes_of(word)))
