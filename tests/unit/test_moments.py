"""Moments and lengths of time in words."""

from __future__ import annotations

import pytest

from hostgw_cli.moments import ago, clock, span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"),
        (0.4, "0s"),
        (45, "45s"),
        (60, "1m0s"),
        (252, "4m12s"),
        (3600, "1h0m"),
        (3959, "1h5m"),
        (270_000, "3d3h"),
    ],
)
def test_lengths_of_time(seconds: float, words: str):
    """Two units are as exact as anybody needs."""
    assert span(seconds) == words


def test_a_moment_is_told_by_the_clock_and_by_its_distance():
    """In UTC, for nodes of one cluster stand in many places."""
    assert clock(1_700_000_000) == "2023-11-14 22:13:20 UTC"
    assert ago(1_700_000_000, 1_700_000_252) == "4m12s ago"
    assert ago(None, 5) == "never"
