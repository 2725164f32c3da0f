"""Nodes with one address: named by every node, both, and nothing else for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_core.model import Refusal
from hostgw_core.records import lease_value
from hostgw_core.store import Entry
from hostgw_core.view import Snapshot
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.probe.evidence import Cause, Diagnosis
from hostgw_daemon.routes.peers import OWN_ADDRESS, Peer, PeerState
from hostgw_daemon.told.overview import conditions
from hostgw_daemon.told.peerstates import peer_states, troubled_peers
from support.parts import (
    HEADER,
    OWN,
    disputes,
    lease,
    outcome,
    parts,
    roster,
    routes,
    understanding,
)


def states(now, **changes):
    """Give the state of each peer, and the reason, by its name; the troubled ones twice."""
    seen = parts(understanding=now, **changes)
    found = {peer.lease.node: (state, why) for peer, state, why in peer_states(seen)}
    bad = {peer.lease.node: (state, why) for peer, state, why in troubled_peers(seen)}
    assert bad == {n: it for n, it in found.items() if it[0] not in ("ok", "unprobed", "partial")}
    return found


def probed(**causes: Cause) -> dict:
    """Give diagnoses of peers by name."""
    return {
        (lease(int(name[1:])).key, 4): Diagnosis(cause, str(cause))
        for name, cause in causes.items()
    }


def test_a_third_node_names_both():
    """Each sentence has both names, the address that both have, and what to do."""
    found = states(understanding(disputes=disputes(("id-1", 2))))
    assert {name: state for name, (state, _) in found.items()} == {
        "n1": "duplicate_address",
        "n2": "duplicate_address",
        "n3": "ok",
    }
    assert found["n1"][1] == "n2 wants 192.0.2.2, the address of n1: give n2 an address of its own"
    assert found["n2"][1] == "it wants 192.0.2.2, the address of n1: give n2 an address of its own"


def test_whoever_has_no_lease_is_named_by_its_note():
    """The newcomer may be no peer at all; a holder that is none any more is named by its id."""
    found = states(understanding(disputes=disputes(("id-1", 9), ("id-8", 3))))
    assert "n9 wants 192.0.2.9" in found["n1"][1]
    assert "the address of id-8: give n3 an address" in found["n3"][1]
    assert found["n2"] == ("ok", "")


def test_it_hides_what_it_causes_and_nothing_else():
    """What the kernel and the probes say of the two follows from it; of the third it does not."""
    now = understanding(disputes=disputes(("id-1", 2)))
    probes = probed(n1=Cause.UNREACHABLE, n2=Cause.OK, n3=Cause.UNREACHABLE)
    missing = routes(missing=(outcome(2, Verdict.CONFLICT, "held"),))
    found = states(now, probes=probes, routes=missing)
    named = {name: state for name, (state, _) in found.items()}
    assert named == {"n1": "duplicate_address", "n2": "duplicate_address", "n3": "unreachable"}
    said = conditions(parts(understanding=now, probes=probes))["peers_out_of_reach"]
    assert "n3: unreachable" in said
    assert "n1" not in said


def test_a_record_that_is_kept_or_held_says_so_first():
    """That it is gone, or cannot be read, is the nearer cause."""
    held = roster(2, n1=Peer(lease(1), PeerState.HELD, "why"))
    found = states(understanding(roster=held, disputes=disputes(("id-1", 2))))
    assert (found["n1"][0], found["n2"][0]) == ("held", "duplicate_address")


@pytest.mark.parametrize("notes", [(("id-0", 2),), (("id-2", 0),)])
def test_on_the_two_what_answers_may_have_gone_astray_says_nothing(notes):
    """Another host gets answers that are meant for this one: silence proves nothing."""
    now = understanding(disputes=disputes(*notes))
    for cause, state in (
        (Cause.UNREACHABLE, "unprobed"),
        (Cause.PATH_FILTERED, "unprobed"),
        (Cause.MTU, "unprobed"),
        (Cause.UNRESOLVED, "unresolved"),  # who asks on the link gets the answer
        (Cause.NOT_FORWARDING, "not_forwarding"),  # an answer has come
        (Cause.OK, "ok"),
    ):
        found = states(now, probes=probed(n1=cause, n3=cause))
        assert (found["n1"][0], found["n2"][0], found["n3"][0]) == (
            state,
            "duplicate_address",
            state,
        )
        said = conditions(parts(understanding=now, probes=probed(n1=cause)))
        assert ("peers_out_of_reach" in said) is (state not in ("ok", "unprobed"))


def test_a_lease_at_our_own_address_is_of_a_node_that_is_named():
    """No route can lead there, so it is no peer; it is told of all the same, with its cause."""
    theirs = replace(lease(1), gateways=OWN.gateways)
    value = lease_value(gateways=theirs.gateways, node="n1", node_id="id-1")
    entry = Entry(theirs.key, value, 5, 5, 1, 7)
    refusals = (Refusal(theirs.key, OWN_ADDRESS, "why"), Refusal(b"x", OWN_ADDRESS, "gone"))
    seen = roster(3, refusals=refusals)
    peers = {key: peer for key, peer in seen.peers.items() if key != theirs.key}
    now = understanding(
        snapshot=Snapshot(HEADER, {theirs.key: entry}),
        roster=replace(seen, peers=peers),
        disputes=disputes(("id-1", 0)),
    )
    found = states(now)
    assert {name: state for name, (state, _) in found.items()} == {
        "n1": "duplicate_address",
        "n2": "ok",
        "n3": "ok",
    }
    assert "n1 has 192.0.2.0, which is this host's own address, too" in found["n1"][1]
    assert "give one of the two another address" in found["n1"][1]
