"""Each network that this daemon serves, by its name."""

from __future__ import annotations

from collections.abc import Sequence

from hostgw_daemon.told.metrics.instruments import Instruments


class NetworksMetrics:
    """A series a network, the first among them: an alert is written once, however many there are.

    All others tell of the host, and of the network at --etcd-prefix.
    """

    def __init__(self, declare: Instruments, names: Sequence[str]) -> None:
        self._ready = declare.gauges(
            "network_ready",
            "Whether this node may be given work of the network, by name: as hostgw_ready.",
            network=names,
        )
        self._held = declare.gauges(
            "network_lease_held", "Whether this node holds its lease of the network.", network=names
        )
        self._expiry = declare.gauges(
            "network_lease_expiry_timestamp_seconds",
            "When the store may give the lease of the network up; 0 without a lease.",
            network=names,
        )
        self._peers = declare.gauges(
            "network_peers", "Other nodes that are members of the network.", network=names
        )
        self._holds = declare.gauges(
            "network_holds",
            "Leases that are gone from the store of the network, and still routed to.",
            network=names,
        )

    def show(
        self, name: str, *, ready: bool, held: bool, expires: float, peers: int, holds: int
    ) -> None:
        """Show how a network stands; `expires` is in seconds since the epoch."""
        self._ready.of(name).set(ready)
        self._held.of(name).set(held)
        self._expiry.of(name).set(expires)
        self._peers.of(name).set(peers)
        self._holds.of(name).set(holds)
