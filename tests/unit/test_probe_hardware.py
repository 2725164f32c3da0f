"""Whose hardware answers for an address, and when a stranger's is a cause."""

from __future__ import annotations

from ipaddress import ip_address
from types import MappingProxyType

import pytest

from hostgw_daemon.probe.datagram import Report, Way
from hostgw_daemon.probe.evidence import Cause, Evidence, diagnose
from hostgw_daemon.probe.hardware import ANSWERS, CALM, Hardware
from hostgw_daemon.probe.trial import LOSSES

OWN, STRANGE = bytes.fromhex("020000000001"), bytes.fromhex("0200000000ff")
WELL = Report.FORWARDS | Report.WAY_BACK | Report.GATEWAY


def known(hardware: bytes = OWN) -> Evidence:
    """Give what is known of a node that has answered by a hardware address."""
    found = Evidence()
    for _ in range(ANSWERS):
        found = found.with_answer(Way.HOST, WELL, hardware=hardware)
        found = found.with_answer(Way.POD, WELL, hardware=hardware)
    return found


def lost(evidence: Evidence, times: int = LOSSES) -> Evidence:
    """Let questions be lost by both ways."""
    for _ in range(times):
        evidence = evidence.with_loss(Way.HOST).with_loss(Way.POD)
    return evidence


def cause(evidence: Evidence) -> Cause:
    """Give the cause."""
    return diagnose(evidence, port=9746).cause


def test_a_node_has_the_hardware_that_it_has_answered_by():
    """By another one twice: an answer may have been under way when the address changed hands."""
    once = Hardware().seen(OWN).answered()
    assert (once.own, once.bound) == (OWN, True)
    moved = once.seen(STRANGE)
    assert (moved.own, moved.now, moved.strange) == (OWN, STRANGE, True)
    assert moved.answered().strange
    assert not moved.answered().answered().strange
    assert not moved.seen(OWN).strange
    assert moved.seen(b"") is moved


def test_nothing_is_strange_of_which_nothing_is_known():
    """Neither where the table says nothing, nor where the node has never answered."""
    for each in (Hardware(), Hardware().answered(), Hardware().seen(OWN), Hardware(own=OWN)):
        assert not each.strange
        assert each.taken() is each
    silent = lost(Evidence(resolved=True).settled(resolved=True, hardware=STRANGE))
    assert cause(silent) is Cause.UNREACHABLE


def test_answers_of_pods_do_not_tell_whose_hardware_it_is():
    """Several questions of one turn are under way at once, so all may be from before a change."""
    found = known().settled(resolved=True, hardware=STRANGE)
    for way in (Way.POD, Way.BIG, Way.POD, Way.BIG):
        found = found.with_answer(way, WELL, hardware=STRANGE)
    assert found.hardware.strange
    assert found.with_answer(Way.HOST, WELL).with_answer(Way.HOST, WELL).hardware.own == STRANGE


@pytest.mark.parametrize("closed", [False, True])
def test_a_stranger_that_answers_on_the_link_is_named(*, closed: bool):
    """It is silent, or its kernel says that nobody listens; the sentence has all that is known."""
    taken = known().settled(resolved=True, hardware=STRANGE)
    assert cause(taken) is Cause.OK
    bad = lost(taken)
    if closed:
        bad = taken.with_answer(Way.HOST, closed=True).with_loss(Way.POD)
    found = diagnose(bad, port=9746, host=ip_address("192.0.2.2"))
    assert found.cause is Cause.DUPLICATE
    for word in ("192.0.2.2", "02:00:00:00:00:ff answers", "answered by 02:00:00:00:00:01"):
        assert word in found.reason


def test_without_a_stranger_it_is_what_it_was_before():
    """Its own hardware answers: the host hangs, filters, or runs no daemon."""
    assert cause(lost(known())) is Cause.UNREACHABLE
    assert cause(known().with_answer(Way.HOST, closed=True)) is Cause.OK
    assert cause(lost(known()).settled(resolved=False)) is Cause.UNRESOLVED


def test_a_silent_link_is_no_stranger():
    """Not before the link has said who answers now."""
    taken = lost(known().settled(resolved=True, hardware=STRANGE))
    assert cause(taken.settled(resolved=False)) is Cause.UNRESOLVED
    assert taken.in_doubt.pending


def test_whoever_comes_where_nobody_was_is_the_node_made_anew():
    """A host that was replaced boots with another card, long before its daemon runs."""
    for away in (known().settled(resolved=False), known().forgotten):
        back = away.settled(resolved=True, hardware=STRANGE)
        assert not back.hardware.strange
        assert cause(lost(back)) is Cause.UNREACHABLE
        assert cause(back.with_answer(Way.HOST, closed=True)) is Cause.OK


def test_a_new_card_is_believed_by_the_first_answers():
    """The daemon answers by it."""
    moved = lost(known().settled(resolved=True, hardware=STRANGE))
    for _ in range(ANSWERS):
        moved = moved.with_answer(Way.HOST, WELL).with_answer(Way.POD, WELL)
    assert cause(moved) is Cause.OK
    assert cause(lost(moved)) is Cause.UNREACHABLE


def test_when_the_node_has_its_address_again_that_is_said_once_it_is_sure():
    """Two hosts take it from each other again and again; and nothing else is named on the way."""
    taken = lost(known().settled(resolved=True, hardware=STRANGE))
    back = taken.settled(resolved=True, hardware=OWN)
    for _ in range(CALM - 1):
        back = back.with_answer(Way.HOST, WELL).with_answer(Way.POD, WELL)
        assert (cause(back), back.bad, back.doubtful) == (Cause.DUPLICATE, True, True)
    well = back.with_answer(Way.HOST, WELL)
    assert (cause(well), well.bad, well.doubtful) == (Cause.OK, False, False)
    again = lost(back.settled(resolved=True, hardware=STRANGE))
    assert again.hardware.answers == 0
    for _ in range(CALM - 1):
        again = again.settled(resolved=True, hardware=OWN).with_answer(Way.HOST, WELL)
    assert cause(again) is Cause.DUPLICATE


def test_a_stranger_that_is_gone_leaves_time_to_ask_for_the_node():
    """Its entry fails first, and then the node itself is asked for; if that is gone too, it is."""
    taken = lost(known().settled(resolved=True, hardware=STRANGE))
    gone = taken.settled(resolved=False)
    assert gone.pending
    assert not lost(gone).pending
    assert cause(lost(gone)) is Cause.UNRESOLVED
    back = gone.settled(resolved=True, hardware=OWN)
    assert cause(back) is Cause.DUPLICATE


def test_a_change_of_hardware_forgets_no_trial():
    """What was good is good until it is lost again."""
    moved = known().settled(resolved=True, hardware=STRANGE)
    assert isinstance(moved.trials, MappingProxyType)
    assert all(moved.trial(way).good for way in (Way.HOST, Way.POD))
    assert cause(lost(moved, LOSSES - 1)) is Cause.OK
