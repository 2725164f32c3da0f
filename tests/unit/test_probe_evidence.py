"""What follows from the evidence, row by row of the table; and that one lost probe is no alarm."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from hostgw_daemon.probe.datagram import Report, Way
from hostgw_daemon.probe.evidence import Cause, Evidence, diagnose
from hostgw_daemon.probe.hardware import Hardware
from hostgw_daemon.probe.trial import Trial

GOOD, BAD = Trial(good=True, row=1, ever=True), Trial(good=False, row=-3, ever=True)
DOUBTED = Trial(good=True, row=-2, ever=True)
WELL = Report.FORWARDS | Report.WAY_BACK | Report.GATEWAY
STRICT = WELL | Report.STRICT


def evidence(resolved=True, report=WELL, *, closed=False, **trials):
    """Write evidence: the ways by name."""
    found = {Way[name.upper()]: trial for name, trial in trials.items()}
    return Evidence(MappingProxyType(found), report, closed, resolved)


CASES = {
    "all is well": (evidence(host=GOOD, pod=GOOD, big=GOOD), Cause.OK),
    "not asked at large": (evidence(host=GOOD, pod=GOOD), Cause.OK),
    "nothing is known": (Evidence(), Cause.UNPROBED),
    "no pods there": (evidence(host=GOOD, report=Report.FORWARDS), Cause.UNPROBED),
    "the link is silent": (evidence(False, host=BAD, pod=BAD), Cause.UNRESOLVED),
    "an old word of the link": (evidence(False, host=GOOD, pod=GOOD), Cause.OK),
    "a stranger has its address": (
        replace(evidence(host=BAD, pod=BAD), hardware=Hardware(b"\1", b"\2", 0, b"\1")),
        Cause.DUPLICATE,
    ),
    "the host is silent": (evidence(host=BAD, pod=BAD), Cause.UNREACHABLE),
    "and has never spoken": (evidence(report=None, host=BAD), Cause.UNREACHABLE),
    "not before the link has spoken": (evidence(None, host=BAD, pod=BAD), Cause.UNPROBED),
    "it does not forward": (
        evidence(report=WELL & ~Report.FORWARDS, host=GOOD, pod=GOOD),
        Cause.NOT_FORWARDING,
    ),
    "its firewall drops what it forwards": (
        evidence(report=WELL | Report.DROPS, host=GOOD, pod=GOOD, big=GOOD),
        Cause.NOT_FORWARDING,
    ),
    "its firewall drops more than that": (
        evidence(report=WELL | Report.DROPS, host=GOOD, pod=BAD),
        Cause.NOT_FORWARDING,
    ),
    "its kernel does not": (
        evidence(report=None, closed=True, host=GOOD, pod=GOOD, forward=BAD),
        Cause.NOT_FORWARDING,
    ),
    "its kernel does": (
        evidence(report=None, closed=True, host=GOOD, pod=GOOD, forward=GOOD),
        Cause.OK,
    ),
    "strict, without a way back": (
        evidence(report=STRICT & ~Report.WAY_BACK, host=GOOD, pod=BAD),
        Cause.RP_FILTER,
    ),
    "strict, with a way back": (evidence(report=STRICT, host=GOOD, pod=BAD), Cause.PATH_FILTERED),
    "loose, without a way back": (
        evidence(report=WELL & ~Report.WAY_BACK, host=GOOD, pod=BAD),
        Cause.NO_WAY_BACK,
    ),
    "its pods' way is cut": (evidence(host=GOOD, pod=BAD, big=BAD), Cause.PATH_FILTERED),
    "a kernel whose gateway never answered": (
        evidence(report=None, closed=True, host=GOOD, pod=Trial(good=False, row=-9)),
        Cause.UNPROBED,
    ),
    "a kernel whose gateway once answered": (
        evidence(report=None, closed=True, host=GOOD, pod=BAD),
        Cause.PATH_FILTERED,
    ),
    "large ones are lost": (evidence(host=GOOD, pod=GOOD, big=BAD), Cause.MTU),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause(name):
    """The first thing that is wrong, from the link upwards."""
    found, cause = CASES[name]
    assert diagnose(found, port=9746).cause is cause


def test_what_stops_forwarding_is_what_the_cure_is_for():
    """A switch of the kernel, or a firewall; the kernel's comes first."""
    for report, word in (
        (WELL | Report.DROPS, "hostgwctl check"),
        (WELL & ~Report.FORWARDS, "ip_forward=1"),
        ((WELL | Report.DROPS) & ~Report.FORWARDS, "ip_forward=1"),
    ):
        found = diagnose(evidence(report=report, host=GOOD, pod=GOOD), port=1)
        assert (found.cause, word in found.reason) == (Cause.NOT_FORWARDING, True)


@pytest.mark.parametrize(
    ("report", "cause"),
    [(WELL, Cause.PATH_FILTERED), (WELL & ~Report.WAY_BACK, Cause.NO_WAY_BACK)],
)
def test_a_rule_that_is_missing_is_thought_of_where_routes_are_in_a_table_of_their_own(
    report: Report, cause: Cause
):
    """The rules to another table are the operator's: the cloud is not the first to ask there."""
    lost = evidence(report=report, host=GOOD, pod=BAD)
    usual, other = diagnose(lost, port=1), diagnose(lost, port=1, table=100)
    assert (usual.cause, other.cause) == (cause, cause)
    assert other.reason.startswith(usual.reason)
    assert "ip rule" not in usual.reason
    assert "ip rule" in other.reason
    assert "100" in other.reason
    untried = diagnose(evidence(host=GOOD), port=1, table=100)
    assert (untried.cause, "ip rule" in untried.reason) == (Cause.UNPROBED, True)
    well = evidence(host=GOOD, pod=GOOD)
    assert diagnose(well, port=1, table=100) == diagnose(well, port=1)


def test_every_cause_but_ok_has_a_sentence():
    """And one has its case above."""
    said = {diagnose(found, port=9746) for found, _ in CASES.values()}
    assert {each.cause for each in said} == set(Cause)
    assert all(bool(each.reason) is (each.cause is not Cause.OK) for each in said)
    assert any("9746" in each.reason for each in said)


def test_three_losses_in_a_row_turn_a_trial_bad_and_two_answers_good():
    """By hand: w = answer, l = loss, and what it is after each."""
    trial, seen = Trial(), []
    for step in "wlwllwlllwlww":
        trial = trial.won() if step == "w" else trial.lost()
        seen.append({True: "+", False: "-"}[trial.good])
    assert "".join(seen) == "++++++++----+"
    assert trial.ever


def test_the_first_answer_makes_it_good_and_two_losses_say_nothing():
    """A node that has just started says nothing of its peers."""
    assert Trial().won().good is True
    assert Trial().lost().lost().good is None
    assert Trial().lost().doubtful


def test_a_silence_unsettles_what_was_known_of_the_link():
    """Only what the link says after that counts, and an answer settles it too."""
    known = Evidence().with_answer(Way.HOST, WELL)
    assert known.resolved is True
    assert known.with_loss(Way.HOST).resolved is True
    assert known.in_doubt.resolved is None
    assert known.in_doubt.settled(resolved=False).with_loss(Way.HOST).resolved is False
    assert known.in_doubt.with_answer(Way.POD).resolved is True


def test_a_silent_host_waits_for_the_link_to_speak():
    """Until then nothing new is said of it."""
    silent = evidence(None, host=BAD, pod=BAD)
    assert silent.pending
    assert not silent.settled(resolved=True).pending
    assert not evidence(None, host=GOOD, pod=BAD).pending


def test_pods_that_answered_while_their_host_did_not_are_well():
    """Only what was lost behind a silent host has to be asked anew."""
    known = evidence(report=None, closed=True, host=BAD, pod=GOOD, big=BAD)
    back = known.with_answer(Way.HOST, closed=True).with_answer(Way.HOST, closed=True)
    assert back.trial(Way.POD) == GOOD
    assert back.trial(Way.BIG).good is None
    assert not back.pending


@pytest.mark.parametrize(
    "trials",
    [
        {"host": GOOD, "pod": DOUBTED, "big": BAD},
        {"host": DOUBTED, "pod": GOOD, "big": BAD},
        {"host": DOUBTED, "pod": BAD},
    ],
)
def test_what_lies_behind_is_not_named_while_that_before_it_is_in_doubt(trials):
    """All may be lost: one question of the last round that had an answer still is no proof."""
    known = evidence(**trials)
    assert known.pending
    settled = {name: GOOD if trial is DOUBTED else trial for name, trial in trials.items()}
    assert not evidence(**settled).pending


def test_a_single_loss_makes_nothing_pending_where_nothing_is_wrong():
    """There is nothing behind it to be named."""
    assert not evidence(host=DOUBTED, pod=GOOD, big=GOOD).pending
    assert not evidence(host=GOOD, pod=DOUBTED, big=GOOD).pending


def test_a_host_that_does_not_forward_is_named_whatever_its_pods_way_waits_for():
    """It says so itself."""
    known = evidence(report=WELL & ~Report.WAY_BACK, host=GOOD, pod=BAD)
    turned = known.with_answer(Way.HOST, WELL)
    assert turned.pending
    assert not known.with_answer(Way.HOST, WELL & ~Report.FORWARDS).pending


def test_a_cause_that_a_kernel_alone_shows_says_that_no_daemon_was_heard():
    """After a boot without a daemon there is neither bridge nor rule: no cloud is to be blamed."""
    silent = evidence(report=None, closed=True, host=GOOD, pod=GOOD, forward=BAD)
    assert "no hostgwd answers there" in diagnose(silent, port=9746).reason
    told = evidence(report=WELL & ~Report.FORWARDS, host=GOOD, pod=GOOD)
    assert diagnose(told, port=9746).cause is Cause.NOT_FORWARDING
    assert "no hostgwd" not in diagnose(told, port=9746).reason


def test_a_closed_port_takes_back_what_a_daemon_said():
    """Its daemon has gone, and what it said of its host is not sure any more."""
    known = Evidence().with_answer(Way.HOST, WELL)
    closed = known.with_answer(Way.HOST, closed=True)
    assert (closed.closed, closed.report) == (True, None)
    assert closed.with_answer(Way.FORWARD).closed
    again = closed.with_answer(Way.HOST, WELL)
    assert (again.closed, again.report) == (False, WELL)


def test_ways_that_cannot_be_asked_are_forgotten():
    """A bridge that has gone is no fault."""
    known = evidence(host=GOOD, pod=BAD, big=BAD)
    assert diagnose(known.without(Way.POD, Way.BIG), port=1).cause is Cause.UNPROBED
    assert known.without(Way.FORWARD) is known
