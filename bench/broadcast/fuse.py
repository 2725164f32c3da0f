"""The fuse of a storm: a process that sets one link down after a time, whatever happens elsewhere.

A storm keeps the kernel so busy that nobody should have to trust a measuring program to end it. The
fuse is a process of its own, with real-time priority where that is allowed. It has entered the
namespace and holds its socket before the storm begins, and needs one system call to end it. It
cuts when the time is over that counts from when it is lit, and at once when its standard input
ends: so it does when the program that lit it is gone, killed or not.

    python -m bench.broadcast.fuse NAMESPACE LINK SECONDS
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, Self

from hostgw_cli.lab.interrupt import held
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import LabError

_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914  # linux/sockios.h
_IFF_UP: Final = 1
_IFREQ: Final = struct.Struct("16sH14x")
_PRIORITY: Final = 50
_READY, _LIGHT = b"ready\n", b"light\n"
_ROOT: Final = Path(__file__).parents[2]
_MOST: Final = 10.0  # seconds beyond its time that a fuse is waited for


class Fuse:
    """A fuse that is ready, while an `armed` block lasts."""

    def __init__(self, process: subprocess.Popen[bytes], lasts: float) -> None:
        self._process = process
        self._lasts = lasts

    @classmethod
    @contextmanager
    def armed(cls, inside: Namespace, link: str, lasts: float) -> Iterator[Self]:
        """Start the process and wait until it is ready; at the end the link is down in any case.

        `lasts` are seconds. Raise LabError when the process does not become ready.
        """
        with held():
            process = subprocess.Popen(
                [sys.executable, "-m", "bench.broadcast.fuse", inside.name, link, str(lasts)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=_ROOT,
                start_new_session=True,  # Ctrl-C is for its parent
            )
        try:
            if _pipe(process.stdout).readline() != _READY:
                raise LabError(f"the fuse of {link} in {inside.name} does not start: no storm")
            yield cls(process, lasts)
        finally:
            with held(), process, suppress(BrokenPipeError):
                _pipe(process.stdin).close()  # it cuts now, if it has not yet

    def light(self) -> None:
        """Let its time begin."""
        _pipe(self._process.stdin).write(_LIGHT)
        _pipe(self._process.stdin).flush()

    def blown(self) -> float:
        """Wait until it has cut; give for how many seconds the link was up since it was lit.

        Raise LabError when it says nothing in time.
        """
        said = _pipe(self._process.stdout)
        if not select.select([said], [], [], self._lasts + _MOST)[0] or not (
            line := said.readline()
        ):
            raise LabError("the fuse has not blown")
        return float(line)


def main(arguments: list[str]) -> int:
    """Be the fuse."""
    name, link, lasts = arguments[0], arguments[1], float(arguments[2])
    with Namespace(name).enter():
        control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with suppress(PermissionError):  # a container without CAP_SYS_NICE: it is only slower then
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    with control:
        os.write(1, _READY)
        began = time.monotonic()
        if os.read(0, len(_LIGHT)) == _LIGHT:
            began = time.monotonic()
            select.select([0], [], [], lasts)
        cut(control, link)
        took = time.monotonic() - began
    with suppress(BrokenPipeError):
        os.write(1, f"{took}\n".encode())
    return 0


def cut(control: socket.socket, link: str) -> None:
    """Set a link of the socket's namespace down (netdevice(7)). Raise OSError."""
    answer = fcntl.ioctl(control, _SIOCGIFFLAGS, _IFREQ.pack(link.encode(), 0))
    flags = _IFREQ.unpack(answer)[1] & ~_IFF_UP
    fcntl.ioctl(control, _SIOCSIFFLAGS, _IFREQ.pack(link.encode(), flags))


def _pipe(of: IO[bytes] | None) -> Any:
    assert of is not None
    return of


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
