"""Weights that move: between the two emitted programs, and between their models and files.

In between, the weights of a network are NumPy arrays under names of the language's own, in an order that no framework
has a say in. A name is that of the layer, as `netdsl summary` shows it, and that of the weight, as `netdsl layers
NAME` shows it: `conv_1.kernel`, `stage_1.bottleneck_2.conv_1.kernel`. The copies of a repeat are numbered from 1, as in
`body.3.conv_1.kernel`, and so are the experts of `moe`. A shared block has one set of weights, named after its first
use in the text. Shapes are those that the layers declare, channels last: the kernel of `conv 8@3x5` on 4 channels is
3x5x4x8, that of `dense 10` on a map 7x7x32 is 1568x10, with height, width and channels in this order.

Layers that only `aux` outputs need have weights in those models alone that were built with `aux=True`. They move where
both sides have them, and are left out where the target has none.

    from netdsl import weights

    weights.copy(net, trained, net.build("keras"))
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from math import prod
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, TypeAlias
from zipfile import is_zipfile

from attrs import frozen

from .analysis.counts import only_in_training
from .emit.emitted import Location
from .files import in_words
from .layer import Layer, show_shape
from .net import Net
from .network import Body, Experts, If, Network, Repeat, Use

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
    Arrays: TypeAlias = dict[str, Array]

FORMAT, VERSION = "netdsl", 1
"""The key of the metadata in a `.safetensors` file of ours, and the version that stands there, beside the network's
name, as JSON; under one key, as safetensors writes several in any order, and files would differ."""
ENDINGS = (".safetensors", ".pt", ".pth", ".keras", ".weights.h5")
"""What files of weights are called: ours, a `state_dict` of PyTorch (twice), and the two kinds of Keras."""
MOST_PROBLEMS = 8
"""Lines in a message about a model that does not fit."""


class WeightsError(Exception):
    """A model or a file does not hold the weights of a network, or a file cannot be used; the message says why."""


# The weights of a network


@frozen
class _Declared:
    """A weight as a layer declares it; `is_aux` where only outputs for training alone need it."""

    shape: tuple[int, ...]
    is_aux: bool
    is_shared: bool


def shapes(net: Net) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight of every copy by its name, in the order of the text."""
    return {name: declared.shape for name, declared in _declared(net.network).items()}


def _declared(network: Network) -> dict[str, _Declared]:
    aux = only_in_training(network)
    needed = {body for step in network.body.steps if step not in aux for body in _shared_bodies(step.does)}
    found: dict[str, _Declared] = {}
    seen: set[Body] = set()

    def declare(layer: Layer, tensors: tuple[Any, ...], name: str, is_aux: bool, is_shared: bool) -> None:
        for weight in layer.weights(*tensors):
            if weight.present and not weight.tied:
                shape = tuple(int(size) for size in weight.shape)
                found[f"{name}.{weight.name}"] = _Declared(shape, is_aux, is_shared)

    def walk(body: Body, prefix: str, is_aux: bool, is_shared: bool) -> None:
        for step in body.steps:
            name, does = prefix + step.full_name, step.does
            is_aux_here = is_aux or step in aux
            tensors = tuple(body.tensor(value) for value in step.inputs)
            if isinstance(does, Repeat):
                bodies = [run.body for run in does.runs for _ in range(run.times)]
                for copy, one in enumerate(bodies, 1):
                    walk(one, f"{name}.{copy}.", is_aux_here, is_shared)
            elif isinstance(does, Use):
                if does.is_shared and does.body in seen:
                    continue
                seen.add(does.body)
                of_aux = does.body not in needed if does.is_shared else is_aux_here
                walk(does.body, f"{name}.", of_aux, is_shared or does.is_shared)
            elif isinstance(does, Experts):
                declare(does.router, tensors, name, is_aux_here, is_shared)
                for copy in range(1, int(does.router.experts) + 1):
                    walk(does.body, f"{name}.{copy}.", is_aux_here, is_shared)
            elif isinstance(does, Layer):
                declare(does, tensors, name, is_aux_here, is_shared)

    walk(network.body, "", False, False)
    return found


def _has_aux(network: Network, names: Collection[str]) -> bool:
    """Whether weights are those of a model with its outputs for training.

    PyTorch's has the weights of shared blocks without them too, so only where there are no others these tell.
    """
    aux = {name: weight for name, weight in _declared(network).items() if weight.is_aux}
    return any(name in names for name in [name for name in aux if not aux[name].is_shared] or aux)


def _shared_bodies(does: Layer | Repeat | Use | Experts | If | None) -> Iterator[Body]:
    """Return the bodies of the shared blocks in a step."""
    bodies: list[Body] = []
    if isinstance(does, Repeat):
        bodies = [run.body for run in does.runs]
    elif isinstance(does, Use | Experts):
        bodies = [does.body]
        if isinstance(does, Use) and does.is_shared:
            yield does.body
    for body in bodies:
        for step in body.steps:
            yield from _shared_bodies(step.does)


# Models


def read(net: Net, model: Any) -> Arrays:
    """Return the weights of a model of a network as arrays of `shapes(net)`, copied to the memory of the processor.

    The model is that of either emitted program, or a `state_dict` of the PyTorch one, on any device, in evaluation or
    in training. Numbers keep their precision; those that NumPy lacks, such as bfloat16, become float32. Raises
    WeightsError where the model does not fit, and where a tensor that PyTorch keeps beyond the weights of the language
    (its second bias in `rnn` and `lstm`) is not zero.
    """
    return _read(net, _held(net, model), "the model")


def write(net: Net, model: Any, arrays: Mapping[str, Array]) -> None:
    """Put arrays of `shapes(net)` into a model of a network, in the numbers that it has.

    What PyTorch keeps beyond the weights of the language becomes zero. Raises WeightsError where the arrays or the
    model do not fit; the model is then as it was.
    """
    _write(net, _held(net, model), arrays)


def copy(net: Net, source: Any, target: Any) -> None:
    """Put the weights of one model of a network into another, of the same framework or of the other one.

    Raises WeightsError where one of them does not fit; the target is then as it was.
    """
    write(net, target, _read(net, _held(net, source), "the source"))


@frozen
class _Held:
    """The tensors of a model, by the paths of the weight map of its framework."""

    target: str
    tensors: dict[str, Any]
    shown: dict[str, str]
    """What they are called in the model, where that is something else."""
    unclaimed: tuple[str, ...]
    has_aux: bool
    put: Callable[[Any, Array], object]
    finish: Callable[[], object]


def _name(location: Location) -> str:
    return f"{location.layer}.{location.weight}"


def _in_order(locations: list[Location]) -> list[int]:
    """Return in which order parts stand in a packed tensor."""
    return sorted(range(len(locations)), key=lambda place: locations[place].part or (0, 0))


def _read(net: Net, held: _Held, what: str) -> Arrays:
    np = _numpy()
    places = _places(net, held, what)
    for extra in net._emitted(held.target).extra:
        if extra.path in held.tensors and _plain(held.tensors[extra.path]).any():
            raise WeightsError(
                f"{what} has values in `{extra.path}`, PyTorch's second bias of {extra.layer}, where the language has "
                f"one bias: add it to the first, `{extra.path.replace('bias_hh', 'bias_ih')}`, and set it to zero"
            )
    declared = _declared(net.network)
    found: Arrays = {}
    for location in places:
        stored = _plain(held.tensors[location.path])
        found[_name(location)] = np.array(location.restore(stored, declared[_name(location)].shape), order="C")
    return {name: found[name] for name in declared if name in found}


def _write(net: Net, held: _Held, arrays: Mapping[str, Array]) -> None:
    places = _places(net, held, "the model")
    _check(net, arrays, "what is written", [_name(location) for location in places])
    np = _numpy()
    by_path: dict[str, list[Location]] = {}
    for location in places:
        by_path.setdefault(location.path, []).append(location)
    for path, locations in by_path.items():
        shape = tuple(held.tensors[path].shape)
        parts = [location.arrange(_plain(arrays[_name(location)]), shape) for location in locations]
        if locations[0].part is None:
            (whole,) = parts
        else:
            whole = np.concatenate([parts[place] for place in _in_order(locations)])
        held.put(held.tensors[path], np.array(whole, order="C"))  # a copy, which nobody else can change
    for extra in net._emitted(held.target).extra:
        if extra.path in held.tensors:
            held.put(held.tensors[extra.path], np.zeros(tuple(held.tensors[extra.path].shape), np.float32))
    held.finish()


def _places(net: Net, held: _Held, what: str) -> list[Location]:
    """Return where the weights are that a model of this kind has. Raises WeightsError where it does not fit."""
    emitted = net._emitted(held.target)
    declared = _declared(net.network)
    ends: dict[str, int] = {}
    for location in emitted.weight_map:
        if location.part is not None:
            ends[location.path] = max(ends.get(location.path, 0), location.part[1])
    places, problems = [], []
    for location in emitted.weight_map:
        weight = declared[_name(location)]
        if weight.is_aux and not held.has_aux:
            continue
        places.append(location)
        shown = held.shown.get(location.path, location.path)
        if location.path not in held.tensors:
            problems.append(f"{_name(location)}: there is no `{shown}`")
            continue
        found = tuple(held.tensors[location.path].shape)
        wanted = tuple(weight.shape[axis] for axis in location.axes)
        is_right = _is_laid_out(found, wanted)
        if location.part is not None:
            rows, end = location.part[1] - location.part[0], ends[location.path]
            is_right = found[:1] == (end,) and _is_laid_out((rows, *found[1:]), wanted)
            wanted = (end, *(wanted[1:] if wanted[0] == rows else wanted))
        if not is_right:
            problems.append(f"{_name(location)}: `{shown}` is {_show(found)}, and {_show(wanted)} is wanted")
    layers = {location.layer for location in places}
    for extra in emitted.extra:
        if extra.layer not in layers:
            continue
        if extra.path not in held.tensors:
            problems.append(f"{extra.layer}: there is no `{extra.path}`, PyTorch's second bias")
        elif prod(held.tensors[extra.path].shape) != extra.size:
            found = tuple(held.tensors[extra.path].shape)
            problems.append(f"{extra.layer}: `{extra.path}` is {_show(found)}, and {extra.size} is wanted")
    problems += [f"`{name}` is no weight of the network" for name in held.unclaimed]
    _raise(net, what, problems)
    return places


def _is_laid_out(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a target may have given a weight this shape, as far as it can be seen.

    Targets add axes of size 1, split one axis in two (heads and the channels of each), and merge two of a depthwise
    kernel, its channels and their multiples, which are the first ones or the last.
    """
    if len(found) == len(wanted) < 3:
        return found == wanted
    if len(found) == len(wanted):
        return found in (wanted, (prod(wanted[:2]), 1, *wanted[2:]), (*wanted[:-2], 1, prod(wanted[-2:])))
    if [size for size in found if size != 1] == [size for size in wanted if size != 1]:
        return True
    splits = ((*found[:axis], prod(found[axis : axis + 2]), *found[axis + 2 :]) for axis in range(len(found) - 1))
    return wanted in splits


def _show(shape: tuple[int, ...]) -> str:
    return show_shape(shape) or "a single number"


def _raise(net: Net, what: str, problems: list[str]) -> None:
    """Raise what is wrong, if something is."""
    if not problems:
        return
    shown = problems if len(problems) <= MOST_PROBLEMS else problems[: MOST_PROBLEMS - 1]
    more = len(problems) - len(shown)
    lines = [f"{what} does not fit {net.name}", *shown, *([f"and {more} more"] if more else [])]
    raise WeightsError("\n  ".join(lines))


def _check(net: Net, arrays: Mapping[str, Array], what: str, wanted: Collection[str]) -> None:
    """Raise WeightsError where arrays are not those of the network, or wanted ones are missing."""
    declared = _declared(net.network)
    problems = [
        f"{name} is missing" + " (it serves training alone)" * declared[name].is_aux
        for name in wanted
        if name not in arrays
    ]
    for name, weight in declared.items():
        found = tuple(_numpy().shape(arrays[name])) if name in arrays else weight.shape
        if found != weight.shape:
            problems.append(f"{name} is {_show(found)}, and {_show(weight.shape)} is wanted")
    problems += [f"`{name}` is no weight of the network" for name in arrays if name not in declared]
    _raise(net, what, problems)


def _plain(tensor: Any) -> Any:
    """Return a tensor of any framework as an array of numbers that NumPy has."""
    np = _numpy()
    if hasattr(tensor, "assign"):  # a variable of Keras
        tensor = tensor.value
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        if "float8" in str(tensor.dtype) or "bfloat16" in str(tensor.dtype):
            tensor = tensor.float()
        return tensor.numpy()
    array = np.asarray(tensor)
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)


def _held(net: Net, model: Any) -> _Held:
    """Return the tensors of a model, whose framework has been loaded if the model is one of it."""
    keras, torch = sys.modules.get("keras"), sys.modules.get("torch")
    if keras is not None and isinstance(model, keras.Model):  # on PyTorch, it is a torch.nn.Module too
        return _held_by_keras(net, model)
    if torch is not None and isinstance(model, torch.nn.Module):
        return _held_by_torch(net, model.state_dict(), getattr(model, "aux", None))
    if isinstance(model, Mapping):
        return _held_by_torch(net, model)
    raise WeightsError(f"{type(model).__name__} is no torch.nn.Module, no state_dict of one, and no keras.Model")


# PyTorch


def _held_by_torch(net: Net, state: Mapping[str, Any], has_aux: bool | None = None) -> _Held:
    emitted = net._emitted("torch")
    paths = {location.path for location in emitted.weight_map}
    tensors = _unwrapped({name: tensor for name, tensor in state.items() if hasattr(tensor, "shape")}, paths)
    known = paths | {extra.path for extra in emitted.extra}
    unclaimed = tuple(name for name in tensors if name not in known and not name.endswith(".num_batches_tracked"))

    if has_aux is None:
        has_aux = _has_aux(net.network, {_name(place) for place in emitted.weight_map if place.path in tensors})

    def put(tensor: Any, array: Array) -> None:
        torch = import_module("torch")
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(array))

    return _Held("torch", tensors, {}, unclaimed, has_aux, put, lambda: None)


def _unwrapped(state: dict[str, Any], paths: set[str]) -> dict[str, Any]:
    """Return a state_dict without what wrappers, as `torch.compile` and parallel ones, put before every name."""
    for prefix in ("_orig_mod.", "module."):
        if state and all(name.startswith(prefix) and name not in paths for name in state):
            return _unwrapped({name.removeprefix(prefix): tensor for name, tensor in state.items()}, paths)
    return state


# Keras


def _held_by_keras(net: Net, model: Any) -> _Held:
    emitted = net._emitted("keras")
    declared = _declared(net.network)
    main = sum(not output.aux for output in net.network.outputs)
    has_aux = len(model.outputs) > main
    paths = {location.path for location in emitted.weight_map if has_aux or not declared[_name(location)].is_aux}

    layers = list(_layers(model))
    numbered: dict[str, dict[int, Any]] = {}
    """The layers with weights that Keras has named, by kind and number."""
    for layer, own in layers:
        kind, number = _numbered(layer.name)
        if own and kind == _snake_case(type(layer).__name__):
            numbered.setdefault(kind, {})[number] = layer
    places = {
        id(numbered[kind][number]): (kind, place)
        for kind in numbered
        for place, number in enumerate(sorted(numbered[kind]))
    }
    variables: dict[tuple[Any, str], Any] = {}
    unclaimed = []
    for layer, own in layers:
        for variable in own:
            path = f"/{variable.path}".rpartition(f"/{layer.name}/")[2].removeprefix("/")
            key: Any = (places.get(id(layer), layer.name), _without_numbers(path))
            if key in variables:
                unclaimed.append(variable.path)
            variables.setdefault(key, variable)

    # the map has the names of the first model of a session: in any other one the numbers have grown, in the same order
    first: dict[str, set[int]] = {}
    for path in paths:
        kind, number = _numbered(path.partition("/")[0])
        if kind in numbered:
            first.setdefault(kind, set()).add(number)
    order = {kind: {number: place for place, number in enumerate(sorted(numbers))} for kind, numbers in first.items()}
    tensors, shown = {}, {}
    for path in paths:
        name, _, inside = path.partition("/")
        kind, number = _numbered(name)
        key = ((kind, order[kind][number]) if kind in order else name, _without_numbers(inside))
        if key in variables:
            variable = variables.pop(key)
            tensors[path], shown[path] = variable, variable.path
    of_layers = {id(variable) for _, own in layers for variable in own}
    unclaimed += [variable.path for variable in variables.values()]
    unclaimed += [variable.path for variable in model.weights if id(variable) not in of_layers]

    def finish() -> None:
        for layer, _ in layers:
            if hasattr(layer, "finalize_state"):  # it computes with what it made of its weights
                layer.finalize_state()

    return _Held(
        "keras", tensors, shown, tuple(unclaimed), has_aux, lambda variable, array: variable.assign(array), finish
    )


def _layers(model: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Return the layers of a model and of the models in it, each once, with the weights of its own."""
    keras = import_module("keras")
    waiting, seen = [model], set()
    while waiting:
        layer = waiting.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if isinstance(layer, keras.Model):
            waiting += layer.layers
        else:
            experts = list(getattr(layer, "experts", ()))  # models of their own in our mixture of experts
            waiting += experts
            theirs = {id(weight) for expert in experts for weight in expert.weights}
            yield layer, [weight for weight in layer.weights if id(weight) not in theirs]


def _numbered(name: str) -> tuple[str, int]:
    """Return the kind and the number in a name that Keras gives: `conv2d`, `conv2d_1`, `conv2d_2`."""
    kind, _, number = name.rpartition("_")
    return (kind, int(number)) if kind and number.isdecimal() else (name, 0)


def _without_numbers(path: str) -> str:
    """Return a path without the numbers of the layers in it."""
    *layers, attribute = path.split("/")
    return "/".join((*(_numbered(layer)[0] for layer in layers), attribute))


def _snake_case(name: str) -> str:
    """Return the name that Keras gives to a layer of a class, as `keras.src.utils.naming` makes it."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


# Files


def save(net: Net, model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights of a model of a network to a `.safetensors` file, under their names in the language.

    Raises WeightsError where the model does not fit, or the file cannot be written.
    """
    _only_ours(path)
    write_file(net, path, read(net, model))


def load(net: Net, path: str | os.PathLike[str], model: Any) -> None:
    """Put the weights in a `.safetensors` file into a model of a network.

    Raises WeightsError where the file cannot be read, or the two do not fit; the model is then as it was.
    """
    _only_ours(path)
    write(net, model, read_file(net, path))


def _only_ours(path: str | os.PathLike[str]) -> None:
    if _ending(os.fspath(path)) != ".safetensors":
        raise WeightsError(
            f"`{os.fspath(path)}` should end in .safetensors; `convert` makes other kinds of such a file"
        )


def convert(net: Net, source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Arrays:
    """Write the weights in one file of a network to another, replacing it, and return them.

    The kinds of file are those of `read_file` and `write_file`, and so is what is raised.
    """
    _ending(os.fspath(target))  # what it is called is wrong or right, however long reading takes
    arrays = read_file(net, source)
    write_file(net, target, arrays)
    return arrays


def read_file(net: Net, path: str | os.PathLike[str]) -> Arrays:
    """Return the weights of a network that are in a file, as arrays of `shapes(net)`.

    The ending says what it is: `.safetensors` is one that `save` has written, or the `state_dict` of a PyTorch model
    (without the metadata that `save` writes); `.pt` and `.pth` are a `state_dict`, of which nothing but tensors is
    read; `.keras` is a whole model and `.weights.h5` its weights. Raises WeightsError where the file cannot be read,
    does not fit, or needs a package that is not installed.
    """
    path = os.fspath(path)
    ending = _ending(path)
    _numpy()
    try:
        with open(path, "rb"):
            pass
    except OSError as reason:
        raise WeightsError(f"cannot read `{path}`: {in_words(reason)}") from None
    if ending == ".safetensors":
        return _read_safetensors(net, path)
    if ending == ".keras":
        return _read(net, _held_by_keras(net, _keras_model(net, path)), f"`{path}`")
    if ending == ".weights.h5":
        return _read_keras_weights(net, path)
    return _read(net, _held_by_torch(net, _state(path)), f"`{path}`")


def write_file(net: Net, path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write arrays of `shapes(net)` to a file, replacing it: `.safetensors` under their names in the language, others
    for the model of an emitted program, built with `aux=True` if there are weights for it.

    Raises WeightsError where the arrays do not fit, the file cannot be written, or a package is not installed.
    """
    path = os.fspath(path)
    ending = _ending(path)
    np = _numpy()
    declared = _declared(net.network)
    has_aux = _has_aux(net.network, arrays.keys())
    names = [name for name, weight in declared.items() if has_aux or not weight.is_aux]
    _check(net, arrays, "what is written", names)
    with _replaced(path, ending) as unfinished:
        if ending == ".safetensors":
            metadata = {FORMAT: json.dumps({"version": VERSION, "network": net.name})}
            kept = {name: np.ascontiguousarray(_plain(arrays[name])) for name in names}
            _module("safetensors.numpy", "weights").save_file(kept, unfinished, metadata)
        elif ending in (".pt", ".pth"):
            torch = _module("torch", "torch")
            with torch.device("meta"):  # a model without memory, and without time spent on starting weights
                model = net.build("torch", aux=has_aux)
            state = {name: torch.zeros(like.shape, dtype=like.dtype) for name, like in model.state_dict().items()}
            _write(net, _held_by_torch(net, state, has_aux), arrays)
            torch.save(state, unfinished)
        else:
            _module("keras", "keras")
            model = net.build("keras", aux=has_aux)
            write(net, model, arrays)
            (model.save if ending == ".keras" else model.save_weights)(unfinished)


@contextmanager
def _replaced(path: str, ending: str) -> Iterator[str]:
    """Give the path of a new file that then takes the place of another, so that no one ever sees half of it."""
    path = os.path.realpath(path)
    unfinished = f"{path}.{os.getpid()}.tmp{ending}"
    try:
        with open(unfinished, "xb"):
            pass
        yield unfinished
        if os.path.exists(path):
            os.chmod(unfinished, os.stat(path).st_mode)
        os.replace(unfinished, path)
    except OSError as reason:
        raise WeightsError(f"cannot write `{path}`: {in_words(reason)}") from None
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def _ending(path: str) -> str:
    """Return which kind of file a path names. Raises WeightsError where it is none of weights."""
    for ending in ENDINGS:
        if path.endswith(ending):
            return ending
    cure = "; save it as .keras or .weights.h5" if path.endswith((".h5", ".hdf5")) else ""
    raise WeightsError(f"`{path}` is no file of weights: these end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}{cure}")


def _read_safetensors(net: Net, path: str) -> Arrays:
    safetensors = _module("safetensors", "weights")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            names = list(file.keys())
            lacks = any(file.get_slice(name).get_dtype() not in _DTYPES for name in names)
            tensors = {} if lacks else {name: file.get_tensor(name) for name in names}
        if lacks:  # NumPy has no such numbers, and PyTorch has
            _module("torch", "torch")
            with safetensors.safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in names}
    except safetensors.SafetensorError as reason:
        raise WeightsError(f"`{path}` is damaged, or no safetensors file: {_in_short(reason)}") from None
    if FORMAT not in metadata:
        return _read(net, _held_by_torch(net, tensors), f"`{path}`, a state_dict of PyTorch,")
    version = re.search(r'"version": (\d+)', metadata[FORMAT])
    if version is None or int(version[1]) != VERSION:
        raise WeightsError(f"`{path}` was written by another version of netdsl: {metadata[FORMAT]}")
    declared = _declared(net.network)
    _check(net, tensors, f"`{path}`", [name for name, weight in declared.items() if not weight.is_aux])
    return {name: _plain(tensors[name]) for name in declared if name in tensors}


_DTYPES = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")
"""What safetensors calls the numbers that NumPy has."""


def _state(path: str) -> Mapping[str, Any]:
    """Return the state_dict in a file of PyTorch."""
    torch = _module("torch", "torch")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as reason:  # PyTorch raises whatever its own code comes upon
        with open(path, "rb") as file:
            is_pickled = file.read(2) in (b"PK", b"\x80\x02")
        if is_pickled and isinstance(reason, UnpicklingError):
            said = f"`{path}` holds more than tensors, and is not opened: save `model.state_dict()`"
        else:
            said = f"`{path}` is damaged, or no file of PyTorch"
        raise WeightsError(said) from None
    if isinstance(state, Mapping) and state and all(hasattr(tensor, "shape") for tensor in state.values()):
        return state
    holds = type(state).__name__
    if isinstance(state, Mapping):
        holds = f"a dictionary of {', '.join(f'`{name}`' for name in list(state)[:5])}" if state else "nothing"
    raise WeightsError(f"`{path}` holds {holds}, and no state_dict; save `model.state_dict()`")


def _keras_model(net: Net, path: str) -> Any:
    """Return the model in a `.keras` file, with the classes of the emitted program."""
    keras = _module("keras", "keras")
    if not is_zipfile(path):  # Keras would say that there is no such file
        raise _no_file_of_keras(path)
    classes = {}
    for value in vars(sys.modules[net._runnable("keras").__module__]).values():
        if isinstance(value, type) and issubclass(value, keras.layers.Layer):
            classes[keras.saving.get_registered_name(value)] = classes[value.__name__] = value
    try:
        return keras.saving.load_model(path, custom_objects=classes, compile=False)
    except Exception as reason:  # Keras raises whatever its own code comes upon
        raise WeightsError(f"`{path}` is damaged, or no model of {net.name} in Keras: {_in_short(reason)}") from None


def _no_file_of_keras(path: str) -> WeightsError:
    return WeightsError(f"`{path}` is damaged, or no file of Keras")


def _read_keras_weights(net: Net, path: str) -> Arrays:
    """Return what a `.weights.h5` file holds: it knows weights by the order of layers, so a model has to be built."""
    _module("keras", "keras")
    problem = None
    for aux in (False, True) if any(output.aux for output in net.network.outputs) else (False,):
        model = net.build("keras", aux=aux)
        try:
            model.load_weights(path)
        except OSError:
            raise _no_file_of_keras(path) from None
        except Exception as reason:  # Keras raises whatever its own code comes upon
            problem = problem or f"`{path}` does not fit {net.name}: {_unloaded(reason)}"
            continue
        found, wanted = _elements(path), sum(prod(weight.shape) for weight in model.weights)
        if found == wanted:
            return read(net, model)
        problem = problem or f"`{path}` does not fit {net.name}: it holds {found:,} numbers, and {wanted:,} are wanted"
    raise WeightsError(str(problem))


def _elements(path: str) -> int:
    """Return how many numbers a `.weights.h5` file has for layers; Keras says nothing of those that it does not use."""
    found = []

    def count(name: str, value: Any) -> None:
        if hasattr(value, "shape") and name.startswith("layers/") and "seed_generator" not in name:
            found.append(prod(value.shape))

    with import_module("h5py").File(path, "r") as file:
        file.visititems(count)
    return sum(found)


def _unloaded(reason: Exception) -> str:
    """Return what Keras says of the first weight that it could not fill, without what it says of all others."""
    said = str(reason)
    path = re.search(r"<Variable path=([^,]+), shape=\(([\d, ]*)\)", said)
    found = re.search(r"value\.shape=[^\d]*([\d, ]*)", said)
    if path and found:
        sizes = [tuple(int(size) for size in re.findall(r"\d+", text)) for text in (found[1], path[2])]
        return f"`{path[1]}` is {_show(sizes[0])}, and {_show(sizes[1])} is wanted"
    layer = re.search(r"object <\w+ name=([^,>]+)", said)
    return (f"in the layer `{layer[1]}` of Keras, " if layer else "") + _in_short(reason)


def _in_short(reason: Exception) -> str:
    """Return the first sentence of a message that is not ours."""
    said = next((line.strip() for line in str(reason).splitlines() if line.strip()), type(reason).__name__)
    return said.partition(". ")[0].removesuffix(".")[:200]


def _module(name: str, extra: str) -> Any:
    """Return a module that is not always installed. Raises WeightsError with what installs it."""
    package = name.partition(".")[0]
    try:
        import_module(package)
        return import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != package:  # a backend of Keras
            raise WeightsError(f"{name} needs {missing.name}, which is not installed") from None
        raise WeightsError(f"{missing.name} is not installed; `pip install 'netdsl[{extra}]'` installs it") from None


def _numpy() -> Any:
    return _module("numpy", "weights")
