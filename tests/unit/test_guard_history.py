"""After the store lost its history: what is believed, and when all is well."""

from __future__ import annotations

import pytest

from hostgw_core.store import Header
from support.guarded_peers import ALL, OTHER_NETWORK, OWN, A, B, C, of_three, younger
from support.lease_world import entry, gone, key
from support.understanding import NETWORK, GuardedStore

WIPED = Header(1, 3, 1)


@pytest.fixture
def store():
    """Three peers and ourselves."""
    return of_three()


def test_a_wiped_store_takes_nothing_away(store):
    """All are held, without end, and nothing of the network is forgotten."""
    store.list(header=WIPED)
    assert store.held() == dict.fromkeys(
        ("10.5.11.0-24", "10.5.12.0-24", "10.5.13.0-24"), "history"
    )
    assert "no network configuration" in store.told[-1].now.config_trouble
    store.pass_time(1e9)
    assert len(store.held()) == 3
    assert not store.guard.calm


def test_it_heals_as_everybody_writes_again(store):
    """Each is believed as it comes; the last of them, and the network, make the history ours."""
    store.list(header=WIPED)
    for number, one in enumerate((A, B, C), 1):
        store.put(one)
        assert len(store.held()) == 3 - number
        assert store.says[one.key.decode().rpartition("/")[2]] == "ok"
    assert store.guard.calm
    assert store.guard.history.broken is not None
    store.put(NETWORK)
    assert store.guard.history.broken is None
    store.put(OWN)
    assert store.says == ALL


def test_a_second_wipe_begins_anew(store):
    """Who wrote into the first one must write again; and is held all the time."""
    store.list(header=WIPED)
    store.put(A)
    store.list(header=Header(1, 1, 1))
    assert len(store.held()) == 3
    store.list(NETWORK, OWN, A, B, C, header=Header(1, 2, 1))
    assert store.held() == {}
    assert store.guard.history.broken is None


def test_a_restored_store_that_says_the_same_is_ours_in_the_same_call(store):
    """However old its revisions are: nothing in it is unexplained."""
    store.list(*(younger(each) for each in (NETWORK, OWN, A, B, C)), header=Header(1, 50, 7))
    assert (store.says, store.held()) == (ALL, {})
    assert store.guard.history.broken is None


def test_a_backup_of_last_week_moves_no_gateway_and_wakes_no_dead(store):
    """What contradicts is held against; what is unknown is refused as a leftover."""
    moved = younger(entry("10.5.11.0-24", "172.16.0.99", node="a"))
    dead = younger(entry("10.5.66.0-24", "172.16.0.66", node="dead"))
    store.list(NETWORK, OWN, moved, dead, B, header=Header(1, 50, 7))
    assert store.says == {
        **ALL,
        "10.5.11.0-24": "held",
        "10.5.13.0-24": "held",
        "10.5.66.0-24": "leftover",
    }
    assert str(store.roster.peers[A.key].lease.gateways) == "172.16.0.11"
    assert len(store.guard.state.leftovers) == 2
    store.pass_time(1e9)
    assert len(store.held()) == 2


def test_a_leftover_takes_nobodys_ground(store):
    """Neither that of a lease that is held, nor that of one that comes now."""
    store.list(NETWORK, OWN, younger(entry("10.5.10.0-23", node="dead")), header=WIPED)
    assert store.says["10.5.10.0-23"] == "leftover"
    assert store.says["10.5.11.0-24"] == "held"
    new = entry("10.5.10.0-24", "172.16.0.44", node="new")
    store.put(new)
    assert store.says["10.5.10.0-24"] == "ok"


def test_a_leftover_that_is_written_again_is_believed(store):
    """Its owner wrote it now: also where it contradicts what is held."""
    moved = entry("10.5.11.0-24", "172.16.0.99", node="a")
    store.list(NETWORK, OWN, younger(moved), B, C, header=WIPED)
    store.put(moved)
    assert (store.says, store.held()) == (ALL, {})
    assert str(store.roster.peers[A.key].lease.gateways) == "172.16.0.99"
    assert store.guard.history.broken is None


def test_a_leftover_that_is_deleted_is_forgotten(store):
    """Unknown, it is gone; under a lease that is held, that one stays held."""
    moved = younger(entry("10.5.11.0-24", "172.16.0.99", node="a"))
    dead = younger(entry("10.5.66.0-24", node="dead"))
    store.list(NETWORK, OWN, moved, dead, B, C, header=WIPED)
    store.change(gone("10.5.66.0-24"))
    assert "10.5.66.0-24" not in store.says
    store.change(gone("10.5.11.0-24"))
    assert store.held() == {"10.5.11.0-24": "history"}
    store.put(A)
    assert store.guard.history.broken is None


def test_a_leftover_that_a_new_list_lacks_is_forgotten(store):
    """It was deleted while nobody watched: the history settles without it."""
    dead = younger(entry("10.5.66.0-24", node="dead"))
    store.list(NETWORK, OWN, A, B, C, dead, header=WIPED)
    assert store.guard.history.broken is not None
    store.list(NETWORK, OWN, A, B, C)
    assert not store.guard.state.leftovers
    assert store.guard.history.broken is None


def test_whoever_lives_is_believed(store):
    """Its presence stands after all others have expired; one that is dead stays a leftover."""
    alive = younger(entry("10.5.66.0-24", "172.16.0.66", node="alive"))
    moved = younger(entry("10.5.11.0-24", "172.16.0.99", node="a"))
    dead = younger(entry("10.5.67.0-24", "172.16.0.67", node="dead"))
    nameless = younger(entry("10.5.68.0-24", "172.16.0.68"))
    store.list(NETWORK, OWN, alive, moved, dead, nameless, B, C, header=WIPED)
    store.cluster.witness(frozenset({"id-alive", "id-a", ""}))
    assert store.says == {
        **ALL,
        "10.5.66.0-24": "ok",
        "10.5.67.0-24": "leftover",
        "10.5.68.0-24": "leftover",
    }
    assert str(store.roster.peers[A.key].lease.gateways) == "172.16.0.99"
    store.change(gone("10.5.67.0-24"), gone("10.5.68.0-24"))
    assert store.guard.history.broken is None


def test_a_record_that_leads_nowhere_needs_no_explanation(store):
    """Withdrawn, of another kind or spoilt: it is refused for what it says, of whatever history."""
    records = (
        entry("10.5.71.0-24", backend="quarantine", created=2),
        entry("10.5.72.0-24", backend="vxlan", created=2),
        entry("10.5.73.0-24", raw=b"?", created=2),
    )
    store.list(NETWORK, OWN, A, B, C, *records, header=WIPED)
    assert store.says == {
        **ALL,
        "10.5.71.0-24": "quarantined",
        "10.5.72.0-24": "other_backend",
        "10.5.73.0-24": "malformed_value",
    }
    assert store.guard.history.broken is None


def test_a_peer_is_neither_withdrawn_nor_spoilt_by_an_old_record(store):
    """Last week it was in quarantine; this week it routes."""
    store.list(
        NETWORK,
        OWN,
        younger(entry("10.5.11.0-24", backend="quarantine")),
        younger(entry("10.5.12.0-24", raw=b"?")),
        C,
        header=WIPED,
    )
    assert store.says == {**ALL, "10.5.11.0-24": "held", "10.5.12.0-24": "held"}


def test_what_was_about_to_go_when_the_history_broke_is_held_with_the_rest(store):
    """Deleted a moment before the wipe, or standing differently after it: the same accident."""
    store.change(gone("10.5.11.0-24"), gone("10.5.12.0-24"))
    other = younger(entry("10.5.12.0-24", "172.16.0.99", node="b"))
    store.list(NETWORK, OWN, other, C, header=WIPED)
    assert store.held() == dict.fromkeys(("10.5.11.0-24", "10.5.12.0-24"), "history")
    store.pass_time(1e9)
    assert store.says == {**ALL, "10.5.11.0-24": "held", "10.5.12.0-24": "held"}


def test_what_is_held_is_held_once(store):
    """However often a list lacks it, or says something else."""
    moved = younger(entry("10.5.11.0-24", "172.16.0.99", node="a"))
    for _ in range(3):
        store.list(NETWORK, OWN, moved, B, header=WIPED)
    assert store.guard.state.begun == {"history": 2}


def test_a_leftover_at_our_own_key_is_refused_and_nothing_is_held(store):
    """The claim puts ours back."""
    theirs = younger(entry("10.5.200.0-24", "172.16.0.99", node="x"))
    store.list(NETWORK, theirs, A, B, C, header=WIPED)
    assert store.says == {**ALL, "10.5.200.0-24": "leftover"}
    assert store.guard.state.begun == {}


def test_removals_in_a_broken_history_wait_without_end(store):
    """Until the history is ours; what was written after the break can go as well."""
    store.list(header=WIPED)
    store.put(A)
    store.change(gone("10.5.11.0-24"))
    assert store.held()["10.5.11.0-24"] == "history"


def test_the_last_hold_that_yields_makes_the_history_ours(store):
    """In the same call: there may be no other for a long time."""
    store.list(NETWORK, OWN, A, B, header=WIPED)
    assert store.held() == {"10.5.13.0-24": "history"}
    store.put(entry("10.5.13.0-25", "172.16.0.44", node="new"))
    assert store.held() == {}
    assert store.guard.history.broken is None


def test_no_history_is_ours_while_its_network_is_missing_or_another(store):
    """The network is what is judged by: the last good one stays in force."""
    store.list(OWN, A, B, C, header=WIPED)
    assert (store.held(), store.guard.calm) == ({}, True)
    assert store.guard.history.broken is not None
    store.list(younger(OTHER_NETWORK, created=1), OWN, A, B, C)
    assert "another history" in store.told[-1].now.config_trouble
    assert (store.says, store.guard.history.broken is None) == (ALL, False)
    store.put(OTHER_NETWORK)
    assert store.told[-1].now.config_trouble == ""
    assert store.says["10.5.11.0-24"] == "outside_config"
    assert store.guard.history.broken is None


def test_where_nothing_is_known_nothing_is_contradicted():
    """A store that was wiped before it ever had a network is believed like any other."""
    store = GuardedStore()
    store.list(A)
    store.list(NETWORK, younger(B), header=WIPED)
    assert store.says == {"10.5.12.0-24": "ok"}
    assert store.guard.history.broken is None


def test_every_record_is_a_peer_or_a_refusal_even_after_its_hold(store):
    """A hold that is released, or yields, uncovers the leftover at its key."""
    moved = younger(entry("10.5.11.0-24", "172.16.0.99", node="x"))
    other = younger(entry("10.5.12.0-24", "172.16.0.98", node="x"))
    store.list(NETWORK, OWN, moved, other, C, header=WIPED)
    store.cluster.release([key("10.5.11.0-24")], "accepted")
    assert store.says["10.5.11.0-24"] == "leftover"
    store.put(entry("10.5.12.0-25", "172.16.0.44", node="new"))
    assert store.says["10.5.12.0-24"] == "leftover"
    assert store.says["10.5.12.0-25"] == "ok"
    assert store.held() == {}
    assert store.guard.history.broken is not None
