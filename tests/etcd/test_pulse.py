"""Whether who is silent lives: the member behind a quiet watch, the watch itself, and we."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.etcd.connection import Connection
from hostgw_core.etcd.messages import pulse
from hostgw_core.store import Put, Span, StoreUnavailable
from support.etcd_fixtures import QUICK_PROGRESS
from support.etcd_recorder import Recorder
from support.etcd_server import EtcdServer
from support.store_subject import Watching, watching
from support.waiting import eventually_async

ALL = Span.under(b"/a/")


@pytest.fixture
def seen() -> Recorder:
    """Give the observer of `etcd`."""
    return Recorder()


async def test_a_frozen_member_is_noticed_in_silence(
    make_etcd: Callable[..., EtcdServer], seen: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch on which nothing happens ends within 8 s of its member's freeze.

    This is our own question's doing: gRPC's keepalive is switched off here.
    """
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.ping_timeout_ms", 60_000)]
    monkeypatch.setattr("hostgw_core.etcd.connection._OPTIONS", options)
    servers = {server.url: server for server in (make_etcd().start(), make_etcd().start())}
    async with (
        Etcd(EtcdSettings(tuple(servers)), observer=seen) as etcd,
        watching(etcd, {ALL: 0}) as watch,
    ):
        server = servers[seen.endpoints[-1]]
        with server.paused():
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match=f"{server.url} did not answer the watch"):
                await watch.changes(1)
            assert time.monotonic() - began < 8
            began = time.monotonic()
            assert (await etcd.list(ALL)).entries == ()
            assert time.monotonic() - began < 1, "the frozen member was asked again"


async def test_a_silent_watch_on_a_healthy_member_lives_on(
    store: Etcd, etcd_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking whether the member lives does not disturb a watch: it outlives many questions."""
    monkeypatch.setattr("hostgw_core.etcd.pulse.EVERY", 0.06)
    monkeypatch.setattr("hostgw_core.etcd.pulse.PATIENCE", 0.05)
    asked = []
    begin = Connection.begin

    def begin_and_count(self: Connection, method: object, request: object, **how: object) -> object:
        if request == pulse():
            asked.append(request)
        return begin(self, method, request, **how)

    monkeypatch.setattr(Connection, "begin", begin_and_count)
    key = etcd_prefix.encode()
    async with watching(store, {Span(key): 0}) as watch:
        await eventually_async(lambda: len(asked) > 10, what="ten questions")
        await store.commit([], [Put(key, b"")])
        assert [change.key for change in await watch.changes(1)] == [key]


async def chatter(etcd: Etcd, watch: Watching, key: bytes) -> None:
    """Write a key and be told of it, as long as the watch lives."""
    while True:
        await etcd.commit([], [Put(key, b"")])
        await watch.changes(1)


async def test_a_watch_that_has_died_on_a_living_member_is_given_up(
    make_etcd: Callable[..., EtcdServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event and no progress for too long, though the member answers: the watch is opened anew.

    On an etcd that tells progress in time, it lives on.
    """
    monkeypatch.setattr("hostgw_core.etcd.pulse.EVERY", 0.2)
    monkeypatch.setattr("hostgw_core.etcd.pulse.PATIENCE", 0.1)
    monkeypatch.setattr("hostgw_core.etcd.pulse.STALLED", 1.0)
    mute, telling = make_etcd().start(), make_etcd(arguments=QUICK_PROGRESS).start()
    config, subnets = Span(b"/a/config"), Span.under(b"/a/subnets/")
    async with Etcd(EtcdSettings((mute.url,))) as etcd:
        since = (await etcd.list()).header.revision + 1
        async with watching(etcd, {config: since, subnets: since}) as watch:
            with pytest.raises(StoreUnavailable, match=r"did not answer the watch within 1\.0 s"):
                await chatter(etcd, watch, b"/a/config")  # proves nothing for the other one
        async with watching(etcd, {subnets: since}) as watch:
            await etcd.commit([], [Put(b"/a/subnets/1", b"")])
            assert [change.key for change in await watch.changes(1)] == [b"/a/subnets/1"]
    async with (
        Etcd(EtcdSettings((telling.url,))) as etcd,
        watching(etcd, {config: 0, subnets: 0}) as watch,
    ):
        for _ in range(15):  # three seconds of it
            await watch.told()
        await etcd.commit([], [Put(b"/a/subnets/1", b"")])
        assert [change.key for change in await watch.changes(1)] == [b"/a/subnets/1"]


async def test_a_client_that_was_frozen_itself_blames_nobody(
    store: Etcd, etcd_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When our own process stood still, an unanswered question is no verdict: the watch lives."""
    monkeypatch.setattr("hostgw_core.etcd.pulse.EVERY", 0.1)
    monkeypatch.setattr("hostgw_core.etcd.pulse.PATIENCE", 0.1)
    begin, frozen = Connection.begin, []

    def begin_and_freeze(
        self: Connection, method: object, request: object, **how: object
    ) -> object:
        call = begin(self, method, request, **how)
        if request == pulse() and not frozen:
            frozen.append(True)
            asyncio.get_running_loop().call_soon(time.sleep, 1)  # when the timer has been set
        return call

    monkeypatch.setattr(Connection, "begin", begin_and_freeze)
    key = etcd_prefix.encode()
    async with watching(store, {Span(key): 0}) as watch:
        await eventually_async(lambda: frozen, what="the freeze")
        await store.commit([], [Put(key, b"")])
        assert [change.key for change in await watch.changes(1)] == [key]
