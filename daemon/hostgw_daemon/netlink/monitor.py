"""The monitor socket: what others change in the kernel, heard as it happens.

It is open before the first dump is read, so nothing falls between the two. Three facts shape it:

* A notification carries the port id of the socket that asked for the change. A filter of four
  instructions drops those of our own command socket inside the kernel: 10,000 routes
  of ours cost this socket nothing.
* A burst that outruns the buffer is told once, as ENOBUFS; the socket lives on. It becomes an
  `Overrun`: look at everything. 32 MiB hold 80,000 notifications.
* The event loop is held for at most `AT_ONCE` notifications (some milliseconds), then others have
  their turn; the rest waits in the socket.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import socket
import struct
from collections.abc import Callable
from typing import Self

from hostgw_daemon.kernel import KernelEvent, Overrun
from hostgw_daemon.netlink.channel import SO_RCVBUFFORCE, size_buffer
from hostgw_daemon.netlink.notices import Notices

Hear = Callable[[list[KernelEvent]], None]

# linux/rtnetlink.h: RTMGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE, and
# RTNLGRP_IPV4_NETCONF (24), RTNLGRP_IPV6_NETCONF (25) as bits.
GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400 | 1 << 23 | 1 << 24
RECEIVE_BUFFER = 32 << 20  # bytes
LONGEST = 1 << 16  # bytes of one notification; what is cut off a longer one is not read by us
AT_ONCE = 1000  # notifications


class Monitor:
    """Hears the network namespace in which it was opened."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._notices = Notices()
        self._buffer = memoryview(bytearray(LONGEST))
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def open(cls, *, echo_of: int, receive_buffer: int = RECEIVE_BUFFER) -> Self:
        """Subscribe, in the current namespace; `echo_of` is the port id that is not to be heard.

        From here on the kernel keeps what happens, up to `receive_buffer` bytes.
        """
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        try:
            sock.setblocking(False)
            size_buffer(sock, SO_RCVBUFFORCE, socket.SO_RCVBUF, receive_buffer)
            _deafen(sock, echo_of)
            sock.bind((0, GROUPS))
        except OSError:
            sock.close()
            raise
        return cls(sock)

    def start(self, hear: Hear) -> None:
        """Call `hear`, in the running event loop, with every batch of events, in their order."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable, hear)

    def close(self) -> None:
        """Hear no more."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _readable(self, hear: Hear) -> None:
        events = self.read()
        if events:
            hear(events)

    def read(self) -> list[KernelEvent]:
        """Take what is there, at most `AT_ONCE` notifications, without waiting."""
        events: list[KernelEvent] = []
        for _ in range(AT_ONCE):
            try:
                size = self._socket.recv_into(self._buffer)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                events.append(Overrun())
                continue
            events += self._notices.read(self._buffer[:size])
        return events


def _deafen(sock: socket.socket, port: int) -> None:
    """Attach a classic BPF program that drops messages whose `nlmsg_pid` (offset 12) is `port`.

    BPF loads in network order, the header is in the host's. Source: linux/filter.h.
    """
    echo = int.from_bytes(struct.pack("=I", port), "big")
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x20, 0, 0, 12),  # A = word at 12
            (0x15, 0, 1, echo),  # if A == echo: next, else skip one
            (0x06, 0, 0, 0),  # drop
            (0x06, 0, 0, 0xFFFFFFFF),  # keep all of it
        )
    )
    memory = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HL", 4, ctypes.addressof(memory))
    sock.setsockopt(socket.SOL_SOCKET, 26, fprog)  # SO_ATTACH_FILTER copies the program
