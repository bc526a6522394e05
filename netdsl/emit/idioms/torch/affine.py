"""A trained scale and bias without anything else."""

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
