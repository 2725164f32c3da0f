"""Whether this node leaves a network on purpose, and whether the others have let go of it.

The quarantine of its lease is what they see, and what they act upon at once; hostgwd's nodes say
so in their presences (`withdrawal`). All are given `patience`, for flannel's cannot say anything;
those that could and have not are waited for, up to a limit that counts from the quarantine, too.
Only the time counts in which the store answers: nobody can say anything while it is away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from hostgw_core.model import QUARANTINE
from hostgw_core.store import Entry
from hostgw_daemon.claim.ownership import own
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.withdrawal import Withdrawal, withdrawal_of

WAIT: Final = 90.0
"""Seconds that others are waited for: longer than the presence of one that has died stands."""

_LOOK: Final = 0.5  # seconds between two looks while the others let go
_LOOK_SPREAD: Final = 0.001  # the same for each lease: a look reads them all
_GAP: Final = 15.0  # seconds that count at most of those between two looks


class Leaving:
    """`patience` is how many seconds the others get; `clock` is CLOCK_BOOTTIME.

    `withdrawal` is how far the others are, or were when the lease went. A restart ends all of it:
    nothing is kept.
    """

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._wait = WAIT
        self._looked: float | None = None  # when we looked last, since the quarantine was seen
        self._waited = 0.0
        self.on = False
        self.withdrawal: Withdrawal | None = None

    def turn(self, *, on: bool, wait: float = WAIT) -> bool:
        """Leave, or stay; give whether that is another thing than before.

        `wait` is how many seconds those are waited for that could say that they let go. Said again,
        a new limit counts, from the same moment.
        """
        self._wait = wait
        was, self.on = self.on, on
        if was != on:
            self._begin()
        return was != on

    def waits(self, sight: Sight) -> bool:
        """Tell whether it must be known what the others say of themselves."""
        mine = [*own(sight)]
        return self.on and bool(mine) and all(lease.backend == QUARANTINE for lease in mine)

    def seen(self, sight: Sight, said: Iterable[Entry] = ()) -> Sight:
        """Put into a sight what is to be done; `said` are all presences, while we wait for them."""
        if not self.on:
            return sight
        mine = [*own(sight)]
        if not mine:
            if self.withdrawal is not None:
                self.withdrawal = replace(self.withdrawal, released=True)
            return replace(sight, leaving=True, withdrawal=self.withdrawal)
        if not self.waits(sight):
            self._begin()
            return replace(sight, leaving=True)
        now = self._clock()
        self._waited += min(now - self._looked, _GAP) if self._looked is not None else 0.0
        self._looked = now
        others = (lease for lease in sight.leases if lease.node_id != sight.me.node_id)
        self.withdrawal = withdrawal_of(
            sight.keys, sight.me.node_id, mine=mine, others=others, said=said
        )
        wait = max(self._patience, self._wait if self.withdrawal.behind else 0.0)
        let_go = self._waited >= wait
        return replace(sight, leaving=True, let_go=let_go, withdrawal=self.withdrawal)

    def _begin(self) -> None:
        """Forget how others stood to what is not withdrawn any more, or not yet."""
        self._looked, self._waited, self.withdrawal = None, 0.0, None

    @staticmethod
    def look_again(sight: Sight) -> float:
        """Give the seconds until the others are looked at again."""
        return _LOOK + _LOOK_SPREAD * len(sight.leases)
