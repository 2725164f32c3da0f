"""What becomes of a packet: who sends it back, or nobody. Told by the ICMP error that comes of it.

A datagram goes to a port that nobody has. Whoever the packet ends at answers: its destination that
the port is closed, a router that it leads nowhere. The kernel keeps that answer on the socket's
error queue, with the address that it came from (ip(7), IP_RECVERR).
"""

from __future__ import annotations

import select
import socket
import struct
from ipaddress import ip_address

from hostgw_cli.lab.netns import Namespace

CLOSED = 9  # the port "discard", which nothing has here
_RECVERR = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_OFFENDER = {4: (16 + 4, 4), 6: (16 + 8, 16)}  # where the address lies behind sock_extended_err


def returned_by(sender: Namespace, destination: str, *, within: float = 1.0) -> str:
    """Send one packet; give the address of who sent an error back, "" if nobody did.

    Where the sender's own routing table knows no way it is "here".
    """
    version = ip_address(destination).version
    domain = socket.AF_INET if version == 4 else socket.AF_INET6
    with sender.enter():
        mouth = socket.socket(domain, socket.SOCK_DGRAM)
    with mouth:
        level, option = _RECVERR[version]
        mouth.setsockopt(level, option, 1)
        try:
            mouth.connect((destination, CLOSED))
            mouth.send(b"where do you end?")
        except OSError:
            return "here"
        poll = select.poll()
        poll.register(mouth, select.POLLERR)
        if not poll.poll(within * 1000):
            return ""
        _, ancillary, _, _ = mouth.recvmsg(64, 512, socket.MSG_ERRQUEUE)
        (error,) = (data for *_, data in ancillary)
        start, size = _OFFENDER[version]
        (origin,) = struct.unpack_from("=4xB", error)
        assert origin in {2, 3}, f"not by ICMP: {error!r}"
        return str(ip_address(error[start : start + size]))
