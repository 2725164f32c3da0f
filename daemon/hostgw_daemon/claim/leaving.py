"""Whether this node leaves a network on purpose, and whether the others have had time to let go.

The quarantine of its lease is what they see, and what they act upon at once; those that have not
are given a while longer. It is counted from when the quarantine was seen in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hostgw_core.model import QUARANTINE
from hostgw_daemon.claim.ownership import own
from hostgw_daemon.claim.sight import Sight

LOOK: Final = 0.5
"""Seconds between two looks while the others let go."""


class Leaving:
    """`patience` is how many seconds the others get; `clock` is CLOCK_BOOTTIME.

    A restart ends it: nothing of it is kept.
    """

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._since: float | None = None
        self.on = False

    def turn(self, *, on: bool) -> bool:
        """Leave, or stay; give whether that is another thing than before."""
        was, self.on, self._since = self.on, on, None
        return was != on

    def seen(self, sight: Sight) -> Sight:
        """Put into a sight what is to be done."""
        if not self.on:
            return sight
        if any(lease.backend != QUARANTINE for lease in own(sight)):
            self._since = None
        elif self._since is None:
            self._since = self._clock()
        waited = self._clock() - self._since if self._since is not None else 0.0
        return replace(sight, leaving=True, let_go=waited >= self._patience)
