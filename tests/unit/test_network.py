from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest

from hostgw_core.model import ClusterConfig, Pool, Refusal
from hostgw_core.network import Reading, config_of, read_config
from hostgw_core.store import Entry

KEY = b"/coreos.com/network/config"
BACKEND: dict[str, Any] = {"Backend": {"Type": "host-gw"}}
BASE: dict[str, Any] = {"Network": "10.5.0.0/16", **BACKEND}
BASE6: dict[str, Any] = {
    "EnableIPv4": False, "EnableIPv6": True, "IPv6Network": "fd00:5::/48", **BACKEND
}  # fmt: skip


def read(fields: Any) -> Reading:
    """Read a configuration given as what JSON holds."""
    return read_config(json.dumps(fields).encode(), source="F", revision=3)


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


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Network": None}, ["Network is null"]),
        ({"Network": "10.5.0.0"}, ["Network is '10.5.0.0'", "an address and a length"]),
        ({"Network": "10.5.0.0/33"}, ["an address and a length"]),
        ({"Network": "10.05.0.0/16"}, ["an address and a length"]),
        ({"Network": "10.5.0.0/255.255.0.0"}, ["an address and a length"]),
        ({"Network": 10}, ["Network is 10", "an address and a length"]),
        ({"Network": "fd00::/48"}, ["IPv4 belongs into Network"]),
        ({"Network": "0.0.0.0/0"}, ["0.0.0.0/8", "choose a private network"]),
        ({"Network": "127.5.0.0/16"}, ["127.0.0.0/8"]),
        ({"Network": "169.254.0.0/16"}, ["169.254.0.0/16"]),
        ({"Network": "224.0.0.0/8"}, ["224.0.0.0/4"]),
        ({"Network": "255.255.0.0/16"}, ["255.255.255.255/32"]),
        ({"Network": "10.5.0.0/29"}, ["too small for four subnets", "/28"]),
        ({"Network": "10.5.0.0/29", "SubnetLen": 30}, ["too small for four subnets"]),
        ({"SubnetLen": 31}, ["SubnetLen is 31", "18 to 30"]),
        ({"SubnetLen": 17}, ["SubnetLen is 17", "18 to 30"]),
        ({"SubnetLen": "24"}, ["SubnetLen is '24'", "without quotes"]),
        ({"SubnetLen": -1}, ["SubnetLen is -1"]),
        ({"SubnetLen": 24.0}, ["SubnetLen is 24.0"]),
        ({"SubnetLen": True}, ["SubnetLen is true"]),
        ({"SubnetMin": "10.6.0.0"}, ["SubnetMin is 10.6.0.0", "inside 10.5.0.0/16"]),
        ({"SubnetMax": "10.6.0.0"}, ["SubnetMax is 10.6.0.0", "inside 10.5.0.0/16"]),
        ({"SubnetMin": "10.5.1.1"}, ["SubnetMin is 10.5.1.1", "first address of a /24"]),
        ({"SubnetMax": "10.5.9.128"}, ["SubnetMax is 10.5.9.128", "first address of a /24"]),
        ({"SubnetMin": "10.5.9.0", "SubnetMax": "10.5.8.0"}, ["lies above"]),
        ({"SubnetMin": ""}, ["SubnetMin is ''"]),
        ({"SubnetMin": None}, ["SubnetMin is null"]),
        ({"SubnetMin": "fd00::"}, ["IPv4 address"]),
        ({"SubnetMin": 168100096}, ["SubnetMin is 168100096"]),
        ({"EnableIPv4": "false"}, ["EnableIPv4 is 'false'", "without quotes"]),
        ({"EnableIPv4": False}, ["both false"]),
        ({"EnableIPv6": True}, ["IPv6Network is missing", '"EnableIPv6": false']),
        ({"EnableIPv6": 1}, ["EnableIPv6 is 1"]),
        ({"EnableIPv6": True, "IPv6Network": "10.0.0.0/8"}, ["IPv6 into IPv6Network"]),
        ({"IPv6Network": "junk"}, ["IPv6Network is 'junk'"]),
        ({"Backend": None}, ["Backend is null", '"Backend": {"Type": "host-gw"}']),
        ({"Backend": "host-gw"}, ["Backend is 'host-gw'"]),
        ({"Backend": {}}, ["Backend.Type is ''"]),
        ({"Backend": {"Type": "vxlan"}}, ["Backend.Type is 'vxlan'", '{"Type": "host-gw"}']),
        ({"Backend": {"Type": {"a": 1}}}, ["Backend.Type is an object"]),
    ],
)
def test_what_cannot_work_is_refused_with_its_cure(fields: dict[str, Any], words: list[str]):
    """One thing wrong gives one sentence, which names its source, the field and the cure."""
    reading = read(BASE | fields)
    assert reading.config is None
    assert len(reading.problems) == 1, reading.problems
    assert reading.problems[0].startswith("F: ")
    assert "; " in reading.problems[0]
    for word in words:
        assert word in reading.problems[0]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"IPv6Network": "::/0"}, "::/127"),
        ({"IPv6Network": "fe80::/16"}, "fe80::/10"),
        ({"IPv6Network": "ff05::/48"}, "ff00::/8"),
        ({"IPv6Network": "::ffff:10.5.0.0/112"}, "::ffff:0:0/96"),
        ({"IPv6Network": "fd00::/125"}, "/124"),
        ({"IPv6Network": "fd00::%eth0/48"}, "an address and a length"),
        ({"IPv6Network": None}, "IPv6Network is null"),
        ({"IPv6SubnetLen": 127}, "50 to 126"),
        ({"IPv6SubnetLen": 49}, "50 to 126"),
        ({"IPv6SubnetMin": "fd00:6::"}, "inside fd00:5::/48"),
        ({"IPv6SubnetMin": "fd00:5::1"}, "first address of a /64"),
        ({"IPv6SubnetMax": "10.5.0.0"}, "IPv6 address"),
        ({"IPv6SubnetMax": "fd00:5:0:1::%1"}, "IPv6 address"),
    ],
)
def test_ipv6_is_refused_alike(fields: dict[str, Any], word: str):
    """The same rules hold for the other family."""
    reading = read(BASE6 | fields)
    assert reading.config is None
    assert len(reading.problems) == 1, reading.problems
    assert word in reading.problems[0]


def test_a_configuration_without_a_backend_is_not_host_gw():
    """By flannel it would be routed by udp: a node that routed it otherwise would be alone."""
    reading = read({"Network": "10.5.0.0/16"})
    assert reading.config is None
    assert 'write "Backend": {"Type": "host-gw"}' in reading.problems[0]


def test_a_configuration_without_a_network():
    """An empty object lacks a backend and a network."""
    assert [problem.split(";")[0] for problem in read({}).problems] == [
        "F: there is no Backend, which means udp to flannel",
        "F: Network is missing",
    ]


def test_every_problem_is_named_at_once():
    """Four wrong fields of two families give four sentences."""
    reading = read(
        {
            "Network": "10.5.0.0/16",
            "SubnetMin": "10.6.0.0",
            "SubnetMax": "10.5.1.1",
            "EnableIPv6": True,
            "IPv6Network": "::/0",
            "Backend": {"Type": "udp"},
        }
    )
    assert len(reading.problems) == 4


@pytest.mark.parametrize(
    "value",
    [b"", b"null", b"[]", b"3", b"{", b"\xff", b'{"a":"\xff"}', b'"\\ud800"', b"[" * 60000,
     b"x" * 70000, b'{"SubnetLen":1' + b"0" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_no_object_is_refused(value: bytes):
    """Any bytes give a problem, never an exception."""
    reading = read_config(value, source="F")
    assert reading.config is None
    assert len(reading.problems) == 1


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


def test_the_key_is_refused_in_one_sentence():
    """The refusal names the key, the first problem, and how many more there are."""
    refusal = config_of(Entry(KEY, b"{}", 1, 1, 1, 0))
    assert isinstance(refusal, Refusal)
    assert (refusal.key, refusal.reason) == (KEY, "bad_config")
    assert refusal.detail.startswith("/coreos.com/network/config: there is no Backend")
    assert "(and 1 more: see `hostgwctl config validate`)" in refusal.detail
