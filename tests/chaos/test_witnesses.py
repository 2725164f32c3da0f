"""What witnesses read, in the words of those who wrote it."""

import base64
import json
from ipaddress import IPv4Address

import pytest

from chaos.record import LeaseEvent
from chaos.settle import expected, routable
from chaos.store_witness import LEASES, understand

GOOD = {"PublicIP": "198.18.8.8", "PublicIPv6": None, "BackendType": "host-gw"}


def said(key, value, **more):
    """Give one event as etcdctl writes it."""
    text = base64.b64encode(f"{LEASES}{key}".encode()).decode()
    return {"kv": {"key": text, "value": base64.b64encode(value).decode(), **more}}


def test_a_write_and_an_end_of_a_lease():
    """With its node, its revision, and whether the key is new."""
    value = json.dumps({**GOOD, "NodeID": "a"}).encode()
    new = said("10.244.1.0-24", value, mod_revision=5, create_revision=5)
    end = {"type": 1, **said("10.244.1.0-24", b"", mod_revision=6)}
    assert understand({"Events": [new, end]}, 2, 9.0) == [
        LeaseEvent(2, 5, 9.0, False, "10.244.1.0-24", "a", "198.18.8.8", True),
        LeaseEvent(2, 6, 9.0, True, "10.244.1.0-24"),
    ]
    assert understand({"Events": None}, 0, 0.0) == []


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"7", b'{"NodeID": 7}', b"\xff"])
def test_a_record_that_nobody_can_read_names_no_node(value):
    """And is an event all the same."""
    (event,) = understand({"Events": [said("x", value, mod_revision=1)]}, 0, 0.0)
    assert event.node == ""


@pytest.mark.parametrize(
    ("key", "differs"),
    [
        ("0.0.0.0-0", {}),
        ("198.18.0.0-24", {}),
        ("10.244.0.0-16", {}),
        ("10.244.7.0-25", {}),
        ("10.244.7.1-24", {}),
        ("nonsense", {}),
        ("10.244.7.0-24", {"PublicIP": "127.0.0.1"}),
        ("10.244.7.0-24", {"PublicIP": 7}),
        ("10.244.7.0-24", {"BackendType": "vxlan"}),
    ],
)
def test_a_record_that_must_not_be_routed_to(key, differs):
    """Outside the network, of another size, or with an impossible gateway."""
    assert routable(key, json.dumps({**GOOD, **differs}).encode()) is None


def test_the_routes_that_a_host_must_have():
    """One for each good lease of another."""
    leases = [
        ("10.244.7.0-24", json.dumps(GOOD).encode()),
        ("10.244.8.0-24", json.dumps({**GOOD, "PublicIP": "198.18.0.1"}).encode()),
        ("10.244.9.0-24", b"{"),
    ]
    assert expected(leases, IPv4Address("198.18.0.1")) == {"10.244.7.0/24": "198.18.8.8"}
