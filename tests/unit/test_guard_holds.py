"""A lease that goes from the store waits: what it is meanwhile, and what ends it."""

from __future__ import annotations

import pytest

from hostgw_daemon.routes.holds import Patience
from support.guarded_peers import OWN, of_ten
from support.lease_world import config, entry, gone, key
from support.understanding import NETWORK, GuardedStore, names, peers_of


@pytest.fixture
def store():
    """Ten peers and ourselves."""
    return of_ten()


def test_a_lease_that_goes_is_held_for_a_moment_and_says_why(store):
    """It is a peer as before, in a state of its own; then it goes."""
    before = store.roster.peers[key("10.5.1.0-24")].lease
    store.change(gone("10.5.1.0-24"))
    peer = store.roster.peers[key("10.5.1.0-24")]
    assert (peer.lease, peer.state) == (before, "held")
    assert "gone from the store" in peer.reason
    assert store.held() == {"10.5.1.0-24": "leaving"}
    assert store.guard.next_end() == store.time + 2
    store.pass_time(1.9)
    assert store.says["10.5.1.0-24"] == "held"
    store.pass_time(0.1)
    assert "10.5.1.0-24" not in store.says
    assert (store.held(), store.guard.next_end()) == ({}, None)
    assert store.guard.state.begun == {"leaving": 1}
    assert store.guard.state.ended == {("leaving", "gone"): 1}


def test_a_lease_that_comes_back_is_as_it_was(store):
    """Put back by its node within the moment: nothing is held, and nothing has left."""
    (old,) = peers_of("10.5.1.0-24")
    for _ in range(8):
        store.change(gone("10.5.1.0-24"))
        store.put(old)
        assert (store.says["10.5.1.0-24"], store.held()) == ("ok", {})
    store.change(gone("10.5.2.0-24"))
    assert store.held() == {"10.5.2.0-24": "leaving"}
    assert store.guard.state.ended == {("leaving", "returned"): 8}


def test_what_comes_back_is_what_it_says_now(store):
    """Another gateway in the record that is put back is the new gateway."""
    store.change(gone("10.5.1.0-24"))
    store.put(entry("10.5.1.0-24", "172.16.0.77", node="other"))
    assert str(store.roster.peers[key("10.5.1.0-24")].lease.gateways) == "172.16.0.77"
    assert store.held() == {}


@pytest.mark.parametrize("name", ["10.5.1.0-25", "10.5.0.0-22"])
def test_a_held_lease_yields_at_once_to_whoever_gets_its_subnet(store, name):
    """A part of it, or more than it: in the same call, and all that are in the way."""
    store.change(gone("10.5.1.0-24"), gone("10.5.2.0-24"), gone("10.5.3.0-24"))
    store.put(entry(name, "172.16.0.77", node="new"))
    assert store.says[name] == "ok"
    assert "10.5.1.0-24" not in store.says
    assert ("10.5.2.0-24" in store.says) == (name == "10.5.1.0-25")
    assert store.guard.state.ended["leaving", "yielded"] == (1 if name == "10.5.1.0-25" else 3)
    assert len(store.held()) == (2 if name == "10.5.1.0-25" else 0)


@pytest.mark.parametrize(
    "bad",
    [
        {"raw": b"?"},
        {"backend": "quarantine"},
        {"gateway": "10.5.1.1"},
        {"gateway": "127.0.0.1"},
    ],
)
def test_it_does_not_yield_to_a_bad_record(store, bad):
    """A record that is refused takes nobody's ground."""
    store.change(gone("10.5.1.0-24"))
    store.put(entry("10.5.1.0-25", **bad))
    assert store.says["10.5.1.0-24"] == "held"


def test_it_does_not_yield_to_one_that_has_to_yield_itself(store):
    """Who overlaps a lease that stands is refused, and of two that are held neither goes."""
    store.change(gone("10.5.1.0-24"), gone("10.5.2.0-24"))
    store.put(entry("10.5.0.0-22", "172.16.0.77", node="new"))
    assert store.says["10.5.0.0-22"] == "overlap"
    assert (store.says["10.5.1.0-24"], store.says["10.5.2.0-24"]) == ("held", "held")


def test_who_waits_for_the_ground_of_a_lease_gets_it_when_it_is_gone(store):
    """Refused as the younger of two, it is believed as soon as the other's record goes."""
    store.put(entry("10.5.1.0-25", "172.16.0.77", node="new"))
    assert store.says["10.5.1.0-25"] == "overlap"
    store.change(gone("10.5.1.0-24"))
    assert store.says["10.5.1.0-25"] == "ok"
    assert ("10.5.1.0-24" in store.says, store.held()) == (False, {})


FLANNELS = {"gateway": "172.16.0.50"}
OURS = {"gateway": "172.16.0.50", "node": "mover"}


@pytest.mark.parametrize("who", [FLANNELS, OURS])
@pytest.mark.parametrize("how", ["add, delete", "delete, add", "at once", "list"])
def test_the_old_lease_of_a_node_that_moved_goes_at_once(store, who, how):
    """In any order, in one batch or two; flannel's records name no node but its address."""
    store.put(entry("10.5.50.0-24", **who))
    old, new = gone("10.5.50.0-24"), entry("10.5.60.0-24", created=150, **who)
    if how == "add, delete":
        store.change(new)
        assert store.says["10.5.50.0-24"] == "ok"
        store.change(old)
    elif how == "delete, add":
        store.change(old)
        assert store.says["10.5.50.0-24"] == "held"
        store.change(new)
    elif how == "at once":
        store.change(old, new)
    else:
        store.list(NETWORK, OWN, *peers_of(*names(10)), new)
    assert "10.5.50.0-24" not in store.says
    assert (store.says["10.5.60.0-24"], store.held()) == ("ok", {})


def test_whoever_moved_has_not_left(store):
    """Ten that move one by one, and one that leaves: that one is nothing special."""
    for number, old in enumerate(peers_of(*names(10)), 50):
        new = entry(f"10.5.{number}.0-24", node="n" + old.key.decode().rpartition("/")[2])
        store.change(gone(f"10.5.{number - 49}.0-24"), new)
    store.change(gone("10.5.50.0-24"))
    assert store.held() == {"10.5.50.0-24": "leaving"}


def test_a_new_record_that_is_not_believed_moves_nobody(store):
    """The node has no other way to be reached: its old one waits like any other."""
    bad = entry("10.7.1.0-24", "172.16.0.101", node="n10.5.1.0-24", created=150)
    store.change(gone("10.5.1.0-24"), bad)
    assert store.says["10.7.1.0-24"] == "outside_network"
    assert store.held() == {"10.5.1.0-24": "leaving"}
    store.change(gone("10.5.2.0-24"))
    store.list(NETWORK, OWN, *peers_of(*names(8, 3)), bad)
    assert set(store.held()) == {"10.5.1.0-24", "10.5.2.0-24"}


def test_of_two_leases_of_a_node_that_both_go_neither_says_it_moved(store):
    """And one that somebody else takes in the same batch says nothing either."""
    store.put(entry("10.5.50.0-24", **OURS), entry("10.5.60.0-24", **OURS))
    store.change(gone("10.5.50.0-24"), gone("10.5.60.0-24"))
    assert set(store.held()) == {"10.5.50.0-24", "10.5.60.0-24"}
    store.put(entry("10.5.50.0-24", **OURS), entry("10.5.60.0-24", **OURS))
    taken = entry("10.5.60.0-24", "172.16.0.51", node="thief", created=10, modified=160)
    store.change(gone("10.5.50.0-24"), taken)
    assert set(store.held()) == {"10.5.50.0-24"}


def test_a_node_whose_other_lease_a_list_lacked_has_no_other(store):
    """What was believed before the list is forgotten."""
    first, second = entry("10.5.50.0-24", **OURS), entry("10.5.60.0-24", **OURS)
    store.put(first, second)
    store.list(NETWORK, OWN, *peers_of(*names(10)), first)
    assert store.held() == {}
    store.change(gone("10.5.50.0-24"))
    assert store.held() == {"10.5.50.0-24": "leaving"}


def test_a_node_whose_other_lease_was_withdrawn_has_no_other(store):
    """A list that says so is as good as a watch."""
    first, second = entry("10.5.50.0-24", **OURS), entry("10.5.60.0-24", **OURS)
    store.put(first, second)
    withdrawn = entry("10.5.60.0-24", **OURS, backend="quarantine")
    store.list(NETWORK, OWN, *peers_of(*names(10)), first, withdrawn)
    store.change(gone("10.5.50.0-24"))
    assert store.held() == {"10.5.50.0-24": "leaving"}


def test_of_two_nodes_of_flannel_one_has_not_moved_to_the_other(store):
    """Neither has a name, but each an address."""
    store.put(entry("10.5.50.0-24", "172.16.0.50"), entry("10.5.60.0-24", "172.16.0.60"))
    store.change(gone("10.5.50.0-24"))
    assert store.held() == {"10.5.50.0-24": "leaving"}


def test_quarantine_does_not_wait(store):
    """A lease that is withdrawn on purpose is gone in the same call, and does not count."""
    for name in names(9):
        store.put(entry(name, backend="quarantine"))
        assert store.says[name] == "quarantined"
    store.change(gone("10.5.10.0-24"))
    assert store.held() == {"10.5.10.0-24": "leaving"}


def test_additions_go_on(store):
    """While half of the cluster is held, a new node is believed at once."""
    store.change(*map(gone, names(7)))
    store.put(*peers_of("10.5.77.0-24"))
    assert store.says["10.5.77.0-24"] == "ok"
    assert len(store.held()) == 7


def test_a_held_lease_goes_when_it_turns_out_to_be_through_ourselves(store):
    """Our own address is stronger than whatever was believed once."""
    store.change(gone("10.5.1.0-24"))
    rules = store.roster.policy
    address = store.roster.peers[key("10.5.1.0-24")].lease.gateways
    store.cluster.stand_at(address, rules.host_networks)
    assert ("10.5.1.0-24" in store.says, store.held()) == (False, {})
    assert store.guard.state.ended == {("leaving", "yielded"): 1}


def test_a_held_lease_keeps_its_meaning_under_another_network(store):
    """Somebody's containers are behind it, whatever the configuration says now."""
    store.change(gone("10.5.1.0-24"))
    other = b'{"Network": "10.6.0.0/16", "Backend": {"Type": "host-gw"}}'
    store.put(type(NETWORK)(NETWORK.key, other, 2, 2, 1, 0))
    assert store.roster.policy.config == config("10.6.0.0/16", revision=store.header.revision)
    assert store.says["10.5.1.0-24"] == "held"
    assert store.says["10.5.2.0-24"] == "outside_config"


def test_without_patience_what_goes_goes_in_the_same_call():
    """And only what looks like an accident waits, if that has patience."""
    store = GuardedStore(Patience(grace=0, hold=300))
    store.list(NETWORK, OWN, *peers_of(*names(10)))
    store.change(*map(gone, names(4)))
    assert (store.held(), set(store.says)) == ({}, {"10.5.200.0-24", *names(6, 5)})
    store.change(gone("10.5.5.0-24"))
    assert store.held() == {"10.5.5.0-24": "many"}
    store = GuardedStore(Patience(grace=0, hold=0))
    store.list(NETWORK, OWN, *peers_of(*names(10)))
    store.change(*map(gone, names(10)))
    assert (store.held(), set(store.says)) == ({}, {"10.5.200.0-24"})


def test_a_key_that_never_was_believed_is_forgotten_at_once(store):
    """There is nothing to hold: no route hung on it."""
    store.put(entry("10.5.1.0-25", node="late"))
    store.change(gone("10.5.1.0-25"))
    assert ("10.5.1.0-25" in store.says, store.held()) == (False, {})


def test_deleted_and_put_back_in_one_batch_is_a_new_record(store):
    """The last word counts."""
    (old,) = peers_of("10.5.1.0-24")
    store.change(gone("10.5.1.0-24"), old)
    assert (store.says["10.5.1.0-24"], store.held()) == ("ok", {})
    store.change(old, gone("10.5.1.0-24"))
    assert store.held() == {"10.5.1.0-24": "leaving"}


def test_what_is_known_of_owners_is_bounded_by_the_leases(store):
    """Nodes that come and go leave nothing behind."""
    for number in range(50):
        store.put(entry("10.5.90.0-24", node=f"passing{number}"))
        store.change(gone("10.5.90.0-24"))
        store.pass_time(2)
    owners = store.guard._owners
    assert len(owners._keys) == 10
