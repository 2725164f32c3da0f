"""The monitor socket: what others change in the kernel, heard as it happens.

It is open before the first dump is read, so nothing falls between the two. A notification carries
the port id of the socket that asked for the change. A filter of four instructions drops those of
our own command socket: 10,000 routes of ours cost this socket nothing. What is lost in a burst
becomes an `Overrun`: look at everything. 32 MiB hold 80,000 notifications.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Self

from hostgw_daemon.kernel import KernelEvent, Overrun
from hostgw_daemon.netlink.ear import DROP, KEEP, Ear, Instruction, as_loaded, subscribed
from hostgw_daemon.netlink.notices import Notices

# linux/rtnetlink.h: RTMGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE, and
# RTNLGRP_IPV4_NETCONF (24), RTNLGRP_IPV6_NETCONF (25) as bits.
GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400 | 1 << 23 | 1 << 24
RECEIVE_BUFFER = 32 << 20  # bytes


class Monitor(Ear[KernelEvent]):
    """Hears the network namespace in which it was opened."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._notices = Notices()

    @classmethod
    def open(cls, *, echo_of: int, receive_buffer: int = RECEIVE_BUFFER) -> Self:
        """Subscribe, in the current namespace; `echo_of` is the port id that is not to be heard.

        From here on the kernel keeps what happens, up to `receive_buffer` bytes. Raise OSError.
        """
        return cls(subscribed(GROUPS, _deaf_to(echo_of), receive_buffer=receive_buffer))

    def _understood(self, notification: memoryview) -> Iterable[KernelEvent]:
        return self._notices.read(notification)

    def _lost(self) -> Iterable[KernelEvent]:
        return [Overrun()]


def _deaf_to(port: int) -> tuple[Instruction, ...]:
    """Drop messages whose `nlmsg_pid` (offset 12) is this."""
    return (
        (0x20, 0, 0, 12),  # A = word at 12
        (0x15, 0, 1, as_loaded(port, "I")),  # if A is that: next, else skip one
        DROP,
        KEEP,
    )
