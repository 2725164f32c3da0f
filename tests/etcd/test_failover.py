"""Members die, freeze, lose their quorum: the store goes on at another, or says so in time."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.store import Put, Span, StoreUnavailable
from support.etcd_recorder import Recorder
from support.etcd_server import EtcdCluster, EtcdCtl, EtcdServer, free_port
from support.store_subject import Watching, watching
from support.waiting import eventually_async

ALL = Span.under(b"/a/")


@pytest.fixture
def cluster(make_etcd_cluster: Callable[[int], EtcdCluster]) -> EtcdCluster:
    """Give three members."""
    return make_etcd_cluster(3)


@pytest.fixture
def seen() -> Recorder:
    """Give the observer of `etcd`."""
    return Recorder()


@pytest.fixture
async def etcd(cluster: EtcdCluster, seen: Recorder) -> AsyncIterator[Etcd]:
    """Give the adapter on all three members."""
    async with Etcd(EtcdSettings(cluster.endpoints), observer=seen) as etcd:
        yield etcd


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Give an endpoint that accepts connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def breaks(watch: Watching) -> float:
    """Read a watch until its stream breaks for want of a leader; give when."""
    with pytest.raises(StoreUnavailable, match="no leader"):
        await watch.changes(1)
    return time.monotonic()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_member_that_is_gone_is_left(
    etcd: Etcd, cluster: EtcdCluster, seen: Recorder, how: signal.Signals
) -> None:
    """A silent watch ends within 6 s of its member's death or freeze, and resumes elsewhere.

    Meanwhile a commit needs no more than its own deadline.
    """
    since = (await etcd.list()).header.revision + 1
    used = seen.endpoints[-1]
    async with watching(etcd, {ALL: since}) as watch:
        cluster.by_url(used).process.send_signal(how)
        began = time.monotonic()
        assert (await etcd.commit([], [Put(b"/a/1", b"")])).won
        committed = time.monotonic() - began
        with pytest.raises(StoreUnavailable, match=used):
            await watch.changes(1)
        noticed = time.monotonic() - began
    assert committed < 5
    assert noticed < 6
    async with watching(etcd, {ALL: since}) as watch:
        assert [change.key for change in await watch.changes(1)] == [b"/a/1"]
    assert seen.endpoints[-1] != used


async def test_without_a_quorum_everything_says_so(etcd: Etcd, cluster: EtcdCluster) -> None:
    """With two of three members dead, every verb ends in time, and so does an open watch."""
    since = (await etcd.list()).header.revision + 1
    lease = (await etcd.grant(60)).id
    async with (
        Etcd(EtcdSettings(cluster.endpoints[:1])) as survivors,
        watching(survivors, {ALL: since}) as open_watch,
        asyncio.TaskGroup() as group,
    ):
        watch = group.create_task(breaks(open_watch))
        for member in cluster.members[1:]:
            member.kill()
        began = time.monotonic()
        # Until it steps down, a leader renews leases without asking anybody.
        await eventually_async(lambda: leaderless(cluster.members[0]), what="no leader")
        for verb in (
            etcd.list(ALL),
            etcd.list(),
            etcd.commit([], [Put(b"/a/1", b"")]),
            etcd.grant(60),
            etcd.keep_alive(lease),
            etcd.revoke(lease),
        ):
            group.create_task(fails_in_time(verb))
    assert watch.result() - began < 8


def leaderless(member: EtcdServer) -> bool:
    """Tell whether a member itself says that it knows no leader."""
    return not EtcdCtl((member.url,))("endpoint", "status")[0]["Status"].get("leader")


async def fails_in_time(verb: object) -> None:
    """See that a verb raises StoreUnavailable by its deadline."""
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await verb
    assert time.monotonic() - began < 6.5


async def test_every_verb_has_a_deadline(black_hole: str) -> None:
    """An endpoint that accepts and never answers costs each verb its deadline, and no more."""
    seen = Recorder()
    async with Etcd(EtcdSettings((black_hole,), timeout=0.5), observer=seen) as etcd:
        for verb in (
            etcd.list(ALL),
            etcd.list(),
            etcd.commit([], []),
            etcd.grant(60),
            etcd.keep_alive(1),
            etcd.revoke(1),
            anext(etcd.watch({ALL: 0})),
        ):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match=black_hole):
                await verb
            assert time.monotonic() - began < 1.5
    ops = ["list", "list", "commit", "grant", "keep_alive", "revoke", "watch"]
    assert seen.requests == [(op, "StoreUnavailable") for op in ops]


async def test_a_black_hole_hides_no_healthy_member(
    black_hole: str, etcd_server: EtcdServer
) -> None:
    """Whichever endpoint is tried first, all are tried within one deadline."""
    nobody = f"http://127.0.0.1:{free_port()}"
    settings = EtcdSettings((black_hole, nobody, etcd_server.url), timeout=3)
    for _ in range(3):  # the rotation begins anywhere
        async with Etcd(settings) as etcd:
            assert (await etcd.grant(60)).ttl == 60
            assert (await etcd.list(ALL)).entries == ()


async def test_nobody_there_is_told_at_once_and_not_asked_in_a_spin() -> None:
    """A refused connection fails at once with the endpoint's name; asked again, it rests first."""
    nobody = f"http://127.0.0.1:{free_port()}"
    async with Etcd(EtcdSettings((nobody,))) as etcd:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=f"{nobody}.*refused.*see that etcd runs"):
            await etcd.list()
        assert time.monotonic() - began < 1
        began = time.monotonic()
        for _ in range(4):
            with pytest.raises(StoreUnavailable):
                await etcd.list()
        assert time.monotonic() - began > 0.05 + 0.1 + 0.2 + 0.4  # halves of 0.1, 0.2, 0.4, 0.8


async def test_closing_ends_what_waits(paused_etcd: EtcdServer) -> None:
    """A verb that waits for an answer gets StoreUnavailable when the client is closed."""
    etcd = Etcd(EtcdSettings((paused_etcd.url,), timeout=30))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(swallow(etcd))
        await asyncio.sleep(0.2)
        await etcd.aclose()
    assert "closed" in str(waiting.result())


async def swallow(etcd: Etcd) -> StoreUnavailable:
    """Give the error of a list."""
    with pytest.raises(StoreUnavailable) as caught:
        await etcd.list()
    return caught.value


async def test_a_restarted_server_is_found_again(make_etcd: Callable[..., EtcdServer]) -> None:
    """After a restart the same client goes on, and its watch resumes without a loss."""
    server = make_etcd().start()
    async with Etcd(EtcdSettings((server.url,))) as etcd:
        since = (await etcd.commit([], [Put(b"/a/1", b"")])).header.revision
        async with watching(etcd, {ALL: since}) as watch:
            await watch.changes(1)
            server.kill()
            with pytest.raises(StoreUnavailable):
                await watch.changes(1)
        server.start()
        async with asyncio.timeout(5):
            while True:
                try:
                    await etcd.commit([], [Put(b"/a/2", b"")])
                    break
                except StoreUnavailable:
                    continue
        async with watching(etcd, {ALL: since + 1}) as watch:
            assert [change.key for change in await watch.changes(1)] == [b"/a/2"]
