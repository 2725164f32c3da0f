"""The adapter to UDP: questions go out by a chosen address, and answers and refusals come back.

One socket a family, bound to every address, because a question to our pods' gateway must be
answered from there (IP_PKTINFO, ip(7); RFC 3542). What ICMP says of a question comes by the
socket's error queue (IP_RECVERR), with the question itself inside: so an answer of a kernel is
matched like one of a daemon. Measured on Linux 6.18:

* a closed port answers with ICMP "port unreachable" from the very address that was asked;
* a life of one hop into a subnet is answered "time exceeded" by a host that forwards, and by
  silence where it does not;
* an address that nobody has on the link comes back as EHOSTUNREACH from our own kernel, after
  three seconds;
* more than the link takes is refused at once (EMSGSIZE), because fragments are forbidden.

Answers of kernels are rationed: one a second to each asker, six at once (net.ipv4.icmp_ratelimit).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, NamedTuple, Self

from hostgw_core.model import Family, IPAddress
from hostgw_daemon.probe.datagram import SIZE
from hostgw_daemon.probe.port import Arrival, Heard, Returned, Said

AT_ONCE: Final = 256  # datagrams before others have their turn
_MOST = 4096  # bytes of one datagram that are read; longer ones are questions, padded
_ROOM = 512  # bytes of control messages


class _Words(NamedTuple):
    """The numbers of a family: linux/in.h, linux/in6.h."""

    af: int
    level: int
    pktinfo: int
    want_pktinfo: int
    recverr: int
    hops: int
    mtu_discover: int
    any: str


_FAMILIES: Final[dict[Family, _Words]] = {
    4: _Words(socket.AF_INET, socket.IPPROTO_IP, 8, 8, 11, 2, 10, "0.0.0.0"),
    6: _Words(socket.AF_INET6, socket.IPPROTO_IPV6, 50, 49, 25, 52, 23, "::"),
}
_PROBE = 3  # IP_PMTUDISC_PROBE: never fragment, and believe nobody about the way's MTU
_IN_PKTINFO = struct.Struct("=i4s4s")
_IN6_PKTINFO = struct.Struct("=16si")
_EXTENDED = struct.Struct("=IBBBxII")  # struct sock_extended_err, linux/errqueue.h
_ICMP, _ICMP6 = 2, 3  # its origins


class Echo:
    """The sockets of one network namespace, at one port. Close it, or use it with `with`."""

    def __init__(self, sockets: dict[Family, socket.socket], port: int) -> None:
        self._sockets = sockets
        self.port = port

    @classmethod
    def open(cls, port: int) -> Self:
        """Bind the port for every family that the kernel has. Raise OSError."""
        sockets: dict[Family, socket.socket] = {}
        try:
            for family, words in _FAMILIES.items():
                try:
                    sock = socket.socket(words.af, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                except OSError as error:
                    if family == 6 and error.errno == errno.EAFNOSUPPORT:
                        continue
                    raise
                sockets[family] = sock
                if family == 6:
                    sock.setsockopt(words.level, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(words.level, words.want_pktinfo, 1)
                sock.setsockopt(words.level, words.recverr, 1)
                sock.setsockopt(words.level, words.mtu_discover, _PROBE)
                sock.bind((words.any, port))
        except OSError:
            for sock in sockets.values():
                sock.close()
            raise
        return cls(sockets, port)

    def start(self, hear: Callable[[list[Arrival]], None]) -> None:
        """Call `hear`, in the running event loop, with what has come, in order."""
        loop = asyncio.get_running_loop()
        for family, sock in self._sockets.items():
            loop.add_reader(sock, self._readable, family, sock, hear)

    def close(self) -> None:
        """Hear no more."""
        for sock in self._sockets.values():
            with suppress(RuntimeError):  # no loop runs: nobody was told
                asyncio.get_running_loop().remove_reader(sock)
            sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self, data: bytes, *, source: IPAddress, to: IPAddress, port: int = 0, hops: int = 0
    ) -> int:
        """Send from an address of ours; `hops` bounds its life. Give an errno, 0 if it has gone.

        An error that another datagram met is said on this one's behalf by the kernel: the first
        such is taken off, and the datagram is sent again.
        """
        family: Family = 4 if to.version == 4 else 6
        sock = self._sockets.get(family)
        if sock is None:
            return errno.EAFNOSUPPORT
        words = _FAMILIES[family]
        info = (
            _IN_PKTINFO.pack(0, source.packed, bytes(4))
            if family == 4
            else _IN6_PKTINFO.pack(source.packed, 0)
        )
        ancillary = [(words.level, words.pktinfo, info)]
        if hops:
            ancillary.append((words.level, words.hops, struct.pack("=i", hops)))
        number = 0
        for _ in range(2):
            try:
                sock.sendmsg([data], ancillary, 0, (str(to), port or self.port))
            except OSError as error:
                number = error.errno or errno.EIO
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    return number
            else:
                return 0
        return number

    def _readable(
        self, family: Family, sock: socket.socket, hear: Callable[[list[Arrival]], None]
    ) -> None:
        arrivals: list[Arrival] = [
            *_errors(sock, _FAMILIES[family]),
            *_datagrams(sock, _FAMILIES[family]),
        ]
        if arrivals:
            hear(arrivals)


def _datagrams(sock: socket.socket, words: _Words) -> Iterator[Heard]:
    for _ in range(AT_ONCE):
        try:
            data, ancillary, _, address = sock.recvmsg(_MOST, _ROOM)
        except BlockingIOError:
            return
        except OSError:  # the error of a question of ours: it is read off the error queue
            continue
        here = next(
            (v for lvl, kind, v in ancillary if (lvl, kind) == (words.level, words.pktinfo)), b""
        )
        if len(data) < SIZE or len(here) < _IN_PKTINFO.size:
            continue
        local = here[4:8] if words.af == socket.AF_INET else here[:16]
        source = ip_address(address[0].partition("%")[0])
        yield Heard(data, source, address[1], ip_address(local))


def _errors(sock: socket.socket, words: _Words) -> Iterator[Returned]:
    for _ in range(AT_ONCE):
        try:
            data, ancillary, _, _ = sock.recvmsg(_MOST, _ROOM, socket.MSG_ERRQUEUE)
        except OSError:
            return
        for level, kind, value in ancillary:
            if (level, kind) == (words.level, words.recverr) and len(value) >= _EXTENDED.size:
                said = _said(*_EXTENDED.unpack_from(value)[:4])
                if said is not None:
                    yield Returned(data, said)


def _said(number: int, origin: int, kind: int, code: int) -> Said | None:
    """Read what the error means; RFC 792, RFC 4443."""
    if origin == _ICMP:
        closed, expired = (kind, code) == (3, 3), kind == 11
    elif origin == _ICMP6:
        closed, expired = (kind, code) == (1, 4), kind == 3
    else:
        return None
    if closed:
        return Said.CLOSED
    if expired:
        return Said.EXPIRED
    return Said.NOWHERE if number in {errno.EHOSTUNREACH, errno.ENETUNREACH} else None
