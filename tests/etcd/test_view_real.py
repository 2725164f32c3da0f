"""The view on a real etcd: what etcdctl says is in the store is what the view shows."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.store import Delete, Put, Span, Store
from hostgw_core.view import Sighting, View
from support.etcd_fixtures import QUICK_PROGRESS
from support.etcd_server import EtcdCluster, EtcdCtl, EtcdServer
from support.loops import Counted, running
from support.waiting import eventually_async


class Watched:
    """A view of two spans of a prefix, and what it has told."""

    def __init__(self, store: Store, prefix: str) -> None:
        self.prefix = prefix
        self.counted = Counted(store)  # type: ignore[arg-type]  # it passes on to any store
        self.spans = [Span(f"{prefix}/config".encode()), Span.under(f"{prefix}/subnets/".encode())]
        self.sightings: list[Sighting] = []
        self.view = View(
            self.counted, *self.spans, seen=self.sightings.append, clock=time.monotonic
        )

    @property
    def values(self) -> dict[str, str]:
        """What the latest snapshot holds, as etcdctl would print it."""
        snapshot = self.view.snapshot
        assert snapshot is not None
        return {key.decode(): e.value.decode() for key, e in snapshot.entries.items()}

    async def agrees(self, witness: EtcdCtl, *, within: float = 10.0) -> None:
        """Wait until the view shows what the witness reads in both spans."""

        def same() -> bool:
            stored = witness.values(f"{self.prefix}/config")
            stored |= witness.values(f"{self.prefix}/subnets/")
            assert self.values == stored
            return True

        await eventually_async(same, within=within)


@asynccontextmanager
async def watched(urls: tuple[str, ...], prefix: str) -> AsyncIterator[Watched]:
    """Run a view until it has seen the store."""
    async with Etcd(EtcdSettings(urls, timeout=2.0)) as store:
        it = Watched(store, prefix)
        async with running(it.view.run):
            await eventually_async(lambda: it.view.state.connected and len(it.counted.verbs) > 1)
            yield it


async def test_it_shows_what_etcdctl_writes(
    etcd_server: EtcdServer, etcd_prefix: str, etcdctl: EtcdCtl
):
    """Puts, overwrites, deletes and expiries from another client; keys elsewhere are not shown."""
    etcdctl.run("put", f"{etcd_prefix}/config", "network")
    etcdctl.run("put", f"{etcd_prefix}/subnets/a", "one")
    async with watched((etcd_server.url,), etcd_prefix) as it:
        assert it.values == {
            f"{etcd_prefix}/config": "network",
            f"{etcd_prefix}/subnets/a": "one",
        }
        etcdctl.run("put", f"{etcd_prefix}/subnets/a", "two")
        etcdctl.run("put", f"{etcd_prefix}/subnets/b", "three")
        etcdctl.run("put", f"{etcd_prefix}/subnetsx", "no slash")
        etcdctl.run("del", f"{etcd_prefix}/config")
        await it.agrees(etcdctl)
        lease = etcdctl.run("lease", "grant", "2").split()[1]
        etcdctl.run("put", f"{etcd_prefix}/subnets/c", "short", f"--lease={lease}")
        await eventually_async(lambda: f"{etcd_prefix}/subnets/c" in it.values)
        await eventually_async(lambda: f"{etcd_prefix}/subnets/c" not in it.values)
        assert it.view.state.relists == 1


async def test_nothing_is_lost_or_doubled_while_many_write(
    etcd_server: EtcdServer, etcd_prefix: str, etcdctl: EtcdCtl
):
    """Views that open while two thousand keys are written see each change once, and break nothing.

    Their spans are accepted and served by watchers of their own, in no order between them.
    """
    async with Etcd(EtcdSettings((etcd_server.url,))) as writer:
        begun = asyncio.Event()

        async def write(part: int) -> None:
            for number in range(500):
                key = f"{etcd_prefix}/subnets/{part}-{number % 50}".encode()
                where = f"{etcd_prefix}/config".encode() if number % 7 == 0 else key
                await writer.commit([], [Put(where, b"%d" % number)])
                if number % 3 == 0:
                    await writer.commit([], [Delete(key)])
                begun.set()

        async with Etcd(EtcdSettings((etcd_server.url,))) as reader, asyncio.TaskGroup() as group:
            for part in range(4):
                group.create_task(write(part))
            await begun.wait()
            views = [Watched(reader, etcd_prefix) for _ in range(10)]
            async with running(*(each.view.run for each in views)):
                await eventually_async(lambda: all(each.view.snapshot for each in views))
                for each in views:
                    await each.agrees(etcdctl, within=30)
                for each in views:
                    assert (each.view.state.relists, each.view.state.restarts) == (1, {})
                    news = [(c.key, c.modified) for s in each.sightings for c in s.changes or ()]
                    assert len(set(news)) == len(news)


async def test_a_restart_of_etcd_is_resumed(make_etcd: Callable[..., EtcdServer], etcd_prefix: str):
    """Killed and started again: what was written meanwhile is seen, and nothing is listed anew."""
    server = make_etcd().start()
    witness = EtcdCtl((server.url,))
    witness.run("put", f"{etcd_prefix}/subnets/a", "one")
    async with watched((server.url,), etcd_prefix) as it:
        server.stop(signal.SIGKILL)
        await eventually_async(lambda: not it.view.state.connected)
        assert it.view.state.error
        server.start()
        witness.run("put", f"{etcd_prefix}/subnets/b", "two")
        await eventually_async(lambda: it.view.state.connected)
        await it.agrees(witness)
        assert it.view.state.relists == 1
        assert it.view.snapshot is not None
        assert not it.view.snapshot.broken


async def test_a_history_that_was_compacted_is_listed_anew(
    make_etcd: Callable[..., EtcdServer], etcd_prefix: str
):
    """Away for so long that its revisions are gone: a new list, and the history is whole."""
    server = make_etcd().start()
    witness = EtcdCtl((server.url,))
    for number in range(5):
        witness.run("put", f"{etcd_prefix}/subnets/{number}", "old")
    async with Etcd(EtcdSettings((server.url,))) as store:
        it = Watched(store, etcd_prefix)
        async with running(it.view.run):
            await it.agrees(witness)
        witness.run("del", f"{etcd_prefix}/subnets/0")
        witness.run("put", f"{etcd_prefix}/subnets/1", "new")
        witness.run("compact", str(witness.revision()))
        it.counted.forget()
        async with running(it.view.run):
            await it.agrees(witness)
            assert it.counted.verbs[:3] == ["list", "watch", "list"]
            assert it.view.state.restarts == {"compacted": 1}
            assert it.view.snapshot is not None
            assert not it.view.snapshot.broken
            witness.run("put", f"{etcd_prefix}/subnets/1", "newer")
            await it.agrees(witness)


async def test_a_quiet_view_is_resumed_where_its_history_was_compacted(
    make_etcd: Callable[..., EtcdServer], etcd_prefix: str
):
    """Told how far it has come, it loses nothing by a compaction and an outage: no second list."""
    server = make_etcd(arguments=QUICK_PROGRESS).start()
    witness = EtcdCtl((server.url,))
    witness.run("put", f"{etcd_prefix}/subnets/a", "one")
    async with watched((server.url,), etcd_prefix) as it:
        for number in range(20):
            witness.run("put", "/somebody/else", f"{number}")
        latest = witness.revision()
        state = it.view.state
        await eventually_async(lambda: min(it.view._next.values()) > latest)
        assert it.view.state.header.revision == latest
        assert len(it.sightings) == 1
        witness.run("compact", str(latest))
        server.stop(signal.SIGKILL)
        server.start()
        witness.run("put", f"{etcd_prefix}/subnets/b", "two")
        await it.agrees(witness)
        assert it.view.state.relists == state.relists == 1
        assert it.view.state.restarts.keys() == {"unavailable"}


async def test_a_wiped_etcd_is_another_history(
    make_etcd: Callable[..., EtcdServer], etcd_prefix: str
):
    """The same cluster id and revisions from the start: listed anew, broken, and watched again.

    A watch that was resumed there would be silent for ever.
    """
    server = make_etcd().start()
    witness = EtcdCtl((server.url,))
    for number in range(20):
        witness.run("put", f"{etcd_prefix}/subnets/{number}", "old")
    async with watched((server.url,), etcd_prefix) as it:
        assert it.view.snapshot is not None
        before = it.view.snapshot.header
        server.stop(signal.SIGKILL)
        shutil.rmtree(server.folder / "data")
        server.start()
        witness.run("put", f"{etcd_prefix}/subnets/new", "history")
        await it.agrees(witness)
        assert it.view.snapshot.broken
        assert it.view.snapshot.header.cluster == before.cluster
        assert it.view.snapshot.revision < before.revision
        witness.run("put", f"{etcd_prefix}/subnets/later", "on")
        await it.agrees(witness)
        assert it.view.snapshot.broken
        assert it.view.state.relists == 2


async def test_a_member_that_dies_is_left_and_nothing_is_listed_anew(
    make_etcd_cluster: Callable[[int], EtcdCluster], etcd_prefix: str
):
    """Of three members the one that serves us is killed: the watch goes on at another."""
    cluster = make_etcd_cluster(3)
    witness = EtcdCtl(cluster.endpoints)
    witness.run("put", f"{etcd_prefix}/subnets/a", "one")
    async with watched(cluster.endpoints, etcd_prefix) as it:
        for member in cluster.members[:2]:
            member.kill()
            left = EtcdCtl(tuple(each.url for each in cluster.members if each.process))
            await eventually_async(lambda: writes(left, etcd_prefix), within=20)  # noqa: B023 - awaited within the round
            await it.agrees(left, within=20)
            member.start()
        assert it.view.state.relists == 1
        assert it.view.snapshot is not None
        assert not it.view.snapshot.broken


def writes(witness: EtcdCtl, prefix: str) -> bool:
    """Write by another client; during an election that fails."""
    witness.run("put", f"{prefix}/subnets/b", f"{time.monotonic()}")
    return True
