"""Texts from files and from bytes, which files there are, and what to say where there is no text in them."""

from __future__ import annotations

import os.path
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from .diagnostics import CompileError, Diagnostic
from .source import Source, Span
from .spelling import nearest

STANDARD_INPUT = "-"
BYTE_ORDER_MARK = "\ufeff".encode()


def name_of(path: str) -> str:
    """Return what the network in a file is called: the name of the file, without its folder and ending."""
    return "network" if path == STANDARD_INPUT else os.path.splitext(os.path.basename(path))[0] or "network"


def read(path: str) -> Source:
    """Return the text of a file; `-` is standard input. Raises CompileError where it is not there, or not text."""
    return decode(content_of(path), shown(path))


def shown(path: str) -> str:
    """Return what messages call a file."""
    return "<stdin>" if path == STANDARD_INPUT else path


def content_of(path: str) -> bytes:
    """Return the bytes of a file; `-` is standard input. Raises CompileError where it is not there."""
    name = shown(path)
    try:
        if path == STANDARD_INPUT:
            if sys.stdin is None:
                raise unreadable(name, "standard input is closed")
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as reason:
        raise unreadable(name, f"cannot read `{name}`: {in_words(reason)}") from None
    except ValueError:  # a NUL in the path
        raise unreadable(name, "there is no file of this name") from None


LIBRARY = "std/"
"""What the paths of the library begin with."""
ENDING = ".net"


def networks_in(paths: Iterable[str]) -> Iterator[str]:
    """Return files as they are, and of folders the networks in them, each file once.

    In a checkout of git that are those that git does not ignore; hidden folders are left out everywhere.
    """
    seen = set()
    for path in paths:
        for file in _walk(path) if os.path.isdir(path) else (path,):
            if os.path.realpath(file) not in seen:
                seen.add(os.path.realpath(file))
                yield file


def _walk(folder: str) -> list[str]:
    """Return the networks in a folder and in the folders in it, in the order of the alphabet."""
    inside = _known_to_git(folder)
    if inside is None:
        inside = [os.path.join(place, file) for place, _, files in os.walk(folder) for file in files]
    found = sorted(os.path.normpath(file) for file in inside if file.endswith(ENDING))
    hidden = f"{os.sep}."
    return [file for file in found if hidden not in f"{os.sep}{os.path.relpath(file, folder)}" and os.path.isfile(file)]


_PLACES_OF_GIT = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"})


def _known_to_git(folder: str) -> list[str] | None:
    """Return the files of a folder that git does not ignore; None where git has no say, as in a folder it ignores."""
    import subprocess

    def git(*words: str) -> subprocess.CompletedProcess[bytes]:
        # A hook of git has its variables set for the folder that git is in, and a checkout may name programs to run.
        variables = {name: value for name, value in os.environ.items() if name not in _PLACES_OF_GIT}
        command = ("git", "-c", "core.fsmonitor=false", *words)
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False)

    try:
        known = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if known.returncode or git("check-ignore", "--quiet", ".").returncode == 0:
            return None
    except OSError:  # there is no git, or the folder may not be entered
        return None
    return [os.path.join(folder, os.fsdecode(file)) for file in known.stdout.split(b"\0")]


def reader(folder: str | None) -> Callable[[str, Source], Source]:
    """Return what finds the files that `use` names: those of the library, and of one folder and those in it.

    A path is relative to the file that uses it. What it returns raises OSError, which says what is wrong with a path.
    """

    def find(path: str, user: Source) -> Source:
        if path.startswith(LIBRARY):
            return _of_library(path)
        if folder is None:
            raise OSError("only a file can use other files, and this text is none")
        if not path:
            raise OSError("it names no file")
        if "\0" in path or os.path.isabs(path) or "\\" in path:
            raise OSError("a path is relative to the file that uses it, with `/` between folders")
        name = os.path.normpath(os.path.join(os.path.dirname(user.name), path))
        inside, root = os.path.realpath(name), os.path.realpath(folder)
        if os.path.commonpath((inside, root)) != root:
            raise OSError("it lies outside of the folder of the file that is compiled, where all files have to be")
        try:
            return read(os.path.normpath(os.path.join(folder, os.path.relpath(inside, root))))  # a file has one name
        except CompileError as error:
            guess = "" if os.path.lexists(name) else _beside(name, path) or _library_path(path)
            cure = f"; did you mean `{guess}`?" if guess else ""
            said = error.diagnostics[0].message
            reason = said.partition(": ")[2] if said.startswith("cannot read") else f"it {said.partition('` ')[2]}"
            raise OSError(reason + cure) from None

    return find


def _beside(name: str, path: str) -> str:
    """Return the path of a file of almost the same name as one that is missing."""
    try:
        files = sorted(os.listdir(os.path.dirname(name) or "."))
    except OSError:
        return ""
    folder, slash, last = path.rpartition("/")
    guess = nearest(last, (file for file in files if file.endswith(ENDING)))
    return f"{folder}{slash}{guess}" if guess else ""


@cache
def _of_library(path: str) -> Source:
    """Return a file of the library that comes with netdsl, the same object each time."""
    known = _library()
    name = path.removeprefix(LIBRARY).removesuffix(ENDING)
    if name not in known:
        guess = nearest(name, known)
        cure = f"did you mean `{LIBRARY}{guess}`?" if guess else f"it has {', '.join(known)}"
        raise OSError(f"the library has no such file; {cure}")
    return Source(f"{LIBRARY}{name}{ENDING}", _text_of_library(name))


_FOLDER = os.path.join(os.path.dirname(__file__), "library", "std")


def _library() -> list[str]:
    """Return the names of the files of the library."""
    return sorted(file.removesuffix(ENDING) for file in os.listdir(_FOLDER) if file.endswith(ENDING))


def _text_of_library(name: str) -> str:
    with open(os.path.join(_FOLDER, name + ENDING), encoding="utf-8") as file:
        return file.read()


def _library_path(path: str) -> str:
    """Return a file of the library as `use` names it, if a path is its name alone."""
    name = path.removesuffix(ENDING)
    return LIBRARY + name if name in _library() else ""


def blocks_of_library(word: str) -> tuple[str, tuple[str, ...]]:
    """Return the file of the library that a block is in, or that a word names, and that block or all that it has."""
    for name in _library():
        blocks = tuple(re.findall(r"^block (\w+)", _text_of_library(name), re.MULTILINE))
        if word in blocks:
            return LIBRARY + name, (word,)
        if re.match(rf"{name}[0-9]*\Z", word):
            return LIBRARY + name, blocks
    return "", ()


def decode(content: bytes, name: str) -> Source:
    """Return bytes as a text. Raises CompileError where they are none."""
    if b"\0" in content:
        raise unreadable(name, f"`{name}` is not a text: it has bytes of value 0 in it")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as reason:
        line = content.count(b"\n", 0, reason.start) + 1
        raise unreadable(name, f"`{name}` is not a text in UTF-8: line {line} has other bytes in it") from None
    return Source(name, text.replace("\r\n", "\n"))


def write(path: str, content: bytes) -> None:
    """Write a file in one go, so that no one ever sees half of it; a link stays one, a device is written to.

    Raises CompileError where that cannot be.
    """
    try:
        _write(os.path.realpath(path), content)
    except OSError as reason:
        raise unreadable(path, f"cannot write `{path}`: {in_words(reason)}") from None


def _write(path: str, content: bytes) -> None:
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            file.write(content)
        return
    unfinished = f"{path}.{os.getpid()}.tmp"
    try:
        with open(unfinished, "xb") as file:
            file.write(content)
        if os.path.exists(path):
            os.chmod(unfinished, os.stat(path).st_mode)
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def encode(text: str, like: bytes) -> bytes:
    """Return a text as bytes, with the mark at the start and the ends of lines that other bytes have."""
    mark = BYTE_ORDER_MARK if like.startswith(BYTE_ORDER_MARK) else b""
    end = b"\r\n" if like.partition(b"\n")[0].endswith(b"\r") else b"\n"
    return mark + text.encode().replace(b"\n", end)


def unreadable(name: str, message: str) -> CompileError:
    """Return the error of a file that cannot be used."""
    return CompileError((Diagnostic("E024", message, Span(Source(name, ""), 0, 0)),))


def in_words(reason: OSError) -> str:
    """Return what the system says of a file, as one would say it."""
    if isinstance(reason, FileNotFoundError):
        return "there is no such file or folder"
    if isinstance(reason, IsADirectoryError):
        return "it is a folder"
    if isinstance(reason, PermissionError):
        return "permission denied"
    return (reason.strerror or "the system cannot").lower()
