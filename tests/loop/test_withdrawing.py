"""The loop that withdraws routes, in virtual time: when it looks, what it says, how it sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import pytest

from hostgw_daemon.probe.evidence import Cause, Diagnosis
from hostgw_daemon.routes.withdrawals import Key
from hostgw_daemon.settings import parse
from hostgw_daemon.withdrawing import Withdrawing
from support.loops import now, running

pytestmark = pytest.mark.looptime

PEERS: list[Key] = [(b"n%d" % number, 4) for number in range(1, 7)]


@dataclass
class World:
    """What was found and what is written: the loop's two neighbours. It counts looks."""

    bad: dict[Key, Cause] = field(default_factory=dict)
    silent_since: float | None = None
    sure: bool = True
    says_nothing: frozenset[Cause] = frozenset()
    many: int = 0
    looks: int = 0
    told: int = 0
    withdrawn: list[tuple[float, set[bytes], str]] = field(default_factory=list)

    @property
    def diagnoses(self) -> dict[Key, Diagnosis]:
        """Give the diagnosis of everybody."""
        self.looks += 1
        return {key: Diagnosis(self.bad.get(key, Cause.OK)) for key in PEERS}

    @property
    def peers(self) -> list[Key]:
        """Give everybody."""
        return PEERS + [(b"more%d" % number, 4) for number in range(self.many)]

    @property
    def reached(self) -> dict[int, float]:
        """Say that somebody's pods have just answered, unless everybody is silent."""
        return {4: now() if self.silent_since is None else self.silent_since}

    def withdraw(self, keys: AbstractSet[Key], why: str) -> None:
        """Note whose routes are withdrawn."""
        self.withdrawn.append((now(), {key for key, _ in keys}, why))

    def owner(self, key: bytes) -> str:
        """Call a node by its key."""
        return key.decode()

    def loop(self, *flags: str) -> Withdrawing:
        """Make the loop."""
        settings = parse(flags, {}, lambda _path: b"")
        return Withdrawing(
            *(settings, self, self),
            says_nothing=lambda cause: cause in self.says_nothing,
            told=self._tell,
            clock=now,
        )

    def _tell(self) -> None:
        self.told += 1


ASKED = ("--withdraw-states=unreachable,unresolved", "--withdraw-floor=50%")


async def test_where_nobody_asked_nothing_is_looked_at():
    """Whatever rings, for an hour."""
    world = World(bad={PEERS[0]: Cause.UNREACHABLE})
    loop = world.loop()
    async with running(loop.run):
        for _ in range(60):
            loop.found()
            await asyncio.sleep(60)
    assert (world.looks, world.withdrawn) == (0, [])


async def test_a_route_goes_after_its_time_and_comes_back_at_once():
    """It is told why; and between its moments the loop sleeps."""
    world = World()
    loop = world.loop(*ASKED)
    async with running(loop.run):
        await asyncio.sleep(3600)
        assert world.looks == 1
        world.bad[PEERS[0]] = Cause.UNREACHABLE
        world.bad[PEERS[1]] = Cause.PATH_FILTERED  # nobody asked for that
        begun = now()
        loop.found()
        await asyncio.sleep(3600)
        assert world.withdrawn == [
            (pytest.approx(begun + 30, abs=0.6), {b"n1"}, "withdrawn: n1 unreachable")
        ]
        assert world.looks <= 4
        assert world.told == 1 + 2  # that it was found, counted, and done
        world.bad.clear()
        loop.found()
        await asyncio.sleep(0.01)
        assert world.withdrawn[1:] == [
            (pytest.approx(now(), abs=0.1), set(), "put back: n1 no longer so")
        ]


async def test_while_nobody_at_all_answers_nothing_goes():
    """Few are known to be bad yet, for a large cluster is asked slowly: it is this node."""
    world = World(bad={PEERS[0]: Cause.UNREACHABLE}, silent_since=now())
    loop = world.loop(*ASKED)
    async with running(loop.run):
        await asyncio.sleep(300)
        assert world.withdrawn == []
        assert world.looks <= 300 / 0.5 + 2
        world.silent_since, heard = None, now()
        await asyncio.sleep(60)
        assert world.withdrawn == [
            (pytest.approx(heard + 30, abs=1), {b"n1"}, "withdrawn: n1 unreachable")
        ]


async def test_what_says_nothing_of_a_peer_withdraws_nothing():
    """Another node has our address, and gets the answers: that ends, and their time begins."""
    world = World(bad={PEERS[0]: Cause.UNREACHABLE}, says_nothing=frozenset({Cause.UNREACHABLE}))
    loop = world.loop(*ASKED)
    async with running(loop.run):
        await asyncio.sleep(300)
        assert world.withdrawn == []
        world.says_nothing, over = frozenset(), now()
        loop.again()
        await asyncio.sleep(60)
        assert [(pytest.approx(over + 30, abs=1), {b"n1"})] == [e[:2] for e in world.withdrawn]


async def test_before_the_store_was_read_nothing_goes():
    """What is only remembered adds routes and removes none."""
    world = World(bad={PEERS[0]: Cause.UNRESOLVED}, sure=False)
    loop = world.loop(*ASKED)
    async with running(loop.run):
        await asyncio.sleep(300)
        assert world.withdrawn == []
        assert world.looks <= 2
        world.sure, read = True, now()
        loop.again()
        await asyncio.sleep(60)
        assert world.withdrawn == [
            (pytest.approx(read + 30, abs=1), {b"n1"}, "withdrawn: n1 unresolved")
        ]


async def test_in_a_large_cluster_a_look_does_not_follow_each_change():
    """A look goes through everybody: with ten thousand, twice a second at most."""
    world = World(many=10_000)
    loop = world.loop(*ASKED)
    async with running(loop.run):
        await asyncio.sleep(10)
        world.looks = 0
        for _ in range(1000):
            loop.again()
            await asyncio.sleep(0.01)
        assert 18 <= world.looks <= 22
        await asyncio.sleep(10)
        world.looks = 0
        loop.again()
        await asyncio.sleep(0.01)
        assert world.looks == 1  # after a while of rest it is at once
