"""A node's route keeping from the store's sightings to a kernel in memory, moved by hand.

Cluster and reconciler are the real ones, wired as the agent wires them. The test owns the store,
the kernel's world and the clock. Without an event loop a pass is driven with `work`, one turn of
the loop at a time, so a test can do something in the middle of it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from types import MappingProxyType
from typing import Any
from zlib import crc32

from hostgw_core.keys import Keys
from hostgw_core.model import Family
from hostgw_core.store import Change, Deleted, Entry, Header
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.halt import Halt
from hostgw_daemon.kernel import (
    HostChanged,
    KernelEvent,
    Outcome,
    Route,
    Table,
    Verb,
    Write,
)
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.reconciler import Reconciler
from hostgw_daemon.routes.report import ONLY, PassKind, Report
from support.fake_kernel import FakeKernel
from support.lease_world import KEYS, route, value
from support.understanding import cluster_of

NETWORK = b'{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
LINK = 2


class CountingKernel(FakeKernel):
    """Counts how often it is asked, and keeps every outcome."""

    def __init__(self, links: dict[int, Sequence[str]]) -> None:
        super().__init__(links)
        self.reads = 0
        self.calls: list[int] = []
        self.outcomes: list[Outcome] = []

    def routes(self, family: Family) -> Table:
        """Count the reads of one family; the other one is read beside it."""
        self.reads += family == 4
        return super().routes(family)

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Count the writes of each call."""
        if writes:
            self.calls.append(len(writes))
        outcomes = super().write(writes)
        self.outcomes += outcomes
        return outcomes

    def ours(self) -> set[Route]:
        """Give the routes of our protocol, past the port."""
        return {
            Route(*route_key[:3], held.gateway, held.link, route_key[3], held.form)
            for route_key, several in self.held.items()
            for held in several
            if held.protocol == 104
        }


class Records:
    """The store, as a watch of it tells: entries that a test writes, and a cluster that hears.

    `name` is the network's, as the reconciler knows it; its records lie where `keys` say.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        reconciler: Reconciler,
        *,
        name: str = ONLY,
        keys: Keys = KEYS,
        network: bytes = NETWORK,
    ) -> None:
        self.clock = clock
        self.reconciler = reconciler
        self.keys = keys
        self.entries: dict[bytes, Entry] = {keys.config: Entry(keys.config, network, 1, 1, 1, 0)}
        self.revision = 100
        self.cluster = cluster_of(lambda news: reconciler.understand(news, name), keys=keys)

    def key(self, name: str) -> bytes:
        """Write the key of a subnet's lease."""
        return self.keys.subnets.start + name.encode()

    def put(self, name: str, gateway: str = "172.16.0.9", *, node: str = "n") -> Entry:
        """Write a lease, and let nobody know yet."""
        return self.put_raw(name, value(gateway, node=node))

    def put_raw(self, name: str, content: bytes) -> Entry:
        """Write whatever somebody writes."""
        self.revision += 1
        key = self.key(name)
        old = self.entries.get(key)
        created = old.created if old else self.revision
        self.entries[key] = Entry(key, content, created, self.revision, 1, 7)
        return self.entries[key]

    def drop(self, name: str) -> Deleted:
        """End a lease, and let nobody know yet."""
        self.revision += 1
        del self.entries[self.key(name)]
        return Deleted(self.key(name), self.revision)

    def tell(self, *changes: Change, received: float | None = None) -> float:
        """Let the watch tell of these changes; give the moment at which it did."""
        moment = self.clock() if received is None else received
        self._show(changes, moment)
        return moment

    def relist(self, *, received: float | None = None) -> float:
        """Let the view list everything; give the moment at which it did."""
        moment = self.clock() if received is None else received
        self._show(None, moment)
        return moment

    def lease(self, name: str, gateway: str = "172.16.0.9", *, node: str = "n") -> float:
        """Write a lease, and let the watch tell."""
        return self.tell(self.put(name, gateway, node=node))

    def expire(self, name: str) -> float:
        """End a lease, and let the watch tell."""
        return self.tell(self.drop(name))

    def _show(self, changes: tuple[Change, ...] | None, received: float) -> None:
        entries = MappingProxyType(dict(self.entries))
        snapshot = Snapshot(Header(1, self.revision, 1), entries)
        self.cluster.saw(Sighting(snapshot, changes, received))


class Site(Records):
    """One node. `clock` is what the reconciler goes by; without one, `now` is moved by hand."""

    def __init__(
        self, clock: Callable[[], float] | None = None, *, networks: Sequence[str] = (ONLY,)
    ) -> None:
        self.now = 1000.0
        clock = clock or (lambda: self.now)
        self.kernel = CountingKernel({LINK: ["172.16.0.0/16", "fd00::/64"]})
        self.reports: list[Report] = []
        self.on_report: Callable[[Report], None] = lambda _report: None
        self.failures: list[Exception] = []
        self.halt = Halt()
        reconciler = Reconciler(
            self.kernel, told=self._told, clock=clock, networks=networks, halt=self.halt
        )
        super().__init__(clock, reconciler)
        self.rule = RouteRule(LINK)

    def _told(self, report: Report) -> None:
        self.reports.append(report)
        self.on_report(report)

    # -- the host -----------------------------------------------------------------------------

    def stand(self) -> None:
        """Know the link: it is up."""
        self.reconciler.stand_on(self.rule, "the link is up")

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Let the monitor tell; a link that changes is looked at, as the host's watch does."""
        events = list(events)
        self.reconciler.hear(events)
        if any(isinstance(event, HostChanged) for event in events):
            link = self.kernel.links.get(self.rule.link)
            up = link is not None and link.up
            self.reconciler.stand_on(self.rule if up else None, "the link changed")

    # -- passes -------------------------------------------------------------------------------

    def turn(self) -> Coroutine[Any, Any, None]:
        """Begin a step of the reconciler; it is driven with `finish`."""
        return self.reconciler.step()

    def work(self, seconds: float = 0.0) -> None:
        """Let this time pass, and do whatever is due on the way; a pass that fails is survived."""
        end = self.now + seconds
        while True:
            for _ in range(3):  # what a pass itself has rung for
                self.drive(self.turn())
            due = self.reconciler._schedule.due
            if due > end:
                break
            self.now = max(self.now, due)
        self.now = end

    def drive(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Drive a step to its end, which may be that of a kernel that cannot be asked."""
        try:
            finish(coroutine)
        except OSError as error:
            self.failures.append(error)

    def reported(self, kind: PassKind) -> list[Report]:
        """Give the reports of one kind of pass."""
        return [report for report in self.reports if report.kind is kind]

    def at(self, prefix: str) -> list[tuple[int, str]]:
        """Give the routes to a destination, in the kernel's order: protocol and gateway."""
        wanted = route(prefix, "0.0.0.0")[:2]
        return [
            (held.protocol, ".".join(map(str, held.gateway)))
            for route_key, several in sorted(self.kernel.held.items())
            if route_key[:2] == wanted
            for held in several
        ]

    def deletes(self) -> list[Write]:
        """Give every deletion that was ever asked for."""
        return [write for write in self.kernel.writes if write.verb is Verb.DELETE]


def finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Drive a coroutine that only ever gives its turn to others, to its end."""
    while advance(coroutine):
        pass


def advance(coroutine: Coroutine[Any, Any, None]) -> bool:
    """Drive it to its next turn; False when it has ended."""
    try:
        coroutine.send(None)
    except StopIteration:
        return False
    return True


def ours(prefix: str, gateway: str = "172.16.0.9", *, link: int = LINK) -> Route:
    """Write a route of ours as it should be, its metric worked out by hand."""
    plain = route(prefix, gateway, link=link)
    metric = 1024 + crc32(plain.destination + bytes([plain.length])) % 1024
    return plain._replace(metric=metric)
