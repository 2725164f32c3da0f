"""A backlog that etcd splits within a revision: joined, resumed behind whole revisions only."""

from __future__ import annotations

import asyncio

import grpc.aio

from hostgw_core.etcd import Etcd
from hostgw_core.etcd.api import WATCH
from hostgw_core.etcd.api import etcd_pb2 as pb
from hostgw_core.etcd.messages import watching as request
from hostgw_core.store import Put, Span
from support.etcd_server import EtcdServer
from support.store_subject import watching

KEYS = 120  # in a transaction; etcd takes 128
LARGE = b"x" * 12_000  # bytes: with it a transaction is just below etcd's 1.5 MiB
COMMITS = 4


async def as_etcd_sends_it(server: EtcdServer, span: Span, since: int) -> list[pb.WatchResponse]:
    """Give a backlog in the pieces in which etcd sends it, read without the adapter."""
    pieces: list[pb.WatchResponse] = []
    async with (
        asyncio.timeout(10),
        grpc.aio.insecure_channel(
            server.url.removeprefix("http://"), (("grpc.max_receive_message_length", -1),)
        ) as channel,
    ):
        stream = channel.stream_stream(
            WATCH.path,
            request_serializer=WATCH.request.SerializeToString,
            response_deserializer=WATCH.response.FromString,
        )()
        await stream.write(request(span, since))
        while sum(len(piece.events) for piece in pieces) < KEYS * COMMITS:
            pieces.append(await stream.read())
        stream.cancel()
    return pieces


async def test_a_backlog_in_pieces_is_told_in_whole_revisions(
    store: Etcd, etcd_server: EtcdServer, etcd_prefix: str
) -> None:
    """Etcd cuts within a transaction of 120 large keys; what is told ends where one ends."""
    span = Span.under(etcd_prefix.encode() + b"/")
    keys = [f"{etcd_prefix}/{number:03}".encode() for number in range(KEYS)]
    since = (await store.list()).header.revision + 1
    for _ in range(COMMITS):
        last = await store.commit([], [Put(key, LARGE) for key in keys])
    pieces = await as_etcd_sends_it(etcd_server, span, since)
    cut = [piece for piece in pieces if piece.fragment]
    assert any(len(piece.events) % KEYS for piece in cut), "etcd has cut no revision: no test"
    async with watching(store, {span: since}) as watch:
        told = []
        while len(told) < KEYS * COMMITS:
            told += (batch := await watch.batch()).changes
            assert len(batch.changes) % KEYS == 0
    assert [change.key for change in told] == keys * COMMITS
    assert told[-1].modified == last.header.revision
