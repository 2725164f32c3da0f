"""Whether the store is kept up: room for writes, and a history that somebody compacts.

A store without room answers, tells and renews as ever, and refuses every write: a cluster that
stands still shows nothing of it. One whose history nobody compacts, etcd's default, gets there in
months. Both are a person's to mend; here they are only seen, every ten minutes and at once when a
write of ours is refused.

What this user may not ask is not known, and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from hostgw_core.backoff import around
from hostgw_core.store import Room, StoreDenied, StoreError, StoreFull, Upkept
from hostgw_core.wake import Wake

EVERY = 600.0  # seconds between two looks
WHILE_FULL = 30.0  # seconds between two looks at a store that is known to be full
SHORT: Final = 100_000  # revisions: a history that need not be compacted
LONG: Final = 1_000_000  # revisions: more than any habit of compacting keeps
LARGE: Final = 1 << 30  # bytes on disk: half of what etcd allows by default
SHARE: Final = 0.8  # of the quota, where etcd tells it


@dataclass(frozen=True, slots=True)
class UpkeepState:
    """What is known. `refused`: our last write, for want of room, since `room` was asked.

    `kept` is the length of a history that nobody compacts, in revisions; 0 when somebody does, or
    when it is short.
    """

    room: Room | None = None
    refused: bool = False
    kept: int = 0

    @property
    def full(self) -> str:
        """Say in what way the store is full; nothing while it is not."""
        if self.room is not None and self.room.full:
            return f"the alarm NOSPACE is raised at {_size(self.room)}, {self._now}"
        return "it refused a write for want of room" if self.refused else ""

    @property
    def grows(self) -> str:
        """Say in what way the store grows; nothing while it does not."""
        said = []
        if self.kept:
            said.append(f"{self.kept:,} revisions are kept that nobody has compacted")
        if self.room is not None and self.room.size >= _large(self.room):
            said.append(f"the database has {_size(self.room)}")
        return ", ".join([*said, self._now]) if said else ""

    @property
    def _now(self) -> str:
        return f"the revision is {self.room.header.revision}" if self.room is not None else ""


def oldest_asked_for(revision: int) -> int:
    """Give the revision that would be gone if anybody compacted; 0 if the history is short."""
    return max(2, revision - LONG) if revision >= SHORT else 0


def _large(room: Room) -> float:
    return room.quota * SHARE if room.quota else LARGE


def _size(room: Room) -> str:
    return f"{room.size / 1e6:,.1f} MB, {room.in_use / 1e6:,.1f} MB of it in use"


class Upkeep:
    """Looks after a store. `key` is one that we may read; `told` is called when something is new.

    The outcome of every write of ours is told to `wrote`.
    """

    def __init__(self, store: Upkept, key: bytes, *, told: Callable[[], None]) -> None:
        self._store = store
        self._key = key
        self._told = told
        self._wake = Wake()
        self.state = UpkeepState()

    def wrote(self, result: str) -> None:
        """Hear how a write of ours ended: "ok", or the name of its error."""
        refused = result == StoreFull.__name__
        if refused != bool(self.state.full) and (refused or result == "ok"):
            self._now(replace(self.state, refused=refused))
            self._wake.ring()

    async def run(self) -> NoReturn:
        """Look for ever."""
        while True:
            self._wake.take()
            await self.look()
            await self._wake.wait(within=around(WHILE_FULL if self.state.full else EVERY))

    async def look(self) -> None:
        """Look once. A store that does not answer leaves everything as it was known."""
        try:
            room = await self._store.room()
        except StoreDenied:
            self._now(UpkeepState(refused=self.state.refused))
        except StoreError:
            return
        else:
            self._now(UpkeepState(room, kept=await self._kept(room.header.revision)))

    async def _kept(self, revision: int) -> int:
        oldest = oldest_asked_for(revision)
        try:
            recalled = oldest > 0 and await self._store.recalls(self._key, oldest)
        except StoreDenied:
            return 0
        except StoreError:
            return self.state.kept
        return revision - oldest if recalled else 0

    def _now(self, state: UpkeepState) -> None:
        if state != self.state:
            self.state = state
            self._told()
