"""The programs of all of the zoo: style, types, imports, and the same bytes each time."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import netdsl
from netdsl.emit import TARGETS

EXAMPLES = Path(__file__).parents[1] / "examples"
FIGURES: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "zoo" / "figures.json").read_text())

WRITE = """
import sys, test_zoo_code
test_zoo_code.write(sys.argv[1])
"""


def write(folder: str) -> None:
    """Write every program of every entry."""
    for name, figures in FIGURES.items():
        net = netdsl.load(EXAMPLES / figures["file"], **figures["set"])
        for target in TARGETS:
            (Path(folder) / f"{module_name(name)}_{target}.py").write_text(net.emit(target))


def module_name(entry: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in entry)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    write(str(folder))
    return folder


def run(*command: str, cwd: Path, **environment: str) -> None:
    """Run a module of Python, and fail with what it says."""
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_every_entry_has_its_programs(programs: Path) -> None:
    assert len(list(programs.glob("*.py"))) == len(FIGURES) * len(TARGETS)


def test_ruff_has_nothing_to_say(programs: Path) -> None:
    """Its default rules, sorted imports, modern syntax, likely bugs, and an annotation on every function."""
    run("-m", "ruff", "check", "--isolated", "--no-cache", "--extend-select", "I,UP,B,ANN", ".", cwd=programs)
    run("-m", "ruff", "format", "--isolated", "--no-cache", "--check", ".", cwd=programs)


def test_mypy_has_nothing_to_say(programs: Path, tmp_path: Path) -> None:
    """PyTorch's own types are looked up; of `strict`, what is left out are complaints about these."""
    rules = ["--strict", "--no-warn-return-any", "--allow-untyped-calls", f"--cache-dir={tmp_path}"]
    files = sorted(path.name for path in programs.glob("*_torch.py"))
    run("-m", "mypy", "--config-file=", *rules, *files, cwd=programs)


def test_emission_in_another_process_gives_the_same_bytes(programs: Path, tmp_path: Path) -> None:
    """Nothing depends on the order of a set, which the seed of hashing decides."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(netdsl.__file__).parents[1])))
    run("-c", WRITE, str(tmp_path), cwd=tmp_path, PYTHONHASHSEED=seed, PYTHONPATH=path)
    again = {file.name: file.read_bytes() for file in tmp_path.glob("*.py")}
    assert again == {file.name: file.read_bytes() for file in programs.glob("*.py")}


@pytest.mark.parametrize("target", TARGETS)
def test_a_program_imports_its_framework_alone(target: str, programs: Path) -> None:
    for program in programs.glob(f"*_{target}.py"):
        found = set()
        for node in ast.walk(ast.parse(program.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module is not None
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Name):
                assert node.id not in ("__import__", "exec", "eval", "importlib"), program.name
        assert found == {target}, program.name
