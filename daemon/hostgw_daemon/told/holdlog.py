"""The lines of the journal about holds: how many began, ended, or were extended, and why.

Ten thousand leases that go are one line, not ten thousand: what happens within a few seconds is
said together. A removal that waits its usual moment is not worth a line.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hostgw_daemon.routes.holds import Cause
from hostgw_daemon.routes.watchfulness import Watchfulness

EVERY: Final = 5.0
"""Seconds between two tellings."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is said, the cause of the holds, and how many, by the word for them."""

    event: str
    cause: str
    counts: dict[str, int]


class HoldLog:
    """Remembers what was said. `now` is in seconds of any clock that does not go back."""

    def __init__(self) -> None:
        self._begun: Counter[Cause] = Counter()
        self._ended: Counter[tuple[Cause, str]] = Counter()
        self._extended = 0
        self._said = -math.inf

    def news(self, guard: Watchfulness, now: float) -> tuple[Line, ...]:
        """Give what is to be said now."""
        if now < self._said + EVERY:
            return ()
        lines = (*self._beginnings(guard), *self._ends(guard), *self._extensions(guard))
        if lines:
            self._said = now
        return lines

    def _beginnings(self, guard: Watchfulness) -> Iterator[Line]:
        begun = Counter(guard.begun)
        for cause, count in (begun - self._begun).items():
            if cause is not Cause.LEAVING:
                yield Line("Leases that went from the store are held", cause, {"count": count})
        self._begun = begun

    def _ends(self, guard: Watchfulness) -> Iterator[Line]:
        ended = Counter(guard.ended)
        fresh = ended - self._ended
        for cause in Cause:
            counts = {how: count for (each, how), count in fresh.items() if each is cause}
            if counts and cause is not Cause.LEAVING:
                yield Line("Holds are over", cause, counts)
        self._ended = ended

    def _extensions(self, guard: Watchfulness) -> Iterator[Line]:
        if guard.extended > self._extended:
            count = guard.extended - self._extended
            yield Line("An operator has extended holds", "", {"count": count})
        self._extended = guard.extended
