"""How outputs are meant to be trained: what a `train` statement says; no framework here."""

from __future__ import annotations

from typing import Any

from .layer import Declaration, arg
from .record import frozen
from .values import ABOVE_ZERO, SHAPE, Kind, NamedTensor, Number, Unfit, Value, Word, show

LOSSES = (
    "cross_entropy",
    "cross_entropy_logits",
    "binary_cross_entropy",
    "binary_cross_entropy_logits",
    "nll",
    "mse",
    "mae",
    "huber",
)
"""With `_logits` the output comes before the softmax or sigmoid; `nll` takes log-probabilities."""
BROUGHT = {
    "categoricalcrossentropy": "cross_entropy",
    "sparsecategoricalcrossentropy": "cross_entropy labels=index",
    "binarycrossentropy": "binary_cross_entropy",
    "crossentropyloss": "cross_entropy_logits labels=index",
    "bceloss": "binary_cross_entropy",
    "bce": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy_logits",
    "bcewithlogits": "binary_cross_entropy_logits",
    "nllloss": "nll labels=index",
    "mseloss": "mse",
    "meansquarederror": "mse",
    "l2": "mse",
    "l1loss": "mae",
    "l1": "mae",
    "meanabsoluteerror": "mae",
    "huberloss": "huber",
    "smoothl1loss": "huber",
}
"""What the losses are called in Keras and PyTorch, without the underscores."""
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "rmsprop")


def _one_of(words: tuple[str, ...]) -> Kind:
    def read(value: Value) -> Value:
        if not isinstance(value, Word) or value.text not in words:
            from .spelling import nearest

            word = value.text if isinstance(value, Word) else ""
            meant = BROUGHT.get(word.replace("_", ""), "") if words is LOSSES else ""
            guess = nearest(word, words)
            reason = f"`{show(value)}` is none of these" + (f"; did you mean `{guess}`?" if guess else "")
            raise Unfit(reason, f"`{meant}`" if meant else "")
        return value.text

    return Kind(f"one of {', '.join(f'`{word}`' for word in words)}", read, words, takes_words=True)


def _read_output(value: Value) -> Value:
    if not isinstance(value, NamedTensor):
        raise Unfit(f"`{show(value)}` is not the name of an output")
    return value


@frozen(kw_only=True)
class Train(Declaration):
    """Say how an output is meant to be trained.

    train loss=cross_entropy_logits target=10
    """

    loss: str = arg(_one_of(LOSSES), help="what is made small")
    target: Any = arg(SHAPE, default=None, help="the shape of the labels of one example")
    output: NamedTensor | None = arg(
        Kind("the name of an output", _read_output),
        default=None,
        help="the output that is meant, where there are several",
    )
    labels: str | None = arg(
        _one_of(("index",)), default=None, help="`index`: class numbers, instead of a value for each class"
    )
    optimizer: str | None = arg(_one_of(OPTIMIZERS), default=None, help="how the weights are changed")
    rate: Number | None = arg(ABOVE_ZERO, default=None, help="the learning rate")

    keyword = "train"
