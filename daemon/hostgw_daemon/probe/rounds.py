"""Rounds of questions that somebody ordered: who is asked by every way, and what came back. Pure.

The prober asks everybody in turn anyway, and remembers what that means and not each answer. Who
orders a round wants to see the answers themselves, of questions that were sent after the order.

A way has said its word when its trial is decided: an answer where all was well before, or as many
losses or answers in a row as turn it (`evidence`). So the diagnosis after a round is that of the
round. Whoever hangs between the two for long is given up after `LONGEST`.

A way that proves nothing, because the peer's daemon says of itself what it would show, is asked in
a round all the same, *apart*: its answer goes into the round alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hostgw_daemon.probe.datagram import Way
from hostgw_daemon.probe.evidence import Evidence
from hostgw_daemon.probe.target import Key
from hostgw_daemon.probe.trial import LOSSES

LONGEST: Final = 10.0
"""Seconds from the first question to a peer until it counts as asked, whatever is still open."""

KEPT: Final = 8
"""How many rounds are remembered: who asks for an older one is told that it is gone."""

ROOM: Final = 20_000
"""How many peers they may have asked in all, but for the last one: some 20 MB."""


@dataclass(slots=True)
class Tally:
    """What one way has brought: questions that were lost, and the seconds of each answer.

    `refused` is what this host's own kernel said, "" where the questions have gone.
    """

    lost: int = 0
    trips: list[float] = field(default_factory=list)
    refused: str = ""

    @property
    def spoke(self) -> bool:
        """Whether it has brought anything yet."""
        return bool(self.trips or self.lost or self.refused)

    @property
    def enough(self) -> bool:
        """Whether it has brought enough to be believed by itself."""
        return bool(self.trips) or self.lost >= LOSSES


@dataclass(slots=True)
class Round:
    """One order: `left` are those who are still to be asked, `tallies` what came of each.

    `number` is its name, `began` and `since` are seconds of the prober's clock: since when
    somebody is being asked; `leases` are the keys of their leases.
    """

    number: int
    began: float
    left: set[Key]
    leases: frozenset[bytes]
    count: int
    tallies: dict[Key, dict[Way, Tally]] = field(default_factory=dict)
    since: dict[Key, float] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether everybody was asked."""
        return not self.left


class Rounds:
    """Those that are remembered. `finished` is told whom no round asks for any more."""

    def __init__(self, first: int, finished: Callable[[Key], None]) -> None:
        self._next = first
        self._finished = finished
        self._rounds: dict[int, Round] = {}

    def begin(self, keys: Iterable[Key], now: float) -> Round:
        """Begin one that asks these."""
        left = set(keys)
        begun = self._rounds[self._next] = Round(
            *(self._next, now, left, frozenset(key for key, _ in left)), len(left)
        )
        self._next += 1
        while len(self._rounds) > KEPT or (len(self._rounds) > 1 and self._asked > ROOM):
            oldest = self._rounds.pop(next(iter(self._rounds)))
            for key in [*oldest.left]:
                self._end(oldest, key)
        return begun

    @property
    def _asked(self) -> int:
        return sum(each.count for each in self._rounds.values())

    def get(self, number: int) -> Round | None:
        """Give one by its number, None for one that is not remembered."""
        return self._rounds.get(number)

    def wants(self, key: Key) -> bool:
        """Tell whether somebody waits for this one."""
        return any(key in each.left for each in self._rounds.values())

    def open_ways(self, key: Key, ways: Iterable[Way]) -> list[Way]:
        """Give those of these ways that some round has not heard of yet."""
        return [
            way
            for way in ways
            if any(way not in each.tallies.get(key, {}) for each in self._open(key))
        ]

    def asked(self, key: Key, way: Way, now: float, refused: str = "") -> None:
        """Note a question that has gone, or that our own kernel would not send."""
        for each in self._open(key):
            each.since.setdefault(key, now)
            tally = each.tallies.setdefault(key, {}).setdefault(way, Tally())
            tally.refused = refused

    def heard(self, key: Key, way: Way, at: float, trip: float | None) -> None:
        """Note the answer to a question that was asked `at`, after `trip` seconds; None: lost."""
        for each in self._open(key):
            tally = each.tallies.get(key, {}).get(way)
            if tally is None or at < each.began:
                continue
            if trip is None:
                tally.lost += 1
            else:
                tally.trips.append(trip)

    def settle(self, key: Key, evidence: Evidence, ways: Mapping[Way, bool], now: float) -> None:
        """End the wait for one of whom all is known; `ways` tell which are asked apart."""
        for each in self._open(key):
            tallies = each.tallies.get(key, {})
            late = each.since.get(key, now) + LONGEST <= now
            if late or _settled(tallies, evidence, ways):
                self._end(each, key)

    def drop(self, key: Key) -> None:
        """Wait no more for one that is gone, or another than it was."""
        for each in self._open(key):
            self._end(each, key)

    def _end(self, ended: Round, key: Key) -> None:
        ended.left.discard(key)
        if not self.wants(key):
            self._finished(key)

    def _open(self, key: Key) -> list[Round]:
        return [each for each in self._rounds.values() if key in each.left]


def _settled(tallies: Mapping[Way, Tally], evidence: Evidence, ways: Mapping[Way, bool]) -> bool:
    for way, apart in ways.items():
        tally = tallies.get(way)
        if tally is None or not tally.spoke:
            return False
        if not tally.refused and not (tally.enough if apart else evidence.trial(way).decided):
            return False
    return not evidence.pending
