"""The reconciler in virtual time: a link that goes, flaps, or is made again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_daemon.kernel import Verb
from hostgw_daemon.routes.desired import RouteRule
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, C, quiet, running, settled
from support.reconciler_site import LINK, ours

pytestmark = pytest.mark.looptime


async def test_a_link_that_goes_writes_nothing_and_removes_nothing():
    """While it is away there is nothing to do, whatever the store says."""
    async with running(A, B) as site:
        await settled()
        writes, reads = len(site.kernel.writes), site.kernel.reads
        site.reconciler.stand_on(None, "no link")
        site.lease(C)
        site.expire(A)
        site.reconciler.look("a test")
        await quiet(200)
        assert (len(site.kernel.writes), site.kernel.reads) == (writes, reads)
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        site.stand()
        await quiet()
        assert site.kernel.ours() == {ROUTE_B, ours("10.5.3.0/24")}


async def test_a_link_that_flaps_has_all_routes_back():
    """Its routes go without a word; they are back with the link, and that is no fight."""
    async with running(A, B) as site:
        for _ in range(10):
            site.hear(site.kernel.link_down(LINK))
            await quiet(0.1)
            assert site.kernel.ours() == set()
            site.hear(site.kernel.link_up(LINK))
            await quiet(0.1)
            assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        assert site.reconciler.state.fights == ()


async def test_a_link_that_is_down_and_up_again_before_anybody_looks():
    """It looks the same as before: every message counts, not the state in the end."""
    async with running(A) as site:
        await settled()
        events = [*site.kernel.link_down(LINK), *site.kernel.link_up(LINK)]
        site.hear(events)
        await quiet()
        assert site.kernel.ours() == {ROUTE_A}


async def test_a_link_that_is_made_again_has_another_index():
    """All routes go over the new one, though a lease changes in the very same moment."""
    async with running(A, B) as site:
        link = site.kernel.links[LINK]
        site.hear(site.kernel.unplug(LINK))
        site.kernel.links[9] = link
        site.rule = RouteRule(9)
        site.stand()
        site.lease(C)
        await settled()
        prefixes = ("10.5.1.0/24", "10.5.2.0/24", "10.5.3.0/24")
        assert site.kernel.ours() == {ours(prefix, link=9) for prefix in prefixes}


async def test_another_metric_moves_all_routes():
    """A rule that changes is a full pass: the new ones come before the old ones go."""
    async with running(A, B) as site:
        await settled()
        site.rule = replace(site.rule, metric=50)
        site.stand()
        await quiet()
        assert {each.metric for each in site.kernel.ours()} == {50}
        verbs = [write.verb for write in site.kernel.writes[-4:]]
        assert verbs == [Verb.CREATE, Verb.CREATE, Verb.DELETE, Verb.DELETE]
