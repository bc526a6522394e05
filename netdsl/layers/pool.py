"""Pools: over windows, over all positions, and to a given size."""

from __future__ import annotations

from operator import index
from typing import Any, ClassVar

from ..emit.calls import (
    EITHER,
    FIRST,
    KERAS,
    TORCH,
    Call,
    Method,
    Operation,
    Part,
    Placed,
    Spelling,
    Stored,
    X,
    apply,
    one_or_all,
)
from ..layer import Layer, Reach, Size, Slide, Tensor, Weight, arg, axis_of, check, flag, per_axis, words
from ..record import frozen
from ..size import both, ceil_div, choose, divide, maximum, minimum, negate, symbols
from ..values import AXES, PADS, SIZES, STRIDE, WINDOW, Truth
from .windows import (
    Pads,
    check_fits,
    keras_pad,
    keras_padded,
    no_padding,
    padding_amounts,
    symmetric,
    torch_pad,
    torch_same,
    windows_along,
)

LOWEST = float("-inf")  # padding with it never wins a max


@frozen
class Placement:
    """Where the windows of a pool go on one input.

    `pads` is the padding that was asked for, `reach` what the windows touch: with `ceil`, the last one may hang over.
    """

    window: tuple[Size, ...]
    stride: tuple[Size, ...]
    pads: Pads
    reach: Pads
    along: tuple[Size, ...]


@frozen(kw_only=True)
class Pool(Layer):
    """Take the largest value, or the average, in each window of each channel.

    pool 3/2
    """

    window: Any = arg(WINDOW, role="positional", help="size of the window")
    stride: Any = arg(STRIDE, default=None, help="distance between windows, the window itself unless given")
    kind: str = words("max", "avg", help="the largest value or the average")
    padding: str = words("valid", "same", "centered", help="what is put around the input; it never wins a max")
    pad: Any = arg(PADS, default=None, help="padding in numbers, at most half the window")
    ceil: Truth = flag("ceil", help="keep a last window that hangs over the end, if it begins inside")
    count_pad: Truth = flag("count_pad", help="count the padding in an average")
    weighted: str | None = words(
        "channel", "layer", bare="channel", help="a trained coefficient and bias behind the pool, per channel or layer"
    )
    bias: Truth = flag("nobias", off=True, help="no bias behind a weighted pool")

    keyword = "pool"
    is_pool = True
    ranks = (2, 3, 4)
    brought = (
        "maxpool", "maxpool1d", "maxpool2d", "maxpool3d", "max_pool", "maxpooling", "maxpooling2d", "maxpooling1d",
        "max_pooling", "avgpool", "avgpool1d", "avgpool2d", "avg_pool", "averagepooling1d", "averagepooling2d",
        "averagepool", "pooling", "subsample",
    )  # fmt: skip

    brought_as: ClassVar[dict[str, str]] = dict.fromkeys(
        ("avgpool", "avgpool1d", "avgpool2d", "avg_pool", "averagepooling1d", "averagepooling2d", "averagepool"),
        "pool 2 avg",
    )

    def placement(self, x: Tensor) -> Placement:
        """Return where the windows go, after checking that they can."""
        axes = x.rank - 1
        window = per_axis(self.window, axes, "window")
        stride = window if self.stride is None else per_axis(self.stride, axes, "stride")
        pads = padding_amounts(x, self.padding, self.pad, window, stride)
        for k, pair in zip(window, pads, strict=True):
            check(
                both(*(2 * amount <= k for amount in pair)) if self.pad is not None else True,
                "E008",
                f"a padding of {max(pair, key=str)} is more than half the window of {k}",
                "a window could lie in the padding alone; pad with `pad` before, or use a larger window",
                "pad",
            )
        if self.ceil is False:
            check_fits(x, self.keyword, window, window, pads)
        along, reach = [], []
        floors = windows_along(x, window, stride, pads)
        for n, k, s, (before, after), fitting in zip(x.positions, window, stride, pads, floors, strict=True):
            rounded = ceil_div(n + before + after - k, s) + 1
            begins_inside = (rounded - 1) * s < n + before
            count = choose(self.ceil, choose(begins_inside, rounded, rounded - 1), fitting)
            check(count >= 1, "E002", f"no window of {k} begins inside an axis of {n}", "use a smaller window")
            along.append(count)
            reach.append((before, choose(self.ceil, maximum((count - 1) * s + k - n - before, 0), after)))
        return Placement(window, stride, pads, tuple(reach), tuple(along))

    def output(self, x: Tensor) -> Tensor:
        check(
            True if self.kind == "avg" else negate(self.count_pad),
            "E008",
            "`count_pad` is about averages",
            "write `avg count_pad`, or leave it out: padding never wins a max",
        )
        check(
            self.bias if self.weighted is None else True,
            "E008",
            "`nobias` is about weighted pools, and this one has no weights",
            "write `weighted nobias`, or leave it out",
        )
        return x.resized(*self.placement(x).along, x.channels)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        if self.weighted is None:
            return ()
        shape = (x.channels,) if self.weighted == "channel" else (1,)
        return (Weight("scale", shape), Weight("bias", shape, present=self.bias))

    def reason(self, x: Tensor) -> str:
        if self.weighted is None:
            return ""
        each = f"for each of the {x.channels} channels" if self.weighted == "channel" else "for the whole layer"
        return (
            f"`weighted`: behind the pool every value is multiplied by a trained coefficient (scale) and a trained "
            f"bias is added, one of each {each}, as in the subsampling layers of LeNet-5; a plain pool has no weights"
        )

    def passes_through(self) -> bool:
        return self.kind == "avg" and self.weighted is None

    def does_nothing(self, x: Tensor) -> bool:
        at = self.placement(x)
        plain = self.weighted is None and no_padding(at.pads)
        return plain and all(k == 1 and s == 1 for k, s in zip(at.window, at.stride, strict=True))

    def slides(self, x: Tensor) -> tuple[Slide, ...]:
        at = self.placement(x)
        pairs = zip(at.window, at.stride, at.pads, strict=True)
        return tuple(Slide(k, s, 1, before, after) for k, s, (before, after) in pairs)


@frozen(kw_only=True)
class GlobalPool(Layer):
    """Take the average, the largest value or the sum over all positions of each channel.

    pool global
    """

    everything: Truth = flag("global", help="the window is the whole input")
    kind: str = words("avg", "max", "sum", help="the average, the largest value or the sum")
    axis: Any = arg(
        AXES,
        default=None,
        help="only these axes, as a list; all positions unless given",
        tries=("[0]", "[1]", "[0, -2]"),
    )
    keep: Truth = flag("keep", help="axes stay, with size 1")

    keyword = "pool"
    is_pool = True
    sees_all = True
    form = "global"
    ranks = (2, 3, 4)
    brought = (
        "gap", "global_pool", "globalpool", "global_avg_pool", "globalaveragepooling2d", "globalaveragepooling1d",
        "globalaveragepooling3d", "globalaveragepooling", "global_average_pooling", "globalavgpool", "globalavgpool2d",
        "global_average_pool", "globalpooling", "global", "global_max_pool", "globalmaxpool", "globalmaxpooling",
        "globalmaxpooling1d", "globalmaxpooling2d", "gmp",
    )  # fmt: skip
    brought_as: ClassVar[dict[str, str]] = dict.fromkeys(
        ("global_max_pool", "globalmaxpool", "globalmaxpooling", "globalmaxpooling1d", "globalmaxpooling2d", "gmp"),
        "pool global max",
    )

    def axes(self, x: Tensor) -> tuple[int, ...]:
        """Return the axes that are pooled, counted from 0."""
        if self.axis is None:
            return tuple(range(x.rank - 1))
        axes = tuple(index(axis_of(axis, x.rank)) for axis in self.axis)
        check(
            0 < len(axes) == len(set(axes)) and max(axes) < x.rank - 1,
            "E008",
            f"`axis` names positions, 0 to {x.rank - 2}, each at most once",
            "the channels are not pooled; leave `axis` out for all positions",
            "axis",
        )
        return axes

    def output(self, x: Tensor) -> Tensor:
        axes = self.axes(x)
        if self.keep:
            return x.resized(*(1 if axis in axes else size for axis, size in enumerate(x.sizes)))
        return x.resized(*(size for axis, size in enumerate(x.sizes) if axis not in axes))

    def passes_through(self) -> bool:
        return self.kind != "max"


@frozen(kw_only=True)
class AdaptivePool(Layer):
    """Pool to a given size: window i of m over n positions goes from floor(i*n/m) to ceil((i+1)*n/m).

    pool to=7x7 avg
    """

    to: Any = arg(SIZES, help="size of the output along each axis")
    kind: str = words("max", "avg", help="the largest value or the average")

    keyword = "pool"
    is_pool = True
    form = "to"
    ranks = (2, 3, 4)
    brought = ("adaptiveavgpool2d", "adaptive_avg_pool", "adaptivepool", "adaptivemaxpool2d")
    brought_as: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("adaptiveavgpool2d", "adaptive_avg_pool"), "pool to=7x7 avg"),
        **dict.fromkeys(("adaptivepool", "adaptivemaxpool2d"), "pool to=7x7"),
    }

    def sizes(self, x: Tensor) -> tuple[Size, ...]:
        """Return the size of the output along each axis."""
        return per_axis(self.to, x.rank - 1, "to")

    def output(self, x: Tensor) -> Tensor:
        return x.resized(*self.sizes(x), x.channels)

    def passes_through(self) -> bool:
        return self.kind == "avg"

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...]:
        x = tensors[0]
        pairs = zip(x.positions, self.sizes(x), strict=True)
        return tuple(Reach(ceil_div(n, m), divide(n, m), divide(divide(n, m) - 1, 2)) for n, m in pairs)


def _windowed(function: str, x: Any, placement: Placement) -> Call:
    """Return a pool as an expression, in the form that both frameworks' functions have."""
    return apply(function, x, one_or_all(placement.window), one_or_all(placement.stride))


def _counts_all(pool: Pool, placement: Placement) -> bool:
    """Whether every window's average is over the whole window."""
    return no_padding(placement.reach) or (bool(pool.count_pad) and placement.reach == placement.pads)


@TORCH.spells(Pool, layout=FIRST)
def _(pool: Pool, x: Placed) -> Spelling:
    return (*_torch_windows(pool, x), *_weighted(pool, x))


def _torch_windows(pool: Pool, x: Placed) -> tuple[Part, ...]:
    placement = pool.placement(x.tensor)
    window, stride = one_or_all(placement.window), one_or_all(placement.stride)
    keywords: dict[str, Any] = {} if window == stride else {"stride": stride}
    average = pool.kind == "avg"
    module = f"nn.{'Avg' if average else 'Max'}Pool{x.spatial}d"
    if symmetric(placement.pads) and not (average and _too_small_for_torch(x, placement)):
        keywords["padding"] = one_or_all(tuple(before for before, _ in placement.pads))
        keywords["ceil_mode"] = placement.reach != placement.pads and bool(pool.ceil)
        if average:
            keywords["count_include_pad"] = bool(pool.count_pad) or no_padding(placement.pads)
        return (Part((TORCH.call(module, window, **keywords),)),)
    if not average and pool.padding == "same" and symbols(tuple(n for pair in placement.reach for n in pair)):
        pads = torch_same(placement.window, placement.stride, value=LOWEST)
        return (pads, Part((TORCH.call(module, window, **keywords),)))
    if not average:
        return (torch_pad(placement.reach, LOWEST), Part((TORCH.call(module, window, **keywords),)))
    if _counts_all(pool, placement):
        return (torch_pad(placement.reach), Part((TORCH.call(module, window, **keywords),)))
    function = f"F.avg_pool{x.spatial}d"
    total = _windowed(function, torch_pad(placement.reach).function, placement)
    counts = _windowed(function, _torch_mask(apply("torch.ones_like", X), pool, placement), placement)
    return (Part(function=Operation("/", total, counts)),)


def _too_small_for_torch(x: Placed, placement: Placement) -> bool:
    """Whether PyTorch refuses to average: AvgPool3d wants the window to fit before it pads."""
    return x.spatial == 3 and any((n < k) is not False for n, k in zip(x.positions, placement.window, strict=True))


def _torch_mask(ones: Any, pool: Pool, placement: Placement) -> Any:
    """Return 1 where a position counts in an average, 0 where it does not."""

    def padded(value: Any, pads: Pads, fill: float) -> Any:
        amounts = tuple(amount for pair in reversed(pads) for amount in pair)
        return apply("F.pad", value, amounts, **({"value": fill} if fill else {}))

    if not pool.count_pad:
        return padded(ones, placement.reach, 0.0)
    return padded(padded(ones, _inside(placement), 1.0), _beyond(placement), 0.0)


def _inside(placement: Placement) -> Pads:
    """Return the part of the padding that windows touch."""
    return tuple((b, minimum(a, r)) for (b, a), (_, r) in zip(placement.pads, placement.reach, strict=True))


def _beyond(placement: Placement) -> Pads:
    """Return how far windows hang over the padding."""
    return tuple((0, maximum(r - a, 0)) for (_, a), (_, r) in zip(placement.pads, placement.reach, strict=True))


def _weighted(pool: Pool, x: Placed) -> tuple[Part, ...]:
    """Return the coefficient and bias behind a weighted pool."""
    if pool.weighted is None:
        return ()
    shape = x.per_channel() if pool.weighted == "channel" else (1,)
    keywords = () if pool.bias else (("bias", False),)
    stored = (Stored("scale", "scale", (0,)), Stored("bias", "bias", (0,)))
    return (Part((Call("Affine", (shape,), keywords),), weights=stored, idiom="Affine"),)


@KERAS.spells(Pool)
def _(pool: Pool, x: Placed) -> Spelling:
    return (*_keras_windows(pool, x), *_weighted(pool, x))


def _keras_windows(pool: Pool, x: Placed) -> tuple[Part, ...]:
    placement = pool.placement(x.tensor)
    window, stride = one_or_all(placement.window), one_or_all(placement.stride)
    keywords: dict[str, Any] = {} if window == stride else {"strides": stride}
    average = pool.kind == "avg"
    layer = f"layers.{'Average' if average else 'Max'}Pooling{x.spatial}D"
    if no_padding(placement.reach):
        return (Part((KERAS.call(layer, window, **keywords),)),)
    if not average:
        if placement.reach == padding_amounts(x.tensor, "same", None, placement.window, placement.stride):
            return (Part((KERAS.call(layer, window, **keywords, padding="same"),)),)
        return (keras_pad(placement.reach, LOWEST), Part((KERAS.call(layer, window, **keywords),)))
    if _counts_all(pool, placement):
        return (keras_pad(placement.reach), Part((KERAS.call(layer, window, **keywords),)))
    # Keras' torch backend divides a padded average by the wrong count (keras PR 23233), so the sum and the count are
    # each taken here
    ones = apply("ops.ones_like", X)
    if pool.count_pad:
        mask = keras_padded(keras_padded(ones, _inside(placement), 1.0), _beyond(placement))
    else:
        mask = keras_padded(ones, placement.reach)
    total = _windowed("ops.average_pool", keras_padded(X, placement.reach), placement)
    return (Part(function=Operation("/", total, _windowed("ops.average_pool", mask, placement))),)


@TORCH.spells(GlobalPool, layout=EITHER)
def _(pool: GlobalPool, x: Placed) -> Spelling:
    axes = tuple(x.axis(axis) for axis in pool.axes(x.tensor))
    keywords = {"keepdim": True} if pool.keep else {}
    function = {"avg": "mean", "max": "amax", "sum": "sum"}[pool.kind]
    modules: tuple[Call, ...] = ()
    if pool.axis is None and pool.kind != "sum" and x.layout == FIRST:
        modules = (Call(f"nn.Adaptive{pool.kind.capitalize()}Pool{x.spatial}d", (1,)),)
        if not pool.keep:
            modules = (*modules, Call("nn.Flatten"))
    return Part(modules, apply(Method(X, function), axes, **keywords))


@KERAS.spells(GlobalPool)
def _(pool: GlobalPool, x: Placed) -> Spelling:
    keywords = {"keepdims": True} if pool.keep else {}
    function = {"avg": "ops.mean", "max": "ops.max", "sum": "ops.sum"}[pool.kind]
    axes = tuple(x.axis(axis) for axis in pool.axes(x.tensor))
    modules: tuple[Call, ...] = ()
    if pool.axis is None and pool.kind != "sum":
        name = {"avg": "Average", "max": "Max"}[pool.kind]
        modules = (apply(f"layers.Global{name}Pooling{x.spatial}D", **keywords),)
    return Part(modules, apply(function, X, axis=axes, **keywords))


@TORCH.spells(AdaptivePool, layout=FIRST)
def _(pool: AdaptivePool, x: Placed) -> Spelling:
    kind = pool.kind.capitalize()
    return Part((Call(f"nn.Adaptive{kind}Pool{x.spatial}d", (one_or_all(pool.sizes(x.tensor)),)),))


@KERAS.spells(AdaptivePool)
def _(pool: AdaptivePool, x: Placed) -> Spelling:
    sizes = pool.sizes(x.tensor)
    average = pool.kind == "avg"
    if all(isinstance(n, int) and n % m == 0 for n, m in zip(x.positions, sizes, strict=True)):
        window = one_or_all(tuple(n // m for n, m in zip(x.positions, sizes, strict=True)))
        return Part((Call(f"layers.{'Average' if average else 'Max'}Pooling{x.spatial}D", (window,)),))
    # Keras has AdaptiveAveragePooling2D and the like, but on JAX they give NaN for many sizes (3.15, 14 to 7 for one)
    keywords = (("average", True),) if average else ()
    return Part((Call("AdaptivePooling", (sizes,), keywords),), idiom="AdaptivePooling")
