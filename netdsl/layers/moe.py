"""Mixtures of experts: `moe`, whose experts are pipelines of their own."""

from __future__ import annotations

from ..layer import Layer, Size, Tensor, Weight, arg, check
from ..record import frozen
from ..size import product
from ..values import COUNT


@frozen(kw_only=True)
class Moe(Layer):
    """Send each position through the experts that its router prefers (Shazeer et al., 2017; Jiang et al., 2024).

    moe(linear 64 | relu | linear 16) experts=8
    """

    experts: Size = arg(COUNT, help="number of copies of the pipeline, each with weights of its own", tries=("4", "3"))
    top: Size = arg(COUNT, default=2, help="how many of them a position goes through", tries=("1", "3"))

    keyword = "moe"
    holds_pipeline = True
    brought = ("mixtureofexperts", "mixture_of_experts", "experts", "sparsemoe")

    def position(self, x: Tensor) -> Tensor:
        """Return what enters an expert: the channels of one position."""
        return x.resized(x.channels)

    def output(self, x: Tensor, made: Tensor) -> Tensor:
        """Return the tensor that leaves, of what an expert makes of a position."""
        check(
            self.top <= self.experts,
            "E008",
            f"`top` is {self.top}, and there are only {self.experts} experts",
            "a position goes through at most all of them",
            "top",
        )
        check(
            made.rank == 1,
            "E001",
            f"an expert makes a vector of each position, and here it makes {made}",
            "end it with `linear` or `flatten`",
        )
        return x.resized(*x.positions, made.channels)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("router", (x.channels, self.experts), uses=product(x.positions)),)
