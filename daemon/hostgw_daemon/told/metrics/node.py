"""The node and the program itself."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from hostgw_core.health import Condition
from hostgw_daemon.told.conditions import KINDS
from hostgw_daemon.told.metrics.instruments import Instruments

LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)  # seconds


class NodeMetrics:
    """Which program runs where, whether it is ready, and what is wrong with it."""

    def __init__(self, declare: Instruments, *, version: str) -> None:
        declare.info("build_info", "The running program.", "version", "python").labels(
            version, platform.python_version()
        ).set(1)
        self._info = declare.info(
            "node_info",
            "This node: what its name, id, subnet, address and interface are now.",
            *("node", "node_id", "subnet", "address", "interface"),
        )
        self._ready = declare.gauge("ready", "Whether the node may be given work (/readyz).")
        self._conditions = declare.gauges(
            "condition",
            "Whether a condition stands. The status has its cure.",
            code=[kind.code for kind in KINDS],
        )
        self._lag = declare.histogram(
            "event_loop_lag_seconds", "How late the event loop was for a timer of its own.", LAGS
        )

    def info(self, *, node: str, node_id: str, subnet: str, address: str, interface: str) -> None:
        """Say who this node is now, in place of what was said before."""
        self._info.clear()
        self._info.labels(node, node_id, subnet, address, interface).set(1)

    def ready(self, is_so: bool) -> None:  # noqa: FBT001 - the value is the whole message
        """Say whether `/readyz` says yes."""
        self._ready.set(is_so)

    def conditions(self, standing: Iterable[Condition]) -> None:
        """Show the conditions that stand (`Board.standing`)."""
        self._conditions.show({condition.kind.code: 1 for condition in standing})

    def loop_lag(self, seconds: float) -> None:
        """Count how late the event loop was."""
        self._lag.observe(max(0.0, seconds))
