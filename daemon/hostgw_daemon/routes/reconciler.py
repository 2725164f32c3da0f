"""The one task that writes routes: it makes the kernel's table what the roster says.

Everything that happens is a ring of one bell. What rings says how much to look at:

* the store changed a few leases: the *fast* pass writes their difference; any unexpected answer
  asks for a
* *full* pass, which looks at everything. It follows a list of the store, link and address events,
  lost notifications, failures (further and further apart) and, as an audit of last resort, a slow
  timer;
* the kernel says that somebody deleted a route of ours: *restore* it at once.

The first ring acts at once; full passes that follow each other closely are settled. Nothing is
written before a complete snapshot of the store has been understood and the link is known and up:
without a roster there is no plan. One that is only remembered, because the store is away, adds
routes and removes none. Where several networks are served, what is known of each is in `networks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NoReturn

from hostgw_core.model import Family
from hostgw_core.wake import Wake
from hostgw_daemon.halt import Halt
from hostgw_daemon.kernel import (
    Kernel,
    KernelEvent,
    Outcome,
    Overrun,
    RouteForeign,
    RouteLost,
    Verdict,
)
from hostgw_daemon.routes.basis import Basis
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.forecast import Absence, Change
from hostgw_daemon.routes.inbox import Inbox
from hostgw_daemon.routes.passes import Passes, Task
from hostgw_daemon.routes.report import ONLY, PassKind, Report, RoutesState
from hostgw_daemon.routes.schedule import AUDIT, Schedule
from hostgw_daemon.routes.targets import Targets
from hostgw_daemon.routes.understanding import News
from hostgw_daemon.routes.withdrawals import Key

_EXPECTED = frozenset({Verdict.CREATED, Verdict.DELETED})
# What another try may cure without anything happening meanwhile.
_PASSING = frozenset({Verdict.FAILED, Verdict.LINK_DOWN})


class Reconciler:
    """Keeps the routes of some `networks`, by name.

    `told` gets every report; `clock` is time.monotonic, in seconds. While it is halted no pass is
    made, and none is overdue.
    """

    def __init__(
        self,
        kernel: Kernel,
        *,
        told: Callable[[Report], None],
        clock: Callable[[], float],
        audit: float = 60.0,
        networks: Sequence[str] = (ONLY,),
        halt: Halt | None = None,
    ) -> None:
        self._passes = Passes(kernel)
        self._told = told
        self._clock = clock
        self._wake = Wake()
        self._inbox = Inbox()
        self._schedule = Schedule(audit, clock())
        self._basis = Basis(networks)
        self._applied = 0
        self._last: Report | None = None
        self._last_full: Report | None = None
        self._halt = (halt or Halt()).heed(lambda: self.look("a pause is over"))

    # -- what may ring ------------------------------------------------------------------------

    def understand(self, news: News, network: str = ONLY) -> None:
        """Take a network as it is understood now; without a configuration it is not, yet."""
        if self._basis.networks.take(network, news.now) is None:
            return
        if news.moved is None:
            self._inbox.anew = True
        elif news.moved:
            self._inbox.moved |= news.moved
            self._inbox.why.add("the store changed")
        else:
            return
        if news.received:
            self._inbox.seen.append(news.received)
        if self._inbox.anew:
            self.look("the store was read anew")
        else:
            self._wake.ring()

    def stand_on(self, rule: RouteRule | None, cause: str) -> None:
        """Take the link to write routes on (None: there is none, or it is down) and look again."""
        self._inbox.anew |= rule != self._basis.rule
        self._basis.rule = rule
        self._basis.last_rule = rule or self._basis.last_rule
        self.look(cause)

    def withdraw(self, keys: AbstractSet[Key], why: str) -> None:
        """Take whose routes are withdrawn from now on; those of all others are put back."""
        moved = {key for key, _ in keys ^ self._basis.withdrawn}
        self._basis.withdrawn = keys
        if moved:
            self._inbox.moved |= moved
            self._inbox.why.add(why)
            self._wake.ring()

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Take what the kernel said about routes."""
        for event in events:
            match event:
                case RouteLost(route):
                    if route in self._passes.targets.wanted:
                        self._inbox.lost.add(route)
                        self._wake.ring()
                case RouteForeign():
                    if why := self._passes.stranger(event):
                        self.look(why)
                case Overrun():
                    self.look("the kernel dropped notifications")
                case _:
                    pass

    def retire(self, *, on: bool) -> None:
        """Want no route at all, for this node has left; or those of the networks again."""
        if on != self._basis.retired:
            self._basis.retired = on
            self._inbox.anew = True
            self.look("this node has left on purpose" if on else "this node claims again")

    def take_over(self) -> None:
        """In the next full pass, remove flannel's leftovers where our own routes stand."""
        self._passes.flannel.ask()
        self.look("flannel's routes are taken over")

    def look(self, cause: str) -> None:
        """Ask for a full pass, soon."""
        self._schedule.call(cause, self._clock())
        self._wake.ring()

    # -- what is told -------------------------------------------------------------------------

    @property
    def state(self) -> RoutesState:
        """The routes as they were last seen."""
        passes = self._passes
        return RoutesState(
            last=self._last,
            last_full=self._last_full,
            complete=self._last_full is not None and not passes.missing,
            installed=len(passes.targets.wanted)
            - len(passes.missing.keys() & passes.targets.wanted),
            wanted=passes.targets.counts,
            withdrawn=Counter(family for _, family in self._basis.withdrawn),
            missing=tuple(passes.missing[route] for route in sorted(passes.missing)),
            shadows=passes.foreign.harmful(passes.targets.prefixes),
            holders=passes.foreign.holders(passes.targets.prefixes),
            fights=tuple(route.prefix for route in passes.fights.standing(self._clock())),
            drift=Counter(passes.drift),
        )

    @property
    def targets(self) -> Targets:
        """The routes there should be; to look at, not to change."""
        return self._passes.targets

    @property
    def last_rule(self) -> RouteRule | None:
        """How they are or were written."""
        return self._basis.last_rule

    @property
    def absent(self) -> Absence:
        """The routes that are withdrawn, and those that are there for probes instead."""
        return self._basis.absent

    def owner(self, key: bytes) -> str:
        """Give the node of a lease, its key where the lease is not there."""
        return self._basis.owner(key)

    @property
    def sure(self) -> bool:
        """Whether every network was read since the start, so that what goes is known to go."""
        return self._basis.networks.trust.whole

    @property
    def idle(self) -> str:
        """Say why no route can be written at all; "" where it can."""
        return self._basis.idle

    def forecast(self) -> tuple[Change, ...]:
        """Tell what a full pass would do now, and write nothing. Raise OSError."""
        passes, basis = self._passes, self._basis
        fights = passes.fights.standing(self._clock())
        return basis.forecast(passes.observe(), passes, fights) if basis.known else ()

    @property
    def families(self) -> tuple[tuple[Family, ...], ...]:
        """The address families that the networks use: all of them, then those of each."""
        return self._basis.networks.families

    def overdue(self, now: float) -> float:
        """Give the seconds by which a pass that should have been made is late."""
        return max(0.0, now - self._schedule.due) if self._may_write else 0.0

    # -- the loop -----------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Reconcile for ever. Raise OSError when the kernel cannot be asked: run it again."""
        while True:
            await self._wake.wait(within=max(0.0, self._schedule.due - self._clock()))
            await self.step()

    async def step(self) -> None:
        """Do what has rung: the small passes at once, the full one when it is due."""
        now = self._clock()
        if not self._may_write:
            self._schedule.postpone(now)
            return
        full = self._schedule.is_due(now)
        if self._inbox.anew and not full:
            return
        rung = self._inbox.take()
        task = self._basis.task(rung, now)
        try:
            await (self._full(task) if full else self._small(task))
        except BaseException:
            self._inbox.give_back(task.rung)
            self.look("a pass failed")
            raise

    @property
    def _may_write(self) -> bool:
        return self._basis.known and not self._halt.on

    async def _small(self, task: Task) -> None:
        if task.rung.lost:
            outcomes = await self._passes.restore(task)
            self._report(PassKind.RESTORE, task, outcomes, "a route was lost")
            self.look("a route was deleted")
        if task.rung.moved:
            outcomes = await self._passes.fast(task)
            if any(outcome.verdict not in _EXPECTED for outcome in outcomes):
                self.look("the kernel was not as expected")
            self._report(PassKind.FAST, task, outcomes, "; ".join(sorted(task.rung.why)))

    async def _full(self, task: Task) -> None:
        cause = self._schedule.begin(task.started)
        outcomes = await self._passes.full(task, audit=cause == AUDIT)
        self._schedule.ended(
            self._clock(),
            failed=any(outcome.verdict in _PASSING for outcome in outcomes),
            latest=self._passes.fights.next_end(),
        )
        self._report(PassKind.FULL, task, outcomes, cause)

    def _report(self, kind: PassKind, task: Task, outcomes: Sequence[Outcome], cause: str) -> None:
        restored = kind is PassKind.RESTORE  # it carries nothing of the store into the kernel
        if not restored:
            self._applied = task.revision
        report = Report(
            kind=kind,
            cause=cause,
            revision=self._applied,
            desired=len(self._passes.targets.wanted),
            outcomes=tuple(outcomes),
            seen=() if restored else tuple(task.rung.seen),
            started=task.started,
            finished=self._clock(),
            revisions={} if restored else task.revisions,
        )
        self._last = report
        if kind is PassKind.FULL:
            self._last_full = report
        self._told(report)
