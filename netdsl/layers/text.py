"""Vectors of token ids: `embed`."""

from __future__ import annotations

from attrs import frozen

from ..emit.calls import KERAS, LAST, TORCH, Call, Part, Placed, Spelling, Stored
from ..layer import Layer, Size, Tensor, Weight, arg
from ..values import COUNT


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


@TORCH.spells(Embed, layout=LAST)
def _(embed: Embed, x: Placed) -> Spelling:
    module = Call("nn.Embedding", (embed.vocab, embed.dim))
    return Part((module,), weights=(Stored("table", "weight", (0, 1)),))


@KERAS.spells(Embed)
def _(embed: Embed, x: Placed) -> Spelling:
    module = Call("layers.Embedding", (embed.vocab, embed.dim))
    return Part((module,), weights=(Stored("table", "embeddings", (0, 1)),))
