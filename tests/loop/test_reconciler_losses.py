"""The reconciler in virtual time: routes that are lost are put back, and nobody is raced."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_daemon.kernel import Overrun, RouteLost
from hostgw_daemon.routes.report import PassKind
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, now, quiet, running, settled
from support.reconciler_site import ours

pytestmark = pytest.mark.looptime

FULL, RESTORE = PassKind.FULL, PassKind.RESTORE


async def test_a_deleted_route_is_back_at_once():
    """Without reading first, and then everything is looked at."""
    async with running(A, B) as site:
        await settled()
        before, moment, passes = site.kernel.reads, now(), []
        site.on_report = lambda report: passes.append(
            (report.kind, site.kernel.reads - before, ROUTE_A in site.kernel.ours())
        )
        site.hear(site.kernel.remove(ROUTE_A))
        await quiet()
        assert now() == moment
        assert passes == [(RESTORE, 0, True), (FULL, 1, True)]
        assert site.reconciler.state.drift["deleted"] == 1


async def test_a_route_that_we_do_not_want_is_not_put_back():
    """Somebody deletes what is no longer ours to keep: nothing happens."""
    async with running(A) as site:
        await settled()
        count = len(site.reports)
        site.hear([RouteLost(ours("10.5.77.0/24"))])
        await settled()
        assert len(site.reports) == count
        site.reconciler._inbox.lost.add(ROUTE_A)
        site.expire(A)
        await settled()
        assert site.kernel.ours() == set()


async def test_a_flush_is_put_back_whole():
    """All routes lost in one stroke are back in one write."""
    async with running(*(f"10.5.{n}.0-24" for n in range(1, 200))) as site:
        await settled()
        before = site.kernel.ours()
        events = [event for each in sorted(before) for event in site.kernel.remove(each)]
        site.hear(events)
        await quiet()
        assert site.kernel.ours() == before
        assert site.kernel.calls[-1] == 199


async def test_a_flush_comes_to_its_end():
    """`ip route flush` deletes until it finds nothing: it is not raced, and is no fight."""
    async with running(A, B) as site:
        for _ in range(4):
            await settled()
            rounds = 0
            while routes := site.kernel.ours():
                rounds += 1
                assert rounds <= 3
                site.hear(event for route in sorted(routes) for event in site.kernel.remove(route))
                await asyncio.sleep(0.001)
            await settled()
            assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
            await quiet(0.5)
        assert site.reconciler.state.fights == ()


async def test_news_of_a_loss_that_is_made_good_already_is_no_conflict():
    """A full pass may put a route back before its loss is told: then there is nothing to tell."""
    async with running(A) as site:
        await settled()
        events = site.kernel.remove(ROUTE_A)
        site.reconciler.look("a test")
        await settled()
        assert site.kernel.ours() == {ROUTE_A}
        states = []
        site.on_report = lambda report: states.append(
            (report.kind, report.troubles, site.reconciler.state.missing)
        )
        site.hear(events)
        await settled()
        assert states == [(RESTORE, (), ()), (FULL, (), ())]


async def test_dropped_notifications_are_a_full_pass():
    """ENOBUFS: anything may have happened, so everything is looked at, at once."""
    async with running(A) as site:
        await settled()
        site.kernel.remove(ROUTE_A)
        site.hear([Overrun()])
        await quiet()
        assert site.kernel.ours() == {ROUTE_A}
        assert site.reports[-1].cause == "the kernel dropped notifications"
        assert site.reconciler.state.drift["unnoticed"] == 0
