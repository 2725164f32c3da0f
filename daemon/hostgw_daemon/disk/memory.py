"""What the daemon remembers over a restart: the content of `<state-dir>/state.json`.

None of it is needed to be right, only to be the same: which subnet to ask for, which former
instance is our own, in which history of the store the routes were learnt, and until when the lease
is surely ours. Without it a node starts as if it were new.

A renewal is dated by two clocks. Within one boot CLOCK_BOOTTIME counts, which nobody can set; after
a reboot only the wall clock is left, and it is trusted only where it has not gone back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from hostgw_core.model import Subnets
from hostgw_core.store import Header

VERSION = 1
LONGEST_REASON = 300  # characters: it may quote the file


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, or then: seconds of CLOCK_BOOTTIME in one boot, and seconds since the epoch."""

    boot_id: str
    boottime: float
    wall: float


@dataclass(frozen=True, slots=True)
class Renewal:
    """When the store last confirmed our lease, and for how many seconds from then."""

    at: Moment
    ttl: int

    def left(self, now: Moment) -> float | None:
        """Give the seconds that the lease surely still has, below 0 once it is over.

        None: it cannot be known, because the host was rebooted and its clock went back.
        """
        if now.boot_id == self.at.boot_id:
            return self.ttl - (now.boottime - self.at.boottime)
        if now.wall < self.at.wall:
            return None
        return self.ttl - (now.wall - self.at.wall)


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that is kept. `key` and `renewal` are for whoever reads the file."""

    subnets: Subnets = field(default_factory=Subnets)
    key: str = ""
    instance: str = ""
    history: Header | None = None
    renewal: Renewal | None = None


@dataclass(frozen=True, slots=True)
class _Document:
    version: int
    memory: Memory


def encode(memory: Memory) -> bytes:
    """Give the content of the file."""
    document = _Document(VERSION, memory)
    return msgspec.json.format(msgspec.json.encode(document, enc_hook=str), indent=1) + b"\n"


def decode(content: bytes) -> Memory | str:
    """Read the file's content: give the value, or the reason why it cannot be used. Never raises.

    A file of a later version is refused as a whole: half an understanding is none.
    """
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version != VERSION:
            return f"it is of version {version}, and this program knows version {VERSION}"
        return msgspec.json.decode(content, type=_Document, dec_hook=_network).memory
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        return str(error)[:LONGEST_REASON]


class _Version(msgspec.Struct):
    version: int


def _network(kind: type, text: object) -> object:
    if not isinstance(text, str):
        raise TypeError(f"expected a subnet, got {text!r}")  # ipaddress takes integers, too
    return kind(text)
