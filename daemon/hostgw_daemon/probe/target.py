"""Whom there is to ask: every other node in every family, as the roster has them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from hostgw_core.model import Addresses, Family, IPAddress, IPNetwork, Subnets
from hostgw_daemon.kernel import MAIN_TABLE
from hostgw_daemon.routes.desired import gateway_of, unused_of
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.routes.withdrawals import Key

HEADERS: Final[Mapping[Family, int]] = {4: 20 + 8, 6: 40 + 8}
"""Bytes of the IP and UDP headers before a datagram."""


_NO_MORE: Final[frozenset[IPAddress]] = frozenset()
"""One for all: each empty set is an object of its own, and most hosts have one address."""

__all__ = ["HEADERS", "Ground", "Key", "Target", "akin", "targets_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """A peer in one family: its id ("" for flannel's), its address, and places in its subnet.

    `host` is the next hop to its subnet: of IPv6 for an IPv4 subnet, where --ipv4-via-ipv6 says so.
    `gateway` is the address that its pods' gateway has, `ours` that of our own in the same network;
    `unused` is one of its subnet that nobody is to have, None where there is no room for that.
    `others` are more addresses of the host: it may ask by them, and packets may go back by them.
    """

    node_id: str
    host: IPAddress
    gateway: IPAddress
    ours: IPAddress
    unused: IPAddress | None = None
    others: frozenset[IPAddress] = _NO_MORE

    @property
    def addresses(self) -> frozenset[IPAddress]:
        """All addresses of the host."""
        return self.others | {self.host}


def akin(one: Target | None, other: Target | None) -> bool:
    """Tell whether what was found out of one holds of the other: they differ in `others` alone."""
    if one is None or other is None:
        return False
    return one is other or replace(one, others=other.others) == other


@dataclass(frozen=True, slots=True)
class Ground:
    """Where we stand: our addresses, the MTU of pods' packets in bytes, and the routes' table.

    `up`: our link carries packets. A kernel takes what is sent by a link without a carrier, and
    says of all its neighbours that they do not answer.
    """

    addresses: Addresses = field(default_factory=Addresses)
    mtu: int = 0
    table: int = MAIN_TABLE
    up: bool = True


def targets_of(
    key: bytes, peer: Peer | None, ours: Subnets, *, via6: bool = False
) -> Iterator[tuple[Key, Target]]:
    """Give whom to ask of one peer; `ours` are the subnets that we hold in the same network.

    `via6`: IPv4 subnets, too, are reached by IPv6 addresses.
    """
    if peer is None or peer.state is PeerState.SELF:
        return
    lease = peer.lease
    for subnet in lease.subnets:
        family: Family = 4 if subnet.version == 4 else 6
        host, own = lease.gateways.towards(family, via6=via6), ours.of(family)
        if host is None or own is None:
            continue
        yield (
            (key, family),
            Target(
                lease.node_id,
                host,
                gateway_of(subnet),
                _ours(own),
                unused_of(subnet),
                frozenset((*lease.gateways, *lease.further)) - {host} or _NO_MORE,
            ),
        )


@lru_cache(maxsize=64)
def _ours(subnet: IPNetwork) -> IPAddress:
    """Give one address to all targets of a network."""
    return gateway_of(subnet)
