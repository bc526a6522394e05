"""From the arguments as written to a layer as declared: roles, flags and defaults, and what to say of misfits."""

from __future__ import annotations

import re
from typing import Any

from .diagnostics import Related, quoted
from .expressions import Mistake, Names, Silent, evaluate, mistake, truth
from .layer import Argument, Declaration, arguments, default_of, kept, required
from .layers import forms
from .record import frozen
from .size import Expression, negate
from .source import Span, begins_line
from .spelling import nearest
from .syntax import tree
from .syntax.calls import argument_in_our_words, in_our_words, is_default, with_sizes_joined
from .values import AXES, COUNT, NAMING, SHAPE, WINDOW, NamedTensor, Unfit, Value, Word, is_number, show


@frozen(eq=False)
class Bound:
    """A layer with its arguments, and where each was written."""

    layer: Any
    spans: dict[str, Span]


def bind(
    keyword: tree.Name, declarations: tuple[type[Declaration], ...], written: tuple[tree.Argument, ...], names: Names
) -> Bound:
    """Return the layer that the arguments make of one of its forms."""
    declaration = _form(declarations, written)
    if not written and not required(declaration):
        return Bound(_bare(declaration), {})
    binder = _Binder(keyword, declaration, names)
    for place, argument in enumerate(written):
        binder.following = written[place + 1 :]
        binder.take(argument)
    return binder.finish()


@kept
def _bare(declaration: type[Declaration]) -> Declaration:
    """Return a layer without arguments."""
    return declaration()


def bind_block(
    stage: tree.Layer, block: str, parameters: tuple[tree.Parameter, ...], names: Names, place: str
) -> tuple[dict[str, Value], dict[str, Span]]:
    """Return the arguments of a use of a block by parameter, and where they are; the others have defaults."""
    known = {parameter.name.text: parameter for parameter in parameters}
    given: dict[str, Value] = {}
    spans: dict[str, Span] = {}
    listed = " ".join(_parameter(parameter) for parameter in parameters)
    form = f"`{block} {listed}`".replace(" `", "`")

    def give(name: str, value: Value, span: Span) -> None:
        if name in given:
            raise mistake(
                "E023",
                f"`{name}` of `{block}` is said twice",
                span,
                "said again here",
                "leave one of them out",
                Related(spans[name], "said here"),
            )
        given[name], spans[name] = value, span

    def evaluated(name: str, expression: tree.Expression) -> Value:
        names.place = f"{place}.{name}"
        return evaluate(expression, names)

    for argument in stage.arguments:
        if isinstance(argument, tree.Filters):
            raise mistake(
                "E008",
                f"`{block}` is a block, which takes its arguments one by one, not as `filters@window`",
                argument.span,
                help=f"its parameters are {form}",
            )
        if isinstance(argument, tree.Keyword):
            name = argument.name.text
            if name not in known:
                guess = nearest(name, known)
                raise mistake(
                    "E009",
                    f"`{block}` has no parameter {quoted(name)}",
                    argument.name.span,
                    f"did you mean `{guess}`?" if guess else "",
                    f"its parameters are {form}" if known else f"`{block}` takes no arguments",
                )
            give(name, evaluated(name, argument.value), argument.value.span)
            continue
        flag = known.get(argument.text) if isinstance(argument, tree.Name) else None
        if flag is not None and isinstance(flag.default, tree.Truth) and not flag.default.value:
            assert isinstance(argument, tree.Name)
            if names.look_up(argument) is not None:
                raise mistake(
                    "E029",
                    f"{quoted(argument.text)} is declared as a name, and is a flag of `{block}` too",
                    argument.span,
                    help=f"write `{argument.text}=true` for the flag, `{argument.text}={argument.text}` for the value",
                )
            give(argument.text, True, argument.span)
            continue
        name = next((name for name in known if name not in given), "")
        if not name:
            count = len(parameters)
            raise foreign(argument) or mistake(
                "E008",
                f"`{block}` takes {count or 'no'} argument{'s' * (count != 1)}, and {quoted(argument.span.text)} "
                "is one too many",
                argument.span,
                "" if known else "leave it out",
                f"its parameters are {form}" if known else "a stage ends at `|`",
            )
        give(name, evaluated(name, argument), argument.span)
    missing = [name for name, parameter in known.items() if parameter.default is None and name not in given]
    if missing:
        raise mistake(
            "E022",
            f"`{block}` needs {' and '.join(f'`{name}`' for name in missing)}",
            stage.name.span,
            help=f"its parameters are {form}",
        )
    return given, spans


def foreign(argument: tree.Argument) -> Mistake | None:
    """Return the mistake of a word that begins a statement elsewhere, and so is read as part of the one before."""
    from .syntax.mistakes import TRANSLATED

    meant = TRANSLATED.get(argument.text) if isinstance(argument, tree.Name) else None
    if meant is None or not (meant == "out" or begins_line(argument.span)):
        return None
    message = f"{quoted(argument.span.text)} is not a word of this language"
    return mistake("E020", message, argument.span, f"write `{meant}`")


def _parameter(parameter: tree.Parameter) -> str:
    """Return a parameter as it is declared."""
    name = parameter.name.text
    return name if parameter.default is None else f"{name}={' '.join(parameter.default.span.text.split())}"


def is_word_of(declarations: tuple[type[Declaration], ...], word: str) -> bool:
    """Whether a bare word is a flag or value of a layer, in any of its forms."""
    return any(
        word in argument.words or (word == name and argument.bare)
        for form in declarations
        for name, argument in arguments(form).items()
    )


def example(declaration: type[Declaration]) -> str:
    """Return a call of a layer in the language, from its page."""
    return (declaration.__doc__ or "").rstrip().rsplit("\n", 1)[-1].strip()


def _form(declarations: tuple[type[Declaration], ...], written: tuple[tree.Argument, ...]) -> type[Declaration]:
    """Return the form whose mark stands among the arguments, else the plain one."""
    words = {
        argument.text if isinstance(argument, tree.Name) else argument.name.text
        for argument in written
        if isinstance(argument, (tree.Name, tree.Keyword))
    }
    plain = next((form for form in declarations if not form.form), declarations[0])
    return next((form for form in declarations if form.form in words), plain)


BROUGHT = {
    "hidden_size": "write the number alone, as in `lstm 64`",
    "input_size": "what enters is known; leave it out",
    "num_layers": "write `layers=`",
    "return_sequences": "write `seq` for the whole sequence; without it the last state leaves",
    "go_backwards": "write `reverse`",
    "batch_first": "the batch is no axis here; leave it out",
    "vocab_size": "write `vocab=`",
    "num_embeddings": "write `vocab=`",
    "embedding_dim": "write the number alone, as in `embed 64 vocab=10k`",
    "kernel_size": "the window stands behind `@`, as in `conv 32@3`",
    "pool_size": "write the number alone, as in `pool 2`",
    "strides": "write `stride=`, or `/` behind the window",
    "out_channels": "filters stand before `@`, as in `conv 32@3`",
    "out_features": "write the number alone, as in `dense 10`",
    "in_channels": "what enters is known; leave it out",
    "in_features": "what enters is known; leave it out",
    "input_shape": "a network begins with `in`, as in `in 28x28x1 | ...`",
    "input_dim": "a network begins with `in`, as in `in 784 | ...`",
    "activation": "an activation is a layer of its own, as in `dense 10 | relu`",
    "use_bias": "write `nobias` for a layer without bias",
    "bias": "write `nobias` for a layer without bias",
    "num_heads": "write the number alone, as in `attention 8`",
    "num_kv_heads": "write `kv_heads=`",
    "num_key_value_heads": "write `kv_heads=`",
    "key_dim": "write `head_dim=`",
    "embed_dim": "what enters is known; `dim=` is the number of channels that leave",
    "is_causal": "write `causal`",
    "use_causal_mask": "write `causal`",
    "attn_mask": "write `causal`, or `bias=` with a tensor to add to the products",
    "mask": "write `causal`, or `bias=` with a tensor to add to the products",
    "window_size": "write `window=`",
    "shift_size": "write `shift=`",
    "dilation_rate": "write `dilation=`",
    "depth_multiplier": "write `mult=`",
    "padding": "write `same`, `valid`, `centered` or `pad=1`",
    "p": "write the rate alone, as in `dropout 0.5`",
    "dim": "write `axis=`; axes count without the batch",
    "epsilon": "write `eps=`",
    "negative_slope": "write `slope=`",
    "std": "write `variance=`, which is its square",
    "stddev": "write the number alone, as in `noise 0.1`",
    "name": "write `as NAME` behind the layer",
    "mode": "write the word alone, as in `up 2 bilinear`",
    "interpolation": "write the word alone, as in `up 2 bilinear`",
    "scale_factor": "write the number alone, as in `up 2`",
    "size": "write the number alone, as in `up 2`",
    "keep_prob": "write the part that is dropped, as in `dropout 0.5`",
    "dtype": "write `int` behind the shape for token ids; all else is `float`",
    "data_format": "channels come last here, whatever the target; leave it out",
    "inplace": "leave it out",
    "lr": "write `rate=`",
    "learning_rate": "write `rate=`",
    "adam": "write `optimizer=adam`",
    "sgd": "write `optimizer=sgd`",
    "batch_size": "a shape has no batch axis; leave it out",
    "epochs": "how long it is trained is said in the code that trains it; leave it out",
    "metrics": "what is measured is said in the code that trains it; leave it out",
}
"""Arguments that people bring along from Keras and PyTorch, and what stands in their place here."""


SHORT = {"s": "strides", "p": "padding", "d": "dilation_rate", "act": "activation"}
"""Short words for some of them."""


_SIGNS = {"+": "add", "-": "sub", "*": "mul", "/": ""}
"""What combines tensors, by the sign that people write for it."""


_WINDOWS = {
    "k": "kernel",
    "kernel_size": "kernel",
    "window": "kernel",
    "size": "kernel",
    "s": "stride",
    "strides": "stride",
}
"""What people call the window and the stride of a layer with filters."""


def _is_fit(argument: Argument, value: Value) -> bool:
    """Whether a number, or a list where one is taken, could be what an argument is meant to be."""
    if is_number(value):
        return True
    try:
        return isinstance(value, tuple) and argument.kind.read(value) is not None
    except Unfit:
        return False


def _word_in(value: Value) -> Word | None:
    """Return a word in a list, at any depth."""
    if isinstance(value, tuple):
        return next(filter(None, map(_word_in, value)), None)
    return value if isinstance(value, Word) else None


def _sizes_of(word: str) -> str:
    """Return what to write for a word that means a shape: `batchx28x28x1`, `tx80`."""
    batch, *sizes = word.split("x")
    if not sizes or not all(re.fullmatch("[0-9]+|[a-z_]+", size) for size in (batch, *sizes)):
        return ""
    if batch in ("batch", "batch_size", "b", "n", "bs"):
        return f"a shape has no batch axis: write `{'x'.join(sizes)}`"
    return f"a size that is left open is in upper case: write `{'x'.join(map(str.upper, (batch, *sizes)))}`"


class _Binder:
    """The arguments of one layer, as they are read from left to right."""

    def __init__(self, keyword: tree.Name, declaration: type[Declaration], names: Names) -> None:
        self.keyword = keyword
        self.declaration = declaration
        self.arguments = arguments(declaration)
        self.names = names
        self.place = names.place
        self.values: dict[str, Value] = {}
        self.spans: dict[str, Span] = {}
        self.following: tuple[tree.Argument, ...] = ()  # what is written behind the argument that is read

    def take(self, written: tree.Argument) -> None:
        """Read one argument."""
        if isinstance(written, tree.Filters):
            self._filters(written)
        elif isinstance(written, tree.Keyword):
            self._keyword(written)
        elif isinstance(written, tree.Name) and self.names.look_up(written) is None and not written.text.isupper():
            self._word(written)
        elif isinstance(written, tree.Name) and is_word_of((self.declaration,), written.text):
            raise mistake(
                "E029",
                f"{quoted(written.text)} is declared as a name, and is a flag of `{self.keyword.text}` too",
                written.span,
                help=f"give the declared name another word, or write the flag as `{written.text}=true`",
            )
        elif isinstance(written, tree.Name) and isinstance(word := self.names.look_up(written), Word):
            self._word(tree.Name(written.span, word.text))
        else:
            self._positional(written)

    def _filters(self, written: tree.Filters) -> None:
        fields = self._of_role("filters")
        if not fields:
            raise mistake(
                "E008",
                f"`{self.keyword.text}` takes no `filters@window`",
                written.span,
                help=f"for example `{example(self.declaration)}`",
            )
        for name, expression in zip(fields, (written.filters, written.kernel), strict=True):
            self._set(name, self._evaluate(name, expression), expression.span)
        if written.stride is not None:
            self._set("stride", self._evaluate("stride", written.stride), written.stride.span)

    def _keyword(self, written: tree.Keyword) -> None:
        name = written.name.text
        argument = self.arguments.get(name)
        if argument is not None and argument.role != "flag" and not (argument.role == "word" and argument.bare is None):
            self.names.place = f"{self.place}.{name}"
            self._set(name, self._value(argument, written.value), written.value.span)
            return
        field = self._field_with_word(name)
        if field is None:
            raise self._unknown(written.name, written.value)
        argument = self.arguments[field]
        if isinstance(written.value, tree.Number):
            message = f"`{name}` of `{self.keyword.text}` is there or not, and takes no number"
            raise mistake("E008", message, written.value.span, f"write `{name}` alone, or leave it out")
        holds = truth(written.value, self.names)
        if argument.role == "flag":
            self._set(field, negate(holds) if argument.inverted else holds, written.span)
        elif holds is True:
            self._set(field, name, written.span)
        elif holds is not False:
            bool(holds)  # a word that symbols leave open is code of another form

    def _value(self, argument: Argument, expression: tree.Expression) -> Value:
        """Return the value behind `name=`, where a word is one that the argument knows."""
        value = evaluate(expression, self.names)
        if isinstance(value, Word) and argument.kind.takes_words:
            return value
        if argument.role == "word":
            if isinstance(value, bool) and argument.bare:
                return argument.bare if value else None
            if not isinstance(value, Word) or value.text not in argument.words:
                message = f"`{show(value)}` is not {argument.kind.wanted}"
                raise mistake("E008", message, expression.span, help=f"this is {argument.help}")
            return value.text
        if isinstance(value, Word):
            if self._field_with_word(value.text) is not None:
                raise mistake(
                    "E008",
                    f"`{value.text}` stands alone, without a name and `=` before it",
                    expression.span,
                    f"write `{value.text}`",
                )
            raise self._unknown_word(value, expression.span, argument)
        return value

    def _word(self, written: tree.Name) -> None:
        word = written.text
        field = self._field_with_word(word)
        if field is None:
            argument = self.arguments.get(word)
            if argument is not None and argument.bare is not None:
                self._set(word, argument.bare, written.span)
                return
            if not isinstance(value := evaluate(written, self.names), Word):
                self._put(written, value)
                return
            wanted = self._next_positional()
            if wanted is not None and self.arguments[wanted].kind in NAMING:
                raise self._unknown_word(Word(word), written.span, self.arguments[wanted])
            raise self._unknown(written)
        argument = self.arguments[field]
        self._set(field, not argument.inverted if argument.role == "flag" else word, written.span)

    def _positional(self, written: tree.Argument) -> None:
        if isinstance(written, tree.Binary) and written.operator == "/":
            field = self._next_positional()
            if field is not None and self.arguments[field].kind is WINDOW:
                self._set(field, self._evaluate(field, written.left), written.left.span)
                self._set("stride", self._evaluate("stride", written.right), written.right.span)
                return
        self._put(written, self._evaluate(self._next_positional() or "argument", written))

    def _evaluate(self, field: str, expression: tree.Argument) -> Value:
        """Return the value of an expression that an argument is given; a choice in it is called after that."""
        self.names.place = f"{self.place}.{field}"
        self._refuse_signs(expression)
        return evaluate(expression, self.names)

    def _refuse_signs(self, written: tree.Argument) -> None:
        """Raise the mistake of a sign that was to join layers or tensors: `conv 8@3 same + x`, `dense 8 * 3`."""
        binary, left = None, written
        while isinstance(left, tree.Binary):
            binary, left = left, left.left
        if binary is None or binary.operator not in _SIGNS or not isinstance(left, (tree.Name, tree.Number)):
            return
        operator, right = binary.operator, binary.right
        before = self._bare_word(left) if isinstance(left, tree.Name) else ""
        is_flag = bool(before) and is_word_of(forms(self.keyword.text), before)
        source, start = written.span.source, self.keyword.span.start
        stage = " ".join(source.text[start : left.span.end].split())
        if is_flag and operator == "*" and isinstance(right, tree.Number):
            message, at = "only what stands in parentheses can be repeated", self.keyword.span.to(right.span)
            raise mistake("E020", message, at, f"write `({stage}) * {right.span.text}`")
        behind = self._bare_word(right) if isinstance(right, tree.Name) else ""
        at = Span(source, left.span.end, right.span.start)
        at = Span(source, at.start + len(at.text) - len(at.text.lstrip()), at.start + len(at.text.rstrip()))
        if behind and (behind == "id" or forms(behind)):
            raise mistake("E020", f"`{operator}` does not join layers: `|` does", at, "write `|`")
        word = _SIGNS[operator]
        if word and isinstance(right, tree.Name) and isinstance(self.names.look_up(right), NamedTensor):
            message = "tensors are joined by combinators, not by signs"
            raise mistake("E020", message, self.keyword.span.to(right.span), f"write `{word}({stage}, {right.text})`")

    def _bare_word(self, name: tree.Name) -> str:
        """Return a word that nothing declares, else an empty one."""
        return name.text if self.names.look_up(name) is None else ""

    def _put(self, written: tree.Argument, value: Value) -> None:
        """Set the next positional argument."""
        field = self._next_positional()
        if field is not None:
            self._set(field, value, written.span)
            return
        number = " ".join(written.span.text.split())
        if isinstance(value, NamedTensor):
            number = number.strip("()")
            raise mistake(
                "E008",
                f"{quoted(number)} is a tensor, and `{self.title}` takes none here",
                written.span,
                help=f"what enters a layer stands before it, as in `{number} | {self.keyword.text} ...`; "
                f"a new pipeline begins with a word of its own: `out {number} | ...` or `let name = {number} | ...`",
            )
        if self._of_role("filters"):
            bound = "kernel" in self.spans
            raise mistake(
                "E008" if bound else "E022",
                f"`{self.keyword.text}` takes its numbers as filters@window, or filters@window/stride",
                written.span,
                f"write `/{number}` behind the window for a stride of {number}"
                if bound
                else self._filters_and_window(number, value),
                f"for example `{example(self.declaration)}`",
            )
        positional = self._of_role("positional")
        wanted = " and ".join(f"`{name}`" for name in positional) or "no bare value"
        instead = self._instead_of(number, value, positional)
        raise mistake(
            "E008",
            f"`{self.title}` takes {wanted}, and {quoted(number)} is one too many",
            written.span,
            instead or "leave it out",
            "" if instead else f"a stage ends at `|`; for example `{example(self.declaration)}`",
        )

    def _filters_and_window(self, number: str, value: Value) -> str:
        """Return what to write for numbers that no `@` joins."""
        keyword = self.keyword.text
        behind = self.following[0] if self.following else None
        window = behind.span.text if isinstance(behind, (tree.Number, tree.Dims)) else ""
        if isinstance(value, tuple):  # the window stands first
            *sides, last = number.split("x")
            if window and "x" not in window:
                return f"write `{keyword} {window}@{number}`"
            if not window and len(sides) > 1 and "x" in number:
                return f"write `{keyword} {last}@{'x'.join(sides)}` for {last} filters of {'x'.join(sides)}"
            return f"write the filters before the window, as in `{keyword} 32@{number}`"
        named = [(one.name.text, one.value.span.text) for one in self.following if isinstance(one, tree.Keyword)]
        named = [(_WINDOWS.get(name, name), value) for name, value in named]
        if any(name in ("kernel", "stride") for name, _ in named):
            given = [("filters", number), *([] if "kernel" in dict(named) else [("kernel", window or "3")]), *named]
            written = in_our_words(keyword, keyword, [pair for pair in given if pair[0] in self.arguments])
            return f"write `{written}`"
        if len([one for one in self.following if isinstance(one, tree.Number)]) > 1:
            return f"write `{keyword} {number}@{window}`, and behind it `/2` for a stride of 2"
        if window:
            return f"write `{keyword} {number}@{window}`"
        return f"write `{keyword} {number}@3` for {number} filters of 3 along each axis"

    def _instead_of(self, number: str, value: Value, positional: tuple[str, ...]) -> str:
        """Return what to write where a value is one too many, empty where it can only be left out."""
        if any(self.arguments[name].kind is SHAPE for name in positional):
            first = self.spans[positional[0]].text
            sizes = [first, number, *(one.span.text for one in self.following if isinstance(one, tree.Number))]
            if all(re.fullmatch("[0-9]+", size) for size in sizes):
                return f"sizes are joined by `x`: write `{'x'.join(sizes)}`"
            return "sizes are joined by `x`, as in `28x28x1`"
        numbers = [
            name
            for name, argument in self.arguments.items()
            if argument.role == "keyword" and name not in self.spans and _is_fit(argument, value)
        ]
        by_name = [name for name in required(self.declaration) if name in numbers]
        if by_name:
            if not positional:
                return f"write `{by_name[0]}={number}`"
            bare = [("", self.spans[name].text) for name in positional]
            return f"write `{in_our_words(self.keyword.text, self.keyword.text, [*bare, ('', number)])}`"
        if len(numbers) == 1 and not positional:
            return f"write `{numbers[0]}={number}`"
        if positional == ("window",) and "stride" in self.arguments and is_number(value):
            return f"write `/{number}` behind the window for a stride of {number}"
        if forms(f"{self.keyword.text}{number}"):
            return f"write `{self.keyword.text}{number}`"
        if self.declaration.learns and is_number(value):
            x = self.names.entering
            if x is None or self.values[positional[0]] == x.channels:
                return f"what enters is known: write `{self.keyword.text} {number}`"
            return f"leave it out, or write `| {self.keyword.text} {number}` for another layer"
        return ""

    def _set(self, name: str, value: Value, span: Span) -> None:
        if name in self.spans:
            both = f"`{name}` of `{self.keyword.text}` is said twice"
            if self.arguments[name].role == "word" and span.text != self.spans[name].text:
                both = f"`{self.spans[name].text}` and `{span.text}` exclude each other in `{self.keyword.text}`"
            first = Related(self.spans[name], "said here")
            raise mistake("E023", both, span, "said again here", "leave one of them out", first)
        argument = self.arguments[name]
        self.spans[name] = span
        if argument.role in ("flag", "word"):
            self.values[name] = value
            return
        word = _word_in(value)
        if word is not None and not argument.kind.takes_words:
            raise self._unknown_word(word, span, argument)
        try:
            self.values[name] = argument.kind.read(value)
        except Unfit as reason:
            if self.names.leaves_open and isinstance(value, Expression):
                raise Silent from None  # it may be a word, a list or a tensor
            what = f"`{name}` of `{self.keyword.text}`"
            every = "every number in " if isinstance(value, tuple) else ""
            message = f"{every}{what} has to be {reason.bound}, but {'here is' if every else 'is'} {quoted(span.text)}"
            if not reason.bound:
                message = f"{what} is {argument.kind.wanted}, but {reason}"
            if reason.bound.startswith("`"):  # a word that is called otherwise here
                raise mistake("E008", message, span, f"write {reason.bound}") from None
            label = self._values_in(span) if reason.bound or span.text not in self._words_in(span) else ""
            help = self._for_example(name, value, span)
            if isinstance(value, bool) and name in BROUGHT:
                help = BROUGHT[name]
            elif "not a whole number" in str(reason) and "/" in span.text and is_number(value) and value >= 1:
                help = f"`{re.sub('(?<!/)/(?!/)', '//', span.text)}` rounds down, `ceil( ... )` up"
            raise mistake("E008", message, span, label or self._in_brackets(name, value, span), help) from None

    def _for_example(self, name: str, value: Value, span: Span) -> str:
        """Return how an argument looks where one does not fit."""
        argument, shown = self.arguments[name], example(self.declaration)
        is_list = isinstance(value, tuple) and len(value) > 1 and all(map(is_number, value))
        if is_list and argument.kind is COUNT and argument.role in ("filters", "positional"):
            body = f"{self.keyword.text} c{'@3' if argument.role == 'filters' else ''}"
            return f"a layer for each is `for c in {show(value)} ({body})`"
        is_shown = argument.role != "keyword" or f"{name}=" in shown
        if is_shown or name in required(self.declaration) or not is_number(default_of(self.declaration, name)):
            return f"for example `{shown}`"
        return f"without it, `{name}` is {show(default_of(self.declaration, name))}"

    def _in_brackets(self, name: str, value: Value, span: Span) -> str:
        """Return what to write for numbers that should stand in a list, or should not: `permute 2 0 1`."""
        behind = [one.span.text for one in self.following if isinstance(one, (tree.Number, tree.Unary))]
        wanted = self._of_role("positional")
        if isinstance(value, tuple) and name in wanted and len(value) == len(wanted) > 1:
            return f"write `{' '.join(map(show, value))}`"
        if self.arguments[name].kind is SHAPE and re.search(r"-1\b", span.text):
            return f"write `{re.sub(r'-1', '?', span.text)}`"
        if is_number(value) and self.arguments[name].kind is AXES and behind:
            return f"write `[{', '.join((span.text, *behind))}]`"
        return ""

    def _words_in(self, span: Span) -> tuple[str, ...]:
        return tuple(dict.fromkeys(re.findall(r"(?<![\w.])[a-z_][a-z0-9_]*", span.text)))

    def _values_in(self, span: Span) -> str:
        """Return the values of the names in an expression: `channels` is 24, `r` is 16."""
        values = {word: evaluate(tree.Name(span, word), self.names) for word in self._words_in(span)}
        return ", ".join(f"`{word}` is {show(value)}" for word, value in values.items() if not isinstance(value, Word))

    def _unknown_word(self, word: Word, span: Span, argument: Argument) -> Mistake:
        if word.text not in self._words_in(span):
            return mistake(
                "E010",
                f"{quoted(span.text)} is the word `{word.text}` here, and `{self.keyword.text}` wants "
                f"{argument.kind.wanted}",
                span,
                help=f"if a name is meant by `{word.text}`, declare it before this",
            )
        guess = nearest(word.text, self.names.names())
        return self.names.misplaced(word.text, span) or mistake(
            "E010",
            f"nothing called {quoted(word.text)} has been declared",
            span,
            f"did you mean `{guess}`?" if guess else "",
            "a tensor stands here, named by `let` or `as` before"
            if argument.kind in NAMING
            else "a number, or the name of one, stands here",
        )

    def _of_role(self, role: str) -> tuple[str, ...]:
        return tuple(name for name, argument in self.arguments.items() if argument.role == role)

    def _next_positional(self) -> str | None:
        return next((name for name in self._of_role("positional") if name not in self.spans), None)

    def _field_with_word(self, word: str) -> str | None:
        """Return the argument that has a word among its bare ones."""
        return next(
            (name for name, argument in self.arguments.items() if word in argument.words and argument.bare is None),
            None,
        )

    @property
    def title(self) -> str:
        """The layer's word, with that of its form: `pool global`."""
        return f"{self.keyword.text} {self.declaration.form}".strip()

    def _unknown(self, word: tree.Name, value: tree.Expression | None = None) -> Mistake:
        misplaced = self.names.misplaced(word.text, word.span)
        if misplaced is not None:
            return misplaced
        if value is not None and begins_line(word.span) and word.span.source.text[word.span.end].isspace():
            message = f"a tensor is given a name with `let`, and nothing is called {quoted(word.text)}"
            return mistake("E010", message, word.span, f"write `let {word.text}`")
        if begins_elsewhere := foreign(word):
            return begins_elsewhere
        what = quoted(word.text)
        if word.span.text != word.text:
            what = f"`{word.text}`, which {quoted(word.span.text)} is here"
        named = [
            name
            for name, argument in self.arguments.items()
            if argument.role != "flag" and not (argument.role == "word" and argument.bare is None)
        ]
        bare = [word for argument in self.arguments.values() if argument.bare is None for word in argument.words]
        guess = nearest(word.text, (*named, *bare))
        instead, elsewhere = self._instead(word.text, value), ""
        for form in forms(self.keyword.text):
            is_of_form = word.text in arguments(form) or is_word_of((form,), word.text)
            if form is not self.declaration and is_of_form and word.text not in self.arguments:
                instead = ""
                elsewhere = f"it belongs to another form, as in `{example(form)}`"
        listed = ", ".join((*(f"`{name}=`" for name in named), *(f"`{word}`" for word in bare)))
        known = f"`{self.title}` knows {listed}" if listed else f"`{self.title}` takes no arguments"
        label = instead or elsewhere or (f"did you mean `{guess}`?" if guess else "")
        return mistake("E009", f"`{self.title}` has no argument {what}", word.span, label, "" if instead else known)

    def _instead(self, name: str, value: tree.Expression | None) -> str:
        """Return what to write instead of an argument that people bring along, with the value that it has."""
        behind = self.following[0] if self.following else None
        if value is None and name in self.arguments and self.arguments[name].role not in ("word", "flag"):
            if name in self.spans:
                return f"leave it out: `{self.spans[name].text}` is what it would name"
            return f"write `{name}={behind.span.text if behind else '...'}`"
        named = (key for key, one in self.arguments.items() if one.kind.takes_words or one.bare is not None)
        holding = next((key for key in named if value is None and name in self.arguments[key].kind.tries), "")
        if holding:
            return f"write `{holding}={name}`"
        if value is None and name == "x" and isinstance(behind, tree.Number):
            return f"sizes are joined by `x` without blanks, as in `{behind.span.text}x{behind.span.text}`"
        if value is None and any(argument.kind is SHAPE for argument in self.arguments.values()):
            return _sizes_of(name)
        if value is None and isinstance(behind, (tree.Name, tree.Number)):
            value = behind  # `padding same`
        text = value.span.text.strip("'\"\u2018\u2019\u201c\u201d") if value is not None else ""
        text = with_sizes_joined(text)
        if name == "activation" and re.fullmatch("[A-Za-z_]+", text):
            stage = argument_in_our_words(self.keyword.text, name, text)
            return f"an activation is a layer of its own: write `{stage}` behind this one" if stage else "leave it out"
        if name in SHORT and ("pad" in self.arguments or name != "p"):
            name = SHORT[name]
        if is_default(name, text):
            return "leave it out: it is so without it"
        if name in BROUGHT and re.fullmatch(r"-?[\w.]+", text):
            written = argument_in_our_words(self.keyword.text, name, text)
            if written and value is behind:
                return f"leave it out: `{written}` stands alone" if written == text else f"write `{written}`"
            if name == "dim" and not written and "axis" in self.arguments:
                return "leave it out: it is so without it"
            if not written and (ours := re.match(r"write `(\w+)=`\Z", BROUGHT[name])):
                written = f"{ours[1]}={text}"
            if written and not (written == text and text[0].isdigit()):
                _, more, why = BROUGHT[name].partition("; ")
                return f"write `{written}`{' behind the layer' if name == 'name' else ''}{more}{why}"
        if name.endswith(("_initializer", "_regularizer", "_constraint")):
            return "weights start and are trained as the framework does it; leave it out"
        return BROUGHT.get(name, "")

    def _other_forms(self) -> list[str]:
        """Return an example of each other form that the keyword has."""
        others = [form for form in forms(self.keyword.text) if form is not self.declaration]
        return [
            f"`{form.keyword}` has other forms: {', '.join(f'`{example(form)}`' for form in others)}"
            for form in others[:1]
        ]

    def finish(self) -> Bound:
        """Return the layer, if nothing that it needs is missing."""
        missing = [name for name in required(self.declaration) if name not in self.values]
        if missing:
            listed = " and ".join(f"`{name}`" for name in missing)
            lacks = [f"{name}: {self.arguments[name].help}; {self.arguments[name].kind.wanted}" for name in missing]
            help = "\n".join((f"for example `{example(self.declaration)}`", *lacks, *self._other_forms()))
            raise mistake("E022", f"`{self.title}` needs {listed}", self.keyword.span, help=help)
        return Bound(self.declaration(**self.values), self.spans)
