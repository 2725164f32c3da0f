"""Where a family's subnets come from: flannel's rules for one family, both by one table."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from hostgw_core.model import Family, IPAddress, IPNetwork, Pool
from hostgw_core.network.fields import Fields, Notes


@dataclass(frozen=True, slots=True)
class Rules:
    """The names of a family's fields, and its limits.

    A subnet has at least four addresses (`longest`), a network at least four subnets.
    """

    version: Family
    enable: str
    enabled: bool
    network: str
    length: str
    first: str
    last: str
    usual: int
    longest: int
    example: str
    unusable: tuple[IPNetwork, ...]


IPV4: Final = Rules(
    version=4,
    enable="EnableIPv4",
    enabled=True,
    network="Network",
    length="SubnetLen",
    first="SubnetMin",
    last="SubnetMax",
    usual=24,
    longest=30,
    example="10.5.0.0/16",
    # "This network", loopback, link-local, multicast, the limited broadcast (RFC 6890).
    unusable=(
        IPv4Network("0.0.0.0/8"),
        IPv4Network("127.0.0.0/8"),
        IPv4Network("169.254.0.0/16"),
        IPv4Network("224.0.0.0/4"),
        IPv4Network("255.255.255.255/32"),
    ),
)
IPV6: Final = Rules(
    version=6,
    enable="EnableIPv6",
    enabled=False,
    network="IPv6Network",
    length="IPv6SubnetLen",
    first="IPv6SubnetMin",
    last="IPv6SubnetMax",
    usual=64,
    longest=126,
    example="fd00:5::/48",
    # Unspecified and loopback, IPv4 mapped, link-local, multicast (RFC 6890).
    unusable=(
        IPv6Network("::/127"),
        IPv6Network("::ffff:0:0/96"),
        IPv6Network("fe80::/10"),
        IPv6Network("ff00::/8"),
    ),
)


def is_on(fields: Fields, rules: Rules) -> bool:
    """Tell whether the cluster uses this family."""
    return fields.flag(rules.enable, default=rules.enabled)


def read_pool(fields: Fields, rules: Rules, *, on: bool) -> Pool | None:
    """Give the family's pool; None when it is not used, or when a problem was noted.

    Fields of a family that is not used must be readable, as they must be for flannel, and count for
    nothing.
    """
    network = fields.network(rules.network, version=rules.version, example=rules.example)
    length = fields.number(rules.length)
    first = fields.address(rules.first, version=rules.version)
    last = fields.address(rules.last, version=rules.version)
    if not on:
        if network is not None:
            fields.notes.remark(f"{rules.network} is ignored while {rules.enable} is false")
        return None
    if rules.network not in fields:
        fields.notes.problem(
            f"{rules.network} is missing",
            f'write the network of all containers, like "{rules.network}": "{rules.example}",'
            f' or switch the family off by "{rules.enable}": false',
        )
    if network is None or not _usable(network, rules, fields.notes):
        return None
    length = _length(network, length, rules=rules, notes=fields.notes)
    if length == 0:
        return None
    size = 1 << (network.max_prefixlen - length)
    pool = Pool(
        network,
        length,
        first=first or network.network_address + size,
        last=last or network.broadcast_address - (size - 1),
    )
    return pool if _bounded(pool, rules, fields.notes) else None


def _usable(network: IPNetwork, rules: Rules, notes: Notes) -> bool:
    for block in rules.unusable:
        if network.overlaps(block):
            notes.problem(
                f"{rules.network} is {network}, and no container can have addresses of {block}",
                f'choose a private network, like "{rules.example}"',
            )
            return False
    return True


def _length(network: IPNetwork, given: int, *, rules: Rules, notes: Notes) -> int:
    """Give the length of the subnets, or 0 after a problem."""
    least = network.prefixlen + 2
    if least > rules.longest:
        notes.problem(
            f"{rules.network} is {network}, too small for four subnets of four addresses",
            f"choose a /{rules.longest - 2} or a wider one",
        )
        return 0
    if given == 0:
        return max(rules.usual, least)
    if least <= given <= rules.longest:
        return given
    notes.problem(
        f"{rules.length} is {given}",
        f"with {network} it can be {least} to {rules.longest}, for at least four subnets of at"
        " least four addresses",
    )
    return 0


def _bounded(pool: Pool, rules: Rules, notes: Notes) -> bool:
    ends = [
        _on_boundary(pool, end, name=name, notes=notes)
        for name, end in ((rules.first, pool.first), (rules.last, pool.last))
    ]
    if all(ends) and int(pool.first) > int(pool.last):
        notes.problem(
            f"{rules.first} {pool.first} lies above {rules.last} {pool.last}",
            "give the lower one first",
        )
        return False
    return all(ends)


def _on_boundary(pool: Pool, end: IPAddress, *, name: str, notes: Notes) -> bool:
    size = 1 << (pool.network.max_prefixlen - pool.length)
    if end not in pool.network:
        notes.problem(f"{name} is {end}", f"it has to lie inside {pool.network}")
        return False
    if int(end) % size:
        notes.problem(
            f"{name} is {end}", f"it has to be the first address of a /{pool.length} subnet"
        )
        return False
    return True
