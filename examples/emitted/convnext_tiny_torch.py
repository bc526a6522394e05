"""Convnext in PyTorch, written by netdsl from convnext.net.

28,589,128 parameters (28,589,128 trained), 4,455,531,264 multiply-accumulates.
"""

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Drop whole examples while training, and scale up the rest to keep the mean."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty(len(x), *[1] * (x.ndim - 1)).bernoulli_(keep)
        return x * mask / keep

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


class ConvnextUnit(nn.Module):
    def __init__(self, in_channels: int, drop: float = 0) -> None:
        super().__init__()
        self.depthwise_1 = nn.Conv2d(
            in_channels, in_channels, 7, padding="same", groups=in_channels
        )
        self.branch_1 = nn.Sequential(
            nn.LayerNorm(in_channels, eps=1e-06),
            nn.Linear(in_channels, 4 * in_channels),
            nn.GELU(),
            nn.Linear(4 * in_channels, in_channels),
        )
        self.param_1 = nn.Parameter(torch.full((1, in_channels), 1e-06))
        self.branch_2 = DropPath(drop) if drop > 0 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = (
            self.branch_1(self.depthwise_1(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
            * self.param_1[:, None, None, :]
        )
        return self.branch_2(y) + x


class ConvnextDown(nn.Module):
    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(in_channels, eps=1e-06)
        self.conv_1 = nn.Conv2d(in_channels, c, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_1(self.ln_1(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class Convnext(nn.Module):
    def __init__(self, c: int = 96) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(3, c, 4, stride=4)
        self.ln_1 = nn.LayerNorm(c, eps=1e-06)
        self.stage_1 = nn.Sequential(*(ConvnextUnit(c, drop=i / 170) for i in range(3)))
        self.stage_2 = nn.Sequential(
            ConvnextDown(c, 2 * c),
            *(ConvnextUnit(2 * c, drop=(3 + i) / 170) for i in range(3)),
        )
        self.stage_3 = nn.Sequential(
            ConvnextDown(2 * c, 4 * c),
            *(ConvnextUnit(4 * c, drop=(6 + i) / 170) for i in range(9)),
        )
        self.stage_4 = nn.Sequential(
            ConvnextDown(4 * c, 8 * c),
            *(ConvnextUnit(8 * c, drop=(15 + i) / 170) for i in range(3)),
        )
        self.layers = nn.Sequential(
            nn.LayerNorm(8 * c, eps=1e-06), nn.Linear(8 * c, 1000)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.ln_1(self.conv_1(x).permute(0, 2, 3, 1))  # 56x56x96
        x = self.stage_1(x)  # 56x56x96
        x = self.stage_2(x)  # 28x28x192
        x = self.stage_3(x)  # 14x14x384
        x = self.stage_4(x).mean((1, 2))
        return self.layers(x)
