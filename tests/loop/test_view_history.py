"""The view in a store's history: compacted, begun again, or another one altogether."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_core.store import Batch, Compacted, Header
from support.fake_store import CLUSTER, FakeStore
from support.loops import Counted, now, settled, until
from support.watcher import CONFIG, SUBNETS, Scripted, delete, put, watched

pytestmark = pytest.mark.looptime


async def test_a_compaction_is_answered_by_a_new_list_and_is_no_outage():
    """History that is gone is read anew at once; nobody is told that the store is away."""
    store = FakeStore(now)
    scripted = Scripted(store)
    put(store, "config", "subnets/a")
    scripted.script = [
        [*(Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)), Compacted(9)],
    ]
    async with watched(scripted) as watcher:
        delete(store, "subnets/a")
        took = await until(lambda: watcher.view.state.relists == 2)
        assert took <= 0.12
        assert watcher.values == {b"/p/config": b"v"}
        assert watcher.sightings[-1].changes is None
        assert not watcher.view.snapshot.broken
        assert watcher.view.state.restarts == {"compacted": 1}
        assert [(state.connected, state.error) for state in watcher.told] == [(True, "")]


async def test_history_compacted_during_an_outage_is_read_anew():
    """A resumed watch whose revisions are gone falls back to a list, and misses nothing."""
    store = FakeStore(now)
    put(store, "subnets/a", "subnets/b")
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.down()
        await asyncio.sleep(3)
        store.up()
        for number in range(5):
            put(store, f"subnets/n{number}")
        delete(store, "subnets/a")
        store.compact(store.revision)
        counted.forget()
        await until(lambda: watcher.view.state.relists == 2)
        assert counted.verbs[:3] == ["list", "watch", "list"]
        assert b"/p/subnets/a" not in watcher.values
        assert len(watcher.values) == 6
        assert watcher.view.state.connected


async def test_a_wiped_store_is_listed_anew_and_its_history_is_broken_from_then_on():
    """The same cluster id with revisions that began again is another history, and stays one."""
    store = FakeStore(now)
    for number in range(9):
        put(store, f"subnets/n{number}")
    async with watched(store) as watcher:
        store.wipe()
        put(store, "subnets/new")
        await until(lambda: watcher.view.snapshot.broken)
        assert watcher.values == {b"/p/subnets/new": b"v"}
        put(store, "subnets/later")
        await settled()
        assert watcher.view.snapshot.broken
        store.break_watches()
        store.compact(store.revision)
        put(store, "subnets/more")
        await until(lambda: b"/p/subnets/more" in watcher.values)
        assert watcher.view.snapshot.broken


@pytest.mark.parametrize("what", ["cluster", "term"])
async def test_another_cluster_or_an_older_term_is_another_history(what):
    """Neither a store with another id nor one whose terms began again is resumed."""
    store = FakeStore(now)
    store.term = 9
    put(store, "subnets/a")
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.break_watches()
        put(store, "subnets/b")
        if what == "cluster":
            store.cluster = 77
        else:
            store.term = 8
        counted.forget()
        await until(lambda: watcher.view.state.relists == 2)
        assert [len(spans) for verb, spans in counted.calls if verb == "list"] == [0, 2]
        assert watcher.view.snapshot.broken
        assert sorted(watcher.values) == [b"/p/subnets/a", b"/p/subnets/b"]


async def test_a_later_term_is_the_same_history():
    """An election breaks nothing: the watch is resumed."""
    store = FakeStore(now)
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.restart()
        put(store, "subnets/a")
        await until(lambda: watcher.values)
        assert watcher.view.state.relists == 1
        assert not watcher.view.snapshot.broken


@pytest.mark.parametrize(
    ("history", "broken"),
    [
        (None, False),
        (Header(CLUSTER, 3, 2), False),
        (Header(CLUSTER, 2, 1), False),
        (Header(CLUSTER, 4, 2), True),
        (Header(CLUSTER, 3, 3), True),
        (Header(1, 3, 2), True),
    ],
)
async def test_the_history_of_an_earlier_run_counts(history, broken):
    """A store that was wiped while this program was off is found out in the first list."""
    store = FakeStore(now)
    put(store, "subnets/a")
    put(store, "subnets/b")
    async with watched(store, history=history) as watcher:
        assert watcher.sightings[0].snapshot.broken is broken
