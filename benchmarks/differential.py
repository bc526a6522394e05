"""Programs drawn over the whole language, compiled to PyTorch and to Keras, built, and compared.

Prints every disagreement with the smallest program that still shows one, and ends with status 1 where there is any. A
program is drawn from its seed and its number alone, so `--first` and `-n 1` bring one back.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import sys
import time
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import oracle
import programs
from reduced import reduced

EVERY = 500
"""Programs between two lines of progress."""


def main() -> int:
    """Compare the programs that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="number of programs")
    parser.add_argument("--seed", type=int, default=0, help="other programs")
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    parser.add_argument("--whole", action="store_true", help="print programs as drawn, not made smaller")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # of frameworks, on shapes that only a test has
    oracle.fast_keras()
    jax = functools.cache(oracle.Jax)
    began = time.perf_counter()
    disagreements = constant = of_backend = unstable = 0
    reached: set[str] = set()
    for done, number in enumerate(range(chosen.first, chosen.first + chosen.n), 1):
        text = programs.program(random.Random(f"{chosen.seed}/{number}"))
        reached |= programs.features(text)
        judgement = oracle.judge(text, jax)
        if judgement.disagreement:
            disagreements += 1
            found = judgement.disagreement
            if not chosen.whole:
                kind = judgement.kind
                small = reduced(text, lambda smaller, kind=kind: disagrees(smaller, jax, kind))  # type: ignore[misc]
                found = oracle.judge(small, jax).disagreement
            print(f"---- program {number}\n{found}", flush=True)
        constant += judgement.is_constant
        of_backend += bool(judgement.of_backend)
        unstable += judgement.is_unstable
        if done % EVERY == 0:
            print(f"{done} programs, {disagreements} disagree", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - began
    print(f"{chosen.n} programs of seed {chosen.seed} in {seconds:.0f} s: {disagreements} disagree")
    print(f"{of_backend} in which Keras' torch backend alone differs, and its JAX backend agrees with PyTorch")
    print(f"{constant} with constant outputs, {unstable} whose outputs are made of roundings")
    missing = sorted(programs.all_features() - reached)
    print(f"not reached: {', '.join(missing)}" if missing else "every layer and every form of the language was reached")
    return 1 if disagreements else 0


def disagrees(text: str, jax: functools._lru_cache_wrapper[oracle.Jax], kind: str) -> bool:
    """Whether a program has no mistake, and shows a disagreement of the same kind."""
    return programs.compiled(text) is not None and oracle.judge(text, jax).kind == kind


if __name__ == "__main__":
    sys.exit(main())
