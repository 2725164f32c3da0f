"""Who received an ARP broadcast: packet sockets (packet(7)) in every namespace, and no guess.

Two sockets a namespace, with a filter for ARP broadcasts in the kernel:

* one for ARP alone, which stands in the same list as the kernel's own ARP: it gets a frame exactly
  when the *stack* gets it. A port of a bridge hands its frames to the bridge before this list.
* one for everything, which stands before the bridge and sees each *interface* on which a frame
  arrives. What only leaves on an interface is not counted.

A frame that a socket had no room for would be a listener missed, so that is an error.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from bench.broadcast.frames import BROADCAST_ARP, ETH_P_ALL, ETH_P_ARP, Broadcast, parse
from bench.broadcast.law import Audience

from hostgw_cli.lab.netns import Namespace

QUIET: Final = 0.3  # seconds without a frame: all have arrived
WITHIN: Final = 20.0  # seconds

_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h
_SO_RCVBUFFORCE: Final = 33
_SOL_PACKET: Final = 263  # linux/socket.h
_PACKET_STATISTICS: Final = 6  # linux/if_packet.h
_BUFFER: Final = 4 << 20  # bytes


class Heard(NamedTuple):
    """A frame that came: where, on which interface, to the stack or only past it, and when."""

    namespace: str
    interface: str
    by_stack: bool
    when: float  # seconds of time.monotonic
    frame: Broadcast


@dataclass(frozen=True, slots=True)
class Ear:
    """One of the two sockets of a namespace."""

    namespace: str
    by_stack: bool
    socket: socket.socket

    @classmethod
    def open(cls, inside: Namespace, *, by_stack: bool) -> Self:
        """Open it in a namespace. Raise OSError."""
        kind = ETH_P_ARP if by_stack else ETH_P_ALL
        with inside.enter():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        program = ctypes.create_string_buffer(BROADCAST_ARP, len(BROADCAST_ARP))
        where = ctypes.addressof(program)
        sock.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(BROADCAST_ARP) // 8, where)
        )
        return cls(inside.name, by_stack, sock)

    def read(self) -> Iterator[Heard]:
        """Give what has arrived, without waiting."""
        while True:
            try:
                data, (interface, _, kind, *_) = self.socket.recvfrom(2048)
            except BlockingIOError:
                return
            if kind != socket.PACKET_OUTGOING and (frame := parse(data)) is not None:
                yield Heard(self.namespace, interface, self.by_stack, time.monotonic(), frame)

    def lost(self) -> int:
        """Give how many frames found no room since the last call."""
        said = self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("=II", said)[1])


class Witness:
    """Hears the ARP broadcasts of many namespaces, from `open` on."""

    def __init__(self, ears: Iterable[Ear]) -> None:
        self._ears = {each.socket.fileno(): each for each in ears}
        self._poll = select.epoll()
        for descriptor in self._ears:
            self._poll.register(descriptor, select.EPOLLIN)

    @classmethod
    @contextmanager
    def open(cls, inside: Iterable[Namespace]) -> Iterator[Self]:
        """Listen in these namespaces while the block lasts. Raise OSError."""
        with ExitStack() as ends:
            ears = []
            for namespace in inside:
                for by_stack in (True, False):
                    ears.append(Ear.open(namespace, by_stack=by_stack))
                    ends.enter_context(ears[-1].socket)
            witness = cls(ears)
            ends.callback(witness._poll.close)
            yield witness

    def collect(self, *, quiet: float = QUIET, within: float = WITHIN) -> list[Heard]:
        """Give all that arrives until nothing has for `quiet` seconds.

        Raise TimeoutError when it does not become quiet, OSError when a frame was lost.
        """
        heard: list[Heard] = []
        end = time.monotonic() + within
        while ready := self._poll.poll(quiet):
            for descriptor, _ in ready:
                heard += self._ears[descriptor].read()
            if time.monotonic() > end:
                raise TimeoutError(f"not quiet within {within:g} s: {len(heard):,} frames so far")
        if lost := sum(each.lost() for each in self._ears.values()):
            raise OSError(f"{lost} frames found no room in the witness's sockets")
        return heard


def audience_of(heard: Iterable[Heard], mac: bytes, *, besides: str = "") -> Audience:
    """Count who heard the broadcasts that came from a MAC address, besides one namespace.

    That is the sender's own: a bridge in hairpin mode sends it what it has sent.
    """
    stacks: set[str] = set()
    interfaces: set[tuple[str, str]] = set()
    frames = 0
    for each in heard:
        if each.frame.mac != mac or each.namespace == besides:
            continue
        if each.by_stack:
            stacks.add(each.namespace)
        else:
            interfaces.add((each.namespace, each.interface))
            frames += 1
    return Audience(len(stacks), len(interfaces), frames)
