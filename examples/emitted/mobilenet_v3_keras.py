"""MobilenetV3 in Keras, written by netdsl from mobilenet_v3.net.

5,507,432 parameters (5,483,032 trained), 216,589,760 multiply-accumulates.
"""

import keras
from keras import layers, ops


def divisible(x: float, d: int) -> int:
    """Round to a multiple of `d` that is at least `d`, and at least 0.9 `x`."""
    rounded = max(d, int(x + d / 2) // d * d)
    return rounded + d if rounded * 10 < x * 9 else rounded


def norm(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.BatchNormalization(momentum=0.999)(x)


def squeeze_excite(
    x: keras.KerasTensor, inside: int, gate: str = "sigmoid"
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(inside, 1, activation="relu")(y)
    y = layers.Conv2D(in_channels, 1)(y)
    y = layers.Activation(gate)(y)
    return x * y


def excite(x: keras.KerasTensor) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    return squeeze_excite(x, divisible(in_channels // 4, 8), gate="hard_sigmoid")


def bneck(
    x: keras.KerasTensor,
    k: int,
    inside: int,
    c: int,
    excited: bool,
    act: str,
    stride: int,
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    if inside == in_channels:
        y = x
    else:
        y = layers.Conv2D(inside, 1, use_bias=False)(x)
        y = norm(y)
        y = layers.Activation(act)(y)
    y = layers.DepthwiseConv2D(k, strides=stride, padding="same", use_bias=False)(y)
    y = norm(y)
    y = layers.Activation(act)(y)
    if excited:
        y = excite(y)
    y = layers.Conv2D(c, 1, use_bias=False)(y)
    y = norm(y)
    if stride == 1 and in_channels == c:
        y = y + x
    return y


def mobilenet_v3() -> keras.Model:
    x = inputs = keras.Input((224, 224, 3))
    x = layers.Rescaling(2 / 255, offset=-1)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x)
    x = norm(x)
    x = ops.hard_silu(x)
    for k, inside, c, excited, act, stride in [
        (3, 16, 16, False, "relu", 1),
        (3, 64, 24, False, "relu", 2),
        (3, 72, 24, False, "relu", 1),
        (5, 72, 40, True, "relu", 2),
        (5, 120, 40, True, "relu", 1),
        (5, 120, 40, True, "relu", 1),
        (3, 240, 80, False, "hard_silu", 2),
        (3, 200, 80, False, "hard_silu", 1),
        (3, 184, 80, False, "hard_silu", 1),
        (3, 184, 80, False, "hard_silu", 1),
        (3, 480, 112, True, "hard_silu", 1),
        (3, 672, 112, True, "hard_silu", 1),
        (5, 672, 160, True, "hard_silu", 2),
        (5, 960, 160, True, "hard_silu", 1),
        (5, 960, 160, True, "hard_silu", 1),
    ]:
        x = bneck(x, k, inside, c, excited=excited, act=act, stride=stride)
    x = layers.Conv2D(960, 1, use_bias=False)(x)
    x = norm(x)
    x = ops.hard_silu(x)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(1280, 1, activation="hard_silu")(x)
    x = layers.Dropout(0.2)(x)
    x = layers.Conv2D(1000, 1)(x)
    x = layers.Flatten()(x)
    x = ops.softmax(x, axis=-1)
    return keras.Model(inputs, x)
