"""The cluster as this node understands it: the network in force, and which leases are believed.

The view gives bytes; this gives meaning, and keeps what has been understood before: a configuration
that is deleted or becomes invalid leaves the last good one in force, and what goes from the store
waits behind the guard. Here nothing is read and nothing written: a sighting goes in, an
understanding comes out, in the same call, because the time from the store to the kernel is what
this program is measured by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from hostgw_core.history import History
from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, IPNetwork, Refusal, Subnets
from hostgw_core.network import config_of
from hostgw_core.records import Dispute
from hostgw_core.store import Change, Deleted, Entry
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.kernel import Route
from hostgw_daemon.routes.disputes import amended, disputes_in
from hostgw_daemon.routes.guard import Guard
from hostgw_daemon.routes.judgement import accept, amend
from hostgw_daemon.routes.peers import NO_ADDRESSES, Policy, Roster
from hostgw_daemon.routes.recall import as_records, recalled
from hostgw_daemon.routes.understanding import News, Understanding, leads_into


class Cluster:
    """Turns sightings into news, for `told`. `clock` is the guard's, in seconds.

    `elsewhere` tells which other network of this node has a part of a configuration's addresses,
    "" for none: one that comes into force keeps them, and a later one is refused.
    """

    def __init__(
        self,
        keys: Keys,
        node_id: str,
        *,
        guard: Guard,
        told: Callable[[News], None],
        clock: Callable[[], float],
        elsewhere: Callable[[ClusterConfig], str] = lambda _config: "",
        via6: bool = False,
    ) -> None:
        self._keys = keys
        self._node_id = node_id
        self._guard = guard
        self._told = told
        self._clock = clock
        self._elsewhere = elsewhere
        self._via6 = via6
        self._addresses = NO_ADDRESSES
        self._networks: tuple[IPNetwork, ...] = ()
        self._held: tuple[IPNetwork, ...] = ()
        self._standing: tuple[Route, ...] = ()
        self._alone = True
        self._speaks = False
        self.now: Understanding | None = None

    @property
    def network(self) -> Entry | None:
        """The record of the network in force."""
        return self.now.config_entry if self.now is not None else None

    # -- what is heard ------------------------------------------------------------------------

    def saw(self, sighting: Sighting) -> None:
        """Understand a new snapshot of the store."""
        guard, snapshot, listed = self._guard, sighting.snapshot, sighting.changes is None
        self._speaks = True
        if self.network is None and not self._standing:
            guard.history = History()  # where nothing is known, nothing can be contradicted
        guard.heard(snapshot.header, listed=listed)
        before = self.now
        fresh = self._configured(replace(self._blank(snapshot), disputes=self._disputes(sighting)))
        known = before.roster if before is not None else None
        roster = known or self._routed(fresh)
        whole = listed or known is None
        changes = self._changes(snapshot, None if whole else sighting.changes, roster)
        told = guard.review(changes, roster, self._clock())
        if whole or before is None or fresh.config != before.config:
            self._judge(fresh, sighting.received)
        else:
            self._amend(replace(fresh, roster=roster), told, sighting.received)

    def recall(self, snapshot: Snapshot) -> None:
        """Begin with what this node remembers of the store, which has not answered yet.

        Nothing is told of it before `go_headless`; what the store says is held against it.
        """
        fresh = self._configured(replace(self._blank(snapshot), headless=True))
        if fresh.config is not None:
            policy = self._policy(fresh.config)
            roster = recalled((e for e in snapshot.entries.values() if self._is_lease(e)), policy)
            self._guard.follow(None, roster, None, self._clock())
            self.now = replace(fresh, roster=roster)

    def recall_routes(self, routes: Iterable[Route], *, alone: bool = True) -> None:
        """Begin with our routes in the kernel, where nothing else is known.

        Where this network is not `alone`, only those to somewhere in it can be known to be its own.
        """
        self._standing, self._alone = tuple(routes), alone

    def go_headless(self) -> None:
        """Tell what is remembered, if the store has not answered."""
        if self.now is not None and self.now.headless and not self._speaks:
            self._speaks = True
            self._told(News(self.now, None))

    def stand_at(self, addresses: Addresses, networks: Iterable[IPNetwork]) -> None:
        """Take note of this host's own addresses and networks: they bound what is believed."""
        networks = tuple(networks)
        if (addresses, networks) == (self._addresses, self._networks):
            return
        self._addresses, self._networks = addresses, networks
        if self.now is not None:
            self._judge(self.now, 0.0)

    def hold(self, subnets: Subnets) -> None:
        """Take note of the subnets that we hold: no other lease may have a part of them.

        Our own record says so too, as long as it can be read; somebody may write over it, and a
        lease of half of our subnet beside it.
        """
        held = tuple(subnets)
        if held != self._held:
            self._held = held
            if self.now is not None:
                self._judge(self.now, 0.0)

    # -- beside other networks ----------------------------------------------------------------

    def room_came(self) -> None:
        """Look again at a configuration that was refused for another network's sake."""
        if self.now is None or not self.now.overlap:
            return
        entry = self.now.snapshot.entries.get(self._keys.config)
        config = config_of(entry) if entry is not None else None
        if not isinstance(config, ClusterConfig) or not self._elsewhere(config):
            self._again()

    # -- what the guard decides later ---------------------------------------------------------

    def release(self, keys: Iterable[bytes], how: str) -> int:
        """Let held leases go; give how many there were. `how` is for the count of them."""
        changes = self._guard.release(keys, how)
        if changes and self.now is not None:
            entries = self.now.snapshot.entries  # what stands there still is a leftover
            self._amend(self.now, [entries.get(each.key, each) for each in changes], 0.0)
        return len(changes)

    def witness(self, node_ids: frozenset[str]) -> None:
        """Take note of nodes that have shown themselves alive, and judge their records anew."""
        self._guard.history = self._guard.history.witnessed(node_ids)
        self._again()

    def believe(self) -> None:
        """Believe the history that the store tells now, if it tells any: an operator says so."""
        if self.now is None or self.now.headless:
            return
        self._guard.history = self._guard.history.settled()
        self._again()
        self.release([*self._guard.state.holds], "accepted")

    def _again(self) -> None:
        if self.now is not None and not self.now.headless:
            self.saw(Sighting(self.now.snapshot, None, 0.0))

    # -- how it is understood -----------------------------------------------------------------

    def _blank(self, snapshot: Snapshot) -> Understanding:
        before = self.now
        if before is None:
            return Understanding(snapshot)
        return Understanding(snapshot, config=before.config, config_entry=before.config_entry)

    def _configured(self, fresh: Understanding) -> Understanding:
        """Put the network in force: the store's, or the last good one with what is wrong."""
        name = self._keys.config.decode()
        entry = fresh.snapshot.entries.get(self._keys.config)
        if entry is None:
            return replace(fresh, config_trouble=f"there is no network configuration at {name}")
        known = fresh.config_entry
        if known is not None and not self._guard.history.believes(entry, known):
            why = f"{name} is of another history of the store, and says something else than before"
            return replace(fresh, config_trouble=why)
        config = config_of(entry)
        if isinstance(config, Refusal):
            return replace(fresh, config_trouble=config.detail)
        if config != fresh.config and (why := self._elsewhere(config)):
            return replace(fresh, config_trouble=f"{name}: {why}", overlap=True)
        return replace(fresh, config=config, config_entry=entry)

    def _settle(self, fresh: Understanding) -> None:
        """Call a broken history our own, once nothing in it is unexplained."""
        broken = self._guard.history.broken
        if broken is None or broken.foreign or fresh.headless:
            return
        if self._guard.calm and not fresh.config_trouble:
            self._guard.history = self._guard.history.settled()

    def _changes(
        self, snapshot: Snapshot, changes: tuple[Change, ...] | None, before: Roster | None
    ) -> Iterator[Change]:
        """Give the changes of leases; of a list, all records, and the ends of all others."""
        if changes is not None:
            yield from (change for change in changes if self._is_lease(change))
            return
        entries = snapshot.entries
        yield from (entry for entry in entries.values() if self._is_lease(entry))
        known = before.peers if before is not None else {}
        missing = [key for key in known if key not in entries]
        yield from (Deleted(key, snapshot.revision) for key in missing)

    def _amend(self, fresh: Understanding, changes: Iterable[Change], received: float) -> None:
        assert fresh.roster is not None
        if not changes:  # most of what is watched is no lease; the roster stays the very same
            self._tell(fresh, fresh.roster, frozenset(), received)
            return
        amended = amend(fresh.roster, changes, self._guard.doubts)
        if amended is None:
            self._judge(fresh, received)
            return
        roster, moved = amended
        self._tell(fresh, roster, moved, received)

    def _judge(self, fresh: Understanding, received: float) -> None:
        if fresh.config is None:
            self.now = replace(fresh, roster=None)
            self._told(News(self.now, None, received))
            return
        policy = self._policy(fresh.config)
        before = self.now.roster if self.now is not None else None
        entries = (e for e in fresh.snapshot.entries.values() if self._is_lease(e))
        roster = accept(self._guard.believed(entries), policy, before, self._guard.doubts)
        self._tell(fresh, roster, None, received)

    def _routed(self, fresh: Understanding) -> Roster | None:
        """Judge what our routes stand for, the first time that there is a network to judge by."""
        if fresh.config is None or not self._standing:
            return None
        leases = (e for e in fresh.snapshot.entries.values() if self._is_lease(e))
        ours, networks = self._standing, fresh.config.networks
        if not self._alone:
            ours = tuple(route for route in ours if leads_into(route, networks))
        records = tuple(as_records(self._keys, ours, leases))
        roster = recalled(records, self._policy(fresh.config))
        self._guard.follow(None, roster, None, self._clock())
        self._standing = ()
        return roster

    def _policy(self, config: ClusterConfig) -> Policy:
        ours = (*self._networks, *self._held)
        return Policy(self._keys, config, self._node_id, self._addresses, ours, self._via6)

    def _tell(
        self,
        fresh: Understanding,
        roster: Roster,
        moved: frozenset[bytes] | None,
        received: float,
    ) -> None:
        before = self.now.roster if self.now is not None else None
        superseded = self._guard.follow(before, roster, moved, self._clock())
        self.now = replace(fresh, roster=roster)
        self._settle(self.now)
        if self._speaks:
            self._told(News(self.now, moved, received))
        if superseded:
            self.release(superseded, "moved")
        standing = fresh.snapshot.entries
        leftovers = [standing[key] for key in roster.yielded if key in standing]
        if leftovers:
            self._amend(self.now, leftovers, 0.0)

    def _is_lease(self, change: Change | Entry) -> bool:
        return change.key in self._keys.subnets or change.key in self._keys.subnets6

    def _disputes(self, sighting: Sighting) -> Mapping[bytes, Dispute]:
        if sighting.changes is None or self.now is None:
            return disputes_in(self._keys, sighting.snapshot.entries.values())
        return amended(self.now.disputes, self._keys, sighting.changes)
