"""Whom there is to ask: whatever comes first, and whatever goes and comes back."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from types import MappingProxyType

from hostgw_core.model import Addresses, Subnets
from hostgw_daemon.probe.aims import Aims
from support.parts import OWN, lease, roster

OTHERS = {(lease(number).key, 4) for number in (1, 2, 3)}
NONE = Subnets()


def test_nobody_is_asked_before_we_have_a_subnet_ourselves():
    """There is no address to ask from; then all are, whoever was told first."""
    for first in ("roster", "ours"):
        aims = Aims()
        if first == "roster":
            assert aims.understood("a", roster(3), None) == {}
            changes = aims.hold("a", OWN.subnets)
        else:
            assert aims.hold("a", OWN.subnets) == {}
            changes = aims.understood("a", roster(3), None)
        assert changes.keys() == aims.targets.keys() == OTHERS
        assert changes == aims.targets


def test_a_subnet_that_is_lost_and_had_again_leaves_nobody_out():
    """No roster changes with it, so nobody else says that all are to be asked again."""
    aims = Aims()
    aims.hold("a", OWN.subnets)
    aims.understood("a", roster(3), None)
    before = dict(aims.targets)
    assert aims.hold("a", NONE) == dict.fromkeys(OTHERS)
    assert aims.understood("a", roster(3), frozenset()) == {}
    assert aims.targets == {}
    assert aims.hold("a", OWN.subnets) == before == aims.targets


def test_only_what_changed_comes_out():
    """The same once more is no change; one that moved, came or went is."""
    aims = Aims()
    aims.hold("a", OWN.subnets)
    aims.understood("a", roster(3), None)
    assert aims.understood("a", roster(3), None) == {}
    assert aims.hold("a", OWN.subnets) == {}
    moved = replace(lease(2), gateways=Addresses(ip_address("192.0.2.77")))
    fresh = dict(roster(4).peers)
    fresh[moved.key] = replace(fresh[moved.key], lease=moved)
    del fresh[lease(3).key]
    keys = frozenset({moved.key, lease(3).key, lease(4).key})
    changes = aims.understood("a", replace(roster(4), peers=MappingProxyType(fresh)), keys)
    assert changes.keys() == {(key, 4) for key in keys}
    assert changes[lease(3).key, 4] is None
    found = changes[moved.key, 4]
    assert found is not None
    assert str(found.host) == "192.0.2.77"
    assert aims.targets.keys() == {(lease(number).key, 4) for number in (1, 2, 4)}


def test_each_network_has_a_subnet_of_ours():
    """What is lost in one changes nothing in another."""
    aims = Aims()
    blue = ip_network("10.200.0.0/24")
    for network, ours in (("a", OWN.subnets), ("b", Subnets(blue))):
        aims.hold(network, ours)
    aims.understood("a", roster(1), None)
    other = lease(2)
    peers = {other.key: roster(2).peers[other.key]}
    aims.understood("b", replace(roster(0), peers=MappingProxyType(peers)), None)
    assert {str(each.ours) for each in aims.targets.values()} == {"10.0.0.1", "10.200.0.1"}
    assert aims.hold("a", NONE).keys() == {(lease(1).key, 4)}
    assert aims.targets.keys() == {(other.key, 4)}
