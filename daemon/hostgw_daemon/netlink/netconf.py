"""The switches of links (sysctls), as messages: requests to bytes, bytes to `Switches`. Pure.

The kernel tells forwarding and rp_filter of every link, of `all` and of `default` over netlink, in
the network namespace of the socket, and notifies of each change. So nobody has to look at files
again and again, and it does not matter what is mounted at /proc/sys. Sources:
include/uapi/linux/netconf.h; inet_netconf_fill_devconf in net/ipv4/devinet.c.
"""

from __future__ import annotations

from struct import Struct

from hostgw_core.model import Family
from hostgw_daemon.netlink.rtmsg import AF
from hostgw_daemon.netlink.wire import NLM_F_DUMP, S32, Message, attributes, request
from hostgw_daemon.switches import Switches

RTM_NEWNETCONF, RTM_GETNETCONF = 80, 82
NETCONFA_IFINDEX, NETCONFA_FORWARDING, NETCONFA_RP_FILTER = 1, 2, 3
NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN = 6

_NETCONFMSG = Struct("=Bxxx")  # family


def pack_dump(family: Family, *, seq: int) -> bytes:
    """Pack a dump of all switches of a family."""
    return request(RTM_GETNETCONF, NLM_F_DUMP, seq=seq, body=_NETCONFMSG.pack(AF[family]))


def link_of(buffer: bytes | memoryview, message: Message) -> int | None:
    """Read the index of the link that a message is about, negative for `all` and `default`."""
    return _number(_read(buffer, message).get(NETCONFA_IFINDEX))


def read(buffer: bytes | memoryview, message: Message) -> tuple[int, Switches] | None:
    """Read a link's index and its switches; None for a message that does not tell them all."""
    found = _read(buffer, message)
    link, forwarding = (
        _number(found.get(NETCONFA_IFINDEX)),
        _number(found.get(NETCONFA_FORWARDING)),
    )
    if link is None or forwarding is None:
        return None
    return link, Switches(
        forwarding != 0,
        _number(found.get(NETCONFA_RP_FILTER)) or 0,
        bool(_number(found.get(NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN))),
    )


def _read(buffer: bytes | memoryview, message: Message) -> dict[int, bytes]:
    # The body is one byte; the attributes begin at the next four.
    return attributes(buffer, message.start + _NETCONFMSG.size, message.end)


def _number(value: bytes | None) -> int | None:
    return int(S32.unpack(value)[0]) if value is not None and len(value) == 4 else None
