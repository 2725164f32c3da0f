"""The view before members that lag and spans that are told late: in order all the same."""

from __future__ import annotations

import pytest

from hostgw_core.store import Batch, Entry, Header, StoreUnavailable
from support.fake_store import CLUSTER, FakeStore
from support.loops import now, settled, until
from support.watcher import CONFIG, SUBNETS, Scripted, listed_before, put, watched

pytestmark = pytest.mark.looptime


async def test_a_member_that_lags_is_asked_again_and_nothing_is_broken():
    """A watch accepted by a member behind what we have seen is left; nothing is listed again."""
    store = FakeStore(now)
    put(store, "subnets/a")
    scripted = Scripted(store)
    behind = Header(CLUSTER, 1, 2)
    scripted.script = [[Batch(CONFIG, behind, ()), Batch(SUBNETS, behind, ())]]
    async with watched(scripted) as watcher:
        assert not watcher.view.state.connected
        assert "behind" in watcher.view.state.error
        await until(lambda: watcher.view.state.connected)
        put(store, "subnets/b")
        await settled()
        assert len(watcher.values) == 2
        assert not watcher.view.snapshot.broken
        assert scripted.verbs == ["list", "watch", "list", "watch"]
        assert watcher.view.state.relists == 1


async def test_a_stream_that_is_left_is_closed_at_once():
    """A watch that is not wanted any more does not stay open at the server."""
    store = FakeStore(now)
    put(store, "subnets/a")
    closed = []

    class Lagging(Scripted):
        async def _play(self, items):
            try:
                async for item in super()._play(items):
                    yield item
            finally:
                closed.append(now())

    scripted = Lagging(store)
    scripted.script = [[Batch(CONFIG, Header(CLUSTER, 1, 2), ())]]
    begun = now()
    async with watched(scripted):
        assert closed == [begun]


async def test_a_late_answer_for_one_span_is_no_break():
    """One span's change told after a newer one of another span is taken as it comes.

    etcd serves a slow watcher's backlog late, with the revision of then; and it may accept the
    second span of a stream after it told a newer change in the first one.
    """
    store = FakeStore(now)
    put(store, "config", "subnets/a")  # 2
    for name in "xyz":
        put(store, name)  # 5
    a = Entry(b"/p/subnets/a", b"new", 2, 3, 2, 0)
    b = Entry(b"/p/subnets/b", b"new", 4, 4, 1, 0)
    config = Entry(b"/p/config", b"new", 2, 5, 2, 0)
    scripted = Scripted(store)
    scripted.script = [
        [
            Batch(CONFIG, Header(CLUSTER, 2, 2), ()),
            Batch(CONFIG, Header(CLUSTER, 5, 2), (config,)),
            Batch(SUBNETS, Header(CLUSTER, 2, 2), ()),
            Batch(SUBNETS, Header(CLUSTER, 3, 2), (a,)),
            StoreUnavailable("enough"),
        ],
        [
            *(Batch(span, Header(CLUSTER, 5, 2), ()) for span in (CONFIG, SUBNETS)),
            Batch(SUBNETS, Header(CLUSTER, 4, 2), (b,)),
            StoreUnavailable("enough"),
        ],
    ]
    scripted.list = listed_before(store, Header(CLUSTER, 2, 2), scripted)
    async with watched(scripted) as watcher:
        assert watcher.values == {b"/p/config": b"new", b"/p/subnets/a": b"new"}
        assert [s.snapshot.revision for s in watcher.sightings] == [2, 5, 5]
        await until(lambda: watcher.view.state.restarts == {"unavailable": 2})
        assert watcher.view.state.error == "enough"
        assert watcher.values[b"/p/subnets/b"] == b"new"
        assert [since for verb, since in scripted.calls if verb == "watch"][1] == {
            CONFIG: 6,
            SUBNETS: 4,
        }


async def test_a_watch_goes_on_after_the_last_change_and_not_after_the_header():
    """An answer may carry a later revision than its changes: what lies between is still to come."""
    store = FakeStore(now)
    put(store, "config")  # 2
    scripted = Scripted(store)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    put(store, "subnets/a")  # 3
    put(store, "subnets/b")  # 4
    part = Batch(SUBNETS, store.header, (store.entries[b"/p/subnets/a"],))
    scripted.script = [[*accepted, part, StoreUnavailable("torn")]]
    scripted.list = listed_before(store, Header(CLUSTER, 2, 2), scripted)
    async with watched(scripted) as watcher:
        await until(lambda: len(watcher.news) == 2)
        assert scripted.calls[-1] == ("watch", {CONFIG: 3, SUBNETS: 4})
