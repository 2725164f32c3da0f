"""What a decision is made from, read: one list at one revision, and then the rivals' presences.

An answer of another history than the one that is watched is no sight: the view finds out what has
happened to the store, and says so, before anything is written into it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hostgw_core.history import History
from hostgw_core.keys import Keys
from hostgw_core.model import ClusterConfig, IPNetwork, Presence, Subnets
from hostgw_core.records import presence_of
from hostgw_core.store import Entry, Header, Span, Store, StoreUnavailable
from hostgw_daemon.claim.announcement import Announcement
from hostgw_daemon.claim.ownership import rivals
from hostgw_daemon.claim.shown import Shown, read_in
from hostgw_daemon.claim.sight import Me, Sight, sight_of


class Reading:
    """Reads sights. `last` is what concerns every claim in the last one.

    `history` gives what is known of the store's past, `network` the record of the network in force,
    `elsewhere` why a configuration cannot be taken up beside other networks of this node.
    """

    def __init__(
        self,
        store: Store,
        keys: Keys,
        *,
        history: Callable[[], History],
        network: Callable[[], Entry | None],
        elsewhere: Callable[[ClusterConfig], str],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._keys = keys
        self._history = history
        self._network = network
        self._elsewhere = elsewhere
        self._clock = clock
        self._last_good: ClusterConfig | None = None
        self._broken: tuple[Header | None, float] = (None, 0.0)
        self.last: Shown | None = None

    async def sight(
        self,
        me: Me,
        announcement: Announcement,
        *,
        remembered: Subnets,
        avoid: tuple[IPNetwork, ...],
    ) -> Sight:
        """Read it all. Raise StoreError."""
        keys = self._keys
        own = Span(keys.node(me.node_id))
        spans = (
            Span(keys.config),
            keys.subnets,
            keys.subnets6,
            keys.reservations,
            keys.disputes,
            own,
        )
        known = self._history()
        listing = await self._store.list(*spans)
        if not known.joins(listing.header):
            raise StoreUnavailable("the store tells another history than the one that is watched")
        history, network = self._history(), self._network()
        self.last = read_in(listing, keys, me)
        sight = sight_of(
            listing,
            keys,
            me,
            self._last_good,
            history=history,
            network=network,
            elsewhere=self._elsewhere,
        )
        self._last_good = sight.config
        sight = replace(
            sight,
            broken_for=self._broken_for(history),
            stranger_for=announcement.saw(me, sight.presence),
            announced=announcement.announced,
            remembered=remembered,
            avoid=avoid,
        )
        return await self._with_rivals(sight)

    async def presences(self) -> tuple[Entry, ...]:
        """Read what all nodes say of themselves. Raise StoreError."""
        return (await self._store.list(self._keys.nodes)).entries

    async def _with_rivals(self, sight: Sight) -> Sight:
        """Look who of those that share our address lives, and where they say that they are."""
        others = [Span(self._keys.node(node_id)) for node_id in rivals(sight)]
        if not others:
            return sight
        entries = (await self._store.list(*others)).entries
        presences = [presence_of(self._keys, entry) for entry in entries]
        here = sight.me.addresses
        alive = [each for each in presences if isinstance(each, Presence)]
        away = [each for each in alive if any(each.addresses) and not each.addresses.meets(here)]
        return replace(
            sight,
            alive=frozenset(each.node_id for each in alive),
            elsewhere=frozenset(each.node_id for each in away),
        )

    def _broken_for(self, history: History) -> float:
        """Count from the first look at this history: each restore brings leftovers of its own."""
        now, first = self._clock(), history.broken.first if history.broken is not None else None
        if first != self._broken[0]:
            self._broken = (first, now)
        return now - self._broken[1] if first is not None else 0.0
