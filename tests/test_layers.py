"""Every declaration of a layer: its page, its words, its spellings, and its rules on numbers and on symbols.

What a layer computes is not judged here: the frameworks do that on emitted programs.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import os
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from netdsl import layers, size
from netdsl.emit.calls import KERAS, TORCH, Target
from netdsl.layer import Argument, Layer, Refused, Tensor, Weight, arguments, default_of, required
from netdsl.layers import FILES, forms, keywords, suggest
from netdsl.layers.text import Embed
from netdsl.source import Source, Span
from netdsl.syntax.parser import parse
from netdsl.values import NAMING, OPEN, OPERAND, TABLE, NamedTensor, Unfit, Word

DECLARATIONS = tuple(form for keyword in keywords() for form in forms(keyword))


def name_of(layer: type[Layer]) -> str:
    return f"{layer.keyword}_{layer.form}".rstrip("_")


every_layer = pytest.mark.parametrize("layer", DECLARATIONS, ids=name_of)
every_function = pytest.mark.parametrize(
    "layer", [form for form in DECLARATIONS if not form.holds_pipeline], ids=name_of
)


# Pages and words


@every_layer
def test_page(layer: type[Layer]) -> None:
    lines = (inspect.getdoc(layer) or "").splitlines()
    assert len(lines) >= 3 and lines[0].endswith(".") and lines[1] == "", "a sentence, then an example"
    example = lines[-1]
    assert example.split("(")[0].split()[0] == layer.keyword
    _, mistakes = parse(Source("page", example if layer.is_source else f"in 8x8x4 | {example}"))
    assert not mistakes


@every_layer
def test_arguments_have_help(layer: type[Layer]) -> None:
    for name, argument in arguments(layer).items():
        assert argument.help and not argument.help.endswith("."), name
        assert argument.kind.wanted, name


@every_layer
def test_tries_are_fit(layer: type[Layer]) -> None:
    for argument in arguments(layer).values():
        for text in argument.tries:
            value_of(text, argument)


def test_files_agree_with_declarations() -> None:
    folder = Path(layers.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == {*FILES, "__init__", "windows"}
    for file, declared in FILES.items():
        module = __import__(f"netdsl.layers.{file}", fromlist=[file])
        found = {
            value.keyword: None
            for value in vars(module).values()
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "keyword")
        }
        assert set(found) == set(declared), file


@every_layer
def test_form_is_an_argument(layer: type[Layer]) -> None:
    if layer.form:
        declared = arguments(layer)
        assert layer.form in declared or any(layer.form in argument.words for argument in declared.values())
    assert [form.form for form in forms(layer.keyword)].count(layer.form) == 1


def test_brought_words() -> None:
    brought = [word for layer in DECLARATIONS for word in layer.brought]
    assert len(brought) == len(set(brought))
    assert all(word == word.lower() for word in brought)
    assert not set(brought) & set(keywords())
    for layer in DECLARATIONS:
        for word in layer.brought:
            assert str(suggest(word.upper())).split()[0] == layer.keyword


def test_dropped_percentage() -> None:
    from netdsl.layers.dropout import Dropout

    read = arguments(Dropout)["rate"].kind.read
    with pytest.raises(Unfit, match=r"did you mean 0\.5\?"):
        read(50)
    with pytest.raises(Unfit, match=r"1 is not below 1$"):
        read(1)


# Spellings


@every_function
def test_spelled_in_every_target(layer: type[Layer]) -> None:
    for target in (TORCH, KERAS):
        assert target.can_spell(layer) != layer.is_input, target.name


def test_defaults_are_those_of_torch() -> None:
    import torch.nn.functional as functional
    from torch import nn

    # F.gelu is built in, without a signature that Python could read; recurrent layers pass theirs on
    recurrent = dict.fromkeys(("RNN", "LSTM", "GRU"), nn.RNNBase)
    compare_defaults(TORCH, {"nn": {**vars(nn), **recurrent}, "F": {**vars(functional), "gelu": nn.GELU}})


def test_defaults_are_those_of_keras() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    from keras import layers as keras_layers
    from keras import ops

    compare_defaults(KERAS, {"layers": vars(keras_layers), "ops": vars(ops)})


def compare_defaults(target: Target, modules: dict[str, dict[str, Any]]) -> None:
    """Compare a target's table with the signatures of all classes that have a name in common but for the rank."""
    for function, defaults in target.defaults.items():
        module, name = function.split(".")
        classes = [value for word, value in modules[module].items() if without_rank(word) == name]
        assert classes, function
        for keyword, default in defaults.items():
            signatures = [inspect.signature(value).parameters for value in classes]
            found = [one_of(parameters[keyword].default) for parameters in signatures if keyword in parameters]
            assert found and all(value == default for value in found), (function, keyword, found)


def without_rank(word: str) -> str:
    for rank in "123":
        word = word.replace(f"{rank}d", "").replace(f"{rank}D", "")
    return word


def one_of(default: Any) -> Any:
    """Return the value that all axes have."""
    return default[0] if isinstance(default, tuple) and len(set(default)) == 1 else default


def test_defaults_are_left_out() -> None:
    call = TORCH.call("nn.BatchNorm2d", 8, eps=Fraction("1e-5"), momentum=Fraction(1, 10), affine=False)
    assert call.arguments == (8,)
    assert call.keywords == (("affine", False),)


# Rules on numbers and on symbols


MAPS: tuple[tuple[int, ...], ...] = (
    (12,), (7,), (1,), (9, 4), (8, 12), (1, 2), (8, 11, 4), (5, 7, 12), (1, 3, 1), (6, 5, 7, 4), (5, 8, 6, 2),
    (2, 3, 2, 5, 6),
)  # fmt: skip
BRANCHES: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((5,), (5,)), ((5,), (3,)), ((6, 4), (6, 4)), ((6, 4), (3, 4)), ((6, 4), (6, 3)), ((6, 4), (4, 7)), ((6, 4), (4,)),
    ((4,), (5, 6, 4)), ((5, 6, 4), (1, 1, 4), (6, 1)), ((5, 6, 4), (5, 6, 4), (5, 6, 4)), ((5, 6, 4), (4, 3)),
    ((5, 6, 4), (2, 6, 4)), ((2, 5, 6, 4), (5, 4, 3)), ((2, 1, 6, 4), (5, 4, 3)), ((6, 4),), ((1,), (5, 1, 3)),
)  # fmt: skip
BEHIND: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((9, 4), (5, 6)), ((9, 4), (9, 4)), ((12, 8), (7, 4), (7, 6)), ((12, 8), (7, 4), (6, 6)), ((12, 8),), ((10, 8, 8),),
    ((8, 11, 4), (8, 11, 6)), ((8, 12, 8), (5, 4)), ((10, 8, 8), (10, 8, 4), (10, 8, 6)), ((10, 8, 8), (3, 2, 8)),
)  # fmt: skip
"""What enters a layer that may have branches behind its word."""
ADDED: tuple[tuple[int, ...], ...] = ((1,), (9,), (7, 1), (12, 12), (2, 1, 1), (4, 1, 20), (1, 1, 1, 1))
LIKE: tuple[tuple[int, ...], ...] = ((4, 3), (12, 5), (6, 11, 2), (16, 22, 9), (6, 5, 7, 1), (3, 2, 4, 1), (4,))
MOST_SAMPLES = 800
"""Of a layer: all combinations of arguments and tensors where they are fewer, else as many drawn at random.

Most arguments of those drawn are left as they are, as options refuse each other."""

Sizes = tuple[tuple[Any, ...], ...]
Sample = tuple[dict[str, Any], Sizes]

MAY_ASK = {
    "axis": "the place of an axis is not a size",
    "axes": "the place of an axis is not a size",
    "keep": "whether axes stay decides the rank",
    "seq": "whether the sequence stays decides the rank",
    "layers": "each has weights of its own",
}
"""Arguments whose value a rule may have to know, and why; of all others, and of sizes, rules ask nothing."""


def value_of(text: str, argument: Argument) -> Any:
    """Return the value of an example: a number, a list, a shape, a word."""
    if argument.role == "word":
        return text
    if argument.role == "flag":
        return text == "true"
    if argument.kind in NAMING:
        return argument.kind.read(like(LIKE[0]))
    if text in ("true", "false"):
        return argument.kind.read(text == "true")
    if "?" in text:
        parts: tuple[Any, ...] = tuple(OPEN if part == "?" else int(part) for part in text.split("x"))
        return argument.kind.read(parts)
    if argument.kind.takes_words and text.isalpha():
        return argument.kind.read(Word(text))
    return argument.kind.read(exact(ast.literal_eval(text), text))


def exact(value: Any, text: str = "") -> Any:
    """Return a Python literal as a value of the language: lists as tuples, decimals exact."""
    if isinstance(value, list):
        return tuple(map(exact, value))
    return Fraction(text or str(value)) if isinstance(value, float) else value


def like(sizes: tuple[Any, ...], maker: Layer | None = None) -> NamedTensor:
    return NamedTensor("other", 0, sizes, Span(Source("test", "other"), 0, 5), maker)


def choices(layer: type[Layer], name: str, argument: Argument) -> list[Any]:
    """Return the values to try for an argument, its default among them."""
    if argument.kind is TABLE:
        return [like((5, dim), Embed(dim=dim, vocab=7)) for dim in (1, 4, 12)]
    if argument.kind is OPERAND:
        return [None, *map(like, ADDED)]
    if argument.kind in NAMING:
        return [like(sizes) for sizes in LIKE]
    tried = [value_of(text, argument) for text in argument.tries]
    default = default_of(layer, name)
    return tried if name in required(layer) or default in tried else [default, *tried]


def samples(layer: type[Layer]) -> Iterator[Sample]:
    """Return arguments and entering sizes."""
    declared = arguments(layer)
    tried = [choices(layer, name, argument) for name, argument in declared.items()]
    entering: tuple[Sizes, ...] = BRANCHES
    if not layer.combines:
        entering = tuple((sizes,) for sizes in MAPS if not layer.ranks or len(sizes) in layer.ranks)
        entering += BEHIND if layer.branches else ()
    count = len(entering)
    for values in tried:
        count *= len(values)
    if count <= MOST_SAMPLES:
        for *values, sizes in itertools.product(*tried, entering):
            yield dict(zip(declared, values, strict=True)), sizes
        return
    generator = random.Random(layer.keyword)
    for _ in range(MOST_SAMPLES):
        sizes = generator.choice(entering)
        fitting = [[value for value in values if fits(value, sizes)] for values in tried]
        few = [values[0] if generator.random() < 0.7 else generator.choice(values) for values in fitting]
        yield dict(zip(declared, few, strict=True)), sizes


def fits(value: Any, sizes: Sizes) -> bool:
    """Whether a list has a value for each axis beside the channels, as lists in layers of many arguments mean."""
    return not isinstance(value, tuple) or len(value) == len(sizes[0]) - 1


class Symbols:
    """Symbols in the place of numbers and truth values, and what they stand for."""

    def __init__(self, fixed: frozenset[str]) -> None:
        self.fixed = fixed
        self.values: dict[str, Any] = {}

    def replace(self, name: str, value: Any) -> Any:
        """Return a symbol of this name for a number or truth value, and lists of them."""
        if isinstance(value, tuple):
            return tuple(self.replace(f"{name}_{place}", part) for place, part in enumerate(value))
        if isinstance(value, NamedTensor):
            return like(self.replace(name, value.sizes), self.replace(f"{name}_maker", value.maker))
        if isinstance(value, Embed):
            fields = {field: getattr(value, field) for field in arguments(Embed)}
            return Embed(**{field: self.replace(f"{name}_{field}", given) for field, given in fields.items()})
        if name in self.fixed or value is OPEN or not isinstance(value, bool | int | Fraction):
            return value
        self.values[name] = value
        if isinstance(value, bool):
            return size.truth(name)
        whole = isinstance(value, int)
        return size.symbol(name, positive=whole and value >= 1, whole=whole)


Outcome = tuple[Tensor, tuple[Weight, ...], Any]


def outcome(layer: type[Layer], values: dict[str, Any], sizes: Sizes) -> Outcome:
    """Return what a layer declares for some arguments and tensors."""
    made = layer(**values)
    operands = (values[name] for name, argument in arguments(layer).items() if argument.kind is OPERAND)
    tensors = tuple(map(Tensor, (*sizes, *(operand.sizes for operand in operands if operand is not None))))
    return made.output(*tensors), made.weights(*tensors), made.products(*tensors)


def on_symbols(
    layer: type[Layer], values: dict[str, Any], sizes: Sizes
) -> tuple[Outcome | Refused, dict[str, Any], frozenset[str]]:
    """Return the outcome with symbols for all that rules need not know, what these stand for, and what they asked."""
    fixed: frozenset[str] = frozenset()
    while True:
        symbols = Symbols(fixed)
        symbolic = {name: symbols.replace(name, value) for name, value in values.items()}
        entering = tuple(symbols.replace(f"x{number}", part) for number, part in enumerate(sizes))
        try:
            return outcome(layer, symbolic, entering), symbols.values, fixed
        except Refused as refused:
            return refused, symbols.values, fixed
        except size.Undecided as undecided:
            assert undecided.symbols & set(symbols.values), "a question that no value answers"
            fixed |= undecided.symbols


def substituted(found: Outcome, values: dict[str, Any]) -> Outcome:
    output, weights, products = found

    def put(value: Any) -> Any:
        return size.substitute(value, values)

    return (
        Tensor(put(output.sizes), output.dtype, output.per_example),
        tuple(evolve(w, shape=put(w.shape), uses=put(w.uses), present=put(w.present)) for w in weights),
        put(products),
    )


@every_function
def test_symbols_say_what_numbers_say(layer: type[Layer]) -> None:
    if layer.is_source:
        return
    taken = 0
    asked: set[str] = set()
    for values, sizes in samples(layer):
        try:
            on_numbers = outcome(layer, values, sizes)
        except Refused:
            on_symbols(layer, values, sizes)  # may pass, and must not break
            continue
        taken += 1
        found, stand_for, fixed = on_symbols(layer, values, sizes)
        asked |= fixed
        assert not isinstance(found, Refused), f"{values} on {sizes}: {found}"
        assert substituted(found, stand_for) == on_numbers, f"{values} on {sizes}"
    assert taken, "no sample is taken"
    surprising = {name for name in asked if name.split("_")[0] not in MAY_ASK}
    assert not surprising, "a rule asks for what should stay open"


@every_function
def test_refusals_name_their_argument(layer: type[Layer]) -> None:
    if layer.is_source:
        return
    for values, sizes in samples(layer):
        try:
            outcome(layer, values, sizes)
        except Refused as refused:
            assert refused.code.startswith("E") and refused.help
            assert not refused.message.endswith(".") and not refused.help.endswith(".")
            assert refused.argument in ("", *arguments(layer)), refused.message


# Rules, by example


def refusal(make: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        make()
    return caught.value


def test_branches_that_do_not_fit() -> None:
    from netdsl.layers.merge import Add, Concat, Matmul, Sub

    odd = refusal(lambda: Add().output(Tensor((56, 56, 64)), Tensor((28, 28, 64))))
    assert (odd.code, odd.message) == ("E004", "`add` of 56x56x64 and 28x28x64: the heights differ, 56 and 28")
    assert "`linear 64` or `conv 64@1`" in refusal(lambda: Add().output(Tensor((9, 64)), Tensor((9, 32)))).help
    late = refusal(lambda: Add().output(Tensor((1, 4)), Tensor((7, 4)), Tensor((5, 4))))
    assert late.message == "`add` of 7x4 and 5x4: the lengths differ, 7 and 5"
    ranks = refusal(lambda: Concat().output(Tensor((7, 7, 64)), Tensor((64,))))
    assert ranks.code == "E004" and "one is a map" in ranks.message and "the other a vector" in ranks.message
    assert refusal(lambda: Matmul().output(Tensor((3, 4)), Tensor((5, 6)))).code == "E004"
    assert refusal(lambda: Matmul().output(Tensor((4,)), Tensor((4, 6)))).code == "E001"
    assert refusal(lambda: Sub().output(*[Tensor((4,))] * 3)).message == "`sub` takes 2 branches, not 3"


def test_merged_tensors() -> None:
    from netdsl.layers.merge import Add, Concat, Matmul, Stack

    T = size.symbol("T")
    assert Add().output(Tensor((T, 8)), Tensor((T, 8))) == Tensor((T, 8))
    assert Add().output(Tensor((T, 1)), Tensor((8,))) == Tensor((T, 8))
    assert Concat().output(Tensor((T, 8)), Tensor((T, 8)), Tensor((T, 3))) == Tensor((T, 19))
    assert Concat(axis=0).output(Tensor((T, 8)), Tensor((1, 8))) == Tensor((T + 1, 8))
    assert Stack().output(Tensor((T, 8)), Tensor((T, 8))) == Tensor((T, 8, 2))
    matrices = Tensor((2, T, 8)), Tensor((8, T))
    assert Matmul().output(*matrices) == Tensor((2, T, T))
    assert Matmul().products(*matrices) == 16 * T * T
    common = Tensor((4, 8), per_example=False)
    assert Add().output(common, Tensor((4, 8))).per_example
    assert not Add().output(common, common).per_example
    assert Concat().output(Tensor((4,), "int"), Tensor((4,), "int")).dtype == "int"
    assert refusal(lambda: Concat().output(Tensor((4,), "int"), Tensor((4,)))).code == "E008"


def test_borders_and_enlargements() -> None:
    from netdsl.layers.borders import Crop, CropLike, Pad
    from netdsl.layers.conv_transpose import ConvTranspose
    from netdsl.layers.up import UpLike

    x = Tensor((64, 7, 3))
    assert Pad(amount=((0, 1), (2, 2))).output(x) == Tensor((65, 11, 3))
    crop = CropLike(like=like((61, 4, 9)))
    assert crop.pads(x) == ((1, 2), (1, 2)) and crop.output(x) == Tensor((61, 4, 3))
    nothing = refusal(lambda: Crop(amount=4).output(x))
    assert (nothing.code, nothing.message) == ("E008", "taking 4 and 4 off the width leaves nothing of 7")
    assert "cannot make 70 of 64" in refusal(lambda: CropLike(like=like((70, 7, 3))).output(x)).message
    assert UpLike(like=like((128, 15, 9))).output(x) == Tensor((128, 15, 3))
    n = Tensor((size.symbol("n"), size.symbol("n"), 3))
    same = ConvTranspose(filters=8, kernel=3, stride=2, padding="same")
    assert same.output(n) == Tensor((2 * n.sizes[0], 2 * n.sizes[0], 8))
    assert same.weights(n)[0].uses == n.sizes[0] * n.sizes[0]
    assert refusal(lambda: ConvTranspose(filters=8, kernel=3, stride=2, output_pad=2).output(n)).code == "E008"
    assert refusal(lambda: ConvTranspose(filters=8, kernel=3, pad=9).output(x)).code == "E002"
