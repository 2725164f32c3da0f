"""The prober in virtual time: what it sends, what it says, and what it makes of losses."""

from __future__ import annotations

import asyncio
import errno

import pytest

from hostgw_daemon.probe.datagram import SIZE, Report, Way
from hostgw_daemon.probe.port import Neighbour
from support.fake_probes import WELL, Site, gateway, host, probing
from support.loops import now, running, until

pytestmark = pytest.mark.looptime

PODS_LOST = frozenset({Way.HOST})


def of(site: Site, number: int, way: Way) -> list[float]:
    """Give when a node was asked by a way."""
    return [each.at for each in site.wire.to(number) if each.way is way]


async def test_a_node_that_is_well_is_asked_three_questions_a_second() -> None:
    """Host, pods and big; none of them is lost, and what is said once is not said again."""
    async with probing(2, 3) as site:
        assert [site.says(n) for n in (2, 3)] == ["ok", "ok"]
        before = len(site.wire.sent)
        await asyncio.sleep(60)
        sent = site.wire.sent[before:]
        assert {each.way for each in sent} == {Way.HOST, Way.POD, Way.BIG}
        for number in (2, 3):
            assert 3 * 58 <= sum(each.number == number for each in sent) <= 3 * 61
        assert site.told == []
        assert site.prober.counts["lost"] <= 2  # of the way that only the first questions took


async def test_each_question_is_of_its_own_size() -> None:
    """A big one fills the MTU, with its headers; all others are as small as can be."""
    async with probing(2) as site:
        for each in site.wire.sent:
            assert len(each.data) == (1500 - 28 if each.way is Way.BIG else SIZE)
            assert each.source == (host(1) if each.way is Way.HOST else gateway(1))


async def test_the_way_that_is_asked_no_more_leaves_no_doubt() -> None:
    """Whether it forwards, a node says itself: a lost question of before is forgotten."""
    site = Site()
    site.wire.answers[2] = frozenset({Way.HOST, Way.POD, Way.BIG})
    site.aim(2)
    async with running(site.prober.run):
        await asyncio.sleep(5)
        before = len(site.wire.sent)
        await asyncio.sleep(60)
        assert site.says(2) == "ok"
        assert len(site.wire.sent) - before <= 3 * 61


async def test_one_lost_question_is_no_alarm() -> None:
    """Nor are two in a row; the next ones come soon."""
    async with probing(2) as site:
        for lost in (1, 2):
            site.wire.answers[2] = frozenset()
            count = site.prober.counts["lost"]
            await until(lambda c=count, n=lost: site.prober.counts["lost"] >= c + n)
            del site.wire.answers[2]
            await asyncio.sleep(5)
        assert site.says(2) == "ok"
        assert site.told == []


async def test_pods_that_are_not_reached_are_named_in_time_and_cleared() -> None:
    """Three losses in a row name it; two answers in a row end it."""
    async with probing(2, 3) as site:
        site.wire.answers[2] = PODS_LOST
        assert await until(lambda: site.says(2) == "path_filtered") < 4
        assert site.says(3) == "ok"
        await asyncio.sleep(30)
        assert site.says(2) == "path_filtered"
        assert len(site.told) == 1
        del site.wire.answers[2]
        assert 1 <= await until(lambda: site.says(2) == "ok") < 4
        await asyncio.sleep(30)
        assert len(site.told) == 2


async def test_a_node_that_comes_back_is_not_said_to_have_another_trouble() -> None:
    """Its host answers first: whether its pods do is not known yet, and not their fault."""
    async with probing(2) as site:
        site.prober.neighbours([Neighbour(host(2), True)])
        site.wire.answers[2] = frozenset()
        await asyncio.sleep(5)
        site.prober.neighbours([Neighbour(host(2), False)])
        said = site.follow(2)
        site.prober.neighbours([Neighbour(host(2), True)])
        del site.wire.answers[2]
        await until(lambda: site.says(2) == "ok")
        await asyncio.sleep(5)
        assert said == ["ok"]


async def test_a_way_back_that_returns_is_not_said_to_be_a_filter() -> None:
    """Its host says so first, and that its pods' way was bad before had the other cause."""
    async with probing(2) as site:
        site.wire.answers[2] = PODS_LOST
        site.wire.reports[2] = WELL & ~Report.WAY_BACK
        await until(lambda: site.says(2) == "no_way_back")
        said = site.follow(2)
        del site.wire.reports[2]
        asked = len(of(site, 2, Way.HOST))
        await until(lambda: len(of(site, 2, Way.HOST)) > asked)
        del site.wire.answers[2]
        await until(lambda: site.says(2) == "ok")
        assert said == ["ok"]


async def test_a_filter_that_stays_when_a_way_back_returns_is_named() -> None:
    """Once as much is lost with the way back as without it."""
    async with probing(2) as site:
        site.wire.answers[2] = PODS_LOST
        site.wire.reports[2] = WELL & ~Report.WAY_BACK
        await until(lambda: site.says(2) == "no_way_back")
        del site.wire.reports[2]
        assert 1 < await until(lambda: site.says(2) == "path_filtered") < 5


async def test_of_a_node_that_is_new_nothing_is_said_before_its_host_was_heard() -> None:
    """Not that it has no pods, which nobody knows yet."""
    site = Site()
    site.wire.answers[2] = frozenset({Way.FORWARD})
    site.aim(2)
    async with running(site.prober.run):
        site.prober.neighbours([Neighbour(host(2), True)])
        await asyncio.sleep(1)
        assert site.says(2) == ""


async def test_answers_that_come_and_go_do_not_flicker() -> None:
    """Of a bad way every other answer is lost: it stays bad, and nothing more is told."""
    async with probing(2) as site:
        site.wire.answers[2] = PODS_LOST
        await until(lambda: site.says(2) == "path_filtered")
        told = len(site.told)
        for _ in range(6):
            asked = len(of(site, 2, Way.POD))
            site.wire.answers[2] = frozenset({Way.HOST, Way.POD, Way.BIG})
            await until(lambda a=asked: len(of(site, 2, Way.POD)) > a)
            site.wire.answers[2] = PODS_LOST
            asked = len(of(site, 2, Way.POD))
            await until(lambda a=asked: len(of(site, 2, Way.POD)) > a)
        assert site.says(2) == "path_filtered"
        assert len(site.told) == told


async def test_a_silent_host_is_named_when_the_link_has_spoken() -> None:
    """The link is asked once for each silence; not before it answers is anything said."""
    async with probing(2) as site:
        site.prober.neighbours([Neighbour(host(2), True)])
        site.wire.answers[2] = frozenset()
        await asyncio.sleep(10)
        assert site.says(2) == "ok"
        assert len(site.confirmed) == 1
        site.prober.neighbours([Neighbour(host(2), False)])
        assert site.says(2) == "unresolved"
        site.prober.neighbours([Neighbour(host(2), True)])
        assert site.says(2) == "unresolved"
        await until(lambda: site.says(2) == "unreachable" or len(site.confirmed) == 2, within=4)
        site.prober.neighbours([Neighbour(host(2), True)])
        assert await until(lambda: site.says(2) == "unreachable") < 4
        del site.wire.answers[2]
        assert await until(lambda: site.says(2) == "ok") < 4


async def test_a_host_that_was_never_heard_has_the_link_asked_too() -> None:
    """The daemon begins beside a dead host whose entry is still believed."""
    site = Site()
    site.wire.answers[2] = frozenset()
    site.aim(2)
    async with running(site.prober.run):
        await until(lambda: site.confirmed, within=3)
        assert site.confirmed[0][1] == host(2)


async def test_a_dead_host_with_an_entry_for_good_is_named() -> None:
    """Nobody will ever ask for it on the link: that it answers nothing must do."""
    site = Site()
    site.wire.answers[2] = frozenset()
    site.permanent.add(host(2))
    site.aim(2)
    async with running(site.prober.run):
        assert await until(lambda: site.says(2) == "unreachable") < 4


@pytest.mark.parametrize("refused", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN])
async def test_what_our_own_kernel_has_no_way_for_says_nothing_of_the_node(refused: int) -> None:
    """Our link is down, or a route is missing: that is told by others."""
    async with probing(2) as site:
        site.wire.refusals[2] = refused
        await asyncio.sleep(10)
        assert site.says(2) == "ok"
        assert site.told == []


async def test_what_our_own_packet_filter_drops_is_lost() -> None:
    """And the next tries come as soon as after any other loss."""
    async with probing(2) as site:
        site.wire.refusals[2] = errno.EPERM
        assert await until(lambda: site.says(2) != "ok") < 2
        assert site.says(2) == "unreachable"


async def test_it_is_known_when_the_pods_way_to_anybody_was_last_free() -> None:
    """By family; that a host answers is not enough."""
    async with probing(2) as site:
        await asyncio.sleep(10)
        assert now() - site.prober.reached[4] < 2
        assert 6 not in site.prober.reached
        site.wire.answers[2] = PODS_LOST
        await asyncio.sleep(60)
        assert 58 < now() - site.prober.reached[4] < 63
