"""Moves of IPv6 routes, whose key a stranger took before anybody heard of it."""

from __future__ import annotations

import pytest

from hostgw_daemon.kernel import Verdict
from hostgw_daemon.routes.desired import RouteRule, metric_of
from hostgw_daemon.routes.inbox import Inbox
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.passes import Passes, Task
from support.lease_world import config, entry, key, policy

pytestmark = pytest.mark.root

NAME = "10.5.1.0-24&fd00:5:0:1::-64"
SUBNET = "fd00:5:0:1::/64"
RULES = policy(config(ipv6="fd00:5::/48"), address6="fd00::1")


def roster(last):
    """Believe one lease of both families, through the addresses with this last number."""
    return accept([entry(NAME, f"172.16.0.{last}", gateway6=f"fd00::{last}", node="n")], RULES)


def shown(netns):
    """Give protocol, gateway and number of legs of each route to the IPv6 subnet."""
    return {
        (each["protocol"], each.get("gateway"), len(each.get("nexthops", [])))
        for each in netns.ip_json("-6", "-details", "route", "show", SUBNET)
    }


class Node:
    """The passes of a node that has heard of one lease."""

    def __init__(self, underlay, kernel):
        self.netns = underlay.netns
        self.rule = RouteRule(underlay.link)
        self.metric = metric_of(next(iter(roster(7).peers.values())).lease.subnets.ipv6)
        self.passes = Passes(kernel)

    async def begins(self):
        """Have the route through fd00::7."""
        await self.passes.full(Task((roster(7),), self.rule, {"": 1}, Inbox(), 0.0), audit=False)
        assert shown(self.netns) == {("104", "fd00::7", 0)}

    async def moves(self, last):
        """Hear that the lease leads elsewhere, and nothing of the kernel."""
        task = Task((roster(last),), self.rule, {"": 2}, Inbox(moved={key(NAME)}), 0.0)
        return await self.passes.fast(task)

    def missing(self):
        """Give the missing IPv6 routes with the verdict of each."""
        found = self.passes.missing.items()
        return [(route.prefix, one.verdict) for route, one in found if route.family == 6]


@pytest.fixture
def node(underlay, kernel):
    """Make one on a link as a host has it."""
    return Node(underlay, kernel)


async def test_a_move_is_no_multipath(node):
    """The old route goes when the new one is beside it: what is left has one gateway."""
    await node.begins()
    await node.moves(8)
    assert shown(node.netns) == {("104", "fd00::8", 0)}
    assert node.missing() == []


async def test_a_stranger_that_took_the_key_shares_no_packet_with_us(node):
    """Appended, the new route would be a leg of the stranger's, and carry half of its packets."""
    await node.begins()
    stranger = ["via", "fd00::66", "dev", "u0", "metric", str(node.metric), "proto", "static"]
    node.netns.ip("-6", "route", "replace", SUBNET, *stranger)
    assert shown(node.netns) == {("static", "fd00::66", 0)}
    await node.moves(8)
    assert shown(node.netns) == {("static", "fd00::66", 0)}
    assert node.missing() == [(SUBNET, Verdict.CONFLICT)]


async def test_a_route_that_was_deleted_meanwhile_is_made_anew(node):
    """Nobody has the key: the new route is there, once."""
    await node.begins()
    node.netns.ip("-6", "route", "del", SUBNET)
    await node.moves(8)
    assert shown(node.netns) == {("104", "fd00::8", 0)}
    assert node.missing() == []
