"""Code for a network, in PyTorch or Keras."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..network import Network
    from .emitted import Emitted

TARGETS = ("torch", "keras")
"""Frameworks that code can be for; each has a file of its own."""


def emit(network: Network, target: str) -> Emitted:
    """Return the source of a network for a target, and where its weights live in it.

    Raises CompileError where code would need an open size that is not at hand.
    """
    emitter: Callable[[Network], Emitted] = import_module(f"{__name__}.{target}").emit
    return emitter(network)
