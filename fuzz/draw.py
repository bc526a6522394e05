"""The engine that draws texts from the grammar and the declarations, one for each number."""

from __future__ import annotations

from random import Random
from time import monotonic

from .grammar import text_of
from .watch import Watch, decisions


def main() -> None:
    """Examine texts until there were enough or the time is over."""
    chosen = decisions(__doc__)
    watch = Watch(chosen.folder)
    end = monotonic() + chosen.seconds
    while monotonic() < end and watch.record.tried < chosen.inputs:
        watch.examine(text_of(Random(f"{chosen.seed}/{watch.record.tried}")))
    watch.save()


if __name__ == "__main__":
    main()
