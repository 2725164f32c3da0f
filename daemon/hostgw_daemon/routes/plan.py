"""The difference between the routes there should be and those there are, as writes in order.

A route whose key stands with another content is *moved*: the new one is appended beside the old one
and the old one deleted after that, so that there is never a moment without one, and nobody's route
is ever replaced. Everything that comes goes in before anything goes out.

One case is different. IPv6 takes two routes of one key for the same when gateway and link are the
same, whatever their form (net/ipv6/ip6_fib.c, rt6_duplicate_nexthop), and refuses the second. So
the new one cannot stand beside the old one: a *bridge*, the new route under another metric, carries
the packets while one is deleted and the other made, and goes in the end.

Laws: doing plan(d, o) to o gives d; plan(d, d) is empty; a destination that is in both has a route
at every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import TypeAlias

from hostgw_daemon.kernel import Outcome, Route, Table, Verb, Verdict, Write

Key: TypeAlias = tuple[bytes, int, int, int]


def plan(
    desired: Table, observed: Table, may_go: Callable[[Route], bool] = lambda _route: True
) -> tuple[Write, ...]:
    """Give the writes that make `observed` into `desired`; both are ours alone.

    What is not desired and may not go stays; and so what would take its place has to wait.
    """
    # Sorted, so that the same difference is the same plan: for people, logs and tests.
    coming, going = sorted(desired - observed), sorted(observed - desired)
    staying = {route.key for route in going if not may_go(route)}
    if staying:
        going = [route for route in going if route.key not in staying]
        coming = [route for route in coming if route.key not in staying]
    there = {_nexthop(route) for route in going if route.family == 6}
    remade = {route.key: route for route in coming if _nexthop(route) in there}
    kept = {route.key for route in desired & observed}  # another way of theirs carries the packets
    alone = [route for key, route in remade.items() if key not in kept]
    bridges = list(_bridges(alone, {route.key for route in desired | observed}))
    return (
        *_beside([r for r in coming if r.key not in remade], {route.key for route in observed}),
        *(Write(Verb.CREATE, route) for route in bridges),
        *(Write(Verb.DELETE, route) for route in going if route.key in remade),
        *_beside([route for route in coming if route.key in remade], kept),
        *(Write(Verb.DELETE, route) for route in going if route.key not in remade),
        *(Write(Verb.DELETE, route) for route in bridges),
    )


def _beside(coming: Iterable[Route], held: set[Key]) -> Iterator[Write]:
    """Create each, or append it where its key is held by ours already: by one of these, too."""
    for route in coming:
        yield Write(Verb.APPEND if route.key in held else Verb.CREATE, route)
        held.add(route.key)


def retreat(outcomes: Iterable[Outcome]) -> tuple[Write, ...]:
    """Give the writes that take a moved IPv6 route back from beside a stranger's.

    IPv6 makes one multipath of all routes of a key, whoever wrote them, and sends packets both
    ways. If the old route was not there to be deleted, nobody knows what the new one was appended
    to: it goes, and is created anew, which the kernel refuses where somebody holds the key. So does
    a second way, if the first could not be created.
    """
    met: dict[object, bool] = {}  # whether a key held what we had there
    appended: list[Route] = []
    for (verb, route), verdict, *_ in outcomes:
        if route.family == 6 and verb is Verb.DELETE:
            met[route.key] = met.get(route.key, False) or verdict is not Verdict.GONE
        elif route.family == 6 and verb is Verb.APPEND and verdict is Verdict.CREATED:
            appended.append(route)
        elif route.family == 6 and verb is Verb.CREATE and verdict is Verdict.CONFLICT:
            met.setdefault(route.key, False)
    alone = [route for route in appended if not met.get(route.key, True)]
    return tuple(Write(verb, route) for verb in (Verb.DELETE, Verb.CREATE) for route in alone)


def _nexthop(route: Route) -> tuple[object, ...]:
    """Give what IPv6 holds only one of."""
    return (*route.key, route.gateway, route.link)


def _bridges(blocked: Iterable[Route], held: Container[Key]) -> Iterator[Route]:
    """Give each route once more, under the next metric that no route of ours has there."""
    for route in blocked:
        bridge = route
        while bridge.key in held:
            bridge = bridge._replace(metric=(bridge.metric + 1) % (1 << 32) or 1)
        yield bridge
