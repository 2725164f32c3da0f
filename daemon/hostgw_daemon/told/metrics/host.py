"""The host: how full the kernel's neighbour table is."""

from __future__ import annotations

from collections.abc import Mapping

from hostgw_core.model import Family
from hostgw_daemon.switches import NeighbourTable
from hostgw_daemon.told.metrics.instruments import Instruments

FAMILIES: Mapping[Family, str] = {4: "ipv4", 6: "ipv6"}


class HostMetrics:
    """Shown as levels, for the families in use; the others stay at zero."""

    def __init__(self, declare: Instruments) -> None:
        self._entries = declare.gauges(
            "neighbor_entries",
            "Entries of the kernel's neighbour table, those of all network namespaces.",
            family=tuple(FAMILIES.values()),
        )
        self._most = declare.gauges(
            "neighbor_gc_thresh3",
            "How many entries the kernel's neighbour table takes (gc_thresh3).",
            family=tuple(FAMILIES.values()),
        )
        self._resolved = declare.gauge(
            "neighbors_managed", "Gateways of other nodes that the kernel keeps resolved for us."
        )

    def show(self, tables: Mapping[Family, NeighbourTable], *, resolved: int) -> None:
        """Show the tables as they were seen last, and how many neighbours are kept resolved."""
        self._resolved.set(resolved)
        for family, table in tables.items():
            self._entries.of(FAMILIES[family]).set(table.entries)
            self._most.of(FAMILIES[family]).set(table.thresholds[2])
