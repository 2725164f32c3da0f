"""This node's own lease."""

from __future__ import annotations

from hostgw_daemon.told.metrics.instruments import Instruments, Total

RENEWALS = ("ok", "gone", "error")  # as hostgw_core.session tells them
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class LeaseMetrics:
    """Whether it is held, until when, and how its renewal goes."""

    def __init__(self, declare: Instruments) -> None:
        self._held = declare.gauge("lease_held", "Whether this node holds its lease.")
        self._expiry = declare.gauge(
            "lease_expiry_timestamp_seconds",
            "When the store may give the lease up if it hears nothing more; 0 without a lease.",
        )
        self._renewals = declare.counters(
            "lease_renewals_total", "Tries to renew the lease.", result=RENEWALS
        )
        self._renewing = declare.histogram(
            "lease_renew_duration_seconds", "How long a try to renew the lease took.", SECONDS
        )
        self._conflicts = Total(
            declare.counters(
                "lease_conflicts_total",
                "Writes of the lease that lost a race; what was written is read, and tried again.",
            )
        )
        self._reacquired = Total(
            declare.counters("lease_reacquired_total", "Times that a lost lease was taken again.")
        )

    def stands(self, *, held: bool, expires: float) -> None:
        """Say whether the lease is held, and until when (seconds since the epoch, 0 for none)."""
        self._held.set(held)
        self._expiry.set(expires)

    def renewal(self, result: str, seconds: float) -> None:
        """Count a try to renew it: ok, gone or error."""
        self._renewals.of(result).inc()
        self._renewing.observe(seconds)

    def claims(self, *, conflicts: int, retaken: int) -> None:
        """Show how many races were lost, and how many lost leases taken again, since the start."""
        self._conflicts.reach(conflicts)
        self._reacquired.reach(retaken)
