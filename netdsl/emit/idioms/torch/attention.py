"""Multi-head attention on sequences and whole maps (Vaswani et al., 2017, arXiv:1706.03762)."""

import torch  #: rope or relative or window or added and causal
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Let every position attend to others, in several heads (Vaswani et al., 2017)."""

    def __init__(
        self,
        channels: int,
        heads: int,
        head_dim: int | None = None,  #: head_dim
        value_dim: int | None = None,  #: value_dim
        kv_heads: int | None = None,  #: kv_heads
        key_channels: int | None = None,  #: key_channels
        value_channels: int | None = None,  #: value_channels
        dim: int | None = None,  #: dim
        bias: bool = True,  #: bias
        output_bias: bool = True,  #: output_bias
        bare: bool = False,  #: bare
        causal: bool = False,  #: causal
        window: int | None = None,  #: window
        relative: int = 0,  #: relative
        rope: int = 0,  #: rope
        theta: float = 10000.0,  #: theta
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
        self.causal = causal  #: causal
        self.window = window  #: window
        self.rope = rope  #: rope
        self.theta = theta  #: theta
        self.scale = scale  #: scale
        self.dropout = dropout  #: dropout
        self.reach = relative  #: relative
        if relative:  #: relative
            self.relative = nn.Parameter(torch.zeros(2 * relative - 1, heads))
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
        positions = x.shape[1:-1]  #: maps
        key = x if key is None else key  #: key
        value = key if value is None else value  #: value
        queries = self.split(self.query(x))
        keys = self.split(self.key(key))  #: key else keys = self.split(self.key(x))
        values = self.split(self.value(value), self.value_dim)  #: value_dim else values = self.split(self.value(value))  #: value else values = self.split(self.value(key))  #: key else values = self.split(self.value(x))
        keys = keys.repeat_interleave(self.groups, 1)  #: kv_heads
        values = values.repeat_interleave(self.groups, 1)  #: kv_heads
        queries, keys = self.rotate(queries), self.rotate(keys)  #: rope
        if self.reach:  #: relative and operand else bias = self.offset_bias(x.shape[1]) if self.reach else None  #: relative
            offset_bias = self.offset_bias(x.shape[1])
            bias = offset_bias if bias is None else bias + offset_bias
        mask = x.new_ones(queries.shape[2], keys.shape[2], dtype=torch.bool)  #: window or causal and added
        if self.causal:  #: window and causal or causal and added
            mask = mask.tril()
        if self.window is not None:  #: window
            mask = mask.triu(1 - self.window).tril(self.window - 1)
        if bias is not None:  #: window and added or causal and added
            mask = torch.where(mask, bias, -torch.inf)
        x = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=mask,  #: window or causal and added else attn_mask=bias,  #: added else is_causal=self.causal,  #: causal
            dropout_p=self.dropout if self.training else 0.0,  #: dropout
            scale=self.scale,  #: scale
        )
        x = x.transpose(1, 2).flatten(2)
        x = x.unflatten(1, positions)  #: maps
        return self.output(x)

    def split(self, x: Tensor, head_dim: int | None = None) -> Tensor:  #: value_dim else def split(self, x: Tensor) -> Tensor:
        """Cut channels into heads, which come before the positions."""
        x = x.flatten(1, -2)  #: maps
        x = x.unflatten(-1, (-1, head_dim or self.head_dim))  #: value_dim else x = x.unflatten(-1, (-1, self.head_dim))
        return x.transpose(1, 2)

    def rotate(self, x: Tensor) -> Tensor:  #: rope
        """Turn pairs of channels by their position (Su et al., 2021, RoFormer)."""
        half = self.rope // 2
        exponent = -torch.arange(half, device=x.device) / half
        speed = self.theta**exponent  #: theta else speed = 10000**exponent
        angle = torch.arange(x.shape[2], device=x.device)[:, None] * speed
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        a, b, rest = x.split([half, half, self.head_dim - 2 * half], dim=-1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), dim=-1)

    def offset_bias(self, length: int) -> Tensor:  #: relative
        """Return what each head adds for how far a key is from a query."""
        place = torch.arange(length, device=self.relative.device)
        offset = (place[:, None] - place).clamp(1 - self.reach, self.reach - 1)
        return self.relative[offset + self.reach - 1].permute(2, 0, 1)
