"""The look at the store's upkeep: every ten minutes, at once after a refusal, silent if denied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hostgw_core.store import Put, StoreDenied, StoreFull, StoreUnavailable
from hostgw_core.upkeep import SHORT, Upkeep
from support.fake_store import FakeStore
from support.loops import now, running, settled, until

pytestmark = pytest.mark.looptime

DENIED = StoreDenied("not you")


@asynccontextmanager
async def looking(store: FakeStore) -> AsyncIterator[tuple[Upkeep, list[float]]]:
    """Let an upkeep run; give it, and the moments at which it told something new."""
    told: list[float] = []
    upkeep = Upkeep(store, b"/p/config", told=lambda: told.append(now()))
    async with running(upkeep.run):
        await settled()
        yield upkeep, told
    store.faults.check()


def fail_to_write(store: FakeStore, upkeep: Upkeep) -> None:
    """Write a key to a store that is full, as the adapter would tell of it."""
    with pytest.raises(StoreFull):
        store.commit_now([], [Put(b"/p/a", b"")])
    upkeep.wrote("StoreFull")


async def test_a_store_that_fills_up_is_noticed_within_ten_minutes() -> None:
    """Nobody here writes, and still it is told; disarmed, it is over within a minute."""
    store = FakeStore(now)
    async with looking(store) as (upkeep, told):
        assert upkeep.state.full == ""
        assert len(told) == 1
        store.full = True
        await asyncio.sleep(500)
        assert upkeep.state.full == ""
        await asyncio.sleep(161)
        assert upkeep.state.full
        store.full = False
        assert await until(lambda: not upkeep.state.full) < 34
        assert len(told) == 3


async def test_a_refused_write_is_told_at_once_and_looked_into() -> None:
    """The refusal itself is news; the look behind it brings the size."""
    store = FakeStore(now)
    async with looking(store) as (upkeep, _):
        store.full = True
        fail_to_write(store, upkeep)
        assert upkeep.state.full == "it refused a write for want of room"
        await settled()
        assert "the alarm NOSPACE is raised" in upkeep.state.full


async def test_writes_that_are_refused_again_and_again_are_looked_into_once() -> None:
    """A claim that is tried every few seconds causes no look of its own each time."""
    store = FakeStore(now)
    async with looking(store) as (upkeep, told):
        store.full = True
        fail_to_write(store, upkeep)
        await settled()
        before = len(told)
        store.faults.once("room", DENIED)
        for _ in range(100):
            fail_to_write(store, upkeep)
        await settled()
        assert len(told) == before
        assert store.faults.unhit, "nothing was asked"
        assert await until(lambda: not store.faults.unhit) <= 33


async def test_where_the_status_is_denied_a_refused_write_says_it_alone() -> None:
    """Nothing is known and nothing said, until a write fails; one that is done ends it."""
    store = FakeStore(now)
    for _ in range(3):
        store.faults.once("room", DENIED)
    async with looking(store) as (upkeep, told):
        assert (upkeep.state.full, upkeep.state.grows, told) == ("", "", [])
        store.full = True
        fail_to_write(store, upkeep)
        await settled()
        assert upkeep.state.full == "it refused a write for want of room"
        upkeep.wrote("ok")
        assert upkeep.state.full == ""
        await settled()


async def test_a_store_that_is_away_leaves_everything_as_it_was_known() -> None:
    """An outage is somebody else's condition: what was full is not well because it is silent."""
    store = FakeStore(now)
    store.full = True
    async with looking(store) as (upkeep, told):
        assert upkeep.state.full
        store.down(StoreUnavailable("nobody"))
        upkeep.wrote("StoreUnavailable")
        await asyncio.sleep(1300)
        assert upkeep.state.full
        assert len(told) == 1


async def test_a_long_history_is_a_condition_until_somebody_compacts() -> None:
    """A hundred thousand revisions that all can be read were never compacted."""
    store = FakeStore(now)
    store.revision = SHORT + 50
    async with looking(store) as (upkeep, _):
        assert upkeep.state.kept == SHORT + 48
        store.compact(SHORT)
        await asyncio.sleep(661)
        assert upkeep.state.kept == 0


async def test_who_may_not_read_the_past_is_told_nothing_of_it() -> None:
    """The size alone is known then."""
    store = FakeStore(now)
    store.revision = SHORT
    store.faults.once("recalls", DENIED)
    async with looking(store) as (upkeep, _):
        assert upkeep.state.room is not None
        assert upkeep.state.grows == ""
