"""The last complete understanding of the store, as a file: `<state-dir>/snapshot`.

A host that starts while the store is away routes by it. So it must be whole or nothing: the first
line names the format, its version, and the BLAKE2b digest of all that follows, which is JSON. A
file that is torn, of another version, or of another node or prefix is refused with the reason.

The leases are written as records, in the format that they have in the store (docs/store.md), and
are judged again by the same code when they are read: nothing that the store could not make a node
do can be done by this file. They are those that were *believed*, which for a record that was spoilt
later is its last good meaning. There is no age limit; the age is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from hostgw_core.store import Entry, Header

MAGIC: Final = b"hostgw-snapshot 1 "
LARGEST: Final = 64 << 20
"""Bytes that are read at most: sixteen times what 20,000 nodes need."""

_DIGEST = 32  # bytes
_LATEST = 253_402_300_799  # the last second that a date can be written for


@dataclass(frozen=True, slots=True)
class Past:
    """What was known of the store's history: the last header that was trusted, and the break.

    `first`, `latest` and `alive` are of the history that broke with it, where one did.
    """

    known: Header
    first: Header | None = None
    latest: Header | None = None
    alive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Recollection:
    """All of it. `saved` is in seconds since the epoch; `leases` are records, like `config`.

    To be written they may be made one by one; what was read is a tuple.
    """

    prefix: str
    node_id: str
    saved: float
    past: Past
    config: Entry | None
    leases: Iterable[Entry]


class _Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    key: str
    value: str
    created: int
    modified: int
    lease: int


class _Document(msgspec.Struct, frozen=True):
    prefix: str
    node_id: str
    saved: Annotated[float, msgspec.Meta(ge=0, le=_LATEST)]
    past: Past
    config: _Record | None
    leases: tuple[_Record, ...]


_DOCUMENT: Final = msgspec.json.Decoder(_Document)


def encode(recollection: Recollection) -> bytes:
    """Give the content of the file.

    Record by record: ten thousand of them at once would take the memory of the whole daemon again.
    """
    config = recollection.config
    head = msgspec.json.encode(
        _Document(
            recollection.prefix,
            recollection.node_id,
            recollection.saved,
            recollection.past,
            _record(config) if config is not None else None,
            (),
        )
    )
    body = bytearray(head.removesuffix(b"]}"))
    for at, lease in enumerate(recollection.leases):
        body += b",\n" if at else b"\n"
        body += msgspec.json.encode(_record(lease))
    body += b"]}\n"
    return b"".join((MAGIC, _digest(body), b"\n", body))


def decode(content: bytes, *, prefix: str, node_id: str) -> Recollection | str:
    """Read the file's content: give the value, or the reason why it cannot be used. Never raises.

    It must have been written by this node, for this prefix.
    """
    if len(content) > LARGEST:
        return f"it has more than {LARGEST} bytes"
    line, _, body = content.partition(b"\n")
    if not line.startswith(MAGIC):
        return "it is no snapshot of a version that this program knows"
    if line[len(MAGIC) :] != _digest(body):
        return "its content is not what was written: the digest differs"
    try:
        found = _DOCUMENT.decode(body)
        config = _entry(found.config) if found.config is not None else None
        leases = tuple(map(_entry, found.leases))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return str(error)
    return _foreign(found, prefix=prefix, node_id=node_id) or Recollection(
        found.prefix, found.node_id, found.saved, found.past, config, leases
    )


def _foreign(found: _Document, *, prefix: str, node_id: str) -> str:
    if found.node_id != node_id:
        return f"it was written by the node {found.node_id}, and this one is {node_id}"
    if found.prefix != prefix:
        return f"it is of the prefix {found.prefix}, and --etcd-prefix is {prefix}"
    return ""


def _record(entry: Entry) -> _Record:
    return _Record(
        entry.key.decode(),
        entry.value.decode(errors="replace"),
        entry.created,
        entry.modified,
        entry.lease,
    )


def _entry(record: _Record) -> Entry:
    key, value = record.key.encode(), record.value.encode()
    return Entry(key, value, record.created, record.modified, 1, record.lease)


def _digest(body: bytes | bytearray) -> bytes:
    return blake2b(body, digest_size=_DIGEST).hexdigest().encode()
