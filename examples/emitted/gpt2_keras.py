"""Gpt2 in Keras, written by netdsl from gpt2.net.

124,439,808 parameters (124,439,808 trained), 18432*T**2 + 123532032*T multiply-accumulates.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="netdsl")
class LearnedPositions(keras.layers.Layer):
    """Add a trained vector to each position; it holds `length` of them."""

    def __init__(self, length: int, **options: object) -> None:
        super().__init__(**options)
        self.length = length

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (self.length, input_shape[-1])
        self.table = self.add_weight(shape, "zeros", name="table")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x + self.table[: ops.shape(x)[1]]

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "length": self.length}


def gelu_tanh(x: keras.KerasTensor) -> keras.KerasTensor:
    return ops.gelu(x, approximate=True)


def feed_forward(
    x: keras.KerasTensor, hidden: int, drop: float = 0.1
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    x = layers.Dense(hidden)(x)
    x = gelu_tanh(x)
    x = layers.Dense(in_channels)(x)
    return layers.Dropout(drop)(x)


def pre_norm(
    x: keras.KerasTensor, heads: int, causal: bool = False
) -> keras.KerasTensor:
    in_channels = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-05)(x)
    y = layers.MultiHeadAttention(heads, in_channels // heads, dropout=0.1)(
        y, y, use_causal_mask=causal
    )
    y = layers.Dropout(0.1)(y)
    x = y + x
    y = layers.LayerNormalization(epsilon=1e-05)(x)
    y = feed_forward(y, 4 * in_channels)
    return y + x


def gpt2(dim: int = 768, layers_: int = 12, heads: int = 12) -> keras.Model:
    x = inputs = keras.Input((None,), dtype="int32")
    tokens = layers.ReversibleEmbedding(50257, dim, name="tokens")
    x = tokens(x)
    x = LearnedPositions(1024)(x)
    x = layers.Dropout(0.1)(x)
    for _ in range(layers_):
        x = pre_norm(x, heads, causal=True)
    x = layers.LayerNormalization(epsilon=1e-05)(x)
    x = tokens(x, reverse=True)
    return keras.Model(inputs, x)
