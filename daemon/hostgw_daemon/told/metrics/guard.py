"""The guard: what is held back from the routing table, and by what this node goes."""

from __future__ import annotations

from collections import Counter

from hostgw_daemon.routes.holds import Cause
from hostgw_daemon.routes.watchfulness import Watchfulness
from hostgw_daemon.told.metrics.instruments import Instruments, Total

ENDS = ("returned", "yielded", "moved", "gone", "silent", "accepted")  # as the guard tells them


class GuardMetrics:
    """Levels of what is held; totals of what began and ended."""

    def __init__(self, declare: Instruments) -> None:
        self._holds = declare.gauges(
            "holds",
            "Leases that are gone from the store and still routed to, by the reason.",
            cause=tuple(Cause),
        )
        self._begun = Total(
            declare.counters(
                "holds_begun_total",
                "Holds that began, by cause; one that gets another cause counts again.",
                cause=tuple(Cause),
            )
        )
        self._ended = Total(
            declare.counters(
                "holds_ended_total",
                "Holds that ended: the lease came back, another one has its subnet, its node has"
                " another lease, the usual moment was over, the gateway is silent, by an operator.",
                how=ENDS,
            )
        )
        self._broken = declare.gauge(
            "history_broken", "Whether the store tells another history than the one known here."
        )
        self._leftovers = declare.gauge(
            "leftover_records", "Records of a broken history that are not believed."
        )
        self._headless = declare.gauge(
            "headless", "Whether this node goes by what it remembers: no answer since the start."
        )
        self._saved = declare.gauge(
            "snapshot_timestamp_seconds",
            "When the store was last understood as the file on disk has it; 0 for never.",
        )

    def show(self, guard: Watchfulness, *, headless: bool, saved: float) -> None:
        """Show what is held back; `saved` is in seconds since the epoch."""
        self._holds.show(Counter(hold.cause for hold in guard.holds.values()))
        for cause, count in guard.begun.items():
            self._begun.reach(count, cause)
        ended: Counter[str] = Counter()
        for (_, how), count in guard.ended.items():
            ended[how] += count
        for how, count in ended.items():
            self._ended.reach(count, how)
        self._broken.set(guard.broken is not None)
        self._leftovers.set(len(guard.leftovers))
        self._headless.set(headless)
        self._saved.set(saved)
