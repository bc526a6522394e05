"""Densenet in Keras, written by netdsl from densenet.net.

8,062,504 parameters (7,978,856 trained), 2,834,161,664 multiply-accumulates.
"""

import keras
from keras import layers, ops

EPS = 1e-05
MOMENTUM = 0.9


def norm(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPS)(x)


def dense_layer(x: keras.KerasTensor, growth: int = 32) -> keras.KerasTensor:
    y = norm(x)
    y = ops.relu(y)
    y = layers.Conv2D(4 * growth, 1, use_bias=False)(y)
    y = norm(y)
    y = ops.relu(y)
    y = layers.Conv2D(growth, 3, padding="same", use_bias=False)(y)
    return layers.Concatenate()([x, y])


def transition(x: keras.KerasTensor) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    x = norm(x)
    x = ops.relu(x)
    x = layers.Conv2D(in_channels // 2, 1, use_bias=False)(x)
    return layers.AveragePooling2D(2)(x)


def densenet(growth: int = 32) -> keras.Model:
    x = inputs = keras.Input((224, 224, 3))
    # stem: 56x56x64
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(2 * growth, 7, strides=2, use_bias=False)(x)
    x = norm(x)
    x = ops.relu(x)
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=float("-inf"))
    x = layers.MaxPooling2D(3, strides=2)(x)
    # stage_1: 28x28x128
    for _ in range(6):
        x = dense_layer(x, growth=growth)
    x = transition(x)
    # stage_2: 14x14x256
    for _ in range(12):
        x = dense_layer(x, growth=growth)
    x = transition(x)
    # stage_3: 7x7x512
    for _ in range(24):
        x = dense_layer(x, growth=growth)
    x = transition(x)
    # stage_4: 7x7x1024
    for _ in range(16):
        x = dense_layer(x, growth=growth)
    x = norm(x)
    x = ops.relu(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(1000)(x)
    return keras.Model(inputs, x)
