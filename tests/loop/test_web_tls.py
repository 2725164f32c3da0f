"""TLS on the HTTP port: who is shown what, renewed certificates, and files that do not serve."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from hostgw_core.settings import Listen
from hostgw_daemon.told import web
from hostgw_daemon.told.endpoints import Reach
from hostgw_daemon.told.listen import CannotListen, Tcp
from hostgw_daemon.told.tls import Tls
from support.certificates import Authority, Identity
from support.webview import FakeView, serving

AT = Listen("127.0.0.1", 0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Make an authority."""
    return Authority(tmp_path / "pki")


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients on loopback count as far: their address says nothing, their certificate does."""
    real: Callable[..., Reach] = web.reach_of
    monkeypatch.setattr(
        web, "reach_of", lambda place, _remote, certified: real(place, None, certified=certified)
    )


def place(server: Identity, *, ca: bool = True) -> Tcp:
    """Serve with a certificate, and ask clients for one."""
    return Tcp(AT, tls=Tls(str(server.cert), str(server.key), str(server.ca) if ca else ""))


def knows(server: Identity, client: Identity | None = None) -> ssl.SSLContext:
    """Trust a server's authority, and show a client's certificate."""
    context = ssl.create_default_context(cafile=str(server.ca))
    if client is not None:
        context.load_cert_chain(client.cert, client.key)
    return context


async def fetch(address: str, path: str, context: ssl.SSLContext) -> int:
    """Ask over a connection of its own; give the status."""
    connector = aiohttp.TCPConnector(ssl=context, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as client,
        client.get(f"https://{address}{path}") as answer,
    ):
        return answer.status


async def test_a_certificate_shows_what_the_host_sees(
    view: FakeView, authority: Authority, far: None
):
    """Without one there are health and metrics, as without TLS."""
    server, client = authority.issue("server"), authority.issue("client")
    async with serving(view, place(server)) as address:
        assert await fetch(address, "/v1/status", knows(server, client)) == 200
        assert await fetch(address, "/v1/status", knows(server)) == 403
        assert await fetch(address, "/metrics", knows(server)) == 200
        assert await fetch(address, "/livez", knows(server)) == 200


async def test_a_certificate_gives_no_orders(view: FakeView, authority: Authority, far: None):
    """What changes something is for the unix socket alone."""
    server, client = authority.issue("server"), authority.issue("client")
    async with serving(view, place(server)) as address:
        connector = aiohttp.TCPConnector(ssl=knows(server, client))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(f"https://{address}/v1/holds/accept", data='{"all": true}') as answer,
        ):
            assert answer.status == 403
    assert view.obeyed == []


async def test_another_authoritys_certificate_is_cut_off(
    view: FakeView, authority: Authority, tmp_path: Path, far: None
):
    """It claims to be somebody, and cannot prove it."""
    server = authority.issue("server")
    stranger = Authority(tmp_path / "strange", "strange").issue("client")
    async with serving(view, place(server)) as address:
        with pytest.raises(aiohttp.ClientError):
            await fetch(address, "/livez", knows(server, stranger))
        assert await fetch(address, "/livez", knows(server)) == 200


async def test_a_renewed_certificate_is_taken_and_half_a_renewal_is_not(
    view: FakeView, authority: Authority, tmp_path: Path
):
    """The certificate arrives before its key: the old pair serves until both are there."""
    server = authority.issue("server")
    new = Authority(tmp_path / "new", "new").issue("server")
    async with serving(view, place(server, ca=False)) as address:
        assert await fetch(address, "/livez", knows(server)) == 200
        server.cert.write_bytes(new.cert.read_bytes())
        assert await fetch(address, "/livez", knows(server)) == 200
        server.key.write_bytes(new.key.read_bytes())
        assert await fetch(address, "/livez", knows(new)) == 200
        with pytest.raises(aiohttp.ClientError):
            await fetch(address, "/livez", knows(server))


async def test_another_authority_for_clients_takes_the_place_of_the_old_one(
    view: FakeView, authority: Authority, tmp_path: Path, far: None
):
    """Who is trusted is what the file says now: certificates of before are cut off."""
    server, old = authority.issue("server"), authority.issue("client")
    other = Authority(tmp_path / "other", "other").issue("client")
    trusted = tmp_path / "clients.pem"
    trusted.write_bytes(server.ca.read_bytes())
    files = Tls(str(server.cert), str(server.key), str(trusted))
    async with serving(view, Tcp(AT, tls=files)) as address:
        assert await fetch(address, "/v1/status", knows(server, old)) == 200
        trusted.write_bytes(other.ca.read_bytes())
        newcomer = ssl.create_default_context(cafile=str(server.ca))
        newcomer.load_cert_chain(other.cert, other.key)
        assert await fetch(address, "/v1/status", newcomer) == 200
        with pytest.raises(aiohttp.ClientError):
            await fetch(address, "/v1/status", knows(server, old))
        assert await fetch(address, "/v1/status", knows(server)) == 403


async def test_plain_http_is_not_answered(view: FakeView, authority: Authority):
    """Nobody's question goes over the wire in the clear and is answered."""
    async with (
        serving(view, place(authority.issue("server"))) as address,
        aiohttp.ClientSession() as client,
    ):
        with pytest.raises(aiohttp.ClientError):
            await client.get(f"http://{address}/livez")


async def test_files_that_do_not_belong_together_are_a_sentence(
    view: FakeView, authority: Authority
):
    """It names them, and what would serve."""
    one, other = authority.issue("one"), authority.issue("other")
    with pytest.raises(CannotListen, match=r"one\.crt, .*other\.key .*belongs together"):
        await web.serve(view, Tcp(AT, tls=Tls(str(one.cert), str(other.key))))
