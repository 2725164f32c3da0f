"""The journal as it is written, in virtual time: what is gathered, what wakes, in which order."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from hostgw_core.health import Board
from hostgw_daemon.kernel import Outcome, RouteLost, Verb, Verdict, Write
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.routes.report import PassKind, Report
from hostgw_daemon.routes.targets import Targets
from hostgw_daemon.told.chronicle import MOMENT, Chronicle
from hostgw_daemon.told.conditions import KINDS
from hostgw_daemon.told.journal import Kind, Page
from support.loops import now
from support.parts import UPLINK, parts, route

pytestmark = pytest.mark.looptime

TARGETS = Targets()
TARGETS.wanted = {route(number) for number in range(1, 200)}


class Bench:
    """A journal whose clock is the loop's, and what was counted."""

    def __init__(self) -> None:
        self.counted: Counter[Kind] = Counter()
        self.chronicle = Chronicle("i", counted=self.count, clock=now)

    def count(self, kind: Kind) -> None:
        """Be the metric."""
        self.counted[kind] += 1

    def lose(self, number: int) -> None:
        """Let somebody delete the route of a node."""
        self.chronicle.heard([RouteLost(route(number), port=9)], TARGETS)

    def restore(self, number: int) -> None:
        """Let a pass put it back."""
        done = (Outcome(Write(Verb.CREATE, route(number)), Verdict.CREATED),)
        self.chronicle.passed(Report(PassKind.RESTORE, "a route was lost", 5, 9, done), TARGETS)

    @property
    def page(self) -> Page:
        """Everything there is."""
        return self.chronicle.page(0, "")

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of all events, in order."""
        return [event.kind for event in self.page.events]


@pytest.fixture
async def bench() -> Bench:
    """Begin."""
    return Bench()


async def test_what_happens_at_one_time_is_told_together(bench: Bench):
    """A flush that comes in many pieces, with our answers between them, is two events."""
    for number in range(1, 100):
        bench.lose(number)
        bench.restore(number)
        await asyncio.sleep(MOMENT / 200)
    assert bench.kinds == []
    await asyncio.sleep(MOMENT)
    assert [(event.kind, event.count) for event in bench.page.events] == [
        (Kind.ROUTE_LOST, 99),
        (Kind.ROUTE_RESTORED, 99),
    ]
    assert bench.counted == {Kind.ROUTE_LOST: 1, Kind.ROUTE_RESTORED: 1}


async def test_the_order_is_that_of_the_moments(bench: Bench):
    """What was gathered is told before something else that comes meanwhile."""
    bench.lose(1)
    await asyncio.sleep(MOMENT / 2)
    bench.chronicle.stands(UPLINK, "start")
    assert bench.kinds == [Kind.ROUTE_LOST, Kind.LINK]
    bench.chronicle.stands(UPLINK, "nothing new")
    bench.restore(1)
    bench.chronicle.look({"default": parts()}, at_peers=True)
    await asyncio.sleep(1)
    assert bench.kinds[2:] == [Kind.ROUTE_RESTORED, Kind.LEASE_HELD]
    moments = [event.moment for event in bench.page.events]
    assert moments == sorted(moments)


async def test_all_who_wait_are_woken_by_the_next_event_and_none_before(bench: Bench):
    """A hundred readers have one thing to wait for."""
    bench.chronicle.started("1.0")
    waits = [bench.chronicle.news for _ in range(100)]
    assert len(set(map(id, waits))) == 1
    bench.chronicle.look({"default": parts(claim=parts().claim)}, at_peers=False)
    assert waits[0].done()  # the lease is held
    news = bench.chronicle.news
    bench.chronicle.look({"default": parts()}, at_peers=True)
    await asyncio.sleep(60)
    assert not news.done()
    bench.lose(1)
    await asyncio.sleep(2 * MOMENT)
    assert news.done()


async def test_a_condition_is_an_event_when_it_comes_and_when_it_goes(bench: Bench):
    """With what it is, and how long it stood; of a network where there are several."""
    board = Board(KINDS, now)
    bench.chronicle.conditions(*board.report("blue", {"no_config": "nothing there"}))
    await asyncio.sleep(40)
    bench.chronicle.conditions(*board.report("blue", {}), network="blue")
    raised, over = bench.page.events
    assert (raised.kind, raised.subject) == (Kind.CONDITION_RAISED, "no_config")
    assert raised.says.endswith(": nothing there")
    assert (over.kind, over.subject, over.network) == (Kind.CONDITION_OVER, "no_config", "blue")
    assert over.stood == pytest.approx(40)


async def test_several_networks_are_told_apart(bench: Bench):
    """One alone is not named."""
    bench.chronicle.look({"default": parts()}, at_peers=True)
    bench.chronicle.stands(NoUplink("none"), "start")
    several = Bench()
    several.chronicle.look({"default": parts(), "blue": parts()}, at_peers=True)
    assert [event.network for event in bench.page.events] == ["", ""]
    assert [event.network for event in several.page.events] == ["default", "blue"]
