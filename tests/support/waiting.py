"""Wait for a condition, with a limit: the only way a test may let time pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.02  # seconds between two looks


def eventually(look: Callable[[], T], *, within: float = 10.0, what: str = "") -> T:
    """Call `look` until it gives something true, and return that.

    An AssertionError of `look` counts as "not yet" and is what is raised in the end, so that the
    test fails with the last difference seen.
    """
    end = time.monotonic() + within
    while True:
        last: AssertionError | None = None
        try:
            if seen := look():
                return seen
        except AssertionError as error:
            last = error
        if time.monotonic() > end:
            raise last or AssertionError(f"not within {within} s: {what or look}")
        time.sleep(PAUSE)


async def eventually_async(
    look: Callable[[], Awaitable[T] | T], *, within: float = 10.0, what: str = ""
) -> T:
    """Do as `eventually` does, without holding up the event loop; `look` may be a coroutine."""
    end = time.monotonic() + within
    while True:
        last: AssertionError | None = None
        try:
            seen = look()
            if isinstance(seen, Awaitable):
                seen = await seen
            if seen:
                return seen
        except AssertionError as error:
            last = error
        if time.monotonic() > end:
            raise last or AssertionError(f"not within {within} s: {what or look}")
        await asyncio.sleep(PAUSE)
