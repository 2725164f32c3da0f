"""One etcd lease kept alive: renewed at a third of its life, and silence past its end told.

Only the server knows whether a lease lives. An answer without time left is a loss, told at once. No
answer is not: the session goes on asking, and says that it is `overdue` once the moment has passed
at which the server may have let the lease go. That moment is counted on a clock that runs while
the machine sleeps (CLOCK_BOOTTIME), for the server's clock did not sleep.

Keeping a lease alive writes nothing: ten thousand nodes renewing cause no watch event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from hostgw_core.backoff import Backoff, around
from hostgw_core.store import Store, StoreError
from hostgw_core.wake import Wake

_LONGEST_PERIOD = 600.0  # seconds: a day's lease that was revoked is noticed within ten minutes
_NAP = 60.0  # seconds: the event loop's timers stand still while the machine sleeps
_AT_ONCE = 0.001  # seconds: less than that is not waited for


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

    `tried` is called after each try with its result ("ok", "gone", "error") and its seconds.
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
        self._due = math.inf  # the moment, on our clock, at which to ask again
        self.state = SessionState()

    def hold(self, lease: int, ttl: int) -> None:
        """Keep this lease alive from now on; `ttl` is its time to live as it was just granted."""
        self._confirmed(lease, ttl, self._clock())
        self._wake.ring()

    async def granted(self, ttl: int) -> int:
        """Give the lease that is kept alive; where none is, a new one of `ttl` seconds, kept.

        It is kept before anything hangs on it: a write whose answer is lost may have been done.
        Raise like Store.grant.
        """
        if not self.state.lease:
            grant = await self._store.grant(ttl)
            self.hold(grant.id, grant.ttl)
        return self.state.lease

    def adopt(self, lease: int) -> None:
        """Keep a lease of an earlier life alive: how long it has left is asked at once."""
        if lease != self.state.lease:
            now = self._clock()
            self.state = SessionState(lease, 0, renewed=now, deadline=now)
            self._due = now
            self._wake.ring()

    def drop(self) -> None:
        """Keep nothing alive; whatever was kept lapses by itself."""
        self.state = SessionState()
        self._due = math.inf
        self._wake.ring()

    async def run(self) -> NoReturn:
        """Renew for ever."""
        while True:
            early = self._due - self._clock()
            if early > _AT_ONCE:
                await self._wake.wait(within=None if early == math.inf else min(early, _NAP))
            else:
                await self.renew()

    async def renew(self) -> None:
        """Renew once, now, what is kept alive, if anything is.

        An answer about a lease that was let go meanwhile says nothing.
        """
        asked, lease = self._clock(), self.state.lease
        if not lease:
            return
        try:
            left = await self._store.keep_alive(lease)
        except StoreError as error:
            self._tried("error", self._clock() - asked)
            if self.state.lease == lease:
                self.state = replace(self.state, error=str(error))
                self._due = self._clock() + self._backoff.failed()
            return
        self._backoff.succeeded()
        if self.state.lease != lease:
            return
        if left > 0:
            # Counted from before the question: the server counted from somewhere in between.
            self._confirmed(lease, left, asked)
            self._tried("ok", self._clock() - asked)
        else:
            self.drop()
            self._tried("gone", self._clock() - asked)
            self._lost()

    def _confirmed(self, lease: int, ttl: int, since: float) -> None:
        self.state = SessionState(lease, ttl, renewed=since, deadline=since + ttl)
        self._due = since + around(min(ttl / 3, _LONGEST_PERIOD))
