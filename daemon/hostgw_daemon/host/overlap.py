"""Networks and routes of this host inside the cluster's network: whose packets they take. Pure.

The kernel goes by the longest prefix. A route of somebody else takes packets from a node's subnet
when it is as long as a subnet or longer; a shorter one only gets what no node holds. A network on a
link of this host is more: whoever has its addresses is a neighbour there, and hosts of it cannot be
reached where a node holds their addresses. On the uplink, no lease that meets it is used at all
(`routes.judgement`).

What lies in our own subnet is our containers', and a route to exactly the subnet of a node is told
of elsewhere (`shadowed`, `routes_conflict`).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from hostgw_core.model import IPNetwork, Pool
from hostgw_daemon.host.facts import HostFacts
from hostgw_daemon.kernel import MAIN_TABLE, ForeignRoute

NAMED: Final = 3
"""How many of many a sentence names."""
_ELSEWHERE = "give that link another network, or set another Network in <prefix>/config"


def overlap(facts: HostFacts) -> tuple[str, str] | None:
    """Give the sentence and the cure, or None."""
    found = list(_found(facts)) if facts.about.link is not None else []
    if not found:
        return None
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    sentence = "; ".join(sentence for sentence, _ in found[:NAMED]) + more
    return sentence, "; ".join(dict.fromkeys(cure for _, cure in found[:NAMED]))


def _found(facts: HostFacts) -> Iterator[tuple[str, str]]:
    on_links = {(each.network, each.link): each for each in facts.addresses}
    for route in dict.fromkeys(facts.foreign):
        here = ip_network((route.destination, route.length), strict=False)
        pool = _met(here, facts.about.pools)
        if pool is None or _ours(here, facts.about.own):
            continue
        name = facts.name_of(route.link)
        if (here, route.link) in on_links:
            yield _network(here, name, pool), _ELSEWHERE
        elif here.prefixlen >= pool.length and here not in facts.about.routed:
            yield _route(here, route, name, pool), _removal(here, route)


def _met(here: IPNetwork, pools: tuple[Pool, ...]) -> Pool | None:
    """Give the pool that a destination reaches into; a default route reaches into none."""
    if not here.prefixlen:
        return None
    return next((pool for pool in pools if _overlap(here, pool.network)), None)


def _ours(here: IPNetwork, own: tuple[IPNetwork, ...]) -> bool:
    return any(_overlap(here, each) and here.prefixlen >= each.prefixlen for each in own)


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    """Tell whether two networks, perhaps of two families, share an address."""
    first, second = sorted((one, other), key=lambda network: network.prefixlen)
    return one.version == other.version and second.network_address in first


def _network(here: IPNetwork, name: str, pool: Pool) -> str:
    if here.prefixlen >= pool.network.prefixlen:
        return (
            f"the network {here} of {name} lies in the cluster's network {pool.network}: where a"
            " node's subnet meets it, one of the two cannot be reached from here, and what"
            " containers send there is not masqueraded"
        )
    return (
        f"the cluster's network {pool.network} lies in the network {here} of {name}: hosts there"
        " cannot be reached where a node holds their addresses, and if that link leads to the"
        " other nodes, no subnet can be used"
    )


def _route(here: IPNetwork, route: ForeignRoute, name: str, pool: Pool) -> str:
    via = f" via {ip_address(route.gateway)}" if route.gateway else f" on {name}" * bool(route.link)
    return (
        f"the route to {here}{via} (protocol {route.protocol}) lies in the cluster's network"
        f" {pool.network} and takes the packets to its containers there"
    )


def _removal(here: IPNetwork, route: ForeignRoute) -> str:
    metric = f" metric {route.metric}" if route.metric else ""
    table = f" table {route.table}" if route.table != MAIN_TABLE else ""
    return f"ip route del {here}{metric} proto {route.protocol}{table}"
