"""Whoever speaks to the kernel by a command socket of its own: how it is opened, and closed."""

from __future__ import annotations

from typing import Self

from hostgw_daemon.netlink.channel import Channel


class Speaker:
    """Speaks to the network namespace in which it was opened. Close it, or use it with `with`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @classmethod
    def open(cls) -> Self:
        """Open a command socket in the current network namespace. Raise OSError."""
        return cls(Channel.open())

    def close(self) -> None:
        """Close the socket; what it wrote stays."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
