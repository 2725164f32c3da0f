from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, Presence, Refusal, Subnets
from hostgw_core.records import (
    Reservation,
    Status,
    presence_of,
    presence_value,
    reservation_of,
    reservation_value,
    status_of,
)
from hostgw_core.store import Entry

KEYS = Keys("/coreos.com/network")
V4 = Subnets(IPv4Network("10.5.52.0/24"))
DUAL = Subnets(IPv4Network("10.5.52.0/24"), IPv6Network("fd00:5:0:1::/64"))
GATEWAY = Addresses(IPv4Address("192.168.64.3"))
GATEWAY6 = Addresses(ipv6=IPv6Address("2001:db8::3"))
STATUS = Status("boot", "0.1.0", DUAL, ("fight", "held"), 42)


def presence_entry(value: bytes) -> Entry:
    """Put the value at a presence's key."""
    return Entry(KEYS.node("node-1"), value, created=3, modified=5, version=1, lease=1)


def test_a_presence_comes_back_as_it_was_written():
    """Presence and status share one value, readable with etcdctl."""
    value = presence_value(
        instance="i1", node="alpha", addresses=Addresses(GATEWAY.ipv4, GATEWAY6.ipv6), status=STATUS
    )
    assert json.loads(value) == {
        "Node": "alpha",
        "Instance": "i1",
        "BootID": "boot",
        "Version": "0.1.0",
        "Subnets": ["10.5.52.0/24", "fd00:5:0:1::/64"],
        "Addresses": ["192.168.64.3", "2001:db8::3"],
        "Conditions": ["fight", "held"],
        "Applied": 42,
    }
    entry = presence_entry(value)
    assert presence_of(KEYS, entry) == Presence(
        "node-1", "i1", "alpha", Addresses(GATEWAY.ipv4, GATEWAY6.ipv6), created=3, modified=5
    )
    assert status_of(entry) == STATUS


def test_a_presence_needs_no_status():
    """The mutex on a node id stands before there is anything to say."""
    entry = presence_entry(presence_value(instance="i", node="n", addresses=Addresses()))
    assert presence_of(KEYS, entry) == Presence("node-1", "i", "n", Addresses(), 3, 5)
    assert status_of(entry) == Status()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b'{"Node":"a"}',
        b'{"Instance":"a"}',
        b'{"Node":"a","Instance":"i","Addresses":["x"]}',
        b'{"Node":"a","Instance":"i","Addresses":["1.2.3.4","1.2.3.5"]}',
        b'{"Node":"a","Instance":"i","Addresses":"1.2.3.4"}',
        b'{"Node":"a\\n","Instance":"i"}',
        b'{"Node":"a","Instance":"i","Applied":1.5}',
    ],
)
def test_a_presence_that_is_none_is_refused(value: bytes):
    """A presence that names no instance, or two addresses of a family, is no presence."""
    refusal = presence_of(KEYS, presence_entry(value))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "malformed_value"


def test_a_presence_elsewhere_is_refused():
    """Only a node id under nodes/ is a presence's key."""
    value = presence_value(instance="i", node="n", addresses=Addresses())
    refusal = presence_of(KEYS, Entry(KEYS.nodes.start + b"a/b", value, 1, 1, 1, 1))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "malformed_key"


def test_a_status_with_two_subnets_of_a_family_is_refused():
    """A node has one subnet a family."""
    value = b'{"Node":"a","Instance":"i","Subnets":["10.0.0.0/24","10.0.1.0/24"]}'
    assert isinstance(status_of(presence_entry(value)), Refusal)
    assert isinstance(
        status_of(presence_entry(b'{"Node":"a","Instance":"i","Subnets":["x"]}')), Refusal
    )
    assert isinstance(status_of(presence_entry(b"")), Refusal)


def reservation_entry(value: bytes, key: bytes = KEYS.reservation(V4)) -> Entry:
    """Put the value at a reservation's key."""
    return Entry(key, value, created=3, modified=5, version=1, lease=0)


def test_a_reservation_is_kept_for_an_id_or_a_name():
    """The id decides where there is one; the name serves for a node that never was here."""
    by_id = reservation_of(KEYS, reservation_entry(reservation_value(node="a", node_id="1")))
    assert by_id == Reservation(KEYS.reservation(V4), V4, "a", "1", 5)
    assert by_id.meant_for(node="renamed", node_id="1")
    assert not by_id.meant_for(node="a", node_id="2")
    by_name = reservation_of(KEYS, reservation_entry(reservation_value(node="a")))
    assert isinstance(by_name, Reservation)
    assert by_name.meant_for(node="a", node_id="2")
    assert not by_name.meant_for(node="b", node_id="2")


@pytest.mark.parametrize(
    "value", [b"{}", b"", b'{"Node":""}', b'{"Node":"\\u0000"}', b'{"Node":1}']
)
def test_a_reservation_for_nobody_is_refused(value: bytes):
    """A reservation names its node."""
    refusal = reservation_of(KEYS, reservation_entry(value))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "malformed_value"


def test_a_reservation_at_a_leases_key_is_refused():
    """The key decides what a record is."""
    refusal = reservation_of(KEYS, reservation_entry(reservation_value(node="a"), KEYS.lease(V4)))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "malformed_key"
