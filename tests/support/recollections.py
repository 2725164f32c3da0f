"""What a node remembers of the store, made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hostgw_core.store import Entry, Header
from hostgw_daemon.disk.recollection import Past, Recollection

PREFIX, NODE_ID = "/coreos.com/network", "id-1"
NETWORK = b'{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
KNOWN = Header(cluster=0xCDF818194E3A8C32, revision=41, term=3)


def record(third: int, *, node: str = "") -> Entry:
    """Write the lease of 10.5.x.0/24."""
    value = {"PublicIP": f"192.0.2.{third}", "PublicIPv6": None, "BackendType": "host-gw"}
    if node:
        value |= {"Node": node, "NodeID": node}
    key = f"{PREFIX}/subnets/10.5.{third}.0-24".encode()
    return Entry(key, json.dumps(value).encode(), third, third + 1, 1, 7)


def recollection(**changes: Any) -> Recollection:
    """Make one of three leases, written at a moment of 2001."""
    made = Recollection(
        PREFIX,
        NODE_ID,
        1e9,
        Past(KNOWN),
        Entry(f"{PREFIX}/config".encode(), NETWORK, 2, 2, 1, 0),
        (record(1, node=NODE_ID), record(2, node="id-2"), record(3)),
    )
    return replace(made, **changes)
