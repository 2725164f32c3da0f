"""Frozen values, replaced whole; `==` is the comparison.

A *pool* is where subnets of one address family come from. The *network* (`ClusterConfig`) is at
most one pool a family. A *lease* is one record of the store after it was understood: who has which
subnets, and through which address they are reached. What could not be understood is a *refusal*,
which keeps the reason; there is nothing in between.

Inside the programs addresses are `ipaddress` objects; strings live only at the wire.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal, TypeAlias

Family: TypeAlias = Literal[4, 6]
IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

FAMILIES: tuple[Family, Family] = (4, 6)
HOST_GW = "host-gw"
QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Subnets:
    """The subnets of one lease, one a family: what its key says."""

    ipv4: IPv4Network | None = None
    ipv6: IPv6Network | None = None

    def of(self, family: Family) -> IPNetwork | None:
        """Give the subnet of one family, if the lease has one."""
        return self.ipv4 if family == 4 else self.ipv6

    def only(self, families: Collection[Family]) -> Subnets:
        """Give those of some families."""
        return Subnets(self.ipv4 if 4 in families else None, self.ipv6 if 6 in families else None)

    @property
    def families(self) -> tuple[Family, ...]:
        """The families there is a subnet of, IPv4 first."""
        return tuple(family for family in FAMILIES if self.of(family) is not None)

    def include(self, others: Subnets) -> bool:
        """Tell whether each of the others is one of these: a lease that got IPv6 has not moved."""
        return all(self.of(each.version) == each for each in others)

    def __iter__(self) -> Iterator[IPNetwork]:
        """Give the subnets there are, IPv4 first."""
        return iter([subnet for subnet in (self.ipv4, self.ipv6) if subnet is not None])

    def __str__(self) -> str:
        return " and ".join(str(subnet) for subnet in self) or "no subnet"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one node on the link that all nodes share, one a family."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None

    @classmethod
    def by_family(cls, addresses: Mapping[Family, IPAddress]) -> Addresses:
        """Put together what is known of each family."""
        ipv4, ipv6 = addresses.get(4), addresses.get(6)
        assert ipv4 is None or isinstance(ipv4, IPv4Address)
        assert ipv6 is None or isinstance(ipv6, IPv6Address)
        return cls(ipv4, ipv6)

    def of(self, family: Family) -> IPAddress | None:
        """Give the address of one family, if the node has one."""
        return self.ipv4 if family == 4 else self.ipv6

    def only(self, families: Collection[Family]) -> Addresses:
        """Give those of some families."""
        return Addresses(self.ipv4 if 4 in families else None, self.ipv6 if 6 in families else None)

    def towards(self, family: Family, *, via6: bool = False) -> IPAddress | None:
        """Give the next hop to the node's subnet of one family.

        `via6`: its IPv6 address, where it has one, leads to its IPv4 subnet too (RFC 8950 tells
        the same by BGP).
        """
        return self.ipv6 if via6 and self.ipv6 is not None else self.of(family)

    def __iter__(self) -> Iterator[IPAddress]:
        """Give the addresses there are, IPv4 first."""
        return iter([address for address in (self.ipv4, self.ipv6) if address is not None])

    def cover(self, subnets: Subnets, *, via6: bool = False) -> bool:
        """Tell whether there is one that leads to each of these subnets."""
        if via6 and self.ipv6 is not None:
            return True
        return (self.ipv4 is not None or subnets.ipv4 is None) and (
            self.ipv6 is not None or subnets.ipv6 is None
        )

    def meets(self, other: Addresses) -> bool:
        """Tell whether the two have an address in common."""
        return (self.ipv4 is not None and self.ipv4 == other.ipv4) or (
            self.ipv6 is not None and self.ipv6 == other.ipv6
        )

    def __str__(self) -> str:
        return " and ".join(str(address) for address in self) or "no address"


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has which subnets, and the address they are reached through.

    `node` and `node_id` are empty where flannel wrote the record: it names no node.
    `created` and `modified` are the store's revisions of the key; `etcd_lease` is the id of the
    etcd lease that the key hangs on, 0 for a key that stays (a reservation in use). `further` are
    more addresses of the node, on other links that it shares with the others.
    """

    key: bytes
    subnets: Subnets
    gateways: Addresses
    backend: str = HOST_GW
    node: str = ""
    node_id: str = ""
    created: int = 0
    modified: int = 0
    etcd_lease: int = 0
    further: tuple[IPAddress, ...] = ()

    @property
    def owner(self) -> str:
        """The node in words a person knows it by."""
        return self.node or self.node_id or str(self.gateways)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that is not used: `reason` is one of a few codes, `detail` says it with the cure."""

    key: bytes
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Where the subnets of a family come from: flannel's Network, SubnetLen, SubnetMin, SubnetMax.

    `first` and `last` are the first addresses of the lowest and the highest subnet that may be
    leased, both included.
    """

    network: IPNetwork
    length: int
    first: IPAddress
    last: IPAddress

    @property
    def size(self) -> int:
        """How many subnets may be leased."""
        span = int(self.last) - int(self.first)
        return (span >> (self.network.max_prefixlen - self.length)) + 1


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """The network that the cluster shares: flannel's JSON at `<prefix>/config`, understood.

    `revision` is the mod revision of the key: a claim compares it, so that no subnet is ever taken
    under a configuration that has been replaced.
    """

    ipv4: Pool | None
    ipv6: Pool | None
    revision: int = 0

    def of(self, family: Family) -> Pool | None:
        """Give the pool of one family, if the cluster uses that family."""
        return self.ipv4 if family == 4 else self.ipv6

    @property
    def families(self) -> tuple[Family, ...]:
        """The families in use, IPv4 first."""
        return tuple(family for family in FAMILIES if self.of(family) is not None)

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """The networks that the pools are parts of, IPv4 first."""
        return tuple(pool.network for pool in (self.ipv4, self.ipv6) if pool is not None)


@dataclass(frozen=True, slots=True)
class Presence:
    """A node's sign of life in the store, on a short etcd lease: the mutex on its node id.

    `instance` is random for each process. `created` is the create revision that every write of a
    claim compares.
    """

    node_id: str
    instance: str
    node: str
    addresses: Addresses
    created: int = 0
    modified: int = 0
