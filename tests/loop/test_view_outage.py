"""The view while the store is away: how seldom it asks, and what it says of it."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_core.store import Batch, Compacted, StoreDenied, StoreUnavailable
from support.fake_store import FakeStore
from support.loops import Counted, now, settled, until
from support.watcher import CONFIG, SUBNETS, Scripted, put, watched

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize(
    ("error", "denied"), [(StoreUnavailable("nobody"), False), (StoreDenied("not you"), True)]
)
async def test_a_store_that_is_away_at_the_start_is_waited_for(error, denied):
    """It is asked further and further apart, at most every two seconds, for as long as it takes."""
    store = FakeStore(now)
    put(store, "subnets/a")
    store.down(error)
    counted = Counted(store)
    async with watched(counted) as watcher:
        state = watcher.view.state
        assert (state.connected, state.denied, state.error) == (False, denied, str(error))
        assert watcher.view.snapshot is None
        await asyncio.sleep(3600)
        assert 3600 / 2 <= len(counted.calls) <= 3600 / 1 + 10
        counted.forget()
        store.up()
        assert await until(lambda: watcher.view.snapshot) <= 2.02
        state = watcher.view.state
        assert (state.connected, state.denied, state.error) == (True, False, "")
        assert not watcher.view.snapshot.broken


async def test_back_offs_begin_again_after_the_store_has_stood_for_a_while():
    """The second outage is answered as quickly as the first one."""
    store = FakeStore(now)
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.down()
        await asyncio.sleep(60)
        store.up()
        await asyncio.sleep(60)
        counted.forget()
        store.break_watches()
        assert await until(lambda: watcher.view.state.connected and counted.calls) <= 0.12


async def test_a_watch_that_breaks_as_soon_as_it_is_accepted_is_asked_for_ever_more_seldom():
    """A thousand nodes behind something that cuts streams do not ask ten times a second each."""
    store = FakeStore(now)
    scripted = Scripted(store)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    scripted.script = [[*accepted, StoreUnavailable("cut")] for _ in range(1000)]
    async with watched(scripted):
        await asyncio.sleep(60)
        assert scripted.verbs.count("watch") <= 66


async def test_compactions_without_end_do_not_make_a_busy_loop():
    """A store that answers every watch with a compaction is not asked without a pause."""
    store = FakeStore(now)
    scripted = Scripted(store)
    scripted.script = [[Compacted(9)] for _ in range(1000)]
    async with watched(scripted):
        await asyncio.sleep(60)
        assert scripted.verbs.count("list") <= 66


async def test_the_store_coming_and_going_is_told_once_each():
    """Somebody who shows the state is rung when it changes, and not for every change of a key."""
    store = FakeStore(now)
    async with watched(store) as watcher:
        assert [state.connected for state in watcher.told] == [True]
        for number in range(20):
            put(store, f"subnets/n{number}")
        await settled()
        assert len(watcher.told) == 1
        store.break_watches()
        await until(lambda: len(watcher.told) == 3)
        assert [state.connected for state in watcher.told] == [True, False, True]


async def test_the_moment_of_the_last_contact_is_kept():
    """The status tells since when nothing was heard."""
    store = FakeStore(now)
    async with watched(store) as watcher:
        await asyncio.sleep(50)
        put(store, "subnets/a")
        await settled()
        heard = watcher.view.state.contact
        assert now() - heard <= 0.01
        await asyncio.sleep(50)
        store.down()
        await asyncio.sleep(50)
        assert watcher.view.state.contact == heard
