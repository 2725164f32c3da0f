"""What this node says of itself in the store, written seldom: its conditions, and what it applied.

etcd keeps every version of every key, so what changes often must not be written as often:

* A condition that has come or gone is told once it has been so for `SETTLE` seconds; what comes and
  goes within them is never told. In a large cluster a little later, each node at another moment,
  for what concerns one may concern all.
* That a further revision is in the kernel is told when something else is, or else after `EVERY`.
  But a node that leaves on purpose waits until the others have let go of it: that is told soon,
  each node at another moment, a few times at once, and then one time in as many seconds as there
  are nodes.
* In all, a few times at once (`allowance`) and then one time `EVERY`.
* With so many nodes that this would be more than one write a second, `EVERY` is as many seconds as
  there are nodes. 1,000 nodes write 86,400 times a day at most, of some 500 bytes: 43 MB.
* Nothing is written while nothing has changed, and nothing into a store that is full.

Its subnets and addresses are told at once, by the claim (`announcement`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import random
from typing import Final, NoReturn

from hostgw_core.backoff import Backoff
from hostgw_core.store import StoreError
from hostgw_core.wake import Wake
from hostgw_daemon.claim.allowance import Allowance
from hostgw_daemon.claim.announcement import Announcement

SETTLE: Final = 10.0  # seconds
EVERY: Final = 600.0  # seconds
A_NODE: Final = 1.0  # seconds between two writes of a cluster, in the long run
SPREAD: Final = 0.01  # seconds a node, over which what all see at once is told
SOON: Final = 1.0  # seconds, at least, over which all tell that they have let go of a node
SOON_SPREAD: Final = 0.002  # the same, a node: 500 writes a second
_TICK: Final = 0.001  # seconds by which a timer may be early
_LOOK_AGAIN: Final = 30.0  # seconds, while our presence is not known to stand


class Telling:
    """Has `announcement` tell. `crowd` gives how many nodes there are; `clock` is in seconds."""

    def __init__(
        self,
        announcement: Announcement,
        *,
        crowd: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._announcement = announcement
        self._crowd = crowd
        self._clock = clock
        self._wake = Wake()
        self._backoff = Backoff(1.0, 60.0)
        self._allowance = Allowance()
        self._farewells = Allowance()
        self._conditions: tuple[str, ...] = ()
        self._full = False
        self._settled = 0.0  # when a difference in the conditions will have settled, 0: none
        self._rested = 0.0  # when a further revision may be told, 0: not known yet
        self._withdrawn = 0  # the revision of which somebody waits to hear that it is applied
        self._soon = 0.0  # when it is told, 0: nobody waits, or it is not applied yet
        self._failed = 0.0  # until when the store is left alone

    def stand(self, conditions: Iterable[str], *, full: bool) -> None:
        """Take the codes of what is wrong here, and whether the store is full."""
        now = tuple(sorted(conditions))
        if (now, full) != (self._conditions, self._full):
            self._conditions, self._full = now, full
            self._wake.ring()

    def applied(self, revision: int, withdrawn: int = 0) -> None:
        """Take the revision up to which our routes are in the kernel.

        `withdrawn` is that at which a lease was withdrawn whose node waits to hear of it.
        """
        if (revision, withdrawn) != (self._announcement.applied, self._withdrawn):
            self._announcement.applied, self._withdrawn = revision, withdrawn
            self._wake.ring()

    async def run(self) -> NoReturn:
        """Tell for ever."""
        while True:
            pause = self._pause()
            if pause is not None and pause < _TICK:
                await self._tell()
            else:
                await self._wake.wait(within=pause)

    def _pause(self) -> float | None:
        """Give the seconds until something is to be written, None: nothing is."""
        now, due = self._clock(), self._due()
        if due is None or self._full:
            return None
        if not self._announcement.stands:
            return _LOOK_AGAIN
        return max(due, self._failed) - now

    def _due(self) -> float | None:
        """Give the moment at which something is to be told, None: there is nothing."""
        moments = (self._conditions_due(), self._farewell_due(), self._applied_due())
        return min((each for each in moments if each is not None), default=None)

    def _conditions_due(self) -> float | None:
        if self._conditions == self._announcement.told.conditions:
            self._settled = 0.0
            return None
        if self._settled == 0:
            self._settled = self._clock() + SETTLE + SPREAD * self._crowd() * random()
        return max(self._settled, self._allowance.free_at(self._every()))

    def _farewell_due(self) -> float | None:
        """Give when somebody is told that we have let go of him."""
        told, applied = self._announcement.told.applied, self._announcement.applied
        # What was told may be above what is applied: it was of a store that was restored since.
        if not 0 < self._withdrawn <= applied or self._withdrawn <= told <= applied:
            self._soon = 0.0
            return None
        if self._soon == 0:
            self._soon = self._clock() + max(SOON, SOON_SPREAD * self._crowd()) * random()
        return max(self._soon, self._farewells.free_at(self._apart()))

    def _applied_due(self) -> float | None:
        if self._rested == 0:
            self._rest(self._clock())
        told = self._announcement.told
        if told.applied == self._announcement.applied or self._settled:
            return None  # what is not settled yet takes it along
        return max(self._rested, self._allowance.free_at(self._every()))

    async def _tell(self) -> None:
        now = self._clock()
        settled, farewell = self._conditions_due(), self._farewell_due()
        ripe = settled is not None and settled - now < _TICK
        conditions = self._conditions if ripe else self._announcement.told.conditions
        try:
            won = await self._announcement.tell(conditions)
        except StoreError:
            self._failed = self._clock() + self._backoff.failed()
            return
        self._backoff.succeeded()
        if won:
            now = self._clock()
            if farewell is not None and not ripe:
                self._farewells.take(now, self._apart())
            else:
                self._allowance.take(now, self._every())
            self._rest(now)

    def _rest(self, now: float) -> None:
        """Let each node have a moment of its own, however many began together."""
        self._rested = now + self._every() * (1 + random())

    def _every(self) -> float:
        return max(EVERY, A_NODE * self._crowd())

    def _apart(self) -> float:
        return A_NODE * max(1, self._crowd())
