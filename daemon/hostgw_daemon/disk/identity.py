"""Who this node is: an id that outlives its name, its address and its lease.

The id is kept in `<state-dir>/node-id` with the machine-id beside it. The first one is a function
of machine-id and node name (uuid5), so that a host which lost its disk but not its machine-id finds
its lease again. After that the file decides: a changed name keeps the id. A changed machine-id
means that the disk was copied to another machine, which needs an id of its own, or both would hold
one lease. A host without a machine-id (many container images) gets a random id, and keeps it.

An address never takes part: addresses are what changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5


@dataclass(frozen=True, slots=True)
class Identity:
    """A node id, and the machine-id that it was made on ("" where there was none)."""

    node_id: str
    machine_id: str = ""

    def encode(self) -> bytes:
        """Give the content of the file: the id on the first line, the machine-id on the second."""
        return f"{self.node_id}\n{self.machine_id}\n".encode()

    @classmethod
    def decode(cls, content: bytes) -> Identity | None:
        """Read the file's content; give None for anything that is not whole."""
        lines = content.decode("ascii", errors="replace").split("\n")
        if len(lines) != 3 or lines[2]:
            return None
        try:
            return cls(str(UUID(lines[0])), machine_id(lines[1]) if lines[1] else "")
        except ValueError:
            return None


def machine_id(text: str) -> str:
    """Read the content of /etc/machine-id (machine-id(5)): 32 hexadecimal digits, else ""."""
    try:
        return UUID(text.strip()).hex
    except ValueError:  # also "uninitialized", early in the first boot
        return ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Which identity holds from now on. `why` says in a word how it came about."""

    identity: Identity
    why: str


def decide(stored: Identity | None, machine: str, *, node: str, fresh: UUID) -> Decision:
    """Choose the identity: the stored one, unless it was made on another machine.

    `machine` is the machine-id, "" for none; `fresh` a random uuid4 for a host without one.
    """
    if stored and machine and stored.machine_id and stored.machine_id != machine:
        return Decision(_first(machine, node, fresh), "machine-id changed")
    if stored:
        return Decision(Identity(stored.node_id, machine or stored.machine_id), "kept")
    return Decision(_first(machine, node, fresh), "new")


def _first(machine: str, node: str, fresh: UUID) -> Identity:
    if not machine:
        return Identity(str(fresh))
    return Identity(str(uuid5(UUID(machine), node)), machine)
