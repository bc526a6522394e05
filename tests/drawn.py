"""Networks drawn from the declarations of layers: every option with every other, at ranks and sizes of both parities.

An option that is added to a declaration is drawn from the moment that it is there.
"""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Iterator
from functools import cache
from math import prod

from attrs import frozen

from netdsl.elaborate import elaborate
from netdsl.layer import Argument, Layer, arguments, required
from netdsl.layers import forms, keywords
from netdsl.source import Source
from netdsl.syntax.parser import parse
from netdsl.values import OPERAND, PADS, SHIFT, SIZES, STRIDE, TABLE, TENSOR, WINDOW

ABSENT = ""
"""The text of an argument that is left to its default."""

SHAPES = {
    (1, "even"): (8,),
    (1, "odd"): (9,),
    (2, "even"): (12, 8),
    (2, "odd"): (11, 4),
    (3, "even"): (10, 8, 8),
    (3, "odd"): (9, 11, 4),
    (4, "even"): (6, 8, 6, 4),
    (4, "odd"): (7, 5, 9, 4),
}
"""Positions are even or odd throughout; channels are always divisible by the groups that are tried."""

Choice = dict[str, str]
"""A text for every factor: the arguments of a layer, then `rank`, `parity` and `then`, the stage behind it."""


THEN = ("", "tanh", "dropout 0.5 | flatten | relu | dense 3", "flatten | linear 3")
"""What stands behind the layer: an activation that Keras takes as an argument, and flattens whose reader may follow any
order of the elements, and may not."""

BEFORE = {"sqrt": "abs | "}
"""What stands before a layer that does not take every number."""

BRANCHES = {
    "equal": "{keep}, id",
    "three": "{keep}, id, {keep}",
    "mixed layout": "{keep}, conv {channels}@3 same",
    "each": "each k in [1, 3] (conv {channels}@k same), id",
    "broadcast": "{keep}, pool global keep",
    "lower rank": "pool global, {keep}",
    "lower rank last": "{keep}, pool global",
    "closed": "{keep}, other",
    "product": "{keep}, permute {swapped} | linear 5",
    "product of closed": "{keep}, other | permute {swapped} | linear 5",
}
"""Branches of a combinator, by what is tried with them."""

BEHIND = {
    "none": "",
    "memory": "memory",
    "memory of another rank": "memory",
    "memory of itself": "linear 6",
    "three": "id, memory, memory | linear 5",
    "three of itself": "linear 8, linear 6, linear 5",
}
"""Branches behind the word of a layer that may have some, by what is tried with them."""

ALIKE = {
    "none": "",
    "three": "id, memory | linear {channels}, memory | linear 12",
    "three of few heads": "id, linear {half}, linear 6",
}
"""The same, where nothing brings the channels of one to those of another."""

MEMORY = {2: (7, 6), 3: (3, 5, 6)}
"""What is attended to, by its rank; it has other positions and channels than what enters."""


@frozen
class Drawn:
    """A layer in one form, with the factors that change what it computes and the texts that each may have."""

    layer: type[Layer]
    factors: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        return f"{self.layer.keyword}_{self.layer.form}".rstrip("_")


def layers() -> tuple[type[Layer], ...]:
    """Return every declaration, in every form, that takes tensors alone."""
    found = (form for keyword in keywords() for form in forms(keyword))
    return tuple(form for form in found if not form.is_source and not form.holds_pipeline)


def drawn(layer: type[Layer]) -> Drawn:
    """Return the factors of a layer."""
    needed = required(layer)
    factors = {
        name: _texts(name, argument, layer, name in needed)
        for name, argument in arguments(layer).items()
        if not argument.trains or name in needed
    }
    factors["rank"] = tuple(map(str, layer.ranks or (1, 2, 3, 4)))
    factors["parity"] = ("even", "odd")
    factors["then"] = ("",) if layer.is_activation else THEN
    if layer.combines:
        factors["branches"] = tuple(BRANCHES)
    if layer.branches:
        factors["branches"] = tuple(BEHIND if layer.learns else ALIKE)
    return Drawn(layer, factors)


def _texts(name: str, argument: Argument, layer: type[Layer], needed: bool) -> tuple[str, ...]:
    if argument.role == "flag":
        return argument.words if argument.words == (layer.form,) else (ABSENT, argument.words[0])
    if argument.role == "word" and argument.bare is None:
        return argument.words
    if argument.kind is OPERAND:
        return ABSENT, "keys", "queries", "heads"
    assert argument.tries, f"{layer.keyword}: nothing to try for `{name}`"
    return argument.tries if needed else (ABSENT, *argument.tries)


def options(layer: type[Layer]) -> tuple[str, ...]:
    """Return the factors that are options of the layer itself, and change what it computes."""
    return tuple(name for name, argument in arguments(layer).items() if not argument.trains)


def text_of(layer: type[Layer], choice: Choice) -> str:
    """Return the network of a choice."""
    sizes = SHAPES[int(choice["rank"]), choice["parity"]]
    shape = "x".join(map(str, sizes)) + " int" * layer.needs_int
    written = written_arguments(layer, choice)
    then = f" | {choice['then']}" if choice["then"] else ""
    if layer.combines:
        return _combined(layer, choice, sizes, written, then)
    if layer.branches:
        return _attending(layer, choice, sizes, written, then)
    stage = f"{BEFORE.get(layer.keyword, '')}{layer.keyword} {written}".rstrip()
    declared = arguments(layer)
    if any(argument.kind is TENSOR for argument in declared.values()):
        other = "x".join(map(str, _like(layer, sizes)))
        return f"in {other} as other\nin {shape} | {stage} | add(id, other){then}"
    if any(argument.kind is TABLE for argument in declared.values()):
        return f"in 5 int as ids | embed {sizes[-1]} vocab=7 as other | tanh\nin {shape} | {stage}{then}"
    return f"in {shape} | {stage}{then}"


def written_arguments(layer: type[Layer], choice: Choice) -> str:
    """Return the arguments of a choice as they stand behind the layer's word."""
    declared = arguments(layer)
    filters = [choice[name] for name, argument in declared.items() if argument.role == "filters"]
    written = ["@".join(filters)] if filters else []
    for name, argument in declared.items():
        text = choice.get(name, ABSENT)
        if text != ABSENT and argument.role != "filters":
            bare = argument.role in ("flag", "positional") or (argument.role == "word" and argument.bare is None)
            written.append(text if bare else f"{name}={text}")
    return " ".join(written)


def _like(layer: type[Layer], sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of a tensor to be like: smaller to crop to, larger to grow to."""
    positions = (max(1, size - 3) if layer.keyword == "crop" else 2 * size + 1 for size in sizes[:-1])
    return (*positions, sizes[-1])


def _combined(layer: type[Layer], choice: Choice, sizes: tuple[int, ...], written: str, then: str) -> str:
    rank, channels = len(sizes), sizes[-1]
    swapped = [*range(rank - 2), rank - 1, rank - 2] if rank > 1 else [0]
    branches = BRANCHES[choice["branches"]].format(keep=f"linear {channels}", channels=channels, swapped=swapped)
    shape = "x".join(map(str, sizes))
    other = f"in {shape} as other\n" if "other" in branches else ""
    return f"{other}in {shape} | {layer.keyword}({branches}) {written}{then}"


def _attending(layer: type[Layer], choice: Choice, sizes: tuple[int, ...], written: str, then: str) -> str:
    channels = sizes[-1]
    branches = (BEHIND if layer.learns else ALIKE)[choice["branches"]].format(channels=channels, half=channels // 2)
    memory = MEMORY[len(sizes) if choice["branches"] != "memory of another rank" else 5 - len(sizes)]
    shape = "x".join(map(str, sizes))
    entering = f"in {shape} as entering"
    if "memory" in branches:
        entering += f"\nin {'x'.join(map(str, memory))} as memory"
    for name, argument in arguments(layer).items():
        if argument.kind is OPERAND and choice[name]:
            queries, keys = _square(choice, sizes[:-1], memory[:-1] if "memory" in branches else sizes[:-1])
            added = {"keys": (keys,), "queries": (queries, 1), "heads": (int(choice["heads"]), queries, keys)}
            entering += f"\nin {'x'.join(map(str, added[choice[name]]))} as added"
            written = written.replace(f"{name}={choice[name]}", f"{name}=added")
    word = f"{layer.keyword}({branches})" if branches else layer.keyword
    return f"{entering}\nout entering | {word} {written}{then}"


def _square(choice: Choice, queries: tuple[int, ...], keys: tuple[int, ...]) -> tuple[int, int]:
    """Return how many positions attend to how many: all, or those of a window of a map."""
    window = choice["window"] or choice["grid"]
    if len(queries) == 1 or not window:
        return prod(queries), prod(keys)
    size = ast.literal_eval(window)
    count = prod(size) if isinstance(size, list) else size * size
    return count, count


def is_valid(text: str) -> bool:
    """Whether the compiler takes a text."""
    program, mistakes = parse(Source("drawn", text))
    return not mistakes and not any(d.severity == "error" for d in elaborate(program, "drawn")[1])


def every(layer: type[Layer]) -> Iterator[str]:
    """Return the networks of all combinations of a layer's options that the compiler takes."""
    factors = drawn(layer).factors
    for values in itertools.product(*factors.values()):
        text = text_of(layer, dict(zip(factors, values, strict=True)))
        if is_valid(text):
            yield text


Pair = tuple[str, str, str, str]

ENOUGH, MOST_TRIES = 12, 80
"""Random completions of a pair of which the best is taken, and those before the compiler counts as refusing it."""


@cache
def pairwise(layer: type[Layer]) -> tuple[dict[str, Choice], set[Pair]]:
    """Return networks in which every two options meet in all their values, and the pairs that the compiler refuses."""
    generator = random.Random(0)
    factors = drawn(layer).factors
    waiting = {(a, x, b, y) for a, b in itertools.combinations(factors, 2) for x in factors[a] for y in factors[b]}
    found: dict[str, Choice] = {}
    refused: set[Pair] = set()
    for pair in sorted(waiting):
        if pair not in waiting:
            continue
        a, x, b, y = pair
        best: Choice | None = None
        covers = 0
        for attempt in range(MOST_TRIES):
            if best is not None and attempt > ENOUGH:
                break
            choice = completed(generator, layer, factors, {a: x, b: y})
            fresh = len(waiting & set(_pairs(choice, factors)))
            if fresh > covers and is_valid(text_of(layer, choice)):
                best, covers = choice, fresh
        if best is None:
            refused.add(pair)
            waiting.discard(pair)
            continue
        found[text_of(layer, best)] = best
        waiting -= set(_pairs(best, factors))
    return found, refused


def completed(
    generator: random.Random, layer: type[Layer], factors: dict[str, tuple[str, ...]], fixed: Choice
) -> Choice:
    """Return a random choice with some of it fixed, whose lists have as many values as its rank has axes.

    Half of it is left to the defaults: options refuse each other, and a pair must not fail for what stands beside it.
    """
    ranks = [rank for rank in factors["rank"] if all(_fits(layer, name, text, rank) for name, text in fixed.items())]
    choice = {"rank": generator.choice(ranks or factors["rank"])} | fixed
    for name, texts in factors.items():
        if name not in choice:
            fitting = [text for text in texts if _fits(layer, name, text, choice["rank"])] or list(texts)
            choice[name] = fitting[0] if generator.random() < 0.5 else generator.choice(fitting)
    for name, other in ABOUT.items():
        if choice.get(name) and not choice[other] and other not in fixed:
            choice[other] = generator.choice(factors[other][1:])
    return choice


ABOUT = {"shift": "window", "theta": "rope"}
"""Options that say more about another, without which they are refused."""


def _fits(layer: type[Layer], name: str, text: str, rank: str) -> bool:
    """Whether a text has a value for each axis of a rank, as far as that can be seen from it."""
    argument = arguments(layer).get(name)
    if argument is None or (argument.kind not in PER_AXIS and name != "shift") or not text.startswith("["):
        return True
    return len(ast.literal_eval(text)) == int(rank) - 1


PER_AXIS = (WINDOW, STRIDE, PADS, SIZES, SHIFT)


def _pairs(choice: Choice, factors: dict[str, tuple[str, ...]]) -> Iterator[Pair]:
    return ((a, choice[a], b, choice[b]) for a, b in itertools.combinations(factors, 2))


def main() -> None:
    """Compare every combination of the options of the layers named on the command line, or of all, three ways."""
    import os
    import sys

    os.environ["KERAS_BACKEND"] = "torch"
    import oracle

    oracle.fast_keras()
    jax = oracle.Jax()
    wanted = sys.argv[1:]
    for layer in layers():
        name = drawn(layer).name
        if wanted and name not in wanted:
            continue
        compared = wrong = 0
        for text in every(layer):
            problem = oracle.disagreement(text, jax)
            compared += 1
            wrong += bool(problem)
            if problem:
                print(problem)
        print(f"{name}: {compared} networks compared, {wrong} differ", flush=True)
    jax.close()


if __name__ == "__main__":
    main()
