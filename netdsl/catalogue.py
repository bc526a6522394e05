"""The catalogue of layers, as their declarations have it: what they do, their arguments, weights, and an example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .binding import bind, example
from .layer import Argument, Layer, Tensor, Weight, arguments, default_of, required, show_shape
from .layers import FILES, forms, keywords
from .size import Expression, symbol
from .source import Source, Span
from .syntax import tree
from .syntax.parser import parse
from .values import NAMING, show

ENTERING = {1: "C", 2: "LxC", 3: "HxWxC", 4: "DxHxWxC"}
"""What enters in the pages, for each rank."""

INTRODUCTION = """# Layers

Every layer of the language: what it does, an example, its arguments, and the weights that the example has. What stands
behind an argument's `=` is its value where none is given. `netdsl layers NAME` shows the same on a terminal.

This page is written by `python -m netdsl.catalogue > docs/layers.md`, from the declarations of the layers."""


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
    declared = _arguments(form)
    if declared:
        yield ""
        yield "  arguments"
        yield from (f"    {line}" for line in _aligned(declared))
    entering, weights = _weights(form)
    if weights:
        yield ""
        yield f"  weights of the example, where {entering} enters"
        yield from (f"    {line}" for line in _aligned(weights))


def handbook() -> str:
    """Return the pages of all layers as Markdown: `docs/layers.md`."""
    contents = ("- " + ", ".join(f"[`{word}`](#{word})" for word in words) for words in FILES.values())
    sections = ("\n".join(_section(form)) for keyword in keywords() for form in forms(keyword))
    return "\n\n".join([INTRODUCTION, "\n".join(contents), *sections]) + "\n"


def _section(form: type[Layer]) -> Iterator[str]:
    siblings = forms(form.keyword)
    if form is siblings[0]:
        yield f"## {form.keyword}"
        yield ""
    if len(siblings) > 1:
        yield f"### {form.keyword} {form.form}".rstrip()
        yield ""
    yield from (_escaped(line) for line in _explanation(form))
    yield from ("", "```net", example(form), "```")
    declared = _arguments(form)
    if declared:
        yield from ("", "| argument | meaning |", "| --- | --- |")
        yield from (f"| `{written}` | {_escaped(meaning)} |" for written, meaning in declared)
    entering, weights = _weights(form)
    if weights:
        yield from ("", f"| weight | shape, where {entering} enters |", "| --- | --- |")
        yield from (f"| `{name}` | {shape} |" for name, shape in weights)


def _escaped(text: str) -> str:
    """Return a text in which Markdown sees no emphasis and no column, but for what stands in backticks."""
    parts = text.split("`")
    parts[::2] = (part.replace("*", r"\*").replace("|", r"\|") for part in parts[::2])
    return "`".join(parts)


def _sentence(form: type[Layer]) -> str:
    return _explanation(form)[0]


def _explanation(form: type[Layer]) -> list[str]:
    """Return the documentation of a layer without the example at its end."""
    from inspect import cleandoc

    return cleandoc(form.__doc__ or "").removesuffix(example(form)).rstrip().splitlines()


def _arguments(form: type[Layer]) -> list[tuple[str, str]]:
    """Return how each argument is written, and what it means, those first that have to be given."""
    declared = arguments(form)
    order = sorted(declared, key=lambda name: name not in required(form) and name != form.form)
    return [_argument(form, name, declared[name]) for name in order]


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


def _weights(form: type[Layer]) -> tuple[str, list[tuple[str, str]]]:
    """Return a shape whose sizes are letters, and the weights that the example has where it enters."""
    entering = ENTERING[3 if 3 in form.ranks else form.ranks[0] if form.ranks else 1]
    stage = parse(Source(form.keyword, f"in 1 | {example(form)}"))[0].statements[0]
    written = (
        stage.body.stages[-1] if isinstance(stage, tree.Output) and isinstance(stage.body, tree.Pipeline) else None
    )
    names_a_tensor = any(arguments(form)[name].kind in NAMING for name in required(form))
    if not isinstance(written, tree.Layer) or form.is_source or names_a_tensor:
        return entering, []
    layer = bind(written.name, (form,), written.arguments, _NoNames()).layer
    x = Tensor(tuple(int(size) if size.isdigit() else symbol(size) for size in entering.split("x")))
    return entering, [_weight(weight) for weight in layer.weights(x) if weight.present is not False]


def _weight(weight: Weight) -> tuple[str, str]:
    return weight.name, show_shape(weight.shape) + ("" if weight.trained else ", not trained")


def _aligned(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(first) for first, _ in lines), default=0)
    return (f"{first:{width}}  {second}" for first, second in lines)


if __name__ == "__main__":
    print(handbook(), end="")
