"""A member that does what a test says: for answers that a real etcd gives once in a blue moon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
import grpc.aio

from hostgw_core.etcd.api import RANGE, TXN, WATCH, Method
from hostgw_core.etcd.api import etcd_pb2 as pb

Answer: TypeAlias = Callable[[Any, Any], Awaitable[Any]]

HEADER = pb.ResponseHeader(cluster_id=1, revision=10, raft_term=2)


@dataclass
class ScriptedEtcd:
    """`commit` answers a transaction, `watch` is what a watch is sent; reads are answered empty."""

    commit: Answer | None = None
    watch: list[pb.WatchResponse] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def on_range(self, _request: Any, _context: Any) -> pb.RangeResponse:
        """Answer with nothing but the header."""
        self.asked.append("range")
        return pb.RangeResponse(header=HEADER)

    async def on_txn(self, request: Any, context: Any) -> pb.TxnResponse:
        """Answer as the test says."""
        self.asked.append("txn")
        if self.commit is None:
            return pb.TxnResponse(header=HEADER, succeeded=True)
        answer: pb.TxnResponse = await self.commit(request, context)
        return answer

    async def on_watch(self, requests: Any, _context: Any) -> AsyncIterator[pb.WatchResponse]:
        """Hear the first question, send what the test says, and end the stream."""
        self.asked.append("watch")
        await anext(aiter(requests))  # a stream that ends before it is written to tells nothing
        for response in self.watch:
            yield response


def _handler(make: Any, method: Method[Any, Any], behaviour: Any) -> Any:
    return make(
        behaviour,
        request_deserializer=method.request.FromString,
        response_serializer=method.response.SerializeToString,
    )


@asynccontextmanager
async def scripted_etcd(script: ScriptedEtcd) -> AsyncIterator[ScriptedEtcd]:
    """Serve the script on loopback as long as the block lasts."""
    server = grpc.aio.server()
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
    for method, make, behaviour in (
        (RANGE, unary, script.on_range),
        (TXN, unary, script.on_txn),
        (WATCH, stream, script.on_watch),
    ):
        service, name = method.path.removeprefix("/").split("/")
        handler = grpc.method_handlers_generic_handler(
            service, {name: _handler(make, method, behaviour)}
        )
        server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    script.url = f"http://127.0.0.1:{port}"
    try:
        yield script
    finally:
        await server.stop(None)
