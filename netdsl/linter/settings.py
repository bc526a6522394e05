"""What a project decides about lint: `[tool.netdsl.lint]` of a `pyproject.toml`, or `[lint]` of a `netdsl.toml`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, TypeVar

from attrs import Factory, field, frozen

from ..lint.thresholds import Thresholds
from ..record import evolve, fields, has
from ..spelling import nearest
from .selection import Choice, check_ignored, codes_of, selected

SEVERITIES = ("info", "warning", "error")
"""From what is good to know to what has to be mended."""
FAILS_ON = "warning"

OWN, PROJECT = "netdsl.toml", "pyproject.toml"


class SettingsError(Exception):
    """The configuration is wrong; the message names the file and the key."""


Ignores = tuple[tuple[str, tuple[str, ...]], ...]
"""Patterns of files, each with the rules that are off in them."""


@frozen(slots=False)
class Settings:
    """What is decided about the lint of files, by the configuration and by the command line."""

    choices: tuple[Choice, ...] = ()
    per_file_ignores: Ignores = ()
    preview: bool = False
    fail_on: str = FAILS_ON
    thresholds: Thresholds = Factory(Thresholds)
    usual: tuple[str, ...] | None = None
    """The rules that are on where nothing is said of them; None means those that are on by default."""
    folder: str = field(default="", eq=False)
    """That of the configuration, which patterns of files are relative to; "" is the current one."""

    @cached_property
    def codes(self) -> frozenset[str]:
        """The rules that are on. Raises ValueError where a rule is named that there is none of."""
        return selected(self.choices, self.preview, self.usual)

    def codes_in(self, path: str, ignores: Ignores = ()) -> frozenset[str]:
        """Return the rules that are on in a file; the patterns of `ignores` are relative to the current folder."""
        codes = self.codes
        for folder, pairs in ((self.folder, self.per_file_ignores), (os.curdir, ignores)):
            for pattern, words in pairs:
                if _matches(path, pattern, folder):
                    codes = codes.difference(*map(codes_of, words))
        return codes

    def fails_on(self, severity: str) -> bool:
        """Whether a finding of a severity makes the command fail."""
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.fail_on)


# Files of configuration


_NO_SETTINGS = Settings()


def settings_of(path: str) -> Settings:
    """Return what the configuration nearest to a file decides, which lies in its folder or above.

    Raises SettingsError.
    """
    return _settings_in(os.path.dirname(os.path.abspath(path)))


def _settings_in(folder: str) -> Settings:
    while (settings := _settings_of_folder(folder)) is None and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return settings or _NO_SETTINGS


@cache
def _settings_of_folder(folder: str) -> Settings | None:
    found = (read_settings(os.path.join(folder, name), must_exist=False) for name in (OWN, PROJECT))
    return next((settings for settings in found if settings is not None), None)


def forget() -> None:
    """Read configurations anew: they may have changed."""
    _settings_of_folder.cache_clear()


def read_settings(path: str, must_exist: bool = True) -> Settings | None:
    """Return what a file of configuration decides; None where it says nothing of netdsl. Raises SettingsError."""
    if not must_exist and not os.path.exists(path):
        return None
    from ..files import MOST_BYTES, in_words

    try:
        if not must_exist and not os.path.isfile(path) and not os.path.isdir(path):
            raise SettingsError(f"`{_shown(path)}` is a device or a pipe, and no file")
        with open(path, "rb") as file:
            import tomllib

            text = file.read(MOST_BYTES + 1)
            if len(text) > MOST_BYTES:
                raise SettingsError(f"`{_shown(path)}` has more than {MOST_BYTES:,} bytes, which is the limit")
            content = tomllib.loads(text.decode().replace("\r\n", "\n"))
    except OSError as reason:
        raise SettingsError(f"cannot read `{_shown(path)}`: {in_words(reason)}") from None
    except RecursionError:
        raise SettingsError(f"`{_shown(path)}` is nested too deeply") from None
    except ValueError as reason:  # of TOML, or of UTF-8
        raise SettingsError(f"`{_shown(path)}` is not TOML: {str(reason)[:1].lower()}{str(reason)[1:]}") from None
    if os.path.basename(path) == PROJECT:
        tool = content.get("tool", {})
        if not isinstance(tool, dict) or "netdsl" not in tool:
            return Settings(folder=os.path.dirname(os.path.abspath(path))) if must_exist else None
        content, table = tool["netdsl"], "tool.netdsl"
    else:
        table = ""
    return _Reader(path, os.path.dirname(os.path.abspath(path))).settings(content, table)


def _shown(path: str) -> str:
    """Return the shorter of a path from here and the whole one."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


T = TypeVar("T")
Limits = TypeVar("Limits", bound=Any)


@frozen
class _Reader:
    """The tables of one file, taken apart; what is wrong with them is told with the file and the key."""

    path: str
    folder: str

    def settings(self, content: object, table: str) -> Settings:
        content = self.table(content, table)
        self.know(content, ("lint",), table)
        table = f"{table}.lint".lstrip(".")
        keys = self.table(content.get("lint", {}), table)
        self.know(keys, (*_KEYS, *_named(Thresholds)), table)

        def value(key: str, read: Callable[[object], T], default: T) -> T:
            return self.value(keys, key, read, table) if key in keys else default

        choice = Choice(
            value("select", lambda words: _rules(words), None),
            value("extend-select", _rules, ()),
            value("ignore", _ignored, ()),
        )
        return Settings(
            (choice,),
            value("per-file-ignores", _per_file_ignores, ()),
            value("preview", _truth, False),
            value("fail-on", _severity, FAILS_ON),
            self.limits(Thresholds(), keys, table),
            folder=self.folder,
        )

    def value(self, content: Mapping[str, Any], key: str, read: Callable[[object], T], table: str) -> T:
        try:
            return read(content[key])
        except ValueError as reason:
            raise SettingsError(f"`{_shown(self.path)}`: `{key}` in [{table}]: {reason}") from None

    def limits(self, defaults: Limits, content: Mapping[str, Any], table: str) -> Limits:
        """Return the numbers of a class of attrs, those that a table has in place of the defaults."""
        given: dict[str, Any] = {}
        for key, name in _named(type(defaults)).items():
            default = getattr(defaults, name)
            if key in content and has(type(default)):
                inner = self.table(content[key], f"{table}.{key}")
                self.know(inner, tuple(_named(type(default))), f"{table}.{key}")
                given[name] = self.limits(default, inner, f"{table}.{key}")
            elif key in content:
                given[name] = self.value(content, key, _share if isinstance(default, float) else _number, table)
        return evolve(defaults, **given)

    def table(self, content: object, name: str) -> Mapping[str, Any]:
        if not isinstance(content, dict):
            raise SettingsError(f"`{_shown(self.path)}`: [{name}] has to be a table, and is {_kind(content)}")
        return content

    def know(self, content: Mapping[str, Any], keys: tuple[str, ...], table: str) -> None:
        """Refuse keys that mean nothing: what is misspelled would be without effect, and no one would know."""
        for key in content:
            if key not in keys:
                guess = nearest(key, keys)
                cure = f"did you mean `{guess}`?" if guess else f"there are {', '.join(keys)}"
                where = f" in [{table}]" if table else ""
                raise SettingsError(f"`{_shown(self.path)}`: there is no key `{key}`{where}; {cure}")


def _named(limits: type[Any]) -> dict[str, str]:
    """Return the keys of a class of attrs as they are written in a table, with the names of its attributes."""
    return {attribute.name.replace("_", "-"): attribute.name for attribute in fields(limits)}


_KEYS = ("select", "extend-select", "ignore", "per-file-ignores", "preview", "fail-on")


# Values: each raises ValueError, which says what is wanted


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def _wanted(what: str, value: object) -> ValueError:
    return ValueError(f"wanted is {what}, and this is {_kind(value)}")


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _wanted('a list of texts, as in ["C107", "D"]', value)
    return tuple(value)


def _rules(value: object) -> tuple[str, ...]:
    words = _words(value)
    for word in words:
        codes_of(word)
    return words


def _ignored(value: object) -> tuple[str, ...]:
    words = _words(value)
    check_ignored(words)
    return words


def _per_file_ignores(value: object) -> Ignores:
    if not isinstance(value, dict):
        raise _wanted('a table, as in { "old/*.net" = ["C107"] }', value)
    return tuple((pattern, _ignored(words)) for pattern, words in value.items())


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _wanted("true or false", value)
    return value


def _severity(value: object) -> str:
    if value not in SEVERITIES:
        raise ValueError(f"wanted is one of {', '.join(map(repr, SEVERITIES))}, and this is {value!r}")
    return str(value)


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise _wanted("a number, at least 0", value)
    return float(value)


def _number(value: object) -> int:
    """Return a whole number; a text may be one of the language, as `"5M"`."""
    from ..options import read_value

    number: Any = value
    if isinstance(value, str):
        try:
            number = read_value(value)
        except ValueError:
            raise _wanted('a whole number, as in 5_000_000 or "5M"', value) from None
    is_whole = isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    if isinstance(number, bool) or not is_whole or number < 0:
        raise _wanted('a whole number, as in 5_000_000 or "5M"', value)
    return int(number)


# Patterns of files


def _matches(path: str, pattern: str, folder: str) -> bool:
    """Whether a pattern means a file, or a folder that it lies in; with `!` in front, all others.

    A pattern without `/` is compared with the names alone, another with the path from the folder of the configuration.
    """
    if pattern.startswith("!"):
        return not _matches(path, pattern[1:], folder)
    relative = os.path.relpath(os.path.abspath(path), folder or ".").replace(os.sep, "/")
    pattern = pattern.removeprefix("./").rstrip("/")
    return _expression(pattern if "/" in pattern else f"**/{pattern}").fullmatch(relative) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Return a pattern as a regular expression: `*` stays inside of a folder, `**` does not."""
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(meanings.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")


def ignores_of(text: str) -> tuple[str, tuple[str, ...]]:
    """Return what `PATTERN:CODE,CODE` on the command line says. Raises ValueError."""
    pattern, colon, words = text.rpartition(":")
    listed = tuple(word.strip() for word in words.split(",") if word.strip())
    if not colon or not pattern or not listed:
        raise ValueError(f"{text!r} is not PATTERN:CODE,CODE")
    check_ignored(listed)
    return pattern, listed
