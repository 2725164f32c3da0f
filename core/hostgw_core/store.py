"""The port to the store: its verbs, what each guarantees, and how each fails.

Everything here is written in terms of etcd's version 3 data model (revisions, leases,
transactions) because that model *is* the guarantee: https://etcd.io/docs/v3.4/learning/api/. Two
things implement the port: the etcd adapter, and the fake of the tests. Both pass one contract
suite.

| verb | guarantee | critical for |
|---|---|---|
| list | linearizable, complete, every entry at one revision | starting to watch; claiming |
| watch | every change from the given revisions on, in order, no revision ever split | routes |
| commit | all compares and all writes at one revision, or nothing | one node a subnet |
| grant, keep_alive | the server's clock decides; no time left means the lease is gone | holding |

Every verb has a deadline and raises a `StoreError` when it passes; losing a race is a value
(`Committed.won`), never an exception.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias


class StoreError(Exception):
    """The store did not do it. The message is a sentence for an operator."""


class StoreUnavailable(StoreError):
    """No member answered in time, or none had a leader: trying again may help."""


class StoreDenied(StoreError):
    """The store refused the credentials or the permission: only a person can help."""


class StoreRefused(StoreError):
    """The store understood and would not (no space, too large): trying at once does not help."""


class StoreFull(StoreRefused):
    """The store has no room left: it reads and renews as ever, and takes no more writes."""


class Compacted(StoreError):
    """The history asked for is gone: list again. `revision` is the oldest one that is left."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"the store has compacted its history up to revision {revision}")
        self.revision = revision


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of keys [start, end); one key when `end` is empty."""

    start: bytes
    end: bytes = b""

    @classmethod
    def under(cls, prefix: bytes) -> Span:
        """Give all keys that begin with `prefix` (which does not end in 0xff)."""
        return cls(prefix, prefix[:-1] + bytes([prefix[-1] + 1]))

    def __contains__(self, key: bytes) -> bool:
        return self.start <= key < self.end if self.end else key == self.start


@dataclass(frozen=True, slots=True)
class Header:
    """Which history an answer belongs to: compare it before you resume one.

    A wiped etcd keeps its cluster id; then only `revision` and `term`, both going back, tell.
    """

    cluster: int
    revision: int
    term: int


@dataclass(frozen=True, slots=True)
class Room:
    """How large the store is, in bytes: on disk, of that in use, and allowed (0: it did not say).

    `full`: it has raised the alarm that it takes no more writes, until a person disarms it;
    `version` is that of the member that was asked.
    """

    header: Header
    size: int
    in_use: int
    quota: int = 0
    full: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key as it stands at a revision. `lease` is 0 for a key without an etcd lease."""

    key: bytes
    value: bytes
    created: int
    modified: int
    version: int
    lease: int


@dataclass(frozen=True, slots=True)
class Listing:
    """All entries of the spans that were asked for, in key order, all at `header.revision`."""

    header: Header
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """A key that went away (deleted, or its etcd lease expired) at `modified`."""

    key: bytes
    modified: int


Change: TypeAlias = Entry | Deleted


@dataclass(frozen=True, slots=True)
class Batch:
    """One whole response of a watch: what changed in `span`, in order.

    The first batch of every span carries no change: the server has accepted the watch (etcd's
    `created` answer), and `header` says in which history. `received` is the moment the response
    arrived, in seconds of `time.monotonic`.
    """

    span: Span
    header: Header
    changes: tuple[Change, ...]
    received: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything in `span` up to `header.revision` has been told: a watch may go on behind that.

    The store says so of its own accord, now and then, where nothing changes. Without it the place
    at which a quiet watch would be resumed is compacted away sooner or later.
    """

    span: Span
    header: Header


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition of a commit: for *every* key in `span`, the field equals `value`.

    An absent key has version, created, modified and lease 0; a span without keys therefore meets
    `version == 0`: "nothing is there".
    """

    span: Span
    field: Literal["version", "created", "modified", "lease"]
    value: int


@dataclass(frozen=True, slots=True)
class Put:
    """Write a key, hung on an etcd lease (0: on none)."""

    key: bytes
    value: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one key; its absence is no error."""

    key: bytes


Write: TypeAlias = Put | Delete


@dataclass(frozen=True, slots=True)
class Committed:
    """The end of a commit: `won` is False when a compare failed and nothing was written."""

    won: bool
    header: Header


@dataclass(frozen=True, slots=True)
class Grant:
    """An etcd lease: its id, and the time to live in seconds that the server gave."""

    id: int
    ttl: int


class Upkept(Protocol):
    """What is asked of the store about itself. Not every user may."""

    async def room(self) -> Room:
        """Give how full the member is that answers. Raise StoreUnavailable, StoreDenied."""
        ...

    async def recalls(self, key: bytes, revision: int) -> bool:
        """Tell whether a key could still be read as it was then, or the revision is compacted.

        Raise StoreUnavailable, StoreDenied.
        """
        ...


class Store(Protocol):
    """What the programs ask of the store."""

    async def list(self, *spans: Span) -> Listing:
        """Read every key of the spans, all at one revision, linearizable, however many pages.

        With no span: read nothing, and learn the current header from a quorum.
        Raise StoreUnavailable, StoreDenied.
        """
        ...

    def watch(self, since: Mapping[Span, int]) -> AsyncIterator[Batch | Progress]:
        """Give every change in each span from its revision on (inclusive), until the stream breaks.

        One stream for all spans; the order holds within a span. Never resumes by itself: that is
        done behind the last change it gave in a span, or behind a later Progress.
        Raise Compacted, StoreUnavailable (also when a member stalls or loses its leader),
        StoreDenied. Closing the iterator ends the watch at the server.
        """
        ...

    async def commit(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Committed:
        """Do all writes in one transaction if all compares hold, else none.

        After StoreUnavailable the outcome is unknown: read before you write again.
        Raise StoreUnavailable, StoreDenied, StoreRefused.
        """
        ...

    async def grant(self, ttl: int) -> Grant:
        """Make an etcd lease that lives for `ttl` seconds. Raise like commit."""
        ...

    async def keep_alive(self, lease: int) -> int:
        """Renew a lease; give the seconds it now has, or 0 if it is gone.

        Raise StoreUnavailable, StoreDenied.
        """
        ...

    async def revoke(self, lease: int) -> None:
        """End a lease that *we* granted, and the keys on it; one already gone is no error."""
        ...
