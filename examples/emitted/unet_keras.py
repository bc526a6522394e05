"""Unet in Keras, written by netdsl from unet.net.

31,030,658 parameters (31,030,658 trained), 150,428,424,448 multiply-accumulates.
"""

import keras
from keras import layers


def double_conv(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, activation="relu")(x)
    return layers.Conv2D(filters, 3, activation="relu")(x)


def up_conv(
    x: keras.KerasTensor, skip: keras.KerasTensor, filters: int, name: str
) -> keras.KerasTensor:
    height = x.shape[1]
    width = x.shape[2]
    skip_height = skip.shape[1]
    skip_width = skip.shape[2]
    large = layers.Conv2DTranspose(filters, 2, strides=2, name=f"{name}_large")(x)
    x = layers.Cropping2D(
        (
            (skip_height // 2 - height, skip_height - height - skip_height // 2),
            (skip_width // 2 - width, skip_width - width - skip_width // 2),
        )
    )(skip)
    x = layers.Concatenate()([x, large])
    return double_conv(x, filters)


def unet() -> keras.Model:
    x = inputs = keras.Input((572, 572, 1))
    down_1 = double_conv(x, 64)
    x = layers.MaxPooling2D(2)(down_1)
    down_2 = double_conv(x, 128)
    x = layers.MaxPooling2D(2)(down_2)
    down_3 = double_conv(x, 256)
    x = layers.MaxPooling2D(2)(down_3)
    down_4 = double_conv(x, 512)
    x = layers.MaxPooling2D(2)(down_4)
    x = double_conv(x, 1024)
    x = up_conv(x, down_4, 512, name="up_conv_1")
    x = up_conv(x, down_3, 256, name="up_conv_2")
    x = up_conv(x, down_2, 128, name="up_conv_3")
    x = up_conv(x, down_1, 64, name="up_conv_4")
    x = layers.Conv2D(2, 1)(x)
    return keras.Model(inputs, x)
