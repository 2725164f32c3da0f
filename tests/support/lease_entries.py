"""What the store holds of a small cluster, written by hand: for the commands that read it."""

from __future__ import annotations

import json
from typing import Any

from hostgw_core.keys import Keys
from hostgw_core.store import Entry, Header, Listing

KEYS = Keys("/p")
CONFIG = {"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}


def entry(key: str, value: object, *, revision: int = 1, lease: int = 7) -> Entry:
    """Give a key below the prefix /p, on an etcd lease."""
    return Entry(f"/p/{key}".encode(), json.dumps(value).encode(), 1, revision, 1, lease)


def config(**changes: object) -> Entry:
    """Give the network."""
    return entry("config", {**CONFIG, **changes}, lease=0)


def lease(number: int, *, revision: int = 1, **changes: Any) -> Entry:
    """Give the lease of node number n: 10.5.n.0/24 via 192.0.2.n."""
    value = {
        "PublicIP": f"192.0.2.{number}",
        "PublicIPv6": None,
        "BackendType": "host-gw",
        "Node": f"n{number}",
        "NodeID": f"id{number}",
        **changes,
    }
    return entry(f"subnets/10.5.{number}.0-24", value, revision=revision)


def flannels_lease(number: int, *, revision: int = 1) -> Entry:
    """Give a lease as flannel writes it: without a name."""
    value = {"PublicIP": f"192.0.2.{number}", "PublicIPv6": None, "BackendType": "host-gw"}
    return entry(f"subnets/10.5.{number}.0-24", value, revision=revision)


def presence(number: int, *, revision: int = 1, **said: Any) -> Entry:
    """Give a node's sign of life; `said` are fields such as Conditions and Applied."""
    value = {
        "Node": f"n{number}",
        "Instance": f"i{number}",
        "Addresses": [f"192.0.2.{number}"],
        "Version": "0.1.0",
        **said,
    }
    return entry(f"hostgw/nodes/id{number}", value, revision=revision)


def reservation(number: int, node: str, *, revision: int = 1) -> Entry:
    """Keep the subnet of node n for a node."""
    value = {"Node": node}
    return entry(f"hostgw/reservations/10.5.{number}.0-24", value, revision=revision, lease=0)


def listing(*entries: Entry, revision: int = 100) -> Listing:
    """Give what a read of all of it finds."""
    ordered = tuple(sorted(entries, key=lambda each: each.key))
    return Listing(Header(1, revision, 1), ordered)
