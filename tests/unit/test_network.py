"""The network configuration means what flannel's documents say it means."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest

from hostgw_core.model import ClusterConfig, Pool
from hostgw_core.network import Reading, config_of, read_config
from hostgw_core.store import Entry
from support.network_config import BASE, BASE6, read

KEY = b"/coreos.com/network/config"


def pool4(fields: dict[str, Any]) -> Pool:
    """Give the IPv4 pool of a configuration that is right."""
    reading = read(BASE | fields)
    assert reading.problems == ()
    assert reading.config is not None
    assert reading.config.ipv4 is not None
    return reading.config.ipv4


def pool6(fields: dict[str, Any]) -> Pool:
    """Give the IPv6 pool of a configuration that is right."""
    reading = read(BASE6 | fields)
    assert reading.problems == ()
    assert reading.config is not None
    assert reading.config.ipv6 is not None
    return reading.config.ipv6


def ends(pool: Pool) -> tuple[int, str, str]:
    """Say a pool in short."""
    return pool.length, str(pool.first), str(pool.last)


def test_the_simplest_configuration_of_flannels_documents():
    """A network and a backend are enough; the first subnet is left out."""
    reading = read(BASE)
    assert reading == Reading(
        ClusterConfig(
            Pool(
                IPv4Network("10.5.0.0/16"), 24, IPv4Address("10.5.1.0"), IPv4Address("10.5.255.0")
            ),
            None,
            3,
        )
    )


def test_flannels_documented_example_with_all_fields():
    """Network, SubnetLen, SubnetMin and SubnetMax of flannel's configuration.md."""
    pool = pool4(
        {
            "Network": "10.0.0.0/8",
            "SubnetLen": 20,
            "SubnetMin": "10.10.0.0",
            "SubnetMax": "10.99.0.0",
        }
    )
    assert ends(pool) == (20, "10.10.0.0", "10.99.0.0")
    assert pool.size == 1425


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("10.0.0.0/8", (24, "10.0.1.0", "10.255.255.0")),
        ("10.5.0.0/21", (24, "10.5.1.0", "10.5.7.0")),
        ("10.5.0.0/22", (24, "10.5.1.0", "10.5.3.0")),
        ("10.5.0.0/23", (25, "10.5.0.128", "10.5.1.128")),
        ("10.5.0.0/24", (26, "10.5.0.64", "10.5.0.192")),
        ("10.5.0.0/28", (30, "10.5.0.4", "10.5.0.12")),
        ("10.5.7.9/16", (24, "10.5.1.0", "10.5.255.0")),
        ("240.1.0.0/16", (24, "240.1.1.0", "240.1.255.0")),
    ],
)
def test_defaults_follow_the_width_of_the_network(network: str, expected: tuple[int, str, str]):
    """/24 where four of them fit, else a quarter of the network; host bits are cleared."""
    assert ends(pool4({"Network": network})) == expected


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("fd00:5::/48", (64, "fd00:5:0:1::", "fd00:5:0:ffff::")),
        ("fd00:5::/62", (64, "fd00:5:0:1::", "fd00:5:0:3::")),
        ("fd00:5::/63", (65, "fd00:5:0:0:8000::", "fd00:5:0:1:8000::")),
        ("fd00:5::/124", (126, "fd00:5::4", "fd00:5::c")),
        ("2001:db8::/32", (64, "2001:db8:0:1::", "2001:db8:ffff:ffff::")),
    ],
)
def test_ipv6_has_the_same_rules_with_its_own_numbers(network: str, expected: tuple[int, str, str]):
    """/64 where four of them fit, else a quarter of the network; IPv6 alone is a network."""
    assert ends(pool6({"IPv6Network": network})) == expected


def test_zero_means_not_given():
    """As flannel cannot tell zero from nothing, neither do we."""
    assert pool4({"SubnetLen": 0, "SubnetMin": "0.0.0.0", "SubnetMax": "0.0.0.0"}) == pool4({})
    zero = {"IPv6SubnetLen": 0, "IPv6SubnetMin": "::", "IPv6SubnetMax": None}
    assert pool6(zero) == pool6({})


def test_null_leaves_a_number_or_a_flag_as_it_is():
    """In Go, null for a number or a flag is no value."""
    assert pool4({"SubnetLen": None, "EnableIPv4": None, "EnableIPv6": None}) == pool4({})
    assert read_config(
        b'{"Network":"10.5.0.0/16","SubnetLen":26,"subnetlen":null,"Backend":{"Type":"host-gw"}}',
        source="F",
    ).config == ClusterConfig(pool4({"SubnetLen": 26}), None)


def test_the_first_subnet_can_be_asked_for():
    """SubnetMin at the network's first address is allowed when somebody writes it."""
    assert ends(pool4({"SubnetMin": "10.5.0.0"})) == (24, "10.5.0.0", "10.5.255.0")
    assert pool4({"SubnetMin": "10.5.9.0", "SubnetMax": "10.5.9.0"}).size == 1


def test_names_count_in_any_case_and_the_last_one_wins():
    """Go folds the case of names; flannel folds the case of the backend's type."""
    value = (
        b'{"NETWORK":"10.9.0.0/16","network":"10.5.0.0/16","subnetLEN":25,"BackEnd":'
        b'{"type":"x","TYPE":"Host-GW"}}'
    )
    reading = read_config(value, source="F")
    assert reading.config is not None
    assert reading.config.ipv4 == pool4({"SubnetLen": 25})


def test_both_families():
    """Dual stack has a pool a family."""
    reading = read(BASE | {"EnableIPv6": True, "IPv6Network": "fd00:5::/48"})
    assert reading.config == ClusterConfig(pool4({}), pool6({}), 3)
    assert reading.config.ipv6 == Pool(
        IPv6Network("fd00:5::/48"),
        64,
        IPv6Address("fd00:5:0:1::"),
        IPv6Address("fd00:5:0:ffff::"),
    )
    assert reading.remarks == ()


def test_remarks_hinder_nothing():
    """What is ignored or understood otherwise is said, and the configuration stands."""
    reading = read(
        BASE
        | {
            "Network": "10.5.1.2/16",
            "SubnetLength": 24,
            "IPv6Network": "fd00::/48",
            "EnableNFTables": True,
            "Backend": {"Type": "host-gw", "MTU": 1400},
        }
    )
    assert reading.config is not None
    assert list(reading.remarks) == [
        "F: the unknown field 'SubnetLength' is ignored",
        "F: Backend has 'MTU', which means nothing to host-gw",
        "F: Network '10.5.1.2/16' is taken for 10.5.0.0/16",
        "F: IPv6Network is ignored while EnableIPv6 is false",
    ]
    small = read(BASE | {"EnableIPv6": True, "IPv6Network": "fd00:5::/62"})
    assert small.config is not None
    assert "only 3 of 255" in small.remarks[0]


def test_the_key_is_read_with_its_revision():
    """A claim compares the revision of the very configuration that it goes by."""
    entry = Entry(KEY, json.dumps(BASE).encode(), created=2, modified=17, version=3, lease=0)
    config = config_of(entry)
    assert config == ClusterConfig(pool4({}), None, 17)
