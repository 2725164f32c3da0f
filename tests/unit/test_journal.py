"""The journal by hand: numbers, the bound, pages, and readers of an earlier process."""

from __future__ import annotations

import pytest

from hostgw_daemon.told.journal import GIVEN, Event, Journal, Kind


def event(number: int) -> Event:
    """Make something that happens at the second `number`."""
    return Event(moment=float(number), kind=Kind.PEER, subject=f"n{number}", says="ok")


def journal(count: int, *, kept: int = 4) -> Journal:
    """Make a journal in which so much has happened."""
    made = Journal("now", kept)
    for number in range(1, count + 1):
        made.add(event(number))
    return made


def numbers(made: Journal, since: int, instance: str = "") -> list[int]:
    """Give the numbers on a page; each event must be the one that was given this number."""
    events = made.page(since, instance).events
    assert [each.subject for each in events] == [f"n{each.number}" for each in events]
    return [each.number for each in events]


@pytest.mark.parametrize(
    ("count", "since", "given", "missed"),
    [
        (0, 0, [], 0),
        (3, 0, [1, 2, 3], 0),
        (3, 2, [3], 0),
        (3, 3, [], 0),
        (9, 0, [6, 7, 8, 9], 5),
        (9, 4, [6, 7, 8, 9], 1),
        (9, 5, [6, 7, 8, 9], 0),
        (9, 8, [9], 0),
        (3, 7, [1, 2, 3], 0),  # the number is of an earlier process
    ],
)
def test_what_follows_a_number(count: int, since: int, given: list[int], missed: int):
    """Everything after it that is kept, in order, and how many are not kept any more."""
    made = journal(count)
    assert numbers(made, since) == given
    page = made.page(since)
    assert (page.instance, page.missed, page.last) == ("now", missed, count)
    assert made.follows(since) is bool(given)


def test_a_number_of_another_process_means_nothing():
    """Who reads on after a restart is given all of the new journal, however far it has come."""
    made = journal(3)
    assert numbers(made, 2, "now") == [3]
    assert numbers(made, 2, "before") == [1, 2, 3]
    assert made.follows(3, "before")
    assert not made.follows(3, "now")


def test_a_page_has_an_end():
    """Who is far behind asks several times, and misses nothing."""
    made = journal(2 * GIVEN + 5, kept=3 * GIVEN)
    read: list[int] = []
    sizes = []
    while found := numbers(made, read[-1] if read else 0):
        read += found
        sizes.append(len(found))
    assert read == [*range(1, 2 * GIVEN + 6)]
    assert sizes == [GIVEN, GIVEN, 5]
