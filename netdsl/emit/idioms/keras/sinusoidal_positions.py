"""Positions as waves (Vaswani et al., 2017, arXiv:1706.03762)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="netdsl")
class SinusoidalPositions(keras.layers.Layer):
    """Add the sine (even channels) or cosine (odd channels) of each position."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        channels = x.shape[-1]
        channel = ops.arange(channels)
        position = ops.cast(ops.arange(ops.shape(x)[1]), "float32")[:, None]
        power = ops.cast(channel // 2 * 2, "float32") / channels
        angle = position / 10000**power
        waves = ops.where(channel % 2 == 0, ops.sin(angle), ops.cos(angle))
        return x + ops.cast(waves, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape
