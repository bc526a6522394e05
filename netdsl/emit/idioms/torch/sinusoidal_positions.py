"""Positions as waves (Vaswani et al., 2017, arXiv:1706.03762)."""

import torch
from torch import Tensor, nn


class SinusoidalPositions(nn.Module):
    """Add the sine (even channels) or cosine (odd channels) of each position."""

    def forward(self, x: Tensor) -> Tensor:
        _, length, channels = x.shape
        channel = torch.arange(channels, device=x.device)
        position = torch.arange(length, device=x.device)[:, None]
        angle = position / 10000 ** (channel // 2 * 2 / channels)
        waves = torch.where(channel % 2 == 0, angle.sin(), angle.cos())
        return x + waves.to(x.dtype)
