"""Layers that read a sequence from one end to the other: `rnn`, `lstm`, `gru`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..emit.calls import KERAS, LAST, MADE, TORCH, Call, Extra, Index, Method, Part, Placed, Spelling, Stored, X, apply
from ..layer import Layer, Size, Tensor, Weight, arg, check, flag
from ..record import frozen
from ..size import both, choose, negate
from ..values import COUNT, RATE, Number, Truth

MOST_LAYERS = 1000


@frozen(kw_only=True)
class Recurrent(Layer):
    """A layer that carries a state along a sequence, and leaves the state at each position, or the last one."""

    units: Size = arg(COUNT, role="positional", help="number of channels of the state", tries=("1", "3"))
    seq: Truth = flag("seq", help="leave the whole sequence of states, not the last one")
    reverse: Truth = flag("reverse", help="read from the end; a sequence that leaves is in the order of the input")
    bidirectional: Truth = flag("bidirectional", help="read from both ends, with weights for each, and join the states")
    layers: Size = arg(COUNT, default=1, help="number of layers, each on the sequence of the one before", tries=("2",))
    dropout: Number = arg(RATE, default=0, trains=True, help="the part of values that is dropped between layers")
    bias: Truth = flag("nobias", off=True, help="leave out the biases")

    ranks = (2,)
    learns = True
    is_recurrent = True
    gives_places = True
    sees_all = True
    refuses_rank_as = "E012"
    lacks_axes = (
        "a recurrent layer before it leaves its sequence by `seq`, as in `lstm 64 seq | lstm 64`; "
        "`reshape` makes a sequence of another vector"
    )
    gates: ClassVar[int] = 1
    """How many maps are packed in each weight."""
    biases: ClassVar[tuple[str, ...]] = ("bias",)

    def width(self) -> Size:
        """Return the number of channels that leave."""
        return choose(self.bidirectional, 2 * self.units, self.units)

    def output(self, x: Tensor) -> Tensor:
        check(
            negate(both(self.reverse, self.bidirectional)),
            "E008",
            "`bidirectional` reads from both ends already",
            "leave out `reverse`",
            "reverse",
        )
        check(
            self.layers <= MOST_LAYERS,
            "E026",
            f"`layers` is at most {MOST_LAYERS:,}",
            f"repeat the layer, as in `({self.keyword} 64 seq) * 2000`",
            "layers",
        )
        return x.resized(x.sizes[0], self.width()) if self.seq else x.resized(self.width())

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        length, entering = x.sizes
        wide = self.gates * self.units
        found = []
        for layer in range(self.layers):  # a symbol raises what says that it must be known
            for backward, present in ((False, True), (True, self.bidirectional)):
                biases = [
                    Weight(named(bias, layer, backward), (wide,), present=both(present, self.bias))
                    for bias in self.biases
                ]
                found += [
                    Weight(named("kernel", layer, backward), (entering, wide), uses=length, present=present),
                    Weight(named("recurrent", layer, backward), (self.units, wide), uses=length, present=present),
                    *biases,
                ]
            entering = self.width()
        return tuple(found)

    def reason(self, x: Tensor) -> str:
        return "PyTorch keeps a second bias, which could do nothing but add to this one" if self.bias else ""


def named(weight: str, layer: int, backward: bool) -> str:
    """Return the name of a weight among those of all layers and directions: `backward_kernel_2`."""
    return f"{'backward_' * backward}{weight}{f'_{layer + 1}' * (layer > 0)}"


@frozen(kw_only=True)
class Rnn(Recurrent):
    """Carry a state along a sequence: tanh of a map of what enters plus a map of the state (Elman, 1990).

    rnn 64
    """

    keyword = "rnn"
    brought = ("simplernn", "simple_rnn", "elman", "recurrent")


@frozen(kw_only=True)
class Lstm(Recurrent):
    """Carry a state along a sequence, with gates and a cell that remembers (Hochreiter and Schmidhuber, 1997).

    Weights hold the input, forget, cell and output gates side by side.

    lstm 64
    """

    keyword = "lstm"
    gates = 4
    brought = ("longshorttermmemory", "cudnnlstm", "bilstm", "bi_lstm", "bidirectional")
    brought_as: ClassVar[dict[str, str]] = dict.fromkeys(
        ("bilstm", "bi_lstm", "bidirectional"), "lstm 64 bidirectional"
    )


@frozen(kw_only=True)
class Gru(Recurrent):
    """Carry a state along a sequence, with gates alone (Cho et al., 2014); the reset comes after the recurrent map.

    Weights hold the update gate, the reset gate and the candidate side by side; there is a bias for each of the maps.

    gru 64
    """

    keyword = "gru"
    gates = 3
    biases = ("bias", "recurrent_bias")
    brought = ("gatedrecurrentunit", "cudnngru", "bigru", "bi_gru")
    brought_as: ClassVar[dict[str, str]] = dict.fromkeys(("bigru", "bi_gru"), "gru 64 bidirectional")

    def reason(self, x: Tensor) -> str:
        return "the reset gate scales the recurrent map with its bias, so that one is needed too" if self.bias else ""


def _directions(layer: Recurrent) -> Iterator[tuple[int, bool]]:
    """Return the number of each layer, with each direction that it reads in."""
    for number in range(layer.layers):
        yield number, False
        if layer.bidirectional:
            yield number, True


@TORCH.spells(Rnn, Lstm, Gru, layout=LAST)
def _(layer: Recurrent, x: Placed) -> Spelling:
    is_gru = isinstance(layer, Gru)
    gates = (1, 0, 2) if is_gru else None  # PyTorch has the reset gate first
    second = not is_gru and bool(layer.bias)
    module = TORCH.call(
        f"nn.{layer.keyword.upper()}",
        x.channels,
        layer.units,
        num_layers=layer.layers,
        bias=layer.bias,
        batch_first=True,
        dropout=layer.dropout if layer.layers > 1 else 0,  # else PyTorch warns
        bidirectional=layer.bidirectional,
    )
    stored: list[Stored] = []
    extra: list[Extra] = []
    for number, backward in _directions(layer):
        end = f"l{number}{'_reverse' * backward}"
        places = {"kernel": "weight_ih", "recurrent": "weight_hh", "bias": "bias_ih", "recurrent_bias": "bias_hh"}
        for weight, attribute in places.items():
            axes = (0,) if "bias" in weight else (1, 0)
            stored.append(Stored(named(weight, number, backward), f"{attribute}_{end}", axes, blocks=gates))
        if second:
            extra.append(Extra(f"bias_hh_{end}", layer.gates * layer.units))
    biases = (apply(Method(MADE, "get_parameter"), bias.attribute) for bias in extra)
    zeros = (apply(Method(apply(Method(bias, "requires_grad_"), False), "zero_")) for bias in biases)
    return Part(
        (module,),
        applied=_torch_states(layer),
        setup=("PyTorch keeps a second bias; it stays zero", *zeros) if extra else (),
        weights=tuple(stored),
        extra=tuple(extra),
    )


def _torch_states(layer: Recurrent) -> Any:
    """Return what leaves, of the states and last states that PyTorch returns."""
    returned = Call(MADE, (apply(Method(X, "flip"), 1) if layer.reverse else X,))
    states = Index(returned, (0,))
    if layer.seq:
        return apply(Method(states, "flip"), 1) if layer.reverse else states
    if not layer.bidirectional:
        return Index(states, (slice(None), -1))
    last = Index(returned, (1,))
    if isinstance(layer, Lstm):
        last = Index(last, (0,))  # behind it are the cells
    both_ways = apply(Method(Index(last, (slice(-2, None),)), "transpose"), 0, 1)
    return apply(Method(both_ways, "flatten"), 1)


@KERAS.spells(Rnn, Lstm, Gru)
def _(layer: Recurrent, x: Placed) -> Spelling:
    function, cell = {
        "rnn": ("layers.SimpleRNN", "simple_rnn_cell"),
        "lstm": ("layers.LSTM", "lstm_cell"),
        "gru": ("layers.GRU", "gru_cell"),
    }[layer.keyword]
    parts: list[Part] = []
    last = layer.layers - 1
    for number in range(layer.layers):
        module = KERAS.call(
            function,
            layer.units,
            use_bias=layer.bias,
            return_sequences=bool(layer.seq) or number < last,
            go_backwards=bool(layer.reverse) and number == 0,
        )
        places = [(False, cell)]
        if layer.bidirectional:
            # Keras puts the direction before the name of the layer inside
            places = [(False, f"forward_{{}}/{cell}"), (True, f"backward_{{}}/{cell}")]
            module = Call("layers.Bidirectional", (module,))
        stored: list[Stored] = []
        for backward, place in places:
            stored += [
                Stored(named("kernel", number, backward), f"{place}/kernel", (0, 1)),
                Stored(named("recurrent", number, backward), f"{place}/recurrent_kernel", (0, 1)),
            ]
            for row, bias in enumerate(layer.biases):
                part = (row, row + 1) if len(layer.biases) > 1 else None
                stored.append(Stored(named(bias, number, backward), f"{place}/bias", (0,), part))
        parts.append(Part((module,), weights=tuple(stored)))
        if layer.dropout and number < last:
            parts.append(Part((Call("layers.Dropout", (layer.dropout,)),)))
    if layer.reverse and layer.seq:
        parts.append(Part(function=apply("ops.flip", X, axis=1)))  # the states come in the order of reading
    return tuple(parts)
