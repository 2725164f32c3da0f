"""One command socket: requests go out, and the answers come back to whom they belong.

True here:

* The kernel does the work inside `send`. When it returns, the whole batch is done and its answers
  lie in the receive buffer; so answers are only ever waited for when some were lost, and the
  time limit exists for exactly that: a malformed length silently drops the rest of a batch with
  its final acknowledgement, and a full receive buffer drops answers (ENOBUFS, told once).
* An answer that is lost does not tell what became of its write. It is reported as an errno of its
  own; the next dump tells.
* Sequence numbers are never used twice on one socket before they wrap, so an answer that comes too
  late belongs to nobody and is left out.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import NamedTuple, Self

from hostgw_daemon.netlink.wire import (
    NLM_F_ACK,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    Answer,
    Piece,
    answer,
    request,
)

SOL_NETLINK = 270
NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 10, 11, 12
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33

SEND_BUFFER = 1 << 20  # bytes; a send that is larger is refused with EMSGSIZE
RECEIVE_BUFFER = 4 << 20  # bytes; 832 of them an answer, so every message of a send may fail
TIME_LIMIT = 5.0  # seconds without any answer; the kernel's own lock is never held that long
READ = 1 << 16  # bytes read at once; the kernel fills at most 32 KiB of a dump
RESTARTS = 10  # of an interrupted dump, before the table is called too restless to read


class Replies(NamedTuple):
    """The refusals of a batch by seq; `lost` is the errno with which the other answers vanished."""

    refused: dict[int, Answer]
    lost: int = 0


class Channel:
    """A netlink command socket. OSError from any method: the socket itself failed."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._seq = 0
        self.port_id: int = sock.getsockname()[0]
        """The kernel's name for this socket: notifications of what it changes carry it."""

    @classmethod
    def open(cls, *, protocol: int = socket.NETLINK_ROUTE, time_limit: float = TIME_LIMIT) -> Self:
        """Open a socket in the current network namespace; `time_limit` is in seconds.

        `protocol` is the part of the kernel that is spoken to (linux/netlink.h).
        """
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        try:
            for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK):
                sock.setsockopt(SOL_NETLINK, option, 1)
            size_buffer(sock, SO_SNDBUFFORCE, socket.SO_SNDBUF, SEND_BUFFER)
            size_buffer(sock, SO_RCVBUFFORCE, socket.SO_RCVBUF, RECEIVE_BUFFER)
            limit = struct.pack("ll", int(time_limit), int(time_limit % 1 * 1e6))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            sock.bind((0, 0))
        except OSError:
            sock.close()
            raise
        return cls(sock)

    def close(self) -> None:
        """Close the socket; what it wrote stays."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def reserve(self, count: int = 1) -> int:
        """Give the first of `count` sequence numbers in a row."""
        if self._seq + count >= 1 << 32:
            self._seq = 0
        first = self._seq + 1
        self._seq += count
        return first

    def batch(self, requests: bytes, last: int) -> Replies:
        """Send numbered requests, of which the last asks for an answer.

        A late answer to an earlier batch may be among the refusals: nobody asks for its number.
        """
        self._socket.send(requests)
        refused: dict[int, Answer] = {}
        lost = 0
        while True:
            try:
                piece = self._receive(socket.MSG_DONTWAIT if lost else 0)
            except OSError as error:
                if error.errno == errno.ENOBUFS:  # told first; what did fit is still to be read
                    lost = error.errno
                    continue
                if error.errno == errno.ETIMEDOUT:
                    return Replies(refused, lost or error.errno)
                raise
            for message in piece.messages:
                if message.type != NLMSG_ERROR:
                    continue
                reply = answer(piece.data, message)
                if reply.errno:
                    refused[reply.seq] = reply
                if reply.seq == last:
                    return Replies(refused, lost)

    def each(self, kind: int, flags: int, bodies: Sequence[bytes]) -> tuple[int, Replies]:
        """Send a message for each body, and have each answered.

        Give the sequence number of the first, which those of the others follow, and the answers.
        """
        first = self.reserve(len(bodies))
        messages = (
            request(kind, flags | NLM_F_ACK, seq=first + at, body=body)
            for at, body in enumerate(bodies)
        )
        return first, self.batch(b"".join(messages), first + len(bodies) - 1)

    def dump(self, request: bytes, seq: int) -> list[Piece]:
        """Give the pieces of a complete dump; one that the kernel calls interrupted is asked again.

        OSError: the kernel's refusal (ENOENT: no such table), ETIMEDOUT, or EAGAIN when every
        attempt was interrupted.
        """
        for _ in range(RESTARTS):
            pieces = list(self.pieces(request, seq))
            if not any(m.flags & NLM_F_DUMP_INTR for piece in pieces for m in piece.messages):
                return pieces
        raise OSError(errno.EAGAIN, f"the table changed during each of {RESTARTS} dumps")

    def ask(self, request: bytes, seq: int) -> Piece:
        """Send one question that is answered by one message, and give the piece it came in.

        OSError: the kernel's refusal (ENETUNREACH, ENODEV, ...), or ETIMEDOUT.
        """
        self._socket.send(request)
        while True:
            piece = self._receive()
            if piece.messages and piece.messages[0].seq == seq:
                if piece.messages[0].type == NLMSG_ERROR:
                    _raise(answer(piece.data, piece.messages[0]))
                return piece

    def pieces(self, request: bytes, seq: int) -> Iterator[Piece]:
        """Give the pieces of one dump as they are read, for tables that nobody keeps in memory.

        A dump that is left before its end must not be followed by another one. OSError: the
        kernel's refusal, or ETIMEDOUT.
        """
        with self._leaving_nothing_behind():
            self._socket.send(request)
            yield from self._pieces(seq)

    def _pieces(self, seq: int) -> Iterator[Piece]:
        while True:
            piece = self._receive()
            if not piece.messages or piece.messages[0].seq != seq:
                continue
            yield piece
            last = piece.messages[-1]
            if last.type in {NLMSG_ERROR, NLMSG_DONE}:
                _raise(answer(piece.data, last))
                return

    @contextmanager
    def _leaving_nothing_behind(self) -> Iterator[None]:
        """Read a failed dump to its end: the kernel runs one a socket, and would answer EBUSY."""
        try:
            yield
        except OSError:
            with suppress(OSError):
                while self._socket.recv(READ, socket.MSG_DONTWAIT):
                    pass
            raise

    def _receive(self, flags: int = 0) -> Piece:
        try:
            return Piece.of(self._socket.recv(READ, flags))
        except BlockingIOError:
            raise OSError(errno.ETIMEDOUT, "the kernel gave no answer in time") from None


def size_buffer(sock: socket.socket, force: int, plain: int, size: int) -> None:
    """Set a socket buffer's size in bytes, past the system's limit where that is permitted."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, force, size)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, plain, size)


def _raise(reply: Answer) -> None:
    if reply.errno:
        raise OSError(reply.errno, reply.text or os.strerror(reply.errno))
