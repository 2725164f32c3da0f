"""The journal, counted."""

from __future__ import annotations

from hostgw_daemon.told.journal import Kind
from hostgw_daemon.told.metrics.instruments import Instruments


class EventMetrics:
    """One series a kind."""

    def __init__(self, declare: Instruments) -> None:
        self._events = declare.counters(
            "events_total",
            "Events of the journal (`/v1/events`); many that happen at once are one.",
            kind=tuple(Kind),
        )

    def happened(self, kind: Kind) -> None:
        """Count an event."""
        self._events.of(kind).inc()
