"""Experts among which a router chooses for each position."""

from collections.abc import Iterable

from torch import Tensor, nn


class MixtureOfExperts(nn.Module):
    """Add what the preferred experts make of a position, by the router's softmax."""

    def __init__(
        self, channels: int, width: int, experts: Iterable[nn.Module], top: int
    ) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts)
        self.router = nn.Linear(channels, len(self.experts), bias=False)
        self.width = width
        self.top = top

    def forward(self, x: Tensor) -> Tensor:
        positions = x.reshape(-1, x.shape[-1])
        weights, chosen = self.router(positions).topk(self.top)
        weights = weights.softmax(-1)
        result = x.new_zeros(len(positions), self.width)
        for number, expert in enumerate(self.experts):
            rows, places = (chosen == number).nonzero(as_tuple=True)
            made = weights[rows, places, None] * expert(positions[rows])
            result = result.index_add(0, rows, made)
        return result.reshape(*x.shape[:-1], self.width)
