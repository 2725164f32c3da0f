"""The neighbour tables' own size, as messages: requests to bytes, bytes to `NeighbourTable`. Pure.

There is one table a family for all network namespaces. The files with its thresholds
(/proc/sys/net/ipv4/neigh/default/gc_thresh*) are in the first namespace alone, but a dump tells
them in every one. Sources: include/uapi/linux/neighbour.h; neightbl_fill_info in
net/core/neighbour.c.
"""

from __future__ import annotations

from struct import Struct

from hostgw_core.model import Family
from hostgw_daemon.netlink.rtmsg import AF
from hostgw_daemon.netlink.wire import NLM_F_DUMP, U32, Message, attributes, request
from hostgw_daemon.switches import NeighbourTable

RTM_NEWNEIGHTBL, RTM_GETNEIGHTBL = 64, 66
NDTA_THRESH1, NDTA_THRESH2, NDTA_THRESH3, NDTA_CONFIG = 2, 3, 4, 5

_NDTMSG = Struct("=Bxxx")  # family
_CONFIG = Struct(
    "=HHI"
)  # struct ndt_config: the size of a key, of an entry, and how many there are


def pack_dump(family: Family, *, seq: int) -> bytes:
    """Pack a dump of a family's table; the kernel gives a message a link as well."""
    return request(RTM_GETNEIGHTBL, NLM_F_DUMP, seq=seq, body=_NDTMSG.pack(AF[family]))


def read(buffer: bytes | memoryview, message: Message) -> NeighbourTable | None:
    """Read the table itself; None for a message about the parameters of one link."""
    found = attributes(buffer, message.start + _NDTMSG.size, message.end)
    numbers = [found.get(kind, b"") for kind in (NDTA_THRESH1, NDTA_THRESH2, NDTA_THRESH3)]
    config = found.get(NDTA_CONFIG, b"")
    if len(config) < _CONFIG.size or any(len(number) != 4 for number in numbers):
        return None
    first, second, third = (int(U32.unpack(number)[0]) for number in numbers)
    return NeighbourTable(int(_CONFIG.unpack_from(config)[2]), (first, second, third))
