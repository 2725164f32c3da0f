"""Up to which change of the records the routes are in the kernel: by hand."""

from __future__ import annotations

from dataclasses import replace

from hostgw_core.model import Refusal
from hostgw_core.records import lease_of, lease_value
from hostgw_core.store import Entry, Header
from hostgw_core.view import Snapshot
from hostgw_daemon.kernel import Outcome, Verb, Verdict, Write
from hostgw_daemon.routes.applied import Applied
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.routes.report import PassKind, Report
from hostgw_daemon.routes.understanding import News
from support.parts import KEYS, OWN, lease, roster, route, understanding


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
    return Report(kind, "a test", revision, 2, revisions={"": revision})


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


def test_what_was_heard_of_another_network_says_nothing_of_this_one():
    """One pass is over all of them, and one may be heard of later than the other."""
    applied = Applied()
    applied.understood(news(70, lease(1).key))
    applied.passed(replace(report(90), revisions={"": 60, "blue": 90}))
    assert applied.revision == 0  # the pass had begun before
    applied.passed(replace(report(90), revisions={"": 70, "blue": 90}))
    assert applied.revision == 70
    applied.understood(news(95, lease(2).key))
    applied.passed(replace(report(99), revisions={"blue": 99}))
    assert applied.revision == 70


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


def quarantined(number: int, written: int, *, node_id: str = "") -> tuple[Refusal, Entry]:
    """Make what is left of the lease of a node that was withdrawn at a revision."""
    one = lease(number)
    owner = node_id or one.node_id
    value = lease_value(gateways=one.gateways, backend="quarantine", node=one.node, node_id=owner)
    entry = Entry(one.key, value, 1, written, 2, 7)
    refusal = lease_of(KEYS, entry)
    assert isinstance(refusal, Refusal)
    return refusal, entry


def withdrawing(revision: int, *records: tuple[Refusal, Entry], whole: bool = False) -> News:
    """Make what a store at a revision tells in which these are in quarantine."""
    plain = news(revision)
    entries = {entry.key: entry for _, entry in records}
    known = roster(2, refusals=tuple(refusal for refusal, _ in records))
    known = replace(known, peers={k: v for k, v in known.peers.items() if k not in entries})
    now = replace(plain.now, roster=known, snapshot=Snapshot(Header(1, revision, 1), entries))
    return News(now, None if whole else frozenset(entries))


def test_a_node_that_is_withdrawn_waits_to_hear_of_it():
    """Of the revision at which its lease was put in quarantine."""
    applied = Applied()
    applied.understood(news(60, whole=True))
    applied.passed(report(60))
    assert applied.withdrawn == 0
    applied.understood(withdrawing(75, quarantined(1, 70)))
    assert (applied.withdrawn, applied.revision) == (70, 50)
    applied.passed(report(75, PassKind.FAST))
    assert applied.revision >= applied.withdrawn
    applied.understood(news(80, lease(2).key))  # somebody else's lease is another one
    assert applied.withdrawn == 70


def test_whoever_starts_meanwhile_says_it_too():
    """A list tells of it as of any other record; it has no route, and is applied all the same."""
    applied = Applied()
    applied.understood(withdrawing(90, quarantined(1, 70), quarantined(2, 65), whole=True))
    assert applied.withdrawn == 70
    applied.passed(report(90))
    assert applied.revision == 70


def test_that_we_are_withdrawn_ourselves_is_nothing_to_say():
    """Nor that a lease says something else, or of another kind."""
    applied = Applied()
    applied.understood(withdrawing(90, quarantined(1, 70, node_id="id-0")))
    assert applied.withdrawn == 0
    other = (Refusal(lease(2).key, "other_backend", "vxlan"), quarantined(2, 71)[1])
    applied.understood(withdrawing(91, other))
    assert applied.withdrawn == 0


def test_a_route_that_would_not_go_is_not_let_go_of():
    """The pass that removes it has to come first."""
    applied = Applied()
    applied.understood(withdrawing(75, quarantined(1, 70)))
    stuck = Outcome(Write(Verb.DELETE, route(1)), Verdict.FAILED, 1, "the kernel would not")
    applied.passed(replace(report(75, PassKind.FAST), outcomes=(stuck,)))
    assert applied.revision == 0
    missing = Outcome(Write(Verb.CREATE, route(2)), Verdict.FAILED, 1, "nor this")
    applied.passed(replace(report(75), outcomes=(missing,)))
    assert applied.revision == 75
