"""The history of the leases in etcd, as `etcdctl watch` tells it: every revision, no code of ours.

A watch that lives through restarts of etcd says nothing about a store that was wiped or restored:
whoever does that says so (`new_history`), and the watch begins anew at the first revision.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from typing import Any

from chaos.record import LeaseEvent
from hostgw_cli.lab.store import Etcd

LEASES = "/coreos.com/network/subnets/"
_PAUSE = 0.2  # seconds before a watch that has ended is begun again


class StoreWitness:
    """Watches from `open` to `close`, in a thread that reads the command's output."""

    def __init__(self, etcd: Etcd) -> None:
        self._etcd = etcd
        self._lock = threading.Lock()
        self._events: list[LeaseEvent] = []
        self._history = 0
        self._next = 1
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Watch from the first revision that was not seen yet."""
        urls = ",".join(member.url for member in self._etcd.members)
        self._process = self._etcd.members[0].namespace.popen(
            [
                *["env", "ETCDCTL_API=3", "etcdctl", f"--endpoints={urls}", "watch", "--prefix"],
                *[f"--rev={self._next}", "--write-out=json", LEASES],
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._thread = threading.Thread(
            target=self._read, args=(self._process,), name="store", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Watch no longer, for now or for good."""
        process, self._process = self._process, None
        if process is not None and self._thread is not None:
            process.kill()
            self._thread.join(5.0)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def new_history(self) -> None:
        """Begin anew: what was seen belongs to a store that is no more."""
        self.close()
        with self._lock:
            self._history += 1
            self._next = 1
        self.open()

    def events(self) -> list[LeaseEvent]:
        """Give everything seen so far, of every history."""
        with self._lock:
            return list(self._events)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            with self._lock:
                self._events += understand(said, self._history, time.monotonic())
                self._next = max(self._next, int(said["Header"].get("revision", 0)) + 1)
                compacted = int(said.get("CompactRevision", 0))
                self._next = max(self._next, compacted)
            if compacted:
                break
        # Its revisions were compacted, or it could not reach a member: it begins where it can.
        time.sleep(_PAUSE)
        if self._process is process:
            process.kill()
            process.wait()
            self.open()


def understand(said: dict[str, Any], history: int, when: float) -> list[LeaseEvent]:
    """Read one answer of `etcdctl watch --write-out=json`."""
    return [_event(each, history, when) for each in said.get("Events") or ()]


def _event(said: dict[str, Any], history: int, when: float) -> LeaseEvent:
    pair = said["kv"]
    node, gateway = owner(base64.b64decode(pair.get("value", "")))
    return LeaseEvent(
        history,
        revision=int(pair["mod_revision"]),
        when=when,
        gone=said.get("type", 0) in (1, "DELETE"),
        key=base64.b64decode(pair["key"]).decode(errors="replace").removeprefix(LEASES),
        node=node,
        gateway=gateway,
        created=pair.get("create_revision") == pair["mod_revision"],
    )


def owner(value: bytes) -> tuple[str, str]:
    """Give the node id and the gateway that a lease names; empty is what it does not name."""
    try:
        record = json.loads(value)
    except ValueError:
        return "", ""
    if not isinstance(record, dict):
        return "", ""
    return _word(record.get("NodeID")), _word(record.get("PublicIP"))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
