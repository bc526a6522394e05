"""Stochastic depth (Huang et al., 2016, arXiv:1603.09382)."""

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
