"""The reconciler in virtual time: calls that are settled, the audit, and calls during a pass."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.report import PassKind
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, now, quiet, running, settled
from support.reconciler_site import LINK, Site

pytestmark = pytest.mark.looptime

FULL = PassKind.FULL


async def first_portion(site):
    """Let a pass come as far as its first call of the kernel."""
    for _ in range(20):
        if site.kernel.calls:
            return
        await asyncio.sleep(0)


async def test_the_first_call_acts_at_once_and_the_next_are_settled():
    """A storm of calls is a pass at once and one each 50 ms."""
    async with running(A) as site:
        await settled()
        reads, start = site.kernel.reads, now()
        site.reconciler.look("one")
        await quiet()
        assert (site.kernel.reads - reads, now()) == (1, start)
        for _ in range(100):
            site.reconciler.look("more")
            await quiet(0.001)
        assert site.kernel.reads - reads in {2, 3}


async def test_the_audit_looks_when_nothing_calls():
    """Every 60 s, give or take a tenth, and not in step."""
    async with running(A) as site:
        reads = site.kernel.reads
        await quiet(10 * 60)
        assert 9 <= site.kernel.reads - reads <= 11
        starts = [report.started for report in site.reported(FULL)][1:]
        gaps = [later - earlier for earlier, later in pairwise(starts)]
        assert all(54 <= gap <= 66 for gap in gaps)
        assert len({round(gap, 3) for gap in gaps}) > 3
        assert {report.cause for report in site.reported(FULL)[1:]} == {"audit"}


async def test_the_audit_finds_what_nobody_told():
    """A route that went without a word is back after the audit, and counted."""
    async with running(A, B) as site:
        site.kernel.remove(ROUTE_A)
        await quiet(66)
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        assert site.reconciler.state.drift["unnoticed"] == 1


async def test_what_is_known_to_be_missing_is_no_drift():
    """An audit tries again what was refused, and calls that nobody's doing."""
    async with running(A) as site:
        site.lease(B, "192.0.2.1")
        await quiet(200)
        assert site.reconciler.state.drift["unnoticed"] == 0


async def test_a_call_during_a_pass_is_not_forgotten():
    """What happens while a pass gives its turn to others is looked at when it has ended."""
    async with running() as site:
        for n in range(1200):
            site.put(f"10.5.{n // 8}.{32 * (n % 8)}-27", "172.16.0.5")
        await settled()
        site.relist()
        await first_portion(site)
        assert site.kernel.calls == [500]  # the pass is being made
        site.rule = RouteRule(7)
        site.kernel.links[7] = site.kernel.links.pop(LINK)
        site.kernel.held.clear()
        site.stand()
        await settled()
        assert len(site.kernel.ours()) == 1200
        assert {each.link for each in site.kernel.ours()} == {7}


async def test_a_change_during_a_pass_follows_it():
    """A lease that ends while everything is being written goes right after."""
    async with running() as site:
        for n in range(1200):
            site.put(f"10.5.{n // 8}.{32 * (n % 8)}-27", "172.16.0.5")
        await settled()
        site.relist()
        await first_portion(site)
        assert site.kernel.calls == [500]
        site.expire("10.5.0.0-27")
        site.expire("10.5.149.224-27")
        await settled()
        assert len(site.kernel.ours()) == 1198


async def test_what_hangs_is_overdue():
    """The watchdog sees by how much a pass is late."""
    site = Site(now)
    site.relist()
    assert site.reconciler.overdue(now()) == 0.0
    site.stand()
    await quiet(5)
    assert site.reconciler.overdue(now()) == pytest.approx(5, abs=0.1)
    await site.reconciler.step()
    assert site.reconciler.overdue(now()) == 0.0
