"""The store as this program sees it: list everything at one revision, then watch what follows.

A `Snapshot` is only ever complete. Each change gives a new one; what has changed travels beside it
so that a reader may look at little, but the snapshot is the truth. A stream that breaks is resumed
in every span after the last whole response. A resumed watch on a wiped store is silent for ever, so
nothing is resumed before a quorum has answered in a history that *continues* the last one: the
same cluster, and neither revision nor term gone back. Otherwise, and after a compaction, everything
is listed again; a history that does not continue is `broken` from then on.

A quiet span is resumed behind the last progress that was told of it, or its place in the history
would be compacted away: progress moves that place and nothing else, and never back.

Order holds within a span and not between spans: etcd serves each of them by a watcher of its own
and may answer for a slow one late, with the revision of then. So only what a member says when it
*accepts* a watch is compared with the history, as that was known before it was asked.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import NoReturn

from hostgw_core.backoff import Backoff
from hostgw_core.edition import Edition, draft_of
from hostgw_core.store import (
    Batch,
    Change,
    Compacted,
    Deleted,
    Entry,
    Header,
    Progress,
    Span,
    Store,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)

_NOTHING: Mapping[bytes, Entry] = Edition({})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every entry of the spans at `header.revision`. `broken`: not the history we knew before.

    After a list that is exact. While it is watched, a change in one span may be seen a moment
    before an older one in another; within one history the revision never goes back.
    """

    header: Header
    entries: Mapping[bytes, Entry] = field(default_factory=lambda: _NOTHING)
    broken: bool = False

    @property
    def revision(self) -> int:
        """The store's latest revision that is known here."""
        return self.header.revision


@dataclass(frozen=True, slots=True)
class Sighting:
    """A new snapshot, and how it differs from the one before; `changes` is None after a list.

    `received` is the moment the news arrived, in seconds of time.monotonic.
    """

    snapshot: Snapshot
    changes: tuple[Change, ...] | None
    received: float


@dataclass(frozen=True, slots=True)
class ViewState:
    """How the view is doing, for status and metrics.

    Not connected and no error: the first answer is still awaited.
    """

    connected: bool = False
    denied: bool = False
    error: str = ""
    header: Header | None = None
    entries: int = 0
    relists: int = 0
    restarts: Mapping[str, int] = field(default_factory=dict)
    contact: float = 0.0


def continues(before: Header | None, now: Header) -> bool:
    """Tell whether an answer belongs to the history we have seen so far."""
    return before is None or (
        now.cluster == before.cluster
        and now.revision >= before.revision
        and now.term >= before.term
    )


def later(one: Header, other: Header) -> Header:
    """Give what is known after two answers of one history, whichever came first."""
    return Header(one.cluster, max(one.revision, other.revision), max(one.term, other.term))


def merge(snapshot: Snapshot, batch: Batch, *, since: int) -> tuple[Snapshot, tuple[Change, ...]]:
    """Apply a batch; give the new snapshot and the changes that were news.

    Everything before the revision `since` is known in this span. A watch may tell it again, and it
    is dropped: applying a batch twice is applying it once, and an old put brings nothing back that
    was deleted since.
    """
    entries = draft_of(snapshot.entries)
    news: list[Change] = []
    for change in batch.changes:
        if change.modified < since:
            continue
        if isinstance(change, Deleted):
            if entries.pop(change.key, None) is None:
                continue
        else:
            entries[change.key] = change
        news.append(change)
    header = later(snapshot.header, batch.header)
    return replace(snapshot, header=header, entries=entries.printed()), tuple(news)


class View:
    """Keeps a snapshot of some spans, which do not overlap, and tells `seen` of each new one.

    `history` is the last header that an earlier run of this program saw, if it is known; `told` is
    called when the store comes or goes.
    """

    def __init__(
        self,
        store: Store,
        *spans: Span,
        seen: Callable[[Sighting], None],
        clock: Callable[[], float],
        history: Header | None = None,
        backoff: Backoff | None = None,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._spans = spans
        self._seen = seen
        self._clock = clock
        self._history = history
        self._told = told
        self._backoff = backoff or Backoff(0.1, 2.0)
        self._next: dict[Span, int] = {}
        self.snapshot: Snapshot | None = None
        self.state = ViewState()

    async def run(self) -> NoReturn:
        """Look at the store for ever, whatever it does."""
        while True:
            try:
                if self._next:
                    await self._check_history()
                if not self._next:
                    await self._list()
                await self._watch()
                self._interrupted("ended", "the store has ended the watch")
            except Compacted as error:
                self._next.clear()
                self._interrupted("compacted", str(error))
            except StoreDenied as error:
                self._interrupted("denied", str(error))
            except StoreError as error:
                self._interrupted("unavailable", str(error))
            await asyncio.sleep(self._backoff.failed())

    async def _check_history(self) -> None:
        header = (await self._store.list()).header
        if not continues(self._history, header):
            self._next.clear()

    async def _list(self) -> None:
        listing = await self._store.list(*self._spans)
        header = listing.header
        broken = not continues(self._history, header) or (
            self.snapshot is not None and self.snapshot.broken
        )
        entries = Edition({entry.key: entry for entry in listing.entries})
        self._next = dict.fromkeys(self._spans, header.revision + 1)
        self._heard(header)
        self.state = replace(self.state, relists=self.state.relists + 1)
        self._publish(Snapshot(header, entries, broken=broken), None, self._clock())

    async def _watch(self) -> None:
        known, accepted = self._history, math.inf
        stream = self._store.watch(dict(self._next))
        async with aclosing(stream) as told:  # type: ignore[type-var]  # the port says: it closes
            try:
                async for each in told:
                    accepted = min(accepted, self._clock())
                    if isinstance(each, Progress):
                        self._go_on_behind(each)
                    elif each.changes or continues(known, each.header):
                        self._take(each)
                    else:
                        # It lags, or has another history: the quorum is asked before we go on.
                        raise StoreUnavailable(
                            "the member that serves the watch is behind what we have seen"
                        )
            finally:
                # A watch that breaks as soon as it is accepted is no success: ten thousand nodes
                # must not ask for it ten times a second.
                if self._clock() - accepted > self._backoff.longest:
                    self._backoff.succeeded()

    def _go_on_behind(self, progress: Progress) -> None:
        self._heard(later(self._history or progress.header, progress.header))
        since = self._next[progress.span]
        self._next[progress.span] = max(since, progress.header.revision + 1)

    def _take(self, batch: Batch) -> None:
        assert self.snapshot is not None
        self._heard(later(self._history or batch.header, batch.header))
        if not batch.changes:
            return
        since = self._next[batch.span]
        snapshot, news = merge(self.snapshot, batch, since=since)
        self._next[batch.span] = max(since, batch.changes[-1].modified + 1)
        if news:
            self._publish(snapshot, news, batch.received)

    def _publish(
        self, snapshot: Snapshot, changes: tuple[Change, ...] | None, received: float
    ) -> None:
        self.snapshot = snapshot
        self.state = replace(self.state, entries=len(snapshot.entries))
        self._seen(Sighting(snapshot, changes, received))

    def _heard(self, header: Header) -> None:
        self._history = header
        came_back = not self.state.connected
        now = self._clock()
        self.state = replace(
            self.state, connected=True, denied=False, error="", header=header, contact=now
        )
        if came_back:
            self._told()

    def _interrupted(self, reason: str, sentence: str) -> None:
        restarts = {**self.state.restarts, reason: self.state.restarts.get(reason, 0) + 1}
        self.state = replace(self.state, restarts=restarts)
        if reason == "compacted":
            return  # the store is there: it is asked for a list in a moment
        self.state = replace(self.state, connected=False, denied=reason == "denied", error=sentence)
        self._told()
