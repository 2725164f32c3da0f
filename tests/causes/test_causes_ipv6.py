"""Causes that are IPv6's alone, in a cluster of both families: IPv4 stays well all the while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from causes.cases import sysctl
from causes.cluster import NODES, Case, Cluster, about, both_ways, by
from causes.trial import tried
from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec
from support.lab_fixtures import lab_name

pytestmark = pytest.mark.root

CLOUD = (
    "add table ip6 cloud; add chain ip6 cloud out { type filter hook postrouting priority 300; };"
    " add rule ip6 cloud out oifname eth0 ip6 saddr fd00:10:244::/48 drop"
)
DEAF = (
    "add table ip6 deaf; add chain ip6 deaf in { type filter hook input priority 0; };"
    " add rule ip6 deaf in icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } drop"
)


def _deaf(cluster: Cluster) -> None:
    """Let n2 hear nothing of neighbour discovery; what the others know of it they forget."""
    cluster.host("n2").run("nft", DEAF)
    for name in NODES:
        cluster.host(name).ip("-6", "neigh", "flush", "dev", "eth0")


def _strange_route(cluster: Cluster, verb: str) -> None:
    """Add or delete a route on n2 that hides the one to the IPv6 containers of n1."""
    subnet = str(cluster.host("n1").subnets()[6])
    cluster.host("n2").ip("-6", "route", verb, "unreachable", subnet, "metric", "5")


CASES = {
    "not_forwarding": Case(
        lambda c: sysctl(c, "ipv6.conf.all.forwarding", 0),
        lambda c: sysctl(c, "ipv6.conf.all.forwarding", 1),
        lambda _: about("n2", "not_forwarding"),
    ),
    "unresolved": Case(
        _deaf,
        lambda c: c.host("n2").run("nft", "delete table ip6 deaf"),
        lambda _: about("n2", "unresolved"),
        also=by("n2", "unresolved"),
    ),
    "no_way_back": Case(
        lambda c: _strange_route(c, "add"),
        lambda c: _strange_route(c, "del"),
        lambda _: {("n1", "n2"): "no_way_back", ("n2", "n1"): "shadowed"},
    ),
    "path_filtered": Case(
        lambda c: c.host("n2").run("nft", CLOUD),
        lambda c: c.host("n2").run("nft", "delete table ip6 cloud"),
        lambda _: both_ways("n2", "path_filtered"),
    ),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give five nodes of both families that are well, for all the tests here."""
    spec = replace(LabSpec(name=lab_name()), nodes=len(NODES), families=(4, 6))
    with Lab.up(spec) as lab:
        made = Cluster(lab)
        made.all_well(within=60.0)
        yield made


@pytest.mark.parametrize("cause", CASES)
def test_the_cause_is_named_and_clears(
    cause: str, cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    """As in IPv4: in the state, the metric and `hostgwctl explain` of an IPv6 address."""
    tried(cause, CASES[cause], cluster, record_property, family=6)
