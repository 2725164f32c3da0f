"""The masquerade and forwarding rules."""

from __future__ import annotations

from hostgw_daemon.told.metrics.instruments import Instruments, Total


class RuleMetrics:
    """Follows the totals that the loop of the rules counts."""

    def __init__(self, declare: Instruments) -> None:
        self._resyncs = Total(
            declare.counters("masq_resyncs_total", "Times that the rules were written.")
        )
        self._drift = Total(
            declare.counters("masq_drift_total", "Times that somebody else had changed the rules.")
        )

        self._forgotten = Total(
            declare.counters(
                "conntrack_forgotten_total",
                "Connections of moved subnets that the kernel was told to forget.",
            )
        )

    def forgot(self, total: int) -> None:
        """Show how many connections were forgotten in all."""
        self._forgotten.reach(total)

    def show(self, *, resyncs: int, drifts: int) -> None:
        """Show how often the rules were written, and how often others had changed them."""
        self._resyncs.reach(resyncs)
        self._drift.reach(drifts)
