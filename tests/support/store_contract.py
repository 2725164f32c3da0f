"""What every store must do: one suite, for the fake that the tests stand on and for the real one.

A subclass gives the `subject` (store_subject.py). What a watch must do is in watch_contract.py.
"""

from __future__ import annotations

import asyncio

import pytest

from hostgw_core.store import (
    Compare,
    Delete,
    Deleted,
    Entry,
    Put,
    Span,
    StoreRefused,
)
from support.store_subject import Subject, watching
from support.watch_contract import WatchContract


class StoreContract(WatchContract):
    """The suite."""

    async def test_an_empty_list_tells_the_current_history(self, subject: Subject) -> None:
        """list() without a span reads nothing and gives the header of now."""
        before = await subject.store.list()
        done = await subject.put("a")
        after = await subject.store.list()
        assert before.entries == () == after.entries
        assert after.header.cluster == before.header.cluster == done.header.cluster
        assert before.header.revision < done.header.revision <= after.header.revision
        assert after.header.term >= before.header.term > 0

    async def test_of_two_creators_one_wins(self, subject: Subject) -> None:
        """Two commits that both want a key to be absent never both win."""
        free = [Compare(Span(subject.key("a")), "version", 0)]
        results = await asyncio.gather(
            *(subject.store.commit(free, [Put(subject.key("a"), b"%d" % i)]) for i in range(8))
        )
        assert [result.won for result in results].count(True) == 1
        winner = next(i for i, result in enumerate(results) if result.won)
        assert (await subject.entries())[subject.key("a")].value == b"%d" % winner

    async def test_a_range_compare_sees_every_key_in_it(self, subject: Subject) -> None:
        """Version 0 of a span holds only while no key at all is in it."""
        span = Span(subject.key("10.5.1.0-"), subject.key("10.5.1.0."))
        nothing = [Compare(span, "version", 0)]
        await subject.put("10.5.1.0.x", "10.5.1.0,", "10.5.10.0-24")
        assert (await subject.store.commit(nothing, [Put(subject.key("mark"), b"")])).won
        await subject.put("10.5.1.0-24&fd00::-64")
        assert not (await subject.store.commit(nothing, [Put(subject.key("m2"), b"")])).won
        assert subject.key("m2") not in await subject.entries()

    async def test_a_range_compare_holds_for_every_key(self, subject: Subject) -> None:
        """A compare over several keys fails if one of them differs."""
        await subject.put("a", "b")
        await subject.put("b")
        span = Span(subject.key("a"), subject.key("c"))
        assert not (await subject.store.commit([Compare(span, "version", 1)], [])).won
        await subject.put("a")
        assert (await subject.store.commit([Compare(span, "version", 2)], [])).won

    async def test_a_lost_compare_writes_nothing(self, subject: Subject) -> None:
        """If one compare of several fails, no write of the commit is done."""
        await subject.put("a", value=b"old")
        entry = (await subject.entries())[subject.key("a")]
        same = Compare(Span(entry.key), "modified", entry.modified)
        other = Compare(Span(subject.key("b")), "version", 3)
        result = await subject.store.commit(
            [same, other],
            [Put(entry.key, b"new"), Put(subject.key("c"), b""), Delete(entry.key + b"x")],
        )
        assert not result.won
        assert await subject.entries() == {entry.key: entry}

    @pytest.mark.parametrize("field", ["version", "created", "modified", "lease"])
    async def test_each_field_can_be_compared(self, subject: Subject, field: str) -> None:
        """Each field of an entry compares equal to what a list says, and to nothing else."""
        grant = await subject.store.grant(60)
        await subject.put("a")
        await subject.put("a", lease=grant.id)
        entry = (await subject.entries())[subject.key("a")]
        value = getattr(entry, field)
        assert value
        same = Compare(Span(entry.key), field, value)  # type: ignore[arg-type]  # parametrised
        other = Compare(Span(entry.key), field, 0)  # type: ignore[arg-type]  # parametrised
        assert (await subject.store.commit([same], [])).won
        assert not (await subject.store.commit([other], [])).won
        await subject.store.revoke(grant.id)

    async def test_entries_carry_their_history(self, subject: Subject) -> None:
        """An entry knows when it was created and modified, how often, and its lease."""
        grant = await subject.store.grant(60)
        first = await subject.put("a", value=b"1")
        second = await subject.put("a", value=b"2", lease=grant.id)
        assert await subject.entries() == {
            subject.key("a"): Entry(
                key=subject.key("a"),
                value=b"2",
                created=first.header.revision,
                modified=second.header.revision,
                version=2,
                lease=grant.id,
            )
        }
        await subject.store.revoke(grant.id)

    async def test_a_recreated_key_starts_over(self, subject: Subject) -> None:
        """A key that was deleted and written again has version 1 and a new create revision."""
        await subject.put("a")
        await subject.store.commit([], [Delete(subject.key("a"))])
        again = await subject.put("a")
        entry = (await subject.entries())[subject.key("a")]
        assert (entry.version, entry.created) == (1, again.header.revision)

    async def test_spans_are_listed_at_one_revision_in_key_order(self, subject: Subject) -> None:
        """A list over several, overlapping spans gives each key once, sorted, and one header."""
        await subject.put("b/2", "a", "b/1", "c", "b")
        listing = await subject.store.list(
            Span.under(subject.key("b/")), Span(subject.key("a")), Span(subject.key("b/2"))
        )
        assert [e.key for e in listing.entries] == [subject.key(k) for k in ("a", "b/1", "b/2")]
        assert {e.modified for e in listing.entries} == {listing.header.revision}

    async def test_a_span_of_one_key_is_that_key(self, subject: Subject) -> None:
        """A span without an end lists, compares and watches one key and no other."""
        await subject.put("a", "aa")
        assert len((await subject.store.list(Span(subject.key("a")))).entries) == 1
        since = (await subject.store.list()).header.revision + 1
        async with watching(subject.store, {Span(subject.key("a")): since}) as watch:
            await subject.put("aa")
            await subject.put("a")
            assert [change.key for change in await watch.changes(1)] == [subject.key("a")]

    async def test_a_lease_that_ends_takes_its_keys_along(self, subject: Subject) -> None:
        """When a lease expires, the keys on it are deleted, and the deletion is watched."""
        grant = await subject.store.grant(2)
        await subject.put("a", "b", lease=grant.id)
        await subject.put("stays")
        since = (await subject.store.list()).header.revision + 1
        async with watching(subject.store, {subject.all: since}) as watch:
            await subject.lapse(grant.ttl)
            changes = await watch.changes(2)
        assert {change.key for change in changes} == {subject.key("a"), subject.key("b")}
        assert all(isinstance(change, Deleted) for change in changes)
        assert set(await subject.entries()) == {subject.key("stays")}
        assert await subject.store.keep_alive(grant.id) == 0

    async def test_keep_alive_gives_the_time_left(self, subject: Subject) -> None:
        """Renewing a lease gives it its whole time again, and writes nothing."""
        grant = await subject.store.grant(60)
        before = (await subject.store.list()).header.revision
        assert grant.ttl == await subject.store.keep_alive(grant.id) == 60
        assert (await subject.store.list()).header.revision == before
        await subject.store.revoke(grant.id)

    async def test_keep_alive_of_a_lease_that_never_was_gives_0(self, subject: Subject) -> None:
        """A lease that nobody granted has no time left; that is an answer, not an error."""
        assert await subject.store.keep_alive(0x7EADBEEF) == 0

    async def test_a_revoked_lease_takes_its_keys_along(self, subject: Subject) -> None:
        """Revoking deletes the keys on the lease; doing it again is no error."""
        grant = await subject.store.grant(60)
        await subject.put("a", lease=grant.id)
        await subject.store.revoke(grant.id)
        await subject.store.revoke(grant.id)
        assert await subject.entries() == {}
        assert await subject.store.keep_alive(grant.id) == 0

    async def test_a_put_without_a_lease_takes_the_key_off_it(self, subject: Subject) -> None:
        """A key written again without its lease outlives the lease."""
        grant = await subject.store.grant(60)
        await subject.put("a", lease=grant.id)
        await subject.put("a", lease=0)
        await subject.store.revoke(grant.id)
        assert set(await subject.entries()) == {subject.key("a")}

    async def test_a_put_on_a_lease_that_is_gone_is_refused(self, subject: Subject) -> None:
        """A commit that hangs a key on a lease that is not there is refused, whole."""
        with pytest.raises(StoreRefused, match="lease not found"):
            await subject.store.commit(
                [], [Put(subject.key("a"), b""), Put(subject.key("b"), b"", 0x7EADBEEF)]
            )
        assert await subject.entries() == {}

    async def test_a_key_written_twice_in_one_commit_is_refused(self, subject: Subject) -> None:
        """A commit that writes one key twice is refused, whole."""
        key = subject.key("a")
        for second in (Put(key, b"2"), Delete(key)):
            with pytest.raises(StoreRefused, match="duplicate key"):
                await subject.store.commit([], [Put(key, b"1"), second])
        assert await subject.entries() == {}

    async def test_too_many_writes_are_refused(self, subject: Subject) -> None:
        """A commit of more than 128 writes is refused, whole."""
        with pytest.raises(StoreRefused, match="too many operations"):
            await subject.put(*(f"k{i}" for i in range(129)))
        assert await subject.entries() == {}

    async def test_too_large_a_commit_is_refused(self, subject: Subject) -> None:
        """A commit beyond 1.5 MiB is refused, whole."""
        with pytest.raises(StoreRefused, match="too large"):
            await subject.put("a", value=b"x" * 1_600_000)
        assert await subject.entries() == {}

    async def test_a_commit_without_writes_tells_whether_it_holds(self, subject: Subject) -> None:
        """A commit may only ask; it makes no revision."""
        done = await subject.put("a")
        asked = await subject.store.commit([Compare(Span(subject.key("a")), "version", 1)], [])
        assert (asked.won, asked.header.revision) == (True, done.header.revision)

    async def test_a_store_with_room_says_so_and_how_large_it_is(self, subject: Subject) -> None:
        """The size grows with what is kept, and no alarm is raised."""
        done = await subject.put("a", value=b"x" * 10_000)
        room = await subject.store.room()
        assert room.header.revision >= done.header.revision
        assert room.size >= room.in_use >= 10_000
        assert not room.full
        assert room.version

    async def test_the_past_is_recalled_until_it_is_compacted(self, subject: Subject) -> None:
        """Asking for an old revision tells whether anybody compacts."""
        old = await subject.put("a")
        new = await subject.put("a")
        for revision in (old.header.revision, new.header.revision):
            assert await subject.store.recalls(subject.key("a"), revision)
        await subject.compact(new.header.revision)
        assert not await subject.store.recalls(subject.key("a"), old.header.revision)
        assert await subject.store.recalls(subject.key("a"), new.header.revision)
