"""The peers of the benchmark: leases in etcd of hosts that are not there, each its own gateway.

Peer n holds the n-th subnet from 10.1.0.0/24 on and is reached through an address of its own on
the underlay: the shape of a real cluster, and the one that makes the kernel slow when all routes
have one metric. Nobody answers at these addresses, and nothing is sent to them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from zlib import crc32

CLUSTER = IPv4Network("10.0.0.0/8")
LENGTH = 24
SUBNETS = "/coreos.com/network/subnets/"
MOST = 16_000  # the moved gateways begin where this many end

_FIRST_SUBNET = IPv4Address("10.1.0.0")
_FIRST_GATEWAY = IPv4Address("198.18.1.0")
_FIRST_MOVED = IPv4Address("198.18.128.0")


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that holds a lease: its number, and whether it has moved to its other address."""

    number: int
    moved: bool = False

    @property
    def subnet(self) -> IPv4Network:
        """What it leases."""
        return IPv4Network((_FIRST_SUBNET + (self.number << (32 - LENGTH)), LENGTH))

    @property
    def gateway(self) -> IPv4Address:
        """Its address on the underlay."""
        return (_FIRST_MOVED if self.moved else _FIRST_GATEWAY) + self.number

    @property
    def metric(self) -> int:
        """The metric that hostgwd gives its route (docs/kernel.md), computed apart from it."""
        return 1024 + crc32(self.subnet.network_address.packed + bytes([LENGTH])) % 1024

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{SUBNETS}{self.subnet.network_address}-{LENGTH}"

    @property
    def value(self) -> str:
        """Its record, as hostgwd writes one."""
        return json.dumps(
            {
                "PublicIP": str(self.gateway),
                "PublicIPv6": None,
                "BackendType": "host-gw",
                "Node": f"peer-{self.number}",
                "NodeID": f"00000000-0000-4000-8000-{self.number:012x}",
            }
        )

    def elsewhere(self) -> Peer:
        """Give the same node at its other address."""
        return replace(self, moved=not self.moved)


def peers(count: int) -> list[Peer]:
    """Give the first `count` peers."""
    if not 0 < count <= MOST:
        raise ValueError(f"{count} peers: 1 to {MOST}")
    return [Peer(number) for number in range(count)]
