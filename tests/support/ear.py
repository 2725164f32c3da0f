"""The ear of systemd: the socket on which a service says how it is."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path


class Ear:
    """The datagram socket that systemd would have: every message with its lines."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)
        self._heard: list[dict[str, str]] = []

    def heard(self) -> list[dict[str, str]]:
        """Give all messages so far."""
        with suppress(BlockingIOError):
            while True:
                lines = self._socket.recv(4096).decode().split("\n")
                self._heard.append(dict(line.split("=", 1) for line in lines))
        return self._heard

    def said(self, name: str) -> list[str]:
        """Give what was said under a name, in order."""
        return [message[name] for message in self.heard() if name in message]

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
