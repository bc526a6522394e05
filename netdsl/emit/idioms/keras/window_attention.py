"""Attention in windows of a map: Swin (Liu et al., 2021, arXiv:2103.14030), and the grid of MaxViT (arXiv:2204.01697)."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="netdsl")
class WindowAttention(layers.Layer):
    """Let positions of a map attend within windows (Liu et al., 2021, Swin)."""

    def __init__(
        self,
        heads: int,
        head_dim: int,
        dim: int,
        window: tuple[int, int],
        shift: tuple[int, int] = (0, 0),  #: shift
        grid: bool = False,  #: grid
        value_dim: int | None = None,  #: value_dim
        kv_heads: int | None = None,  #: kv_heads
        bias: bool = True,  #: bias
        output_bias: bool = True,  #: output_bias
        bare: bool = False,  #: bare
        relative: bool = False,  #: relative
        scale: float | None = None,  #: scale
        dropout: float = 0.0,  #: dropout
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.heads = heads
        self.head_dim = head_dim
        self.dim = dim
        self.window = tuple(window)
        self.shift = tuple(shift)  #: shift
        self.grid = grid  #: grid
        self.value_dim = value_dim or head_dim  #: value_dim
        self.kv_heads = kv_heads or heads  #: kv_heads
        self.bias = bias  #: bias
        self.output_bias = output_bias  #: output_bias
        self.bare = bare  #: bare
        self.scale = head_dim**-0.5 if scale is None else scale  #: scale
        self.dropout = layers.Dropout(dropout)  #: dropout
        self.has_offsets = relative  #: relative
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
        if self.has_offsets:  #: relative
            offsets = (2 * self.window[0] - 1) * (2 * self.window[1] - 1)
            shape = (offsets, self.heads)
            self.relative = self.add_weight(shape, "zeros", name="relative")

    def call(
        self,
        x: keras.KerasTensor,
        key: keras.KerasTensor | None = None,  #: key
        value: keras.KerasTensor | None = None,  #: value
        bias: keras.KerasTensor | None = None,  #: operand
    ) -> keras.KerasTensor:
        height, width = x.shape[1:3]
        key = x if key is None else key  #: key
        value = key if value is None else value  #: value
        queries = self.split(self.query(x))
        keys = self.split(self.key(key))  #: key else keys = self.split(self.key(x))
        values = self.split(self.value(value), self.value_dim)  #: value_dim else values = self.split(self.value(value))  #: value else values = self.split(self.value(key))  #: key else values = self.split(self.value(x))
        keys = ops.repeat(keys, self.heads // self.kv_heads, axis=3)  #: kv_heads
        values = ops.repeat(values, self.heads // self.kv_heads, axis=3)  #: kv_heads
        scores = ops.einsum("bwqhd,bwkhd->bwhqk", queries, keys)
        scores = scores * self.scale  #: scale else scores = scores * self.head_dim**-0.5
        if self.has_offsets:  #: relative
            scores = scores + self.offset_bias()
        if bias is not None:  #: operand
            scores = scores + bias
        if any(self.shift):  #: shift
            near = self.neighbours(height, width)
            scores = ops.where(near, scores, float("-inf"))
        weights = ops.softmax(scores)
        weights = self.dropout(weights)  #: dropout
        x = ops.einsum("bwhqk,bwkhd->bwqhd", weights, values)
        x = self.join(x, height, width)
        x = ops.roll(x, self.shift, axis=(1, 2))  #: shift
        return self.merge(x)

    def compute_output_spec(
        self, x: keras.KerasTensor, *_: object, **__: object
    ) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:-1], self.dim), self.compute_dtype)

    def split(
        self,
        x: keras.KerasTensor,
        head_dim: int | None = None,  #: value_dim
    ) -> keras.KerasTensor:
        """Return a map as windows x positions x heads x channels of each."""
        x = ops.roll(x, (-self.shift[0], -self.shift[1]), axis=(1, 2))  #: shift
        x = self.cut(x)
        head_dim = head_dim or self.head_dim  #: value_dim
        heads = x.shape[3] // head_dim  #: value_dim else heads = x.shape[3] // self.head_dim
        return ops.reshape(x, (-1, *x.shape[1:3], heads, head_dim))  #: value_dim else return ops.reshape(x, (-1, *x.shape[1:3], heads, self.head_dim))

    def cut(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return a map as windows x positions x channels."""
        height, width = self.window
        rows, columns = x.shape[1] // height, x.shape[2] // width
        if self.grid:  #: grid
            x = ops.reshape(x, (-1, height, rows, width, columns, x.shape[3]))
            x = ops.transpose(x, (0, 2, 4, 1, 3, 5))
            return ops.reshape(x, (-1, rows * columns, height * width, x.shape[5]))
        x = ops.reshape(x, (-1, rows, height, columns, width, x.shape[3]))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, rows * columns, height * width, x.shape[5]))

    def join(self, x: keras.KerasTensor, height: int, width: int) -> keras.KerasTensor:
        """Return windows x positions x heads x channels of each as a map."""
        rows, columns = height // self.window[0], width // self.window[1]
        channels = x.shape[3] * x.shape[4]
        x = ops.reshape(x, (-1, rows, columns, *self.window, channels))
        order = (0, 3, 1, 4, 2, 5) if self.grid else (0, 1, 3, 2, 4, 5)  #: grid else order = (0, 1, 3, 2, 4, 5)
        return ops.reshape(ops.transpose(x, order), (-1, height, width, channels))

    def neighbours(self, height: int, width: int) -> keras.KerasTensor:  #: shift
        """Return which positions of each window are on the same side of the map."""
        rows = ops.arange(height) >= height - self.shift[0]
        columns = ops.arange(width) >= width - self.shift[1]
        side = ops.cast(rows[:, None], "int32") * 2 + ops.cast(columns, "int32")
        side = self.cut(side[None, :, :, None])[0]
        return ops.equal(side, ops.transpose(side, (0, 2, 1)))[:, None]

    def offset_bias(self) -> keras.KerasTensor:  #: relative
        """Return what each head adds for how far a key is from a query."""
        rows, columns = (ops.arange(n) for n in self.window)
        row = rows[:, None] - rows + self.window[0] - 1
        column = columns[:, None] - columns + self.window[1] - 1
        index = row[:, None, :, None] * (2 * self.window[1] - 1) + column[:, None]
        count = self.window[0] * self.window[1]
        bias = ops.take(self.relative, ops.reshape(index, (count, count)), axis=0)
        return ops.transpose(bias, (2, 0, 1))

    def get_config(self) -> dict[str, object]:
        return {
            **super().get_config(),
            "heads": self.heads,
            "head_dim": self.head_dim,
            "dim": self.dim,
            "window": self.window,
            "shift": self.shift,  #: shift
            "grid": self.grid,  #: grid
            "value_dim": self.value_dim,  #: value_dim
            "kv_heads": self.kv_heads,  #: kv_heads
            "bias": self.bias,  #: bias
            "output_bias": self.output_bias,  #: output_bias
            "bare": self.bare,  #: bare
            "relative": self.has_offsets,  #: relative
            "scale": self.scale,  #: scale
            "dropout": self.dropout.rate,  #: dropout
        }
