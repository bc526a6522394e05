"""Gpt2 in PyTorch, written by netdsl from gpt2.net.

124,439,808 parameters (124,439,808 trained), 18432*T**2 + 123532032*T multiply-accumulates.
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
        causal: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        head_dim = channels // heads
        self.head_dim = head_dim
        self.causal = causal
        self.dropout = dropout
        self.query = nn.Linear(channels, heads * head_dim)
        self.key = nn.Linear(channels, heads * head_dim)
        self.value = nn.Linear(channels, heads * head_dim)
        self.output = nn.Linear(heads * head_dim, channels)

    def forward(self, x: Tensor) -> Tensor:
        queries = self.split(self.query(x))
        keys = self.split(self.key(x))
        values = self.split(self.value(x))
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


class GeluTanh(nn.GELU):
    def __init__(self) -> None:
        super().__init__(approximate="tanh")


class FeedForward(nn.Sequential):
    def __init__(self, in_channels: int, hidden: int, drop: float = 0.1) -> None:
        super().__init__(
            nn.Linear(in_channels, hidden),
            GeluTanh(),
            nn.Linear(hidden, in_channels),
            nn.Dropout(drop),
        )


class PreNorm(nn.Module):
    def __init__(self, in_channels: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        self.branch_1 = nn.Sequential(
            nn.LayerNorm(in_channels),
            Attention(in_channels, heads, causal=causal, dropout=0.1),
            nn.Dropout(0.1),
        )
        self.branch_2 = nn.Sequential(
            nn.LayerNorm(in_channels), FeedForward(in_channels, 4 * in_channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.branch_1(x) + x
        return self.branch_2(x) + x


class Gpt2(nn.Module):
    def __init__(self, dim: int = 768, layers_: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50257, dim)
        self.positions_1 = nn.Parameter(torch.zeros(1024, dim))
        self.layers = nn.Sequential(
            nn.Dropout(0.1),
            *(PreNorm(dim, heads, causal=True) for _ in range(layers_)),
            nn.LayerNorm(dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.tokens(x)  # Tx768
        x = x + self.positions_1[: x.shape[1]]
        return F.linear(self.layers(x), self.tokens.weight)
