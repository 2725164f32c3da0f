"""The journal's laws: who follows misses nothing unsaid, and no more is kept than was allowed."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from hostgw_daemon.told.journal import Event, Journal, Kind

steps = st.lists(st.one_of(st.integers(0, 12), st.just("read")), max_size=40)


@given(steps, st.integers(1, 8))
def test_a_reader_counts_everything_that_happened(doings: list[int | str], kept: int) -> None:
    """What he was given and what he was told he missed are all there was, in order, without gap."""
    journal, happened, read, since = Journal("i", kept), 0, 0, 0
    for doing in (*doings, "read"):
        if doing != "read":
            for _ in range(int(doing)):
                happened += 1
                journal.add(
                    Event(moment=0.0, kind=Kind.LINK, subject=str(happened), says="it changed")
                )
            continue
        page = journal.page(since, "i")
        assert len(page.events) <= kept
        expected = since + page.missed
        for event in page.events:
            expected += 1
            assert (event.number, event.subject) == (expected, str(expected))
        read += page.missed + len(page.events)
        since = page.last
        assert expected == page.last == happened
        assert not journal.follows(since, "i")
    assert read == happened
