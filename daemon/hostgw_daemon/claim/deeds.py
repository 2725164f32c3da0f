"""What the claim decided, done: each deed is one transaction of the store, won or lost."""

from __future__ import annotations

from typing import TypeAlias

from hostgw_core.session import Session
from hostgw_core.store import Delete, Put, Store, Write
from hostgw_daemon.claim.action import (
    Announce,
    Concede,
    Contend,
    Depart,
    Depose,
    Hold,
    Quarantine,
    Restore,
    Withdraw,
)
from hostgw_daemon.claim.announcement import Announcement
from hostgw_daemon.claim.sight import Me

Deed: TypeAlias = (
    Contend | Concede | Announce | Depose | Hold | Restore | Withdraw | Quarantine | Depart
)


class Deeds:
    """Does what is decided. `session` keeps our lease alive, of `ttl` seconds where it is new."""

    def __init__(
        self, store: Store, announcement: Announcement, session: Session, *, ttl: int
    ) -> None:
        self._store = store
        self._announcement = announcement
        self._session = session
        self._ttl = ttl

    async def do(self, deed: Deed, me: Me) -> bool:
        """Do it; give False when a race was lost. Raise StoreError."""
        match deed:
            case Contend():
                return await self._announcement.contend(deed)
            case Concede():
                return await self._announcement.concede(deed)
            case Announce():
                return await self._announcement.announce(me)
            case Depose(presence):
                return await self._announcement.depose(me, presence)
            case Depart(presence):
                return await self._announcement.depart(me, presence)
            case Hold():
                writes = await self._hold(deed)
            case Quarantine(lease, value):
                etcd_lease = deed.etcd_lease or await self._session.granted(self._ttl)
                writes = [Put(lease.key, value, etcd_lease)]
            case Withdraw(lease):
                writes = [Delete(lease.key)]
            case Restore(key, value):
                writes = [Put(key, value)]
        return (await self._store.commit(deed.compares, writes)).won

    async def _hold(self, hold: Hold) -> list[Write]:
        etcd_lease = hold.etcd_lease
        if etcd_lease is None:
            etcd_lease = await self._session.granted(self._ttl)
        writes: list[Write] = [Put(hold.key, hold.value, etcd_lease)]
        if hold.instead:
            writes.append(Delete(hold.instead))
        if hold.beside:
            granted = await self._session.granted(self._ttl)
            writes += [Put(key, value, granted) for key, value in hold.beside]
        return writes
