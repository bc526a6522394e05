"""Pooling to a given size, as nn.AdaptiveAvgPool2d and its like do it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="netdsl")
class AdaptivePooling(keras.layers.Layer):
    """Pool to a given size; window i of m goes from floor(i*n/m) to ceil((i+1)*n/m)."""

    def __init__(
        self, sizes: tuple[int, ...], average: bool = False, **options: object
    ) -> None:
        super().__init__(**options)
        self.sizes = tuple(sizes)
        self.average = average

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        pool = ops.mean if self.average else ops.max
        for axis, m in enumerate(self.sizes, 1):
            n = x.shape[axis]
            before = (slice(None),) * axis
            windows = [slice(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
            x = ops.stack([pool(x[(*before, w)], axis) for w in windows], axis)
        return x

    def get_config(self) -> dict[str, object]:
        own = {"sizes": self.sizes, "average": self.average}
        return {**super().get_config(), **own}
