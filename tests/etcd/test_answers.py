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
    Put,
    Span,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from support.scripted_etcd import HEADER, ScriptedEtcd, scripted_etcd

SPAN = Span.under(b"/a/")
CREATED = pb.WatchResponse(header=HEADER, created=True)


async def watched(*responses: pb.WatchResponse) -> tuple[list[Batch], StoreError]:
    """Watch a member that sends these and ends; give the batches and how it ended."""
    batches: list[Batch] = []
    async with (
        scripted_etcd(ScriptedEtcd(watch=list(responses))) as script,
        Etcd(EtcdSettings((script.url,))) as etcd,
        asyncio.timeout(5),
    ):
        watch = etcd.watch({SPAN: 5})
        try:
            while True:
                batches.append(await anext(watch))
        except StoreError as error:
            return batches, error


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


async def test_progress_notifications_are_no_batches() -> None:
    """A response without events says nothing that a consumer needs, and is dropped."""
    gone = pb.Event(type=pb.Event.DELETE, kv=pb.KeyValue(key=b"/a/1", mod_revision=11))
    batches, _ = await watched(
        CREATED,
        pb.WatchResponse(header=HEADER),
        pb.WatchResponse(header=HEADER, watch_id=-1),
        pb.WatchResponse(header=HEADER, events=[gone]),
    )
    assert [batch.changes for batch in batches] == [(), (Deleted(b"/a/1", 11),)]


async def test_a_stream_that_just_ends_is_an_error() -> None:
    """A watch never ends well: a stream closed by the server is StoreUnavailable."""
    batches, error = await watched(CREATED)
    assert len(batches) == 1
    assert isinstance(error, StoreUnavailable)
    assert "ended without an answer" in str(error)


async def test_a_stream_without_any_answer_is_an_error() -> None:
    """Also when it is closed before the watch was accepted."""
    batches, error = await watched()
    assert not batches
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
        batches, error = await watched(*([] if created else [CREATED]), cancel)
        assert len(batches) == (0 if created else 1)
        assert type(error).__mro__.index(kind) <= 1


async def test_a_watch_compacted_under_way_says_so() -> None:
    """A watcher too slow for the history is cancelled with the revision that is left."""
    cancel = pb.WatchResponse(header=HEADER, canceled=True, compact_revision=99)
    batches, error = await watched(CREATED, cancel)
    assert len(batches) == 1
    assert isinstance(error, Compacted)
    assert error.revision == 99
