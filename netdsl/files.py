"""Texts from files and from bytes, which files there are, and what to say where there is no text in them."""

from __future__ import annotations

import codecs
import errno
import os.path
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import BinaryIO

from .diagnostics import CompileError, Diagnostic
from .source import MAX_TEXT, Source, Span
from .spelling import nearest

STANDARD_INPUT = "-"
BYTE_ORDER_MARK = codecs.BOM_UTF8
MOST_BYTES = 4 * MAX_TEXT
"""What is read of a file: more than that is more than MAX_TEXT characters, whatever they are."""


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
    """Return the bytes of a file, of an endless one the first; `-` is standard input.

    Raises CompileError where it is not there.
    """
    name = shown(path)
    try:
        if path == STANDARD_INPUT:
            if sys.stdin is None:
                raise unreadable(name, "standard input is closed")
            return _first_of(sys.stdin.buffer)
        with open(path, "rb") as file:
            return _first_of(file)
    except OSError as reason:
        raise unreadable(name, f"cannot read `{name}`: {in_words(reason)}") from None
    except ValueError:  # a NUL in the path
        raise unreadable(name, "there is no file of this name") from None


def _first_of(file: BinaryIO) -> bytes:
    """Return what is in a file, up to as much as makes the text too long."""
    return file.read(MOST_BYTES + 1)


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
        if not _holds(root, inside):
            raise OSError("it lies outside of the folder of the file that is compiled, where all files have to be")
        relative = os.path.relpath(inside, root)
        try:
            with _open_inside(root, relative) as file:
                content = _first_of(file)
        except OSError as reason:
            guess = "" if os.path.lexists(name) else _beside(name, path) or _library_path(path)
            raise OSError(in_words(reason) + (f"; did you mean `{guess}`?" if guess else "")) from None
        try:
            return decode(content, os.path.normpath(os.path.join(folder, relative)))  # a file has one name
        except CompileError as error:
            raise OSError(f"it {error.diagnostics[0].message.partition('` ')[2]}") from None

    return find


def _holds(folder: str, path: str) -> bool:
    """Whether a path is of something in a folder; both are without links."""
    try:
        return os.path.commonpath((path, folder)) == folder
    except ValueError:  # they are on two drives
        return False


def _open_inside(root: str, path: str) -> BinaryIO:
    """Open a file by its path from a folder, on which no link is followed. Raises OSError, also where it is no file.

    Whatever is exchanged for a link meanwhile, nothing outside of the folder is opened; and a pipe is not waited for.
    """
    if os.open not in os.supports_dir_fd:
        file = os.open(os.path.join(root, path), os.O_RDONLY | getattr(os, "O_BINARY", 0))
    else:
        *folders, last = path.split(os.sep)
        here = os.open(root, _FOLDER)
        try:
            for folder in folders:
                above, here = here, os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
                os.close(above)
            file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=here)
        finally:
            os.close(here)
    mode = os.fstat(file).st_mode
    if not stat.S_ISREG(mode):
        os.close(file)
        raise IsADirectoryError if stat.S_ISDIR(mode) else OSError(0, "it is a device or a pipe, and no file")
    return os.fdopen(file, "rb")


_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
"""How folders are opened that are only passed through."""


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


_LIBRARY_FOLDER = os.path.join(os.path.dirname(__file__), "library", "std")


def _library() -> list[str]:
    """Return the names of the files of the library."""
    return sorted(file.removesuffix(ENDING) for file in os.listdir(_LIBRARY_FOLDER) if file.endswith(ENDING))


def _text_of_library(name: str) -> str:
    with open(os.path.join(_LIBRARY_FOLDER, name + ENDING), encoding="utf-8") as file:
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
    """Return bytes as a text, of too many as a text that is too long. Raises CompileError where they are none."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unreadable(name, f"`{name}` is not a text in UTF-8, but one in UTF-16")
    if b"\0" in content:
        raise unreadable(name, f"`{name}` is not a text: it has bytes of value 0 in it")
    try:
        text, _ = codecs.utf_8_decode(content, "strict", len(content) <= MOST_BYTES)
    except UnicodeDecodeError as reason:
        line = content.count(b"\n", 0, reason.start) + 1
        raise unreadable(name, f"`{name}` is not a text in UTF-8: line {line} has other bytes in it") from None
    text = text.replace("\r\n", "\n")
    if "\r" in text:  # some programs show a new line there, where to us a comment goes on
        line = text.count("\n", 0, text.index("\r")) + 1
        raise unreadable(name, f"`{name}` has a carriage return in line {line} that no line feed follows")
    return Source(name, text)


def write(path: str, content: bytes) -> None:
    """Write a file in one go, so that no one ever sees half of it; a link stays one, a device is written to.

    Raises CompileError where that cannot be.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as file:
                file.write(content)
        else:
            _replace(os.path.realpath(path), content)
    except OSError as reason:
        raise unreadable(path, f"cannot write `{path}`: {in_words(reason)}") from None


def rewrite(path: str, content: bytes) -> None:
    """Write what a file is to hold from now on. Raises CompileError where that cannot be, as with a pipe."""
    if not os.path.isfile(path):
        raise unreadable(path, f"cannot rewrite `{path}`: it is a device or a pipe, or not there any more")
    write(path, content)


def _replace(path: str, content: bytes) -> None:
    """Write a file beside another one that takes its place, with the same mode. Raises OSError."""
    mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else None
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError
    unfinished = f"{path}.{os.getpid()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(unfinished, flags, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if mode is not None:
            os.chmod(unfinished, mode)
        os.replace(unfinished, path)
    except BaseException:
        os.remove(unfinished)
        raise


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
    if reason.errno == errno.EBADF:
        return "it is closed"
    return (reason.strerror or "the system cannot").lower()
