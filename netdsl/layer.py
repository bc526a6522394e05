"""What a layer is: tensors, weights, declared arguments, and the checks of shape rules; no layer in particular."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

from .record import NOTHING, field, fields, frozen
from .size import Expression, choose, divide, product
from .values import TRUTH, Kind, Truth

Size: TypeAlias = "int | Expression"
F = TypeVar("F", bound="Callable[..., Any]")


@frozen
class Tensor:
    """The sizes of one example, channels last and without the batch axis, and the element type.

    `per_example` is False for a tensor that all examples of a batch have in common.
    """

    sizes: tuple[Size, ...]
    dtype: Literal["float", "int"] = "float"
    per_example: bool = True

    @property
    def rank(self) -> int:
        """The number of sizes."""
        return len(self.sizes)

    @property
    def channels(self) -> Size:
        """The last size."""
        return self.sizes[-1]

    @property
    def positions(self) -> tuple[Size, ...]:
        """All sizes but the channels."""
        return self.sizes[:-1]

    def resized(self, *sizes: Size) -> Tensor:
        """Return a tensor of the same kind with other sizes."""
        return Tensor(sizes, self.dtype, self.per_example)

    def __str__(self) -> str:
        return show_shape(self.sizes)


def show_shape(sizes: tuple[Any, ...]) -> str:
    """Return a shape as an author writes it: `100x100x1`, `(T-2)x8`."""
    return "x".join(f"({size})" if not str(size).replace("_", "").isalnum() else str(size) for size in sizes)


@frozen
class Slide:
    """How a window goes along one axis: sizes in positions, and the padding at the start and the end."""

    window: Size
    stride: Size
    dilation: Size
    before: Size
    after: Size

    @property
    def span(self) -> Size:
        """How many positions it spans, from its first element to its last."""
        return (self.window - 1) * self.dilation + 1


@frozen
class Reach:
    """What an output position sees of an input along one axis.

    Position i sees `size` positions in a row, whose middle is `start + i * step`; a step below 1 enlarges.
    """

    size: Size
    step: Size = 1
    start: Size = 0


@frozen
class Weight:
    """A tensor that a layer keeps: its shape, and how it is used.

    `uses` is the number of multiply-accumulates that each of its elements takes part in, for one example; a weight
    that is only added or scales elementwise has 0. `present` is a truth value: a weight that a flag leaves out stays
    in the list, so that a symbolic flag needs no question. `tied` says that another layer keeps it, and counts it.
    """

    name: str
    shape: tuple[Size, ...]
    uses: Size = 0
    trained: bool = True
    present: Truth = True
    tied: bool = False

    @property
    def size(self) -> Size:
        """The number of its elements, 0 where it is left out."""
        if self.present is False:
            return 0
        size = product(self.shape)
        return size if self.present is True else choose(self.present, size, 0)


class Refused(Exception):
    """A layer does not take this input or these arguments; elaboration knows where that is written.

    `argument` names the argument to blame (else the stage is), `axis` the axis whose size has been exhausted.
    """

    def __init__(self, code: str, message: str, help: str = "", argument: str = "", axis: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.argument = argument
        self.axis = axis


def check(
    condition: Truth, code: str, message: str, help: str = "", argument: str = "", axis: int | None = None
) -> None:
    """Refuse where a condition is known to be false; what symbols leave open passes."""
    if condition is False:
        raise Refused(code, message, help, argument, axis)


Role: TypeAlias = Literal["positional", "filters", "keyword", "word", "flag"]


@frozen
class Argument:
    """How one field of a layer is written.

    `role` says where: "positional", "filters" (the two sides of `F@K`) and "keyword" are all `name=value` too; "word"
    is one of `words`, standing bare or after `name=`; "flag" is the bare word in `words`, or that with a truth value.
    `bare` is the value that
    the argument's name has when it stands alone. `trains` marks what changes training and not the function.
    """

    kind: Kind
    help: str
    role: Role = "keyword"
    words: tuple[str, ...] = ()
    inverted: bool = False
    bare: Any = None
    trains: bool = False
    tries: tuple[str, ...] = ()


def kept(function: F) -> F:
    """Let a function keep what it says of declarations, of which there are only so many.

    It is `functools.cache`, which type checkers take for one that cannot be asked about classes.
    """
    return cache(function)  # type: ignore[return-value]


def arg(
    kind: Kind,
    *,
    help: str,
    default: Any = NOTHING,
    role: Role = "keyword",
    bare: Any = None,
    trains: bool = False,
    tries: tuple[str, ...] = (),
) -> Any:
    """Declare an argument `name=value`, or one of another role; `tries` replace the examples of its kind.

    With `bare`, its name alone means that value.
    """
    argument = Argument(kind, help, role, bare=bare, trains=trains, tries=tries or kind.tries)
    return field(default=default, metadata={"argument": argument}, kw_only=True)


def words(*choices: str, help: str, default: str | None = None, bare: str | None = None) -> Any:
    """Declare an argument that is one of a few words; the first is the default unless another is.

    With `bare`, the words stand behind the argument's name only (`weighted=layer`), the name alone means `bare`, and
    None is the default.
    """
    kind = Kind(" or ".join(f"`{choice}`" for choice in choices), lambda value: value, choices)
    argument = Argument(kind, help, "word", choices, bare=bare, tries=choices)
    chosen = default if default or bare else choices[0]
    return field(default=chosen, metadata={"argument": argument}, kw_only=True)


def flag(word: str, *, help: str, off: bool = False) -> Any:
    """Declare a flag; with `off`, the word sets the field to false (`nobias`), else to true."""
    argument = Argument(TRUTH, help, "flag", (word,), inverted=off, tries=("false", "true"))
    return field(default=off, metadata={"argument": argument}, kw_only=True)


class Declaration:
    """The base of what is written as a word with arguments: whose fields these are."""

    keyword: ClassVar[str]
    """The word in the language."""
    form: ClassVar[str] = ""
    """Layers of one keyword in several forms: the flag or argument name that this form is known by."""
    learns: ClassVar[bool] = False
    """Whether it has a kernel."""


class Layer(Declaration):
    """The base of every declaration of a layer: a kind of function from tensors to a tensor, with its weights.

    Its rules run on numbers and on symbols alike, so they use `check`, `same`, `choose` and arithmetic, and never
    Python's `if` on a size or a flag that may be symbolic.
    """

    ranks: ClassVar[tuple[int, ...]] = ()
    """Ranks of the tensors that it takes; empty for any."""
    accepts_int: ClassVar[bool] = False
    """Whether a tensor of token ids may enter."""
    needs_int: ClassVar[bool] = False
    """Whether a tensor of token ids has to enter."""
    is_source: ClassVar[bool] = False
    """Whether it begins a pipeline and takes no tensor."""
    is_input: ClassVar[bool] = False
    """Whether it is a source whose tensor comes from outside of the network."""
    combines: ClassVar[bool] = False
    """Whether it takes the tensors of its branches, `add(a, b)`."""
    branches: ClassVar[tuple[int, ...]] = ()
    """Numbers of branches that may stand behind its word, `attention(memory) 8`: the largest stands in place of the
    tensor that enters, fewer follow it."""
    of_branches: ClassVar[str] = ""
    """The combinator that does the same with branches, for those who give it some."""
    holds_pipeline: ClassVar[bool] = False
    """Whether a pipeline stands behind its word, `moe( ... ) experts=8`, that is applied to each position."""
    broadcasts: ClassVar[bool] = False
    """Whether a tensor that all examples have in common meets those of each as it is."""
    is_activation: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False
    """Whether each element of the output depends on the one at its place alone, through the same function."""
    flattens: ClassVar[bool] = False
    """Whether it puts all elements in one axis, channels last."""
    absorbs_order: ClassVar[bool] = False
    """Whether its weights can follow another order of a flattened input."""
    keeps_statistics: ClassVar[bool] = False
    """Whether in training it uses those of the batch, and keeps averages of them for afterwards."""
    is_affine: ClassVar[bool] = False
    """Whether it is a trained linear map, with a bias or without."""
    convolves: ClassVar[bool] = False
    is_norm: ClassVar[bool] = False
    """Whether it brings values to one scale."""
    is_pool: ClassVar[bool] = False
    adds: ClassVar[bool] = False
    """Whether it is a sum of its branches, so that one can stand beside the others as a shortcut."""
    gathers: ClassVar[bool] = False
    """Whether it puts its branches side by side, so that what follows sees each of them."""
    multiplies: ClassVar[bool] = False
    """Whether it is a product of its branches, so that one can be a gate for another."""
    is_recurrent: ClassVar[bool] = False
    """Whether it reads a sequence from one end to the other."""
    attends: ClassVar[bool] = False
    """Whether its positions look at each other by what they hold, wherever they are."""
    gives_places: ClassVar[bool] = False
    """Whether positions differ behind it by where they are."""
    sees_all: ClassVar[bool] = False
    """Whether each value that leaves depends on all positions that enter."""
    is_stochastic: ClassVar[bool] = False
    """Whether it draws numbers while training, and does nothing else."""
    drops: ClassVar[bool] = False
    """Whether it is stochastic by setting values to 0, at a `rate`."""
    is_rectified: ClassVar[bool] = False
    """Whether as an activation it is flat, or nearly so, far below zero, and goes on growing above."""
    is_saturating: ClassVar[bool] = False
    """Whether as an activation it is flat at both ends."""
    is_centred: ClassVar[bool] = False
    """Whether as an activation it is as far from zero on either side."""
    is_exponential: ClassVar[bool] = False
    """Whether as an activation it grows beyond any power."""
    is_monotone: ClassVar[bool] = False
    """Whether as an activation it keeps the order of values."""
    is_idempotent: ClassVar[bool] = False
    """Whether doing it twice is doing it once."""
    makes: ClassVar[Literal["", "probability", "distribution", "log_distribution"]] = ""
    """What its values may be taken for: probabilities, each by itself or all along an axis, or logarithms of these."""
    refuses_rank_as: ClassVar[str] = "E001"
    """The code of the message that a tensor of a rank enters which it does not take."""
    lacks_axes: ClassVar[str] = ""
    """What may be wrong where a tensor of fewer axes enters, if it is more than a missing `reshape`."""
    closes: ClassVar[str] = ""
    """What gives its weights a size that would be left open, where an argument does."""
    brought: ClassVar[tuple[str, ...]] = ()
    """Names that people bring along from elsewhere, in lower case; an error then names the right word."""
    brought_as: ClassVar[dict[str, str]] = {}
    """Spellings of those of them that are more than the keyword."""

    def implied(self, x: Tensor) -> Layer | None:
        """Return the layer that stands before this one without being written, if there is one."""
        return None

    def output(self, *tensors: Any, **_: Any) -> Tensor:
        """Return the tensor that leaves."""
        raise NotImplementedError

    def weights(self, *tensors: Any, **_: Any) -> tuple[Weight, ...]:
        """Return every weight that the arguments may ask for, in the order in which frameworks keep them."""
        return ()

    def products(self, *tensors: Any, **_: Any) -> Size:
        """Return the multiply-accumulates between activations, for one example."""
        return 0

    def reason(self, *tensors: Any, **_: Any) -> str:
        """Return a sentence on the weights where their number would surprise, else nothing."""
        return ""

    def passes_through(self) -> bool:
        """Return whether it only moves, drops or averages values, so that a linear map behind it is one before it."""
        return False

    def does_nothing(self, *tensors: Any) -> bool:
        """Return whether its arguments make it leave what enters as it is, or a shape that is known."""
        return False

    def fan_in(self, x: Tensor) -> Size:
        """Return of how many values an affine layer makes each of its own."""
        raise NotImplementedError

    def parts(self, x: Tensor) -> Size:
        """Return in how many parts it keeps the channels that enter apart."""
        return 1

    def slides(self, x: Tensor) -> tuple[Slide, ...]:
        """Return how a window goes over each axis; empty where there is none."""
        return ()

    def lays(self, x: Tensor) -> tuple[Slide, ...]:
        """Return how it lays a window down for each position, along each axis of what leaves; empty if it does not."""
        return ()

    def sees(self, *tensors: Tensor) -> tuple[Reach, ...] | None:
        """Return what a position sees along each axis, None where positions do not lie on axes any more."""
        x = tensors[0]
        slides = self.slides(x)
        if slides:
            return tuple(Reach(s.span, s.stride, _middle(s)) for s in slides)
        if self.sees_all or self.output(*tensors).positions != x.positions:
            return None
        return (Reach(1),) * len(x.positions)


def _middle(slide: Slide) -> Size:
    return divide(slide.span - 1, 2) - slide.before


@kept
def arguments(layer: type[Declaration]) -> dict[str, Argument]:
    """Return the declared arguments of a layer by field name, in the order of their declaration."""
    return {known.name: known.metadata["argument"] for known in fields(layer) if "argument" in known.metadata}


@kept
def required(layer: type[Declaration]) -> tuple[str, ...]:
    """Return the names of the arguments without a default."""
    return tuple(known.name for known in fields(layer) if known.default is NOTHING)


def default_of(layer: type[Declaration], name: str) -> Any:
    """Return the default of an argument."""
    return next(known.default for known in fields(layer) if known.name == name)


def number_of_axes(x: Tensor) -> str:
    """Return what the rank of a tensor is called: a vector, a sequence, a map, a volume."""
    names = {1: "a vector", 2: "a sequence (length x channels)", 3: "a map (height x width x channels)"}
    return names.get(x.rank, f"a tensor of rank {x.rank}")


def per_axis(value: Any, axes: int, argument: str) -> tuple[Any, ...]:
    """Return a value for each axis: one value stands for all, a list has to have one an axis."""
    if not isinstance(value, tuple):
        return (value,) * axes
    check(
        len(value) == axes,
        "E008",
        f"`{argument}` has {len(value)} value{'s' * (len(value) != 1)}, but the tensor has {axes} "
        f"{'axes' if axes != 1 else 'axis'} beside the channels",
        f"write one number for every axis, or {axes} as in `{'x'.join('3' * axes) if axes > 1 else '[3]'}`",
        argument,
    )
    return value


def axis_of(axis: int, rank: int, argument: str = "axis") -> int:
    """Return an axis counted from 0, whether it was counted from the start or from the end."""
    check(
        -rank <= axis < rank,
        "E008",
        f"there is no axis {axis}: the tensor has "
        + (f"{rank} axes, 0 to {rank - 1} (or -{rank} to -1)" if rank > 1 else "one, 0 (or -1)"),
        "axes count without the batch; the last one holds the channels",
        argument,
    )
    return axis % rank
