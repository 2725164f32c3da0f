"""How many containers of this host still have an address, by what host-local has written down.

The CNI plugin `host-local` keeps a file for each address that it has given out, named like the
address, in a folder for each network (plugins/ipam/host-local/backend/disk). Containers that were
attached in another way, or by a plugin that was told another folder, are not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path


def names_in(folder: Path) -> list[str]:
    """Give the names of the files of all networks; none where there is no such folder."""
    try:
        return [each.name for each in folder.glob("*/*")]
    except OSError:
        return []


def in_use(names: Iterable[str], subnets: Iterable[str]) -> Mapping[str, int]:
    """Count the names that are addresses in each of these subnets; a name may be anything."""
    networks = [ip_network(each) for each in subnets]
    found: Counter[str] = Counter()
    for name in names:
        found.update(str(each) for each in networks if _has(each, name))
    return found


def _has(network: IPv4Network | IPv6Network, name: str) -> bool:
    try:
        address = ip_address(name)
    except ValueError:  # `lock`, `last_reserved_ip.0`
        return False
    return address.version == network.version and address in network
