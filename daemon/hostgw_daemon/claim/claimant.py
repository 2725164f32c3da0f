"""The loop of the claim: read, decide, act, until the lease is ours; then notice when it is not.

While the lease is held nothing is asked of the store but to keep it alive: the view's snapshots
show when our own key or the network changes, and that rings. A race that was lost and a store that
is away are tried again, with jitter, for ever; the daemon never ends for its lease.

Each look reads every lease, so what all nodes see at once (the network changed; a subnet became
free for which many wait) is not looked at by all at once: the more leases there are, the further
the looks are spread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from hostgw_core.backoff import Backoff, around
from hostgw_core.history import History
from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, IPAddress, IPNetwork, Lease, Subnets
from hostgw_core.records import Status
from hostgw_core.session import Session
from hostgw_core.store import Entry, Store, StoreError, StoreRefused
from hostgw_core.view import Snapshot
from hostgw_core.wake import Wake
from hostgw_daemon.claim.action import Hold, Keep, Wait
from hostgw_daemon.claim.announcement import Announcement
from hostgw_daemon.claim.contest import contested, incumbent
from hostgw_daemon.claim.deeds import Deeds
from hostgw_daemon.claim.leaving import WAIT, Leaving
from hostgw_daemon.claim.ownership import is_me, own
from hostgw_daemon.claim.reading import Reading
from hostgw_daemon.claim.restraint import Restraint
from hostgw_daemon.claim.shown import Shown
from hostgw_daemon.claim.sight import Me, Sight
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.claim.table import decide
from hostgw_daemon.claim.turn import SPREAD, Turn

_AT_ONCE = 0.0
_PARTING = 1.0  # seconds that a stop waits for the store
_LOOK_AGAIN = 10.0  # seconds: while we wait for something of which no event may come


class Claimant:
    """Claims a subnet and keeps it. `told` gets every new state; `clock` is CLOCK_BOOTTIME.

    `history` gives what is known of the store's past, `network` the record of the network in force,
    `elsewhere` why a configuration cannot be taken up beside other networks of this node.
    `patience` is how many seconds the others get to let go when this node leaves on purpose.
    """

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
        history: Callable[[], History] = History,
        network: Callable[[], Entry | None] = lambda: None,
        elsewhere: Callable[[ClusterConfig], str] = lambda _config: "",
        tried: Callable[[str, float], None] = lambda _result, _seconds: None,
        patience: float = 3.0,
    ) -> None:
        self._keys = keys
        self._me = me
        self._told = told
        self._clock = clock
        self._remembered = remembered
        self._history = history
        self._reading = Reading(
            store, keys, history=history, network=network, elsewhere=elsewhere, clock=clock
        )
        self._avoid: tuple[IPNetwork, ...] = ()
        self._wake = Wake()
        self._backoff = Backoff(0.1, 10.0)
        self._restraint = Restraint(clock)
        self._leaving = Leaving(patience, clock)
        self._how = ""
        self._hopes = False
        self._shown: Shown | None = None
        self._unheld: Snapshot | None = None  # what came while we did not know what we hold
        self._turn = Turn(self.look)
        self.announcement = Announcement(store, keys, said=said, lost=self.look, clock=clock)
        self.lease_session = Session(store, lost=self.look, clock=clock, tried=tried)
        self.presence_session = self.announcement.session
        self._deeds = Deeds(store, self.announcement, self.lease_session, ttl=ttl)
        self.state = ClaimState()

    # -- what may ring ------------------------------------------------------------------------

    def look(self) -> None:
        """Read and decide again."""
        self._wake.ring()

    def leave(self, *, on: bool, wait: float = WAIT) -> None:
        """Leave the network on purpose, or, if it was left, claim again.

        `wait` is how many seconds those are waited for that could say that they let go.
        """
        if self._leaving.turn(on=on, wait=wait):
            self._restraint.key = b""  # what is written for that answers nobody
            self.look()

    def stand_at(self, at: Addresses, networks: tuple[IPNetwork, ...], *more: IPAddress) -> None:
        """Take our addresses on the links, and the networks there, which no subnet may overlap."""
        me = replace(self._me, addresses=at, further=more)
        if (me, networks) != (self._me, self._avoid):
            self._me, self._avoid = me, networks
            self.look()

    def saw(self, snapshot: Snapshot) -> None:
        """Compare a snapshot with what we read last.

        A change of our own key, or of our presence where it is watched, is looked at at once; in
        its turn a change of the network and, while we wait, whatever may have come.
        """
        shown, before, read = self._shown_in(snapshot), self._shown, self._reading.last
        self._shown = shown
        if read is None or (shown.revision < read.revision and not shown.breaks_with(before)):
            return  # a view that has not come as far as what we have read proves nothing
        if before is not None and shown.presence not in (before.presence, read.presence):
            self.look()
        if before is not None and shown.broken != before.broken:
            self.look()
        if shown.config != read.config or self._waits:
            self._turn.soon(len(snapshot.entries))
        self._unheld = snapshot if self.state.lease is None else None
        self._compare(snapshot)

    def _compare(self, snapshot: Snapshot) -> None:
        """Look again where our key is another than we hold.

        One that is not there proves nothing: a watch is in order within each span only.
        """
        lease = self.state.lease
        entry = snapshot.entries.get(lease.key) if lease is not None else None
        if lease is not None and (entry is None or entry.modified != lease.modified):
            self.look()

    def _shown_in(self, snapshot: Snapshot) -> Shown:
        entries = snapshot.entries
        config = entries.get(self._keys.config)
        presence = entries.get(self._keys.node(self._me.node_id))
        broken = self._history().broken is not None
        return Shown.of(snapshot.revision, config, presence, broken=broken)

    @property
    def _waits(self) -> bool:
        if self._leaving.on:
            return False
        return self._hopes or (self.state.lease is None and bool(self.state.conditions))

    # -- the loop -----------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Claim for ever."""
        try:
            while True:
                self._wake.take()
                try:
                    pause = await self.step()
                except StoreError:
                    pause = self._backoff.failed()
                if pause != _AT_ONCE:
                    await self._wake.wait(within=pause)
        finally:
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(_PARTING):
                    await self.announcement.end()

    async def step(self) -> float | None:
        """Read, decide and act once; give the seconds to wait, None for the next ring.

        Raise StoreError.
        """
        sight = await self._reading.sight(
            self._me, self.announcement, remembered=self._remembered, avoid=self._avoid
        )
        said = await self._reading.presences() if self._leaving.waits(sight) else ()
        sight = self._leaving.seen(sight, said)
        if not sight.leaving and (sight.broken is None or not sight.broken.foreign):
            self._note_loss(sight)
        action = decide(sight)
        try:
            match action:
                case Wait():
                    return await self._wait(action, sight)
                case Keep():
                    await self._keep(action, sight)
                    return self._restraint.look_again
                case Hold() if pause := self._restrained(action, sight):
                    return pause
                case _:
                    won = await self._deeds.do(action, self._me)
        except StoreRefused:
            # An etcd lease may have ended between grant and write, or the store may be full: only
            # the server knows, and a lease that lives must be kept alive in a full store, too.
            await self.lease_session.renew()
            await self.presence_session.renew()
            raise
        if isinstance(action, Hold):
            self._wrote(action, won=won)
        if won:
            self._backoff.succeeded()
            return _AT_ONCE
        return self._backoff.failed()

    def _wrote(self, action: Hold, *, won: bool) -> None:
        if won:
            self._how = action.how
            self._restraint.answered(action.key)
        else:
            self.state = replace(self.state, conflicts=self.state.conflicts + 1)

    async def _wait(self, action: Wait, sight: Sight) -> float | None:
        wrong = {action.code: action.detail}
        if action.code == "drained":
            self.lease_session.drop()
            self._tell(ClaimState(conditions=wrong, withdrawal=sight.withdrawal))
            return None  # until somebody asks for another thing
        if first := incumbent(sight):  # true whatever else we wait for, and said at once
            wrong.setdefault("duplicate_address", contested(sight, first))
        lease = self.state.lease
        if sight.leaving and lease is not None:  # in quarantine, as we wrote it
            lease = next((each for each in own(sight) if each.key == lease.key), lease)
        state = replace(self.state, lease=lease, conditions=wrong, withdrawal=sight.withdrawal)
        self._tell(state)
        foreign = sight.broken is not None and sight.broken.foreign
        if not foreign and sight.presence is not None and is_me(sight, sight.presence):
            await self.announcement.move(self._me, sight.presence)
        if action.code == "draining":
            self._keep_alive(next(own(sight)))
            return self._leaving.look_again(sight)
        return around(_LOOK_AGAIN + SPREAD * len(sight.leases))

    async def _keep(self, action: Keep, sight: Sight) -> None:
        lease = action.lease
        self._backoff.succeeded()
        self._keep_alive(lease)
        moved_from = self.state.moved_from
        if not lease.subnets.include(self._remembered):
            moved_from = self._remembered
        self._remembered, self._restraint.key = lease.subnets, lease.key
        self._hopes = action.hopes
        conditions = {"outside_config": action.misfit} if action.misfit else {}
        conditions |= self._restraint.condition
        retaken = self.state.retaken + (self.state.lost == lease.subnets)
        state = ClaimState(lease, self._how or "kept", moved_from, conditions)
        self._tell(replace(state, conflicts=self.state.conflicts, retaken=retaken))
        unheld, self._unheld = self._unheld, None
        read = self._reading.last
        if unheld is not None and read is not None and unheld.revision > read.revision:
            self._compare(unheld)
        if sight.presence is not None:
            await self.announcement.say(self._me, lease.subnets, sight.presence)

    def _keep_alive(self, lease: Lease) -> None:
        if lease.etcd_lease:
            self.lease_session.adopt(lease.etcd_lease)
        else:
            self.lease_session.drop()

    def _restrained(self, action: Hold, sight: Sight) -> float:
        """Give the seconds before our own key is put right, 0 for at once."""
        there = next((lease for lease in sight.leases if lease.key == action.key), None)
        pause = self._restraint.wait(action.key, gone=there is None)
        if pause > 0 and there is not None:
            # It is ours as it stands, and seen: no change of others' keys need be looked at.
            self._tell(replace(self.state, lease=there, conditions=self._restraint.condition))
        return pause

    def _note_loss(self, sight: Sight) -> None:
        lease = self.state.lease
        if lease is not None and not any(e.subnets.include(lease.subnets) for e in own(sight)):
            self._tell(replace(self.state, lease=None, lost=lease.subnets))

    def _tell(self, state: ClaimState) -> None:
        if state != self.state:
            self.state = state
            self._told(state)
