"""The invariants, each with what breaks it and what does not."""

from ipaddress import IPv4Network

import pytest

from chaos.fault import Allowance, Fault, Ground, Injection, nothing, on
from chaos.judge import OURS, RESTART, judge, loss_windows, two_nodes
from chaos.record import Deed, Evidence, LeaseEvent, Loss, RouteChange, Start

FLAP = Fault("flap", on(Ground.HOST), nothing, allowance=Allowance("down", 0.5, removes=True))
FLUSH = Fault(
    "flush", on(Ground.HOST), nothing, allowance=Allowance("gone", 0.25, brief=True, removes=True)
)
CRASH = Fault("crash", on(Ground.DAEMON), nothing, silences=True)
WIPED = Fault("wiped", on(Ground.STORE), nothing, whole=True)
SUBNETS = [IPv4Network(f"10.244.{number}.0/24") for number in (1, 2, 3)]
PLANTED = frozenset({("203.0.113.0/24", 254, 4)})


def deed(fault, host=0, *, at=10.0, until=15.0, back=None):
    """Give a fault that was injected at a moment and healed at another."""
    return Deed(
        fault,
        Injection(fault.name, host, until - at, 0),
        frozenset({host}),
        injected=at,
        settled=at,
        healing=until,
        healed=until,
        back=until if back is None else back,
    )


def evidence(*deeds, **seen):
    """Give what was seen around some deeds."""
    return Evidence(deeds=deeds, subnets=SUBNETS, planted=PLANTED, **seen)


def gone(destination, when, *, host=0, protocol=OURS, table=254):
    """Give the end of a route."""
    return RouteChange(host, when, True, protocol, table, destination, "198.18.0.2", 1500)


def came(gateway, *, host=0):
    """Give the beginning of the canary's route."""
    return RouteChange(host, 1.0, False, OURS, 254, "10.244.240.0/24", gateway, 1500)


def names(seen):
    """Give the invariants that were broken."""
    return [each.invariant for each in judge(seen)]


@pytest.mark.parametrize(
    ("loss", "excused"),
    [
        (Loss(0, 1, 12.0), True),
        (Loss(1, 0, 12.0), True),
        (Loss(1, 2, 12.0), False),  # neither host has the fault
        (Loss(0, 1, 9.9), False),  # before it
        (Loss(0, 1, 15.4), True),
        (Loss(0, 1, 15.6), False),  # too long after it
    ],
)
def test_a_loss_is_excused_on_its_host_and_in_its_time(loss, excused):
    """Of a flapped link: pairs with that host, from down until a moment after up."""
    assert names(evidence(deed(FLAP), losses=[loss])) == ([] if excused else ["packets"])


@pytest.mark.parametrize(("when", "excused"), [(10.2, True), (12.0, False), (15.2, True)])
def test_a_brief_allowance_is_for_the_moments_of_the_acts(when, excused):
    """What is repaired at once costs nothing afterwards, until it is healed."""
    seen = evidence(deed(FLUSH), losses=[Loss(0, 1, when)])
    assert names(seen) == ([] if excused else ["packets"])


def test_a_fault_that_allows_nothing_excuses_nothing():
    """A wiped store: every packet counts."""
    seen = evidence(deed(WIPED), losses=[Loss(0, 1, 12.0), Loss(0, 1, 12.1), Loss(1, 0, 13.0)])
    first, second = judge(seen)
    assert str(first) == (
        "packets: n1 -> n2: 2 lost, 2.00 s after injecting wiped to 2.10 s after injecting wiped"
    )
    assert "n2 -> n1: 1 lost" in second.detail


def test_what_nobody_could_mend_lasts_until_the_daemon_is_back():
    """A flush while the daemon is dead: until it is ready again, and a moment longer."""
    both = deed(FLUSH), deed(CRASH, at=9.0, until=14.0, back=16.0)
    until = max(window.until for window in loss_windows(both))
    assert until == 16.0 + RESTART
    other = deed(FLUSH), deed(CRASH, host=1, at=9.0, until=14.0, back=16.0)
    assert max(window.until for window in loss_windows(other)) == 15.25


def test_a_foreign_route_that_goes_is_told():
    """Whoever did it, whatever the fault."""
    assert names(evidence(deed(FLAP), changes=[gone("203.0.113.0/24", 11, protocol=4)])) == [
        "foreign routes"
    ]
    assert names(evidence(changes=[gone("203.0.113.0/24", 11, protocol=99)])) == []


def test_a_route_to_a_host_that_stands_must_not_go():
    """Not by a wiped store; by a fault of its own host it may."""
    change = gone("10.244.2.0/24", 12.0)
    assert names(evidence(deed(WIPED), changes=[change])) == ["routes to the living"]
    assert names(evidence(deed(FLAP), changes=[change])) == []
    assert names(evidence(deed(FLAP, host=1), changes=[change])) == ["routes to the living"]
    assert names(evidence(changes=[gone("10.244.242.0/24", 12.0)])) == []


def event(revision, key, node, *, history=0, **more):
    """Give a write, or an end, of a lease."""
    return LeaseEvent(
        history,
        revision,
        when=0.0,
        gone=more.get("gone", False),
        key=key,
        node=node,
        gateway=more.get("gateway", ""),
        created=more.get("created", False),
    )


A, B = "10.244.1.0-24", "10.244.2.0-24"


@pytest.mark.parametrize(
    ("history", "revisions"),
    [
        ([event(2, A, "a", created=True), event(3, B, "b", created=True)], []),
        ([event(2, A, "a", created=True), event(3, A, "a")], []),
        ([event(2, A, "a", created=True), event(3, A, "b")], [3]),
        (
            [
                event(2, A, "a", created=True),
                event(3, A, "", gone=True),
                event(4, A, "b", created=True),
            ],
            [],
        ),
        ([event(2, A, "a", created=True), event(3, "10.244.1.0-25", "b", created=True)], [3]),
        ([event(2, A, "a", created=True), event(3, "10.244.1.0-25", "", created=True)], []),
        (  # the store was wiped: another history
            [event(2, A, "a", created=True), event(2, A, "b", history=1, created=True)],
            [],
        ),
        (  # a dual-stack key is another key for the same subnet
            [event(2, A, "a", created=True), event(3, f"{A}&fd00::-64", "b", created=True)],
            [3],
        ),
    ],
)
def test_two_nodes_never_hold_one_subnet(history, revisions):
    """At any revision; a stranger's record is no node's."""
    found = [int(each.detail.split()[1].rstrip(":")) for each in two_nodes(history)]
    assert found == revisions


def test_nothing_is_removed_before_completeness():
    """From a daemon's start until it was ready, unless the lease had ended."""
    start = Start(0, started=10.0, ready=11.0)
    lease = event(5, "10.244.240.0-24", "", gateway="198.18.0.2")
    moved = event(6, "10.244.240.0-24", "", gateway="198.18.0.3")
    ended = event(6, "10.244.240.0-24", "", gone=True)
    change = gone("10.244.240.0/24", 10.5)
    assert names(evidence(starts=[start], changes=[change], leases=[lease])) == ["completeness"]
    assert names(evidence(starts=[start], changes=[change], leases=[lease, ended])) == []
    assert names(evidence(starts=[start], changes=[change], leases=[lease, moved])) == []
    late = gone("10.244.240.0/24", 11.5)
    assert names(evidence(starts=[start], changes=[late], leases=[lease])) == []
    elsewhere = gone("10.244.240.0/24", 10.5, host=1)
    assert names(evidence(starts=[start], changes=[elsewhere], leases=[lease])) == []


def test_a_route_never_goes_back_to_a_gateway_of_before():
    """On each host by itself; forwards it may go as it likes."""
    there = {"canary": "10.244.240.0/24"}
    on_and_on = [came("198.18.9.9"), came("198.18.9.10"), came("198.18.9.9", host=1)]
    assert names(evidence(changes=on_and_on, **there)) == []
    assert names(evidence(changes=[*on_and_on, came("198.18.9.9")], **there)) == ["no way back"]
