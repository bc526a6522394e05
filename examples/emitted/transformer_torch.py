"""Transformer in PyTorch, written by netdsl from transformer.net.

63,082,496 parameters (63,082,496 trained), 18432*T**2 + 62984192*T multiply-accumulates.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Let every position attend to others, in several heads (Vaswani et al., 2017)."""

    def __init__(
        self,
        channels: int,
        heads: int,
        key_channels: int | None = None,
        causal: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        head_dim = channels // heads
        self.head_dim = head_dim
        self.causal = causal
        self.dropout = dropout
        self.query = nn.Linear(channels, heads * head_dim)
        self.key = nn.Linear(key_channels or channels, heads * head_dim)
        self.value = nn.Linear(key_channels or channels, heads * head_dim)
        self.output = nn.Linear(heads * head_dim, channels)

    def forward(self, x: Tensor, key: Tensor | None = None) -> Tensor:
        key = x if key is None else key
        queries = self.split(self.query(x))
        keys = self.split(self.key(key))
        values = self.split(self.value(key))
        x = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            is_causal=self.causal,
            dropout_p=self.dropout if self.training else 0.0,
        )
        x = x.transpose(1, 2).flatten(2)
        return self.output(x)

    def split(self, x: Tensor) -> Tensor:
        """Cut channels into heads, which come before the positions."""
        x = x.unflatten(-1, (-1, self.head_dim))
        return x.transpose(1, 2)


class SinusoidalPositions(nn.Module):
    """Add the sine (even channels) or cosine (odd channels) of each position."""

    def forward(self, x: Tensor) -> Tensor:
        _, length, channels = x.shape
        channel = torch.arange(channels, device=x.device)
        position = torch.arange(length, device=x.device)[:, None]
        angle = position / 10000 ** (channel // 2 * 2 / channels)
        waves = torch.where(channel % 2 == 0, angle.sin(), angle.cos())
        return x + waves.to(x.dtype)


class Placed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(SinusoidalPositions(), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        x = 22.627416997969522 * x
        return self.layers(x)


class FeedForward(nn.Sequential):
    def __init__(self, in_channels: int, hidden: int, drop: float = 0.1) -> None:
        super().__init__(
            nn.Linear(in_channels, hidden),
            nn.ReLU(),
            nn.Linear(hidden, in_channels),
            nn.Dropout(drop),
        )


class PostNorm(nn.Module):
    def __init__(self, in_channels: int, heads: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            Attention(in_channels, heads, dropout=0.1), nn.Dropout(0.1)
        )
        self.ln_1 = nn.LayerNorm(in_channels)
        self.feed_forward_1 = FeedForward(in_channels, 4 * in_channels)
        self.ln_2 = nn.LayerNorm(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.branch(x) + x
        x = self.ln_1(x)
        x = self.feed_forward_1(x) + x
        return self.ln_2(x)


class PostNormDecoder(nn.Module):
    def __init__(self, in_channels: int, memory_channels: int, heads: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            Attention(in_channels, heads, causal=True, dropout=0.1), nn.Dropout(0.1)
        )
        self.ln_1 = nn.LayerNorm(in_channels)
        self.attention_2 = Attention(
            in_channels, heads, key_channels=memory_channels, dropout=0.1
        )
        self.dropout_2 = nn.Dropout(0.1)
        self.ln_2 = nn.LayerNorm(in_channels)
        self.feed_forward_1 = FeedForward(in_channels, 4 * in_channels)
        self.ln_3 = nn.LayerNorm(in_channels)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        x = self.branch(x) + x
        x = self.ln_1(x)
        y = self.attention_2(x, memory)
        x = self.dropout_2(y) + x
        x = self.ln_2(x)
        x = self.feed_forward_1(x) + x
        return self.ln_3(x)


class Transformer(nn.Module):
    def __init__(self, heads: int = 8, layers_: int = 6) -> None:
        super().__init__()
        self.embedding = nn.Embedding(37000, 512)
        self.placed_1 = Placed()
        self.encoder = nn.Sequential(*(PostNorm(512, heads) for _ in range(layers_)))
        self.placed_2 = Placed()
        self.decoder = nn.ModuleList(
            PostNormDecoder(512, 512, heads) for _ in range(layers_)
        )

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        x = self.embedding(source)
        x = self.placed_1(x)
        x = self.encoder(x)  # Tx512
        y = self.embedding(target)
        y = self.placed_2(y)
        for module in self.decoder:
            y = module(y, x)
        return F.linear(y, self.embedding.weight)
