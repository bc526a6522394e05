"""Which known word a misspelled one may stand for."""

from __future__ import annotations

from collections.abc import Iterable

MOST_EDITS = 2


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that the fewest edits lead to, if two are enough and half of the word is kept;
    else the shortest that begins with it."""
    if len(word) > 40:
        return None
    known = tuple(known)
    distances = ((distance(word, other), other) for other in known if abs(len(word) - len(other)) <= MOST_EDITS)
    best = min(distances, default=None)
    if best is None or best[0] > MOST_EDITS or best[0] * 2 > max(len(word), len(best[1])):
        begun = [other for other in known if len(word) > 1 and other.startswith(word)]
        return min(begun, key=len, default=None)
    return best[1]


def distance(first: str, second: str) -> int:
    """Return the number of insertions, deletions, changes and swaps of neighbours between two words.

    The optimal string alignment variant of Damerau (1964), "A technique for computer detection and correction of
    spelling errors".
    """
    earlier: list[int] = []
    previous: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        earlier, previous, row = previous, row, [i]
        for j, b in enumerate(second, 1):
            best = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b))
            if earlier and j > 1 and a == second[j - 2] and first[i - 2] == b:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]
