"""What only the fake store can do: faults on order, a wipe, a restart, a clock of the test's."""

from __future__ import annotations

import pytest

from hostgw_core.store import Compare, Deleted, Header, Put, Span, StoreUnavailable
from support.fake_store import FakeStore

SPAN = Span.under(b"/a/")
LOST = StoreUnavailable("the answer got lost")


@pytest.fixture
def store() -> FakeStore:
    """Give a fake whose clock stands still."""
    return FakeStore(lambda: 100.0)


def test_a_fault_is_raised_once_instead_of_the_verb(store: FakeStore) -> None:
    """A planted fault hits the next call of its verb, which does nothing, and no other."""
    store.faults.once("commit", LOST)
    store.list_now(SPAN)
    with pytest.raises(StoreUnavailable):
        store.commit_now([], [Put(b"/a/1", b"")])
    assert store.list_now(SPAN).entries == ()
    assert store.commit_now([], [Put(b"/a/1", b"")]).won
    store.faults.check()


def test_a_commit_may_be_done_and_its_answer_lost(store: FakeStore) -> None:
    """With `after`, the write is there although the caller saw an error."""
    store.faults.once("commit", LOST, after=True)
    with pytest.raises(StoreUnavailable):
        store.commit_now([Compare(SPAN, "version", 0)], [Put(b"/a/1", b"")])
    assert not store.commit_now([Compare(SPAN, "version", 0)], [Put(b"/a/1", b"")]).won


def test_a_fault_that_was_never_hit_fails_the_test(store: FakeStore) -> None:
    """check() tells of a fault that nothing ran into."""
    store.faults.once("grant", LOST)
    with pytest.raises(AssertionError, match="never hit"):
        store.faults.check()


def test_a_wipe_starts_over_under_the_same_cluster_id(store: FakeStore) -> None:
    """After a wipe revision and term are low again, watches broke, and a resumed one is silent."""
    store.commit_now([], [Put(b"/a/1", b"")])
    store.restart()
    before = store.header
    watch = store.watch_now({SPAN: before.revision + 1})
    store.wipe()
    assert store.header == Header(before.cluster, 1, before.term - 1)
    assert len(watch.take()) == 1
    with pytest.raises(StoreUnavailable):
        watch.take()
    resumed = store.watch_now({SPAN: before.revision + 1})
    store.commit_now([], [Put(b"/a/1", b"")])
    assert [batch.changes for batch in resumed.take()] == [()]


def test_a_restart_gives_leases_their_whole_time_again() -> None:
    """Etcd forgets how old its leases are when it restarts; the keys on them stay."""
    moment = 0.0
    store = FakeStore(lambda: moment)
    lease = store.grant_now(10).id
    store.commit_now([], [Put(b"/a/1", b"", lease)])
    moment = 9.0
    store.restart()
    moment = 15.0
    assert store.expire() == ()
    watch = store.watch_now({SPAN: 0})
    moment = 19.0
    assert store.expire() == (lease,)
    assert watch.take()[-1].changes == (Deleted(b"/a/1", 3),)


def test_an_overdue_lease_lives_until_somebody_looks() -> None:
    """Until expire(), a lease past its end still holds its keys, but cannot be renewed."""
    moment = 0.0
    store = FakeStore(lambda: moment)
    lease = store.grant_now(10).id
    store.commit_now([], [Put(b"/a/1", b"", lease)])
    moment = 10.0
    assert store.keep_alive_now(lease) == 0
    assert len(store.list_now(SPAN).entries) == 1
    store.expire()
    assert store.list_now(SPAN).entries == ()


def test_a_store_that_is_down_fails_everything_until_it_is_up(store: FakeStore) -> None:
    """While it is down every verb fails and open watches broke; nothing is lost."""
    store.commit_now([], [Put(b"/a/1", b"")])
    watch = store.watch_now({SPAN: 0})
    store.down()
    watch.take()
    for verb in (watch.take, store.list_now, lambda: store.grant_now(9)):
        with pytest.raises(StoreUnavailable):
            verb()
    store.up()
    assert len(store.list_now(SPAN).entries) == 1
