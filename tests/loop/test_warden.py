"""The loop that ends holds, in virtual time: what goes when, and what the link is asked first."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

import pytest

from hostgw_core.store import Entry, StoreUnavailable
from hostgw_daemon.routes.warden import ROUND
from support.lease_world import entry, key
from support.loops import now
from support.warden_site import NETWORK, SETTLES, Site, at, gateway, leases, name, warded

pytestmark = pytest.mark.looptime


async def test_a_lease_that_goes_alone_goes_after_the_moment_of_grace():
    """Nobody is asked, and it stays until then."""
    async with warded(20) as site:
        begun = now()
        site.leave(name(3))
        await at(begun + 1.8)
        assert 3 in site.believed
        await at(begun + 2)
        assert site.believed == set(range(20)) - {3}
        assert site.link.rounds == []
        assert site.guard.state.ended == {("leaving", "gone"): 1}


async def test_a_hold_ends_only_for_the_silent():
    """Those that answer stay; the others go as soon as that is sure."""
    async with warded(12) as site:
        site.link.answers = {gateway(n) for n in range(6, 12)}
        begun = now()
        site.leave(*map(name, range(3, 9)))
        await at(begun + 299)
        assert (site.believed, site.link.rounds) == (set(range(12)), [])
        await at(begun + 300 + SETTLES)
        assert [asked for _, asked in site.link.rounds] == [6]
        assert site.believed == set(range(12)) - {3, 4, 5}
        assert site.guard.state.ended == {("many", "silent"): 3}


async def test_who_still_answers_is_asked_again_every_minute():
    """And is released when he has fallen silent."""
    async with warded(8) as site:
        site.link.answers = {gateway(n) for n in range(8)}
        begun = now()
        site.leave(*map(name, range(6)))
        await at(begun + 300 + 5 * (60 + SETTLES))
        moments = [moment - begun for moment, _ in site.link.rounds]
        assert moments == [pytest.approx(300 + n * (60 + SETTLES), abs=1) for n in range(6)]
        assert site.believed == set(range(8))
        site.link.answers.discard(gateway(2))
        await at(begun + 300 + 7 * (60 + SETTLES))
        assert site.believed == set(range(8)) - {2}


async def test_many_are_asked_in_rounds():
    """The neighbour table is never filled: so many at once, and one round after the other."""
    async with warded(100) as site:
        begun = now()
        site.leave(*map(name, range(80)))
        await at(begun + 300 + 3 * SETTLES + 1)
        assert [asked for _, asked in site.link.rounds] == [ROUND, ROUND, 80 - 2 * ROUND]
        assert site.believed == set(range(80, 100))


async def test_without_a_link_nobody_is_released():
    """Nobody can be asked; as soon as there is one, they are."""
    async with warded(8) as site:
        site.link.index = 0
        begun = now()
        site.leave(*map(name, range(6)))
        await at(begun + 1000)
        assert (site.believed, site.link.rounds) == (set(range(8)), [])
        site.link.index = 2
        await at(begun + 1000 + 61 + SETTLES)
        assert site.believed == {6, 7}


def flaps(site: Site) -> None:
    """The link goes down and comes up again."""
    site.warden.link_moved()


def is_made_anew(site: Site) -> None:
    """The link gets another index."""
    site.link.index = 3


def goes_down(site: Site) -> None:
    """There is no link any more."""
    site.link.index = 0


@pytest.mark.parametrize("happens", [flaps, is_made_anew, goes_down])
async def test_a_link_that_was_away_for_a_moment_proves_nothing(happens: Callable[[Site], None]):
    """Its neighbours are forgotten with it: silence is none of theirs, and they are asked again."""
    async with warded(8) as site:
        begun = now()
        site.leave(*map(name, range(6)))
        await at(begun + 305)
        happens(site)
        await at(begun + 350)
        assert site.believed == set(range(8))
        site.link.index = 2
        await at(begun + 400)
        assert site.believed == {6, 7}


async def test_who_cannot_be_asked_is_not_silent():
    """A neighbour table that is full says nothing about a gateway."""
    async with warded(8) as site:
        site.link.cannot_be_asked = {gateway(0), gateway(1)}
        begun = now()
        site.leave(*map(name, range(6)))
        await at(begun + 300 + SETTLES)
        assert site.believed == {0, 1, 6, 7}
        site.link.cannot_be_asked = set()
        await at(begun + 300 + 60 + 2 * SETTLES + 1)
        assert site.believed == {6, 7}


async def test_a_kernel_that_refuses_to_ask_ends_nothing():
    """Neither a hold nor the daemon: it is asked again a minute later."""
    async with warded(8) as site:
        site.link.fault = OSError(errno.ENOBUFS, "no buffer space available")
        begun = now()
        site.leave(*map(name, range(6)))
        await at(begun + 350)
        assert (len(site.link.rounds), site.believed) == (1, set(range(8)))
        site.link.fault = None
        await at(begun + 361 + SETTLES)
        assert site.believed == {6, 7}


async def test_a_hold_that_has_become_another_one_meanwhile_is_left_alone():
    """A node that came back and went again while it was asked has its time of grace."""
    async with warded(8) as site:
        begun = now()
        site.leave(*map(name, range(6)))
        await at(begun + 307.8)
        site.list(NETWORK, *leases(8))
        site.leave(name(0))
        await at(begun + 300 + SETTLES)
        assert site.believed == set(range(8))
        await at(begun + 311)
        assert site.believed == set(range(1, 8))


async def test_what_an_operator_has_put_off_is_not_asked_for():
    """Also where that is said while the answer is awaited."""
    async with warded(8) as site:
        begun = now()
        site.leave(*map(name, range(6)))
        await at(begun + 305)
        site.guard.extend([key(name(4))], begun + 5000)
        await at(begun + 4000)
        assert site.believed == {4, 6, 7}
        assert site.guard.state.holds[key(name(4))].until == begun + 5000


def restored(site: Site, *entries: Entry, revision: int = 50) -> None:
    """Let an older copy of the store answer."""
    site.list(NETWORK, *entries, revision=revision, term=2)


async def test_a_leftover_is_believed_when_its_node_has_shown_that_it_lives():
    """A presence that outlives its own etcd lease is kept by its node; who has none is no node."""
    async with warded(4) as site:
        begun = now()
        strangers = [entry(name(n), gateway(n), node=f"n{n}") for n in (7, 8)]
        restored(site, *leases(4), *strangers)
        site.present = frozenset({"id-n7", "id-n0"})
        await at(begun + 74)
        assert (site.read, site.believed) == ([], set(range(4)))
        await at(begun + 75)
        assert site.believed == {0, 1, 2, 3, 7}
        await at(begun + 151)
        assert len(site.read) == 2  # the other one may still come


async def test_a_store_that_is_away_is_asked_again_for_proof():
    """The view says what is wrong with it; the proof waits another while, and comes."""
    async with warded(4) as site:
        begun = now()
        restored(site, *leases(4), entry(name(7), gateway(7), node="n7"))
        site.present = StoreUnavailable("it is down")
        await at(begun + 75)
        assert (len(site.read), site.believed) == (1, set(range(4)))
        site.present = frozenset({"id-n7"})
        await at(begun + 150)
        assert site.believed == {0, 1, 2, 3, 7}


async def test_a_second_restore_begins_the_time_of_proof_anew():
    """A presence that came with it is as old as it is, whenever the first one was."""
    async with warded(4) as site:
        begun = now()
        stranger = entry(name(7), gateway(7), node="n7")
        restored(site, *leases(4), stranger)
        site.present = frozenset({"id-n7"})
        await at(begun + 70)
        restored(site, *leases(4), stranger, revision=40)
        await at(begun + 144)
        assert (site.read, site.believed) == ([], set(range(4)))
        await at(begun + 145.5)
        assert site.believed == {0, 1, 2, 3, 7}


async def test_no_proof_is_asked_for_in_a_history_that_goes_on():
    """Nothing is read from the store but where something is unexplained."""
    async with warded(4) as site:
        site.leave(name(3))
        await asyncio.sleep(3600)
        assert site.read == []
