"""Vgg in Keras, written by netdsl from vgg.net.

138,357,544 parameters (138,357,544 trained), 15,470,264,320 multiply-accumulates.
"""

import keras
from keras import layers

DROPPED = 0.5


def vgg_stage(x: keras.KerasTensor, c: int, n: int = 2) -> keras.KerasTensor:
    x = layers.Conv2D(c, 3, padding="same", activation="relu")(x)
    for _ in range(n - 1):
        x = layers.Conv2D(c, 3, padding="same", activation="relu")(x)
    return layers.MaxPooling2D(2)(x)


def vgg() -> keras.Model:
    x = inputs = keras.Input((224, 224, 3))
    # stage_1: 112x112x64
    x = vgg_stage(x, 64)
    # stage_2: 56x56x128
    x = vgg_stage(x, 128)
    # stage_3: 28x28x256
    x = vgg_stage(x, 256, n=3)
    # stage_4: 14x14x512
    x = vgg_stage(x, 512, n=3)
    # stage_5: 7x7x512
    x = vgg_stage(x, 512, n=3)
    x = layers.Flatten()(x)
    x = layers.Dense(4096, activation="relu")(x)
    x = layers.Dropout(DROPPED)(x)
    x = layers.Dense(4096, activation="relu")(x)
    x = layers.Dropout(DROPPED)(x)
    x = layers.Dense(1000)(x)
    return keras.Model(inputs, x)
