"""The choice of the link where IPv6 addresses lead to IPv4 subnets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

from hostgw_core.model import Addresses
from hostgw_daemon.kernel import DefaultRoute, HostPicture, Link, LinkAddress
from hostgw_daemon.link.uplink import NoUplink, Uplink, UplinkRule, choose

ETH0 = Link(2, "eth0", 1500, up=True, carrier=True)
ETH1 = Link(3, "eth1", 1500, up=True, carrier=True)
RULE = UplinkRule(via6=True)


def at(link, text):
    """Give an address on a link."""
    interface = ip_interface(text)
    return LinkAddress(link.index, interface.ip, interface.network)


HOST = HostPicture(
    links=(ETH0, ETH1),
    addresses=(at(ETH0, "192.0.2.10/24"), at(ETH1, "10.1.0.7/16"), at(ETH1, "fd01::7/64")),
    defaults=(DefaultRoute(4, ETH0.index, 100), DefaultRoute(6, ETH1.index, 1024)),
)
IPV6_ALONE = replace(HOST, addresses=HOST.addresses[2:])


def test_the_link_is_chosen_by_ipv6():
    """An IPv4 address is told where there is one, and not missed where there is none."""
    chosen = choose(HOST, RULE, families=(4,))
    assert isinstance(chosen, Uplink)
    both = Addresses(ip_address("10.1.0.7"), ip_address("fd01::7"))
    assert (chosen.link, chosen.addresses, chosen.lacks) == (ETH1, both, "")
    alone = choose(IPV6_ALONE, RULE, families=(4,), current=chosen)
    assert isinstance(alone, Uplink)
    assert (alone.addresses, alone.lacks) == (Addresses(None, ip_address("fd01::7")), "")
    assert choose(IPV6_ALONE, RULE, families=(4, 6), current=alone) == alone


def test_without_an_ipv6_address_there_is_no_link():
    """The others could not reach this node, whatever IPv4 addresses it has."""
    chosen = choose(HOST, replace(RULE, ifaces=("eth0",)), families=(4,))
    assert isinstance(chosen, NoUplink)
    assert "no IPv6 address" in chosen.reason
