"""The loop that knows the link, on a host made of values, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from hostgw_daemon.kernel import ForeignRoute, HostChanged, Link, Overrun, RouteForeign
from hostgw_daemon.link.hostwatch import LOOK_AGAIN, PATIENCE
from hostgw_daemon.link.uplink import NoUplink, Uplink, UplinkRule
from support.loops import settled, until
from support.watched_host import ETH0, ETH1, Host, address, changed, watching

pytestmark = pytest.mark.looptime


async def test_the_first_look_is_at_the_start():
    """Nobody needs to ring: the choice is there, and told with its cause."""
    async with watching() as it:
        assert isinstance(it.now, Uplink)
        assert it.now.link == ETH0
        assert str(it.now.addresses) == "192.0.2.1"
        assert it.told == [(it.now, "start")]


async def test_nobody_looks_while_nothing_changes():
    """An uplink that stands costs nothing, for a day."""
    async with watching() as it:
        await asyncio.sleep(86400)
        assert it.host.looks == 1


async def test_events_of_other_links_are_not_looked_at():
    """A container's veth that comes and goes is nothing to us."""
    async with watching() as it:
        it.hear(*(HostChanged(number, "up") for number in range(100, 400)), changed(ETH1))
        await asyncio.sleep(1)
        assert it.host.looks == 1


async def test_a_burst_of_events_is_one_look_and_perhaps_a_second():
    """One change of a link is several messages: those that follow closely are settled."""
    async with watching() as it:
        for _ in range(10):
            it.hear(changed(ETH0), changed(ETH0))
            await asyncio.sleep(0.001)
        await asyncio.sleep(1)
        assert it.host.looks <= 3


async def test_a_link_that_vanishes_and_returns_is_the_uplink_again():
    """With a new index, as after its driver was loaded again; in between there is none."""
    host = Host()
    host.lose(ETH1)
    async with watching(host) as it:
        host.lose(ETH0)
        it.hear(changed(ETH0, "eth0 is gone"))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, NoUplink)
        assert it.told[-1][1] == "eth0 is gone"
        again = replace(ETH0, index=9)
        host.gain(again, "192.0.2.1/24")
        it.hear(changed(again, "eth0 is new"))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, Uplink)
        assert it.now.link.index == 9
        assert it.told[-1][1] == "eth0 is new"


async def test_without_an_uplink_it_looks_now_and_then():
    """In case no event told: every half minute, no more."""
    host = Host()
    host.defaults = []
    async with watching(host) as it:
        assert isinstance(it.now, NoUplink)
        await asyncio.sleep(600)
        assert host.looks == pytest.approx(1 + 600 / LOOK_AGAIN, abs=1)
        host.gain(replace(ETH0, index=7, name="eth7"), "192.0.2.9/24")
        assert await until(lambda: isinstance(it.now, Uplink)) <= LOOK_AGAIN + 0.1


async def test_a_default_route_that_comes_is_looked_at_only_where_it_is_missing():
    """It may be the way that was waited for; where there is an uplink it changes nothing."""
    came = RouteForeign(ForeignRoute(b"\0\0\0\0", 0, 100, 3, b"\xc0\0\2\xfe", 2), added=True)
    other = RouteForeign(ForeignRoute(b"\x0a\0\0\0", 8, 100, 3, b"\xc0\0\2\xfe", 2), added=True)
    went = replace(came, added=False)
    host = Host()
    defaults, host.defaults = host.defaults, []
    async with watching(host) as it:
        it.hear(other, went)
        await asyncio.sleep(1)
        assert host.looks == 1
        host.defaults = defaults
        it.hear(came)
        await asyncio.sleep(1)
        assert isinstance(it.now, Uplink)
        looks = host.looks
        it.hear(came)
        await asyncio.sleep(1)
        assert host.looks == looks


async def test_lost_notifications_are_answered_by_a_look():
    """The kernel dropped something: anything may have happened."""
    async with watching() as it:
        it.hear(Overrun())
        await asyncio.sleep(0.1)
        assert it.host.looks == 2


async def test_a_renamed_link_is_found_by_its_default_route():
    """The name is the person's, the routes are the kernel's."""
    async with watching() as it:
        renamed = replace(ETH0, name="uplink0")
        it.host.links[0] = renamed
        it.hear(changed(ETH0))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, Uplink)
        assert it.now.link == renamed


async def test_another_address_is_told_though_the_default_route_went_with_the_old_one():
    """The link stays ours by its name; its new address is what the peers are told."""
    host = Host()
    host.lose(ETH1)
    async with watching(host) as it:
        before = it.now.reason
        host.lose(ETH0)
        host.gain(ETH0, "192.0.2.77/24", metric=0)
        it.hear(changed(ETH0))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, NoUplink)
        assert await until(lambda: isinstance(it.now, Uplink)) <= PATIENCE + 0.1
        assert str(it.now.addresses) == "192.0.2.77"
        assert it.now.reason == before


@pytest.mark.parametrize("default", [100, 0])
async def test_an_address_that_moves_to_a_bridge_is_followed(default):
    """Another link with a default route is not taken in between, nor is one needed to find it."""
    bridge = Link(7, "lan0", 1500, up=True, carrier=True)
    async with watching() as it:
        it.host.lose(ETH0)
        it.host.gain(replace(ETH0, master=bridge.index), metric=0)
        it.hear(changed(ETH0))
        await asyncio.sleep(PATIENCE / 2)
        assert isinstance(it.now, NoUplink)
        assert "192.0.2.1" in it.now.reason
        it.host.gain(bridge, "192.0.2.1/24", metric=default)
        it.hear(changed(bridge))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, Uplink)
        assert it.now.link == bridge
        assert it.now.reason.startswith("lan0: has ")
        await asyncio.sleep(10)
        assert it.now.link == bridge
        assert all(what.link != ETH1 for what, _ in it.told if isinstance(what, Uplink))


async def test_an_address_that_stays_away_is_given_up_in_a_moment():
    """Then the link with the next default route is the uplink, and stays so."""
    async with watching() as it:
        it.host.lose(ETH0)
        it.hear(changed(ETH0))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, NoUplink)
        assert await until(lambda: isinstance(it.now, Uplink)) <= PATIENCE + 0.1
        assert isinstance(it.now, Uplink)
        assert it.now.link == ETH1
        looks = it.host.looks
        await asyncio.sleep(600)
        assert it.host.looks == looks


async def test_an_address_that_is_moved_to_the_loopback_is_not_followed():
    """No peer is reached through it: the way of a router that announces its own address."""
    loopback = Link(1, "lo", 65536, up=True, carrier=True, loopback=True)
    async with watching() as it:
        it.host.lose(ETH0)
        it.host.gain(loopback, "192.0.2.1/32", metric=0)
        it.hear(changed(ETH0))
        await asyncio.sleep(PATIENCE + 0.1)
        assert isinstance(it.now, Uplink)
        assert it.now.link == ETH1


@pytest.mark.parametrize(
    "rule",
    [
        UplinkRule(cidrs=(ip_network("192.0.2.0/24"),)),
        UplinkRule(ifaces=("192.0.2.1",)),
        UplinkRule(regexes=(r"192\.0\.2\.",)),
    ],
    ids=["--iface-cidr", "--iface", "--iface-regex"],
)
async def test_an_address_that_was_asked_for_is_never_replaced_by_another(rule):
    """Whoever named a network or an address did not mean what the link has got instead."""
    async with watching(rule=rule) as it:
        assert isinstance(it.now, Uplink)
        it.host.lose(ETH0)
        it.host.gain(ETH0, "203.0.113.5/24")
        it.hear(changed(ETH0))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, NoUplink)
        it.host.addresses.append(address(ETH0, "192.0.2.1/24"))
        it.hear(changed(ETH0))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, Uplink)


async def test_a_flap_that_looks_the_same_is_told_all_the_same():
    """A link that went down and up lost its routes, though the picture before and after is one."""
    async with watching() as it:
        it.hear(changed(ETH0, "eth0 is up"))
        await asyncio.sleep(0.1)
        assert [what for what, _ in it.told] == [it.now, it.now]
        assert it.told[1][1] == "eth0 is up"


async def test_a_link_that_is_down_is_still_the_uplink():
    """Its routes wait; nothing else is chosen in its place."""
    async with watching() as it:
        down = replace(ETH0, up=False, carrier=False)
        it.host.lose(ETH0)
        it.host.links.append(down)
        it.hear(changed(ETH0, "eth0 is down"))
        await asyncio.sleep(0.1)
        assert isinstance(it.now, Uplink)
        assert it.now.link == down
        assert not it.now.up
        assert str(it.now.addresses) == "192.0.2.1"


async def test_a_look_that_fails_is_told_and_tried_again():
    """Further and further apart, up to ten seconds, and good again with the first success."""
    async with watching() as it:
        await asyncio.sleep(0.1)
        it.host.fault = OSError(105, "No buffer space available")
        it.hear(changed(ETH0))
        await settled()
        assert isinstance(it.now, NoUplink)
        assert "No buffer space" in it.now.reason
        looks = it.host.looks
        await asyncio.sleep(600)
        assert 600 / 10 <= it.host.looks - looks <= 600 / 5 + 10
        it.host.fault = None
        assert await until(lambda: isinstance(it.now, Uplink)) <= 10.1
        looks = it.host.looks
        await asyncio.sleep(600)
        assert it.host.looks == looks


async def test_the_address_families_of_the_network_are_looked_for():
    """A network that takes up IPv6 needs an address of it; the same families again need no look."""
    async with watching() as it:
        it.watch.need((4,))
        await asyncio.sleep(0.1)
        assert it.host.looks == 1
        it.watch.need((4, 6))
        await asyncio.sleep(0.1)
        assert str(it.now.addresses) == "192.0.2.1"
        assert "IPv6" in it.now.lacks
        it.host.addresses.append(address(ETH0, "2001:db8::1/64"))
        it.hear(changed(ETH0))
        await asyncio.sleep(0.1)
        assert str(it.now.addresses) == "192.0.2.1 and 2001:db8::1"
        assert it.now.lacks == ""


async def test_a_family_that_only_one_network_needs_is_no_reason_to_have_no_link():
    """The others have theirs; when the address comes, all have."""
    async with watching() as it:
        it.watch.need((4, 6), (6,), (4,))
        await asyncio.sleep(0.1)
        assert str(it.now.addresses) == "192.0.2.1"
        it.host.addresses.append(address(ETH0, "2001:db8::1/64"))
        it.hear(changed(ETH0))
        await asyncio.sleep(0.1)
        assert str(it.now.addresses) == "192.0.2.1 and 2001:db8::1"
        it.host.addresses.clear()
        it.hear(changed(ETH0))
        await asyncio.sleep(PATIENCE + 1)
        assert isinstance(it.now, NoUplink)


async def test_the_way_to_an_address_is_asked_of_the_kernel():
    """With --iface-can-reach the host is asked which link leads there."""
    target = ip_address("203.0.113.1")
    host = Host()
    host.reached_by = ((target, ETH1.index),)
    async with watching(host, UplinkRule(can_reach=target)) as it:
        assert host.asked == [(target,)]
        assert it.now.link == ETH1
