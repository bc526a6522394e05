"""Positions as trained vectors."""

import keras
from keras import ops


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
