"""Messages that make and change a macvlan or ipvlan link of ours, and read it back. Pure.

The mode is not a choice: `bridge` for macvlan, where children of one parent reach each other, and
`l3s` for ipvlan, which every child of one parent shares and the containers' conflist names too.
Sources: include/uapi/linux/if_link.h, if_addr.h; drivers/net/macvlan.c, ipvlan/ipvlan_main.c.
"""

from __future__ import annotations

import errno
from hashlib import blake2b
from struct import Struct

from hostgw_daemon.kernel import GROUP, Child, IPInterface
from hostgw_daemon.netlink import ifmsg
from hostgw_daemon.netlink.wire import (
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_DUMP,
    NLM_F_EXCL,
    U32,
    Message,
    attribute,
    attributes,
    request,
)

IFLA_ADDRESS, IFLA_LINK, IFLA_LINKINFO, IFLA_GROUP = 1, 5, 18, 27
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_MODE = 1  # IFLA_MACVLAN_MODE and IFLA_IPVLAN_MODE
MODE = {"macvlan": Struct("=I").pack(4), "ipvlan": Struct("=H").pack(2)}  # bridge; l3s
IFA_F_NODAD = 0x02
RTM_SETLINK = 19

_IFINFOMSG = Struct("=BxHiII")  # family, type, index, flags, change
_IFADDRMSG = Struct("=BBBBI")  # family, prefix length, flags, scope, index


def pack_look(name: str, seq: int) -> bytes:
    """Pack the question for one link, by name."""
    body = _IFINFOMSG.pack(0, 0, 0, 0, 0) + attribute(ifmsg.IFLA_IFNAME, _text(name))
    body += attribute(ifmsg.IFLA_EXT_MASK, U32.pack(ifmsg.RTEXT_FILTER_SKIP_STATS))
    return request(ifmsg.RTM_GETLINK, 0, seq=seq, body=body)


def read_look(name: str, buffer: bytes, message: Message) -> Child:
    """Read the answer, without addresses. Raise OSError (EEXIST) for a link that is not ours."""
    _, _, index, flags, _ = _IFINFOMSG.unpack_from(buffer, message.start)
    found = attributes(buffer, message.start + _IFINFOMSG.size, message.end)
    info = found.get(IFLA_LINKINFO, b"")
    kind = attributes(info, 0, len(info)).get(IFLA_INFO_KIND, b"").rstrip(b"\0").decode()
    if kind not in MODE or _number(found, IFLA_GROUP) != GROUP:
        raise FileExistsError(
            errno.EEXIST,
            f"a link of this name is there that hostgwd has not made: rename it or delete it with"
            f" `ip link delete {name}`",
        )
    mtu, parent = _number(found, ifmsg.IFLA_MTU), _number(found, IFLA_LINK)
    return Child(kind, parent, mtu, frozenset(), bool(flags & ifmsg.IFF_UP), index)


def pack_parent(index: int, seq: int) -> bytes:
    """Pack the question for a link by its index."""
    body = _IFINFOMSG.pack(0, 0, index, 0, 0)
    body += attribute(ifmsg.IFLA_EXT_MASK, U32.pack(ifmsg.RTEXT_FILTER_SKIP_STATS))
    return request(ifmsg.RTM_GETLINK, 0, seq=seq, body=body)


def read_mac(buffer: bytes, message: Message) -> bytes:
    """Read a link's address from the answer: six bytes where it is Ethernet."""
    found = attributes(buffer, message.start + _IFINFOMSG.size, message.end)
    return found.get(IFLA_ADDRESS, b"")


def own_mac(parent: bytes) -> bytes:
    """Give a macvlan's address: a function of its parent's, which no other link here has.

    A link that somebody deletes and we put back must have the address that it had. With another one
    every container would go on sending to the old one until it doubts what it knows of its
    neighbour: up to a minute. Locally administered, unicast (IEEE 802).
    """
    return b"\x02" + blake2b(parent, digest_size=5, person=b"hostgw").digest()


def pack_make(name: str, child: Child, seq: int, *, mac: bytes = b"") -> bytes:
    """Pack the making of a link that is up, and in our group from its first moment.

    Without `mac` the kernel gives it an address: a random one, or for ipvlan its parent's.
    """
    data = attribute(IFLA_INFO_DATA, attribute(IFLA_MODE, MODE[child.kind]))
    body = _IFINFOMSG.pack(0, 0, 0, ifmsg.IFF_UP, ifmsg.IFF_UP)
    body += attribute(ifmsg.IFLA_IFNAME, _text(name))
    body += attribute(IFLA_ADDRESS, mac) if mac else b""
    body += attribute(IFLA_LINK, U32.pack(child.parent))
    body += attribute(ifmsg.IFLA_MTU, U32.pack(child.mtu))
    body += attribute(IFLA_GROUP, U32.pack(GROUP))
    body += attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, _text(child.kind)) + data)
    flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK
    return request(ifmsg.RTM_NEWLINK, flags, seq=seq, body=body)


def pack_adjust(index: int, mtu: int, seq: int) -> bytes:
    """Pack another MTU for a link, which is set up."""
    body = _IFINFOMSG.pack(0, 0, index, ifmsg.IFF_UP, ifmsg.IFF_UP)
    body += attribute(ifmsg.IFLA_MTU, U32.pack(mtu))
    return request(RTM_SETLINK, NLM_F_ACK, seq=seq, body=body)


def pack_delete(index: int, seq: int) -> bytes:
    """Pack the end of a link."""
    body = _IFINFOMSG.pack(0, 0, index, 0, 0)
    return request(ifmsg.RTM_DELLINK, NLM_F_ACK, seq=seq, body=body)


def pack_addresses_of(index: int, seq: int) -> bytes:
    """Pack a dump of the addresses of one link (strict: NETLINK_GET_STRICT_CHK)."""
    body = _IFADDRMSG.pack(0, 0, 0, 0, index)
    return request(ifmsg.RTM_GETADDR, NLM_F_DUMP, seq=seq, body=body)


def pack_address(index: int, address: IPInterface, *, add: bool, seq: int) -> bytes:
    """Pack an address that comes or goes.

    Nobody else can have it, so an IPv6 address is not asked for first (IFA_F_NODAD): containers use
    it at once.
    """
    family, flags = (2, 0) if address.version == 4 else (10, IFA_F_NODAD)
    body = _IFADDRMSG.pack(family, address.network.prefixlen, flags, 0, index)
    body += attribute(ifmsg.IFA_LOCAL, address.packed)
    body += attribute(ifmsg.IFA_ADDRESS, address.packed)
    if add:
        flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK
        return request(ifmsg.RTM_NEWADDR, flags, seq=seq, body=body)
    return request(ifmsg.RTM_DELADDR, NLM_F_ACK, seq=seq, body=body)


def _text(word: str) -> bytes:
    return word.encode() + b"\0"


def _number(found: dict[int, bytes], kind: int) -> int:
    value = found.get(kind, b"")
    number: int = U32.unpack(value)[0] if len(value) == 4 else 0
    return number
