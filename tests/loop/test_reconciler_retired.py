"""The reconciler of a host that was drained: it keeps and writes no route until it is back."""

from __future__ import annotations

import pytest

from hostgw_daemon.kernel import Verb, Write
from hostgw_daemon.routes.forecast import Action
from hostgw_daemon.routes.report import PassKind
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, now, quiet, running, settled
from support.reconciler_site import Site, ours

pytestmark = pytest.mark.looptime


async def test_a_host_that_has_left_keeps_no_route():
    """Whatever the store says from then on; and all are back when it claims again."""
    async with running(A) as site:
        await settled()
        stray = ours("10.5.77.0/24", "172.16.0.77")
        site.kernel.write([Write(Verb.CREATE, stray)])
        site.reconciler.retire(on=True)
        assert [each.route for each in site.reconciler.forecast()] == sorted([ROUTE_A, stray])
        assert {each.action for each in site.reconciler.forecast()} == {Action.REMOVE}
        await settled()
        assert site.kernel.ours() == set()
        assert site.reconciler.forecast() == ()
        assert site.reconciler.idle == ""
        site.tell(site.put(B))
        await quiet(300)
        assert site.kernel.ours() == set()
        assert site.reconciler.state.missing == ()
        assert site.reconciler.overdue(now()) == 0.0
        site.reconciler.retire(on=False)
        await settled()
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}


async def test_it_needs_no_link_for_that():
    """A link that is down takes its routes with it, but not those that lead nowhere."""
    async with running(A) as site:
        await settled()
        site.reconciler.stand_on(None, "the link went down")
        await settled()
        site.reconciler.retire(on=True)
        await settled()
        assert site.kernel.ours() == set()


async def test_to_say_it_twice_is_nothing_new():
    """A level: the same again makes no pass."""
    site = Site(now)
    site.put(A)
    site.stand()
    site.relist()
    await site.reconciler.step()
    site.reconciler.retire(on=True)
    await settled()
    await site.reconciler.step()
    assert site.reports[-1].kind is PassKind.FULL
    passes = len(site.reports)
    site.reconciler.retire(on=True)
    await site.reconciler.step()
    assert len(site.reports) == passes
