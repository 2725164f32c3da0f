"""The session on a store of memory, in virtual time: when it asks, and what silence means."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from hostgw_core.session import Session
from hostgw_core.store import Put, StoreDenied, StoreUnavailable
from support.fake_store import FakeStore
from support.loops import Counted, now, running, settled, until

pytestmark = pytest.mark.looptime

TTL = 60


class Bench:
    """A session that keeps the moments of its requests and everything that it has told."""

    def __init__(self, clock=now):
        self.store = FakeStore(now)
        self.counted = Counted(self.store)
        self.asked = []
        self.lost = []
        self.tried = []
        self.answer_takes = 0.0
        self.session = Session(self, lost=self._lose, clock=clock, tried=self._try)

    async def keep_alive(self, lease):
        """Note the moment; answer after a while, as the store was when it was asked."""
        self.asked.append((lease, now()))
        try:
            return await self.counted.keep_alive(lease)
        finally:
            await asyncio.sleep(self.answer_takes)

    def _lose(self):
        self.lost.append(now())

    def _try(self, result, seconds):
        self.tried.append((result, round(seconds, 3), self.session.state.ttl))

    @property
    def moments(self):
        """When it asked."""
        return [moment for _, moment in self.asked]

    def granted(self, ttl=TTL):
        """Take a lease, as a claim does, and hold it."""
        grant = self.store.grant_now(ttl)
        self.session.hold(grant.id, grant.ttl)
        return grant.id


@asynccontextmanager
async def bench(**options):
    """Give a session whose loop runs."""
    made = Bench(**options)
    async with running(made.session.run):
        await settled()
        yield made


async def test_nothing_is_asked_while_nothing_is_held():
    """A node without a lease leaves the store alone."""
    async with bench() as it:
        await asyncio.sleep(86400)
        assert it.asked == []
        assert not it.session.state.overdue(now())


async def test_a_lease_is_renewed_at_a_third_of_its_life_more_or_less():
    """Every pause is within a tenth of a third of the TTL, and they spread to both sides."""
    async with bench() as it:
        lease = it.granted()
        begun = now()
        await asyncio.sleep(TTL * 200)
        assert {asked for asked, _ in it.asked} == {lease}
        moments = [begun, *it.moments]
        pauses = [late - early for early, late in pairwise(moments)]
        assert all(18 - 1e-6 <= pause <= 22 + 1e-6 for pause in pauses)
        assert sum(pause < 19.5 for pause in pauses) > len(pauses) / 8
        assert sum(pause > 20.5 for pause in pauses) > len(pauses) / 8
        assert it.lost == []


async def test_a_long_lease_is_asked_after_every_ten_minutes():
    """A day's lease that somebody revoked is noticed within eleven minutes."""
    async with bench() as it:
        it.granted(86400)
        await asyncio.sleep(86400)
        assert 86400 / 660 - 1 <= len(it.asked) <= 86400 / 540 + 1


async def test_a_renewal_writes_nothing():
    """However often a lease is renewed, the store's revision stands still."""
    async with bench() as it:
        lease = it.granted()
        it.store.commit_now([], [Put(b"/k", b"v", lease)])
        before = it.store.revision
        await asyncio.sleep(3600)
        it.store.expire()
        assert set(it.counted.verbs) == {"keep_alive"}
        assert it.store.revision == before
        assert b"/k" in it.store.entries


async def test_no_time_left_is_a_loss_told_once():
    """The server's word that the lease is gone is told at once, and no more is asked."""
    async with bench() as it:
        it.granted()
        it.store.leases.clear()
        await asyncio.sleep(3600)
        assert len(it.lost) == 1
        assert it.lost == it.moments
        assert it.session.state.lease == 0
        assert it.tried == [("gone", 0.0, 0)]


async def test_silence_is_never_a_loss_and_overdue_after_the_deadline():
    """A store that is away loses no lease; that the time is up is said, to the moment."""
    async with bench() as it:
        lease = it.granted()
        held = now()
        it.store.down()
        await asyncio.sleep(TTL - 0.5)
        assert not it.session.state.overdue(now())
        assert it.session.state.deadline == held + TTL
        await asyncio.sleep(1)
        assert it.session.state.overdue(now())
        await asyncio.sleep(3600)
        assert it.lost == []
        assert it.session.state.lease == lease
        assert it.session.state.error == "the fake store is down"


async def test_a_silent_store_is_asked_again_and_again():
    """From the first failure on: half a second apart, then at most ten seconds."""
    async with bench() as it:
        it.granted()
        it.store.down()
        await asyncio.sleep(TTL + 3600)
        pauses = [late - early for early, late in pairwise(it.moments)]
        assert pauses[0] <= 0.5
        assert all(5 - 1e-6 <= pause <= 10 + 1e-6 for pause in pauses[6:])
        assert {result for result, _, _ in it.tried} == {"error"}


async def test_a_store_that_comes_back_makes_it_good():
    """The first answer after a silence gives the whole life back and ends the trouble.

    etcd gives every lease its whole time again when it starts.
    """
    async with bench() as it:
        it.granted()
        it.store.down()
        await asyncio.sleep(TTL * 2)
        it.store.restart()
        it.store.up()
        await until(lambda: not it.session.state.error, within=10.1)
        answered = it.moments[-1]
        assert it.session.state.deadline == answered + TTL
        assert not it.session.state.overdue(now())
        it.store.down()
        failed = len(it.moments)
        await asyncio.sleep(24)
        pause = it.moments[failed + 1] - it.moments[failed]
        assert pause <= 0.5, "the back-off begins again"


async def test_a_refusal_of_the_credentials_is_silence_too():
    """A password that was changed loses no lease by itself."""
    async with bench() as it:
        it.granted()
        it.store.down(StoreDenied("who are you"))
        await asyncio.sleep(600)
        assert it.lost == []
        assert it.session.state.error == "who are you"


async def test_the_deadline_counts_from_before_the_question():
    """An answer that took four seconds is four seconds old."""
    async with bench() as it:
        it.answer_takes = 4.0
        it.granted()
        await until(lambda: it.tried)
        assert it.session.state.deadline == it.moments[0] + TTL
        assert it.session.state.renewed == it.moments[0]
        assert it.tried == [("ok", 4.0, TTL)]


async def test_an_adopted_lease_is_asked_at_once_how_long_it_has_left():
    """The lease of an earlier life is renewed before anything else; who counts learns its TTL."""
    async with bench() as it:
        grant = it.store.grant_now(900)
        await asyncio.sleep(100)
        adopted = now()
        it.session.adopt(grant.id)
        assert not it.session.state.overdue(now())
        await settled()
        assert it.asked == [(grant.id, adopted)]
        assert it.session.state.deadline == adopted + 900
        assert it.tried == [("ok", 0.0, 900)]


async def test_adopting_what_is_held_asks_nothing():
    """To be told again what one does already is no news."""
    async with bench() as it:
        lease = it.granted()
        state = it.session.state
        it.session.adopt(lease)
        await asyncio.sleep(5)
        assert it.asked == []
        assert it.session.state == state


async def test_dropping_stops_the_renewals():
    """What is dropped lapses by itself: nothing is asked, and nothing is said to be lost."""
    async with bench() as it:
        it.granted()
        await asyncio.sleep(30)
        it.session.drop()
        count = len(it.asked)
        await asyncio.sleep(3600)
        assert len(it.asked) == count
        assert it.lost == []
        assert not it.session.state.overdue(now())


@pytest.mark.parametrize("end", ["answered", "gone", "failed"])
async def test_an_answer_about_the_lease_before_says_nothing_about_this_one(end):
    """A new lease taken while the old one's renewal is on its way is neither lost nor changed."""
    async with bench() as it:
        old = it.granted()
        it.answer_takes = 5.0
        if end == "gone":
            it.store.leases.clear()
        if end == "failed":
            it.store.faults.once("keep_alive", StoreUnavailable("torn"))
        await until(lambda: it.asked)
        new = it.granted(90)
        held, state = now(), it.session.state
        await asyncio.sleep(20)
        assert it.asked[0][0] == old
        assert it.lost == []
        assert it.session.state == state
        await until(lambda: len(it.asked) == 2)
        assert it.asked[1][0] == new
        assert 27 - 0.1 <= now() - held <= 33 + 0.1
    it.store.faults.check()


async def test_dropping_during_a_renewal_is_not_undone_by_its_answer():
    """A lease that was let go does not come back with the answer about it."""
    async with bench() as it:
        it.granted()
        it.answer_takes = 5.0
        await until(lambda: it.asked)
        it.session.drop()
        await asyncio.sleep(600)
        assert it.session.state.lease == 0
        assert len(it.asked) == 1


async def test_a_machine_that_slept_asks_within_a_minute_of_waking():
    """The loop's timers stand still while the machine sleeps; the clock of leases does not."""
    asleep = [0.0]
    async with bench(clock=lambda: now() + asleep[0]) as it:
        it.granted(86400)
        await asyncio.sleep(10)
        asleep[0] = 3600.0
        await asyncio.sleep(60.1)
        assert len(it.asked) == 1
