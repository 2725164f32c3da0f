"""Who has one address with whom: the notes in the store, and what a node knows of them."""

from __future__ import annotations

from ipaddress import IPv4Address

from hostgw_core.model import Addresses
from hostgw_core.records import presence_value
from hostgw_core.store import Deleted, Entry
from hostgw_daemon.routes.disputes import amended, disputes_in
from support.lease_world import KEYS, ME, MY_ADDRESS, entry
from support.understanding import NETWORK, GuardedStore

PATH = KEYS.disputes.start.decode()


def raw(name: str, value: bytes) -> Entry:
    """Write something in the range of the notes."""
    return Entry(f"{PATH}{name}".encode(), value, 30, 30, 1, 77)


def note(holder: str, claimant: str) -> Entry:
    """Write the note of a node that wants the address of another one."""
    at = Addresses(IPv4Address(MY_ADDRESS))
    said = presence_value(instance="i", node=claimant.upper(), addresses=at)
    return Entry(KEYS.dispute(holder, claimant), said, 30, 30, 1, 77)


def known(site: GuardedStore) -> set[tuple[str, str, str]]:
    """Give who has whose address, and the name of who wants it."""
    notes = site.cluster.now.disputes.values()
    return {(each.holder, each.claimant.node_id, each.claimant.node) for each in notes}


def test_who_wants_whose_address_is_known_by_name():
    """Of all nodes: kept over other changes, gone with their keys, and no lease is refused."""
    site, both = GuardedStore(), {(ME, "n2", "N2"), ("n1", "n3", "N3")}
    site.list(NETWORK, note(ME, "n2"), note("n1", "n3"))
    assert known(site) == both
    assert site.roster.refusals == {}
    before = site.cluster.now.disputes
    site.change(entry("10.5.1.0-24", created=20))
    assert site.cluster.now.disputes is before  # nothing is read that did not change
    site.cluster.stand_at(Addresses(IPv4Address(MY_ADDRESS)), [])
    assert known(site) == both
    site.change(Deleted(KEYS.dispute("n1", "n3"), 99))
    assert (known(site), site.told[-1].moved) == ({(ME, "n2", "N2")}, frozenset())
    site.change(note("n1", "n4"))
    assert known(site) == {(ME, "n2", "N2"), ("n1", "n4", "N4")}
    site.list(NETWORK)
    assert known(site) == set()


def test_a_note_that_cannot_be_read_is_passed_over():
    """And one that becomes so is known no more; the others stay. No node wants its own address."""
    spoilt = (
        raw(ME, b"{}"),
        raw(f"{ME}/n9", b"{}"),
        raw(f"{ME}/n9/x", b"{}"),
        raw("/", b""),
        note(ME, ME),
    )
    found = disputes_in(KEYS, (*spoilt, note(ME, "n2"), note("n1", "n2"), entry("10.5.1.0-24")))
    assert set(found) == {KEYS.dispute(ME, "n2"), KEYS.dispute("n1", "n2")}
    now = amended(found, KEYS, [raw(f"{ME}/n2", b"nonsense"), *spoilt])
    assert set(now) == {KEYS.dispute("n1", "n2")}


def test_only_what_changed_is_read():
    """However many entries the store has: a change costs what it holds itself."""

    class Once(dict):
        def __iter__(self):
            raise AssertionError("all was looked at")

    before = Once()
    assert amended(before, KEYS, [entry("10.5.1.0-24"), Deleted(KEYS.config, 9)]) is before
