"""Cnn in PyTorch, written by netdsl from cnn.net.

50,828,951 parameters (50,828,951 trained), 1,291,653,040 multiply-accumulates.
"""

import torch
from torch import Tensor, nn


class Affine(nn.Module):
    """Multiply by a trained scale and add a trained bias, both of a broadcast shape."""

    def __init__(
        self, shape: tuple[int, ...], scale: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(shape)) if scale else None
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if self.scale is not None:
            x = x * self.scale
        if self.bias is not None:
            x = x + self.bias
        return x


class Cnn(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 60, 7),
            nn.Conv2d(60, 100, 5),
            nn.MaxPool2d(2),
            Affine((100, 1, 1)),
            nn.Flatten(),
            nn.Linear(202500, 250),
            nn.Linear(250, 200),
            nn.Linear(200, 1),
        )
