"""What a node knows before the store has said anything: from its disk, or from its own routes.

What was believed once is judged again as something that was, so that it keeps its last good
meaning over a restart, too. Routes of ours in the kernel are all that is left where the disk was
lost: each of them stands for a lease of somebody whose name is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, IPNetwork, Lease, Subnets
from hostgw_core.records import lease_of, lease_value
from hostgw_core.store import Entry
from hostgw_daemon.kernel import Route
from hostgw_daemon.routes.ground import Ground
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.peers import Peer, Policy, Roster


def recalled(entries: Iterable[Entry], policy: Policy) -> Roster:
    """Judge records of leases that were believed once."""
    kept = tuple(entries)
    leases = [lease for e in kept if isinstance(lease := lease_of(policy.keys, e), Lease)]
    peers = {lease.key: Peer(lease) for lease in leases}
    return accept(kept, policy, Roster(policy, peers, {}, Ground(), {}, {}))


def as_records(keys: Keys, routes: Iterable[Route], entries: Iterable[Entry]) -> Iterator[Entry]:
    """Write the leases that routes of ours stand for, but for those which records tell of."""
    told = {subnet for entry in entries for subnet in _subnets(keys, entry)}
    for route in routes:
        subnet = ip_network((route.destination, route.length))
        if subnet in told or not route.gateway:
            continue
        gateway = ip_address(route.gateway)
        if subnet.version == 4 and gateway.version == 4:
            subnets, gateways = Subnets(ipv4=subnet), Addresses(ipv4=gateway)
        elif subnet.version == 6 and gateway.version == 6:
            subnets, gateways = Subnets(ipv6=subnet), Addresses(ipv6=gateway)
        else:
            continue
        yield Entry(keys.lease(subnets), lease_value(gateways=gateways), 0, 0, 1, 0)


def _subnets(keys: Keys, entry: Entry) -> Iterable[IPNetwork]:
    lease = lease_of(keys, entry, any_backend=True)
    return lease.subnets if isinstance(lease, Lease) else ()
