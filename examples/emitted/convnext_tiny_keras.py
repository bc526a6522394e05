"""Convnext in Keras, written by netdsl from convnext.net.

28,589,128 parameters (28,589,128 trained), 4,455,531,264 multiply-accumulates.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="netdsl")
class TrainedTensor(keras.layers.Layer):
    """Give each example of a batch the same trained tensor; what enters tells how many there are."""

    def __init__(
        self,
        shape: tuple[int, ...],
        initializer: str | keras.initializers.Initializer = "zeros",
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.shape = tuple(shape)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.value = self.add_weight(self.shape, self.initializer, name="value")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return ops.broadcast_to(self.value, (ops.shape(x)[0], *self.shape))

    def compute_output_spec(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor((x.shape[0], *self.shape), self.compute_dtype)

    def get_config(self) -> dict[str, object]:
        initializer = keras.initializers.serialize(self.initializer)
        own = {"shape": self.shape, "initializer": initializer}
        return {**super().get_config(), **own}


def convnext_unit(x: keras.KerasTensor, drop: float = 0) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    y = layers.DepthwiseConv2D(7, padding="same")(x)
    y = layers.LayerNormalization(epsilon=1e-06)(y)
    y = layers.Dense(4 * in_channels, activation="gelu")(y)
    y = layers.Dense(in_channels)(y)
    z = TrainedTensor((in_channels,), initializer=keras.initializers.Constant(1e-06))(x)
    y = y * z[:, None, None, :]
    if drop > 0:
        y = layers.Dropout(drop, noise_shape=(None, 1, 1, 1))(y)
    return y + x


def convnext_down(x: keras.KerasTensor, c: int) -> keras.KerasTensor:
    x = layers.LayerNormalization(epsilon=1e-06)(x)
    return layers.Conv2D(c, 2, strides=2)(x)


def convnext(c: int = 96) -> keras.Model:
    x = inputs = keras.Input((224, 224, 3))
    # stem: 56x56x96
    x = layers.Conv2D(c, 4, strides=4)(x)
    x = layers.LayerNormalization(epsilon=1e-06)(x)
    # stage_1: 56x56x96
    for i in range(3):
        x = convnext_unit(x, drop=i / 170)
    # stage_2: 28x28x192
    x = convnext_down(x, 2 * c)
    for i in range(3):
        x = convnext_unit(x, drop=(3 + i) / 170)
    # stage_3: 14x14x384
    x = convnext_down(x, 4 * c)
    for i in range(9):
        x = convnext_unit(x, drop=(6 + i) / 170)
    # stage_4: 7x7x768
    x = convnext_down(x, 8 * c)
    for i in range(3):
        x = convnext_unit(x, drop=(15 + i) / 170)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.LayerNormalization(epsilon=1e-06)(x)
    x = layers.Dense(1000)(x)
    return keras.Model(inputs, x)
