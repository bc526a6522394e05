"""Resnet in Keras, written by netdsl from resnet.net.

25,610,152 parameters (25,557,032 trained), 4,089,184,256 multiply-accumulates.
"""

import keras
from keras import layers, ops


def bottleneck(
    x: keras.KerasTensor, c: int, inside: int, stride: int = 1, groups: int = 1
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    y = layers.Conv2D(inside, 1, use_bias=False)(x)
    y = layers.BatchNormalization(momentum=0.9, epsilon=1e-05)(y)
    y = ops.relu(y)
    y = layers.ZeroPadding2D(1)(y)
    y = layers.Conv2D(inside, 3, strides=stride, groups=groups, use_bias=False)(y)
    y = layers.BatchNormalization(momentum=0.9, epsilon=1e-05)(y)
    y = ops.relu(y)
    y = layers.Conv2D(4 * c, 1, use_bias=False)(y)
    y = layers.BatchNormalization(momentum=0.9, epsilon=1e-05)(y)
    if stride != 1 or in_channels != 4 * c:
        x = layers.Conv2D(4 * c, 1, strides=stride, use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-05)(x)
    x = y + x
    return ops.relu(x)


def unit(
    x: keras.KerasTensor, c: int, groups: int, width: int, stride: int = 1
) -> keras.KerasTensor:
    return bottleneck(x, c, groups * (c * width // 64), stride=stride, groups=groups)


def resnet(groups: int = 1, width: int = 64) -> keras.Model:
    x = inputs = keras.Input((224, 224, 3))
    # stem: 56x56x64
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-05)(x)
    x = ops.relu(x)
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=float("-inf"))
    x = layers.MaxPooling2D(3, strides=2)(x)
    # stage_1: 56x56x256
    x = unit(x, 64, groups, width)
    for _ in range(2):
        x = unit(x, 64, groups, width)
    # stage_2: 28x28x512
    x = unit(x, 128, groups, width, stride=2)
    for _ in range(3):
        x = unit(x, 128, groups, width)
    # stage_3: 14x14x1024
    x = unit(x, 256, groups, width, stride=2)
    for _ in range(5):
        x = unit(x, 256, groups, width)
    # stage_4: 7x7x2048
    x = unit(x, 512, groups, width, stride=2)
    for _ in range(2):
        x = unit(x, 512, groups, width)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(1000)(x)
    return keras.Model(inputs, x)
