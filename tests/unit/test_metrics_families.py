"""The state of the routes by address family, as Prometheus reads it."""

from __future__ import annotations

from ipaddress import ip_address

from prometheus_client import CollectorRegistry

from hostgw_daemon.kernel import ForeignRoute, Outcome, Verb, Verdict, Write
from hostgw_daemon.routes.report import RoutesState
from hostgw_daemon.told.metrics import Metrics
from support.lease_world import route


def test_routes_are_counted_by_family():
    """One family that lacks a route says so, and the other one is whole."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, version="1")
    lost = route("fd00:5:0:1::/64", "fd00::9")
    state = RoutesState(
        wanted={4: 7, 6: 5},
        missing=(Outcome(Write(Verb.CREATE, lost), Verdict.OFF_LINK, 113, "No route to host"),),
        shadows=(ForeignRoute(ip_address("10.5.1.0").packed, 24, 0, b"", 2, 254, 4),),
        fights=("fd00:5:0:2::/64",),
    )
    metrics.routes.stand(state)

    def shown(family):
        words = ("desired", "installed", "missing", "shadowed", "fought_over", "withdrawn")
        return [
            registry.get_sample_value("hostgw_routes", {"family": family, "state": word})
            for word in words
        ]

    assert shown("ipv4") == [7, 7, 0, 1, 0, 0]
    assert shown("ipv6") == [5, 4, 1, 0, 1, 0]
    metrics.routes.stand(RoutesState())
    assert shown("ipv4") == shown("ipv6") == [0, 0, 0, 0, 0, 0]
