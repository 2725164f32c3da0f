"""Netlink's frame: headers, attributes, answers. Pure: bytes in, values out.

Everything the kernel says is a row of messages, each a `struct nlmsghdr` (16 bytes, host byte
order) and a body padded to four bytes; a body is a fixed structure followed by attributes (length,
type, value, padded to four). Sources: include/uapi/linux/netlink.h, RFC 3549 section 2.

Three facts that shape what stands on this module:

* An answer repeats the `seq` of the message that it answers, and nothing else of it can be relied
  on: `seq` is how errors of a batch find the message that they belong to.
* Errors always come back; a success is acknowledged only where NLM_F_ACK was set.
* A dump that ran while the table changed sets NLM_F_DUMP_INTR on some message: it is then neither
  the old state nor the new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN = 1, 2, 3, 4

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300
# Of requests that make something; the same bits mean other things elsewhere.
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800
# Of answers: the request is not repeated in it; attributes follow.
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200

NLMSGERR_ATTR_MSG = 1
NLA_TYPE_MASK = 0x3FFF  # the two top bits say "nested" and "network byte order"

HEADER = Struct("=IHHII")  # length, type, flags, seq, port id
ATTRIBUTE = Struct("=HH")  # length (without padding), type
U16 = Struct("=H")
U32 = Struct("=I")
S32 = Struct("=i")


class Message(NamedTuple):
    """One message: its header's fields, and where its body lies in the buffer."""

    type: int
    flags: int
    seq: int
    port: int
    start: int
    end: int


class Answer(NamedTuple):
    """What the kernel answered to the message `seq`: errno 0 is its acknowledgement."""

    seq: int
    errno: int
    text: str


def messages(buffer: bytes | memoryview) -> Iterator[Message]:
    """Walk the messages of a buffer; an impossible length ends the walk, as in the kernel."""
    offset, end = 0, len(buffer)
    while offset + 16 <= end:
        length, kind, flags, seq, port = HEADER.unpack_from(buffer, offset)
        if length < 16 or offset + length > end:
            return
        yield Message(kind, flags, seq, port, offset + 16, offset + length)
        offset += (length + 3) & ~3


class Piece(NamedTuple):
    """What one read gave: the bytes, and where the messages lie in them."""

    data: bytes
    messages: list[Message]

    @classmethod
    def of(cls, data: bytes) -> Piece:
        """Walk the bytes once, for all who read them."""
        return cls(data, list(messages(data)))


def attributes(buffer: bytes | memoryview, start: int, end: int) -> dict[int, bytes]:
    """Give the attributes between two offsets, by type; of one type the last counts."""
    found: dict[int, bytes] = {}
    while start + 4 <= end:
        length, kind = ATTRIBUTE.unpack_from(buffer, start)
        if length < 4 or start + length > end:
            break
        found[kind & NLA_TYPE_MASK] = bytes(buffer[start + 4 : start + length])
        start += (length + 3) & ~3
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """Pack one attribute, padded."""
    return ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def request(kind: int, flags: int, *, seq: int, body: bytes) -> bytes:
    """Pack one request (NLM_F_REQUEST is understood)."""
    return HEADER.pack(16 + len(body), kind, flags | NLM_F_REQUEST, seq, 0) + body


def answer(buffer: bytes | memoryview, message: Message) -> Answer:
    """Read an NLMSG_ERROR, or the NLMSG_DONE that ends a dump: both begin with -errno.

    The text is the kernel's extended acknowledgement (NETLINK_EXT_ACK), empty where it gave none.
    """
    errno = -S32.unpack_from(buffer, message.start)[0] if message.end - message.start >= 4 else 0
    start = message.start + 4
    if message.type == NLMSG_ERROR:
        echoed = HEADER.size
        if not message.flags & NLM_F_CAPPED and errno:
            echoed = (U32.unpack_from(buffer, start)[0] + 3) & ~3
        start += echoed
    text = b""
    if message.flags & NLM_F_ACK_TLVS:
        text = attributes(buffer, start, message.end).get(NLMSGERR_ATTR_MSG, b"")
    return Answer(message.seq, errno, text.rstrip(b"\0").decode("utf-8", "replace"))
