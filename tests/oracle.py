"""The real frameworks as judges: build emitted programs, move the same weights into each, run them, compare outputs."""

from __future__ import annotations

import functools
import inspect
import os
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, frozen

from netdsl.analysis.counts import count
from netdsl.diagnostics import CompileError
from netdsl.elaborate import elaborate
from netdsl.emit import keras as keras_emitter
from netdsl.emit import loops
from netdsl.emit import torch as torch_emitter
from netdsl.emit.blocks import Blocks, General
from netdsl.emit.emitted import Emitted, Location
from netdsl.layer import Layer
from netdsl.layers.text import Embed
from netdsl.network import Body, Experts, Network, Repeat, Use
from netdsl.source import Source
from netdsl.syntax.parser import parse

Arrays = dict[tuple[str, str], np.ndarray]

TOLERANCE = 1e-4
"""Of the largest output, in float32."""
BATCH = 3


def network_of(text: str, name: str = "network") -> Network:
    """Return the network of a text that has no mistake."""
    program, mistakes = parse(Source(name, text))
    network, more = elaborate(program, name)
    errors = [d.message for d in (*mistakes, *more) if d.severity == "error"]
    assert not errors, f"{text}: {errors}"
    return network


def random_weights(network: Network, seed: int = 0) -> Arrays:
    """Return an array for every weight of every copy, spread so that each layer keeps the size of what enters."""
    generator = np.random.default_rng(seed)
    return {key: _draw(generator, *facts) for key, facts in declared_weights(network).items()}


def declared_weights(network: Network) -> dict[tuple[str, str], tuple[str, tuple[int, ...], float]]:
    """Return name, shape and fan-in of every weight that the declarations ask for, by layer and weight."""
    found: dict[tuple[str, str], tuple[str, tuple[int, ...], float]] = {}
    shared: set[Body] = set()

    def walk(body: Body, prefix: str) -> None:
        for step in body.steps:
            name = prefix + step.full_name
            if isinstance(step.does, Repeat):
                copy = 0
                for run in step.does.runs:
                    for _ in range(run.times):
                        copy += 1
                        walk(run.body, f"{name}.{copy}.")
            elif isinstance(step.does, Use):
                if step.does.is_shared and step.does.body in shared:
                    continue  # its weights are those of the first use
                shared.add(step.does.body)
                walk(step.does.body, f"{name}.")
            elif isinstance(step.does, Experts):
                x = body.tensor(step.inputs[0])
                (router,) = step.does.router.weights(x)  # type: ignore[arg-type]
                found[name, "router"] = ("router", tuple(map(int, router.shape)), float(router.shape[0]))
                for copy in range(1, int(step.does.router.experts) + 1):
                    walk(step.does.body, f"{name}.{copy}.")
            elif isinstance(step.does, Layer) and step.output is not None:
                tensors = tuple(body.tensor(value) for value in step.inputs)
                leaving = int(np.prod([int(size) for size in step.output.sizes]))
                for weight in step.does.weights(*tensors):
                    if weight.present and not weight.tied:
                        shape = tuple(int(size) for size in weight.shape)
                        fan_in = max(1.0, float(np.prod(shape)) * float(weight.uses) / leaving) if weight.uses else 0.0
                        found[name, weight.name] = (weight.name, shape, fan_in)

    walk(network.body, "")
    return found


def declared_sizes(network: Network) -> dict[str, int]:
    """Return the number of parameters of every layer that has some, each copy of a repeat by itself."""
    found: dict[str, int] = {}
    for (layer, _), (_, shape, _) in declared_weights(network).items():
        found[layer] = found.get(layer, 0) + int(np.prod(shape))
    return found


def held(emitted: Emitted, sizes: dict[str, int]) -> dict[str, int]:
    """Return how many elements a framework's tensors have between them for each layer, by the weight map."""
    owners = {location.path: location.layer for location in emitted.weight_map}
    found: dict[str, int] = {}
    for path, size in sizes.items():
        found[owners[path]] = found.get(owners[path], 0) + size
    return found


def _draw(generator: np.random.Generator, name: str, shape: tuple[int, ...], fan_in: float) -> np.ndarray:
    if fan_in:
        drawn = generator.normal(0, np.sqrt(2 / fan_in), shape)
    elif name == "variance":
        drawn = generator.uniform(0.5, 1.5, shape)
    elif name == "scale":
        drawn = generator.uniform(0.5, 1.5, shape) * generator.choice([-1, 1], shape)
    elif name == "slope":
        drawn = generator.uniform(0.1, 0.5, shape)
    else:
        drawn = generator.normal(0, 0.5, shape)
    return drawn.astype(np.float32)


def settled(emitted: Emitted, weights: Arrays, inputs: list[np.ndarray]) -> Arrays:
    """Return weights by which each batch norm makes values of about 1, as after training.

    With others they grow from unit to unit until rounding errors decide what gates let through.
    """
    import torch
    from torch import nn

    variances = {place.path: place for place in emitted.weight_map if place.path.endswith("running_var")}
    if not variances:
        return weights
    model = _make(emitted).eval()
    state = {path: tensor for path, tensor in model.state_dict().items() if not path.endswith("num_batches_tracked")}
    shapes = {path: tuple(tensor.shape) for path, tensor in state.items()}
    _move(emitted.weight_map, weights, shapes, lambda path, array: state[path].copy_(torch.from_numpy(array)))

    def settle(norm: Any, entering: tuple[Any, ...]) -> None:
        others = [axis for axis in range(entering[0].ndim) if axis != 1]
        norm.running_var.copy_(((entering[0].transpose(1, -1) - norm.running_mean) ** 2).transpose(1, -1).mean(others))

    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_pre_hook(settle)
    with torch.no_grad():
        model(*(torch.from_numpy(np.ascontiguousarray(channels_first(x))) for x in inputs))
    return {**weights, **{(place.layer, place.weight): state[path].numpy() for path, place in variances.items()}}


def random_inputs(network: Network, seed: int = 1, batch: int = BATCH) -> list[np.ndarray]:
    """Return a batch for every input, channels last; token ids are below every vocabulary that there is."""
    generator = np.random.default_rng(seed)
    ids = min(_vocabularies(network.body), default=10)
    found: list[np.ndarray] = []
    for step in network.body.steps:
        if isinstance(step.does, Layer) and step.does.is_input and step.output is not None:
            shape = (batch, *(int(size) for size in step.output.sizes))
            is_int = step.output.dtype == "int"
            drawn = generator.integers(0, ids, shape) if is_int else generator.normal(0, 1, shape)
            found.append(drawn.astype(np.int32 if is_int else np.float32))
    return found


def _vocabularies(body: Body) -> Iterator[int]:
    """Return the vocabulary of every table of a body."""
    for step in body.steps:
        if isinstance(step.does, Repeat):
            for run in step.does.runs:
                yield from _vocabularies(run.body)
        elif isinstance(step.does, Use):
            yield from _vocabularies(step.does.body)
        elif isinstance(step.does, Embed):
            yield int(step.does.vocab)


@frozen
class Answer:
    """What a framework makes of a program: outputs (channels last), and what it counts itself."""

    outputs: list[np.ndarray]
    trainable: int
    not_trained: int
    sizes: dict[str, int]
    """Elements of each tensor that it keeps, by path."""


def channels_first(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 1) if array.ndim >= 4 else array


def channels_last(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, 1, -1) if array.ndim >= 4 else array


def _make(emitted: Emitted) -> Any:
    namespace: dict[str, Any] = {"__name__": f"emitted_{emitted.name}"}
    exec(compile(emitted.source, f"<{emitted.name}>", "exec"), namespace)
    make = namespace[emitted.name]
    return make(aux=True) if "aux" in inspect.signature(make).parameters else make()


def by_torch(emitted: Emitted, weights: Arrays, inputs: list[np.ndarray]) -> Answer:
    """Run a PyTorch program."""
    import torch

    model = _make(emitted).eval()
    tensors = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    parameters = dict(model.named_parameters())
    for extra in emitted.extra:  # what is no weight of the language has to be without effect, now and after training
        assert tensors.pop(extra.path).numel() == extra.size, extra
        assert not parameters[extra.path].requires_grad and not parameters[extra.path].any(), extra
    _move(
        emitted.weight_map,
        weights,
        {name: tuple(t.shape) for name, t in tensors.items()},
        lambda name, array: tensors[name].copy_(torch.from_numpy(array)),
    )
    with torch.no_grad():
        answer = model(*(torch.from_numpy(np.ascontiguousarray(channels_first(x))) for x in inputs))
    outputs = answer if isinstance(answer, tuple) else (answer,)
    trained = {name: p.numel() for name, p in parameters.items() if p.requires_grad}
    sizes = {name: tensor.numel() for name, tensor in tensors.items()}
    return Answer(
        [channels_last(output.detach().numpy()) for output in outputs],
        sum(trained.values()),
        sum(size for name, size in sizes.items() if name not in trained),
        sizes,
    )


def by_keras(emitted: Emitted, weights: Arrays, inputs: list[np.ndarray]) -> Answer:
    """Run a Keras program on the backend of this process."""
    import keras

    keras.utils.clear_session(free_memory=False)  # Keras numbers its layers from the start again
    model = _make(emitted)
    known = {location.path for location in emitted.weight_map}
    paths = variables_of(model).items()  # a layer may be called as Keras calls a model
    variables = {path if path in known else path.removeprefix(f"{model.name}/"): v for path, v in paths}
    _move(
        emitted.weight_map,
        weights,
        {path: tuple(v.shape) for path, v in variables.items()},
        lambda path, array: variables[path].assign(array),
    )
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # it computes with what it made of its weights, as when a file is loaded
            layer.finalize_state()
    return of_keras(model, variables, inputs)


def variables_of(model: Any) -> dict[str, Any]:
    """Return the variables of a Keras model by path, but for the states of its random numbers."""
    return {variable.path: variable for variable in model.variables if "seed_generator" not in variable.path}


def of_keras(model: Any, variables: dict[str, Any], inputs: list[np.ndarray]) -> Answer:
    """Run a Keras model that has its weights, which are `variables` by path."""
    import keras

    answer = _call_keras(model, inputs if len(inputs) > 1 else inputs[0])
    outputs = answer if isinstance(answer, list | tuple) else [answer]
    return Answer(
        [keras.ops.convert_to_numpy(output) for output in outputs],
        sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        sum(int(np.prod(v.shape)) for v in variables.values() if not v.trainable),
        {path: int(np.prod(v.shape)) for path, v in variables.items()},
    )


def _call_keras(model: Any, inputs: Any) -> Any:
    import keras

    if keras.backend.backend() != "jax":
        return model(inputs, training=False)
    import jax

    # compiled as one function: JAX would compile each operation by itself otherwise, which takes five times as long
    call = jax.jit(lambda trained, others, x: model.stateless_call(trained, others, x, training=False)[0])
    trained = [variable.value for variable in model.trainable_variables]
    return call(trained, [variable.value for variable in model.non_trainable_variables], inputs)


def fast_keras() -> None:
    """Let Keras start from zeros, and JAX compile without optimising: weights are moved in, and a program runs once.

    JAX compiles each random initializer for each shape of a weight, which takes longer than everything else.
    """
    import keras

    def zeros(self: object, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        return keras.ops.convert_to_tensor(np.zeros(shape, dtype or "float32"))

    drawing = keras.initializers.VarianceScaling.__mro__[
        1
    ]  # the base of those that draw numbers, which has no public name
    for initializer in vars(keras.initializers).values():
        if isinstance(initializer, type) and issubclass(initializer, drawing):
            initializer.__call__ = zeros  # type: ignore[method-assign]
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_disable_most_optimizations", True)
    else:
        import torch

        torch.set_num_threads(1)


def _move(weight_map: tuple[Location, ...], weights: Arrays, shapes: dict[str, tuple[int, ...]], put: Any) -> None:
    """Put every weight in its place, and every place to use, all of it."""
    places = {location.path for location in weight_map}
    assert places == set(shapes), f"the map knows {sorted(places)}, the model has {sorted(shapes)}"
    assert {(location.layer, location.weight) for location in weight_map} == set(weights)
    filled = {path: np.full(shape, np.nan, np.float32) for path, shape in shapes.items()}
    for location in weight_map:
        weight = weights[location.layer, location.weight]
        part = slice(*location.part) if location.part is not None else ...
        filled[location.path][part] = location.arrange(weight, shapes[location.path])
    for path, array in filled.items():
        assert not np.isnan(array).any(), f"no weight fills all of {path}"
        put(path, array)


class Jax:
    """Keras on JAX, in a process of its own: a process has one backend."""

    def __init__(self) -> None:
        environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
        worker = Path(__file__).with_name("jax_worker.py")
        self.process = subprocess.Popen(
            [sys.executable, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def __call__(self, emitted: Emitted, weights: Arrays, inputs: list[np.ndarray]) -> Answer:
        assert self.process.stdin is not None and self.process.stdout is not None
        request = (emitted.name, emitted.source, emitted.weight_map, weights, inputs)
        pickle.dump(request, self.process.stdin)
        self.process.stdin.flush()
        answer = pickle.load(self.process.stdout)
        if isinstance(answer, str):
            raise AssertionError(answer)
        assert isinstance(answer, Answer)
        return answer

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def emit_both(network: Network) -> tuple[Emitted, Emitted]:
    return torch_emitter.emit(network), keras_emitter.emit(network)


def difference(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """Return the largest difference between outputs, as a share of the largest output; infinite for other shapes."""
    if [a.shape for a in one] != [b.shape for b in other]:
        return float("inf")
    worst = 0.0
    for a, b in zip(one, other, strict=True):
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return float("inf")
        largest = max(float(np.abs(a).max()), float(np.abs(b).max()))
        worst = max(worst, float(np.abs(a - b).max()) / largest if largest else 0.0)
    return worst


def is_constant(output: np.ndarray) -> bool:
    """Whether an output says nothing about what it was made from."""
    return output.size > 1 and bool(np.ptp(output) < 1e-6)


def disagreement(network: str | Network, jax: Jax, batch: int = BATCH) -> str:
    """Return what PyTorch, Keras on torch, Keras on JAX and the compiler disagree about on a network; "" if nothing."""
    network = network_of(network) if isinstance(network, str) else network
    text = network.source.text
    weights, inputs = random_weights(network), random_inputs(network, batch=batch)
    for_torch, for_keras = emit_both(network)
    try:
        answers = {
            "torch": by_torch(for_torch, weights, inputs),
            "keras on torch": by_keras(for_keras, weights, inputs),
            "keras on jax": jax(for_keras, weights, inputs),
        }
    except Exception as error:
        return f"{text}\n{type(error).__name__}: {error}\n{for_torch.source}\n{for_keras.source}"
    problems = _problems(network, for_torch, for_keras, answers, batch) + _differences(answers)
    problems += ["the output is constant" for output in answers["torch"].outputs if is_constant(output)]
    return f"{text}\n{problems}\n{for_torch.source}\n{for_keras.source}" if problems else ""


def _problems(
    network: Network, for_torch: Emitted, for_keras: Emitted, answers: dict[str, Answer], batch: int
) -> list[str]:
    """Return what frameworks count, hold or return otherwise than the compiler."""
    problems = [
        problem for name, answer in answers.items() for problem in _against_compiler(name, answer, network, batch)
    ]
    for name, answer in answers.items():
        emitted = for_torch if name == "torch" else for_keras
        if held(emitted, answer.sizes) != declared_sizes(network):
            problems.append(f"{name} holds {held(emitted, answer.sizes)}, we say {declared_sizes(network)}")
    return problems


def _differences(answers: dict[str, Answer]) -> list[str]:
    """Return who computes something else than PyTorch."""
    reference = answers["torch"].outputs
    apart = {name: difference(reference, answer.outputs) for name, answer in answers.items()}
    return [
        f"{name} differs from torch by {by:.2g} of the largest output" for name, by in apart.items() if by > TOLERANCE
    ]


@frozen
class Judgement:
    """What became of the comparison of a program in PyTorch and Keras."""

    disagreement: str = ""
    """The program, the first disagreement, and the code that disagrees; "" if there is none."""
    kind: str = ""
    """What is said of it, without its numbers."""
    is_constant: bool = False
    """Whether every output is, so that a comparison says little."""
    of_backend: str = ""
    """How Keras on torch differs where Keras on JAX agrees with PyTorch."""
    is_unstable: bool = False
    """Whether the outputs differ by what rounding makes of them in PyTorch alone, or no longer for smaller weights."""


@contextmanager
def written_out() -> Iterator[None]:
    """Let code have a class for each of the numbers that a block is used with, and no loop for copies that differ.

    A network has to say then that none of its constants is a number.
    """
    generalised, folded = Blocks.of, loops.folded

    def concrete(self: Blocks, use: Use) -> tuple[General, dict[str, Any]]:
        return General(use.block, use.body, {}, generalised(self, use)[0].tensors), {}

    Blocks.of, loops.folded = concrete, lambda *_: None  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Blocks.of, loops.folded = generalised, folded  # type: ignore[method-assign]


def judge(text: str, jax: Callable[[], Jax], batch: int = BATCH) -> Judgement:
    """Compare PyTorch with Keras on torch and, where these differ, with Keras on JAX, whose word is the last.

    Keras 3.15 has mistakes in its torch backend alone, such as in padded averages, and runs it in this process, which
    is quick.
    """
    network = network_of(text)
    weights, inputs = random_weights(network), random_inputs(network, batch=batch)
    sources = of_backend = ""
    if not inputs:
        return _without_inputs(network, weights)
    try:
        for_torch, for_keras = emit_both(network)
        sources = f"{for_torch.source}\n{for_keras.source}"
        answers = {"torch": by_torch(for_torch, weights, inputs)}
        with written_out():
            plain = torch_emitter.emit(evolve(network, program=None))
            others = by_torch(plain, weights, inputs).outputs
        is_same = all(map(functools.partial(np.array_equal, equal_nan=True), answers["torch"].outputs, others))
        apart = 0.0 if is_same else difference(answers["torch"].outputs, others)
        if apart > 1e-6:  # the same operations in the same order
            message = f"code that is written out differs by {apart:.2g}"
            return Judgement(f"{text}\n{message}\n{sources}\n{plain.source}", "written out")
        try:
            answers["keras on torch"] = by_keras(for_keras, weights, inputs)
            found = _problems(network, for_torch, for_keras, answers, batch) + _differences(answers)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        if found:
            answers.pop("keras on torch", None)
            answers["keras on jax"] = jax()(for_keras, weights, inputs)
            of_backend = found[0]
        problems = _problems(network, for_torch, for_keras, answers, batch)
        differences = _differences(answers)
        is_unstable = bool(differences) and (
            _is_unstable(for_torch, answers, weights, inputs)
            or _is_calmed(for_torch, for_keras, weights, inputs, jax())
        )
    except Exception as error:
        said = str(error).strip().splitlines() or [""]  # an error of the process of JAX says most in its last line
        last = next((line for line in reversed(said) if re.match(r"\w*Error", line)), said[0])
        kind = f"{type(error).__name__} {_without_numbers(last)}"
        return Judgement(f"{text}\n{traceback.format_exc(limit=-3)}\n{sources}", kind)
    problems += [] if is_unstable else differences
    is_said = not problems and not is_unstable
    return Judgement(
        f"{text}\n{problems[0]}\n\n{sources}" if problems else "",
        _without_numbers(problems[0]) if problems else "",
        all(map(is_constant, answers["torch"].outputs)),
        of_backend if is_said else "",
        is_unstable and not problems,
    )


def _without_inputs(network: Network, weights: Arrays) -> Judgement:
    """Run what has no inputs in PyTorch; Keras has no such models, and we have to say so."""
    program = torch_emitter.emit(network)
    try:
        torch_says = by_torch(program, weights, [])
    except Exception as error:
        return Judgement(f"{network.source.text}\n{error}\n{program.source}", f"{type(error).__name__} without inputs")
    try:
        source = keras_emitter.emit(network).source
    except CompileError as refusal:
        assert [found.code for found in refusal.diagnostics] == ["E025"]
        return Judgement("", "", all(map(is_constant, torch_says.outputs)))
    return Judgement(f"{network.source.text}\na Keras program without inputs\n{source}", "without inputs")


def _without_numbers(text: str) -> str:
    return re.sub(r"[\d.,+-]+|'.*|\(.*|\".*", "", text)[:60]


NUDGE = 1e-6
"""A few roundings, as a share of a number."""


def _is_calmed(for_torch: Emitted, for_keras: Emitted, weights: Arrays, inputs: list[np.ndarray], jax: Jax) -> bool:
    """Whether a difference is gone with halves of all weights, for which a wrong program would be as wrong.

    A row of attentions makes numbers of which one softmax after the other takes the largest: a tie is chance.
    """
    halves = {key: array / 2 for key, array in weights.items()}
    one, two = by_torch(for_torch, halves, inputs), jax(for_keras, halves, inputs)
    return difference(one.outputs, two.outputs) <= TOLERANCE


def _is_unstable(for_torch: Emitted, answers: dict[str, Answer], weights: Arrays, inputs: list[np.ndarray]) -> bool:
    """Whether a difference is about as large as what a nudge of all numbers makes, or numbers have grown beyond all."""
    reference, others = answers["torch"].outputs, [answer.outputs for answer in answers.values()]
    if not all(np.isfinite(output).all() for output in reference):
        return all(
            one.shape == two.shape and (np.isfinite(one) == np.isfinite(two)).all()
            for other in others
            for one, two in zip(reference, other, strict=True)
        )
    generator = np.random.default_rng(2)

    def nudged(array: np.ndarray) -> np.ndarray:
        if array.dtype != np.float32:
            return array
        return (array * (1 + NUDGE * generator.uniform(-1, 1, array.shape))).astype(np.float32)

    moved = by_torch(for_torch, {key: nudged(array) for key, array in weights.items()}, list(map(nudged, inputs)))
    change = difference(reference, moved.outputs)
    return all(difference(reference, other) <= 10 * change for other in others)


def open_disagreement(text: str, in_numbers: str, jax: Jax, batch: int = BATCH) -> str:
    """Return what programs of a network with open sizes do otherwise than that of the network on numbers."""
    network = network_of(in_numbers)
    weights, inputs = random_weights(network), random_inputs(network, batch=batch)
    reference = by_torch(torch_emitter.emit(network), weights, inputs)
    for_torch, for_keras = emit_both(network_of(text))
    try:
        answers = {
            "torch": by_torch(for_torch, weights, inputs),
            "keras on torch": by_keras(for_keras, weights, inputs),
            "keras on jax": jax(for_keras, weights, inputs),
        }
    except Exception as error:
        return f"{text}\n{type(error).__name__}: {error}\n{for_torch.source}\n{for_keras.source}"
    problems = []
    for name, answer in answers.items():
        apart = difference(reference.outputs, answer.outputs)
        if apart > TOLERANCE:
            problems.append(f"{name} differs by {apart:.2g} of the largest output")
    return f"{text}\n{problems}\n{for_torch.source}\n{for_keras.source}" if problems else ""


def _against_compiler(name: str, answer: Answer, network: Network, batch: int) -> Iterator[str]:
    """Compare what a framework counts with what the compiler counts, and the shapes that leave."""
    counts = count(network)
    assert counts is not None
    if (answer.trainable, answer.not_trained) != (counts.trainable, counts.not_trained):
        yield f"{name} counts {answer.trainable} + {answer.not_trained}, we {counts.trainable} + {counts.not_trained}"
    outputs = sorted(network.outputs, key=lambda output: output.aux)  # those of training alone come last
    shapes = [(batch, *network.body.tensor(output.value).sizes) for output in outputs]  # type: ignore[union-attr]
    if [output.shape for output in answer.outputs] != shapes:
        yield f"{name} returns {[output.shape for output in answer.outputs]}, we say {shapes}"


def differ(text: str, changed: str) -> bool:
    """Whether a PyTorch program of one network and a Keras program of another are told apart by the comparison."""
    network, other = network_of(text), network_of(changed)
    weights, inputs = random_weights(network), random_inputs(network)
    try:
        one = by_torch(torch_emitter.emit(network), weights, inputs)
        two = by_keras(keras_emitter.emit(other), weights, inputs)
    except Exception:
        return True  # the weights do not even fit
    return difference(one.outputs, two.outputs) > TOLERANCE
