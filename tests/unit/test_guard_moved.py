"""After the store lost its history: what says that a node has moved, and what does not."""

from __future__ import annotations

import pytest

from hostgw_core.store import Header
from support.guarded_peers import ALL, OWN, A, B, C, of_three, younger
from support.lease_world import entry, gone
from support.understanding import NETWORK

WIPED = Header(1, 3, 1)


@pytest.fixture
def store():
    """Three peers and ourselves."""
    return of_three()


def test_an_old_lease_of_whoever_has_written_another_goes(store):
    """It has moved, as it says itself after the break."""
    store.list(header=WIPED)
    store.put(entry("10.5.99.0-24", "172.16.0.11", node="a"))
    assert store.says["10.5.99.0-24"] == "ok"
    assert set(store.held()) == {"10.5.12.0-24", "10.5.13.0-24"}


def test_an_older_lease_in_a_backup_does_not_say_that_its_node_moved(store):
    """Of two of a node the backup lacks the newer one: it waits until the node writes again."""
    newer = entry("10.5.99.0-24", "172.16.0.11", node="a")
    store.put(newer)
    store.list(NETWORK, OWN, A, B, C, header=Header(1, 50, 7))
    assert store.says == {**ALL, "10.5.99.0-24": "held"}
    store.change(gone("10.5.11.0-24"))
    assert set(store.held()) == {"10.5.11.0-24", "10.5.99.0-24"}
    store.put(newer)
    assert store.says == {
        "10.5.12.0-24": "ok",
        "10.5.13.0-24": "ok",
        "10.5.99.0-24": "ok",
        "10.5.200.0-24": "self",
    }
    assert store.guard.history.broken is None


def test_of_two_old_leases_the_one_that_goes_does_not_say_that_its_node_moved(store):
    """Neither was written after the break; each is believed for what was known before."""
    newer = entry("10.5.99.0-24", "172.16.0.11", node="a")
    store.put(newer)
    store.list(NETWORK, OWN, A, newer, B, header=Header(1, 50, 7))
    assert store.held() == {"10.5.13.0-24": "history"}
    store.change(gone("10.5.99.0-24"))
    assert store.says["10.5.99.0-24"] == "held"


def test_a_lease_of_old_that_is_believed_because_its_node_lives_moves_nobody(store):
    """The node was elsewhere last week; where it is now it says itself."""
    old = younger(entry("10.5.99.0-24", "172.16.0.11", node="a"))
    store.list(NETWORK, OWN, old, B, C, header=WIPED)
    store.cluster.witness(frozenset({"id-a"}))
    assert store.says == {**ALL, "10.5.11.0-24": "held", "10.5.99.0-24": "ok"}


def test_in_a_broken_history_too_a_node_may_move(store):
    """It writes the new one and deletes the old one, or the other way round."""
    store.list(NETWORK, OWN, A, B, header=WIPED)
    for old, new in (("11", "99"), ("99", "98")):
        store.put(entry(f"10.5.{new}.0-24", "172.16.0.11", node="a"))
        store.change(gone(f"10.5.{old}.0-24"))
        assert store.says[f"10.5.{new}.0-24"] == "ok"
        assert store.held() == {"10.5.13.0-24": "history"}
