"""A warden over a cluster: what the store says, and a link on which gateways answer or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType

from hostgw_core.model import IPAddress
from hostgw_core.store import Change, Deleted, Entry, Header, StoreUnavailable
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.routes.holds import Patience
from hostgw_daemon.routes.warden import Warden
from support.lease_world import KEYS, entry, key
from support.loops import now, running
from support.understanding import cluster_of, guard_of

GOOD = b'{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
NETWORK = Entry(KEYS.config, GOOD, 2, 2, 1, 0)
PATIENCE = Patience(grace=2.0, hold=300.0)
SETTLES = 9.0


@dataclass
class Link:
    """A link with gateways on it: who answers, who was asked when, and what goes wrong."""

    settles: float = SETTLES
    index: int = 2
    answers: set[str] = field(default_factory=set)
    cannot_be_asked: set[str] = field(default_factory=set)
    fault: OSError | None = None
    rounds: list[tuple[float, int]] = field(default_factory=list)

    def ask(self, link: int, addresses: Iterable[IPAddress]) -> frozenset[IPAddress]:
        """Note who is asked."""
        assert link == self.index != 0
        wanted = list(addresses)
        self.rounds.append((now(), len(wanted)))
        if self.fault:
            raise self.fault
        return frozenset(each for each in wanted if str(each) not in self.cannot_be_asked)

    def answering(self, _link: int) -> frozenset[IPAddress]:
        """Give who answers."""
        return frozenset(map(ip_address, self.answers))


class Site:
    """A cluster with a guard, what the store says, and the warden."""

    def __init__(self) -> None:
        self.guard = guard_of(PATIENCE)
        self.cluster = cluster_of(lambda _news: self.warden.look(), guard=self.guard, clock=now)
        self.link = Link()
        self.present: frozenset[str] | StoreUnavailable = frozenset()
        self.read: list[float] = []
        self.entries: dict[bytes, Entry] = {}
        self.header = Header(1, 100, 5)
        self.warden = Warden(
            self.cluster,
            self.guard,
            self.link,
            link=lambda: self.link.index,
            alive=self._alive,
            clock=now,
        )

    async def _alive(self) -> frozenset[str]:
        self.read.append(now())
        if isinstance(self.present, StoreUnavailable):
            raise self.present
        return self.present

    def list(self, *entries: Entry, revision: int = 0, term: int = 5) -> None:
        """Show everything anew."""
        self.header = Header(1, revision or self.header.revision + 1, term)
        self.entries = {each.key: each for each in entries}
        self._show(None)

    def leave(self, *names: str) -> None:
        """Let leases go from the store."""
        self.header = Header(1, self.header.revision + 1, self.header.term)
        for name in names:
            del self.entries[key(name)]
        self._show(tuple(Deleted(key(name), self.header.revision) for name in names))

    def _show(self, changes: tuple[Change, ...] | None) -> None:
        snapshot = Snapshot(self.header, MappingProxyType(dict(self.entries)))
        self.cluster.saw(Sighting(snapshot, changes, 0.0))

    @property
    def believed(self) -> set[int]:
        """The numbers of the leases that have routes now."""
        assert self.cluster.now is not None
        assert self.cluster.now.roster is not None
        return {n for n in range(256) if key(name(n)) in self.cluster.now.roster.peers}


def name(number: int) -> str:
    """Name the lease of a number."""
    return f"10.5.{number}.0-24"


def gateway(number: int) -> str:
    """Give where the lease of a number leads."""
    return f"172.16.1.{number}"


def leases(count: int) -> list[Entry]:
    """Make so many leases, each of a node of its own."""
    return [entry(name(n), gateway(n), node=f"n{n}") for n in range(count)]


@asynccontextmanager
async def warded(count: int) -> AsyncIterator[Site]:
    """Run a warden over so many leases that the store has told of, beginning at a round moment."""
    site = Site()
    site.list(NETWORK, *leases(count))
    async with running(site.warden.run):
        await asyncio.sleep(1 - now() % 1)
        yield site


async def at(moment: float) -> None:
    """Let time pass until a moment, and a bit: a wait that is over may be noticed late."""
    await asyncio.sleep(max(0.0, moment + 0.1 - now()))
