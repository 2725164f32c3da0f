"""How often our own key is put right: at once, and ever more seldom when it does not stay so.

Whoever writes over our key may be answering us. A flanneld that still runs on this host renews its
lease the moment it sees that little is left of the etcd lease that we hang the key on, which is our
way of putting right what it wrote: with a short `--lease-ttl` the two would write for ever, as fast
as the store can. So a few answers are free, then each waits longer than the one before. A key that
is gone does not wait long: then the other nodes have no route to us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hostgw_core.backoff import Backoff

FREE: Final = 5
"""Answers that need not wait: losing a key now and then is no quarrel."""

QUIET: Final = 1800.0
"""Seconds without an answer after which all is forgotten."""

LONGEST_GONE: Final = 10.0
LONGEST: Final = 600.0
"""Seconds that an answer waits at most, while the key is gone and while it stands."""


class Restraint:
    """Counts our answers at one key, `key`. `clock` is the claimant's, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._backoff = Backoff(0.1, LONGEST)
        self._answers = 0
        self._last = 0.0
        self._pause = 0.0
        self.key = b""

    def answered(self, key: bytes) -> None:
        """Note that a key was just written; only ours is counted."""
        if key != self.key:
            return
        if self._calm_in() == 0:
            self._answers = 0
            self._backoff.succeeded()
        self._answers += 1
        self._last = self._clock()
        self._pause = self._backoff.failed() if self._answers >= FREE else 0.0

    def wait(self, key: bytes, *, gone: bool) -> float:
        """Give the seconds before a key may be written, 0 for at once and for any key but ours."""
        pause = min(self._pause, LONGEST_GONE) if gone else self._pause
        return max(0.0, self._last + pause - self._clock()) if key == self.key else 0.0

    @property
    def condition(self) -> dict[str, str]:
        """The condition that somebody keeps writing over our key, if somebody does."""
        if not self._disputed:
            return {}
        return {"lease_disputed": f"{self.key.decode()} does not stay as this node writes it"}

    @property
    def look_again(self) -> float | None:
        """The seconds until the condition may be over, None where there is none."""
        return self._calm_in() if self._disputed else None

    @property
    def _disputed(self) -> bool:
        return self._answers >= FREE and self._calm_in() > 0

    def _calm_in(self) -> float:
        return max(0.0, self._last + QUIET - self._clock()) if self._answers else 0.0
