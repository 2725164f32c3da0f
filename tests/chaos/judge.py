"""The invariants, judged from what was seen. Pure.

| invariant | holds when |
|---|---|
| packets | every packet between healthy hosts was answered; what a fault allows is in a window |
| foreign routes | no planted route of somebody else came or went |
| one subnet, one node | at no revision of the store two nodes held overlapping leases |
| routes to the living | no route of ours to the subnet of a host that stands was removed |
| completeness | between a daemon's start and its readiness no route was removed whose lease stood |
| no way back | no route went back to a gateway that its lease had had before |

That tables equal the leases is looked at while it happens: see `settle.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from chaos.record import Deed, Evidence, LeaseEvent, Loss, RouteChange, Start, Violation, Window

OURS = 104  # the protocol of the routes that hostgwd makes
_BEHIND = 0.5  # seconds that the witness of the store may be late
RESTART = 3.0  # seconds in which a daemon that comes back must have put its routes right


def loss_windows(deeds: Sequence[Deed]) -> list[Window]:
    """Give when, and to which hosts, packets may be lost."""
    return [window for deed in deeds if deed.fault.allowance.loses for window in _of(deed, deeds)]


def removal_windows(deeds: Sequence[Deed]) -> list[Window]:
    """Give when, and from which hosts, routes of ours may be removed."""
    return [window for deed in deeds if deed.fault.allowance.removes for window in _of(deed, deeds)]


def _of(deed: Deed, deeds: Sequence[Deed]) -> Iterator[Window]:
    """Give the windows of one deed.

    What one fault spoils on a host nobody mends while another has silenced the host's daemon: then
    it lasts until that daemon is back.
    """
    allowed = deed.fault.allowance
    spans = [(deed.injected, deed.back + allowed.after)]
    if allowed.brief:
        spans = [
            (deed.injected, deed.settled + allowed.after),
            (deed.healing, deed.healed + allowed.after),
        ]
    for host in deed.hosts:
        for since, until in spans:
            for other in deeds:
                silent = other.fault.silences and host in other.hosts
                if silent and other.injected <= until and since <= other.back:
                    until = max(until, other.back + RESTART)  # noqa: PLW2901 - it grows
            yield Window(host, since, until, allowed.why)


def unexcused(losses: Iterable[Loss], windows: Sequence[Window]) -> list[Loss]:
    """Give the losses that no window excuses."""
    return [
        loss
        for loss in losses
        if not any(
            each.covers(frozenset({loss.source, loss.target}), loss.sent) for each in windows
        )
    ]


def judge(seen: Evidence) -> list[Violation]:
    """Give everything that was not as it must be."""
    return [
        *seen.violations,
        *_packets(seen),
        *_foreign(seen),
        *two_nodes(seen.leases),
        *_removals(seen),
        *_backwards(seen),
    ]


def _packets(seen: Evidence) -> Iterator[Violation]:
    lost = unexcused(seen.losses, loss_windows(seen.deeds))
    pairs: dict[tuple[int, int], list[float]] = defaultdict(list)
    for loss in lost:
        pairs[loss.source, loss.target].append(loss.sent)
    for (source, target), moments in sorted(pairs.items()):
        yield Violation(
            "packets",
            f"n{source + 1} -> n{target + 1}: {len(moments)} lost, "
            f"{_since(seen, min(moments))} to {_since(seen, max(moments))}",
        )


def _foreign(seen: Evidence) -> Iterator[Violation]:
    for change in seen.changes:
        if (change.destination, change.table, change.protocol) in seen.planted and change.gone:
            yield Violation("foreign routes", f"{_route(change)} went, {_since(seen, change.when)}")


def two_nodes(history: Iterable[LeaseEvent]) -> Iterator[Violation]:
    """Follow the store's history; give each revision at which two nodes held one subnet.

    Only records that name a node count: what a stranger writes beside them is a fault.
    """
    holders: dict[str, str] = {}
    at = -1
    for event in sorted(history, key=lambda each: (each.history, each.revision, not each.gone)):
        if event.history != at:
            holders, at = {}, event.history
        if event.gone:
            holders.pop(event.key, None)
        elif event.node:
            before = holders.get(event.key, event.node)
            if before != event.node and not event.created:
                yield _shared(event, event.key, before)
            holders[event.key] = event.node
            for key, node in holders.items():
                if node != event.node and _subnet(key).overlaps(_subnet(event.key)):
                    yield _shared(event, key, node)


def _shared(event: LeaseEvent, key: str, node: str) -> Violation:
    return Violation(
        "one subnet, one node",
        f"revision {event.revision}: {event.node} wrote {event.key} while {node} held {key}",
    )


def _removals(seen: Evidence) -> Iterator[Violation]:
    windows = removal_windows(seen.deeds)
    living = {str(subnet) for subnet in seen.subnets}
    for change in seen.changes:
        if not change.gone or change.protocol != OURS:
            continue
        if any(each.covers(frozenset({change.host}), change.when) for each in windows):
            continue
        if change.destination in living:
            yield Violation(
                "routes to the living", f"{_route(change)} went, {_since(seen, change.when)}"
            )
        for start in seen.starts:
            if _before_ready(start, change) and _stood(seen.leases, change):
                yield Violation(
                    "completeness",
                    f"{_route(change)} went {change.when - start.started:.2f} s after the start of "
                    "the daemon, before it was ready",
                )


def _before_ready(start: Start, change: RouteChange) -> bool:
    return start.host == change.host and start.started <= change.when < start.ready


def _stood(history: Sequence[LeaseEvent], change: RouteChange) -> bool:
    """Tell whether the lease of a route was in the store when the route went.

    A moment of grace: the witness of the store may be a little behind that of the routes.
    """
    key = change.destination.replace("/", "-")
    last = max((event.history for event in history), default=0)
    about = [
        event
        for event in history
        if event.key == key and event.history == last and event.when <= change.when + _BEHIND
    ]
    return bool(about) and not about[-1].gone and about[-1].gateway == change.gateway


def _backwards(seen: Evidence) -> Iterator[Violation]:
    """Follow the canary, whose gateways only ever grow: a restored store must not move it back."""
    latest: dict[int, RouteChange] = {}
    for change in seen.changes:
        if change.destination != seen.canary or change.gone or change.protocol != OURS:
            continue
        before = latest.get(change.host)
        if before is None or IPv4Address(before.gateway) <= IPv4Address(change.gateway):
            latest[change.host] = change
        else:
            yield Violation(
                "no way back",
                f"{_route(change)} came after {before.gateway}, {_since(seen, change.when)}",
            )


def _subnet(key: str) -> IPv4Network:
    return IPv4Network(key.partition("&")[0].replace("-", "/"))


def _route(change: RouteChange) -> str:
    via = f" via {change.gateway}" if change.gateway else ""
    return (
        f"n{change.host + 1}: {change.destination}{via} metric {change.metric} "
        f"proto {change.protocol} table {change.table}"
    )


def _since(seen: Evidence, when: float) -> str:
    """Say a moment as a person can place it: by the last thing that the driver did before it."""
    acts = [
        (moment, f"{what} {deed.fault.name}")
        for deed in seen.deeds
        for moment, what in ((deed.injected, "injecting"), (deed.healing, "healing"))
        if moment <= when
    ]
    if not acts:
        return "before the fault"
    moment, what = max(acts)
    return f"{when - moment:.2f} s after {what}"
