"""Laws of the view: whatever breaks, what it shows is what a replay by hand gives."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hostgw_core.backoff import Backoff
from hostgw_core.store import Batch, Change, Delete, Deleted, Entry, Header, Put, Span, StoreError
from hostgw_core.view import Sighting, Snapshot, View, merge
from support.fake_store import FakeStore

NAMES = "abc"
SPAN = Span.under(b"/s/")
OTHER = Span.under(b"/t/")

# -- merging --------------------------------------------------------------------------------------

writes = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.booleans(), min_size=1, max_size=3), max_size=12
)
"""One dictionary a transaction: which keys are put (True) or deleted."""


def history_of(transactions: list[dict[str, bool]]) -> list[list[Change]]:
    """Give the changes of each revision from 2 on, as a store would."""
    there: set[str] = set()
    revisions: list[list[Change]] = []
    for number, writes in enumerate(transactions):
        changes: list[Change] = []
        for name, put in writes.items():
            key, revision = f"/s/{name}".encode(), 2 + number
            if put:
                changes.append(Entry(key, b"%d" % revision, revision, revision, 1, 0))
                there.add(name)
            elif name in there:
                changes.append(Deleted(key, revision))
                there.discard(name)
        revisions.append(changes)
    return revisions


def replayed(revisions: list[list[Change]]) -> dict[bytes, int]:
    """Replay a history by hand: what is there in the end, and since which revision."""
    there: dict[bytes, int] = {}
    for change in [change for changes in revisions for change in changes]:
        if isinstance(change, Deleted):
            there.pop(change.key, None)
        else:
            there[change.key] = change.modified
    return there


def shown(snapshot: Snapshot) -> dict[bytes, int]:
    """Give what a snapshot shows, in the same terms."""
    return {key: entry.modified for key, entry in snapshot.entries.items()}


def batches_of(revisions: list[list[Change]], cuts: list[int]) -> list[Batch]:
    """Cut a history into whole responses, each of one or more revisions."""
    ends = sorted({cut % len(revisions) for cut in cuts} | {len(revisions)} - {0})
    starts = [0, *ends[:-1]]
    pieces = [revisions[start:end] for start, end in zip(starts, ends, strict=True)]
    return [
        Batch(SPAN, Header(1, 1 + end, 2), tuple(c for changes in piece for c in changes))
        for piece, end in zip(pieces, ends, strict=True)
    ]


def apply(snapshot: Snapshot, batch: Batch, since: int) -> tuple[Snapshot, int, list[Change]]:
    """Apply a batch as the view does; give the snapshot, what comes next, and the news."""
    after, news = merge(snapshot, batch, since=since)
    last = batch.changes[-1].modified + 1 if batch.changes else 0
    return after, max(since, last), list(news)


@given(writes, st.lists(st.integers(0, 30), max_size=6), st.data())
@settings(max_examples=300, deadline=None)
def test_any_batch_may_come_twice_or_again_later(
    transactions: list[dict[str, bool]], cuts: list[int], data: Any
):
    """However a history is cut, and whatever is told again: the replay, and no news twice."""
    revisions = history_of(transactions)
    if not revisions:
        return
    snapshot, since, told = Snapshot(Header(1, 1, 2), MappingProxyType({})), 2, []
    done: list[Batch] = []
    for batch in batches_of(revisions, cuts):
        snapshot, since, news = apply(snapshot, batch, since)
        told += news
        done.append(batch)
        assert shown(snapshot) == replayed(revisions[: batch.header.revision - 1])
        old = data.draw(st.sampled_from(done))
        again, since_again, nothing = apply(snapshot, old, since)
        assert (shown(again), since_again, nothing) == (shown(snapshot), since, [])
        snapshot = again
    assert told == [change for changes in revisions for change in changes]
    assert snapshot.revision == 1 + len(revisions)


# -- the whole view -------------------------------------------------------------------------------

keys = st.sampled_from(["/s/a", "/s/b", "/t/a", "/elsewhere"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys),
        st.tuples(st.just("delete"), keys),
        st.tuples(st.just("break"), st.just("")),
        st.tuples(st.just("compact"), st.just("")),
        st.tuples(st.just("progress"), st.just("")),
        st.tuples(st.just("down"), st.just("")),
        st.tuples(st.just("up"), st.just("")),
        st.tuples(st.just("restart"), st.just("")),
        st.tuples(st.just("wipe"), st.just("")),
        st.tuples(st.just("run"), st.just("")),
    ),
    max_size=30,
)


def do(store: FakeStore, what: str, key: str) -> None:
    """Let something happen to the store."""
    if what in ("put", "delete"):
        write = Put(key.encode(), b"v") if what == "put" else Delete(key.encode())
        try:
            store.commit_now([], [write])
        except StoreError:
            return  # it is down: nobody writes
    elif what == "break":
        store.break_watches()
    elif what == "compact" and store.compacted < store.revision:
        store.compact(store.revision)
    elif what in ("progress", "down", "up", "restart", "wipe"):
        getattr(store, what)()


async def turns(count: int) -> None:
    """Let the view go on for a few turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def live(script: list[tuple[str, str]]) -> tuple[FakeStore, View, list[Sighting]]:
    """Let a view live through a script, and then in peace for a while."""
    store = FakeStore()
    store.commit_now([], [Put(b"/s/a", b"first")])
    sightings: list[Sighting] = []
    clock = asyncio.get_running_loop().time
    view = View(store, SPAN, OTHER, seen=sightings.append, clock=clock, backoff=Backoff(0.0, 0.0))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(view.run())
        await turns(10)
        for what, key in script:
            if what == "run":
                await turns(7)
            else:
                do(store, what, key)
        store.up()
        await turns(40)
        task.cancel()
    return store, view, sightings


@given(steps)
@settings(max_examples=200, deadline=None)
def test_after_any_outage_the_view_is_the_store(script: list[tuple[str, str]]):
    """Breaks, compactions, restarts and outages in any order: in the end nothing is missing.

    Wipes are another law's: one whose revisions have overtaken what was seen before anybody
    looks cannot be told from a store that went on.
    """
    store, view, sightings = asyncio.run(live([s for s in script if s[0] != "wipe"]))
    assert view.snapshot is not None
    entries = {key: e for key, e in store.entries.items() if key in SPAN or key in OTHER}
    assert dict(view.snapshot.entries) == entries
    assert not view.snapshot.broken
    news = [(c.key, c.modified) for s in sightings for c in s.changes or ()]
    assert len(set(news)) == len(news), "nothing is told twice"


@given(steps)
@settings(max_examples=200, deadline=None)
def test_each_sighting_follows_from_the_one_before(script: list[tuple[str, str]]):
    """A reader who applies the changes to what he had has what the snapshot holds."""
    _, _, sightings = asyncio.run(live(script))
    had: dict[bytes, Entry] = {}
    for sighting in sightings:
        if sighting.changes is None:
            had = dict(sighting.snapshot.entries)
            continue
        for change in sighting.changes:
            if isinstance(change, Deleted):
                del had[change.key]
            else:
                had[change.key] = change
        assert had == dict(sighting.snapshot.entries)


@given(steps, st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_a_wipe_that_shows_breaks_the_history_for_good(script: list[tuple[str, str]], kept: int):
    """Revisions below what was seen: broken from then on, and the view is the new store."""
    before = [("put", "/s/b")] * (len(script) + kept + 8) + [("run", "")]
    wiped = [*before, ("wipe", ""), *[s for s in script if s[0] != "wipe"]]
    store, view, sightings = asyncio.run(live(wiped))
    assert view.snapshot is not None
    entries = {key: e for key, e in store.entries.items() if key in SPAN or key in OTHER}
    assert dict(view.snapshot.entries) == entries
    assert view.snapshot.broken
    flags = [sighting.snapshot.broken for sighting in sightings]
    assert flags == sorted(flags), "what was broken is never whole again"
