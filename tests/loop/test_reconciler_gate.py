"""The reconciler in virtual time: what it waits for, and its first pass."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_daemon.kernel import Verb, Write
from hostgw_daemon.routes.report import PassKind
from support.lease_world import KEYS
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, now, quiet, running
from support.reconciler_site import Site, ours

pytestmark = pytest.mark.looptime

FULL = PassKind.FULL


async def test_nothing_is_done_without_a_link():
    """A roster alone writes nothing and reads nothing."""
    async with running(A, stand=False) as site:
        await quiet(300)
        assert (site.kernel.reads, site.kernel.calls, site.reports) == (0, [], [])
        assert not site.reconciler.state.complete
        assert site.reconciler.overdue(now()) == 0.0
        site.stand()
        await quiet()
        assert site.kernel.ours() == {ROUTE_A}


async def test_nothing_is_done_without_a_roster():
    """A link alone writes nothing: what is in the kernel from before stays."""
    site = Site(now)
    site.kernel.write([Write(Verb.CREATE, ROUTE_B)])
    site.stand()
    task = asyncio.create_task(site.reconciler.run())
    await quiet(300)
    assert site.kernel.ours() == {ROUTE_B}
    assert site.kernel.reads == 0
    # A snapshot without a network is not understood yet.
    config = site.entries.pop(KEYS.config)
    site.put(A)
    site.relist()
    await quiet(300)
    assert (site.kernel.ours(), site.reports) == ({ROUTE_B}, [])
    site.entries[KEYS.config] = config
    arrived = site.tell(config)
    await quiet()
    assert site.kernel.ours() == {ROUTE_A}
    (report,) = site.reports
    assert (report.kind, report.seen) == (FULL, (arrived,))
    task.cancel()


async def test_the_first_pass_sweeps_what_an_earlier_life_left():
    """What an earlier run left is kept where it is right, moved or removed where it is not."""
    site = Site(now)
    right, stale = ours("10.5.1.0/24"), ours("10.5.9.0/24")
    moved = ours("10.5.2.0/24", "172.16.0.77")
    site.kernel.write([Write(Verb.CREATE, each) for each in (right, stale, moved)])
    site.put(A)
    site.put(B)
    site.stand()
    site.relist()
    await site.reconciler.step()
    assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
    assert site.kernel.writes[3:] == [
        Write(Verb.APPEND, ROUTE_B),
        Write(Verb.DELETE, moved),
        Write(Verb.DELETE, stale),
    ]
    assert site.reconciler.state.complete


async def test_a_family_that_the_network_has_no_more_is_swept_too():
    """Routes of our protocol are ours to end, in both families."""
    site = Site(now)
    old = replace_prefix(ours("10.5.1.0/24"))
    site.kernel.write([Write(Verb.CREATE, old)])
    site.stand()
    site.relist()
    await site.reconciler.step()
    assert site.kernel.ours() == set()


def replace_prefix(route):
    """Make an IPv6 route of ours out of one of IPv4."""
    return route._replace(
        destination=bytes.fromhex("fd00000500000001") + bytes(8),
        length=64,
        gateway=bytes.fromhex("fd00") + bytes(13) + b"\x09",
    )
