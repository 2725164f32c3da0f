"""What systemd is told: sd_notify(3), a datagram of `NAME=value` lines to a socket it names.

Written out here because it is a dozen lines and the packages for it are not kept any more. Without
`NOTIFY_SOCKET` (no systemd, or a unit of another type) every call does nothing.

Nothing here raises for a socket that does not take it: systemd's being busy or replaced must not
stop the routes. Each call gives whether the message went out; whoever must be sure says it again.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

PATIENCE = 1.0  # seconds that a full socket of systemd may hold us up


class Notifier:
    """Systemd's ear, as the environment gives it; `environ` is only read, never changed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._status = ""
        self.watchdog_seconds = _watchdog_seconds(environ)

    @property
    def listening(self) -> bool:
        """Whether anybody is told at all."""
        return bool(self._address)

    @property
    def watchdog_period(self) -> float | None:
        """How often to beat, in seconds: half of what systemd allows; None when it does not ask."""
        return self.watchdog_seconds / 2 if self.watchdog_seconds is not None else None

    def ready(self, status: str) -> bool:
        """Say that the daemon has started, or has finished reloading."""
        self._status = status
        return self._send("READY=1", f"STATUS={_line(status)}")

    def status(self, status: str) -> bool:
        """Say how things stand, in one sentence, if it is another one than before."""
        if status == self._status:
            return False
        self._status = status
        return self._send(f"STATUS={_line(status)}")

    def beat(self) -> bool:
        """Feed the watchdog."""
        return self._send("WATCHDOG=1")

    def reloading(self) -> bool:
        """Say that a reload has begun; `ready` ends it (Type=notify-reload needs the moment)."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        return self._send("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self, status: str) -> bool:
        """Say that the daemon is stopping."""
        self._status = status
        return self._send("STOPPING=1", f"STATUS={_line(status)}")

    def _send(self, *lines: str) -> bool:
        if not self._address:
            return False
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.settimeout(PATIENCE)
            ear.connect(self._address)
            ear.sendall("\n".join(lines).encode())
            return True
        return False


def _address(name: str) -> str:
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    # WATCHDOG_PID guards against a child that inherited the variables (sd_watchdog_enabled(3)).
    try:
        pid = int(environ.get("WATCHDOG_PID", os.getpid()))
        allowed = int(environ.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return allowed / 1_000_000 if allowed > 0 and pid == os.getpid() else None
