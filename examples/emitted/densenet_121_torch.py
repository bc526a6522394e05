"""Densenet in PyTorch, written by netdsl from densenet.net.

8,062,504 parameters (7,978,856 trained), 2,834,161,664 multiply-accumulates.
"""

import torch
from torch import Tensor, nn

EPS = 1e-05
MOMENTUM = 0.9


class Norm(nn.BatchNorm2d):
    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, eps=EPS, momentum=1 - MOMENTUM)


class DenseLayer(nn.Module):
    def __init__(self, in_channels: int, growth: int = 32) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            Norm(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, 4 * growth, 1, bias=False),
            Norm(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, padding="same", bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.branch(x)), dim=1)


class Transition(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__(
            Norm(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, in_channels // 2, 1, bias=False),
            nn.AvgPool2d(2),
        )


class Densenet(nn.Module):
    def __init__(self, growth: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 2 * growth, 7, stride=2, padding=3, bias=False),
            Norm(2 * growth),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage_1 = nn.Sequential(
            *(DenseLayer((2 + i) * growth, growth=growth) for i in range(6)),
            Transition(8 * growth),
        )
        self.stage_2 = nn.Sequential(
            *(DenseLayer((4 + i) * growth, growth=growth) for i in range(12)),
            Transition(16 * growth),
        )
        self.stage_3 = nn.Sequential(
            *(DenseLayer((8 + i) * growth, growth=growth) for i in range(24)),
            Transition(32 * growth),
        )
        self.stage_4 = nn.Sequential(
            *(DenseLayer((16 + i) * growth, growth=growth) for i in range(16))
        )
        self.layers = nn.Sequential(
            Norm(32 * growth),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(32 * growth, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.stage_1(x)  # 128x28x28
        x = self.stage_2(x)  # 256x14x14
        x = self.stage_3(x)  # 512x7x7
        x = self.stage_4(x)  # 1024x7x7
        return self.layers(x)
