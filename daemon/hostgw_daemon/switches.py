"""What the kernel's sysctls and tables say of themselves: values that cross the port to it."""

from __future__ import annotations

from dataclasses import dataclass

ALL_LINKS = -1
"""The index that stands for a family's `all` among its switches (linux/netconf.h)."""


@dataclass(frozen=True, slots=True)
class Switches:
    """What the sysctls of a link say, or those of `all`. `rp_filter`: 0, 1 strict, 2 loose.

    IPv6 has no rp_filter: 0. `leaves_dead`: a way by this link is not used while it has no carrier
    (ignore_routes_with_linkdown).
    """

    forwarding: bool
    rp_filter: int = 0
    leaves_dead: bool = False


@dataclass(frozen=True, slots=True)
class NeighbourTable:
    """A family's neighbour table: one for all network namespaces, with all their entries.

    `thresholds` are gc_thresh1 to gc_thresh3: above the last one the kernel makes no entry.
    """

    entries: int
    thresholds: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of the neighbour table, as far as it matters who keeps it.

    `managed`: the kernel keeps it resolved. `ours`: it carries our protocol number. `taken`:
    somebody wrote it, for good or as another program's. `used`: it answered a moment ago, or is
    being asked because packets go there. `failed`: it did not answer.
    """

    managed: bool = False
    ours: bool = False
    taken: bool = False
    used: bool = False
    failed: bool = False
