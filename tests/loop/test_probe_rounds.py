"""A round of probes that is ordered, in virtual time: whom it asks, how soon, and what it tells."""

from __future__ import annotations

import asyncio
import errno

import pytest

from hostgw_daemon.probe.datagram import Report, Way
from hostgw_daemon.probe.port import Neighbour
from hostgw_daemon.probe.rounds import KEPT, LONGEST, ROOM, Round, Rounds
from hostgw_daemon.probe.schedule import ALLOWANCE
from support.fake_probes import AWAY, EVERY_WAY, WELL, Site, host, key, probing
from support.loops import now, running, until

pytestmark = pytest.mark.looptime

ALL = {Way.HOST, Way.POD, Way.FORWARD, Way.BIG}


def order(site: Site, *numbers: int) -> Round:
    """Order a round of some nodes."""
    return site.prober.order([key(n) for n in numbers])[0]


async def done(asked: Round, *, within: float = 60.0) -> float:
    """Wait until everybody was asked; give the seconds."""
    return await until(lambda: asked.done, within=within)


def outcome(asked: Round, number: int) -> dict[Way, tuple[int, int]]:
    """Give the answers and losses of a node, by the way."""
    return {way: (len(t.trips), t.lost) for way, t in asked.tallies[key(number)].items()}


async def test_a_node_that_is_well_is_asked_once_by_every_way() -> None:
    """With the seconds there and back; and after that as seldom as ever."""
    async with probing(2, 3) as site:
        begun = now()
        asked = order(site, 2)
        assert await done(asked) < 0.1
        assert outcome(asked, 2) == dict.fromkeys(ALL, (1, 0))
        trips = [trip for tally in asked.tallies[key(2)].values() for trip in tally.trips]
        assert trips == pytest.approx([AWAY] * 4)
        assert key(3) not in asked.tallies
        assert all(each.at >= begun for each in site.wire.to(2)[-4:])
        before = len(site.wire.to(2))
        await asyncio.sleep(10)
        assert len(site.wire.to(2)) - before <= 3 * 11


async def test_what_was_asked_before_the_order_does_not_count() -> None:
    """An answer that was on its way is not of the round."""
    async with probing(2) as site:
        count = len(site.wire.to(2))
        while len(site.wire.to(2)) == count:  # noqa: ASYNC110 - `until` looks ten times too seldom
            await asyncio.sleep(AWAY / 4)  # its answers come in a millisecond
        asked = order(site, 2)
        await done(asked)
        assert outcome(asked, 2) == dict.fromkeys(ALL, (1, 0))
        assert asked.began > site.wire.to(2)[count].at
        assert len(site.wire.to(2)) == count + 3 + 4


async def test_a_bad_way_is_asked_until_the_diagnosis_is_of_now() -> None:
    """Three losses name it, within the round; the last known word was another."""
    async with probing(2) as site:
        site.wire.answers[2] = frozenset({Way.HOST, Way.FORWARD})
        assert site.says(2) == "ok"
        asked = order(site, 2)
        assert await done(asked) < 4
        assert site.says(2) == "path_filtered"
        found = outcome(asked, 2)
        assert found[Way.POD] == (0, 3)
        assert found[Way.HOST][1] == 0
        again = order(site, 2)
        await done(again)
        assert outcome(again, 2)[Way.POD] == (0, 1)  # it was bad, and is
        del site.wire.answers[2]
        healed = order(site, 2)
        assert await done(healed) < 4
        assert site.says(2) == "ok"


async def test_a_way_that_proves_nothing_goes_into_the_round_alone() -> None:
    """Its daemon says that it forwards: that nothing comes back from there is shown, no more."""
    async with probing(2) as site:
        site.wire.answers[2] = EVERY_WAY - {Way.FORWARD}
        asked = order(site, 2)
        await done(asked)
        assert outcome(asked, 2)[Way.FORWARD] == (0, 3)
        assert site.says(2) == "ok"
        assert site.told == []


async def test_a_silent_host_is_waited_for_no_longer_than_is_said() -> None:
    """The link is asked, and does not say a word."""
    async with probing(2) as site:
        site.wire.answers[2] = frozenset()
        assert LONGEST <= await done(order(site, 2)) < LONGEST + 2
        site.prober.neighbours([Neighbour(host(2), False)])
        assert await done(order(site, 2)) < 4
        assert site.says(2) == "unresolved"


async def test_a_host_without_a_daemon_is_asked_one_way_at_a_time() -> None:
    """Its kernel answers once a second: the round waits for that."""
    site = Site()
    site.wire.without = frozenset({2})
    site.aim(2)
    async with running(site.prober.run):
        await asyncio.sleep(30)
        asked = order(site, 2)
        assert await done(asked) < 6
        assert outcome(asked, 2) == dict.fromkeys(ALL - {Way.BIG}, (1, 0))


async def test_a_node_without_pods_is_asked_by_its_address() -> None:
    """There is nobody behind it yet."""
    site = Site()
    site.wire.reports[2] = WELL & ~Report.GATEWAY
    site.aim(2)
    async with running(site.prober.run):
        await asyncio.sleep(5)
        asked = order(site, 2)
        await done(asked)
        assert outcome(asked, 2) == {Way.HOST: (1, 0)}


async def test_what_our_own_kernel_refuses_is_told_as_that() -> None:
    """It is no loss, and the round does not wait for it."""
    async with probing(2) as site:
        site.wire.refusals[2] = errno.ENETUNREACH
        asked = order(site, 2)
        assert await done(asked) < 1
        found = asked.tallies[key(2)][Way.HOST]
        assert (found.trips, found.lost, found.refused) == ([], 0, "Network is unreachable")


async def test_many_are_asked_at_the_rate_and_the_time_is_told() -> None:
    """Eight a second: the estimate holds, and nobody is asked twice for two rounds."""
    numbers = range(2, 102)
    site = Site()
    site.aim(*numbers)
    site.prober.entries({host(n): b"" for n in numbers})
    async with running(site.prober.run):
        await asyncio.sleep(60)
        asked, seconds = site.prober.order([key(n) for n in numbers])
        assert seconds == pytest.approx(100 / 8)
        sent = len(site.wire.sent)
        begun = now()
        assert await done(asked) == pytest.approx(seconds, abs=1.5)
        turns = {(s.at, s.number) for s in site.wire.sent[sent:]}
        assert len(turns) <= 4 * 8 * (now() - begun + 1)
        assert len(asked.tallies) == 100


async def test_strangers_are_waited_for_and_the_time_is_told() -> None:
    """More than the neighbour table may take in a minute: the round takes minutes, and says so."""
    numbers = range(2, 2 + 2 * ALLOWANCE)
    site = Site()
    site.aim(*numbers)
    async with running(site.prober.run):
        asked, seconds = site.prober.order([key(n) for n in numbers])
        assert seconds == 60
        assert 55 < await done(asked, within=200) < 75


async def test_who_leaves_is_waited_for_no_more() -> None:
    """And a round of nobody is done at once."""
    async with probing(2, 3) as site:
        site.wire.answers[3] = frozenset()
        asked = order(site, 2, 3)
        await until(lambda: asked.left == {key(3)})
        site.aim(2)
        assert asked.done
        assert order(site, 9).done


async def test_only_the_last_rounds_are_remembered() -> None:
    """Somebody who orders and never asks leaves nothing behind."""
    async with probing(2) as site:
        site.wire.answers[2] = frozenset()
        rounds = [order(site, 2) for _ in range(KEPT + 3)]
        assert [site.prober.round(each.number) for each in rounds] == [None] * 3 + rounds[3:]
        assert all(each.done for each in rounds[:3])


async def test_large_rounds_are_remembered_no_longer_than_there_is_room() -> None:
    """The last one always; of those before, as many as fit."""
    done: list[object] = []
    rounds = Rounds(1, done.append)
    keys = [(b"/%d" % number, 4) for number in range(ROOM)]
    small = [rounds.begin(keys[:2], 0.0), rounds.begin(keys[: ROOM // 2], 0.0)]
    assert [rounds.get(each.number) for each in small] == small
    large = rounds.begin(keys, 0.0)
    assert [rounds.get(each.number) for each in (*small, large)] == [None, None, large]
    assert all(each.done for each in small)
    assert done == []  # somebody waits for all of these still
    rounds.begin(keys[:1], 1.0)
    assert len(done) == ROOM - 1
