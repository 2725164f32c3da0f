"""What a node says of itself in the store: told when it stands, seldom, and never for nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from hostgw_core.records import Status
from hostgw_core.store import Delete, StoreUnavailable
from hostgw_daemon.claim.telling import EVERY, SETTLE, SOON, SOON_SPREAD, Telling
from support.claim_node import Node, alive
from support.fake_store import FakeStore
from support.loops import now, running, until

pytestmark = pytest.mark.looptime

HOUR = 3600.0
AT_ONCE = 5


class Teller:
    """A node that holds a lease, and what has it tell."""

    def __init__(self, node: Node, crowd: int) -> None:
        self.node = node
        self.telling = Telling(node.claimant.announcement, crowd=lambda: crowd, clock=now)

    def stand(self, *codes: str, full: bool = False) -> None:
        """Have something wrong."""
        self.telling.stand(codes, full=full)

    @property
    def says(self) -> tuple[list[str], int]:
        """What the store has of it: the conditions, and what is applied."""
        assert self.node.presence is not None
        value = json.loads(self.node.presence.value)
        return value["Conditions"], value["Applied"]

    @property
    def wrote(self) -> int:
        """How often it has written anything since it began to run."""
        return len(self.node.asked("commit"))


@asynccontextmanager
async def telling(store: FakeStore, *, crowd: int = 3) -> AsyncIterator[Teller]:
    """Let a node that holds a lease tell."""
    node = Node(store, presence_watched=True)
    teller = Teller(node, crowd)
    async with alive(store, node), running(teller.telling.run):
        yield teller


async def test_a_healthy_node_writes_nothing(store):
    """For an hour; told again and again that nothing is wrong."""
    async with telling(store) as teller:
        for _ in range(720):
            teller.stand()
            await asyncio.sleep(5)
        assert teller.wrote == 0


async def test_what_is_wrong_is_told_and_so_is_its_end(store):
    """Once it has stood for a moment; in the order of the codes; the presence stays the same."""
    async with telling(store) as teller:
        before = teller.node.presence
        teller.stand("shadowed", "fight")
        await asyncio.sleep(SETTLE - 1)
        assert teller.wrote == 0
        await asyncio.sleep(2)
        assert teller.says == (["fight", "shadowed"], 0)
        assert teller.node.presence.created == before.created
        assert teller.node.presence.lease == before.lease
        teller.stand()
        await asyncio.sleep(HOUR)
        assert teller.says == ([], 0)
        assert teller.wrote == 2
        assert len(teller.node.asked("list")) == 0  # nobody had to read anything for it


@dataclass
class Paper:
    """An announcement that is written on paper: for hours of which only the number counts."""

    told: Status = field(default_factory=Status)
    applied: int = 0
    stands: bool = True
    moments: list[float] = field(default_factory=list)

    async def tell(self, conditions: tuple[str, ...]) -> bool:
        """Write."""
        self.moments.append(now())
        self.told = replace(self.told, conditions=conditions, applied=self.applied)
        return True


@pytest.mark.parametrize("period", [4.0, 30.0, 120.0])
async def test_what_flaps_is_damped(period):
    """Faster than it settles: never told. Slower: a few times, and then one time in ten minutes."""
    paper = Paper()
    telling = Telling(paper, crowd=lambda: 3, clock=now)
    async with running(telling.run):
        for turn in range(int(3 * HOUR / period)):
            telling.stand(["fight"] if turn % 2 else [], full=False)
            await asyncio.sleep(period)
        assert len(paper.moments) <= (0 if period < SETTLE else AT_ONCE + 3 * HOUR / EVERY)
        telling.stand(["fight"], full=False)
        await asyncio.sleep(EVERY + SETTLE + 1)
        assert paper.told.conditions == ("fight",)  # in the end it is told as it is


@pytest.mark.parametrize(("crowd", "apart"), [(3, 600.0), (1000, 1000.0)])
async def test_a_cluster_in_which_something_always_happens(crowd, apart):
    """What is applied is told every ten minutes at most; by 1,000 nodes once a second, in all."""
    paper = Paper()
    telling = Telling(paper, crowd=lambda: crowd, clock=now)
    async with running(telling.run):
        for revision in range(1, int(10 * HOUR / 30)):
            telling.applied(revision)
            await asyncio.sleep(30)
    moments = paper.moments
    assert 10 * HOUR / (2 * apart) - 1 <= len(moments) <= 10 * HOUR / apart
    assert all(later - earlier >= apart - 1 for earlier, later in pairwise(moments))


async def test_what_is_applied_goes_along_with_what_is_written_anyway(store):
    """The write that names the first lease tells it too: a start costs no more than it did."""
    node = Node(store, presence_watched=True)
    node.claimant.announcement.applied = 77
    async with alive(store, node):
        assert json.loads(node.presence.value)["Applied"] == 77
        teller = Teller(node, 3)
        async with running(teller.telling.run):
            teller.telling.applied(77)
            await asyncio.sleep(HOUR)
            assert teller.wrote == 0


async def test_nothing_is_written_into_a_full_store(store):
    """It is told when there is room again."""
    async with telling(store) as teller:
        teller.stand("fight", full=True)
        await asyncio.sleep(HOUR)
        assert teller.wrote == 0
        teller.stand("fight")
        await asyncio.sleep(SETTLE + 1)
        assert teller.says[0] == ["fight"]


async def test_a_store_that_is_away_is_asked_ever_more_seldom(store):
    """And told when it is back; what is over by then is not told at all."""
    async with telling(store) as teller:
        tell = teller.node.claimant.announcement.tell
        asked: list[float] = []

        async def away(_conditions: tuple[str, ...]) -> bool:
            asked.append(now())
            raise StoreUnavailable("away")

        teller.node.claimant.announcement.tell = away
        for turn in range(1800):
            teller.stand("fight", f"code{turn % 2}")
            await asyncio.sleep(1)
        assert 10 < len(asked) < 90
        teller.node.claimant.announcement.tell = tell
        teller.stand("fight")
        await asyncio.sleep(90)
        assert teller.says[0] == ["fight"]
        assert teller.wrote == 1


async def test_a_presence_that_is_gone_is_announced_and_then_told(store):
    """The write compares its create revision: what it finds wrong is put right by the claim."""
    async with telling(store) as teller:
        key = teller.node.presence.key
        teller.stand("fight")
        await asyncio.sleep(SETTLE - 1)
        store.commit_now([], [Delete(key)])
        await until(lambda: teller.node.presence is not None, within=11)
        await asyncio.sleep(60)
        assert teller.says[0] == ["fight"]


async def test_that_a_node_was_let_go_of_is_told_soon(store):
    """Not what is wrong since a moment; and only once it is applied."""
    async with telling(store) as teller:
        teller.stand("fight")
        teller.telling.applied(40, 50)
        await asyncio.sleep(2)
        assert teller.wrote == 0
        teller.telling.applied(55, 50)
        await until(lambda: teller.says == ([], 55), within=SOON + 0.1)
        teller.stand()
        teller.telling.applied(60, 50)  # nobody waits for that
        await asyncio.sleep(EVERY / 2)
        assert teller.wrote == 1


async def test_what_was_told_of_another_history_is_corrected_soon_where_somebody_waits():
    """Of a store that was restored: a higher revision that we told before it says nothing."""
    paper = Paper(Status(applied=1000))
    telling = Telling(paper, crowd=lambda: 3, clock=now)
    async with running(telling.run):
        telling.applied(450)
        await asyncio.sleep(60)
        assert paper.moments == []
        telling.applied(460, 460)
        await asyncio.sleep(SOON + 0.1)
        assert paper.told.applied == 460
        assert len(paper.moments) == 1


@pytest.mark.parametrize(("crowd", "every"), [(3, 60.0), (100, 120.0), (1000, 1100.0)])
async def test_nodes_that_leave_one_after_the_other(crowd, every):
    """Each is told within seconds, as long as they are further apart than there are nodes."""
    paper = Paper()
    telling = Telling(paper, crowd=lambda: crowd, clock=now)
    async with running(telling.run):
        for revision in range(10, 30):
            telling.applied(revision, revision)
            await asyncio.sleep(max(SOON, SOON_SPREAD * crowd) + 0.1)
            assert paper.told.applied == revision
            await asyncio.sleep(every)


@pytest.mark.parametrize("crowd", [3, 1000, 10_000])
async def test_nodes_that_leave_all_the_time(crowd):
    """Five are told of at once; then a cluster writes once a second, and once for all the rest."""
    paper = Paper()
    telling = Telling(paper, crowd=lambda: crowd, clock=now)
    lived = 12 * HOUR
    async with running(telling.run):
        for revision in range(int(lived / 2)):
            telling.applied(revision, revision)
            await asyncio.sleep(2)
    assert len(paper.moments) <= AT_ONCE + 1 + lived / crowd + lived / max(EVERY, crowd)


async def test_they_spread_what_they_tell():
    """A thousand nodes that see one leave do not write in the same moment."""
    papers = [Paper() for _ in range(1000)]
    tellings = [Telling(paper, crowd=lambda: 1000, clock=now) for paper in papers]
    async with running(*(each.run for each in tellings)):
        await asyncio.sleep(1)
        for each in tellings:
            each.applied(7, 7)
        begun = now()
        await asyncio.sleep(3)
    moments = sorted(paper.moments[0] - begun for paper in papers)
    assert moments[-1] > 1.0
    assert moments[700] - moments[300] > 0.3
