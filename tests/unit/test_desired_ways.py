"""Peers that are reached by several links: which ways there are to each."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network

import pytest

from hostgw_daemon.kernel import Leg
from hostgw_daemon.routes.desired import RouteRule, Underlay, desired
from hostgw_daemon.routes.judgement import accept
from support.lease_world import config, entry, policy

FIRST = Underlay(2, (ip_network("172.16.0.0/16"), ip_network("fd00::/64")))
SECOND = Underlay(3, (ip_network("192.168.2.0/24"), ip_network("fd52::/64")))
RULE = RouteRule(2, metric=7, underlays=(FIRST, SECOND))


def leased(name, *further, gateway="172.16.0.4", gateway6=None):
    """Write a lease with addresses on further links."""
    told = {
        "PublicIP": gateway,
        "PublicIPv6": gateway6,
        "BackendType": "host-gw",
        "PublicIPs": further,
    }
    return entry(name, raw=json.dumps(told).encode())


def shown(one, rule=RULE, rules=None):
    """Give what is desired for one lease, in words."""
    return {str(each) for each in desired(accept([one], rules or policy()), rule)}


@pytest.mark.parametrize(
    ("further", "route"),
    [
        (["192.168.2.4"], "10.5.1.0/24 via 172.16.0.4 and 192.168.2.4 metric 7"),
        (["192.168.9.4"], "10.5.1.0/24 via 172.16.0.4 metric 7"),  # on none of our links
        (["fd52::4"], "10.5.1.0/24 via 172.16.0.4 metric 7"),  # of another family
        (["x", "127.0.0.1", "192.168.2.5"], "10.5.1.0/24 via 172.16.0.4 and 192.168.2.5 metric 7"),
        ([], "10.5.1.0/24 via 172.16.0.4 metric 7"),
    ],
)
def test_a_way_by_each_link_with_an_address(further, route):
    """The addresses that a peer tells count where they are on one of our links."""
    assert shown(leased("10.5.1.0-24", *further)) == {route}


def test_which_link_is_first_does_not_matter():
    """A peer whose own first link is our second has its ways by the links that fit."""
    one = leased("10.5.1.0-24", "172.16.0.4", gateway="192.168.2.4")
    (route,) = desired(accept([one], policy()), RULE)
    legs = (Leg(ip_address("172.16.0.4").packed, 2), Leg(ip_address("192.168.2.4").packed, 3))
    assert route.form.legs == legs
    assert (route.gateway, route.link) == (b"", 0)


def test_a_peer_whose_first_address_is_elsewhere_is_reached_by_the_other():
    """One way is a plain route; a peer on none of our links is tried, so that the kernel says."""
    one = leased("10.5.1.0-24", "192.168.2.4", gateway="192.0.2.4")
    (route,) = desired(accept([one], policy()), RULE)
    assert (route.gateway, route.link) == (ip_address("192.168.2.4").packed, 3)
    assert route.form.legs == ()
    far = leased("10.5.1.0-24", "192.0.2.5", gateway="192.0.2.4")
    assert shown(far) == {"10.5.1.0/24 via 192.0.2.4 metric 7"}


def test_ipv6_has_a_route_a_way():
    """As the kernel keeps it: routes of one key, which it joins."""
    rules = policy(config(ipv6="fd00:5::/48"))
    one = leased("10.5.1.0-24&fd00:5:0:1::-64", "fd52::4", gateway6="fd00::4")
    assert shown(one, rules=rules) == {
        "10.5.1.0/24 via 172.16.0.4 metric 7",
        "fd00:5:0:1::/64 via fd00::4 metric 7",
        "fd00:5:0:1::/64 via fd52::4 metric 7",
    }


def test_with_one_link_nothing_of_it_counts():
    """A node that was not given further links routes as ever."""
    assert shown(leased("10.5.1.0-24", "192.168.2.4"), rule=RouteRule(2, metric=7)) == {
        "10.5.1.0/24 via 172.16.0.4 metric 7"
    }
