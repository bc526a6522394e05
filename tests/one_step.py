"""One step of training in PyTorch and in Keras, from the same weights on the same batch, by the functions they emit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import oracle
from attrs import evolve, frozen

from netdsl.emit import training
from netdsl.emit.emitted import Emitted, Location
from netdsl.network import Network
from netdsl.training import Train
from netdsl.values import NamedTensor

TOLERANCE, EXACT = 1e-3, 1e-6
"""Of the loss, and of the largest change that training makes to a weight; in float32 and in float64.

Keras computes the angles of positions in float32 all the same.
"""
LEAST = 1e-2
"""The part of the largest change of all weights below which the changes of a weight are measured by that part.

Some gradients are 0 but for rounding, as that of a bias before a normalisation.
"""
RATE = 100.0
"""High, so that the difference of a weight before and after is the gradient and not a rounding error."""
NOISES = ("p", "rate", "dropout", "amount", "stddev")
"""What modules and layers that draw random numbers in training keep of how many or how large they are."""


@frozen
class Trained:
    """The losses of the steps, and every weight afterwards as the language has it."""

    losses: tuple[float, ...]
    weights: oracle.Arrays


@frozen
class Comparison:
    """How far two programs are apart after training from the same weights."""

    loss: float
    """Of the losses, as a part of the loss."""
    change: float
    """Of the changes of the weight that differs most, as a part of its largest change."""
    worst: str
    moved: frozenset[str]
    """The weights that both have changed, by more than rounding does."""
    touched: frozenset[str]
    """The weights that one of them has changed at all."""
    tolerance: float = TOLERANCE

    @property
    def problem(self) -> str:
        """What is wrong, empty where nothing is."""
        if not self.moved:
            return "no weight has changed"
        if not self.loss <= self.tolerance:
            return f"the losses are {self.loss:.2g} apart"
        return f"the changes of {self.worst} are {self.change:.2g} apart" if not self.change <= self.tolerance else ""


def one_step(
    network: str | Network,
    *,
    steps: int = 1,
    batch: int = oracle.BATCH,
    double: bool = False,
    edit: tuple[str, str] | None = None,
) -> Comparison:
    """Train both programs of a network, and compare the losses and all weights but the running variances.

    Without `train` in the text, every output is trained by its mean squared error. Dropouts and noise are left out.
    With `double` all is computed in float64, which deep networks need: in float32 an element that is rounded to the
    other side of a ReLU's bend changes gradients by more than the tolerance, also from one run to the next.
    `edit` is put into the PyTorch program, a new text for an old one.
    """
    whole = oracle.network_of(network) if isinstance(network, str) else network
    whole = whole if whole.trainings else with_training(whole)
    weights, inputs = oracle.random_weights(whole), oracle.random_inputs(whole, batch=batch)
    labels = random_labels(whole, batch)
    for_torch, for_keras = oracle.emit_both(whole)
    if edit is not None:
        for_torch = edited(for_torch, *edit)
    with double_precision() if double else nullcontext():
        if double:
            inputs, labels = list(map(_doubled, inputs)), list(map(_doubled, labels))
        by_torch = train_torch(for_torch, weights, inputs, labels, steps)
        by_keras = train_keras(for_keras, weights, inputs, labels, steps)
    return evolve(compare(weights, by_torch, by_keras), tolerance=EXACT if double else TOLERANCE)


@contextmanager
def double_precision() -> Iterator[None]:
    """Let both frameworks compute in float64; Keras would take it for float32 in some of its functions."""
    import keras
    import torch
    from keras.src.backend.common import dtypes

    narrowed = dtypes.BIT64_TO_BIT32_DTYPE

    def choose(torch_dtype: torch.dtype, floatx: str, in_keras: str) -> None:
        torch.set_default_dtype(torch_dtype)
        keras.config.set_floatx(floatx)
        narrowed["float64"] = in_keras

    usual = narrowed["float64"]
    choose(torch.float64, "float64", "float64")
    try:
        yield
    finally:
        choose(torch.float32, "float32", usual)


def _doubled(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def edited(emitted: Emitted, old: str, new: str) -> Emitted:
    """Return a program with another text for one that is in it."""
    assert old in emitted.source, emitted.source
    source = emitted.source.replace(old, new)
    return Emitted(emitted.target, emitted.name, source, lambda: (*emitted.weight_map, *emitted.extra))


def with_training(network: Network) -> Network:
    """Return a network of which every output is trained."""

    def train(output: Any) -> Train:
        tensor = network.body.tensor(output.value)
        assert tensor is not None
        named = NamedTensor(output.name, output.value, tensor.sizes, output.span)
        return Train(loss="mse", output=named, optimizer="sgd", rate=RATE)

    unique = {output.value: output for output in network.outputs}
    return evolve(network, trainings=tuple(map(train, unique.values())))


def quiet(parts: Iterable[Any]) -> None:
    """Let the modules or layers of a model do the same in training each time."""
    for part in parts:
        for name in NOISES:
            is_derived = isinstance(getattr(type(part), name, None), property)  # from a layer inside, a part too
            if not is_derived and isinstance(getattr(part, name, None), int | float):
                setattr(part, name, 0.0)


def random_labels(network: Network, batch: int, seed: int = 2) -> list[np.ndarray]:
    """Return labels for each output that is trained, channels last, as its loss wants them."""
    generator = np.random.default_rng(seed)
    plan = training.planned(network)
    assert plan is not None
    return [_labels(generator, each, batch) for each in plan.trained]


def _labels(generator: np.random.Generator, each: training.Trained, batch: int) -> np.ndarray:
    shape = (batch, *map(int, each.tensor.sizes))
    if each.are_numbers:
        return generator.integers(0, shape[-1], shape[:-1])
    drawn = generator.normal(0, 1, shape)
    if each.loss.takes_numbers:  # they are the probabilities of classes
        drawn = np.exp(drawn) / np.exp(drawn).sum(-1, keepdims=True)
    elif "binary" in each.loss.says:
        drawn = (drawn > 0) * 1.0
    return drawn.astype(np.float32)


def train_torch(
    emitted: Emitted, weights: oracle.Arrays, inputs: list[np.ndarray], labels: list[np.ndarray], steps: int
) -> Trained:
    """Train the PyTorch program."""
    import torch

    namespace = _run(emitted)
    model = _model(namespace, emitted)
    quiet(model.modules())
    state = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    for extra in emitted.extra:
        del state[extra.path]
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    oracle._move(emitted.weight_map, weights, shapes, lambda path, array: state[path].copy_(torch.from_numpy(array)))

    def first(array: np.ndarray, moves: bool = True) -> Any:
        return torch.from_numpy(np.ascontiguousarray(oracle.channels_first(array) if moves else array))

    x = tuple(map(first, inputs))
    y = tuple(first(array, moves=array.dtype.kind == "f") for array in labels)
    optimizer = namespace["make_optimizer"](model)
    losses = [namespace["training_step"](model, optimizer, _only(x), _only(y)).item() for _ in range(steps)]
    tensors = {path: state[path].numpy() for path in state}
    return Trained(tuple(losses), dict(_read(emitted.weight_map, weights, tensors)))


def train_keras(
    emitted: Emitted, weights: oracle.Arrays, inputs: list[np.ndarray], labels: list[np.ndarray], steps: int
) -> Trained:
    """Train the Keras program."""
    import keras

    keras.utils.clear_session(
        free_memory=False
    )  # Keras numbers its layers anew; collecting garbage takes longer than all else
    namespace = _run(emitted)
    model = _model(namespace, emitted)
    quiet(model._flatten_layers())
    variables = {variable.path.removeprefix(f"{model.name}/"): variable for variable in model.variables}
    variables = {path: variable for path, variable in variables.items() if "seed_generator" not in path}
    shapes = {path: tuple(variable.shape) for path, variable in variables.items()}
    oracle._move(emitted.weight_map, weights, shapes, lambda path, array: variables[path].assign(array))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    namespace["compile_model"](model)
    losses = []
    for _ in range(steps):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(_only(inputs), _only(labels), return_dict=True)["loss"]))
    arrays = {path: keras.ops.convert_to_numpy(variable) for path, variable in variables.items()}
    return Trained(tuple(losses), dict(_read(emitted.weight_map, weights, arrays)))


def _run(emitted: Emitted) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": f"emitted_{emitted.name}"}
    exec(compile(emitted.source, f"<{emitted.name}>", "exec"), namespace)
    return namespace


def _model(namespace: dict[str, Any], emitted: Emitted) -> Any:
    """Return a model, with its outputs for training alone where the training needs them."""
    make = namespace[emitted.name]
    return make(aux=True) if "made with `aux=True`" in emitted.source else make()


def _only(items: Any) -> Any:
    return items[0] if len(items) == 1 else items


def _read(
    weight_map: tuple[Location, ...], weights: oracle.Arrays, tensors: dict[str, np.ndarray]
) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Return the weights that a model holds, as the language has them: where each element went, it is found."""
    for location in weight_map:
        tensor = tensors[location.path]
        key = location.layer, location.weight
        numbers = np.arange(weights[key].size).reshape(weights[key].shape)
        numbers = location.arrange(numbers, tensor.shape)
        held = tensor[slice(*location.part)] if location.part is not None else tensor
        weight = np.full(weights[key].size, np.nan)
        weight[numbers.ravel()] = held.ravel()
        yield key, weight.reshape(weights[key].shape)


def compare(before: oracle.Arrays, one: Trained, other: Trained) -> Comparison:
    """Compare what two programs have made of the same weights."""
    loss = max(abs(a - b) / max(abs(a), 1e-6) for a, b in zip(one.losses, other.losses, strict=True))
    changes = {
        key: (one.weights[key] - before[key], other.weights[key] - before[key])
        for key in before
        if key[1] != "variance"
    }
    largest = {key: float(max(np.abs(a).max(), np.abs(b).max())) for key, (a, b) in changes.items()}
    least = LEAST * max(largest.values())
    apart = {key: float(np.abs(a - b).max()) / max(largest[key], least, 1e-12) for key, (a, b) in changes.items()}
    worst = max(apart, key=lambda key: apart[key] if np.isfinite(apart[key]) else np.inf)
    return Comparison(
        loss,
        apart[worst],
        ".".join(worst),
        frozenset(".".join(key) for key, pair in changes.items() if _least(pair) > LEAST**3 * max(largest.values())),
        frozenset(".".join(key) for key in changes if largest[key] > 0),
    )


def _least(pair: tuple[np.ndarray, np.ndarray]) -> float:
    return float(min(np.abs(change).max() for change in pair))
