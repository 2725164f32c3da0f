"""The datagrams between daemons: a question and its answer, 48 bytes each. Pure.

| bytes | question | answer |
|---|---|---|
| 0-3 | `hgw1` | `hgw1` |
| 4 | 1 | 2 |
| 5 | the way it takes: 0 host, 1 pod, 2 big | the same |
| 6-7 | 0 | what the answerer says of itself: `Report` |
| 8-15 | a number, the asker's own | the same |
| 16-31 | a seal | a seal |
| 32-47 | whose pods it is about: the gateway of the asked one's; more zeros if big | the same |

**Nobody can be flooded through us.** An answer is never longer than its question, and a question is
answered only if its seal is right: a keyed hash (BLAKE2b, RFC 7693) of the question and of the
addresses that it travels between, under the node id of the one who is asked. Node ids are random to
whoever cannot read the store, so a stranger with a forged source address has none. The same holds
the other way: an answer is believed only with a seal under the id of the node that was asked.

A node may serve several networks, with pods in one of them and none yet in another. So each
question says which of the asked one's gateways it is about, also one that goes to the host's own
address; an IPv4 address is written as RFC 4291, 2.5.5.2 maps it into IPv6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from ipaddress import IPv6Address
from struct import Struct
from typing import Final

from hostgw_core.model import IPAddress

SIZE: Final = 48
"""Bytes of every datagram but a big question."""

_MAGIC: Final = b"hgw1"
_QUESTION, _ANSWER = 1, 2
_HEAD: Final = Struct("!4sBBHQ")
_SEALED: Final = _HEAD.size + 16


class Way(IntEnum):
    """The way that a question takes."""

    HOST = 0  # from our address to theirs
    POD = 1  # from our pods' gateway to theirs: the way of pods' packets
    BIG = 2  # the same, as large as the link takes
    FORWARD = 3  # into their subnet, with a life of one hop: never received, so never answered


class Report(IntFlag):
    """What the one who answers says of itself, and of its way back to the asker's subnet."""

    NOTHING = 0
    FORWARDS = 1
    STRICT = 2  # its reverse-path filter drops what comes from the asker's pods
    WAY_BACK = 4  # its kernel would answer the asker's pods through the asker
    GATEWAY = 8  # the address of its pods' gateway is there
    DROPS = 16  # a firewall there drops what it forwards from or to its pods


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `number` tells which answer belongs to it.

    `about` is the address that the pods' gateway of who is asked has in the network that is meant.
    """

    way: Way
    number: int
    about: IPAddress


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    way: Way
    number: int
    report: Report


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses that a question travels between: the asker's, then that of who is asked."""

    asker: IPAddress
    asked: IPAddress


def ask(question: Question, ends: Ends, *, node_id: str, size: int = SIZE) -> bytes:
    """Write a question to the node with this id, `size` bytes long."""
    head = _HEAD.pack(_MAGIC, _QUESTION, question.way, 0, question.number)
    return _sealed(head, _wide(question.about), ends, node_id).ljust(size, b"\0")


def asked(datagram: bytes, ends: Ends, *, node_id: str) -> Question | None:
    """Read a question to us, the node with this id; None for anything that is not to be answered.

    Never raises.
    """
    if not _is(datagram, _QUESTION, ends, node_id):
        return None
    _, _, way, _, number = _HEAD.unpack_from(datagram)
    about = IPv6Address(datagram[_SEALED:SIZE])
    return Question(Way(way), number, about.ipv4_mapped or about)


def answer(question: Question, report: Report, ends: Ends, *, node_id: str) -> bytes:
    """Write our answer; `node_id` is our own, and the ends are those of the question."""
    head = _HEAD.pack(_MAGIC, _ANSWER, question.way, report, question.number)
    return _sealed(head, _wide(question.about), ends, node_id)


def answered(datagram: bytes, ends: Ends, *, node_id: str) -> Answer | None:
    """Read an answer of the node with this id; None for anything else. Never raises."""
    if not _is(datagram, _ANSWER, ends, node_id):
        return None
    _, _, way, report, number = _HEAD.unpack_from(datagram)
    return Answer(Way(way), number, Report(report & _KNOWN))


def number_of(datagram: bytes) -> int | None:
    """Give the number in a datagram of ours, whole or as an ICMP error quotes it; else None."""
    if len(datagram) < _HEAD.size or datagram[:4] != _MAGIC:
        return None
    number: int = _HEAD.unpack_from(datagram)[4]
    return number


def is_answer(datagram: bytes) -> bool:
    """Tell whether it says that it is an answer."""
    return datagram[:5] == _MAGIC + bytes([_ANSWER])


_WAYS = frozenset(Way)
_KNOWN = Report(sum(Report))


def _is(datagram: bytes, kind: int, ends: Ends, node_id: str) -> bool:
    if len(datagram) < SIZE or datagram[:5] != _MAGIC + bytes([kind]) or datagram[5] not in _WAYS:
        return False
    said = datagram[: _HEAD.size], datagram[_SEALED:SIZE]
    return compare_digest(datagram[:SIZE], _sealed(*said, ends, node_id))


def _sealed(head: bytes, about: bytes, ends: Ends, node_id: str) -> bytes:
    """Put a datagram together."""
    meant = head + about + ends.asker.packed + ends.asked.packed
    seal = blake2b(meant, digest_size=_SEALED - _HEAD.size, key=_key(node_id)).digest()
    return head + seal + about


def _wide(address: IPAddress) -> bytes:
    """Write an address of either family in 16 bytes."""
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed


@lru_cache(maxsize=256)
def _key(node_id: str) -> bytes:
    """Make a key of a node id, which may be longer than a key of BLAKE2b."""
    return blake2b(node_id.encode(), digest_size=32, person=b"hostgw probe").digest()
