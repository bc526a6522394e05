"""MobilenetV3 in PyTorch, written by netdsl from mobilenet_v3.net.

5,507,432 parameters (5,483,032 trained), 216,589,760 multiply-accumulates.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class SamePad(nn.Module):
    """Pad so that ceil(n / stride) windows fit along each axis of n positions."""

    def __init__(
        self,
        window: int | tuple[int, ...],
        stride: int | tuple[int, ...],
    ) -> None:
        super().__init__()
        self.window = window
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        amounts: list[int] = []
        for axis in range(x.ndim - 1, 1, -1):
            window = self.along(self.window, axis)
            stride = self.along(self.stride, axis)
            size = x.shape[axis]
            total = max((size - 1) // stride * stride + window - size, 0)
            amounts += [total // 2, total - total // 2]
        return F.pad(x, amounts)

    def along(self, value: int | tuple[int, ...], axis: int) -> int:
        """Return the number for one axis of those for all."""
        return value if isinstance(value, int) else value[axis - 2]


def divisible(x: float, d: int) -> int:
    """Round to a multiple of `d` that is at least `d`, and at least 0.9 `x`."""
    rounded = max(d, int(x + d / 2) // d * d)
    return rounded + d if rounded * 10 < x * 9 else rounded


class Norm(nn.BatchNorm2d):
    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, eps=0.001, momentum=0.001)


class SqueezeExcite(nn.Module):
    def __init__(
        self, in_channels: int, inside: int, gate: type[nn.Module] = nn.Sigmoid
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, inside, 1),
            nn.ReLU(),
            nn.Conv2d(inside, in_channels, 1),
            gate(),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = x.mean((2, 3), keepdim=True)
        return x * self.branch(y)


class Excite(SqueezeExcite):
    def __init__(self, in_channels: int) -> None:
        super().__init__(
            in_channels, divisible(in_channels // 4, 8), gate=nn.Hardsigmoid
        )


class Bneck(nn.Module):
    def __init__(
        self,
        in_channels: int,
        k: int,
        inside: int,
        c: int,
        excited: bool,
        act: type[nn.Module],
        stride: int,
    ) -> None:
        super().__init__()
        self.skip = stride == 1 and in_channels == c
        self.branch = nn.Sequential(
            nn.Identity()
            if inside == in_channels
            else nn.Sequential(
                nn.Conv2d(in_channels, inside, 1, bias=False), Norm(inside), act()
            ),
            SamePad(k, stride),
            nn.Conv2d(inside, inside, k, stride=stride, groups=inside, bias=False),
            Norm(inside),
            act(),
            Excite(inside) if excited else nn.Identity(),
            nn.Conv2d(inside, c, 1, bias=False),
            Norm(c),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return y + x if self.skip else y


class MobilenetV3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, bias=False),
            Norm(16),
            nn.Hardswish(),
            *(
                Bneck(
                    in_channels, k, inside, c, excited=excited, act=act, stride=stride
                )
                for in_channels, k, inside, c, excited, act, stride in [
                    (16, 3, 16, 16, False, nn.ReLU, 1),
                    (16, 3, 64, 24, False, nn.ReLU, 2),
                    (24, 3, 72, 24, False, nn.ReLU, 1),
                    (24, 5, 72, 40, True, nn.ReLU, 2),
                    (40, 5, 120, 40, True, nn.ReLU, 1),
                    (40, 5, 120, 40, True, nn.ReLU, 1),
                    (40, 3, 240, 80, False, nn.Hardswish, 2),
                    (80, 3, 200, 80, False, nn.Hardswish, 1),
                    (80, 3, 184, 80, False, nn.Hardswish, 1),
                    (80, 3, 184, 80, False, nn.Hardswish, 1),
                    (80, 3, 480, 112, True, nn.Hardswish, 1),
                    (112, 3, 672, 112, True, nn.Hardswish, 1),
                    (112, 5, 672, 160, True, nn.Hardswish, 2),
                    (160, 5, 960, 160, True, nn.Hardswish, 1),
                    (160, 5, 960, 160, True, nn.Hardswish, 1),
                ]
            ),
            nn.Conv2d(160, 960, 1, bias=False),
            Norm(960),
            nn.Hardswish(),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(960, 1280, 1),
            nn.Hardswish(),
            nn.Dropout(0.2),
            nn.Conv2d(1280, 1000, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(2 / 255 * x - 1, (0, 1, 0, 1))
        return F.softmax(self.layers(x).permute(0, 2, 3, 1).flatten(1), dim=-1)
