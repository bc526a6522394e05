"""What a lint rule is: its code, its page, and a check that finds its pattern in a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from ..diagnostics import Diagnostic, Edit, Fix, Related

if TYPE_CHECKING:
    from ..source import Span
    from .thresholds import Thresholds
    from .view import View


@frozen(kw_only=True)
class Page:
    """What there is to know about a rule.

    `example` is a program that has the pattern, `instead` one that does the same without it; tests run both.
    `source` says who found it or where it has been seen, `wrong_when` where a finding may be ignored,
    and `limits` why the numbers that it compares with are where they are.
    """

    what: str
    why: str
    source: str
    example: str
    instead: str
    wrong_when: str
    limits: str = ""
    options: str = ""


class Rule:
    """The base of every rule; one rule is one file."""

    code: ClassVar[str]
    name: ClassVar[str]
    """In kebab case; it names the pattern, not the cure."""
    severity: ClassVar[str]
    """"error", "warning" or "info": what most of its findings are."""
    is_default: ClassVar[bool] = True
    """Whether it runs where no options ask for it."""
    is_on_emit: ClassVar[bool] = False
    """Whether it runs where code is emitted, if no options forbid it."""
    is_preview: ClassVar[bool] = False
    """Whether it is on trial, and runs only where previews are asked for."""
    page: ClassVar[Page]

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        """Return what is found in one network."""
        raise NotImplementedError

    def fix(self, message: str, edits: tuple[Edit, ...], is_safe: bool = False) -> Fix | None:
        """Return a fix, None where the text cannot be changed."""
        return Fix(message, edits, is_safe) if edits else None

    def found(
        self,
        span: Span,
        message: str,
        label: str = "",
        help: str = "",
        related: tuple[Related, ...] = (),
        fix: Fix | None = None,
        severity: str = "",
    ) -> Diagnostic:
        """Return a finding of this rule."""
        return Diagnostic(self.code, message, span, label, help, related, severity or self.severity, fix)
