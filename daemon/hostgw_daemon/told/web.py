"""The HTTP server: `endpoints` carried by aiohttp. Import it late: aiohttp costs 0.1 to 0.2 s.

A port that anybody can reach must not be able to take the daemon down with it. So a request is a
head of a few kilobytes and no body, but for an order on the unix socket; a response that is not
taken within half a minute ends the connection; and of more connections than a few the oldest is
cut, not the newest refused, so that idle ones cannot keep Prometheus or the kubelet out. What
strangers send wrong is answered and not logged. Who waits for the next event costs a connection and
nothing else; when the server ends, he is answered at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv6Address, ip_address
from typing import Any, NoReturn, Protocol

from aiohttp import web

from hostgw_daemon.told.bodies import LONGEST
from hostgw_daemon.told.endpoints import Reach, Request, Response, respond
from hostgw_daemon.told.listen import BACKLOG, CannotListen, Place, Tcp, listening
from hostgw_daemon.told.polling import Poll
from hostgw_daemon.told.tls import TlsFiles
from hostgw_daemon.told.views import WebView

CONNECTIONS = 64  # for each place
IDLE = 75.0  # seconds that a connection may wait for its next request
PATIENCE = 30.0  # seconds that a client may take to read a response
FAREWELL = 2.0  # seconds for the responses under way when the server ends
_UCRED = struct.Struct("iII")  # pid, uid, gid
HEAD_LINE, HEAD_LINES = 4096, 64  # bytes of a line of the head, and how many lines


class Waiting(WebView, Protocol):
    """A view that can say when there will be more."""

    def next_event(self, poll: Poll) -> asyncio.Future[None] | None:
        """Give what is done when there is an event to give; None if there is one now."""
        ...


# The errors of strangers' requests, which aiohttp logs at length, go nowhere.
_noise = logging.getLogger(f"{__name__}.noise")
_noise.disabled = True


async def serve(
    view: Waiting,
    place: Place,
    *,
    opened: Callable[[str], None] = lambda _address: None,
    failed: Callable[[str, Exception], None] = lambda _path, _error: None,
    accepted: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Answer on one place until cancelled. Raise CannotListen.

    `opened` is told the address once it is listened on; `failed` the path and the exception when an
    answer could not be made, which the client sees as 500. `accepted` is called for each client.
    """
    farewell: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            asked.method,
            asked.path,
            reach_of(place, asked.remote, certified=bool(asked.get_extra_info("peercert"))),
            {name: asked.query.getall(name) for name in asked.query},
            asked.headers.get("Accept", ""),
        )
        try:
            if request.orders:
                request = replace(request, body=await _body(asked), by=_peer(asked))
        except TimeoutError:
            return await _send(asked, Response(408, b"the body did not come in time\n"))
        try:
            if poll := request.waits:
                await _until_next(view, poll, farewell)
            response = respond(view, request)
        except Exception as error:  # noqa: BLE001 - a request's edge: told to `failed`, others go on
            failed(request.path, error)
            response = Response(500, b"the answer could not be made; see the log of hostgwd\n")
        return await _send(asked, response)

    server = web.Server(
        handle,
        logger=_noise,
        access_log=None,
        keepalive_timeout=IDLE,
        lingering_time=0,
        handler_cancellation=True,  # who waits for an event and goes away is waited for no longer
        max_line_size=HEAD_LINE,
        max_field_size=HEAD_LINE,
        max_headers=HEAD_LINES,
    )

    tls = _tls(place)

    def welcome() -> asyncio.BaseProtocol:
        accepted()
        if tls is not None:
            tls.refresh()
        open_ones = [
            connection.transport
            for connection in server.connections
            if connection.transport is not None and not connection.transport.is_closing()
        ]
        for transport in open_ones[: max(0, len(open_ones) + 1 - CONNECTIONS)]:
            transport.abort()
        return server()

    with listening(place) as bound:
        # create_server takes a unix socket too, and unlike create_unix_server never its path.
        # asyncio accepts as many in one go as its backlog is, and where no descriptor is left it
        # complains as often: one at a time, then, from a queue that is as long as before.
        listener = await asyncio.get_running_loop().create_server(
            welcome, sock=bound, backlog=1, **_secured(tls)
        )
        bound.listen(BACKLOG)
        opened(_address(place, bound.getsockname()))
        try:
            await asyncio.Event().wait()
        finally:
            listener.close()
            farewell.set_result(None)
            server.pre_shutdown()
            await server.shutdown(FAREWELL)
    raise AssertionError("a server ends by cancellation only")


def _tls(place: Place) -> TlsFiles | None:
    """Read the certificate of a place. Raise CannotListen."""
    files = place.tls if isinstance(place, Tcp) else None
    if files is None:
        return None
    try:
        return TlsFiles(files)
    except (OSError, ValueError) as error:
        raise CannotListen(
            f"cannot serve TLS on {place}: {files.cert}, {files.key} and {files.ca or 'no CA'} do"
            f" not serve ({error}); give a pair that belongs together, without a password"
        ) from error


def _secured(tls: TlsFiles | None) -> dict[str, Any]:
    if tls is None:
        return {}
    return {"ssl": tls.context, "ssl_handshake_timeout": PATIENCE}


def reach_of(place: Place, remote: str | None, *, certified: bool = False) -> Reach:
    """Tell how much a client may see, by the address that its connection comes from.

    `certified`: it has shown a certificate of the authority, and is as good as this host.
    """
    if not isinstance(place, Tcp):
        return Reach.SOCKET
    if place.reach is not Reach.FAR:
        return place.reach
    if certified:
        return Reach.HOST
    if not remote:
        return Reach.FAR
    address = ip_address(remote.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return Reach.HOST if address.is_loopback else Reach.FAR


async def _until_next(view: Waiting, poll: Poll, farewell: asyncio.Future[None]) -> None:
    """Wait until there is an event to give, for as long as was asked, or until the server ends."""
    news = view.next_event(poll)
    if news is not None:
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait({news, farewell}, timeout=poll.wait, return_when=first)


def _peer(asked: web.BaseRequest) -> str:
    """Say who has opened a unix socket, as the kernel knows it (SO_PEERCRED, unix(7))."""
    opened = asked.get_extra_info("socket")
    try:
        pid, uid, _ = _UCRED.unpack(
            opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        )
    except (OSError, AttributeError):  # it is gone already
        return "somebody"
    return f"uid {uid}, pid {pid}"


async def _body(asked: web.BaseRequest) -> bytes:
    """Read a body, or a bit more of it than is allowed. Raise TimeoutError."""
    read = bytearray()
    async with asyncio.timeout(PATIENCE):
        while len(read) <= LONGEST and (some := await asked.content.readany()):
            read += some
    return bytes(read)


async def _send(asked: web.BaseRequest, response: Response) -> web.StreamResponse:
    sent = web.Response(
        status=response.status,
        body=response.body,
        headers={
            **response.headers,
            "Content-Type": response.kind,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Server": "hostgwd",
        },
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await sent.prepare(asked)
            await sent.write_eof()
    except TimeoutError:
        if asked.transport is not None:
            asked.transport.abort()
    return sent


def _address(place: Place, name: object) -> str:
    if isinstance(place, Tcp) and isinstance(name, tuple):
        host, port = name[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return str(place)
