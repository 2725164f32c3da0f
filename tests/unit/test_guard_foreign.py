"""The store of another cluster answers: nothing changes, and nothing is lost when it goes away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_core.store import Header
from hostgw_daemon.routes.holds import Patience
from support.guarded_peers import ALL, OTHER_NETWORK, OWN, A, B, C, of_three
from support.lease_world import entry, gone
from support.understanding import NETWORK, GuardedStore

FOREIGN = Header(2, 500, 9)


@pytest.fixture
def store():
    """Three peers and ourselves."""
    return of_three()


def test_the_store_of_another_cluster_changes_nothing(store):
    """Not its leases, not its network, not what is written into it."""
    before = store.told[-1].now.config
    theirs = [entry(f"10.5.{n}.0-24", f"172.16.9.{n}", node="x") for n in (11, 77)]
    store.list(OTHER_NETWORK, *theirs, header=FOREIGN)
    assert store.told[-1].now.config == before
    store.put(
        entry("10.5.78.0-24", node="y"), replace(theirs[0], value=A.value + b" "), OTHER_NETWORK
    )
    store.change(gone("10.5.77.0-24"))
    assert store.told[-1].now.config == before
    assert {name: word for name, word in store.says.items() if word != "leftover"} == dict.fromkeys(
        ("10.5.11.0-24", "10.5.12.0-24", "10.5.13.0-24"), "ok"
    ) | dict.fromkeys(("10.5.12.0-24", "10.5.13.0-24"), "held")
    assert store.says["10.5.78.0-24"] == "leftover"
    store.cluster.witness(frozenset({"id-x", "id-y"}))
    assert store.says["10.5.78.0-24"] == "leftover"


def test_back_from_another_cluster_all_is_well_at_once(store):
    """What went meanwhile waits as it would have."""
    store.list(OTHER_NETWORK, entry("10.5.77.0-24", node="x"), header=FOREIGN)
    assert len(store.held()) == 3
    store.list(NETWORK, OWN, A, B, header=Header(1, 150, 5))
    assert store.says == {**ALL, "10.5.13.0-24": "held"}
    assert store.held() == {"10.5.13.0-24": "leaving"}
    assert store.guard.history.broken is None
    assert not store.guard.state.leftovers


def test_back_home_without_patience_what_is_missing_goes_at_once():
    """No hold outlives the history that it was made for."""
    store = GuardedStore(Patience(grace=0, hold=300))
    store.list(NETWORK, OWN, A, B, C)
    store.list(header=FOREIGN)
    store.list(NETWORK, OWN, A, B, header=Header(1, 150, 5))
    assert store.held() == {}
    assert set(store.says) == {"10.5.11.0-24", "10.5.12.0-24", "10.5.200.0-24"}


def test_another_cluster_never_becomes_ours_by_itself(store):
    """Even if it says nothing that is not known: an operator decides."""
    store.list(NETWORK, OWN, A, B, C, header=FOREIGN)
    assert (store.says, store.held(), store.guard.calm) == (ALL, {}, True)
    store.change(gone("hostgw/nodes/x"))
    assert store.guard.history.broken.foreign
    store.cluster.believe()
    assert store.guard.history.broken is None
