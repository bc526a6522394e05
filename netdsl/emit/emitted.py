"""What emission yields: the source, and where each weight of the network lives in the model that it builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from attrs import frozen


@frozen
class Location:
    """Where a target keeps one weight.

    `path` is the tensor's name in the target: the key of PyTorch's `state_dict`, or the `path` of a Keras variable
    in a model that is the first one of its session. The weight's axes are put in the order of `axes`, then its
    elements are read in order into the target's shape; `part` is the span of a packed tensor along axis 0 that it
    fills. Where a map was flattened channels-first, `order` has its sizes, channels last.
    """

    layer: str
    weight: str
    path: str
    axes: tuple[int, ...]
    part: tuple[int, int] | None = None
    order: tuple[int, ...] | None = None

    def arrange(self, weight: Any, shape: tuple[int, ...]) -> Any:
        """Return a weight, a NumPy array as the language has it, as the target's array of `shape`."""
        if self.order is not None:
            features = weight.shape[0]
            split = weight.reshape(*self.order, *weight.shape[1:])
            axes = list(range(split.ndim))
            channels = len(self.order) - 1
            weight = split.transpose(channels, *axes[:channels], *axes[channels + 1 :])
            weight = weight.reshape(features, *split.shape[channels + 1 :])
        return weight.transpose(self.axes).reshape(shape)


class Emitted:
    """The source of a program in one target, with its weight map."""

    def __init__(self, target: str, name: str, source: str, locate: Callable[[], Iterator[Location]]) -> None:
        self.target = target
        self.name = name
        """Of the class or function that makes the model."""
        self.source = source
        self._locate = locate

    @cached_property
    def weight_map(self) -> tuple[Location, ...]:
        """Every weight, in the order of the text, each copy of a repeat with its own."""
        return tuple(self._locate())
