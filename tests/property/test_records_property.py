from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, Lease, Presence, Refusal, Subnets
from hostgw_core.network import config_of, read_config
from hostgw_core.records import (
    Reservation,
    Status,
    lease_of,
    lease_value,
    presence_of,
    presence_value,
    reservation_of,
    reservation_value,
    status_of,
)
from hostgw_core.store import Entry

KEYS = Keys("/coreos.com/network")

networks4 = st.builds(
    lambda number, length: IPv4Network((number >> (32 - length) << (32 - length), length)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
networks6 = st.builds(
    lambda number, length: IPv6Network((number >> (128 - length) << (128 - length), length)),
    st.integers(0, 2**128 - 1),
    st.integers(0, 128),
)
some_subnets = st.one_of(
    st.builds(Subnets, networks4),
    st.builds(Subnets, networks4, networks6),
    st.builds(Subnets, st.none(), networks6),
)
gateways4 = st.integers(0x01000000, 0x7EFFFFFF).map(IPv4Address)
gateways6 = st.integers(0x20 << 120, (0x3F << 120) + 2**120 - 1).map(IPv6Address)
names = st.text("abcxyz-.012", max_size=253)
node_ids = st.from_regex(r"[0-9a-f][0-9a-f-]{0,40}", fullmatch=True)

# JSON as an enemy or an accident may write it: any shape, or ours with any one thing replaced.
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = (
    *("PublicIP", "PublicIPv6", "BackendType", "Node", "NodeID", "publicip", "Instance", "Subnets"),
    *("Addresses", "Conditions", "Applied", "Network", "SubnetLen", "SubnetMin", "SubnetMax"),
    *("IPv6Network", "IPv6SubnetMin", "IPv6SubnetMax", "IPv6SubnetLen", "Backend", "EnableIPv6"),
)
plausible = st.one_of(
    any_json,
    st.sampled_from(
        [
            "host-gw",
            "10.5.0.0/16",
            "10.5.1.0",
            "fd00::/48",
            "fd00:0:0:1::",
            "::1",
            "%",
            "/",
            True,
            24,
        ]
    ),
    st.just({"Type": "host-gw"}),
)
our_json = st.dictionaries(st.sampled_from(FIELDS), plausible, max_size=8)
values = st.one_of(
    st.binary(max_size=200),
    any_json.map(lambda value: json.dumps(value).encode()),
    our_json.map(lambda value: json.dumps(value).encode()),
)
suffixes = st.one_of(
    st.binary(max_size=60),
    st.from_regex(r"[0-9.]{0,16}-[0-9]{0,3}(&[0-9a-f:]{0,40}-[0-9]{0,3})?").map(str.encode),
    st.just(b"10.5.52.0-24"),
)
places = st.sampled_from(
    [KEYS.subnets.start, KEYS.subnets6.start, KEYS.reservations.start, KEYS.nodes.start, b""]
)
entries = st.builds(
    lambda place, suffix, value: Entry(place + suffix, value, 1, 2, 3, 4), places, suffixes, values
)


@given(some_subnets)
def test_every_subnet_has_one_key_that_says_it(subnets: Subnets):
    """Naming and reading are inverse; the key lies in its block and is spelled as by hand."""
    key = KEYS.lease(subnets)
    assert KEYS.subnets_of(key) == subnets
    assert key in KEYS.block(subnets)
    by_hand = "&".join(str(subnet).replace("/", "-") for subnet in subnets)
    assert key.endswith(b"/" + by_hand.encode())
    assert KEYS.reserved_by(KEYS.reservation(subnets)) == subnets


@given(st.binary(max_size=80) | st.builds(bytes.__add__, places, suffixes))
def test_a_key_that_is_read_is_the_key_that_is_written(key: bytes):
    """No key but the one is read as a subnet: there are no two spellings."""
    subnets = KEYS.subnets_of(key)
    assert isinstance(subnets, Refusal) or KEYS.lease(subnets) == key
    reserved = KEYS.reserved_by(key)
    assert isinstance(reserved, Refusal) or KEYS.reservation(reserved) == key
    node_id = KEYS.node_of(key)
    assert isinstance(node_id, Refusal) or KEYS.node(node_id) == key


@given(some_subnets, gateways4, gateways6, names, node_ids)
def test_a_lease_comes_back_as_it_was_written(
    subnets: Subnets, ipv4: IPv4Address, ipv6: IPv6Address, node: str, node_id: str
):
    """What one daemon writes, the next reads; json, which knows nothing of it, sees the same."""
    gateways = Addresses(ipv4 if subnets.ipv4 else None, ipv6 if subnets.ipv6 else None)
    value = lease_value(gateways=gateways, node=node, node_id=node_id)
    assert json.loads(value) == {
        "PublicIP": str(ipv4) if subnets.ipv4 else None,
        "PublicIPv6": str(ipv6) if subnets.ipv6 else None,
        "BackendType": "host-gw",
        "Node": node,
        "NodeID": node_id,
    }
    entry = Entry(KEYS.lease(subnets), value, 11, 12, 13, 14)
    assert lease_of(KEYS, entry) == Lease(
        entry.key,
        subnets,
        gateways,
        "host-gw",
        node,
        node_id,
        created=11,
        modified=12,
        etcd_lease=14,
    )


statuses = st.builds(
    Status,
    st.just("boot"),
    st.just("1.2.3"),
    some_subnets,
    st.lists(names, max_size=3).map(tuple),
    st.integers(0, 2**62),
)


@given(node_ids, names, names, statuses)
def test_a_presence_comes_back_as_it_was_written(
    node_id: str, node: str, instance: str, status: Status
):
    """Presence and status survive the store."""
    addresses = Addresses(IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1"))
    value = presence_value(instance=instance, node=node, addresses=addresses, status=status)
    entry = Entry(KEYS.node(node_id), value, 1, 2, 3, 4)
    assert presence_of(KEYS, entry) == Presence(node_id, instance, node, addresses, 1, 2)
    assert status_of(entry) == status


@given(some_subnets, names, node_ids)
def test_a_reservation_comes_back_as_it_was_written(subnets: Subnets, node: str, node_id: str):
    """A reservation survives the store."""
    entry = Entry(
        KEYS.reservation(subnets), reservation_value(node=node, node_id=node_id), 1, 2, 3, 0
    )
    assert reservation_of(KEYS, entry) == Reservation(entry.key, subnets, node, node_id, 2)


@given(entries)
def test_reading_any_bytes_gives_a_value_or_a_reason(entry: Entry):
    """No key and no value makes a reader raise; a refusal has a sentence of bounded length."""
    results: list[Any] = [
        lease_of(KEYS, entry),
        lease_of(KEYS, entry, any_backend=True),
        presence_of(KEYS, entry),
        status_of(entry),
        reservation_of(KEYS, entry),
        config_of(entry),
    ]
    for result in results:
        assert isinstance(result, Lease | Presence | Status | Reservation | ClusterConfig | Refusal)
        if isinstance(result, Refusal):
            assert result.key == entry.key
            assert result.reason
            assert 0 < len(result.detail) < 1000
            assert result.detail.isprintable()


@given(our_json)
def test_a_configuration_that_is_read_can_be_leased_from(fields: dict[str, Any]):
    """Any configuration without a problem has subnets on their boundaries, inside their network."""
    reading = read_config(json.dumps(fields).encode(), source="F")
    assert (reading.config is None) == bool(reading.problems)
    for pool in (reading.config.ipv4, reading.config.ipv6) if reading.config else ():
        if pool is None:
            continue
        size = 1 << (pool.network.max_prefixlen - pool.length)
        assert pool.size >= 1
        assert int(pool.first) % size == int(pool.last) % size == 0
        assert pool.first in pool.network
        assert pool.last + (size - 1) in pool.network
