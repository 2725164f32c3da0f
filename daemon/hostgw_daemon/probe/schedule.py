"""Whose turn it is to be asked: at a bounded rate, whoever is in doubt before the others. Pure.

A small cluster is asked every `EVERY` seconds; a large one at `rate` peers a second, each in its
turn. Who is in doubt is asked again after `AGAIN`, and once it is known to be bad, every `BAD`
seconds, so that its recovery is seen; many bad ones share twice the rate, for half a cluster that
is switched off is news once. No more than four times the rate goes out, whatever happens. One that
is bad is so for everybody, and has to answer all of them: so each of thousands asks it less often.

Asking somebody with whom no packet is exchanged makes an entry in the kernel's neighbour table, and
that table is small. So of those that are not in it no more than an allowance are asked a minute;
those that it holds already, because packets go there, cost nothing. What it holds, the caller says:
above gc_thresh1 the kernel throws idle entries out, and then they are new again.

Who is asked because somebody ordered it is urgent: his turn comes at the rate, not in a round of
all, and again soon, until all is known that was to be found out. The bounds hold for him too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from heapq import heappop, heappush
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

EVERY: Final = 1.0
AGAIN: Final = 0.3
BAD: Final = 1.0
RATION: Final = 1.0
"""Seconds between two answers that a kernel gives to one asker for good (icmp_ratelimit)."""
MINUTE: Final = 60.0
CROWD: Final = 1000
"""So many nodes ask a bad one every `BAD` seconds; where there are more, each takes longer."""

ALLOWANCE: Final = 32
"""A quarter of Linux's gc_thresh1: as many entries as are never dropped for being too many."""


class Turns(Generic[K]):
    """The due moments, in seconds of the caller's clock. `rate` is peers a second."""

    def __init__(self, *, rate: float, chance: Callable[[], float]) -> None:
        self._rate = rate
        self._chance = chance
        self._due: dict[K, float] = {}
        self._bad: set[K] = set()
        self._heap: list[tuple[float, int, K]] = []
        self._serial = 0
        self._last = float("-inf")
        self._entries: deque[float] = deque()
        self._urgent: set[K] = set()

    def come(self, key: K, now: float) -> None:
        """Take somebody new; the first turn is in the course of one round."""
        self._put(key, now + self._chance() * self.period(len(self._due) + 1))

    def leave(self, key: K) -> None:
        """Forget somebody."""
        del self._due[key]
        self._bad.discard(key)
        self._urgent.discard(key)

    def hurry(self, keys: Sequence[K], now: float) -> None:
        """Let these have their turns next, one after the other at the rate, until `calm`."""
        for place, key in enumerate(keys):
            if key in self._due:
                self._urgent.add(key)
                self._put(key, now + place / self._rate)

    def calm(self, key: K) -> None:
        """Let one have its turns as ever again."""
        self._urgent.discard(key)

    def lasts(self, keys: Sequence[K], now: float, known: Callable[[K], bool]) -> float:
        """Give the seconds until each of these has had a turn, if they are hurried now."""
        self._forget(now)
        strangers = sum(not known(key) for key in keys)
        minutes = (len(self._entries) + strangers - 1) // ALLOWANCE if strangers else 0
        return max(len(keys) / self._rate, minutes * MINUTE)

    def period(self, count: int = 0) -> float:
        """Give the seconds between two turns of one that is not in doubt."""
        return max(EVERY, (count or len(self._due)) / self._rate)

    def next(self) -> float | None:
        """Give when somebody is due, None when there is nobody."""
        self._tidy()
        return max(self._heap[0][0], self._last + 0.25 / self._rate) if self._heap else None

    def take(self, now: float, known: Callable[[K], bool]) -> K | None:
        """Give who is to be asked now, None if nobody is; `known`: the table has an entry for it.

        Whoever is taken must be put back with `asked`. One that may not be asked for want of
        allowance waits for its next turn.
        """
        when = self.next()
        while when is not None and when <= now:
            _, _, key = heappop(self._heap)
            if known(key) or self._allowed(now):
                self._last = now
                return key
            wait = self._entries[0] + MINUTE if key in self._urgent else now + self.period()
            self._put(key, wait)
            when = self.next()
        return None

    def asked(self, key: K, now: float, *, doubtful: bool, bad: bool, least: float = 0.0) -> None:
        """Set the next turn of one that was asked, or of which an answer has just come or not.

        It comes after `least` seconds or later.
        """
        if key not in self._due:
            return
        (self._bad.add if bad else self._bad.discard)(key)
        if bad:
            fair = max(BAD * len(self._due) / CROWD, len(self._bad) / (2 * self._rate))
            wait = BAD if key in self._urgent else max(BAD, fair)
        else:
            wait = AGAIN if doubtful or key in self._urgent else self.period()
        self._put(key, now + max(wait, least))

    def _forget(self, now: float) -> None:
        """Drop the entries that were made more than a minute ago."""
        while self._entries and self._entries[0] + MINUTE <= now:  # as `take` reckons it
            self._entries.popleft()

    def _allowed(self, now: float) -> bool:
        self._forget(now)
        if len(self._entries) >= ALLOWANCE:
            return False
        self._entries.append(now)
        return True

    def _put(self, key: K, due: float) -> None:
        self._serial += 1
        self._due[key] = due
        heappush(self._heap, (due, self._serial, key))

    def _tidy(self) -> None:
        """Drop what was put off or taken away meanwhile from the top."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
