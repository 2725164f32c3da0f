"""The state directory: where identity and memory are kept. The thin part; `identity` decides.

Reading never raises: a daemon whose disk is gone must still route. What cannot be read is a
*trouble*, said beside a value that can be worked with. A file that is torn, or was written by
somebody else, is set aside as `<name>.bad` for a person to look at, and counts as not there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

from hostgw_daemon.disk import recollection
from hostgw_daemon.disk.files import atomic_stream, atomic_write, read_if_there, set_aside
from hostgw_daemon.disk.identity import Decision, Identity, decide, machine_id
from hostgw_daemon.disk.memory import Memory, decode, encode
from hostgw_daemon.disk.recollection import Recollection

MACHINE_ID = Path("/etc/machine-id")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A value to work with, and in `trouble` why the disk did not give or keep it ("": it did)."""

    value: T
    trouble: str = ""


class StateDir:
    """`<state-dir>`, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._node_id = path / "node-id"
        self._state = path / "state.json"
        self._snapshot = path / "snapshot"

    def identity(self, node: str, *, machine: Path = MACHINE_ID) -> Kept[Decision]:
        """Decide who this node is, and keep it. Never raises; call it once, at the start."""
        try:
            content = read_if_there(self._node_id)
        except OSError as error:
            return Kept(_decide(None, machine, node=node), str(error))
        stored = None if content is None else Identity.decode(content)
        decision = _decide(stored, machine, node=node)
        trouble = ""
        try:
            if content is not None and stored is None:
                trouble = (
                    f"{self._node_id} held no node id; it is kept as {set_aside(self._node_id)}"
                )
            atomic_write(self._node_id, decision.identity.encode())
        except OSError as error:
            trouble = str(error)
        return Kept(decision, trouble)

    def remain(self, identity: Identity) -> bool:
        """Keep who this node is; give whether anything changed. Raise OSError."""
        return atomic_write(self._node_id, identity.encode())

    def recall(self) -> Kept[Memory]:
        """Give what was remembered last, or an empty memory. Never raises."""
        try:
            content = read_if_there(self._state)
            if content is None:
                return Kept(Memory())
            memory = decode(content)
            if isinstance(memory, Memory):
                return Kept(memory)
            aside = set_aside(self._state)
        except OSError as error:
            return Kept(Memory(), str(error))
        return Kept(Memory(), f"{self._state} cannot be used ({memory}); it is kept as {aside}")

    def remember(self, memory: Memory) -> bool:
        """Keep it in place of the last one; give whether anything changed. Raise OSError."""
        return atomic_write(self._state, encode(memory))

    def recollect(self, *, prefix: str, node_id: str) -> Kept[Recollection | None]:
        """Give what was understood of the store last, or None. Never raises."""
        try:
            content = read_if_there(self._snapshot, most=recollection.LARGEST + 1)
            if content is None:
                return Kept(None)
            found = recollection.decode(content, prefix=prefix, node_id=node_id)
            if isinstance(found, Recollection):
                return Kept(found)
            aside = set_aside(self._snapshot)
        except OSError as error:
            return Kept(None, str(error))
        return Kept(None, f"{self._snapshot} cannot be used ({found}); it is kept as {aside}")

    def keep(self, recollected: Recollection) -> None:
        """Keep it in place of the last one. Raise OSError."""
        atomic_stream(self._snapshot, recollection.pieces(recollected), mode=0o600)


def _decide(stored: Identity | None, machine: Path, *, node: str) -> Decision:
    here = ""
    with suppress(OSError):  # a host whose machine-id cannot be read counts as one without
        here = machine_id(machine.read_text(encoding="ascii", errors="replace"))
    return decide(stored, here, node=node, fresh=uuid4())
