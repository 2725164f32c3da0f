"""What the next full pass would do, and why: a plan that nobody carries out.

Its writes are those of `plan`; here each of them gets the reason that a person asks for. What was
aimed at before tells a new lease from a route that was deleted, and a lease that has gone from a
route that never was anybody's.

Law: what is added, moved and removed here is what doing the plan would make of the kernel's table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from hostgw_daemon.kernel import Outcome, Route, Table, Verb
from hostgw_daemon.routes.desired import NONE, RouteRule, desired, routes_to
from hostgw_daemon.routes.peers import PeerState, Roster
from hostgw_daemon.routes.plan import plan
from hostgw_daemon.routes.withdrawals import Key


class Action(StrEnum):
    """What happens to a route."""

    ADD = "add"
    MOVE = "move"
    REMOVE = "remove"
    KEEP = "keep"  # it is there, and stays although nobody's lease says so
    WAIT = "wait"  # it should be there, and is left alone for a while


class Cause(StrEnum):
    """Why."""

    NEW = "new"
    MISSING = "missing"
    REFUSED = "refused"
    MOVED = "moved"
    GONE = "gone"
    STRANGE = "strange"
    HELD = "held"
    UNSURE = "unsure"
    FIGHT = "fight"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Change:
    """One route: what happens to it, why, whose it is; `before` is what it is moved from."""

    action: Action
    route: Route
    cause: Cause
    why: str
    owner: str = ""
    before: Route | None = None

    @property
    def changes(self) -> bool:
        """Whether the kernel's table would be another one by it."""
        return self.action in (Action.ADD, Action.MOVE, Action.REMOVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of the passes before: what they were for, and what the kernel would not take.

    `fought_over` are left alone for now; `may_go` says what may be removed; the routes of the
    `withdrawn` are not wanted at present.
    """

    aimed: Collection[Route] = ()
    missing: Mapping[Route, Outcome] = field(default_factory=dict)
    fought_over: Table = frozenset()
    may_go: Callable[[Route], bool] = lambda _route: True
    withdrawn: AbstractSet[Key] = NONE


def forecast(
    rosters: Iterable[Roster], rule: RouteRule, observed: Table, past: Past
) -> tuple[Change, ...]:
    """Tell what a pass over these rosters would do, and which routes only the guard keeps."""
    rosters = tuple(rosters)
    wanted = frozenset[Route]().union(
        *(desired(roster, rule, past.withdrawn) for roster in rosters)
    )
    held = (
        (peer.lease.owner, routes_to(peer, rule, past.withdrawn), peer.reason)
        for roster in rosters
        for peer in roster.peers.values()
        if peer.state is PeerState.HELD
    )
    away, witnesses = absence(rosters, rule, past.withdrawn)
    told = changes(wanted, observed, past, partial(_owner, rosters))
    return (
        *(_as_withdrawn(each, away, witnesses) for each in told),
        *(
            Change(Action.WAIT, route, Cause.WITHDRAWN, _AWAY, owner)
            for route, owner in sorted(away.items())
            if route not in observed
        ),
        *kept(held, observed),
    )


_AWAY: Final = "it is withdrawn, for its node is out of reach (--withdraw-states)"
_WITNESS: Final = "probes go there, while the route to all of the subnet is withdrawn"


class Absence(NamedTuple):
    """The routes that are withdrawn, and those for probes instead; of each the node."""

    away: Mapping[Route, str] = {}
    witnesses: Mapping[Route, str] = {}


def absence(rosters: Iterable[Roster], rule: RouteRule, withdrawn: AbstractSet[Key]) -> Absence:
    """Give what is not there because it is withdrawn, and what is there because of that."""
    away: dict[Route, str] = {}
    witnesses: dict[Route, str] = {}
    for key in {key for key, _ in withdrawn}:
        for peer in (peer for roster in rosters if (peer := roster.peers.get(key))):
            usual, now = routes_to(peer, rule), routes_to(peer, rule, withdrawn)
            away |= dict.fromkeys(usual - now, peer.lease.owner)
            witnesses |= dict.fromkeys(now - usual, peer.lease.owner)
    return Absence(away, witnesses)


def _as_withdrawn(
    change: Change, away: Mapping[Route, str], witnesses: Mapping[Route, str]
) -> Change:
    """Give the true reason where a route is withdrawn, or is there for probes alone."""
    if change.route in away and change.action is Action.REMOVE:
        return replace(change, cause=Cause.WITHDRAWN, why=_AWAY, owner=away[change.route])
    if change.route in witnesses and change.cause is Cause.NEW:
        owner = witnesses[change.route]
        return replace(change, cause=Cause.WITHDRAWN, why=_WITNESS, owner=owner)
    return change


def clearance(observed: Table) -> tuple[Change, ...]:
    """Tell what a pass would do that leaves nothing."""
    why = "this node has left on purpose"
    return tuple(Change(Action.REMOVE, route, Cause.GONE, why) for route in sorted(observed))


def _owner(rosters: Iterable[Roster], route: Route) -> str:
    """Give the node that a route leads to, "" for none."""
    network = ip_network((route.destination, route.length))
    for roster in rosters:
        if (key := roster.ground.holder(network)) and network in roster.peers[key].lease.subnets:
            return roster.peers[key].lease.owner
    return ""


def changes(
    wanted: Table,
    observed: Table,
    past: Past,
    owner: Callable[[Route], str] = lambda _route: "",
) -> Iterator[Change]:
    """Tell of every route for which something is to be done or held back.

    `owner` gives the node that a route leads to, "" for none.
    """
    aimed, missing = past.aimed, past.missing
    left_alone = past.fought_over - observed
    writes = plan(wanted - left_alone, observed, past.may_go)
    deleted = {route for verb, route in writes if verb is Verb.DELETE} & observed
    created = {route for verb, route in writes if verb is not Verb.DELETE} & wanted
    by_key: dict[object, Route] = {route.key: route for route in sorted(deleted, reverse=True)}
    moved = set[Route]()
    for route in sorted(created):
        before = by_key.get(route.key)
        if before is None:
            yield _added(route, aimed, missing, owner(route))
        else:
            moved |= {each for each in deleted if each.key == route.key}
            yield _moved(route, before, aimed, owner(route))
    for route in sorted(deleted - moved):
        yield _removed(route, aimed)
    for route in sorted(observed - wanted - deleted):
        why = "whether it may go is not known before the store has been read"
        yield Change(Action.KEEP, route, Cause.UNSURE, why, owner(route))
    for route in sorted(left_alone & wanted):
        why = "somebody deletes it as fast as it is put back: it is tried again in a while"
        yield Change(Action.WAIT, route, Cause.FIGHT, why, owner(route))


def kept(held: Iterable[tuple[str, Iterable[Route], str]], observed: Table) -> Iterator[Change]:
    """Tell of the routes that only the guard keeps; of each lease its node, routes, and why."""
    for owner, routes, why in held:
        for route in sorted(routes):
            if route in observed:
                yield Change(Action.KEEP, route, Cause.HELD, why, owner)


def _added(
    route: Route, aimed: Collection[Route], missing: Mapping[Route, Outcome], owner: str
) -> Change:
    if route in missing:
        why = f"the kernel refused it last time: {missing[route].message}"
        return Change(Action.ADD, route, Cause.REFUSED, why, owner)
    if route in aimed:
        why = "it was there, and somebody has deleted it"
        return Change(Action.ADD, route, Cause.MISSING, why, owner)
    why = f"{owner} has a lease that is new here" if owner else "the settings ask for it"
    return Change(Action.ADD, route, Cause.NEW, why, owner)


def _moved(route: Route, before: Route, aimed: Collection[Route], owner: str) -> Change:
    via = f"via {ip_address(before.gateway)}" if before.gateway else "to nowhere"
    if before in aimed:
        why = f"{owner or 'its node'} was reached {via} until now"
        return Change(Action.MOVE, route, Cause.MOVED, why, owner, before)
    why = f"in its place is a route of our protocol {via} that nobody's lease asks for"
    return Change(Action.MOVE, route, Cause.STRANGE, why, owner, before)


def _removed(route: Route, aimed: Collection[Route]) -> Change:
    if route in aimed:
        return Change(Action.REMOVE, route, Cause.GONE, "no lease leads there any more")
    why = "it is of our protocol, and no lease leads there"
    return Change(Action.REMOVE, route, Cause.STRANGE, why)
