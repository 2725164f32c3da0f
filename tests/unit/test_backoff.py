"""Pauses between tries: longer each time, never none, never in step."""

from __future__ import annotations

import random

import pytest

from hostgw_core.backoff import Backoff, around


def steps(backoff: Backoff, count: int) -> list[float]:
    """Fail some times in a row."""
    return [backoff.failed() for _ in range(count)]


def test_steps_double_up_to_the_longest():
    """With the whole jitter: 0.1, 0.2, 0.4 ... and never more than the longest."""
    backoff = Backoff(0.1, 2.0, chance=lambda: 1.0)
    assert steps(backoff, 7) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])


def test_half_of_a_step_is_certain():
    """Nobody comes back at once, however the dice fall."""
    backoff = Backoff(0.1, 2.0, chance=lambda: 0.0)
    assert steps(backoff, 6) == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.0])


def test_a_success_begins_again():
    """After a success the next failure is a first one."""
    backoff = Backoff(0.1, 2.0, chance=lambda: 1.0)
    steps(backoff, 9)
    backoff.succeeded()
    assert backoff.failures == 0
    assert steps(backoff, 2) == pytest.approx([0.1, 0.2])


def test_a_year_of_failures_overflows_nothing():
    """The step stays the longest after a hundred thousand failures."""
    backoff = Backoff(0.1, 2.0, chance=lambda: 1.0)
    assert set(steps(backoff, 100_000)[10:]) == {2.0}


def test_a_thousand_nodes_do_not_come_back_together():
    """The pauses of many nodes spread over the half that is random."""
    dice = random.Random(7)
    pauses = sorted(Backoff(1.0, 2.0, chance=dice.random).failed() for _ in range(1000))
    assert 0.5 <= pauses[0] < 0.51
    assert 0.99 < pauses[-1] < 1.0
    assert 0.7 < pauses[500] < 0.8


@pytest.mark.parametrize(("chance", "given"), [(0.0, 54.0), (0.5, 60.0), (1.0, 66.0)])
def test_around_is_a_tenth_to_either_side(chance: float, given: float):
    """A period of a minute is between 54 and 66 seconds."""
    assert around(60.0, chance=lambda: chance) == pytest.approx(given)


def test_around_takes_another_share():
    """The spread is the caller's choice."""
    assert around(10.0, share=0.5, chance=lambda: 0.0) == pytest.approx(5.0)
