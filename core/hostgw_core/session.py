"""One etcd lease kept alive: renewed at a third of its life, and silence past its end told.

Only the server knows whether a lease lives. An answer without time left is a loss, told at once. No
answer is not: the session goes on asking, and says that it is `overdue` once the moment has passed
at which the server may have let the lease go. That moment is counted on a clock that runs while
the machine sleeps (CLOCK_BOOTTIME), for the server's clock did not sleep.

Keeping a lease alive writes nothing: ten thousand nodes renewing cause no watch event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from hostgw_core.backoff import Backoff, around
from hostgw_core.store import Store, StoreError
from hostgw_core.wake import Wake

_LONGEST_PERIOD = 600.0  # seconds: a day's lease that was revoked is noticed within ten minutes


@dataclass(frozen=True, slots=True)
class SessionState:
    """How a lease stands. Moments are seconds of the session's clock; `lease` 0 means none is kept.

    `deadline` is when the server may let it go if it hears nothing more from us.
    """

    lease: int = 0
    ttl: int = 0
    renewed: float = 0.0
    deadline: float = 0.0
    error: str = ""

    def overdue(self, now: float) -> bool:
        """Tell whether a lease that once was ours may be gone, for all that we know."""
        return self.ttl != 0 and now > self.deadline


class Session:
    """Keeps at most one etcd lease alive. `lost` is called when the server says that it is gone.

    `renewed` is called after each try with its result ("ok", "gone", "error") and its seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        lost: Callable[[], None],
        clock: Callable[[], float],
        tried: Callable[[str, float], None] = lambda _result, _seconds: None,
    ) -> None:
        self._store = store
        self._lost = lost
        self._clock = clock
        self._tried = tried
        self._wake = Wake()
        self._backoff = Backoff(0.5, 10.0)
        self.state = SessionState()

    def hold(self, lease: int, ttl: int) -> None:
        """Keep this lease alive from now on; `ttl` is its time to live as it was just granted."""
        now = self._clock()
        self.state = SessionState(lease, ttl, renewed=now, deadline=now + ttl)
        self._wake.ring()

    def adopt(self, lease: int) -> None:
        """Keep a lease of an earlier life alive: how long it has left is asked at once."""
        if lease != self.state.lease:
            self.state = SessionState(lease, 0, renewed=self._clock(), deadline=self._clock())
            self._wake.ring()

    def drop(self) -> None:
        """Keep nothing alive; whatever was kept lapses by itself."""
        self.state = SessionState()
        self._wake.ring()

    async def run(self) -> NoReturn:
        """Renew for ever."""
        while True:
            pause = await self.renew() if self._due() else self._until_due()
            await self._wake.wait(within=pause)

    def _due(self) -> bool:
        return self.state.lease != 0 and self._until_due() == 0

    def _until_due(self) -> float | None:
        if self.state.lease == 0:
            return None
        period = min(self.state.ttl / 3, _LONGEST_PERIOD)
        return max(0.0, self.state.renewed + period - self._clock())

    async def renew(self) -> float | None:
        """Renew once, now; give the seconds until the next time, None for "when asked"."""
        asked, lease = self._clock(), self.state.lease
        try:
            left = await self._store.keep_alive(lease)
        except StoreError as error:
            self._tried("error", self._clock() - asked)
            if self.state.lease == lease:
                self.state = replace(self.state, error=str(error))
            return self._backoff.failed()
        self._backoff.succeeded()
        if self.state.lease != lease:
            return 0.0
        if left <= 0:
            self._tried("gone", self._clock() - asked)
            self.state = SessionState()
            self._lost()
            return None
        self._tried("ok", self._clock() - asked)
        # Counted from before the question: the server counted from somewhere in between.
        self.state = SessionState(lease, left, renewed=asked, deadline=asked + left)
        return around(min(left / 3, _LONGEST_PERIOD))
