"""How much memory a network takes: its weights, and what is alive at once while it runs."""

from __future__ import annotations

from ..layer import Size, Tensor
from ..network import Body, Experts, Network, Repeat, Step, Use, Value
from ..size import maximum, product
from .counts import Counts

BYTES = 4  # of a float32, and of a token id


def inference_bytes(network: Network, total: Counts) -> Size:
    """Return the bytes of all weights and of the activations at their peak, for one example in float32.

    A tensor is alive from the step that makes it to the last that reads it; a step needs what it reads and what it
    makes at once.
    """
    outputs = tuple(output.value for output in network.outputs if not output.aux)
    peak = _Peak().of(network.body, outputs)
    return total.total * BYTES + peak * BYTES


class _Peak:
    """A walk over bodies that looks at each of them once."""

    def __init__(self) -> None:
        self.peaks: dict[Body, Size] = {}

    def of(self, body: Body, outputs: tuple[Value, ...]) -> Size:
        """Return the most elements that are alive at once in a body, what enters included."""
        last_read = {value: place for place, step in enumerate(body.steps) for value in step.inputs}
        last_read.update(dict.fromkeys(outputs, len(body.steps)))
        alive = {value: elements(body.tensor(value)) for value in range(len(body.inputs))}
        peak: Size = sum(alive.values(), 0)
        for place, step in enumerate(body.steps):
            made = len(body.inputs) + place
            alive[made] = elements(step.output)
            peak = maximum(peak, sum(alive.values(), 0) + self.inside(body, step))
            alive = {value: size for value, size in alive.items() if last_read.get(value, -1) > place}
        return peak

    def inside(self, body: Body, step: Step) -> Size:
        """Return how many elements a step needs beyond what enters and leaves it."""
        inner: list[Body] = []
        if isinstance(step.does, Repeat):
            inner = [run.body for run in step.does.runs]
        elif isinstance(step.does, Use | Experts):
            inner = [step.does.body]
        beyond: list[Size] = [0]
        for part in inner:
            if part not in self.peaks:
                self.peaks[part] = self.of(part, () if part.output is None else (part.output,))
            borders = sum((elements(body.tensor(value)) for value in step.inputs), elements(step.output))
            beyond.append(self.peaks[part] - borders)
        return maximum(*beyond)


def elements(x: Tensor | None) -> Size:
    """Return how many elements a tensor has for one example; those of a `param` are weights."""
    return 0 if x is None or not x.per_example else product(x.sizes)
