from __future__ import annotations

from ipaddress import ip_address

import pytest

from hostgw_daemon.link.uplink import NoUplink, Uplink, UplinkRule, choose
from hostgw_daemon.netlink.host import HostReader
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def uplink(underlay):
    """Choose in the underlay's namespace; a second link, w0, is there to be confused with."""
    netns = underlay.netns
    netns.ip("link", "add", "w0", "type", "veth", "peer", "name", "w1")
    netns.ip("address", "add", "10.66.0.1/24", "dev", "w0")
    for name in ("w0", "w1"):
        netns.ip("link", "set", name, "up")
    with netns.enter():
        reader = HostReader.open()

    def look(families=(4,), current=None, **wishes):
        rule = UplinkRule(**wishes)
        picture = reader.look([] if rule.can_reach is None else [rule.can_reach])
        return choose(picture, rule, families=families, current=current)

    with reader:
        yield look


def test_waiting_for_a_default_route(underlay, uplink):
    """Without a default route there is no uplink; with one it is the link that carries it."""
    assert isinstance(uplink(), NoUplink)
    underlay.netns.ip("route", "add", "default", "via", "172.16.0.9", "metric", "77")
    chosen = uplink(families=(4, 6))
    assert chosen.reason == "u0: has the default route (metric 77)"
    assert [str(each) for each in chosen.addresses] == ["172.16.0.1", "fd00::1"]


def test_the_best_metric_wins(underlay, uplink):
    """Of two default routes the one in force decides."""
    underlay.netns.ip("route", "add", "default", "via", "172.16.0.9", "metric", "200")
    underlay.netns.ip("route", "add", "default", "via", "10.66.0.9", "metric", "100")
    assert uplink().link.name == "w0"


def test_the_way_that_the_kernel_would_go(underlay, uplink):
    """--iface-can-reach follows a host route, not the default one."""
    underlay.netns.ip("route", "add", "default", "via", "172.16.0.9")
    underlay.netns.ip("route", "add", "203.0.113.5", "via", "10.66.0.9")
    assert uplink(can_reach=ip_address("203.0.113.5")).link.name == "w0"
    assert uplink(can_reach=ip_address("203.0.113.6")).link.name == "u0"


def test_a_link_that_goes_down_stays_the_uplink(underlay, uplink):
    """Down, the link loses its default route and its IPv6 address, and is still chosen."""
    underlay.netns.ip("route", "add", "default", "via", "172.16.0.9")
    before = uplink(families=(4, 6))
    underlay.netns.ip("link", "set", "u0", "down")
    after = uplink(families=(4, 6), current=before)
    assert isinstance(after, Uplink)
    assert (after.link.name, after.up, after.addresses) == ("u0", False, before.addresses)
    assert isinstance(uplink(families=(4, 6)), NoUplink)


def test_a_link_that_vanished_and_came_back(underlay, uplink):
    """A link that is made anew has another index, and is the uplink again by its name."""
    before = uplink(ifaces=("u0",))
    underlay.netns.ip("link", "del", "u0")
    assert isinstance(uplink(ifaces=("u0",), current=before), NoUplink)
    underlay.netns.ip("link", "add", "u0", "type", "veth", "peer", "name", "u1")
    underlay.netns.ip("address", "add", "172.16.0.1/16", "dev", "u0")
    underlay.netns.ip("link", "set", "u0", "up")
    after = uplink(ifaces=("u0",), current=before)
    assert after.link.index != before.link.index
    assert after.addresses == before.addresses


def _flagged(netns, flag):
    """Give the addresses that `ip` shows with a flag."""
    shown = netns.ip_json("-6", "address", "show", "dev", "u0", flag)
    return {each["local"] for link in shown for each in link["addr_info"] if each}


def test_an_ipv6_address_that_will_not_stay_is_never_chosen(underlay, uplink):
    """Not a deprecated, temporary, tentative or link-local one: the stable one, though last."""
    netns = underlay.netns
    netns.ip("address", "del", "fd00::1/64", "dev", "u0")
    netns.run("sysctl", "-qw", "net.ipv6.conf.u0.use_tempaddr=2", "net.ipv6.conf.u0.accept_dad=0")
    lifetime = ["valid_lft", "3600", "preferred_lft"]
    netns.ip("address", "add", "fd00::dead/64", "dev", "u0", "nodad", *lifetime, "0")
    netns.ip("address", "add", "fd77::1/64", "dev", "u0", "nodad", "mngtmpaddr", *lifetime, "1800")
    (temporary,) = eventually(lambda: _flagged(netns, "temporary") - _flagged(netns, "tentative"))
    netns.run(
        *["sysctl", "-qw", "net.ipv6.conf.u0.accept_dad=1", "net.ipv6.conf.u0.dad_transmits=1000"]
    )
    netns.ip("address", "add", "fd00::99/64", "dev", "u0")
    assert "fd00::99" in _flagged(netns, "tentative")
    # The address that the temporary one was made of is stable: it has to be out of the way.
    netns.ip("address", "change", "fd77::1/64", "dev", "u0", "mngtmpaddr", *lifetime, "0")
    assert temporary in _flagged(netns, "temporary")
    refused = uplink(families=(6,), ifaces=("u0",))
    assert isinstance(refused, NoUplink)
    assert "no IPv6 address that stays" in refused.reason
    both = uplink(families=(4, 6), ifaces=("u0",))
    assert [str(each) for each in both.addresses] == ["172.16.0.1"]
    assert "no IPv6 address that stays" in both.lacks
    netns.ip("address", "add", "fd00::7/64", "dev", "u0", "nodad")
    chosen = uplink(families=(4, 6), ifaces=("u0",), current=both)
    assert [str(each) for each in chosen.addresses] == ["172.16.0.1", "fd00::7"]
    assert chosen.lacks == ""


def test_an_address_that_becomes_deprecated_is_kept_until_it_is_gone(underlay, uplink):
    """The others know us by it and it still answers: only a new choice passes it over."""
    netns = underlay.netns
    before = uplink(families=(4, 6), ifaces=("u0",))
    netns.ip("address", "add", "fd00::7/64", "dev", "u0", "nodad")
    lifetime = ["valid_lft", "3600", "preferred_lft", "0"]
    netns.ip("address", "change", "fd00::1/64", "dev", "u0", *lifetime)
    assert "fd00::1" in _flagged(netns, "deprecated")
    kept = uplink(families=(4, 6), ifaces=("u0",), current=before)
    assert str(kept.addresses.ipv6) == "fd00::1"
    assert str(uplink(families=(4, 6), ifaces=("u0",)).addresses.ipv6) == "fd00::7"
    netns.ip("address", "del", "fd00::1/64", "dev", "u0")
    gone = uplink(families=(4, 6), ifaces=("u0",), current=before)
    assert str(gone.addresses.ipv6) == "fd00::7"
