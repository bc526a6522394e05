"""Constants as arguments of the code: a network on symbols for those that are numbers and decide nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ..expressions import divisible_parts
from ..layer import Layer
from ..network import Network
from ..size import Condition, Undecided, with_choices
from ..symbolic import CONSTANT, Differs, NotGeneral, constants_in, network_on
from ..values import is_number
from .blocks import Blocks, Symbol
from .calls import TORCH, Target
from .skeleton import is_free

Made = TypeVar("Made")


def with_constants(network: Network, target: Target, emit: Callable[[Blocks], Made]) -> tuple[Blocks, Made]:
    """Return what is emitted for a network, with as many of its constants open as code can have.

    A whole number is an argument of what needs it, another one stands at the top of the module. One that decides which
    layers there are is held at its value, and so is one that keeps copies from being a loop.
    """
    held: set[str] = set()
    while True:
        constants = _Constants(held)
        try:
            opened = network_on(network, constants.value)
            if target is TORCH:
                _refuse_positions(opened)
            blocks = Blocks(opened, target, network, constants.open) if constants.open else Blocks(network, target)
            return blocks, blocks.settled(partial(emit, blocks))
        except Undecided as question:
            asked = question.symbols & constants.open.keys()
            if not asked:
                raise
            held |= asked
        except (NotGeneral, Differs):
            if not constants.open:
                raise
            # no shape comes of those at the top of the module, so it lies with the others
            held |= {name for name, known in constants.open.items() if not known.in_module} or constants.open.keys()


class _Constants:
    """The constants of a network, those that are `held` at their values and those that are open."""

    def __init__(self, held: set[str]) -> None:
        self.held = held
        self.read = 0
        self.open: dict[str, Symbol] = {}

    def value(self, word: str, value: Any) -> Any:
        """Return what a constant is to all that names it. Raises Undecided where others decide on its value."""
        name = f"{CONSTANT}{self.read}.{word}"
        self.read += 1
        if constants_in(value):
            _refuse_choices(value)
            return value
        if not is_number(value) or name in self.held:
            return value
        if isinstance(value, int):
            self.open[name] = Symbol(name, word, None, False, (value,), value)
        else:  # as an argument it would be handed from one block to the next
            top = _free(word.upper(), {known.word for known in self.open.values()})
            self.open[name] = Symbol(name, top, None, False, (value,), value, in_module=True)
        return self.open[name].value()


def _free(word: str, taken: set[str]) -> str:
    """Return a word that nothing has."""
    while word in taken or not is_free(word):
        word += "_"
    return word


def _refuse_positions(network: Network) -> None:
    """Ask for the constants in the height or width of an input, on which PyTorch's padding depends and its code not."""
    for step in network.body.steps:
        if isinstance(step.does, Layer) and step.does.is_input and step.output is not None:
            found = constants_in(step.output.sizes[:-1])
            if found:
                raise Undecided(found)


def _refuse_choices(value: Any) -> None:
    """Ask for the constants that decide on a value, but for what rounds to a multiple."""

    def refused(choice: Any) -> Any:
        if divisible_parts(choice) is None:
            raise Undecided(constants_in(choice))
        return choice

    if isinstance(value, tuple):
        for item in value:
            _refuse_choices(item)
    elif isinstance(value, Condition):
        raise Undecided(constants_in(value))
    else:
        with_choices(value, refused)
