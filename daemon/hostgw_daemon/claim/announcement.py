"""This process's presence in the store: announced, kept alive, corrected, and shown to rivals.

The presence is the mutex on our node id, so it must not lapse unnoticed while we live. Its etcd
lease is kept alive from the moment it is granted, before anything hangs on it: if the answer to the
announcement is lost, the presence may stand all the same, and nobody else would renew it. For the
same reason whoever reads the presence of this very instance knows that it was announced, whatever
the answer was.

A note to the node that holds our address hangs on the same etcd lease and ends with us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hostgw_core.keys import Keys
from hostgw_core.model import Presence, Subnets
from hostgw_core.records import Status, presence_value
from hostgw_core.session import Session
from hostgw_core.store import Compare, Delete, Put, Span, Store
from hostgw_daemon.claim.sight import PRESENCE_TTL, Me


class Announcement:
    """Writes our presence. Every verb that asks the store raises StoreError.

    `lost` is called when the presence's etcd lease is gone. `clock` is CLOCK_BOOTTIME.
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
        self._said = said
        self._clock = clock
        self._written = b""
        self._noted: tuple[str, int] = ("", 0)
        self._stranger: tuple[str, float] = ("", 0.0)
        self.session = Session(store, lost=lost, clock=clock)
        self.announced = False

    def saw(self, me: Me, presence: Presence | None) -> float:
        """Note what stands under our node id; give for how many seconds it has been this one."""
        instance = presence.instance if presence is not None else ""
        if instance == me.instance:
            self.announced = True
        if instance != self._stranger[0]:
            self._stranger = (instance, self._clock())
        return self._clock() - self._stranger[1]

    async def announce(self, me: Me) -> bool:
        """Create our presence where there is none; give False if somebody was quicker."""
        key, value = self._keys.node(me.node_id), self._value(me)
        etcd_lease = await self.session.granted(PRESENCE_TTL)
        absent = Compare(Span(key), "version", 0)
        won = (await self._store.commit([absent], [Put(key, value, etcd_lease)])).won
        if won:
            self.announced, self._written = True, value
        return won

    async def depose(self, me: Me, presence: Presence) -> bool:
        """Delete the presence of our former life, if it is unchanged."""
        key = self._keys.node(me.node_id)
        unchanged = Compare(Span(key), "modified", presence.modified)
        return (await self._store.commit([unchanged], [Delete(key)])).won

    async def say(self, me: Me, subnets: Subnets, presence: Presence) -> None:
        """Let our presence, as it was just read, tell the subnets and addresses of now."""
        self._said = replace(self._said, subnets=subnets)
        value = self._value(me)
        if value == self._written and self.session.state.lease:
            return
        key = self._keys.node(me.node_id)
        ours = Compare(Span(key), "created", presence.created)
        put = Put(key, value, await self.session.granted(PRESENCE_TTL))
        if (await self._store.commit([ours], [put])).won:
            self._written = value

    async def contend(self, me: Me, rival: str, presence: Presence) -> None:
        """Tell the node at our address, once, that we are here: it cannot know otherwise."""
        note = (rival, presence.created)
        if note == self._noted:
            return
        key = self._keys.disputes(rival).start + me.node_id.encode()
        fence = Compare(Span(self._keys.node(me.node_id)), "created", presence.created)
        put = Put(key, self._value(me), await self.session.granted(PRESENCE_TTL))
        if (await self._store.commit([fence], [put])).won:
            self._noted = note

    def _value(self, me: Me) -> bytes:
        return presence_value(
            instance=me.instance, node=me.node, addresses=me.addresses, status=self._said
        )
