"""What is worth knowing of a network as code for a framework is made of it."""

from __future__ import annotations

from ..compiler import Result
from ..diagnostics import Diagnostic
from ..files import STANDARD_INPUT
from ..lint import ON_EMIT
from ..record import evolve
from .check import check
from .formats import is_file
from .settings import settings_of


def warnings(result: Result, target: str) -> tuple[Diagnostic, ...]:
    """Return what the rules about emitted code warn of, as far as settings and comments allow. Raises SettingsError."""
    source = result.program.source
    settings = evolve(settings_of(source.name if is_file(source) else STANDARD_INPUT), usual=ON_EMIT)
    codes = settings.codes_in(source.name).intersection(ON_EMIT)
    found = check(result, codes, settings.thresholds, (target,)).found
    return tuple(one for one in found if one.code in codes and one.severity != "info")
