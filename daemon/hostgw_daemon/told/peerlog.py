"""What changed about the other nodes, as events: by a level that is compared, so nothing is missed.

Only those with a trouble are remembered, and only they are looked at. A switch that dies takes ten
thousand peers with it: that is one event a cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hostgw_daemon.routes.peers import Peer
from hostgw_daemon.told.journal import Event, Kind

FEW: Final = 32
"""How many peers that come into one state are told one by one."""

NAMED: Final = 3  # how many of very many are named


@dataclass(frozen=True, slots=True)
class _Trouble:
    name: str
    state: str
    since: float


class PeerLog:
    """Remembers who was in trouble, in one network."""

    def __init__(self, network: str = "") -> None:
        self._network = network
        self._known: dict[bytes, _Trouble] = {}

    def news(self, troubled: Iterable[tuple[Peer, str, str]], now: float) -> list[Event]:
        """Compare with those who are in trouble now (`peerstates.troubled_peers`)."""
        before, self._known = self._known, {}
        changes: dict[tuple[str, str], list[Event]] = {}
        for peer, state, reason in troubled:
            key, name = peer.lease.key, peer.lease.owner
            was = before.pop(key, None)
            if was is not None and was.state == state:
                self._known[key] = was
                continue
            self._known[key] = _Trouble(name, state, now)
            former = was.state if was is not None else ""
            words = f"{former} -> {state}: {reason}" if former else f"{state}: {reason}"
            changes.setdefault((former, state), []).append(self._event(name, words, was, now))
        for was in before.values():
            event = self._event(was.name, f"{was.state} is over", was, now)
            changes.setdefault((was.state, ""), []).append(event)
        return [event for group in changes.items() for event in self._told(*group)]

    def _event(self, name: str, words: str, was: _Trouble | None, now: float) -> Event:
        stood = now - was.since if was is not None else None
        return Event(
            moment=now,
            kind=Kind.PEER,
            subject=name,
            says=words,
            stood=stood,
            network=self._network,
        )

    def _told(self, change: tuple[str, str], events: list[Event]) -> Iterator[Event]:
        if len(events) <= FEW:
            yield from events
            return
        former, state = change
        says = f"{former} is over" if not state else f"{former} -> {state}" if former else state
        yield Event(
            moment=events[0].moment,
            kind=Kind.PEER,
            subject=", ".join(event.subject for event in events[:NAMED]) + ", ...",
            says=f"{len(events)} peers: {says}",
            count=len(events),
            network=self._network,
        )
