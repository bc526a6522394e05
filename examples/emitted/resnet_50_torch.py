"""Resnet in PyTorch, written by netdsl from resnet.net.

25,610,152 parameters (25,557,032 trained), 4,089,184,256 multiply-accumulates.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class Bottleneck(nn.Module):
    def __init__(
        self, in_channels: int, c: int, inside: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.branch_1 = nn.Sequential(
            nn.Conv2d(in_channels, inside, 1, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.Conv2d(
                inside, inside, 3, stride=stride, padding=1, groups=groups, bias=False
            ),
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.Conv2d(inside, 4 * c, 1, bias=False),
            nn.BatchNorm2d(4 * c),
        )
        self.branch_2 = (
            nn.Identity()
            if stride == 1 and in_channels == 4 * c
            else nn.Sequential(
                nn.Conv2d(in_channels, 4 * c, 1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * c),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch_1(x) + self.branch_2(x))


class Unit(Bottleneck):
    def __init__(
        self, in_channels: int, c: int, groups: int, width: int, stride: int = 1
    ) -> None:
        super().__init__(
            in_channels, c, groups * (c * width // 64), stride=stride, groups=groups
        )


class Resnet(nn.Module):
    def __init__(self, groups: int = 1, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage_1 = nn.Sequential(
            Unit(64, 64, groups, width),
            *(Unit(256, 64, groups, width) for _ in range(2)),
        )
        self.stage_2 = nn.Sequential(
            Unit(256, 128, groups, width, stride=2),
            *(Unit(512, 128, groups, width) for _ in range(3)),
        )
        self.stage_3 = nn.Sequential(
            Unit(512, 256, groups, width, stride=2),
            *(Unit(1024, 256, groups, width) for _ in range(5)),
        )
        self.stage_4 = nn.Sequential(
            Unit(1024, 512, groups, width, stride=2),
            *(Unit(2048, 512, groups, width) for _ in range(2)),
        )
        self.dense_1 = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.stage_1(x)  # 256x56x56
        x = self.stage_2(x)  # 512x28x28
        x = self.stage_3(x)  # 1024x14x14
        x = self.stage_4(x).mean((2, 3))
        return self.dense_1(x)
