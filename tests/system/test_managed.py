"""Gateways kept resolved by the kernel, as whole daemons ask for it, seen by `ip neigh`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.site import GATEWAY
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 15.0  # seconds
QUIET = ("--probe=false",)
"""No packet of ours goes to other nodes: what is resolved then is the kernel's own doing."""


def managed(node: Daemon) -> dict[str, str]:
    """Give the neighbours that a host keeps resolved, and what `ip` says of each."""
    lines = node.host.ip("-d", "neigh", "show", "nud", "all", "dev", "eth0").splitlines()
    return {line.split()[0]: line for line in lines if " managed " in line}


def keeps(node: Daemon, *gateways: str) -> Callable[[], bool]:
    """Give a look for exactly these being kept, as ours, with a hardware address."""

    def look() -> bool:
        found = managed(node)
        assert found.keys() == set(gateways), found
        assert all("lladdr" in line and "proto 104" in line for line in found.values()), found
        return True

    return look


def test_nodes_keep_one_anothers_gateways_resolved(cluster: Cluster):
    """From when they know one another until one goes; others' entries stay as they were."""
    one, two, three = (cluster.daemon().start(*QUIET) for _ in range(3))
    permanent = ["lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", "eth0"]
    one.host.ip("neigh", "replace", GATEWAY, *permanent)
    addresses = [node.host.address for node in (two, three)]
    eventually(keeps(one, *addresses), within=SOON)
    eventually(keeps(three, one.host.address, two.host.address), within=SOON)
    eventually(lambda: one.metric("hostgw_neighbors_managed") == 2, within=SOON)
    subnet = two.subnet
    two.end()
    cluster.delete(f"subnets/{subnet.replace('/', '-')}")
    eventually(keeps(one, three.host.address), within=SOON)
    shown = one.host.ip("neigh", "show", GATEWAY, "dev", "eth0")
    assert "PERMANENT" in shown
    assert "02:00:00:00:00:01" in shown
    assert one.well


def test_what_the_link_has_lost_is_put_back(cluster: Cluster):
    """Down and up: the kernel has forgotten every neighbour."""
    one, two = (cluster.daemon().start(*QUIET) for _ in range(2))
    eventually(keeps(one, two.host.address), within=SOON)
    one.host.ip("link", "set", "eth0", "down")
    assert managed(one) == {}
    one.host.ip("link", "set", "eth0", "up")
    one.host.ip("route", "replace", "default", "via", GATEWAY, "dev", "eth0")
    eventually(keeps(one, two.host.address), within=SOON)


def test_at_the_end_they_are_the_kernels_own(cluster: Cluster):
    """No entry goes, so no packet waits; none is asked for by broadcast for ever either."""
    one, two = (cluster.daemon().start(*QUIET) for _ in range(2))
    eventually(keeps(one, two.host.address), within=SOON)
    eventually(keeps(two, one.host.address), within=SOON)
    assert one.end() == 0
    assert managed(one) == {}
    assert "lladdr" in one.host.ip("neigh", "show", two.host.address, "dev", "eth0")
    two.kill()
    assert one.host.address in managed(two)
    two.start(*QUIET)  # what was left by a crash is its own
    eventually(keeps(two, one.host.address), within=SOON)


def test_switched_off_nothing_is_kept(cluster: Cluster):
    """The kernel asks when packets go there, as it always did."""
    two = cluster.daemon().start(*QUIET)
    one = cluster.daemon().start("--managed-neighbours=off", *QUIET)
    eventually(keeps(two, one.host.address), within=SOON)
    assert managed(one) == {}
    assert one.metric("hostgw_neighbors_managed") == 0
