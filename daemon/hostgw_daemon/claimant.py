"""The loop of the claim: read, decide, act, until the lease is ours; then notice when it is not.

While the lease is held nothing is asked of the store but to keep it alive: the view's snapshots
show when our own key changes or goes away, and that rings. A race that was lost and a store that is
away are tried again, with jitter, for ever; the daemon never ends for its lease.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn

from hostgw_core.backoff import Backoff
from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, IPNetwork, Lease, Presence, Subnets
from hostgw_core.records import Status, presence_of, presence_value
from hostgw_core.session import Session
from hostgw_core.store import Compare, Delete, Entry, Put, Span, Store, StoreError, StoreRefused
from hostgw_core.view import Snapshot
from hostgw_core.wake import Wake
from hostgw_daemon.claim import decide, own, rivals
from hostgw_daemon.sight import (
    PRESENCE_TTL,
    Action,
    Announce,
    Depose,
    Hold,
    Keep,
    Me,
    Sight,
    Wait,
    Withdraw,
    sight_of,
)

_AT_ONCE = 0.0
_LOOK_AGAIN = 10.0  # seconds: while we wait for something of which no event may come


@dataclass(frozen=True, slots=True)
class ClaimState:
    """How the claim stands. `conditions` maps the code of each condition to its particulars.

    `lost` are the subnets that we held and that we do not hold now.
    """

    lease: Lease | None = None
    how: str = ""
    moved_from: Subnets = field(default_factory=Subnets)
    conditions: dict[str, str] = field(default_factory=dict)
    lost: Subnets = field(default_factory=Subnets)

    @property
    def held(self) -> bool:
        """Whether our lease was there when we last looked."""
        return self.lease is not None


class Claimant:
    """Claims a subnet and keeps it. `told` gets every new state; `clock` is CLOCK_BOOTTIME."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        me: Me,
        *,
        ttl: int,
        told: Callable[[ClaimState], None],
        clock: Callable[[], float],
        remembered: Subnets,
        said: Status,
        tried: Callable[[str, float], None] = lambda _result, _seconds: None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._me = me
        self._ttl = ttl
        self._told = told
        self._clock = clock
        self._remembered = remembered
        self._said = said
        self._avoid: tuple[IPNetwork, ...] = ()
        self._wake = Wake()
        self._backoff = Backoff(0.1, 10.0)
        self._granted = 0
        self._announced = False
        self._stranger: tuple[str, float] = ("", 0.0)
        self._how = ""
        self._last_good: ClusterConfig | None = None
        self._config: Entry | None = None
        self._told_store: tuple[Status, Addresses] | None = None
        self.lease_session = Session(store, lost=self.look, clock=clock, tried=tried)
        self.presence_session = Session(store, lost=self.look, clock=clock)
        self.state = ClaimState()

    # -- what may ring ------------------------------------------------------------------------

    def look(self) -> None:
        """Read and decide again."""
        self._wake.ring()

    def stand_at(self, addresses: Addresses, networks: tuple[IPNetwork, ...]) -> None:
        """Take this host's addresses on the link, and its networks, which no subnet may overlap."""
        if (addresses, networks) != (self._me.addresses, self._avoid):
            self._me = replace(self._me, addresses=addresses)
            self._avoid = networks
            self.look()

    def saw(self, snapshot: Snapshot) -> None:
        """Compare a snapshot with the lease we hold; what we wait for may have come, too."""
        lease, config = self.state.lease, snapshot.entries.get(self._keys.config)
        before, self._config = self._config, config
        if lease is None or self.state.conditions or config != before:
            self.look()
        if lease is None or snapshot.revision < lease.modified:
            return
        entry = snapshot.entries.get(lease.key)
        if entry is None:
            self._lose(lease)
        if entry is None or entry.modified != lease.modified:
            self.look()

    # -- the loop -----------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Claim for ever."""
        pause: float | None = _AT_ONCE
        while True:
            if pause != _AT_ONCE:
                await self._wake.wait(within=pause)
            try:
                pause = await self.step()
            except StoreError:
                pause = self._backoff.failed()

    async def step(self) -> float | None:
        """Read, decide and act once; give the seconds to wait, None for the next ring.

        Raise StoreError.
        """
        sight = await self._sight()
        action = decide(sight)
        match action:
            case Wait():
                return await self._wait(action, sight)
            case Keep():
                self._keep(action)
                await self._say(sight)
                return None
            case _:
                won = await self._act(action)
        if won:
            self._backoff.succeeded()
            return _AT_ONCE
        return self._backoff.failed()

    async def _wait(self, action: Wait, sight: Sight) -> float:
        lease = self.state.lease
        if lease is not None and lease.key not in {each.key for each in own(sight)}:
            self._lose(lease)
        self._tell(replace(self.state, conditions={action.code: action.detail}))
        if action.rival and sight.presence is not None:
            await self._contend(action.rival, sight.presence)
        return _LOOK_AGAIN

    def _keep(self, action: Keep) -> None:
        lease = action.lease
        self._backoff.succeeded()
        if lease.etcd_lease:
            self.lease_session.adopt(lease.etcd_lease)
        else:
            self.lease_session.drop()
        moved_from = self.state.moved_from
        if any(self._remembered) and self._remembered != lease.subnets:
            moved_from = self._remembered
        self._remembered = lease.subnets
        conditions = {"outside_config": action.misfit} if action.misfit else {}
        self._tell(ClaimState(lease, self._how or "kept", moved_from, conditions))

    def _lose(self, lease: Lease) -> None:
        self._tell(replace(self.state, lease=None, lost=lease.subnets))

    async def _act(self, action: Action) -> bool:
        """Do what was decided; give False when a race was lost, or the grant was gone."""
        try:
            match action:
                case Announce():
                    return await self._announce()
                case Depose(presence):
                    return await self._depose(presence)
                case Withdraw(lease, compares):
                    return (await self._store.commit(compares, [Delete(lease.key)])).won
                case Hold():
                    return await self._hold(action)
                case _:
                    raise TypeError(action)
        except StoreRefused:
            # An etcd lease that has ended between grant and write: the next try asks for another.
            self._granted = 0
            self.lease_session.drop()
            raise

    async def _hold(self, action: Hold) -> bool:
        etcd_lease = action.etcd_lease
        if etcd_lease is None:
            etcd_lease = await self._grant()
        put = Put(action.key, action.value, etcd_lease)
        won = (await self._store.commit(action.compares, [put])).won
        if won:
            self._how = action.how
            self._granted = 0
        return won

    async def _grant(self) -> int:
        """Give the etcd lease that we hold already, or a new one, kept until it is used."""
        if self.lease_session.state.lease:
            return self.lease_session.state.lease
        if not self._granted:
            grant = await self._store.grant(self._ttl)
            self._granted = grant.id
        return self._granted

    async def _announce(self) -> bool:
        grant = await self._store.grant(PRESENCE_TTL)
        key = self._keys.node(self._me.node_id)
        absent = Compare(Span(key), "version", 0)
        won = (await self._store.commit([absent], [Put(key, self._presence(), grant.id)])).won
        if won:
            self._announced = True
            self.presence_session.hold(grant.id, grant.ttl)
        return won

    async def _depose(self, presence: Presence) -> bool:
        key = self._keys.node(self._me.node_id)
        unchanged = Compare(Span(key), "modified", presence.modified)
        return (await self._store.commit([unchanged], [Delete(key)])).won

    async def _say(self, sight: Sight) -> None:
        """Let our presence tell the subnets and addresses that we have now."""
        said, presence = replace(self._said, subnets=self._remembered), sight.presence
        told = (said, self._me.addresses)
        if told == self._told_store or presence is None or not self.presence_session.state.lease:
            return
        self._said = said
        key = self._keys.node(self._me.node_id)
        same = Compare(Span(key), "created", presence.created)
        put = Put(key, self._presence(), self.presence_session.state.lease)
        if (await self._store.commit([same], [put])).won:
            self._told_store = told

    async def _contend(self, rival: str, presence: Presence) -> None:
        """Tell the node at our address that we are here: it cannot know otherwise."""
        key = self._keys.disputes(rival).start + self._me.node_id.encode()
        fence = Compare(Span(self._keys.node(self._me.node_id)), "created", presence.created)
        untold = Compare(Span(key), "version", 0)
        put = Put(key, self._presence(), self.presence_session.state.lease)
        await self._store.commit([fence, untold], [put])

    def _presence(self) -> bytes:
        me = self._me
        return presence_value(
            instance=me.instance, node=me.node, addresses=me.addresses, status=self._said
        )

    def _tell(self, state: ClaimState) -> None:
        if state != self.state:
            self.state = state
            self._told(state)

    # -- reading ------------------------------------------------------------------------------

    async def _sight(self) -> Sight:
        keys, me = self._keys, self._me
        own = Span(keys.node(me.node_id))
        spans = (Span(keys.config), keys.subnets, keys.subnets6, keys.reservations, own)
        sight = sight_of(await self._store.list(*spans), keys, me, self._last_good)
        self._last_good = sight.config
        sight = replace(
            sight,
            stranger_for=self._stranger_for(sight.presence),
            announced=self._announced,
            remembered=self._remembered,
            avoid=self._avoid,
        )
        others = [Span(keys.node(node_id)) for node_id in rivals(sight)]
        if not others:
            return sight
        listing = await self._store.list(*others)
        presences = (presence_of(keys, entry) for entry in listing.entries)
        alive = (presence.node_id for presence in presences if isinstance(presence, Presence))
        return replace(sight, alive=frozenset(alive))

    def _stranger_for(self, presence: Presence | None) -> float:
        """Give the seconds for which we have seen this very presence under our node id."""
        instance = presence.instance if presence is not None else ""
        if instance != self._stranger[0]:
            self._stranger = (instance, self._clock())
        return self._clock() - self._stranger[1]
