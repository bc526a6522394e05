"""Jobs inside of one process, for `performance.py`: what netdsl takes, and what others take for the same in turn.

    python benchmarks/in_process.py JOB

prints figures as JSON. What netdsl remembers of earlier texts is emptied before each run, so that each is as the first
of its text; the library and the layers, which every text has in common, stay loaded, as PyTorch does.
"""

from __future__ import annotations

import gc
import json
import math
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import netdsl
from netdsl.emit import emit

ZOO = Path(__file__).parents[1] / "examples" / "zoo"
RESNET = (ZOO / "resnet.net").read_text("utf-8")
LLAMA = (ZOO / "llama.net").read_text("utf-8")
LENGTHS = (1_000, 3_000, 10_000, 30_000, 100_000)
TOKENS = 128

Figures = dict[str, Any]


def forget() -> None:
    """Empty the caches of netdsl that depend on texts: those that have a size, as there is no end of texts."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "netdsl":
            for value in list(vars(module).values()):
                kept = value if hasattr(value, "cache_clear") else getattr(value, "__wrapped__", None)
                if hasattr(kept, "cache_parameters") and kept.cache_parameters()["maxsize"] is not None:
                    kept.cache_clear()


def timed(*works: Callable[[], Any], rounds: int = 15) -> list[float]:
    """Return the median seconds of each piece of work; they take turns, after a round that is not counted."""
    times: list[list[float]] = [[] for _ in works]
    for count in range(rounds + 1):
        for work, taken in zip(works, times, strict=True):
            forget()
            gc.collect()
            start = time.perf_counter()
            work()
            if count:
                taken.append(time.perf_counter() - start)
    return [median(taken) for taken in times]


def made(net: netdsl.Net, name: str) -> Any:
    """Return a class of a network's PyTorch program."""
    namespace: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(net.emit("torch"), "emitted", "exec"), namespace)
    return namespace[name]


def resnet() -> netdsl.Net:
    return netdsl.compile(RESNET, "resnet", folder=ZOO)


def summary() -> Figures:
    """The text of ResNet-50 to its summary, and torchinfo's on the meta device."""
    import torch
    import torchinfo

    model = made(resnet(), "Resnet")

    def others() -> str:
        with torch.device("meta"):
            built = model()
        return str(torchinfo.summary(built, input_size=(1, 3, 224, 224), device="meta", verbose=0))

    assert "25,557,032" in others() and "25,557,032" in resnet().summary()
    ours, theirs = timed(lambda: resnet().summary(), others)
    return {"ours": ours, "theirs": theirs}


def emission() -> Figures:
    """The text of ResNet-50 to PyTorch source, and to the counted network."""
    source, counted = timed(lambda: emit(resnet().network, "torch"), lambda: resnet().parameters)
    return {"ours": source, "theirs": counted}


def llama() -> Figures:
    """Parameters and multiply-accumulates of Llama-2-7B from its text, and PyTorch's counter on the meta device."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    def compiled() -> netdsl.Net:
        return netdsl.compile(LLAMA, "llama", folder=ZOO, T=TOKENS)

    def ours() -> tuple[int, int]:
        net = compiled()
        return net.parameters.total, net.macs

    model = made(compiled(), "Llama")

    def others() -> tuple[int, int]:
        with torch.device("meta"):
            built, ids = model(), torch.zeros(1, TOKENS, dtype=torch.long)
        with FlopCounterMode(display=False) as counter:
            built(ids)
        return sum(parameter.numel() for parameter in built.parameters()), counter.get_total_flops() // 2

    assert ours() == others()
    mine, theirs = timed(ours, others, rounds=7)
    return {"ours": mine, "theirs": theirs}


def chain(length: int) -> str:
    """Return a network of so many layers, all different."""
    return "in 8 | " + " | ".join(f"dense {8 + number}" for number in range(length))


def growth() -> Figures:
    """Seconds to compile chains of layers and to sum them up, and the bytes that the longest network keeps a layer."""
    texts = [chain(length) for length in LENGTHS]
    compiling = timed(*(lambda text=text: netdsl.compile(text) for text in texts), rounds=1)
    least, most = timed(
        lambda: netdsl.compile(texts[0]).summary(), lambda: netdsl.compile(texts[-1]).summary(), rounds=1
    )
    logs = [(math.log(length), math.log(taken)) for length, taken in zip(LENGTHS, compiling, strict=True)]
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    exponent = sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)
    del texts[1:-1]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    net = netdsl.compile(texts[-1])
    net.summary()
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    return {
        "exponent": exponent,
        "a layer": (most / LENGTHS[-1]) / (least / LENGTHS[0]),
        "bytes": kept / LENGTHS[-1],
        "seconds": most,
    }


def repeat() -> Figures:
    """A repeat of many copies, and of one."""

    def work(times: int) -> Callable[[], object]:
        text = f"in 32x32x8 | (conv 8@3 same | bn | relu | dropout 0.1) * {times} | pool global | dense 10"
        return lambda: netdsl.compile(text).summary()

    many, one = timed(work(10**12), work(1), rounds=51)
    return {"ours": many, "theirs": one}


JOBS: dict[str, Callable[[], Figures]] = {job.__name__: job for job in (summary, emission, llama, growth, repeat)}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]]()))
