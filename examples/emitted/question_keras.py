"""Cnn in Keras, written by netdsl from cnn.net.

50,828,951 parameters (50,828,951 trained), 1,291,653,040 multiply-accumulates.
"""

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="netdsl")
class Affine(keras.layers.Layer):
    """Multiply by a trained scale and add a trained bias, both of a broadcast shape."""

    def __init__(
        self,
        shape: tuple[int, ...],
        scale: bool = True,
        bias: bool = True,
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.shape = tuple(shape)
        self.has_scale = scale
        self.has_bias = bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.has_scale:
            self.scale = self.add_weight(self.shape, "ones", name="scale")
        if self.has_bias:
            self.bias = self.add_weight(self.shape, "zeros", name="bias")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        if self.has_scale:
            x = x * self.scale
        if self.has_bias:
            x = x + self.bias
        return x

    def get_config(self) -> dict[str, object]:
        own = {"shape": self.shape, "scale": self.has_scale, "bias": self.has_bias}
        return {**super().get_config(), **own}


def cnn() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((100, 100, 1)),
            layers.Conv2D(60, 7),
            layers.Conv2D(100, 5),
            layers.MaxPooling2D(2),
            Affine((100,)),
            layers.Flatten(),
            layers.Dense(250),
            layers.Dense(200),
            layers.Dense(1),
        ]
    )
