"""What the host is wanted for: a pure function of the link, the networks and our leases."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from hostgw_core.model import FAMILIES, ClusterConfig, IPAddress, IPNetwork, Lease, Pool, Subnets
from hostgw_daemon.host.facts import Circumstances
from hostgw_daemon.kernel import MAIN_TABLE
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.peers import Roster
from hostgw_daemon.routes.understanding import Understanding


@dataclass(frozen=True, slots=True)
class _Routed(Container[IPNetwork]):
    """The subnets of all nodes, asked for one by one: nobody writes ten thousand of them out."""

    rosters: tuple[Roster, ...]

    def __contains__(self, subnet: object) -> bool:
        if not isinstance(subnet, IPv4Network | IPv6Network):
            return False
        for roster in self.rosters:
            holder = roster.ground.holder(subnet)
            peer = roster.peers.get(holder) if holder is not None else None
            if peer is not None and subnet in tuple(peer.lease.subnets):
                return True
        return False


def circumstances(
    uplink: Uplink | NoUplink,
    *networks: tuple[Understanding | None, Lease | None, Subnets],
    rule: RouteRule | None = None,
) -> Circumstances:
    """Give what the host is held against; nothing about a network that is not known yet.

    Of each network: what is understood of it, the lease that this node goes by, and the subnets
    that its containers are in. `rule` is how routes are written, None while they are not.
    """
    known = [(now, lease, own) for now, lease, own in networks if now is not None]
    leases = [lease for _, lease, _ in known if lease is not None]
    rosters = tuple(now.roster for now, _, _ in known if now.roster is not None)
    ours = {lease.key for lease in leases}
    others = (len(roster.peers) - len(ours & roster.peers.keys()) for roster in rosters)
    return Circumstances(
        link=uplink.link if isinstance(uplink, Uplink) else None,
        pools=tuple(pool for now, _, _ in known for pool in _pools(now.config)),
        own=tuple(subnet for _, _, own in known for subnet in own),
        peers=max(others, default=0),  # most nodes have a lease in each network
        table=rule.table if rule is not None else MAIN_TABLE,
        several=tuple(each.link for each in rule.underlays) if rule is not None else (),
        routed=_Routed(rosters),
    )


def gateways_on(uplink: Uplink, *networks: Understanding | None) -> frozenset[IPAddress]:
    """Give the addresses of the other nodes of all networks that are on the uplink's networks."""
    rosters = [now.roster for now in networks if now is not None and now.roster is not None]
    ours = set(uplink.addresses)
    return frozenset(
        address
        for roster in rosters
        for peer in roster.peers.values()
        for address in peer.lease.gateways
        if address not in ours and any(address in network for network in uplink.networks)
    )


def _pools(config: ClusterConfig | None) -> list[Pool]:
    pools = [config.of(family) for family in FAMILIES] if config is not None else []
    return [pool for pool in pools if pool is not None]
