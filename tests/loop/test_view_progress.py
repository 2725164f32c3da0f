"""The view and progress: it moves the place of resumption, of its own span, never back."""

from __future__ import annotations

import pytest

from hostgw_core.store import Batch, Header, Progress, StoreUnavailable
from support.fake_store import CLUSTER, FakeStore
from support.loops import Counted, now, settled, until
from support.watcher import CONFIG, SUBNETS, Scripted, listed_before, put, watched

pytestmark = pytest.mark.looptime


async def test_a_quiet_span_is_resumed_behind_the_progress_that_was_told():
    """What was compacted away before it costs no new list; what came after it is not missed."""
    store = FakeStore(now)
    put(store, "config", "subnets/a")  # 2
    counted = Counted(store)
    async with watched(counted) as watcher:
        for _ in range(5):
            put(store, "elsewhere")  # 7
        store.progress()
        await settled()
        assert watcher.view.state.header.revision == 7
        assert len(watcher.sightings) == 1, "nothing has changed: nobody is told"
        store.break_watches()
        put(store, "subnets/b")  # 8
        store.compact(7)
        await until(lambda: b"/p/subnets/b" in watcher.values)
        assert counted.calls[-1] == ("watch", {CONFIG: 8, SUBNETS: 8})
        assert watcher.view.state.relists == 1


async def test_progress_older_than_what_was_told_moves_nothing_back():
    """A change and then a progress that lags behind it: the change is not told again."""
    store = FakeStore(now)
    put(store, "config")  # 2
    scripted = Scripted(store)
    old = Header(CLUSTER, 1, 2)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    put(store, "subnets/a")  # 3
    told = Batch(SUBNETS, store.header, (store.entries[b"/p/subnets/a"],))
    scripted.script = [[*accepted, told, Progress(SUBNETS, old), StoreUnavailable("torn")]]
    scripted.list = listed_before(store, Header(CLUSTER, 2, 2), scripted)
    async with watched(scripted) as watcher:
        await until(lambda: watcher.view.state.connected)
        assert scripted.calls[-1] == ("watch", {CONFIG: 3, SUBNETS: 4})
        assert watcher.view.state.header.revision == 3


async def test_progress_of_one_span_says_nothing_of_another():
    """Each span goes on behind what was told of it: they are served apart."""
    store = FakeStore(now)
    put(store, "config")  # 2
    scripted = Scripted(store)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    put(store, "subnets/a")  # 3
    put(store, "elsewhere")  # 4
    scripted.script = [[*accepted, Progress(CONFIG, store.header), StoreUnavailable("torn")]]
    scripted.list = listed_before(store, Header(CLUSTER, 2, 2), scripted)
    async with watched(scripted) as watcher:
        await until(lambda: watcher.news == [(b"/p/subnets/a", 3)])
        assert scripted.calls[-1] == ("watch", {CONFIG: 5, SUBNETS: 3})
