"""What netdsl costs, each figure as a ratio of two things that take turns in one run.

Builds the wheel and installs it into a new virtual environment, which runs everything of netdsl; frameworks are those
of the Python that runs this script. Prints a table, with `--markdown` that of `docs/performance.md`; the exit status is
1 where a figure is not what it has to reach.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parents[1]
RESNET = CHECKOUT / "examples" / "zoo" / "resnet.net"
QUESTION = "in 100x100x1 | conv 60@7x7 valid | conv 100@5x5 | pool 2 weighted | dense 250 | dense 200 | dense 1"

WITH_KERAS = """
import keras
from keras import layers

class Weighted(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight((shape[-1],), "ones", name="scale")
        self.bias = self.add_weight((shape[-1],), "zeros", name="bias")

    def call(self, x):
        return x * self.scale + self.bias

keras.Sequential([
    keras.Input((100, 100, 1)), layers.Conv2D(60, 7), layers.Conv2D(100, 5), layers.MaxPooling2D(2), Weighted(),
    layers.Flatten(), layers.Dense(250), layers.Dense(200), layers.Dense(1),
]).summary()
"""
WITH_TORCHINFO = """
import torch
import torchinfo
from resnet import Resnet

print(torchinfo.summary(Resnet(), input_size=(1, 3, 224, 224), device="cpu", verbose=0))
"""

FILES = 1_000


@dataclass(frozen=True)
class Command:
    """A whole process, with what it has to print."""

    words: tuple[str, ...]
    environment: dict[str, str]
    expected: str = ""
    status: int = 0


@dataclass(frozen=True)
class Figure:
    """A ratio as measured, with the largest that is good enough and the one that is aimed at."""

    what: str
    value: float
    reach: float
    aim: float
    shown: Callable[[float], str]
    detail: str


def times(value: float) -> str:
    return f"{value:.2f}" if value < 2 else f"{value:.1f}"


def part(value: float) -> str:
    return f"1/{1 / value:.0f}"


def number(value: float) -> str:
    return f"{value:.3f}"


def kilobytes(value: float) -> str:
    return f"{value / 1000:.2f} kB"


class Bench:
    """The installed wheel, and what is measured with it in one folder."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.python = install(folder)
        self.netdsl = str(self.python.with_name("netdsl"))
        (self.site,) = (self.python.parents[1] / "lib").glob("python*/site-packages")
        self.clean = clean_environment()
        self.empty = Command((str(self.python), "-c", "pass"), self.clean)

    def own(self, *words: str, expected: str = "", status: int = 0) -> Command:
        """Return a command of netdsl."""
        return Command((self.netdsl, *words), self.clean, expected, status)

    def measured(self, *commands: Command, rounds: int = 0) -> list[float]:
        """Return the median seconds of commands that take turns, after a round that is not counted."""
        taken: list[list[float]] = [[] for _ in commands]
        for count in range((rounds or self.rounds) + 1):
            for command, seconds in zip(commands, taken, strict=True):
                start = time.perf_counter()
                self.run(command)
                if count:
                    seconds.append(time.perf_counter() - start)
        return [median(seconds) for seconds in taken]

    def run(self, command: Command) -> None:
        """Run a command, which has to print what is expected."""
        done = subprocess.run(
            command.words, env=command.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode != command.status or command.expected not in done.stdout:
            raise SystemExit(f"{command.words} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr}")

    def peak(self, code: str) -> int:
        """Return the most memory that Python has at any time while it runs some code, in kB.

        The process says it itself: what its parent is told includes the parent's own memory before it was replaced.
        """
        told = code + "\nimport sys; print(open('/proc/self/status').read(), file=sys.stderr)"
        done = subprocess.run(
            (str(self.python), "-c", told), env=self.clean, cwd=self.folder, capture_output=True, text=True, check=True
        )
        (peak,) = re.findall(r"^VmHWM:\s*(\d+) kB$", done.stderr, re.MULTILINE)
        return int(peak)

    def inside(self, job: str) -> dict[str, float]:
        """Return the figures of a job of `in_process.py`, with the installed netdsl beside this Python's frameworks."""
        command = [sys.executable, str(Path(__file__).with_name("in_process.py")), job]
        environment = {**self.clean, "PYTHONPATH": str(self.site)}
        done = subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{job} failed:\n{done.stderr}")
        figures: dict[str, float] = json.loads(done.stdout)
        return figures

    # The figures

    def startup(self) -> Iterable[Figure]:
        own = self.own("summary", "-e", QUESTION, expected="50,828,951")
        empty, ours = self.measured(self.empty, own)
        detail = f"{ours * 1000:.0f} ms, {empty * 1000:.0f} ms"
        yield Figure("`netdsl summary -e` of seven layers / `python -c pass`", ours / empty, 10, 5, times, detail)

    def whole(self) -> Iterable[Figure]:
        (self.folder / "resnet.net").write_bytes(RESNET.read_bytes())
        self.run(self.own("emit", "--to", "torch", "resnet.net", "-o", "resnet.py"))
        other = Command((sys.executable, "-c", WITH_TORCHINFO), self.clean, "25,557,032")
        ours, theirs = self.measured(self.own("summary", "resnet.net", expected="25,557,032"), other, rounds=5)
        detail = f"{ours * 1000:.0f} ms, {theirs * 1000:,.0f} ms"
        yield Figure("`netdsl summary` of ResNet-50 / torchinfo", ours / theirs, 1 / 50, 1 / 100, part, detail)

    def summary(self) -> Iterable[Figure]:
        yield self.pair("summary", "ResNet-50, text to summary / torchinfo on meta", 1 / 25, 1 / 40, part)

    def emission(self) -> Iterable[Figure]:
        yield self.pair("emission", "ResNet-50, text to PyTorch source / to counted network", 3, 2, times)

    def llama(self) -> Iterable[Figure]:
        yield self.pair("llama", "Llama-2-7B, parameters and MACs / FLOP count on meta", 1 / 100, 1 / 300, part)

    def pair(self, job: str, what: str, reach: float, aim: float, shown: Callable[[float], str]) -> Figure:
        """Return the ratio of two jobs inside of one process."""
        figures = self.inside(job)
        detail = f"{figures['ours'] * 1000:.1f} ms, {figures['theirs'] * 1000:.1f} ms"
        return Figure(what, figures["ours"] / figures["theirs"], reach, aim, shown, detail)

    def lint(self) -> Iterable[Figure]:
        many, one = self.folder / "many", self.folder / "one"
        for place, files in ((many, FILES), (one, 1)):
            place.mkdir()
            for count in range(files):
                text = f"in {16 + count} | (dense 64 | relu | dropout 0.2) * 2 | dense 10\n"
                (place / f"net_{count}.net").write_text(text, "utf-8")
        several, single = self.measured(self.own("lint", "many"), self.own("lint", "one"), rounds=3)
        detail = f"{several:.2f} s, {single * 1000:.0f} ms"
        yield Figure(f"`netdsl lint` of {FILES:,} files / of one", several / single, 20, 8, times, detail)

    def growth(self) -> Iterable[Figure]:
        figures = self.inside("growth")
        detail = f"{figures['seconds']:.1f} s in all"
        what = "a chain of 100,000 different layers"
        yield Figure(f"{what}, time a layer / of 1,000", figures["a layer"], 1.3, 1.05, times, detail)
        yield Figure(f"{what}, memory kept a layer", figures["bytes"], 2000, 1000, kilobytes, "")
        yield Figure("growth of compile time, 1k to 100k layers, exponent", figures["exponent"], 1.1, 1.02, number, "")

    def repeat(self) -> Iterable[Figure]:
        yield self.pair("repeat", "`(body) * 10^12` / `(body) * 1`", 1.2, 1.05, times)

    def memory(self) -> Iterable[Figure]:
        (self.folder / "resnet.net").write_bytes(RESNET.read_bytes())
        ours = self.peak("from netdsl.cli import main\nmain(['summary', 'resnet.net'])")
        empty = self.peak("pass")
        detail = f"{ours / 1000:.1f} MB, {empty / 1000:.1f} MB"
        yield Figure("peak memory of `summary` of ResNet-50 / of Python", ours / empty, 3, 2, times, detail)

    def frameworks(self) -> Iterable[Figure]:
        """What others take for the question; nothing has to be reached."""
        for backend in ("torch", "jax"):
            other = Command((sys.executable, "-c", WITH_KERAS), {**self.clean, "KERAS_BACKEND": backend}, "50,828,951")
            theirs, empty = self.measured(other, self.empty, rounds=3)
            what = f"for comparison: Keras on {backend}, the seven layers / `python -c pass`"
            yield Figure(what, theirs / empty, float("inf"), float("inf"), times, f"{theirs:.1f} s")


ROWS = ("startup", "whole", "summary", "emission", "llama", "lint", "growth", "repeat", "memory", "frameworks")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what netdsl costs, as ratios.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(ROWS)}; without one, all")
    parser.add_argument("--rounds", type=int, default=21, help="of the shortest commands (21)")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/performance.md has it")
    options = parser.parse_args()
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; they are {', '.join(ROWS)}")
    missed = False
    if options.markdown:
        print("| what | measured | reach | aim | in detail |\n|---|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.rounds)
        for row in options.rows or ROWS:
            for figure in getattr(bench, row)():
                missed |= figure.value > figure.reach
                limits = ("", "") if figure.reach == float("inf") else map(figure.shown, (figure.reach, figure.aim))
                cells = (figure.what, figure.shown(figure.value), *limits, figure.detail)
                if options.markdown:
                    print("|", " | ".join(cells), "|", flush=True)
                else:
                    verdict = "ok  " if figure.value <= figure.reach else "MISS"
                    print(
                        f"{verdict} {cells[0]:<68}{cells[1]:>9}  (reach {cells[2]}, aim {cells[3]}; {cells[4]})",
                        flush=True,
                    )
    return int(missed)


def install(folder: Path) -> Path:
    """Build the wheel, install it into a new virtual environment, and return the Python of that."""
    pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT)],
        env=clean_environment(),
        check=True,
    )
    subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], env=clean_environment(), check=True)
    python = folder / "environment" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    subprocess.run([str(python), *pip, "install", str(wheel)], env=clean_environment(), check=True)
    return python


def clean_environment() -> dict[str, str]:
    """Return the environment without what changes Python's start; bytecode is written, as for any user."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


if __name__ == "__main__":
    sys.exit(main())
