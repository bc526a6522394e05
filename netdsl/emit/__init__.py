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

    Raises CompileError where code would need an open size that is not at hand, or be nested too deeply.
    """
    emitter: Callable[[Network], Emitted] = import_module(f"{__name__}.{target}").emit
    try:
        return emitter(network)
    except RecursionError:  # a sum of thousands of branches, say, which Python could not read either
        from ..diagnostics import CompileError, Diagnostic
        from ..source import Span

        message = "the program would have an expression that is nested too deeply"
        help = "give parts of it names with `let` or `as`, and join fewer branches at once"
        raise CompileError((Diagnostic("E026", message, Span(network.source, 0, 0), help=help),)) from None
