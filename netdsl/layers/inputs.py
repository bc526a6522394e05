"""The sources of tensors: `in` from outside, `param` a trained one."""

from __future__ import annotations

from typing import Any

from ..emit.calls import FIRST, KERAS, LAST, MADE, TORCH, Call, Index, Operation, Part, Spelling, Stored, apply
from ..layer import Layer, Tensor, Weight, arg, check, flag, show_shape
from ..record import frozen
from ..values import NUMBER, OPEN, SHAPE, Kind, Unfit, Value, Word


@frozen(kw_only=True)
class In(Layer):
    """An input of the network: its shape without the batch axis, channels last.

    in 100x100x1
    """

    shape: Any = arg(SHAPE, role="positional", help="sizes of one example, channels last")
    int: bool = flag("int", help="token ids instead of real numbers")

    keyword = "in"
    is_source = True
    is_input = True
    brought = ("input", "inputs", "inputlayer", "inp")

    def output(self) -> Tensor:
        return Tensor(self.shape, "int" if self.int else "float")


_INITIAL = ("zeros", "ones", "eye", "normal")


def _read_initial(value: Value) -> Value:
    """Read a word for starting values, or a number that all of them have."""
    if isinstance(value, Word):
        if value.text not in _INITIAL:
            raise Unfit(f"`{value.text}` is none of them")
        return value.text
    return NUMBER.read(value)


INITIAL = Kind(
    f"{', '.join(f'`{word}`' for word in _INITIAL)}, or a number", _read_initial, (*_INITIAL, "0.5"), takes_words=True
)


@frozen(kw_only=True)
class Param(Layer):
    """A trained tensor: a class token, a table of positions, the scale of a layer; all examples have it in common.

    param 1x768 init=normal
    """

    shape: Any = arg(SHAPE, role="positional", help="its sizes, channels last", tries=("8", "[3, 8]", "[2, 3, 8]"))
    init: Any = arg(INITIAL, default="zeros", trains=True, help="the starting values; `normal` has a deviation of 0.02")
    frozen: bool = flag("frozen", help="leave it as it starts")

    keyword = "param"
    is_source = True
    brought = ("parameter", "variable", "weight")

    def output(self) -> Tensor:
        for size in self.shape:
            check(
                size is not OPEN,
                "E030",
                "the shape of a `param` is made of numbers",
                "write a number for each size, or of the tensor that enters: `param [length, channels]`",
                "shape",
            )
        check(
            self.init != "eye" or len(self.shape) == 2,
            "E008",
            f"`eye` is a matrix with ones on its diagonal, and {show_shape(self.shape)} is none",
            "give it two sizes, or another `init=`",
            "init",
        )
        return Tensor(self.shape, per_example=False)

    def weights(self) -> tuple[Weight, ...]:
        return (Weight("value", self.shape, trained=not self.frozen),)


@TORCH.spells(Param, layout=lambda _, x: FIRST if x.rank > 2 else LAST)
def _(param: Param) -> Spelling:
    sizes, axes = param.shape, tuple(range(len(param.shape)))
    if len(sizes) > 2:
        sizes, axes = (sizes[-1], *sizes[:-1]), (axes[-1], *axes[:-1])
    shape = (1, *sizes)  # one for all examples of a batch
    if param.init == "eye":
        value: Any = Index(Call("torch.eye", sizes), (None,))
    elif param.init == "normal":
        value = Operation("*", apply("torch.randn", *shape), 0.02)
    elif param.init in ("zeros", "ones"):
        value = apply(f"torch.{param.init}", *shape)
    else:
        value = apply("torch.full", shape, float(param.init))
    module = Call("nn.Parameter", (value,), (("requires_grad", False),) if param.frozen else ())
    return Part((module,), applied=MADE, weights=(Stored("value", "", axes),))


@KERAS.spells(Param)
def _(param: Param) -> Spelling:
    keywords: list[tuple[str, Any]] = []
    if param.init == "eye":
        keywords.append(("initializer", "identity"))
    elif param.init == "normal":
        keywords.append(("initializer", Call("keras.initializers.RandomNormal", (), (("stddev", 0.02),))))
    elif param.init not in ("zeros", "ones"):
        keywords.append(("initializer", Call("keras.initializers.Constant", (float(param.init),))))
    elif param.init == "ones":
        keywords.append(("initializer", "ones"))
    if param.frozen:
        keywords.append(("trainable", False))
    module = Call("TrainedTensor", (param.shape,), tuple(keywords))
    return Part((module,), weights=(Stored("value", "value", tuple(range(len(param.shape)))),), idiom="TrainedTensor")
