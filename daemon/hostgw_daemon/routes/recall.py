"""What a node knows before the store has said anything: from its disk, or from its own routes.

What was believed once is judged again as something that was, so that it keeps its last good
meaning over a restart, too. Routes of ours in the kernel are all that is left where the disk was
lost: each of them stands for a lease of somebody whose name is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_network

from hostgw_core.keys import Keys
from hostgw_core.model import IPNetwork, Lease, Subnets
from hostgw_core.records import lease_of, lease_value
from hostgw_core.store import Entry
from hostgw_daemon.kernel import Route
from hostgw_daemon.routes.ground import Ground
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.peers import NO_ADDRESSES, Peer, Policy, Roster


def recalled(entries: Iterable[Entry], policy: Policy) -> Roster:
    """Judge records of leases that were believed once."""
    kept = tuple(entries)
    leases = [lease for e in kept if isinstance(lease := lease_of(policy.keys, e), Lease)]
    peers = {lease.key: Peer(lease) for lease in leases}
    return accept(kept, policy, Roster(policy, peers, {}, Ground(), {}, {}))


def as_records(keys: Keys, routes: Iterable[Route], entries: Iterable[Entry]) -> Iterator[Entry]:
    """Write the leases that routes of ours stand for.

    Where a record tells of the subnet, it is that record's lease, of both families if it has both,
    led where the routes lead. It is its node's only if that is where the record leads, too.
    """
    read = (lease_of(keys, entry, any_backend=True) for entry in entries)
    told = {subnet: each for each in read if isinstance(each, Lease) for subnet in each.subnets}
    leases: dict[Subnets, Lease] = {}
    for route in routes:
        if not route.gateways:
            continue
        subnet, gateway = ip_network((route.destination, route.length)), route.gateways[0]
        lease = told.get(subnet) or _unknown(keys, subnet)
        lease = leases.get(lease.subnets, lease)
        if gateway.version == 4:
            gateways = replace(lease.gateways, ipv4=gateway)
        else:
            gateways = replace(lease.gateways, ipv6=gateway)
        if gateways != lease.gateways:  # who is there is not known
            lease = replace(lease, gateways=gateways, node="", node_id="")
        leases[lease.subnets] = lease
    for each in leases.values():
        value = lease_value(gateways=each.gateways, node=each.node, node_id=each.node_id)
        yield Entry(each.key, value, 0, 0, 1, 0)


def _unknown(keys: Keys, subnet: IPNetwork) -> Lease:
    subnets = Subnets(ipv4=subnet) if subnet.version == 4 else Subnets(ipv6=subnet)
    return Lease(keys.lease(subnets), subnets, NO_ADDRESSES)
