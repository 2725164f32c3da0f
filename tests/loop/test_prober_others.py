"""Probes of kernels, several networks and strangers, and how many there are: in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hostgw_daemon.probe.datagram import SIZE, Ends, Question, Report, Way, ask
from hostgw_daemon.probe.port import Heard, Neighbour, Returned, Said
from support.fake_probes import AWAY, Site, gateway, host, key, probing, target
from support.loops import running, until

pytestmark = pytest.mark.looptime

PODS_LOST = frozenset({Way.HOST})


def of(site: Site, number: int, way: Way) -> list[float]:
    """Give when a node was asked by a way."""
    return [each.at for each in site.wire.to(number) if each.way is way]


async def test_a_kernel_that_rations_its_answers_gives_no_alarm() -> None:
    """Of nodes without our daemon, each asker has one a second, after the first six."""
    site = Site()
    site.wire.without = frozenset({2, 3, 4})
    site.aim(2, 3, 4)
    async with running(site.prober.run):
        await asyncio.sleep(10)
        site.told.clear()
        await asyncio.sleep(190)
        assert [site.says(n) for n in (2, 3, 4)] == ["ok"] * 3
        assert site.told == []
        for number in (2, 3, 4):
            assert len(site.wire.to(number)) <= 200 + 3
            ways = [each.way for each in site.wire.to(number)]
            for way in (Way.HOST, Way.POD, Way.FORWARD):
                assert ways.count(way) > 200 / 3 - 20


async def test_a_kernel_of_two_networks_answers_for_both_of_them() -> None:
    """Its ration is shared: it is asked half as often about each, and neither is called bad."""
    site = Site()
    site.wire.without = frozenset({2})
    site.prober.aim({key(2): target(2), key(2, 6): target(2, 6)})
    async with running(site.prober.run):
        await asyncio.sleep(10)
        site.told.clear()
        await asyncio.sleep(90)
        assert (site.says(2), site.says(2, 6)) == ("ok", "ok")
        assert site.told == []
        assert len(site.wire.sent) <= 100 + 6


async def test_one_lost_answer_of_a_kernel_is_no_alarm() -> None:
    """Not even hours later: what is asked again soon is rationed, too."""
    site = Site()
    site.wire.without = frozenset({2})
    site.aim(2)
    async with running(site.prober.run):
        await asyncio.sleep(100)
        for _ in range(6):
            lost = site.prober.counts["lost"]
            site.wire.answers[2] = frozenset()
            await until(lambda n=lost: site.prober.counts["lost"] > n)
            del site.wire.answers[2]
            await asyncio.sleep(10)
            assert site.says(2) == "ok"


async def test_a_node_without_a_daemon_that_does_not_let_pods_through_is_named() -> None:
    """Once its pods have answered; the way in doubt is asked and not the others."""
    site = Site()
    site.wire.without = frozenset({2})
    site.aim(2)
    async with running(site.prober.run):
        await asyncio.sleep(20)
        site.wire.answers[2] = frozenset({Way.HOST, Way.FORWARD})
        assert await until(lambda: site.says(2) == "path_filtered") < 12
        del site.wire.answers[2]
        assert await until(lambda: site.says(2) == "ok") < 12


@pytest.mark.parametrize(("there", "cause"), [(True, "unreachable"), (False, "unresolved")])
async def test_a_node_without_a_daemon_that_falls_silent_is_named(*, there: bool, cause: str):
    """By every way: that its pods answered before the host was silent is no answer of theirs."""
    site = Site()
    site.wire.without = frozenset({2})
    site.aim(2)
    async with running(site.prober.run):
        await asyncio.sleep(20)
        site.wire.answers[2] = frozenset()
        await until(lambda: site.confirmed, within=12)
        site.prober.neighbours([Neighbour(host(2), there)])
        assert await until(lambda: site.says(2) == cause, within=20) < 12
        del site.wire.answers[2]
        site.prober.neighbours([Neighbour(host(2), True)])
        assert await until(lambda: site.says(2) == "ok", within=20) < 15


async def test_a_mtu_that_was_bad_is_not_kept_when_the_daemon_there_ends() -> None:
    """It is asked no more, so nobody would ever see it heal."""
    async with probing(2) as site:
        site.wire.answers[2] = frozenset({Way.HOST, Way.POD})
        await until(lambda: site.says(2) == "mtu")
        site.wire.answers[2] = frozenset({Way.HOST, Way.POD, Way.FORWARD})
        site.wire.without = frozenset({2})
        assert await until(lambda: site.says(2) == "ok") < 5


async def test_a_gateway_that_goes_is_no_fault() -> None:
    """The last container of a node ends; its answer says so, and its pods' way is asked no more."""
    async with probing(2) as site:
        site.wire.answers[2] = PODS_LOST
        site.wire.reports[2] = Report.FORWARDS | Report.WAY_BACK
        await asyncio.sleep(10)
        assert site.says(2) == "unprobed"
        assert len(site.told) == 1
        asked = len(of(site, 2, Way.POD))
        await asyncio.sleep(10)
        assert len(of(site, 2, Way.POD)) == asked


async def test_without_a_gateway_of_our_own_nobodys_pods_are_asked() -> None:
    """There is no address to ask from."""
    async with probing(2) as site:
        site.ours.clear()
        asked = len(of(site, 2, Way.POD))
        await asyncio.sleep(10)
        assert len(of(site, 2, Way.POD)) == asked
        assert site.says(2) == "unprobed"


async def test_who_goes_is_asked_no_more_and_nothing_is_said_of_it() -> None:
    """What is still on its way to it is lost on nobody."""
    async with probing(2, 3) as site:
        site.wire.answers[2] = frozenset()
        await until(lambda: site.prober.counts["lost"] > 3)
        site.aim(3)
        asked = len(site.wire.to(2))
        await asyncio.sleep(10)
        assert len(site.wire.to(2)) == asked
        assert site.prober.diagnoses.keys() == {key(3)}


async def test_a_node_that_moves_is_found_out_about_anew() -> None:
    """Its old answers say nothing of its new address."""
    async with probing(2) as site:
        site.wire.answers[9] = frozenset()
        there = target(9)
        site.prober.amend({key(2): there})
        assert site.says(2) == ""
        await asyncio.sleep(1)
        assert {each.to for each in site.wire.to(9)} <= {there.host, there.gateway, there.unused}


async def test_another_address_of_the_same_host_is_no_other_host() -> None:
    """It may ask by it from now on; what was found out of it goes on to be said."""
    async with probing(2) as site:
        more = replace(target(2), others=frozenset({host(77)}))
        site.prober.amend({key(2): more})
        assert site.says(2) == "ok"
        assert site.told == []
        for source in (host(2), host(77), gateway(2)):
            data = ask(Question(Way.HOST, 7, gateway(1)), Ends(source, host(1)), node_id="id-1")
            site.prober.hear([Heard(data, source, 9746, host(1))])
            assert site.asked_about[-1] == more


async def test_a_question_about_one_network_is_answered_of_that_network() -> None:
    """The host is the same in both; the pods it asks about are not."""
    async with probing(2) as site:
        site.prober.amend({key(2, 6): target(2, 6)})
        for network in (5, 6):
            for source in (host(2), gateway(2, network)):
                ends = Ends(source, host(1))
                question = Question(Way.HOST, 7, gateway(1, network))
                data = ask(question, ends, node_id="id-1")
                site.asked_about.clear()
                site.prober.hear([Heard(data, source, 9746, host(1))])
                assert site.asked_about == [target(2, network)]
        site.prober.amend({key(2, 6): None})
        data = ask(Question(Way.HOST, 8, gateway(1)), Ends(host(2), host(1)), node_id="id-1")
        site.prober.hear([Heard(data, host(2), 9746, host(1))])
        assert site.asked_about[-1] == target(2)


async def test_an_answer_is_as_short_as_its_question() -> None:
    """Whatever is asked, and by whom; it goes back to where it came from."""
    async with probing() as site:
        for size in (SIZE, 1472, 4096):
            question = Question(Way.BIG, 7, gateway(1))
            data = ask(question, Ends(host(9), host(1)), node_id="id-1", size=size)
            site.prober.hear([Heard(data, host(9), 9746, host(1))])
            (sent,) = site.wire.sent
            assert len(sent.data) == SIZE <= len(data)
            assert (sent.source, sent.to) == (host(1), host(9))
            site.wire.sent.clear()


async def test_what_is_forged_or_replayed_changes_nothing() -> None:
    """Answers of strangers, of before, to others; errors about questions that nobody asked."""
    async with probing(2, 3) as site:
        forged = [
            Heard(b"hgw1\x02" + bytes(43), host(2), 9746, host(1)),
            Heard(b"hgw1\x01" + bytes(43), host(2), 9746, host(1)),
            Heard(bytes(4096), host(2), 9746, host(1)),
            Returned(b"hgw1", Said.CLOSED),
            Returned(bytes(48), Said.NOWHERE),
            *(Returned(each.data, Said.NOWHERE) for each in site.wire.sent),
            *(Heard(each.data, host(3), 9746, host(1)) for each in site.wire.sent),
        ]
        before, asked = dict(site.prober.diagnoses), len(site.wire.sent)
        site.prober.hear(forged)
        assert site.prober.diagnoses == before
        assert len(site.wire.sent) == asked
        assert site.told == []


async def test_no_more_new_entries_than_allowed_are_made_for_asking() -> None:
    """Of two hundred nodes those with an entry are asked; one that lost it is new again."""
    site = Site()
    site.aim(*range(2, 202))
    made: list[float] = []
    async with running(site.prober.run):
        for _ in range(150):
            # Between two turns, when nothing is on its way.
            await until(lambda: bool(site.wire.sent))
            await asyncio.sleep(2 * AWAY)
            first = {each.number: each.at for each in reversed(site.wire.sent)}
            # The kernel's table is full, and throws out whoever was asked.
            site.prober.neighbours([Neighbour(host(n), None) for n in first])
            site.wire.sent.clear()
            made += first.values()
    assert len(made) >= 64
    for begun in made:
        assert sum(begun <= at < begun + 60 for at in made) <= 32


async def test_those_with_an_entry_are_asked_at_the_rate() -> None:
    """Forty nodes, eight a second: each every five seconds, and three questions a turn."""
    site = Site()
    site.aim(*range(2, 42))
    site.prober.entries({host(n) for n in range(2, 42)})
    async with running(site.prober.run):
        await asyncio.sleep(12)
        before = len(site.wire.sent)
        await asyncio.sleep(20)
        assert 0.9 * 8 * 3 * 20 <= len(site.wire.sent) - before <= 8 * 3 * 20 * 1.05
        assert {site.says(n) for n in range(2, 42)} == {"ok"}


async def test_when_all_are_lost_no_more_than_four_times_the_rate_goes_out() -> None:
    """Our own switch is off: whoever is in doubt waits for its turn."""
    async with probing(*range(2, 52)) as site:
        site.prober.entries({host(n) for n in range(2, 52)})
        await asyncio.sleep(7)
        for number in range(2, 52):
            site.wire.answers[number] = frozenset()
        before = len(site.wire.sent)
        await asyncio.sleep(15)
        assert 2 * 8 * 3 * 15 <= len(site.wire.sent) - before <= 4 * 8 * 3 * 15 + 12


async def test_nothing_is_kept_of_what_is_over() -> None:
    """Nodes coming and going leave nothing behind."""
    async with probing(2, 3) as site:
        site.wire.answers[3] = PODS_LOST
        await asyncio.sleep(60)
        turns, questions = site.prober._turns, site.prober._questions
        sizes = len(turns._heap), len(questions._order), len(questions._waiting)
        for round_ in range(5):
            for number in range(10, 20):
                site.prober.amend({key(number): target(number)})
            await asyncio.sleep(15)
            site.prober.amend({key(number): None for number in range(10, 20)})
            site.wire.sent.clear()
            assert site.says(2) == "ok", round_
        await asyncio.sleep(60)
        later = len(turns._heap), len(questions._order), len(questions._waiting)
        assert all(one <= other + 4 for one, other in zip(later, sizes, strict=True))
