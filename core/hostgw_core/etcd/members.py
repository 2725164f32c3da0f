"""The members of etcd as one thing: the connection to ask now, whatever became of the others.

What is done here is done when somebody asks: DNS is asked again when every endpoint has failed, the
files of TLS are looked at when a channel is made and every few seconds of use. No task of its own.

gRPC's machinery ends with its last channel, and begins anew with the next. That takes descriptors,
and where none is left gRPC aborts the whole process. So it is held from the first channel to the
end; a channel that then finds no descriptor fails as one that finds no member does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
import grpc.aio

from hostgw_core.etcd.certificates import CertificateFiles, Certificates
from hostgw_core.etcd.connection import Connection
from hostgw_core.etcd.rotation import Rotation
from hostgw_core.etcd.settings import Endpoint, EtcdSettings, Observer
from hostgw_core.store import StoreUnavailable

Discover: TypeAlias = Callable[[str, float], Awaitable[tuple[Endpoint, ...]]]

CHECK_FILES = 10.0  # seconds between two looks at the files of TLS, under use


class Members:
    """Holds at most one connection for new requests; older ones live until their watch ends."""

    def __init__(self, settings: EtcdSettings, *, observer: Observer, discover: Discover) -> None:
        self._domain = settings.discovery_srv
        self._only_tls = settings.tls
        self._discover = discover
        self._observer = observer
        self._rotation = Rotation(() if self._domain else settings.parsed())
        self._files = CertificateFiles(settings)
        self._looked = float("-inf")
        self._connection: Connection | None = None
        self._old: set[Connection] = set()
        self._turn = asyncio.Lock()
        self._held = False
        self._closed = False

    async def count(self, timeout: float) -> int:
        """Give how many endpoints there are to try, found anew where all have failed.

        Raise StoreUnavailable: DNS names none.
        """
        if self._domain and (not self._rotation or self._rotation.exhausted):
            async with self._turn:
                try:
                    self._rotation.replace(await self._find(timeout))
                except StoreUnavailable:
                    if not self._rotation:  # else the members of before may still be right
                        raise
        return len(self._rotation)

    async def _find(self, timeout: float) -> list[Endpoint]:
        found = await self._discover(self._domain, timeout)
        fit = [endpoint for endpoint in found if endpoint.tls or not self._only_tls]
        if not fit:
            raise StoreUnavailable(
                f"DNS names only members of etcd without TLS for {self._domain}, and certificates "
                "are given for them; publish _etcd-client-ssl._tcp records"
            )
        return fit

    async def current(self, deadline: float) -> Connection:
        """Give the connection to ask now, after its endpoint has rested.

        Raise StoreUnavailable: it rests beyond the deadline, or we are closed.
        """
        now = time.monotonic()
        pause = self._rotation.pause(now)
        if now + pause > deadline:
            raise StoreUnavailable(
                f"etcd at {self._rotation.current} was not asked: it failed just now"
            )
        if pause:
            await asyncio.sleep(pause)
        async with self._turn:
            if self._closed:
                raise StoreUnavailable("etcd was not asked: the client is closed")
            return await self._open()

    async def _open(self) -> Connection:
        endpoint, old = self._rotation.current, self._connection
        if old is not None:
            if old.endpoint == endpoint and not old.retired and not self._renewed(endpoint):
                return old
            await self._retire(old)
        if not self._held:
            grpc.aio.init_grpc_aio()
            self._held = True
        credentials = _credentials(self._read()[0]) if endpoint.tls else None
        self._connection = Connection(endpoint, credentials)
        self._observer.endpoint(str(endpoint))
        return self._connection

    def _renewed(self, endpoint: Endpoint) -> bool:
        """Tell, now and then, whether the files of TLS have changed under a channel."""
        now = time.monotonic()
        if not endpoint.tls or now - self._looked < CHECK_FILES:
            return False
        self._looked = now
        return self._read()[1]

    def _read(self) -> tuple[Certificates, bool]:
        """Read the files of TLS, and tell of what is new."""
        found, changed = self._files.read()
        if changed:
            self._observer.certificates(self._files.ends())
        return found, changed

    async def leave(self, connection: Connection) -> None:
        """Say that a member failed: the next request goes to another."""
        self._rotation.failed(connection.endpoint, time.monotonic())
        if connection is self._connection:
            self._connection = None
        await self._retire(connection)

    def answered(self, connection: Connection) -> None:
        """Say that a member did what it was asked."""
        self._rotation.answered(connection.endpoint)

    async def _retire(self, connection: Connection) -> None:
        self._old = {old for old in self._old if not old.closed} | {connection}
        await connection.retire()

    async def aclose(self) -> None:
        """Close every channel: what still runs on one ends with StoreUnavailable."""
        self._closed = True
        last, self._connection = self._connection, None
        for connection in self._old | ({last} if last else set()):
            await connection.close()
        self._old.clear()
        if self._held:
            self._held = False
            grpc.aio.shutdown_grpc_aio()


def _credentials(certificates: Certificates) -> Any:
    return grpc.ssl_channel_credentials(
        root_certificates=certificates.ca,
        private_key=certificates.key,
        certificate_chain=certificates.cert,
    )
