"""What happened to the routes, as events: own passes, losses, other people's routes.

Ten thousand routes that go are one event and not ten thousand: what happens at one time is gathered
by its kind, by who did it and why, and of more than a `FEW` the number is told and some names. Who
gathers waits a moment (`chronicle`) before he asks for the `news`.

Only what concerns our routes is told: the host's other routes may be hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from hostgw_daemon.kernel import (
    PROTOCOL,
    ForeignRoute,
    KernelEvent,
    Overrun,
    Route,
    RouteForeign,
    RouteLost,
    Verb,
    Verdict,
)
from hostgw_daemon.routes.foreign import Effect, effect
from hostgw_daemon.routes.report import PassKind, Report
from hostgw_daemon.routes.targets import Targets
from hostgw_daemon.told.journal import By, Event, Kind

FEW: Final = 32
"""How many events of one kind, at one time, are told one by one."""

NAMED: Final = 3  # how many of very many are named
STRANGERS: Final = 4096  # of how many foreign routes it is known when they came

_WORDS = {
    Kind.ROUTE_CREATED: ("was made", "routes were made"),
    Kind.ROUTE_DELETED: ("was deleted", "routes were deleted"),
    Kind.ROUTE_RESTORED: ("was put back", "routes were put back"),
    Kind.ROUTE_LOST: ("was deleted by somebody else", "routes were deleted by somebody else"),
    Kind.ROUTE_TAKEN: ("was put in the place of ours", "routes were put in the place of ours"),
    Kind.FOREIGN_CAME: ("came", "foreign routes came"),
    Kind.FOREIGN_WENT: ("is gone", "foreign routes are gone"),
    Kind.UNHEARD: ("the kernel dropped notifications", "times the kernel dropped notifications"),
}


@dataclass(slots=True)
class _Gathered:
    """What happened at one time: the first of it, and how much it is."""

    first: list[Event] = field(default_factory=list)
    count: int = 0

    def told(self) -> list[Event]:
        """Give an event each, or one for all."""
        if self.count <= FEW:
            return self.first
        event = self.first[0]
        names = ", ".join(each.subject for each in self.first[:NAMED])
        return [
            Event(
                moment=event.moment,
                kind=event.kind,
                subject=f"{names}, ...",
                says=f"{self.count} {_WORDS[event.kind][1]}",
                by=event.by,
                cause=event.cause,
                revision=event.revision,
                count=self.count,
            )
        ]


class RouteLog:
    """Gathers. `name_of` gives the name of the process behind a port id; moments are of one clock.

    It remembers when each route was made by us, and since when it is away.
    """

    def __init__(self, name_of: Callable[[int], str] = lambda _port: "") -> None:
        self._name_of = name_of
        self._made: dict[Route, float] = {}
        self._away: dict[Route, float] = {}
        self._strangers: dict[ForeignRoute, float] = {}
        self._gathered: dict[tuple[object, ...], _Gathered] = {}

    @property
    def gathering(self) -> bool:
        """Whether there is anything to be told."""
        return bool(self._gathered)

    def news(self) -> list[Event]:
        """Give what was gathered, in the order in which each kind of it began."""
        gathered, self._gathered = self._gathered, {}
        return [event for each in gathered.values() for event in each.told()]

    # -- our own passes -----------------------------------------------------------------------

    def passed(self, report: Report, wanted: AbstractSet[Route], now: float) -> None:
        """Take note of a pass that ended now."""
        for write, verdict, *_ in report.outcomes:
            route = write.route
            if verdict is Verdict.CREATED:
                self._created(report, route, now)
            elif write.verb is Verb.DELETE and verdict in (Verdict.DELETED, Verdict.GONE):
                made = self._made.pop(route, None)
                if verdict is Verdict.DELETED:
                    self._own(Kind.ROUTE_DELETED, report, route, now, _since(made, now))
        if report.kind is PassKind.FULL:
            self._forget_all_but(wanted)

    def _forget_all_but(self, wanted: AbstractSet[Route]) -> None:
        """Drop what is of no use any more; a route that went with its link is deleted by nobody."""
        for gone in [route for route in self._away if route not in wanted]:
            del self._away[gone]
        if len(self._made) > 2 * len(wanted):
            self._made = {route: at for route, at in self._made.items() if route in wanted}

    def _created(self, report: Report, route: Route, now: float) -> None:
        away, made = self._away.pop(route, None), self._made.get(route)
        self._made[route] = now
        back = away is not None or made is not None  # it may go without a word, with its link
        kind = Kind.ROUTE_RESTORED if back else Kind.ROUTE_CREATED
        self._own(kind, report, route, now, _since(away, now))

    def _own(
        self, kind: Kind, report: Report, route: Route, now: float, stood: float | None
    ) -> None:
        if (few := self._gather(kind, report.cause, report.revision)) is not None:
            few.append(
                Event(
                    moment=now,
                    kind=kind,
                    subject=route.prefix,
                    says=f"{route} {_WORDS[kind][0]}",
                    cause=report.cause,
                    revision=report.revision,
                    stood=stood,
                )
            )

    # -- what others do -----------------------------------------------------------------------

    def heard(self, events: Iterable[KernelEvent], targets: Targets, now: float) -> None:
        """Take what the kernel said, as long as the processes behind it may still be there."""
        names: dict[int, str] = {}
        for event in events:
            match event:
                case RouteLost(route, port):
                    if route in targets.wanted:
                        self._lost(route, self._by(port, names), now)
                case RouteForeign(port=port):
                    prefix = (event.route.destination, event.route.length)
                    ours = targets.prefixes.get(prefix)
                    if ours is not None or event.route.protocol == PROTOCOL:
                        by = self._by(port, names, event.route.protocol)
                        self._foreign(event, ours, by, now)
                case Overrun():
                    self._unheard(now)
                case _:
                    pass

    def _lost(self, route: Route, by: By, now: float) -> None:
        stood = self._gone(route, now)
        if (few := self._gather(Kind.ROUTE_LOST, by)) is not None:
            few.append(_done(Kind.ROUTE_LOST, by, (route.prefix, str(route)), now, stood))

    def _foreign(self, event: RouteForeign, ours: Route | None, by: By, now: float) -> None:
        theirs, stood = event.route, None
        if not event.added:
            kind, stood = Kind.FOREIGN_WENT, _since(self._strangers.pop(theirs, None), now)
        else:
            kind = Kind.FOREIGN_CAME
            self._strangers[theirs] = now
            if len(self._strangers) > STRANGERS:
                del self._strangers[next(iter(self._strangers))]
            if event.took and ours is not None and effect(theirs, ours) is Effect.HOLDS:
                kind, stood = Kind.ROUTE_TAKEN, self._gone(ours, now)
        if (few := self._gather(kind, by)) is not None:
            few.append(_done(kind, by, (prefix_of(theirs), _named(theirs)), now, stood))

    def _gone(self, route: Route, now: float) -> float | None:
        """Note that a route of ours is not there; give how long it stood."""
        self._away.setdefault(route, now)
        return _since(self._made.pop(route, None), now)

    def _unheard(self, now: float) -> None:
        kind = Kind.UNHEARD
        if (few := self._gather(kind)) is not None:
            says, by = _WORDS[kind][0], By("kernel")
            few.append(Event(moment=now, kind=kind, subject="routes", says=says, by=by))

    def _by(self, port: int, names: dict[int, str], protocol: int = PROTOCOL) -> By:
        if port == 0:
            return By("kernel", protocol=protocol)
        if port not in names:
            names[port] = self._name_of(port)
        return By("other", port, names[port], protocol)

    def _gather(self, *key: object) -> list[Event] | None:
        """Count one more of a kind; give where it belongs, None where it is one of too many."""
        gathered = self._gathered.get(key)
        if gathered is None:
            gathered = self._gathered[key] = _Gathered()
        gathered.count += 1
        return gathered.first if gathered.count <= FEW else None


def _done(kind: Kind, by: By, named: tuple[str, str], now: float, stood: float | None) -> Event:
    """Tell what somebody else did to a route, which is named by its prefix and in full."""
    subject, route = named
    says = f"{route} {_WORDS[kind][0]}"
    return Event(moment=now, kind=kind, subject=subject, says=says, by=by, stood=stood)


def prefix_of(route: ForeignRoute) -> str:
    """Give the destination as people write it."""
    return f"{ip_address(route.destination)}/{route.length}"


def _named(route: ForeignRoute) -> str:
    via = f" via {ip_address(route.gateway)}" if route.gateway else ""
    metric = f" metric {route.metric}" if route.metric else ""
    return f"{prefix_of(route)}{via}{metric} of protocol {route.protocol}"


def _since(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, now - moment)
