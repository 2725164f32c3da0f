"""One watch stream: several spans, whole responses, and one clear end.

A large response comes in fragments; they are joined before anything of it is given, so that a
stream that breaks between two of them has told nothing that would have to be told again. A progress
notification comes by itself, in its place among the others. It is never asked for: before 3.4.25
etcd could answer such a question ahead of changes that it had still to send.

The stream never resumes by itself: only who consumes it knows how far it came. It ends by an error
of the port, whichever way etcd or the network ended it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

import grpc
import grpc.aio

from hostgw_core.etcd.api import WATCH
from hostgw_core.etcd.api import etcd_pb2 as pb
from hostgw_core.etcd.connection import Connection, interrupted
from hostgw_core.etcd.failures import silent
from hostgw_core.etcd.messages import batch_of, change_of, progress_of, watching
from hostgw_core.etcd.pulse import Pulse
from hostgw_core.store import Batch, Change, Compacted, Progress, Span, StoreError


class WatchStream:
    """An open watch on one member."""

    def __init__(self, connection: Connection, since: Mapping[Span, int], token: str) -> None:
        self._connection = connection
        self._since = since
        self._token = token
        self._stream: Any = connection.stream(WATCH, token=token)
        self._first: pb.WatchResponse | None = None
        self._spans: dict[int, Span] = {}
        # etcd answers the creations in the order in which they were asked for.
        self._expected: Iterator[Span] = iter(since)
        self._fragments: dict[int, list[Change]] = {}
        self._heard: dict[int, float] = {}

    async def open(self, timeout: float) -> None:
        """Ask for the spans and wait for the first answer. `timeout` is in seconds.

        Raise StoreUnavailable.
        """
        try:
            async with asyncio.timeout(timeout):
                for span, revision in self._since.items():
                    await self._stream.write(watching(span, revision))
                self._first = await self._read()
        except TimeoutError:
            self.close()
            raise self._silent(timeout) from None
        # gRPC's name for a stream that ended before something was written to it.
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            raise await self._connection.ended(self._stream, op="watch") from None
        if self._first is None:
            raise await self._connection.ended(self._stream, op="watch")

    def close(self) -> None:
        """End the watch at the server, too."""
        self._stream.cancel()

    async def told(self) -> AsyncGenerator[Batch | Progress, None]:
        """Give what arrives. Raise Compacted, StoreUnavailable, StoreDenied."""
        pulse = Pulse(self._connection, self._stream, self._token, quietest=self._quietest)
        try:
            response = self._first
            while response is not None:
                received = time.monotonic()
                told = self._understood(response, received)
                if told is not None:
                    yield told
                response = await self._next(pulse)
            raise await self._connection.ended(self._stream, op="watch")
        finally:
            pulse.stop()
            self.close()

    def _understood(self, response: pb.WatchResponse, received: float) -> Batch | Progress | None:
        """Read one response; give nothing for a fragment that others are to follow."""
        if response.compact_revision:
            raise Compacted(response.compact_revision)
        if response.canceled:
            raise self._refused(response.cancel_reason)
        self._heard[response.watch_id] = received
        if response.created:
            self._spans[response.watch_id] = next(self._expected)
        span = self._spans.get(response.watch_id)
        if span is None:
            return None  # about all watches at once, as an answer to a question that is not ours
        before = self._fragments.pop(response.watch_id, [])
        if response.fragment:
            before.extend(map(change_of, response.events))
            self._fragments[response.watch_id] = before
            return None
        if not (response.created or response.events or before):
            return progress_of(response, span)
        return batch_of(response, span, received, before=before)

    async def _read(self) -> pb.WatchResponse | None:
        """Give the next response, or None at the end of the stream."""
        response = await self._stream.read()
        if response is grpc.aio.EOF:
            return None
        self._connection.heard = time.monotonic()
        assert isinstance(response, pb.WatchResponse)
        return response

    async def _next(self, pulse: Pulse) -> pb.WatchResponse | None:
        try:
            return await self._read()
        except grpc.aio.AioRpcError:
            return None
        except asyncio.CancelledError:
            if interrupted():
                raise
            if pulse.lost:
                raise self._silent(pulse.lost) from None
            return None  # the channel was closed under the stream

    def _quietest(self) -> float:
        return min(self._heard.values(), default=time.monotonic())

    def _silent(self, seconds: float) -> StoreError:
        return silent(op="watch", endpoint=str(self._connection.endpoint), seconds=seconds)

    def _refused(self, reason: str) -> StoreError:
        """Give the error for a watcher that etcd cancelled: it says why in a status as text.

        `rpc error: code = PermissionDenied desc = etcdserver: permission denied`
        """
        said = reason.rpartition("desc = ")[2]
        code = (
            grpc.StatusCode.PERMISSION_DENIED
            if "permission denied" in said
            else grpc.StatusCode.UNAUTHENTICATED
            if "auth" in said
            else grpc.StatusCode.CANCELLED
        )
        return self._connection.failure(code, said, op="watch")
