"""The reconciler in virtual time: other people's routes are named and never touched."""

from __future__ import annotations

import pytest

from hostgw_daemon.kernel import Verb, Verdict, Write
from support.reconciler_loop import ROUTE_A, A, now, quiet, running, settled
from support.reconciler_site import LINK, Site, ours

pytestmark = pytest.mark.looptime


async def test_a_foreign_route_on_our_key_is_a_conflict_until_it_goes():
    """Named, never touched; ours is back when the key is free."""
    async with running() as site:
        held = site.kernel.add(
            "10.5.1.0/24", "172.16.0.66", link=LINK, protocol=4, metric=ROUTE_A.metric
        )
        site.lease(A)
        await settled()
        assert site.at("10.5.1.0/24") == [(4, "172.16.0.66")]
        state = site.reconciler.state
        assert [outcome.verdict for outcome in state.missing] == [Verdict.CONFLICT]
        assert state.shadows == (held[0].route,)
        site.hear(site.kernel.remove(held[0].route))
        await quiet()
        assert site.at("10.5.1.0/24") == [(104, "172.16.0.9")]
        assert (site.reconciler.state.missing, site.reconciler.state.shadows) == ((), ())


async def test_a_route_that_is_taken_over_by_another_is_a_conflict():
    """`ip route replace` takes our key: told at once, counted, and not taken back."""
    async with running(A) as site:
        await settled()
        moment = now()
        events = site.kernel.steal(ROUTE_A, "172.16.0.66")
        site.hear(events)
        await quiet()
        assert now() == moment
        assert site.at("10.5.1.0/24") == [(3, "172.16.0.66")]
        assert site.reconciler.state.drift["foreign"] == 1
        assert [o.verdict for o in site.reconciler.state.missing] == [Verdict.CONFLICT]
        site.hear(site.kernel.remove(events[0].route))
        await settled()
        assert site.kernel.ours() == {ROUTE_A}


async def test_a_lease_that_moves_while_a_stranger_holds_its_key():
    """Nothing is put beside a foreign route: the key is asked for like a new one."""
    async with running(A) as site:
        site.hear(site.kernel.steal(ROUTE_A, "172.16.0.66"))
        await settled()
        site.lease(A, "172.16.0.4")
        await settled()
        assert site.at("10.5.1.0/24") == [(3, "172.16.0.66")]
        (missing,) = site.reconciler.state.missing
        assert missing.write == Write(Verb.CREATE, ours("10.5.1.0/24", "172.16.0.4"))


async def test_a_shadow_is_told_at_once_and_forgotten_when_it_goes():
    """A foreign route with a better metric is shown; ours stays behind it."""
    async with running(A) as site:
        await settled()
        count = len(site.reports)
        events = site.kernel.add("10.5.1.0/24", "172.16.0.66", link=LINK)
        site.hear(events)
        await quiet()
        assert site.reconciler.state.shadows == (events[0].route,)
        assert len(site.reports) == count + 1  # somebody is told
        assert site.at("10.5.1.0/24") == [(3, "172.16.0.66"), (104, "172.16.0.9")]
        await settled()
        site.hear(site.kernel.remove(events[0].route))
        await quiet()
        assert site.reconciler.state.shadows == ()


async def test_what_lies_there_from_before_is_found_by_the_first_pass():
    """Nobody tells of a foreign route that was there first."""
    site = Site(now)
    events = site.kernel.add("10.5.1.0/24", "172.16.0.66", link=LINK)
    site.put(A)
    site.stand()
    site.relist()
    await site.reconciler.step()
    assert site.reconciler.state.shadows == (events[0].route,)


async def test_foreign_routes_that_do_us_no_harm_cost_nothing():
    """Other destinations, and worse metrics, are no reason to look."""
    async with running(A) as site:
        await settled()
        reads = site.kernel.reads
        site.hear(site.kernel.add("10.77.0.0/24", "172.16.0.66", link=LINK))
        site.hear(site.kernel.add("10.5.1.0/24", "172.16.0.66", link=LINK, metric=9999))
        await quiet()
        assert site.kernel.reads == reads
        assert site.reconciler.state.shadows == ()


async def test_a_route_of_our_protocol_that_another_wrote_is_removed():
    """Protocol 104 is ours alone: what is not wanted there goes, and is nobody's conflict."""
    async with running(A) as site:
        await settled()
        site.hear(site.kernel.steal(ROUTE_A, "172.16.0.66", protocol=104))
        await quiet()
        assert site.kernel.ours() == {ROUTE_A}
        assert site.reconciler.state.shadows == ()
        assert site.reconciler.state.drift["foreign"] == 0
