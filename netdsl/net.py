"""What Python programs use: a compiled network with its figures, its text in other forms, and its code."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .compiler import Result, compile_source
from .diagnostics import CompileError, Diagnostic
from .emit import TARGETS, emit
from .layer import Layer, Size, Tensor
from .record import frozen
from .source import Source

if TYPE_CHECKING:
    from .analysis.counts import Counts
    from .analysis.summary import Summary
    from .emit.emitted import Emitted, Location
    from .network import Network
    from .options import Options

FORMATS = ("table", "json", "markdown", "csv")


def compile(
    text: str,
    name: str = "network",
    *,
    folder: str | os.PathLike[str] | None = None,
    inputs: Mapping[str, object] | None = None,
    picks: Mapping[str, object] | None = None,
    **settings: object,
) -> Net:
    """Compile a network from its text.

    `settings` are values of constants and of open sizes (`growth=48, T=512`), `inputs` other shapes of inputs by name
    (`{"image": (64, 64, 3)}`), `picks` members of choices by name. `use` reads files of `folder`, without one those of
    the library alone. Raises CompileError where the text is not right; warnings are in `diagnostics`.
    """
    text_source = Source("<text>" if folder is None else os.path.join(os.fspath(folder), "<text>"), text)
    options = _options(settings, inputs, picks, None if folder is None else os.fspath(folder))
    return _checked(compile_source(text_source, name, options))


def load(
    path: str | os.PathLike[str],
    *,
    inputs: Mapping[str, object] | None = None,
    picks: Mapping[str, object] | None = None,
    **settings: object,
) -> Net:
    """Compile a network from a file, after which it is named; the other arguments are those of `compile`.

    Raises CompileError, also where the file cannot be read.
    """
    from .files import name_of, read

    path = os.fspath(path)
    options = _options(settings, inputs, picks, os.path.dirname(path) or ".")
    return _checked(compile_source(read(path), name_of(path), options))


def check(text: str) -> tuple[Diagnostic, ...]:
    """Return everything that is wrong with a text, and what it is warned of; a library needs no network in it."""
    result = compile_source(Source("<text>", text), "network", _options({}, None, None, None))
    return tuple(found for found in result.diagnostics if found.code != "E025" or not result.is_library)


def _options(
    settings: Mapping[str, object],
    inputs: Mapping[str, object] | None,
    picks: Mapping[str, object] | None,
    folder: str | None,
) -> Options:
    """Return options from the values of Python. Raises ValueError where one has no counterpart in the language."""
    from .files import reader
    from .options import Options, read_shape, shape_of, value_of

    if not isinstance(inputs, Mapping | None):
        raise TypeError(f"`inputs` has shapes by the names of inputs, as in {{'': (64, 64, 3)}}, and is {inputs!r}")
    return Options(
        {name: value_of(value) for name, value in settings.items()},
        {
            name: read_shape(value) if isinstance(value, str) else shape_of(value_of(value))
            for name, value in (inputs or {}).items()
        },
        {name: value_of(value) for name, value in (picks or {}).items()},
        reader(folder),
    )


def _checked(result: Result) -> Net:
    if result.errors:
        raise CompileError(result.errors)
    assert result.total is not None, "a network without mistakes has figures"
    return Net(result.network, result.total, result.diagnostics)


@frozen
class Port:
    """An input or output: its name, and its shape without the batch axis, channels last."""

    name: str
    shape: tuple[Size, ...]
    dtype: str


@frozen
class Parameters:
    """The number of parameters: those that training changes, and those that it does not."""

    trainable: Size
    not_trained: Size

    @property
    def total(self) -> Size:
        """All of them."""
        return self.trainable + self.not_trained


@frozen(eq=False, repr=False, slots=False)
class Net:
    """A compiled network."""

    network: Network
    counts: Counts
    diagnostics: tuple[Diagnostic, ...]
    """Warnings; errors would have been raised."""

    @property
    def name(self) -> str:
        """The name of the network, after its file."""
        return self.network.name

    @property
    def parameters(self) -> Parameters:
        """The number of parameters: `total`, `trainable`, `not_trained`."""
        return Parameters(self.counts.trainable, self.counts.not_trained)

    @property
    def macs(self) -> Size:
        """Multiply-accumulates of one example."""
        return self.counts.macs

    @property
    def flops(self) -> Size:
        """Twice `macs`: a multiplication and an addition each."""
        return self.counts.macs * 2

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What enters the network, in the order of the text."""
        inputs = (step for step in self.network.body.steps if isinstance(step.does, Layer) and step.does.is_input)
        return tuple(_port(step.full_name, step.output) for step in inputs if step.output is not None)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What leaves the network, in the order of the text."""
        tensors = ((output.name, self.network.body.tensor(output.value)) for output in self.network.outputs)
        return tuple(_port(name, tensor) for name, tensor in tensors if tensor is not None)

    def summary(self, format: str = "table", depth: int | None = None) -> str:
        """Return the layers with their shapes and figures; `format` is "table", "json", "markdown" or "csv".

        Names that have more than `depth` parts are folded into one row. Raises CompileError where there are too many.
        """
        from .analysis.summary import as_csv, as_json, as_markdown, as_table

        _one_of(format, FORMATS, "format")
        summary = self._summary(depth)
        if format in ("json", "csv"):
            return (as_json if format == "json" else as_csv)([(self.name, summary)])
        return (as_markdown if format == "markdown" else as_table)(summary)

    def explain(self, layer: str | None = None) -> str:
        """Return every figure with its arithmetic, or those of one layer. Raises LookupError where there is none."""
        from .analysis.explain import explain

        return explain(self.network, self.counts, layer)

    def lint(
        self,
        select: Sequence[str] | None = None,
        extend_select: Sequence[str] = (),
        ignore: Sequence[str] = (),
        preview: bool = False,
    ) -> tuple[Diagnostic, ...]:
        """Return what the rules of lint find that no `# noqa` suppresses, in the order of the text.

        The arguments are those of `netdsl lint`: codes such as "C107", letters that codes begin with, or names. No
        settings are read from files. Raises ValueError where there is no such rule.
        """
        from .lint.thresholds import Thresholds
        from .linter.check import check
        from .linter.selection import Choice, selected
        from .syntax.parser import parse

        choice = Choice(None if select is None else tuple(select), tuple(extend_select), tuple(ignore))
        codes = selected((choice,), preview)
        result = Result(parse(self.network.source)[0], self.network, self.counts, self.diagnostics)
        return check(result, codes, Thresholds()).found

    def emit(self, target: str) -> str:
        """Return the network as source text for "torch" or "keras"."""
        return self._emitted(target).source

    def weight_map(self, target: str) -> tuple[Location, ...]:
        """Return where each weight lives in the model that the emitted source makes."""
        return self._emitted(target).weight_map

    def build(self, target: str, aux: bool = False) -> Any:
        """Return a model: a `torch.nn.Module` or a `keras.Model`, made by running the emitted source.

        With `aux` it has the outputs for training alone, where there are some. Building the same source again uses the
        same classes. Raises ModuleNotFoundError without the framework.
        """
        make = self._runnable(target)
        return make(aux=True) if aux and any(output.aux for output in self.network.outputs) else make()

    def _runnable(self, target: str) -> Any:
        """Return the class or function of the emitted source."""
        emitted = self._emitted(target)
        try:
            return getattr(_module(emitted), emitted.name)
        except ModuleNotFoundError as missing:
            missing.add_note(f"`pip install 'netdsl[{target}]'` installs what a model for {target} needs")
            raise

    def __repr__(self) -> str:
        return f"<Net {self.name}: {self.parameters.total:,} parameters>"

    def _repr_html_(self) -> str:
        from .analysis.summary import as_html

        try:
            return as_html(self._summary())
        except CompileError:
            return as_html(self._summary(depth=1))

    def _summary(self, depth: int | None = None) -> Summary:
        from .analysis.summary import summarize

        return summarize(self.network, self.counts, depth)

    @cached_property
    def _emissions(self) -> dict[str, Emitted]:
        return {}

    def _emitted(self, target: str) -> Emitted:
        if target not in self._emissions:
            _one_of(target, TARGETS, "target")
            self._emissions[target] = emit(self.network, target)
        return self._emissions[target]


def _port(name: str, x: Tensor) -> Port:
    return Port(name, x.sizes, x.dtype)


def _one_of(word: str, known: tuple[str, ...], what: str) -> None:
    """Raise ValueError where a word is none of the known ones."""
    if word not in known:
        raise ValueError(f"there is no {what} {word!r}; it is one of {', '.join(map(repr, known))}")


def _module(emitted: Emitted) -> Any:
    """Return the emitted source as a module that has been run; one that Python can find, for pickle and inspect."""
    import builtins
    import linecache
    import sys
    from hashlib import sha256
    from types import ModuleType

    name = f"{emitted.name}_{emitted.target}_{sha256(emitted.source.encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    linecache.cache[module.__file__] = (len(emitted.source), None, emitted.source.splitlines(True), module.__file__)
    sys.modules[name] = module
    try:
        exec(builtins.compile(emitted.source, module.__file__, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module
