"""The view on a store of memory, in virtual time: complete, in order, and never deaf."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from hostgw_core.store import (
    Batch,
    Compacted,
    Delete,
    Deleted,
    Entry,
    Header,
    Put,
    Span,
    StoreDenied,
    StoreUnavailable,
)
from hostgw_core.view import View
from support.fake_store import CLUSTER, FakeStore
from support.loops import Counted, now, running, settled, until

pytestmark = pytest.mark.looptime

CONFIG = Span(b"/p/config")
SUBNETS = Span.under(b"/p/subnets/")


class Watcher:
    """A view of two spans, and everything that it has told."""

    def __init__(self, store, **options):
        self.sightings = []
        self.told = []
        self.view = View(
            store,
            CONFIG,
            SUBNETS,
            seen=self.sightings.append,
            clock=now,
            told=lambda: self.told.append(self.view.state),
            **options,
        )

    @property
    def values(self):
        """What the latest snapshot holds: key to value."""
        return {key: entry.value for key, entry in self.view.snapshot.entries.items()}

    @property
    def news(self):
        """Every change that was told as such, in order: the key and its revision."""
        return [(c.key, c.modified) for s in self.sightings for c in s.changes or ()]


@asynccontextmanager
async def watched(store, **options):
    """Let a view run until it has settled."""
    watcher = Watcher(store, **options)
    async with running(watcher.view.run):
        await settled()
        yield watcher


def put(store, *names, value=b"v"):
    """Write keys under /p/."""
    store.commit_now([], [Put(f"/p/{name}".encode(), value) for name in names])


def delete(store, name):
    """Delete a key under /p/."""
    store.commit_now([], [Delete(f"/p/{name}".encode())])


class Hurried(Counted):
    """A store in which something is written between every list and the watch that follows it."""

    async def list(self, *spans):
        """List, then let somebody write before the answer is taken."""
        listing = await super().list(*spans)
        put(self.store, f"subnets/late{self.store.revision}")
        return listing


class Scripted(Counted):
    """A store whose next watches are played from a script: batches, then an error."""

    def __init__(self, store):
        super().__init__(store)
        self.script = []

    def watch(self, since):
        """Play what is planned, or be the store again."""
        if not self.script:
            return super().watch(since)
        self.calls.append(("watch", dict(since)))
        return self._play(self.script.pop(0))

    async def _play(self, items):
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item


# -- list, then watch ---------------------------------------------------------------------------


async def test_there_is_no_gap_between_the_list_and_the_watch():
    """A key written after the list was read and before the watch was opened is seen, once."""
    store = FakeStore(now)
    put(store, "config", "subnets/a")
    async with watched(Hurried(store)) as watcher:
        assert sorted(watcher.values) == [b"/p/config", b"/p/subnets/a", b"/p/subnets/late2"]
        assert watcher.news == [(b"/p/subnets/late2", 3)]


async def test_the_first_sighting_is_a_whole_list():
    """A reader is given the complete state first, and it says that it is no difference."""
    store = FakeStore(now)
    put(store, "config", "subnets/a", "other/x")
    async with watched(store) as watcher:
        (first,) = watcher.sightings
        assert first.changes is None
        assert sorted(first.snapshot.entries) == [b"/p/config", b"/p/subnets/a"]
        assert (first.snapshot.revision, first.snapshot.broken) == (2, False)
        assert watcher.view.state.entries == 2


async def test_each_change_gives_a_new_snapshot_and_leaves_the_old_one_alone():
    """A snapshot that somebody holds never changes under him."""
    store = FakeStore(now)
    put(store, "subnets/a", "subnets/b")
    async with watched(store) as watcher:
        before = watcher.view.snapshot
        put(store, "subnets/a", value=b"new")
        delete(store, "subnets/b")
        await settled()
        assert before.entries[b"/p/subnets/a"].value == b"v"
        assert b"/p/subnets/b" in before.entries
        assert watcher.values == {b"/p/subnets/a": b"new"}
        assert watcher.sightings[-1].changes == (Deleted(b"/p/subnets/b", 4),)
        assert watcher.view.snapshot.revision == 4


async def test_news_carries_the_moment_at_which_it_arrived():
    """Convergence is measured from the store's answer, not from when it was looked at."""
    store = Scripted(FakeStore(now))
    change = Entry(b"/p/subnets/a", b"v", 2, 2, 1, 0)
    accepted = [Batch(span, store.store.header, ()) for span in (CONFIG, SUBNETS)]
    store.script = [
        [*accepted, Batch(SUBNETS, Header(CLUSTER, 2, 2), (change,), received=77.25)],
    ]
    async with watched(store) as watcher:
        assert watcher.sightings[1].received == 77.25


# -- a break ------------------------------------------------------------------------------------


async def test_a_break_is_resumed_span_by_span_with_nothing_listed_again():
    """After a break: one header from a quorum, one watch after the last change of each span."""
    store = FakeStore(now)
    put(store, "config")  # 2
    counted = Counted(store)
    async with watched(counted) as watcher:
        put(store, "subnets/a")  # 3
        put(store, "subnets/b", "subnets/c")  # 4
        await settled()
        counted.forget()
        store.break_watches()
        put(store, "subnets/a", value=b"during")  # 5
        delete(store, "subnets/b")  # 6
        await until(lambda: len(watcher.news) == 5)
        assert counted.calls == [("list", ()), ("watch", {CONFIG: 3, SUBNETS: 5})]
        assert watcher.values[b"/p/subnets/a"] == b"during"
        assert [revision for _, revision in watcher.news] == [3, 4, 4, 5, 6]
        assert not watcher.view.snapshot.broken
        assert watcher.view.state.relists == 1
        assert watcher.view.state.restarts == {"unavailable": 1}


async def test_a_break_in_the_middle_of_what_was_sent_loses_nothing():
    """What arrived before the error is applied, and the watch goes on behind exactly that."""
    store = FakeStore(now)
    scripted = Scripted(store)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    put(store, "subnets/a")
    put(store, "subnets/b")
    first = Batch(SUBNETS, Header(CLUSTER, 2, 2), (store.entries[b"/p/subnets/a"],))
    scripted.script = [[*accepted, first, StoreUnavailable("torn")]]
    scripted.list = listed_before(store, Header(CLUSTER, 1, 2), scripted)
    async with watched(scripted) as watcher:
        await until(lambda: len(watcher.news) == 2)
        assert scripted.calls[-1] == ("watch", {CONFIG: 2, SUBNETS: 3})
        assert watcher.news == [(b"/p/subnets/a", 2), (b"/p/subnets/b", 3)]


def listed_before(store, header, counted):
    """Give a `list` whose first answer is the empty store of an earlier revision."""
    answers = [[]]

    async def list_(*spans):
        counted.calls.append(("list", spans))
        listing = await store.list(*spans)
        return type(listing)(header, ()) if answers and answers.pop() == [] else listing

    return list_


async def test_a_change_that_is_told_again_is_no_news():
    """A member that begins a resumed watch too early brings nothing back, and tells no news."""
    store = FakeStore(now)
    scripted = Scripted(store)
    async with watched(scripted) as watcher:
        put(store, "subnets/a")  # 2
        put(store, "subnets/b")  # 3
        old = store.entries[b"/p/subnets/a"], store.entries[b"/p/subnets/b"]
        delete(store, "subnets/a")  # 4
        await settled()
        accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
        again = Batch(SUBNETS, store.header, (*old, Deleted(b"/p/subnets/a", 4)))
        scripted.script = [[*accepted, again, StoreUnavailable("again")]]
        told = len(watcher.sightings)
        store.break_watches()
        await until(lambda: watcher.view.state.restarts.get("unavailable") == 2)
        await until(lambda: watcher.view.state.connected)
        assert sorted(watcher.values) == [b"/p/subnets/b"]
        assert len(watcher.sightings) == told
        assert scripted.calls[-1] == ("watch", {CONFIG: 2, SUBNETS: 5})


async def test_a_watch_that_ends_quietly_is_opened_again():
    """Whatever way a stream ends, the view does not go deaf."""
    store = FakeStore(now)
    scripted = Scripted(store)
    scripted.script = [[Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]]
    async with watched(scripted) as watcher:
        await until(lambda: len(scripted.verbs) == 4)
        put(store, "subnets/a")
        await settled()
        assert watcher.values == {b"/p/subnets/a": b"v"}
        assert watcher.view.state.restarts == {"ended": 1}


# -- compaction and other histories -------------------------------------------------------------


async def test_a_compaction_is_answered_by_a_new_list_and_is_no_outage():
    """History that is gone is read anew at once; nobody is told that the store is away."""
    store = FakeStore(now)
    scripted = Scripted(store)
    put(store, "config", "subnets/a")
    scripted.script = [
        [*(Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)), Compacted(9)],
    ]
    async with watched(scripted) as watcher:
        delete(store, "subnets/a")
        took = await until(lambda: watcher.view.state.relists == 2)
        assert took <= 0.12
        assert watcher.values == {b"/p/config": b"v"}
        assert watcher.sightings[-1].changes is None
        assert not watcher.view.snapshot.broken
        assert watcher.view.state.restarts == {"compacted": 1}
        assert [(state.connected, state.error) for state in watcher.told] == [(True, "")]


async def test_history_compacted_during_an_outage_is_read_anew():
    """A resumed watch whose revisions are gone falls back to a list, and misses nothing."""
    store = FakeStore(now)
    put(store, "subnets/a", "subnets/b")
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.down()
        await asyncio.sleep(3)
        store.up()
        for number in range(5):
            put(store, f"subnets/n{number}")
        delete(store, "subnets/a")
        store.compact(store.revision)
        counted.forget()
        await until(lambda: watcher.view.state.relists == 2)
        assert counted.verbs[:3] == ["list", "watch", "list"]
        assert b"/p/subnets/a" not in watcher.values
        assert len(watcher.values) == 6
        assert watcher.view.state.connected


async def test_a_wiped_store_is_listed_anew_and_its_history_is_broken_from_then_on():
    """The same cluster id with revisions that began again is another history, and stays one."""
    store = FakeStore(now)
    for number in range(9):
        put(store, f"subnets/n{number}")
    async with watched(store) as watcher:
        store.wipe()
        put(store, "subnets/new")
        await until(lambda: watcher.view.snapshot.broken)
        assert watcher.values == {b"/p/subnets/new": b"v"}
        put(store, "subnets/later")
        await settled()
        assert watcher.view.snapshot.broken
        store.break_watches()
        store.compact(store.revision)
        put(store, "subnets/more")
        await until(lambda: b"/p/subnets/more" in watcher.values)
        assert watcher.view.snapshot.broken


@pytest.mark.parametrize("what", ["cluster", "term"])
async def test_another_cluster_or_an_older_term_is_another_history(what):
    """Neither a store with another id nor one whose terms began again is resumed."""
    store = FakeStore(now)
    store.term = 9
    put(store, "subnets/a")
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.break_watches()
        put(store, "subnets/b")
        if what == "cluster":
            store.cluster = 77
        else:
            store.term = 8
        counted.forget()
        await until(lambda: watcher.view.state.relists == 2)
        assert [len(spans) for verb, spans in counted.calls if verb == "list"] == [0, 2]
        assert watcher.view.snapshot.broken
        assert sorted(watcher.values) == [b"/p/subnets/a", b"/p/subnets/b"]


async def test_a_later_term_is_the_same_history():
    """An election breaks nothing: the watch is resumed."""
    store = FakeStore(now)
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.restart()
        put(store, "subnets/a")
        await until(lambda: watcher.values)
        assert watcher.view.state.relists == 1
        assert not watcher.view.snapshot.broken


@pytest.mark.parametrize(
    ("history", "broken"),
    [
        (None, False),
        (Header(CLUSTER, 3, 2), False),
        (Header(CLUSTER, 2, 1), False),
        (Header(CLUSTER, 4, 2), True),
        (Header(CLUSTER, 3, 3), True),
        (Header(1, 3, 2), True),
    ],
)
async def test_the_history_of_an_earlier_run_counts(history, broken):
    """A store that was wiped while this program was off is found out in the first list."""
    store = FakeStore(now)
    put(store, "subnets/a")
    put(store, "subnets/b")
    async with watched(store, history=history) as watcher:
        assert watcher.sightings[0].snapshot.broken is broken


# -- members that lag, and spans that are late ----------------------------------------------------


async def test_a_member_that_lags_is_asked_again_and_nothing_is_broken():
    """A watch accepted by a member behind what we have seen is left; nothing is listed again."""
    store = FakeStore(now)
    put(store, "subnets/a")
    scripted = Scripted(store)
    behind = Header(CLUSTER, 1, 2)
    scripted.script = [[Batch(CONFIG, behind, ()), Batch(SUBNETS, behind, ())]]
    async with watched(scripted) as watcher:
        assert not watcher.view.state.connected
        assert "behind" in watcher.view.state.error
        await until(lambda: watcher.view.state.connected)
        put(store, "subnets/b")
        await settled()
        assert len(watcher.values) == 2
        assert not watcher.view.snapshot.broken
        assert scripted.verbs == ["list", "watch", "list", "watch"]
        assert watcher.view.state.relists == 1


async def test_a_stream_that_is_left_is_closed_at_once():
    """A watch that is not wanted any more does not stay open at the server."""
    store = FakeStore(now)
    put(store, "subnets/a")
    closed = []

    class Lagging(Scripted):
        async def _play(self, items):
            try:
                async for item in super()._play(items):
                    yield item
            finally:
                closed.append(now())

    scripted = Lagging(store)
    scripted.script = [[Batch(CONFIG, Header(CLUSTER, 1, 2), ())]]
    begun = now()
    async with watched(scripted):
        assert closed == [begun]


async def test_a_late_answer_for_one_span_is_no_break():
    """One span's change told after a newer one of another span is taken as it comes.

    etcd serves a slow watcher's backlog late, with the revision of then; and it may accept the
    second span of a stream after it told a newer change in the first one.
    """
    store = FakeStore(now)
    put(store, "config", "subnets/a")  # 2
    for name in "xyz":
        put(store, name)  # 5
    a = Entry(b"/p/subnets/a", b"new", 2, 3, 2, 0)
    b = Entry(b"/p/subnets/b", b"new", 4, 4, 1, 0)
    config = Entry(b"/p/config", b"new", 2, 5, 2, 0)
    scripted = Scripted(store)
    scripted.script = [
        [
            Batch(CONFIG, Header(CLUSTER, 2, 2), ()),
            Batch(CONFIG, Header(CLUSTER, 5, 2), (config,)),
            Batch(SUBNETS, Header(CLUSTER, 2, 2), ()),
            Batch(SUBNETS, Header(CLUSTER, 3, 2), (a,)),
            StoreUnavailable("enough"),
        ],
        [
            *(Batch(span, Header(CLUSTER, 5, 2), ()) for span in (CONFIG, SUBNETS)),
            Batch(SUBNETS, Header(CLUSTER, 4, 2), (b,)),
            StoreUnavailable("enough"),
        ],
    ]
    scripted.list = listed_before(store, Header(CLUSTER, 2, 2), scripted)
    async with watched(scripted) as watcher:
        assert watcher.values == {b"/p/config": b"new", b"/p/subnets/a": b"new"}
        assert [s.snapshot.revision for s in watcher.sightings] == [2, 5, 5]
        await until(lambda: watcher.view.state.restarts == {"unavailable": 2})
        assert watcher.view.state.error == "enough"
        assert watcher.values[b"/p/subnets/b"] == b"new"
        assert [since for verb, since in scripted.calls if verb == "watch"][1] == {
            CONFIG: 6,
            SUBNETS: 4,
        }


async def test_a_watch_goes_on_after_the_last_change_and_not_after_the_header():
    """An answer may carry a later revision than its changes: what lies between is still to come."""
    store = FakeStore(now)
    put(store, "config")  # 2
    scripted = Scripted(store)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    put(store, "subnets/a")  # 3
    put(store, "subnets/b")  # 4
    part = Batch(SUBNETS, store.header, (store.entries[b"/p/subnets/a"],))
    scripted.script = [[*accepted, part, StoreUnavailable("torn")]]
    scripted.list = listed_before(store, Header(CLUSTER, 2, 2), scripted)
    async with watched(scripted) as watcher:
        await until(lambda: len(watcher.news) == 2)
        assert scripted.calls[-1] == ("watch", {CONFIG: 3, SUBNETS: 4})


# -- a store that is away -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "denied"), [(StoreUnavailable("nobody"), False), (StoreDenied("not you"), True)]
)
async def test_a_store_that_is_away_at_the_start_is_waited_for(error, denied):
    """It is asked further and further apart, at most every two seconds, for as long as it takes."""
    store = FakeStore(now)
    put(store, "subnets/a")
    store.down(error)
    counted = Counted(store)
    async with watched(counted) as watcher:
        state = watcher.view.state
        assert (state.connected, state.denied, state.error) == (False, denied, str(error))
        assert watcher.view.snapshot is None
        await asyncio.sleep(3600)
        assert 3600 / 2 <= len(counted.calls) <= 3600 / 1 + 10
        counted.forget()
        store.up()
        assert await until(lambda: watcher.view.snapshot) <= 2.02
        state = watcher.view.state
        assert (state.connected, state.denied, state.error) == (True, False, "")
        assert not watcher.view.snapshot.broken


async def test_back_offs_begin_again_after_the_store_has_stood_for_a_while():
    """The second outage is answered as quickly as the first one."""
    store = FakeStore(now)
    counted = Counted(store)
    async with watched(counted) as watcher:
        store.down()
        await asyncio.sleep(60)
        store.up()
        await asyncio.sleep(60)
        counted.forget()
        store.break_watches()
        assert await until(lambda: watcher.view.state.connected and counted.calls) <= 0.12


async def test_a_watch_that_breaks_as_soon_as_it_is_accepted_is_asked_for_ever_more_seldom():
    """A thousand nodes behind something that cuts streams do not ask ten times a second each."""
    store = FakeStore(now)
    scripted = Scripted(store)
    accepted = [Batch(span, store.header, ()) for span in (CONFIG, SUBNETS)]
    scripted.script = [[*accepted, StoreUnavailable("cut")] for _ in range(1000)]
    async with watched(scripted):
        await asyncio.sleep(60)
        assert scripted.verbs.count("watch") <= 66


async def test_compactions_without_end_do_not_make_a_busy_loop():
    """A store that answers every watch with a compaction is not asked without a pause."""
    store = FakeStore(now)
    scripted = Scripted(store)
    scripted.script = [[Compacted(9)] for _ in range(1000)]
    async with watched(scripted):
        await asyncio.sleep(60)
        assert scripted.verbs.count("list") <= 66


async def test_the_store_coming_and_going_is_told_once_each():
    """Somebody who shows the state is rung when it changes, and not for every change of a key."""
    store = FakeStore(now)
    async with watched(store) as watcher:
        assert [state.connected for state in watcher.told] == [True]
        for number in range(20):
            put(store, f"subnets/n{number}")
        await settled()
        assert len(watcher.told) == 1
        store.break_watches()
        await until(lambda: len(watcher.told) == 3)
        assert [state.connected for state in watcher.told] == [True, False, True]


async def test_the_moment_of_the_last_contact_is_kept():
    """The status tells since when nothing was heard."""
    store = FakeStore(now)
    async with watched(store) as watcher:
        await asyncio.sleep(50)
        put(store, "subnets/a")
        await settled()
        heard = watcher.view.state.contact
        assert now() - heard <= 0.01
        await asyncio.sleep(50)
        store.down()
        await asyncio.sleep(50)
        assert watcher.view.state.contact == heard
