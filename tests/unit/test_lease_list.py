"""The list of leases in a network of both families."""

from __future__ import annotations

import json

from hostgw_cli.lease_list import cells, rows
from hostgw_core.keys import Keys
from hostgw_core.store import Entry

CONFIG = {
    "Network": "10.5.0.0/16",
    "EnableIPv6": True,
    "IPv6Network": "fd00:5::/48",
    "Backend": {"Type": "host-gw"},
}


def entry(key, value):
    """Give a key below the prefix, on an etcd lease."""
    return Entry(f"/p/{key}".encode(), json.dumps(value).encode(), 1, 1, 1, 7)


def lease(name, ipv4, ipv6=None):
    """Give a lease in flannel's words."""
    value = {"PublicIP": ipv4, "PublicIPv6": ipv6, "BackendType": "host-gw"}
    return entry(f"subnets/{name}", value)


def test_both_families_are_shown_and_what_one_lacks_is_said():
    """A row has both subnets and both gateways; one that lacks IPv6 is partial, and not outside."""
    found = rows(
        Keys("/p"),
        [
            entry("config", CONFIG),
            lease("10.5.1.0-24&fd00:5:0:1::-64", "192.0.2.1", "2001:db8::1"),
            lease("10.5.2.0-24", "192.0.2.2"),
            lease("10.5.3.0-24&fd00:5:0:3::-64", "192.0.2.3"),
            lease("10.6.4.0-24", "192.0.2.4"),
        ],
    )
    shown = [(subnet, gateway, state) for subnet, gateway, _, state, _, _ in cells(found)]
    assert shown == [
        ("10.5.1.0/24 fd00:5:0:1::/64", "192.0.2.1 2001:db8::1", "leased"),
        ("10.5.2.0/24", "192.0.2.2", "partial"),
        ("10.5.3.0/24 fd00:5:0:3::/64", "192.0.2.3", "partial"),
        ("10.6.4.0/24", "192.0.2.4", "outside"),
    ]
    assert [row.note for row in found[:3]] == [
        "",
        "IPv4 alone is routed to: an IPv6 subnet is missing",
        "IPv4 alone is routed to: it names no IPv6 address for fd00:5:0:3::/64",
    ]
