"""The three passes that write routes, and what is known of the kernel between them.

| pass | reads | writes | trusts |
|---|---|---|---|
| full | all routes of ours, all foreign ones at our destinations | the difference | what it read |
| fast | nothing | the difference that the store's change makes | what was aimed at before |
| restore | nothing | the routes that were lost | the kernel's word |

The small passes may be wrong, and the kernel tells them so: it refuses to create what is held, and
to delete what is not ours. A full pass then finds out what is so.

Not everything wanted is written: a route that is fought over is left alone for a while.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from hostgw_core.model import FAMILIES
from hostgw_daemon.kernel import (
    PROTOCOL,
    Kernel,
    Outcome,
    Route,
    RouteForeign,
    Table,
    Verb,
    Verdict,
    Write,
)
from hostgw_daemon.routes.desired import NONE, RouteRule
from hostgw_daemon.routes.fights import Fights
from hostgw_daemon.routes.foreign import Effect, Foreign, effect
from hostgw_daemon.routes.inbox import Inbox
from hostgw_daemon.routes.networks import Trust
from hostgw_daemon.routes.peers import Roster
from hostgw_daemon.routes.plan import plan, retreat
from hostgw_daemon.routes.takeover import TakeOver
from hostgw_daemon.routes.targets import Targets
from hostgw_daemon.routes.withdrawals import Key

CHUNK: Final = 500
"""Writes between two turns of the event loop: a few milliseconds of the kernel's time."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one pass goes by: it stays the same while the world goes on.

    `rosters` are those of all networks; `revisions` are the store's that each of them is the state
    of, by name; `started` is in seconds of the reconciler's clock. `trust` says what may be
    removed: a roster may be remembered, or not be there yet. The routes of the `withdrawn` are not
    wanted.
    """

    rosters: tuple[Roster, ...]
    rule: RouteRule
    revisions: Mapping[str, int]
    rung: Inbox
    started: float
    trust: Trust = field(default_factory=Trust)
    withdrawn: AbstractSet[Key] = NONE

    @property
    def revision(self) -> int:
        """The latest of the revisions."""
        return max(self.revisions.values(), default=0)


class Passes:
    """Writes what a task asks for. `missing` are wanted routes that the kernel does not hold.

    `drift` counts what others did to our routes: `deleted` and told of, `unnoticed` until a pass
    looked, taken by a `foreign` route.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.targets = Targets()
        self.fights = Fights()
        self.foreign = Foreign()
        self.flannel = TakeOver()
        self.missing: dict[Route, Outcome] = {}
        self.drift: Counter[str] = Counter()

    def stranger(self, event: RouteForeign) -> str:
        """Follow what the kernel said of a route that is not ours; give a reason to look, or ''."""
        ours = self.targets.prefixes.get((event.route.destination, event.route.length))
        if ours is None:
            return ""
        if event.route.protocol == PROTOCOL:
            return "somebody writes routes of our protocol"
        self.foreign.heard(event)
        done = effect(event.route, ours)
        if done is Effect.HOLDS and event.added:
            self.drift["foreign"] += 1
        if done is Effect.NONE:
            return ""
        return f"a foreign route {done} ours" if event.added else "a foreign route is gone"

    async def fast(self, task: Task) -> list[Outcome]:
        """Write the difference that the store's change makes."""
        before, after = self.targets.amend(task.rosters, task.rule, task.rung.moved, task.withdrawn)
        # What the kernel is known not to hold can be neither deleted nor appended to.
        standing = before - self.missing.keys()
        self.fights.forget(before - after)
        for route in before - after:
            self.missing.pop(route, None)
        kept = standing & after  # another way of the same key
        outcomes = await self._write(plan((after - before) | kept, standing))
        self._note(outcomes)
        return outcomes

    async def restore(self, task: Task) -> list[Outcome]:
        """Put back what the kernel said was deleted."""
        now = task.started
        routes = [
            route
            for route in sorted(task.rung.lost & self.targets.wanted)
            if self.fights.lost(route, now) and not self.fights.again(route, now)
        ]
        outcomes = await self._write([Write(Verb.CREATE, route) for route in routes])
        self._count_lost(task, outcomes)
        # A key that is held: a full pass has put the route back before we heard that it was lost,
        # or a stranger has it now. The full pass that follows tells which.
        told = [outcome for outcome in outcomes if outcome.verdict is not Verdict.CONFLICT]
        self._note(told)
        return told

    async def full(self, task: Task, *, audit: bool) -> list[Outcome]:
        """Read everything, compare everything, write the difference.

        `audit`: nothing had rung, so whatever is different went unnoticed.
        """
        self.targets.aim(task.rosters, task.rule, task.withdrawn)
        self.fights.forget_all_but(self.targets.wanted)
        wanted, observed = frozenset(self.targets.wanted), self.observe()
        for route in task.rung.lost & wanted - observed:
            self.fights.lost(route, task.started)
        fought_over = frozenset(self.fights.standing(task.started)) - observed
        writes = plan(wanted - fought_over, observed, task.trust.may_go)
        if audit and not task.rung.moved:
            self._count_unnoticed(task, writes)
        outcomes = await self._write(writes)
        self._count_lost(task, outcomes)
        self.missing = {
            route: Outcome(Write(Verb.CREATE, route), Verdict.FAILED, 0, "it is fought over")
            for route in fought_over
        }
        self._note(outcomes)
        if task.trust:
            outcomes += self._take_over_leftovers(task)
        await asyncio.sleep(0)
        self.foreign.replace(self._kernel.foreign(self.targets.prefixes, task.rule.table))
        return outcomes

    def observe(self) -> Table:
        """Read our routes, also of a family that the network has no more, and of other tables.

        They are ours to end: no other daemon of our protocol is in this network namespace.
        """
        dumps = (self._kernel.routes(family) for family in FAMILIES)
        return frozenset[Route]().union(*dumps)

    async def _write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write, and let others have their turn in between."""
        outcomes: list[Outcome] = []
        for start in range(0, len(writes), CHUNK):
            if start:
                await asyncio.sleep(0)
            outcomes += self._kernel.write(writes[start : start + CHUNK])
        if again := retreat(outcomes):
            outcomes += self._kernel.write(again)
        return outcomes

    def _note(self, outcomes: Iterable[Outcome]) -> None:
        """Note which wanted routes are missing after these writes."""
        for outcome in outcomes:
            verb, route = outcome.write
            if verb is Verb.DELETE or route not in self.targets.wanted:
                continue
            if outcome.verdict is not Verdict.CREATED:
                self.missing[route] = outcome

    def _count_lost(self, task: Task, outcomes: Iterable[Outcome]) -> None:
        self.drift["deleted"] += len(task.rung.lost)
        for outcome in outcomes:
            back = outcome.verdict in (Verdict.CREATED, Verdict.CONFLICT)
            if back and outcome.write.route in task.rung.lost:
                self.fights.restored(outcome.write.route, task.started)

    def _count_unnoticed(self, task: Task, writes: Iterable[Write]) -> None:
        known = task.rung.lost | self.missing.keys()
        fresh = self.targets.wanted - known
        news = [w for w in writes if w.verb is Verb.CREATE and w.route in fresh]
        self.drift["unnoticed"] += len(news)

    def _take_over_leftovers(self, task: Task) -> list[Outcome]:
        if self.flannel.asked:
            self.flannel.found(
                [
                    route
                    for family in FAMILIES
                    if any(family in each.policy.config.families for each in task.rosters)
                    for route in self._kernel.leftovers(task.rule.link, family)
                ]
            )
        leftovers = self.flannel.ready(self.targets.prefixes, self.missing)
        outcomes = self._kernel.take_over(leftovers)
        self.flannel.gone(leftovers, outcomes)
        return outcomes
