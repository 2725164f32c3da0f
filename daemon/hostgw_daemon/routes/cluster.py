"""The cluster as this node understands it: the network in force, and which leases are believed.

The view gives bytes; this gives meaning, and keeps what has been understood before: a configuration
that is deleted or becomes invalid leaves the last good one in force. Here nothing is read and
nothing written: a sighting goes in, an understanding comes out, in the same call, because the time
from the store to the kernel is what this program is measured by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from hostgw_core.keys import Keys, is_node_id
from hostgw_core.model import Addresses, ClusterConfig, IPNetwork, Refusal
from hostgw_core.network import config_of
from hostgw_core.store import Change, Entry
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.routes.peers import NO_ADDRESSES, Policy, Roster, accept, amend


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a snapshot means. `config_trouble` says why the record at `config` is not in force.

    `roster` is None until there has been a configuration to judge by. `disputes` are the ids of
    the nodes that told us that they want our address.
    """

    snapshot: Snapshot
    config: ClusterConfig | None = None
    config_trouble: str = ""
    roster: Roster | None = None
    disputes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """A new understanding; `moved` are the keys whose peer changed, None for "look at all".

    `received` is the moment the store's answer arrived (seconds of time.monotonic), 0 when it was
    not the store that changed.
    """

    now: Understanding
    moved: frozenset[bytes] | None
    received: float = 0.0


class Cluster:
    """Turns sightings into news, for `told`."""

    def __init__(
        self,
        keys: Keys,
        node_id: str,
        *,
        told: Callable[[News], None],
        last_good: ClusterConfig | None = None,
    ) -> None:
        self._keys = keys
        self._node_id = node_id
        self._told = told
        self._addresses = NO_ADDRESSES
        self._networks: tuple[IPNetwork, ...] = ()
        self._last_good = last_good
        self.now: Understanding | None = None

    def saw(self, sighting: Sighting) -> None:
        """Understand a new snapshot."""
        before = self.now
        config, trouble = self._config(sighting.snapshot)
        changes = sighting.changes
        disputes = self._disputes(sighting)
        fresh = Understanding(sighting.snapshot, config, trouble, disputes=disputes)
        if before is None or before.roster is None or config != before.config or changes is None:
            self._judge(fresh, sighting.received)
            return
        amended = amend(before.roster, [c for c in changes if self._is_lease(c)])
        if amended is None:
            self._judge(fresh, sighting.received)
            return
        roster, moved = amended
        self._tell(replace(fresh, roster=roster), moved, sighting.received)

    def stand_at(self, addresses: Addresses, networks: Iterable[IPNetwork]) -> None:
        """Take note of this host's own addresses and networks: they bound what is believed."""
        networks = tuple(networks)
        if (addresses, networks) == (self._addresses, self._networks):
            return
        self._addresses, self._networks = addresses, networks
        if self.now is not None:
            self._judge(self.now, 0.0)

    def _judge(self, fresh: Understanding, received: float) -> None:
        roster = None
        if fresh.config is not None:
            policy = Policy(
                self._keys, fresh.config, self._node_id, self._addresses, self._networks
            )
            before = self.now.roster if self.now is not None else None
            entries = (e for e in fresh.snapshot.entries.values() if self._is_lease(e))
            roster = accept(entries, policy, before)
        self._tell(replace(fresh, roster=roster), None, received)

    def _tell(
        self, understanding: Understanding, moved: frozenset[bytes] | None, received: float
    ) -> None:
        self.now = understanding
        self._told(News(understanding, moved, received))

    def _is_lease(self, change: Change | Entry) -> bool:
        return change.key in self._keys.subnets or change.key in self._keys.subnets6

    def _config(self, snapshot: Snapshot) -> tuple[ClusterConfig | None, str]:
        entry = snapshot.entries.get(self._keys.config)
        if entry is None:
            name = self._keys.config.decode()
            return self._last_good, f"there is no network configuration at {name}"
        config = config_of(entry)
        if isinstance(config, Refusal):
            return self._last_good, config.detail
        self._last_good = config
        return config, ""

    def _disputes(self, sighting: Sighting) -> tuple[str, ...]:
        span, changes = self._keys.disputes(self._node_id), sighting.changes
        if changes is not None and not any(change.key in span for change in changes):
            return self.now.disputes if self.now is not None else ()
        found = [key for key in sighting.snapshot.entries if key in span]
        names = (key[len(span.start) :].decode(errors="replace") for key in sorted(found))
        return tuple(name for name in names if is_node_id(name))
