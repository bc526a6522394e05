"""Data brought to mean 0 and variance 1 by figures that are given."""

import torch
from torch import Tensor, nn


class Normalize(nn.Module):
    """Subtract a mean and divide by the root of a variance, each by channel."""

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, mean: list[float], variance: list[float], shape: tuple[int, ...] = (-1,)
    ) -> None:
        super().__init__()
        deviation = torch.tensor(variance).sqrt()
        self.register_buffer(
            "mean", torch.tensor(mean).reshape(shape), persistent=False
        )
        self.register_buffer("deviation", deviation.reshape(shape), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation
