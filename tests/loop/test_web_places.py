"""The HTTP server's places over real sockets: taken, shared, busy, and left again."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import aiohttp
import pytest

from hostgw_core.settings import Listen
from hostgw_daemon.told import web
from hostgw_daemon.told.listen import CannotListen, Tcp, Unix
from support.webview import LOOPBACK, FakeView, serving


async def test_the_unix_socket(view: FakeView, tmp_path: Path):
    """It serves everything, is for root and its group only, and goes with the server."""
    path = tmp_path / "run" / "hostgwd.sock"
    async with serving(view, Unix(path)) as address:
        assert address == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        connector = aiohttp.UnixConnector(str(path))
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.get("http://hostgwd/v1/peers") as answer,
        ):
            assert answer.status == 200
            assert (await answer.json())[0]["node"] == "n2"
    assert list(path.parent.iterdir()) == []


async def test_a_stale_socket_is_replaced(view: FakeView, tmp_path: Path):
    """What a killed daemon has left is no obstacle."""
    path = tmp_path / "hostgwd.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as killed:
        killed.bind(str(path))
    async with serving(view, Unix(path)):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nok")
        writer.close()


async def test_a_socket_that_answers_is_left_alone(view: FakeView, tmp_path: Path):
    """Two servers never share a place: the second one says why, and the first goes on."""
    place = Unix(tmp_path / "hostgwd.sock")
    async with serving(view, place):
        with pytest.raises(CannotListen, match="another program does"):
            await web.serve(view, place)
        reader, writer = await asyncio.open_unix_connection(place.path)
        writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"ok")
        writer.close()


async def test_a_file_in_the_place_of_the_socket_is_not_removed(view: FakeView, tmp_path: Path):
    """Only sockets are replaced; somebody's file is a sentence."""
    path = tmp_path / "hostgwd.sock"
    path.write_text("precious")
    with pytest.raises(CannotListen, match="no socket is in its place"):
        await web.serve(view, Unix(path))
    assert path.read_text() == "precious"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", ""])
async def test_a_busy_port_is_one_sentence(view: FakeView, host: str):
    """The sentence names the place and the cure; another try works once the port is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as other:
        place = Tcp(Listen(host, other.getsockname()[1]))
        with pytest.raises(CannotListen, match=rf"{place.at.port}: another program does; stop it"):
            await web.serve(view, place)
    async with serving(view, place):
        pass


async def test_an_address_that_is_not_ours_is_one_sentence(view: FakeView):
    """The kernel's words are passed on."""
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1:9745: Cannot assign requested address"):
        await web.serve(view, Tcp(Listen("192.0.2.1", 9745)))


async def test_an_empty_host_is_both_families(view: FakeView, client: aiohttp.ClientSession):
    """One socket takes IPv4 and IPv6, and knows loopback in both."""
    async with serving(view, Tcp(Listen("", 0))) as address:
        port = address.rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            async with client.get(f"http://{host}:{port}/v1/status") as answer:
                assert answer.status == 200


async def test_the_end_waits_for_nobody(view: FakeView):
    """With connections open the server ends at once, and its port is free."""
    async with serving(view, LOOPBACK) as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readuntil(b"ok")
    assert await reader.read() == b""
    writer.close()
    with socket.create_server((host, int(port))):
        pass
