"""Which history the store tells: the table of `hostgw_core.history`, case by case."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from hostgw_core.history import Break, History, says_the_same
from hostgw_core.model import Addresses, Lease, Subnets
from hostgw_core.store import Entry, Header

KNOWN = Header(1, 100, 5)
OURS = History(KNOWN)
WIPED = OURS.listed(Header(1, 3, 1))
FOREIGN = OURS.listed(Header(2, 500, 9))


def record(modified, value=b"new"):
    """Write a record of this age."""
    return Entry(b"k", value, 1, modified, 1, 0)


def test_the_first_list_is_ours_whatever_it_says():
    """Where nothing is known nothing can be contradicted."""
    history = History().listed(KNOWN)
    assert history == OURS
    assert history.trusts(1)
    assert History().joins(KNOWN)
    assert History().seen(KNOWN) == OURS


@pytest.mark.parametrize("header", [KNOWN, Header(1, 101, 5), Header(1, 100, 6), Header(1, 200, 7)])
def test_a_history_that_goes_on_is_ours(header):
    """The same cluster, and neither revision nor term gone back: everything in it is believed."""
    assert OURS.joins(header)
    assert OURS.listed(header) == History(header)
    assert OURS.listed(header).trusts(1)


@pytest.mark.parametrize(
    ("header", "foreign"),
    [
        (Header(1, 99, 5), False),  # restored from a backup
        (Header(1, 1, 1), False),  # wiped
        (Header(1, 200, 4), False),  # wiped, and written to much since
        (Header(2, 100, 5), True),  # another cluster
        (Header(2, 200, 9), True),
        (Header(2, 1, 1), True),
    ],
)
def test_a_history_that_goes_back_is_broken(header, foreign):
    """It stays known what was, and where the other one began."""
    assert not OURS.joins(header)
    history = OURS.listed(header)
    assert history == History(KNOWN, Break(KNOWN, header, header))
    assert history.broken.foreign is foreign
    assert history.joins(header)
    assert not history.joins(KNOWN if foreign else Header(1, 0, 0))


def test_a_watch_breaks_no_history():
    """Its batches may come late; only lists begin another history."""
    assert OURS.seen(Header(1, 99, 5)) == OURS
    assert OURS.seen(Header(1, 120, 4)).known == Header(1, 120, 5)


def test_only_what_was_written_after_the_break_is_believed_for_its_age():
    """A record as old as the first list may be of last week; the next one was written just now."""
    assert [WIPED.trusts(revision) for revision in (1, 3, 4, 1000)] == [False, False, True, True]
    grown = WIPED.seen(Header(1, 50, 1))
    assert grown.trusts(4)
    assert not grown.trusts(3)


def test_of_another_cluster_nothing_is_believed_for_its_age():
    """Not what was written before, and not what is written now."""
    assert not FOREIGN.trusts(1)
    assert not FOREIGN.trusts(501)
    assert not FOREIGN.seen(Header(2, 900, 9)).trusts(800)


def test_a_broken_history_grows_as_it_is_told():
    """Later headers of it join it; it remembers where it began, and what was known before."""
    grown = WIPED.seen(Header(1, 50, 1)).listed(Header(1, 60, 2))
    assert grown == History(KNOWN, Break(KNOWN, Header(1, 3, 1), Header(1, 60, 2)))
    assert grown.joins(Header(1, 60, 2))
    assert not grown.joins(Header(1, 59, 2))


def test_a_wiped_history_that_has_grown_past_the_known_one_proves_nothing():
    """Its revisions reach the old ones some day, and its old records stay leftovers."""
    grown = WIPED.listed(Header(1, 101, 6))
    assert grown.broken is not None
    assert not grown.trusts(3)


@pytest.mark.parametrize("header", [Header(1, 2, 1), Header(1, 50, 1), Header(2, 80, 4)])
def test_a_second_break_begins_anew(header):
    """What was written in the first other history is a leftover, too, and nobody has shown life."""
    once = WIPED.seen(Header(1, 60, 1)).witnessed(frozenset({"a"}))
    assert once.listed(header) == History(KNOWN, Break(KNOWN, header, header))


def test_another_cluster_that_goes_away_was_only_a_visit():
    """Where our history goes on, all is as it was."""
    assert FOREIGN.listed(Header(1, 100, 5)) == OURS
    assert FOREIGN.listed(Header(1, 130, 6)) == History(Header(1, 130, 6))


def test_after_a_visit_ours_may_be_found_wiped():
    """Then it is our cluster again, and its history is broken."""
    back = FOREIGN.listed(Header(1, 4, 1))
    assert back.broken == Break(KNOWN, Header(1, 4, 1), Header(1, 4, 1))
    assert not back.broken.foreign
    assert back.trusts(5)


def test_a_third_cluster_is_foreign_as_well():
    """It does not become ours by coming after another one."""
    third = FOREIGN.listed(Header(3, 900, 20))
    assert third.broken == Break(KNOWN, Header(3, 900, 20), Header(3, 900, 20))
    assert third.broken.foreign


def test_what_is_settled_is_ours_from_now_on():
    """Its latest header is what the next one must continue."""
    assert WIPED.seen(Header(1, 50, 1)).settled() == History(Header(1, 50, 1))
    assert FOREIGN.settled() == History(Header(2, 500, 9))
    assert OURS.settled() is OURS


def test_who_has_shown_that_he_lives_is_noted_while_it_is_broken():
    """They add up; in a history that goes on nobody needs to, in a foreign one nobody can."""
    seen = WIPED.witnessed(frozenset({"a"})).witnessed(frozenset({"b"})).seen(Header(1, 70, 1))
    assert [seen.lives(each) for each in "abc"] == [True, True, False]
    assert OURS.witnessed(frozenset({"a"})) is OURS
    assert not OURS.lives("a")
    assert not FOREIGN.witnessed(frozenset({"a"})).lives("a")


def test_a_record_that_stands_alone_is_believed_for_its_age_or_for_saying_the_same():
    """The network's record names no owner who could show that he lives."""
    known = record(2, b"old")
    assert OURS.believes(record(2), known)
    assert not WIPED.believes(record(3), known)
    assert WIPED.believes(record(3, b"old"), known)
    assert WIPED.believes(record(4), known)
    assert not FOREIGN.believes(record(501), known)
    assert FOREIGN.believes(record(501, b"old"), known)


def test_a_break_is_told_in_numbers_that_can_be_compared():
    """An operator sees which cluster, or from where to where it went back."""
    assert "cluster 2 answers" in FOREIGN.broken.sentence()
    assert "those of cluster 1" in FOREIGN.broken.sentence()
    want = "revision 3 (term 1) came after revision 100 (term 5)"
    assert WIPED.broken.sentence() == want


LEASE = Lease(
    b"k",
    Subnets(IPv4Network("10.5.1.0/24")),
    Addresses(IPv4Address("172.16.0.9")),
    node="n1",
    node_id="id-n1",
    created=5,
    modified=6,
    etcd_lease=7,
)


@pytest.mark.parametrize(
    "change", [{"created": 9}, {"modified": 9}, {"etcd_lease": 9}, {"node": "renamed"}]
)
def test_age_and_name_are_no_part_of_what_a_record_says(change):
    """A record that was restored or renamed leads packets as before."""
    assert says_the_same(LEASE, replace(LEASE, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"subnets": Subnets(IPv4Network("10.5.2.0/24"))},
        {"gateways": Addresses(IPv4Address("172.16.0.8"))},
        {"backend": "vxlan"},
        {"node_id": "id-n2"},
    ],
)
def test_another_way_or_another_owner_is_not_the_same(change):
    """Each of them is somebody else's packets."""
    assert not says_the_same(LEASE, replace(LEASE, **change))
