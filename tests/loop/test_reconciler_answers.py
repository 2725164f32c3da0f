"""The reconciler in virtual time: what the kernel answers, and a pass that fails."""

from __future__ import annotations

import errno
from ipaddress import ip_network

import pytest

from hostgw_daemon.kernel import Verdict
from hostgw_daemon.routes.report import PassKind
from hostgw_daemon.routes.schedule import SETTLE
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, C, now, quiet, running, settled
from support.reconciler_site import LINK, ours

pytestmark = pytest.mark.looptime

FULL, FAST = PassKind.FULL, PassKind.FAST


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
