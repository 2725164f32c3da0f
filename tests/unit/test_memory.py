"""What is remembered over a restart."""

import json
from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.model import Subnets
from hostgw_core.store import Header
from hostgw_daemon.disk.memory import Memory, Moment, Renewal, decode, encode

FULL = Memory(
    subnets=Subnets(IPv4Network("10.5.3.0/24"), IPv6Network("fd00:5:0:3::/64")),
    key="10.5.3.0-24&fd00:5:0:3::-64",
    instance="0c9e",
    history=Header(cluster=2**64 - 1, revision=123, term=4),
    renewal=Renewal(Moment("boot", 50.25, 1_700_000_000.5), ttl=86_400),
)


@pytest.mark.parametrize("memory", [Memory(), FULL])
def test_what_was_written_is_read_back(memory: Memory):
    """Nothing is lost, a cluster id of 64 bits included."""
    assert decode(encode(memory)) == memory


def test_the_file_is_readable():
    """A person finds the subnet as text."""
    assert json.loads(encode(FULL))["memory"]["subnets"]["ipv4"] == "10.5.3.0/24"


@given(st.integers(0, len(encode(FULL)) - 3))
def test_a_torn_file_is_a_reason(length: int):
    """However much of the file is left, part of it is nothing, and says so."""
    reason = decode(encode(FULL)[:length])
    assert isinstance(reason, str)
    assert reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"version": 2, "anything": 1}', "version 2"),
        (b'{"version": 1}', "memory"),
        (encode(FULL).replace(b'"10.5.3.0/24"', b"5"), "expected a subnet"),
        (encode(FULL).replace(b"10.5.3.0/24", b"10.5.3.1/24"), "host bits"),
        (b'{"a": ' + b"[" * 100_000, "recursion"),
    ],
)
def test_what_cannot_be_used_is_a_reason(content: bytes, reason: str):
    """The reason names what is wrong, and where."""
    answer = decode(content)
    assert isinstance(answer, str)
    assert reason in answer


@given(st.binary())
def test_no_bytes_raise(content: bytes):
    """Whatever lies there, reading it gives a value."""
    decode(content)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (Moment("b1", 160.0, 0.0), 40.0),  # the same boot: the wall clock may say anything
        (Moment("b1", 260.0, 1000.0), -60.0),
        (Moment("b2", 5.0, 1030.0), 70.0),  # another boot: only the wall clock is left
        (Moment("b2", 5.0, 2000.0), -900.0),
        (Moment("b2", 5.0, 999.0), None),  # and it went back
    ],
)
def test_how_long_the_lease_surely_lasts(now: Moment, left: float | None):
    """A renewal at 100 s after boot, at 1000 s of the wall clock, for 100 s."""
    assert Renewal(Moment("b1", 100.0, 1000.0), ttl=100).left(now) == left
