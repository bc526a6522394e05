"""Noise in training, beyond what keras.layers.GaussianNoise takes."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="netdsl")
class StrongNoise(keras.layers.Layer):
    """Add normal noise while training; `layers.GaussianNoise` takes 1 at most."""

    def __init__(self, deviation: float, **options: object) -> None:
        super().__init__(**options)
        self.deviation = deviation
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, x: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if not training:
            return x
        noise = keras.random.normal(ops.shape(x), seed=self.seed_generator)
        return x + self.deviation * noise

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "deviation": self.deviation}
