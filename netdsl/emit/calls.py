"""What a layer's spelling in a target is made of, and the registries of spellings; no layer in particular.

Expressions here are a few small values, so that declaring a spelling costs nothing; emitters turn them into code trees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..record import frozen

if TYPE_CHECKING:
    from ..layer import Layer, Size, Tensor

FIRST: Literal["first"] = "first"
LAST: Literal["last"] = "last"
EITHER: Literal["either"] = "either"
Layout: TypeAlias = Literal["first", "last"]
Wish: TypeAlias = Literal["first", "last", "either"]


@frozen
class Entering:
    """The n-th tensor that enters a layer, in an expression."""

    index: int = 0


X = Entering(0)


@frozen
class Object:
    """An object that the code keeps, in an expression."""

    role: Literal["made", "tied"]


MADE = Object("made")
"""What the modules of the part construct."""
TIED = Object("tied")
"""What the step has constructed whose weights this one uses as its own."""


@frozen
class Call:
    """`function(*arguments, **keywords)`; a dotted name, a Method, a symbol, or an Object or a Call that makes one."""

    function: Any
    arguments: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()


@frozen
class Method:
    """`receiver.name`, to be called or read."""

    receiver: Any
    name: str


@frozen
class Operation:
    """`left operator right`."""

    operator: str
    left: Any
    right: Any


@frozen
class Choice:
    """`yes if condition else no`."""

    condition: Any
    yes: Any
    no: Any


@frozen
class Index:
    """`receiver[items]`; items are numbers, None, `...`, lists, or Python slices."""

    receiver: Any
    items: tuple[Any, ...]


@frozen
class Stored:
    """Where a target keeps a weight.

    The weight's axes are put in the order of `axes`, then, along the first of these, equal `blocks` in another order;
    then its elements are read in order into the target's shape. In a packed tensor, `part` names the elements along
    axis 0 (start, end). `follows_order` says that its first axis goes over the elements of the input, in whatever order
    they were flattened. A weight that is the whole object has no attribute.
    """

    weight: str
    attribute: str
    axes: tuple[int, ...]
    part: tuple[int, int] | None = None
    follows_order: bool = False
    blocks: tuple[int, ...] | None = None


@frozen
class Extra:
    """A tensor that a target keeps beyond the weights of the language: its elements are zero, and stay so."""

    attribute: str
    size: Size


@frozen
class Part:
    """One thing that is applied to the tensor: an object built once, an expression, or either.

    `modules` construct the object (several where it takes several in a row; the last has the weights), `function` is
    the expression; where both are there they mean the same. `idiom` names a class of ours that the code carries along,
    with `options` of it.

    Some objects are more than called: `setup` is done with one once it is made (a text is a comment), `applied` is the
    expression that uses it, `suffix` stands behind the layer's name in its name. `lending` replaces the modules where
    another step uses the weights too.

    `activation` is the target's word for the layer where it can be an argument of the one before, which
    `takes_activation` says of that one.
    """

    modules: tuple[Call, ...] = ()
    function: Any = None
    weights: tuple[Stored, ...] = ()
    extra: tuple[Extra, ...] = ()
    idiom: str = ""
    options: tuple[str, ...] = ()
    setup: tuple[Any, ...] = ()
    applied: Any = None
    suffix: str = ""
    lending: tuple[Call, ...] = ()
    activation: str = ""
    takes_activation: bool = False
    builds_inside: bool = False
    """Whether it makes layers of its own as it is first applied, and can be frozen only after that."""


Spelling: TypeAlias = "Part | tuple[Part, ...]"


@frozen
class Placed:
    """A tensor as a target holds it: its sizes as the language has them, and the place of its channels."""

    tensor: Tensor
    layout: Layout

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes, channels last."""
        return self.tensor.sizes

    @property
    def rank(self) -> int:
        """The number of sizes."""
        return self.tensor.rank

    @property
    def channels(self) -> Size:
        """The last size."""
        return self.tensor.channels

    @property
    def positions(self) -> tuple[Size, ...]:
        """All sizes but the channels."""
        return self.tensor.positions

    @property
    def spatial(self) -> int:
        """The number of axes beside the channels."""
        return self.tensor.rank - 1

    def axis(self, axis: int) -> int:
        """Return the target's number of an axis of the language, counting the batch; -1 stays -1 where it may."""
        place = axis % self.tensor.rank
        if self.layout == FIRST:
            return 1 if place == self.tensor.rank - 1 else place + 2
        return -1 if place == self.tensor.rank - 1 else place + 1

    @property
    def position_axes(self) -> tuple[int, ...]:
        """The target's axes of the positions."""
        return tuple(self.axis(axis) for axis in range(self.tensor.rank - 1))

    def per_channel(self) -> tuple[Size, ...]:
        """Return the shape in which a value per channel meets this tensor in arithmetic."""
        ones = (1,) * self.spatial
        return (self.channels, *ones) if self.layout == FIRST else (self.channels,)


Speller: TypeAlias = "Callable[..., Spelling]"
LayoutWish: TypeAlias = "Wish | Callable[[Any, Tensor], Wish]"


class Target:
    """A framework: how each layer is spelled in it, and which of its defaults need no writing."""

    def __init__(self, name: str, defaults: dict[str, dict[str, Any]]) -> None:
        self.name = name
        self.defaults = defaults
        self._spellers: dict[type[Layer], Speller] = {}
        self._layouts: dict[type[Layer], LayoutWish] = {}

    def spells(self, *layers: type[Layer], layout: LayoutWish = LAST) -> Callable[[Speller], Speller]:
        """Register a function as the spelling of layers: from the layer and its placed inputs to parts.

        `layout` says where the layer wants the channels: first, last, either, or a function of the layer and tensor.
        """

        def register(speller: Speller) -> Speller:
            for layer in layers:
                self._spellers[layer] = speller
                self._layouts[layer] = layout
            return speller

        return register

    def spell(self, layer: Layer, *tensors: Placed) -> tuple[Part, ...]:
        """Return the parts of a layer on tensors that are held in the layout it asked for."""
        spelling = self._spellers[type(layer)](layer, *tensors)
        return spelling if isinstance(spelling, tuple) else (spelling,)

    def layout(self, layer: Layer, x: Tensor) -> Wish:
        """Return where a layer wants the channels of a tensor."""
        wish = self._layouts[type(layer)]
        return wish(layer, x) if callable(wish) else wish

    def can_spell(self, layer: type[Layer]) -> bool:
        """Whether a layer has a spelling."""
        return layer in self._spellers

    def defaults_of(self, function: str) -> dict[str, Any]:
        """Return the keywords of a function that have defaults which need no writing."""
        return self.defaults.get(_without_rank(function), {})

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Call:
        """Return a call without the keywords that are the framework's default."""
        defaults = self.defaults_of(function)
        written = tuple(
            (name, value)
            for name, value in keywords.items()
            if name not in defaults or not _means(value, defaults[name])
        )
        return Call(function, arguments, written)


def _means(value: Any, default: Any) -> bool:
    """Whether a value is a default; a fraction is compared as it is printed, 1/10 being 0.1."""
    if isinstance(default, float) and hasattr(value, "numerator"):
        return float(value) == default
    return bool(value == default)


def _without_rank(function: str) -> str:
    """Return the name that `nn.Conv1d`, `nn.Conv2d` and `nn.Conv3d` have in common, as all have the same defaults."""
    for rank in "123":
        function = function.replace(f"{rank}d", "").replace(f"{rank}D", "")
    return function


def one_or_all(values: tuple[Any, ...]) -> Any:
    """Return one value where all are equal, else all: `3`, `(5, 20)`."""
    return values[0] if all(value == values[0] for value in values) else values


_TORCH_RECURRENT = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}

TORCH = Target(
    "torch",
    {
        "nn.Conv": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
        "nn.ConvTranspose": {"stride": 1, "padding": 0, "output_padding": 0, "bias": True},
        "nn.MaxPool": {"padding": 0, "ceil_mode": False},
        "nn.AvgPool": {"padding": 0, "ceil_mode": False, "count_include_pad": True},
        "nn.Linear": {"bias": True},
        "nn.BatchNorm": {"eps": 1e-5, "momentum": 0.1, "affine": True},
        "nn.LayerNorm": {"eps": 1e-5, "elementwise_affine": True, "bias": True},
        "nn.GroupNorm": {"eps": 1e-5, "affine": True},
        "nn.InstanceNorm": {"eps": 1e-5, "affine": False},
        "nn.RMSNorm": {"elementwise_affine": True},
        "nn.LocalResponseNorm": {"alpha": 1e-4, "beta": 0.75, "k": 1.0},
        "F.normalize": {"dim": 1, "eps": 1e-12},
        "nn.GLU": {"dim": -1},
        "F.glu": {"dim": -1},
        **dict.fromkeys(("nn.RNN", "nn.LSTM", "nn.GRU"), _TORCH_RECURRENT),
        "nn.Upsample": {"mode": "nearest"},
        "F.interpolate": {"mode": "nearest"},
        "nn.GELU": {"approximate": "none"},
        "F.gelu": {"approximate": "none"},
    },
)
"""PyTorch; a test compares the defaults with its signatures."""

_KERAS_CONV = {"strides": 1, "padding": "valid", "dilation_rate": 1, "use_bias": True}
_KERAS_NORM = {"epsilon": 1e-3, "center": True, "scale": True}
_KERAS_RECURRENT = {"use_bias": True, "return_sequences": False, "go_backwards": False}

KERAS = Target(
    "keras",
    {
        "layers.Conv": {**_KERAS_CONV, "groups": 1},
        "layers.DepthwiseConv": {**_KERAS_CONV, "depth_multiplier": 1},
        "layers.SeparableConv": {**_KERAS_CONV, "depth_multiplier": 1},
        "layers.ConvTranspose": {"strides": 1, "padding": "valid", "output_padding": None, "use_bias": True},
        "layers.Dense": {"use_bias": True},
        "layers.BatchNormalization": {"momentum": 0.99, **_KERAS_NORM},
        "layers.LayerNormalization": _KERAS_NORM,
        "layers.GroupNormalization": _KERAS_NORM,
        "layers.RMSNormalization": {"epsilon": 1e-6},
        **dict.fromkeys(("layers.SimpleRNN", "layers.LSTM", "layers.GRU"), _KERAS_RECURRENT),
        "layers.MultiHeadAttention": {"dropout": 0.0, "use_bias": True, "output_shape": None},
        "layers.UpSampling": {"interpolation": "nearest"},
        "layers.Resizing": {"interpolation": "bilinear"},
        "layers.Rescaling": {"offset": 0.0},
        "ops.glu": {"axis": -1},
        "layers.Concatenate": {"axis": -1},
        "layers.ELU": {"alpha": 1.0},
        "ops.elu": {"alpha": 1.0},
    },
)
"""Keras 3; a test compares the defaults with its signatures."""


def apply(function: str | Method | Object, *arguments: Any, **keywords: Any) -> Call:
    """Return a call with every keyword written."""
    return Call(function, arguments, tuple(keywords.items()))


def along(x: Placed, axis: int, item: Any) -> Index:
    """Return the entering tensor indexed along one axis of the language, by a number, a list or a slice."""
    place = x.axis(axis) % (x.rank + 1)
    before = (...,) if 1 < place == x.rank else (slice(None),) * place
    return Index(X, (*before, item))
