import keras
from keras import ops


@keras.saving.register_keras_serializable()
class AdaptivePooling(keras.Layer):
    """Pool to a given size; window i of m goes from floor(i*n/m) to ceil((i+1)*n/m)."""

    def __init__(self, sizes, average=False, **kwargs):
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)
        self.average = average

    def call(self, x):
        pool = ops.mean if self.average else ops.max
        for axis, m in enumerate(self.sizes, 1):
            n = x.shape[axis]
            before = (slice(None),) * axis
            windows = [slice(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
            x = ops.stack([pool(x[(*before, w)], axis) for w in windows], axis)
        return x

    def get_config(self):
        return {**super().get_config(), "sizes": self.sizes, "average": self.average}
