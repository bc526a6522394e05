"""Data brought to mean 0 and variance 1 by figures that are kept, as keras.layers.Normalization does."""

import torch
from torch import Tensor, nn


class Normalization(nn.Module):
    """Subtract the mean and divide by the root of the variance of the data.

    Both, and the number of examples that they are of, are kept and not trained.
    """

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.variance.sqrt().clamp(min=1e-7)
