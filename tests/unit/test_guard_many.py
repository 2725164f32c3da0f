"""When removals look like an accident: counted in batches, one by one, and beside our own lease."""

from __future__ import annotations

import pytest

from support.guarded_peers import OWN, of_ten
from support.lease_world import entry, gone, key
from support.understanding import NETWORK, GuardedStore, names, peers_of


@pytest.fixture
def store():
    """Ten peers and ourselves."""
    return of_ten()


def test_many_in_one_batch_are_held_for_minutes(store):
    """Half of the peers at once are an accident; a list that lacks them is the same."""
    store.change(*map(gone, names(5)))
    assert store.held() == dict.fromkeys(names(5), "many")
    store.pass_time(299)
    assert len(store.held()) == 5
    store.pass_time(1)
    assert store.held() == {}
    assert set(store.says) == {"10.5.200.0-24", *names(5, 6)}


def test_a_list_without_many_is_the_same(store):
    """Whether a watch tells it or a list lacks it."""
    store.list(NETWORK, OWN, *peers_of(*names(5)))
    assert store.held() == dict.fromkeys(names(5, 6), "many")


def test_one_by_one_within_the_grace_is_one_accident(store):
    """What was about to go a moment ago is held with the others."""
    for name in names(4):
        store.change(gone(name))
        store.time += 0.1
    assert store.held() == dict.fromkeys(names(4), "leaving")
    store.change(gone("10.5.5.0-24"))
    assert store.held() == dict.fromkeys(names(5), "many")
    assert {hold.until for hold in store.guard.state.holds.values()} == {store.time + 300}
    assert "many others" in store.roster.peers[key("10.5.1.0-24")].reason


def test_slowly_within_ten_minutes_is_an_accident_as_well(store):
    """Those that went before are gone; from the fifth on they are held."""
    for name in names(6):
        store.change(gone(name))
        store.pass_time(60)
    assert store.held() == dict.fromkeys(names(2, 5), "many")


def test_in_an_hour_everybody_may_go(store):
    """Nodes that leave one after the other, more than ten minutes apart, are no accident."""
    for name in names(10):
        store.change(gone(name))
        store.pass_time(601)
    assert (store.held(), set(store.says)) == ({}, {"10.5.200.0-24"})


def test_our_own_lease_missing_makes_every_removal_an_accident(store):
    """In the same batch, before it or after it; but for our own, which nobody routes to."""
    store.change(gone("10.5.200.0-24"), gone("10.5.1.0-24"))
    assert store.held() == {"10.5.1.0-24": "own_too"}
    store.change(gone("10.5.2.0-24"))
    assert store.held() == {"10.5.1.0-24": "own_too", "10.5.2.0-24": "own_too"}
    assert "10.5.200.0-24" not in store.says


def test_our_own_lease_that_goes_a_moment_later_counts_too(store):
    """What was about to go belongs to the same accident."""
    store.change(gone("10.5.1.0-24"))
    store.change(gone("10.5.200.0-24"))
    assert store.held() == {"10.5.1.0-24": "own_too"}


def test_our_own_lease_back_makes_removals_usual_again(store):
    """The next one that goes is nothing special; nor is one that goes as ours moves."""
    store.change(gone("10.5.200.0-24"))
    store.put(OWN)
    store.change(gone("10.5.1.0-24"))
    moved = entry("10.5.201.0-24", "172.16.0.1", node="me", created=150)
    store.change(gone("10.5.200.0-24"), moved, gone("10.5.2.0-24"))
    assert store.held() == {"10.5.1.0-24": "leaving", "10.5.2.0-24": "leaving"}


def test_a_node_that_has_no_lease_yet_wonders_about_nothing():
    """Only a lease that was there can be missing."""
    store = GuardedStore()
    store.list(NETWORK, *peers_of(*names(10)))
    store.change(gone("10.5.1.0-24"))
    assert store.held() == {"10.5.1.0-24": "leaving"}


def test_our_own_lease_alone_is_nothing_to_hold(store):
    """It does not count as one that left."""
    store.change(gone("10.5.200.0-24"))
    assert (store.held(), store.guard.state.begun) == ({}, {})


def test_our_own_lease_that_a_list_lacks_is_missing_from_then_on(store):
    """What was ours before it is forgotten."""
    store.list(NETWORK, *peers_of(*names(10)))
    store.change(gone("10.5.1.0-24"))
    assert store.held() == {"10.5.1.0-24": "own_too"}


def test_one_that_leaves_does_not_lengthen_the_wait_of_another(store):
    """Each has a moment of its own."""
    store.change(gone("10.5.1.0-24"))
    store.time += 1
    store.change(gone("10.5.2.0-24"))
    store.pass_time(1)
    assert store.held() == {"10.5.2.0-24": "leaving"}


def test_a_node_that_has_left_on_purpose_wonders_at_nothing(store):
    """Its own lease is missing because it was asked for, and others may go beside it."""
    store.guard.left = True
    store.change(gone("10.5.200.0-24"))
    store.change(gone("10.5.1.0-24"))
    assert store.held() == {"10.5.1.0-24": "leaving"}
