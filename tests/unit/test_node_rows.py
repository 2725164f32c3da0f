"""The nodes of a cluster as rows: who has a lease, who lives, who says that something is wrong."""

from __future__ import annotations

from hostgw_cli.cluster.census import census_of
from hostgw_cli.cluster.node_words import NodeRow, cells, node_rows
from hostgw_core.store import Entry
from support.lease_entries import KEYS, config, flannels_lease, lease, listing, presence


def rows(*entries: Entry) -> dict[str, NodeRow]:
    """Give the rows by the name of the node, or its address."""
    found = node_rows(census_of(KEYS, listing(config(), *entries)))
    return {row.node or row.addresses[0]: row for row in found}


def test_a_node_that_lives_and_one_that_is_gone():
    """By the presence; what it says of itself goes with it."""
    told = presence(1, Version="1.0", Conditions=["fight", "shadowed"], Applied=77)
    found = rows(lease(1), told, lease(2))
    assert (found["n1"].alive, found["n2"].alive) == (True, False)
    assert (found["n1"].version, found["n1"].applied) == ("1.0", 77)
    assert found["n1"].conditions == ("fight", "shadowed")
    assert not found["n1"].well
    assert not found["n2"].well
    assert rows(lease(1), presence(1))["n1"].well


def test_a_node_without_a_lease_is_shown():
    """It waits for something, and may say for what."""
    found = rows(presence(3, Conditions=["duplicate_address"]))
    assert found["n3"].subnets == ()
    assert found["n3"].alive
    assert cells([found["n3"]])[0] == (
        *("n3", "-", "192.0.2.3", "yes", "0.1.0", "-"),
        "duplicate_address",
    )


def test_flannels_node_is_neither_well_nor_ill():
    """It has no presence, so nobody can tell; that is no trouble."""
    (row,) = rows(flannels_lease(7)).values()
    assert (row.alive, row.well, row.node) == (None, True, "")


def test_a_status_that_cannot_be_read_hides_no_node():
    """The presence alone says that it lives."""
    found = rows(lease(1), presence(1, Subnets=["nonsense"]))
    assert found["n1"].alive
    assert (found["n1"].version, found["n1"].conditions) == ("", ())
