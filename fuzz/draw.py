"""The engine that draws texts from the grammar and the declarations, one for each number."""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random
from time import monotonic

from .grammar import text_of
from .watch import Watch


def main() -> None:
    """Examine texts until there were enough or the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--inputs", type=int, required=True)
    chosen = parser.parse_args()
    watch = Watch(chosen.folder)
    end = monotonic() + chosen.seconds
    while monotonic() < end and watch.record.tried < chosen.inputs:
        watch.examine(text_of(Random(f"{chosen.seed}/{watch.record.tried}")))
    watch.save()


if __name__ == "__main__":
    main()
