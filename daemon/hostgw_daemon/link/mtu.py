"""The MTU of containers: the uplink's, or the one that was asked for where that can be. Pure.

host-gw encapsulates nothing, so a container may send what the uplink carries, and not a byte more:
a larger packet would be refused at the uplink of either host. A person may ask for less, for a path
that is narrower somewhere between the hosts. What cannot be is not done: containers then have the
uplink's MTU, and the trouble says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hostgw_core.model import Family
from hostgw_daemon.kernel import Link

LEAST: dict[Family, int] = {4: 68, 6: 1280}
"""What every link of a family must carry, in bytes: RFC 791 (page 25), RFC 8200 (section 5)."""


@dataclass(frozen=True, slots=True)
class Mtu:
    """The MTU of containers in bytes, and why it is not the one that was asked for."""

    value: int
    trouble: str = ""


def container_mtu(asked: int, link: Link, families: Sequence[Family]) -> Mtu:
    """Give the MTU for containers; `asked` is in bytes, 0 for that of the link."""
    least, word = max((LEAST[family], f"IPv{family}") for family in families or (4,))
    if link.mtu < least:
        return Mtu(
            link.mtu, f"{link.name} has an MTU of {link.mtu}, and {word} needs {least} at least"
        )
    if asked > link.mtu:
        why = f"{link.name} carries {link.mtu} at most"
    elif 0 < asked < least:
        why = f"{word} needs {least} at least"
    else:
        return Mtu(asked or link.mtu)
    return Mtu(link.mtu, f"an MTU of {asked} was asked for and {why}: containers get {link.mtu}")
