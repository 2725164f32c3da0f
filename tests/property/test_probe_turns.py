"""Whose turn it is: everybody's, in time, at no more than the rate; the unknown within bounds."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_daemon.probe.schedule import AGAIN, ALLOWANCE, BAD, CROWD, EVERY, MINUTE, Turns


def played(turns, seconds, *, known=lambda _key: True, bad=frozenset(), start=0.0):
    """Let time pass until `seconds`; give (moment, key) of every turn."""
    taken, now = [], start
    while (when := turns.next()) is not None and max(now, when) < seconds:
        now = max(now, when)
        while (key := turns.take(now, known)) is not None:
            turns.asked(key, now, doubtful=key in bad, bad=key in bad)
            taken.append((now, key))
    return taken


def made(count, rate=8.0):
    """Give turns of so many peers, all new."""
    turns = Turns(rate=rate, chance=itertools.cycle((0.1, 0.9, 0.4)).__next__)
    for key in range(count):
        turns.come(key, 0.0)
    return turns


@settings(deadline=None)
@given(count=st.integers(1, 40))
def test_everybody_has_a_turn_each_period(count):
    """A small cluster every second; a large one as the rate allows."""
    turns = made(count)
    period = max(EVERY, count / 8)
    taken = played(turns, 4 * period)
    for key in range(count):
        moments = [at for at, each in taken if each == key]
        gaps = [later - one for one, later in itertools.pairwise(moments)]
        assert len(moments) >= 3
        assert all(gap < period + 0.5 for gap in gaps)


@settings(deadline=None)
@given(count=st.integers(1, 200), doubtful=st.integers(0, 200))
def test_never_more_than_four_times_the_rate(count, doubtful):
    """However many are in doubt."""
    bad = frozenset(range(min(count, doubtful)))
    moments = [at for at, _ in played(made(count), 10.0, bad=bad)]
    assert all(later - one >= 0.25 / 8 - 1e-9 for one, later in itertools.pairwise(moments))


def test_who_is_in_doubt_is_asked_again_soon_and_who_is_bad_each_second():
    """The one that is fine is not asked more often for it."""
    turns = made(2)
    assert AGAIN < BAD <= EVERY
    turns.take(1.0, lambda _key: True)
    turns.asked(0, 1.0, doubtful=True, bad=False)
    assert turns.next() == 1.0 + 0.25 / 8
    moments = [at for at, key in played(turns, 3.2, start=1.0) if key == 0]
    assert moments[0] == 1.0 + AGAIN


@settings(deadline=None)
@given(count=st.integers(1, 300))
def test_many_who_are_bad_share_the_rate(count):
    """A few are asked each second, hundreds that are switched off no more than sixteen of them."""
    taken = played(made(count), 100.0, bad=frozenset(range(count)))
    late = [at for at, _ in taken if at >= 60]  # each has been found out by then
    assert len(late) <= 40 * min(count, 16) + count
    assert len({key for at, key in taken if at >= 60}) == count


@settings(deadline=None, max_examples=20)
@given(count=st.integers(2, 12_000))
def test_all_nodes_together_do_not_flood_a_bad_one(count):
    """Each asks it as often as this one: a thousand in a second, and seconds later is soon."""
    moments = [at for at, key in played(made(count), 100.0, bad={0}) if key == 0 and at >= 50]
    assert len(moments) * count <= 50 * CROWD + count
    assert len(moments) >= 2


def test_of_strangers_no_more_than_the_allowance_are_asked_a_minute():
    """Each would take an entry of the kernel's neighbour table."""
    taken = played(made(1000), 3 * MINUTE, known=lambda _key: False)
    for at, _ in taken:
        assert sum(at <= other < at + MINUTE for other, _ in taken) <= ALLOWANCE
    assert len(taken) >= 2 * ALLOWANCE


def test_those_who_are_in_the_table_already_are_asked_all_the_same():
    """Of a thousand the hundred in use are asked at their turns."""
    taken = played(made(1000), 126.0, known=lambda key: key < 100)
    assert {key for _, key in taken} >= set(range(100))


def test_who_goes_has_no_turn_and_who_comes_has_one():
    """Whatever was due."""
    turns = made(3)
    turns.leave(0)
    assert {key for _, key in played(turns, 5.0)} == {1, 2}
    turns.come(7, 5.0)
    assert {key for _, key in played(turns, 9.0, start=5.0)} == {1, 2, 7}
    for key in (1, 2, 7):
        turns.leave(key)
    assert turns.next() is None


@given(start=st.floats(0, 1e6))
def test_who_waits_for_the_allowance_is_asked_when_there_is_one(start):
    """At the very moment that was set for it, however it is rounded: else the loop would spin."""
    turns = Turns(rate=1000.0, chance=lambda: 0.0)
    for key in range(ALLOWANCE + 1):
        turns.come(key, start)
    turns.hurry(range(ALLOWANCE + 1), start)
    now, asked = start, 0
    while asked < ALLOWANCE:
        when = turns.next()
        assert when is not None
        now = max(now, when)
        key = turns.take(now, lambda _key: False)
        if key is not None:
            asked += 1
            turns.leave(key)
    assert turns.take(now + 1, lambda _key: False) is None
    due = turns.next()
    assert due is not None
    turns._forget(due)
    assert len(turns._entries) < ALLOWANCE
