"""The HTTP server over real sockets: what it answers, to whom, and how long it waits."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from hostgw_daemon.told import web
from hostgw_daemon.told.checks import Check
from hostgw_daemon.told.endpoints import Reach
from hostgw_daemon.told.listen import Tcp
from hostgw_daemon.told.status import PeersStatus
from support.waiting import eventually_async
from support.webview import LOOPBACK, FakeView, serving

FAR = web.reach_of(LOOPBACK, "192.0.2.7")


async def raw(address: str, sent: bytes) -> bytes:
    """Send bytes as they are, and give everything that comes back until the end."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def established(ours: int, theirs: int) -> bool:
    """Tell by the kernel's own table (proc(5)) whether our end of a connection is still open."""
    with Path("/proc/net/tcp").open() as table:
        rows = [line.split()[1:4] for line in table][1:]
    ports = {(int(a[9:], 16), int(b[9:], 16)): state for a, b, state in rows}
    return ports.get((ours, theirs)) == "01"


async def test_health_metrics_and_status_over_tcp(view: FakeView, client: aiohttp.ClientSession):
    """On loopback everything is to be had, by the codes that probes go by."""
    async with serving(view, LOOPBACK) as address:
        async with client.get(f"http://{address}/readyz?verbose") as answer:
            assert answer.status == 200
            assert await answer.text() == "[+]lease_held ok\nreadyz check passed\n"
        view.readiness.append(Check("last_pass", ok=False, reason="EPERM"))
        async with client.get(f"http://{address}/readyz") as answer:
            assert answer.status == 503
        async with client.get(f"http://{address}/metrics") as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert answer.headers["Server"] == "hostgwd"
            assert await answer.text() == "hostgw_ready 1.0\n"
        async with client.get(f"http://{address}/v1/status") as answer:
            assert (await answer.json())["node"] == "n1"


@pytest.mark.parametrize(
    ("remote", "reach"),
    [
        ("127.0.0.1", Reach.HOST),
        ("127.9.9.9", Reach.HOST),
        ("::1", Reach.HOST),
        ("::ffff:127.0.0.1", Reach.HOST),
        ("::ffff:192.0.2.7", Reach.FAR),
        ("192.0.2.7", Reach.FAR),
        ("10.5.3.1", Reach.FAR),
        ("fe80::1%eth0", Reach.FAR),
        ("", Reach.FAR),
        (None, Reach.FAR),
    ],
)
def test_reach_is_where_the_connection_comes_from(remote: str | None, reach: Reach):
    """Loopback in either family is this host; anything else, and nothing at all, is far."""
    assert web.reach_of(LOOPBACK, remote) is reach
    assert web.reach_of(Tcp(LOOPBACK.at, Reach.HEALTH), remote) is Reach.HEALTH


async def test_the_host_header_opens_nothing(view: FakeView, monkeypatch: pytest.MonkeyPatch):
    """A far client that calls itself localhost is far, however it says so."""
    monkeypatch.setattr(web, "reach_of", lambda _place, _remote, **_: FAR)
    async with serving(view, LOOPBACK) as address:
        answer = await raw(
            address,
            b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n"
            b"Connection: close\r\n\r\n",
        )
        assert answer.startswith(b"HTTP/1.1 403 ")


async def test_head_has_no_body(view: FakeView):
    """HEAD gives the code and the length, and nothing after the head."""
    async with serving(view, LOOPBACK) as address:
        answer = await raw(
            address, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"Content-Length: 17" in head
        assert body == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n"
        + b"".join(b"A%d: b\r\n" % n for n in range(500))
        + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 10_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
async def test_what_is_no_decent_request_is_answered_and_cut(
    view: FakeView, sent: bytes, caplog: pytest.LogCaptureFixture
):
    """A head that is too long, or no HTTP at all: 400, the end, and not a word in the log."""
    async with serving(view, LOOPBACK) as address:
        assert (await raw(address, sent)).startswith(b"HTTP/1.0 400 ")
    assert caplog.records == []


async def test_a_body_is_not_waited_for(view: FakeView):
    """A client that announces a megabyte is answered at once, and cut."""
    async with serving(view, LOOPBACK) as address:
        sent = b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx"
        assert (await raw(address, sent)).startswith(b"HTTP/1.1 405 ")


async def test_a_mistake_of_ours_is_a_500_and_told(view: FakeView, client: aiohttp.ClientSession):
    """The client learns nothing of the inside, the log everything, and health goes on."""
    view.broken = True
    told: list[tuple[str, Exception]] = []
    async with serving(view, LOOPBACK, failed=lambda *what: told.append(what)) as address:
        async with client.get(f"http://{address}/v1/status") as answer:
            assert answer.status == 500
            assert "mistake" not in await answer.text()
        async with client.get(f"http://{address}/livez") as answer:
            assert answer.status == 200
    assert [(path, type(error)) for path, error in told] == [("/v1/status", KeyError)]


async def test_idle_connections_keep_nobody_out(
    view: FakeView, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    """With every place taken by silence, the oldest goes and the probe is answered."""
    monkeypatch.setattr(web, "CONNECTIONS", 8)
    async with serving(view, LOOPBACK) as address:
        host, _, port = address.rpartition(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
        async with client.get(f"http://{address}/livez") as answer:
            assert answer.status == 200
        ends = [asyncio.ensure_future(reader.read()) for reader, _ in idle]
        await eventually_async(lambda: sum(end.done() for end in ends) >= 12)
        assert not ends[-1].done()
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        for _, writer in idle:
            writer.close()


async def test_an_idle_connection_is_closed_in_time(
    view: FakeView, monkeypatch: pytest.MonkeyPatch
):
    """One that says nothing, and one that never ends its head, are both closed."""
    monkeypatch.setattr(web, "IDLE", 0.1)
    async with serving(view, LOOPBACK) as address:
        assert await raw(address, b"") == b""
        assert await raw(address, b"GET /livez HTTP/1.1\r\nHost: x\r\nA: b\r\n") == b""


async def test_a_client_that_does_not_read_is_cut(view: FakeView, monkeypatch: pytest.MonkeyPatch):
    """A response that nobody takes does not stay in memory for ever."""
    monkeypatch.setattr(web, "PATIENCE", 0.2)
    view.given = replace(view.given, version="x" * 20_000_000)
    async with serving(view, LOOPBACK) as address:
        host, _, port = address.rpartition(":")
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, (host, int(port)))
            assert established(int(port), client.getsockname()[1])
            await loop.sock_sendall(client, b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
            theirs = (int(port), client.getsockname()[1])
            await eventually_async(lambda: not established(*theirs))
            read = 0
            while chunk := await loop.sock_recv(client, 1 << 20):
                read += len(chunk)
            assert 0 < read < 20_000_000


async def test_a_status_of_any_size_is_whole(view: FakeView, client: aiohttp.ClientSession):
    """Ten megabytes arrive as ten megabytes."""
    view.given = replace(view.given, peers=PeersStatus(by_state={"x" * 10_000_000: 1}))
    async with (
        serving(view, LOOPBACK) as address,
        client.get(f"http://{address}/v1/status") as answer,
    ):
        assert len((await answer.json())["peers"]["by_state"].popitem()[0]) == 10_000_000
