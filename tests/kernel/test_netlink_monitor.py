from __future__ import annotations

from collections.abc import Callable

import pytest

from hostgw_daemon.kernel import (
    HostChanged,
    KernelEvent,
    Overrun,
    RouteForeign,
    RouteLost,
    Verb,
    Write,
)
from hostgw_daemon.netlink.monitor import Monitor
from hostgw_daemon.netlink.sender import PID_MAX
from support.waiting import eventually_async

pytestmark = pytest.mark.root


class Ear:
    """What a monitor said so far."""

    def __init__(self) -> None:
        self.events: list[KernelEvent] = []

    def __call__(self, events: list[KernelEvent]) -> None:
        """Hear a batch."""
        assert events
        self.events += events

    async def until(self, meant: Callable[[KernelEvent], bool]) -> KernelEvent:
        """Wait for an event."""

        def look():
            found = [event for event in self.events if meant(event)]
            assert found, f"only heard: {self.events}"
            return found

        return (await eventually_async(look))[0]

    def about(self, link: int) -> list[str]:
        """Give what was said about a link."""
        changes = [event for event in self.events if isinstance(event, HostChanged)]
        return [event.what for event in changes if event.link == link]


@pytest.fixture
def monitor(underlay, kernel):
    """Open the monitor in the underlay's namespace, deaf to the kernel fixture's own writes."""
    with underlay.netns.enter():
        opened = Monitor.open(echo_of=kernel.port_id)
    with opened:
        yield opened


def _said(words):
    return lambda event: isinstance(event, HostChanged) and words in event.what


async def test_a_route_of_ours_deleted_by_hand(underlay, kernel, monitor):
    """The loss is heard, as the very route that was written, in both families."""
    ear = Ear()
    monitor.start(ear)
    for family, prefix, gateway in ((4, "10.1.0.0/24", "172.16.0.2"), (6, "fd1::/64", "fd00::2")):
        route = underlay.route(prefix, gateway)
        kernel.write([Write(Verb.CREATE, route)])
        underlay.netns.ip(f"-{family}", "route", "del", prefix, "proto", "104")
        lost = await ear.until(lambda event: isinstance(event, RouteLost))
        assert lost == RouteLost(route)
        assert 0 < lost.port <= PID_MAX  # `ip` has one socket, which has the number of the process
        ear.events.clear()


async def test_what_the_kernel_does_by_itself_has_no_port(underlay, kernel, monitor):
    """A link that goes down takes IPv6 routes along, and that is nobody's doing."""
    ear = Ear()
    monitor.start(ear)
    kernel.write([Write(Verb.CREATE, underlay.route("fd1::/64", "fd00::2"))])
    underlay.netns.ip("link", "set", "u0", "down")
    lost = await ear.until(lambda event: isinstance(event, RouteLost))
    assert lost.port == 0


async def test_our_own_writes_are_not_heard(underlay, kernel, monitor):
    """Nothing that our command socket did comes back; what came after it does."""
    ear = Ear()
    monitor.start(ear)
    routes = [underlay.route(f"10.1.{n}.0/24", f"172.16.1.{n}") for n in range(200)]
    kernel.write([Write(Verb.CREATE, route) for route in routes])
    kernel.write([Write(Verb.DELETE, route) for route in routes])
    underlay.netns.ip("route", "add", "10.7.0.0/24", "via", "172.16.0.9")
    await ear.until(lambda event: isinstance(event, RouteForeign))
    assert len(ear.events) == 1


async def test_what_happened_before_the_start_is_kept(underlay, kernel, monitor):
    """From its opening on the monitor misses nothing, whenever it is read."""
    kernel.write([Write(Verb.CREATE, underlay.route("10.1.0.0/24", "172.16.0.2"))])
    underlay.netns.ip("route", "del", "10.1.0.0/24", "proto", "104")
    ear = Ear()
    monitor.start(ear)
    await ear.until(lambda event: isinstance(event, RouteLost))


async def test_a_foreign_route_comes_and_goes(underlay, monitor):
    """Somebody else's route is told with its protocol, gateway and metric."""
    ear = Ear()
    monitor.start(ear)
    how = ["10.1.0.0/24", "via", "172.16.0.9", "proto", "static", "metric", "5"]
    underlay.netns.ip("route", "add", *how)
    underlay.netns.ip("route", "del", *how)
    went = await ear.until(lambda event: isinstance(event, RouteForeign) and not event.added)
    came = ear.events[0]
    assert isinstance(came, RouteForeign)
    assert (came.added, came.took) == (True, False)
    assert came.route == went.route
    assert (came.route.protocol, came.route.metric) == (4, 5)


async def test_a_route_of_ours_taken_over(underlay, kernel, monitor):
    """A replace by somebody else is one event that says `took`: no deletion is ever told."""
    ear = Ear()
    monitor.start(ear)
    kernel.write([Write(Verb.CREATE, underlay.route("10.1.0.0/24", "172.16.0.2", metric=2000))])
    underlay.netns.ip("route", "replace", "10.1.0.0/24", "via", "172.16.0.9", "metric", "2000")
    event = await ear.until(lambda event: isinstance(event, RouteForeign))
    assert event.took
    assert not [each for each in ear.events if isinstance(each, RouteLost)]


async def test_a_flap_is_heard_twice(underlay, monitor):
    """Down and up in one command batch are two events, in their order."""
    ear = Ear()
    monitor.start(ear)
    underlay.netns.run("ip", "-batch", "-", input="link set u0 down\nlink set u0 up\n")
    await ear.until(_said("u0: up"))
    said = [what for what in ear.about(underlay.link) if what.startswith("u0: ")]
    assert said[0] == "u0: down"
    assert "u0: up" in said[-1]


async def test_carrier_loss_and_return(underlay, monitor):
    """The cable is heard when it is pulled and when it is back."""
    ear = Ear()
    monitor.start(ear)
    underlay.netns.ip("link", "set", "u1", "down")
    await ear.until(_said("u0: up, without carrier"))
    ear.events.clear()
    underlay.netns.ip("link", "set", "u1", "up")
    await ear.until(lambda event: event == HostChanged(underlay.link, "u0: up", "u0"))


async def test_mtu_name_and_end(underlay, monitor):
    """A new MTU, a new name and the end of the link are each heard."""
    ear = Ear()
    monitor.start(ear)
    underlay.netns.ip("link", "set", "u0", "mtu", "1450")
    underlay.netns.ip("link", "set", "u0", "mtu", "1400")
    await ear.until(_said("u0: MTU 1450 -> 1400"))
    underlay.netns.ip("link", "set", "u0", "name", "v0")
    await ear.until(_said("v0: was u0"))
    underlay.netns.ip("link", "del", "v0")
    await ear.until(_said("v0 is gone"))


async def test_addresses_come_and_go(underlay, monitor):
    """An address that comes or goes is heard, with its link, in both families."""
    ear = Ear()
    monitor.start(ear)
    for address in ("172.17.0.1/16", "fd01::1/64"):
        bare = address.split("/", maxsplit=1)[0]
        underlay.netns.ip("address", "add", address, "dev", "u0")
        event = await ear.until(_said(f"address {bare} is there"))
        assert event.link == underlay.link
        underlay.netns.ip("address", "del", address, "dev", "u0")
        await ear.until(_said(f"address {bare} is gone"))


async def test_an_overrun_is_told_and_the_monitor_goes_on(underlay, kernel):
    """A burst that does not fit is one Overrun, and what happens afterwards is heard again."""
    with underlay.netns.enter():
        monitor = Monitor.open(echo_of=kernel.port_id, receive_buffer=4096)
    with monitor:
        lines = "".join(f"route add 10.8.{n}.0/24 via 172.16.0.9\n" for n in range(200))
        underlay.netns.run("ip", "-batch", "-", input=lines)
        ear = Ear()
        monitor.start(ear)
        await ear.until(lambda event: isinstance(event, Overrun))
        underlay.netns.ip("link", "set", "u0", "mtu", "1400")
        await ear.until(_said("u0"))


async def test_a_closed_monitor_is_silent(underlay, kernel, monitor):
    """After close nothing is heard, and closing leaves no reader behind."""
    ear = Ear()
    monitor.start(ear)
    monitor.close()
    underlay.netns.ip("link", "set", "u0", "mtu", "1400")
    with underlay.netns.enter():
        second = Monitor.open(echo_of=kernel.port_id)
    with second:
        other = Ear()
        second.start(other)
        underlay.netns.ip("link", "set", "u0", "mtu", "1450")
        await other.until(_said("u0"))
    assert ear.events == []
