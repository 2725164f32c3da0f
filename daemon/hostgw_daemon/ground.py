"""Who holds which subnet: one question, asked of ten thousand.

No two subnets in it overlap. So of all that are held only one can reach into another subnet: the
one that begins last among those that begin before its end. A search in a sorted list finds it,
whatever the lengths are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from hostgw_core.model import IPNetwork


class Ground:
    """The subnets that are held, and the key of each one's holder."""

    __slots__ = ("_firsts", "_holders", "_lasts")

    def __init__(self) -> None:
        # Addresses as numbers, by family, in one order: the first and last address, and the holder.
        self._firsts: dict[int, list[int]] = {4: [], 6: []}
        self._lasts: dict[int, list[int]] = {4: [], 6: []}
        self._holders: dict[int, list[bytes]] = {4: [], 6: []}

    def copy(self) -> Ground:
        """Give another one that holds the same."""
        other = Ground()
        for family in (4, 6):
            other._firsts[family] = self._firsts[family].copy()
            other._lasts[family] = self._lasts[family].copy()
            other._holders[family] = self._holders[family].copy()
        return other

    def holder(self, subnet: IPNetwork) -> bytes | None:
        """Give the holder of a subnet that overlaps this one, the last one if they are several."""
        family = subnet.version
        place = bisect_right(self._firsts[family], int(subnet.broadcast_address)) - 1
        if place >= 0 and self._lasts[family][place] >= int(subnet.network_address):
            return self._holders[family][place]
        return None

    def take(self, subnet: IPNetwork, key: bytes) -> None:
        """Let a key hold a subnet that overlaps none that is held."""
        family, first = subnet.version, int(subnet.network_address)
        place = bisect_left(self._firsts[family], first)
        self._firsts[family].insert(place, first)
        self._lasts[family].insert(place, int(subnet.broadcast_address))
        self._holders[family].insert(place, key)

    def free(self, subnet: IPNetwork) -> None:
        """Let go of a subnet that is held."""
        family = subnet.version
        place = bisect_left(self._firsts[family], int(subnet.network_address))
        del self._firsts[family][place], self._lasts[family][place], self._holders[family][place]
