"""What agents write to the store: nothing by the clock, little for each trouble.

etcd keeps every version until somebody compacts it, so a node that wrote by the clock would fill it
while nothing happens. The numbers here are those of docs/store.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from hostgw_core.store import Committed, Compare, Delete, Grant, Listing, Put, Span, Write
from hostgw_core.store import StoreUnavailable as Unavailable
from support.claim_node import KEYS, Node, alive, at, peer
from support.fake_store import FakeStore
from support.loops import Counted

pytestmark = pytest.mark.looptime

HOUR = 3600.0
SHIFT = 8 * HOUR  # what is lived through, of virtual time
NODES = 3
START = 3  # writes: a presence, a lease, and the presence that names it
# Of the restraint: answers at once, steps from a tenth of a second up, seconds between two in the
# end (half of it is random).
FREE, DOUBLINGS, LONGEST = 5, 13, 600.0


class Cabled(Counted):
    """A store that one node alone may be cut off from; what it wrote is counted."""

    cut = False
    wrote = 0

    def _reach(self) -> None:
        if self.cut:
            raise Unavailable("the cable is pulled")

    async def list(self, *spans: Span) -> Listing:
        """Do as the port says."""
        self._reach()
        return await super().list(*spans)

    async def commit(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Committed:
        """Do as the port says."""
        self._reach()
        done = await super().commit(compares, writes)
        self.wrote += done.won
        return done

    async def grant(self, ttl: int) -> Grant:
        """Do as the port says."""
        self._reach()
        return await super().grant(ttl)

    async def keep_alive(self, lease: int) -> int:
        """Do as the port says."""
        self._reach()
        return await super().keep_alive(lease)


def nodes_of(store: FakeStore, count: int = NODES) -> list[Node]:
    """Make nodes that each have a cable of their own."""
    return [
        Node(store, f"id-{n}", f"192.0.2.{n}", asks=Cabled(store), presence_watched=True)
        for n in range(1, count + 1)
    ]


def written(nodes: Sequence[Node]) -> int:
    """Count the writes of all nodes."""
    return sum(node.counted.wrote for node in nodes)


async def cut(node: Node, seconds: float) -> None:
    """Cut one node off from the store for a while."""
    node.counted.cut = True
    await asyncio.sleep(seconds)
    node.counted.cut = False


@contextmanager
def writing(store: FakeStore, nodes: Sequence[Node]) -> Iterator[Callable[[], tuple[int, int]]]:
    """Give what says, from here on, how often the nodes wrote and by how much the revision grew."""
    wrote, revision = written(nodes), store.revision
    yield lambda: (written(nodes) - wrote, store.revision - revision)


async def test_a_start_writes_three_times(store):
    """However many nodes begin at once: each that wins its races writes three revisions."""
    nodes = nodes_of(store)
    with writing(store, nodes) as count:
        async with alive(store, *nodes):
            assert count() == (START * NODES, START * NODES)


async def test_hours_of_restarts_outages_reloads_and_peers_write_nothing(store):
    """16 restarts of etcd, 4 outages, 96 reloads, and peers that come and go: no write."""
    nodes = nodes_of(store)
    theirs = 0
    async with alive(store, *nodes):
        with writing(store, nodes) as count:
            for tick in range(int(SHIFT / 300)):
                await asyncio.sleep(300)
                if tick % 6 == 0:
                    store.restart()
                if tick % 24 == 3:
                    store.down()
                    await asyncio.sleep(30)  # an etcd that is down lets no lease end
                    store.up()
                    store.restart()
                for node in nodes:
                    node.claimant.stand_at(node.me.addresses, ())
                    node.claimant.look()
                key = peer(store, 100 + tick % 50)
                if tick % 2:
                    store.commit_now([], [Delete(key)])
                theirs += 1 + tick % 2
            assert count() == (0, theirs)


@pytest.mark.parametrize(
    ("trouble", "writes", "revisions"),
    [
        # by the node, and in all: what ends by itself is a revision as well
        ("cut off for half a minute", 0, 0),
        ("cut off for five minutes", 1, 2),  # its presence ends, and is written again
        ("another address", 2, 2),  # its lease and its presence
        ("its lease deleted", 1, 2),
        ("its presence deleted", 1, 2),
        ("the network widened", 0, 1),
    ],
)
async def test_each_trouble_has_its_price(store, trouble, writes, revisions):
    """What one trouble of one node costs, once it is over; the other nodes write nothing."""
    nodes = nodes_of(store)
    async with alive(store, *nodes):
        node = nodes[0]
        with writing(store, nodes) as count:
            match trouble.split():
                case ["cut", *_, "half", "a", "minute"]:
                    await cut(node, 30)
                case ["cut", *_]:
                    await cut(node, 300)
                case ["another", "address"]:
                    node.claimant.stand_at(at("192.0.2.77"), ())
                case ["its", "lease", _]:
                    store.commit_now([], [Delete(node.state.lease.key)])
                case ["its", "presence", _]:
                    store.commit_now([], [Delete(KEYS.node(node.me.node_id))])
                case ["the", "network", _]:
                    config = store.entries[KEYS.config]
                    wide = config.value.replace(b"10.5.0.0/16", b"10.4.0.0/15")
                    store.commit_now([], [Put(KEYS.config, wide)])
            await asyncio.sleep(HOUR)
            assert count() == (writes, revisions)
        assert all(each.state.held for each in nodes)


async def test_a_drain_has_its_price(store):
    """A quarantine, the end of the lease, the end of the presence; and a start when it is back."""
    nodes = nodes_of(store)
    async with alive(store, *nodes):
        with writing(store, nodes) as count:
            nodes[0].claimant.leave(on=True)
            await asyncio.sleep(HOUR)
            assert nodes[0].state.drained
            assert count() == (3, 3)
            nodes[0].claimant.leave(on=False)
            await asyncio.sleep(HOUR)
            assert count() == (3 + START, 3 + START)


async def test_somebody_who_writes_over_a_lease_is_answered_ever_more_seldom(store):
    """Each write of his is answered by one of ours at most; twelve an hour are the most."""
    (node,) = nodes = nodes_of(store, 1)
    async with alive(store, node):
        key = node.state.lease.key
        with writing(store, nodes) as count:
            theirs = 0
            for _ in range(int(SHIFT / 60)):
                if store.entries[key].lease:  # ours again: his turn
                    store.commit_now([], [Put(key, store.entries[key].value)])
                    theirs += 1
                await asyncio.sleep(60)
            ours, revisions = count()
            assert ours + theirs == revisions
            assert ours <= theirs <= FREE + DOUBLINGS + SHIFT / (LONGEST / 2)
