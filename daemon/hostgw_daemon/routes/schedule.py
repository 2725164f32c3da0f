"""When the next full pass is due, and what for.

The first call acts at once; calls that follow closely are `SETTLE` apart. A call while a pass is
being made is for the next one: the pass may have looked already. After a failure the next pass
comes further and further away; after a success, the audit is what is left.
"""

from __future__ import annotations

from typing import Final

from hostgw_core.backoff import Backoff, around

SETTLE: Final = 0.05
"""Seconds between the end of one full pass and the start of the next."""

TICK: Final = 0.001
"""Seconds by which a pass may be early: a timer may be, by as much as its clock can tell."""

AUDIT: Final = "audit"
"""The cause of a pass that nothing but the timer asked for."""

FAILURE: Final = "a write had failed"
TRUCE_OVER: Final = "a truce is over"


class Schedule:
    """The due moment of the next full pass, in seconds of the caller's clock."""

    def __init__(self, audit: float, now: float) -> None:
        self.due = now
        self.cause = "start"
        self._audit = audit
        self._ended = float("-inf")
        self._backoff = Backoff(1.0, 60.0)

    def call(self, cause: str, now: float) -> None:
        """Ask for a pass, soon; the first of several calls gives the cause."""
        soonest = max(now, self._ended + SETTLE)
        if soonest < self.due or self.cause == AUDIT:
            self.due, self.cause = min(self.due, soonest), cause

    def postpone(self, now: float) -> None:
        """Wait for the next call: there is nothing that a pass could do now."""
        self.due, self.cause = now + self._audit, AUDIT

    def is_due(self, now: float) -> bool:
        """Tell whether the next pass is to be made now."""
        return now >= self.due - TICK

    def begin(self, now: float) -> str:
        """Take what is due, and give its cause. Until it has ended, calls are for the next."""
        cause = self.cause
        self.due, self.cause = now + self._audit, AUDIT
        return cause

    def ended(self, now: float, *, failed: bool, latest: float | None = None) -> None:
        """Set the next pass after one has ended; `latest` is when the first truce will be over."""
        self._ended = now
        called, wait = self.cause != AUDIT, around(self._audit)
        if failed:
            wait = self._backoff.failed()
        else:
            self._backoff.succeeded()
        if called:
            self.due = max(self.due, now + SETTLE)
        else:
            self.due, self.cause = now + wait, FAILURE if failed else AUDIT
        if latest is not None and latest < self.due:
            self.due, self.cause = latest, TRUCE_OVER
