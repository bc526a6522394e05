"""Attention in windows of a map: Swin (Liu et al., 2021, arXiv:2103.14030), and the grid of MaxViT (arXiv:2204.01697)."""

import torch  #: relative or shift
import torch.nn.functional as F
from torch import Tensor, nn


class WindowAttention(nn.Module):
    """Let positions of a map attend within windows (Liu et al., 2021, Swin)."""

    def __init__(
        self,
        channels: int,
        heads: int,
        window: tuple[int, int],
        shift: tuple[int, int] = (0, 0),  #: shift
        grid: bool = False,  #: grid
        head_dim: int | None = None,  #: head_dim
        value_dim: int | None = None,  #: value_dim
        kv_heads: int | None = None,  #: kv_heads
        key_channels: int | None = None,  #: key_channels
        value_channels: int | None = None,  #: value_channels
        dim: int | None = None,  #: dim
        bias: bool = True,  #: bias
        output_bias: bool = True,  #: output_bias
        bare: bool = False,  #: bare
        relative: bool = False,  #: relative
        scale: float | None = None,  #: scale
        dropout: float = 0.0,  #: dropout
    ) -> None:
        super().__init__()
        head_dim = head_dim or channels // heads  #: head_dim else head_dim = channels // heads
        kv_heads = kv_heads or heads  #: kv_heads
        value_channels = value_channels or key_channels  #: value_channels and key_channels
        self.head_dim = head_dim
        self.value_dim = value_dim or head_dim  #: value_dim
        self.groups = heads // kv_heads  #: kv_heads
        self.window = window
        self.shift = shift  #: shift
        self.grid = grid  #: grid
        self.scale = scale  #: scale
        self.dropout = dropout  #: dropout
        self.relative = None  #: relative
        if relative:  #: relative
            offsets = (2 * window[0] - 1) * (2 * window[1] - 1)
            self.relative = nn.Parameter(torch.zeros(offsets, heads))
        if bare:  #: bare
            self.query = self.key = self.value = self.output = nn.Identity()
            return
        self.query = nn.Linear(
            channels,
            heads * head_dim,
            bias=bias,  #: bias
        )
        self.key = nn.Linear(
            key_channels or channels,  #: key_channels else channels,
            kv_heads * head_dim,  #: kv_heads else heads * head_dim,
            bias=bias,  #: bias
        )
        self.value = nn.Linear(
            value_channels or channels,  #: value_channels else key_channels or channels,  #: key_channels else channels,
            kv_heads * head_dim,  #: kv_heads else heads * head_dim,
            bias=bias,  #: bias
        )
        self.output = nn.Linear(
            heads * head_dim,
            dim or channels,  #: dim else channels,
            bias=bias and output_bias,  #: output_bias else bias=bias,  #: bias
        )

    def forward(
        self,
        x: Tensor,
        key: Tensor | None = None,  #: key
        value: Tensor | None = None,  #: value
        bias: Tensor | None = None,  #: operand
    ) -> Tensor:
        height, width = x.shape[1:3]
        key = x if key is None else key  #: key
        value = key if value is None else value  #: value
        queries = self.split(self.query(x))
        keys = self.split(self.key(key))  #: key else keys = self.split(self.key(x))
        values = self.split(self.value(value), self.value_dim)  #: value_dim else values = self.split(self.value(value))  #: value else values = self.split(self.value(key))  #: key else values = self.split(self.value(x))
        keys = keys.repeat_interleave(self.groups, 2)  #: kv_heads
        values = values.repeat_interleave(self.groups, 2)  #: kv_heads
        if self.relative is not None:  #: relative and operand else bias = None if self.relative is None else self.offset_bias(self.relative)  #: relative
            offset_bias = self.offset_bias(self.relative)
            bias = offset_bias if bias is None else bias + offset_bias
        if any(self.shift):  #: shift and added else mask = self.neighbours(x) if any(self.shift) else None  #: shift
            bias = 0.0 if bias is None else bias
            bias = torch.where(self.neighbours(x), bias, -torch.inf)
        x = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=bias,  #: added else attn_mask=mask,  #: shift
            dropout_p=self.dropout if self.training else 0.0,  #: dropout
            scale=self.scale,  #: scale
        )
        x = x.transpose(2, 3).flatten(3).unflatten(2, self.window)
        x = x.unflatten(1, (height // self.window[0], -1))
        x = self.join(x)  #: grid else x = x.transpose(2, 3).flatten(3, 4).flatten(1, 2)
        x = x.roll(self.shift, (1, 2))  #: shift
        return self.output(x)

    def split(self, x: Tensor, head_dim: int | None = None) -> Tensor:  #: value_dim else def split(self, x: Tensor) -> Tensor:
        """Cut maps into windows, and channels into heads before the positions."""
        x = x.roll((-self.shift[0], -self.shift[1]), (1, 2))  #: shift
        x = self.cut(x).unflatten(-1, (-1, head_dim or self.head_dim))  #: value_dim else x = self.cut(x).unflatten(-1, (-1, self.head_dim))
        return x.transpose(2, 3)

    def cut(self, x: Tensor) -> Tensor:
        """Return a map as windows x positions x channels."""
        height, width = self.window
        if self.grid:  #: grid
            x = x.unflatten(2, (width, -1)).unflatten(1, (height, -1))
            return x.permute(0, 2, 4, 1, 3, 5).flatten(3, 4).flatten(1, 2)
        x = x.unflatten(2, (-1, width)).unflatten(1, (-1, height))
        return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)

    def join(self, x: Tensor) -> Tensor:  #: grid
        """Return rows x columns x height x width of windows as a map."""
        x = x.permute(0, 3, 1, 4, 2, 5) if self.grid else x.transpose(2, 3)
        return x.flatten(3, 4).flatten(1, 2)

    def neighbours(self, x: Tensor) -> Tensor:  #: shift
        """Return which positions of each window are on the same side of the map."""
        height, width = x.shape[1:3]
        rows = torch.arange(height, device=x.device) >= height - self.shift[0]
        columns = torch.arange(width, device=x.device) >= width - self.shift[1]
        side = self.cut((rows[:, None] * 2 + columns)[None, :, :, None])[0]
        return (side == side.transpose(1, 2))[:, None]

    def offset_bias(self, table: Tensor) -> Tensor:  #: relative
        """Return what each head adds for how far a key is from a query."""
        rows, columns = (torch.arange(n, device=table.device) for n in self.window)
        row = rows[:, None] - rows + self.window[0] - 1
        column = columns[:, None] - columns + self.window[1] - 1
        index = row[:, None, :, None] * (2 * self.window[1] - 1) + column[:, None]
        return table[index.flatten(2).flatten(0, 1)].permute(2, 0, 1)
