"""The one task that writes routes: it makes the kernel's table what the roster says.

Everything that happens is a ring of one bell. What rings says how much to look at:

* the store changed a few leases: the *fast* pass writes their difference, without reading, with
  verbs that the kernel refuses when it is not as we think; any unexpected answer asks for a
* *full* pass: read all routes of ours, compare with all there should be, write the difference. It
  follows link and address events, lost notifications, failures (further and further apart) and, as
  an audit of last resort, a slow timer;
* the kernel says that somebody deleted a route of ours: *restore* it at once.

The first ring acts at once; full passes that follow each other closely are settled. Nothing
is written before a complete snapshot of the store has been understood and the link is known and
up: without a roster there is no plan, and so no removal.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from hostgw_core.wake import Wake
from hostgw_daemon.cluster import News
from hostgw_daemon.desired import RouteRule
from hostgw_daemon.fights import Fights
from hostgw_daemon.foreign import Effect, Foreign, effect
from hostgw_daemon.kernel import (
    Kernel,
    KernelEvent,
    Outcome,
    Overrun,
    Route,
    RouteForeign,
    RouteLost,
    Verb,
    Verdict,
    Write,
)
from hostgw_daemon.peers import Roster
from hostgw_daemon.plan import plan
from hostgw_daemon.report import PassKind, Report, RoutesState
from hostgw_daemon.schedule import AUDIT, Schedule
from hostgw_daemon.targets import Targets, peer_prefixes

CHUNK: Final = 500
"""Writes between two turns of the event loop: a few milliseconds of the kernel's time."""


@dataclass(slots=True)
class _Inbox:
    """What has rung since the last look."""

    moved: set[bytes] = field(default_factory=set)
    lost: set[Route] = field(default_factory=set)
    seen: list[float] = field(default_factory=list)
    revision: int = 0


class Reconciler:
    """Keeps the routes. `told` gets every report; `clock` is time.monotonic, in seconds."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        told: Callable[[Report], None],
        clock: Callable[[], float],
        audit: float = 60.0,
    ) -> None:
        self._kernel = kernel
        self._told = told
        self._clock = clock
        self._wake = Wake()
        self._inbox = _Inbox()
        self._schedule = Schedule(audit)
        self._fights = Fights()
        self._foreign = Foreign()
        self._rule: RouteRule | None = None
        self._roster: Roster | None = None
        self._revision = 0
        self._targets = Targets()
        self._missing: dict[Route, Outcome] = {}
        self._taking_over = False
        self._drift: Counter[str] = Counter()
        self._last: Report | None = None
        self._last_full: Report | None = None

    # -- what may ring ------------------------------------------------------------------------

    def understand(self, news: News) -> None:
        """Take the cluster as it is understood now."""
        first = self._roster is None
        self._roster, self._revision = news.now.roster, news.now.snapshot.revision
        if news.moved is not None and not news.moved and not first:
            return
        if news.received:
            self._inbox.seen.append(news.received)
        if news.moved is None or first:
            self.look("the store was read anew")
        else:
            self._inbox.moved |= news.moved
            self._wake.ring()

    def stand_on(self, rule: RouteRule | None, cause: str) -> None:
        """Take the link to write routes on (None: there is none, or it is down) and look again."""
        self._rule = rule
        self.look(cause)

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Take what the kernel said about routes."""
        for event in events:
            match event:
                case RouteLost(route):
                    if route in self._targets.wanted:
                        self._inbox.lost.add(route)
                        self._wake.ring()
                case RouteForeign():
                    self._hear_foreign(event)
                case Overrun():
                    self.look("the kernel dropped notifications")
                case _:
                    pass

    def take_over(self) -> None:
        """In the next full pass, remove flannel's leftovers once our own routes stand."""
        self._taking_over = True
        self.look("flannel's routes are taken over")

    def look(self, cause: str) -> None:
        """Ask for a full pass, soon."""
        self._schedule.call(cause, self._clock())
        self._wake.ring()

    # -- what is told -------------------------------------------------------------------------

    @property
    def state(self) -> RoutesState:
        """The routes as they were last seen."""
        return RoutesState(
            last=self._last,
            last_full=self._last_full,
            complete=self._last_full is not None and not self._missing,
            installed=len(self._targets.wanted) - len(self._missing),
            missing=tuple(self._missing[route] for route in sorted(self._missing)),
            shadows=self._foreign.harmful(self._targets.prefixes),
            fights=tuple(route.prefix for route in self._fights.standing(self._clock())),
            drift=Counter(self._drift),
        )

    @property
    def wanted(self) -> Iterable[Route]:
        """The routes there should be."""
        return self._targets.wanted

    def overdue(self, now: float) -> float:
        """Give the seconds by which a pass that should have been made is late."""
        return max(0.0, now - self._schedule.due) if self._ready() else 0.0

    # -- the loop -----------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Reconcile for ever."""
        while True:
            await self._wake.wait(within=max(0.0, self._schedule.due - self._clock()))
            await self.step()

    async def step(self) -> None:
        """Do what has rung: the small passes at once, the full one when it is due."""
        if not self._ready():
            self._schedule.postpone(self._clock())
            return
        if self._clock() >= self._schedule.due:
            await self._full()
        elif self._last_full is not None:
            self._small()

    def _ready(self) -> bool:
        return self._roster is not None and self._rule is not None

    def _small(self) -> None:
        """Do the fast pass and the restoring one, from what has rung."""
        inbox = self._empty_inbox()
        if inbox.lost:
            self._restore(inbox)
        if inbox.moved:
            self._fast(inbox)

    def _empty_inbox(self) -> _Inbox:
        inbox, self._inbox = self._inbox, _Inbox()
        inbox.revision = self._revision
        return inbox

    def _fast(self, inbox: _Inbox) -> None:
        assert self._roster is not None
        assert self._rule is not None
        started = self._clock()
        before, after = self._targets.amend(self._roster, self._rule, inbox.moved)
        for route in before - after:
            self._missing.pop(route, None)
        outcomes = self._kernel.write(plan(after, before))
        if self._settle_up(outcomes):
            self.look("the kernel was not as expected")
        self._report(PassKind.FAST, started, outcomes, inbox, "the store changed")

    def _restore(self, inbox: _Inbox) -> None:
        started = self._clock()
        lost = sorted(inbox.lost & self._targets.wanted)
        routes = [route for route in lost if self._fights.restore(route, started)]
        self._drift["deleted"] += len(inbox.lost)
        outcomes = self._kernel.write([Write(Verb.CREATE, route) for route in routes])
        self._settle_up(outcomes)
        inbox = replace(inbox, seen=[])
        self._report(PassKind.RESTORE, started, outcomes, inbox, "a route was lost")
        self.look("a route was deleted")

    async def _full(self) -> None:
        assert self._roster is not None
        assert self._rule is not None
        started, cause = self._clock(), self._schedule.cause
        inbox = self._empty_inbox()
        self._drift["deleted"] += len(inbox.lost)
        for route in inbox.lost:
            self._fights.restore(route, started)
        self._targets.aim(self._roster, self._rule)
        self._foreign.forget_all_but(self._targets.prefixes)
        families, table = self._roster.policy.config.families, self._rule.table
        dumps = (self._kernel.routes(family, table) for family in families)
        observed = frozenset[Route]().union(*dumps)
        wanted = frozenset(self._targets.wanted)
        held_back = frozenset(self._fights.standing(started))
        writes = plan(wanted - held_back, observed - held_back)
        if cause == AUDIT and not inbox.moved:
            self._drift["unnoticed"] += sum(write.verb is Verb.CREATE for write in writes)
        outcomes: list[Outcome] = []
        for start in range(0, len(writes), CHUNK):
            outcomes += self._kernel.write(writes[start : start + CHUNK])
            await asyncio.sleep(0)
        outcomes += self._take_over_leftovers()
        self._missing = {
            route: Outcome(Write(Verb.CREATE, route), Verdict.FAILED, 0, "it is fought over")
            for route in held_back & self._targets.wanted
        }
        self._settle_up(outcomes)
        self._foreign.replace(self._kernel.foreign(self._targets.prefixes))
        failed = any(o.verdict in (Verdict.FAILED, Verdict.LINK_DOWN) for o in outcomes)
        self._schedule.ended(self._clock(), failed=failed, latest=self._fights.next_end())
        self._report(PassKind.FULL, started, outcomes, inbox, cause)

    def _settle_up(self, outcomes: Iterable[Outcome]) -> bool:
        """Note which routes are missing after these writes; tell whether any was unexpected."""
        unexpected = False
        for outcome in outcomes:
            verb, route = outcome.write
            if outcome.verdict is Verdict.CREATED:
                self._missing.pop(route, None)
            elif verb is not Verb.DELETE and route in self._targets.wanted:
                self._missing[route] = outcome
            unexpected |= outcome.verdict not in (Verdict.CREATED, Verdict.DELETED)
        return unexpected

    def _take_over_leftovers(self) -> list[Outcome]:
        """Delete what flannel left at our peers' subnets, now that ours stand beside it."""
        if not self._taking_over or self._rule is None or self._roster is None:
            return []
        self._taking_over = False
        subnets = peer_prefixes(self._roster)
        leftovers = [
            route
            for family in self._roster.policy.config.families
            for route in self._kernel.leftovers(self._rule.link, family)
            if (route.destination, route.length) in subnets
        ]
        return self._kernel.take_over(leftovers)

    def _hear_foreign(self, event: RouteForeign) -> None:
        ours = self._targets.prefixes.get((event.route.destination, event.route.length))
        if ours is None:
            return
        self._foreign.heard(event)
        if effect(event.route, ours) is Effect.HOLDS:
            if event.added:
                self._drift["foreign"] += 1
            self.look("somebody holds the key of a route" if event.added else "a key is free")

    def _report(
        self, kind: PassKind, started: float, outcomes: Sequence[Outcome], inbox: _Inbox, cause: str
    ) -> None:
        report = Report(
            kind=kind,
            cause=cause,
            revision=inbox.revision,
            desired=len(self._targets.wanted),
            outcomes=tuple(outcomes),
            seen=tuple(inbox.seen),
            started=started,
            finished=self._clock(),
        )
        self._last = report
        if kind is PassKind.FULL:
            self._last_full = report
        self._told(report)
