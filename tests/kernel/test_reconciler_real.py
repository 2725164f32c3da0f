"""The reconciler on the real kernel, where a fake could lie: judged by `ip -json` alone."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from hostgw_daemon.link.hostwatch import HostWatch
from hostgw_daemon.link.uplink import NoUplink, Uplink, UplinkRule
from hostgw_daemon.netlink.host import HostReader
from hostgw_daemon.netlink.monitor import Monitor
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.reconciler import Reconciler
from support.reconciler_site import Records, ours
from support.waiting import eventually_async

pytestmark = pytest.mark.root

NAMES = [f"10.5.{n}.0-24" for n in range(1, 41)]


def shown(*names, gateway="172.16.0.9"):
    """Say what `ip` will show for these leases."""
    routes = [ours(name.replace("-", "/"), gateway) for name in names]
    return {(route.prefix, gateway, route.metric) for route in routes}


class Node(Records):
    """One node in a namespace: the reconciler, what it hears, and the hand of an administrator."""

    def __init__(self, underlay, kernel, witness):
        self.reports = []
        super().__init__(
            time.monotonic, Reconciler(kernel, told=self.reports.append, clock=time.monotonic)
        )
        self.netns = underlay.netns
        self.witness = witness

    def hears(self, uplink, cause):
        """Take the link as the agent takes it."""
        if isinstance(uplink, NoUplink) or not uplink.up:
            self.reconciler.stand_on(None, cause)
        else:
            self.reconciler.stand_on(RouteRule(uplink.link.index), cause)
        if isinstance(uplink, Uplink):
            self.cluster.stand_at(uplink.addresses, uplink.networks)

    async def holds(self, *names, gateway="172.16.0.9"):
        """Wait until `ip` shows exactly these routes of ours."""

        def look():
            assert self.witness.ours() == shown(*names, gateway=gateway)
            return True

        await eventually_async(look)

    def at(self, prefix):
        """Give protocol and gateway of every route to a destination."""
        return {
            (route.protocol, route.gateway)
            for route in self.witness.routes()
            if route.dst == prefix
        }


@asynccontextmanager
async def running(underlay, kernel, witness, *names):
    """Run a node with these leases until `ip` shows them."""
    node = Node(underlay, kernel, witness)
    with underlay.netns.enter():
        monitor, reader = Monitor.open(echo_of=kernel.port_id), HostReader.open()
    watch = HostWatch(reader, UplinkRule(ifaces=("u0",)), told=node.hears)

    def hear(events):
        node.reconciler.hear(events)
        watch.hear(events)

    with monitor, reader:
        monitor.start(hear)
        for name in names:
            node.put(name)
        node.relist()
        tasks = [asyncio.create_task(watch.run()), asyncio.create_task(node.reconciler.run())]
        try:
            await node.holds(*names)
            yield node
            assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def node(underlay, kernel, witness):
    """Run a node with forty leases."""
    async with running(underlay, kernel, witness, *NAMES) as one:
        yield one


async def test_leases_come_move_and_go(node):
    """The fast path does what it says, and its own echo calls for nothing."""
    passes = len(node.reports)
    node.lease("10.5.100.0-24")
    await node.holds(*NAMES, "10.5.100.0-24")
    for name in NAMES:
        node.put(name, "172.16.0.4")
    node.tell(*(node.entries[each] for each in node.entries if each.endswith(b".0-24")))
    node.expire("10.5.100.0-24")
    await node.holds(*NAMES, gateway="172.16.0.4")
    assert {report.kind for report in node.reports[passes:]} == {"fast"}
    assert not any(report.troubles for report in node.reports)


async def test_what_an_earlier_life_left_is_made_right(underlay, kernel, witness):
    """Stale routes go, moved ones move, and a route of IPv6 that nobody wants goes, too."""
    for prefix, gateway in (("10.5.1.0/24", "172.16.0.9"), ("10.5.2.0/24", "172.16.0.77")):
        metric = str(ours(prefix).metric)
        underlay.netns.ip("route", "add", prefix, "via", gateway, "proto", "104", "metric", metric)
    underlay.netns.ip("route", "add", "10.5.200.0/24", "via", "172.16.0.9", "proto", "104")
    underlay.netns.ip("route", "add", "fd05::/64", "via", "fd00::9", "proto", "104")
    async with running(underlay, kernel, witness, *NAMES[:3]) as node:
        assert node.witness.ours(6) == set()


async def test_a_deleted_route_is_back(node):
    """The kernel's own notification brings it back, one pass after the other."""
    node.netns.ip("route", "del", "10.5.7.0/24")
    await node.holds(*NAMES)
    assert node.reconciler.state.drift["deleted"] == 1
    assert node.reconciler.state.fights == ()


async def test_a_flush_comes_to_its_end_and_is_put_back(node):
    """`ip route flush` deletes until it finds nothing: several in a row are no fight."""
    for _ in range(3):
        node.netns.ip("route", "flush", "proto", "104")
        await node.holds(*NAMES)
    assert node.reconciler.state.fights == ()


async def test_a_link_that_goes_and_comes(node):
    """All routes go without a word, and are back with the link; so they are when nobody looked."""
    node.netns.ip("link", "set", "u0", "down")
    await eventually_async(lambda: node.reconciler._basis.rule is None)
    assert node.witness.ours() == set()
    node.netns.ip("link", "set", "u0", "up")
    await node.holds(*NAMES)
    node.netns.run("ip", "-batch", "-", input="link set u0 down\nlink set u0 up\n")
    await node.holds(*NAMES)


async def test_a_link_that_is_made_again(node):
    """Another index, the same name: all routes lead over the new one."""
    node.netns.ip("link", "del", "u0")
    node.netns.ip("link", "add", "u0", "type", "veth", "peer", "name", "u1")
    node.netns.ip("address", "add", "172.16.0.1/16", "dev", "u0")
    node.netns.ip("link", "set", "u1", "up")
    node.netns.ip("link", "set", "u0", "up")
    await node.holds(*NAMES)
    node.lease("10.5.100.0-24")
    await node.holds(*NAMES, "10.5.100.0-24")


async def test_a_stranger_on_our_key_is_named_and_never_touched(node):
    """`ip route replace` takes our route: it stays, and ours is back when the key is free."""
    metric = ours("10.5.7.0/24").metric
    thief = ("10.5.7.0/24", "via", "172.16.0.66", "proto", "static", "metric", str(metric))
    node.netns.ip("route", "replace", *thief)
    await eventually_async(lambda: len(node.reconciler.state.missing) == 1)
    node.lease("10.5.7.0-24", "172.16.0.4")  # it may move as it likes
    await eventually_async(lambda: node.reconciler.state.missing[0].write.route.gateway[3] == 4)
    assert node.at("10.5.7.0/24") == {("static", "172.16.0.66")}
    assert [route.metric for route in node.reconciler.state.shadows] == [metric]
    node.netns.ip("route", "del", *thief)
    await eventually_async(lambda: node.at("10.5.7.0/24") == {("104", "172.16.0.4")})
    assert node.reconciler.state.missing == ()


async def test_a_shadow_is_named_and_ours_stays(node):
    """A foreign route with a better metric is told of while it lasts."""
    shadow = ("10.5.7.0/24", "via", "172.16.0.66", "proto", "static")
    node.netns.ip("route", "add", *shadow)
    await eventually_async(lambda: len(node.reconciler.state.shadows) == 1)
    assert node.at("10.5.7.0/24") == {("static", "172.16.0.66"), ("104", "172.16.0.9")}
    node.netns.ip("route", "del", *shadow)
    await eventually_async(lambda: node.reconciler.state.shadows == ())


async def test_a_gateway_that_comes_onto_the_link(node):
    """Off the link there is no route and a named state; an address of that network ends it."""
    node.lease("10.5.100.0-24", "192.0.2.9")
    await eventually_async(lambda: len(node.reconciler.state.missing) == 1)
    assert node.reconciler.state.missing[0].verdict == "off_link"
    node.netns.ip("address", "add", "192.0.2.1/24", "dev", "u0")
    await eventually_async(lambda: node.at("10.5.100.0/24") == {("104", "192.0.2.9")})
    assert node.reconciler.state.missing == ()


async def test_flannels_leftovers_are_taken_over(node):
    """Those at peers' subnets go, also with an old gateway; all others are left alone."""
    node.netns.ip("route", "add", "10.5.1.0/24", "via", "172.16.0.9")
    node.netns.ip("route", "add", "10.5.2.0/24", "via", "172.16.0.77")
    node.netns.ip("route", "add", "10.77.0.0/24", "via", "172.16.0.9")
    node.netns.ip("route", "add", "10.5.3.0/24", "via", "172.16.0.9", "metric", "5")
    node.reconciler.take_over()
    await eventually_async(lambda: node.at("10.5.2.0/24") == {("104", "172.16.0.9")})
    assert node.at("10.5.1.0/24") == {("104", "172.16.0.9")}
    assert node.at("10.77.0.0/24") == {("boot", "172.16.0.9")}
    assert node.at("10.5.3.0/24") == {("boot", "172.16.0.9"), ("104", "172.16.0.9")}
