"""Which of two leases is believed that want the same ground."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from hostgw_daemon.routes.judgement import accept
from support.judging import DUAL, RULES, judged
from support.lease_world import entry


def test_the_older_key_wins():
    """Of two that overlap the one created first is believed, in whatever order they are read."""
    old = entry("10.5.0.0-23", created=5, node="old")
    new = entry("10.5.1.0-24", created=6, node="new")
    want = {"10.5.0.0-23": "ok", "10.5.1.0-24": "overlap"}
    assert judged(old, new) == judged(new, old) == want
    detail = accept([new, old], RULES).refusals[new.key].detail
    assert "10.5.1.0/24 overlaps 10.5.0.0/23 of old, which came first" in detail


def test_of_one_revision_the_lower_key_wins():
    """Two keys of one transaction are judged in the order of their names, on every node alike."""
    low = entry("10.5.0.0-23", created=5)
    high = entry("10.5.1.0-24", created=5)
    assert judged(high, low) == {"10.5.0.0-23": "ok", "10.5.1.0-24": "overlap"}


def test_a_modified_record_keeps_its_age():
    """What counts is when the key was created, not when it was last written."""
    old = entry("10.5.0.0-23", created=5, modified=50)
    new = entry("10.5.1.0-24", created=6, modified=6)
    assert judged(old, new)["10.5.0.0-23"] == "ok"


def test_one_accepted_before_wins_over_an_older_key():
    """A node that routes to somebody goes on, though an older record has become readable."""
    new = entry("10.5.1.0-24", created=6)
    before = accept([entry("10.5.0.0-23", created=5, raw=b"?"), new], RULES)
    old = entry("10.5.0.0-23", created=5)
    want = {"10.5.0.0-23": "overlap", "10.5.1.0-24": "ok"}
    assert judged(old, new, before=before) == want


def test_ours_takes_its_ground_like_any_other():
    """Nobody routes to a subnet that overlaps the older one of this node."""
    ours = entry("10.5.1.0-24", node="me", created=5)
    other = entry("10.5.0.0-23", node="n1", created=6)
    assert judged(ours, other) == {"10.5.1.0-24": "self", "10.5.0.0-23": "overlap"}


def test_the_two_families_are_apart():
    """A subnet is overlapped only in its own family; a key of both needs both to be free."""
    first = entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::9", created=5)
    other6 = entry("hostgw/subnets6/fd00:5:0:1::-64", None, gateway6="fd00::8", created=6)
    free6 = entry("hostgw/subnets6/fd00:5:0:2::-64", None, gateway6="fd00::8", created=7)
    assert judged(first, other6, free6, rules=DUAL) == {
        "10.5.1.0-24&fd00:5:0:1::-64": "ok",
        "fd00:5:0:1::-64": "overlap",
        "fd00:5:0:2::-64": "ok",
    }


def test_a_refused_record_takes_no_ground():
    """What is not believed keeps nobody else away."""
    bad = entry("10.5.0.0-23", "10.5.0.1", created=1)
    assert judged(bad, entry("10.5.1.0-24", created=2))["10.5.1.0-24"] == "ok"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10.5.1.0-32", "10.5.1.0-24"),
        ("10.5.1.255-32", "10.5.1.0-24"),
        ("10.5.1.0-24", "10.5.1.0-32"),
        ("10.5.1.0-24", "10.5.1.255-32"),
        ("10.5.0.0-18", "10.5.63.0-24"),
    ],
)
def test_an_overlap_of_one_address_is_one(old, new):
    """The first and the last address of a subnet belong to it."""
    assert judged(entry(old, created=5), entry(new, created=6))[new] == "overlap"


@pytest.mark.parametrize("name", ["10.5.2.0-32", "10.5.0.255-32", "10.5.2.0-24", "10.5.0.0-24"])
def test_neighbours_do_not_overlap(name):
    """The address before the first and the one after the last belong to another."""
    assert judged(entry("10.5.1.0-24", created=5), entry(name, created=6))[name] == "ok"


def test_one_odd_length_costs_no_look_at_all_others(monkeypatch):
    """Judging n leases of mixed lengths is not comparing n by n."""
    compared = 0
    overlaps = IPv4Network.overlaps

    def counted(one, other):
        nonlocal compared
        compared += 1
        return overlaps(one, other)

    monkeypatch.setattr(IPv4Network, "overlaps", counted)
    many = [entry(f"10.5.{n}.0-24", created=n + 10) for n in range(250)]
    roster = accept([entry("10.5.255.0-28", created=1), *many], RULES)
    assert len(roster.peers) == 251
    assert compared < 1000
