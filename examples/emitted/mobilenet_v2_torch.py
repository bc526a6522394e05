"""MobilenetV2 in PyTorch, written by netdsl from mobilenet_v2.net.

3,538,984 parameters (3,504,872 trained), 300,774,272 multiply-accumulates.
"""

from torch import Tensor, nn

EPS = 1e-05
MOMENTUM = 0.9
DROPPED = 0.2


def divisible(x: float, d: int) -> int:
    """Round to a multiple of `d` that is at least `d`, and at least 0.9 `x`."""
    rounded = max(d, int(x + d / 2) // d * d)
    return rounded + d if rounded * 10 < x * 9 else rounded


class Norm(nn.BatchNorm2d):
    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, eps=EPS, momentum=1 - MOMENTUM)


class InvertedResidual(nn.Module):
    def __init__(
        self, in_channels: int, c: int, k: int = 3, stride: int = 1, expand: int = 6
    ) -> None:
        super().__init__()
        self.skip = stride == 1 and in_channels == c
        self.branch = nn.Sequential(
            nn.Identity()
            if expand == 1
            else nn.Sequential(
                nn.Conv2d(in_channels, expand * in_channels, 1, bias=False),
                Norm(expand * in_channels),
                nn.ReLU6(),
            ),
            nn.Conv2d(
                expand * in_channels,
                expand * in_channels,
                k,
                stride=stride,
                padding=(k - 1) // 2,
                groups=expand * in_channels,
                bias=False,
            ),
            Norm(expand * in_channels),
            nn.ReLU6(),
            nn.Conv2d(expand * in_channels, c, 1, bias=False),
            Norm(c),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return y + x if self.skip else y


class Unit(InvertedResidual):
    def __init__(self, in_channels: int, c: int, stride: int, expand: int) -> None:
        super().__init__(in_channels, divisible(c, 8), stride=stride, expand=expand)


class MobilenetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers_1 = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False), Norm(32), nn.ReLU6()
        )
        self.stage_1 = Unit(32, 16, 1, 1)
        self.stage_2 = nn.Sequential(Unit(16, 24, 2, 6), Unit(24, 24, 1, 6))
        self.stage_3 = nn.Sequential(
            Unit(24, 32, 2, 6), *(Unit(32, 32, 1, 6) for _ in range(2))
        )
        self.stage_4 = nn.Sequential(
            Unit(32, 64, 2, 6), *(Unit(64, 64, 1, 6) for _ in range(3))
        )
        self.stage_5 = nn.Sequential(
            Unit(64, 96, 1, 6), *(Unit(96, 96, 1, 6) for _ in range(2))
        )
        self.stage_6 = nn.Sequential(
            Unit(96, 160, 2, 6), *(Unit(160, 160, 1, 6) for _ in range(2))
        )
        self.stage_7 = Unit(160, 320, 1, 6)
        self.layers_2 = nn.Sequential(
            nn.Conv2d(320, 1280, 1, bias=False),
            Norm(1280),
            nn.ReLU6(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(DROPPED),
            nn.Linear(1280, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers_1(x)
        x = self.stage_1(x)  # 16x112x112
        x = self.stage_2(x)  # 24x56x56
        x = self.stage_3(x)  # 32x28x28
        x = self.stage_4(x)  # 64x14x14
        x = self.stage_5(x)  # 96x14x14
        x = self.stage_6(x)  # 160x7x7
        x = self.stage_7(x)  # 320x7x7
        return self.layers_2(x)
