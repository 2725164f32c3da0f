"""Whether a lease may be released, and what is written for it."""

from __future__ import annotations

import pytest

from hostgw_cli.cluster.census import Census, census_of, named, of_subnet
from hostgw_cli.cluster.lease_words import document, lines
from hostgw_cli.cluster.releasing import Release, release_of
from hostgw_core.store import Compare, Delete, Entry, Put, Span
from support.lease_entries import (
    KEYS,
    config,
    flannels_lease,
    lease,
    listing,
    presence,
    reservation,
)

KEY = b"/p/subnets/10.5.1.0-24"
NODE = Compare(Span(b"/p/hostgw/nodes/id1"), "version", 0)
AS_SEEN = Compare(Span(KEY), "modified", 42)


def census(*entries: Entry) -> Census:
    """Give a cluster in which n1 has a lease that was written at revision 42."""
    return census_of(KEYS, listing(config(), *entries))


def release(found: Census, **wishes: bool) -> Release | str:
    """Judge the release of the first lease."""
    return release_of(KEYS, found, found.rows[0], **wishes)


def test_the_lease_of_a_silent_node_goes_if_nothing_has_changed():
    """Its record as it was looked at, and its presence still absent: both are compared."""
    planned = release(census(lease(1, revision=42), presence(2), presence(3)))
    assert isinstance(planned, Release)
    assert planned.compares == (AS_SEEN, NODE)
    assert planned.writes == (Delete(KEY),)
    assert (
        "2 other living nodes will take the route to 10.5.1.0/24 via 192.0.2.1" in planned.says[0]
    )
    assert "still run on n1" in planned.says[1]


def test_a_living_node_keeps_its_lease_unless_it_is_forced():
    """Forced, its presence is not compared, and it is said that the node takes it back."""
    found = census(lease(1, revision=42), presence(1), presence(2))
    refused = release(found)
    assert isinstance(refused, str)
    assert "n1 is alive" in refused
    forced = release(found, forced=True)
    assert isinstance(forced, Release)
    assert forced.compares == (AS_SEEN,)
    assert "1 other living node will" in forced.says[0]
    assert "writes the same lease again" in forced.says[1]


def test_flannels_lease_needs_a_word_for_nobody_knows_whether_it_lives():
    """The refusal names the address at which to look."""
    found = census(flannels_lease(1, revision=42))
    refused = release(found)
    assert isinstance(refused, str)
    assert "192.0.2.1" in refused
    assert isinstance(release(found, forced=True), Release)
    kept = release(found, forced=True, reserve=True)
    assert isinstance(kept, str)
    assert "names no node" in kept


def test_a_record_that_nobody_uses_goes_without_ado():
    """No node is asked for, because it names none."""
    planned = release(census(lease(1, revision=42, PublicIP="127.0.0.1")))
    assert isinstance(planned, Release)
    assert planned.writes == (Delete(KEY),)
    assert "no node uses" in planned.says[0]


def test_a_subnet_is_kept_for_its_node():
    """In the same transaction, and only where it is kept for nobody."""
    planned = release(census(lease(1, revision=42)), reserve=True)
    assert isinstance(planned, Release)
    nobody = Compare(Span.under(b"/p/hostgw/reservations/10.5.1.0-"), "version", 0)
    assert planned.compares == (AS_SEEN, NODE, nobody)
    value = b'{"Node":"n1","NodeID":"id1"}'
    assert planned.writes == (Delete(KEY), Put(b"/p/hostgw/reservations/10.5.1.0-24", value))
    others = release(census(lease(1, revision=42), reservation(1, "n9")), reserve=True)
    assert others == "10.5.1.0/24 is reserved for n9 already"
    own = release(census(lease(1, revision=42), reservation(1, "n1")), reserve=True)
    assert isinstance(own, Release)
    assert own.writes == (Delete(KEY),)


def test_a_reservation_goes_with_it_if_that_is_wished():
    """As it was looked at; otherwise it is said that it stays."""
    found = census(lease(1, revision=42), reservation(1, "n1", revision=9))
    place = b"/p/hostgw/reservations/10.5.1.0-24"
    planned = release(found, unreserve=True)
    assert isinstance(planned, Release)
    assert planned.compares == (AS_SEEN, NODE, Compare(Span(place), "modified", 9))
    assert planned.writes == (Delete(KEY), Delete(place))
    stays = release(found)
    assert isinstance(stays, Release)
    assert stays.says[-1] == "it stays reserved for n1"


@pytest.mark.parametrize(
    ("name", "node", "exact"),
    [
        ("10.5.1.0/24", "n1", True),
        ("10.5.1.0-24", "n1", True),
        ("/p/subnets/10.5.1.0-24", "n1", True),
        ("n2", "n2", False),
        ("id2", "n2", False),
        ("192.0.2.2", "n2", False),
        ("10.5.2.77", "n2", False),
        ("10.5.0.0/16", "", False),
        ("n", "", False),
        ("", "", False),
    ],
)
def test_a_lease_is_named_in_many_ways(name: str, node: str, *, exact: bool):
    """To look at one, anything that a person has before their eyes; to release it, the subnet."""
    rows = census(lease(1), lease(2)).rows
    assert [row.node for row in named(rows, name)] == ([node] if node else [])
    assert [row.node for row in of_subnet(rows, name)] == ([node] if exact else [])


def test_a_lease_in_words_and_for_a_program():
    """What its node says of itself and for whom the subnet is kept are there."""
    found = census(
        lease(1, revision=42), presence(1, Conditions=["mtu"], Applied=40), reservation(1, "n9")
    )
    shown = dict(lines(found.rows[0], found))
    assert shown["node"] == "n1 (id1)"
    assert shown["alive"] == "yes: hostgwd 0.1.0 at 192.0.2.1, instance i1"
    assert shown["says"] == "that something is wrong: mtu; its routes were those of revision 40"
    assert shown["written"] == "at revision 42, first at 1, now 100"
    assert shown["reserved"] == "for n9, who does not have it"
    whole = document(found.rows[0], found)
    assert whole["presence"] == {
        "instance": "i1",
        "addresses": ["192.0.2.1"],
        "boot_id": "",
        "version": "0.1.0",
        "conditions": ["mtu"],
        "applied": 40,
    }
    assert whole["reservation"] == {"node": "n9", "node_id": ""}
    silent = census(lease(1))
    assert dict(lines(silent.rows[0], silent))["alive"].startswith("no:")
    nameless = census(flannels_lease(1))
    assert "nobody can tell" in dict(lines(nameless.rows[0], nameless))["alive"]
