"""Multi-head attention on sequences and whole maps, where Keras' own has no such option."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="netdsl")
class Attention(layers.Layer):
    """Let every position attend to others, in several heads (Vaswani et al., 2017)."""

    def __init__(
        self,
        heads: int,
        head_dim: int,
        dim: int,
        value_dim: int | None = None,  #: value_dim
        kv_heads: int | None = None,  #: kv_heads
        bias: bool = True,  #: bias
        output_bias: bool = True,  #: output_bias
        bare: bool = False,  #: bare
        causal: bool = False,  #: causal
        window: int | None = None,  #: window
        relative: int = 0,  #: relative
        rope: int = 0,  #: rope
        theta: float = 10000.0,  #: theta
        scale: float | None = None,  #: scale
        dropout: float = 0.0,  #: dropout
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.heads = heads
        self.head_dim = head_dim
        self.dim = dim
        self.value_dim = value_dim or head_dim  #: value_dim
        self.kv_heads = kv_heads or heads  #: kv_heads
        self.bias = bias  #: bias
        self.output_bias = output_bias  #: output_bias
        self.bare = bare  #: bare
        self.causal = causal  #: causal
        self.window = window  #: window
        self.reach = relative  #: relative
        self.rope = rope  #: rope
        self.theta = theta  #: theta
        self.scale = head_dim**-0.5 if scale is None else scale  #: scale
        self.dropout = layers.Dropout(dropout)  #: dropout
        if bare:  #: bare
            self.query = self.key = self.value = self.merge = layers.Identity()
            return
        self.query = layers.Dense(
            heads * head_dim,
            use_bias=bias,  #: bias
            name="query",
        )
        self.key = layers.Dense(
            self.kv_heads * head_dim,  #: kv_heads else heads * head_dim,
            use_bias=bias,  #: bias
            name="key",
        )
        self.value = layers.Dense(
            self.kv_heads * head_dim,  #: kv_heads else heads * head_dim,
            use_bias=bias,  #: bias
            name="value",
        )
        self.merge = layers.Dense(
            dim,
            use_bias=bias and output_bias,  #: output_bias else use_bias=bias,  #: bias
            name="output",
        )
        self.trainable = self.trainable  # and so are, or are not, the layers in it

    def build(
        self,
        x_shape: tuple[int | None, ...],
        key_shape: tuple[int | None, ...] | None = None,  #: key
        value_shape: tuple[int | None, ...] | None = None,  #: value
        bias_shape: tuple[int | None, ...] | None = None,  #: operand
    ) -> None:
        key_shape = key_shape or x_shape  #: key
        value_shape = value_shape or key_shape  #: value
        self.query.build(x_shape)
        self.key.build(key_shape)  #: key else self.key.build(x_shape)
        self.value.build(value_shape)  #: value else self.value.build(key_shape)  #: key else self.value.build(x_shape)
        self.merge.build((*x_shape[:-1], self.heads * self.head_dim))
        if self.reach:  #: relative
            shape = (2 * self.reach - 1, self.heads)
            self.relative = self.add_weight(shape, "zeros", name="relative")

    def call(
        self,
        x: keras.KerasTensor,
        key: keras.KerasTensor | None = None,  #: key
        value: keras.KerasTensor | None = None,  #: value
        bias: keras.KerasTensor | None = None,  #: operand
    ) -> keras.KerasTensor:
        positions = ops.shape(x)[:-1]
        key = x if key is None else key  #: key
        value = key if value is None else value  #: value
        queries = self.split(self.query(x))
        keys = self.split(self.key(key))  #: key else keys = self.split(self.key(x))
        values = self.split(self.value(value), self.value_dim)  #: value_dim else values = self.split(self.value(value))  #: value else values = self.split(self.value(key))  #: key else values = self.split(self.value(x))
        keys = ops.repeat(keys, self.heads // self.kv_heads, axis=2)  #: kv_heads
        values = ops.repeat(values, self.heads // self.kv_heads, axis=2)  #: kv_heads
        queries, keys = self.rotate(queries), self.rotate(keys)  #: rope
        scores = ops.einsum("bqhd,bkhd->bhqk", queries, keys)
        scores = scores * self.scale  #: scale else scores = scores * self.head_dim**-0.5
        if self.reach:  #: relative
            scores = scores + self.offset_bias(ops.shape(scores)[2])
        if bias is not None:  #: operand
            scores = scores + bias
        row = ops.arange(ops.shape(scores)[2])[:, None]  #: causal or window
        column = ops.arange(ops.shape(scores)[3])  #: causal or window
        if self.causal:  #: causal
            scores = ops.where(row >= column, scores, float("-inf"))
        if self.window is not None:  #: window
            near = ops.abs(row - column) < self.window
            scores = ops.where(near, scores, float("-inf"))
        weights = ops.softmax(scores)
        weights = self.dropout(weights)  #: dropout
        x = ops.einsum("bhqk,bkhd->bqhd", weights, values)
        return self.merge(ops.reshape(x, (*positions, -1)))

    def compute_output_spec(
        self, x: keras.KerasTensor, *_: object, **__: object
    ) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:-1], self.dim), self.compute_dtype)

    def split(
        self,
        x: keras.KerasTensor,
        head_dim: int | None = None,  #: value_dim
    ) -> keras.KerasTensor:
        """Return what enters as positions x heads x channels of each."""
        head_dim = head_dim or self.head_dim  #: value_dim
        heads = x.shape[-1] // head_dim  #: value_dim else heads = x.shape[-1] // self.head_dim
        return ops.reshape(x, (ops.shape(x)[0], -1, heads, head_dim))  #: value_dim else return ops.reshape(x, (ops.shape(x)[0], -1, heads, self.head_dim))

    def rotate(self, x: keras.KerasTensor) -> keras.KerasTensor:  #: rope
        """Turn pairs of channels by their position (Su et al., 2021, RoFormer)."""
        half = self.rope // 2
        exponent = -ops.arange(half, dtype="float32") / half
        speed = self.theta**exponent  #: theta else speed = 10000.0**exponent
        place = ops.arange(ops.shape(x)[1], dtype="float32")[:, None, None]
        cos = ops.cast(ops.cos(place * speed), x.dtype)
        sin = ops.cast(ops.sin(place * speed), x.dtype)
        a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
        return ops.concatenate([a * cos - b * sin, b * cos + a * sin, rest], axis=-1)

    def offset_bias(self, length: int) -> keras.KerasTensor:  #: relative
        """Return what each head adds for how far a key is from a query."""
        place = ops.arange(length)
        offset = ops.clip(place[:, None] - place, 1 - self.reach, self.reach - 1)
        bias = ops.take(self.relative, offset + self.reach - 1, axis=0)
        return ops.transpose(bias, (2, 0, 1))

    def get_config(self) -> dict[str, object]:
        return {
            **super().get_config(),
            "heads": self.heads,
            "head_dim": self.head_dim,
            "dim": self.dim,
            "value_dim": self.value_dim,  #: value_dim
            "kv_heads": self.kv_heads,  #: kv_heads
            "bias": self.bias,  #: bias
            "output_bias": self.output_bias,  #: output_bias
            "bare": self.bare,  #: bare
            "causal": self.causal,  #: causal
            "window": self.window,  #: window
            "relative": self.reach,  #: relative
            "rope": self.rope,  #: rope
            "theta": self.theta,  #: theta
            "scale": self.scale,  #: scale
            "dropout": self.dropout.rate,  #: dropout
        }
