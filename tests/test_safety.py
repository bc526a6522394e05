"""Texts and files from strangers: limits, what `use` opens, what names do to programs, and streams that fail."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Capture, outcome
from pages import LANGUAGE
from work import measured

import netdsl
from netdsl import elaborate, expressions, files
from netdsl.analysis import counts
from netdsl.cli import main
from netdsl.diagnostics import render
from netdsl.layers import recurrent
from netdsl.source import MAX_TEXT
from netdsl.syntax import builder, parser
from netdsl.values import LARGEST

COMMANDS = (
    ("summary",),
    ("explain",),
    ("check",),
    ("lint",),
    ("fmt", "--check"),
    ("emit", "--to", "torch"),
    ("emit", "--to", "keras"),
)
EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command))
RIGHT = "in 8 | dense 3\n"


# Limits


def test_the_page_states_the_limits() -> None:
    text = LANGUAGE.read_text("utf-8").partition("\n## Limits\n")[2]
    stated = re.findall(r"^\| .* \| .*?([\d,]+)(?: deep)? \|$", text, re.MULTILINE)
    assert [int(number.replace(",", "")) for number in stated] == [
        MAX_TEXT,
        elaborate.MOST_USES,
        elaborate.MOST_NESTED,
        parser.MAX_NESTING,
        parser.MAX_DEPTH,
        LARGEST,
        builder.MAX_DIGITS,
        elaborate.MOST_STAGES,
        expressions.MOST_ITEMS,
        expressions.MOST_MEMBERS,
        recurrent.MOST_LAYERS,
        counts.MOST_ROWS,
        parser.MAX_MISTAKES,
    ]


def doubling(first: str, entering: str) -> str:
    blocks = "".join(f"block b{n}: b{n - 1} | b{n - 1}\n" for n in range(1, 41))
    return f"block b0: {first}\n{blocks}in {entering} | b40\n"


def chain(blocks: int) -> str:
    return "block b0: relu\n" + "".join(f"block b{n}: b{n - 1}\n" for n in range(1, blocks)) + f"in 8 | b{blocks - 1}"


BEYOND = {
    "a bracket too deep": ("in 8 | " + "(" * 100_000 + "relu" + ")" * 100_000, "inside 100 others"),
    "too many parts": ("in 8 | dense 1" + "+1" * 100_000, "a chain of too many parts"),
    "a number too long": ("in 8 | dense " + "9" * 100_000, "too long to be read"),
    "a size too large": ("in 8 | dense 4G*4G", "a number beyond 9,223,372,036,854,775,807"),
    "too many parameters": ("in 10G | dense 10G", "has more than 9,223,372,036,854,775,807 parameters"),
    "blocks too deep": (chain(200), "blocks stand in blocks more than 64 deep"),
    "too many members": (
        "in 8 | dense {" + ", ".join(map(str, range(1, 100_000))) + "}",
        "99,999 members, and 1,000 is",
    ),
    "too many layers": ("in 8x8 | lstm 8 layers=1001", "`layers` is at most 1,000"),
}


@pytest.mark.parametrize("text, message", BEYOND.values(), ids=BEYOND)
def test_each_limit_has_its_message(text: str, message: str) -> None:
    found, _ = measured(lambda: netdsl.check(text), most=3_000_000 + 50 * len(text))
    (error,) = (one for one in found if one.severity == "error")
    assert error.code == "E026"
    assert message in error.message
    assert error.help or error.label or "beyond" in message
    assert len(render(error)) < 2_000


GROWING = (
    "in 8x8 | (pad 1) * 1000000000000 | relu",
    "in 8 | for n in 1000000000000 (dense n+1)",
    "in 8 | concat(each n in 1000000000000 (dense n+1))",
    "in 8" + " | relu" * 150_000,
)


@pytest.mark.parametrize("text", GROWING, ids=lambda text: text[:30])
def test_a_network_has_so_many_stages(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is met, told once with its place, and nothing behind it costs anything."""
    monkeypatch.setattr(elaborate, "MOST_STAGES", 2_000)
    found, _ = measured(lambda: netdsl.check(text), most=2_000_000 + 50 * len(text))
    (error,) = (one for one in found if one.severity == "error")
    assert (error.code, "more than 2,000 stages" in error.message) == ("E026", True)


@pytest.mark.parametrize("command", COMMANDS[:1] + COMMANDS[2:], ids=lambda command: " ".join(command))
@pytest.mark.parametrize("text", [doubling("dense 8 | relu", "8"), doubling("relu", "8x8")], ids=["dense", "relu"])
def test_forty_lines_that_double(command: tuple[str, ...], text: str, capsys: Capture) -> None:
    measured(lambda: main([*command, "-e", text]), most=3_000_000)
    out, err = capsys.readouterr()
    if command == ("summary",):
        assert "more than 200,000 layers, too many to be listed" in err and "--depth" in err
    else:
        assert "E026" not in out + err


def test_lines_are_counted_before_they_are_made() -> None:
    network = netdsl.compile("block b: dense 8 | relu\nin 8 | b | (b) * 3 | b | (dense 8 | relu) * 1")
    assert counts._least_rows(network.network.body, {}) == len(list(counts.rows(network.network)))


def test_a_text_of_another_kind_of_size(tmp_path: Path) -> None:
    """What is too long is not read to its end; the memory that each command takes is bounded."""
    path = tmp_path / "long.net"
    with path.open("wb") as file:
        file.truncate(0)
        for _ in range(64):
            file.write(b"# " + b"x" * 999_997 + b"\n")
    for command in COMMANDS:
        done, memory = frugal([*command, str(path)])
        assert done.returncode == 1
        assert "more than 10,000,000 characters" in done.stdout + done.stderr
        assert memory < 300 << 20


def frugal(command: list[str], **options: object) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run a command that may take 1 GiB of memory; return what it did, and how much it took."""
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from netdsl.__main__ import main\n"
        "sys.argv[0] = 'netdsl'\n"
        "status = main()\n"
        # its own: `ru_maxrss` has that of its parent in it, which it was before it became another program
        "print('memory', open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    done = run([sys.executable, "-c", script, *command], **options)
    memory = re.search(r"^memory (\d+)$", done.stderr, re.MULTILINE)
    assert memory is not None, done.stderr
    return done, int(memory[1]) * 1024


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment(), timeout=120, **{**PIPES, **options})  # type: ignore[call-overload, no-any-return]


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(Path(netdsl.__file__).parents[1])}


def test_endless_devices_and_pipes(tmp_path: Path) -> None:
    for command in COMMANDS:
        for device in ("/dev/zero", "/dev/urandom"):
            done, memory = frugal([*command, device])
            assert done.returncode == 1
            assert "E024" in done.stdout + done.stderr and memory < 300 << 20
        script = f"'{sys.executable}' -m netdsl {' '.join(command)} <(printf '{RIGHT[:-1]}\\n')"
        done = run(["bash", "-c", script])
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_a_sum_of_many_branches(target: str, capsys: Capture) -> None:
    status, _, err = outcome(capsys, "emit", "--to", target, "-e", f"in 8 | add({', '.join(['dense 8'] * 2_000)})")
    assert status == 0 or "E026 the program would have an expression that is nested too deeply" in err


# Files that are used


def test_used_files_have_their_limits(tmp_path: Path) -> None:
    path = tmp_path / "main.net"
    (tmp_path / "small.net").write_text("const a = 1\n")
    path.write_text('use "small.net"\n' * 5_000 + RIGHT)
    (found,) = _errors(path)
    assert (found.code, found.message) == ("E026", "files are used at more than 1,000 places")
    (tmp_path / "large.net").write_bytes(b"#" * (files.MOST_BYTES + 5))
    path.write_text('use "large.net"\nuse "large.net"\n' + RIGHT)
    (found,) = _errors(path)
    assert found.message == "the files that are used have more than 10,000,000 characters together"
    for number in range(80):
        (tmp_path / f"f{number}.net").write_text(f'use "f{number + 1}.net"\n')
    path.write_text('use "f0.net"\n' + RIGHT)
    (found,) = _errors(path)
    assert (found.code, found.message) == ("E026", "files use files more than 64 deep")


def _errors(path: Path) -> tuple[netdsl.compiler.Diagnostic, ...]:  # type: ignore[name-defined]
    with pytest.raises(netdsl.CompileError) as raised:
        netdsl.load(path)
    return tuple(one for one in raised.value.diagnostics if one.severity == "error")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.net",
        "inner/../../secret.net",
        "{outside}/secret.net",
        "std/../../secret.net",
        "std/../secret",
        "std//secret.net",
        "file-link.net",
        "folder-link/secret.net",
        "inner/up/secret.net",
        "inner/up/../secret.net",
        "pipe.net",
        "device.net",
        "inner",
        "..",
        ".",
        "loop.net",
        "socket.net",
    ],
)
@EVERY_COMMAND
def test_nothing_outside_is_used(path: str, command: tuple[str, ...], tmp_path: Path, capsys: Capture) -> None:
    """The name of a secret constant, or its value, never appears, and nothing blocks."""
    import socket

    (tmp_path / "secret.net").write_text("const token = 4711\n")
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "file-link.net").symlink_to(tmp_path / "secret.net")
    (folder / "folder-link").symlink_to(tmp_path)
    (folder / "inner" / "up").symlink_to("../..")
    (folder / "loop.net").symlink_to("loop.net")
    (folder / "device.net").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.net")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(folder, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{here}/socket.net")  # a path of a socket is short
        os.close(here)
        main_file = folder / "main.net"
        main_file.write_text(f'use "{path.format(outside=tmp_path)}"\nin 8 | dense token\n')
        status, out, err = outcome(capsys, *command, main_file)
    assert "4711" not in out + err
    if command[0] != "fmt":
        assert status == 1
        assert "E024 cannot use" in out + err


def test_a_link_that_is_put_there_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.net").write_text("const token = 4711\n")
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "secret.net").write_text("const token = 1\n")
    (folder / "main.net").write_text('use "inner/secret.net"\nin 8 | dense token\n')
    assert netdsl.load(folder / "main.net").outputs[0].shape == (1,)
    holds = files._holds

    def exchange(root: str, path: str) -> bool:
        found = holds(root, path)
        (folder / "inner").rename(folder / "other")
        (folder / "inner").symlink_to(tmp_path)
        return found

    monkeypatch.setattr(files, "_holds", exchange)
    (error,) = _errors(folder / "main.net")
    assert error.code == "E024"


# Programs that are written


HOSTILE = (
    'x"""\nimport os\n"""',
    "x\\",
    'x\\"""',
    '"""',
    "a\nimport os",
    "a\rimport os",
    "a\u2028import os",
    "a\x0cimport os",
    "\u202eos\u2066",
    "caf\u00e9",
    "\udcff",
    "{import_os}",
    "'; import os #",
    "x" * 200,
    "\x1b[31m",
    "# -*- coding: utf-7 -*-",
)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
@pytest.mark.parametrize("target", ["torch", "keras"])
def test_the_name_of_a_file_is_no_code(name: str, target: str, tmp_path: Path, capsys: Capture) -> None:
    """Only the docstring and the name of the class differ; the module has no character that hides what it does."""
    path = tmp_path / f"{name}.net"
    path.write_text('block unit c: dense c | relu as hidden\nin 8 as x | unit 4 | dense 3\n# """ import os \\\n')
    usual = ast.parse(
        netdsl.compile("block unit c: dense c | relu as hidden\nin 8 as x | unit 4 | dense 3").emit(target)
    )
    written = tmp_path / "out.py"
    assert outcome(capsys, "emit", "--to", target, path, "-o", written)[0] == 0
    text = written.read_bytes().decode()
    assert all(character.isprintable() or character == "\n" for character in text)
    module = ast.parse(text)
    docstring, *body = module.body
    assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)
    assert [_anonymous(node) for node in body] == [_anonymous(node) for node in usual.body[1:]]
    assert "os" not in {name.id for name in ast.walk(module) if isinstance(name, ast.Name)}


def _anonymous(node: ast.AST) -> str:
    """Return what a statement is, without the names of the model, which come from the file."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef) and inner.name not in ("Unit", "unit", "__init__"):
            inner.name = "model"
        if isinstance(inner, ast.keyword) and inner.arg == "name":
            inner.value = ast.Constant("name")
    return re.sub(r"'(name|id)': '[^']*'", "", ast.dump(node))


@pytest.mark.parametrize("content", HOSTILE, ids=ascii)
@pytest.mark.parametrize("target", ["torch", "keras"])
def test_comments_and_strings_are_no_code(content: str, target: str, tmp_path: Path) -> None:
    text = f'use "std/resnet"  # {content}\nin 8x8x3 # {content}\n| basic 8 # {content}\n| pool global | dense 3'
    usual = 'use "std/resnet"\nin 8x8x3 | basic 8 | pool global | dense 3'
    clean = re.sub(r"#.*", "", text) == re.sub(r"#.*", "", text.replace(content, "x"))
    if clean:
        assert netdsl.compile(text).emit(target) == netdsl.compile(usual).emit(target)
    else:  # the rest of a comment that has lines stands in the text
        with pytest.raises(netdsl.CompileError):
            netdsl.compile(text)


# Files that are written


def test_what_fails_leaves_no_file(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.py"
    target.write_text("before")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for raises, status in ((interrupt, 130), (refuse, 1)):
        with monkeypatch.context() as patched:
            patched.setattr("os.replace", raises)
            assert outcome(capsys, "emit", "--to", "torch", "-e", RIGHT, "-o", target)[0] == status
        assert [path.name for path in tmp_path.iterdir()] == ["out.py"]
        assert target.read_text() == "before"


def test_a_file_of_somebody_else_in_the_way_stays(tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "out.py"
    secret = tmp_path / "secret"
    secret.write_text("before")
    (tmp_path / f"out.py.{os.getpid()}.tmp").symlink_to(secret)
    status, _, err = outcome(capsys, "emit", "--to", "torch", "-e", RIGHT, "-o", target)
    assert (status, "cannot write" in err) == (1, True)
    assert secret.read_text() == "before" and not target.exists()
    assert (tmp_path / f"out.py.{os.getpid()}.tmp").is_symlink()


def test_a_file_keeps_its_mode_and_a_protected_one_its_content(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.py"
    target.write_text("before")
    target.chmod(0o640)
    assert outcome(capsys, "emit", "--to", "torch", "-e", RIGHT, "-o", target)[0] == 0
    assert target.stat().st_mode & 0o777 == 0o640
    target.write_text("before")
    target.chmod(0o440)
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may do everything
    status, _, err = outcome(capsys, "emit", "--to", "torch", "-e", RIGHT, "-o", target)
    assert (status, "permission denied" in err) == (1, True)
    assert target.read_text() == "before"


@pytest.mark.parametrize("command", [["fmt"], ["lint", "--fix"], ["lint", "--add-noqa"]], ids=" ".join)
def test_a_pipe_is_not_rewritten(command: list[str]) -> None:
    """It is read once, and neither read again nor written, which would wait for ever."""
    text = "in 8 | dense 16 | relu | relu | dense   3"
    done = run(["bash", "-c", f"'{sys.executable}' -m netdsl {' '.join(command)} <(echo '{text}')"])
    assert done.returncode == 1
    assert "it is a device or a pipe" in done.stderr


def test_a_program_is_written_into_a_pipe() -> None:
    done = run(["bash", "-c", f"'{sys.executable}' -m netdsl emit --to torch -e '{RIGHT}' -o /dev/stdout | cat"])
    assert done.returncode == 0 and "nn.Linear(8, 3)" in done.stdout


# Encodings


@pytest.mark.parametrize(
    "content, message",
    [
        (RIGHT.encode("utf-16"), "is not a text in UTF-8, but one in UTF-16"),
        (RIGHT.encode("utf-16-le"), "has bytes of value 0"),
        (RIGHT.encode("utf-32"), "is not a text in UTF-8, but one in UTF-16"),
        ("in 8\n# caf\u00e9\n".encode("latin-1"), "line 2 has other bytes"),
        (b"# a\rin 8 | dense 3\r", "a carriage return in line 1 that no line feed follows"),
        (b"in 8\r\n# a\r\r\n| dense 3", "a carriage return in line 2"),
        (b"in 8 | dense 3\0", "bytes of value 0"),
        (b"\xed\xa0\x80", "line 1 has other bytes"),
    ],
    ids=[
        "UTF-16",
        "UTF-16 without a mark",
        "UTF-32",
        "Latin-1",
        "carriage returns",
        "one too many",
        "NUL",
        "surrogate",
    ],
)
@EVERY_COMMAND
def test_other_encodings(
    content: bytes, message: str, command: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "a.net"
    path.write_bytes(content)
    status, out, err = outcome(capsys, *command, path)
    assert status == 1
    assert "E024" in out + err and message in out + err


@EVERY_COMMAND
def test_marks_and_line_ends_of_windows(command: tuple[str, ...], tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a.net"
    path.write_bytes(b"\xef\xbb\xbf# a\r\nin 8 | dense 3\r\n")
    assert outcome(capsys, *command, path)[0] == 0


@EVERY_COMMAND
def test_a_name_that_is_no_text(command: tuple[str, ...], tmp_path: Path) -> None:
    """It is shown without what a terminal would obey, and stops nothing."""
    path = os.fsencode(tmp_path) + b"/\xff\x1b\n.net"
    with open(path, "wb") as file:
        file.write(b"in 8 | dense  ")
    done = run([sys.executable, "-m", "netdsl", *command, os.fsdecode(path)])
    assert done.returncode == 1
    assert "/???.net" in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "Traceback" not in done.stderr
    if command == ("lint",):
        report = tmp_path / "report"
        for form in ("full", "concise", "json", "github", "gitlab", "sarif"):
            options = ["--output-format", form, "-o", str(report)]
            done = run([sys.executable, "-m", "netdsl", "lint", os.fsdecode(path), *options])
            assert (done.returncode, done.stderr) == (1, "")
            assert form == "github" or "\x1b" not in report.read_text("utf-8")


# Streams


@EVERY_COMMAND
@pytest.mark.parametrize("stream", ["/dev/full", "closed"])
def test_output_that_cannot_be_written(stream: str, command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(RIGHT)
    where = ">&-" if stream == "closed" else f"> {stream}"
    done = run(["bash", "-c", f"'{sys.executable}' -m netdsl {' '.join(command)} '{path}' {where}"])
    assert done.returncode == 1
    assert re.fullmatch(r"netdsl: error: cannot write the output: [\w ]+\n", done.stderr)


@EVERY_COMMAND
@pytest.mark.parametrize("where", ["2>&-", "2> /dev/full"])
def test_messages_that_cannot_be_written(where: str, command: tuple[str, ...], tmp_path: Path) -> None:
    """They do not go to standard output instead, and the status is that of what was found."""
    done = run(["bash", "-c", f"'{sys.executable}' -m netdsl {' '.join(command)} '{tmp_path}/missing.net' {where}"])
    assert done.returncode == 1
    if command[0] not in ("lint", "check"):  # whose results are messages
        assert "E024" not in done.stdout


@EVERY_COMMAND
def test_closed_standard_input(command: tuple[str, ...]) -> None:
    done = run(["bash", "-c", f"'{sys.executable}' -m netdsl {' '.join(command)} - <&-"])
    assert done.returncode == 1
    assert "E024 standard input is closed" in done.stdout + done.stderr


@EVERY_COMMAND
def test_a_reader_that_leaves(command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text("in 8" + "".join(f" | dense {n} as a{n}" for n in range(1, 600)))
    done = run(["bash", "-c", f"set -o pipefail; '{sys.executable}' -m netdsl {' '.join(command)} '{path}' | true"])
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@EVERY_COMMAND
def test_an_interruption(command: tuple[str, ...], tmp_path: Path) -> None:
    """It waits for its text, so that it is surely running."""
    pipe = tmp_path / "pipe.net"
    os.mkfifo(pipe)
    program = [sys.executable, "-m", "netdsl", *command, str(pipe)]
    running = subprocess.Popen(program, env=environment(), **PIPES)  # type: ignore[call-overload]
    with pipe.open("w") as file:  # which waits until the command reads
        file.write("in 8")
        file.flush()
        running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)  # with the end of the text: the signal may have come before its reading
    assert (running.returncode, out, err) == (130, "", "interrupted\n")


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    for command in COMMANDS:
        script = f"mkdir -p '{tmp_path}/gone' && cd '{tmp_path}/gone' && rmdir ../gone && '{sys.executable}' -m netdsl"
        done = run(["bash", "-c", f"{script} {' '.join(command)} -e '{RIGHT}'"])
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1)


# Settings


def test_settings_that_would_not_end(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / "netdsl.toml"
    os.mkfifo(settings)
    status, _, err = outcome(capsys, "lint", "-e", RIGHT)
    assert (status, "is a device or a pipe" in err) == (2, True)
    settings.unlink()
    settings.write_text(f"a = {'[' * 100_000}")
    status, _, err = outcome(capsys, "lint", "-e", RIGHT)
    assert (status, "is nested too deeply" in err) == (2, True)
    status, _, err = outcome(capsys, "lint", "-e", RIGHT, "--config", "/dev/zero")
    assert (status, "which is the limit" in err) == (2, True)


def test_settings_of_folders_in_folders_without_end(tmp_path: Path, capsys: Capture) -> None:
    """As deep as a path can be, which is deeper than calls of functions."""
    from netdsl.linter.settings import settings_of

    assert settings_of("a/" * 1_900 + "a.net") is not None
