"""When the next full pass is due, and what for.

The first call acts at once; calls that follow closely are `SETTLE` apart. After a failure the next
pass comes further and further away; after a success, the audit is what is left.
"""

from __future__ import annotations

from typing import Final

from hostgw_core.backoff import Backoff, around

SETTLE: Final = 0.05
"""Seconds between the end of one full pass and the start of the next."""

AUDIT: Final = "audit"
"""The cause of a pass that nothing but the timer asked for."""


class Schedule:
    """The due moment of the next full pass, in seconds of the caller's clock."""

    def __init__(self, audit: float) -> None:
        self.due = 0.0
        self.cause = "start"
        self._audit = audit
        self._ended = float("-inf")
        self._backoff = Backoff(1.0, 60.0)

    def call(self, cause: str, now: float) -> None:
        """Ask for a pass, soon; the earliest call keeps its cause."""
        soonest = max(now, self._ended + SETTLE)
        if soonest < self.due:
            self.due, self.cause = soonest, cause

    def postpone(self, now: float) -> None:
        """Wait for the next call: there is nothing that a pass could do now."""
        self.due, self.cause = now + self._audit, AUDIT

    def ended(self, now: float, *, failed: bool, latest: float | None = None) -> None:
        """Set the next pass after one has ended; `latest` is a moment it must not be later than."""
        self._ended = now
        if failed:
            self.due, self.cause = now + self._backoff.failed(), "a write had failed"
        else:
            self._backoff.succeeded()
            self.due, self.cause = now + around(self._audit), AUDIT
        if latest is not None:
            self.due = min(self.due, latest)
