"""The numbers that rules compare with, which a project may set; each rule's page says why they are where they are."""

from __future__ import annotations

from ..record import field, frozen


@frozen
class Budget:
    """The most that a network may cost: parameters, multiply-accumulates, and bytes of inference; None is no limit."""

    params: int | None = None
    macs: int | None = None
    memory: int | None = None


@frozen
class Thresholds:
    """What is too much, or too little."""

    max_dropout: float = 0.5
    """The largest rate that is usual (T204)."""
    parameter_share: float = 0.9
    """The part of all parameters that one layer may hold (D302)."""
    receptive_field: float = 0.5
    """The part of the image's smaller side that a feature has to see before the average over all (D303)."""
    budget: Budget = field(factory=Budget)
    """What the network may cost (D323)."""
