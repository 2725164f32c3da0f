"""Which routes are withdrawn because their peer is out of reach, where a setting asks for it. Pure.

By itself no state of a peer removes a route: a probe is a witness, no judge. Where something else
can carry the packets (another route behind ours, or an ICMP error that ends a wait), an operator
may ask for it by `--withdraw-states`. Then

* a peer that has been in such a state for `after` seconds loses its route, and gets it back at once
  when the state is over. Who comes and goes waits twice as long each time, up to `MOST` times;
* no more go than leave a `floor` of the peers of their family with their routes. If more than may
  go are in such a state, whether for long or not, nobody's goes: it may be this node that is cut
  off, and it must not empty its table. Those that are withdrawn already stay so, unless the peers
  have become fewer: then the last ones come back first;
* a peer's time begins when it is known not to be this node: once somebody else has answered since,
  and no more than may go are in such a state. For when a node that was cut off is back, the others
  are found again one after the other, and who is last has not been out of reach all the time.

A level: each look is given all that is so. What is remembered is since when.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from hostgw_core.model import Family

Key: TypeAlias = tuple[bytes, Family]
"""The key of a lease, and one of its families."""

WINDOW: Final = 600.0
"""Seconds after its return for which it is remembered that a route was withdrawn."""

MOST: Final = 16
"""How many times longer somebody waits at most who comes and goes."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say: in which states, after how many seconds, and which share stays."""

    states: frozenset[str] = frozenset()
    after: float = 30.0
    floor: float = 0.5

    def may_go(self, peers: int) -> int:
        """Give how many of so many peers may lose their routes."""
        return peers - math.ceil(self.floor * peers)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why a route is withdrawn: the state its peer is in; since when, in seconds of the clock."""

    state: str
    since: float


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Whose routes are withdrawn, and whose are not although they are in such a state.

    `spared` counts the latter by family, where they are more than may go; `peers` all there are.
    """

    routes: Mapping[Key, Withdrawal] = field(default_factory=dict)
    spared: Mapping[Family, int] = field(default_factory=dict)
    peers: Mapping[Family, int] = field(default_factory=dict)


NOBODY: Final = Withdrawn()
ALWAYS: Final[Mapping[Family, float]] = MappingProxyType({4: math.inf, 6: math.inf})


class Withdrawals:
    """Decides, look by look. `now` is the decision that holds."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._bad: dict[Key, float] = {}
        self._counts: dict[Key, float] = {}  # from when the time of these counts
        self._sure = True
        self._past: dict[Key, tuple[int, float]] = {}
        self.now = NOBODY

    def look(
        self,
        states: Mapping[Key, str],
        peers: Iterable[Key],
        moment: float,
        *,
        reached: Mapping[Family, float] = ALWAYS,
        sure: bool = True,
    ) -> Withdrawn:
        """Decide by the state of each peer; `moment` is in seconds of a clock that never goes back.

        `reached` is when anybody's pods last answered, by family: a node may be cut off in one of
        them alone. While the decision is not `sure`, for the store was not read yet, nobody's route
        goes.
        """
        known = {*peers}
        counts: Counter[Family] = Counter(family for _, family in known)
        bad = {
            key: state
            for key, state in states.items()
            if state in self._terms.states and key in known
        }
        self._note(bad, known, moment)
        self._sure = sure
        kept = {key: replaced(was, bad[key]) for key, was in self.now.routes.items() if key in bad}
        spared: dict[Family, int] = {}
        for family, count in counts.items():
            may = self._terms.may_go(count)
            of_family = [key for key in bad if key[1] == family]
            gone = sorted((was.since, key) for key, was in kept.items() if key[1] == family)
            for _, key in gone[may:]:
                del kept[key]
            if len(of_family) > may:
                spared[family] = len(of_family) - min(len(gone), may)
                self._begin_anew(of_family, moment)
                continue
            for key in (key for key in of_family if key not in kept):
                counts_from = self._counts_from(key, moment, reached.get(family, -math.inf))
                if sure and counts_from + self._wait(key) <= moment:
                    kept[key] = Withdrawal(bad[key], moment)
        self._remember(kept, moment)
        self.now = Withdrawn(kept, spared, counts)
        return self.now

    def next(self) -> float | None:
        """Give the moment at which a look may decide otherwise though nothing has changed.

        One that is past: somebody has to answer first, of which nobody tells.
        """
        if not self._sure:
            return None
        waiting = [
            self._counts[key] + self._wait(key) if key in self._counts else since
            for key, since in self._bad.items()
            if key not in self.now.routes and key[1] not in self.now.spared
        ]
        return min(waiting, default=None)

    def _counts_from(self, key: Key, moment: float, reached: float) -> float:
        """Give from when a peer's time counts: somebody else was reached since it was not.

        Of a large cluster few are known to be out of reach by then, for they are asked in turn.
        Where nobody must keep his route, nobody has to answer either.
        """
        since = self._bad[key]
        if key not in self._counts and self._terms.floor == 0:
            self._counts[key] = since
        elif key not in self._counts and reached > since:
            self._counts[key] = min(reached, moment)
        return self._counts.get(key, math.inf)

    def _begin_anew(self, keys: Iterable[Key], moment: float) -> None:
        """Let none of their time count: it may be this node's."""
        for key in keys:
            self._bad[key] = moment
            self._counts.pop(key, None)

    def _note(self, bad: Mapping[Key, str], known: set[Key], moment: float) -> None:
        """Remember since when each is bad, and forget what is long past."""
        self._bad = {key: self._bad.get(key, moment) for key in bad}
        self._counts = {key: since for key, since in self._counts.items() if key in bad}
        self._past = {
            key: (times, until)
            for key, (times, until) in self._past.items()
            if key in known and until > moment
        }

    def _wait(self, key: Key) -> float:
        times = self._past.get(key, (0, 0.0))[0]
        return self._terms.after * min(MOST, 1 << min(times, MOST))

    def _remember(self, kept: Mapping[Key, Withdrawal], moment: float) -> None:
        """Remember who has been withdrawn once more, for a while after it is over."""
        for key in kept:
            times = self._past.get(key, (0, 0.0))[0] + (key not in self.now.routes)
            self._past[key] = (times, moment + WINDOW)


def replaced(was: Withdrawal, state: str) -> Withdrawal:
    """Give a withdrawal that goes on, for another reason perhaps."""
    return was if was.state == state else Withdrawal(state, was.since)
