"""Vgg in PyTorch, written by netdsl from vgg.net.

138,357,544 parameters (138,357,544 trained), 15,470,264,320 multiply-accumulates.
"""

from torch import Tensor, nn

DROPPED = 0.5


class VggStage(nn.Sequential):
    def __init__(self, in_channels: int, c: int, n: int = 2) -> None:
        super().__init__(
            nn.Sequential(
                nn.Sequential(nn.Conv2d(in_channels, c, 3, padding="same"), nn.ReLU()),
                *(
                    nn.Sequential(nn.Conv2d(c, c, 3, padding="same"), nn.ReLU())
                    for _ in range(n - 1)
                ),
            ),
            nn.MaxPool2d(2),
        )


class Vgg(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stage_1 = VggStage(3, 64)
        self.stage_2 = VggStage(64, 128)
        self.stage_3 = VggStage(128, 256, n=3)
        self.stage_4 = VggStage(256, 512, n=3)
        self.stage_5 = VggStage(512, 512, n=3)
        self.layers = nn.Sequential(
            nn.Sequential(
                nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(DROPPED)
            ),
            nn.Sequential(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(DROPPED)),
            nn.Linear(4096, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage_1(x)  # 64x112x112
        x = self.stage_2(x)  # 128x56x56
        x = self.stage_3(x)  # 256x28x28
        x = self.stage_4(x)  # 512x14x14
        x = self.stage_5(x)  # 512x7x7
        return self.layers(x)
