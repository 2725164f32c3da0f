"""Whom there is to ask: every other node in every family, as the roster has them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hostgw_core.model import Addresses, Family, IPAddress, Subnets
from hostgw_daemon.kernel import MAIN_TABLE
from hostgw_daemon.routes.desired import gateway_of, unused_of
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.routes.withdrawals import Key

HEADERS: Final[Mapping[Family, int]] = {4: 20 + 8, 6: 40 + 8}
"""Bytes of the IP and UDP headers before a datagram."""


__all__ = ["HEADERS", "Ground", "Key", "Target", "targets_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """A peer in one family: its id ("" for flannel's), its address, and places in its subnet.

    `gateway` is the address that its pods' gateway has, `ours` that of our own in the same network;
    `unused` is one of its subnet that nobody is to have, None where there is no room for that.
    """

    node_id: str
    host: IPAddress
    gateway: IPAddress
    ours: IPAddress
    unused: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """Where we stand: our addresses, the MTU of pods' packets in bytes, and the routes' table."""

    addresses: Addresses = field(default_factory=Addresses)
    mtu: int = 0
    table: int = MAIN_TABLE


def targets_of(key: bytes, peer: Peer | None, ours: Subnets) -> Iterator[tuple[Key, Target]]:
    """Give whom to ask of one peer; `ours` are the subnets that we hold in the same network."""
    if peer is None or peer.state is PeerState.SELF:
        return
    lease = peer.lease
    for subnet in lease.subnets:
        family: Family = 4 if subnet.version == 4 else 6
        host, own = lease.gateways.of(family), ours.of(family)
        if host is None or own is None:
            continue
        yield (
            (key, family),
            Target(
                lease.node_id,
                host,
                gateway_of(subnet),
                gateway_of(own),
                unused_of(subnet),
            ),
        )
