"""What emission yields: the source, and where each weight of the network lives in the model that it builds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from attrs import frozen

from ..diagnostics import CompileError, Diagnostic
from ..source import Source, Span

MOST_PLACES = 100_000
"""Weights and copies that are looked at: `( ... ) * 1000M` is a short text, and no framework could hold it."""


@frozen
class Location:
    """Where a target keeps one weight.

    `path` is the tensor's name in the target: the key of PyTorch's `state_dict`, or the `path` of a Keras variable
    in a model that is the first one of its session. The weight's axes are put in the order of `axes`; then, along the
    first of these, equal `blocks` in another order; then its elements are read in order into the target's shape. `part`
    is the span of a packed tensor along axis 0 that it fills. Where a map was flattened channels-first, `order` has its
    sizes, channels last.
    """

    layer: str
    weight: str
    path: str
    axes: tuple[int, ...]
    part: tuple[int, int] | None = None
    order: tuple[int, ...] | None = None
    blocks: tuple[int, ...] | None = None

    def arrange(self, weight: Any, shape: tuple[int, ...]) -> Any:
        """Return a weight, a NumPy array as the language has it, as the target's array of `shape`, or as its part."""
        if self.order is not None:
            features = weight.shape[0]
            split = weight.reshape(*self.order, *weight.shape[1:])
            axes = list(range(split.ndim))
            channels = len(self.order) - 1
            weight = split.transpose(channels, *axes[:channels], *axes[channels + 1 :])
            weight = weight.reshape(features, *split.shape[channels + 1 :])
        weight = weight.transpose(self.axes)
        if self.blocks is not None:
            weight = weight.reshape(len(self.blocks), -1, *weight.shape[1:])[list(self.blocks)]
        if self.part is not None:
            shape = (self.part[1] - self.part[0], *shape[1:])
        return weight.reshape(shape)

    def restore(self, stored: Any, shape: tuple[int, ...]) -> Any:
        """Return the weight of `shape`, as the language has it, from the target's array: the inverse of `arrange`."""
        arranged = tuple(shape[axis] for axis in self.axes)
        if self.part is not None:
            stored = stored[slice(*self.part)]
        if self.blocks is not None:
            stored = stored.reshape(len(self.blocks), -1, *arranged[1:])[list(_inverse(self.blocks))]
        weight = stored.reshape(arranged).transpose(_inverse(self.axes))
        if self.order is not None:
            positions = len(self.order) - 1
            split = weight.reshape(self.order[-1], *self.order[:-1], *shape[1:])
            behind = range(positions + 1, split.ndim)
            weight = split.transpose(*range(1, positions + 1), 0, *behind).reshape(shape)
        return weight


def _inverse(places: tuple[int, ...]) -> tuple[int, ...]:
    """Return the permutation that undoes one."""
    return tuple(sorted(range(len(places)), key=places.__getitem__))


@frozen
class ExtraTensor:
    """A tensor that a target keeps beyond the weights of the language: its elements are zero, and stay so."""

    layer: str
    path: str
    size: int


class Emitted:
    """The source of a program in one target, with its weight map."""

    def __init__(
        self,
        target: str,
        name: str,
        source: str,
        locate: Callable[[], Iterable[Location | ExtraTensor]],
    ) -> None:
        self.target = target
        self.name = name
        """Of the class or function that makes the model."""
        self.source = source
        self._locate = locate

    @cached_property
    def weight_map(self) -> tuple[Location, ...]:
        """Every weight, in the order of the text, each copy of a repeat with its own.

        Raises CompileError where there are too many.
        """
        return tuple(place for place in self._places if isinstance(place, Location))

    @cached_property
    def extra(self) -> tuple[ExtraTensor, ...]:
        """What the target keeps beyond them, and counts with its own parameters."""
        return tuple(place for place in self._places if isinstance(place, ExtraTensor))

    @cached_property
    def _places(self) -> tuple[Location | ExtraTensor, ...]:
        return tuple(self._locate())


def bounded(found: Iterable[Location | ExtraTensor | None], text: Source) -> Iterator[Location | ExtraTensor]:
    """Return what is found in the copies of a text, for each of which there is a None, if that is not too much.

    Raises CompileError where it is.
    """
    for number, place in enumerate(found):
        if number >= MOST_PLACES:
            message = f"this network has more than {MOST_PLACES:,} weights and copies, too many to say where each is"
            help = "repeat fewer times: each copy has weights of its own"
            raise CompileError((Diagnostic("E026", message, Span(text, 0, 0), help=help),))
        if place is not None:
            yield place
