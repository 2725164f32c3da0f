"""A view of two spans that notes all that it tells, and a store that plays a script to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from hostgw_core.store import Batch, Delete, Header, Listing, Progress, Put, Span, Store
from hostgw_core.view import Sighting, View, ViewState
from support.fake_store import FakeStore
from support.loops import Counted, now, running, settled

CONFIG = Span(b"/p/config")
SUBNETS = Span.under(b"/p/subnets/")


class Watcher:
    """A view of two spans, and everything that it has told."""

    def __init__(self, store: Store, *, history: Header | None = None) -> None:
        self.sightings: list[Sighting] = []
        self.told: list[ViewState] = []
        self.view = View(
            store,
            CONFIG,
            SUBNETS,
            seen=self.sightings.append,
            clock=now,
            told=lambda: self.told.append(self.view.state),
            history=history,
        )

    @property
    def values(self) -> dict[bytes, bytes]:
        """What the latest snapshot holds: key to value."""
        assert self.view.snapshot is not None
        return {key: entry.value for key, entry in self.view.snapshot.entries.items()}

    @property
    def news(self) -> list[tuple[bytes, int]]:
        """Every change that was told as such, in order: the key and its revision."""
        return [(c.key, c.modified) for s in self.sightings for c in s.changes or ()]


@asynccontextmanager
async def watched(store: Store, *, history: Header | None = None) -> AsyncIterator[Watcher]:
    """Let a view run until it has settled."""
    watcher = Watcher(store, history=history)
    async with running(watcher.view.run):
        await settled()
        yield watcher


def put(store: FakeStore, *names: str, value: bytes = b"v") -> None:
    """Write keys under /p/."""
    store.commit_now([], [Put(f"/p/{name}".encode(), value) for name in names])


def delete(store: FakeStore, name: str) -> None:
    """Delete a key under /p/."""
    store.commit_now([], [Delete(f"/p/{name}".encode())])


class Scripted(Counted):
    """A store whose next watches are played from a script: batches, then an error."""

    def __init__(self, store: FakeStore) -> None:
        super().__init__(store)
        self.script: list[Sequence[Batch | Progress | Exception]] = []

    def watch(self, since: Mapping[Span, int]) -> AsyncIterator[Batch | Progress]:
        """Play what is planned, or be the store again."""
        if not self.script:
            return super().watch(since)
        self.calls.append(("watch", dict(since)))
        return self._play(self.script.pop(0))

    async def _play(
        self, items: Sequence[Batch | Progress | Exception]
    ) -> AsyncIterator[Batch | Progress]:
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item


def listed_before(
    store: FakeStore, header: Header, counted: Counted
) -> Callable[..., Awaitable[Listing]]:
    """Give a `list` whose first answer is the empty store of an earlier revision."""
    first = True

    async def list_(*spans: Span) -> Listing:
        nonlocal first
        counted.calls.append(("list", spans))
        listing = await store.list(*spans)
        if first:
            first = False
            return Listing(header, ())
        return listing

    return list_
