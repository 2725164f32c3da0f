"""The other nodes, and the records that are not used."""

from __future__ import annotations

from collections.abc import Mapping

from hostgw_daemon.told.metrics.instruments import Instruments, Total

STATES = (
    *("ok", "partial", "self", "rejected_kept", "outside_config", "held"),
    *("rejected", "duplicate_address"),
    *("off_subnet", "conflict", "shadowed", "fight", "failed"),
    *("unprobed", "unresolved", "unreachable", "not_forwarding"),
    *("rp_filter", "no_way_back", "path_filtered", "mtu"),
)
RESULTS = ("asked", "answered", "lost", "replied", "strange")
REASONS = (
    *("malformed_key", "malformed_value", "other_backend", "bad_address", "bad_gateway"),
    *("own_address", "outside_network", "host_network", "overlap"),
    *("quarantined", "leftover"),
)


ROUND_TRIPS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Bounds in seconds: hosts on one link are a fifth of a millisecond apart."""


class PeerMetrics:
    """Counted by state and by reason; no peer has a series of its own."""

    def __init__(self, declare: Instruments) -> None:
        self._peers = declare.gauges("peers", "Other nodes by the state they are in.", state=STATES)
        self._probes = Total(
            declare.counters(
                "peer_probes_total",
                "Probes between nodes: asked, answered and lost are ours; replied are other nodes'"
                " that were answered; strange is what came and was none.",
                result=RESULTS,
            )
        )
        self.round_trip = declare.histogram(
            "peer_rtt_seconds", "Time from a probe to its answer.", ROUND_TRIPS
        ).observe
        self._refusals = declare.gauges(
            "refused_records", "Records of the store that are not used, by reason.", reason=REASONS
        )

    def show(self, states: Mapping[str, int], refusals: Mapping[str, int]) -> None:
        """Show how many peers are in which state, and how many records are refused for what."""
        self._peers.show(states)
        self._refusals.show(refusals)

    def probed(self, counts: Mapping[str, int]) -> None:
        """Follow how many probes there were."""
        for result, count in counts.items():
            self._probes.reach(count, result)
