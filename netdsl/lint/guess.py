"""A network with mistakes as rules look at it: behind each mistake goes on what stands there, on sizes left open.

How many axes leave a stage with a mistake is a guess; those are good with which most of what stands behind it is right.
"""

from __future__ import annotations

from ..blame import UseOf, opened_tensor
from ..compiler import Result
from ..diagnostics import Diagnostic
from ..elaborate import Elaborator
from ..expressions import Mistake, Silent
from ..layer import Layer, Tensor
from ..network import Network, Step, Value
from ..options import Options
from ..scope import Builder
from ..size import TooLarge, Undecided, symbols
from ..source import Source, Span
from ..syntax import tree

GUESS = "guess."
"""How the names of sizes begin that a mistake leaves open."""


def is_guessed(x: Tensor) -> bool:
    """Whether a mistake has left the sizes of a tensor open."""
    return any(name.startswith(GUESS) for name in symbols(x.sizes))


RANKS = (None, 1, 2, 3)
"""Numbers of axes to leave a mistake, of which None is as many as enter it."""


MOST_GUESSED = 250
"""Stages that a text may expand to. Sizes left open take long, and rarely come back to what they were in a repeat."""


class _TooMany(Exception):
    """A text has more stages than are guessed."""


def guesses(result: Result) -> list[Network]:
    """Return the networks that a text may be where its mistakes are mended, with the fewest stages left unknown.

    A stage with a mistake is one of which nothing is known but its place. There are none where the text is too
    large: beyond a limit there is nothing to guess, and each guess would take as long as it took to come there.
    """
    network = result.network
    if any(error.code == "E026" for error in result.errors):
        return [network]
    walks = [_Guess(network.source, network.options, rank) for rank in RANKS]
    try:
        made = [walk.file(result.program, network.name)[0] for walk in walks]
    except _TooMany:
        return []
    fewest = min(walk.unknown_stages for walk in walks)
    return [network for network, walk in zip(made, walks, strict=True) if walk.unknown_stages == fewest]


class _Guess(Elaborator):
    """A walk that goes on behind a mistake; what it has to say of the rest comes of the guess, and is not told."""

    def __init__(self, source: Source, options: Options, rank: int | None) -> None:
        super().__init__(source, options)
        self.rank = rank
        self.unknown_stages = 0

    def expand(self, stages: int, span: Span) -> None:
        """Count stages that a text expands to. Raises _TooMany, behind which nothing is guessed."""
        self.stages += stages
        if self.stages > MOST_GUESSED:
            raise _TooMany

    def blame(self, found: Diagnostic, use: UseOf) -> None:
        """Keep a mistake inside a block as it is: nobody is told whose it is, and finding that out takes long."""
        self.report(found)

    def check_sizes(self, output: Tensor, layer: Layer, tensors: list[Tensor]) -> None:
        """Let weights have open sizes."""

    def stage(self, builder: Builder, stage: tree.Stage, entering: Value | None) -> Value | None:
        value = None
        try:
            value = super().stage(builder, stage, entering)
        except (Mistake, Silent, Undecided, TooLarge) as found:
            if entering is None:
                raise
            self.lose_names(builder, stage)
            with self.reporting(stage.span):
                raise found
        if value is not None or entering is None:
            return value
        self.unknown_stages += 1
        entered = builder.tensor(entering)
        assert entered is not None, "a known value has a tensor"
        rank = entered.rank if self.rank is None else self.rank
        x = opened_tensor(Tensor((1,) * rank), f"{GUESS}{len(builder.steps)}")
        return builder.add(Step(builder.unused(builder.next_name("unknown")), None, (entering,), x, stage.span, ""))
