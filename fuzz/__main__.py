"""Fuzz the compiler for a while, or examine some files: `python -m fuzz --help`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import monotonic

from . import ROOT
from .shrink import failure_of, name_of, shrunk
from .watch import CURRENT, RECORD, Record, Watch, Worst

ENGINES = {"grammar": "fuzz.draw", "atheris": "fuzz.cover"}
FOLDER = ROOT / ".fuzz"
SHOWN = 300
"""Characters of a text."""


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return 1 where something fails."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="examine these, and do not fuzz")
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both", help="what makes the inputs")
    parser.add_argument("--seconds", type=float, default=600, help="for how long, in all")
    parser.add_argument("--inputs", type=int, default=sys.maxsize, help="how many in all, by each engine")
    parser.add_argument("--seed", default="", help="makes the inputs others; by chance where it is left out")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where inputs and records are kept, to go on with")
    parser.add_argument("--keep", action="store_true", help="put what reaches new code into fuzz/corpus")
    chosen = parser.parse_args(words)
    if chosen.files:
        return max(map(examine_file, chosen.files))
    engines = [*ENGINES] if chosen.engine == "both" else [chosen.engine]
    seed = chosen.seed or str(Random().randrange(2**31))
    for engine in engines:
        run(engine, chosen.folder / engine, seed, chosen.seconds / len(engines), chosen.inputs)
    failed = [report(engine, Record.load(chosen.folder / engine / RECORD)) for engine in engines]
    if chosen.keep:
        from .corpus import keep

        keep(chosen.folder)
    return int(any(failed))


def run(engine: str, folder: Path, seed: str, seconds: float, inputs: int) -> None:
    """Run an engine, and again from where it was if a text has killed it; the text is kept as a failure."""
    folder.mkdir(parents=True, exist_ok=True)
    end = monotonic() + seconds
    for attempt in range(sys.maxsize):
        left = end - monotonic()
        if left <= 0 or Record.load(folder / RECORD).tried >= inputs:
            return
        command = [sys.executable, "-m", ENGINES[engine], "--folder", str(folder), "--seed", f"{seed}.{attempt}"]
        command += ["--seconds", str(left), "--inputs", str(inputs)]
        with open(folder / "log.txt", "a", encoding="utf-8") as log:
            status = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode
        if status:
            record = Record.load(folder / RECORD)
            text = (folder / CURRENT).read_bytes().decode("utf-8", "replace") if (folder / CURRENT).exists() else ""
            record.failures.setdefault(f"the process ended with {status}", [text, f"see {folder / 'log.txt'}"])
            record.save(folder / RECORD)
            if not record.tried:
                raise SystemExit(f"{engine} does not start, see {folder / 'log.txt'}")


def report(engine: str, record: Record) -> bool:
    """Print what an engine has found; return whether anything fails."""
    print(f"{engine}: {record.tried:,} inputs in {record.seconds / 60:.1f} minutes, {record.right:,} of them right")
    print(f"  slowest: {record.slowest.amount:.2f} s  {_shown(record.slowest.text)}")
    print(f"  largest: {record.largest.amount:.0f} MB  {_shown(record.largest.text)}")
    fails = False
    for kind, (text, detail) in record.failures.items():
        failure = failure_of(text)
        if failure is None:
            print(f"  {kind}: not by itself, or no more: {_shown(text)}")
            continue
        fails = True
        small = shrunk(text, failure.kind)
        print(f"  {failure.kind}: {_shown(small)}\n{detail}\n  its file may be called {name_of(failure.kind)}.net")
    return fails


def examine_file(path: Path) -> int:
    """Examine a file by itself, and print what it takes."""
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    watch = Watch(FOLDER / "one")
    watch.record = Record()
    watch.examine("in 8 | relu")  # so that what is imported is
    watch.record.slowest, watch.record.largest = Worst(), Worst()
    watch.examine(text)
    slowest, failures = watch.record.slowest.amount, watch.record.failures
    print(f"{path}: {slowest:.2f} s, {watch.memory:.0f} MB in all")
    for kind, (_, detail) in failures.items():
        print(f"  {kind}\n{detail}")
    return int(bool(failures))


def _shown(text: str) -> str:
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}... ({len(text):,} characters)"


if __name__ == "__main__":
    sys.exit(main())
