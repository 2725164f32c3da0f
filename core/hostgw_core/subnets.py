"""The arithmetic of subnets: which there are, which one follows, which is taken.

A pool's subnets are numbered from 0, its lowest one. A lease of both families takes the IPv6 subnet
with the number of its IPv4 subnet, so that one key of the store decides both. Two daemons that race
for one subnet therefore always meet in one range of keys.

flannel chooses the two at random and apart from one another. Such a pair *fits* (it may be kept and
adopted) though it would not be chosen here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from hostgw_core.model import FAMILIES, Addresses, ClusterConfig, Family, IPNetwork, Pool, Subnets

FEWEST_BITS: Final = 2
"""A network has at least four subnets (flannel's rule): what is larger is no node's part of it."""


def subnet_at(pool: Pool, index: int) -> IPNetwork:
    """Give the subnet with this number. Raise IndexError when the pool has none such."""
    if not 0 <= index < pool.size:
        raise IndexError(f"the pool has the subnets 0 to {pool.size - 1}, not {index}")
    address = int(pool.first) + (index << (pool.network.max_prefixlen - pool.length))
    if isinstance(pool.network, IPv4Network):
        return IPv4Network((address, pool.length))
    return IPv6Network((address, pool.length))


def index_of(pool: Pool, subnet: IPNetwork) -> int | None:
    """Give the number of a subnet in the pool, or None when it is none of the pool's."""
    if subnet.version != pool.network.version or subnet.prefixlen != pool.length:
        return None
    distance = int(subnet.network_address) - int(pool.first)
    index, rest = divmod(distance, subnet.num_addresses)
    return index if rest == 0 and 0 <= index < pool.size else None


def capacity(config: ClusterConfig) -> int:
    """How many nodes can hold a lease: the smaller pool decides when both families are used."""
    return min((pool.size for pool in (config.ipv4, config.ipv6) if pool is not None), default=0)


def paired(config: ClusterConfig, index: int) -> Subnets | None:
    """Give the subnets that belong together under this number, None when a pool lacks it."""
    if not 0 <= index < capacity(config):
        return None
    ipv4 = subnet_at(config.ipv4, index) if config.ipv4 is not None else None
    ipv6 = subnet_at(config.ipv6, index) if config.ipv6 is not None else None
    # The pools are of these families by their making; the narrowing is for the type checker.
    assert not isinstance(ipv4, IPv6Network)
    assert not isinstance(ipv6, IPv4Network)
    return Subnets(ipv4, ipv6)


def fits(config: ClusterConfig, subnets: Subnets) -> str | None:
    """Give the reason why these subnets may not be leased under this configuration, or None.

    flannel's `isSubnetConfigCompat`: the families of the configuration and no other, the
    length, and the range from SubnetMin to SubnetMax.
    """
    for family in FAMILIES:
        reason = _misfit(config.of(family), subnets.of(family), family)
        if reason is not None:
            return reason
    return None


def lacks(config: ClusterConfig, subnets: Subnets, gateways: Addresses) -> str | None:
    """Give what a lease lacks in IPv6 while IPv4 is as it should be, or None.

    So is the lease of a node that has no IPv6 address in a network of both families.
    """
    if fits(replace(config, ipv6=None), Subnets(subnets.ipv4)) is not None:
        return None
    if subnets.ipv6 is None:
        return None if config.ipv6 is None else "an IPv6 subnet is missing"
    if gateways.ipv6 is None and fits(config, subnets) is None:
        return f"it names no IPv6 address for {subnets.ipv6}"
    return None


def _misfit(pool: Pool | None, subnet: IPNetwork | None, family: Family) -> str | None:
    if pool is None:
        return None if subnet is None else f"{subnet}: the network has no IPv{family}"
    if subnet is None:
        return f"an IPv{family} subnet is missing"
    if index_of(pool, subnet) is not None:
        return None
    if subnet.prefixlen != pool.length:
        return f"{subnet} is not a /{pool.length}, as the network's subnets are"
    return f"{subnet} is not one of the /{pool.length} from {pool.first} to {pool.last}"


def inside(config: ClusterConfig, subnets: Subnets) -> bool:
    """Tell whether every one of the subnets lies in the network of its family."""
    return all(_within(config.of(family), subnets.of(family)) for family in FAMILIES)


def _within(pool: Pool | None, subnet: IPNetwork | None) -> bool:
    if subnet is None:
        return True
    if pool is None or subnet.prefixlen < pool.network.prefixlen:
        return False
    shift = subnet.max_prefixlen - pool.network.prefixlen
    return int(subnet.network_address) >> shift == int(pool.network.network_address) >> shift


def too_much(config: ClusterConfig, subnet: IPNetwork) -> bool:
    """Tell whether a subnet reaches into the network and is more of it than a node can have."""
    pool = config.of(subnet.version)
    return (
        pool is not None
        and subnet.prefixlen < pool.network.prefixlen + FEWEST_BITS
        and subnet.overlaps(pool.network)
    )


def candidates(config: ClusterConfig, node_id: str) -> Iterator[Subnets]:
    """Give every subnet that may be leased once, lazily, from this node's own place onwards.

    The place is a hash of the node id, so that a thousand nodes that start together seldom want the
    same subnet, and a node that lost everything wants its old one.
    """
    size = capacity(config)
    if size == 0:
        return
    start = int.from_bytes(blake2b(node_id.encode(), digest_size=16).digest()) % size
    for step in range(size):
        subnets = paired(config, (start + step) % size)
        if subnets is not None:
            yield subnets


def bounds(network: IPNetwork) -> tuple[int, int]:
    """Give the first and the last address as numbers.

    `broadcast_address` would leave two more addresses and a dict with every network that is asked:
    400 bytes, ten thousand times.
    """
    first = int(network.network_address)
    return first, first + (1 << (network.max_prefixlen - network.prefixlen)) - 1


class Taken:
    """The networks that are in use, and the one question: does this one overlap any of them.

    Two networks either nest or are apart. So the outermost ones are kept, sorted, and the answer is
    one of the two neighbours: O(log n) a question, n log n to build.
    """

    __slots__ = ("_first", "_last", "_networks")

    def __init__(self, networks: Iterable[IPNetwork]) -> None:
        """Take the networks of both families, in any order, nested or repeated as they may be."""
        self._networks: dict[int, list[IPNetwork]] = {4: [], 6: []}
        self._first: dict[int, list[int]] = {4: [], 6: []}
        self._last: dict[int, list[int]] = {4: [], 6: []}
        spans = sorted(
            (int(network.network_address), network.prefixlen, number, network)
            for number, network in enumerate(networks)
        )
        for first, _, _, network in spans:
            version = network.version
            last = self._last[version]
            if last and first <= last[-1]:
                continue
            self._networks[version].append(network)
            self._first[version].append(first)
            last.append(bounds(network)[1])

    def __len__(self) -> int:
        return len(self._networks[4]) + len(self._networks[6])

    def overlaps(self, network: IPNetwork) -> IPNetwork | None:
        """Give a network in use that overlaps this one, or None."""
        version = network.version
        first, last = bounds(network)
        # The one that begins last at or before our last address is the only one that can reach us.
        place = bisect_right(self._first[version], last) - 1
        if place >= 0 and self._last[version][place] >= first:
            return self._networks[version][place]
        return None
