"""How much a piece of work is, in calls of functions: the same on every machine, where seconds are not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class TooMuch(BaseException):
    """More work than was allowed. Not an Exception, so that nothing on the way handles it."""


def measured(work: Callable[[], T], most: int) -> tuple[T, int]:
    """Do a piece of work; return what it returned, and how many functions were called, of Python and of C.

    Raises TooMuch as soon as there are more than `most`, so that what would take hours ends as well.
    """
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        if event in ("call", "c_call"):
            calls += 1
            if calls > most:
                raise TooMuch(f"more than {most:,} calls, in {frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        result = work()
    finally:
        sys.setprofile(before)
    return result, calls
