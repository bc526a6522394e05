"""The engine that changes texts wherever that has led to new code of the compiler, with atheris (libFuzzer)."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from random import Random

import atheris

from . import ROOT

with atheris.instrument_imports(include=["netdsl"]):
    for file in sorted((ROOT / "netdsl").rglob("*.py")):  # those too that the compiler imports when it needs them
        if "idioms" not in file.parts and not file.stem.startswith("__main"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))

from .grammar import LONGEST, changed, words
from .texts import texts
from .watch import Watch, decisions

SLOWNESS = 4.0
"""How much longer everything takes where it is watched."""

ON_WORDS = 0.7
"""The share of changes that are made to words and parts, not to bytes."""


def text_in(data: bytes) -> str:
    """Return the bytes of an input as a text; each is one."""
    return data.decode("utf-8", "surrogateescape")


def data_of(text: str) -> bytes:
    """Return the bytes that stand for a text."""
    return text.encode("utf-8", "surrogatepass" if any("\ud800" <= c < "\udc80" for c in text) else "surrogateescape")


def mutated(data: bytes, longest: int, seed: int) -> bytes:
    """Return an input that is changed at its words, or at its bytes as libFuzzer does it."""
    random = Random(seed)
    if random.random() < ON_WORDS:
        new = data_of(changed(random, text_in(data), 3))
        if len(new) <= longest:
            return new
    return bytes(atheris.Mutate(data, longest))


def write_seeds(folder: Path, random: Random, most: int) -> None:
    """Write texts of the project as files that an engine begins with, some of them where there are too many."""
    folder.mkdir(parents=True, exist_ok=True)
    fitting = [text for text in texts().values() if len(text) <= LONGEST]
    for number, text in enumerate(random.sample(fitting, min(most, len(fitting)))):
        (folder / f"{number}.net").write_bytes(data_of(text))


def write_dictionary(path: Path) -> None:
    """Write the words of the language as libFuzzer reads them."""
    quoted = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words())
    path.write_text("".join(f'"{word}"\n' for word in quoted), "ascii")


def main() -> None:
    """Examine texts until there were enough or the time is over."""
    chosen = decisions(__doc__)
    watch = Watch(chosen.folder, SLOWNESS)
    grown, seeds, dictionary = (chosen.folder / name for name in ("grown", "seeds", "words.dict"))
    grown.mkdir(exist_ok=True)
    left = chosen.inputs - watch.record.tried
    write_seeds(seeds, Random(chosen.seed), left // 2)
    write_dictionary(dictionary)

    def one(data: bytes) -> None:
        watch.examine(text_in(data))
        if watch.record.tried == chosen.inputs:  # this process ends without a word
            watch.save()

    arguments = [
        sys.argv[0], f"-runs={left}", f"-max_total_time={max(1, round(chosen.seconds))}", f"-dict={dictionary}",
        f"-seed={Random(chosen.seed).randrange(1, 2**31)}", f"-max_len={LONGEST}", "-timeout=600", "-rss_limit_mb=4096",
        f"-artifact_prefix={chosen.folder}/", "-report_slow_units=1000",
        "-print_final_stats=1", str(grown), str(seeds),
    ]  # fmt: skip
    atheris.Setup(arguments, one, custom_mutator=mutated, internal_libfuzzer=True)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
