"""How many subnets of the pools are leased, reserved and free.

A node takes one number of the pools, with the IPv4 and the IPv6 subnet that carry it
(`hostgw_core.subnets`). A number is leased when *either* of its subnets has an address in common
with a lease, for then nobody else can have it; a lease from before a change of SubnetLen may take
many numbers, and one that lies outside the pools takes none. An IPv6 pool may have 2^60 subnets,
so numbers are counted as runs, never one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from hostgw_core.model import ClusterConfig, IPNetwork, Pool, Subnets
from hostgw_core.subnets import capacity

Run: TypeAlias = tuple[int, int]
"""Numbers from the first up to, and without, the second."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """`total` is the sum of the others. A subnet that is leased and reserved counts as leased."""

    total: int = 0
    leased: int = 0
    reserved: int = 0
    free: int = 0


def occupancy_of(
    config: ClusterConfig | None, leased: Iterable[Subnets], reserved: Iterable[Subnets]
) -> Occupancy:
    """Count the subnets of the pools by state. Without a configuration there are none."""
    if config is None:
        return Occupancy()
    total = capacity(config)
    by_leases = [run for subnets in leased for run in _taken(config, subnets, total)]
    by_both = by_leases + [run for subnets in reserved for run in _taken(config, subnets, total)]
    held, kept = _size(by_leases), _size(by_both)
    return Occupancy(total, held, kept - held, total - kept)


def _taken(config: ClusterConfig, subnets: Subnets, total: int) -> Iterable[Run]:
    for subnet in subnets:
        pool = config.of(subnet.version)
        if pool is not None:
            first, end = _numbers(pool, subnet)
            if first < min(end, total):
                yield first, min(end, total)


def _numbers(pool: Pool, subnet: IPNetwork) -> Run:
    """Give the numbers whose subnets the network touches; empty when it lies outside."""
    shift = pool.network.max_prefixlen - pool.length
    lowest = int(pool.first)
    first = (int(subnet.network_address) - lowest) >> shift
    last = (int(subnet.broadcast_address) - lowest) >> shift
    return max(first, 0), min(last + 1, pool.size)


def _size(runs: Iterable[Run]) -> int:
    """How many numbers lie in at least one run."""
    size, reached = 0, 0
    for first, end in sorted(runs):
        if end > reached:
            size += end - max(first, reached)
            reached = end
    return size
