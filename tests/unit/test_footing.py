"""What routes stand on, from settings and a host made of values."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from hostgw_core.model import Addresses
from hostgw_daemon.footing import footing, heeds
from hostgw_daemon.kernel import (
    BLACKHOLE,
    PLAIN,
    UNICAST,
    UNREACHABLE,
    Form,
    HostChanged,
    HostPicture,
    Link,
    LinkAddress,
)
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.desired import RouteRule, Underlay
from support.daemon_settings import parsed

ETH0 = Link(2, "eth0", 1500, up=True, carrier=True)
BLUE = Link(5, "blue", 65536, up=True, carrier=True, vrf_table=1000)
IN_BLUE = replace(ETH0, master=5)
PODS = (
    LinkAddress(7, ip_address("10.5.1.1"), ip_network("10.5.1.0/24")),
    LinkAddress(7, ip_address("fd00:5::1"), ip_network("fd00:5::/64")),
)


def up(link=ETH0):
    """Give the uplink that this link is."""
    return Uplink(link, Addresses(), (), "a test")


def stands(*argv, uplink=None, links=(ETH0,), addresses=PODS, offers_vrf=True):
    """Give rule and troubles for these settings, those that are not in trouble left out."""
    picture = HostPicture(links=links, addresses=addresses)
    found = footing(parsed(*argv), uplink or up(), picture, offers_vrf=offers_vrf)
    assert {code for code, _ in found.troubles} == {
        "no_vrf",
        "uplink_outside_vrf",
        "route_src_missing",
        "route_mtu_impossible",
        "ecmp_link_missing",
    }
    return found.rule, {code: detail for code, detail in found.troubles if detail}


def test_without_any_setting_routes_are_plain():
    """The very plain form, not one that is equal: that one is packed and read quickly."""
    rule, troubles = stands()
    assert (rule, troubles) == (RouteRule(2), {})
    assert rule.ipv4 is PLAIN
    assert rule.ipv6 is PLAIN


def test_without_a_link_there_is_no_rule():
    """None, or one that is down: the kernel would take no route."""
    assert stands(uplink=NoUplink("none"))[0] is None
    assert stands(uplink=up(replace(ETH0, up=False)))[0] is None


def test_an_mtu_that_the_link_does_not_carry_is_left_out():
    """The kernel would send packets as large as the route says, and the link would drop them."""
    rule, troubles = stands("--route-mtu=1501")
    assert rule == RouteRule(2)
    assert troubles == {
        "route_mtu_impossible": "an MTU of 1501 was asked for and eth0 carries 1500 at most: routes"
        " are written without one"
    }
    assert stands("--route-mtu=1500")[1] == {}
    wide = up(replace(ETH0, mtu=9000))
    assert stands("--route-mtu=1501", uplink=wide)[0] == RouteRule(
        2, ipv4=Form(mtu=1501), ipv6=Form(mtu=1501)
    )


def test_settings_go_into_the_rule():
    """Table, metric, MTU, a source for each family, and what leads nowhere."""
    rule, troubles = stands(
        "--route-table=4294967295",
        "--route-metric=77",
        "--route-mtu=1400",
        "--route-src=10.5.1.1,fd00:5::1",
        "--own-subnet-route=unreachable",
        "--unassigned-route=blackhole",
    )
    assert troubles == {}
    assert rule == RouteRule(
        2,
        77,
        4294967295,
        ipv4=Form(UNICAST, ip_address("10.5.1.1").packed, 1400),
        ipv6=Form(UNICAST, ip_address("fd00:5::1").packed, 1400),
        own=UNREACHABLE,
        unassigned=BLACKHOLE,
    )


def test_flannels_blackhole_is_one():
    """A unit file that asks for it gets it."""
    assert stands("--ip-blackhole-route")[0] == RouteRule(2, own=BLACKHOLE)


def test_a_source_that_is_not_there_is_left_out():
    """Routes go on without it; the other family has its own."""
    rule, troubles = stands("--route-src=10.5.9.9", "--route-src=fd00:5::1")
    assert rule == RouteRule(2, ipv6=Form(UNICAST, ip_address("fd00:5::1").packed))
    assert rule.ipv4 is PLAIN
    assert troubles == {"route_src_missing": "10.5.9.9"}


def test_a_vrf_decides_the_table():
    """Its number is looked up, however it changes."""
    assert stands("--vrf=blue", uplink=up(IN_BLUE), links=(IN_BLUE, BLUE)) == (
        RouteRule(2, table=1000),
        {},
    )
    other = replace(BLUE, vrf_table=7)
    assert stands("--vrf=blue", uplink=up(IN_BLUE), links=(IN_BLUE, other))[0].table == 7


@pytest.mark.parametrize(
    ("links", "offers", "said"),
    [
        ((ETH0,), True, "there is no device blue: ip link add blue type vrf table NUMBER"),
        ((ETH0, replace(BLUE, vrf_table=0)), True, "the device blue is no VRF"),
        ((ETH0,), False, "this kernel has no VRF devices (CONFIG_NET_VRF)"),
    ],
)
def test_without_the_vrf_nothing_is_written(links, offers, said):
    """In the main table the same routes would lead other people's packets."""
    rule, troubles = stands("--vrf=blue", links=links, offers_vrf=offers)
    assert rule is None
    assert troubles.keys() == {"no_vrf"}
    assert said in troubles["no_vrf"]


def test_an_uplink_outside_the_vrf_is_told():
    """With the command that puts it in; the kernel takes the routes anyway."""
    rule, troubles = stands("--vrf=blue", links=(ETH0, BLUE))
    assert rule == RouteRule(2, table=1000)
    assert troubles == {"uplink_outside_vrf": "ip link set eth0 master blue"}


def test_further_links_are_underlays():
    """With their networks, the uplink's first; our address on each is told."""
    eth1, eth2 = (replace(ETH0, index=n, name=f"eth{n}") for n in (1, 3))
    here = [
        LinkAddress(1, ip_address("192.168.2.1"), ip_network("192.168.2.0/24")),
        LinkAddress(1, ip_address("192.168.2.9"), ip_network("192.168.2.0/24")),
        LinkAddress(1, ip_address("fd52::1"), ip_network("fd52::/64")),
        LinkAddress(3, ip_address("169.254.0.3"), ip_network("169.254.0.0/16"), stable=False),
    ]
    uplink = replace(up(), networks=(ip_network("192.168.1.0/24"),))
    argv = [f"--ecmp-iface={name}" for name in ("eth1", "eth0", "eth3", "eth9", "eth1")]
    picture = HostPicture(links=(ETH0, eth1, eth2), addresses=tuple(here))
    found = footing(parsed(*argv), uplink, picture, offers_vrf=True)
    first = Underlay(2, (ip_network("192.168.1.0/24"),))
    second = Underlay(1, (ip_network("192.168.2.0/24"), ip_network("fd52::/64")))
    assert found.rule == RouteRule(2, underlays=(first, second))
    assert found.addresses == (ip_address("192.168.2.1"), ip_address("fd52::1"))
    assert dict(found.troubles)["ecmp_link_missing"] == (
        "eth3 has no address that stays; eth9 is not there"
    )
    down = replace(picture, links=(ETH0, replace(eth1, up=False)))
    found = footing(parsed("--ecmp-iface=eth1"), uplink, down, offers_vrf=True)
    assert found.rule == RouteRule(2)  # it waits for the link, and says so; the address stays told
    assert found.addresses == (ip_address("192.168.2.1"), ip_address("fd52::1"))
    assert dict(found.troubles)["ecmp_link_missing"] == "eth1 is down"


@pytest.mark.parametrize(
    ("argv", "event", "heeded"),
    [
        (["--ecmp-iface=eth1,eth2"], HostChanged(6, "eth2 is gone", "eth2"), True),
        (["--vrf=blue"], HostChanged(5, "blue is gone", "blue"), True),
        (["--vrf=blue"], HostChanged(6, "red is gone", "red"), False),
        (["--ecmp-iface=blue"], HostChanged(5, "address", address=ip_address("::1")), True),
        (["--ecmp-iface=blue"], HostChanged(2, "address", address=ip_address("::1")), False),
        ([], HostChanged(5, "up"), False),
        (["--route-src=10.5.1.1"], HostChanged(7, "is", address=ip_address("10.5.1.1")), True),
        (["--route-src=10.5.1.1"], HostChanged(7, "is", address=ip_address("10.5.1.2")), False),
    ],
)
def test_what_is_heeded_elsewhere(argv, event, heeded):
    """The VRF by its name, the sources by their addresses; nothing else of other links."""
    assert heeds(parsed(*argv), HostPicture(links=(ETH0, BLUE)), event) is heeded
