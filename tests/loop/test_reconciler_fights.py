"""The reconciler in virtual time: a route that somebody fights over is left alone for a while."""

from __future__ import annotations

import pytest

from hostgw_daemon.kernel import RouteLost, Verb, Write
from hostgw_daemon.routes.fights import TRUCE
from hostgw_daemon.routes.report import PassKind
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, now, quiet, running, settled
from support.reconciler_site import LINK

pytestmark = pytest.mark.looptime

FULL = PassKind.FULL


async def test_a_fight_is_given_up_for_a_while():
    """More than five restorations in ten seconds: left alone for thirty, said so, then back."""
    async with running(A, B) as site:
        for _ in range(5):
            site.hear(site.kernel.remove(ROUTE_A))
            await quiet(0.5)
            assert ROUTE_A in site.kernel.ours()
        began = now()
        site.hear(site.kernel.remove(ROUTE_A))
        await settled()
        state = site.reconciler.state
        assert site.kernel.ours() == {ROUTE_B}
        assert state.fights == ("10.5.1.0/24",)
        assert [(o.write.route, o.message) for o in state.missing] == [
            (ROUTE_A, "it is fought over")
        ]
        await quiet(TRUCE - 0.2)
        assert now() < began + TRUCE
        site.reconciler.look("a test")
        await quiet()
        assert site.kernel.ours() == {ROUTE_B}
        await quiet(1)
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        state = site.reconciler.state
        assert (state.fights, state.missing, state.drift["unnoticed"]) == ((), (), 0)
        assert site.reported(FULL)[-1].cause == "a truce is over"


async def test_a_route_under_truce_that_is_there_is_not_missing():
    """When the opponent gives in, or an administrator puts the route back, all is well."""
    async with running(A) as site:
        for _ in range(6):
            site.hear(site.kernel.remove(ROUTE_A))
            await quiet(0.3)
        assert site.reconciler.state.missing
        site.kernel.write([Write(Verb.CREATE, ROUTE_A)])
        site.reconciler.look("a test")
        await settled()
        assert site.reconciler.state.missing == ()


async def test_a_lease_that_ends_during_a_truce_takes_its_route_with_it():
    """Leaving a route alone is not keeping one that nobody wants."""
    async with running(A) as site:
        for _ in range(6):
            site.hear(site.kernel.remove(ROUTE_A))
            await quiet(0.3)
        assert site.reconciler.state.fights == ("10.5.1.0/24",)
        site.kernel.write([Write(Verb.CREATE, ROUTE_A)])
        site.drop(A)
        site.relist()
        await settled()
        assert site.kernel.ours() == set()
        assert site.reconciler.state.fights == ()


async def test_a_fight_with_full_passes_is_one_too():
    """Whichever pass puts a route back: it is counted."""
    async with running(A) as site:
        for _ in range(6):
            await quiet(0.5)
            assert ROUTE_A in site.kernel.ours()
            site.reconciler.look("a test")
            site.hear(site.kernel.remove(ROUTE_A))
            await quiet()
        assert {report.kind for report in site.reports} == {FULL}
        assert site.reconciler.state.fights == ("10.5.1.0/24",)


async def test_losses_with_a_link_are_no_fight():
    """IPv6 tells of each route that goes with its link; what cannot be put back is no fight."""
    async with running(A) as site:
        for _ in range(8):
            site.kernel.link_down(LINK)
            site.reconciler.hear([RouteLost(ROUTE_A)])
            await quiet(0.3)
            site.hear(site.kernel.link_up(LINK))
            await quiet(0.3)
            assert site.kernel.ours() == {ROUTE_A}
        assert site.reconciler.state.fights == ()


async def test_a_fight_is_over_with_the_lease_that_it_was_about():
    """There is nothing left to fight for; and a lease that comes again has its route at once."""
    async with running(A) as site:
        for _ in range(6):
            site.hear(site.kernel.remove(ROUTE_A))
            await quiet(0.3)
        site.expire(A)
        await quiet()
        state = site.reconciler.state
        assert (state.fights, state.missing) == ((), ())
        site.lease(A)
        await quiet()
        assert site.kernel.ours() == {ROUTE_A}
