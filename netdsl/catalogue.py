"""The catalogue of layers, as their declarations have it: what they do, their arguments, weights, and an example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .binding import bind, example
from .layer import Argument, Layer, Tensor, Weight, arguments, default_of, required, show_shape
from .layers import forms, keywords
from .size import Expression, symbol
from .source import Source, Span
from .syntax import tree
from .syntax.parser import parse
from .values import NAMING, show

ENTERING = {1: "C", 2: "LxC", 3: "HxWxC", 4: "DxHxWxC"}
"""What enters in the pages, for each rank."""


def catalogue() -> str:
    """Return every layer with an example and a sentence, a line each form."""
    lines = [(example(form), _sentence(form)) for keyword in keywords() for form in forms(keyword)]
    return "\n".join([*_aligned(lines), "", "`netdsl layers NAME` shows the arguments and weights of one."])


def page(keyword: str) -> str:
    """Return what there is to know about a layer, in all its forms."""
    return "\n\n\n".join("\n".join(_page(form)) for form in forms(keyword))


def _page(form: type[Layer]) -> Iterator[str]:
    yield f"{form.keyword} {form.form}".rstrip()
    yield from (f"  {line}".rstrip() for line in _explanation(form))
    yield ""
    yield f"      {example(form)}"
    declared = arguments(form)
    if declared:
        yield ""
        yield "  arguments"
        order = sorted(declared, key=lambda name: name not in required(form) and name != form.form)
        yield from (f"    {line}" for line in _aligned([_argument(form, name, declared[name]) for name in order]))
    entering = ENTERING[3 if 3 in form.ranks else form.ranks[0] if form.ranks else 1]
    weights = _weights(form, entering)
    if weights:
        yield ""
        yield f"  weights of the example, where {entering} enters"
        yield from (f"    {line}" for line in _aligned([_weight(weight) for weight in weights]))


def _sentence(form: type[Layer]) -> str:
    return _explanation(form)[0]


def _explanation(form: type[Layer]) -> list[str]:
    """Return the documentation of a layer without the example at its end."""
    from inspect import cleandoc

    return cleandoc(form.__doc__ or "").removesuffix(example(form)).rstrip().splitlines()


def _argument(form: type[Layer], name: str, argument: Argument) -> tuple[str, str]:
    """Return how an argument is written, and what it means."""
    default = None if name in required(form) else default_of(form, name)
    meaning = argument.help
    if argument.role == "filters":
        first = next(name for name, other in arguments(form).items() if other.role == "filters")
        return (f"{name.upper()}@" if name == first else f"@{name.upper()}"), meaning
    if argument.role == "positional":
        written = f"{name.upper()} or {name}="
        return written, meaning if default is None else f"{meaning} ({show(default)} unless given)"
    if argument.role == "flag":
        return ", ".join(argument.words), meaning
    if argument.bare is not None and argument.role == "keyword":
        return f"{name} or {name}=", meaning
    if argument.bare is not None:
        return ", ".join([name, *(f"{name}={word}" for word in argument.words if word != argument.bare)]), meaning
    if argument.role == "word":
        return ", ".join(argument.words), f"{meaning} ({default} unless given)"
    return f"{name}={'' if default is None else _default(default)}", meaning


def _default(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else show(value)


class _NoNames:
    """An example stands alone: no name is declared around it."""

    entering: Tensor | None = None
    place = ""
    leaves_open = False

    def look_up(self, name: tree.Name) -> None:
        return None

    def size(self, name: str, span: Span) -> Expression:
        return symbol(name)

    def names(self) -> tuple[str, ...]:
        return ()

    def misplaced(self, word: str, span: Span) -> None:
        return None

    def member(self, members: tuple[object, ...], span: Span) -> object:
        raise LookupError("an example has no choices")


def _weights(form: type[Layer], entering: str) -> Sequence[Weight]:
    """Return the weights that the example has on a tensor whose sizes are letters."""
    stage = parse(Source(form.keyword, f"in 1 | {example(form)}"))[0].statements[0]
    written = (
        stage.body.stages[-1] if isinstance(stage, tree.Output) and isinstance(stage.body, tree.Pipeline) else None
    )
    names_a_tensor = any(arguments(form)[name].kind in NAMING for name in required(form))
    if not isinstance(written, tree.Layer) or form.is_source or names_a_tensor:
        return []
    layer = bind(written.name, (form,), written.arguments, _NoNames()).layer
    x = Tensor(tuple(int(size) if size.isdigit() else symbol(size) for size in entering.split("x")))
    return [weight for weight in layer.weights(x) if weight.present is not False]


def _weight(weight: Weight) -> tuple[str, str]:
    return weight.name, show_shape(weight.shape) + ("" if weight.trained else ", not trained")


def _aligned(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(first) for first, _ in lines), default=0)
    return (f"{first:{width}}  {second}" for first, second in lines)
