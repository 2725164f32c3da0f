"""The metrics of each network that a daemon serves."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from hostgw_daemon.told.metrics import Metrics


def test_each_network_has_a_series():
    """The first has one, however many there are: an alert is written once."""
    alone = CollectorRegistry()
    Metrics(alone, version="")
    assert alone.get_sample_value("hostgw_network_ready", {"network": "default"}) == 0.0
    assert alone.get_sample_value("hostgw_network_ready", {"network": "blue"}) is None
    registry = CollectorRegistry()
    metrics = Metrics(registry, version="", networks=("default", "blue"))
    metrics.networks.show("blue", ready=True, held=True, expires=1e9, peers=3, holds=1)
    for name, value in (("ready", 1), ("lease_held", 1), ("peers", 3), ("holds", 1)):
        found = f"hostgw_network_{name}"
        assert registry.get_sample_value(found, {"network": "blue"}) == value
        assert registry.get_sample_value(found, {"network": "default"}) == 0
