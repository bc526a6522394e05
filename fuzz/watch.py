"""A run of an engine: what is kept of it, in a process of its own that may die of a text."""

from __future__ import annotations

import json
import resource
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from time import process_time

from attrs import Factory, asdict, define

from .targets import MOST_MEMORY, Examined, Failure, examine


def decisions(description: str | None) -> Namespace:
    """Return what the process of an engine is told: its folder, its seed, and when it has done enough."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--inputs", type=int, required=True)
    return parser.parse_args()


MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10
"""In what the operating system counts memory in."""


@define
class Worst:
    """The input that has taken most of something."""

    amount: float = 0.0
    text: str = ""

    def see(self, amount: float, text: str) -> None:
        """Keep a text if it has taken more."""
        if amount > self.amount:
            self.amount, self.text = amount, text


@define
class Record:
    """What became of the inputs so far: their number, how many were right, and the failures by their kind."""

    tried: int = 0
    right: int = 0
    seconds: float = 0.0
    """Of the processor's time, with that for making the inputs."""
    slowest: Worst = Factory(Worst)
    """In seconds for all steps."""
    largest: Worst = Factory(Worst)
    """In MB by which the memory of the process grew."""
    failures: dict[str, list[str]] = Factory(dict)
    """The shortest text of each kind of failure, and what was said."""

    def save(self, path: Path) -> None:
        """Write it where the process that waits for this one finds it."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)), "utf-8")
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read what another process has written; nothing has happened where there is no such file."""
        if not path.exists():
            return cls()
        content = json.loads(path.read_text("utf-8"))
        worst = {name: Worst(**content.pop(name)) for name in ("slowest", "largest")}
        return cls(**content, **worst)


class Watch:
    """Examines inputs, keeps a record of them in a folder, and leaves there the text that it is at."""

    def __init__(self, folder: Path, slowness: float = 1.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.slowness = slowness
        self.record = Record.load(folder / RECORD)
        self.earlier = self.record.seconds - process_time()
        self.memory = _peak()

    def examine(self, text: str) -> None:
        """Examine a text, and keep what it does."""
        record = self.record
        (self.folder / CURRENT).write_text(text, "utf-8", errors="surrogatepass")
        began = process_time()
        try:
            examined = examine(text, self.slowness)
        except Failure as failure:
            examined = Examined(False)
            self.fail(failure)
        record.slowest.see(process_time() - began, text)
        record.tried += 1
        record.right += examined.is_right
        memory = _peak()
        if record.tried > WARM:  # what is imported on the way is no text's fault
            record.largest.see(memory - self.memory, text)
            if memory - self.memory > MOST_MEMORY:
                self.fail(Failure("memory", text, f"{memory - self.memory:.0f} MB"))
        self.memory = memory
        record.seconds = self.earlier + process_time()
        if record.tried % EVERY == 0:
            self.save()

    def fail(self, failure: Failure) -> None:
        """Keep a failure, if it is of a new kind or a shorter text than the one that is known."""
        known = self.record.failures.get(failure.kind)
        if known is None:
            print(f"new failure: {failure.kind}", file=sys.stderr, flush=True)
        if known is None or len(failure.text) < len(known[0]):
            self.record.failures[failure.kind] = [failure.text, failure.detail]

    def save(self) -> None:
        """Write the record."""
        self.record.save(self.folder / RECORD)


RECORD, CURRENT = "record.json", "current.net"
WARM = 100
EVERY = 20


def _peak() -> float:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
