"""From the arguments as written to a layer as declared: roles, flags and defaults, and what to say of misfits."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from .diagnostics import Related, quoted
from .expressions import Mistake, Names, evaluate, mistake, truth
from .layer import Argument, Layer, arguments, required
from .source import Span
from .spelling import nearest
from .syntax import tree
from .values import WINDOW, Unfit, Value, Word, show


@frozen(eq=False)
class Bound:
    """A layer with its arguments, and where each was written."""

    layer: Layer
    spans: dict[str, Span]


def bind(keyword: tree.Name, forms: tuple[type[Layer], ...], written: tuple[tree.Argument, ...], names: Names) -> Bound:
    """Return the layer that the arguments make of one of its forms."""
    declaration = _form(forms, written)
    binder = _Binder(keyword, declaration, names)
    for argument in written:
        binder.take(argument)
    return binder.finish()


def is_word_of(forms: tuple[type[Layer], ...], word: str) -> bool:
    """Whether a bare word is a flag or value of a layer, in any of its forms."""
    return any(
        word in argument.words or (word == name and argument.bare)
        for form in forms
        for name, argument in arguments(form).items()
    )


def example(declaration: type[Layer]) -> str:
    """Return a call of a layer in the language, from its page."""
    return (declaration.__doc__ or "").rstrip().rsplit("\n", 1)[-1].strip()


def _form(forms: tuple[type[Layer], ...], written: tuple[tree.Argument, ...]) -> type[Layer]:
    """Return the form whose mark stands among the arguments, else the plain one."""
    words = {
        argument.text if isinstance(argument, tree.Name) else argument.name.text
        for argument in written
        if isinstance(argument, tree.Name | tree.Keyword)
    }
    plain = next((form for form in forms if not form.form), forms[0])
    return next((form for form in forms if form.form in words), plain)


class _Binder:
    """The arguments of one layer, as they are read from left to right."""

    def __init__(self, keyword: tree.Name, declaration: type[Layer], names: Names) -> None:
        self.keyword = keyword
        self.declaration = declaration
        self.arguments = arguments(declaration)
        self.names = names
        self.values: dict[str, Value] = {}
        self.spans: dict[str, Span] = {}

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
            self._set(name, evaluate(expression, self.names), expression.span)
        if written.stride is not None:
            self._set("stride", evaluate(written.stride, self.names), written.stride.span)

    def _keyword(self, written: tree.Keyword) -> None:
        name = written.name.text
        argument = self.arguments.get(name)
        if argument is not None and argument.role != "flag":
            self._set(name, self._value(argument, written.value), written.value.span)
            return
        field = self._field_with_word(name)
        if field is None:
            raise self._unknown(written.name)
        holds = truth(written.value, self.names)
        argument = self.arguments[field]
        if argument.role == "flag":
            from .size import negate

            self._set(field, negate(holds) if argument.inverted else holds, written.span)
        elif holds is True:
            self._set(field, name, written.span)
        elif holds is not False:
            bool(holds)  # a word that symbols leave open is code of another form

    def _value(self, argument: Argument, expression: tree.Expression) -> Value:
        """Return the value behind `name=`, where a word is one that the argument knows."""
        value = evaluate(expression, self.names)
        if argument.role == "word":
            if isinstance(value, bool) and argument.bare:
                return argument.bare if value else None
            if not isinstance(value, Word) or value.text not in argument.words:
                raise mistake("E008", f"`{show(value)}` is not {argument.kind.wanted}", expression.span)
            return value.text
        if isinstance(value, Word):
            guess = nearest(value.text, self.names.names())
            raise mistake(
                "E010",
                f"nothing called {quoted(value.text)} has been declared",
                expression.span,
                f"did you mean `{guess}`?" if guess else "",
                f"this argument is {argument.kind.wanted}",
            )
        return value

    def _word(self, written: tree.Name) -> None:
        word = written.text
        field = self._field_with_word(word)
        if field is None:
            argument = self.arguments.get(word)
            if argument is not None and argument.bare is not None:
                self._set(word, argument.bare, written.span)
                return
            if self.names.entering is not None and not isinstance(value := evaluate(written, self.names), Word):
                self._put(written, value)
                return
            raise self._unknown(written)
        argument = self.arguments[field]
        self._set(field, not argument.inverted if argument.role == "flag" else word, written.span)

    def _positional(self, written: tree.Argument) -> None:
        if isinstance(written, tree.Binary) and written.operator == "/":
            field = self._next_positional()
            if field is not None and self.arguments[field].kind is WINDOW:
                self._set(field, evaluate(written.left, self.names), written.left.span)
                self._set("stride", evaluate(written.right, self.names), written.right.span)
                return
        self._put(written, evaluate(written, self.names))

    def _put(self, written: tree.Argument, value: Value) -> None:
        """Set the next positional argument."""
        field = self._next_positional()
        if field is not None:
            self._set(field, value, written.span)
            return
        if self._of_role("filters"):
            raise mistake(
                "E008",
                f"`{self.keyword.text}` takes its numbers as filters@window, or filters@window/stride",
                written.span,
                help=f"for example `{example(self.declaration)}`",
            )
        positional = self._of_role("positional")
        wanted = f"takes {' and '.join(f'`{name}`' for name in positional)}" if positional else "takes no number"
        raise mistake(
            "E008",
            f"`{self.keyword.text}` {wanted}, and {quoted(written.span.text)} is one too many",
            written.span,
            help=f"a stage ends at `|`; for example `{example(self.declaration)}`",
        )

    def _set(self, name: str, value: Value, span: Span) -> None:
        if name in self.spans:
            raise mistake(
                "E023",
                f"`{name}` of `{self.keyword.text}` is said twice",
                span,
                "said again here",
                "leave one of them out",
                Related(self.spans[name], "said here"),
            )
        argument = self.arguments[name]
        self.spans[name] = span
        if argument.role in ("flag", "word"):
            self.values[name] = value
            return
        if isinstance(value, Word):
            raise self._unknown_word(value, span)
        try:
            self.values[name] = argument.kind.read(value)
        except Unfit as reason:
            raise mistake(
                "E008",
                f"`{name}` of `{self.keyword.text}` is {argument.kind.wanted}, but {reason}",
                span,
                help=f"for example `{example(self.declaration)}`",
            ) from None

    def _unknown_word(self, word: Word, span: Span) -> Mistake:
        guess = nearest(word.text, self.names.names())
        return mistake(
            "E010",
            f"nothing called {quoted(word.text)} has been declared",
            span,
            f"did you mean `{guess}`?" if guess else "",
            "a number, or the name of one, stands here",
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

    def _known(self) -> dict[str, Any]:
        """Return every word that could stand among the arguments."""
        known = {name: None for name, argument in self.arguments.items() if argument.role != "flag"}
        for argument in self.arguments.values():
            known.update(dict.fromkeys(argument.words if argument.bare is None else ()))
        return known

    def _unknown(self, word: tree.Name) -> Mistake:
        known = self._known()
        guess = nearest(word.text, known)
        listed = ", ".join(f"`{name}`" for name in known)
        return mistake(
            "E009",
            f"`{self.keyword.text}` has no argument {quoted(word.text)}",
            word.span,
            f"did you mean `{guess}`?" if guess else "",
            f"`{self.keyword.text}` knows {listed}" if known else f"`{self.keyword.text}` takes no arguments",
        )

    def finish(self) -> Bound:
        """Return the layer, if nothing that it needs is missing."""
        missing = [name for name in required(self.declaration) if name not in self.values]
        if missing:
            listed = " and ".join(f"`{name}`" for name in missing)
            lacks = ", ".join(f"{name} is {self.arguments[name].kind.wanted}" for name in missing)
            raise mistake(
                "E022",
                f"`{self.keyword.text}` needs {listed}",
                self.keyword.span,
                f"{lacks}",
                f"for example `{example(self.declaration)}`",
            )
        return Bound(self.declaration(**self.values), self.spans)
