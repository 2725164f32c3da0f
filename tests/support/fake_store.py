"""An etcd without etcd: its data model in memory, driven by a clock that the test owns.

What is imitated is what the port promises and what has bitten somebody: revisions and per-key
create/modify/version, leases that end only when `expire()` looks (etcd looks twice a second, too),
transactions with their limits, watches from an old revision, compaction, a restart that gives
every lease its whole time again, a wipe that keeps the cluster id. Nothing here knows the adapter;
`tests/contract` holds both to one suite.

Every verb exists twice: `commit` for the programs, `commit_now` for state machines without a loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from hostgw_core.store import (
    Batch,
    Change,
    Committed,
    Compacted,
    Compare,
    Delete,
    Deleted,
    Entry,
    Grant,
    Header,
    Listing,
    Progress,
    Put,
    Room,
    Span,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    Write,
)
from support.store_faults import FakeWatch, Faults, Verb

CLUSTER = 0xCDF818194E3A8C32  # the id that every etcd with one member named "default" gets
MIN_TTL = 2  # seconds; etcd lengthens shorter leases to one and a half election timeouts
MAX_OPERATIONS = 128
MAX_REQUEST_BYTES = 1_572_864


class FakeStore:
    """The `Store` port in memory. `now` is the clock of the leases, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic, *, cluster: int = CLUSTER):
        self.now = now
        self.faults = Faults()
        self.cluster = cluster
        self.term = 2
        self.full = False
        self.leases: dict[int, tuple[int, float]] = {}  # id: TTL in seconds, deadline
        self._down: StoreError | None = None
        self._next_lease = 0x694D000000000001
        self._watches: list[FakeWatch] = []
        self._fresh()

    def _fresh(self) -> None:
        self.revision = 1
        self.compacted = 0
        self.entries: dict[bytes, Entry] = {}
        self._history: list[Change] = []

    @property
    def header(self) -> Header:
        """What every answer would carry now."""
        return Header(self.cluster, self.revision, self.term)

    # -- the port -----------------------------------------------------------------------------

    async def list(self, *spans: Span) -> Listing:
        """Do as the port says."""
        return self.list_now(*spans)

    async def commit(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Committed:
        """Do as the port says."""
        return self.commit_now(compares, writes)

    async def grant(self, ttl: int) -> Grant:
        """Do as the port says."""
        return self.grant_now(ttl)

    async def keep_alive(self, lease: int) -> int:
        """Do as the port says."""
        return self.keep_alive_now(lease)

    async def revoke(self, lease: int) -> None:
        """Do as the port says."""
        self.revoke_now(lease)

    async def watch(self, since: Mapping[Span, int]) -> AsyncIterator[Batch | Progress]:
        """Do as the port says."""
        watch = self.watch_now(since)
        try:
            while True:
                for told in watch.take():
                    yield told
                if not watch.pending:
                    await watch.arrived.wait()
        finally:
            self.close_watch(watch)

    async def room(self) -> Room:
        """Do as the port says; what is kept is what is in use."""
        with self._asked("room"):
            size = sum(len(entry.key) + len(entry.value) for entry in self.entries.values())
            return Room(self.header, size, size, full=self.full, version="3.5.0")

    async def recalls(self, key: bytes, revision: int) -> bool:
        """Do as the port says."""
        with self._asked("recalls"):
            return revision >= self.compacted

    # -- the same, at once --------------------------------------------------------------------

    def list_now(self, *spans: Span) -> Listing:
        """List without a loop."""
        with self._asked("list"):
            found = {k: e for k, e in self.entries.items() if any(k in span for span in spans)}
            return Listing(self.header, tuple(found[key] for key in sorted(found)))

    def commit_now(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Committed:
        """Commit without a loop."""
        with self._asked("commit"):
            self._check_limits(compares, writes)
            if not all(self._holds(compare) for compare in compares):
                return Committed(won=False, header=self.header)
            self._write(writes)
            return Committed(won=True, header=self.header)

    def grant_now(self, ttl: int) -> Grant:
        """Grant without a loop."""
        with self._asked("grant"):
            if self.full:
                raise StoreFull("mvcc: database space exceeded")
            lease, self._next_lease = self._next_lease, self._next_lease + 1
            ttl = max(ttl, MIN_TTL)
            self.leases[lease] = (ttl, self.now() + ttl)
            return Grant(lease, ttl)

    def keep_alive_now(self, lease: int) -> int:
        """Keep alive without a loop. A lease past its deadline is gone, expired or not."""
        with self._asked("keep_alive"):
            ttl, deadline = self.leases.get(lease, (0, -math.inf))
            if self.now() >= deadline:
                return 0
            self.leases[lease] = (ttl, self.now() + ttl)
            return ttl

    def revoke_now(self, lease: int) -> None:
        """Revoke without a loop."""
        with self._asked("revoke"):
            self._end(lease)

    def watch_now(self, since: Mapping[Span, int]) -> FakeWatch:
        """Open a watch without a loop: read it with `take()`, end it with `close_watch()`."""
        with self._asked("watch"):
            watch = FakeWatch(dict(since))
            for span in since:
                watch.push(Batch(span, self.header, (), self.now()))
            for span, revision in since.items():
                if 0 < revision < self.compacted:
                    watch.push(Compacted(self.compacted))
                    return watch
                if revision > 0:
                    self._notify(watch, span, [c for c in self._history if c.modified >= revision])
            self._watches.append(watch)
            return watch

    def close_watch(self, watch: FakeWatch) -> None:
        """End a watch; one that has broken already is no error."""
        if watch in self._watches:
            self._watches.remove(watch)

    # -- what only a test can do --------------------------------------------------------------

    def expire(self) -> tuple[int, ...]:
        """End every lease whose time is up, with the keys on it; give their ids."""
        now = self.now()
        over = tuple(lease for lease, (_, deadline) in self.leases.items() if deadline <= now)
        for lease in over:
            self._end(lease)
        return over

    async def expire_forever(self, every: float = 0.5) -> None:
        """Expire leases as etcd does, twice a second of the loop's (perhaps virtual) time."""
        while True:
            await asyncio.sleep(every)
            self.expire()

    def compact(self, revision: int) -> None:
        """Forget the history before `revision`."""
        assert self.compacted < revision <= self.revision, "etcd would refuse this compaction"
        self.compacted = revision
        self._history = [change for change in self._history if change.modified >= revision]

    def progress(self) -> None:
        """Tell every open watch how far it has come, as etcd does now and then."""
        for watch in self._watches:
            for span in watch.since:
                watch.push(Progress(span, self.header))

    def break_watches(self, error: StoreError | None = None) -> None:
        """End every open watch with an error."""
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.push(error or StoreUnavailable("the fake store broke the watch"))

    def down(self, error: StoreError | None = None) -> None:
        """Fail every verb from now on, and break the watches."""
        self._down = error or StoreUnavailable("the fake store is down")
        self.break_watches(self._down)

    def up(self) -> None:
        """Answer again."""
        self._down = None

    def restart(self) -> None:
        """Restart the server: watches break, terms go on, every lease has its whole time again."""
        self.break_watches()
        self.term += 1
        self.leases = {lease: (ttl, self.now() + ttl) for lease, (ttl, _) in self.leases.items()}

    def wipe(self) -> None:
        """Lose the data folder: revisions and term start over, the cluster id is the same."""
        self.break_watches()
        self.term = 2
        self.leases.clear()
        self._fresh()

    # -- etcd's inside ------------------------------------------------------------------------

    @contextmanager
    def _asked(self, verb: Verb) -> Iterator[None]:
        if self._down is not None:
            raise self._down
        with self.faults.around(verb):
            yield

    def _check_limits(self, compares: Sequence[Compare], writes: Sequence[Write]) -> None:
        if self.full and any(isinstance(write, Put) for write in writes):
            raise StoreFull("mvcc: database space exceeded")
        if max(len(compares), len(writes)) > MAX_OPERATIONS:
            raise StoreRefused("too many operations in txn request")
        put = [write.key for write in writes if isinstance(write, Put)]
        deleted = {write.key for write in writes if isinstance(write, Delete)}
        if len(set(put)) < len(put) or deleted & set(put):
            raise StoreRefused("duplicate key given in txn request")
        if sum(len(w.key) + len(getattr(w, "value", b"")) for w in writes) > MAX_REQUEST_BYTES:
            raise StoreRefused("request is too large")

    def _holds(self, compare: Compare) -> bool:
        met = [entry for key, entry in self.entries.items() if key in compare.span]
        if not met:  # absent: every field is 0
            return compare.value == 0
        return all(getattr(entry, compare.field) == compare.value for entry in met)

    def _write(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if isinstance(write, Put) and write.lease and write.lease not in self.leases:
                raise StoreRefused("requested lease not found")
        revision = self.revision + 1
        changes: list[Change] = []
        for write in writes:
            old = self.entries.pop(write.key, None)
            if isinstance(write, Put):
                created, version = (old.created, old.version + 1) if old else (revision, 1)
                entry = Entry(write.key, write.value, created, revision, version, write.lease)
                self.entries[write.key] = entry
                changes.append(entry)
            elif old is not None:
                changes.append(Deleted(write.key, revision))
        if changes:
            self.revision = revision
            self._history.extend(changes)
            for watch in self._watches:
                for span, since in watch.since.items():
                    if revision >= since:
                        self._notify(watch, span, changes)

    def _notify(self, watch: FakeWatch, span: Span, changes: Sequence[Change]) -> None:
        if seen := tuple(change for change in changes if change.key in span):
            watch.push(Batch(span, self.header, seen, self.now()))

    def _end(self, lease: int) -> None:
        if self.leases.pop(lease, None) is not None:
            keys = sorted(key for key, entry in self.entries.items() if entry.lease == lease)
            self._write([Delete(key) for key in keys])
