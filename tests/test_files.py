"""Which files a command finds where it is given folders."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from netdsl.files import networks_in

FILES = ("b.net", "a.net", "notes.txt", "sub/c.net", "built/d.net", ".hidden/e.net", ".f.net", "sub/old.net")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files in it, which no checkout of git is around."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("in 8 | dense 3\n")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checkout(folder: Path) -> Path:
    """The same as a checkout that ignores some of them, and has lost one."""
    (folder / ".gitignore").write_text("built/\n")
    (folder / "sub" / ".gitignore").write_text("old.net\n")
    (folder / "lost.net").touch()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "a.net", "lost.net"], cwd=folder, check=True)
    (folder / "lost.net").unlink()
    return folder


def found(paths: Sequence[str | Path]) -> list[str]:
    return [file.replace(os.sep, "/") for file in networks_in(map(str, paths))]


def test_a_folder_is_walked(folder: Path) -> None:
    assert found(["."]) == ["a.net", "b.net", "built/d.net", "sub/c.net", "sub/old.net"]
    assert found([folder / "sub"]) == [f"{folder.as_posix()}/sub/c.net", f"{folder.as_posix()}/sub/old.net"]
    assert found(["./sub/"]) == ["sub/c.net", "sub/old.net"]


def test_a_checkout_leaves_out_what_git_ignores(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(["."]) == ["a.net", "b.net", "sub/c.net"]
    assert found(["sub"]) == ["sub/c.net"]
    monkeypatch.chdir(checkout / "sub")
    assert found([".."]) == ["../a.net", "../b.net", "../sub/c.net"]


def test_what_is_named_is_there_even_if_it_is_ignored(checkout: Path) -> None:
    assert found(["built"]) == ["built/d.net"]
    assert found(["built/d.net", ".f.net", ".hidden"]) == ["built/d.net", ".f.net", ".hidden/e.net"]


def test_files_are_kept_as_they_are_and_each_comes_once(folder: Path) -> None:
    assert found(["-", "missing.net", "notes.txt"]) == ["-", "missing.net", "notes.txt"]
    assert found(["b.net", ".", "./a.net", str(folder / "b.net")])[:2] == ["b.net", "a.net"]
    assert len(found(["b.net", ".", "./a.net", str(folder / "b.net")])) == 5


def test_a_hook_of_git_looks_into_the_folder_that_it_names(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git tells its hooks by variables where they are, and they hold for that place alone."""
    monkeypatch.setenv("GIT_DIR", str(checkout / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", "nothing")
    assert found(["."]) == ["a.net", "b.net", "sub/c.net"]


def test_git_is_not_needed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert found(["."]) == ["a.net", "b.net", "built/d.net", "sub/c.net", "sub/old.net"]
