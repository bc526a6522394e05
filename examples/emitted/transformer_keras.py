"""Transformer in Keras, written by netdsl from transformer.net.

63,082,496 parameters (63,082,496 trained), 18432*T**2 + 62984192*T multiply-accumulates.
"""

import keras
from keras import layers, ops


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


def placed(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Rescaling(22.627416997969522)(x)
    x = SinusoidalPositions()(x)
    return layers.Dropout(0.1)(x)


def feed_forward(
    x: keras.KerasTensor, hidden: int, drop: float = 0.1
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    x = layers.Dense(hidden, activation="relu")(x)
    x = layers.Dense(in_channels)(x)
    return layers.Dropout(drop)(x)


def post_norm(x: keras.KerasTensor, heads: int) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    y = layers.MultiHeadAttention(heads, in_channels // heads, dropout=0.1)(x, x)
    y = layers.Dropout(0.1)(y)
    x = y + x
    x = layers.LayerNormalization(epsilon=1e-05)(x)
    y = feed_forward(x, 4 * in_channels)
    x = y + x
    return layers.LayerNormalization(epsilon=1e-05)(x)


def post_norm_decoder(
    x: keras.KerasTensor, memory: keras.KerasTensor, heads: int
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    y = layers.MultiHeadAttention(heads, in_channels // heads, dropout=0.1)(
        x, x, use_causal_mask=True
    )
    y = layers.Dropout(0.1)(y)
    x = y + x
    x = layers.LayerNormalization(epsilon=1e-05)(x)
    y = layers.MultiHeadAttention(heads, in_channels // heads, dropout=0.1)(x, memory)
    y = layers.Dropout(0.1)(y)
    x = y + x
    x = layers.LayerNormalization(epsilon=1e-05)(x)
    y = feed_forward(x, 4 * in_channels)
    x = y + x
    return layers.LayerNormalization(epsilon=1e-05)(x)


def transformer(heads: int = 8, layers_: int = 6) -> keras.Model:
    embedding = layers.ReversibleEmbedding(37000, 512)
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    x = embedding(source)
    x = placed(x)
    encoder = x
    # encoder: Tx512
    for _ in range(layers_):
        encoder = post_norm(encoder, heads)
    x = embedding(target)
    x = placed(x)
    # decoder: Tx512
    for _ in range(layers_):
        x = post_norm_decoder(x, encoder, heads)
    x = embedding(x, reverse=True)
    return keras.Model([source, target], x)
