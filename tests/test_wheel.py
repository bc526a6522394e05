"""The built wheel, alone in a new virtual environment, far from the checkout: what a user gets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

import netdsl

CHECKOUT = Path(__file__).parents[1]
QUESTION = "in 100x100x1 | conv 60@7x7 valid | conv 100@5x5 | pool 2 weighted | dense 250 | dense 200 | dense 1"

RESIDUAL = 'use "std/resnet"\nin 32x32x3 | conv 16@3 same | basic 16 | basic 32 stride=2 | pool global | dense 10'


def run(*command: object, cwd: Path, env: Mapping[str, str] | None = None, silent: bool = True) -> str:
    """Run a command that must succeed and, unless it is pip, be silent on standard error; return what it printed."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and not (silent and done.stderr), f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def bare_environment() -> dict[str, str]:
    """Return the environment of this process without what would let it see other packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel")
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, CHECKOUT, cwd=folder, silent=False)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has nothing in it but a virtual environment, whose only requirement was the wheel."""
    folder = tmp_path_factory.mktemp("user")
    run(sys.executable, "-m", "venv", folder / "environment", cwd=folder)
    pip = (folder / "environment" / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install")
    run(*pip, "--quiet", wheel, cwd=folder, env=bare_environment(), silent=False)
    return folder


def call(folder: Path, *arguments: object, silent: bool = True) -> str:
    """Run netdsl as a user would."""
    command = folder / "environment" / "bin" / "netdsl"
    return run(command, *arguments, cwd=folder, env=bare_environment(), silent=silent)


def test_wheel_holds_what_is_not_code(wheel: Path) -> None:
    """The grammar, the library, the mark of typed packages, what emitted programs carry; and only netdsl."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"netdsl/py.typed", "netdsl/syntax/netdsl.lark", "netdsl/syntax/tables.py"} <= names
    here = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "netdsl").rglob("*.py")}
    assert any(name.startswith("netdsl/emit/idioms/") for name in here)
    assert here <= names
    library = {
        path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "netdsl" / "library" / "std").glob("*.net")
    }
    assert "netdsl/library/std/resnet.net" in library
    assert library <= names
    assert {name.split("/")[0] for name in names} == {"netdsl", f"netdsl-{netdsl.__version__}.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert zipfile.ZipFile(wheel).read("netdsl/syntax/netdsl.lark") == (CHECKOUT / "grammar/netdsl.lark").read_bytes()


def test_wheel_brings_three_packages_and_no_framework(installed: Path) -> None:
    python = installed / "environment" / "bin" / "python"
    listing = run(python, "-m", "pip", "list", "--format", "freeze", cwd=installed, env=bare_environment())
    packages = {line.split("==")[0].lower() for line in listing.splitlines()}
    of_rich = {"markdown-it-py", "mdurl", "pygments"}
    assert packages - of_rich - {"pip", "setuptools", "wheel"} == {"netdsl", "attrs", "lark", "rich"}
    where = run(python, "-c", "import netdsl; print(netdsl.__file__)", cwd=installed, env=bare_environment())
    assert Path(where.strip()).is_relative_to(installed / "environment")


def test_commands_run(installed: Path) -> None:
    """Each command prints what it prints here."""
    assert call(installed, "--version") == f"netdsl {netdsl.__version__}\n"
    net = netdsl.compile(QUESTION)
    assert call(installed, "summary", "-e", QUESTION) == net.summary() + "\n"
    assert call(installed, "explain", "-e", QUESTION) == net.explain() + "\n"
    assert "60*(7*7*1) + 60 = 3,000" in net.explain()
    assert "weighted" in call(installed, "layers", "pool")
    assert "conv_transpose" in call(installed, "layers")


def test_the_library_is_used(installed: Path) -> None:
    """A text uses its blocks, and a file of the zoo does, with another value for a constant."""
    assert call(installed, "summary", "-e", RESIDUAL) == netdsl.compile(RESIDUAL).summary() + "\n"
    shutil.copy(CHECKOUT / "examples" / "zoo" / "resnet.net", installed / "resnet.net")
    shown = call(installed, "summary", "resnet.net", "--set", "depth=101", "--depth", "1")
    assert "44,654,504 (44,549,160 trainable" in shown


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_programs_are_written_without_the_framework(installed: Path, target: str) -> None:
    """Emission needs no framework, and carries along the code that the programs bring with them, of which it warns."""
    file = installed / "cnn.net"
    shutil.copy(CHECKOUT / "examples" / "cnn.net", file)
    source = call(installed, "emit", "--to", target, "cnn.net", silent=False)
    assert "class Affine" in source
    compile(source, "<emitted>", "exec")
    call(installed, "emit", "--to", target, "cnn.net", "-o", f"{target}.py", silent=False)
    assert (installed / f"{target}.py").read_text() == source
