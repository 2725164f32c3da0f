"""The routes there should be: a pure projection of the roster and of our place on the link.

One route for each believed lease of another node, through that node's own address. The metric is a
function of the prefix alone, because it is part of the kernel's key: any node, after any restart,
must come to the same one. It is *spread* because the kernel hashes an IPv4 next hop by everything
except its gateway (net/ipv4/fib_semantics.c, fib_info_hashfn): with one metric for all, installing
n routes with n gateways takes time that grows with the square of n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zlib import crc32

from hostgw_core.model import IPNetwork
from hostgw_daemon.kernel import MAIN_TABLE, Route, Table
from hostgw_daemon.routes.peers import Peer, PeerState, Roster

SPREAD: Final = 1024
"""How many different metrics there are. The first is 1024 for IPv4, 2048 for IPv6, whose kernel
default is 1024 itself."""


@dataclass(frozen=True, slots=True)
class RouteRule:
    """How routes are written: out of which link, into which table; `metric` 0 is automatic."""

    link: int
    metric: int = 0
    table: int = MAIN_TABLE


def metric_of(network: IPNetwork) -> int:
    """Give the automatic metric of a prefix: the same on every node and after every restart."""
    base = 1024 if network.version == 4 else 2048
    return base + crc32(network.network_address.packed + bytes([network.prefixlen])) % SPREAD


def routes_to(peer: Peer | None, rule: RouteRule) -> Table:
    """Give the routes that one peer needs: one a family, none to ourselves or to nobody."""
    if peer is None or peer.state is PeerState.SELF:
        return frozenset()
    lease = peer.lease
    return frozenset(
        Route(
            subnet.network_address.packed,
            subnet.prefixlen,
            rule.metric or metric_of(subnet),
            gateway.packed,
            rule.link,
            rule.table,
        )
        for subnet in lease.subnets
        if (gateway := lease.gateways.of(subnet.version)) is not None
    )


def desired(roster: Roster, rule: RouteRule) -> Table:
    """Give all routes there should be."""
    return frozenset[Route]().union(*(routes_to(peer, rule) for peer in roster.peers.values()))
