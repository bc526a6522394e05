"""Normalisation by neighbouring channels (Krizhevsky et al., 2012)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="netdsl")
class LocalResponseNormalization(keras.layers.Layer):
    """Divide by (k + alpha/size * the squares of `size` channels around) ** beta."""

    def __init__(
        self, size: int, alpha: float, beta: float, k: float, **options: object
    ) -> None:
        super().__init__(**options)
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        channels = x.shape[-1]
        around = (self.size // 2, (self.size - 1) // 2)
        squares = ops.pad(ops.square(x), [(0, 0)] * (ops.ndim(x) - 1) + [around])
        total = sum(squares[..., i : i + channels] for i in range(self.size))
        return x / (self.k + self.alpha / self.size * total) ** self.beta

    def get_config(self) -> dict[str, object]:
        own = {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}
        return {**super().get_config(), **own}
