"""The neighbour table, heard as it changes: who answers on the link, and who does not.

The kernel tells of every change of an entry's state. Most of that (stale, delayed, being asked)
says nothing yet, and a table of ten thousand busy peers tells a lot of it; so a filter of the
socket keeps what means something: reachable (an answer has just come), failed (none has), and that
an entry is gone: deleted, flushed with its link, or thrown out because the table is full.
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
from hostgw_daemon.netlink.neighbours import (
    NDA_DST,
    NDMSG,
    NUD_REACHABLE,
    RTM_DELNEIGH,
    RTM_NEWNEIGH,
)
from hostgw_daemon.netlink.wire import attributes, messages

GROUP = 0x4  # RTMGRP_NEIGH, linux/rtnetlink.h
NUD_FAILED = 0x20
RECEIVE_BUFFER = 4 << 20  # bytes: some ten thousand notifications
AT_ONCE = 1000  # notifications before others have their turn

News: TypeAlias = list[tuple[int, IPAddress, bool | None]]
"""(link, address, whether it answers; None: its entry is gone), in order."""


class NeighbourWatch:
    """Hears the network namespace in which it was opened.

    Of what is lost (ENOBUFS), who answers and who does not comes again; `missed` counts the losses,
    for what is gone does not.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = memoryview(bytearray(1 << 14))
        self.missed = 0

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

    def start(self, hear: Callable[[News], None]) -> None:
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

    def _readable(self, hear: Callable[[News], None]) -> None:
        if told := self.read():
            hear(told)

    def read(self) -> News:
        """Take what is there, without waiting."""
        told: News = []
        for _ in range(AT_ONCE):
            try:
                size = self._socket.recv_into(self._buffer)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.missed += 1
                continue
            told += _read(self._buffer[:size])
        return told


def _read(buffer: memoryview) -> News:
    found: News = []
    for message in messages(buffer):
        if message.end - message.start < NDMSG.size:
            continue
        _, _, _, link, state, _, _ = NDMSG.unpack_from(buffer, message.start)
        kept = attributes(buffer, message.start + NDMSG.size, message.end)
        if len(kept.get(NDA_DST, b"")) not in {4, 16}:
            continue
        address = ip_address(kept[NDA_DST])
        if message.type == RTM_DELNEIGH:
            found.append((link, address, None))
        elif message.type == RTM_NEWNEIGH and state & (NUD_REACHABLE | NUD_FAILED):
            found.append((link, address, bool(state & NUD_REACHABLE)))
    return found


def _keep_what_matters(sock: socket.socket) -> None:
    """Attach a classic BPF program that keeps messages whose type or `ndm_state` matters.

    They are at offsets 4 and 24. BPF loads in network order, they are in the host's. Source:
    linux/filter.h.
    """
    gone, states = (
        int.from_bytes(struct.pack("=H", word), "big")
        for word in (RTM_DELNEIGH, NUD_REACHABLE | NUD_FAILED)
    )
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x28, 0, 0, 4),  # A = half word at 4
            (0x15, 2, 0, gone),  # if A is that: keep
            (0x28, 0, 0, 24),  # A = half word at 24
            (0x45, 0, 1, states),  # if A & those: next, else skip one
            (0x06, 0, 0, 0xFFFFFFFF),  # keep all of it
            (0x06, 0, 0, 0),  # drop
        )
    )
    memory = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HL", len(program) // 8, ctypes.addressof(memory))
    sock.setsockopt(socket.SOL_SOCKET, 26, fprog)  # SO_ATTACH_FILTER copies the program
