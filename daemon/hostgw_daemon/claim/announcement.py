"""This process's presence in the store: announced, kept alive, corrected, and shown to rivals.

The presence is the mutex on our node id, so it must not lapse unnoticed while we live. Its etcd
lease is kept alive from the moment it is granted, before anything hangs on it: if the answer to the
announcement is lost, the presence may stand all the same, and nobody else would renew it. For the
same reason whoever reads the presence of this very instance knows that it was announced, whatever
the answer was.

What else the presence says (`telling`) is written into it as long as it is known to stand, and
compares its create revision as every write of the claim does.

A note to the node that has our address (`contest`) hangs on the same etcd lease and ends with us;
a process that is stopped takes it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from hostgw_core.keys import Keys
from hostgw_core.model import Presence, Subnets
from hostgw_core.records import Status, presence_value
from hostgw_core.session import Session
from hostgw_core.store import Compare, Delete, Put, Span, Store
from hostgw_daemon.claim.action import Concede, Contend
from hostgw_daemon.claim.sight import PRESENCE_TTL, Me


class Announcement:
    """Writes our presence. Every verb that asks the store raises StoreError.

    `lost` is called when the presence or its etcd lease is gone. `clock` is CLOCK_BOOTTIME.
    `told` is what the presence says besides; `applied`, the revision that is in the kernel, is
    written when something else is.
    """

    def __init__(
        self,
        store: Store,
        keys: Keys,
        *,
        said: Status,
        lost: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._keys = keys
        self._lost = lost
        self._clock = clock
        self._me: Me | None = None
        self._created = 0
        self._writing = asyncio.Lock()  # whoever writes later has to know what was written before
        self._written = b""
        self._noted: tuple[bytes, int] = (b"", 0)
        self._stranger: tuple[str, float] = ("", 0.0)
        self.session = Session(store, lost=lost, clock=clock)
        self.announced = False
        self.told = said
        self.applied = 0

    @property
    def stands(self) -> bool:
        """Whether our presence stood when we last looked."""
        return self._created != 0

    def saw(self, me: Me, presence: Presence | None) -> float:
        """Note what stands under our node id; give for how many seconds it has been this one."""
        instance = presence.instance if presence is not None else ""
        ours = presence is not None and instance == me.instance
        self._me, self._created = me, presence.created if presence is not None and ours else 0
        self.announced |= ours
        if instance != self._stranger[0]:
            self._stranger = (instance, self._clock())
        return self._clock() - self._stranger[1]

    async def announce(self, me: Me) -> bool:
        """Create our presence where there is none; give False if somebody was quicker."""
        said = replace(self.told, applied=self.applied)
        key, value = self._keys.node(me.node_id), _value(me, said)
        etcd_lease = await self.session.granted(PRESENCE_TTL)
        absent = Compare(Span(key), "version", 0)
        won = (await self._store.commit([absent], [Put(key, value, etcd_lease)])).won
        if won:
            self.announced, self._written, self.told = True, value, said
        return won

    async def depose(self, me: Me, presence: Presence) -> bool:
        """Delete the presence of our former life, if it is unchanged."""
        key = self._keys.node(me.node_id)
        unchanged = Compare(Span(key), "modified", presence.modified)
        return (await self._store.commit([unchanged], [Delete(key)])).won

    async def depart(self, me: Me, presence: Presence) -> bool:
        """Delete our presence, and keep its etcd lease alive no more."""
        key = self._keys.node(me.node_id)
        ours = Compare(Span(key), "created", presence.created)
        async with self._writing:
            won = (await self._store.commit([ours], [Delete(key)])).won
            if won:
                self._created = 0
                self.told = replace(self.told, subnets=Subnets())  # as the next one is to begin
                self.session.drop()
        return won

    async def say(self, me: Me, subnets: Subnets, presence: Presence) -> None:
        """Let our presence, as it was just read, tell the subnets and addresses of now."""
        async with self._writing:
            said = replace(self.told, subnets=subnets)
            if _value(me, said) != self._written or not self.session.state.lease:
                await self._write(me, said, presence.created)

    async def move(self, me: Me, presence: Presence) -> None:
        """Let our presence, as it was just read, tell our addresses of now, though we hold none."""
        async with self._writing:
            if any(me.addresses) and presence.addresses != me.addresses:
                await self._write(me, self.told, presence.created)

    async def tell(self, conditions: tuple[str, ...]) -> bool:
        """Let our presence tell what is wrong here, and what is applied; False: it stands not."""
        async with self._writing:
            if self._me is None or not self._created:
                return False
            said = replace(self.told, conditions=conditions)
            won = await self._write(self._me, said, self._created)
        if not won:
            self._created = 0
            self._lost()
        return won

    async def _write(self, me: Me, said: Status, created: int) -> bool:
        said = replace(said, applied=self.applied)
        value = _value(me, said)
        ours = Compare(Span(self._keys.node(me.node_id)), "created", created)
        etcd_lease = await self.session.granted(PRESENCE_TTL)
        put = Put(self._keys.node(me.node_id), value, etcd_lease)
        won = (await self._store.commit([ours], [put])).won
        if won:
            self._written, self.told = value, said
        return won

    async def contend(self, note: Contend) -> bool:
        """Leave our note with the node at our address."""
        etcd_lease = await self.session.granted(PRESENCE_TTL)
        done = await self._store.commit([], [Put(note.key, note.value, etcd_lease)])
        self._noted = (note.key, done.header.revision)
        return done.won

    async def concede(self, note: Concede) -> bool:
        """Delete a note of ours, if it is unchanged."""
        return (await self._store.commit(note.compares, [Delete(note.key)])).won

    async def end(self) -> None:
        """Take back what says that we want the address of another: this process wants it no more.

        The presence stays. Whoever had our subnet before is taken for dead without one, and a
        daemon that is restarted is not.
        """
        key, written = self._noted
        if key:
            self._noted = (b"", 0)
            unchanged = Compare(Span(key), "modified", written)
            await self._store.commit([unchanged], [Delete(key)])


def _value(me: Me, said: Status) -> bytes:
    return presence_value(instance=me.instance, node=me.node, addresses=me.addresses, status=said)
