"""A trained scale and bias without anything else."""

import keras


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
