"""Sights of a claim, made of values: who is claiming, in which network, and what is listed."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, Lease, Pool, Presence, Subnets
from hostgw_core.records import Dispute
from hostgw_daemon.claim.sight import Me, Sight

KEYS = Keys("/p")
HERE = Addresses(IPv4Address("192.0.2.1"))
THERE = Addresses(IPv4Address("192.0.2.2"))
ME = Me("me", "web", "now", former="before", addresses=HERE)


def pool(first: str, last: str) -> Pool:
    """Make the pool of /24 from one to the other."""
    return Pool(IPv4Network("10.5.0.0/16"), 24, IPv4Address(first), IPv4Address(last))


IPV6 = Pool(
    IPv6Network("fd00:5::/48"), 64, IPv6Address("fd00:5:0:1::"), IPv6Address("fd00:5:0:9::")
)
CONFIG = ClusterConfig(pool("10.5.1.0", "10.5.9.0"), None, 40)
MINE = Presence("me", "now", "web", HERE, created=70, modified=71)
READY = Sight(KEYS, ME, CONFIG, presence=MINE)


def subnets(third: int) -> Subnets:
    """Give 10.5.x.0/24."""
    return Subnets(IPv4Network(f"10.5.{third}.0/24"))


def lease(third: int, node_id: str = "me", **changes: Any) -> Lease:
    """Make a lease as it stands in the store."""
    held = subnets(third)
    made = Lease(
        KEYS.lease(held),
        held,
        HERE,
        node="web",
        node_id=node_id,
        created=third,
        modified=third + 50,
    )
    return replace(made, **changes)


def note_at(holder: str, **changes: Any) -> Dispute:
    """Make our note at the node that has our address."""
    said = replace(Presence("me", "now", "web", HERE, 90, 91), **changes)
    return Dispute(KEYS.dispute(holder, said.node_id), holder, said, said.modified)


def seen(**changes: Any) -> Sight:
    """Give a sight in which we are announced, but for the changes."""
    made = replace(READY, **changes)
    taken = [subnet for each in made.leases for subnet in each.subnets]
    return replace(made, occupied=(*made.occupied, *taken))
