"""Answers that a real etcd gives seldom, from a member that does what the test says."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.etcd.api import etcd_pb2 as pb
from hostgw_core.store import (
    Batch,
    Compacted,
    Deleted,
    Header,
    Progress,
    Put,
    Span,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from support.scripted_etcd import HEADER, ScriptedEtcd, scripted_etcd

SPAN = Span.under(b"/a/")
CREATED = pb.WatchResponse(header=HEADER, created=True)


async def watched(*responses: pb.WatchResponse) -> tuple[list[Batch | Progress], StoreError]:
    """Watch a member that sends these and ends; give what was told and how it ended."""
    told: list[Batch | Progress] = []
    async with (
        scripted_etcd(ScriptedEtcd(watch=list(responses))) as script,
        Etcd(EtcdSettings((script.url,))) as etcd,
        asyncio.timeout(5),
    ):
        watch = etcd.watch({SPAN: 5})
        try:
            while True:
                told.append(await anext(watch))
        except StoreError as error:
            return told, error


async def fail(_request: object, context: grpc.aio.ServicerContext) -> None:
    """Break off as a member does that dies with a request in its hands."""
    await context.abort(grpc.StatusCode.UNAVAILABLE, "etcdserver: server stopped")


async def hang(_request: object, _context: object) -> None:
    """Never answer."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("behaviour", [fail, hang])
async def test_a_commit_is_never_sent_twice(behaviour: object) -> None:
    """A commit that got lost at one member is not tried at another: it may have been done."""
    async with (
        scripted_etcd(ScriptedEtcd(commit=behaviour)) as one,
        scripted_etcd(ScriptedEtcd(commit=behaviour)) as two,
        Etcd(EtcdSettings((one.url, two.url), timeout=1)) as etcd,
    ):
        with pytest.raises(StoreUnavailable, match="it may have been done"):
            await etcd.commit([], [Put(b"/a/1", b"")])
        assert sorted(one.asked + two.asked) == ["range", "txn"]
        with pytest.raises(StoreUnavailable):
            await etcd.commit([], [Put(b"/a/1", b"")])
        assert one.asked == two.asked == ["range", "txn"]


def gone(name: int, revision: int) -> pb.Event:
    """Give the event of a deletion."""
    kv = pb.KeyValue(key=b"/a/%d" % name, mod_revision=revision)
    return pb.Event(type=pb.Event.DELETE, kv=kv)


async def test_a_response_without_events_is_progress_and_no_batch() -> None:
    """It tells how far the watch has come; one for all watches at once answers nobody here."""
    later = pb.ResponseHeader(cluster_id=1, revision=12, raft_term=2)
    told, _ = await watched(
        CREATED,
        pb.WatchResponse(header=later, watch_id=-1),
        pb.WatchResponse(header=later),
        pb.WatchResponse(header=later, events=[gone(1, 13)]),
    )
    assert told[1] == Progress(SPAN, Header(1, 12, 2))
    assert [batch.changes for batch in (told[0], told[2])] == [(), (Deleted(b"/a/1", 13),)]


async def test_fragments_are_joined_before_anything_is_told() -> None:
    """Pieces of one response, cut within a revision, are one batch; the next begins empty."""
    told, _ = await watched(
        CREATED,
        pb.WatchResponse(header=HEADER, fragment=True, events=[gone(1, 11), gone(2, 12)]),
        pb.WatchResponse(header=HEADER, fragment=True, events=[gone(3, 12)]),
        pb.WatchResponse(header=HEADER, events=[gone(4, 12), gone(5, 13)]),
        pb.WatchResponse(header=HEADER, events=[gone(6, 14)]),
    )
    names = [[(c.key, c.modified) for c in batch.changes] for batch in told]
    assert names == [
        [],
        [(b"/a/1", 11), (b"/a/2", 12), (b"/a/3", 12), (b"/a/4", 12), (b"/a/5", 13)],
        [(b"/a/6", 14)],
    ]


@pytest.mark.parametrize("how", ["breaks", "is compacted"])
async def test_a_stream_that_ends_within_a_response_tells_nothing_of_it(how: str) -> None:
    """Whoever resumes is told all of it again, and half a transaction was never seen."""
    cancel = pb.WatchResponse(header=HEADER, canceled=True, compact_revision=99)
    told, error = await watched(
        CREATED,
        pb.WatchResponse(header=HEADER, fragment=True, events=[gone(1, 11)]),
        pb.WatchResponse(header=HEADER, fragment=True, events=[gone(2, 11)]),
        *([cancel] if how == "is compacted" else []),
    )
    assert [batch.changes for batch in told] == [()]
    assert isinstance(error, Compacted if how == "is compacted" else StoreUnavailable)


async def test_a_stream_that_just_ends_is_an_error() -> None:
    """A watch never ends well: a stream closed by the server is StoreUnavailable."""
    told, error = await watched(CREATED)
    assert len(told) == 1
    assert isinstance(error, StoreUnavailable)
    assert "ended without an answer" in str(error)


async def test_a_stream_without_any_answer_is_an_error() -> None:
    """Also when it is closed before the watch was accepted."""
    told, error = await watched()
    assert not told
    assert isinstance(error, StoreUnavailable)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("rpc error: code = PermissionDenied desc = etcdserver: permission denied", StoreDenied),
        ("rpc error: code = Unauthenticated desc = etcdserver: invalid auth token", StoreDenied),
        ("etcdserver: watch canceled", StoreUnavailable),
        ("", StoreUnavailable),
    ],
)
async def test_a_cancelled_watcher_ends_the_watch(reason: str, kind: type[StoreError]) -> None:
    """Etcd may take a watcher away, even as it creates it; its words decide which error that is."""
    for created in (True, False):
        cancel = pb.WatchResponse(
            header=HEADER, created=created, canceled=True, cancel_reason=reason
        )
        told, error = await watched(*([] if created else [CREATED]), cancel)
        assert len(told) == (0 if created else 1)
        assert type(error).__mro__.index(kind) <= 1


async def test_a_watch_compacted_under_way_says_so() -> None:
    """A watcher too slow for the history is cancelled with the revision that is left."""
    cancel = pb.WatchResponse(header=HEADER, canceled=True, compact_revision=99)
    told, error = await watched(CREATED, cancel)
    assert len(told) == 1
    assert isinstance(error, Compacted)
    assert error.revision == 99
