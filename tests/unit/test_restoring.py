"""What a restore writes, and what it leaves alone; and the file it reads."""

from __future__ import annotations

import pytest

from hostgw_cli.cluster.census import census_of
from hostgw_cli.cluster.restoring import Item, plan
from hostgw_cli.cluster.snapshot_file import decode, encode, snapshot_of
from hostgw_core.store import Compare, Entry, Put, Span
from support.lease_entries import (
    KEYS,
    config,
    entry,
    flannels_lease,
    lease,
    listing,
    presence,
    reservation,
)

SAVED = (config(), lease(1), lease(2), flannels_lease(3), reservation(9, "n9"))


def planned(*there: Entry, saved: tuple[Entry, ...] = SAVED) -> dict[str, Item]:
    """Judge a restore into a store in which this is."""
    kept = snapshot_of(KEYS, listing(*saved), taken=5.0)
    items = plan(KEYS, kept, census_of(KEYS, listing(*there)))
    return {item.key.decode().removeprefix("/p/"): item for item in items}


def verdicts(*there: Entry, saved: tuple[Entry, ...] = SAVED) -> dict[str, str]:
    """Give the verdicts by the last part of the key."""
    return {
        key.rpartition("/")[2]: str(item.verdict)
        for key, item in planned(*there, saved=saved).items()
    }


def test_into_an_empty_store_everything_is_written_the_network_first():
    """Each if its place is still empty; the leases also if their nodes are still silent."""
    found = planned()
    assert next(iter(found)) == "config"
    assert {str(item.verdict) for item in found.values()} == {"write"}
    one = found["subnets/10.5.1.0-24"]
    assert one.compares == (
        Compare(Span.under(b"/p/subnets/10.5.1.0-"), "version", 0),
        Compare(Span(b"/p/hostgw/nodes/id1"), "version", 0),
    )
    assert one.put(77) == Put(lease(1).key, lease(1).value, 77)
    assert len(found["subnets/10.5.3.0-24"].compares) == 1
    kept = found["hostgw/reservations/10.5.9.0-24"]
    assert kept.compares == (Compare(Span(reservation(9, "n9").key), "version", 0),)
    assert kept.put(77).lease == found["config"].put(77).lease == 0


def test_what_is_there_is_never_overwritten():
    """The same is the same; another value is named and left."""
    others = lease(2, revision=3, PublicIP="192.0.2.99", Node="n8", NodeID="id8")
    found = planned(config(SubnetLen=25), lease(1), others)
    assert found["config"].verdict == "other"
    assert "SubnetLen" in found["config"].says
    assert found["subnets/10.5.1.0-24"].verdict == "same"
    assert found["subnets/10.5.2.0-24"].verdict == "other"
    assert "192.0.2.99" in found["subnets/10.5.2.0-24"].says


def test_who_lives_or_has_another_subnet_gets_none():
    """A living node puts its lease back by itself; nobody gets two, flannel's node neither."""
    moved = entry("subnets/10.5.7.0-24", {"PublicIP": "192.0.2.3", "BackendType": "host-gw"})
    found = planned(config(), presence(1), lease(7, Node="n2", NodeID="id2"), moved)
    assert found["subnets/10.5.1.0-24"].says == "n1 lives, and takes what is its own by itself"
    assert (
        planned(config(), lease(7, Node="n2", NodeID="id2"))["subnets/10.5.2.0-24"].says
        == "n2 has 10.5.7.0/24 now"
    )
    assert planned(config(), moved)["subnets/10.5.3.0-24"].says == "192.0.2.3 has 10.5.7.0/24 now"


def test_a_subnet_of_which_a_part_is_leased_is_left():
    """Under another key: a longer one, or one of both families."""
    half = entry("subnets/10.5.1.128-25", {"PublicIP": "192.0.2.8", "BackendType": "host-gw"})
    assert verdicts(config(SubnetLen=25), half)["10.5.1.0-24"] == "left"


def test_what_no_daemon_would_use_is_left():
    """A record that is wrong, and one outside of the network that is in force."""
    saved = (config(), lease(1, PublicIP="127.0.0.1"), lease(2))
    assert verdicts(saved=saved)["10.5.1.0-24"] == "left"
    assert verdicts(config(Network="10.6.0.0/16"))["10.5.2.0-24"] == "left"


def test_a_file_says_what_was_read_whatever_bytes_it_is_of():
    """What is no text survives, too."""
    odd = Entry(b"/p/subnets/odd", b"\xff\x00", 3, 4, 1, 0)
    kept = snapshot_of(KEYS, listing(*SAVED, odd), taken=5.0)
    read = decode(encode(kept))
    assert [(e.key, e.value, bool(e.lease)) for e in read.entries()] == [
        (e.key, e.value, bool(e.lease)) for e in listing(*SAVED, odd).entries
    ]
    assert (read.revision, read.prefix, read.taken) == (100, "/p", 5.0)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"192.0.2.1", b"192.0.2.9", "checksum"),
        (b'"revision": 100', b'"revision": 101', "checksum"),
        (b"hostgw-cluster 1", b"hostgw-cluster 2", "format"),
        (b"}\n", b"", "no snapshot"),
        (b'"keys"', b'"kees"', "no snapshot"),
    ],
)
def test_a_file_that_was_changed_or_torn_is_refused(old: bytes, new: bytes, why: str):
    """As a whole, with the reason."""
    content = encode(snapshot_of(KEYS, listing(*SAVED), taken=5.0))
    assert old in content
    head, _, tail = content.rpartition(old)
    with pytest.raises(ValueError, match=why):
        decode(head + new + tail)
