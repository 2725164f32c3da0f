"""What changed about this node itself, as events: its leases, and its link to the others."""

from __future__ import annotations

from dataclasses import dataclass

from hostgw_core.model import Subnets
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.told.journal import Event, Kind


class LeaseLog:
    """Remembers which lease this node held, in one network."""

    def __init__(self, network: str = "") -> None:
        self._network = network
        self._held: Subnets | None = None
        self._last: Subnets | None = None
        self._since = 0.0

    def news(self, claim: ClaimState, now: float) -> list[Event]:
        """Compare with how the claim stands now."""
        lease, before = claim.lease, self._held
        subnets = lease.subnets if lease is not None else None
        if subnets == before:
            return []
        stood = now - self._since if before is not None or self._last is not None else None
        self._held, self._since = subnets, now
        moved_from = before or self._last
        self._last = subnets or moved_from
        kind, words, revision = Kind.LEASE_LOST, f"{before} is not held any more", 0
        if claim.drained:
            kind, words = Kind.LEASE_LEFT, f"{before} was given back on purpose"
        elif lease is not None:
            kind, words, revision = (
                Kind.LEASE_HELD,
                f"{subnets} is held: {claim.how}",
                lease.modified,
            )
            if moved_from is not None and moved_from != subnets:
                kind = Kind.LEASE_MOVED
                words = f"{subnets} is held instead of {moved_from}: {claim.how}"
        return [
            Event(
                moment=now,
                kind=kind,
                subject=str(subnets or before),
                says=words,
                revision=revision,
                stood=stood,
                network=self._network,
            )
        ]


@dataclass(frozen=True, slots=True)
class _Stand:
    name: str
    words: str


class LinkLog:
    """Remembers how the link to the others stood."""

    def __init__(self) -> None:
        self._stand: _Stand | None = None
        self._since = 0.0

    def news(self, uplink: Uplink | NoUplink, cause: str, now: float) -> list[Event]:
        """Compare with how it stands now; `cause` says why it was looked at."""
        stand, before = _stand(uplink), self._stand
        if stand == before:
            return []
        stood = now - self._since if before is not None else None
        self._stand, self._since = stand, now
        return [
            Event(
                moment=now,
                kind=Kind.LINK,
                subject=stand.name or (before.name if before is not None else ""),
                says=stand.words,
                cause=cause,
                stood=stood,
            )
        ]


def _stand(uplink: Uplink | NoUplink) -> _Stand:
    if isinstance(uplink, NoUplink):
        return _Stand("", f"no link leads to the other nodes: {uplink.reason}")
    link = uplink.link
    state = "down" if not link.up else "up" if link.carrier else "up, without carrier"
    words = f"{link.name} {state}, index {link.index}, {uplink.addresses}, MTU {link.mtu}"
    return _Stand(link.name, words)
