"""What changed about peers, lease and link, put into events: by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.probe.evidence import Cause, Diagnosis
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.told.journal import Event, Kind
from hostgw_daemon.told.nodelog import LeaseLog, LinkLog
from hostgw_daemon.told.overview import Parts
from hostgw_daemon.told.peerlog import FEW, PeerLog
from hostgw_daemon.told.peerstates import WELL, peer_states, troubled_peers
from support.parts import (
    DOWN,
    OWN,
    UPLINK,
    foreign,
    lease,
    outcome,
    parts,
    roster,
    routes,
    understanding,
)


def probed(*numbers: int, cause: Cause = Cause.MTU) -> Parts:
    """Make parts in which the probes found something about these nodes."""
    found = {(lease(number).key, 4): Diagnosis(cause, "why") for number in numbers}
    return parts(understanding=understanding(10), probes=found)


def short(events: list[Event]) -> list[tuple[str, str, float | None]]:
    """Give what each says."""
    return [(each.subject, each.says, each.stood) for each in events]


def test_a_peer_that_falls_ill_changes_and_recovers():
    """Each change is an event; how long the former trouble stood is in it."""
    log = PeerLog()
    assert log.news(troubled_peers(parts()), 10.0) == []
    assert short(log.news(troubled_peers(probed(1)), 20.0)) == [("n1", "mtu: why", None)]
    assert log.news(troubled_peers(probed(1)), 30.0) == []
    other = probed(1, cause=Cause.UNREACHABLE)
    assert short(log.news(troubled_peers(other), 50.0)) == [("n1", "mtu -> unreachable: why", 30.0)]
    assert short(log.news(troubled_peers(parts()), 55.0)) == [("n1", "unreachable is over", 5.0)]
    assert log.news(troubled_peers(parts()), 60.0) == []


def test_ten_thousand_peers_that_fall_ill_together_are_one_event():
    """A switch has died; and it lives again."""
    log = PeerLog("blue")
    ill = [(Peer(lease(number)), "unresolved", "why") for number in range(10_000)]
    (event,) = log.news(ill, 1.0)
    assert (event.count, event.network, event.kind) == (10_000, "blue", Kind.PEER)
    assert event.subject == "n0, n1, n2, ..."
    assert event.says == "10000 peers: unresolved"
    (event,) = log.news([], 9.0)
    assert event.says == "10000 peers: unresolved is over"
    assert len(log.news(ill[:FEW], 10.0)) == FEW


@pytest.mark.parametrize(
    "given",
    [
        parts(),
        parts(understanding=None),
        probed(1, 2),
        probed(1, cause=Cause.UNPROBED),
        parts(routes=routes(missing=(outcome(2, Verdict.OFF_LINK),))),
        parts(routes=routes(shadows=(foreign(3),), fights=("10.0.1.0/24",))),
        parts(
            understanding=understanding(
                roster=roster(4, n2=Peer(lease(2), PeerState.HELD, "it is gone"))
            )
        ),
        parts(
            understanding=understanding(
                roster=roster(4, n2=Peer(lease(2), PeerState.PARTIAL, "IPv4 alone"))
            ),
            probes={(lease(2).key, 4): Diagnosis(Cause.OK)},
        ),
    ],
)
def test_the_troubled_are_those_whose_state_is_a_trouble(given: Parts):
    """The short way to them gives what the long one gives."""
    long = [each for each in peer_states(given) if each[1] not in WELL]
    assert [*troubled_peers(given)] == long


def test_a_lease_is_held_lost_and_held_again():
    """With the revision of its record, and how long it was so before."""
    log = LeaseLog()
    assert log.news(ClaimState(), 5.0) == []
    record = replace(OWN, modified=44)
    (event,) = log.news(ClaimState(record, "taken new"), 10.0)
    assert (event.kind, event.subject, event.revision) == (Kind.LEASE_HELD, "10.0.0.0/24", 44)
    assert (event.says, event.stood) == ("10.0.0.0/24 is held: taken new", None)
    assert log.news(ClaimState(record, "kept"), 11.0) == []
    (event,) = log.news(ClaimState(lost=OWN.subnets), 40.0)
    assert (event.kind, event.subject, event.stood) == (Kind.LEASE_LOST, "10.0.0.0/24", 30.0)
    (event,) = log.news(ClaimState(record, "kept"), 42.0)
    assert (event.kind, event.stood) == (Kind.LEASE_HELD, 2.0)


def test_a_lease_that_is_given_back_is_not_lost():
    """An alert on lost leases is none on a drain; and the same one again has not moved."""
    log = LeaseLog()
    log.news(ClaimState(OWN, "kept"), 10.0)
    (event,) = log.news(ClaimState(conditions={"drained": "as was asked for"}), 40.0)
    assert (event.kind, event.subject, event.stood) == (Kind.LEASE_LEFT, "10.0.0.0/24", 30.0)
    (event,) = log.news(ClaimState(OWN, "the same again"), 42.0)
    assert event.kind is Kind.LEASE_HELD


@pytest.mark.parametrize("lost_between", [True, False])
def test_a_lease_that_moved(lost_between: bool):
    """Another subnet is another event, whether or not there was a moment without one."""
    log = LeaseLog()
    log.news(ClaimState(OWN, "kept"), 10.0)
    if lost_between:
        log.news(ClaimState(lost=OWN.subnets), 11.0)
    (event,) = log.news(ClaimState(lease(7), "taken new"), 12.0)
    assert (event.kind, event.subject) == (Kind.LEASE_MOVED, "10.0.7.0/24")
    assert event.says == "10.0.7.0/24 is held instead of 10.0.0.0/24: taken new"


def test_the_link_goes_down_and_comes_back():
    """Told with what made us look; what did not change is not told."""
    log = LinkLog()
    (event,) = log.news(UPLINK, "start", 1.0)
    assert (event.subject, event.cause, event.stood) == ("eth0", "start", None)
    assert log.news(UPLINK, "eth0: up", 2.0) == []
    (event,) = log.news(DOWN, "eth0: down", 11.0)
    assert event.says == "eth0 down, index 2, 192.0.2.0, MTU 1500"
    assert event.stood == 10.0
    (event,) = log.news(NoUplink("eth0 is gone"), "eth0 is gone", 12.0)
    assert event.says == "no link leads to the other nodes: eth0 is gone"
    assert event.subject == "eth0"
