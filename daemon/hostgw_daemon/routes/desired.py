"""The routes there should be: a pure projection of the roster and of our place on the link.

One route for each believed lease of another node, through that node's own address. The metric is a
function of the prefix alone, because it is part of the kernel's key: any node, after any restart,
must come to the same one. It is *spread* because the kernel hashes an IPv4 next hop by everything
except its gateway (net/ipv4/fib_semantics.c, fib_info_hashfn): with one metric for all, installing
n routes with n gateways takes time that grows with the square of n.

Besides, there may be routes that lead nowhere: for this node's own subnet, while no bridge is
there for it, and for the whole network, whose leased parts have better ones by their longer
prefixes. Both have a metric worse than any route that others may have: whatever comes, wins.

Where routes are *withdrawn* (`withdrawals`), a peer keeps those to the two addresses of its subnet
to which probes are sent, or nobody could see by the pods' way that it is well again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final
from zlib import crc32

from hostgw_core.model import ClusterConfig, IPAddress, IPNetwork, Lease
from hostgw_daemon.kernel import MAIN_TABLE, PLAIN, UNICAST, Form, Leg, Route, Table
from hostgw_daemon.routes.peers import Peer, PeerState, Roster
from hostgw_daemon.routes.withdrawals import Key

SPREAD: Final = 1024
"""How many different metrics there are. The first is 1024 for IPv4, 2048 for IPv6, whose kernel
default is 1024 itself."""

LAST: Final = 4_000_000_000
"""The metric of a route that leads nowhere, its kind added: so another kind is another key, and can
be made beside the first in IPv6 too. Connected routes have 0 or 256, NetworkManager's at most
some ten thousands."""


@dataclass(frozen=True, slots=True)
class Underlay:
    """A link that leads to the other nodes, and the networks on it."""

    link: int
    networks: tuple[IPNetwork, ...]


@dataclass(frozen=True, slots=True)
class RouteRule:
    """How routes are written: out of which link, into which table; `metric` 0 is automatic.

    `ipv4` and `ipv6` are the forms of peers' routes. `own` and `unassigned` are the kinds of the
    routes for our own subnet and for the whole network; UNICAST: there is none. `via6`: to IPv4
    subnets, too, by the peer's IPv6 address, where it has one. `underlays`: the links by which
    peers may be reached, that of `link` first; none where there is only that.
    """

    link: int
    metric: int = 0
    table: int = MAIN_TABLE
    ipv4: Form = PLAIN
    ipv6: Form = PLAIN
    own: int = UNICAST
    unassigned: int = UNICAST
    via6: bool = False
    underlays: tuple[Underlay, ...] = ()


def metric_of(network: IPNetwork) -> int:
    """Give the automatic metric of a prefix: the same on every node and after every restart."""
    base = 1024 if network.version == 4 else 2048
    return base + crc32(network.network_address.packed + bytes([network.prefixlen])) % SPREAD


ROOM: Final = 2
"""Bits of addresses that a subnet must have for there to be one that nobody has."""

NONE: Final[AbstractSet[Key]] = frozenset()


def gateway_of(subnet: IPNetwork) -> IPAddress:
    """Give the address that the pods' gateway of a subnet has."""
    return subnet.network_address + 1


def unused_of(subnet: IPNetwork) -> IPAddress | None:
    """Give an address of a subnet that nobody is to have, None where there is no room for that."""
    wide = subnet.max_prefixlen - subnet.prefixlen >= ROOM
    return subnet.broadcast_address - 1 if wide else None


def destinations(lease: Lease, withdrawn: AbstractSet[Key]) -> Iterator[IPNetwork]:
    """Give where routes to a node lead: to its subnets, or where they are withdrawn, to witnesses.

    A subnet that is too small to have witnesses keeps its route.
    """
    for subnet in lease.subnets:
        unused = unused_of(subnet)
        if unused is None or (lease.key, subnet.version) not in withdrawn:
            yield subnet
        else:
            yield ip_network(gateway_of(subnet))
            yield ip_network(unused)


def routes_to(peer: Peer | None, rule: RouteRule, withdrawn: AbstractSet[Key] = NONE) -> Table:
    """Give the routes that one peer needs, one a family; for ourselves those that lead nowhere.

    Of one that is among the `withdrawn`, those by which it is probed.
    """
    if peer is None:
        return frozenset()
    lease = peer.lease
    if peer.state is PeerState.SELF:
        return nowhere(lease.subnets, rule.own, rule.table)
    to = destinations(lease, withdrawn) if withdrawn else lease.subnets
    if rule.underlays and lease.further:
        return frozenset(r for each in to for r in _by_every_link(each, lease, rule))
    return frozenset(
        _route(subnet, rule, gateway.packed, rule.link)
        for subnet in to
        if (gateway := lease.gateways.towards(subnet.version, via6=rule.via6)) is not None
    )


def _route(subnet: IPNetwork, rule: RouteRule, gateway: bytes, link: int) -> Route:
    return Route(
        subnet.network_address.packed,
        subnet.prefixlen,
        rule.metric or metric_of(subnet),
        gateway,
        link,
        rule.table,
        rule.ipv4 if subnet.version == 4 else rule.ipv6,
    )


def _by_every_link(subnet: IPNetwork, lease: Lease, rule: RouteRule) -> Iterator[Route]:
    """Give the routes of a peer with several addresses: a way by each link that has one of them.

    With none, its first address is tried by the first link: the kernel says why that cannot be.
    """
    first = lease.gateways.towards(subnet.version, via6=rule.via6)
    if first is None:
        return
    known = (first, *(each for each in lease.further if each.version == first.version))
    ways = [
        Leg(address.packed, underlay.link)
        for underlay in rule.underlays
        if (address := next((a for a in known if _on(underlay, a)), None)) is not None
    ]
    ways = sorted(ways) or [Leg(first.packed, rule.link)]
    if len(ways) == 1 or subnet.version == 6:
        yield from (_route(subnet, rule, *way) for way in ways)
    else:
        several = rule.ipv4._replace(legs=tuple(ways))
        yield _route(subnet, rule, b"", 0)._replace(form=several)


def _on(underlay: Underlay, address: IPAddress) -> bool:
    return any(address in network for network in underlay.networks)


def nowhere(networks: Iterable[IPNetwork], kind: int, table: int) -> Table:
    """Give routes to these networks that lead nowhere, none for UNICAST."""
    if kind == UNICAST:
        return frozenset()
    return frozenset(
        Route(each.network_address.packed, each.prefixlen, LAST + kind, b"", 0, table, Form(kind))
        for each in networks
    )


def routes_of_network(config: ClusterConfig, rule: RouteRule) -> Table:
    """Give the routes that the network needs, whoever is in it: what nobody has leads nowhere."""
    return nowhere(config.networks, rule.unassigned, rule.table)


def desired(roster: Roster, rule: RouteRule, withdrawn: AbstractSet[Key] = NONE) -> Table:
    """Give all routes there should be in one network."""
    peers = (routes_to(peer, rule, withdrawn) for peer in roster.peers.values())
    return routes_of_network(roster.policy.config, rule).union(*peers)
