"""A socket that hears what others change in the kernel, as it happens.

* What is not to be heard is dropped inside the kernel, by a classic BPF program: it costs nothing.
* A burst that outruns the buffer is told once, as ENOBUFS; the socket lives on.
* The event loop is held for at most `AT_ONCE` notifications (some milliseconds), then others have
  their turn; the rest waits in the socket.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, Self, TypeAlias, TypeVar

from hostgw_daemon.netlink.channel import SO_RCVBUFFORCE, size_buffer

T = TypeVar("T")
Instruction: TypeAlias = tuple[int, int, int, int]
"""One of classic BPF: code, how far to jump if true, if false, operand (linux/filter.h).

It loads in network order what the kernel has written in the host's: see `as_loaded`.
"""

KEEP: Instruction = (0x06, 0, 0, 0xFFFFFFFF)
DROP: Instruction = (0x06, 0, 0, 0)
LONGEST = 1 << 16  # bytes of one notification; what is cut off a longer one is not read by us
AT_ONCE = 1000  # notifications


class Ear(ABC, Generic[T]):
    """Hears the network namespace in which its socket was made. Close it, or use it with `with`."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = memoryview(bytearray(LONGEST))
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, hear: Callable[[list[T]], None]) -> None:
        """Call `hear`, in the running event loop, with every batch of what is told, in order."""
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

    def read(self) -> list[T]:
        """Take what is there, at most `AT_ONCE` notifications, without waiting. Raise OSError."""
        told: list[T] = []
        for _ in range(AT_ONCE):
            try:
                size = self._socket.recv_into(self._buffer)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                told += self._lost()
                continue
            told += self._understood(self._buffer[:size])
        return told

    @abstractmethod
    def _understood(self, notification: memoryview) -> Iterable[T]:
        """Read what one receive gave."""

    @abstractmethod
    def _lost(self) -> Iterable[T]:
        """Give what to tell where the kernel had no room to tell something."""

    def _readable(self, hear: Callable[[list[T]], None]) -> None:
        if told := self.read():
            hear(told)


def subscribed(
    groups: int, program: Iterable[Instruction], *, receive_buffer: int
) -> socket.socket:
    """Give a socket that hears these groups from now on, as far as the program lets it.

    The kernel keeps what happens, up to `receive_buffer` bytes. Raise OSError.
    """
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    try:
        sock.setblocking(False)
        size_buffer(sock, SO_RCVBUFFORCE, socket.SO_RCVBUF, receive_buffer)
        _attach(sock, program)
        sock.bind((0, groups))
    except OSError:
        sock.close()
        raise
    return sock


def as_loaded(number: int, form: str) -> int:
    """Give a number of the host's (struct's `form`: "H", "I") as BPF loads it from a message."""
    return int.from_bytes(struct.pack(f"={form}", number), "big")


def _attach(sock: socket.socket, program: Iterable[Instruction]) -> None:
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    memory = ctypes.create_string_buffer(packed, len(packed))
    fprog = struct.pack("HL", len(packed) // 8, ctypes.addressof(memory))
    sock.setsockopt(socket.SOL_SOCKET, 26, fprog)  # SO_ATTACH_FILTER copies the program
