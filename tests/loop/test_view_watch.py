"""The view on a store of memory: it lists, then watches, and a break costs it nothing."""

from __future__ import annotations

import pytest

from hostgw_core.store import Batch, Deleted, Entry, Header, StoreUnavailable
from support.fake_store import CLUSTER, FakeStore
from support.loops import Counted, now, settled, until
from support.watcher import CONFIG, SUBNETS, Scripted, delete, listed_before, put, watched

pytestmark = pytest.mark.looptime


class Hurried(Counted):
    """A store in which something is written between every list and the watch that follows it."""

    async def list(self, *spans):
        """List, then let somebody write before the answer is taken."""
        listing = await super().list(*spans)
        put(self.store, f"subnets/late{self.store.revision}")
        return listing


# -- list, then watch -----------------------------------------------------------------------------


async def test_there_is_no_gap_between_the_list_and_the_watch():
    """A key written after the list was read and before the watch was opened is seen, once."""
    store = FakeStore(now)
    put(store, "config", "subnets/a")
    async with watched(Hurried(store)) as watcher:
        assert sorted(watcher.values) == [b"/p/config", b"/p/subnets/a", b"/p/subnets/late2"]
        assert watcher.news == [(b"/p/subnets/late2", 3)]


async def test_the_first_sighting_is_a_whole_list():
    """A reader is given the complete state first, and it says that it is no difference."""
    store = FakeStore(now)
    put(store, "config", "subnets/a", "other/x")
    async with watched(store) as watcher:
        (first,) = watcher.sightings
        assert first.changes is None
        assert sorted(first.snapshot.entries) == [b"/p/config", b"/p/subnets/a"]
        assert (first.snapshot.revision, first.snapshot.broken) == (2, False)
        assert watcher.view.state.entries == 2


async def test_each_change_gives_a_new_snapshot_and_leaves_the_old_one_alone():
    """A snapshot that somebody holds never changes under him."""
    store = FakeStore(now)
    put(store, "subnets/a", "subnets/b")
    async with watched(store) as watcher:
        before = watcher.view.snapshot
        put(store, "subnets/a", value=b"new")
        delete(store, "subnets/b")
        await settled()
        assert before.entries[b"/p/subnets/a"].value == b"v"
        assert b"/p/subnets/b" in before.entries
        assert watcher.values == {b"/p/subnets/a": b"new"}
        assert watcher.sightings[-1].changes == (Deleted(b"/p/subnets/b", 4),)
        assert watcher.view.snapshot.revision == 4


async def test_news_carries_the_moment_at_which_it_arrived():
    """Convergence is measured from the store's answer, not from when it was looked at."""
    store = Scripted(FakeStore(now))
    change = Entry(b"/p/subnets/a", b"v", 2, 2, 1, 0)
    accepted = [Batch(span, store.store.header, ()) for span in (CONFIG, SUBNETS)]
    store.script = [
        [*accepted, Batch(SUBNETS, Header(CLUSTER, 2, 2), (change,), received=77.25)],
    ]
    async with watched(store) as watcher:
        assert watcher.sightings[1].received == 77.25


# -- a break --------------------------------------------------------------------------------------


async def test_a_break_is_resumed_span_by_span_with_nothing_listed_again():
    """After a break: one header from a quorum, one watch after the last change of each span."""
    store = FakeStore(now)
    put(store, "config")  # 2
    counted = Counted(store)
    async with watched(counted) as watcher:
        put(store, "subnets/a")  # 3
        put(store, "subnets/b", "subnets/c")  # 4
        await settled()
        counted.forget()
        store.break_watches()
        put(store, "subnets/a", value=b"during")  # 5
        delete(store, "subnets/b")  # 6
        await until(lambda: len(watcher.news) == 5)
        assert counted.calls == [("list", ()), ("watch", {CONFIG: 3, SUBNETS: 5})]
        assert watcher.values[b"/p/subnets/a"] == b"during"
        assert [revision for _, revision in watcher.news] == [3, 4, 4, 5, 6]
        assert not watcher.view.snapshot.broken
        assert watcher.view.state.relists == 1
        assert watcher.view.state.restarts == {"unavailable": 1}


async def test_a_break_in_the_middle_of_what_was_sent_loses_nothing():
    """What arrived before the error is applied, and the watch goes on behind exactly that."""
    store = FakeStore(now)
    scripted = Scripted(store)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    put(store, "subnets/a")
    put(store, "subnets/b")
    first = Batch(SUBNETS, Header(CLUSTER, 2, 2), (store.entries[b"/p/subnets/a"],))
    scripted.script = [[*accepted, first, StoreUnavailable("torn")]]
    scripted.list = listed_before(store, Header(CLUSTER, 1, 2), scripted)
    async with watched(scripted) as watcher:
        await until(lambda: len(watcher.news) == 2)
        assert scripted.calls[-1] == ("watch", {CONFIG: 2, SUBNETS: 3})
        assert watcher.news == [(b"/p/subnets/a", 2), (b"/p/subnets/b", 3)]


async def test_a_change_that_is_told_again_is_no_news():
    """A member that begins a resumed watch too early brings nothing back, and tells no news."""
    store = FakeStore(now)
    scripted = Scripted(store)
    async with watched(scripted) as watcher:
        put(store, "subnets/a")  # 2
        put(store, "subnets/b")  # 3
        old = store.entries[b"/p/subnets/a"], store.entries[b"/p/subnets/b"]
        delete(store, "subnets/a")  # 4
        await settled()
        accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
        again = Batch(SUBNETS, store.header, (*old, Deleted(b"/p/subnets/a", 4)))
        scripted.script = [[*accepted, again, StoreUnavailable("again")]]
        told = len(watcher.sightings)
        store.break_watches()
        await until(lambda: watcher.view.state.restarts.get("unavailable") == 2)
        await until(lambda: watcher.view.state.connected)
        assert sorted(watcher.values) == [b"/p/subnets/b"]
        assert len(watcher.sightings) == told
        assert scripted.calls[-1] == ("watch", {CONFIG: 2, SUBNETS: 5})


async def test_a_watch_that_ends_quietly_is_opened_again():
    """Whatever way a stream ends, the view does not go deaf."""
    store = FakeStore(now)
    scripted = Scripted(store)
    scripted.script = [[Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]]
    async with watched(scripted) as watcher:
        await until(lambda: len(scripted.verbs) == 4)
        put(store, "subnets/a")
        await settled()
        assert watcher.values == {b"/p/subnets/a": b"v"}
        assert watcher.view.state.restarts == {"ended": 1}
