"""The disk is lost, and routes of ours in the kernel are all that tells of leases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_core.history import History
from hostgw_core.store import Header
from support.lease_world import entry, route
from support.understanding import NETWORK, PATIENT, GuardedStore

PAST = Header(1, 90, 5)
NETWORK_OF_BOTH = replace(
    NETWORK,
    value=b'{"EnableIPv6": true, "Network": "10.5.0.0/16", "IPv6Network": "fd00:5::/48",'
    b' "Backend": {"Type": "host-gw"}}',
)
OWN = entry("10.5.200.0-24", "172.16.0.1", node="me")
A, B, C = (
    entry(f"10.5.{number}.0-24", f"172.16.0.{number}", node=name, created=number)
    for number, name in ((11, "a"), (12, "b"), (13, "c"))
)
KEPT = dict.fromkeys(("10.5.11.0-24", "10.5.12.0-24", "10.5.13.0-24"), "ok")


ROUTES = [route(f"10.5.{number}.0/24", f"172.16.0.{number}") for number in (11, 12, 13)]


def test_without_a_memory_the_first_list_is_held_against_our_routes():
    """Each of them stands for a lease, whose owner's name is forgotten."""
    store = GuardedStore()
    store.cluster.recall_routes(ROUTES)
    store.cluster.go_headless()
    assert store.told == []
    store.list(NETWORK, A, B)
    assert store.says == {**KEPT, "10.5.13.0-24": "held"}
    assert store.held() == {"10.5.13.0-24": "leaving"}
    assert store.roster.peers[A.key].lease.node_id == "id-a"
    store.pass_time(2)
    store.list(NETWORK, A, B)
    assert "10.5.13.0-24" not in store.says


def test_many_routes_without_a_lease_are_an_accident():
    """A store that was wiped while the disk was lost takes no route along."""
    store = GuardedStore()
    store.cluster.recall_routes(ROUTES)
    store.list(NETWORK)
    assert store.held() == dict.fromkeys(KEPT, "many")


def test_the_crowd_of_our_routes_is_all_of_them():
    """Three of twenty without a lease are few, though they are all that is held."""
    store = GuardedStore()
    numbers = range(1, 21)
    store.cluster.recall_routes([route(f"10.5.{n}.0/24", f"172.16.0.{n}") for n in numbers])
    store.list(
        NETWORK, *(entry(f"10.5.{n}.0-24", f"172.16.0.{n}", node=f"n{n}") for n in range(1, 18))
    )
    assert store.held() == dict.fromkeys((f"10.5.{n}.0-24" for n in (18, 19, 20)), "leaving")


def test_two_routes_of_a_lease_of_both_families_are_one_peer():
    """Its record says that they belong together; without it each waits for itself."""
    name = "10.5.1.0-24&fd00:5:0:1::-64"
    both = NETWORK_OF_BOTH, entry(name, "172.16.0.9", gateway6="fd00::9", node="a")
    routes = [route("10.5.1.0/24", "172.16.0.9"), route("fd00:5:0:1::/64", "fd00::9")]
    store = GuardedStore()
    store.cluster.recall_routes(routes)
    store.list(*both)
    assert (store.says, store.held()) == ({name: "ok"}, {})
    assert store.guard.state.begun == {}
    store = GuardedStore()
    store.cluster.recall_routes(routes)
    store.list(NETWORK_OF_BOTH)
    assert store.says == {"10.5.1.0-24": "held", "fd00:5:0:1::-64": "held"}
    store.put(both[1])
    assert (store.says, store.held()) == ({name: "ok"}, {})


def test_both_routes_of_a_lease_stay_while_a_broken_history_says_something_else():
    """Neither family is moved by a record of last week."""
    name = "10.5.1.0-24&fd00:5:0:1::-64"
    store = GuardedStore(PATIENT, History(PAST))
    store.cluster.recall_routes(
        [route("10.5.1.0/24", "172.16.0.8"), route("fd00:5:0:1::/64", "fd00::8")]
    )
    moved = entry(name, "172.16.0.9", gateway6="fd00::9", node="a")
    store.list(NETWORK_OF_BOTH, moved, header=Header(1, 50, 1))
    assert store.says == {name: "held"}
    (peer,) = store.roster.peers.values()
    assert str(peer.lease.gateways) == "172.16.0.8 and fd00::8"


def test_routes_of_a_lease_that_was_withdrawn_go_at_once():
    """Its record says so for both families."""
    name = "10.5.1.0-24&fd00:5:0:1::-64"
    store = GuardedStore()
    store.cluster.recall_routes(
        [route("10.5.1.0/24", "172.16.0.9"), route("fd00:5:0:1::/64", "fd00::9")]
    )
    store.list(NETWORK_OF_BOTH, entry(name, gateway6="fd00::9", backend="quarantine"))
    assert (store.says, store.held()) == ({name: "quarantined"}, {})


def test_a_route_stays_while_a_broken_history_says_something_else():
    """The disk kept in which history it was learnt: a record of last week moves no gateway."""
    store = GuardedStore(PATIENT, History(PAST))
    store.cluster.recall_routes(ROUTES)
    moved = entry("10.5.12.0-24", "172.16.0.99", node="b", created=2)
    store.list(NETWORK, A, moved, C, header=Header(1, 50, 1))
    assert store.says == {**KEPT, "10.5.12.0-24": "held"}
    assert str(store.roster.peers[B.key].lease.gateways) == "172.16.0.12"


def test_a_route_without_a_gateway_stands_for_nobody():
    """It leads to no other node."""
    store = GuardedStore()
    store.cluster.recall_routes([ROUTES[0]._replace(gateway=b"")])
    store.list(NETWORK)
    assert store.says == {}


@pytest.mark.parametrize("how", ["list", "watch"])
def test_routes_wait_for_a_network_to_be_judged_by(how):
    """The first list may lack it: the routes stay, and are held against the one that has it."""
    store = GuardedStore()
    store.cluster.recall_routes(ROUTES)
    store.list(A)
    assert store.told[-1].now.roster is None
    if how == "list":
        store.list(NETWORK, A)
    else:
        store.change(NETWORK)
    assert store.says == {**dict.fromkeys(KEPT, "held"), "10.5.11.0-24": "ok"}
    assert store.held() == dict.fromkeys(("10.5.12.0-24", "10.5.13.0-24"), "many")


def test_a_route_of_ours_yields_to_a_record_of_its_ground():
    """A record says who is there; a route only that somebody was."""
    store = GuardedStore()
    store.cluster.recall_routes(ROUTES)
    store.list(NETWORK, entry("10.5.12.0-23", "172.16.0.77", node="new"))
    assert store.says == {"10.5.11.0-24": "held", "10.5.12.0-23": "ok"}


def test_of_several_networks_each_knows_its_own_routes_alone():
    """A route to somewhere else may be another network's: this one holds no lease for it."""
    store = GuardedStore()
    elsewhere = [route("10.6.1.0/24", "172.16.0.9"), route("10.4.0.0/15", "172.16.0.9")]
    store.cluster.recall_routes([*ROUTES, *elsewhere], alone=False)
    store.list(NETWORK)
    assert store.held() == dict.fromkeys(KEPT, "many")
