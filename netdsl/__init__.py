"""A compiler for neural networks: one line of text to shapes, counts, and PyTorch or Keras code.

import netdsl
net = netdsl.compile("in 28x28x1 | conv 32@3 | relu | dense 10")
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import weights
    from .diagnostics import CompileError
    from .net import Net, check, compile, load

__version__ = "0.1.0"
__all__ = ["CompileError", "Net", "__version__", "check", "compile", "load", "weights"]

_HOMES = {"CompileError": "diagnostics", "Net": "net", "check": "net", "compile": "net", "load": "net"}


def __getattr__(name: str) -> Any:
    """Load what is asked for: importing netdsl alone costs next to nothing."""
    from importlib import import_module

    if name == "weights":
        return import_module(f"{__name__}.weights")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
