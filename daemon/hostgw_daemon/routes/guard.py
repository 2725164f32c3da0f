"""The guard: it stands between what the store says and what is believed of it.

A change of the store is told to the judgement as it is, but for two things. A removal becomes a
hold (`holds`): the lease is told on as it was, and yields to any other at its subnet. A record of
a history that is not ours (`history`) is told as a leftover, or not at all where a lease is known
under its key. Everything else follows from the judgement: `follow` takes note of it.

Here nothing is read or written but this guard's own memory; `now` is in seconds of any clock that
does not go back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from hostgw_core.history import History, says_the_same
from hostgw_core.keys import Keys
from hostgw_core.model import Lease
from hostgw_core.records import lease_of, lease_value
from hostgw_core.store import Change, Deleted, Entry, Header
from hostgw_daemon.routes.doubts import Doubts
from hostgw_daemon.routes.holds import (
    AGAIN,
    Cause,
    Crowd,
    Departures,
    Hold,
    Patience,
    cause_of,
)
from hostgw_daemon.routes.owners import Owners, owner_of
from hostgw_daemon.routes.peers import Peer, PeerState, Roster
from hostgw_daemon.routes.watchfulness import Watchfulness


class Guard:
    """Holds removals, and keeps another history out. `history` is what is known from before."""

    def __init__(self, keys: Keys, node_id: str, patience: Patience, history: History) -> None:
        self._keys = keys
        self._node_id = node_id
        self._patience = patience
        self._holds: dict[bytes, Hold] = {}
        self._reasons: dict[bytes, str] = {}
        self._leaving: set[bytes] = set()
        self._leftovers: set[bytes] = set()
        self._owners = Owners()
        self._had_own = False
        self._crowd = Crowd()
        self._departures = Departures()
        self._begun: Counter[Cause] = Counter()
        self._ended: Counter[tuple[Cause, str]] = Counter()
        self._extended = 0
        self.left = False  # this node has left on purpose: that its lease is missing means nothing
        self.history = history
        self.doubts = Doubts(self._reasons, self._leftovers)

    @property
    def state(self) -> Watchfulness:
        """What is held back now."""
        holds, broken = MappingProxyType(self._holds), self.history.broken
        totals = self._begun, self._ended, self._extended
        return Watchfulness(holds, self._leftovers, broken, *totals)

    @property
    def calm(self) -> bool:
        """Whether nothing in the store is unexplained."""
        return not self._leftovers and not any(
            hold.cause is Cause.HISTORY for hold in self._holds.values()
        )

    # -- between the store and the judgement --------------------------------------------------

    def heard(self, header: Header, *, listed: bool) -> None:
        """Take the header of an answer: that of a list may begin another history."""
        history = self.history
        self.history = history.listed(header) if listed else history.seen(header)
        if listed:  # it tells of every record there is
            self._leftovers.clear()

    def review(self, changes: Iterable[Change], before: Roster | None, now: float) -> list[Change]:
        """Give what the judgement is to be told of these changes, `before` being the last one."""
        last = {change.key: change for change in changes}
        told: list[Change] = []
        gone: list[Lease] = []
        peers: Mapping[bytes, Peer] = before.peers if before is not None else {}
        for key, change in last.items():
            peer = peers.get(key)
            hold = self._holds.get(key)
            if not isinstance(change, Deleted):
                told += self._written(change, peer.lease if peer is not None else None, now)
                continue
            self._leftovers.discard(key)
            if hold is not None:
                # It waits for another reason where our history is back, or has just been lost.
                if (hold.cause is Cause.HISTORY) == (self.history.broken is None):
                    gone.append(hold.lease)
            elif peer is None or peer.state is PeerState.SELF or self._moved(peer, peers, last):
                told.append(change)
            else:
                gone.append(peer.lease)
        told += self._removed(gone, last, now)
        return told

    def believed(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Give the records that the whole judgement goes by."""
        for entry in entries:
            if entry.key not in self._holds:
                yield entry
        for hold in self._holds.values():
            yield entry_of(hold.lease)

    def _written(self, entry: Entry, known: Lease | None, now: float) -> Iterator[Change]:
        """Judge a record's history: it is told, told as a leftover, or held against."""
        key, history = entry.key, self.history
        if history.trusts(entry.modified) or self._explained(entry, known):
            self._leftovers.discard(key)
            self._departures.came_back(key)
            self._end(key, "returned")
            yield entry
            return
        self._leftovers.add(key)
        if known is None or key in self._owners.own:
            yield entry
        elif key not in self._holds or self._holds[key].cause is not Cause.HISTORY:
            yield self._hold(known, Cause.HISTORY, now)

    def _explained(self, entry: Entry, known: Lease | None) -> bool:
        lease = lease_of(self._keys, entry)
        if not isinstance(lease, Lease):
            return known is None  # of whatever history: it is refused for what it says
        if known is not None and says_the_same(lease, known):
            return True
        return bool(lease.node_id) and self.history.lives(lease.node_id)

    def _moved(
        self, gone: Peer, peers: Mapping[bytes, Peer], changes: Mapping[bytes, Change]
    ) -> bool:
        """Tell whether a node has another lease already, of the history that is told now.

        One that it gets in these very changes waits for its own judgement.
        """
        others = self._owners.keys(owner_of(gone.lease))
        standing = (key for key in others if key not in changes and key not in self._holds)
        return any(self.history.trusts(peers[key].lease.modified) for key in standing)

    def _removed(
        self, missed: list[Lease], changes: Mapping[bytes, Change], now: float
    ) -> Iterator[Change]:
        """Hold what is gone for as long as it looks like an accident."""
        own_missing = self._own_missing(changes)
        if not missed and not (own_missing and self._leaving):
            return
        count = self._departures.left([lease.key for lease in missed], now)
        cause = cause_of(
            count,
            self._crowd.largest(now),
            own_missing=own_missing,
            broken=self.history.broken is not None,
        )
        waits = self._patience.until(cause, now) > now
        for lease in missed:
            if waits:
                yield self._hold(lease, cause, now)
            else:
                self._end(lease.key, "gone")
                yield Deleted(lease.key, 0)
        if waits and cause is not Cause.LEAVING:
            yield from self._graver(cause, now)

    def _own_missing(self, changes: Mapping[bytes, Change]) -> bool:
        if (
            self.left
            or not self._had_own
            or any(not isinstance(changes.get(key), Deleted) for key in self._owners.own)
        ):
            return False
        leases = (lease_of(self._keys, it) for it in changes.values() if isinstance(it, Entry))
        return not any(isinstance(it, Lease) and it.node_id == self._node_id for it in leases)

    def _graver(self, cause: Cause, now: float) -> Iterator[Change]:
        """Let what was about to go a moment ago belong to the same accident."""
        for key in [*self._leaving]:
            hold = replace(self._holds[key], cause=cause, until=self._patience.until(cause, now))
            self._begun[cause] += 1
            self._begin(key, hold)
            yield entry_of(hold.lease)

    # -- after the judgement ------------------------------------------------------------------

    def follow(
        self, before: Roster | None, after: Roster, moved: Iterable[bytes] | None, now: float
    ) -> tuple[bytes, ...]:
        """Take note of a judgement; give the held keys whose node has another lease now.

        `moved` are the keys whose peer is another one than `before`, None for any.
        """
        for key in after.yielded:
            self._end(key, "yielded")
        owners = self._owners
        news = owners.whole(after) if moved is None else owners.amended(before, after, moved)
        self._had_own |= bool(owners.own)
        self._crowd.count(len(after.peers) - len(owners.own), now)
        if not self._holds:
            return ()
        trusted = (lease for lease in news if self.history.trusts(lease.modified))
        newcomers = dict.fromkeys(owner_of(lease) for lease in trusted)
        keys = (key for owner in newcomers for key in owners.keys(owner))
        superseded = tuple(key for key in keys if key in self._holds)
        for key in superseded:
            self._departures.came_back(key)
        return superseded

    def release(self, keys: Iterable[bytes], how: str) -> list[Change]:
        """End these holds; give what the judgement is to be told."""
        there = [key for key in dict.fromkeys(keys) if key in self._holds]
        for key in there:
            self._end(key, how)
        return [Deleted(key, 0) for key in there]

    # -- as time passes -----------------------------------------------------------------------

    def next_end(self) -> float | None:
        """Give the moment at which the first wait is over."""
        return min((hold.until for hold in self._holds.values()), default=None)

    def over(self, now: float) -> tuple[tuple[bytes, ...], tuple[Hold, ...]]:
        """Give what may go at once, and the holds whose gateways must be asked first."""
        due = [(key, hold) for key, hold in self._holds.items() if hold.until <= now]
        return (
            tuple(key for key, hold in due if not hold.grave),
            tuple(hold for _, hold in due if hold.grave),
        )

    def extend(self, keys: Iterable[bytes], until: float) -> int:
        """Let holds last until then, as an operator says; give how many would have ended before."""
        sooner = [key for key in keys if key in self._holds and self._holds[key].until < until]
        self._extended += len(sooner)
        self._last(sooner, until)
        return len(sooner)

    def still_answer(self, keys: Iterable[bytes], now: float) -> None:
        """Go on holding leases whose gateways answer, and ask again later.

        One for which an operator has found a later moment meanwhile keeps it.
        """
        self._last((key for key in keys if key in self._holds), now + AGAIN)

    def _last(self, keys: Iterable[bytes], until: float) -> None:
        for key in keys:
            hold = self._holds[key]
            self._holds[key] = replace(hold, until=max(hold.until, until))

    # -- its memory ---------------------------------------------------------------------------

    def _hold(self, lease: Lease, cause: Cause, now: float) -> Change:
        self._begun[cause] += 1
        self._begin(lease.key, Hold(lease, cause, now, self._patience.until(cause, now)))
        return entry_of(lease)

    def _begin(self, key: bytes, hold: Hold) -> None:
        self._holds[key] = hold
        self._reasons[key] = hold.reason
        (self._leaving.discard if hold.grave else self._leaving.add)(key)

    def _end(self, key: bytes, how: str) -> None:
        hold = self._holds.pop(key, None)
        if hold is not None:
            del self._reasons[key]
            self._leaving.discard(key)
            self._ended[hold.cause, how] += 1


def entry_of(lease: Lease) -> Entry:
    """Write a lease as the record that it was."""
    value = lease_value(
        gateways=lease.gateways,
        backend=lease.backend,
        node=lease.node,
        node_id=lease.node_id,
        further=lease.further,
    )
    return Entry(lease.key, value, lease.created, lease.modified, 1, lease.etcd_lease)
