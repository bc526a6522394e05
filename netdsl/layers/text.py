"""Vectors of token ids and of their places: `embed`, `unembed`, `positions`."""

from __future__ import annotations

from typing import Any

from ..emit.calls import (
    KERAS,
    LAST,
    MADE,
    TIED,
    TORCH,
    Call,
    Index,
    Method,
    Operation,
    Part,
    Placed,
    Spelling,
    Stored,
    X,
    apply,
)
from ..layer import Layer, Size, Tensor, Weight, arg, check, flag, words
from ..record import frozen
from ..size import product, same
from ..values import COUNT, TABLE, Truth


@frozen(kw_only=True)
class Embed(Layer):
    """Look up a trained vector for each token id; the ids are whole numbers from 0 to `vocab` - 1.

    embed 64 vocab=10k
    """

    dim: Size = arg(COUNT, role="positional", help="number of channels of each vector", tries=("1", "3"))
    vocab: Size = arg(COUNT, help="number of token ids that there are", tries=("7", "11"))

    keyword = "embed"
    needs_int = True
    brought = ("embedding", "embeddings", "token_embedding", "lookup", "word_embedding")

    def output(self, x: Tensor) -> Tensor:
        return Tensor((*x.sizes, self.dim), per_example=x.per_example)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("table", (self.vocab, self.dim)),)


@frozen(kw_only=True)
class Unembed(Layer):
    """Compare each vector with those of an `embed` layer, whose table is used turned over (Press and Wolf, 2017).

    It leaves a number for each token id, most often the logits of the next token. The table is counted once.

    unembed tokens
    """

    table: Any = arg(TABLE, role="positional", help="the `embed` layer whose table is used")
    bias: Truth = flag("bias", help="add a bias")

    keyword = "unembed"
    learns = True
    brought = ("reversibleembedding", "lm_head", "tied_linear", "tie_weights")

    @property
    def embed(self) -> Embed:
        """The layer that keeps the table."""
        maker = self.table.maker
        check(
            isinstance(maker, Embed),
            "E008",
            f"`{self.table.name}` is not the name of an `embed` layer"
            + (f": `{maker.keyword}` makes that tensor" if isinstance(maker, Layer) else ""),
            "the name stands right behind the layer, as in `embed 64 vocab=10k as tokens`, "
            "or is that of a shared block of this layer alone",
            "table",
        )
        return maker  # type: ignore[no-any-return]

    def output(self, x: Tensor) -> Tensor:
        embed = self.embed
        check(
            same(x.channels, embed.dim),
            "E008",
            f"{x.channels} channels enter, and each vector of `{self.table.name}` has {embed.dim}",
            f"`linear {embed.dim}` before it makes them equal",
            "table",
        )
        return x.resized(*x.positions, embed.vocab)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        embed = self.embed
        return (
            Weight("table", (embed.vocab, embed.dim), uses=product(x.positions), tied=True),
            Weight("bias", (embed.vocab,), present=self.bias),
        )

    def reason(self, x: Tensor) -> str:
        return f"the table of `{self.table.name}` is used, {self.embed.vocab}x{self.embed.dim}, and is counted there"


@frozen(kw_only=True)
class Positions(Layer):
    """Add a trained vector to each position of a sequence (Gehring et al., 2017).

    positions
    """

    kind: str = words("learned", help="from a trained table")
    max: Size | None = arg(
        COUNT,
        default=None,
        help="length of the longest sequence; the length that enters unless given",
        tries=("12", "20"),
    )

    keyword = "positions"
    gives_places = True
    ranks = (2,)
    closes = "`max=` gives the table a length, as in `positions max=512`"
    brought = ("position", "position_embedding", "positional_embedding", "positionembedding", "pos_embed", "wpe")

    def length(self, x: Tensor) -> Size:
        """Return the number of vectors in the table."""
        return x.sizes[0] if self.max is None else self.max

    def output(self, x: Tensor) -> Tensor:
        check(
            x.sizes[0] <= self.length(x),
            "E008",
            f"a sequence of {x.sizes[0]} enters, and the table holds {self.max} positions",
            f"write `max={x.sizes[0]}` or more, or leave it out",
            "max",
        )
        return x

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("table", (self.length(x), x.channels)),)


@frozen(kw_only=True)
class SinusoidalPositions(Layer):
    """Add sin(p / 10000^(c/C)) to the even channels c of position p, and on the odd ones behind each the cosine.

    Nothing in it is trained (Vaswani et al., 2017).

    positions sinusoidal
    """

    kind: Truth = flag("sinusoidal", help="waves of fixed lengths")

    keyword = "positions"
    gives_places = True
    form = "sinusoidal"
    ranks = (2,)
    brought = ("positional_encoding", "positionalencoding", "position_encoding", "pos_encoding", "sineposition")

    def output(self, x: Tensor) -> Tensor:
        return x


@TORCH.spells(Embed, layout=LAST)
def _(embed: Embed, x: Placed) -> Spelling:
    module = Call("nn.Embedding", (embed.vocab, embed.dim))
    return Part((module,), weights=(Stored("table", "weight", (0, 1)),))


@KERAS.spells(Embed)
def _(embed: Embed, x: Placed) -> Spelling:
    module = Call("layers.Embedding", (embed.vocab, embed.dim))
    # the layer that can be called in reverse; a transposed table in its place would stay as it was when it was read
    lending = Call("layers.ReversibleEmbedding", (embed.vocab, embed.dim))
    return Part((module,), lending=(lending,), weights=(Stored("table", "embeddings", (0, 1)),))


@TORCH.spells(Unembed, layout=LAST)
def _(unembed: Unembed, x: Placed) -> Spelling:
    table = Method(TIED, "weight")
    if not unembed.bias:
        return Part(function=apply("F.linear", X, table))
    bias = Call("nn.Parameter", (Call("torch.zeros", (unembed.embed.vocab,)),))
    applied = apply("F.linear", X, table, MADE)
    return Part((bias,), applied=applied, suffix="_bias", weights=(Stored("bias", "", (0,)),))


@KERAS.spells(Unembed)
def _(unembed: Unembed, x: Placed) -> Spelling:
    logits = Part(function=apply(TIED, X, reverse=True))
    if not unembed.bias:
        return logits
    bias = Call("Affine", ((unembed.embed.vocab,),), (("scale", False),))
    return (logits, Part((bias,), weights=(Stored("bias", "bias", (0,)),), idiom="Affine"))


@TORCH.spells(Positions, layout=LAST)
def _(positions: Positions, x: Placed) -> Spelling:
    length = positions.length(x.tensor)
    table = Call("nn.Parameter", (Call("torch.zeros", (length, x.channels)),))
    first = MADE if same(x.sizes[0], length) is True else Index(MADE, (slice(None, Index(Method(X, "shape"), (1,))),))
    return Part((table,), applied=Operation("+", X, first), weights=(Stored("table", "", (0, 1)),))


@KERAS.spells(Positions)
def _(positions: Positions, x: Placed) -> Spelling:
    module = Call("LearnedPositions", (positions.length(x.tensor),))
    return Part((module,), weights=(Stored("table", "table", (0, 1)),), idiom="LearnedPositions")


@KERAS.spells(SinusoidalPositions)
@TORCH.spells(SinusoidalPositions, layout=LAST)
def _(positions: SinusoidalPositions, x: Placed) -> Spelling:
    return Part((Call("SinusoidalPositions"),), idiom="SinusoidalPositions")
