"""What is so, what is wrong, and whether the node is ready: computed from the parts, kept nowhere.

Every part of the daemon has a small state of its own. Here they are put side by side; the status,
the conditions, the checks of `/readyz` and the gauges are all functions of that one value, so that
no two of them can disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from hostgw_core.health import Condition
from hostgw_core.session import SessionState
from hostgw_core.view import ViewState
from hostgw_daemon.checks import Check, readiness
from hostgw_daemon.claimant import ClaimState
from hostgw_daemon.cluster import Understanding
from hostgw_daemon.foreign import Effect, cure, effect
from hostgw_daemon.kernel import ForeignRoute, Verdict
from hostgw_daemon.masquerade import MasqueradeState, Standing
from hostgw_daemon.peers import OWN_ADDRESS, Peer, PeerState
from hostgw_daemon.report import RoutesState
from hostgw_daemon.uplink import NoUplink, Uplink

NAMED = 3  # how many of many things a sentence names


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The states of all parts at one moment. `boottime` is seconds of CLOCK_BOOTTIME."""

    view: ViewState
    understanding: Understanding | None
    claim: ClaimState
    lease: SessionState
    uplink: Uplink | NoUplink
    routes: RoutesState
    masquerade: MasqueradeState
    boottime: float
    troubles: Mapping[str, str] = field(default_factory=dict)


def conditions(parts: Parts) -> dict[str, str]:
    """Give everything that is wrong: the code of each condition and its particulars."""
    found = dict(parts.troubles)
    for code, detail in (
        *_of_store(parts),
        *_of_uplink(parts),
        *_of_claim(parts),
        *_of_routes(parts.routes),
    ):
        found.setdefault(code, detail)
    if parts.masquerade.standing in (Standing.FAILING, Standing.CONTESTED):
        found["masquerade_failing"] = parts.masquerade.reason
    return found


def _of_store(parts: Parts) -> Iterator[tuple[str, str]]:
    if parts.view.error:
        yield "store_denied" if parts.view.denied else "store_unavailable", parts.view.error
    now = parts.understanding
    if now is None:
        return
    if now.config_trouble:
        yield "no_config" if now.config is None else "bad_config", now.config_trouble
    refusals = now.roster.refusals if now.roster is not None else {}
    if refusals:
        counts = Counter(refusal.reason for refusal in refusals.values())
        yield "records_refused", ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _of_uplink(parts: Parts) -> Iterator[tuple[str, str]]:
    if isinstance(parts.uplink, NoUplink):
        yield "no_uplink", parts.uplink.reason
    elif not parts.uplink.up:
        yield "uplink_down", f"{parts.uplink.link.name} is down"


def _of_claim(parts: Parts) -> Iterator[tuple[str, str]]:
    claim = parts.claim
    yield from claim.conditions.items()
    if claim.lease is None and any(claim.lost):
        yield "lease_lost", f"the lease of {claim.lost}"
    if any(claim.moved_from) and claim.lease is not None:
        yield "subnet_moved", f"{claim.lease.subnets} instead of {claim.moved_from}"
    if parts.lease.overdue(parts.boottime):
        late = parts.boottime - parts.lease.deadline
        yield "lease_overdue", f"{late:.0f} s past its end: {parts.lease.error}"
    now = parts.understanding
    refusals = now.roster.refusals.values() if now is not None and now.roster is not None else ()
    rivals = [refusal.detail for refusal in refusals if refusal.reason == OWN_ADDRESS]
    rivals += [f"the node {name} wants it" for name in (now.disputes if now is not None else ())]
    if rivals:
        yield "address_claimed", _some(rivals)


def _of_routes(routes: RoutesState) -> Iterator[tuple[str, str]]:
    by_verdict: dict[Verdict, list[str]] = {}
    for outcome in routes.missing:
        why = f"{outcome.write.route}: {outcome.message}"
        by_verdict.setdefault(outcome.verdict, []).append(why)
    holding = [route for route in routes.shadows if _holds(route, routes)]
    conflicts = [_take_away(route) for route in holding]
    conflicts = conflicts or by_verdict.get(Verdict.CONFLICT, [])
    shadows = [_take_away(route) for route in routes.shadows if route not in holding]
    for code, words in (
        ("routes_conflict", conflicts),
        ("gateways_off_link", by_verdict.get(Verdict.OFF_LINK, [])),
        ("routes_failing", by_verdict.get(Verdict.FAILED, [])),
        ("shadowed", shadows),
        ("fight", list(routes.fights)),
    ):
        if words:
            yield code, _some(words)


def _holds(route: ForeignRoute, routes: RoutesState) -> bool:
    """Tell whether a foreign route has the very key of one of ours that is missing."""
    return any(
        effect(route, outcome.write.route) is Effect.HOLDS
        for outcome in routes.missing
        if outcome.write.route.destination == route.destination
    )


def _take_away(route: ForeignRoute) -> str:
    via = f" via {ip_address(route.gateway)}" if route.gateway else ""
    prefix = f"{ip_address(route.destination)}/{route.length}"
    return f"{prefix}{via} of protocol {route.protocol}: {cure(route)}"


def _some(words: Iterable[str]) -> str:
    every = list(words)
    more = len(every) - NAMED
    return "; ".join(every[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def ready_checks(parts: Parts, blocking: Iterable[Condition]) -> tuple[Check, ...]:
    """Give the checks of `/readyz`."""
    last = parts.routes.last
    failed = [o for o in last.troubles if o.verdict is Verdict.FAILED] if last is not None else []
    return readiness(
        held=parts.claim.held,
        first_pass=parts.routes.last_full is not None,
        trouble=f"{len(failed)} writes failed: {failed[0].message}" if failed else "",
        blocking=blocking,
    )


def peer_states(parts: Parts) -> Iterator[tuple[Peer, str, str]]:
    """Give every other node with the state its routes are in, and the reason.

    The record's own trouble comes first; then what the kernel says of its routes.
    """
    now = parts.understanding
    roster = now.roster if now is not None else None
    if roster is None:
        return
    words = {Verdict.OFF_LINK: "off_subnet", Verdict.CONFLICT: "conflict"}
    troubled = {
        (outcome.write.route.destination, outcome.write.route.length): (
            words.get(outcome.verdict, "failed"),
            outcome.message,
        )
        for outcome in parts.routes.missing
    }
    for route in parts.routes.shadows:
        prefix = (route.destination, route.length)
        troubled.setdefault(prefix, ("shadowed", _take_away(route)))
    fights = set(parts.routes.fights)
    for peer in roster.peers.values():
        if peer.state is PeerState.SELF:
            continue
        state, reason = str(peer.state), peer.reason
        for subnet in peer.lease.subnets if peer.state is PeerState.OK else ():
            prefix = (subnet.network_address.packed, subnet.prefixlen)
            if str(subnet) in fights:
                state, reason = "fight", "somebody deletes its route as fast as it is put back"
            elif prefix in troubled:
                state, reason = troubled[prefix]
        yield peer, state, reason
