"""What a watch of every store must do; the other half of the suite is in store_contract.py."""

from __future__ import annotations

from collections import Counter

import pytest

from hostgw_core.store import Compacted, Delete, Deleted, Progress, Span
from support.store_subject import Subject, Watching, watching


class WatchContract:
    """The half about watches. A subclass gives the `subject`."""

    async def test_a_list_and_a_watch_leave_no_gap(self, subject: Subject) -> None:
        """A watch from the list's revision + 1 brings what came later, and nothing of before."""
        await subject.put("before")
        listing = await subject.store.list(subject.all)
        await subject.put("between")
        since = {subject.all: listing.header.revision + 1}
        async with watching(subject.store, since) as watch:
            await subject.put("after")
            keys = [change.key for change in await watch.changes(2)]
        assert keys == [subject.key("between"), subject.key("after")]

    async def test_a_watch_resumes_behind_its_last_event(self, subject: Subject) -> None:
        """A watch from the last event's revision + 1 goes on where the first one was left."""
        since = (await subject.store.list()).header.revision + 1
        async with watching(subject.store, {subject.all: since}) as watch:
            await subject.put("a")
            last = (await watch.changes(1))[-1]
        await subject.put("b")
        await subject.put("c", "d")
        async with watching(subject.store, {subject.all: last.modified + 1}) as watch:
            keys = [change.key for change in await watch.changes(3)]
        assert keys == [subject.key(name) for name in ("b", "c", "d")]

    async def test_a_watch_begins_with_the_history_it_belongs_to(self, subject: Subject) -> None:
        """The first batch names the cluster, and a revision no older than the last write."""
        done = await subject.put("a")
        told = subject.store.watch({subject.all: done.header.revision})
        first = await Watching(told).batch()
        await told.aclose()  # type: ignore[attr-defined]  # a generator, as the port says
        assert (first.span, first.changes) == (subject.all, ())
        assert first.header.cluster == done.header.cluster
        assert first.header.revision >= done.header.revision
        assert first.header.term >= done.header.term

    async def test_a_watch_from_a_compacted_revision_says_so(self, subject: Subject) -> None:
        """A watch from compacted history raises Compacted with the oldest revision left."""
        old = await subject.put("a")
        new = await subject.put("a")
        await subject.compact(new.header.revision)
        with pytest.raises(Compacted) as caught:
            async with watching(subject.store, {subject.all: old.header.revision}) as watch:
                await watch.changes(1)
        assert caught.value.revision == new.header.revision

    async def test_deletes_are_watched(self, subject: Subject) -> None:
        """A deleted key comes as Deleted, with the revision of the deletion."""
        await subject.put("a")
        since = (await subject.store.list()).header.revision + 1
        async with watching(subject.store, {subject.all: since}) as watch:
            gone = await subject.store.commit([], [Delete(subject.key("a"))])
            changes = await watch.changes(1)
        assert changes == [Deleted(subject.key("a"), gone.header.revision)]

    async def test_a_delete_of_nothing_is_no_error_and_no_event(self, subject: Subject) -> None:
        """Deleting an absent key wins and is not watched."""
        since = (await subject.store.list()).header.revision + 1
        async with watching(subject.store, {subject.all: since}) as watch:
            assert (await subject.store.commit([], [Delete(subject.key("a"))])).won
            await subject.put("b")
            assert (await watch.changes(1))[0].key == subject.key("b")

    async def test_two_spans_share_a_stream(self, subject: Subject) -> None:
        """A watch over two spans says for each batch which span it is about."""
        one, two = Span(subject.key("config")), Span.under(subject.key("subnets/"))
        since = (await subject.store.list()).header.revision + 1
        async with watching(subject.store, {one: since, two: since}) as watch:
            await subject.put("subnets/1")
            first = await watch.batch()
            await subject.put("config")
            second = await watch.batch()
            await subject.put("elsewhere")
            await subject.put("subnets/2")
            third = await watch.batch()
        assert [batch.span for batch in (first, second, third)] == [two, one, two]
        assert [c.key for c in third.changes] == [subject.key("subnets/2")]

    async def test_one_commit_comes_in_one_batch(self, subject: Subject) -> None:
        """What one commit wrote is never split, however much it is."""
        since = (await subject.store.list()).header.revision + 1
        names = [f"k{i:03}" for i in range(120)]
        async with watching(subject.store, {subject.all: since}) as watch:
            done = await subject.put(*names, value=b"x" * 5000)
            batch = await watch.batch()
        assert [change.key for change in batch.changes] == [subject.key(name) for name in names]
        assert {change.modified for change in batch.changes} == {done.header.revision}

    async def test_a_backlog_is_told_in_whole_revisions(self, subject: Subject) -> None:
        """However large what a watch has to catch up with is, no batch ends within a revision."""
        since = (await subject.store.list()).header.revision + 1
        names = [f"k{i:03}" for i in range(120)]
        for _ in range(3):
            await subject.put(*names, value=b"x" * 12_000)
        told = 0
        async with watching(subject.store, {subject.all: since}) as watch:
            while told < 360:
                batch = await watch.batch()
                revisions = Counter(change.modified for change in batch.changes)
                assert set(revisions.values()) == {120}
                told += len(batch.changes)

    async def test_a_quiet_span_tells_how_far_it_has_come(self, subject: Subject) -> None:
        """A watch goes on behind the progress it was told, though all before is compacted."""
        quiet = Span(subject.key("config"))
        since = (await subject.store.list()).header.revision + 1
        async with watching(subject.store, {quiet: since}) as watch:
            done = await subject.put("elsewhere")
            await subject.put("elsewhere")
            await subject.progress()
            progress = await watch.progress(done.header.revision)
        assert progress.span == quiet
        await subject.compact(progress.header.revision)
        async with watching(subject.store, {quiet: progress.header.revision + 1}) as watch:
            await subject.put("config")
            assert [change.key for change in await watch.changes(1)] == [subject.key("config")]

    async def test_progress_never_overtakes_a_change(self, subject: Subject) -> None:
        """Whatever is told after a progress is younger than it."""
        since = (await subject.store.list()).header.revision + 1
        come, changes = 0, 0
        async with watching(subject.store, {subject.all: since}) as watch:
            for _ in range(20):
                await subject.put("a")
                await subject.progress()
            while changes < 20:
                told = await watch.told()
                if isinstance(told, Progress):
                    come = max(come, told.header.revision)
                else:
                    assert all(change.modified > come for change in told.changes)
                    changes += len(told.changes)
