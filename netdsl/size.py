"""Sizes and symbols: exact arithmetic on numbers and symbols with one normal form, and nothing about tensors or syntax.

An `Expression` is a polynomial over atoms: symbols, floor divisions, min, max, choices. What is equal by the rules of
the language is an equal object: whole multiples leave a floor, constants in it are 0 to c-1, floors merge. `==` and
hash compare normal forms; `same` asks the bounds too, and so knows that `T - T//2` is `(T+1)//2`.
"""

from __future__ import annotations

import operator
from _weakref import ref
from functools import lru_cache, wraps
from math import gcd, inf, lcm

TYPE_CHECKING = False  # typing and fractions take longer to import than this module; most files have neither
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from fractions import Fraction
    from typing import Any, TypeAlias, TypeVar

    Node = TypeVar("Node")
    F = TypeVar("F", bound=Callable[..., Any])

Number: TypeAlias = "int | Fraction"  # always an int where it is whole
Quantity: TypeAlias = "int | Fraction | Expression"
Truth: TypeAlias = "bool | Condition"
Monomial: TypeAlias = "tuple[tuple[Atom, int], ...]"  # atoms with their powers, never 0; below a fraction bar negative
Bound: TypeAlias = "Any"  # a Number or an infinity, which is a float

# A network needs a few dozen terms. Beyond these limits a text was made to hang the compiler.
MOST_TERMS = 256  # in a sum
MOST_DEGREE = 16  # symbols in a product
MOST_PARTS = 4000  # terms and atoms, those in atoms too
MOST_DEPTH = 40  # atoms in atoms
MOST_BITS = 1024  # in a number
MOST_OPERANDS = 32  # of min, max, and, or


def _remembered(function: F) -> F:
    """Remember answers to what the layers of a network ask again and again.

    Only of plain values: equal choices may be written in two ways, and what comes of one must not look like the other.
    """
    kept = lru_cache(maxsize=512)(function)

    @wraps(kept)
    def answer(*values: Any) -> Any:
        return kept(*values) if all(map(is_plain, values)) else function(*values)

    return answer  # type: ignore[return-value]


def is_plain(value: Any) -> bool:
    """Return whether there is no choice in a size, in a tuple of these or in anything else."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return value.plain if isinstance(value, Expression) else not isinstance(value, Condition)


class Undecided(Exception):
    """A question that `symbols` leave open was asked as if it had an answer."""

    def __init__(self, symbols: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(symbols)) + " must be known here")
        self.symbols = symbols


class TooLarge(Exception):
    """An expression grew beyond the limits above."""


class _Node:
    """A name, or an operator with its operands; equal to another where the keys are."""

    __slots__ = ("_hash", "depth", "key", "name", "operands", "operator", "parts", "symbols")

    def __init__(self, operator: str, operands: tuple[Any, ...], key: Any, name: str = "") -> None:
        nodes = [operand for operand in operands if isinstance(operand, (Expression, Condition))]
        self.operator = operator
        self.operands = operands
        self.name = name
        self.key = key
        self.symbols: frozenset[str] = frozenset([name] if name else []).union(*(node.symbols for node in nodes))
        self.parts: int = 1 + sum(node.parts for node in nodes)
        self.depth: int = 1 + max((node.depth for node in nodes), default=0)
        if self.parts > MOST_PARTS or self.depth > MOST_DEPTH:
            raise TooLarge("an expression has too many parts or is nested too deep")
        self._hash = hash(key)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, _Node) and self.__class__ is other.__class__ and self.key == other.key
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return _text(self)


class Atom(_Node):
    """What sums and products leave whole: a `symbol`, `//`, `min`, `max`, `if`, or `/`, one over a sum.

    `_atom` makes them; two of one key are one object, so that dictionaries need not ask Python whether they are equal.
    """

    __slots__ = ("__weakref__", "plain", "positive", "sizes", "whole")

    def __init__(self, operator: str, operands: tuple[Any, ...], key: Any, name: str, positive: bool) -> None:
        super().__init__(operator, operands, key, name)
        self.positive = positive
        self.plain = operator != "if" and is_plain(operands)
        self.sizes: tuple[Quantity, ...] = operands[operator == "if" :]
        whole = key[3]
        self.whole = operator == "//" or (whole and operator != "/" and all(map(_whole, self.sizes)))

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class _Choosing(Atom):
    """One with a choice in it, which may be written in two ways: equal ones stay objects of their own."""

    __slots__ = ()

    __eq__ = _Node.__eq__
    __hash__ = _Node.__hash__


_atoms: dict[Any, ref[Atom]] = {}
"""Every atom that there is, by its key."""


def _atom(operator: str, *operands: Any, name: str = "", positive: bool = False, whole: bool = True) -> Atom:
    """Return the atom of an operator and its operands, or of a name."""
    is_choice = operator == "if" or not is_plain(operands)
    keys = tuple(map(_key, operands))
    if operator == "if":  # (a if c else b) is (b if not c else a)
        keys = min(keys, (_key(negate(operands[0])), keys[2], keys[1]))
    rank = ("symbol", "//", "min", "max", "if", "/").index(operator)
    key = (rank, name, positive, whole, keys)
    if is_choice:
        return _Choosing(operator, operands, key, name, positive)
    known = _atoms.get(key)
    atom = known() if known is not None else None
    if atom is None:
        atom = Atom(operator, operands, key, name, positive)

        def forget(dead: ref[Atom]) -> None:
            if _atoms.get(key) is dead:
                del _atoms[key]

        _atoms[key] = ref(atom, forget)
    return atom


class Condition(_Node):
    """A truth that symbols leave open. A comparison prints as it was written, and equals all that say the same."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise Undecided(self.symbols)


class _Facts:
    """What expressions ask of each of their monomials."""

    __slots__ = ("degree", "depth", "parts", "plain", "rank", "symbols", "whole")

    def __init__(self, monomial: Monomial) -> None:
        self.symbols: frozenset[str] = frozenset().union(*(atom.symbols for atom, _ in monomial))
        self.whole = all(atom.whole and power > 0 for atom, power in monomial)
        self.plain = all(atom.plain for atom, _ in monomial)
        self.parts: int = sum(atom.parts for atom, _ in monomial)
        self.depth: int = max((atom.depth for atom, _ in monomial), default=0)
        self.rank = -sum(power for _, power in monomial), tuple((atom.key, -power) for atom, power in monomial)
        self.degree: int = sum(abs(power) for _, power in monomial)


_facts = lru_cache(maxsize=4096)(_Facts)


class Expression:
    """A polynomial in normal form, never a constant: a result without symbols is a number."""

    __slots__ = ("_bounds", "_hash", "depth", "parts", "plain", "symbols", "terms", "whole")

    def __init__(self, terms: tuple[tuple[Monomial, Number], ...]) -> None:
        """Take terms in order and without zeros; outside this module expressions come from arithmetic."""
        symbols: frozenset[str] = frozenset()
        whole = plain = True
        parts = len(terms)
        depth = degree = bits = 0
        for monomial, number in terms:
            bits |= abs(number.numerator) | number.denominator
            facts = _facts(monomial)
            symbols = symbols | facts.symbols if symbols else facts.symbols
            whole = whole and facts.whole and number.denominator == 1
            plain = plain and facts.plain
            parts += facts.parts
            depth = max(depth, facts.depth)
            degree = max(degree, facts.degree)
        if len(terms) > MOST_TERMS or parts > MOST_PARTS or degree > MOST_DEGREE or bits >> MOST_BITS:
            raise TooLarge("an expression has too many terms, too high powers or too large numbers")
        self.terms = terms
        self.symbols = symbols
        self.whole = whole
        self.plain = plain
        self.parts = parts
        self.depth = depth
        self._hash = hash(terms)
        self._bounds: tuple[Bound, Bound] | None = None

    def __add__(self, other: Quantity) -> Size:
        return _sum((self, other))

    def __sub__(self, other: Quantity) -> Size:
        return _sum((self, _multiply(-1, other)))

    def __rsub__(self, other: Quantity) -> Size:
        return _sum((other, -self))

    def __mul__(self, other: Quantity) -> Size:
        return _multiply(self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Size:
        return _multiply(-1, self)

    def __pow__(self, power: int) -> Size:
        return product([self] * min(power, MOST_DEGREE + 1))

    def __truediv__(self, other: Quantity) -> Size:
        return divide(self, other)

    def __rtruediv__(self, other: Quantity) -> Size:
        return divide(other, self)

    def __floordiv__(self, other: Quantity) -> Size:
        return _floor(self, other)

    def __rfloordiv__(self, other: Quantity) -> Size:
        return _floor(other, self)

    def __mod__(self, other: Quantity) -> Size:
        return self - _multiply(other, _floor(self, other))

    def __rmod__(self, other: Quantity) -> Size:
        return _sum((other, -self * _floor(other, self)))

    def __lt__(self, other: Quantity) -> Truth:
        return _compare("<", self, other)

    def __le__(self, other: Quantity) -> Truth:
        return _compare("<=", self, other)

    def __gt__(self, other: Quantity) -> Truth:
        return _compare(">", self, other)

    def __ge__(self, other: Quantity) -> Truth:
        return _compare(">=", self, other)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Expression) and self.terms == other.terms)

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        return bool(differ(self, 0))

    def __index__(self) -> int:
        raise Undecided(self.symbols)

    def __float__(self) -> float:
        raise Undecided(self.symbols)

    def __repr__(self) -> str:
        return _text(self)


Size = int | Expression  # what shapes hold; a result typed so can be a Fraction only where an author divides


def symbol(name: str, positive: bool = True, whole: bool | None = None) -> Expression:
    """Return a size that is not known yet: a whole number from 1 on, or any number if it need not be `positive`.

    `whole` overrides the latter: a whole number of either sign, or any number above 0.
    """
    atom = _atom("symbol", name=name, positive=positive, whole=positive if whole is None else whole)
    return Expression(((((atom, 1),), 1),))


def truth(name: str) -> Condition:
    """Return a truth value that is not known yet."""
    return Condition("truth", (), (0, name), name)


def as_value(node: Atom | Condition) -> Size | Condition:
    """Return a symbol, as `fold` hands it over, as a value."""
    return _lone(node) if isinstance(node, Atom) else node


def operands_of(value: Any, operator: str) -> tuple[Any, ...]:
    """Return the operands of a value that is nothing but one `//`, min, max, choice or fraction; () for others."""
    terms = _terms(value) if isinstance(value, Expression) else ()
    atom = _alone(terms[0][0]) if len(terms) == 1 and terms[0][1] == 1 else None
    return atom.operands if atom is not None and atom.operator == operator else ()


def with_choices(value: Any, replace: Callable[[Any], Any]) -> Any:
    """Return a size or condition with what `replace` makes of each of its choices, from the inside out."""

    def apply(name: str, operands: tuple[Any, ...]) -> Any:
        return replace(_pick(*operands)) if name == "if" else _MEANING[name](*operands)

    return fold(value, lambda number: number, as_value, apply) if isinstance(value, (Expression, Condition)) else value


def exact(number: Number) -> int:
    """Return the number, as an int where it is whole. Typed as if it were, so that shape rules need no casts."""
    return number.numerator if number.denominator == 1 else number  # type: ignore[return-value]


@_remembered
def divide(a: Quantity, b: Quantity) -> Size:
    """Return `a / b` exactly, of two ints a Fraction too where it is not whole. Raises ZeroDivisionError."""
    if not isinstance(b, Expression):
        return _collect({monomial: _quotient(number, b) for monomial, number in _terms(a)})
    if len(b.terms) == 1:
        monomial, number = b.terms[0]
        return divide(_multiply(a, _term(_times((), monomial, -1), 1)), number)
    a, b = _cleared(a, b)
    shared = _term(*_shared(b))
    b = divide(b, shared)
    quotient, remainder = _reduce(a, b)
    return divide(quotient if remainder == 0 else _multiply(a, _lone(_atom("/", 1, b))), shared)


def ceil_div(a: Quantity, b: Quantity) -> Size:
    """Return `a / b` rounded up. Raises ZeroDivisionError."""
    if isinstance(a, Expression) or isinstance(b, Expression):
        a, b = _cleared(a, b)
        if _whole(a) and _natural(b):  # -(-T//2) would be T - T//2
            return _floor(_sum((a, b, -1)), b)
    return _multiply(-1, _floor(_multiply(-1, a), b))


def product(values: Iterable[Quantity]) -> Size:
    """Return the product, 1 of nothing."""
    result: Size = 1
    for value in values:
        result = result * value if type(value) is int and type(result) is int else _multiply(result, value)
    return result


def minimum(*values: Quantity) -> Size:
    """Return the least of one or more values."""
    return _extreme("min", values)


def maximum(*values: Quantity) -> Size:
    """Return the largest of one or more values."""
    return _extreme("max", values)


def choose(condition: Truth, yes: Quantity, no: Quantity) -> Size:
    """Return `yes` if the condition holds, else `no`; one of them alone where the condition makes them equal.

    So (c if c == 4*n else 4*n) is 4*n: the values that the condition gives to symbols are tried.
    """
    if isinstance(condition, Condition):
        for holds, other in ((condition, no), (negate(condition), yes)):
            facts = known(holds)
            try:
                if _substitute(yes, facts, _pick) == _substitute(no, facts, _pick):
                    return _sum((other,))
            except (ZeroDivisionError, TooLarge):  # what a condition guards may be undefined where it does not hold
                pass
    return _pick(condition, yes, no)


def _pick(condition: Truth, yes: Quantity, no: Quantity) -> Size:
    """`choose` without trying: to try inside of a try takes time that is exponential in the nesting."""
    if condition is True and type(yes) is int:
        return yes
    if isinstance(condition, bool) or yes == no:
        return _sum((no if condition is False else yes,))
    return _lone(_atom("if", condition, yes, no))


def same(a: Quantity, b: Quantity) -> Truth:
    """Return whether two values are equal."""
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    return _compare("==", a, b)


def differ(a: Quantity, b: Quantity) -> Truth:
    """Return whether two values are not equal."""
    return _compare("!=", a, b)


def is_whole(value: Quantity) -> Truth:
    """Return whether a value is a whole number; then `value // 1` is that number, in Python an int and not a float."""
    return same(value, value // 1)


def both(*conditions: Truth) -> Truth:
    """Return whether all of some conditions hold."""
    return _join("and", conditions)


def either(*conditions: Truth) -> Truth:
    """Return whether one of some conditions holds."""
    return _join("or", conditions)


def negate(condition: Truth) -> Truth:
    """Return whether the condition does not hold. It moves inwards: only truth symbols stand below a `not`."""
    if isinstance(condition, bool):
        return not condition
    if condition.operator == "truth":
        return Condition("not", (condition,), (1, condition.name))
    if condition.operator == "not":
        return truth(condition.operands[0].name)
    if condition.operator in ("and", "or"):
        return _join("or" if condition.operator == "and" else "and", map(negate, condition.operands))
    return _compare(_OPPOSITE[condition.operator], *condition.operands)


def known(condition: Truth) -> dict[str, Quantity | Truth]:
    """Return what symbols are where the condition holds, for `substitute`: {s: 1, p: True} of `s == 1 and p`."""
    facts: dict[str, Quantity | Truth] = {}
    conjunction = isinstance(condition, Condition) and condition.operator == "and"
    for part in condition.operands if conjunction else (condition,):  # type: ignore[union-attr]
        fact = _fact(_substitute(part, facts, _pick))
        facts = {name: _substitute(value, fact, _pick) for name, value in facts.items()} | fact
    return facts


def _fact(condition: Truth) -> dict[str, Quantity | Truth]:
    if isinstance(condition, Condition) and condition.operator in ("truth", "not"):
        return {min(condition.symbols): condition.operator == "truth"}
    if isinstance(condition, Condition) and condition.operator == "==":
        difference = _sum((condition.operands[0], _multiply(-1, condition.operands[1])))
        for monomial, number in _terms(difference):
            atom = _alone(monomial)
            if atom and atom.name and abs(number) == 1:
                value = _sum((_lone(atom), _multiply(-number, difference)))
                if atom.name not in symbols(value):
                    return {atom.name: value}
    return {}


def bounds(value: Quantity) -> tuple[Bound, Bound]:
    """Return a lower and an upper bound, perhaps not the closest; an infinity (a float) where there is none."""
    if not isinstance(value, Expression):
        return value, value
    if value._bounds is None:
        value._bounds = _low(value), -_low(-value)
    return value._bounds


def symbols(value: object) -> frozenset[str]:
    """Return the names in a size, a condition, or a tuple of these and other things."""
    if isinstance(value, tuple):
        return frozenset().union(*map(symbols, value))
    return value.symbols if isinstance(value, (Expression, _Node)) else frozenset()


def substitute(value: Any, values: Mapping[str, Quantity | Truth]) -> Any:
    """Return a size, a condition or a tuple of these and other things with values put in for symbols.

    Raises ZeroDivisionError where these make a divisor 0.
    """
    return _substitute(value, values, choose)


def _substitute(value: Any, values: Mapping[str, Quantity | Truth], choose: Callable[..., Size]) -> Any:
    if isinstance(value, tuple):
        return tuple(_substitute(part, values, choose) for part in value)
    names = symbols(value)
    if names.isdisjoint(values):
        return value
    if all(type(values.get(name)) in (int, bool) for name in names):
        return _worked_out(value, values, {})

    def leaf(node: Atom | Condition) -> Any:
        if isinstance(node, Atom):
            value: Any = values.get(node.name)
            return _lone(node) if value is None else _sum((value,))
        return values.get(node.name, node)

    def apply(name: str, operands: tuple[Any, ...]) -> Any:
        return (choose if name == "if" else _MEANING[name])(*operands)

    return fold(value, lambda number: number, leaf, apply)


def _worked_out(value: Any, values: Mapping[str, Any], memo: dict[Atom, Any]) -> Any:
    """Return the number or truth that values make of a size or condition, all of whose symbols they have."""
    if isinstance(value, Expression):
        total: Number = 0
        for monomial, number in value.terms:
            for atom, power in monomial:
                if atom not in memo:
                    memo[atom] = _atom_worked_out(atom, values, memo)
                number = number * memo[atom] ** power if power > 0 else _quotient(number, memo[atom] ** -power)
            total += number
        return exact(total)
    if not isinstance(value, Condition):
        return value
    if value.name:
        return values[value.name]
    return _MEANING[value.operator](*(_worked_out(operand, values, memo) for operand in value.operands))


def _atom_worked_out(atom: Atom, values: Mapping[str, Any], memo: dict[Atom, Any]) -> Any:
    if atom.name:
        return values[atom.name]
    if atom.operator == "if":  # the side that is not taken may be undefined
        condition, *sides = atom.operands
        return _worked_out(sides[0 if _worked_out(condition, values, memo) else 1], values, memo)
    return _MEANING[atom.operator](*(_worked_out(operand, values, memo) for operand in atom.operands))


def fold(
    value: Any,
    number: Callable[[Number], Node],
    symbol: Callable[[Any], Node],
    apply: Callable[[str, tuple[Node, ...]], Node],
) -> Node:
    """Build something else from a size or condition, from the inside out and equal parts once.

    `symbol` gets an Atom or Condition with a `name`. `apply` gets + - * / // ** or a comparison with two operands,
    - or not with one, min, max, and, or with some, `if` with three: condition, yes, no. Where the condition of an `if`
    becomes True or False, the side that is not taken is not visited.
    """
    memo: dict[Any, Node] = {}

    def visit(part: Any) -> Node:
        if not isinstance(part, (Expression, _Node)):
            return number(part)
        if part not in memo:
            if isinstance(part, Expression):
                memo[part] = polynomial(part)
            elif part.operator == "if" and isinstance(condition := visit(part.operands[0]), bool):
                memo[part] = visit(part.operands[1 if condition else 2])
            else:
                memo[part] = symbol(part) if part.name else apply(part.operator, tuple(map(visit, part.operands)))
        return memo[part]

    def polynomial(part: Expression) -> Node:
        scale = lcm(*(coefficient.denominator for _, coefficient in part.terms))
        terms = [(monomial, exact(coefficient * scale)) for monomial, coefficient in part.terms]
        first = next((term for term in terms if term[1] > 0), terms[0])  # 64-c, not -c+64
        result = term(*first)
        for monomial, coefficient in terms:
            if monomial != first[0]:
                result = apply("-" if coefficient < 0 else "+", (result, term(monomial, abs(coefficient))))
        return result if scale == 1 else apply("/", (result, number(scale)))

    def term(monomial: Monomial, coefficient: int) -> Node:
        above: list[Node] = []
        below: list[Node] = []
        for atom, power in monomial:
            factor = visit(atom) if abs(power) == 1 else apply("**", (visit(atom), number(abs(power))))
            (above if power > 0 else below).append(factor)
        if abs(coefficient) != 1 or not above:
            above.insert(0, number(abs(coefficient)))
        result = multiplied(above)
        if below:
            result = apply("/", (result, multiplied(below)))
        return result if coefficient > 0 else apply("-", (result,))

    def multiplied(factors: list[Node]) -> Node:
        result = factors[0]
        for factor in factors[1:]:
            result = apply("*", (result, factor))
        return result

    return visit(value)


def _text(value: Any) -> str:
    """Python: `T-2`, `(T+1)//2 + 1`, `(c if s == 1 else 4*c)`.

    A sum of bare names and numbers has no blanks, any other sum has; products, quotients and powers have none.
    """
    written: tuple[int, str] = fold(value, _write_number, lambda leaf: (9, leaf.name), _write)
    return written[1]


_LEVELS = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "**": 8}  # a comparison is 4, a name 9


def _write_number(number: Number) -> tuple[int, str]:
    return 6 if number.denominator != 1 else 9 if number >= 0 else 7, str(number)


def _write(name: str, operands: tuple[tuple[int, str], ...]) -> tuple[int, str]:
    def inside(operand: tuple[int, str], level: int) -> str:
        return operand[1] if operand[0] >= level else f"({operand[1]})"

    level = _LEVELS.get(name, 4)
    if name == "if":
        return 9, f"({operands[1][1]} if {operands[0][1]} else {operands[2][1]})"
    if name in ("min", "max"):
        return 9, f"{name}({', '.join(text for _, text in operands)})"
    if name in ("and", "or"):
        return level, f" {name} ".join(inside(operand, level + 1) for operand in operands)
    if len(operands) == 1:
        return (level, f"not {inside(operands[0], level)}") if name == "not" else (7, f"-{inside(operands[0], 7)}")
    left, right = inside(operands[0], level + (name == "**")), inside(operands[1], level + 1)
    if level == 5 and not all(letter.isalnum() or letter in "_+-" for letter in left + right):
        if operands[0][0] == 5 and " " not in left:  # it was bare until now
            left = left[0] + left[1:].replace("+", " + ").replace("-", " - ")
        return level, f"{left} {name} {right}"
    return level, f"{left} {name} {right}" if level == 4 else left + name + right


# Polynomials, taken apart into pairs of monomial and number.


def _terms(value: Quantity) -> tuple[tuple[Monomial, Number], ...]:
    if isinstance(value, Expression):
        return value.terms
    if not hasattr(value, "denominator"):
        raise TypeError(f"{value!r} is not a size")
    return (((), value),) if value else ()


def _rank(monomial: Monomial) -> Any:
    """The order of terms, which division by a leading term relies on: by degree, then by atoms."""
    return _facts(monomial).rank


def _key(value: Quantity | Condition) -> Any:
    if isinstance(value, Condition):
        return value.key
    return tuple((_rank(monomial), number) for monomial, number in _terms(value) or (((), 0),))


def _collect(terms: Mapping[Monomial, Number]) -> Size:
    kept = [(monomial, exact(number)) for monomial, number in terms.items() if number]
    if len(kept) > 1:
        return Expression(tuple(sorted(kept, key=lambda term: _rank(term[0]))))
    return _term(*kept[0]) if kept else 0


def _term(monomial: Monomial, number: Number) -> Size:
    return Expression(((monomial, number),)) if monomial else exact(number)


def _lone(atom: Atom) -> Size:
    return _term(((atom, 1),), 1)


def _alone(monomial: Monomial) -> Atom | None:
    return monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None


def _sum(values: Iterable[Quantity]) -> Size:
    total: dict[Monomial, Number] = {}
    for value in values:
        for monomial, number in value.terms if type(value) is Expression else _terms(value):
            total[monomial] = total.get(monomial, 0) + number
    return _collect(total)


def _multiply(a: Quantity, b: Quantity) -> Size:
    if type(a) is int and type(b) is int:  # by far the most frequent
        return a * b
    if a == 1 or b == 1:
        return _sum((a if b == 1 else b,))
    if len(_terms(a)) * len(_terms(b)) > MOST_TERMS * 16:
        raise TooLarge("a product has too many terms")
    total: dict[Monomial, Number] = {}
    for left, number in _terms(a):
        for right, other in _terms(b):
            monomial = _times(left, right)
            total[monomial] = total.get(monomial, 0) + number * other
    return _collect(total)


def _times(left: Monomial, right: Monomial, sign: int = 1) -> Monomial:
    if not right:
        return left
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + sign * power
    return tuple(sorted(((atom, power) for atom, power in powers.items() if power), key=lambda factor: factor[0].key))


def _quotient(a: Number, b: Number) -> Number:
    if b and not a % b:
        return a // b
    from fractions import Fraction

    return Fraction(a) / b


def _shared(*values: Quantity) -> tuple[Monomial, int]:
    """What all terms of values without fractions have in common."""
    terms = [term for value in values for term in _terms(value)]
    powers = [dict(monomial) for monomial, _ in terms]
    least = ((atom, min(others.get(atom, 0) for others in powers)) for atom, _ in terms[0][0])
    return tuple((atom, power) for atom, power in least if power), gcd(*(number.numerator for _, number in terms))


def _cleared(a: Quantity, b: Quantity) -> tuple[Size, Size]:
    """Two values without fractions that have the quotient of these; the leading number of the second is positive."""
    if not _terms(b):
        raise ZeroDivisionError("division by zero")
    below: dict[Atom, int] = {}
    for monomial, _ in _terms(a) + _terms(b):
        for atom, power in monomial:
            below[atom] = max(below.get(atom, 0), -power)
    factor = _term(_times((), tuple(below.items())), lcm(*(n.denominator for _, n in _terms(a) + _terms(b))))
    a, b = _multiply(factor, a), _multiply(factor, b)
    return (a, b) if _terms(b)[0][1] > 0 else (_multiply(-1, a), _multiply(-1, b))


def _reduce(a: Quantity, b: Quantity, only_whole: bool = False) -> tuple[Size, Size]:
    """Quotient and remainder by the leading term of `b`, of values without fractions.

    With `only_whole`, the quotient has only terms that are whole, as what leaves a floor must be.
    """
    lead, divisor = _terms(b)[0]
    pending: dict[Monomial, Number] = dict(_terms(a))
    quotient: dict[Monomial, Number] = {}
    remainder: dict[Monomial, Number] = {}
    while pending:
        monomial = min(pending, key=_rank) if len(pending) > 1 else next(iter(pending))
        times, ratio = pending[monomial] // divisor, _times(monomial, lead, -1)
        if not times or any(power < 0 for _, power in ratio) or (only_whole and not _whole_monomial(ratio)):
            remainder[monomial] = pending.pop(monomial)
            continue
        quotient[ratio] = times
        for other, number in _terms(b):
            monomial = _times(ratio, other)
            pending[monomial] = pending.get(monomial, 0) - times * number
            if not pending[monomial]:
                del pending[monomial]
        if len(quotient) + len(pending) > MOST_TERMS * 2:
            raise TooLarge("a quotient has too many terms")
    return _collect(quotient), _collect(remainder)


def _floor(a: Quantity, b: Quantity) -> Size:
    if not isinstance(a, Expression) and not isinstance(b, Expression):
        return exact(a // b)
    return _open_floor(a, b)


@_remembered
def _open_floor(a: Quantity, b: Quantity) -> Size:
    a, b = _cleared(a, b)
    if isinstance(b, Expression):
        content = _term(*_shared(b))
        if len(b.terms) > 1:
            quotient, remainder = _reduce(a, divide(b, content))
            if remainder == 0:
                return _floor(quotient, content)
        common = _term(_shared(a, b)[0], 1)
        a, b = divide(a, common), divide(b, common)
    outside, a = _reduce(a, b, True)
    rounds = _whole(a) and _natural(b)  # then (2*a + 1)//(2*b) is a//b, and (a//2 + 1)//b is (a + 2)//(2*b)
    terms = [*_terms(b), *((monomial, number) for monomial, number in _terms(a) if monomial or not rounds)]
    shared = gcd(*(number.numerator for _, number in terms))
    if shared > 1:
        a = _collect({monomial: number // shared for monomial, number in _terms(a)})
        b = _collect({monomial: number // shared for monomial, number in _terms(b)})
        return _sum((outside, _floor(a, b)))
    for monomial, number in _terms(a) if rounds else ():
        atom = _alone(monomial)
        if atom and atom.operator == "//" and number == 1:
            inner, below = atom.sizes
            rest = _multiply(below, a - _lone(atom))
            return _sum((outside, _floor(_sum((inner, rest)), _multiply(below, b))))
    low, high = bounds(a)
    if a == 0 or (low >= 0 and _low(b - a) > 0):
        return outside
    if high < 0 and _low(a + b) >= 0:
        return outside - 1
    return outside + _lone(_atom("//", a, b))


@_remembered
def _extreme(name: str, values: tuple[Quantity, ...]) -> Size:
    kept: list[Quantity] = []
    for value in values:
        terms = _terms(value)
        atom = _alone(terms[0][0]) if len(terms) == 1 and terms[0][1] == 1 else None
        for part in atom.sizes if atom and atom.operator == name else (value,):
            gaps = [bounds(part - other if name == "max" else other - part) for other in kept]
            if all(high > 0 for _, high in gaps):
                kept = [other for other, (low, _) in zip(kept, gaps, strict=True) if low < 0] + [part]
            if len(kept) > MOST_OPERANDS:
                raise TooLarge(f"the {name} of more than {MOST_OPERANDS} values")
    return _sum(kept) if len(kept) == 1 else _lone(_atom(name, *sorted(kept, key=_key)))


def _whole(value: Quantity) -> bool:
    return value.whole if isinstance(value, Expression) else value.denominator == 1


def _whole_monomial(monomial: Monomial) -> bool:
    return _facts(monomial).whole


def _natural(value: Quantity) -> bool:
    return bool(_whole(value) and bounds(value)[0] >= 1)


# Conditions.


@_remembered
def _compare(name: str, a: Quantity, b: Quantity) -> Truth:
    kind = {"<": ">", "<=": ">="}.get(name, name)
    difference = _sum((a, _multiply(-1, b)) if kind == name else (b, _multiply(-1, a)))
    low, high = bounds(difference)
    if kind in ("==", "!="):
        yes, no = low == high == 0, low > 0 or high < 0
    else:
        yes, no = low > 0 or (low == 0 and kind == ">="), high < 0 or (high == 0 and kind == ">")
    if yes or no or not isinstance(difference, Expression):
        return bool(yes) != (kind == "!=")

    # Whole numbers without a common factor, so that 2*a > 2 and a >= 2 are equal.
    scale = lcm(*(number.denominator for _, number in difference.terms))
    terms = {monomial: exact(number * scale) for monomial, number in difference.terms}
    constant = terms.pop((), 0)
    shared = gcd(*terms.values())
    if all(map(_whole_monomial, terms)):
        if kind == ">":
            kind, constant = ">=", constant - 1
        elif kind != ">=" and constant % shared:
            return kind == "!="
    else:
        shared = gcd(shared, constant)
    normal = _collect({monomial: number // shared for monomial, number in terms.items()} | {(): constant // shared})
    if kind in ("==", "!=") and _terms(normal)[0][1] < 0:
        normal = -normal

    if difference.symbols != symbols((a, b)):  # what cancels must not be asked for
        a = _sum(_term(monomial, number) for monomial, number in difference.terms if number > 0)
        b = _sum(_term(monomial, -number) for monomial, number in difference.terms if number < 0)
        if name in ("<", "<="):
            a, b = b, a
    return Condition(name, (a, b), (4 + (">=", ">", "==", "!=").index(kind), _key(normal)))


def _join(name: str, conditions: Iterable[Truth]) -> Truth:
    absorbs = name == "or"
    parts: dict[Truth, None] = {}
    for condition in conditions:
        if isinstance(condition, bool):
            if condition is absorbs:
                return absorbs
            continue
        for part in condition.operands if condition.operator == name else (condition,):
            if negate(part) in parts:
                return absorbs
            parts[part] = None
            if len(parts) > MOST_OPERANDS:
                raise TooLarge(f"more than {MOST_OPERANDS} conditions joined by `{name}`")
    if len(parts) < 2:
        return next(iter(parts), not absorbs)
    return Condition(name, tuple(parts), (2 + absorbs, tuple(sorted(map(_key, parts)))))


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MEANING: dict[str, Callable[..., Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": same,
    "!=": differ,
    "+": lambda *parts: _sum(parts),
    "-": lambda *parts: _sum((*parts[:-1], _multiply(-1, parts[-1]))),
    "*": _multiply,
    "/": divide,
    "//": _floor,
    "**": lambda base, power: product([base] * power),
    "min": minimum,
    "max": maximum,
    "and": both,
    "or": either,
    "not": negate,
}


# Bounds.


def _low(value: Quantity) -> Bound:
    """The better of two lower bounds, rounded up to what a whole value can be."""
    if not isinstance(value, Expression):
        return value
    best: Bound = -inf
    try:
        best = _low_from_ranges(value)
        relaxed = _without_floors(value)
        if relaxed != value:
            best = max(best, _low(relaxed))
    except TooLarge:
        pass
    if value.whole and best > -inf:  # the next number of those that 4*a + 1 can be
        constant = sum(number for monomial, number in value.terms if not monomial)
        step = gcd(*(number.numerator for monomial, number in value.terms if monomial))
        best = constant - (constant - best) // step * step
    return best


def _low_from_ranges(value: Expression) -> Bound:
    """A bound by counting each atom from its own: T*H - T is H' + T'*H' where T' = T-1 and H' = H-1."""
    widths: dict[tuple[Atom, bool], Bound] = {}
    total: dict[Monomial, Number] = {}
    for monomial, number in value.terms:
        part: dict[Monomial, Number] = {(): number}
        for atom, power in monomial:
            low, high = _range(atom)
            if power > 0 and low > -inf:
                sign, start, width = 1, low, high if high == inf else high - low
            elif power > 0 and high < inf:
                sign, start, width = -1, high, inf
            elif power < 0 < low:
                sign, start, width = 1, 0, divide(1, low)
            else:
                return -inf
            widths[atom, power > 0] = width
            for _ in range(abs(power)):
                part, before = {other: n * start for other, n in part.items()}, part
                for other, n in before.items():
                    other = _times(other, ((atom, 1 if power > 0 else -1),))
                    part[other] = part.get(other, 0) + n * sign
                if len(part) > MOST_TERMS:
                    return -inf
        for other, n in part.items():
            total[other] = total.get(other, 0) + n
    result: Bound = total.pop((), 0)
    for monomial, number in total.items():
        if number < 0:
            factors = [widths[atom, power > 0] for atom, power in monomial for _ in range(abs(power))]
            if inf in factors and 0 not in factors:
                return -inf
            result += 0 if 0 in factors else number * product(factors)
    return result


def _range(atom: Atom) -> tuple[Bound, Bound]:
    if atom.operator == "symbol":
        return (int(atom.whole) if atom.positive else -inf), inf
    lows, highs = zip(*map(bounds, atom.sizes), strict=True)
    if atom.operator in ("//", "/"):
        (low, least), (high, most) = lows, highs
        if least <= 0:
            return -inf, inf
        if atom.operator == "/":
            return 0, divide(1, least)
        return _floor_end(low, most if low >= 0 else least), _floor_end(high, least if high >= 0 else most)
    return (max if atom.operator == "max" else min)(lows), (min if atom.operator == "min" else max)(highs)


def _floor_end(a: Bound, b: Bound) -> Bound:
    if abs(a) == inf:
        return a
    return a // b if b != inf else 0 if a >= 0 else -1


@_remembered
def _without_floors(value: Expression) -> Size:
    """Something that is not larger, with quotients for floors where the signs around them are known."""
    parts: list[Quantity] = []
    for monomial, number in value.terms:
        part = _term(monomial, number)
        for atom, power in monomial:
            rest = _times(monomial, ((atom, power),), -1)
            if atom.operator == "//" and power == 1 and all(_range(other)[0] >= 0 for other, _ in rest):
                a, b = atom.sizes
                if bounds(b)[0] > 0:
                    if number > 0:  # a//b >= (a - b + 1)/b
                        a = _sum((a, _multiply(-1, b), int(_whole(a) and _whole(b))))
                    part = _multiply(divide(a, b), _term(rest, number))
                    break
        parts.append(part)
    return _sum(parts)
