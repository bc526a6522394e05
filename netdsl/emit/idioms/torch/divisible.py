"""Numbers of channels in MobileNets (Howard et al., 2017, arXiv:1704.04861)."""


def divisible(x: float, d: int) -> int:
    """Round to a multiple of `d` that is at least `d`, and at least 0.9 `x`."""
    rounded = max(d, int(x + d / 2) // d * d)
    return rounded + d if rounded * 10 < x * 9 else rounded
