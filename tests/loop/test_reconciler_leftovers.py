"""The reconciler in virtual time: the routes that flannel left behind."""

from __future__ import annotations

import errno

import pytest

from hostgw_daemon.kernel import Verb
from support.lease_world import key
from support.reconciler_loop import ROUTE_A, A, B, C, quiet, running, settled
from support.reconciler_site import LINK

pytestmark = pytest.mark.looptime


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
