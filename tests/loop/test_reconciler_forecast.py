"""What the reconciler says that a pass would do, before it does it: on a site, halted."""

from __future__ import annotations

import pytest

from hostgw_daemon.halt import Pause
from hostgw_daemon.kernel import Route
from hostgw_daemon.routes.report import PassKind
from support.lease_world import key
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, C, quiet, running
from support.reconciler_site import LINK, Site, ours

pytestmark = pytest.mark.looptime

PAUSE = Pause("uid 0", 5.0)
ROUTE_C = ours("10.5.3.0/24")


def told(site: Site) -> dict[Route, tuple[str, str, str]]:
    """Give what is said of each route: the action, the cause, whose it is."""
    return {
        each.route: (each.action, each.cause, each.owner) for each in site.reconciler.forecast()
    }


async def test_every_cause_has_its_word():
    """A new lease, a deleted route, one that moved, one whose lease has gone, and a strange one."""
    strange = ours("10.5.9.0/24")
    async with running(A, B, C) as site:
        assert told(site) == {}
        site.halt.begin(PAUSE)
        site.lease("10.5.4.0-24", node="new")
        site.hear(site.kernel.remove(ROUTE_A))
        site.lease(B, "172.16.0.77", node="walker")
        site.expire(C)
        there = {"link": LINK, "protocol": 104, "metric": strange.metric}
        site.kernel.add("10.5.9.0/24", "172.16.0.9", **there)
        await quiet(3600)
        before = site.kernel.ours()
        moved = ours("10.5.2.0/24", "172.16.0.77")
        assert told(site) == {
            ours("10.5.4.0/24"): ("add", "new", "new"),
            ROUTE_A: ("add", "missing", "n"),
            moved: ("move", "moved", "walker"),
            ROUTE_C: ("remove", "gone", ""),
            strange: ("remove", "strange", ""),
        }
        assert {e.before for e in site.reconciler.forecast() if e.route == moved} == {ROUTE_B}
        assert site.kernel.ours() == before
        site.halt.end()
        await quiet()
        assert site.kernel.ours() == {ours("10.5.4.0/24"), ROUTE_A, moved}
        assert told(site) == {}


async def test_a_withdrawn_route_is_told_with_its_reason():
    """Before it goes, while it is away, and what is there instead; a pause holds both back."""
    witnesses = {ours("10.5.1.1/32"), ours("10.5.1.254/32")}
    async with running(A, B) as site:
        site.halt.begin(PAUSE)
        site.reconciler.withdraw(frozenset({(key(A), 4)}), "a test")
        await quiet(5)
        assert told(site) == {
            ROUTE_A: ("remove", "withdrawn", "n"),
            **dict.fromkeys(witnesses, ("add", "withdrawn", "n")),
        }
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        site.halt.end()
        await quiet(1)
        assert site.kernel.ours() == {ROUTE_B} | witnesses
        assert told(site) == {ROUTE_A: ("wait", "withdrawn", "n")}
        assert site.reconciler.absent == ({ROUTE_A: "n"}, dict.fromkeys(witnesses, "n"))
        site.reconciler.withdraw(frozenset(), "a test")
        await quiet(1)
        assert site.kernel.ours() == {ROUTE_A, ROUTE_B}
        assert told(site) == {}


async def test_a_withdrawal_is_one_small_pass_and_no_gap_for_others():
    """A store that changes at the same time, a lost witness, an audit: all of it holds."""
    async with running(A, B) as site:
        full = sum(report.kind is PassKind.FULL for report in site.reports)
        site.reconciler.withdraw(frozenset({(key(A), 4)}), "n is out of reach")
        site.lease(C, node="new")
        await quiet(0.01)
        assert [r.cause for r in site.reports[-1:]] == ["n is out of reach; the store changed"]
        assert sum(report.kind is PassKind.FULL for report in site.reports) == full
        site.hear(site.kernel.remove(ours("10.5.1.1/32")))
        await quiet(3600)
        held = {str(route).split(" via ")[0] for route in site.kernel.ours()}
        assert held == {"10.5.1.1/32", "10.5.1.254/32", "10.5.2.0/24", "10.5.3.0/24"}
        site.relist()
        await quiet(5)
        assert ROUTE_A not in site.kernel.ours()


async def test_what_the_kernel_would_not_take_says_so():
    """A stranger holds the place: it is tried again, and the reason is the kernel's."""
    async with running(A) as site:
        site.hear(site.kernel.steal(ROUTE_A, "172.16.0.50"))
        await quiet(5)
        assert told(site) == {ROUTE_A: ("add", "refused", "n")}


async def test_without_a_link_or_a_network_nothing_is_foreseen():
    """And it is said what is missing."""
    site = Site(lambda: 1000.0)
    assert "no network is known" in site.reconciler.idle
    site.put(A)
    site.relist()
    assert "no link" in site.reconciler.idle
    assert told(site) == {}
    site.stand()
    assert site.reconciler.idle == ""
    assert told(site) == {ROUTE_A: ("add", "new", "n")}
