"""A store under test: with a prefix of its own, and with what the port has no verb for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from hostgw_core.store import Batch, Change, Committed, Entry, Progress, Put, Span, Store, Upkept

LIMIT = 10.0  # seconds for anything that must happen


class WholeStore(Store, Upkept, Protocol):
    """Everything that is asked of a store."""


@dataclass
class Subject:
    """A store under test. `lapse(seconds)` lets leases of that age end.

    `progress()` lets open watches be told how far they have come, now or in a moment.
    """

    store: WholeStore
    prefix: bytes
    compact: Callable[[int], Awaitable[None]]
    lapse: Callable[[float], Awaitable[None]]
    progress: Callable[[], Awaitable[None]]

    def key(self, name: str) -> bytes:
        """Give a key of this test's own."""
        return self.prefix + b"/" + name.encode()

    @property
    def all(self) -> Span:
        """Give the span of this test's keys."""
        return Span.under(self.prefix + b"/")

    async def put(self, *names: str, value: bytes = b"v", lease: int = 0) -> Committed:
        """Write keys in one commit, whatever was there."""
        return await self.store.commit([], [Put(self.key(name), value, lease) for name in names])

    async def entries(self) -> dict[bytes, Entry]:
        """Read this test's keys."""
        return {entry.key: entry for entry in (await self.store.list(self.all)).entries}


class Watching:
    """An open watch, read with a limit."""

    def __init__(self, told: AsyncIterator[Batch | Progress]) -> None:
        self._told = told

    async def told(self) -> Batch | Progress:
        """Give what is told next."""
        async with asyncio.timeout(LIMIT):
            return await anext(self._told)

    async def batch(self) -> Batch:
        """Give the next batch; progress may be told at any time, and is passed over."""
        while True:
            told = await self.told()
            if isinstance(told, Batch):
                return told

    async def progress(self, revision: int) -> Progress:
        """Give the next progress that has come as far as this revision; nothing else may come."""
        while True:
            told = await self.told()
            assert isinstance(told, Progress), told
            if told.header.revision >= revision:
                return told

    async def changes(self, count: int) -> list[Change]:
        """Give the next changes, over as many batches as they take."""
        found: list[Change] = []
        while len(found) < count:
            found.extend((await self.batch()).changes)
        return found


@asynccontextmanager
async def watching(store: Store, since: Mapping[Span, int]) -> AsyncIterator[Watching]:
    """Open a watch, wait until it is accepted, and close it in the end."""
    told = store.watch(since)
    watch = Watching(told)
    try:
        for _ in since:
            first = await watch.batch()
            assert first.changes == (), "the first batch of a span carries no change"
        yield watch
    finally:
        await told.aclose()  # type: ignore[attr-defined]  # a generator, as the port says
