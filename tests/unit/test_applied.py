"""Up to which change of the records the routes are in the kernel: by hand."""

from __future__ import annotations

from dataclasses import replace

from hostgw_core.store import Header
from hostgw_core.view import Snapshot
from hostgw_daemon.routes.applied import Applied
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.routes.report import PassKind, Report
from hostgw_daemon.routes.understanding import News
from support.parts import OWN, lease, roster, understanding


def news(revision: int, *moved: bytes, written: int = 50, whole: bool = False) -> News:
    """Make what a store at a revision tells; the leases were written at `written`."""
    peers = {f"n{number}": Peer(replace(lease(number), modified=written)) for number in (1, 2)}
    known = roster(2, **peers)
    own = Peer(replace(OWN, modified=9_000), PeerState.SELF)
    known = replace(known, peers={**known.peers, OWN.key: own})
    now = understanding(roster=known, snapshot=Snapshot(Header(1, revision, 1)))
    return News(now, None if whole else frozenset(moved))


def report(revision: int, kind: PassKind = PassKind.FULL) -> Report:
    """Make a pass that brought the kernel to a revision."""
    return Report(kind, "a test", revision, 2)


def test_it_is_the_revision_of_the_last_change_and_not_the_stores():
    """Told once a pass has carried it into the kernel."""
    applied = Applied()
    applied.understood(news(60, whole=True))
    assert applied.revision == 0
    applied.passed(report(60))
    assert applied.revision == 50
    applied.understood(news(70, lease(1).key))
    applied.passed(report(60))
    assert applied.revision == 50  # the pass had begun before
    applied.passed(report(70, PassKind.RESTORE))
    assert applied.revision == 50  # and this one carries nothing of the store
    applied.passed(report(70, PassKind.FAST))
    assert applied.revision == 70


def test_what_makes_no_route_changes_nothing():
    """Progress of the store, a list that says the same, our own lease."""
    applied = Applied()
    for each in (
        news(60, whole=True),
        news(80),
        news(90, whole=True),
        news(95, OWN.key),
        replace(news(99), now=replace(news(99).now, headless=True)),
    ):
        applied.understood(each)
        applied.passed(report(each.now.snapshot.header.revision))
        assert applied.revision == 50


def test_a_lease_that_goes_is_a_change():
    """Its key has no peer any more."""
    applied = Applied()
    applied.understood(news(60, whole=True))
    applied.understood(news(61, b"gone"))
    applied.passed(report(61))
    assert applied.revision == 61
    applied.understood(news(75, whole=True))  # a list knows nothing of what was deleted
    applied.passed(report(75))
    assert applied.revision == 61


def test_a_store_that_was_restored_counts_anew():
    """The revisions of another history are compared with nothing."""
    applied = Applied()
    applied.understood(news(600, lease(1).key))
    applied.passed(report(600))
    applied.understood(news(60, whole=True))
    applied.passed(report(60))
    assert applied.revision == 50
