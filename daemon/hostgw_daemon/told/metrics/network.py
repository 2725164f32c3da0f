"""The network configuration in the store: whether what is written there is taken up."""

from __future__ import annotations

from hostgw_core.model import ClusterConfig
from hostgw_daemon.told.metrics.instruments import Instruments

RESULTS = ("taken", "refused")


class NetworkMetrics:
    """Shown as a level; a change of it is a reload."""

    def __init__(self, declare: Instruments) -> None:
        self._reloads = declare.counters(
            "config_reloads_total",
            "Changes of the network configuration; one that is refused leaves the last good one.",
            result=RESULTS,
        )
        self._success = declare.gauge(
            "config_reload_success_timestamp_seconds",
            "When a network configuration was last taken up; 0 while none has been.",
        )
        self._revision = declare.gauge(
            "config_revision", "The store's revision of the network configuration in force."
        )
        self._shown: tuple[ClusterConfig | None, str] = (None, "")

    def show(self, config: ClusterConfig | None, trouble: str, *, now: float) -> None:
        """Show the configuration in force and what is wrong with the one that is written."""
        if (config, trouble) == self._shown:
            return
        self._shown = (config, trouble)
        self._reloads.of("refused" if trouble else "taken").inc()
        self._revision.set(config.revision if config is not None else 0)
        if not trouble:
            self._success.set(now)
