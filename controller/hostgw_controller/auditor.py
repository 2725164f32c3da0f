"""The loop that judges: whenever the store has changed, take a census and audit it, whole.

An event means "look again". A burst of changes is one audit: the first change is looked at at once,
those that follow within `settle` seconds together. What is published is one value, replaced whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from hostgw_controller.audit import Findings, audit
from hostgw_controller.census import census_of
from hostgw_core.keys import Keys
from hostgw_core.view import Sighting, Snapshot
from hostgw_core.wake import Wake

SETTLE = 0.5  # seconds; thousands of nodes may come at once, and nobody reads twice a second


@dataclass(frozen=True, slots=True)
class Report:
    """An audit of the store at `revision`; it took `seconds` and ended at `moment`, Unix time."""

    findings: Findings
    revision: int
    seconds: float
    moment: float


class Auditor:
    """Takes the sightings of a view and publishes a report of the latest one."""

    def __init__(
        self,
        keys: Keys,
        publish: Callable[[Report], None],
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        settle: float = SETTLE,
    ) -> None:
        self._keys = keys
        self._publish = publish
        self._clock = clock
        self._now = now
        self._settle = settle
        self._wake = Wake()
        self._snapshot: Snapshot | None = None
        self.report: Report | None = None

    def seen(self, sighting: Sighting) -> None:
        """Take a new snapshot; the audit is left to `run`."""
        self._snapshot = sighting.snapshot
        self._wake.ring()

    async def run(self) -> NoReturn:
        """Audit the latest snapshot whenever there is a new one."""
        while True:
            await self._wake.wait()
            if self._snapshot is not None:
                self.report = self._judge(self._snapshot)
                self._publish(self.report)
            await asyncio.sleep(self._settle)

    def _judge(self, snapshot: Snapshot) -> Report:
        began = self._clock()
        findings = audit(census_of(self._keys, snapshot.entries.values()))
        return Report(findings, snapshot.revision, self._clock() - began, self._now())
