"""From what was written to what it means: names, arguments, repeats and shapes are worked out in one walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from attrs import evolve, frozen

from .binding import bind, is_word_of
from .diagnostics import Diagnostic, Related, quoted
from .expressions import Mistake, Silent, evaluate, mistake, truth, undefined
from .layer import Layer, Refused, Size, Tensor, check, show_shape
from .layer import arguments as declared_arguments
from .layers import PLANNED, brought, forms, keywords, suggest
from .layers.windows import axis_names
from .network import Body, Group, Network, Output, Repeat, Run, Step, Value
from .size import Expression, TooLarge, Undecided, product, symbol, symbols
from .source import Source, Span
from .spelling import nearest
from .syntax import tree
from .values import LARGEST, OPEN, OPERAND, TABLE, Kind, NamedTensor, Unfit, Word, show, whole
from .values import Value as ArgumentValue

MOST_STAGES = 1_000_000
"""Stages that one file may expand to; copies of a repeat count until one leaves what it got."""

NOT_YET: dict[type, tuple[str, str]] = {
    tree.Use: ("`use`", "copy what you need of the other file into this one"),
    tree.Const: ("`const`", "write the value where it is used"),
    tree.Block: ("`block`", "write its layers out where they are used; `( ... ) * 3` repeats a group"),
    tree.Shared: ("`shared`", "where one use is enough, name its tensor by `let`"),
    tree.Train: ("`train`", "leave it out; it does not change the network"),
    tree.Assert: ("`assert`", "leave it out; it does not change the network"),
    tree.For: ("`for`", "write its copies out, joined by `|`"),
    tree.Conditional: ("`if ... then ... else` between pipelines", "write the side that you want"),
}
"""Forms of the language that this version reads but cannot do, and what to write until then."""

FORMS_NOT_YET = ("freeze", "moe")
RESIDUAL, IDENTITY, PARAM = "residual", "id", "param"


def elaborate(program: tree.Program, name: str) -> tuple[Network, tuple[Diagnostic, ...]]:
    """Return the network that a program describes, as far as it is known, and what is wrong with it."""
    return _Elaborator(program.source).file(program, name)


@frozen(eq=False)
class Held:
    """A tensor that a name stands for."""

    value: Value | None
    span: Span


class Builder:
    """A body in the making: its steps so far, and the names in it, whose scope it is."""

    def __init__(self, parent: Builder | None, inputs: Iterable[Tensor | None]) -> None:
        self.parent = parent
        self.inputs: list[Tensor | None] = list(inputs)
        self.steps: list[Step] = []
        self.names: dict[str, Held] = {}
        self.counters: dict[str, int] = {}
        self.groups: tuple[Group, ...] = ()
        self.outer: list[Value] = []
        """The parent's value behind each input: what enters, then what was taken by name."""
        self.taken: dict[str, Held] = {}

    def tensor(self, value: Value | None) -> Tensor | None:
        """Return what is known of a value."""
        if value is None:
            return None
        return self.inputs[value] if value >= 0 else self.steps[-value - 1].output

    def maker(self, value: Value) -> Step | None:
        """Return the step that made a value, None for an input."""
        return self.steps[-value - 1] if value < 0 else None

    def add(self, step: Step) -> Value:
        """Append a step and return its value; a number that stays while inputs are still being added."""
        self.steps.append(step)
        return -len(self.steps)

    def find(self, name: str) -> Held | None:
        """Return the tensor that a name stands for here; one from outside becomes an input of this body."""
        held = self.names.get(name) or self.taken.get(name)
        if held is not None or self.parent is None:
            return held
        outside = self.parent.find(name)
        if outside is None or outside.value is None:
            return outside
        self.inputs.append(self.parent.tensor(outside.value))
        self.outer.append(outside.value)
        self.taken[name] = Held(len(self.inputs) - 1, outside.span)
        return self.taken[name]

    def visible(self) -> tuple[str, ...]:
        """Return the names that can be used here."""
        return (*self.names, *(self.parent.visible() if self.parent else ()))

    def finish(self, output: Value | None) -> Body:
        """Return the body, with the steps that its output does not need left out."""
        return _pruned(tuple(self.inputs), self.steps, () if output is None else (output,), keep_all=output is None)[0]


def _pruned(
    inputs: tuple[Tensor | None, ...], steps: list[Step], outputs: tuple[Value, ...], keep_all: bool
) -> tuple[Body, dict[Value, Value], list[tuple[Value, Step]]]:
    """Return a body of the steps that some output needs, the new number of each value, and the steps left out
    with their old ones.

    Values of steps come as negative numbers and leave counted behind the inputs.
    """
    needed = set(outputs)
    for place in range(len(steps) - 1, -1, -1):
        if keep_all or -place - 1 in needed:
            needed.add(-place - 1)
            needed.update(_read_by(steps[place]))
    renumbered: dict[Value, Value] = {value: value for value in range(len(inputs))}
    kept: list[Step] = []
    dropped: list[tuple[Value, Step]] = []
    for place, step in enumerate(steps):
        if -place - 1 in needed:
            renumbered[-place - 1] = len(inputs) + len(kept)
            tied = None if step.tied is None else renumbered[step.tied]
            kept.append(evolve(step, inputs=tuple(renumbered[value] for value in step.inputs), tied=tied))
        else:
            dropped.append((-place - 1, step))
    output = renumbered[outputs[-1]] if outputs else None
    return Body(inputs, tuple(kept), output), renumbered, dropped


def _read_by(step: Step) -> tuple[Value, ...]:
    """Return the values that a step needs."""
    return step.inputs if step.tied is None else (*step.inputs, step.tied)


def _named(layer: Layer, kind: Kind) -> Iterator[NamedTensor]:
    """Return the tensors that arguments of a kind name."""
    for name, argument in declared_arguments(type(layer)).items():
        if argument.kind is kind and getattr(layer, name) is not None:
            yield getattr(layer, name)


class _StageNames:
    """The names around one stage, for its arguments; see `expressions.Names`."""

    def __init__(self, elaborator: _Elaborator, builder: Builder, entering: Value | None, births: str = "") -> None:
        self.elaborator = elaborator
        self.builder = builder
        self.entering = builder.tensor(entering)
        self.births = births

    def look_up(self, name: tree.Name) -> ArgumentValue | None:
        for values in reversed(self.elaborator.locals):
            if name.text in values:
                return values[name.text]
        held = self.builder.find(name.text)
        if held is None:
            if name.text in self.elaborator.unsupported:
                raise Silent
            return None
        tensor = self.builder.tensor(held.value)
        if tensor is None or held.value is None:
            raise Silent
        maker = self.builder.maker(held.value)
        layer = maker.does if maker is not None and isinstance(maker.does, Layer) else None
        return NamedTensor(name.text, held.value, tensor.sizes, held.span, layer)

    def size(self, name: str, span: Span) -> ArgumentValue:
        if self.births:
            return self.elaborator.symbols.setdefault(name, symbol(name))
        if name in self.elaborator.symbols:
            return self.elaborator.symbols[name]
        guess = nearest(name, self.elaborator.symbols)
        raise mistake(
            "E010",
            f"no input has a size called `{name}`",
            span,
            f"did you mean `{guess}`?" if guess else "",
            f"a symbolic size is born in an input, as in `in {name}x80`; names in lower case are values",
        )

    def names(self) -> tuple[str, ...]:
        return (*self.builder.visible(), *(name for values in self.elaborator.locals for name in values))


class _Elaborator:
    """One walk over one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.reported: set[int] = set()
        self.symbols: dict[str, Expression] = {}
        self.locals: list[dict[str, ArgumentValue]] = []
        self.labels: frozenset[str] = frozenset()
        self.copies: list[tuple[Span, int]] = []
        self.stages = 0
        self.unsupported: set[str] = set()
        """Names that statements which are not supported yet declare; what uses them is unknown, without a message."""
        self.uses_files = False
        self.making = ""
        """The name of the `let` that is being read."""

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep the first message at a place: a copy of a repeat makes the mistake of the first again."""
        if diagnostic.span.start not in self.reported:
            self.reported.add(diagnostic.span.start)
            self.diagnostics.append(diagnostic)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report the mistake that is raised inside, and go on behind it."""
        try:
            yield
        except Mistake as found:
            self.report(found.diagnostic)
        except Silent:
            pass

    # Statements

    def file(self, program: tree.Program, name: str) -> tuple[Network, tuple[Diagnostic, ...]]:
        self.labels = frozenset(_labels(program))
        builder = Builder(None, ())
        outputs: list[Output] = []
        for statement in program.statements:
            with self.reporting():
                found = self.statement(builder, statement)
                if found is not None:
                    outputs.append(found)
        seen_input = any(isinstance(step.does, Layer) and step.does.is_source for step in builder.steps)
        if not program.statements:
            self.report(_no_network(program.source, "the file is empty", ""))
        elif not outputs and not self.diagnostics and not any(isinstance(s, tree.Wrong) for s in program.statements):
            end = program.statements[-1].span
            what = "nothing leaves it" if seen_input else "nothing enters it"
            named = [s.name.text for s in program.statements if isinstance(s, tree.Let)]
            cure = f"make it an output: `out {named[-1]}`" if named and seen_input else ""
            self.report(_no_network(program.source, f"this describes no network: {what}", cure, end))
        return self.network(name, builder, outputs)

    def network(self, name: str, builder: Builder, outputs: list[Output]) -> tuple[Network, tuple[Diagnostic, ...]]:
        """Return the network of what the outputs need; the rest is warned of."""
        values = tuple(output.value for output in outputs)
        body, renumbered, dropped = _pruned((), builder.steps, values, keep_all=bool(self.diagnostics))
        read = {value for _, step in dropped for value in _read_by(step)}
        for value, step in dropped:
            if value not in read:
                self.report(
                    Diagnostic(
                        "C115",
                        f"what {quoted(step.text or step.name)} makes reaches no output, so it is left out",
                        step.span,
                        help="give it to an `out`, or delete it",
                        severity="warning",
                    )
                )
        renamed = tuple(evolve(output, value=renumbered[output.value]) for output in outputs)
        ordered = sorted(self.diagnostics, key=lambda diagnostic: diagnostic.span.start)
        return Network(name, self.source, body, renamed), tuple(ordered)

    def statement(self, builder: Builder, statement: tree.Statement) -> Output | None:
        """Elaborate a statement; return the output that it makes, if it makes one."""
        self.making = statement.name.text if isinstance(statement, tree.Let) else ""
        if isinstance(statement, tree.Let):
            value = self.closed(builder, statement.body, "let")
            self.declare(builder, statement.name, value)
            return None
        if isinstance(statement, tree.Output):
            if statement.keyword == "aux":
                raise _unsupported("`aux`", "make it an `out`, or leave it out", statement.span)
            value = self.closed(builder, statement.body, statement.keyword or "a pipeline on its own")
            if value is None or _only_declares_an_input(statement):
                return None
            return self.output(builder, value, statement.body.span)
        if isinstance(statement, tree.Wrong):
            return None
        if isinstance(statement, tree.Block | tree.Shared | tree.Const):
            self.unsupported.add(statement.name.text)
        self.uses_files = self.uses_files or isinstance(statement, tree.Use)
        raise _unsupported(*NOT_YET[type(statement)], statement.span)

    def output(self, builder: Builder, value: Value, span: Span) -> Output:
        """Return an output under the name of its tensor."""
        step = builder.maker(value)
        assert step is not None, "a file's values are all made by steps"
        name = next((name for name, held in builder.names.items() if held.value == value), step.name)
        return Output(name, value, span)

    def closed(self, builder: Builder, branch: tree.Branch, where: str) -> Value | None:
        """Elaborate a pipeline that has to begin with a source."""
        if isinstance(branch, tree.Pipeline) and not self.is_closed(builder, branch):
            first = branch.stages[0]
            with self.reporting():
                if isinstance(first, tree.Wrong):
                    raise Silent
                self.refuse_unknown_tensor(builder, first)
                self.refuse_unknown_stage(builder, first)
                raise mistake(
                    "E028",
                    f"nothing enters {quoted(first.span.text)}",
                    first.span,
                    f"{where} begins with an input or a named tensor",
                    "begin with the shape of one example, as in `in 28x28x1 | ...`",
                )
        return self.branch(builder, branch, None)

    def refuse_unknown_tensor(self, builder: Builder, first: tree.Stage) -> None:
        """Raise the mistake of a pipeline that begins with a name, which nothing has declared before."""
        if not isinstance(first, tree.Layer) or first.arguments or forms(first.name.text) or first.name.text in PLANNED:
            return
        word = first.name.text
        if word in self.unsupported or word in (IDENTITY, PARAM) or brought(word):
            return
        guess = nearest(word, builder.visible())
        message = f"nothing called {quoted(word)} has been named before this"
        if word == self.making:
            message = f"{quoted(word)} would be made of itself"
        elif word in self.labels:
            message += "; it is named further down, and names are made before they are used"
        raise mistake(
            "E010",
            message,
            first.name.span,
            f"did you mean `{guess}`?" if guess else "",
            "a pipeline begins with `in`, or with a tensor named by `let` or `as` above it",
        )

    def declare(self, builder: Builder, name: tree.Name, value: Value | None) -> None:
        """Let a name stand for a tensor in this scope."""
        if name.text.isupper():
            raise mistake(
                "E009",
                f"{quoted(name.text)} is in upper case, which is for symbolic sizes",
                name.span,
                help="use lower case",
            )
        held = builder.names.get(name.text)
        if held is not None:
            raise mistake(
                "E029",
                f"{quoted(name.text)} is declared twice",
                name.span,
                "declared again here",
                "give one of them another name; a name stands for one thing in its scope",
                Related(held.span, "declared here"),
            )
        builder.names[name.text] = Held(value, name.span)

    # Pipelines

    def is_closed(self, builder: Builder, branch: tree.Branch) -> bool:
        """Whether a pipeline begins with a source or a named tensor, or a combinator of such."""
        if not isinstance(branch, tree.Pipeline):
            return False
        return self.stage_is_closed(builder, branch.stages[0])

    def stage_is_closed(self, builder: Builder, stage: tree.Stage) -> bool:
        """Whether a stage is a tensor, and takes none."""
        if isinstance(stage, tree.Layer):
            if builder.find(stage.name.text) is not None:
                return True
            return stage.name.text == PARAM or any(form.is_source for form in forms(stage.name.text))
        if isinstance(stage, tree.Group):
            return self.is_closed(builder, stage.body)
        if isinstance(stage, tree.Call):
            bodies = [
                item.body if isinstance(item, tree.Each) else item
                for item in stage.items
                if not isinstance(item, tree.Keyword)
            ]
            wanted = max((n for form in forms(stage.name.text) for n in form.branches), default=0)
            takes_entering = stage.name.text == RESIDUAL or len(bodies) < wanted
            return not takes_entering and bool(bodies) and all(self.is_closed(builder, body) for body in bodies)
        return False

    def branch(self, builder: Builder, branch: tree.Branch, entering: Value | None) -> Value | None:
        """Elaborate a pipeline; return the tensor that leaves it, None where a mistake leaves that unknown."""
        if isinstance(branch, tree.Wrong):
            return None
        if isinstance(branch, tree.Conditional):
            raise _unsupported(*NOT_YET[tree.Conditional], branch.span)
        value = entering
        for place, stage in enumerate(branch.stages):
            if place and self.stage_is_closed(builder, stage):
                self.report(
                    Diagnostic(
                        "E027",
                        f"{quoted(stage.span.text)} is a tensor by itself, so the one that enters it would be lost",
                        stage.span,
                        "this takes no input",
                        "join the two, as in `concat(id, other)` or `add(id, other)`, or begin a pipeline with it",
                    )
                )
                value = None
                continue
            known = value is not None or place == 0
            try:
                value = self.stage(builder, stage, value)
            except Mistake as found:
                self.report(found.diagnostic)
                value = None
            except Silent:
                value = None
            if not known:
                value = None
        return value

    def stage(self, builder: Builder, stage: tree.Stage, entering: Value | None) -> Value | None:
        """Elaborate one stage; return the tensor that leaves it."""
        self.stages += 1
        if self.stages > MOST_STAGES:
            raise mistake(
                "E026",
                f"the network has more than {MOST_STAGES:,} stages",
                stage.span,
                help="a repeat whose copies keep the shape counts once, however often it is repeated",
            )
        if isinstance(stage, tree.Layer):
            return self.layer(builder, stage, entering)
        if isinstance(stage, tree.Group):
            return self.group(builder, stage, entering)
        if isinstance(stage, tree.Call):
            return self.call(builder, stage, entering)
        if isinstance(stage, tree.For):
            raise _unsupported(*NOT_YET[tree.For], stage.span)
        raise Silent

    # Layers

    def layer(self, builder: Builder, stage: tree.Layer, entering: Value | None) -> Value | None:
        """Elaborate a layer, or a named tensor at the start of a pipeline."""
        word = stage.name.text
        held = builder.find(word)
        if held is not None:
            if any(isinstance(argument, tree.Wrong) for argument in stage.arguments):
                raise Silent
            if stage.arguments:
                raise mistake("E008", f"{quoted(word)} is a tensor and takes no arguments", stage.arguments[0].span)
            if stage.label is not None:
                self.declare(builder, stage.label, held.value)
            if held.value is None:
                raise Silent
            return held.value
        if word == IDENTITY:
            return self.identity(builder, stage, entering)
        self.refuse_unknown_stage(builder, stage)
        first, rest = self.split_at_missing_bar(builder, stage)
        if rest is not None:
            value = self.layer(builder, first, entering)
            return self.layer(builder, rest, value)
        return self.declared_layer(builder, stage, entering)

    def declared_layer(self, builder: Builder, stage: tree.Layer, entering: Value | None) -> Value | None:
        candidates = forms(stage.name.text)
        is_source = candidates[0].is_source
        name = self.step_name(builder, stage.name.text, stage.label)
        if any(isinstance(argument, tree.Wrong) for argument in stage.arguments):
            return self.unknown_step(builder, stage, name)
        if is_source and builder.parent is not None:
            raise mistake("E027", "an input stands outside of repeats", stage.span, help="declare it before, by `let`")
        names = _StageNames(self, builder, entering, births=name if is_source else "")
        try:
            bound = bind(stage.name, candidates, stage.arguments, names)
        except Mistake as found:
            self.report(found.diagnostic)
            return self.unknown_step(builder, stage, name)
        except Silent:
            return self.unknown_step(builder, stage, name)
        except Undecided as open_question:
            self.report(_undecided(open_question, stage.span))
            return self.unknown_step(builder, stage, name)
        layer = bound.layer
        if is_source:
            layer = self.with_open_sizes(layer, name)
            return self.step(builder, stage, name, layer, (), bound.spans)
        if entering is None:
            return self.unknown_step(builder, stage, name)
        x = builder.tensor(entering)
        assert x is not None, "a known value has a tensor"
        implied = layer.implied(x)
        if implied is not None:
            implied_name = self.step_name(builder, implied.keyword, None)
            step = Step(implied_name, implied, (entering,), implied.output(x), stage.span, "", groups=builder.groups)
            entering = builder.add(step)
        return self.step(builder, stage, name, layer, (entering,), bound.spans)

    def with_open_sizes(self, layer: Layer, name: str) -> Layer:
        """Return an input whose `?` are symbols of their own, called after its axes."""
        shape: tuple[ArgumentValue, ...] = layer.shape  # type: ignore[attr-defined]
        axes = (*axis_names(len(shape)), "channels")
        sizes = []
        for axis, size in enumerate(shape):
            if size is OPEN:
                label = axes[axis] if len(axes) == len(shape) else f"axis_{axis}"
                size = self.symbols.setdefault(f"{name}.{label}", symbol(f"{name}.{label}"))
            sizes.append(size)
        return evolve(layer, shape=tuple(sizes))  # type: ignore[misc]

    def step(
        self,
        builder: Builder,
        stage: tree.Layer | tree.Call,
        name: str,
        layer: Layer,
        inputs: tuple[Value, ...],
        spans: dict[str, Span],
    ) -> Value | None:
        """Append a layer, after its rules have taken its inputs."""
        entering, inputs = len(inputs), (*inputs, *(named.value for named in _named(layer, OPERAND)))
        tied = next((named.value for named in _named(layer, TABLE)), None)
        tensors = [tensor for value in inputs if (tensor := builder.tensor(value)) is not None]
        span = stage.span
        try:
            _check_input(layer, tensors[:entering])
            output = layer.output(*tensors)
            _check_sizes(output, layer, tensors)
        except Refused as refused:
            self.report(self.refusal(builder, refused, span, inputs, spans))
            return self.unknown_step(builder, stage, name, inputs)
        except Undecided as open_question:
            self.report(_undecided(open_question, span))
            return self.unknown_step(builder, stage, name, inputs)
        except TooLarge as too_large:
            self.report(Diagnostic("E026", str(too_large), span))
            return self.unknown_step(builder, stage, name, inputs)
        named, text = stage.label is not None, _one_line(span.text)
        value = builder.add(Step(name, layer, inputs, output, span, text, named, builder.groups, tied=tied))
        if stage.label is not None:
            self.declare(builder, stage.label, value)
        return value

    def unknown_step(
        self, builder: Builder, stage: tree.Layer | tree.Call, name: str, inputs: tuple[Value, ...] = ()
    ) -> Value | None:
        """Append a step of which nothing is known, so that it has its row."""
        span = stage.span
        builder.add(Step(name, None, inputs, None, span, _one_line(span.text), stage.label is not None, builder.groups))
        if stage.label is not None:
            self.declare(builder, stage.label, None)
        return None

    def identity(self, builder: Builder, stage: tree.Layer, entering: Value | None) -> Value:
        """Elaborate `id`: the tensor as it came."""
        if stage.arguments:
            raise mistake("E008", "`id` takes no arguments", stage.arguments[0].span)
        if entering is None:
            raise Silent
        if stage.label is not None:
            self.declare(builder, stage.label, entering)
        return entering

    def refuse_unknown_stage(self, builder: Builder, stage: tree.Stage) -> None:
        """Raise the mistake of a stage whose word names nothing."""
        if not isinstance(stage, tree.Layer) or stage.name.text == IDENTITY:
            return
        word = stage.name.text
        declarations = forms(word)
        if declarations and not declarations[0].combines:
            return
        if builder.find(word) is not None:
            return
        if declarations:
            raise mistake(
                "E020",
                f"{quoted(word)} combines branches, which stand in parentheses directly behind it",
                stage.span,
                help=f"for example `{word}(conv 8@3 same, id)`",
            )
        if word == RESIDUAL:
            raise mistake(
                "E020", "`residual` takes a pipeline in parentheses", stage.span, help="`residual(conv 8@3 same)`"
            )
        if word in PLANNED or word == PARAM or word in FORMS_NOT_YET:
            raise _unsupported(quoted(word), LISTED, stage.span)
        if word in self.unsupported or self.uses_files:
            raise Silent
        known = brought(word)
        guess = suggest(word) or nearest(word, builder.visible())
        raise mistake(
            "E009",
            f"there is no layer {quoted(word)}",
            stage.name.span,
            f"it is `{known}` here" if known else f"did you mean `{guess}`?" if guess else "",
            "`netdsl layers` lists them all" if not guess else "",
        )

    def split_at_missing_bar(self, builder: Builder, stage: tree.Layer) -> tuple[tree.Layer, tree.Layer | None]:
        """Report a layer's name among the arguments of another: a `|` is missing before it. Return both layers."""
        for place, argument in enumerate(stage.arguments):
            if not isinstance(argument, tree.Name) or not forms(argument.text):
                continue
            if is_word_of(forms(stage.name.text), argument.text) or builder.find(argument.text) is not None:
                continue
            self.report(
                Diagnostic(
                    "E020",
                    f"a `|` is missing before {quoted(argument.text)}",
                    argument.span,
                    f"{quoted(argument.text)} is a layer, not an argument of {quoted(stage.name.text)}",
                    f"end the stage before it: `{stage.name.text} ... | {argument.text} ...`",
                )
            )
            before, after = stage.arguments[:place], stage.arguments[place + 1 :]
            end = stage.arguments[place - 1].span if place else stage.name.span
            first = tree.Layer(stage.name.span.to(end), stage.name, before, None)
            return first, tree.Layer(argument.span.to(stage.span), argument, after, stage.label)
        return stage, None

    def step_name(self, builder: Builder, keyword: str, label: tree.Name | None) -> str:
        """Return the author's name of a step, else the next one of its keyword that no label in the file uses."""
        if label is not None:
            return label.text
        while True:
            builder.counters[keyword] = builder.counters.get(keyword, 0) + 1
            name = f"{keyword}_{builder.counters[keyword]}"
            if name not in self.labels:
                return name

    # Groups and repeats

    def group(self, builder: Builder, stage: tree.Group, entering: Value | None) -> Value | None:
        """Elaborate `( ... )`, once in place or as a repeat."""
        if stage.count is None:
            return self.plain_group(builder, stage, entering)
        names = _StageNames(self, builder, entering)
        count = evaluate(stage.count, names)
        if isinstance(count, Word):
            raise undefined(count, stage.count, names)
        try:
            count = whole(0)(count)
        except Unfit as reason:
            raise mistake(
                "E008",
                f"a repeat is done a whole number of times, at least 0, but {reason}",
                stage.count.span,
                help="for example `(conv 8@3 same | relu) * 3`",
            ) from None
        if not isinstance(count, int):
            raise _undecided_mistake(count, stage.count.span)
        return self.repeat(builder, stage, count, entering)

    def plain_group(self, builder: Builder, stage: tree.Group, entering: Value | None) -> Value | None:
        outside = builder.groups
        if stage.label is not None:
            builder.groups = (*outside, Group(stage.label.text, stage.span))
        try:
            value = self.branch(builder, stage.body, entering)
        finally:
            builder.groups = outside
        if stage.label is not None:
            self.declare(builder, stage.label, value)
        return value

    def repeat(self, builder: Builder, stage: tree.Group, count: int, entering: Value | None) -> Value | None:
        """Elaborate copies until one leaves what it got; the rest are the same one."""
        if self.is_closed(builder, stage.body):
            raise mistake(
                "E027",
                "a repeat is of something that takes a tensor, and this begins with one",
                stage.body.span,
                help="put `id` or a layer first, or write the copies as branches: `concat(a, b)`",
            )
        x = builder.tensor(entering)
        name = self.step_name(builder, "repeat", stage.label)
        runs: list[Run] = []
        taken: list[Value] = []
        remaining = count
        while remaining > 0:
            self.copies.append((stage.span, count - remaining + 1))
            copy = Builder(builder, [x])
            if entering is not None:
                copy.outer.append(entering)
            try:
                output = self.branch(copy, stage.body, 0 if x is not None else None)
            finally:
                self.copies.pop()
            body = copy.finish(output)
            taken = copy.outer
            leaves = copy.tensor(output)
            same_as_before = x is not None and leaves == x
            times = remaining if same_as_before or leaves is None else 1
            runs.append(Run(body, times))
            remaining -= times
            x = leaves
        if not runs or entering is None:
            if stage.label is not None:
                self.declare(builder, stage.label, entering)
            if entering is None:
                raise Silent
            return entering
        if any(not run.body.steps for run in runs) and runs[-1].body.output == 0:  # nothing but `id`
            if stage.label is not None:
                self.declare(builder, stage.label, entering)
            return entering
        span = stage.span
        text = f"( ... ) * {count}"
        value = builder.add(
            Step(name, Repeat(tuple(runs)), tuple(taken), x, span, text, stage.label is not None, builder.groups)
        )
        if stage.label is not None:
            self.declare(builder, stage.label, value if x is not None else None)
        return value if x is not None else None

    # Combinators

    def call(self, builder: Builder, stage: tree.Call, entering: Value | None) -> Value | None:
        """Elaborate a combinator, or `residual`."""
        word = stage.name.text
        if word in FORMS_NOT_YET:
            raise _unsupported(f"`{word}( ... )`", LISTED, stage.span)
        if word == RESIDUAL:
            return self.residual(builder, stage, entering)
        declarations = forms(word)
        if declarations and declarations[0].branches:
            branches, arguments = self.branches(builder, stage, entering)
            if len(branches) not in declarations[0].branches:
                wanted = " or ".join(map(str, declarations[0].branches))
                raise mistake(
                    "E008",
                    f"{quoted(word)} takes {wanted} branches, and here {'is' if len(branches) == 1 else 'are'} "
                    f"{len(branches)}",
                    stage.span,
                )
            if len(branches) < max(declarations[0].branches):
                branches = [(entering, stage.name.span), *branches]
            return self.combine(builder, stage, stage.name, branches, (*arguments, *stage.arguments))
        if not declarations or not declarations[0].combines:
            raise self.not_a_combinator(builder, stage)
        branches, arguments = self.branches(builder, stage, entering)
        return self.combine(builder, stage, stage.name, branches, (*arguments, *stage.arguments))

    def not_a_combinator(self, builder: Builder, stage: tree.Call) -> Mistake:
        word = stage.name.text
        if forms(word):
            inner = ", ".join(item.span.text for item in stage.items)
            return mistake(
                "E020",
                f"{quoted(word)} is a layer, and takes its arguments without parentheses",
                stage.span,
                help=f"write `{word} {inner}`" if len(inner) < 40 else f"write `{word} ...`",
            )
        combinators = [keyword for keyword in keywords() if forms(keyword)[0].combines]
        guess = brought(word) or nearest(word, (*combinators, RESIDUAL)) or suggest(word)
        return mistake(
            "E009",
            f"there is no combinator {quoted(word)}",
            stage.name.span,
            f"did you mean `{guess}`?" if guess else "",
            f"the combinators are {', '.join((*combinators, RESIDUAL))}",
        )

    def branches(
        self, builder: Builder, stage: tree.Call, entering: Value | None
    ) -> tuple[list[tuple[Value | None, Span]], tuple[tree.Keyword, ...]]:
        """Elaborate the branches of a combinator; return their tensors, and the keywords among them."""
        found: list[tuple[Value | None, Span]] = []
        keywords_: list[tree.Keyword] = []
        # `add (a, b)`: the parser has said that the blank is wrong, and names like `a` are told of once it is gone
        was_mended = not stage.span.text.startswith(f"{stage.name.text}(")
        for item in stage.items:
            if isinstance(item, tree.Keyword):
                keywords_.append(item)
            elif isinstance(item, tree.Each):
                found.extend(self.each(builder, item, entering))
            elif was_mended and self.is_unknown_name(builder, item):
                found.append((None, item.span))
            else:
                found.append((self.in_branch(builder, item, entering), _last_stage(item)))
        return found, tuple(keywords_)

    def is_unknown_name(self, builder: Builder, branch: tree.Branch) -> bool:
        """Whether a branch is a bare word that names nothing."""
        only = branch.stages[0] if isinstance(branch, tree.Pipeline) and len(branch.stages) == 1 else None
        if not isinstance(only, tree.Layer) or only.arguments:
            return False
        return builder.find(only.name.text) is None and not forms(only.name.text) and only.name.text != IDENTITY

    def in_branch(self, builder: Builder, branch: tree.Branch, entering: Value | None) -> Value | None:
        """Elaborate a branch: an open one takes the tensor that enters, a closed one ignores it."""
        closed = self.is_closed(builder, branch)
        if entering is None and not closed and not isinstance(branch, tree.Wrong):
            self.branch(builder, branch, None)
            return None
        return self.branch(builder, branch, None if closed else entering)

    def each(self, builder: Builder, each: tree.Each, entering: Value | None) -> list[tuple[Value | None, Span]]:
        """Elaborate a branch for each item of a list."""
        items = evaluate(each.items, _StageNames(self, builder, entering))
        if isinstance(items, int) and not isinstance(items, bool):
            items = tuple(range(min(items, MOST_STAGES)))
        if not isinstance(items, tuple):
            raise mistake("E008", f"`{show(items)}` is not a list", each.items.span, help="for example `[1, 3, 5]`")
        found = []
        for number, item in enumerate(items, 1):
            values = item if len(each.names) > 1 else (item,)
            if not isinstance(values, tuple) or len(values) != len(each.names):
                raise mistake(
                    "E008",
                    f"`{show(item)}` does not give a value to each of {', '.join(name.text for name in each.names)}",
                    each.items.span,
                )
            self.locals.append({name.text: value for name, value in zip(each.names, values, strict=True)})
            outside = builder.groups
            if each.label is not None:
                builder.groups = (*outside, Group(f"{each.label.text}_{number}", each.span))
            try:
                value = self.in_branch(builder, each.body, entering)
            finally:
                self.locals.pop()
                builder.groups = outside
            if each.label is not None:
                label = tree.Name(each.label.span, f"{each.label.text}_{number}")
                self.declare(builder, label, value)
            found.append((value, _last_stage(each.body)))
        return found

    def residual(self, builder: Builder, stage: tree.Call, entering: Value | None) -> Value | None:
        """Elaborate `residual(P)`: add(P, id), or P alone where `when=` is false."""
        when = True
        for argument in (*stage.arguments, *(item for item in stage.items if isinstance(item, tree.Keyword))):
            if not isinstance(argument, tree.Keyword) or argument.name.text != "when":
                raise mistake("E009", "`residual` knows only `when=`", argument.span)
            when = truth(argument.value, _StageNames(self, builder, entering))  # type: ignore[assignment]
            if not isinstance(when, bool):
                raise _undecided_mistake(when, argument.span)
        branches, _ = self.branches(builder, stage, entering)
        if len(branches) != 1:
            raise mistake(
                "E008",
                f"`residual` takes one pipeline, and here are {len(branches)}",
                stage.span,
                help="see `add(a, b)`",
            )
        if not when:
            value = branches[0][0]
            if stage.label is not None:
                self.declare(builder, stage.label, value)
            return value
        self.refuse_other_shape(builder, stage, branches[0], entering)
        word = tree.Name(stage.name.span, "add")
        return self.combine(builder, stage, word, [*branches, (entering, stage.name.span)], ())

    def refuse_other_shape(
        self, builder: Builder, stage: tree.Call, branch: tuple[Value | None, Span], entering: Value | None
    ) -> None:
        """Raise the mistake of a residual whose branch does not leave what it can be added to."""
        leaving, entered = builder.tensor(branch[0]), builder.tensor(entering)
        if leaving is None or entered is None:
            return
        try:
            forms("add")[0]().output(leaving, entered)
        except Refused:
            cure = f"end the branch with {entered.channels} channels, or write both sides: `add(..., conv 8@1)`"
            if leaving.positions != entered.positions:
                cure = "use `same` padding and no stride in the branch, or write both sides: `add(..., pool 2)`"
            raise mistake(
                "E004",
                f"`residual` adds what leaves its branch, {leaving}, to what entered, {entered}",
                stage.name.span,
                f"{entered} enters",
                cure,
                Related(branch[1], f"{leaving} leaves here"),
            ) from None

    def combine(
        self,
        builder: Builder,
        stage: tree.Call,
        word: tree.Name,
        branches: list[tuple[Value | None, Span]],
        arguments: tuple[tree.Argument, ...],
    ) -> Value | None:
        """Append the layer that joins branches."""
        name = self.step_name(builder, word.text, stage.label)
        first = branches[0][0] if branches else None
        bound = bind(word, forms(word.text), arguments, _StageNames(self, builder, first))
        values = tuple(value for value, _ in branches if value is not None)
        if len(values) < len(branches):
            self.unknown_step(builder, stage, name, values)
            return None
        spans = {**bound.spans, **{str(n): span for n, (_, span) in enumerate(branches)}}
        return self.step(builder, stage, name, bound.layer, values, spans)

    # Messages

    def refusal(
        self, builder: Builder, refused: Refused, span: Span, inputs: tuple[Value, ...], spans: dict[str, Span]
    ) -> Diagnostic:
        """Return the message of a layer that refuses its input, with the place of what made that where it helps."""
        related: list[Related] = []
        label, help = "", refused.help
        tensors = [builder.tensor(value) for value in inputs]
        if len(inputs) > 1 or refused.code == "E004":
            related = [Related(spans[str(n)], str(tensor)) for n, tensor in enumerate(tensors) if str(n) in spans]
            span = Span(span.source, span.start, span.start + len(span.text.split("(", 1)[0]))
        elif inputs:
            maker = builder.maker(inputs[0])
            if maker is not None and refused.code in ("E001", "E002", "E003", "E006", "E007"):
                related = [Related(maker.span, f"{maker.output} leaves here")]
            label = f"{tensors[0]} enters" if len(str(tensors[0])) < 40 else ""
            if refused.axis is not None:
                ladder = _ladder(builder, inputs[0], refused.axis)
                if len(ladder) > 1:
                    help = f"the sizes on the way are {' -> '.join(map(str, ladder))}\n{help}"
                elif tensors[0] is not None:
                    help = _other_order(tensors[0]) or help
        if self.copies and self.copies[-1][1] > 1:
            place, number = self.copies[-1]
            related.append(Related(Span(place.source, place.end - 1, place.end), f"in copy {number} of this repeat"))
        blamed = spans.get(refused.argument, span)
        return Diagnostic(refused.code, refused.message, blamed, label, help, tuple(related))


def _other_order(x: Tensor) -> str:
    """Return the shape that an input may have been meant to have, if it looks like one of another order."""
    first, *rest = x.sizes
    meant = ""
    if x.rank == 4 and first == 1:
        meant = show_shape(tuple(rest))
    elif x.rank == 3 and first in (1, 3, 4) and (x.channels > 4) is True:
        meant = show_shape((*rest, first))
    return f"shapes have no batch axis, and channels come last: is it `in {meant}`?" if meant else ""


def _labels(program: tree.Program) -> Iterator[str]:
    """Return every name that the author gives to a tensor."""
    waiting: list[object] = list(program.statements)
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Let):
            yield node.name.text
        label = getattr(node, "label", None)
        if label is not None:
            yield label.text
        for part in (getattr(node, "body", None), getattr(node, "first", None), getattr(node, "second", None)):
            if part is not None:
                waiting.append(part)
        waiting.extend(getattr(node, "stages", ()))
        if isinstance(node, tree.Call):
            waiting.extend(node.items)


def _only_declares_an_input(statement: tree.Output) -> bool:
    """Whether a bare pipeline is nothing but `in ... as x`."""
    if statement.keyword or not isinstance(statement.body, tree.Pipeline) or len(statement.body.stages) > 1:
        return False
    only = statement.body.stages[0]
    if not isinstance(only, tree.Layer) or only.label is None:
        return False
    return any(form.is_source for form in forms(only.name.text))


def _no_network(source: Source, message: str, cure: str, span: Span | None = None) -> Diagnostic:
    usual = "a network begins with the shape of one example, as in `in 28x28x1 | conv 8@3 | dense 10`"
    return Diagnostic("E025", message, span or Span(source, 0, 0), help=cure or usual)


LISTED = "`netdsl layers` lists what this version has"


def _unsupported(what: str, cure: str, span: Span) -> Mistake:
    return mistake("E021", f"{what} is part of the language, but not supported yet", span, help=cure)


def _undecided(open_question: Undecided, span: Span) -> Diagnostic:
    names = " and ".join(f"`{name}`" for name in sorted(open_question.symbols))
    return Diagnostic(
        "E030",
        f"{names} must be known here",
        span,
        "a number is needed",
        f"give {names} a number where the input is declared",
    )


def _undecided_mistake(value: ArgumentValue, span: Span) -> Mistake:
    return Mistake(_undecided(Undecided(value.symbols), span))


def _last_stage(branch: tree.Branch) -> Span:
    """Return the place of the stage that a branch ends with."""
    return branch.stages[-1].span if isinstance(branch, tree.Pipeline) else branch.span


def _one_line(text: str) -> str:
    """Return a text on one line; comments in it end at their own."""
    if "\n" not in text:
        return text
    return " ".join(line.split("#", 1)[0].strip() for line in text.splitlines()).strip()


def _check_input(layer: Layer, tensors: list[Tensor]) -> None:
    """Refuse tensors of a rank or element type that a layer does not take."""
    for x in tensors:
        if layer.ranks and x.rank not in layer.ranks:
            wanted = {1: "a vector", 2: "a sequence (length x channels)", 3: "a map (height x width x channels)"}
            wanted[4] = "a volume (depth x height x width x channels)"
            takes = " or ".join(wanted[rank] for rank in layer.ranks)
            raise Refused(
                "E001",
                f"`{layer.keyword}` takes {takes}; {wanted.get(x.rank, f'a tensor of rank {x.rank}')} enters: {x}",
                "give it the axes that it needs by `reshape`, as in `reshape 28x28x1`"
                if x.rank < min(layer.ranks)
                else "`flatten`, `reshape` or `pool global` leave fewer axes",
            )
        check(
            x.dtype == "float" or layer.accepts_int or layer.is_source,
            "E001",
            f"`{layer.keyword}` takes real numbers, and token ids (`int`) enter",
            "leave `int` out where the input is declared",
        )


def _check_sizes(output: Tensor, layer: Layer, tensors: list[Tensor]) -> None:
    """Refuse what no framework could hold, and weights whose shape has a size that is open."""
    weights = layer.weights(*tensors) if tensors else ()
    counts = {"elements": product(output.sizes), "parameters": sum(weight.size for weight in weights)}
    for what, count in counts.items():
        check(
            count <= LARGEST,
            "E026",
            f"{show_shape(output.sizes)} has more than {LARGEST:,} {what}, the largest number that frameworks hold",
            "make a size smaller",
        )
    for weight in weights:
        unknown = sorted(symbols(weight.shape)) if weight.present is not False else ()
        names, are = " and ".join(f"`{name}`" for name in unknown), "is" if len(unknown) == 1 else "are"
        them = "it" if len(unknown) == 1 else "them"
        check(
            not unknown,
            "E030",
            f"the {weight.name} of `{layer.keyword}` would depend on {names}, which {are} open",
            f"give {them} a number in the input, or leave {them} out before, as `pool global` does",
        )


def _ladder(builder: Builder, value: Value, axis: int) -> list[Size]:
    """Return the sizes that an axis had on the way to a value, each change once, the latest dozen."""
    sizes: list[Size] = []
    here: Builder | None = builder
    while here is not None and len(sizes) < 12:
        tensor = here.tensor(value)
        if tensor is None or axis >= tensor.rank - 1:
            break
        if not sizes or sizes[-1] != tensor.sizes[axis]:
            sizes.append(tensor.sizes[axis])
        maker = here.maker(value)
        if maker is None:
            value = here.outer[value] if value < len(here.outer) else 0
            here = here.parent
        elif maker.inputs:
            value = maker.inputs[0]
        else:
            break
    return sizes[::-1]
