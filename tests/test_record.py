"""Our own classes of values do what those of attrs do, as far as they are used."""

from __future__ import annotations

import pickle
import weakref
from typing import Any, ClassVar

import attrs
import pytest

from netdsl import record

KINDS = pytest.mark.parametrize("kind", [attrs, record], ids=["attrs", "record"])


def point(kind: Any, **options: Any) -> Any:
    @kind.frozen(**options)
    class Point:
        x: int
        y: int = kind.field(default=2, repr=False)
        marks: ClassVar[str] = "none"

    return Point


def bases(kind: Any) -> tuple[Any, Any]:
    @kind.frozen
    class Base:
        name: str
        size: int = 1

        def text(self) -> str:
            return f"{self.name} {self.size}"

    @kind.frozen(kw_only=True)
    class Derived(Base):
        size: int = 3
        parts: list[int] = kind.field(factory=list)

        def text(self) -> str:
            return f"<{super().text()}>"

        @property
        def again(self) -> str:
            return super().text()

    return Base, Derived


@KINDS
def test_values(kind: Any) -> None:
    made = point(kind)
    assert (made(1).x, made(1).y, made(1, 5).y, made(x=4, y=3).x) == (1, 2, 5, 4)
    assert made(1) == made(1, 2) != made(2)
    assert made(1) != (1, 2)
    assert hash(made(1)) == hash(made(1, 2))
    assert len({made(1), made(1), made(3)}) == 2
    assert repr(made(1)).endswith("Point(x=1)")
    assert made.marks == "none"
    assert [known.name for known in kind.fields(made)] == ["x", "y"]
    assert kind.has(made) and not kind.has(int)
    assert kind.evolve(made(1), y=7) == made(1, 7)


@KINDS
def test_what_is_missing_or_too_much_is_refused(kind: Any) -> None:
    for wrong in (lambda: point(kind)(), lambda: point(kind)(1, 2, 3), lambda: point(kind)(1, z=3)):
        with pytest.raises(TypeError, match="__init__"):
            wrong()


@KINDS
def test_objects_that_equal_themselves_alone(kind: Any) -> None:
    made = point(kind, eq=False)
    one, other = made(1), made(1)
    assert one != other and one == one and len({one, other}) == 2


@KINDS
def test_bases(kind: Any) -> None:
    base, derived = bases(kind)
    one, other = derived("a"), derived("b", size=4, parts=[1])
    assert (one.text(), other.text(), one.again) == ("<a 3>", "<b 4>", "a 3")
    assert one.parts == [] and one.parts is not derived("a").parts
    assert isinstance(one, base) and base("a", 3) != derived("a")
    assert [known.name for known in kind.fields(derived)] == ["name", "size", "parts"]
    with pytest.raises(TypeError):
        derived("a", 4)


@KINDS
@pytest.mark.parametrize("slots", [False, True])
def test_slots(kind: Any, slots: bool) -> None:
    one = point(kind, slots=slots)(1)
    assert hasattr(one, "__dict__") is not slots
    assert weakref.ref(one)() is one


@record.frozen
class Kept:
    """A class that pickle finds."""

    value: int


def test_objects_are_pickled() -> None:
    assert pickle.loads(pickle.dumps(Kept(3))) == Kept(3)


def test_attrs_understands_these_classes() -> None:
    """What asks attrs about a tree, in tests and in code for both, gets the same answers."""
    _, derived = bases(record)
    assert [known.name for known in attrs.fields(derived)] == ["name", "size", "parts"]
    assert attrs.has(derived)
    assert attrs.evolve(derived("a"), size=5) == derived("a", size=5)
    assert record.as_dict(derived("a")) == {"name": "a", "size": 3, "parts": []}
