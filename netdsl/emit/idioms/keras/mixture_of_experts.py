"""Experts among which a router chooses for each position."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="netdsl")
class MixtureOfExperts(keras.layers.Layer):
    """Add what the preferred experts make of a position, by the router's softmax.

    Every expert is applied to every position, as shapes must not depend on values.
    """

    def __init__(self, experts: list[keras.Model], top: int, **options: object) -> None:
        super().__init__(**options)
        self.experts = experts
        self.top = top

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (input_shape[-1], len(self.experts))
        self.router = self.add_weight(shape, "glorot_uniform", name="router")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        positions = ops.reshape(x, (-1, x.shape[-1]))
        kept, chosen = ops.top_k(ops.matmul(positions, self.router), self.top)
        places = ops.one_hot(chosen, len(self.experts), dtype=kept.dtype)
        weights = ops.sum(ops.softmax(kept)[..., None] * places, axis=1)
        made = ops.stack([expert(positions) for expert in self.experts], axis=1)
        result = ops.sum(weights[..., None] * made, axis=1)
        return ops.reshape(result, (*ops.shape(x)[:-1], result.shape[-1]))

    def compute_output_spec(self, x: keras.KerasTensor) -> keras.KerasTensor:
        width = self.experts[0].output_shape[-1]
        return keras.KerasTensor((*x.shape[:-1], width), self.compute_dtype)

    def get_config(self) -> dict[str, object]:
        experts = [keras.saving.serialize_keras_object(one) for one in self.experts]
        return {**super().get_config(), "experts": experts, "top": self.top}

    @classmethod
    def from_config(cls, config: dict[str, object]) -> "MixtureOfExperts":
        experts = config.pop("experts")
        made = [keras.saving.deserialize_keras_object(one) for one in experts]
        return cls(experts=made, **config)
