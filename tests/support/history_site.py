"""A site of claims whose store is wiped and restored, and hosts that remember its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hostgw_core.history import History
from hostgw_core.store import Entry
from support.claim_site import PREFIX, Host, Site

CONFIG = f"{PREFIX}/config".encode()


@dataclass(frozen=True)
class Backup:
    """A copy of the store as it was: what `etcdctl snapshot save` keeps of it."""

    revision: int
    entries: dict[bytes, Entry]
    ttls: dict[int, int]


class HistorySite(Site):
    """Each host knows what its view and its disk would: the last header, the break, the network."""

    def __init__(self, network: dict[str, Any]) -> None:
        self.histories: dict[str, History] = {}
        self.networks: dict[str, Entry] = {}
        super().__init__(network)
        self.store.term = 9

    def history_of(self, host: Host) -> History:
        """Give what a host knows of the store's past."""
        return self.histories.get(host.node_id, History())

    def network_of(self, host: Host) -> Entry | None:
        """Give the record of the network that a host goes by."""
        return self.networks.get(host.node_id)

    def advance(self, host: Host) -> bool:
        """Let its view look first, where a step begins; the disk keeps what it sees."""
        if host.runs and host.step is None:
            self._look(host)
        return super().advance(host)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and every view that runs see what there is, as a watch does.

        Nobody overlooks a store that went back until it has come forward again.
        """
        left = seconds
        while left > 0:
            for host in self.hosts:
                if host.runs:
                    self._look(host)
            super().pass_time(min(15, left))
            left -= 15

    def _look(self, host: Host) -> None:
        history = self.history_of(host).listed(self.store.header)
        self.histories[host.node_id] = history
        config, known = self.store.entries.get(CONFIG), self.network_of(host)
        if config is not None and (known is None or history.believes(config, known)):
            self.networks[host.node_id] = config

    def calm(self) -> None:
        """Call the history that is told now everybody's own, as the guard does in the end."""
        self.histories = {who: known.settled() for who, known in self.histories.items()}

    def backup(self) -> Backup:
        """Copy the store."""
        store = self.store
        ttls = {lease: ttl for lease, (ttl, _) in store.leases.items()}
        return Backup(store.revision, dict(store.entries), ttls)

    def restore(self, backup: Backup) -> None:
        """Put a copy in the store's place; every lease in it has its whole time again."""
        self.store.wipe()
        self.store.revision, self.store.entries = backup.revision, dict(backup.entries)
        self.store.leases = {i: (ttl, self.time + ttl) for i, ttl in backup.ttls.items()}
