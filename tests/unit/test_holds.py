"""Removals that wait: the table of `hostgw_daemon.routes.holds`, in numbers a person can check."""

from __future__ import annotations

import math

import pytest

from hostgw_core.records import lease_of
from hostgw_daemon.routes.holds import (
    WINDOW,
    Cause,
    Crowd,
    Departures,
    Hold,
    Patience,
    cause_of,
)
from support.lease_world import KEYS, entry

FEW, MANY = Cause.LEAVING, Cause.MANY


@pytest.mark.parametrize(
    ("gone", "crowd", "cause"),
    [
        # One or two peers: all of them may go, for nobody can tell an accident from an end.
        (0, 0, FEW),
        (1, 0, FEW),
        (1, 1, FEW),
        (1, 2, FEW),
        (2, 2, FEW),
        # Half of three to ten is an accident, though five are few.
        (1, 3, FEW),
        (2, 3, MANY),
        (1, 4, FEW),
        (2, 4, MANY),
        (2, 5, FEW),
        (3, 5, MANY),
        (4, 9, FEW),
        (5, 9, MANY),
        (5, 10, MANY),
        # From eleven on five are few, and six are many up to thirty, of which they are a fifth.
        (5, 11, FEW),
        (6, 11, MANY),
        (5, 25, FEW),
        (6, 25, MANY),
        (6, 29, MANY),
        (6, 30, FEW),
        (7, 30, MANY),
        (7, 34, MANY),
        (7, 35, FEW),
        (8, 35, MANY),
        # Above that it is a fifth: exactly a fifth is few, and one more is many.
        (20, 100, FEW),
        (21, 100, MANY),
        (200, 1000, FEW),
        (201, 1000, MANY),
        (2000, 10_000, FEW),
        (2001, 10_000, MANY),
        (10_000, 10_000, MANY),
        # More than there ever were at once: one by one, others coming meanwhile.
        (5, 2, FEW),
        (6, 2, MANY),
        (6, 0, MANY),
    ],
)
def test_how_many_are_many(gone, crowd, cause):
    """More than five and more than a fifth, or half of more than two."""
    assert cause_of(gone, crowd, own_missing=False, broken=False) is cause


@pytest.mark.parametrize(("gone", "crowd"), [(1, 2), (1, 1000), (900, 1000)])
def test_what_is_graver_than_numbers(gone, crowd):
    """Our own lease missing beside it, and above all a broken history."""
    assert cause_of(gone, crowd, own_missing=True, broken=False) is Cause.OWN_TOO
    assert cause_of(gone, crowd, own_missing=False, broken=True) is Cause.HISTORY
    assert cause_of(gone, crowd, own_missing=True, broken=True) is Cause.HISTORY


def test_how_long_each_waits():
    """A moment, minutes, or without end."""
    patience = Patience()
    assert {cause: patience.until(cause, 1000.0) for cause in Cause} == {
        Cause.LEAVING: 1002.0,
        Cause.MANY: 1300.0,
        Cause.OWN_TOO: 1300.0,
        Cause.HISTORY: math.inf,
    }


def test_every_cause_is_put_into_its_own_words_and_only_one_is_usual():
    """An operator reads why, and is not told of what happens every day."""
    lease = lease_of(KEYS, entry("10.5.1.0-24"))
    holds = {cause: Hold(lease, cause, 0.0, 2.0) for cause in Cause}
    assert len({hold.reason for hold in holds.values()}) == 4
    assert {cause for cause, hold in holds.items() if not hold.grave} == {Cause.LEAVING}


def crowd_of(*counts):
    """Follow these (moment, peers)."""
    crowd = Crowd()
    for moment, peers in counts:
        crowd.count(peers, moment)
    return crowd


def test_nobody_was_ever_there():
    """Then the largest number is none."""
    assert Crowd().largest(0.0) == 0


def test_a_number_is_so_until_the_next():
    """Ten peers for a day, of which five went a moment ago, are ten still."""
    crowd = crowd_of((0.0, 10), (86_400.0, 5))
    assert crowd.largest(86_400.0) == 10
    assert crowd.largest(86_400.0 + WINDOW - 1) == 10
    assert crowd.largest(86_400.0 + WINDOW) == 5
    assert crowd.largest(10 * 86_400.0) == 5


def test_the_largest_counts_wherever_it_is_in_the_window():
    """Up and down: each is forgotten ten minutes after the next one came."""
    crowd = crowd_of((0.0, 3), (100.0, 9), (200.0, 4), (300.0, 6), (400.0, 6), (500.0, 1))
    assert [crowd.largest(moment) for moment in (500.0, 799.0, 800.0, 1099.0, 1100.0)] == [
        9,
        9,
        6,
        6,
        1,
    ]


def test_a_number_between_does_not_lengthen_the_one_before_it():
    """Ten were only until eight came, and nine much later do not make them last until then."""
    crowd = crowd_of((0.0, 10), (1.0, 8), (1000.0, 9))
    assert crowd.largest(1100.0) == 9


def test_what_is_kept_of_a_crowd_is_bounded_by_its_ups_and_downs():
    """A cluster that only grows is one number."""
    grown = ((float(moment), moment) for moment in range(1000))
    crowd = crowd_of(*grown, *((float(moment), 999) for moment in range(1000)))
    assert crowd.largest(1000.0) == 999
    assert len(crowd._counts) == 1


def test_departures_are_counted_for_ten_minutes():
    """Each for itself, from the moment it left."""
    left = Departures()
    assert left.left([b"a", b"b"], 0.0) == 2
    assert left.left([b"c"], 300.0) == 3
    assert left.left([], WINDOW - 1) == 3
    assert left.left([], WINDOW) == 1
    assert left.left([], 300.0 + WINDOW) == 0


def test_who_leaves_twice_is_one_that_left_last():
    """It counts once, and for ten minutes from the second time on."""
    left = Departures()
    left.left([b"a"], 0.0)
    left.left([b"b"], 100.0)
    assert left.left([b"a"], 500.0) == 2
    assert left.left([], 100.0 + WINDOW) == 1
    assert left.left([], 500.0 + WINDOW) == 0


def test_who_came_back_has_not_left():
    """It does not count; to come back without having left is nothing."""
    left = Departures()
    left.left([b"a", b"b"], 0.0)
    left.came_back(b"a")
    left.came_back(b"c")
    assert left.left([], 1.0) == 1
