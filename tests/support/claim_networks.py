"""The networks that a site of claims may have, and the names of their subnets, by hand.

They have so few subnets that nodes which look at the same time want the same one: four, or eight of
half the size, numbered from 0 in both families.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

PART = re.compile(r"([0-9a-f.:]+)-([0-9]+)")
FIRST = {4: int(ip_address("10.5.0.0")), 6: int(ip_address("fd00:5::"))}


def networks(length4: int, length6: int) -> list[dict[str, Any]]:
    """Give the network with IPv4 alone, of both families, and with IPv6 alone."""
    ipv4 = {"Network": "10.5.0.0/22", "SubnetLen": length4, "SubnetMin": "10.5.0.0"}
    ipv6 = {"IPv6Network": "fd00:5::/62", "IPv6SubnetLen": length6, "IPv6SubnetMin": "fd00:5::"}
    return [
        ipv4,
        {**ipv4, **ipv6, "EnableIPv6": True},
        {**ipv6, "EnableIPv6": True, "EnableIPv4": False},
    ]


QUARTERS = networks(24, 64)
EIGHTHS = networks(25, 65)
NAMES4 = [f"10.5.{number}.0-24" for number in range(4)]
NAMES6 = ["fd00:5::-64", "fd00:5:0:1::-64", "fd00:5:0:2::-64", "fd00:5:0:3::-64"]


def pair(ipv4: int | None, ipv6: int | None) -> str:
    """Name the quarters with these numbers as flannel does, "" for none."""
    parts = [NAMES4[ipv4]] if ipv4 is not None else []
    return "&".join([*parts, *([NAMES6[ipv6]] if ipv6 is not None else [])])


def networks_in(name: str) -> list[IPv4Network | IPv6Network]:
    """Read the subnets that the last part of a key names; none where it names no subnet."""
    found = [PART.fullmatch(part) for part in name.split("&")]
    return [ip_network(f"{part[1]}/{part[2]}") for part in found if part]


def number_of(network: IPv4Network | IPv6Network) -> int:
    """Give a subnet's number, counted from the lowest one of its length."""
    distance = int(network.network_address) - FIRST[network.version]
    return distance >> (network.max_prefixlen - network.prefixlen)


def numbers_in(name: str) -> set[int]:
    """Give the numbers of the subnets in a name: one for a pair that belongs together."""
    return {number_of(network) for network in networks_in(name)}
