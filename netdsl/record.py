"""Classes of values, for what loads whenever netdsl starts: the part of attrs that it needs there.

To import attrs takes twice as long as to start Python, and a third of a millisecond for each class, which is more than
all else that a summary needs together. Here a class takes its `__init__` when it is first called, and shares the rest;
what is used looks the same, `__attrs_attrs__` included, so that attrs' own `fields` and `has` understand these classes.
That values are not changed is for type checkers to see to.
"""

from __future__ import annotations

from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
    C = TypeVar("C", bound=type)
else:

    def dataclass_transform(**_):
        return lambda function: function


NOTHING: Any = type("Nothing", (), {"__repr__": lambda self: "NOTHING", "__bool__": lambda self: False})()
"""The default of a field that has none."""


class Field:
    """A field of a class, by the names that attrs has for what it knows."""

    __slots__ = ("alias", "default", "factory", "init", "kw_only", "metadata", "name", "repr")

    def __init__(
        self, default: Any, factory: Callable[[], Any] | None, repr: bool, kw_only: bool, metadata: dict[str, Any]
    ) -> None:
        self.name = self.alias = ""
        self.init = True
        self.default = default
        self.factory = factory
        self.repr = repr
        self.kw_only = kw_only
        self.metadata = metadata


def field(
    *,
    default: Any = NOTHING,
    factory: Callable[[], Any] | None = None,
    repr: bool = True,
    kw_only: bool = False,
    metadata: dict[str, Any] | None = None,
) -> Any:
    """Declare what is not said by an annotation and a default alone; a `factory` makes a default for each object."""
    return Field(default, factory, repr, kw_only, metadata or {})


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, *, eq: bool = True, repr: bool = True, kw_only: bool = False, slots: bool = True) -> Any:
    """Make a class of values of its annotations, those of its bases first.

    Without `eq` an object equals itself alone; `kw_only` is for its own fields.
    """
    if cls is None:
        return lambda it: frozen(it, eq=eq, repr=repr, kw_only=kw_only, slots=slots)
    own = {}
    for name, annotation in cls.__annotations__.items():  # its own alone
        if not annotation.startswith("ClassVar"):
            given = cls.__dict__.get(name, NOTHING)
            known = given if isinstance(given, Field) else Field(given, None, True, False, {})
            known.name = known.alias = name
            known.kw_only |= kw_only
            own[name] = known
    inherited = {known.name: known for base in reversed(cls.__mro__[1:]) for known in _own(base)}
    fields = (*(known for name, known in inherited.items() if name not in own), *own.values())
    made = _with_slots(cls, tuple(own), inherited) if slots else cls
    made.__attrs_attrs__ = fields
    for name in own if not slots else ():
        if isinstance(cls.__dict__.get(name), Field):
            delattr(made, name)
    if "__init__" not in cls.__dict__:
        made.__init__ = _first_init(made)
    if eq and "__eq__" not in cls.__dict__:
        made.__eq__, made.__hash__ = _equality(made, tuple(known.name for known in fields))
    if repr and "__repr__" not in cls.__dict__:
        made.__repr__ = _written
    return made


def _own(cls: type) -> tuple[Field, ...]:
    own: tuple[Field, ...] = cls.__dict__.get("__attrs_attrs__", ())
    return own


def _with_slots(cls: Any, names: tuple[str, ...], inherited: dict[str, Field]) -> Any:
    """Return the class anew, as slots have to be there from the start; `super()` in it means the new one."""
    body = {name: value for name, value in cls.__dict__.items() if name not in (*names, "__dict__", "__weakref__")}
    slots = tuple(name for name in names if name not in inherited)
    has_weakref = any(
        "__weakref__" in getattr(base, "__slots__", ()) or base.__weakrefoffset__ for base in cls.__mro__[1:]
    )
    body["__slots__"] = slots if has_weakref else (*slots, "__weakref__")
    made = type(cls)(cls.__name__, cls.__bases__, body)
    for value in body.values():
        function = getattr(value, "fget", None) or getattr(value, "__func__", value)
        for cell in getattr(function, "__closure__", None) or ():
            if cell.cell_contents is cls:
                cell.cell_contents = made
    return made


def _first_init(cls: Any) -> Callable[..., None]:
    """Return an `__init__` that is replaced by one of the class's own as soon as it is called."""

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        cls.__init__ = _init(cls)
        cls.__init__(self, *arguments, **named)

    return init


def _init(cls: Any) -> Any:
    """Return the function that takes the fields of a class, in their order."""
    known: dict[str, Any] = {"NOTHING": NOTHING}
    plain: list[str] = []
    named: list[str] = []
    lines: list[str] = []
    for one in cls.__attrs_attrs__:
        taken, value = one.name, one.name
        if one.factory is not None:
            known[f"make_{one.name}"] = one.factory
            taken, value = f"{taken}=NOTHING", f"make_{one.name}() if {one.name} is NOTHING else {one.name}"
        elif one.default is not NOTHING:
            known[f"default_{one.name}"] = one.default
            taken = f"{taken}=default_{one.name}"
        (named if one.kw_only else plain).append(taken)
        lines.append(f"    self.{one.name} = {value}")
    taken = ", ".join(("self", *plain, *(("*", *named) if named else ())))
    exec("\n".join((f"def __init__({taken}):", *(lines or ["    pass"]))), known)
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _equality(cls: Any, names: tuple[str, ...]) -> tuple[Any, Any]:
    """Return `__eq__` and `__hash__` by all fields."""
    key: Callable[[Any], Any] = attrgetter(*names) if names else lambda value: ()
    if len(names) == 1:
        only = key

        def key(value: Any) -> Any:
            return (only(value),)

    def equal(self: Any, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is cls else NotImplemented

    return equal, lambda self: hash(key(self))


def _written(self: Any) -> str:
    inside = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(type(self)) if one.repr)
    return f"{type(self).__qualname__}({', '.join(inside)})"


def fields(cls: type) -> tuple[Field, ...]:
    """Return the fields of a class, in the order in which it takes them."""
    found: tuple[Field, ...] = cls.__attrs_attrs__  # type: ignore[attr-defined]
    return found


def has(cls: type) -> bool:
    """Return whether a class has fields."""
    return hasattr(cls, "__attrs_attrs__")


def evolve(instance: T, /, **changes: Any) -> T:
    """Return an object like another, but for some of its fields."""
    for one in fields(type(instance)):
        if one.init and one.alias not in changes:
            changes[one.alias] = getattr(instance, one.name)
    return type(instance)(**changes)


def as_dict(instance: Any) -> dict[str, Any]:
    """Return the values of an object's fields by their names."""
    return {one.name: getattr(instance, one.name) for one in fields(type(instance))}
