"""Which routes of ours no lease in the store stands for. Pure.

flannel takes routes as it finds them, and never looks for those of hosts that are gone: before it
comes back, they must go. Those of the living stay, and not a packet is lost.

What cannot be judged stays: a route outside the network of this prefix may be another network's; a
key whose value cannot be read is a lease all the same; a gateway is compared only where a route has
exactly one, and with every address that its node is known by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hostgw_cli.cleanup.leftovers import Leftover, Route
from hostgw_core.keys import Keys, networks_in
from hostgw_core.model import FAMILIES, ClusterConfig, IPNetwork, Lease, Presence, Refusal
from hostgw_core.network import config_of
from hostgw_core.records import lease_of, presence_of
from hostgw_core.store import Entry

FEW = 2
"""So many routes may be stale in any case; beyond, at most half of them."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the store says: the cluster's networks, and the gateways of each leased subnet.

    A subnet whose record cannot be read has none: then any gateway is right.
    """

    networks: tuple[IPNetwork, ...]
    gateways: Mapping[IPNetwork, frozenset[str]]


def ground(keys: Keys, entries: Iterable[Entry]) -> Ground:
    """Read the configuration, the leases and the presences. Raise ValueError, a sentence."""
    config: ClusterConfig | None = None
    leases: list[Entry] = []
    addresses: dict[str, set[str]] = {}
    for entry in entries:
        if entry.key == keys.config:
            understood = config_of(entry)
            if isinstance(understood, Refusal):
                raise ValueError(understood.detail)
            config = understood
        elif entry.key in keys.nodes:
            presence = presence_of(keys, entry)
            if isinstance(presence, Presence):
                addresses[presence.node_id] = {str(each) for each in presence.addresses}
        else:
            leases.append(entry)
    if config is None:
        raise ValueError(f"there is no network under {keys.prefix}")
    pools = (config.of(family) for family in FAMILIES)
    found: dict[IPNetwork, frozenset[str]] = {}
    for entry in leases:
        lease = lease_of(keys, entry, any_backend=True)
        known = (
            frozenset({str(each) for each in lease.gateways} | addresses.get(lease.node_id, set()))
            if isinstance(lease, Lease)
            else frozenset()
        )
        found |= dict.fromkeys(networks_in(keys.subnets_of(entry.key)), known)
    return Ground(tuple(pool.network for pool in pools if pool is not None), found)


def stale(routes: Iterable[Route], now: Ground) -> Iterator[Leftover]:
    """Give the routes for which no lease stands, each with the reason."""
    for route in routes:
        if not _inside(route.destination, now.networks):
            continue
        known = now.gateways.get(route.destination)
        if known is None:
            yield route.leftover("no lease has this subnet")
        elif known and route.gateway and route.gateway not in known:
            yield route.leftover(f"the lease's gateway is {' or '.join(sorted(known))}")


def doubtful(now: Ground, *, found: int, of: int) -> bool:
    """Tell whether so many stale routes speak of a wrong store rather than of gone hosts.

    A store without any lease is one that was wiped: this host's own should be there.
    """
    return found > 0 and (not now.gateways or found > max(FEW, of // 2))


def _inside(destination: IPNetwork, networks: Iterable[IPNetwork]) -> bool:
    return any(
        destination.version == network.version
        and network.prefixlen <= destination.prefixlen
        and destination.network_address in network
        for network in networks
    )
