"""One daemon for each network namespace and protocol number: held by an abstract unix socket.

Two daemons with one protocol would each delete the other's routes as strange. The name lives in the
network namespace, as the routes do (unix(7), "Abstract sockets"), and goes when the process ends,
however it ends: no stale lock, no file.
"""

from __future__ import annotations

import errno
import socket
import struct
from types import TracebackType
from typing import Self

from hostgw_daemon.kernel import PROTOCOL

# Nobody accepts them: each asker stays in the queue, and the first ones learn the holder's pid.
ASKERS = 128
EXIT_BUSY = 75  # EX_TEMPFAIL of sysexits.h: it can be started when the other one has ended


class Busy(Exception):
    """Another daemon holds it. The message is a sentence with the cure."""


class Lock:
    """Held from `with` to its end. Raise Busy on entering, or OSError."""

    def __init__(self, protocol: int = PROTOCOL) -> None:
        self._protocol = protocol
        self._name = _name(protocol)
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            held.bind(self._name)
            held.listen(ASKERS)
        except OSError as error:
            held.close()
            if error.errno == errno.EADDRINUSE:
                raise Busy(self._sentence()) from None
            raise
        self._socket = held
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _sentence(self) -> str:
        pid = holder(self._protocol)
        who = f"process {pid}" if pid else "a process that cannot be seen from here"
        return (
            f"another hostgwd ({who}) already keeps the routes of protocol {self._protocol} in "
            "this network namespace; stop it before starting this one"
        )


def _name(protocol: int) -> str:
    return f"\0hostgwd-proto-{protocol}"


def holder(protocol: int = PROTOCOL) -> int | None:
    """Give the pid of the daemon here, 0 if that is not to be known (SO_PEERCRED); None: none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)  # a full queue of others who ask must not hold us up
        try:
            asking.connect(_name(protocol))
            answer = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except ConnectionRefusedError:
            return None
        except OSError:
            return 0
    pid, _, _ = struct.unpack("3i", answer)
    return int(pid)
