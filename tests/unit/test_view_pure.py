"""How a snapshot follows its history: values in, values out."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from hostgw_core.store import Batch, Deleted, Entry, Header, Span
from hostgw_core.view import Snapshot, continues, later, merge

SPAN = Span.under(b"/s/")


def entry(key: str, modified: int, *, created: int = 0, value: bytes = b"v") -> Entry:
    """Make an entry of the span."""
    return Entry(f"/s/{key}".encode(), value, created or modified, modified, 1, 0)


def snapshot(revision: int, *entries: Entry) -> Snapshot:
    """Make what a list gave at a revision."""
    return Snapshot(Header(1, revision, 2), MappingProxyType({e.key: e for e in entries}))


def batch(revision: int, *changes: Entry | Deleted) -> Batch:
    """Make a response of the watch."""
    return Batch(SPAN, Header(1, revision, 2), changes)


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (Header(1, 10, 5), True),
        (Header(1, 11, 5), True),
        (Header(1, 10, 6), True),
        (Header(1, 99, 99), True),
        (Header(2, 11, 6), False),
        (Header(1, 9, 5), False),
        (Header(1, 99, 4), False),
        (Header(1, 9, 99), False),
    ],
)
def test_a_history_continues(now: Header, same: bool):
    """The same cluster, and neither revision nor term gone back: anything else is another one."""
    assert continues(Header(1, 10, 5), now) is same


def test_any_history_continues_none():
    """Without a memory there is nothing that an answer could contradict."""
    assert continues(None, Header(1, 1, 1))


def test_later_is_the_most_that_is_known():
    """Of two answers that overtook each other the higher revision and term are known."""
    assert later(Header(1, 10, 5), Header(1, 9, 6)) == Header(1, 10, 6)
    assert later(Header(1, 9, 6), Header(1, 10, 5)) == Header(1, 10, 6)


def test_puts_and_deletes_are_applied_in_order():
    """A key may be written, deleted and written again within one response."""
    again = entry("a", 7)
    changes = (entry("a", 5), Deleted(b"/s/a", 6), again, entry("b", 7))
    after, news = merge(snapshot(4, entry("c", 3)), batch(7, *changes), since=5)
    assert after.entries == {b"/s/c": entry("c", 3), b"/s/a": again, b"/s/b": entry("b", 7)}
    assert news == changes
    assert after.revision == 7


def test_what_is_known_already_is_no_news():
    """Changes before `since` are dropped, those from it on are taken."""
    before = snapshot(6, entry("a", 6))
    after, news = merge(before, batch(8, entry("a", 5), entry("a", 6), entry("b", 7)), since=7)
    assert news == (entry("b", 7),)
    assert after.entries[b"/s/a"] == entry("a", 6)


def test_an_old_put_brings_nothing_back():
    """A key that was deleted since is not there again because its put is told once more."""
    gone, _ = merge(snapshot(5, entry("a", 5)), batch(6, Deleted(b"/s/a", 6)), since=6)
    after, news = merge(gone, batch(6, entry("a", 5)), since=7)
    assert after.entries == {}
    assert news == ()


def test_the_end_of_an_unknown_key_is_no_news():
    """What was created and deleted between list and watch, told half, changes nothing."""
    before = snapshot(4, entry("a", 3))
    after, news = merge(before, batch(9, Deleted(b"/s/x", 9)), since=5)
    assert (after.entries, news) == (before.entries, ())


def test_the_snapshot_before_stays_as_it_was():
    """Values are replaced whole: whoever holds the old one sees no change."""
    before = snapshot(4, entry("a", 3))
    merge(before, batch(5, Deleted(b"/s/a", 5), entry("b", 5)), since=5)
    assert before.entries == {b"/s/a": entry("a", 3)}


def test_the_revision_never_goes_back():
    """A late answer for one span does not make the whole older."""
    after, news = merge(snapshot(9), batch(6, entry("a", 6)), since=5)
    assert (after.revision, len(news)) == (9, 1)


@pytest.mark.parametrize("broken", [False, True])
def test_a_broken_history_stays_broken(broken: bool):
    """What follows in a history that was broken is broken, too."""
    before = Snapshot(Header(1, 4, 2), MappingProxyType({}), broken=broken)
    assert merge(before, batch(5, entry("a", 5)), since=5)[0].broken is broken


def test_entries_cannot_be_changed():
    """A snapshot is read by several; nobody can write to it."""
    after, _ = merge(snapshot(4), batch(5, entry("a", 5)), since=5)
    with pytest.raises(TypeError):
        after.entries[b"/s/x"] = entry("x", 6)  # type: ignore[index]  # that is the test
    assert snapshot(4).entries == Snapshot(Header(1, 4, 2)).entries == {}
