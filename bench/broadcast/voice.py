"""A container's voice: its gratuitous ARP, sent as often as it is asked for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Self

from bench.broadcast.frames import ETH_P_ARP, announcement

from hostgw_cli.lab.container import Container


class Voice:
    """Sends on a container's link, which must be there; `mac` is the address that it sends from."""

    def __init__(self, sock: socket.socket, mac: bytes, frame: bytes) -> None:
        self.mac = mac
        self._socket = sock
        self._frame = frame

    @classmethod
    @contextmanager
    def of(cls, container: Container) -> Iterator[Self]:
        """Open it while the block lasts. Raise LabError before the container is attached."""
        address = container.address
        assert isinstance(address, IPv4Address), address
        link = container.ip_json("link", "show", "eth0")[0]
        mac = bytes.fromhex(link["address"].replace(":", ""))
        with container.namespace.enter():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        with sock:
            sock.bind(("eth0", ETH_P_ARP))
            yield cls(sock, mac, announcement(mac, address))

    def say(self) -> None:
        """Send it once."""
        self._socket.send(self._frame)
