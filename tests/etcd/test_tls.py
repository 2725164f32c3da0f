"""TLS: certificates on both sides, renewed under a running client; never less than asked for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.store import Put, Span, StoreDenied, StoreUnavailable
from support.certificates import Authority, Identity, openssl_end
from support.etcd_recorder import Recorder
from support.etcd_server import EtcdCtl, EtcdServer
from support.store_subject import watching

SPAN = Span.under(b"/a/")


def settings_for(server: EtcdServer, identity: Identity | None, ca: Path) -> EtcdSettings:
    """Give settings with a client certificate, or without one."""
    cert, key = (str(identity.cert), str(identity.key)) if identity else ("", "")
    return EtcdSettings((server.url,), ca=str(ca), cert=cert, key=key, timeout=3)


@pytest.fixture
def client(authority: Authority) -> Identity:
    """Give a client certificate that the server trusts."""
    return authority.issue("client")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the files at each request."""
    monkeypatch.setattr("hostgw_core.etcd.members.CHECK_FILES", 0.0)


async def test_client_certificates_are_shown(tls_etcd: EtcdServer, client: Identity) -> None:
    """With a certificate of the right authority everything works, by address and by name."""
    settings = settings_for(tls_etcd, client, client.ca)
    by_name = EtcdSettings(
        (f"localhost:{tls_etcd.client_port}",),  # no scheme: certificates mean https
        ca=settings.ca,
        cert=settings.cert,
        key=settings.key,
    )
    for chosen in (settings, by_name):
        async with Etcd(chosen) as etcd:
            assert (await etcd.commit([], [Put(b"/a/1", b"secret way")])).won
            async with watching(etcd, {SPAN: 1}) as watch:
                assert (await watch.changes(1))[0].key == b"/a/1"
    assert EtcdCtl((tls_etcd.url,), tls=client).values("/a/") == {"/a/1": "secret way"}


async def test_without_a_certificate_the_server_says_no(
    tls_etcd: EtcdServer, client: Identity
) -> None:
    """A client without a certificate is not let in, and hears where."""
    async with Etcd(settings_for(tls_etcd, None, client.ca)) as etcd:
        with pytest.raises(StoreUnavailable, match=tls_etcd.url):
            await etcd.list(SPAN)


async def test_a_server_of_another_authority_is_not_believed(
    tls_etcd: EtcdServer, client: Identity, tmp_path: Path
) -> None:
    """A server whose certificate our CA did not sign is refused, with the reason."""
    other = Authority(tmp_path, "other")
    async with Etcd(settings_for(tls_etcd, client, other.cert)) as etcd:
        with pytest.raises(StoreUnavailable, match=r"(?i)certificate.verify.failed"):
            await etcd.list(SPAN)


async def test_a_certificate_for_another_host_is_not_believed(
    make_etcd: object, authority: Authority, client: Identity
) -> None:
    """A server certificate that does not name the address we asked is refused."""
    server = make_etcd(tls=authority.issue("elsewhere", sans="DNS:elsewhere.example")).start()
    async with Etcd(settings_for(server, client, client.ca)) as etcd:
        with pytest.raises(StoreUnavailable):
            await etcd.list(SPAN)


async def test_plain_http_never_reaches_a_tls_server(tls_etcd: EtcdServer) -> None:
    """An http endpoint on a TLS port fails; it is not guessed."""
    plain = tls_etcd.url.replace("https", "http")
    async with Etcd(EtcdSettings((plain,), timeout=1)) as etcd:
        with pytest.raises(StoreUnavailable, match=plain):
            await etcd.list(SPAN)


async def test_a_renewed_certificate_is_taken_up(
    tls_etcd: EtcdServer, authority: Authority, client: Identity, impatient: None
) -> None:
    """A replaced pair is used for new requests; the watch of before is not disturbed.

    Half a replacement (a new certificate beside the old key) changes nothing.
    """
    seen = Recorder()
    async with Etcd(settings_for(tls_etcd, client, client.ca), observer=seen) as etcd:
        async with watching(etcd, {SPAN: 0}) as watch:
            assert len(seen.endpoints) == 1
            old_key = client.key.read_bytes()
            authority.issue("client")
            new_key = client.key.read_bytes()
            client.key.write_bytes(old_key)
            await etcd.commit([], [Put(b"/a/1", b"")])
            assert len(seen.endpoints) == 1
            client.key.write_bytes(new_key)
            await etcd.commit([], [Put(b"/a/2", b"")])
            assert len(seen.endpoints) == 2
            assert [c.key for c in await watch.changes(2)] == [b"/a/1", b"/a/2"]
        await etcd.list(SPAN)
        assert len(seen.endpoints) == 2


async def test_it_is_told_when_the_certificates_end(
    tls_etcd: EtcdServer, authority: Authority, client: Identity, impatient: None
) -> None:
    """Once at the beginning, and when a new pair is taken up: as openssl reads the files."""
    seen = Recorder()
    async with Etcd(settings_for(tls_etcd, client, client.ca), observer=seen) as etcd:
        await etcd.list(SPAN)
        await etcd.list(SPAN)
        first = {"cert": openssl_end(client.cert), "ca": openssl_end(client.ca)}
        assert seen.ends == [first]
        authority.issue("client", days=9)
        await etcd.list(SPAN)
        assert seen.ends == [first, {**first, "cert": openssl_end(client.cert)}]
        assert seen.ends[1]["cert"] - first["cert"] >= 6 * 86_400


async def test_a_changed_authority_is_believed_without_a_restart(
    make_etcd: object, tmp_path: Path, impatient: None
) -> None:
    """When the whole authority is replaced, the client goes on with the new files."""
    authority = Authority(tmp_path / "ca")
    client, server = authority.issue("client"), make_etcd(tls=authority.issue("server")).start()
    async with Etcd(settings_for(server, client, client.ca)) as etcd:
        await etcd.list()
        server.stop()
        fresh = Authority(tmp_path / "ca")
        fresh.issue("client")
        fresh.issue("server")
        server.start()
        end = time.monotonic() + 5
        while True:
            try:
                await etcd.list()
                break
            except StoreUnavailable:
                assert time.monotonic() < end


@pytest.mark.parametrize("spoilt", ["ca", "cert", "key"])
async def test_a_file_that_cannot_be_read_is_named(
    tls_etcd: EtcdServer, client: Identity, spoilt: str, tmp_path: Path
) -> None:
    """A missing file is a StoreDenied that names it; no connection is tried without it."""
    settings = settings_for(tls_etcd, client, client.ca)
    missing = str(tmp_path / "missing.pem")
    values = {"ca": settings.ca, "cert": settings.cert, "key": settings.key, spoilt: missing}
    async with Etcd(EtcdSettings((tls_etcd.url,), **values)) as etcd:
        with pytest.raises(StoreDenied, match=missing):
            await etcd.list()


async def test_a_pair_that_does_not_belong_together_is_named(
    tls_etcd: EtcdServer, authority: Authority, client: Identity
) -> None:
    """A key of another certificate is a StoreDenied with both names, not a failed handshake."""
    other = authority.issue("other")
    settings = EtcdSettings(
        (tls_etcd.url,), ca=str(client.ca), cert=str(client.cert), key=str(other.key)
    )
    async with Etcd(settings) as etcd:
        with pytest.raises(StoreDenied, match="belongs together"):
            await etcd.list()


async def test_an_environment_proxy_is_not_used(
    etcd_server: EtcdServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """http_proxy in the environment does not send etcd's traffic to a proxy."""
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:1")
    monkeypatch.setitem(os.environ, "no_proxy", "")
    async with Etcd(EtcdSettings((etcd_server.url,))) as etcd:
        assert (await etcd.list()).header.revision
