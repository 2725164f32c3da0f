"""A cluster that remembers, and an operator who decides: what the first list is held against."""

from __future__ import annotations

from ipaddress import IPv4Address
from types import MappingProxyType

import pytest

from hostgw_core.history import History
from hostgw_core.model import Addresses
from hostgw_core.store import Header
from hostgw_core.view import Snapshot
from support.lease_world import entry, key
from support.understanding import NETWORK, PATIENT, GuardedStore

PAST = Header(1, 90, 5)
OWN = entry("10.5.200.0-24", "172.16.0.1", node="me")
A, B, C = (
    entry(f"10.5.{number}.0-24", f"172.16.0.{number}", node=name, created=number)
    for number, name in ((11, "a"), (12, "b"), (13, "c"))
)
KEPT = dict.fromkeys(("10.5.11.0-24", "10.5.12.0-24", "10.5.13.0-24"), "ok")


def snapshot(*entries, header=PAST):
    """Write what is remembered."""
    return Snapshot(header, MappingProxyType({each.key: each for each in entries}))


@pytest.fixture
def store():
    """Begin with three peers that are remembered."""
    store = GuardedStore(PATIENT, History(PAST))
    store.cluster.recall(snapshot(NETWORK, A, B, C))
    return store


# -- headless --------------------------------------------------------------------------------------


def test_what_is_remembered_is_told_only_when_nobody_answers(store):
    """It is told once, as what it is, and changes of our own place are told from then on."""
    assert store.told == []
    store.cluster.stand_at(Addresses(IPv4Address("172.16.0.1")), [])
    assert store.told == []
    store.cluster.go_headless()
    (news,) = store.told
    assert (news.now.headless, news.moved, store.says) == (True, None, KEPT)
    store.cluster.go_headless()
    assert len(store.told) == 1
    store.cluster.stand_at(store.roster.peers[A.key].lease.gateways, [])
    assert len(store.told) == 2
    assert store.told[-1].now.headless
    assert store.says["10.5.11.0-24"] == "own_address"


def test_a_node_whose_store_has_answered_is_not_headless_any_more(store):
    """Whenever the moment of patience is over."""
    store.list(NETWORK, A, B, C)
    store.cluster.go_headless()
    assert len(store.told) == 1
    assert not store.told[0].now.headless


def test_a_node_that_remembers_nothing_has_nothing_to_tell():
    """Neither without a memory, nor with one of no network."""
    store = GuardedStore()
    store.cluster.go_headless()
    store.cluster.recall(snapshot(A))
    store.cluster.go_headless()
    assert store.told == []


def test_an_operator_cannot_make_a_memory_the_store(store):
    """There is no history to believe in before the store has answered."""
    store.cluster.believe()
    store.cluster.go_headless()
    assert [news.now.headless for news in store.told] == [True]


def test_a_memory_keeps_what_was_kept():
    """Spoilt, outside the network now or twice on one ground: judged as what was believed once."""
    store = GuardedStore(PATIENT, History(PAST))
    outside = entry("10.9.1.0-24", "172.16.0.14", node="d", created=14)
    store.cluster.recall(snapshot(NETWORK, A, outside))
    store.cluster.go_headless()
    assert store.says == {"10.5.11.0-24": "ok", "10.9.1.0-24": "outside_config"}


# -- the first list --------------------------------------------------------------------------------


def test_the_first_list_is_held_against_what_is_remembered(store):
    """One that left while we were away waits, and its route with it."""
    store.list(NETWORK, A, B)
    assert store.says == {**KEPT, "10.5.13.0-24": "held"}
    assert store.held() == {"10.5.13.0-24": "leaving"}


def test_a_store_that_lost_many_while_we_were_away_is_an_accident(store):
    """The crowd is the one that is remembered."""
    store.list(NETWORK, A)
    assert store.held() == dict.fromkeys(("10.5.12.0-24", "10.5.13.0-24"), "many")


def test_a_store_that_was_wiped_while_we_were_away_is_another_history(store):
    """The header on disk betrays it."""
    store.list(header=Header(1, 3, 1))
    assert store.says == dict.fromkeys(KEPT, "held")
    assert set(store.held().values()) == {"history"}
    assert store.told[-1].now.config is not None


def test_a_broken_history_is_remembered_over_a_restart():
    """Its leftovers are leftovers still, and who has shown that he lives does so still."""
    broken = History(PAST).listed(Header(1, 50, 1)).witnessed(frozenset({"id-alive"}))
    store = GuardedStore(PATIENT, broken)
    store.cluster.recall(snapshot(NETWORK, A))
    dead = entry("10.5.66.0-24", node="dead", created=40)
    alive = entry("10.5.67.0-24", node="alive", created=41)
    store.list(NETWORK, A, dead, alive, header=Header(1, 60, 1))
    assert store.says == {"10.5.11.0-24": "ok", "10.5.66.0-24": "leftover", "10.5.67.0-24": "ok"}


def test_our_own_lease_is_missed_from_the_first_list_on():
    """It was there when we went away."""
    store = GuardedStore(PATIENT, History(PAST))
    store.cluster.recall(snapshot(NETWORK, OWN, A, B, C))
    store.list(NETWORK, A, B)
    assert store.held() == {"10.5.13.0-24": "own_too"}


# -- an operator -----------------------------------------------------------------------------------


def test_an_operator_lets_a_hold_go_or_makes_it_last(store):
    """What is not held is neither."""
    store.list(NETWORK, A)
    assert store.guard.extend([B.key, A.key], store.time + 900) == 1
    store.pass_time(300)
    assert store.held() == {"10.5.12.0-24": "many"}
    assert store.guard.next_end() == 1900
    count = len(store.told)
    assert store.cluster.release([A.key, C.key], "accepted") == 0
    assert len(store.told) == count
    assert store.cluster.release([B.key, B.key], "accepted") == 1
    assert store.told[-1].moved == {B.key}
    assert (store.says, store.held()) == ({"10.5.11.0-24": "ok"}, {})
    assert store.guard.state.ended == {("many", "silent"): 1, ("many", "accepted"): 1}


def test_a_gateway_that_answers_is_asked_again(store):
    """Its lease is held for another minute, and another."""
    store.list(NETWORK, A)
    store.time += 300
    at_once, grave = store.guard.over(store.time)
    assert (at_once, {hold.lease.key for hold in grave}) == ((), {B.key, C.key})
    store.guard.still_answer([B.key], store.time)
    assert {hold.lease.key for hold in store.guard.over(store.time)[1]} == {C.key}
    store.cluster.release([C.key], "silent")
    assert store.guard.next_end() == store.time + 60


def test_to_believe_the_store_is_to_let_go_of_everything_else(store):
    """What it says now is what is, of whatever history, leftovers too."""
    moved = entry("10.5.12.0-24", "172.16.0.99", node="b", created=2)
    store.list(
        NETWORK, A, moved, entry("10.5.66.0-24", node="x", created=2), header=Header(2, 3, 1)
    )
    assert store.says == {
        **dict.fromkeys(KEPT, "held"),
        "10.5.11.0-24": "ok",
        "10.5.66.0-24": "leftover",
    }
    store.cluster.believe()
    assert store.says == dict.fromkeys(("10.5.11.0-24", "10.5.12.0-24", "10.5.66.0-24"), "ok")
    assert str(store.roster.peers[B.key].lease.gateways) == "172.16.0.99"
    assert (store.held(), store.guard.history) == ({}, History(Header(2, 3, 1)))


def test_releasing_the_last_unexplained_hold_makes_the_history_ours(store):
    """In the same call."""
    store.list(NETWORK, A, B, header=Header(1, 3, 1))
    store.cluster.release([key("10.5.13.0-24")], "accepted")
    assert store.guard.history == History(Header(1, 3, 1))
