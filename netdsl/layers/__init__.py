"""Which file declares which keyword; a file is loaded when its layer is used."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..layer import Layer

FILES: dict[str, tuple[str, ...]] = {
    "activations": (
        "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish",
        "hardsigmoid", "sigmoid", "tanh", "softplus", "softsign", "exp", "softmax", "log_softmax",
    ),
    "arithmetic": ("abs", "square", "sqrt", "clip"),
    "attention": ("attention",),
    "conv": ("conv", "depthwise", "separable"),
    "conv_transpose": ("conv_transpose",),
    "dense": ("dense", "linear"),
    "dropout": ("dropout", "spatial_dropout", "drop_path", "noise"),
    "gated": ("glu", "swiglu", "geglu"),
    "inputs": ("in", "param"),
    "moe": ("moe",),
    "merge": ("add", "sub", "mul", "max", "average", "concat", "stack", "matmul"),
    "normalize": ("normalize",),
    "norms": ("bn", "ln", "gn", "instance_norm", "rms", "lrn", "l2norm"),
    "pool": ("pool",),
    "recurrent": ("rnn", "lstm", "gru"),
    "reductions": ("mean", "sum"),
    "scale": ("scale",),
    "selection": ("take", "slice"),
    "text": ("embed", "unembed", "positions"),
    "shape": ("flatten", "reshape", "permute"),
    "shuffles": ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "roll"),
    "borders": ("pad", "crop"),
    "up": ("up",),
}  # fmt: skip
"""The files of this folder, and the keywords that each declares; a test holds them against the declarations."""

_FILE_OF = {keyword: file for file, keywords in FILES.items() for keyword in keywords}


def forms(keyword: str) -> tuple[type[Layer], ...]:
    """Return the declarations of a keyword, one for each form that it has; none for an unknown word."""
    return _declared(_FILE_OF.get(keyword), keyword)


@cache
def _declared(file: str | None, keyword: str) -> tuple[type[Layer], ...]:
    if file is None:
        return ()
    module = import_module(f"{__name__}.{file}")
    return tuple(
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and getattr(value, "keyword", None) == keyword
        and value.__module__ == module.__name__
    )


def keywords() -> tuple[str, ...]:
    """Return every keyword, in the order of the catalogue."""
    return tuple(_FILE_OF)


BROUGHT_FORMS = {
    **dict.fromkeys(("identity", "noop", "pass", "passthrough"), "id"),
    **dict.fromkeys(("skip", "shortcut", "skip_connection"), "residual"),
    **dict.fromkeys(("sequential",), "a | b"),
    **dict.fromkeys(("repeat", "loop"), "(conv 8@3 same) * 3"),
}
"""Names that people bring along for forms of the language that are no declared layer."""


def brought(word: str) -> str | None:
    """Return the spelling here of a name that people bring along from elsewhere, or from another case."""
    lower = word.lower()
    if lower in _FILE_OF:
        return lower
    if lower in BROUGHT_FORMS:
        return BROUGHT_FORMS[lower]
    for keyword in _FILE_OF:
        for form in forms(keyword):
            if lower in form.brought:
                return form.brought_as.get(lower) or f"{keyword} {form.form}".rstrip()
    return None


def suggest(word: str) -> str | None:
    """Return the layer that a word may stand for: a name that people bring along, or one that is spelled alike."""
    from ..spelling import nearest

    return brought(word) or nearest(word.lower(), _FILE_OF)
