"""Removals that wait: which, why, and until when.

A lease that goes from the store does not take its route along at once. Behind it may be a node that
is as well as before: its key was deleted by mistake, its etcd lease expired in an outage, the whole
store was wiped. Such a node puts its lease back within moments. A route to a node that is really
gone does no harm meanwhile, for it yields at once to whoever else gets its subnet.

| the removal | it waits |
|---|---|
| a few leases go | `--removal-grace` (2 s): time to put back what was deleted by mistake |
| within ten minutes more than 5, and more than a fifth of the peers | `--removal-hold` (5 min) |
| within ten minutes half of the peers or more, of more than two | the same |
| any, while our own lease is missing too | the same |
| any, also one that waits, in a broken history | until its node writes again, or somebody decides |

After `--removal-hold` a route goes only if its gateway does not answer on the link. What leaves on
purpose does not count, and does not wait: a lease in quarantine, and one whose node has another.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hostgw_core.model import Lease

WINDOW: Final = 600.0
"""Seconds over which removals are counted."""

FEW, SHARE = 5, 0.2
"""Removals that nobody wonders about: this many, or this share of the peers."""

AGAIN: Final = 60.0
"""Seconds after which a gateway that still answered is asked again."""


class Cause(StrEnum):
    """Why a removal waits."""

    LEAVING = "leaving"
    MANY = "many"
    OWN_TOO = "own_too"
    HISTORY = "history"


_WORDS: Final = {
    Cause.LEAVING: "its lease has just gone from the store",
    Cause.MANY: "its lease went from the store together with many others",
    Cause.OWN_TOO: "its lease is missing in the store, and our own is missing too",
    Cause.HISTORY: "its lease is not in the history that the store tells now",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a removal waits: an ordinary one, and one that looks like an accident."""

    grace: float = 2.0
    hold: float = 300.0

    def until(self, cause: Cause, now: float) -> float:
        """Give the moment at which the wait is over, infinity for none."""
        if cause is Cause.HISTORY:
            return math.inf
        return now + (self.grace if cause is Cause.LEAVING else self.hold)


@dataclass(frozen=True, slots=True)
class Hold:
    """A removal that waits: the lease as it was believed last; moments of the guard's clock."""

    lease: Lease
    cause: Cause
    since: float
    until: float

    @property
    def reason(self) -> str:
        """Say why it is held."""
        return _WORDS[self.cause]

    @property
    def grave(self) -> bool:
        """Whether it is more than the usual moment of patience."""
        return self.cause is not Cause.LEAVING


def cause_of(gone: int, crowd: int, *, own_missing: bool, broken: bool) -> Cause:
    """Judge a removal: `gone` leases have left within the window, of at most `crowd` peers."""
    if broken:
        return Cause.HISTORY
    if own_missing:
        return Cause.OWN_TOO
    if gone > max(FEW, SHARE * crowd) or (crowd > 2 and 2 * gone >= crowd):
        return Cause.MANY
    return Cause.LEAVING


class Crowd:
    """The largest number of peers within the window, followed as it changes."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def count(self, peers: int, now: float) -> None:
        """Note how many peers there are from now on."""
        since = now
        while self._counts and self._counts[-1][1] <= peers:
            since, _ = self._counts.pop()  # from then on there were no more than this
        self._counts.append((since, peers))

    def largest(self, now: float) -> int:
        """Give the largest number that was so at any moment of the window."""
        # A number was so until the next one came: it is over only when that one is old, too.
        while len(self._counts) > 1 and self._counts[1][0] <= now - WINDOW:
            self._counts.popleft()
        return self._counts[0][1] if self._counts else 0


class Departures:
    """The leases that have left within the window and have not come back."""

    def __init__(self) -> None:
        self._left: dict[bytes, float] = {}

    def left(self, keys: Iterable[bytes], now: float) -> int:
        """Note that these have left; give how many have within the window."""
        for key in keys:
            self._left.pop(key, None)  # what is noted last stands last
            self._left[key] = now
        while self._left and self._left[first := next(iter(self._left))] <= now - WINDOW:
            del self._left[first]
        return len(self._left)

    def came_back(self, key: bytes) -> None:
        """Forget that it left."""
        self._left.pop(key, None)
