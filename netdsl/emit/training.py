"""The training start of both targets: losses and optimizers, each spelled for both, and the functions that use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from keyword import iskeyword
from typing import Any

from attrs import frozen

from ..diagnostics import CompileError, Diagnostic
from ..layer import Layer, Tensor
from ..network import Body, Experts, Network, Output, Repeat, Use
from ..size import symbols
from ..training import Train
from . import code
from .calls import LAST, Layout
from .skeleton import without_underscores


@frozen
class Start:
    """What stands behind the model in a module, and the words that it needs imported."""

    statements: tuple[code.Statement, ...] = ()
    words: frozenset[str] = frozenset()


@frozen
class Labels:
    """An output and its labels as PyTorch has them, and whether the labels are class numbers."""

    output: code.Expression
    y: code.Expression
    axis: int
    """Of the classes in PyTorch: 1 or -1."""
    are_numbers: bool
    is_picture: bool
    """Whether the output has a height, a width and channels."""

    def with_classes_second(self, value: code.Expression) -> code.Expression:
        """Return a tensor with the axis of the classes where PyTorch's losses look for it."""
        return value if self.axis == 1 else _method(value, "movedim", -1, 1)


@frozen
class Loss:
    """What a loss is, for readers, and how both targets spell it; each is the mean over examples and positions."""

    says: str
    spell: Callable[[Labels], tuple[code.Expression, code.Expression]]
    """The loss in PyTorch, and the object that Keras takes."""
    takes_numbers: bool = False


SMALLEST = 1e-7  # Keras keeps probabilities that far away from 0 and 1


def _cross_entropy(labels: Labels) -> tuple[code.Expression, code.Expression]:
    # Keras brings them to a sum of 1, as the softmax in F.cross_entropy does to those that their logarithms are of
    logarithms = _method(_method(labels.output, "clamp", min=SMALLEST), "log")
    return _cross_entropy_of_torch(labels, logarithms), code.call(_cross_entropy_of_keras(labels))


def _cross_entropy_logits(labels: Labels) -> tuple[code.Expression, code.Expression]:
    return (
        _cross_entropy_of_torch(labels, labels.output),
        code.call(_cross_entropy_of_keras(labels), from_logits=True),
    )


def _cross_entropy_of_torch(labels: Labels, logits: code.Expression) -> code.Expression:
    y = labels.y if labels.are_numbers else labels.with_classes_second(labels.y)
    return code.call("F.cross_entropy", labels.with_classes_second(logits), y)


def _cross_entropy_of_keras(labels: Labels) -> str:
    return f"keras.losses.{'Sparse' if labels.are_numbers else ''}CategoricalCrossentropy"


def _nll(labels: Labels) -> tuple[code.Expression, code.Expression]:
    if labels.are_numbers:
        output = labels.with_classes_second(labels.output)
        if labels.is_picture:
            output = _method(output, "contiguous")  # PyTorch cannot go back through others on a CPU
        return code.call("F.nll_loss", output, labels.y), NLL
    summed = _method(code.binary("*", labels.y, labels.output), "sum", labels.axis)
    return code.Unary("-", _method(summed, "mean")), NLL_OF_VALUES


NLL, NLL_OF_VALUES = code.Name("nll"), code.Name("nll_of_values")

LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss("cross-entropy of probabilities", _cross_entropy, takes_numbers=True),
    "cross_entropy_logits": Loss("cross-entropy of logits", _cross_entropy_logits, takes_numbers=True),
    "binary_cross_entropy": Loss(
        "binary cross-entropy of probabilities",
        lambda labels: (
            code.call(
                "F.binary_cross_entropy",
                _method(labels.output, "clamp", SMALLEST, code.binary("-", 1, SMALLEST)),
                labels.y,
            ),
            code.call("keras.losses.BinaryCrossentropy"),
        ),
    ),
    "binary_cross_entropy_logits": Loss(
        "binary cross-entropy of logits",
        lambda labels: (
            code.call("F.binary_cross_entropy_with_logits", labels.output, labels.y),
            code.call("keras.losses.BinaryCrossentropy", from_logits=True),
        ),
    ),
    "nll": Loss("negative log-likelihood of log-probabilities", _nll, takes_numbers=True),
    "mse": Loss(
        "mean squared error",
        lambda labels: (
            code.call("F.mse_loss", labels.output, labels.y),
            code.call("keras.losses.MeanSquaredError"),
        ),
    ),
    "mae": Loss(
        "mean absolute error",
        lambda labels: (
            code.call("F.l1_loss", labels.output, labels.y),
            code.call("keras.losses.MeanAbsoluteError"),
        ),
    ),
    "huber": Loss(
        "Huber loss",
        lambda labels: (
            code.call("F.huber_loss", labels.output, labels.y),  # both bend at 1
            code.call("keras.losses.Huber"),
        ),
    ),
}


@frozen
class Optimizer:
    """A rate for where the text has none, and a function with keywords in both targets."""

    rate: float
    torch: tuple[str, dict[str, float]]
    keras: tuple[str, dict[str, float]]


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(0.01, ("torch.optim.SGD", {}), ("keras.optimizers.SGD", {})),
    "momentum": Optimizer(0.01, ("torch.optim.SGD", {"momentum": 0.9}), ("keras.optimizers.SGD", {"momentum": 0.9})),
    # Keras' epsilon is 1e-7, and PyTorch's 1e-8
    "adam": Optimizer(0.001, ("torch.optim.Adam", {}), ("keras.optimizers.Adam", {"epsilon": 1e-8})),
    # Keras' decay is 0.004, and PyTorch's 0.01
    "adamw": Optimizer(
        0.001,
        ("torch.optim.AdamW", {"weight_decay": 0.01}),
        ("keras.optimizers.AdamW", {"weight_decay": 0.01, "epsilon": 1e-8}),
    ),
    # the share that is kept is 0.9 in Keras, and 0.99 in PyTorch; Keras adds its epsilon inside of the root
    "rmsprop": Optimizer(
        0.001,
        ("torch.optim.RMSprop", {"alpha": 0.9}),
        ("keras.optimizers.RMSprop", {"rho": 0.9, "epsilon": 1e-16}),
    ),
}
USUAL_OPTIMIZER = "adam"


@frozen
class Trained:
    """An output that is trained, at its place among all that the model returns."""

    output: Output
    tensor: Tensor
    place: int
    loss: Loss
    are_numbers: bool


@frozen
class Plan:
    """What the trainings of a network come to."""

    trained: tuple[Trained, ...]
    outputs: int
    """How many tensors the model returns: with those for training alone, if one of these is trained."""
    has_aux: bool
    optimizer: Optimizer
    rate: float


def for_torch(network: Network, natural: Callable[[Tensor], Layout]) -> Start:
    """Return the functions `loss`, `make_optimizer` and `training_step`; `natural` says where channels are."""
    plan = planned(network)
    if plan is None:
        return Start()
    terms = _terms(plan, natural)
    functions = (_loss(plan, terms, natural), _make_optimizer(plan, network), _training_step(plan, network))
    calls = any(re.search(r"\bF\.", code.render_expression(term)) for term in terms)
    return Start(functions, frozenset(("Tensor", "torch", *(("F",) if calls else ()))))


def for_keras(network: Network, taken: Container[str]) -> Start:
    """Return the function `compile_model`, and the losses that Keras has not; `taken` are the names of the module."""
    plan = planned(network)
    if plan is None:
        return Start()
    names = {name: _free(name, taken) for name in ("compile_model", "nll", "nll_of_values")}
    losses: list[code.Expression] = [code.expression(None)] * plan.outputs
    for each in plan.trained:
        _, losses[each.place] = each.loss.spell(_labels(each, code.Name("x"), code.Name("y"), 1))
    own = [loss for loss in (NLL, NLL_OF_VALUES) if loss in losses]
    losses = [code.Name(names[loss.dotted]) if isinstance(loss, code.Name) else loss for loss in losses]
    function, keywords = plan.optimizer.keras
    compiled = code.call(
        "model.compile",
        optimizer=code.call(function, plan.rate, **keywords),
        loss=losses[0] if plan.outputs == 1 else losses,
    )
    compile_model = code.Function(
        names["compile_model"],
        (code.Parameter("model", code.Name("keras.Model")),),
        (code.Docstring(_text("Let `model.fit(x, y)` minimise", plan, lambda x: LAST)), code.Evaluate(compiled)),
        code.expression(None),
    )
    definitions = tuple(_nll_of_keras(loss, names[loss.dotted]) for loss in own)
    return Start((*definitions, compile_model), frozenset(("ops",) if own else ()))


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


# What is trained


def planned(network: Network) -> Plan | None:
    """Return what the trainings come to, None without any. Raises CompileError where they do not go together."""
    if not network.trainings:
        return None
    outputs = sorted(network.outputs, key=lambda output: output.aux)  # as models return them
    pairs = [(training, _output(network, training)) for training in network.trainings]
    has_aux = any(output.aux for _, output in pairs)
    returned = [output for output in outputs if has_aux or not output.aux]
    trained: list[Trained] = []
    for training, output in pairs:
        place = returned.index(output)
        if any(each.place == place for each in trained):
            raise _refused(f"two `train` are for the output `{output.name}`, which has one loss", output, "delete one")
        trained.append(_trained(network, training, output, place))
    trained.sort(key=lambda each: each.place)
    words = {training.optimizer for training in network.trainings if training.optimizer is not None}
    rates = {training.rate for training in network.trainings if training.rate is not None}
    for name, values in (("optimizer", words), ("rate", rates)):
        if len(values) > 1:
            raise _refused(f"`train` gives several values to `{name}`", pairs[0][1], "the whole network has one")
    optimizer = OPTIMIZERS[next(iter(words), USUAL_OPTIMIZER)]
    rate: Any = next(iter(rates), optimizer.rate)
    if symbols(rate):
        raise _refused(f"code for this needs a number for the rate `{rate}`", pairs[0][1], "", "E030")
    return Plan(tuple(trained), len(returned), has_aux, optimizer, float(rate))


def _refused(message: str, output: Output, help: str, code: str = "E008") -> CompileError:
    return CompileError((Diagnostic(code, message, output.span, help=help),))


def _output(network: Network, training: Train) -> Output:
    """Return the output that a training is for: that of its name, or another name of the same tensor."""
    named = training.output
    if named is None:
        return next(output for output in network.outputs if not output.aux)
    for output in network.outputs:
        if output.name == named.name:
            return output
    for output in network.outputs:
        step = network.body.maker(output.value)
        if step is not None and named.maker is not None and step.does is named.maker:
            return output
    names = ", ".join(f"`output={output.name}`" for output in network.outputs)
    raise _refused(f"`output={named.name}` is another name of an output", network.outputs[0], f"write one of {names}")


def _trained(network: Network, training: Train, output: Output, place: int) -> Trained:
    tensor = network.body.tensor(output.value)
    assert tensor is not None, "only whole networks are emitted"
    loss = LOSSES[training.loss]
    if training.labels == "index" and not loss.takes_numbers:
        message = f"`labels=index` does not go with `loss={training.loss}`, which has no classes"
        raise _refused(message, output, "leave it out, or use a cross-entropy")
    # a target that lacks the axis of the classes has their numbers
    are_numbers = training.labels == "index" or (loss.takes_numbers and training.target == tensor.positions)
    return Trained(output, tensor, place, loss, are_numbers)


# Words


def _text(start: str, plan: Plan, layout: Callable[[Tensor], Layout]) -> str:
    """Return a docstring that says what the loss is, and what labels it takes."""
    first, *more = plan.trained
    of = f" of `{first.output.name}`" if plan.outputs > 1 else ""
    if more:
        says = "the sum of the losses, each with weight 1"
        lines = [f"y[{number}] has {_labels_in_words(each, layout)}." for number, each in enumerate(plan.trained)]
    else:
        says, lines = f"the {first.loss.says}{of}", [f"y has {_labels_in_words(first, layout)}."]
    if plan.has_aux:
        lines.append("The model is one that is made with `aux=True`.")
    return f"{start} {says}.\n\n" + "\n".join(lines)


def _labels_in_words(each: Trained, layout: Callable[[Tensor], Layout]) -> str:
    *positions, classes = each.tensor.sizes
    kind, shape = "values", [*positions, classes] if layout(each.tensor) == LAST else [classes, *positions]
    if each.are_numbers:
        kind, shape = "class numbers", positions
    sizes = ", ".join(["N", *map(str, shape)])
    return f"{kind} for `{each.output.name}`, of shape ({sizes}{'' if shape else ','})"


# Trees


def _method(value: code.Expression, name: str, *arguments: Any, **keywords: Any) -> code.Expression:
    return code.call(code.Attribute(value, name), *arguments, **keywords)


def _labels(each: Trained, output: code.Expression, y: code.Expression, axis: int) -> Labels:
    return Labels(output, y, axis, each.are_numbers, each.tensor.rank == 3)


def _tensors(several: bool) -> code.Expression:
    tensor = code.Name("Tensor")
    if not several:
        return tensor
    return code.Subscript(code.Name("tuple"), code.Tuple((tensor, code.expression(...))))


def _outputs(plan: Plan) -> tuple[code.Name, ...]:
    """Return PyTorch's variables for what the model returns."""
    if plan.outputs == 1:
        return (code.Name("output"),)
    names = ["_"] * plan.outputs
    for each in plan.trained:
        name = without_underscores(each.output.name)
        names[each.place] = _free(f"{name}_" if iskeyword(name) else name, {"outputs", "y", *names})
    return tuple(map(code.Name, names))


def _terms(plan: Plan, natural: Callable[[Tensor], Layout]) -> tuple[code.Expression, ...]:
    """Return the loss of each output in PyTorch."""
    terms = []
    for number, each in enumerate(plan.trained):
        y: code.Expression = code.Name("y")
        if len(plan.trained) > 1:
            y = code.Subscript(y, code.expression(number))
        axis = -1 if each.tensor.rank > 1 and natural(each.tensor) == LAST else 1
        terms.append(each.loss.spell(_labels(each, _outputs(plan)[each.place], y, axis))[0])
    return tuple(terms)


def _loss(plan: Plan, terms: tuple[code.Expression, ...], natural: Callable[[Tensor], Layout]) -> code.Function:
    """Return PyTorch's function of the loss."""
    outputs = _outputs(plan)
    unpack = plan.outputs > 1
    parameters = (
        code.Parameter("outputs" if unpack else "output", _tensors(unpack)),
        code.Parameter("y", _tensors(len(terms) > 1)),
    )
    body: list[code.Statement] = [code.Docstring(_text("Return", plan, natural))]
    if unpack:
        body.append(code.Assign(code.Tuple(outputs), code.Name("outputs")))
    body.append(code.Return(code.binary("+", *terms)))
    return code.Function("loss", parameters, tuple(body), _tensors(False))


def _make_optimizer(plan: Plan, network: Network) -> code.Function:
    """Return PyTorch's function that makes the optimizer."""
    function, keywords = plan.optimizer.torch
    trained = _method(code.Name("model"), "parameters")
    if any(is_frozen for _, is_frozen in _layers(network.body)):
        p = code.Name("p")
        trained = code.Generator(p, p, trained, code.Name("p.requires_grad"))
    made = code.call(function, trained, lr=plan.rate, **keywords)
    parameters = (code.Parameter("model", code.Name("nn.Module")),)
    return code.Function("make_optimizer", parameters, (code.Return(made),), code.Name("torch.optim.Optimizer"))


def _training_step(plan: Plan, network: Network) -> code.Function:
    """Return PyTorch's function that trains on one batch."""
    layers = list(_layers(network.body))
    has_several = sum(layer.is_input for layer, _ in layers) != 1
    model, optimizer, x, y, value = map(code.Name, ("model", "optimizer", "x", "y", "value"))
    batch: code.Expression = code.Starred(x) if has_several else x
    body: list[code.Statement] = [
        code.Docstring("Change the weights to make the loss of a batch smaller, and return what it was."),
        code.Evaluate(_method(model, "train")),
    ]
    if any(is_frozen and layer.keeps_statistics for layer, is_frozen in layers):
        body.append(_keep_statistics())
    body += [
        code.Evaluate(_method(optimizer, "zero_grad")),
        code.Assign(value, code.call("loss", code.Call(model, (batch,)), y)),
        code.Evaluate(_method(value, "backward")),
        code.Evaluate(_method(optimizer, "step")),
        code.Return(_method(value, "detach")),
    ]
    parameters = (
        code.Parameter("model", code.Name("nn.Module")),
        code.Parameter("optimizer", code.Name("torch.optim.Optimizer")),
        code.Parameter("x", _tensors(has_several)),
        code.Parameter("y", _tensors(len(plan.trained) > 1)),
    )
    return code.Function("training_step", parameters, tuple(body), _tensors(False))


def _keep_statistics() -> code.Statement:
    """Return the loop that lets frozen batch norms use what they have kept, and not change it."""
    module, p = code.Name("module"), code.Name("p")
    kinds = code.Tuple(tuple(code.Name(f"nn.BatchNorm{rank}d") for rank in (1, 2, 3)))
    trained = code.call("any", code.Generator(code.Name("p.requires_grad"), p, _method(module, "parameters")))
    condition = code.binary("and", code.call("isinstance", module, kinds), code.Unary("not", trained))
    keep = code.Evaluate(_method(module, "eval"))
    return code.For(
        module,
        code.call("model.modules"),
        (code.If(condition, (code.Comment("frozen, so it keeps to its mean and variance"), keep)),),
    )


def _layers(body: Body, is_frozen: bool = False) -> Iterator[tuple[Layer, bool]]:
    """Return every layer, and whether its weights are kept as they are."""
    for step in body.steps:
        frozen_here = is_frozen or step.is_frozen
        if isinstance(step.does, Layer):
            yield step.does, frozen_here
            continue
        insides: tuple[Body, ...] = (step.does.body,) if isinstance(step.does, (Use, Experts)) else ()
        if isinstance(step.does, Repeat):
            insides = tuple(run.body for run in step.does.runs)
        for inside in insides:
            yield from _layers(inside, frozen_here)


def _nll_of_keras(loss: code.Name, name: str) -> code.Function:
    """Return a loss of log-probabilities, as Keras has none."""
    y, output = code.Name("y"), code.Name("output")
    if loss == NLL:
        text = "Return the negative log-probabilities of classes that are given by their numbers."
        classes = code.Subscript(code.Name("output.shape"), code.expression(-1))
        y_each: code.Expression = code.call("ops.one_hot", code.call("ops.cast", y, "int32"), classes)
    else:
        text = "Return the negative log-probabilities of the classes, weighted by the labels."
        y_each = y
    summed = code.call("ops.sum", code.binary("*", y_each, output), axis=-1)
    body = (code.Docstring(text), code.Return(code.Unary("-", summed)))
    return code.Function(name, (code.Parameter("y"), code.Parameter("output")), body)
