"""What the tests of loops share: a loop that runs beside the test, and a store that counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from hostgw_core.store import Batch, Committed, Compare, Grant, Listing, Progress, Span, Write
from support.fake_store import FakeStore


@asynccontextmanager
async def running(*works: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Run these beside the body and cancel them in the end; a failure of one fails the test."""

    async def run(work: Callable[[], Awaitable[object]]) -> None:
        await work()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(work)) for work in works]
        yield
        for task in tasks:
            task.cancel()


class Counted:
    """A store that notes every request before it passes it on: (verb, what was asked for)."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.calls: list[tuple[str, Any]] = []

    @property
    def verbs(self) -> list[str]:
        """The verbs that were asked for, in order."""
        return [verb for verb, _ in self.calls]

    def forget(self) -> None:
        """Count from here on."""
        self.calls.clear()

    async def list(self, *spans: Span) -> Listing:
        """Do as the port says."""
        self.calls.append(("list", spans))
        return await self.store.list(*spans)

    def watch(self, since: Mapping[Span, int]) -> AsyncIterator[Batch | Progress]:
        """Do as the port says."""
        self.calls.append(("watch", dict(since)))
        return self.store.watch(since)

    async def commit(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Committed:
        """Do as the port says."""
        self.calls.append(("commit", tuple(writes)))
        return await self.store.commit(compares, writes)

    async def grant(self, ttl: int) -> Grant:
        """Do as the port says."""
        self.calls.append(("grant", ttl))
        return await self.store.grant(ttl)

    async def keep_alive(self, lease: int) -> int:
        """Do as the port says."""
        self.calls.append(("keep_alive", lease))
        return await self.store.keep_alive(lease)

    async def revoke(self, lease: int) -> None:
        """Do as the port says."""
        self.calls.append(("revoke", lease))
        await self.store.revoke(lease)


def now() -> float:
    """Give the loop's own time, which is virtual where a test is marked looptime."""
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], object], *, within: float = 60.0) -> float:
    """Wait in the loop's own time; give how long it took."""
    begun = now()
    while not condition():
        assert now() - begun <= within, f"not within {within} s"
        await asyncio.sleep(0.01)
    return now() - begun


async def settled() -> None:
    """Let everything that is ready run, and no timer of a hundredth of a second."""
    await asyncio.sleep(0.005)
