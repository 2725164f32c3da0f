"""The port to UDP: what comes back of a question, and who sends one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol, TypeAlias

from hostgw_core.model import IPAddress

OURS: Final = frozenset(
    {
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EHOSTUNREACH,
        errno.EINVAL,
        errno.EMSGSIZE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EWOULDBLOCK,
    }
)
"""Refusals that say nothing of the peer: our own address has just gone, the link's MTU, a link of
ours that is down, or a route that is missing here, which the state of the routes tells. Any other
is a question lost on this very host, by its packet filter (EPERM) or its queue (ENOBUFS)."""


class Said(Enum):
    """What a kernel said of a question of ours."""

    CLOSED = auto()  # nobody listens at that port there
    EXPIRED = auto()  # its life ended at a host that forwards
    NOWHERE = auto()  # it could not be delivered


@dataclass(frozen=True, slots=True)
class Heard:
    """A datagram that came: from whom, to which address of ours."""

    data: bytes
    source: IPAddress
    port: int
    here: IPAddress


@dataclass(frozen=True, slots=True)
class Returned:
    """A question of ours that came back in an ICMP error; `data` is what is left of it."""

    data: bytes
    said: Said


class Neighbour(NamedTuple):
    """What the kernel says of an address on the link: whether it answers, and by which hardware.

    None: its entry is gone; b"": not known.
    """

    address: IPAddress
    answers: bool | None
    hardware: bytes = b""


Arrival: TypeAlias = Heard | Returned


class Link(Protocol):
    """Who knows what answers on the link. Neither raises; what cannot be known is not known."""

    def confirm(self, address: IPAddress) -> bool:
        """Have the kernel ask for an address anew; True: it needs no asking."""
        ...

    def look(self, address: IPAddress) -> bytes:
        """Give the hardware address that the kernel has for one that answers, else b""."""
        ...


class Sockets(Protocol):
    """Who sends and hears; `port` is the one that all nodes use."""

    port: int

    def start(self, hear: Callable[[list[Arrival]], None]) -> None:
        """Call `hear` with what comes."""
        ...

    def send(
        self, data: bytes, *, source: IPAddress, to: IPAddress, port: int = 0, hops: int = 0
    ) -> int:
        """Send, and give an errno; 0: it has gone."""
        ...
