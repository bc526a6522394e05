"""MobilenetV2 in Keras, written by netdsl from mobilenet_v2.net.

3,538,984 parameters (3,504,872 trained), 300,774,272 multiply-accumulates.
"""

import keras
from keras import layers, ops

EPS = 1e-05
MOMENTUM = 0.9
DROPPED = 0.2


def divisible(x: float, d: int) -> int:
    """Round to a multiple of `d` that is at least `d`, and at least 0.9 `x`."""
    rounded = max(d, int(x + d / 2) // d * d)
    return rounded + d if rounded * 10 < x * 9 else rounded


def norm(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPS)(x)


def inverted_residual(
    x: keras.KerasTensor, c: int, k: int = 3, stride: int = 1, expand: int = 6
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    if expand == 1:
        y = x
    else:
        y = layers.Conv2D(expand * in_channels, 1, use_bias=False)(x)
        y = norm(y)
        y = ops.relu6(y)
    y = layers.ZeroPadding2D((k - 1) // 2)(y)
    y = layers.DepthwiseConv2D(k, strides=stride, use_bias=False)(y)
    y = norm(y)
    y = ops.relu6(y)
    y = layers.Conv2D(c, 1, use_bias=False)(y)
    y = norm(y)
    if stride == 1 and in_channels == c:
        y = y + x
    return y


def unit(x: keras.KerasTensor, c: int, stride: int, expand: int) -> keras.KerasTensor:
    return inverted_residual(x, divisible(c, 8), stride=stride, expand=expand)


def mobilenet_v2() -> keras.Model:
    x = inputs = keras.Input((224, 224, 3))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(32, 3, strides=2, use_bias=False)(x)
    x = norm(x)
    x = ops.relu6(x)
    # stage_1: 112x112x16
    x = unit(x, 16, 1, 1)
    # stage_2: 56x56x24
    x = unit(x, 24, 2, 6)
    x = unit(x, 24, 1, 6)
    # stage_3: 28x28x32
    x = unit(x, 32, 2, 6)
    for _ in range(2):
        x = unit(x, 32, 1, 6)
    # stage_4: 14x14x64
    x = unit(x, 64, 2, 6)
    for _ in range(3):
        x = unit(x, 64, 1, 6)
    # stage_5: 14x14x96
    x = unit(x, 96, 1, 6)
    for _ in range(2):
        x = unit(x, 96, 1, 6)
    # stage_6: 7x7x160
    x = unit(x, 160, 2, 6)
    for _ in range(2):
        x = unit(x, 160, 1, 6)
    # stage_7: 7x7x320
    x = unit(x, 320, 1, 6)
    x = layers.Conv2D(1280, 1, use_bias=False)(x)
    x = norm(x)
    x = ops.relu6(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(DROPPED)(x)
    x = layers.Dense(1000)(x)
    return keras.Model(inputs, x)
