"""One gRPC channel to one member.

gRPC can hold several addresses in a channel and would choose among them itself; it then hides which
member answers, and fails with TLS (an address list has one name to check). So a channel has one
endpoint, and the rotation is ours. Each channel has its connections to itself (a local subchannel
pool): a new channel is a new connection, with the certificates of now and no back-off of before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import grpc.aio

from hostgw_core.etcd.api import Method, Request, Response
from hostgw_core.etcd.failures import failure
from hostgw_core.etcd.settings import Endpoint
from hostgw_core.store import StoreError

Metadata: TypeAlias = tuple[tuple[str, str], ...]

_OPTIONS: tuple[tuple[str, int], ...] = (
    # A member that stops answering while its host lives keeps its TCP connections. Without the
    # third of these, gRPC notices after a minute; with it after 12 s. Shorter times than 5 s
    # make etcd close the connection ("too_many_pings").
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A page of large values, or what a watch has to catch up with, passes gRPC's 4 MiB.
    ("grpc.max_receive_message_length", -1),
    # A commit that gRPC sent twice by itself would lose against its own first copy.
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
    # etcd is inside the cluster: http_proxy in a unit's environment is not meant for it.
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


_CLOSED = (grpc.StatusCode.CANCELLED, "the client was closed")


def interrupted() -> bool:
    """Tell whether a CancelledError is meant for the running task.

    A call on a channel that is closed raises one as well; let out, it would end a task silently.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def metadata(token: str, *, leader: bool = False) -> Metadata:
    """Give what travels beside a request: the login, and that only a member with a leader will do.

    Without the latter, a watch on a member that lost its quorum stays open, and silent for ever.
    """
    login = (("token", token),) if token else ()
    return (*login, ("hasleader", "true")) if leader else login


class Connection:
    """A channel; made in a running event loop. It connects at the first request.

    `heard` is when its member last answered anything, in seconds of `time.monotonic`. A retired
    connection closes when the last that uses it lets go.
    """

    def __init__(self, endpoint: Endpoint, certificates: grpc.ChannelCredentials | None) -> None:
        self.endpoint = endpoint
        self.heard = float("-inf")
        self.closed = False
        self._users = 0
        self._retired = False
        self._methods: dict[str, Any] = {}
        self._channel: Any = (
            grpc.aio.secure_channel(endpoint.target, certificates, _OPTIONS)
            if certificates is not None
            else grpc.aio.insecure_channel(endpoint.target, _OPTIONS)
        )

    @property
    def retired(self) -> bool:
        """Tell whether new requests should go elsewhere."""
        return self._retired

    def begin(
        self,
        method: Method[Request, Response],
        request: Request,
        *,
        timeout: float,
        token: str = "",
    ) -> Any:
        """Send a request and give the call: it runs by itself, and is awaited for the answer."""
        make = self._channel.unary_unary
        return self._callable(make, method)(request, timeout=timeout, metadata=metadata(token))

    async def ask(
        self,
        method: Method[Request, Response],
        request: Request,
        *,
        op: str,
        timeout: float,
        token: str = "",
    ) -> Response:
        """Send a request and give the answer; `op` is what an error will call it.

        Raise the errors of failures.py.
        """
        try:
            call = self.begin(method, request, timeout=timeout, token=token)
            answer: Response = await call
        except grpc.aio.AioRpcError as error:
            raise self.failure(error.code(), error.details(), op=op) from None
        except asyncio.CancelledError:
            if interrupted():
                raise
            raise self.failure(*_CLOSED, op=op) from None
        self.heard = time.monotonic()
        return answer

    async def exchange(
        self,
        method: Method[Request, Response],
        request: Request,
        *,
        op: str,
        timeout: float,
        token: str = "",
    ) -> Response:
        """Do as `ask` does, where etcd has only a stream: one request, one answer, its end."""
        stream = self.stream(method, token=token, timeout=timeout)
        try:
            await stream.write(request)
            answer: Response = await stream.read()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            raise await self.ended(stream, op=op) from None
        except asyncio.CancelledError:
            if interrupted():
                raise
            raise self.failure(*_CLOSED, op=op) from None
        finally:
            stream.cancel()
        if answer is grpc.aio.EOF:
            raise await self.ended(stream, op=op)
        self.heard = time.monotonic()
        return answer

    def failure(self, code: grpc.StatusCode, details: str | None, *, op: str) -> StoreError:
        """Give the error for a status that came from here."""
        return failure(code, details, op=op, endpoint=str(self.endpoint))

    async def ended(self, stream: Any, *, op: str) -> StoreError:
        """Give the error for a stream that is over."""
        code, details = await stream.code(), await stream.details()
        if code is grpc.StatusCode.OK:
            code, details = grpc.StatusCode.UNAVAILABLE, "the stream was ended without an answer"
        return self.failure(code, details, op=op)

    def stream(
        self,
        method: Method[Request, Response],
        *,
        token: str = "",
        timeout: float | None = None,
    ) -> Any:
        """Open a stream in both directions that ends when the member loses its leader."""
        make = self._channel.stream_stream
        return self._callable(make, method)(timeout=timeout, metadata=metadata(token, leader=True))

    def _callable(self, make: Any, method: Method[Any, Any]) -> Any:
        if self.closed:  # gRPC would raise an error of its own
            raise self.failure(*_CLOSED, op="request")
        if method.path not in self._methods:
            self._methods[method.path] = make(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        return self._methods[method.path]

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Connection]:
        """Keep the channel open for as long as the block lasts."""
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            if self._retired and not self._users:
                await self.close()

    async def retire(self) -> None:
        """Close as soon as nobody uses it."""
        self._retired = True
        if not self._users:
            await self.close()

    async def close(self) -> None:
        """Close now: what still runs on it ends."""
        self._retired = self.closed = True
        await self._channel.close()
