"""Padding that leaves ceil(n / stride) windows on n positions, the odd element at the end."""

import torch.nn.functional as F
from torch import Tensor, nn


class SamePad(nn.Module):
    """Pad so that ceil(n / stride) windows fit along each axis of n positions."""

    def __init__(
        self,
        window: int | tuple[int, ...],
        stride: int | tuple[int, ...],
        dilation: int | tuple[int, ...] = 1,  #: dilation
        value: float = 0.0,  #: value
    ) -> None:
        super().__init__()
        self.window = window
        self.stride = stride
        self.dilation = dilation  #: dilation
        self.value = value  #: value

    def forward(self, x: Tensor) -> Tensor:
        amounts: list[int] = []
        for axis in range(x.ndim - 1, 1, -1):
            window = self.along(self.window, axis)
            stride = self.along(self.stride, axis)
            window = (window - 1) * self.along(self.dilation, axis) + 1  #: dilation
            size = x.shape[axis]
            total = max((size - 1) // stride * stride + window - size, 0)
            amounts += [total // 2, total - total // 2]
        return F.pad(x, amounts, value=self.value)  #: value else return F.pad(x, amounts)

    def along(self, value: int | tuple[int, ...], axis: int) -> int:
        """Return the number for one axis of those for all."""
        return value if isinstance(value, int) else value[axis - 2]
