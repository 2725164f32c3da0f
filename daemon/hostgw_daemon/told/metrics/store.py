"""The store, as this node gets on with it."""

from __future__ import annotations

from collections.abc import Mapping

from hostgw_core.upkeep import UpkeepState
from hostgw_core.view import ViewState
from hostgw_daemon.told.metrics.instruments import Instruments, Total

# The port's verbs, and how each may end: by itself, or by one of the port's errors.
OPERATIONS = ("list", "watch", "commit", "grant", "keep_alive", "revoke", "room", "recalls")
ERRORS = {
    "StoreUnavailable": "unavailable",
    "StoreDenied": "denied",
    "StoreRefused": "refused",
    "StoreFull": "full",
    "Compacted": "compacted",
}
RESULTS = ("ok", "lost", *ERRORS.values(), "cancelled")
FILES = ("cert", "ca")  # of TLS
RESTARTS = ("unavailable", "compacted", "denied", "ended")  # as hostgw_core.view tells them
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class StoreMetrics:
    """Requests one by one; the view as a level."""

    def __init__(self, declare: Instruments) -> None:
        self._connected = declare.gauge("etcd_connected", "Whether the view of the store is live.")
        self._revision = declare.gauge(
            "etcd_last_revision", "The store's revision that this node has seen last."
        )
        self._contact = declare.gauge(
            "etcd_last_contact_timestamp_seconds",
            "When the store last answered the view; 0 while it has not yet.",
        )
        self._entries = declare.gauge("etcd_entries", "Keys of the store that this node keeps.")
        self._requests = declare.counters(
            "etcd_requests_total",
            "Requests to the store; a commit that is ok has written, one that is lost has not.",
            op=OPERATIONS,
            result=RESULTS,
        )
        self._duration = declare.histograms(
            "etcd_request_duration_seconds",
            "How long requests to the store took.",
            SECONDS,
            op=OPERATIONS,
        )
        self._restarts = Total(
            declare.counters(
                "etcd_watch_restarts_total", "Watches that broke, by reason.", reason=RESTARTS
            )
        )
        self._relists = Total(
            declare.counters("etcd_relists_total", "Times that everything was listed again.")
        )
        self._ends = declare.gauges(
            "tls_certificate_expiry_timestamp_seconds",
            "When the certificate for the store ends, and the last authority for it; 0 for none.",
            file=FILES,
        )
        self._bytes = declare.gauges(
            "etcd_db_bytes",
            "The store's size at the member that was asked, or 0 if it may not be asked.",
            part=("allocated", "in_use"),
        )
        self._kept = declare.gauge(
            "etcd_kept_revisions",
            "Length of a history that nobody compacts; 0 if somebody does, or if it is short.",
        )

    def request(self, op: str, result: str, seconds: float) -> None:
        """Count one verb of the store's port."""
        self._requests.of(op, ERRORS.get(result, result)).inc()
        self._duration.of(op).observe(seconds)

    def certificates(self, ends: Mapping[str, float]) -> None:
        """Show when certificates end (seconds since the epoch)."""
        for file in FILES:
            self._ends.of(file).set(ends.get(file, 0))

    def view(self, state: ViewState, epoch: float) -> None:
        """Show the view's state; `epoch` is the time.time at which its clock (monotonic) was 0."""
        self._connected.set(state.connected)
        self._revision.set(state.header.revision if state.header else 0)
        self._contact.set(state.contact + epoch if state.contact else 0)
        self._entries.set(state.entries)
        self._relists.reach(state.relists)
        for reason, count in state.restarts.items():
            self._restarts.reach(count, reason)

    def upkeep(self, state: UpkeepState) -> None:
        """Show how large the store is, and whether anybody compacts it."""
        room = state.room
        sizes = {"allocated": room.size, "in_use": room.in_use} if room is not None else {}
        self._bytes.show(sizes)
        self._kept.set(state.kept)
