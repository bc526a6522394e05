"""Unet in PyTorch, written by netdsl from unet.net.

31,030,658 parameters (31,030,658 trained), 150,428,424,448 multiply-accumulates.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DoubleConv(nn.Sequential):
    def __init__(self, in_channels: int, filters: int) -> None:
        super().__init__(
            nn.Sequential(nn.Conv2d(in_channels, filters, 3), nn.ReLU()),
            nn.Sequential(nn.Conv2d(filters, filters, 3), nn.ReLU()),
        )


class UpConv(nn.Module):
    def __init__(self, in_channels: int, skip_channels: int, filters: int) -> None:
        super().__init__()
        self.large = nn.ConvTranspose2d(in_channels, filters, 2, stride=2)
        self.double_conv_1 = DoubleConv(filters + skip_channels, filters)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        large = self.large(x)
        x = torch.cat(
            (
                F.pad(
                    skip,
                    (
                        large.shape[3] - (skip.shape[3] + large.shape[3]) // 2,
                        (skip.shape[3] + large.shape[3]) // 2 - skip.shape[3],
                        large.shape[2] - (skip.shape[2] + large.shape[2]) // 2,
                        (skip.shape[2] + large.shape[2]) // 2 - skip.shape[2],
                    ),
                ),
                large,
            ),
            dim=1,
        )
        return self.double_conv_1(x)


class Unet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down_1 = DoubleConv(1, 64)
        self.pool_1 = nn.MaxPool2d(2)
        self.down_2 = DoubleConv(64, 128)
        self.pool_2 = nn.MaxPool2d(2)
        self.down_3 = DoubleConv(128, 256)
        self.pool_3 = nn.MaxPool2d(2)
        self.down_4 = DoubleConv(256, 512)
        self.pool_4 = nn.MaxPool2d(2)
        self.bottom = DoubleConv(512, 1024)
        self.up_conv_1 = UpConv(1024, 512, 512)
        self.up_conv_2 = UpConv(512, 256, 256)
        self.up_conv_3 = UpConv(256, 128, 128)
        self.up_conv_4 = UpConv(128, 64, 64)
        self.conv_1 = nn.Conv2d(64, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        down_1 = self.down_1(x)  # 64x568x568
        x = self.pool_1(down_1)
        down_2 = self.down_2(x)  # 128x280x280
        x = self.pool_2(down_2)
        down_3 = self.down_3(x)  # 256x136x136
        x = self.pool_3(down_3)
        down_4 = self.down_4(x)  # 512x64x64
        x = self.pool_4(down_4)
        x = self.bottom(x)  # 1024x28x28
        x = self.up_conv_1(x, down_4)
        x = self.up_conv_2(x, down_3)
        x = self.up_conv_3(x, down_2)
        x = self.up_conv_4(x, down_1)
        return self.conv_1(x)
