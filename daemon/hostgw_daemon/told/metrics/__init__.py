"""What Prometheus sees of the daemon; docs/metrics.md is written from the declarations.

The heart is `hostgw_convergence_seconds`: from the moment a change of the store arrived to the
moment the kernel confirmed its route. Each part takes the values that the loops publish; nothing
here asks a loop for anything, and a scrape does nothing but write down numbers.

The registry is passed in, never prometheus-client's global one. Its `_created` series, which double
every counter and which nobody asks for, are turned off: it can do that only for the whole process.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.told.metrics.events import EventMetrics
from hostgw_daemon.told.metrics.guard import GuardMetrics
from hostgw_daemon.told.metrics.host import HostMetrics
from hostgw_daemon.told.metrics.instruments import Declared, Instruments
from hostgw_daemon.told.metrics.lease import LeaseMetrics
from hostgw_daemon.told.metrics.network import NetworkMetrics
from hostgw_daemon.told.metrics.networks import NetworksMetrics
from hostgw_daemon.told.metrics.node import NodeMetrics
from hostgw_daemon.told.metrics.peers import PeerMetrics
from hostgw_daemon.told.metrics.routes import RouteMetrics
from hostgw_daemon.told.metrics.rules import RuleMetrics
from hostgw_daemon.told.metrics.store import StoreMetrics

OPENMETRICS = "application/openmetrics-text"

__all__ = ["Declared", "Metrics"]


class Metrics:
    """Every metric of the daemon, by its subject."""

    def __init__(
        self, registry: CollectorRegistry, *, version: str, networks: Sequence[str] = (FIRST,)
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's one gap
        declare = Instruments(registry, "hostgw")
        self.node = NodeMetrics(declare, version=version)
        self.lease = LeaseMetrics(declare)
        self.store = StoreMetrics(declare)
        self.guard = GuardMetrics(declare)
        self.network = NetworkMetrics(declare)
        self.networks = NetworksMetrics(declare, networks)
        self.peers = PeerMetrics(declare)
        self.routes = RouteMetrics(declare)
        self.rules = RuleMetrics(declare)
        self.host = HostMetrics(declare)
        self.events = EventMetrics(declare)
        self.declared: tuple[Declared, ...] = tuple(declare.declared)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._registry = registry

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give everything in the form that an Accept header asks for, and its content type."""
        # The library repeats parameters of the header in its answer: only the type gets through.
        wanted = {kind.split(";")[0].strip().lower() for kind in accept.split(",")}
        encode, kind = choose_encoder(OPENMETRICS if OPENMETRICS in wanted else "")
        return encode(self._registry), kind
