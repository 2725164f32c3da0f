"""Neighbours that the kernel keeps resolved by itself (NTF_EXT_MANAGED, Linux 5.16).

A managed entry is asked for when it is made and again before it grows old, whether or not packets
go there (net/core/neighbour.c, neigh_managed_work, every interval_probe_time_ms). Ours carry
NTF_EXT_LEARNED too: the kernel neither counts such entries against gc_thresh1 to 3 nor throws them
out, so that ours take nobody's place. And they carry our protocol number, by which they are known.

Facts that were measured on 6.18, and that the code respects:

* Without NLM_F_EXCL the kernel takes over whatever is there, also an entry that an administrator
  wrote in for good. So an address that was not seen is created exclusively, and of those seen only
  an entry that nobody wrote is replaced.
* Whoever replaces an entry without these flags takes them off (also NTF_USE does, so `neighbours`
  says them again). That is how an entry is released: it stays, as one of the kernel's own.
* A link that loses its carrier, or goes down, loses them all, and nobody makes them again.
* A kernel that does not know the flag makes an ordinary entry and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final

from hostgw_core.model import IPAddress
from hostgw_daemon.kernel import PROTOCOL
from hostgw_daemon.netlink.neighbours import (
    NDA_DST,
    NDA_FLAGS_EXT,
    NDMSG,
    NTF_EXT_LEARNED,
    NTF_USE,
    NUD_DELAY,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_PROBE,
    NUD_REACHABLE,
    RTM_DELNEIGH,
    RTM_NEWNEIGH,
    entries_of,
)
from hostgw_daemon.netlink.speaker import Speaker
from hostgw_daemon.netlink.wire import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    U32,
    Message,
    attribute,
    attributes,
)
from hostgw_daemon.switches import Neighbour

NDA_PROTOCOL = 12
NTF_EXT_MANAGED = 0x01
NUD_FAILED = 0x20
_USED: Final = NUD_REACHABLE | NUD_DELAY | NUD_PROBE
_FOR_GOOD: Final = NUD_PERMANENT | NUD_NOARP
_MARKS: Final = attribute(NDA_PROTOCOL, bytes([PROTOCOL])) + attribute(
    NDA_FLAGS_EXT, U32.pack(NTF_EXT_MANAGED)
)


class ManagedNeighbours(Speaker):
    """Writes managed entries in the namespace in which it was opened. OSError: the socket failed.

    A write that the kernel refuses is no error: the next look at the table shows it.
    """

    def table(self, link: int) -> Mapping[IPAddress, Neighbour]:
        """Read the entries of a link, both families; none where there is no such link."""
        return dict(
            seen
            for piece, message in entries_of(self._channel, link)
            if (seen := read_entry(piece.data, message, link)) is not None
        )

    def create(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Make managed entries where there are none; one that came in between stays as it is."""
        self._write(link, addresses, flags=NLM_F_CREATE | NLM_F_EXCL, kept=True)

    def adopt(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Have the kernel keep entries resolved that are there and that nobody wrote."""
        self._write(link, addresses, flags=NLM_F_REPLACE, kept=True)

    def release(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Leave entries of ours to the kernel, as if they had come by themselves."""
        self._write(link, addresses, flags=NLM_F_REPLACE, kept=False)

    def drop(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Delete entries of ours."""
        self._batch(RTM_DELNEIGH, 0, [_body(link, address, 0) for address in addresses])

    def _write(self, link: int, addresses: Iterable[IPAddress], *, flags: int, kept: bool) -> None:
        ndm, marks = (NTF_EXT_LEARNED, _MARKS) if kept else (NTF_USE, b"")
        bodies = [_body(link, address, ndm) + marks for address in addresses]
        self._batch(RTM_NEWNEIGH, flags, bodies)

    def _batch(self, kind: int, flags: int, bodies: list[bytes]) -> None:
        if bodies:
            self._channel.each(kind, flags, bodies)


def read_entry(
    buffer: bytes | memoryview, message: Message, link: int
) -> tuple[IPAddress, Neighbour] | None:
    """Read an entry of a link; None for another link's, or one without an address."""
    if message.end - message.start < NDMSG.size:
        return None
    _, _, _, at, state, flags, _ = NDMSG.unpack_from(buffer, message.start)
    found = attributes(buffer, message.start + NDMSG.size, message.end)
    address = found.get(NDA_DST, b"")
    if at != link or len(address) not in {4, 16}:
        return None
    more = found.get(NDA_FLAGS_EXT, b"")
    managed = len(more) == 4 and bool(U32.unpack(more)[0] & NTF_EXT_MANAGED)
    protocol = found.get(NDA_PROTOCOL, b"\0")[:1]
    ours = protocol == bytes([PROTOCOL])
    kept = managed or bool(flags & NTF_EXT_LEARNED)
    return ip_address(address), Neighbour(
        managed=managed,
        ours=ours,
        taken=bool(state & _FOR_GOOD) or (not ours and (kept or protocol != b"\0")),
        used=bool(state & _USED),
        failed=bool(state & NUD_FAILED),
    )


def _body(link: int, address: IPAddress, flags: int) -> bytes:
    family = 2 if address.version == 4 else 10
    head = NDMSG.pack(family, 0, 0, link, 0, flags, 0)
    return head + attribute(NDA_DST, address.packed)
