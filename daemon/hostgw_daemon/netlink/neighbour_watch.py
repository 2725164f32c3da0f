"""The neighbour table, heard as it changes: who answers on the link, and who does not.

The kernel tells of every change of an entry's state. Most of that (stale, delayed, being asked)
says nothing yet, and a table of ten thousand busy peers tells a lot of it; so a filter of the
socket keeps the two words that mean something: reachable (an answer has just come) and failed (none
has).
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Self, TypeAlias

from hostgw_core.model import IPAddress
from hostgw_daemon.netlink.channel import SO_RCVBUFFORCE, size_buffer
from hostgw_daemon.netlink.neighbours import NDA_DST, NDMSG, NUD_REACHABLE, RTM_NEWNEIGH
from hostgw_daemon.netlink.wire import attributes, messages

GROUP = 0x4  # RTMGRP_NEIGH, linux/rtnetlink.h
NUD_FAILED = 0x20
RECEIVE_BUFFER = 4 << 20  # bytes: some ten thousand notifications
AT_ONCE = 1000  # notifications before others have their turn

Hear: TypeAlias = Callable[[list[tuple[int, IPAddress, bool]]], None]
"""Gets (link, address, whether it answers), in order."""


class NeighbourWatch:
    """Hears the network namespace in which it was opened. What is lost (ENOBUFS) comes again."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = memoryview(bytearray(1 << 14))

    @classmethod
    def open(cls) -> Self:
        """Subscribe, in the current namespace. Raise OSError."""
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        try:
            sock.setblocking(False)
            size_buffer(sock, SO_RCVBUFFORCE, socket.SO_RCVBUF, RECEIVE_BUFFER)
            _keep_what_matters(sock)
            sock.bind((0, GROUP))
        except OSError:
            sock.close()
            raise
        return cls(sock)

    def start(self, hear: Hear) -> None:
        """Call `hear`, in the running event loop, with what has been told."""
        asyncio.get_running_loop().add_reader(self._socket, self._readable, hear)

    def close(self) -> None:
        """Hear no more."""
        with suppress(RuntimeError):  # no loop runs: nobody was told
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _readable(self, hear: Hear) -> None:
        if told := self.read():
            hear(told)

    def read(self) -> list[tuple[int, IPAddress, bool]]:
        """Take what is there, without waiting."""
        told: list[tuple[int, IPAddress, bool]] = []
        for _ in range(AT_ONCE):
            try:
                size = self._socket.recv_into(self._buffer)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                continue
            told += _read(self._buffer[:size])
        return told


def _read(buffer: memoryview) -> list[tuple[int, IPAddress, bool]]:
    found: list[tuple[int, IPAddress, bool]] = []
    for message in messages(buffer):
        if message.type != RTM_NEWNEIGH or message.end - message.start < NDMSG.size:
            continue
        _, _, _, link, state, _, _ = NDMSG.unpack_from(buffer, message.start)
        kept = attributes(buffer, message.start + NDMSG.size, message.end)
        if len(kept.get(NDA_DST, b"")) in {4, 16} and state & (NUD_REACHABLE | NUD_FAILED):
            found.append((link, ip_address(kept[NDA_DST]), bool(state & NUD_REACHABLE)))
    return found


def _keep_what_matters(sock: socket.socket) -> None:
    """Attach a classic BPF program that keeps messages whose `ndm_state` (offset 24) matters.

    BPF loads in network order, the header is in the host's. Source: linux/filter.h.
    """
    keep = int.from_bytes(struct.pack("=H", NUD_REACHABLE | NUD_FAILED), "big")
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x28, 0, 0, 24),  # A = half word at 24
            (0x45, 0, 1, keep),  # if A & keep: next, else skip one
            (0x06, 0, 0, 0xFFFFFFFF),  # keep all of it
            (0x06, 0, 0, 0),  # drop
        )
    )
    memory = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HL", 4, ctypes.addressof(memory))
    sock.setsockopt(socket.SOL_SOCKET, 26, fprog)  # SO_ATTACH_FILTER copies the program
