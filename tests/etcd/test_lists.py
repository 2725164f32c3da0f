"""Long lists: in pages, at one revision, whatever is written, compacted or large meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.etcd.connection import Connection
from hostgw_core.store import Delete, Put, Span, StoreFull
from support.etcd_server import EtcdCtl, EtcdServer
from support.store_subject import watching


async def fill(etcd: Etcd, prefix: bytes, count: int, value: bytes) -> None:
    """Write `count` keys under a prefix."""
    keys = [b"%s/%06d" % (prefix, i) for i in range(count)]
    for i in range(0, count, 100):
        await etcd.commit([], [Put(key, value) for key in keys[i : i + 100]])


async def test_pages_show_one_revision(store: Etcd, etcd_prefix: str, etcdctl: EtcdCtl) -> None:
    """5,000 keys, rewritten and deleted while they are read, are read as they were at once."""
    prefix = etcd_prefix.encode()
    await fill(store, prefix, 5_000, b"old")
    stop = asyncio.Event()

    async def disturb() -> int:
        rounds = 0
        while not stop.is_set():
            lot = [b"%s/%06d" % (prefix, (rounds * 100 + i) % 5_000) for i in range(100)]
            await store.commit([], [Delete(k) if rounds % 2 else Put(k, b"new") for k in lot])
            rounds += 1
        return rounds

    async with asyncio.TaskGroup() as group:
        rounds = group.create_task(disturb())
        listings = [await store.list(Span.under(prefix + b"/")) for _ in range(8)]
        stop.set()
    assert rounds.result() > 8
    for listing in listings:
        revision = listing.header.revision
        lines = etcdctl.run("get", "--prefix", etcd_prefix, f"--rev={revision}").splitlines()
        expected = dict(zip(lines[::2], lines[1::2], strict=True))
        assert {e.key.decode(): e.value.decode() for e in listing.entries} == expected
        assert [e.key for e in listing.entries] == sorted(e.key for e in listing.entries)
    assert len({listing.header.revision for listing in listings}) > 1


async def test_a_list_compacted_under_its_pages_begins_again(
    store: Etcd, etcd_prefix: str, etcdctl: EtcdCtl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compaction between two pages leads to a whole list at a newer revision, not to an error."""
    prefix = etcd_prefix.encode()
    await fill(store, prefix, 2_500, b"old")
    asked: list[int] = []
    ask = Connection.ask

    async def ask_and_compact(
        self: Connection, method: object, request: object, **how: object
    ) -> object:
        asked.append(request.revision)
        if len(asked) == 2:  # the second page: history goes away just before it
            revision = (await store.commit([], [Put(prefix + b"/000000", b"new")])).header.revision
            etcdctl.run("compaction", str(revision))
        return await ask(self, method, request, **how)

    def counted(self: Connection, method: object, request: object, **how: object) -> object:
        given = ask if not hasattr(request, "revision") else ask_and_compact
        return given(self, method, request, **how)

    monkeypatch.setattr(Connection, "ask", counted)
    listing = await store.list(Span.under(prefix + b"/"))
    assert len(listing.entries) == 2_500
    assert listing.entries[0].value == b"new"
    pinned = [revision for revision in asked if revision]
    assert asked[0] == 0
    assert len(set(pinned)) == 2


async def test_values_beyond_4_mib_are_read_and_watched(store: Etcd, etcd_prefix: str) -> None:
    """A page, and a watch that has to catch up, may be larger than gRPC's own limit."""
    prefix = etcd_prefix.encode()
    since = (await store.list()).header.revision + 1
    for i in range(8):
        await store.commit([], [Put(b"%s/%d" % (prefix, i), b"x" * 1_000_000)])
    span = Span.under(prefix + b"/")
    assert sum(len(e.value) for e in (await store.list(span)).entries) == 8_000_000
    read = 0
    async with asyncio.timeout(10):
        async with watching(store, {span: since}) as watch:
            while read < 8_000_000:
                read += sum(len(change.value) for change in (await watch.batch()).changes)
    assert read == 8_000_000


async def test_a_full_etcd_is_read_and_says_no(make_etcd: Callable[..., EtcdServer]) -> None:
    """With its space used up, etcd is read, watched and renewed as ever; a write is refused."""
    server = make_etcd(arguments=("--quota-backend-bytes", str(2**21))).start()
    async with Etcd(EtcdSettings((server.url,))) as etcd:
        lease = (await etcd.grant(60)).id
        assert not (await etcd.room()).full
        with pytest.raises(StoreFull, match=r"space exceeded.*etcdctl alarm disarm"):
            # etcd learns its size ten times a second: more than enough, and it ends early.
            await fill(etcd, b"/a", 10_000, b"x" * 10_000)
        listing = await etcd.list(Span.under(b"/a/"))
        assert listing.entries
        assert (await etcd.list()).header.revision >= listing.header.revision
        assert await etcd.keep_alive(lease) == 60
        room = await etcd.room()
        assert room.full
        assert room.size > 2**20
        async with asyncio.timeout(5):
            await anext(etcd.watch({Span.under(b"/a/"): listing.header.revision}))


async def test_a_wiped_etcd_shows_in_the_header(
    make_etcd: Callable[..., EtcdServer], tmp_path
) -> None:
    """A server that lost its folder accepts a resumed watch: only revision and term tell."""
    server = make_etcd().start()
    span = Span.under(b"/a/")
    async with Etcd(EtcdSettings((server.url,))) as etcd:
        for _ in range(5):
            last = await etcd.commit([], [Put(b"/a/1", b"")])
        server.stop()
        (server.folder / "data").rename(tmp_path / "lost")
        server.start()
        async with asyncio.timeout(10):
            watch = etcd.watch({span: last.header.revision + 1})
            first = await anext(watch)
            await watch.aclose()
    assert first.header.cluster == last.header.cluster
    assert first.header.revision < last.header.revision
