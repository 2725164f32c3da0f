from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from hostgw_core.model import Addresses
from hostgw_daemon.kernel import DefaultRoute, HostPicture, Link, LinkAddress
from hostgw_daemon.link.uplink import NoUplink, Uplink, UplinkRule, choose

LO = Link(1, "lo", 65536, up=True, carrier=True, loopback=True)
ETH0 = Link(2, "eth0", 1500, up=True, carrier=True)
ETH1 = Link(3, "eth1", 9000, up=True, carrier=True)
DOCKER = Link(4, "docker0", 1500, up=True, carrier=False)


def _at(link: Link, text: str, *, stable: bool = True) -> LinkAddress:
    interface = ip_interface(text)
    return LinkAddress(link.index, interface.ip, interface.network, stable=stable)


HOST = HostPicture(
    links=(LO, ETH0, ETH1, DOCKER),
    addresses=(
        _at(LO, "127.0.0.1/8", stable=False),
        _at(ETH0, "169.254.3.4/16", stable=False),
        _at(ETH0, "192.0.2.10/24"),
        _at(ETH0, "192.0.2.11/24"),
        _at(ETH1, "10.1.0.7/16"),
        _at(DOCKER, "172.17.0.1/16"),
        _at(ETH0, "fe80::10/64", stable=False),
        _at(ETH0, "2001:db8::dead/64", stable=False),
        _at(ETH0, "2001:db8::10/64"),
        _at(ETH1, "fd01::7/64"),
    ),
    defaults=(
        DefaultRoute(4, ETH1.index, 600),
        DefaultRoute(4, ETH0.index, 100),
        DefaultRoute(6, ETH1.index, 1024),
    ),
    reached_by=((ip_address("10.1.0.99"), ETH1.index),),
)


def _choose(rule: UplinkRule, *, picture=HOST, families=(4,), current=None) -> Uplink:
    chosen = choose(picture, rule, families=families, current=current)
    assert isinstance(chosen, Uplink), chosen
    return chosen


def _refuse(rule: UplinkRule, *, picture=HOST, families=(4,), current=None) -> str:
    chosen = choose(picture, rule, families=families, current=current)
    assert isinstance(chosen, NoUplink), chosen
    return chosen.reason


def test_default_route_with_the_lowest_metric():
    """Without any wish the link with the best default route is taken, and it is said why."""
    uplink = _choose(UplinkRule())
    assert uplink.link == ETH0
    assert uplink.addresses == Addresses(ip_address("192.0.2.10"))
    assert uplink.reason == "eth0: has the default route (metric 100)"
    assert uplink.up


def test_networks_are_those_of_the_link_each_once():
    """The uplink knows every network on its link but fe80::/64, which comes and goes with it."""
    assert _choose(UplinkRule()).networks == (
        ip_network("169.254.0.0/16"),
        ip_network("192.0.2.0/24"),
        ip_network("2001:db8::/64"),
    )


def test_both_families_on_one_link():
    """Two families take an address each on the link that the IPv4 default route chose."""
    uplink = _choose(UplinkRule(), families=(4, 6))
    assert uplink.addresses == Addresses(ip_address("192.0.2.10"), ip_address("2001:db8::10"))


def test_ipv6_only_takes_the_ipv6_default_route():
    """A cluster with IPv6 only is led by the IPv6 default route."""
    assert _choose(UplinkRule(), families=(6,)).addresses == Addresses(None, ip_address("fd01::7"))


@pytest.mark.parametrize(
    ("rule", "link", "address", "reason"),
    [
        (UplinkRule(ifaces=("eth1",)), ETH1, "10.1.0.7", "eth1: named by --iface"),
        (UplinkRule(ifaces=("eth9", "eth1", "eth0")), ETH1, "10.1.0.7", "eth1: named by --iface"),
        (
            UplinkRule(ifaces=("192.0.2.11",)),
            ETH0,
            "192.0.2.11",
            "eth0: has the address 192.0.2.11 of --iface",
        ),
        (UplinkRule(regexes=("^eth[1-9]",)), ETH1, "10.1.0.7", "matches --iface-regex ^eth[1-9]"),
        (UplinkRule(regexes=(r"10\.1\.",)), ETH1, "10.1.0.7", "its address 10.1.0.7 matches"),
        (UplinkRule(regexes=(r"\.11$",)), ETH0, "192.0.2.11", "its address 192.0.2.11 matches"),
        (UplinkRule(ifaces=("eth0",), regexes=("eth1",)), ETH0, "192.0.2.10", "named by --iface"),
        (UplinkRule(ifaces=("no",), regexes=("eth1",)), ETH1, "10.1.0.7", "--iface-regex"),
        (
            UplinkRule(can_reach=ip_address("10.1.0.99")),
            ETH1,
            "10.1.0.7",
            "eth1: leads to 10.1.0.99 of --iface-can-reach",
        ),
        (
            UplinkRule(cidrs=(ip_network("172.30.0.0/16"), ip_network("10.0.0.0/8"))),
            ETH1,
            "10.1.0.7",
            "eth1: has 10.1.0.7 in 10.0.0.0/8 of --iface-cidr",
        ),
        (
            UplinkRule(public_ip=ip_address("10.1.0.7")),
            ETH1,
            "10.1.0.7",
            "eth1: has the public address 10.1.0.7",
        ),
        (
            UplinkRule(ifaces=("eth0",), public_ip=ip_address("192.0.2.11")),
            ETH0,
            "192.0.2.11",
            "named by --iface",
        ),
        (UplinkRule(regexes=(r"\d\.",)), ETH0, "192.0.2.10", "its address 192.0.2.10 matches"),
        (UplinkRule(regexes=("^l|^d",)), DOCKER, "172.17.0.1", "docker0: matches"),
        (UplinkRule(skip=("eth0",)), ETH1, "10.1.0.7", "has the default route (metric 600)"),
        (UplinkRule(regexes=(".",), skip=("eth*",)), DOCKER, "172.17.0.1", "matches"),
        (UplinkRule(ifaces=("eth0",), skip=("eth*",)), ETH0, "192.0.2.10", "named by --iface"),
    ],
)
def test_every_way_and_their_order(rule, link, address, reason):
    """Each way finds its link, in flannel's order, and the reason names the way."""
    uplink = _choose(rule)
    assert uplink.link == link
    assert uplink.addresses == Addresses(ip_address(address))
    assert reason in uplink.reason


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (UplinkRule(ifaces=("eth9",)), "no interface is named eth9 or has that address"),
        (UplinkRule(ifaces=("eth9",)), "The interfaces here are eth0, eth1, docker0"),
        (UplinkRule(regexes=("wlan",)), "no interface matches --iface-regex wlan"),
        (UplinkRule(can_reach=ip_address("203.0.113.9")), "no route to 203.0.113.9"),
        (UplinkRule(cidrs=(ip_network("203.0.113.0/24"),)), "no interface has an address in 203.0"),
        (UplinkRule(public_ip=ip_address("203.0.113.9")), "behind NAT host-gw cannot work"),
        (
            UplinkRule(ifaces=("eth0",), public_ip=ip_address("203.0.113.9")),
            "The public address 203.0.113.9 is not on eth0",
        ),
        (UplinkRule(skip=("eth*",)), "There is no IPv4 default route"),
        (UplinkRule(ifaces=("lo",)), "lo (named by --iface) has no IPv4 address that stays"),
    ],
)
def test_what_cannot_be_is_refused_with_its_cure(rule, words):
    """A wish that leads nowhere is a sentence, never another link and never an error."""
    reason = _refuse(rule)
    assert words in reason
    assert reason.endswith(".")


def test_no_default_route_at_boot():
    """A host without a default route has no uplink, and is told how to go on."""
    reason = _refuse(UplinkRule(), picture=replace(HOST, defaults=()))
    assert reason == (
        "There is no IPv4 default route to choose the interface by. Add one, or name the interface"
        " with --iface; there are eth0, eth1, docker0."
    )


def test_an_empty_host():
    """A host with nothing but its loopback says so."""
    reason = _refuse(UplinkRule(), picture=HostPicture(links=(LO,)))
    assert "none but the loopback" in reason


def test_an_unstable_address_is_not_in_a_cidr():
    """--iface-cidr passes over an address that others cannot rely on."""
    rule = UplinkRule(cidrs=(ip_network("2001:db8::/64"),))
    assert _choose(rule, families=(6,)).addresses.ipv6 == ip_address("2001:db8::10")


def test_without_an_ipv6_address_ipv4_goes_on_alone():
    """A link of both families without a stable IPv6 address is one for IPv4, and says so."""
    uplink = _choose(UplinkRule(ifaces=("docker0",)), families=(4, 6))
    assert uplink.addresses.ipv6 is None
    assert uplink.addresses.ipv4 is not None
    assert "docker0 (named by --iface) has no IPv6 address that stays" in uplink.lacks


def test_without_an_ipv4_address_there_is_no_uplink_for_both():
    """Leases are taken by IPv4 subnets: IPv6 does not go on alone where the cluster has both."""
    picture = replace(HOST, addresses=tuple(a for a in HOST.addresses if a.address.version == 6))
    rule = UplinkRule(ifaces=("eth0",))
    reason = _refuse(rule, picture=picture, families=(4, 6))
    assert "eth0 (named by --iface) has no IPv4 address that stays" in reason


def test_an_ipv6_address_that_comes_is_told():
    """What was lacking is looked for again with every look."""
    rule = UplinkRule(ifaces=("docker0",))
    before = _choose(rule, families=(4, 6))
    docker = next(link for link in HOST.links if link.name == "docker0")
    picture = replace(HOST, addresses=(*HOST.addresses, _at(docker, "fd09::7/64")))
    after = _choose(rule, picture=picture, families=(4, 6), current=before)
    assert after.addresses.ipv6 == ip_address("fd09::7")
    assert after.lacks == ""


def test_an_ipv6_address_that_goes_leaves_the_uplink():
    """The same link, the same IPv4 address, and the sentence."""
    before = _choose(UplinkRule(), families=(4, 6))
    picture = replace(HOST, addresses=tuple(a for a in HOST.addresses if a.address.version == 4))
    after = _choose(UplinkRule(), picture=picture, families=(4, 6), current=before)
    assert after.addresses == Addresses(before.addresses.ipv4, None)
    assert "has no IPv6 address that stays" in after.lacks


def _without(picture: HostPicture, link: Link, *, up: bool) -> HostPicture:
    """Do what the kernel does to a link that goes down, or (up) to one that lost its addresses."""
    return replace(
        picture,
        links=tuple(replace(each, up=up) if each == link else each for each in picture.links),
        addresses=tuple(each for each in picture.addresses if each.link != link.index),
        defaults=tuple(each for each in picture.defaults if each.link != link.index),
    )


def test_the_choice_stands_while_its_link_is_down():
    """A link that goes down takes its default route along, and is still the uplink."""
    before = _choose(UplinkRule(), families=(4, 6))
    picture = _without(HOST, ETH0, up=False)
    after = _choose(UplinkRule(), picture=picture, families=(4, 6), current=before)
    assert after.link.name == "eth0"
    assert not after.up
    assert (after.addresses, after.reason) == (before.addresses, before.reason)


def test_the_choice_stands_when_a_better_default_route_comes():
    """The other nodes know us by our address: a default route that moves does not move us."""
    before = _choose(UplinkRule())
    picture = replace(HOST, defaults=(DefaultRoute(4, ETH1.index, 1),))
    assert _choose(UplinkRule(), picture=picture, current=before) == before


def test_the_choice_is_made_again_when_the_address_went():
    """An up link without our address is the uplink no more."""
    before = _choose(UplinkRule())
    picture = _without(HOST, ETH0, up=True)
    assert _choose(UplinkRule(), picture=picture, current=before).link == ETH1


def test_the_choice_follows_a_link_that_came_back():
    """A link of the same name with another index and MTU is the same uplink, as it is now."""
    before = _choose(UplinkRule())
    back = Link(17, "eth0", 1400, up=True, carrier=True)
    picture = HostPicture(links=(back,), addresses=(_at(back, "192.0.2.10/24"),))
    after = _choose(UplinkRule(), picture=picture, current=before)
    assert after.link == back
    assert after.addresses == before.addresses


def test_the_choice_is_made_again_for_another_family():
    """A family that the cluster adds is not missing for ever."""
    before = _choose(UplinkRule())
    after = _choose(UplinkRule(), families=(4, 6), current=before)
    assert after.addresses.ipv6 == ip_address("2001:db8::10")


def test_an_address_is_compared_as_an_address():
    """--iface may write an IPv6 address in any of its spellings."""
    uplink = _choose(UplinkRule(ifaces=("2001:DB8:0::10",)), families=(6,))
    assert uplink.addresses == Addresses(None, ip_address("2001:db8::10"))


@pytest.mark.parametrize("rule", [UplinkRule(ifaces=("eth0",)), UplinkRule(regexes=("^eth0$",))])
def test_a_named_port_stands_for_its_bridge_once_its_address_is_there(rule):
    """The same wire has another name; a port that kept its address (a VRF's) stays what it is."""
    bridge = Link(7, "lan0", 1500, up=True, carrier=True)
    port = replace(ETH0, master=bridge.index)
    enslaved = replace(HOST, links=(LO, port, ETH1, bridge))
    assert _choose(rule, picture=enslaved).link == port
    there = tuple(replace(a, link=bridge.index) for a in HOST.addresses if a.link == ETH0.index)
    moved = _choose(rule, picture=replace(enslaved, addresses=there))
    assert moved.link == bridge
    assert str(moved.addresses) == "192.0.2.10"
    assert moved.reason.startswith("lan0: its port eth0 ")
    assert "eth0 (" in _refuse(rule, picture=replace(enslaved, addresses=()))
