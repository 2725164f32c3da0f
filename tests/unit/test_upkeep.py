"""What is known of the store's upkeep, and what is said of it."""

from __future__ import annotations

import pytest

from hostgw_core.store import Header, Room
from hostgw_core.upkeep import UpkeepState, oldest_asked_for


def room(size: float = 5e6, *, quota: int = 0, full: bool = False, revision: int = 77) -> Room:
    """Make a room of so many bytes, half of them in use."""
    return Room(Header(1, revision, 2), int(size), int(size / 2), quota, full)


@pytest.mark.parametrize(
    ("state", "full", "grows"),
    [
        (UpkeepState(), "", ""),
        (UpkeepState(room()), "", ""),
        (
            UpkeepState(room(2_200_000, full=True)),
            "the alarm NOSPACE is raised at 2.2 MB, 1.1 MB of it in use, the revision is 77",
            "",
        ),
        (UpkeepState(refused=True), "it refused a write for want of room", ""),
        (
            UpkeepState(room(revision=150_000), kept=149_998),
            "",
            "149,998 revisions are kept that nobody has compacted, the revision is 150000",
        ),
        (
            UpkeepState(room(1.2e9)),
            "",
            "the database has 1,200.0 MB, 600.0 MB of it in use, the revision is 77",
        ),
        (UpkeepState(room(1.2e9, quota=8_000_000_000)), "", ""),
        (
            UpkeepState(room(90e6, quota=100_000_000)),
            "",
            "the database has 90.0 MB, 45.0 MB of it in use, the revision is 77",
        ),
    ],
)
def test_what_is_said(state: UpkeepState, full: str, grows: str) -> None:
    """Sizes, and the revision that a person needs for the cure; nothing while all is well."""
    assert (state.full, state.grows) == (full, grows)


@pytest.mark.parametrize(
    ("revision", "asked"),
    [(1, 0), (99_999, 0), (100_000, 2), (1_000_001, 2), (1_500_000, 500_000)],
)
def test_a_short_history_is_not_asked_for(revision: int, asked: int) -> None:
    """Of a long one its beginning, of a very long one a million revisions back."""
    assert oldest_asked_for(revision) == asked
