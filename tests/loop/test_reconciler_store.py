"""The reconciler in virtual time: what the store tells is written at once, and told once."""

from __future__ import annotations

import errno
from ipaddress import IPv4Address

import pytest

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses
from hostgw_daemon.kernel import Verb, Write
from hostgw_daemon.routes.report import PassKind
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, C, now, quiet, running, settled
from support.reconciler_site import NETWORK, Records, Site, ours

pytestmark = pytest.mark.looptime

FULL, FAST, RESTORE = PassKind.FULL, PassKind.FAST, PassKind.RESTORE


async def test_a_lease_is_written_at_once_without_reading():
    """The fast path writes the difference only, in one call, and looks at nothing."""
    async with running(A) as site:
        await settled()
        reads, calls, moment = site.kernel.reads, len(site.kernel.calls), now()
        arrived = site.lease(B)
        await quiet()
        assert now() == moment
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        assert site.kernel.reads == reads
        assert site.kernel.calls[calls:] == [1]
        report = site.reports[-1]
        assert (report.kind, report.seen, report.revision) == (FAST, (arrived,), site.revision)


async def test_a_lease_that_moves_has_both_routes_in_between():
    """The new gateway comes beside the old one, which goes after it."""
    async with running(A) as site:
        site.lease(A, "172.16.0.4")
        await quiet()
        new = ours("10.5.1.0/24", "172.16.0.4")
        assert site.kernel.writes[-2:] == [Write(Verb.APPEND, new), Write(Verb.DELETE, ROUTE_A)]
        assert site.kernel.ours() == {new}


async def test_a_lease_that_ends_takes_its_route_with_it():
    """And nothing else."""
    async with running(A, B) as site:
        site.expire(A)
        await quiet()
        assert site.deletes() == [Write(Verb.DELETE, ROUTE_A)]
        assert site.kernel.ours() == {ROUTE_B}
        assert (site.reconciler.state.complete, site.reconciler.state.installed) == (True, 1)


async def test_a_change_that_moves_nobody_is_no_pass():
    """A record that is refused, or another key of the store, costs nothing."""
    async with running(A) as site:
        count = len(site.reports)
        site.tell(site.put_raw(B, b"?"))
        site.tell(site.put_raw("hostgw/nodes/x", b"?"))
        await quiet()
        assert len(site.reports) == count


async def test_a_renamed_node_is_a_pass_that_writes_nothing():
    """Its peer is another one, its route is not."""
    async with running(A) as site:
        calls = len(site.kernel.calls)
        site.lease(A, node="renamed")
        await quiet()
        assert site.reports[-1].kind is FAST
        assert len(site.kernel.calls) == calls


async def test_changes_that_come_together_are_one_pass():
    """However many responses of the watch there were: one write, and each moment is reported."""
    async with running(A) as site:
        moments = [site.lease(name, "172.16.0.5") for name in (B, C)]
        await quiet()
        assert site.kernel.calls[-1] == 2
        assert site.reports[-1].seen == tuple(moments)


async def test_a_thousand_leases_are_two_writes():
    """Writes are done in portions of 500, so that the event loop lives on between them."""
    async with running() as site:
        for n in range(1000):
            site.put(f"10.5.{n // 4}.{64 * (n % 4)}-26", "172.16.0.5")
        site.relist()
        await settled()
        assert site.kernel.calls == [500, 500]
        assert len(site.kernel.ours()) == 1000
        changes = [site.put(f"10.5.{n // 4}.{64 * (n % 4)}-26", "172.16.0.6") for n in range(1000)]
        site.tell(*changes)
        await quiet()
        assert site.reports[-1].kind is FAST
        assert site.kernel.calls == [500] * 6
        assert {each.gateway[3] for each in site.kernel.ours()} == {6}


async def test_a_new_list_is_compared_with_everything():
    """After a list the kernel is read, and what went meanwhile goes."""
    async with running(A, B) as site:
        await settled()
        reads = site.kernel.reads
        site.drop(A)
        site.put(C)
        arrived = site.relist()
        await quiet()
        assert site.kernel.reads == reads + 1
        assert site.kernel.ours() == {ROUTE_B, ours("10.5.3.0/24")}
        assert (site.reports[-1].kind, site.reports[-1].seen) == (FULL, (arrived,))


async def test_a_change_right_after_a_list_does_not_hide_the_list():
    """Until the list has been aimed at, single changes wait for the full pass that does it."""
    async with running(A) as site:
        site.drop(A)
        site.put(B)
        first = site.relist()
        second = site.lease(C)
        await settled()
        assert site.kernel.ours() == {ROUTE_B, ours("10.5.3.0/24")}
        assert [moment for report in site.reports[1:] for moment in report.seen] == [first, second]


async def test_what_the_host_alone_changed_came_from_no_store():
    """A judgement made anew for this host's own sake has no moment, and no convergence."""
    async with running(A) as site:
        await settled()
        count = len(site.reports)
        site.cluster.stand_at(Addresses(IPv4Address("172.16.0.1")), [])
        await settled()
        assert [report.seen for report in site.reports[count:]] == [()]


async def test_a_restoration_brings_the_kernel_to_no_revision():
    """What is put back was there before: only the pass that follows carries the store's change."""
    async with running(A) as site:
        await settled()
        old = site.revision
        site.hear(site.kernel.remove(ROUTE_A))
        site.lease(B)
        await quiet()
        assert [(report.kind, report.revision) for report in site.reports[-3:]] == [
            (RESTORE, old),
            (FAST, site.revision),
            (FULL, site.revision),
        ]


async def test_a_lost_route_right_after_a_list_loses_no_moment():
    """Putting back a route does not swallow when the store's news arrived."""
    async with running(A) as site:
        await quiet(0.001)
        site.put(B)
        arrived = site.relist()
        site.hear(site.kernel.remove(ROUTE_A))
        await settled()
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        seen = [moment for report in site.reports for moment in report.seen]
        assert seen.count(arrived) == 1


async def test_every_moment_is_reported_exactly_once():
    """Through fast and full passes, restorations and failures: no moment twice, none lost."""
    async with running(A) as site:
        moments = []
        for n in range(8):
            moments.append(site.lease(f"10.5.{20 + n}.0-24"))
            if n % 3 == 0:
                moments.append(site.relist())
            if n % 4 == 0:
                site.kernel.faults.once_reading(errno.ENOBUFS)
                site.reconciler.look("a test")
            if n % 5 == 0:
                site.hear(site.kernel.remove(ROUTE_A))
            await quiet(0.001 if n % 2 else 0.5)
        await quiet(30)
        seen = [moment for report in site.reports for moment in report.seen]
        assert sorted(seen[1:]) == sorted(moments)


async def test_a_pass_says_of_each_network_how_far_it_carried_it():
    """Two are heard of one after the other: what is told during a pass is not in it."""
    site = Site(now, networks=("red", "blue"))
    about = {"red": ("/red", b"10.5"), "blue": ("/blue", b"10.6")}
    red, blue = (
        Records(
            *(site.clock, site.reconciler),
            name=name,
            keys=Keys(prefix),
            network=NETWORK.replace(b"10.5", begin),
        )
        for name, (prefix, begin) in about.items()
    )
    site.stand()
    blue.revision = 300
    blue.relist()
    red.relist()
    await site.reconciler.step()
    assert site.reports[-1].revisions == {"red": 100, "blue": 300}
    red.lease("10.5.1.0-24")
    await site.reconciler.step()
    report = site.reports[-1]
    assert (report.kind, report.revision) == (FAST, 300)
    assert report.revisions == {"red": 101, "blue": 300}
