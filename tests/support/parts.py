"""A healthy daemon's parts, made of values, for tests of what is computed from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from types import MappingProxyType
from typing import Any

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, Lease, Pool, Presence, Refusal, Subnets
from hostgw_core.records import Dispute
from hostgw_core.session import SessionState
from hostgw_core.store import Header
from hostgw_core.view import Snapshot, ViewState
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.kernel import ForeignRoute, Link, Outcome, Route, Verb, Verdict, Write
from hostgw_daemon.link.uplink import Uplink
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.peers import Peer, PeerState, Policy, Roster
from hostgw_daemon.routes.report import PassKind, Report, RoutesState
from hostgw_daemon.routes.understanding import Understanding
from hostgw_daemon.routes.withdrawals import Withdrawal, Withdrawn
from hostgw_daemon.rules.masquerade import MasqueradeState, Standing
from hostgw_daemon.told.overview import Parts

KEYS = Keys("/coreos.com/network")
HEADER = Header(0xCDF8, 77, 3)
POOL = Pool(ip_network("10.0.0.0/8"), 24, IPv4Address("10.0.0.0"), IPv4Address("10.255.255.0"))
CONFIG = ClusterConfig(POOL, None, 5)


def lease(number: int, *, node: str = "") -> Lease:
    """Make the lease of node `number`: 10.x.y.0/24 through 192.0.2.z."""
    subnet = IPv4Network((0x0A000000 + (number << 8), 24))
    gateway = IPv4Address("192.0.2.0") + number % 250
    subnets, name = Subnets(subnet), node or f"n{number}"
    return Lease(
        KEYS.lease(subnets), subnets, Addresses(gateway), node=name, node_id=f"id-{number}"
    )


OWN = lease(0)
UPLINK = Uplink(
    Link(2, "eth0", 1500, up=True, carrier=True),
    OWN.gateways,
    (ip_network("192.0.2.0/24"),),
    "eth0: has the default route (metric 100)",
)
DOWN = replace(UPLINK, link=replace(UPLINK.link, up=False))
UNPLUGGED = replace(UPLINK, link=replace(UPLINK.link, carrier=False))
ELSEWHERE = Subnets(IPv4Network("10.9.9.0/24"))


def disputes(*pairs: tuple[str, int]) -> Mapping[bytes, Dispute]:
    """Make the notes of nodes, by number, that want the address of the first."""
    found = {}
    for holder, number in pairs:
        other = lease(number)
        said = Presence(other.node_id, "now", other.node, other.gateways)
        key = KEYS.dispute(holder, other.node_id)
        found[key] = Dispute(key, holder, said)
    return found


def route(number: int) -> Route:
    """Make our route to the subnet of node `number`."""
    to = lease(number)
    assert to.subnets.ipv4 is not None
    assert to.gateways.ipv4 is not None
    return Route(to.subnets.ipv4.network_address.packed, 24, 1100, to.gateways.ipv4.packed, 2)


def outcome(number: int, verdict: Verdict, message: str = "the kernel's words") -> Outcome:
    """Make the kernel's answer to the route of node `number`."""
    return Outcome(Write(Verb.CREATE, route(number)), verdict, 1, message)


def foreign(number: int, *, metric: int = 0, gateway: str = "192.0.2.9") -> ForeignRoute:
    """Make somebody else's route to the subnet of node `number`."""
    ours, via = route(number), ip_address(gateway).packed if gateway else b""
    return ForeignRoute(ours.destination, ours.length, metric, 3, via, 2)


def roster(count: int, *, refusals: tuple[Refusal, ...] = (), **states: Any) -> Roster:
    """Make a roster of our own lease and `count` peers, all well but those of `states`."""
    peers = {OWN.key: Peer(OWN, PeerState.SELF)}
    for number in range(1, count + 1):
        each = lease(number)
        peers[each.key] = states.get(f"n{number}") or Peer(each)
    policy = Policy(KEYS, CONFIG, "id-0", OWN.gateways)
    refused = MappingProxyType({refusal.key: refusal for refusal in refusals})
    return replace(
        accept((), policy),
        peers=MappingProxyType(peers),
        refusals=refused,
        reasons=Counter(refusal.reason for refusal in refusals),
    )


def report(kind: PassKind, *outcomes: Outcome) -> Report:
    """Make a pass that took a millisecond."""
    return Report(kind, "start", 77, 3, outcomes, started=10.0, finished=10.001)


def understanding(count: int = 3, **changes: Any) -> Understanding:
    """Make what is understood of a cluster with so many peers."""
    made = Understanding(Snapshot(HEADER), CONFIG, roster=roster(count))
    return replace(made, **changes)


def parts(**changes: Any) -> Parts:
    """Make the parts of a daemon that is well, and has three peers, but for the changes."""
    full = report(PassKind.FULL)
    healthy = Parts(
        view=ViewState(connected=True, header=HEADER, entries=4, contact=12.0),
        understanding=understanding(),
        claim=ClaimState(OWN, "kept"),
        lease=SessionState(0xABC, 86400, renewed=100.0, deadline=86500.0),
        uplink=UPLINK,
        routes=RoutesState(last=full, last_full=full, complete=True, installed=3),
        masquerade=MasqueradeState(Standing.IN_FORCE),
        boottime=200.0,
        subnets=OWN.subnets,
        subnet_file_written=True,
    )
    return replace(healthy, **changes)


def withdrawn(*numbers: int) -> Withdrawn:
    """Let the routes of these nodes be withdrawn."""
    return Withdrawn({(lease(n).key, 4): Withdrawal("unreachable", 5.0) for n in numbers})


def routes(**changes: Any) -> RoutesState:
    """Make the routes of a daemon that is well, but for the changes."""
    return replace(parts().routes, **changes)
