"""User and password: the token is had, kept fresh, had again; and no secret is ever shown."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.store import Compare, Put, Span, StoreDenied, StoreUnavailable
from support.etcd_recorder import Recorder
from support.etcd_server import EtcdCtl, EtcdServer
from support.store_subject import watching

SPAN = Span.under(b"/net/")
PASSWORD = "correct-horse-battery"


@dataclass
class Guarded:
    """A server that wants a login, and its administrator."""

    server: EtcdServer
    root: EtcdCtl

    def settings(self, **changes: str) -> EtcdSettings:
        """Give settings for the user `node`, who may do everything under /net/ and nothing else."""
        values = {"username": "node", "password": PASSWORD, **changes}
        return EtcdSettings((self.server.url,), **values)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Give a server with authentication switched on."""
    folder = tmp_path_factory.mktemp("guarded")
    server = EtcdServer(folder, arguments=("--bcrypt-cost", "4")).start()
    ctl = EtcdCtl((server.url,))
    for command in (
        "user add root:root",
        "user grant-role root root",
        f"user add node:{PASSWORD}",
        "role add network",
        "role grant-permission --prefix=true network readwrite /net/",
        "user grant-role node network",
        "auth enable",
    ):
        ctl.run(*command.split())
    yield Guarded(server, EtcdCtl((server.url,), user="root:root"))
    server.stop()


async def everything(etcd: Etcd) -> None:
    """Use every verb."""
    header = (await etcd.list()).header
    grant = await etcd.grant(60)
    key = b"/net/%x" % grant.id
    assert (await etcd.commit([Compare(Span(key), "version", 0)], [Put(key, b"", grant.id)])).won
    assert await etcd.keep_alive(grant.id) == 60
    async with watching(etcd, {SPAN: header.revision + 1}) as watch:
        assert key in {change.key for change in await watch.changes(1)}
    await etcd.revoke(grant.id)
    assert key not in {entry.key for entry in (await etcd.list(SPAN)).entries}


async def test_a_user_with_a_prefix_of_its_own_needs_no_more(guarded: Guarded) -> None:
    """Every verb works for a user who may read and write one prefix only."""
    async with Etcd(guarded.settings()) as etcd:
        await everything(etcd)


async def test_it_may_ask_for_the_room_and_for_its_own_past(guarded: Guarded) -> None:
    """The status needs no permission; the past of a key needs that of the key."""
    async with Etcd(guarded.settings()) as etcd:
        done = await etcd.commit([], [Put(b"/net/config", b"")])
        room = await etcd.room()
        assert room.size > 0
        assert not room.full
        assert await etcd.recalls(b"/net/config", done.header.revision)
        with pytest.raises(StoreDenied):
            await etcd.recalls(b"/elsewhere", done.header.revision)


async def test_the_password_may_live_in_a_file(guarded: Guarded, tmp_path: Path) -> None:
    """A password file is read, without its last newline; a missing one is named."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    async with Etcd(guarded.settings(password="", password_file=str(file))) as etcd:
        await etcd.list(SPAN)
    file.unlink()
    async with Etcd(guarded.settings(password="", password_file=str(file))) as etcd:
        with pytest.raises(StoreDenied, match=str(file)):
            await etcd.list(SPAN)


async def test_a_token_that_died_is_replaced(guarded: Guarded) -> None:
    """A restart makes every token invalid: the client logs in again by itself."""
    async with Etcd(guarded.settings()) as etcd:
        lease = (await etcd.grant(60)).id
        guarded.server.stop()
        guarded.server.start()
        assert await etcd.keep_alive(lease) == 60
        await everything(etcd)


@pytest.mark.parametrize("verb", ["list", "list nothing", "commit", "grant", "keep_alive", "watch"])
async def test_whichever_verb_is_first_after_it(guarded: Guarded, verb: str) -> None:
    """A token that the server does not know costs no verb more than a second request."""
    seen = Recorder()
    async with Etcd(guarded.settings(), observer=seen) as etcd:
        lease = (await etcd.grant(60)).id
        await etcd.commit([], [Put(b"/net/1", b"")])
        etcd._login._token = stale = "QWErtyUIOpasDFGh.1"
        match verb:
            case "list":
                assert (await etcd.list(Span(b"/net/1"))).entries
            case "list nothing":
                assert (await etcd.list()).header.revision
            case "commit":
                assert (await etcd.commit([], [Put(b"/net/2", b"")])).won
            case "grant":
                assert (await etcd.grant(60)).ttl == 60
            case "keep_alive":  # etcd 3.4 asks for no token here
                assert await etcd.keep_alive(lease) == 60
            case "watch":
                async with watching(etcd, {Span(b"/net/1"): 1}) as watch:
                    assert (await watch.changes(1))[0].key == b"/net/1"
        assert verb == "keep_alive" or etcd._login._token != stale
    assert {result for _, result in seen.requests} == {"ok"}


async def test_a_token_of_a_lost_history_is_replaced(guarded: Guarded) -> None:
    """Where a token of a later raft index waits without a word, the next request has another."""
    settings = EtcdSettings((guarded.server.url,), username="node", password=PASSWORD, timeout=2)
    async with Etcd(settings) as etcd:
        await etcd.list(SPAN)
        etcd._login._token = "QWErtyUIOpasDFGh.999999"
        with pytest.raises(StoreUnavailable):
            await etcd.list(SPAN)
        began = time.monotonic()
        await etcd.list(SPAN)
        assert time.monotonic() - began < 1


async def test_a_token_is_replaced_before_it_dies(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token older than its time is replaced without being refused first."""
    async with Etcd(guarded.settings()) as etcd:
        await etcd.list(SPAN)
        first = etcd._login._token
        await etcd.list(SPAN)
        assert etcd._login._token == first
        etcd._login._until = 0.0
        await etcd.list(SPAN)
        assert etcd._login._token not in {first, ""}


async def test_a_changed_role_is_no_refusal(guarded: Guarded) -> None:
    """A change of users or roles makes tokens old in etcd's eyes; the client goes on."""
    async with Etcd(guarded.settings()) as etcd:
        await everything(etcd)
        guarded.root.run("role", "grant-permission", "network", "readwrite", "/other")
        await everything(etcd)


async def test_what_the_user_may_not_is_denied(guarded: Guarded) -> None:
    """Another prefix is StoreDenied in a list, a commit and a watch, with the cure."""
    async with Etcd(guarded.settings()) as etcd:
        with pytest.raises(StoreDenied, match="grant-permission"):
            await etcd.list(Span.under(b"/secret/"))
        with pytest.raises(StoreDenied, match="grant-permission"):
            await etcd.commit([], [Put(b"/secret/1", b"")])
        with pytest.raises(StoreDenied, match="grant-permission"):
            await anext(etcd.watch({Span.under(b"/secret/"): 0}))


@pytest.mark.parametrize(
    "changes", [{"password": "wrong-secret-word"}, {"username": "nobody"}, {"username": ""}]
)
async def test_a_wrong_login_is_denied(guarded: Guarded, changes: dict[str, str]) -> None:
    """A wrong password, an unknown user and no user at all are StoreDenied, with the cure."""
    async with Etcd(guarded.settings(**changes)) as etcd:
        for verb in (etcd.list(SPAN), etcd.grant(60), anext(etcd.watch({SPAN: 0}))):
            with pytest.raises(StoreDenied, match="user name") as caught:
                await verb
            assert "wrong-secret-word" not in "".join(traceback.format_exception(caught.value))


async def test_a_login_where_none_is_asked_for_is_no_error(store_settings: EtcdSettings) -> None:
    """A user is configured, authentication is off: everything works."""
    async with Etcd(store_settings) as etcd:
        assert (await etcd.list()).header.revision


@pytest.fixture
def store_settings(etcd_server: EtcdServer) -> EtcdSettings:
    """Give settings with a user, for the shared server, which has none."""
    return EtcdSettings((etcd_server.url,), username="node", password=PASSWORD)


async def test_secrets_are_in_no_text(guarded: Guarded) -> None:
    """Neither settings, nor the client, nor an error shows the password or the token."""
    settings = guarded.settings()
    async with Etcd(settings) as etcd:
        await etcd.list(SPAN)
        token = etcd._login._token
        with pytest.raises(StoreDenied) as caught:
            await etcd.list(Span(b"/secret"))
        texts = [
            *(repr(settings), str(settings), repr(etcd), str(vars(etcd)), repr(etcd._login)),
            "".join(traceback.format_exception(caught.value)),
        ]
    for text in texts:
        assert PASSWORD not in text
        assert token not in text
