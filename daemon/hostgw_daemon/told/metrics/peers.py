"""The other nodes, and the records that are not used."""

from __future__ import annotations

from collections.abc import Mapping

from hostgw_daemon.told.metrics.instruments import Instruments

STATES = (
    *("ok", "partial", "self", "rejected_kept", "outside_config", "held"),
    *("off_subnet", "conflict", "shadowed", "fight", "failed"),
)
REASONS = (
    *("malformed_key", "malformed_value", "other_backend", "bad_address", "bad_gateway"),
    *("own_address", "outside_network", "host_network", "overlap"),
    *("quarantined", "leftover"),
)


class PeerMetrics:
    """Counted by state and by reason; no peer has a series of its own."""

    def __init__(self, declare: Instruments) -> None:
        self._peers = declare.gauges("peers", "Other nodes by the state they are in.", state=STATES)
        self._refusals = declare.gauges(
            "refused_records", "Records of the store that are not used, by reason.", reason=REASONS
        )

    def show(self, states: Mapping[str, int], refusals: Mapping[str, int]) -> None:
        """Show how many peers are in which state, and how many records are refused for what."""
        self._peers.show(states)
        self._refusals.show(refusals)
