"""Orders over real sockets: obeyed on the unix socket, refused anywhere else, and bounded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from hostgw_daemon.told import web
from hostgw_daemon.told.bodies import LONGEST
from hostgw_daemon.told.listen import Unix
from hostgw_daemon.told.orders import Accept, Believe, Done
from support.webview import LOOPBACK, FakeView, serving

ACCEPT = "/v1/holds/accept"


async def raw(path: Path, sent: bytes) -> bytes:
    """Send bytes on a unix socket, and give everything that comes back until the end."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def test_an_order_on_the_unix_socket(view: FakeView, tmp_path: Path):
    """A body in one piece, in chunks, of thousands of keys, or none at all, as each path wants."""
    view.done = Done(3, 5)
    place, keys = Unix(tmp_path / "s"), [f"/coreos.com/network/subnets/{n}" for n in range(5000)]

    async def chunks():
        for piece in (b'{"al', b'l": ', b"true}"):
            yield piece

    async with (
        serving(view, place),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(place.path))) as client,
    ):
        for body in (json.dumps({"keys": keys}), chunks()):
            async with client.post(f"http://hostgwd{ACCEPT}", data=body) as answer:
                assert (answer.status, await answer.json()) == (200, {"done": 3, "held": 5})
        async with client.post("http://hostgwd/v1/history/accept") as answer:
            assert answer.status == 200
        async with client.get("http://hostgwd/v1/holds") as answer:
            assert (await answer.json())["holds"][0]["cause"] == "many"
    every = frozenset(key.encode() for key in keys)
    assert view.obeyed == [Accept(every), Accept(None), Believe()]


async def test_no_order_over_tcp(view: FakeView, client: aiohttp.ClientSession):
    """Loopback sees the holds, and is refused what would change them, however it asks."""
    async with serving(view, LOOPBACK) as address:
        async with client.get(f"http://{address}/v1/holds") as answer:
            assert answer.status == 200
        for method in ("POST", "PUT", "GET", "OPTIONS"):
            async with client.request(
                method,
                f"http://{address}{ACCEPT}",
                data=b'{"all": true}',
                headers={"X-HTTP-Method-Override": "POST", "Origin": "http://evil.example"},
            ) as answer:
                assert answer.status == 403
                assert not any(name.startswith("Access-Control") for name in answer.headers)
    assert view.obeyed == []


@pytest.mark.parametrize("length", [b"Content-Length: 100000000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_is_too_long_is_cut(view: FakeView, tmp_path: Path, length: bytes):
    """It is read as far as it may be long, answered, and the connection is ended."""
    place = Unix(tmp_path / "s")
    body = b" " * (LONGEST + 1)
    if b"chunked" in length:
        body = b"%x\r\n%s\r\n" % (len(body), body)
    async with serving(view, place):
        head = f"POST {ACCEPT} HTTP/1.1\r\nHost: x\r\n".encode() + length + b"\r\n\r\n"
        answer = await raw(place.path, head + body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert view.obeyed == []


async def test_a_body_that_does_not_come_is_not_waited_for(
    view: FakeView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What has come of it is no order: a half sentence could mean another thing."""
    monkeypatch.setattr(web, "PATIENCE", 0.1)
    place = Unix(tmp_path / "s")
    told: list[tuple[str, Exception]] = []
    async with serving(view, place, failed=lambda *what: told.append(what)):
        head = b"POST /v1/history/accept HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
        assert (await raw(place.path, head)).startswith(b"HTTP/1.1 408 ")
    assert (view.obeyed, told) == ([], [])
