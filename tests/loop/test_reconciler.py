"""The reconciler on a kernel in memory, in virtual time: when it looks, what it writes, and why."""

from __future__ import annotations

import asyncio
import errno
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from itertools import pairwise

import pytest

from hostgw_core.backoff import Backoff
from hostgw_core.model import Addresses
from hostgw_core.supervise import persistent
from hostgw_daemon.kernel import Overrun, RouteLost, Verb, Verdict, Write
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.fights import TRUCE
from hostgw_daemon.routes.report import PassKind
from hostgw_daemon.routes.schedule import SETTLE
from support.lease_world import KEYS, key
from support.reconciler_site import LINK, Site, ours

pytestmark = pytest.mark.looptime

FULL, FAST, RESTORE = PassKind.FULL, PassKind.FAST, PassKind.RESTORE
A, B, C = "10.5.1.0-24", "10.5.2.0-24", "10.5.3.0-24"
ROUTE_A, ROUTE_B = ours("10.5.1.0/24"), ours("10.5.2.0/24")


def now():
    """Give the loop's virtual time, as of a machine that has been up for a while."""
    return 1000.0 + asyncio.get_running_loop().time()


@asynccontextmanager
async def running(*names, stand=True):
    """Run a site with these leases, until its first pass is done; it ends with the block."""
    site = Site(now)
    for name in names:
        site.put(name)
    if stand:
        site.stand()
    site.relist()
    site.failures = []

    def failed(error, pause):
        site.failures.append(error)

    work = persistent(site.reconciler.run, backoff=Backoff(0.1, 10.0), failed=failed)
    task = asyncio.create_task(work)
    try:
        await quiet()
        yield site
        await quiet()
        assert not task.done()
        site.kernel.faults.assert_all_hit()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def quiet(seconds=0.0):
    """Let everything happen that is due by then."""
    await asyncio.sleep(seconds)
    for _ in range(20):
        await asyncio.sleep(0)


async def first_portion(site):
    """Let a pass come as far as its first call of the kernel."""
    for _ in range(20):
        if site.kernel.calls:
            return
        await asyncio.sleep(0)


async def settled():
    """Let the settling time pass, so that the next call acts at once."""
    await quiet(2 * SETTLE)


# -- the gate -------------------------------------------------------------------------------------


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


# -- the store ------------------------------------------------------------------------------------


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


# -- what the kernel answers ----------------------------------------------------------------------


async def test_an_unexpected_answer_is_a_full_pass():
    """A deletion that finds nothing means that we do not know: everything is looked at."""
    async with running(A) as site:
        await settled()
        site.kernel.remove(ROUTE_A)  # nobody hears of it
        reads = site.kernel.reads
        site.expire(A)
        await quiet()
        assert [report.kind for report in site.reports[-2:]] == [FAST, FULL]
        assert site.kernel.reads == reads + 1


async def test_an_expected_answer_is_no_full_pass():
    """While all goes as it should, nothing is read until the audit."""
    async with running(A) as site:
        reads = site.kernel.reads
        for n in range(20):
            site.lease(f"10.5.{20 + n}.0-24")
            await quiet(0.1)
        for n in range(20):
            site.expire(f"10.5.{20 + n}.0-24")
            await quiet(0.1)
        assert site.kernel.reads == reads


async def test_a_failed_write_is_tried_again_further_and_further_apart():
    """ENOMEM is no state of a peer: it is tried after a second, after two, after four."""
    async with running() as site:
        for _ in range(3):
            site.kernel.faults.once(errno.ENOMEM)
        start = now()
        site.lease(A)
        await quiet()
        assert site.reconciler.state.missing[0].verdict is Verdict.FAILED
        assert not site.reconciler.state.complete
        await quiet(3.1)
        assert site.kernel.ours() == {ROUTE_A}
        assert site.reconciler.state.complete
        tries = [r.started - start for r in site.reports if r.troubles or r.changed]
        assert len(tries) == 4
        assert tries[0] == pytest.approx(0, abs=0.001)  # at once,
        assert tries[1] < 2 * SETTLE  # then the full pass, then after 0.5-1 s, after 1-2 s
        assert 0.5 <= tries[2] - tries[1] <= 1.01
        assert 1.0 <= tries[3] - tries[2] <= 2.01


async def test_one_refused_route_spoils_only_itself():
    """The others are written, before and after it, and it is named with the kernel's words."""
    async with running() as site:
        site.put(A)
        site.put(B, "192.0.2.1")
        site.put(C)
        site.relist()
        await settled()
        assert {each.prefix for each in site.kernel.ours()} == {"10.5.1.0/24", "10.5.3.0/24"}
        (missing,) = site.reconciler.state.missing
        assert missing.write.route.prefix == "10.5.2.0/24"
        assert (missing.verdict, missing.message) == (Verdict.OFF_LINK, "Network is unreachable")
        assert (site.reconciler.state.installed, site.reports[-1].desired) == (2, 3)


async def test_a_gateway_that_comes_onto_the_link_gets_its_route():
    """An address event is a full pass, and the named state ends."""
    async with running() as site:
        site.lease(B, "192.0.2.1")
        await settled()
        site.kernel.links[LINK].networks.append(ip_network("192.0.2.0/24"))
        site.reconciler.stand_on(site.rule, "address 192.0.2.7 is there")
        await quiet()
        assert site.kernel.ours() == {ours("10.5.2.0/24", "192.0.2.1")}
        assert site.reconciler.state.missing == ()


async def test_a_peer_off_the_link_costs_no_further_passes_when_it_goes():
    """What is known to be missing is neither deleted nor waited for."""
    async with running() as site:
        site.lease(B, "192.0.2.1")
        await settled()
        writes, reads = len(site.kernel.writes), site.kernel.reads
        site.expire(B)
        await settled()
        assert (len(site.kernel.writes), site.kernel.reads) == (writes, reads)
        assert site.reconciler.state.missing == ()


async def test_a_peer_off_the_link_is_not_tried_again_and_again():
    """Time alone cures no gateway: it is tried with the audit, and not when its name changes."""
    async with running() as site:
        site.lease(B, "192.0.2.1")
        await settled()
        writes, reads = len(site.kernel.writes), site.kernel.reads
        site.lease(B, "192.0.2.1", node="renamed")
        await quiet(50)
        assert (len(site.kernel.writes), site.kernel.reads) == (writes, reads)
        await quiet(20)
        assert len(site.kernel.writes) == writes + 1


async def test_an_exception_in_a_pass_is_survived():
    """A socket that fails ends the pass, not the task; a full pass follows, and nothing is lost."""
    async with running(A) as site:
        await settled()
        site.kernel.faults.once_reading(errno.ENOMEM)
        site.put(B)
        arrived = site.relist()
        await quiet()
        assert [error.errno for error in site.failures] == [errno.ENOMEM]
        assert site.kernel.ours() == {ROUTE_A}
        await quiet(1)
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        assert site.reports[-1].seen == (arrived,)


async def test_an_exception_in_the_fast_path_is_survived(monkeypatch):
    """What became of the write is unknown: everything is looked at."""
    async with running(A) as site:
        await settled()

        def broken(writes):
            monkeypatch.undo()
            raise OSError(errno.EBADF, "the socket is gone")

        monkeypatch.setattr(site.kernel, "write", broken)
        arrived = site.lease(B)
        await quiet(1)
        assert len(site.failures) == 1
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        assert (site.reports[-1].kind, site.reports[-1].seen) == (FULL, (arrived,))


async def test_a_failure_does_not_forget_the_take_over():
    """What flannel left goes in the pass that succeeds."""
    async with running(A) as site:
        await settled()
        site.kernel.add("10.5.1.0/24", "172.16.0.9", link=LINK)
        site.kernel.faults.once_reading(errno.ENOMEM)
        site.reconciler.take_over()
        await quiet(1)
        assert len(site.failures) == 1
        assert site.at("10.5.1.0/24") == [(104, "172.16.0.9")]


# -- settling and the audit -----------------------------------------------------------------------


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


# -- routes that are lost -------------------------------------------------------------------------


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


# -- the link -------------------------------------------------------------------------------------


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


# -- other people's routes ------------------------------------------------------------------------


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


# -- flannel's leftovers --------------------------------------------------------------------------


async def test_flannels_leftovers_go_when_ours_stand():
    """At peers' subnets only, with whatever gateway, and never before our own route is there."""
    async with running(A, B) as site:
        await settled()
        site.entries.pop(key(B))
        site.put(B, "192.0.2.1")  # off the link
        site.put("10.5.40.0-24", node="me")
        site.relist()
        await settled()
        for prefix in ("10.5.1.0/24", "10.5.2.0/24", "10.5.40.0/24", "10.77.0.0/24"):
            site.kernel.add(prefix, "172.16.0.9", link=LINK)
        site.kernel.add("10.5.3.0/24", "172.16.0.44", link=LINK)
        site.put(C)
        site.kernel.writes.clear()
        site.relist()
        site.reconciler.take_over()
        await settled()
        assert site.at("10.5.1.0/24") == [(104, "172.16.0.9")]
        assert site.at("10.5.3.0/24") == [(104, "172.16.0.9")]
        # Ours is missing there: theirs is what carries the packets.
        assert site.at("10.5.2.0/24") == [(3, "172.16.0.9")]
        assert site.at("10.5.40.0/24") == [(3, "172.16.0.9")]
        assert site.at("10.77.0.0/24") == [(3, "172.16.0.9")]
        verbs = [write.verb for write in site.kernel.writes]
        assert verbs.index(Verb.CREATE) < verbs.index(Verb.DELETE)
        assert site.reconciler.state.shadows[0].gateway == ROUTE_A.gateway
        site.lease(B)
        await settled()
        site.reconciler.look("a test")
        await settled()
        assert site.at("10.5.2.0/24") == [(104, "172.16.0.9")]
        assert site.reconciler.state.shadows == ()


async def test_a_leftover_goes_when_its_subnet_is_leased():
    """What flannel left for a node that is away would be in front of ours when it comes back."""
    async with running(A) as site:
        await settled()
        site.kernel.add("10.5.2.0/24", "172.16.0.44", link=LINK)
        site.reconciler.take_over()
        await settled()
        assert site.at("10.5.2.0/24") == [(3, "172.16.0.44")]
        site.lease(B)
        await quiet(70)
        assert site.at("10.5.2.0/24") == [(104, "172.16.0.9")]


async def test_a_route_like_flannels_that_comes_later_is_a_persons():
    """Only what was there when flannel's place was taken is taken over."""
    async with running(A) as site:
        await settled()
        site.reconciler.take_over()
        await settled()
        site.kernel.add("10.5.1.0/24", "172.16.0.66", link=LINK)
        await quiet(200)
        assert site.at("10.5.1.0/24") == [(3, "172.16.0.66"), (104, "172.16.0.9")]


async def test_nothing_is_taken_over_unasked():
    """A route of flannel's shape is a foreign one like any other."""
    async with running(A) as site:
        site.kernel.add("10.5.1.0/24", "172.16.0.66", link=LINK)
        await quiet(200)
        assert site.at("10.5.1.0/24") == [(3, "172.16.0.66"), (104, "172.16.0.9")]


async def test_a_leftover_that_cannot_be_deleted_is_tried_again():
    """The kernel's refusal is a failure like any other."""
    async with running(A) as site:
        await settled()
        site.kernel.add("10.5.1.0/24", "172.16.0.9", link=LINK)
        site.kernel.faults.once(errno.EPERM, verb=Verb.DELETE)
        site.reconciler.take_over()
        await quiet()
        assert len(site.at("10.5.1.0/24")) == 2
        await quiet(1.1)
        assert site.at("10.5.1.0/24") == [(104, "172.16.0.9")]
