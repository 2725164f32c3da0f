"""What lies on this host's disk: read at the start, and kept as it must be from then on.

| file | holds | if it is lost |
|---|---|---|
| `<state-dir>/node-id` | who this node is | another id, from the machine-id |
| `<state-dir>/state.json` | the subnet to ask for, the former instance | `subnet.env` |
| `<state-dir>/snapshot` | what was believed of the store last | routes of ours in the kernel |
| `--subnet-file` | what the container runtime needs to know | written again |
| `--cni-conf` | how a container runtime attaches containers | written again |

A further network has all of them but the first in places of its own (`Settings.served`).

A disk that is full, read-only or gone is a condition with a sentence: nothing waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hostgw_core.history import Break, History
from hostgw_core.keys import Keys
from hostgw_core.model import FAMILIES
from hostgw_core.store import Entry
from hostgw_core.view import Snapshot
from hostgw_daemon.cni.conflist import Conflist
from hostgw_daemon.cni.plugins import missing, sentence
from hostgw_daemon.disk.files import atomic_write, remove_if_there
from hostgw_daemon.disk.identity import Identity
from hostgw_daemon.disk.memory import Memory
from hostgw_daemon.disk.paperwork import Paperwork
from hostgw_daemon.disk.recollection import Past, Recollection
from hostgw_daemon.disk.statedir import StateDir
from hostgw_daemon.halt import Halt
from hostgw_daemon.kernel import Kernel
from hostgw_daemon.opening import left_by_flannel
from hostgw_daemon.routes.cluster import Cluster
from hostgw_daemon.routes.guard import entry_of
from hostgw_daemon.routes.understanding import Understanding
from hostgw_daemon.settings import Settings

FILES = ("node-id", "state.json", "snapshot")
"""What is kept in the state directory."""

SEEN_EVERY = 3.0
"""Seconds between two writes of the snapshot, however much happens."""

SNAPSHOT_AUDIT = 3600.0
"""Seconds between two looks at it that nobody asked for: it takes a while to write it out."""


@dataclass(frozen=True, slots=True, eq=False)
class Keepsake:
    """What is to be kept of the store; written out in a thread, for it may be long.

    `at` is when it was understood, in seconds since the epoch: that age is shown, however often the
    file is written again.
    """

    now: Understanding
    history: History
    at: float


class Papers:
    """Reads what was left here of one network, and writes what is to be left.

    `told` gets the code of a condition and what is wrong, or "" when nothing is. `node_id` is who
    this node is, where the papers of another network have said so already. A `halt` is for what
    others read; what only this daemon does it needs to go on where it was.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        node: str,
        told: Callable[[str, str], None],
        node_id: str = "",
        halt: Halt | None = None,
    ) -> None:
        keys = Keys(settings.etcd_prefix)
        state = StateDir(Path(settings.state_dir))
        path = Path(settings.subnet_file)
        identity = None if node_id else state.identity(node)
        self.node_id = identity.value.identity.node_id if identity else node_id
        recalled = state.recall()
        self.memory = self._latest = recalled.value
        found = state.recollect(prefix=keys.prefix, node_id=self.node_id)
        self._found = found.value
        self._state = state
        self.keys = keys
        self.saved = found.value.saved if found.value is not None else 0.0
        self._told = told
        self._troubles: dict[str, str] = {}
        self._plugins_missing = ""
        self.subnet_file_written = False
        self.identity_file = Paperwork[Identity](
            state.remain, done=partial(self._state_file, "node-id")
        )
        self.memory_file = Paperwork[Memory](
            state.remember, done=partial(self._state_file, "state.json")
        )
        self.snapshot_file = Paperwork[Keepsake](
            self._keep,
            done=partial(self._state_file, "snapshot"),
            audit=SNAPSHOT_AUDIT,
            gather=SEEN_EVERY,
        )
        self.subnet_file = Paperwork[bytes](
            lambda content: atomic_write(path, content),
            remove=partial(remove_if_there, path),
            done=self._subnet_file,
            halt=halt,
        )
        self.conflist_file = Paperwork[Conflist](
            partial(self._write_conflist, settings),
            remove=partial(self._remove_conflist, settings) if settings.cni_conf else None,
            done=self._conflist_file,
            halt=halt,
        )
        self._for_others: tuple[tuple[str, Paperwork[Any]], ...] = (
            (settings.subnet_file, self.subnet_file),
            (settings.cni_conf, self.conflist_file),
        )
        self.remembered = self.memory.subnets
        # flannel's file where we have no memory: we come after flannel on this host.
        self.after_flannel = False
        if not any(self.remembered):
            self.remembered = left_by_flannel(path)
            self.after_flannel = any(self.remembered)
        if identity is not None:
            self.identity_file.want(identity.value.identity)
        unsure = identity.trouble if identity is not None else ""
        troubles = (unsure, recalled.trouble, found.trouble)
        self._troubles |= {name: why for name, why in zip(FILES, troubles, strict=True) if why}

    @property
    def loops(self) -> Mapping[str, Callable[[], Any]]:
        """Give the tasks that write, by name."""
        return {
            "node-id": self.identity_file.run,
            "memory": self.memory_file.run,
            "snapshot": self.snapshot_file.run,
            "subnet-file": self.subnet_file.run,
            "conflist": self.conflist_file.run,
        }

    @property
    def pending(self) -> Iterator[tuple[str, str]]:
        """Give the files for others that are not as they must be, and why not if they cannot be."""
        for path, file in self._for_others:
            if file.pending:
                yield path, file.trouble

    def clear(self) -> None:
        """Let the files for others not be there: this node serves the network no more."""
        self.conflist_file.want_none()  # first: no container is to be attached now
        self.subnet_file.want_none()

    def again(self) -> None:
        """Look at every file anew."""
        for file in (
            *(self.identity_file, self.memory_file, self.snapshot_file),
            *(self.subnet_file, self.conflist_file),
        ):
            file.again()

    def report(self) -> None:
        """Tell what was wrong with the files at the start."""
        self._told("state_dir_failing", "; ".join(self._troubles.values()))

    def remember(self, memory: Memory) -> None:
        """Keep what is to be known after this process."""
        self._latest = memory
        self.memory_file.want(memory)

    def announced(self, instance: str) -> None:
        """Keep which process is announced, though it holds nothing yet.

        The next one would take its presence for a stranger's, and wait for that to end.
        """
        if self._latest.instance != instance:
            self.remember(replace(self._latest, instance=instance))

    # -- the past -----------------------------------------------------------------------------

    @property
    def history(self) -> History:
        """What is known of the store's history."""
        if self._found is None:
            return History(self.memory.history)
        past = self._found.past
        if past.first is None or past.latest is None:
            return History(past.known)
        return History(past.known, Break(past.known, past.first, past.latest, past.alive))

    def remind(self, cluster: Cluster, kernel: Kernel, *, alone: bool = True) -> bool:
        """Tell the cluster what this node knows; give whether that is enough to route by.

        `alone`: there is no other network that a route of ours may belong to. Raise OSError.
        """
        snapshot = self._snapshot()
        if snapshot is not None:
            cluster.recall(snapshot)
        else:
            routes = (route for family in FAMILIES for route in kernel.routes(family))
            cluster.recall_routes(routes, alone=alone)
        return snapshot is not None

    def _snapshot(self) -> Snapshot | None:
        """Give what was believed of the store last, as if it had just been read."""
        found = self._found
        if found is None:
            return None
        entries: dict[bytes, Entry] = {entry.key: entry for entry in found.leases}
        if found.config is not None:
            entries[self.keys.config] = found.config
        return Snapshot(found.past.latest or found.past.known, entries)

    def recollect(self, now: Understanding, history: History) -> None:
        """Keep an understanding; one that is only remembered is kept already."""
        if now.roster is not None and not now.headless and history.known is not None:
            self._found = None
            self.snapshot_file.want(Keepsake(now, history, time.time()))

    def _keep(self, keepsake: Keepsake) -> None:
        """Write it out, in a thread. Raise OSError."""
        now, known, broken = keepsake.now, keepsake.history.known, keepsake.history.broken
        assert now.roster is not None
        assert known is not None
        self._state.keep(
            Recollection(
                self.keys.prefix,
                self.node_id,
                keepsake.at,
                Past(known)
                if broken is None
                else Past(known, broken.first, broken.latest, broken.alive),
                now.config_entry,
                (entry_of(peer.lease) for peer in now.roster.peers.values()),
            )
        )
        self.saved = keepsake.at

    def _write_conflist(self, settings: Settings, conflist: Conflist) -> None:
        """Write it, in a thread, and look for the plugins that it names. Raise OSError."""
        folders = settings.cni_bin_dir
        self._plugins_missing = sentence(missing(conflist.plugins, folders), folders)
        atomic_write(Path(settings.cni_conf), conflist.content, mode=settings.cni_conf_mode)

    def _remove_conflist(self, settings: Settings) -> None:
        """Remove it, in a thread. Raise OSError."""
        self._plugins_missing = ""
        remove_if_there(Path(settings.cni_conf))

    # -- what is wrong ------------------------------------------------------------------------

    def _state_file(self, name: str, trouble: str) -> None:
        self._troubles.pop(name, None)
        if trouble:
            self._troubles[name] = trouble
        self.report()

    def _subnet_file(self, trouble: str) -> None:
        self.subnet_file_written = not trouble and self.subnet_file.there
        self._told("subnet_file_failing", trouble)

    def _conflist_file(self, trouble: str) -> None:
        self._told("cni_conf_failing", trouble)
        self._told("cni_plugin_missing", self._plugins_missing)
