"""Calls of Keras and PyTorch, and how this language writes what they say.

>>> in_our_words("Conv2D", "conv", (("", "32"), ("", "3"), ("activation", "relu")))
'conv 32@3 | relu'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..layer import Argument, arguments
from ..layers import forms, suggest
from ..values import SHAPE

# The order of the bare values in Keras, and in layers of ours that are written like a call.
_KERAS = {
    "conv": ("filters", "kernel_size", "strides", "padding"),
    "conv_transpose": ("filters", "kernel_size", "strides", "padding"),
    "separable": ("filters", "kernel_size", "strides", "padding"),
    "depthwise": ("kernel_size", "strides", "padding"),
    "pool": ("pool_size", "strides", "padding"),
    "dense": ("units", "activation", "use_bias"),
    "linear": ("units", "activation", "use_bias"),
    "embed": ("num_embeddings", "embedding_dim"),
    "attention": ("num_heads", "key_dim"),
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
}

# That of PyTorch, where it is another.
_TORCH = {
    "conv": ("in_channels", "filters", "kernel_size", "strides", "padding", "dilation", "groups"),
    "conv_transpose": ("in_channels", "filters", "kernel_size", "strides", "padding", "output_padding"),
    "dense": ("in_features", "units", "bias"),
    "linear": ("in_features", "units", "bias"),
    "rnn": ("input_size", "units", "num_layers"),
    "lstm": ("input_size", "units", "num_layers"),
    "gru": ("input_size", "units", "num_layers"),
    "attention": ("embed_dim", "num_heads"),
    "bn": ("num_features", "eps"),
    "instance_norm": ("num_features", "eps"),
    "ln": ("normalized_shape", "eps"),
    "rms": ("normalized_shape", "eps"),
    "gn": ("num_groups", "num_channels", "eps"),
    "flatten": ("start_dim", "end_dim"),
    "prelu": ("num_parameters",),
}

# Arguments of both by those of ours: the first that a layer has is meant.
_OURS = {
    "out_channels": ("filters",), "kernel_size": ("kernel", "window"), "pool_size": ("window",),
    "strides": ("stride",), "out_features": ("units",), "hidden_size": ("units",), "num_units": ("units",),
    "p": ("rate",), "prob": ("rate",), "num_heads": ("heads",), "nhead": ("heads",), "key_dim": ("head_dim",),
    "dilation_rate": ("dilation",), "num_groups": ("groups",), "depth_multiplier": ("mult",),
    "negative_slope": ("slope",), "alpha": ("slope",), "num_embeddings": ("vocab",), "vocab_size": ("vocab",),
    "input_dim": ("vocab",), "embedding_dim": ("dim",), "output_dim": ("dim",), "num_layers": ("layers",),
    "epsilon": ("eps",), "size": ("factor",), "scale_factor": ("factor",), "output_padding": ("output_pad",),
    "target_shape": ("shape",), "stddev": ("amount",), "window_size": ("window",), "shift_size": ("shift",),
    "num_kv_heads": ("kv_heads",), "num_key_value_heads": ("kv_heads",), "upscale_factor": ("factor",),
    "output_size": ("to",),
}  # fmt: skip

# What is known here without being said, or is no matter of the network's function.
_KNOWN = frozenset(
    {"in_channels", "in_features", "input_size", "num_features", "normalized_shape", "num_channels", "embed_dim"}
    | {"batch_first", "inplace", "input_shape", "input_dim", "data_format", "start_dim", "end_dim", "num_parameters"}
    | {"device", "dtype", "affine", "track_running_stats", "align_corners", "return_state", "input_length"}
)
_TRAINING = ("_initializer", "_regularizer", "_constraint")

# Truth values that are flags here, or the absence of one.
_FLAGS = {
    "use_bias": (False, "nobias"), "bias": (False, "nobias"), "return_sequences": (True, "seq"),
    "go_backwards": (True, "reverse"), "bidirectional": (True, "bidirectional"), "keepdims": (True, "keep"),
    "is_causal": (True, "causal"), "use_causal_mask": (True, "causal"), "ceil_mode": (True, "ceil"),
    "count_include_pad": (True, "count_pad"),
}  # fmt: skip

_TRUTH = {"true": True, "false": False}


def in_our_words(word: str, layer: str, given: Sequence[tuple[str, str]]) -> str:
    """Return a call of a layer as the stages that it means here.

    `word` is what is called and `layer` what it is called here, perhaps with words that belong to it (`pool global`);
    each argument is a name, empty where there is none, and a value. What is not known stays as it is written.
    """
    keyword, *belonging = layer.split()
    declared = _declared(keyword, belonging)
    given = [(name, with_sizes_joined(value)) for name, value in given]
    if any(argument.kind is SHAPE for argument in declared.values()):
        given = _as_one_shape(given)
    named = _named(word, keyword, belonging, given)
    stage, behind = _Stage(keyword, declared, belonging), ""
    for name, value in named:
        if name == "activation":
            behind = _activation(value)
        elif name == "name" and "name" not in declared:
            stage.name = value
        elif name == "momentum" and re.search("[123]d$", word) and re.fullmatch("0?[.][0-9]+", value):
            stage.add(name, f"{1 - float(value):g}")  # PyTorch's is the part that is new
        elif value != "none" and not (name in _KNOWN and not _ours(name, declared)) and not name.endswith(_TRAINING):
            stage.add(name, value)
    return f"{stage.written()}{behind}"


def with_sizes_joined(value: str) -> str:
    """Return a value, with a tuple as sizes are written here: `(3, 3)` is `3x3`, and `(None, 80)` is `?x80`."""
    size = r"([0-9]+|\?|-1|[Nn]one)"
    if not re.fullmatch(rf"\({size}(, *{size})*,?\)", value):
        return value
    return "x".join("?" if size in ("-1", "None", "none") else size for size in re.findall(size, value))


def _as_one_shape(given: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return arguments with the sizes of a shape that stand for themselves as one: `input(28, 28, 1)`."""
    sizes = [value for name, value in given if not name]
    shape = with_sizes_joined(f"({', '.join(sizes)})")
    if len(sizes) < 2 or shape.startswith("("):
        return given
    return [("", shape), *((name, value) for name, value in given if name)]


def argument_in_our_words(keyword: str, name: str, value: str) -> str:
    """Return what an argument from elsewhere is called here, with its value: `padding=same` is `same`; else nothing."""
    if name == "activation":
        return _activation(value).strip()
    if name == "name":
        return f"as {value}"
    stage = _Stage(keyword, _declared(keyword, []), [])
    value = value.lower() if value.lower() in _TRUTH else value
    before = len(stage.values) + len(stage.words)
    stage.add(name, value)
    if stage.unknown or before == len(stage.values) + len(stage.words):
        return ""
    if "window" in stage.values or stage.values.keys() & {"filters", "kernel"}:
        return ""
    return stage.written().removeprefix(keyword).strip()


def is_default(name: str, value: str) -> bool:
    """Whether an argument from elsewhere says what is so without it here: `use_bias=True`."""
    flag, truth = _FLAGS.get(name), _TRUTH.get(value.lower())
    return flag is not None and truth is not None and truth is not flag[0]


def _declared(keyword: str, belonging: list[str]) -> dict[str, Argument]:
    """Return the arguments of the form that the words belong to, else of the plain one."""
    declared = forms(keyword)
    marks = {word.partition("=")[0] for word in belonging}
    chosen = [form for form in declared if form.form in marks] or [form for form in declared if not form.form]
    return arguments((chosen or declared)[0]) if declared else {}


def _named(word: str, keyword: str, belonging: list[str], given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the arguments with the names that the bare ones have where the word comes from."""
    bare = [value for name, value in given if not name]
    order = (_TORCH if _is_of_torch(word, keyword, given) else _KERAS).get(keyword, ())
    if any(mark.startswith("to=") for mark in belonging):
        order = ("to",)
    names = iter(order)
    return [(name or next(names, ""), value) for name, value in given] if bare else list(given)


def _is_of_torch(word: str, keyword: str, given: Sequence[tuple[str, str]]) -> bool:
    """Whether the bare arguments are in PyTorch's order."""
    bare = [value for name, value in given if not name]
    last = word.rpartition(".")[2]
    numbers = sum(re.fullmatch(r"[0-9_]+", value) is not None for value in bare[:2])
    if keyword not in _TORCH:
        return False
    if keyword not in _KERAS:
        return numbers == 2 or keyword not in ("rnn", "lstm", "gru")
    if keyword in ("dense", "linear"):
        return numbers == 2
    if keyword == "attention":
        return last == "MultiheadAttention" or word.startswith("nn.")
    if any(name in ("kernel_size", "out_channels") for name, _ in given):
        return len(bare) == (1 if "out_channels" in dict(given) else 2)
    return len(bare) > 2 and re.search("[123]d$", last) is not None


def _ours(name: str, declared: dict[str, Argument]) -> str:
    """Return the argument of a layer that a name from elsewhere means, empty if there is none."""
    if name in declared and declared[name].role != "flag":
        return name
    return next((ours for ours in _OURS.get(name, ()) if ours in declared), "")


def _activation(value: str) -> str:
    """Return the stage of an activation."""
    return "" if value in ("linear", "none") else f" | {suggest(value.rpartition('.')[2]) or value}"


class _Stage:
    """A stage of ours as its arguments come in."""

    def __init__(self, keyword: str, declared: dict[str, Argument], belonging: list[str]) -> None:
        self.keyword = keyword
        self.declared = declared
        self.words = list(belonging)
        self.values: dict[str, str] = {}
        self.bare: list[str] = []
        self.unknown: list[str] = []
        self.name = ""

    def add(self, name: str, value: str) -> None:
        """Take an argument, by the name that it has elsewhere or here."""
        flag = _FLAGS.get(name)
        known = {word for argument in self.declared.values() for word in argument.words}
        ours = _ours(name, self.declared)
        if not name:
            self.bare.append(value)
        elif flag is not None and value in _TRUTH:
            if _TRUTH[value] is flag[0] and flag[1] in known:
                self.words.append(flag[1])
        elif name in ("padding", "mode", "interpolation") and value in known:
            self.words.append(value)
        elif name == "padding" and "pad" in self.declared and re.fullmatch("[0-9x]+", value):
            if value != "0":
                self.values["pad"] = value
        elif name == "dim" and not ours and "axis" in self.declared and re.fullmatch("-?[0-9]+", value):
            axis = int(value) - 1 if int(value) > 0 else int(value)
            if self.keyword not in ("softmax", "log_softmax", "glu") or axis not in (0, -1):
                self.values["axis"] = str(axis)
        elif ours:
            self.values[ours] = value
        else:
            self.unknown.append(f"{name}={value}")

    def written(self) -> str:
        """Return the stage as an author writes it."""
        values, parts = dict(self.values), [self.keyword]
        words = [word for word in self.words if not word[0].isdigit() or not (values or self.bare)]
        to = next((number for number, word in enumerate(words) if word.startswith("to=")), None)
        if to is not None and (self.bare or "to" in values):
            size = values.pop("to", "") or self.bare.pop(0)
            words[to] = "global" if size in ("1", "1x1") else f"to={size}"
        filters = [name for name, argument in self.declared.items() if argument.role == "filters"]
        if filters and all(name in values for name in filters):
            parts.append("@".join(_atomic(values.pop(name)) for name in filters) + self._stride(values))
        for name, argument in self.declared.items():
            if argument.role == "positional" and name in values:
                window = name in ("window", "kernel")
                parts.append(_atomic(values.pop(name)) + self._stride(values) if window else values.pop(name))
        parts += self.bare
        parts += words
        parts += [f"{name}={value}" for name, value in values.items()]
        parts += self.unknown
        return " ".join(parts) + (f" as {self.name}" if self.name else "")

    def _stride(self, values: dict[str, str]) -> str:
        """Return the stride as it stands behind a window, taking it off the values."""
        stride = values.pop("stride", "1")
        return "" if stride in ("1", "1x1") else f"/{_atomic(stride)}"


def _atomic(value: str) -> str:
    """Return a value as it can stand at a `@`."""
    return value if re.fullmatch(r"[\w?]+", value) else f"({value})"
