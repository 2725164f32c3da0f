"""Who holds which subnet: one question, asked of ten thousand.

No two subnets in it overlap. So of all that are held only one can reach into another subnet: the
one that begins last among those that begin before its end. A search in sorted blocks finds it,
whatever the lengths are. A copy shares all blocks with its original; whoever changes one changes a
copy of that block.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import Final, TypeAlias

from hostgw_core.model import IPNetwork
from hostgw_core.subnets import bounds

BLOCK: Final = 128
"""How many subnets a block has before it is cut in two."""

_Held: TypeAlias = tuple[int, int, bytes]
"""First and last address as numbers, and the key of the holder."""

_first = itemgetter(0)


class _Land:
    """The subnets of one family."""

    __slots__ = ("blocks", "starts")

    def __init__(self) -> None:
        self.blocks: list[list[_Held]] = []
        self.starts: list[int] = []

    def copy(self) -> _Land:
        other = _Land()
        other.blocks, other.starts = self.blocks.copy(), self.starts.copy()
        return other

    def last_before(self, end: int) -> _Held | None:
        """Give the subnet that begins last at or before an address."""
        at = bisect_right(self.starts, end) - 1
        if at < 0:
            return None
        block = self.blocks[at]
        return block[bisect_right(block, end, key=_first) - 1]

    def put(self, held: _Held) -> None:
        at = max(0, bisect_right(self.starts, held[0]) - 1)
        block = self.blocks[at].copy() if self.blocks else []
        block.insert(bisect_left(block, held[0], key=_first), held)
        if len(block) > BLOCK:
            half = len(block) // 2
            self._replace(at, [block[:half], block[half:]])
        else:
            self._replace(at, [block])

    def remove(self, first: int) -> None:
        at = bisect_right(self.starts, first) - 1
        block = self.blocks[at].copy()
        del block[bisect_left(block, first, key=_first)]
        self._replace(at, [block] if block else [])

    def _replace(self, at: int, blocks: list[list[_Held]]) -> None:
        self.blocks[at : at + 1] = blocks
        self.starts[at : at + 1] = [block[0][0] for block in blocks]


class Ground:
    """The subnets that are held, and the key of each one's holder."""

    __slots__ = ("_lands",)

    def __init__(self) -> None:
        self._lands = {4: _Land(), 6: _Land()}

    def copy(self) -> Ground:
        """Give another one that holds the same."""
        other = Ground()
        other._lands = {family: land.copy() for family, land in self._lands.items()}
        return other

    def holder(self, subnet: IPNetwork) -> bytes | None:
        """Give the holder of a subnet that overlaps this one, the last one if they are several."""
        first, last = bounds(subnet)
        found = self._lands[subnet.version].last_before(last)
        return found[2] if found is not None and found[1] >= first else None

    def take(self, subnet: IPNetwork, key: bytes) -> None:
        """Let a key hold a subnet that overlaps none that is held."""
        self._lands[subnet.version].put((*bounds(subnet), key))

    def free(self, subnet: IPNetwork) -> None:
        """Let go of a subnet that is held."""
        self._lands[subnet.version].remove(int(subnet.network_address))
