"""What is so, what is wrong, and whether the node is ready: computed from the parts, kept nowhere.

Every part of the daemon has a small state of its own. Here they are put side by side; the status,
the conditions, the checks of `/readyz` and the gauges are all functions of that one value, so that
no two of them can disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TypeVar

from hostgw_core.health import Condition
from hostgw_core.model import Lease, Subnets
from hostgw_core.session import SessionState
from hostgw_core.upkeep import UpkeepState
from hostgw_core.view import ViewState
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.host.hostcheck import UNSEEN, HostState
from hostgw_daemon.kernel import ForeignRoute, Outcome, Verdict
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.probe.evidence import FINE, Diagnosis
from hostgw_daemon.probe.target import Key
from hostgw_daemon.routes.foreign import take_away
from hostgw_daemon.routes.peers import OWN_ADDRESS
from hostgw_daemon.routes.report import RoutesState
from hostgw_daemon.routes.understanding import Understanding
from hostgw_daemon.routes.watchfulness import Watchfulness
from hostgw_daemon.routes.withdrawals import NOBODY, Withdrawn
from hostgw_daemon.rules.masquerade import MasqueradeState, Standing
from hostgw_daemon.told.checks import Check, readiness
from hostgw_daemon.told.doubles import astray, claimants, doubles
from hostgw_daemon.told.withdrawn import absent, spared

T = TypeVar("T")

HOST = "host"
"""Who sees what all networks of a host stand on: a name that no network can have."""

NAMED = 3  # how many of many things a sentence names


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The states of all parts at one moment. `boottime` is seconds of CLOCK_BOOTTIME.

    `resting` is the lease that this node goes by before it has claimed one, `subnets` are those
    that its containers are in; `saved` is when what it remembers was written (seconds since the
    epoch, 0 for never). `troubles` are the network's own, `around` those of the parts that a host
    has one of.
    """

    view: ViewState
    understanding: Understanding | None
    claim: ClaimState
    lease: SessionState
    uplink: Uplink | NoUplink
    routes: RoutesState
    masquerade: MasqueradeState
    boottime: float
    host: HostState = UNSEEN
    resolved: int = 0
    guard: Watchfulness = field(default_factory=Watchfulness)
    resting: Lease | None = None
    subnets: Subnets = field(default_factory=Subnets)
    saved: float = 0.0
    subnet_file_written: bool = False
    upkeep: UpkeepState = field(default_factory=UpkeepState)
    troubles: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[Key, Diagnosis] | None = None
    probe_counts: Mapping[str, int] = field(default_factory=dict)
    around: Mapping[str, str] = field(default_factory=dict)
    withdrawn: Withdrawn = NOBODY


def conditions(parts: Parts) -> dict[str, str]:
    """Give everything that is wrong: the code of each condition and its particulars."""
    return {**_of_network(parts), **_of_host(parts)}


def reports(first: Parts, further: Mapping[str, Parts]) -> dict[str, dict[str, str]]:
    """Give what is wrong, by who sees it: this host, and each of its networks.

    A network alone is not told apart from its host. Of several, each detail names its network; a
    store that is away is said once.
    """
    if not further:
        return {HOST: conditions(first)}
    found = {HOST: _of_host(first)}
    said = {*found[HOST]}
    for name, parts in {FIRST: first, **further}.items():
        wrong = {code: it for code, it in _of_network(parts).items() if code not in said}
        found[name] = {code: f"network {name}: {detail}" for code, detail in wrong.items()}
        said |= wrong.keys() & {"store_unavailable", "store_denied"}
    return found


def _of_host(parts: Parts) -> dict[str, str]:
    found = dict(parts.around)
    details = parts.host.details().items()
    for code, detail in (*_of_uplink(parts), *_of_routes(parts), *details):
        found.setdefault(code, detail)
    if parts.masquerade.standing in (Standing.FAILING, Standing.CONTESTED):
        found["masquerade_failing"] = parts.masquerade.reason
    return found


def _of_network(parts: Parts) -> dict[str, str]:
    found = dict(parts.troubles)
    wrong = (*_of_store(parts), *_of_guard(parts), *_of_claim(parts), *_of_probes(parts))
    for code, detail in wrong:
        found.setdefault(code, detail)
    return found


def _of_view(view: ViewState) -> Iterator[tuple[str, str]]:
    if view.error:
        yield "store_denied" if view.denied else "store_unavailable", view.error


def _of_store(parts: Parts) -> Iterator[tuple[str, str]]:
    yield from _of_view(parts.view)
    if parts.upkeep.full:
        yield "store_full", parts.upkeep.full
    if parts.upkeep.grows:
        yield "store_grows", parts.upkeep.grows
    now = parts.understanding
    if now is None:
        return
    if now.overlap:
        yield "networks_overlap", now.config_trouble
    elif now.config_trouble:
        yield "no_config" if now.config is None else "bad_config", now.config_trouble
    counts = now.roster.reasons if now.roster is not None else {}
    refused = [(why, count) for why, count in counts.items() if why != OWN_ADDRESS]
    if refused:  # one at our own address is told of as `address_claimed`
        yield "records_refused", ", ".join(f"{count} {reason}" for reason, count in refused)


def _of_guard(parts: Parts) -> Iterator[tuple[str, str]]:
    now, guard = parts.understanding, parts.guard
    if now is not None and now.headless:
        peers = len(now.roster.peers) if now.roster is not None else 0
        ours = f"our subnet is {parts.resting.subnets}" if parts.resting else "we have no subnet"
        yield "headless", f"{peers} leases are remembered of {_moment(parts.saved)}; {ours}"
    if guard.broken is not None:
        code = "foreign_history" if guard.broken.foreign else "history_broken"
        leftovers = f"; {len(guard.leftovers)} records are not believed" if guard.leftovers else ""
        yield code, guard.broken.sentence() + leftovers
    grave = [hold for hold in guard.holds.values() if hold.grave]
    if grave:
        counts = Counter(hold.reason for hold in grave)
        yield "removals_held", "; ".join(f"{count}: {reason}" for reason, count in counts.items())


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _of_uplink(parts: Parts) -> Iterator[tuple[str, str]]:
    if isinstance(parts.uplink, NoUplink):
        yield "no_uplink", parts.uplink.reason
        return
    if not parts.uplink.up:
        yield "uplink_down", f"{parts.uplink.link.name} is down"
    elif not parts.uplink.carries:
        yield "uplink_down", f"{parts.uplink.link.name} is up and has no carrier"
    if parts.uplink.lacks:
        yield "family_missing", parts.uplink.lacks


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
    if rivals := claimants(parts.understanding):
        yield "address_claimed", _some(rivals)


def missing(parts: Parts) -> Iterator[Outcome]:
    """Give the missing routes, but for those of IPv6 where this host has no IPv6 address.

    That one thing is said of this host, and not of every other node.
    """
    alone = isinstance(parts.uplink, Uplink) and parts.uplink.lacks
    for outcome in parts.routes.missing:
        if not (alone and outcome.verdict is Verdict.OFF_LINK and outcome.write.route.family == 6):
            yield outcome


def _of_routes(parts: Parts) -> Iterator[tuple[str, str]]:
    routes = parts.routes
    by_verdict: dict[Verdict, list[Outcome]] = {}
    for outcome in missing(parts):
        by_verdict.setdefault(outcome.verdict, []).append(outcome)
    holding, shadowing = _by_effect(routes)
    if holding:
        yield "routes_conflict", _some(holding, take_away)
    elif conflicts := by_verdict.get(Verdict.CONFLICT):
        yield "routes_conflict", _some(conflicts, _refused)
    if off_link := by_verdict.get(Verdict.OFF_LINK):
        yield "gateways_off_link", _some(off_link, _refused)
    if failed := by_verdict.get(Verdict.FAILED):
        yield "routes_failing", _some(failed, _refused)
    if shadowing:
        yield "shadowed", _some(shadowing, take_away)
    if routes.fights:
        yield "fight", _some(routes.fights)
    if sentence := "; ".join(spared(parts.withdrawn)):
        yield "routes_spared", sentence


def _of_probes(parts: Parts) -> Iterator[tuple[str, str]]:
    now = parts.understanding
    if now is None or now.roster is None:
        return
    bad = [(key, each) for key, each in (parts.probes or {}).items() if each.cause not in FINE]
    shared = doubles(now) if bad else {}  # those have a cause of their own
    spoiled = _spoiled(parts) if bad else set()  # and so have those
    troubled = {
        peer: each
        for (key, _), each in bad
        if (peer := now.roster.peers.get(key))
        and peer.lease.node_id not in shared
        and spoiled.isdisjoint(map(str, peer.lease.subnets))
        and not astray(now, each.cause)
    }
    if troubled:
        yield (
            "peers_out_of_reach",
            _some(
                [*troubled.items()],
                lambda found: f"{found[0].lease.owner}: {found[1].cause}, {found[1].reason}",
            ),
        )
    if withdrawn := absent(parts.withdrawn, now.roster.peers):
        yield "routes_withdrawn", _some(withdrawn, ": ".join)


def _spoiled(parts: Parts) -> set[str]:
    """Give the subnets whose routes are in trouble: what probes find there is the consequence."""
    found = {outcome.write.route.prefix for outcome in missing(parts)}
    found |= {f"{ip_address(each.destination)}/{each.length}" for each in parts.routes.shadows}
    return found.union(parts.routes.fights)


def _by_effect(routes: RoutesState) -> tuple[list[ForeignRoute], list[ForeignRoute]]:
    """Part the foreign routes into those that hold the key of one of ours, and the others."""
    holding = [each for each in routes.shadows if each in routes.holders]
    shadowing = [each for each in routes.shadows if each not in routes.holders]
    return holding, shadowing


def _refused(outcome: Outcome) -> str:
    return f"{outcome.write.route}: {outcome.message}"


def _some(things: Sequence[T], words: Callable[[T], str] = str) -> str:
    """Name a few of many, in words; nothing is written out for those that are only counted."""
    more = len(things) - NAMED
    named = "; ".join(map(words, things[:NAMED]))
    return named + (f"; and {more} more" if more > 0 else "")


def ready_checks(parts: Parts, blocking: Iterable[Condition]) -> tuple[Check, ...]:
    """Give the checks of `/readyz`.

    A small pass that goes well makes nothing good that the last full one could not write.
    """
    last, full = parts.routes.last, parts.routes.last_full
    troubles = full.troubles if full is not None else ()
    if last is not None and last is not full:
        troubles += last.troubles
    failed = [outcome for outcome in troubles if outcome.verdict is Verdict.FAILED]
    return readiness(
        held=parts.claim.held or parts.resting is not None,
        first_pass=full is not None,
        trouble=f"{len(failed)} writes failed: {failed[0].message}" if failed else "",
        blocking=blocking,
        store="; ".join(f"{code}: {detail}" for code, detail in _of_view(parts.view)),
    )
