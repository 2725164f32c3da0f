"""Peer states as functions of the parts: each peer's trouble, and its cure."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

import pytest

from hostgw_core.model import Subnets
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.probe.evidence import Cause, Diagnosis
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.told.metrics.peers import STATES
from hostgw_daemon.told.overview import conditions
from hostgw_daemon.told.peerstates import peer_states
from support import parts as site
from support.parts import (
    foreign,
    lease,
    outcome,
    parts,
    roster,
    route,
    routes,
    understanding,
    withdrawn,
)


def state_of(number: int, **changes: object) -> tuple[str, str]:
    """Give the state of one peer, and the reason."""
    found = {peer.lease.key: (state, why) for peer, state, why in peer_states(parts(**changes))}
    return found[lease(number).key]


def test_every_peer_but_ourselves_has_a_state():
    """Three peers, all well, without a reason; our own lease is none of them."""
    found = list(peer_states(parts()))
    assert [(peer.lease.node, state, why) for peer, state, why in found] == [
        ("n1", "ok", ""),
        ("n2", "ok", ""),
        ("n3", "ok", ""),
    ]


@pytest.mark.parametrize(
    "changes", [{"understanding": None}, {"understanding": understanding(roster=None)}]
)
def test_there_are_no_peers_before_the_store_was_understood(changes: dict):
    """Without a roster nothing is said of anybody."""
    assert list(peer_states(parts(**changes))) == []


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.OFF_LINK, "off_subnet"),
        (Verdict.CONFLICT, "conflict"),
        (Verdict.FAILED, "failed"),
        (Verdict.LINK_DOWN, "failed"),
    ],
)
def test_a_missing_route_is_the_state_of_its_peer(verdict: Verdict, state: str):
    """The kernel's verdict becomes the peer's state, which is counted; its words the reason."""
    changed = routes(missing=(outcome(2, verdict, "why not"),))
    assert state_of(2, routes=changed) == (state, "why not")
    assert state in STATES
    assert state_of(1, routes=changed) == ("ok", "")


def test_a_shadowed_peer_names_the_cure():
    """The reason is the command that takes the other route away."""
    state, reason = state_of(2, routes=routes(shadows=(foreign(2),)))
    assert state == "shadowed"
    assert "ip route del 10.0.2.0/24 proto 3" in reason


def test_a_conflict_is_worse_than_a_shadow():
    """A peer with both is in conflict: there the route is missing altogether."""
    both = routes(missing=(outcome(2, Verdict.CONFLICT, "held"),), shadows=(foreign(2),))
    assert state_of(2, routes=both) == ("conflict", "held")


def test_whose_place_somebody_has_is_in_conflict_before_a_pass_finds_it_missing():
    """The kernel tells of the other route first: our own cannot be there, and is not shadowed."""
    taken = routes(shadows=(foreign(2),), holders=frozenset({foreign(2)}))
    state, reason = state_of(2, routes=taken)
    assert state == "conflict"
    assert "ip route del 10.0.2.0/24 proto 3" in reason


def test_a_fight_is_named_before_what_it_causes():
    """A route that is left alone because it is fought over is no mere failure."""
    changed = routes(missing=(outcome(2, Verdict.FAILED),), fights=("10.0.2.0/24",))
    assert state_of(2, routes=changed)[0] == "fight"
    assert state_of(2, routes=routes(fights=("10.0.2.0/24",)))[0] == "fight"


def test_a_withdrawn_route_stands_before_the_reason_of_the_state():
    """The state goes on to be the cause."""
    away = withdrawn(2)
    found = {(lease(2).key, 4): Diagnosis(Cause.UNREACHABLE, "see its firewall")}
    state, reason = state_of(2, withdrawn=away, probes=found)
    assert state == "unreachable"
    assert reason == "its route is withdrawn (--withdraw-states): see its firewall"
    assert state_of(1, withdrawn=away) == ("ok", "")


@pytest.mark.parametrize("state", [PeerState.REJECTED_KEPT, PeerState.OUTSIDE_CONFIG])
def test_a_records_own_trouble_comes_first(state: PeerState):
    """What is wrong with the lease is said, whatever the kernel says of its route."""
    kept = roster(3, n2=Peer(lease(2), state, "the record is spoilt"))
    found = state_of(
        2,
        understanding=understanding(roster=kept),
        routes=routes(missing=(outcome(2, Verdict.FAILED),)),
    )
    assert found == (str(state), "the record is spoilt")


def test_one_family_in_trouble_is_the_state_of_the_peer():
    """A peer with both families is as well as the worse of the two."""
    both = replace(lease(2), subnets=Subnets(lease(2).subnets.ipv4, IPv6Network("fd00::/64")))
    known = understanding(roster=roster(3, n2=Peer(both)))
    changed = routes(missing=(outcome(2, Verdict.OFF_LINK, "no way"),))
    assert state_of(2, understanding=known, routes=changed) == ("off_subnet", "no way")


def test_the_routes_of_the_tests_are_what_they_say():
    """The parts of these tests are the peers' own: a slip here would prove nothing."""
    assert route(1).prefix == "10.0.1.0/24"
    assert site.OWN.key.decode().endswith("subnets/10.0.0.0-24")


@pytest.mark.parametrize("cause", Cause)
def test_what_a_probe_has_found_is_the_state(cause: Cause):
    """Of two families the one in trouble; where nobody was asked yet, that is said."""
    probes = {
        (lease(1).key, 4): Diagnosis(cause, "so it is"),
        (lease(2).key, 4): Diagnosis(Cause.OK),
        (lease(2).key, 6): Diagnosis(cause, "so it is"),
    }
    expected = (str(cause), "so it is")
    assert state_of(1, probes=probes) == expected
    fine = cause in (Cause.OK, Cause.UNPROBED)
    assert state_of(2, probes=probes) == (("ok", "") if fine else expected)
    assert state_of(3, probes=probes) == ("unprobed", "it has not been probed yet")
    assert str(cause) in STATES


def test_a_route_in_trouble_hides_what_a_probe_has_found():
    """A packet that has no route cannot arrive, and that is not the other node's fault."""
    probes = {(lease(1).key, 4): Diagnosis(Cause.PATH_FILTERED, "behind it")}
    changed = routes(missing=(outcome(1, Verdict.CONFLICT, "held"),))
    assert state_of(1, routes=changed, probes=probes) == ("conflict", "held")


@pytest.mark.parametrize(
    "trouble",
    [
        {"missing": (outcome(1, Verdict.CONFLICT, "held"),)},
        {"shadows": (foreign(1),)},
        {"fights": ("10.0.1.0/24",)},
    ],
)
def test_no_condition_blames_a_node_for_a_route_in_trouble_here(trouble: dict):
    """The probes go the wrong way with the packets: what they find is no cause of its own."""
    bad = Diagnosis(Cause.PATH_FILTERED, "behind it")
    probes = {(lease(number).key, 4): bad for number in (1, 2)}
    said = conditions(parts(routes=routes(**trouble), probes=probes))["peers_out_of_reach"]
    assert said == "n2: path_filtered, behind it"
