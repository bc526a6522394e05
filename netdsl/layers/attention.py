"""Attention: each position takes an average of others, weighted by how well they match it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from ..emit.calls import KERAS, LAST, MADE, TORCH, Call, Entering, Index, Part, Placed, Spelling, Stored, X, apply
from ..layer import Layer, Size, Tensor, Weight, arg, check, flag, per_axis, show_shape
from ..record import frozen
from ..size import Condition, Undecided, both, choose, differ, divide, either, minimum, negate, product, same
from ..values import (
    ABOVE_ZERO,
    COUNT,
    NUMBER,
    OPERAND,
    SIZES,
    WINDOW,
    Kind,
    NamedTensor,
    Number,
    Truth,
    Value,
    one_or_listed,
    whole,
)
from .dropout import DROPPED
from .windows import axis_names

_Either = TypeVar("_Either", Tensor, Placed)


def _read_rotated(value: Value) -> Value:
    return value if isinstance(value, bool | Condition) else whole(2)(value)


ROTATED = Kind("an even number of channels, or nothing for all of each head", _read_rotated, ("true", "2"))
SHIFTED = Kind("a whole number, at least 0, or one an axis as `3x3`", one_or_listed(whole(0)), ("1", "[2, 1]"))


@frozen(kw_only=True)
class Attending(Layer):
    """What attention has in common with projections and without: the heads, and who attends to whom."""

    heads: Size = arg(COUNT, role="positional", help="number of heads, each with its own weighting")
    kv_heads: Size | None = arg(
        COUNT,
        default=None,
        help="number of heads of keys and values, as many as of queries unless given; each serves several in a row",
        tries=("1", "2"),
    )
    causal: Truth = flag("causal", help="no position attends to a later one")
    window: Any = arg(
        WINDOW,
        default=None,
        help="positions attend within a window of a map, or on a sequence to those less than this far away",
        tries=("2", "[5, 4]", "[3, 11]"),
    )
    shift: Any = arg(
        SHIFTED,
        default=0,
        help="the windows of a map begin this far from the edges, which have smaller ones",
    )
    grid: Any = arg(
        SIZES,
        default=None,
        help="on a map, this many positions along each axis attend to each other, equally far apart",
        tries=("[5, 4]", "[3, 1]"),
    )
    relative: Truth = flag("relative", help="add a learned bias for each head and offset of a query from a key")
    rope: Any = arg(
        ROTATED,
        default=False,
        bare=True,
        help="turn this many channels of queries and keys by their position, the first half with the second; "
        "alone, all",
    )
    theta: Number = arg(ABOVE_ZERO, default=10_000, help="base of the angles of `rope`", tries=("100",))
    scale: Number | None = arg(
        NUMBER, default=None, help="factor of the products, 1/sqrt(head_dim) unless given", tries=("0.25",)
    )
    dropout: Number = arg(DROPPED, default=0, trains=True, help="the part of the weightings that training drops")
    bias: NamedTensor | None = arg(
        OPERAND, default=None, help="a tensor to add to the products, as heads x queries x keys, sizes equal or 1"
    )

    ranks = (2, 3)
    branches = (1, 3)
    attends = True
    sees_all = True

    def knows_places(self) -> Truth:
        """Whether it tells positions apart by where they are."""
        return either(self.rotates(), self.relative, self.bias is not None)

    def entering(self, tensors: Sequence[_Either]) -> tuple[_Either, _Either, _Either]:
        """Return the query, the key and the value among what enters: one tensor is all three, two bring the latter."""
        count = len(tensors) - (self.bias is not None)
        return tensors[0], tensors[min(count - 1, 1)], tensors[count - 1]

    def added(self, tensors: Sequence[_Either]) -> _Either | None:
        """Return the bias, which is the last of what enters."""
        return None if self.bias is None else tensors[-1]

    def serving(self) -> Size:
        """Return the number of heads of keys and values."""
        return self.heads if self.kv_heads is None else self.kv_heads

    def head_sizes(self, tensors: Sequence[Tensor]) -> tuple[Size, Size]:
        """Return the channels of a head's queries and keys, and of its values."""
        raise NotImplementedError

    def windows(self, x: Tensor) -> tuple[Size, ...] | None:
        """Return the positions along each axis of a map that attend to each other, None for all."""
        if x.rank == 2 or (self.window is None and self.grid is None):
            return None
        argument = "grid" if self.window is None else "window"
        return per_axis(getattr(self, argument), x.rank - 1, argument)

    def reach(self) -> Size | None:
        """Return how far away on a sequence a position is that is not attended to any more, None for no bound."""
        if self.window is None:
            return None
        reach: Size = per_axis(self.window, 1, "window")[0]
        return reach

    def offsets(self, x: Tensor) -> tuple[Size, ...]:
        """Return from how many positions along each axis the offsets are those that `relative` tells apart."""
        windows = self.windows(x)
        if windows is not None:
            return windows
        reach = self.reach()
        return x.positions if reach is None else (reach,)

    def rotates(self) -> Truth:
        """Whether `rope` turns anything."""
        return self.rope if isinstance(self.rope, bool | Condition) else True

    def shifts(self) -> Truth:
        """Whether `shift` moves anything."""
        return either(*(differ(n, 0) for n in (self.shift if isinstance(self.shift, tuple) else (self.shift,))))

    def square(self, tensors: Sequence[Tensor]) -> tuple[Size, Size]:
        """Return the queries and keys that one weighting is about."""
        query, key, _ = self.entering(tensors)
        windows = self.windows(query)
        if windows is not None:
            return (product(windows),) * 2
        return product(query.positions), product(key.positions)

    def products(self, *tensors: Tensor) -> Size:
        query, key, _ = self.entering(tensors)
        windows, reach = self.windows(query), self.reach() if query.rank == 2 else None
        seen = product(key.positions if windows is None else windows)
        if reach is not None:
            seen = minimum(2 * reach - 1, seen)
        return self.heads * product(query.positions) * seen * sum(self.head_sizes(tensors))

    def attended(self, tensors: Sequence[Tensor], channels: Size) -> Tensor:
        """Return what leaves with some number of channels, after all checks."""
        self._check_branches(tensors)
        self._check_heads(tensors)
        query = tensors[0]
        if query.rank == 2:
            self._check_sequence(tensors)
        else:
            self._check_map(tensors)
        self._check_relative(tensors)
        self._check_bias(tensors)
        return Tensor((*query.positions, channels), per_example=any(x.per_example for x in tensors))

    def _check_branches(self, tensors: Sequence[Tensor]) -> None:
        _, key, value = self.entering(tensors)
        check(
            key.rank == value.rank and both(*map(same, key.positions, value.positions)),
            "E004",
            f"`attention` with the key {key} and the value {value}: their positions differ",
            "each key has a value; make both from the same tensor, as `attention(memory)` does",
        )

    def _check_heads(self, tensors: Sequence[Tensor]) -> None:
        check(
            same(self.heads % self.serving(), 0),
            "E005",
            f"{self.heads} heads, which {self.kv_heads} heads of keys and values do not divide",
            "each of these serves as many heads as the others, so choose a number that divides the heads",
            "kv_heads",
        )
        head_dim, _ = self.head_sizes(tensors)
        if isinstance(self.rope, bool | Condition):
            check(
                either(negate(self.rope), same(head_dim % 2, 0)),
                "E008",
                f"`rope` turns channels in pairs, and a head has {head_dim}",
                "choose another number of heads, or say how many channels are turned, as in `rope=2`",
                "rope",
            )
        else:
            check(same(self.rope % 2, 0), "E008", f"`rope` turns channels in pairs, and {self.rope} is odd",
                  "write an even number, or `rope` alone for all channels of each head", "rope")  # fmt: skip
            check(
                self.rope <= head_dim,
                "E008",
                f"`rope` turns {self.rope} channels of each head, which has {head_dim}",
                "write `rope` alone for all of them",
                "rope",
            )
        check(
            either(self.rotates(), same(self.theta, 10_000)),
            "E008",
            "`theta` is the base of the angles of `rope`, which is not there",
            "add `rope`, or leave `theta` out",
            "theta",
        )

    def _check_sequence(self, tensors: Sequence[Tensor]) -> None:
        query, key, _ = self.entering(tensors)
        for name, given in (("grid", self.grid is not None), ("shift", self.shifts())):
            check(
                negate(given),
                "E008",
                f"`{name}` is for maps (height x width x channels), and a sequence attends here",
                "`window=` alone bounds how far a sequence attends",
                name,
            )
        reach = self.reach()
        if reach is not None:
            (queries,), keys = query.positions, product(key.positions)
            check(
                queries - keys < reach,
                "E008",
                f"the last of {queries} positions would attend to nothing: {keys} keys, none less than {reach} away",
                "choose a larger window, or attend to a longer sequence",
                "window",
            )

    def _check_map(self, tensors: Sequence[Tensor]) -> None:
        query, key, _ = self.entering(tensors)
        for name, given in (("causal", self.causal), ("rope", self.rotates())):
            check(
                negate(given),
                "E008",
                f"`{name}` follows the order of a sequence, and a map attends here",
                "leave it out, or make a sequence of the map, as in `reshape [height*width, channels]`",
                name,
            )
        check(
            self.window is None or self.grid is None,
            "E008",
            "`window` and `grid` both say which positions attend to each other",
            "keep one; a second `attention` behind this one can have the other",
            "grid",
        )
        check(
            either(self.window is not None, negate(self.shifts())),
            "E008",
            "`shift` moves windows, and there are none",
            "add `window=7` or another size, or leave `shift` out",
            "shift",
        )
        windows = self.windows(query)
        if windows is None:
            return
        check(
            key.rank == query.rank and both(*map(same, key.positions, query.positions)),
            "E004",
            f"`attention` of {query} to {key} in windows: their heights or widths differ",
            "windows are cut from maps of the same size; leave the window out to attend to all of the other",
        )
        argument = "grid" if self.window is None else "window"
        shifts = per_axis(self.shift, 2, "shift")
        for axis, (n, size, shift) in enumerate(zip(query.positions, windows, shifts, strict=True)):
            name = axis_names(query.rank)[axis]
            check(
                same(n % size, 0),
                "E008",
                f"the {name} is {n}, which `{argument}={show_shape(windows)}` does not divide",
                "choose sizes that divide the map, or make it larger before, as in `pad [[0, 1], [0, 1]]`",
                argument,
                axis=axis,
            )
            check(
                shift < size,
                "E008",
                f"a shift by {shift} along the {name} is not below the window, {size}",
                "half the window is usual",
                "shift",
            )

    def _check_relative(self, tensors: Sequence[Tensor]) -> None:
        query, key, _ = self.entering(tensors)
        alike = key.rank == query.rank and both(*map(same, key.positions, query.positions))
        check(
            either(negate(self.relative), alike),
            "E008",
            f"`relative` has a bias for each offset in one tensor, and {query} attends to {key}",
            "leave it out; `bias=` adds a tensor of your own",
            "relative",
        )

    def _check_bias(self, tensors: Sequence[Tensor]) -> None:
        bias = self.added(tensors)
        if bias is None:
            return
        wanted = (self.heads, *self.square(tensors))
        fits = [
            either(same(met, 1), same(met, size)) for met, size in zip(bias.sizes[::-1], wanted[::-1], strict=False)
        ]
        check(
            bias.rank <= 3 and both(*fits),
            "E004",
            f"the bias {bias} does not fit heads x queries x keys, here {show_shape(wanted)}",
            "sizes have to be equal, or 1, counted from the last",
            "bias",
        )
        check(
            bias.dtype == "float",
            "E001",
            "the bias of `attention` is real numbers, and these are token ids (`int`)",
            "leave `int` out where the input is declared",
            "bias",
        )


@frozen(kw_only=True)
class Attention(Attending):
    """Let each position take an average of all, weighted by matching queries with keys (Vaswani et al., 2017).

    `attention(memory) 8` attends to another tensor, `attention(q, k, v) 8` takes the keys from a second and the values
    from a third.

    attention 8
    """

    head_dim: Size | None = arg(
        COUNT,
        default=None,
        help="channels of each head; unless given, what enters is shared out",
        tries=("4", "6"),
    )
    dim: Size | None = arg(
        COUNT, default=None, help="number of channels that leave, as many as enter unless given", tries=("5",)
    )
    biased: Truth = flag("nobias", off=True, help="leave out the biases of all projections")
    qkv_bias: Truth = flag("qkv_bias", help="leave out the bias of the projection of the output alone")

    keyword = "attention"
    learns = True
    brought = (
        "multiheadattention", "multi_head_attention", "multihead_attention", "mha", "selfattention", "self_attention",
        "crossattention", "cross_attention", "attn", "gqa", "groupqueryattention", "groupedqueryattention",
        "windowattention", "window_attention",
    )  # fmt: skip
    brought_as: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("gqa", "groupqueryattention", "groupedqueryattention"), "attention 8 kv_heads=2"),
        **dict.fromkeys(("windowattention", "window_attention"), "attention 8 window=7"),
    }

    def head_sizes(self, tensors: Sequence[Tensor]) -> tuple[Size, Size]:
        head_dim = divide(tensors[0].channels, self.heads) if self.head_dim is None else self.head_dim
        return head_dim, head_dim

    def leaving(self, x: Tensor) -> Size:
        """Return the number of channels that leave."""
        return x.channels if self.dim is None else self.dim

    def output(self, *tensors: Tensor) -> Tensor:
        x = tensors[0]
        check(
            self.head_dim is not None or same(x.channels % self.heads, 0),
            "E005",
            f"{x.channels} channels, which {self.heads} heads do not divide",
            f"{_divisors(x.channels, self.heads)}`head_dim=` gives the heads a size of their own",
            "heads",
        )
        check(
            negate(both(self.qkv_bias, negate(self.biased))),
            "E008",
            "`nobias` leaves out all biases, and `qkv_bias` all but three",
            "keep one",
            "qkv_bias",
        )
        return self.attended(tensors, self.leaving(x))

    def weights(self, *tensors: Tensor) -> tuple[Weight, ...]:
        query, key, value = self.entering(tensors)
        head_dim, _ = self.head_sizes(tensors)
        inner, served, leaving = self.heads * head_dim, self.serving() * head_dim, self.leaving(query)
        queries, keys = product(query.positions), product(key.positions)
        return (
            Weight("query", (query.channels, inner), uses=queries),
            Weight("query_bias", (inner,), present=self.biased),
            Weight("key", (key.channels, served), uses=keys),
            Weight("key_bias", (served,), present=self.biased),
            Weight("value", (value.channels, served), uses=keys),
            Weight("value_bias", (served,), present=self.biased),
            Weight("output", (inner, leaving), uses=queries),
            Weight("output_bias", (leaving,), present=both(self.biased, negate(self.qkv_bias))),
            _relative(self, query),
        )


@frozen(kw_only=True)
class BareAttention(Attending):
    """Weight and average as `attention` does, without projections: what enters is cut into heads as it is.

    attention(linear 64, linear 64, linear 64) 8 bare
    """

    bare: Truth = flag("bare", help="no projections of query, key, value and output")

    keyword = "attention"
    form = "bare"
    brought = ("scaled_dot_product_attention", "scaleddotproductattention", "sdpa", "dotproductattention")

    def head_sizes(self, tensors: Sequence[Tensor]) -> tuple[Size, Size]:
        query, _, value = self.entering(tensors)
        return divide(query.channels, self.heads), divide(value.channels, self.serving())

    def output(self, *tensors: Tensor) -> Tensor:
        query, key, value = self.entering(tensors)
        served = self.serving()
        for name, x, heads in (("query", query, self.heads), ("value", value, served)):
            check(
                same(x.channels % heads, 0),
                "E005",
                f"{x.channels} channels of the {name}, which {heads} heads do not divide",
                f"{_divisors(x.channels, heads)}without projections, the channels are cut into heads as they are",
                "heads",
            )
        head_dim, value_dim = self.head_sizes(tensors)
        check(
            same(key.channels, served * head_dim),
            "E004",
            f"`attention bare` of queries {query} and keys {key}: a head has {head_dim} channels of the query, "
            f"so {served} have {served * head_dim} of the key, not {key.channels}",
            f"make the key with `linear {served * head_dim}`, or leave out `bare`, so that both are projected",
        )
        return self.attended(tensors, self.heads * value_dim)

    def weights(self, *tensors: Tensor) -> tuple[Weight, ...]:
        return (_relative(self, tensors[0]),)


def _relative(attention: Attending, x: Tensor) -> Weight:
    """Return the table of `relative`."""
    shape = (product(2 * n - 1 for n in attention.offsets(x)), attention.heads)
    return Weight("relative_bias", shape, present=attention.relative)


def _divisors(channels: Size, heads: Size) -> str:
    """Return a clause on the nearest numbers of heads that divide the channels, where these are known."""
    if not isinstance(channels, int) or not isinstance(heads, int):
        return ""
    near = 1000  # of either side: what enters may be large, and a prime
    below = next((n for n in range(min(heads, channels), max(0, heads - near), -1) if channels % n == 0), None)
    above = next((n for n in range(heads, min(channels, heads + near) + 1) if channels % n == 0), None)
    found = " and ".join(str(n) for n in (below, above) if n is not None)
    return f"{found} would; " if found else ""


# Spellings


_DEFAULTS = {
    "head_dim": None, "value_dim": None, "kv_heads": None, "key_channels": None, "value_channels": None, "dim": None,
    "shift": (0, 0), "grid": False, "causal": False, "window": None, "relative": False, "rope": 0, "theta": 10_000,
    "scale": None, "dropout": 0, "bias": True, "output_bias": True, "bare": False,
}  # fmt: skip
"""Those of our own classes, `Attention` and `WindowAttention`, which are alike in both targets."""


def _own(
    attention: Attending, tensors: Sequence[Placed], arguments: tuple[Any, ...], sizes: dict[str, Any], stored: Any
) -> Part:
    """Return the part that is a class of ours, with the options that it needs; `sizes` are the target's own."""
    query, key, _ = attention.entering(tensors)
    bias = attention.added(tensors)
    count = len(tensors) - (bias is not None)
    head_dim, value_dim = attention.head_sizes([x.tensor for x in tensors])
    options = {
        **sizes,
        # where one tensor is keys and values, its heads are as wide as those of the queries
        "value_dim": None if value_dim == head_dim or count < 3 else value_dim,
        "kv_heads": None if same(attention.serving(), attention.heads) is True else attention.kv_heads,
    }
    windows = attention.windows(query.tensor)
    if query.rank == 3 and windows is None and attention.relative is not False:
        alike = both(*map(same, query.positions, key.positions))
        if isinstance(attention.relative, Condition) and alike is not True:  # it is off wherever they differ
            raise Undecided(attention.relative.symbols)
        windows = query.positions  # the map is one window
    if windows is not None:
        options |= {"window": windows, "shift": per_axis(attention.shift, 2, "shift")}
        options |= {"grid": attention.grid is not None, "relative": attention.relative}
    elif query.rank == 2:
        (reach,) = attention.offsets(query.tensor)
        options |= {"causal": attention.causal, "window": attention.reach()}
        options |= {"relative": choose(attention.relative, reach, 0)}
        options |= {"rope": _turned(attention, head_dim), "theta": attention.theta}
    options |= {"scale": attention.scale, "dropout": attention.dropout}
    if isinstance(attention, Attention):
        options |= {"bias": attention.biased, "output_bias": negate(attention.qkv_bias)}
    else:
        options["bare"] = True
    written = {word: value for word, value in options.items() if value != _DEFAULTS[word]}
    needed = {
        "key": count > 1,
        "value": count > 2,
        "operand": bias is not None,
        "added": bias is not None or "relative" in written,
        "maps": any(x.rank == 3 for x in (query, key)),
        "bias": "output_bias" in written,
    }
    name = "Attention" if windows is None else "WindowAttention"
    applied = None
    if bias is not None:
        entering = map(Entering, range(count))
        applied = apply(MADE, *entering, bias=_aligned(bias, count, axes=4 if windows is None else 5))
    return Part(
        (Call(name, arguments, tuple(written.items())),),
        weights=stored,
        idiom=name,
        options=(*written, *(word for word, needs in needed.items() if needs)),
        applied=applied,
    )


def _turned(attention: Attending, head_dim: Size) -> Size:
    """Return the number of channels that `rope` turns."""
    if isinstance(attention.rope, bool | Condition):
        return choose(attention.rope, head_dim, 0)
    turned: Size = attention.rope
    return turned


def _aligned(bias: Placed, place: int, axes: int) -> Any:
    """Return a bias with axes of 1 between the batch and its own, so that it broadcasts to the products."""
    new = axes - 1 - bias.rank
    return Index(Entering(place), (slice(None), *(None,) * new)) if new else Entering(place)


def _stored(kernel: str, bias: str, axes: tuple[int, int], output: str = "output") -> tuple[Stored, ...]:
    """Return where the weights are, by the names that a target gives to those of a projection."""
    names = {"query": "query", "key": "key", "value": "value", "output": output}
    return (
        *(Stored(weight, f"{name}{kernel}", axes) for weight, name in names.items()),
        *(Stored(f"{weight}_bias", f"{name}{bias}", (0,)) for weight, name in names.items()),
        Stored("relative_bias", "relative", (0, 1)),
    )


@TORCH.spells(Attention, BareAttention, layout=LAST)
def _(attention: Attention | BareAttention, *tensors: Placed) -> Spelling:
    query, key, value = attention.entering(tensors)
    sizes: dict[str, Any] = {}
    if isinstance(attention, Attention):
        if attention.head_dim is not None and same(attention.head_dim * attention.heads, query.channels) is not True:
            sizes["head_dim"] = attention.head_dim
        leaving = attention.leaving(query.tensor)
        for name, size, usual in (
            ("key_channels", key.channels, query.channels),
            ("value_channels", value.channels, key.channels),
            ("dim", leaving, query.channels),
        ):
            if same(size, usual) is not True:
                sizes[name] = size
    return _own(attention, tensors, (query.channels, attention.heads), sizes, _stored(".weight", ".bias", (1, 0)))


@KERAS.spells(Attention, BareAttention)
def _(attention: Attention | BareAttention, *tensors: Placed) -> Spelling:
    stored = _stored("/kernel", "/bias", (0, 1))
    query, key, _ = attention.entering(tensors)
    head_dim = query.channels // attention.heads
    if isinstance(attention, BareAttention):
        _, value_dim = attention.head_sizes([x.tensor for x in tensors])
        return _own(attention, tensors, (attention.heads, head_dim, attention.heads * value_dim), {}, stored)
    head_dim = head_dim if attention.head_dim is None else attention.head_dim
    dim = attention.leaving(query.tensor)
    if not _is_plain(attention) or query.rank != key.rank:
        return _own(attention, tensors, (attention.heads, head_dim, dim), {}, stored)
    module = KERAS.call(
        "layers.MultiHeadAttention",
        attention.heads,
        head_dim,
        dropout=attention.dropout,
        use_bias=attention.biased,
        output_shape=None if same(dim, query.channels) is True else dim,
    )
    keywords: dict[str, Any] = {"key": Entering(1)} if len(tensors) == 3 else {}
    if attention.causal is not False:
        keywords["use_causal_mask"] = attention.causal
    applied = apply(MADE, X, Entering(len(tensors) - 1), **keywords)
    stored = _stored("/kernel", "/bias", (0, 1), "attention_output")
    return Part((module,), weights=stored, applied=applied, builds_inside=True)


def _is_plain(attention: Attention) -> bool:
    """Whether there is none of the options that Keras lacks."""
    absent = (attention.window, attention.grid, attention.scale, attention.bias)
    off = (attention.relative, attention.rope, attention.qkv_bias)
    if any(option is not None for option in absent) or any(option is not False for option in off):
        return False
    return same(attention.serving(), attention.heads) is True
