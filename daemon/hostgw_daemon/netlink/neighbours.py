"""The neighbour table: whether a gateway still answers on the link.

The kernel is made to find out by itself: NTF_USE on an entry does what a packet to the address
would do (net/core/neighbour.c, neigh_add), so that an address without an entry is asked for by ARP
or neighbour discovery, and a stale one is confirmed. After `SETTLES` seconds the entry tells.

What answered a moment ago is not asked: the kernel believes an answer for half a minute or so
(base_reachable_time). A gateway that has just gone therefore counts as there until then.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from struct import Struct
from typing import Final, NamedTuple

from hostgw_core.model import IPAddress
from hostgw_daemon.netlink.channel import Channel
from hostgw_daemon.netlink.speaker import Speaker
from hostgw_daemon.netlink.wire import (
    NLM_F_CREATE,
    NLM_F_DUMP,
    NLM_F_REPLACE,
    U32,
    Message,
    Piece,
    attribute,
    attributes,
    request,
)

RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
NDA_DST, NDA_LLADDR, NDA_IFINDEX, NDA_FLAGS_EXT = 1, 2, 8, 15
NTF_USE, NTF_EXT_LEARNED = 0x01, 0x10
NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE = 0x02, 0x04, 0x08, 0x10
NUD_NOARP, NUD_PERMANENT = 0x40, 0x80
ANSWERS: Final = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_NOARP | NUD_PERMANENT
"""States of an entry that is used; the others are "no answer yet" and "no answer"."""

SETTLES: Final = 9.0
"""Seconds after which a dead entry has failed: 5 until a stale one is doubted, 3 for three tries
(delay_first_probe_time, ucast_solicit, retrans_time_ms: Linux's defaults), and one more."""

NDMSG = Struct("=BBHiHBB")  # struct ndmsg: family, two pads, link, state, flags, type


class Neighbours(Speaker):
    """Implements the port `warden.Neighbours` in the namespace in which it was opened."""

    settles = SETTLES

    def ask(self, link: int, addresses: Iterable[IPAddress]) -> frozenset[IPAddress]:
        """Let the kernel find out whether these answer on a link. Raise OSError.

        Give those that it asks now. Of one that it cannot ask (there is no such link, the table is
        full) nothing can be said, whatever `answering` gives; nor of one that somebody wrote in for
        good, which is not touched: NTF_USE would make an ordinary entry of it.
        """
        table = {entry.address: entry for entry in self._entries(link)}
        wanted = [each for each in addresses if not (each in table and table[each].for_good)]
        if not wanted:
            return frozenset()
        bodies = [_ask(address, link, table.get(address)) for address in wanted]
        first, replies = self._channel.each(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, bodies)
        if replies.lost:
            return frozenset()
        asked = (address for at, address in enumerate(wanted) if first + at not in replies.refused)
        return frozenset(asked)

    def confirm(self, link: int, address: IPAddress) -> bool:
        """Let the kernel ask for one anew, now, whatever it believes. Raise OSError.

        Its entry is set to "being asked" (NUD_PROBE) and keeps its hardware address meanwhile:
        three questions, a second apart, and then it is reachable or failed. Where there is no
        entry the next packet asks anyway. Give True for one that is never asked, because somebody
        wrote it in for good.

        By whom the entry is kept stays so: the kernel takes off what is not said again that it was
        learnt elsewhere or is managed (__neigh_update, neigh_update_flags), and without
        NLM_F_REPLACE leaves the mark of an IPv6 router alone.
        """
        entry = self._entry_of(link, address)
        if entry is not None and entry.for_good:
            return True
        if entry is not None and entry.answers:
            # A managed entry takes no such state with its mark: it is taken off, and said again.
            bodies = [_body(address, link, state=NUD_PROBE, flags=entry.flags)]
            if entry.marks:
                bodies.append(_body(address, link, flags=entry.flags) + entry.marks)
            self._channel.each(RTM_NEWNEIGH, 0, bodies)
        return False

    def look(self, link: int, address: IPAddress) -> bytes:
        """Give the hardware address of one that answers, as far as the kernel knows, else b"".

        Nothing is asked on the link. Raise OSError.
        """
        entry = self._entry_of(link, address)
        return entry.hardware if entry is not None and entry.answers else b""

    def answering(self, link: int) -> frozenset[IPAddress]:
        """Give the addresses of which the kernel knows how to reach them on a link.

        Raise OSError.
        """
        return frozenset(entry.address for entry in self._entries(link) if entry.answers)

    def _entry_of(self, link: int, address: IPAddress) -> _Entry | None:
        seq = self._channel.reserve()
        ask = request(RTM_GETNEIGH, 0, seq=seq, body=_body(address, link, flags=0))
        try:
            piece = self._channel.ask(ask, seq)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENODEV}:
                return None
            raise
        return _entry(piece, piece.messages[0], link)

    def _entries(self, link: int) -> Iterator[_Entry]:
        for piece, message in entries_of(self._channel, link):
            if entry := _entry(piece, message, link):
                yield entry


def entries_of(channel: Channel, link: int) -> Iterator[tuple[Piece, Message]]:
    """Give the entries of a link, both families, unread; none where there is no such link.

    Raise OSError.
    """
    seq = channel.reserve()
    ask = NDMSG.pack(0, 0, 0, 0, 0, 0, 0) + attribute(NDA_IFINDEX, U32.pack(link))
    try:
        pieces = channel.dump(request(RTM_GETNEIGH, NLM_F_DUMP, seq=seq, body=ask), seq)
    except OSError as error:
        if error.errno == errno.ENODEV:
            return
        raise
    for piece in pieces:
        for message in piece.messages:
            if message.type == RTM_NEWNEIGH:
                yield piece, message


class _Entry(NamedTuple):
    """An entry of the table. `flags` and `marks` say by whom it is kept, as it is written."""

    address: IPAddress
    state: int
    flags: int
    marks: bytes
    hardware: bytes

    @property
    def answers(self) -> bool:
        return bool(self.state & ANSWERS)

    @property
    def for_good(self) -> bool:
        """Whether somebody wrote it in for good."""
        return bool(self.state & (NUD_NOARP | NUD_PERMANENT))


def _entry(piece: Piece, message: Message, link: int) -> _Entry | None:
    _, _, _, at, state, flags, _ = NDMSG.unpack_from(piece.data, message.start)
    kept = attributes(piece.data, message.start + NDMSG.size, message.end)
    if at != link or NDA_DST not in kept:
        return None
    more = kept.get(NDA_FLAGS_EXT, b"")
    marks = attribute(NDA_FLAGS_EXT, more) if more else b""
    hardware = bytes(kept.get(NDA_LLADDR, b""))
    return _Entry(ip_address(kept[NDA_DST]), state, flags & NTF_EXT_LEARNED, marks, hardware)


def _ask(address: IPAddress, link: int, entry: _Entry | None) -> bytes:
    """Ask for one; what is not said again of an entry that is there, the kernel takes off."""
    if entry is None:
        return _body(address, link, flags=NTF_USE)
    return _body(address, link, flags=NTF_USE | entry.flags) + entry.marks


def _body(address: IPAddress, link: int, *, flags: int, state: int = 0) -> bytes:
    family = 2 if address.version == 4 else 10
    return NDMSG.pack(family, 0, 0, link, state, flags, 0) + attribute(NDA_DST, address.packed)
