"""When the next full pass is due."""

from __future__ import annotations

import pytest

from hostgw_daemon.routes.schedule import AUDIT, FAILURE, SETTLE, TRUCE_OVER, Schedule


@pytest.fixture
def schedule():
    """A schedule after its first pass, which ended at 100."""
    one = Schedule(60.0, 99.0)
    one.begin(99.9)
    one.ended(100.0, failed=False)
    return one


def test_the_first_pass_is_due_at_once():
    """A start waits for nothing."""
    schedule = Schedule(60.0, 99.0)
    assert (schedule.due, schedule.cause) == (99.0, "start")
    assert schedule.is_due(99.0)


def test_a_timer_may_be_early(schedule):
    """A wait that ends within its clock's step before the moment is not begun anew."""
    schedule.due = 130.0
    assert [schedule.is_due(now) for now in (129.9, 129.99999, 130.0, 131.0)] == [
        False,
        True,
        True,
        True,
    ]


def test_a_call_out_of_quiet_acts_at_once(schedule):
    """Long after the last pass there is nothing to settle."""
    schedule.call("link up", 130.0)
    assert (schedule.due, schedule.cause) == (130.0, "link up")


def test_a_call_that_follows_closely_is_settled(schedule):
    """Two passes are `SETTLE` apart, and the first of several calls gives the cause."""
    schedule.call("link down", 100.01)
    schedule.call("link up", 100.02)
    assert (schedule.due, schedule.cause) == (100.0 + SETTLE, "link down")


def test_without_a_call_the_audit_comes(schedule):
    """Around the period, and never twice at the same distance."""
    dues = set()
    for _ in range(50):
        schedule.begin(0.0)
        schedule.ended(0.0, failed=False)
        assert schedule.cause == AUDIT
        dues.add(schedule.due)
    assert all(54.0 <= due <= 66.0 for due in dues)
    assert len(dues) > 40


def test_a_call_does_not_put_off_what_is_due_sooner(schedule):
    """An audit that is due within the settling time stays there, with the call's cause."""
    schedule.due = 100.01
    schedule.call("link up", 100.0)
    assert (schedule.due, schedule.cause) == (100.01, "link up")


def test_failures_come_further_and_further_apart(schedule):
    """One second at first, doubled each time up to a minute, half of it by chance."""
    waits = []
    for _ in range(10):
        schedule.begin(0.0)
        schedule.ended(0.0, failed=True)
        assert schedule.cause == FAILURE
        waits.append(schedule.due)
    steps = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert all(step / 2 <= wait <= step for wait, step in zip(waits, steps, strict=True))
    schedule.begin(0.0)
    schedule.ended(0.0, failed=False)
    schedule.begin(0.0)
    schedule.ended(0.0, failed=True)
    assert schedule.due <= 1


def test_a_call_comes_before_the_next_try(schedule):
    """When something has happened, waiting for a failure to pass makes no sense."""
    for _ in range(9):
        schedule.begin(200.0)
        schedule.ended(200.0, failed=True)
    schedule.call("link up", 201.0)
    assert (schedule.due, schedule.cause) == (201.0, "link up")


@pytest.mark.parametrize("failed", [False, True])
def test_a_call_during_a_pass_is_for_the_next_one(schedule, failed):
    """The pass may have looked already: it is looked again, once it has ended."""
    schedule.call("one", 200.0)
    assert schedule.begin(200.0) == "one"
    schedule.call("two", 200.1)
    schedule.call("three", 200.2)
    schedule.ended(200.3, failed=failed)
    assert (schedule.due, schedule.cause) == (200.3 + SETTLE, "two")


def test_a_pass_that_never_ends_is_overdue(schedule):
    """What hangs is seen: by the next audit at the latest something is due."""
    schedule.begin(200.0)
    assert schedule.due == 260.0


def test_the_end_of_a_truce_is_a_pass(schedule):
    """It comes when the truce is over, not later; what is due before that stays."""
    schedule.begin(200.0)
    schedule.ended(200.0, failed=False, latest=210.0)
    assert (schedule.due, schedule.cause) == (210.0, TRUCE_OVER)
    schedule.begin(210.0)
    schedule.ended(210.0, failed=False, latest=900.0)
    assert schedule.cause == AUDIT


def test_nothing_is_due_while_nothing_can_be_done(schedule):
    """Without a link the next look is an audit away, until somebody calls."""
    schedule.call("link down", 200.0)
    schedule.postpone(200.0)
    assert (schedule.due, schedule.cause) == (260.0, AUDIT)
    schedule.call("link up", 230.0)
    assert (schedule.due, schedule.cause) == (230.0, "link up")
