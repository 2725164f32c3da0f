from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, Lease, Refusal, Subnets
from hostgw_core.records import lease_of, lease_value
from hostgw_core.store import Entry

KEYS = Keys("/coreos.com/network")
V4 = Subnets(IPv4Network("10.5.52.0/24"))
V6 = Subnets(ipv6=IPv6Network("fd00:5:0:1::/64"))
DUAL = Subnets(V4.ipv4, V6.ipv6)
GATEWAY = Addresses(IPv4Address("192.168.64.3"))
GATEWAY6 = Addresses(ipv6=IPv6Address("2001:db8::3"))


def lease_entry(value: bytes | str, subnets: Subnets = V4) -> Entry:
    """Put the value at a lease's key."""
    value = value if isinstance(value, bytes) else value.encode()
    return Entry(KEYS.lease(subnets), value, created=7, modified=9, version=2, lease=0x1234)


def refused(value: bytes | str, subnets: Subnets = V4) -> str:
    """Give the reason for which the value is refused."""
    refusal = lease_of(KEYS, lease_entry(value, subnets))
    assert isinstance(refusal, Refusal), refusal
    assert refusal.detail
    assert refusal.key == KEYS.lease(subnets)
    return refusal.reason


def accepted(value: bytes | str, subnets: Subnets = V4) -> Lease:
    """Give the lease that the value is."""
    lease = lease_of(KEYS, lease_entry(value, subnets))
    assert isinstance(lease, Lease), lease
    return lease


def test_flannels_own_value_is_a_lease_without_a_node():
    """The value that flannel 0.20 writes for host-gw is understood as it stands."""
    lease = accepted('{"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"host-gw"}')
    assert lease == Lease(
        b"/coreos.com/network/subnets/10.5.52.0-24",
        V4,
        GATEWAY,
        "host-gw",
        node="",
        node_id="",
        created=7,
        modified=9,
        etcd_lease=0x1234,
    )


def test_our_value_begins_with_flannels_very_bytes():
    """The fields stand in flannel's order; ours follow them."""
    assert lease_value(gateways=GATEWAY, node="alpha", node_id="d942") == (
        b'{"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"host-gw",'
        b'"Node":"alpha","NodeID":"d942"}'
    )
    assert lease_value(
        gateways=Addresses(GATEWAY.ipv4, GATEWAY6.ipv6), backend="quarantine", node="b", node_id="c"
    ) == (
        b'{"PublicIP":"192.168.64.3","PublicIPv6":"2001:db8::3","BackendType":"quarantine",'
        b'"Node":"b","NodeID":"c"}'
    )


def test_ipv6_alone_needs_no_public_ip():
    """A lease of IPv6 alone has PublicIP null, absent, or Go's zero address."""
    for public in ('"PublicIP":null,', "", '"PublicIP":"0.0.0.0",'):
        value = f'{{{public}"PublicIPv6":"2001:db8::3","BackendType":"host-gw"}}'
        assert accepted(value, V6).gateways == GATEWAY6


def test_an_address_without_a_subnet_spoils_nothing():
    """Whatever stands for a family that the lease has no subnet of, the other one is routed to."""
    for public in ("fe80::1", "::", "x"):
        value = f'{{"PublicIP":"192.168.64.3","PublicIPv6":"{public}","BackendType":"host-gw"}}'
        assert accepted(value).gateways == GATEWAY
    both = '{"PublicIP":"192.168.64.3","PublicIPv6":"2001:db8::3","BackendType":"host-gw"}'
    assert accepted(both).gateways == Addresses(GATEWAY.ipv4, GATEWAY6.ipv6)


def test_a_dual_stack_lease_may_lack_one_address():
    """One family's missing address does not spoil the other's route."""
    lease = accepted('{"PublicIP":"192.168.64.3","BackendType":"host-gw"}', DUAL)
    assert lease.subnets == DUAL
    assert lease.gateways == GATEWAY


def test_field_names_count_in_any_case_as_in_go():
    """A hand-written record with small letters means to us what it means to flannel."""
    lease = accepted('{"publicip":"192.168.64.3","BACKENDTYPE":"host-gw","node":"a"}')
    assert (lease.gateways, lease.node) == (GATEWAY, "a")


def test_unknown_fields_are_ignored():
    """What other backends or later versions add does no harm."""
    lease = accepted(
        '{"PublicIP":"192.168.64.3","BackendType":"host-gw","BackendData":{"VNI":1},"X":[1,{}]}'
    )
    assert lease.gateways == GATEWAY


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff",
        b'{"PublicIP":"\xff","BackendType":"host-gw"}',
        b'{"PublicIP":5,"BackendType":"host-gw"}',
        b'{"PublicIP":"1.2.3.4","BackendType":5}',
        b'{"PublicIP":"1.2.3.4","BackendType":"host-gw","Node":"' + b"n" * 254 + b'"}',
        b'{"PublicIP":"1.2.3.4","BackendType":"host-gw","NodeID":"' + b"n" * 254 + b'"}',
        b'{"PublicIP":"1.2.3.4","BackendType":"host-gw","Node":"\\u001b[31m"}',
        b'{"PublicIP":"1.2.3.4","BackendType":"host-gw"} x',
        b'{"PublicIP":"1.2.3.4","BackendType":"host-gw","X":"' + b"x" * 65536 + b'"}',
        b'{"PublicIP":"1.2.3.4","BackendType":"host-gw","X":' + b"[" * 60000,
        b'{"publicip":5,"backendtype":"host-gw"}',
        b'{"BackendType":"host-gw","publicip":"\\ud800"}',
    ],
)
def test_a_value_that_is_none_is_refused(value: bytes):
    """Bytes that are no lease give a reason and no exception."""
    assert refused(value) == "malformed_value"


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "224.0.0.5",
        "239.255.255.255",
        "255.255.255.255",
        "",
        "192.168.64.3/24",
        "192.168.064.3",
        " 192.168.64.3",
        "192.168.64",
        "node-1",
        "fd00::1",
        "1",
    ],
)
def test_an_address_that_is_no_gateway_is_refused(address: str):
    """What cannot be a neighbour's IPv4 address spoils the record."""
    value = json.dumps({"PublicIP": address, "BackendType": "host-gw"})
    assert refused(value) == "bad_address"


@pytest.mark.parametrize(
    "address",
    ["::", "::1", "ff02::1", "fe80::1", "fd00::1%eth0", "::ffff:192.168.64.3", "192.168.64.3", "x"],
)
def test_an_ipv6_address_that_is_no_gateway_is_refused(address: str):
    """What cannot be a neighbour's global IPv6 address spoils the record."""
    value = json.dumps({"PublicIPv6": address, "BackendType": "host-gw"})
    assert refused(value, V6) == "bad_address"


def test_addresses_on_further_links_are_told_and_read():
    """Where a node has some; a lease of a node with one link is the very bytes that it was."""
    further = (ip_address("192.168.2.4"), ip_address("fd52::4"))
    gateways = Addresses(IPv4Address("192.168.64.3"))
    value = lease_value(gateways=gateways, node="alpha", node_id="a", further=further)
    assert value == (
        b'{"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"host-gw","Node":"alpha",'
        b'"NodeID":"a","PublicIPs":["192.168.2.4","fd52::4"]}'
    )
    assert accepted(value.decode()).further == further
    plain = lease_value(gateways=gateways, node="alpha", node_id="a")
    assert b"PublicIPs" not in plain
    assert accepted(plain.decode()).further == ()
    odd = '{"PublicIP":"192.168.64.3","BackendType":"host-gw","PublicIPs":["x","::1","10.0.0.1"]}'
    assert accepted(odd).further == (ip_address("10.0.0.1"),)


def test_a_lease_without_any_address_is_refused():
    """A subnet without any way to it; whether another family leads there, who routes says."""
    assert refused('{"BackendType":"host-gw"}') == "bad_address"
    assert refused('{"PublicIP":null,"PublicIPv6":null,"BackendType":"host-gw"}') == "bad_address"
    read = accepted('{"PublicIPv6":"2001:db8::3","BackendType":"host-gw"}')
    assert read.gateways == Addresses(None, IPv6Address("2001:db8::3"))


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.3.4", "223.255.255.255", "240.0.0.1"])
def test_every_unicast_address_may_be_a_gateway(address: str):
    """Link-local and formerly reserved IPv4 addresses are in use on real links."""
    value = json.dumps({"PublicIP": address, "BackendType": "host-gw"})
    assert accepted(value).gateways == Addresses(IPv4Address(address))


@pytest.mark.parametrize("backend", ["vxlan", "Host-GW", ""])
def test_another_backend_is_no_peer_of_ours(backend: str):
    """Like flannel, no route for a peer of another BackendType; it can still be looked at."""
    value = lease_value(gateways=GATEWAY, backend=backend, node="a", node_id="b")
    assert refused(value) == "other_backend"
    lease = lease_of(KEYS, lease_entry(value), any_backend=True)
    assert isinstance(lease, Lease)
    assert (lease.backend, lease.gateways, lease.node_id) == (backend, GATEWAY, "b")


def test_a_refusal_says_what_is_wrong_where_and_what_helps():
    """The sentence names the key, the reason and the cure, and is short whatever was written."""
    value = json.dumps({"PublicIP": "x" * 60000, "BackendType": "host-gw"}).encode()
    refusal = lease_of(KEYS, lease_entry(value))
    assert isinstance(refusal, Refusal)
    assert "/coreos.com/network/subnets/10.5.52.0-24" in refusal.detail
    assert "correct PublicIP" in refusal.detail
    assert len(refusal.detail) < 500
