"""Who says when a route came or went: the kernel's own notifications, read here and by no daemon.

A netlink socket of the benchmark's own, in the host's namespace, joined to the IPv4 route group
(rtnetlink(7)). The moment is that at which this process has read the notification, so a time is
never shorter than what was measured, and longer by what it takes to be woken (about 50 us).
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple, Self

from hostgw_cli.lab.netns import Namespace

RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTMGRP_IPV4_ROUTE = 0x40
_RTA_DST, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_TABLE = 1, 5, 6, 15
_SO_RCVBUFFORCE = 33
_BUFFER = 256 << 20  # bytes: nothing is lost while this process is not scheduled

_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_RTMSG = struct.Struct("=8BI")
_ATTRIBUTE = struct.Struct("=HH")


class Seen(NamedTuple):
    """A route came (or, `gone`, went): the moment in seconds of time.perf_counter."""

    when: float
    gone: bool
    protocol: int
    destination: bytes
    gateway: bytes
    metric: int
    length: int
    table: int


class Witness:
    """Hears the routes of one namespace, from `open` on."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    @classmethod
    def open(cls, inside: Namespace) -> Self:
        """Join the group in a namespace."""
        with inside.enter():
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        sock.bind((0, RTMGRP_IPV4_ROUTE))
        sock.setblocking(False)
        return cls(sock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """For select.poll."""
        return self._socket.fileno()

    def read(self) -> list[Seen]:
        """Take what has been said so far, without waiting."""
        seen: list[Seen] = []
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return seen
            seen += _parse(data, time.perf_counter())

    def follow(self, *, until: float) -> Iterator[Seen]:
        """Give what is said, as it is said, up to a moment of time.perf_counter."""
        watch = select.poll()
        watch.register(self, select.POLLIN)
        while (left := until - time.perf_counter()) > 0:
            if watch.poll(left * 1000):
                yield from self.read()

    def arrivals(self, protocol: int, count: int, *, within: float) -> tuple[float, float]:
        """Wait until `count` destinations have a route; give the moments of the first and last.

        Raise TimeoutError with how many there were.
        """
        there: set[bytes] = set()
        first = 0.0
        for seen in self.follow(until=time.perf_counter() + within):
            if seen.protocol != protocol:
                continue
            if seen.gone:
                there.discard(seen.destination)
                continue
            first = first or seen.when
            there.add(seen.destination)
            if len(there) == count:
                return first, seen.when
        raise TimeoutError(f"{len(there)} of {count} routes of protocol {protocol} in {within:g} s")


def _parse(data: bytes, when: float) -> Iterator[Seen]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _flags, _seq, _port = _HEADER.unpack_from(data, offset)
        if kind in (RTM_NEWROUTE, RTM_DELROUTE):
            yield _route(data, offset, length, gone=kind == RTM_DELROUTE, when=when)
        offset += (length + 3) & ~3


def _route(data: bytes, start: int, length: int, *, gone: bool, when: float) -> Seen:
    _, prefix, _, _, table, protocol, *_ = _RTMSG.unpack_from(data, start + _HEADER.size)
    destination = gateway = b""
    metric = 0
    offset = start + _HEADER.size + _RTMSG.size
    while offset + _ATTRIBUTE.size <= start + length:
        size, kind = _ATTRIBUTE.unpack_from(data, offset)
        value = data[offset + 4 : offset + size]
        if kind == _RTA_DST:
            destination = value
        elif kind == _RTA_GATEWAY:
            gateway = value
        elif kind == _RTA_PRIORITY:
            metric = int.from_bytes(value, "little")
        elif kind == _RTA_TABLE:
            table = int.from_bytes(value, "little")
        offset += (size + 3) & ~3
    return Seen(when, gone, protocol, destination, gateway, metric, prefix, table)
