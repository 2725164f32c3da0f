"""What a writer of the prefix can make a node route: never what is no container's.

The oracle knows nothing of the program: it compares each route with what is forbidden, by hand.
"""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_core.model import Addresses, ClusterConfig
from hostgw_core.network import config_of
from hostgw_core.store import Entry
from hostgw_daemon.routes.desired import RouteRule, desired
from hostgw_daemon.routes.judgement import accept, amend
from hostgw_daemon.routes.peers import Policy
from support.lease_world import KEYS, ME

LAN, OWN, ADDRESS = "192.168.48.0/20", "10.5.100.0/24", "192.168.50.10"
FORBIDDEN = [
    *map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")),
    *map(ip_network, ("255.255.255.255/32", "::/127", "::ffff:0:0/96", "fe80::/10", "ff00::/8")),
    *map(ip_network, (LAN, OWN)),
]
NETWORKS = (
    *("10.5.0.0/16", "10.5.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"),
    *("127.0.0.0/8", "224.0.0.0/4", "192.0.0.0/3", "192.168.0.0/16", LAN, "192.168.50.0/24"),
    *("169.254.0.0/16", "255.255.255.0/24", "10.5.100.0/24", "240.0.0.0/4", "10.5.0.0/28"),
)
numbers = st.sampled_from([0, 1, 2, 10, 24, 30, 31, 32, 33, 10**9])
configurations = st.builds(
    lambda network, length: json.dumps(
        {"Network": network, "SubnetLen": length, "Backend": {"Type": "host-gw"}}
    ).encode(),
    st.sampled_from(NETWORKS),
    numbers,
)
places = st.sampled_from(
    [ip_network(each).network_address for each in (*NETWORKS, "10.5.7.0/24", OWN, "127.0.0.0/8")]
)


def spelled(address, offset, length):
    """Spell the subnet of a length that an address near a place lies in."""
    number = (int(address) + offset) % (1 << 32) >> (32 - length) << (32 - length)
    return f"subnets/{ip_address(number)}-{length}"


names = st.builds(spelled, places, st.integers(0, 1 << 16), st.integers(1, 32)) | st.sampled_from(
    ["subnets/0.0.0.0-0", "subnets/10.5.100.128-25", "hostgw/subnets6/::-0", "subnets/10.5.7.0-024"]
)
gateways = st.sampled_from(
    [
        *("192.168.51.9", "192.168.51.9", "192.168.51.8", ADDRESS, "127.0.0.1", "0.0.0.0"),
        *(
            "224.0.0.1",
            "255.255.255.255",
            "10.5.7.9",
            "10.5.100.1",
            "::1",
            "\uff11.2.3.4",
            "",
            None,
        ),
    ]
)
nodes = st.sampled_from(["", "", "other", ME])
values = st.builds(
    lambda gateway, node: json.dumps(
        {"PublicIP": gateway, "BackendType": "host-gw", "NodeID": node}
    ).encode(),
    gateways,
    nodes,
) | st.sampled_from([b"", b"[" * 3000, b'{"PublicIP":1e999}', b'{"a":' * 100])
records = st.lists(st.tuples(names, values), max_size=12)


def entries(written, start):
    """Write records one after the other."""
    return {
        each: Entry(f"{KEYS.prefix}/{each}".encode(), value, start + n, start + n, 1, 0)
        for n, (each, value) in enumerate(written)
    }


def harmless(roster, config):
    """Look at every route, by hand."""
    for route in desired(roster, RouteRule(2)):
        network, gateway = ip_network(route.prefix), ip_address(route.gateway)
        whole = config.ipv4.network
        assert network.version == 4
        assert network.subnet_of(whole)
        assert network.prefixlen >= whole.prefixlen + 2
        assert not any(network.overlaps(each) for each in FORBIDDEN if each.version == 4), network
        assert gateway not in network
        assert str(gateway) != ADDRESS
        assert not gateway.is_loopback
        assert not gateway.is_multicast
        assert not gateway.is_unspecified
        assert str(gateway) != "255.255.255.255"


@given(configurations, records, records)
@settings(max_examples=200, deadline=None)
def test_no_record_and_no_network_makes_a_harmful_route(content, first, second):
    """Whatever network is written and whatever leases: judged at once, and amended."""
    config = config_of(Entry(KEYS.config, content, 1, 1, 1, 0))
    if not isinstance(config, ClusterConfig):
        return  # the last good one stays in force
    ours = (ip_network(LAN), ip_network(OWN))
    rules = Policy(KEYS, config, ME, Addresses(ip_address(ADDRESS)), ours)
    before = accept(entries(first, 10).values(), rules)
    harmless(before, config)
    changes = entries(second, 50)
    amended = amend(before, changes.values())
    if amended is not None:
        harmless(amended[0], config)
    harmless(accept({**entries(first, 10), **changes}.values(), rules, before), config)


@given(st.sampled_from(NETWORKS), numbers)
def test_a_network_with_addresses_that_no_container_has_is_refused(network, length):
    """The default route, loopback, multicast and link-local are no network, nor part of one."""
    content = {"Network": network, "SubnetLen": length, "Backend": {"Type": "host-gw"}}
    config = config_of(Entry(KEYS.config, json.dumps(content).encode(), 1, 1, 1, 0))
    if isinstance(config, ClusterConfig):
        assert config.ipv4 is not None
        special = [each for each in FORBIDDEN[:5] if each.version == 4]
        assert not any(config.ipv4.network.overlaps(each) for each in special)
