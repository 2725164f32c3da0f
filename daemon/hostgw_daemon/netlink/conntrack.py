"""The kernel's table of connections: what it remembers of those to and from some networks.

An entry holds a connection's two tuples, one for each direction; where NAT changed an address they
are no mirror of each other. It is dumped as a whole, for the kernel filters by whole addresses and
not by networks, and the table of a busy host has a million of entries. So a dump is read in
pieces, the event loop has its turn after each, and neither a piece nor an entry in which the bytes
of no network are found is looked at any closer: that is a search in memory.

An entry is deleted by its tuple, zone and id as the kernel gave them, so that a younger one of the
same addresses stays. Sources: linux/netfilter/nfnetlink_conntrack.h, net/netfilter/
nf_conntrack_netlink.c.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Collection, Iterable, Iterator
from ipaddress import ip_address
from struct import Struct
from typing import Final, Self

from hostgw_core.model import FAMILIES, Family, IPNetwork
from hostgw_daemon.netlink.channel import Channel
from hostgw_daemon.netlink.wire import (
    NLM_F_ACK,
    NLM_F_DUMP,
    Piece,
    attribute,
    attributes,
    request,
)

NETLINK_NETFILTER: Final = 12
CT_NEW, CT_GET, CT_DELETE = 0x100, 0x101, 0x102  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_...
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_ID, CTA_ZONE = 1, 2, 12, 18
CTA_TUPLE_IP = 1
NLA_F_NESTED = 0x8000

AT_ONCE: Final = 500  # deletions in one send, before others have their turn

_GENMSG = Struct(">BBH")  # struct nfgenmsg: family, version, resource id
_AF: Final[dict[Family, int]] = {4: 2, 6: 10}


class Conntrack:
    """Implements the port `flows.Conntrack` in the namespace in which it was opened."""

    def __init__(self, channel: Channel | OSError) -> None:
        self._channel = channel

    @classmethod
    def open(cls) -> Self:
        """Open a command socket in the current network namespace.

        A kernel that has none for this subject remembers no connections, most likely: it is told
        when it is asked to forget some.
        """
        try:
            return cls(Channel.open(protocol=NETLINK_NETFILTER))
        except OSError as error:
            return cls(error)

    def close(self) -> None:
        """Close the socket."""
        if isinstance(self._channel, Channel):
            self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def forget(self, networks: Collection[IPNetwork]) -> int:
        """Delete the entries of which an end lies in one of the networks; give how many.

        An end is a source or a destination, in either direction. What begins meanwhile may stay.
        Raise OSError.
        """
        channel = self._channel
        if isinstance(channel, OSError):
            raise OSError(channel.errno, channel.strerror)
        count = 0
        for family in FAMILIES:
            wanted = [network for network in networks if network.version == family]
            if wanted:
                count += await _delete(channel, await _found(channel, family, wanted))
        return count


async def _found(channel: Channel, family: Family, networks: list[IPNetwork]) -> list[bytes]:
    """Give what names each entry: the body of the message that deletes it."""
    seq = channel.reserve()
    body = _GENMSG.pack(_AF[family], 0, 0)
    dump = channel.pieces(request(CT_GET, NLM_F_DUMP, seq=seq, body=body), seq)
    needles = [network.network_address.packed[: network.prefixlen // 8] for network in networks]
    found: list[bytes] = []
    for piece in dump:
        if any(needle in piece.data for needle in needles):
            found += _touching(piece, networks, needles)
        await asyncio.sleep(0)
    return found


async def _delete(channel: Channel, bodies: list[bytes]) -> int:
    gone = 0
    for start in range(0, len(bodies), AT_ONCE):
        some = bodies[start : start + AT_ONCE]
        seq = channel.reserve(len(some))
        batch = b"".join(
            request(CT_DELETE, NLM_F_ACK if at + 1 == len(some) else 0, seq=seq + at, body=body)
            for at, body in enumerate(some)
        )
        replies = channel.batch(batch, seq + len(some) - 1)
        refused = [each for each in replies.refused.values() if seq <= each.seq]
        for each in refused:
            if each.errno != errno.ENOENT:  # it has ended by itself
                raise OSError(each.errno, each.text or "a connection cannot be forgotten")
        if replies.lost:
            raise OSError(replies.lost, "the kernel's answers were lost")
        gone += len(some) - len(refused)
        await asyncio.sleep(0)
    return gone


def _touching(
    piece: Piece, networks: Iterable[IPNetwork], needles: Iterable[bytes]
) -> Iterator[bytes]:
    """Give what names each entry in a piece of which an end lies in one of the networks."""
    data = piece.data
    for message in piece.messages:
        body = data[message.start : message.end]
        if message.type != CT_NEW or not any(needle in body for needle in needles):
            continue
        start = message.start + _GENMSG.size
        entry = attributes(data, start, message.end)
        ends = [
            ip_address(end)
            for tuple_ in (entry[CTA_TUPLE_ORIG], entry[CTA_TUPLE_REPLY])
            for end in _ends(tuple_)
        ]
        if any(end in network for end in ends for network in networks):
            yield (
                bytes(data[message.start : start])
                + attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, entry[CTA_TUPLE_ORIG])
                + b"".join(attribute(k, entry[k]) for k in (CTA_ID, CTA_ZONE) if k in entry)
            )


def _ends(tuple_: bytes) -> Iterable[bytes]:
    """Give the source and the destination of a tuple, packed."""
    addresses = attributes(tuple_, 0, len(tuple_))[CTA_TUPLE_IP]
    return attributes(addresses, 0, len(addresses)).values()
