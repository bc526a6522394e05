"""The pages of the rules, as their declarations have them: what a rule finds, why, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from ..diagnostics import CODES
from ..lint import RULES
from .selection import known_codes, name_of

GROUPS = {
    "E": "Errors",
    "C": "Correctness",
    "T": "Training",
    "D": "Design",
    "P": "Performance",
    "X": "Portability",
    "S": "Style",
}
"""What the letter of a code stands for."""
OF_ERRORS = "What is wrong, where, and what would mend it, is said by the message."
WIDTH = 96  # of plain text

INTRODUCTION = """# Rules

What `netdsl lint` finds: for each rule what it is about, why, and what to write instead. `netdsl rule CODE` shows the
same on a terminal. [Lint](lint.md) tells how rules are chosen and findings suppressed. A rule is on unless its page
says that it is off; rules in preview need `--preview` besides being chosen. Errors are always on: every command reports
them.

This page is written by `python -m netdsl.linter.pages > docs/rules.md`, from the declarations of the rules."""


def catalogue() -> str:
    """Return every rule and error with its name, a line each."""
    codes = sorted(known_codes(), key=_order)
    width = max(len(name_of(code)) for code in codes)
    lines = [f"{code}  {name_of(code):{width}}  {_state(code)}" for code in codes]
    return "\n".join([*lines, "", "`netdsl rule CODE` shows the page of one."])


def page(code: str) -> str:
    """Return the page of a rule as plain text."""
    lines = [f"{code} {name_of(code)}", f"  {_state(code)}"]
    if code not in RULES:
        lines += ["", f"  {OF_ERRORS}"]
    for title, text, is_network in _parts(code) if code in RULES else ():
        lines += ["", f"  {title}"] if title else [""]
        shown = text if is_network else [part for line in text for part in wrap(line, WIDTH, break_on_hyphens=False)]
        lines += [f"{'      ' if is_network else '  '}{line}" for line in shown]
    return "\n".join(lines)


def markdown(code: str, level: int = 1) -> str:
    """Return the page of a rule as Markdown."""
    lines = [f"{'#' * level} {name_of(code)} ({code})", "", f"{GROUPS[code[0]]}; {_state(code)}."]
    if code in RULES:
        for title, text, is_network in _parts(code):
            lines += ["", *([f"**{title}**", ""] if title else [])]
            lines += ["```net", *text, "```"] if is_network else text
    else:
        lines += ["", OF_ERRORS]
    return "\n".join(lines)


def sentence(code: str) -> str:
    """Return what a rule is about in one sentence."""
    return RULES[code].page.what.partition("\n")[0] if code in RULES else f"{name_of(code).replace('-', ' ')}"


def handbook() -> str:
    """Return the pages of all rules as Markdown: `docs/rules.md`."""
    sections = [INTRODUCTION]
    for letter, group in GROUPS.items():
        codes = sorted(code for code in known_codes() if code.startswith(letter))
        rules = [code for code in codes if code in RULES]
        sections.append(f"## {group}")
        if len(rules) < len(codes):
            table = [f"| {code} | {name_of(code)} |" for code in codes if code not in RULES]
            sections.append("\n".join(["| code | name |", "| --- | --- |", *table]))
        sections += [markdown(code, 3) for code in rules]
    return "\n\n".join(sections) + "\n"


def _order(code: str) -> tuple[int, str]:
    return [*GROUPS].index(code[0]), code


def _state(code: str) -> str:
    """Return how bad what a rule finds is, and whether the rule is on."""
    if code not in RULES:
        return "error, always on"
    rule = RULES[code]
    if code in CODES or code.startswith("E"):
        return f"{rule.severity}, always on"
    on = "in preview" if rule.is_preview else "on" if rule.is_default else "off"
    return f"{rule.severity}, {on}" + (" but for `netdsl emit`" if rule.is_on_emit else "")


def _parts(code: str) -> Iterator[tuple[str, list[str], bool]]:
    """Return the parts of a page: a title, the lines, and whether they are a network."""
    page = RULES[code].page
    parts = (
        ("", page.what, False),
        ("Why", page.why, False),
        ("Example", page.example, True),
        ("Use instead", page.instead, True),
        ("When it is wrong", page.wrong_when, False),
        ("Why these numbers", page.limits, False),
        ("Source", page.source, False),
        ("Options", page.options, False),
    )
    for title, text, is_network in parts:
        if text:
            yield title, text.strip("\n").splitlines(), is_network


if __name__ == "__main__":
    print(handbook(), end="")
