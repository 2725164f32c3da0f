"""A network configuration that cannot work is refused, with a sentence that names the cure."""

from __future__ import annotations

from typing import Any

import pytest

from hostgw_core.model import Refusal
from hostgw_core.network import config_of, read_config
from hostgw_core.store import Entry
from support.network_config import BASE, BASE6, read

KEY = b"/coreos.com/network/config"


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


def test_the_key_is_refused_in_one_sentence():
    """The refusal names the key, the first problem, and how many more there are."""
    refusal = config_of(Entry(KEY, b"{}", 1, 1, 1, 0))
    assert isinstance(refusal, Refusal)
    assert (refusal.key, refusal.reason) == (KEY, "bad_config")
    assert refusal.detail.startswith("/coreos.com/network/config: there is no Backend")
    assert "(and 1 more: see `hostgwctl config validate`)" in refusal.detail
