"""A trained tensor that does not depend on what enters."""

import keras
from keras import ops


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
