"""Sizes and symbols: the normal form, checked against Python's arithmetic on random expressions."""

from __future__ import annotations

import math
import operator
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from work import measured

from netdsl import size
from netdsl.size import (
    Condition,
    Expression,
    TooLarge,
    Undecided,
    both,
    bounds,
    ceil_div,
    choose,
    differ,
    divide,
    either,
    exact,
    is_whole,
    known,
    maximum,
    minimum,
    negate,
    product,
    same,
    substitute,
    symbol,
    symbols,
    truth,
)

T, H, W, c, s = map(symbol, "THWcs")
z = symbol("z", positive=False, whole=True)
r = symbol("r", positive=False)
p, q = truth("p"), truth("q")

# Random expressions: a tree means something in symbols, and the same in Python's numbers.
SYMBOLS = {"T": T, "H": H, "c": c, "s": s, "z": z, "r": r, "p": p, "q": q}
VALUES = st.fixed_dictionaries(
    {name: st.integers(1, 40) for name in "THcs"}
    | {"z": st.integers(-9, 9), "r": st.fractions(-3, 3, max_denominator=4), "p": st.booleans(), "q": st.booleans()}
)
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
SYMBOLIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "/": divide,
    "ceil": ceil_div,
    "min": minimum,
    "max": maximum,
    "if": choose,
    "not": negate,
    "and": both,
    "or": either,
} | (COMPARISONS | {"==": same, "!=": differ})
NUMERIC = {
    "/": lambda a, b: Fraction(a) / b,
    "ceil": lambda a, b: math.ceil(Fraction(a) / b),
    "min": min,
    "max": max,
    "if": lambda condition, yes, no: yes if condition else no,
    "not": operator.not_,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
}


def grow(leaves: st.SearchStrategy, deep: int, operators: tuple[str, ...]) -> st.SearchStrategy:
    if not deep:
        return leaves
    part = grow(leaves, deep - 1, operators)
    condition = st.sampled_from(["p", "q"]) | st.tuples(st.sampled_from([*COMPARISONS]), leaves, part)
    condition |= st.tuples(st.sampled_from(["and", "or"]), condition, condition) | st.tuples(st.just("not"), condition)
    grown = st.tuples(st.sampled_from([name for name in operators if name != "if"]), part, part)
    return leaves | grown | (st.tuples(st.just("if"), condition, part, part) if "if" in operators else grown)


def trees(names: str, deep: int, *operators: str, fractions: bool = False) -> st.SearchStrategy:
    numbers = st.integers(-4, 9) | (st.sampled_from([Fraction(1, 2), Fraction(-5, 4)]) if fractions else st.nothing())
    return grow(st.sampled_from([*names]) | numbers, deep, operators)


SIZES = trees("THcs", 3, "+", "-", "*", "//", "%", "ceil", "min", "max", "if")
NUMBERS = trees("THszr", 3, "+", "-", "*", "//", "/", "min", "if", fractions=True)
LINEAR = trees("TH", 4, "+", "-", "//", "max")
POLYNOMIALS = trees("THcz", 2, "+", "-", "*", "max")
CONDITIONS = st.tuples(st.sampled_from([*COMPARISONS]), SIZES | NUMBERS, SIZES | NUMBERS)


def symbolic(tree):
    if isinstance(tree, tuple):
        value = SYMBOLIC[tree[0]](*map(symbolic, tree[1:]))
        return exact(value) if isinstance(value, Fraction) else value
    return SYMBOLS[tree] if isinstance(tree, str) else exact(tree)


def numeric(tree, values):
    if isinstance(tree, tuple):
        return (SYMBOLIC | COMPARISONS | NUMERIC)[tree[0]](*(numeric(part, values) for part in tree[1:]))
    return values[tree] if isinstance(tree, str) else tree


def both_ways(tree, values):
    try:
        return symbolic(tree), numeric(tree, values)
    except (ZeroDivisionError, TooLarge):
        assume(False)


@settings(max_examples=250, deadline=None)
@given(SIZES | NUMBERS | LINEAR | CONDITIONS, VALUES)
def test_values_put_in_give_what_python_gives(tree, values):
    value, wanted = both_ways(tree, values)
    found = substitute(value, values)
    assert found == wanted
    assert type(found) is (bool if isinstance(wanted, bool) else int if wanted.denominator == 1 else Fraction)


@settings(max_examples=250, deadline=None)
@given(SIZES | NUMBERS | CONDITIONS, VALUES, st.sets(st.sampled_from("THcszp")))
def test_values_put_in_one_after_another_give_the_same(tree, values, first):
    value, wanted = both_ways(tree, values)
    try:
        halfway = substitute(value, {name: values[name] for name in first})
    except (ZeroDivisionError, TooLarge):
        assume(False)
    assert symbols(halfway) <= symbols(value) - first
    assert substitute(halfway, values) == wanted


@settings(max_examples=150, deadline=None)
@given(trees("THcs", 2, "+", "-", "*", "//"), st.integers(1, 6), st.integers(1, 6))
def test_numbers_put_in_give_the_form_that_they_would_have_given(tree, c, s):
    def put(part):
        return (part[0], *map(put, part[1:])) if isinstance(part, tuple) else {"c": c, "s": s}.get(part, part)

    try:
        assert substitute(symbolic(tree), {"c": c, "s": s}) == symbolic(put(tree))
    except (ZeroDivisionError, TooLarge):
        assume(False)


@settings(max_examples=150, deadline=None)
@given(SIZES, VALUES)
def test_symbols_put_in_for_symbols(tree, values):
    value, _ = both_ways(tree, values)
    try:
        moved = substitute(value, {"T": 2 * H + 1, "H": T, "p": H > 3})
    except (ZeroDivisionError, TooLarge):
        assume(False)
    inner = values | {"T": 2 * values["H"] + 1, "H": values["T"], "p": values["H"] > 3}
    try:
        wanted = numeric(tree, inner)
    except ZeroDivisionError:
        assume(False)
    assert substitute(moved, values) == wanted


@settings(max_examples=250, deadline=None)
@given(SIZES | NUMBERS | CONDITIONS, VALUES)
def test_the_text_is_python(tree, values):
    value, wanted = both_ways(tree, values)
    names = {name: Fraction(number) if name not in "pq" else number for name, number in values.items()}
    try:
        found = eval(str(value), {"min": min, "max": max}, names)
    except ZeroDivisionError:
        assume(False)
    assert found == wanted or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=250, deadline=None)
@given(SIZES | NUMBERS | LINEAR, VALUES)
def test_bounds_hold(tree, values):
    value, wanted = both_ways(tree, values)
    low, high = bounds(value)
    assert low <= wanted <= high


@settings(max_examples=150, deadline=None)
@given(LINEAR | NUMBERS, LINEAR | SIZES, SIZES)
def test_ring_laws(a, b, d):
    try:
        a, b, d = symbolic(a), symbolic(b), symbolic(d)
        assert a + b == b + a
        assert a * b == b * a
        assert (a + b) + d == a + (b + d)
        assert (a * b) * d == a * (b * d)
        assert a * (b + d) == a * b + a * d
        assert a - a == 0
        assert a - b == a + -b == -(b - a)
        assert hash(a + b) == hash(b + a)
        assert product([a, b, d]) == product([d, a, b])
    except (ZeroDivisionError, TooLarge):
        assume(False)


@settings(max_examples=250, deadline=None)
@given(
    POLYNOMIALS | st.tuples(st.just("//"), POLYNOMIALS, st.sampled_from([2, 3, 6, "s", "c"])),
    trees("THcs", 1, "+", "*", "//"),
    st.integers(1, 9),
    st.integers(1, 9),
)
@example("T", "H", 4, 1)
def test_floors_have_one_form(e, k, n, m):
    try:
        e, k = symbolic(e), symbolic(k)
        assert (e + k * n) // n == e // n + k
        assert (e // n) // m == e // (n * m)
        assert (e * m) // (n * m) == e // n
        assert e - n * (e // n) == e % n
        assert same(n * (e // n) + e % n, e) is True
        if isinstance(k, Expression) and bounds(k)[0] >= 1:
            assert (e * k) // k == e
            assert (e + 3 * k) // k == e // k + 3
            assert (e // n) // k == (e // k) // n == e // (k * n)
            assert divide(e, k) * k == e or len(k.terms) > 1
    except (ZeroDivisionError, TooLarge):
        assume(False)


@settings(max_examples=150, deadline=None)
@given(SIZES | NUMBERS, SIZES | NUMBERS, SIZES, SIZES, VALUES)
def test_conditions_have_one_form(a, b, d, e, values):
    (a, _), (b, _), (d, _), (e, _) = (both_ways(tree, values) for tree in (a, b, d, e))
    try:
        first, second = a - b < 0, same(d, e)
    except TooLarge:
        assume(False)
    for one, other in [
        (a < b, b > a),
        (a <= b, b >= a),
        (a < b, negate(a >= b)),
        (same(a, b), same(b, a)),
        (same(a, b), negate(differ(a, b))),
        (first, a < b),
        (d < e, d <= e - 1) if all(isinstance(x, int) or x.whole for x in (d, e)) else (True, True),
        (same(d, e), same(2 * e, 2 * d)),
        (both(first, second), both(second, first)),
        (negate(both(first, second)), either(negate(second), negate(first))),
        (either(first, negate(first)), True),
        (both(second, negate(second), first), False),
        (both(), True),
        (either(), False),
    ]:
        assert one == other and hash(one) == hash(other)
    assert choose(first, d, e) == choose(negate(first), e, d)


def test_what_the_language_reference_promises():
    assert str(T - 3 + 1) == "T-2"
    assert (T + 3 * 4) // 4 == T // 4 + 3
    assert (4 * T + 3) // 4 == T
    assert (T // 2) // 3 == T // 6
    assert ((T - 1) // 2 + 1) // 2 == (T + 1) // 4
    assert (2 * T + 1) // 4 == T // 2
    assert (4 * c) // c == 4
    assert (c * H) // c == H
    assert (c * H + c) // c == H + 1
    assert (6 * c) // (4 * c) == 1
    assert (c * H + c * W) // (H + W) == c
    assert (c * H + 2 * c) // (c * W) == (H + 2) // W
    assert ((H - 1) // s + 1) // s == (H - 1 + s) // (s * s)
    assert ceil_div(T, 2) == (T + 1) // 2 == ceil_div(T / 2, 1)
    assert ceil_div(T, s) == (T - 1) // s + 1
    assert (c / 2) // 1 == c // 2 and c / 2 * 2 == c
    assert is_whole(c / 2 + c / 2) is True and is_whole(divide(3, 2)) is False
    assert substitute(is_whole(c / 2), {"c": 6}) is True and known(is_whole(c)) == {}
    assert c / s * s == c and divide(3, 2) == Fraction(3, 2) and type(divide(4, 2)) is int
    assert T // (T + 1) == 0 and T % 1 == 0 and bounds(T % 4) == (0, 3)


def test_comparisons_are_decided_by_bounds():
    assert (T + 3 > 2) is True
    assert (T < 1) is False
    assert isinstance(T - 2 >= 1, Condition)
    assert (T // 2 <= T) is True
    assert (T * H >= T) is True
    assert (s * ((H - 1) // s) < H) is True
    assert same(T - T // 2, (T + 1) // 2) is True
    assert same(2 * T, 2 * H + 1) is False
    assert same(T, T) is True and differ(T, T + 1) is True
    assert same(3, 3) is True and same(3, 4) is False
    assert isinstance(z >= 0, Condition) and (z * 0 >= 0) is True
    assert maximum(T, 1) == T and minimum(T, 0, H) == 0
    assert maximum(maximum(T, 3), 2) == maximum(3, T)
    assert maximum(2 * ceil_div(T, 2) + 1 - T, 0) == 2 * ceil_div(T, 2) + 1 - T
    assert minimum(3, 4) == 3 and maximum(*[5, 7]) == 7


def test_open_questions_name_their_symbols():
    with pytest.raises(Undecided) as caught:
        assert T * H > 6
    assert caught.value.symbols == {"T", "H"}
    assert str(caught.value) == "H, T must be known here"
    assert symbols(same(T + H, W + H)) == {"T", "W"}  # what cancels is not asked for
    for question in (bool, int, float, range, lambda size: [0, 1][size]):
        with pytest.raises(Undecided):
            question(T - 2)
    with pytest.raises(Undecided):
        bool(p)
    assert bool(T)


def test_conditions_give_values():
    assert known(both(same(s, 1), same(4 * c, H), negate(p))) == {"s": 1, "H": 4 * c, "p": False}
    assert known(both(same(c, H), same(H, 3))) == {"c": 3, "H": 3}
    assert known(T > 3) == {} and known(True) == {}
    shortcut = both(same(s, 1), same(H, 4 * c))
    assert choose(shortcut, H, 4 * c) == 4 * c
    assert choose(shortcut, W, (W - 1) // s + 1) == (W - 1) // s + 1
    assert choose(differ(s, 1), 6 + s, 7) == 6 + s
    assert substitute(choose(same(z, 0), H, T // z), {"z": 0}) == H  # a guard protects what it guards
    assert choose(p, T, T) == T and choose(True, T, 3) == T and choose(False, T, 3) == 3


def test_text():
    for value, text in [
        (12 * T * T + 3 * T + 4, "12*T**2 + 3*T + 4"),
        ((T - 1) // 2 + 3, "(T+1)//2 + 2"),
        (64 - c, "64-c"),
        (H - W + 1, "H-W+1"),
        (-T, "-T"),
        (2 - 3 * T, "2 - 3*T"),
        (T * (H // 2), "T*(H//2)"),
        (c / 2 + 1, "(c+2)/2"),
        (c / s, "c/s"),
        (T**2 // (H * W), "T**2//(H*W)"),
        (maximum(T - 3, 0), "max(T-3, 0)"),
        (choose(same(s, 1), c, 4 * c) + 1, "(c if s == 1 else 4*c) + 1"),
        (both(T > 2, either(p, negate(q))), "T > 2 and (p or not q)"),
        (differ(c, 4 * s), "c != 4*s"),
        (H + W + 3 * T, "H + 3*T + W"),
    ]:
        assert str(value) == text
    assert size.fold(T // 2 + 1, str, lambda leaf: leaf.name, lambda name, operands: [name, *operands]) == [
        "+",
        ["//", "T", "2"],
        "1",
    ]


def test_substitution_takes_tuples_and_leaves_the_rest():
    assert substitute((T, (H > 3, "same", None, 4), 1.5), {"H": 5, "T": 7}) == (7, (True, "same", None, 4), 1.5)
    assert symbols((T, (H > 3, "same"), 4)) == {"T", "H"}
    with pytest.raises(ZeroDivisionError):
        substitute(T // z, {"z": 0})
    with pytest.raises(TypeError):
        T + "1"


def test_what_is_equal_keeps_its_own_writing():
    """Nothing that was asked before shows in what is written: code for a network is the same in any process."""

    def written(condition, *sides):
        value = choose(condition, *sides)
        return str(value + 1), str((value + 1) // 3), str(value > 2)

    def in_both_ways():
        return written(same(s, 1), c, 4 * H), written(differ(s, 1), 4 * H, c)

    assert choose(same(s, 1), c, 4 * H) == choose(differ(s, 1), 4 * H, c)
    one, other = in_both_ways()
    assert all("s == 1" in text for text in one) and all("s != 1" in text for text in other)
    kept = [choose(differ(s, 1), 4 * H, c), (choose(differ(s, 1), 4 * H, c) + 1) // 3]
    assert in_both_ways() == (one, other) and kept
    assert str(negate(differ(2, s))) == "2 == s" and str(negate(differ(s, 2))) == "s == 2"


def test_shared_structure_is_walked_once():
    value = T
    for _ in range(30):
        value = maximum(value // 3, value - H) if value.parts < 1000 else value
    found, _ = measured(lambda: substitute(value, {"T": 10**6, "H": 3}), most=10_000)
    assert isinstance(found, int)


def wide(n):
    return sum((symbol(f"a{i}") * symbol(f"b{i}") for i in range(n)), 0)


@pytest.mark.parametrize(
    "explode",
    [
        lambda: T**10**9,
        lambda: wide(200) * wide(200),
        lambda: wide(300),
        lambda: repeat(lambda x: x * x, T + H),
        lambda: repeat(lambda x: x * x * 10**50, T),
        lambda: repeat(lambda x: x * 10**50 + 1, T),
        lambda: repeat(lambda x: x / (T + 7) + T, T),
        lambda: repeat(lambda x: maximum(x // 3, H * W - x // 2), T),
        lambda: repeat(lambda x: choose(same(x % 7, 2), x // 3 + H, x + W), T),
        lambda: repeat(lambda x: choose(same(symbol(f"a{x.depth}"), 4 * H), x // H + 1, x + W), T),
        lambda: repeat(lambda x: x * x // (x + H), T),
        lambda: minimum(*(symbol(f"a{i}") for i in range(100))),
        lambda: (wide(100) ** 2) // (wide(20) + 1),
    ],
)
def test_what_explodes_is_refused_soon(explode):
    with pytest.raises(TooLarge):
        measured(explode, most=20_000_000)


def repeat(step, value):
    for _ in range(2000):
        value = step(value)
    return value


def test_import_is_light():
    load = "import sys; text = open(sys.argv[1]).read(); exec(text); print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", load, str(Path(size.__file__))]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"typing", "fractions", "re", "inspect"} & set(loaded)
