"""The last complete understanding of the store, as a file: `<state-dir>/snapshot`.

A host that starts while the store is away routes by it. So it must be whole or nothing: the first
line names the format and its version, the last one the BLAKE2b digest of all before it; between
them stands JSON, what is known of the store in one line and each lease in one. A file that is torn,
of another version, or of another node or prefix is refused with the reason.

The leases are written as records, in the format that they have in the store (docs/store.md), and
are judged again by the same code when they are read: nothing that the store could not make a node
do can be done by this file. They are those that were *believed*, which for a record that was spoilt
later is its last good meaning. There is no age limit; the age is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from hostgw_core.store import Entry, Header

MAGIC: Final = b"hostgw-snapshot 1\n"
LARGEST: Final = 64 << 20
"""Bytes that are read at most: sixteen times what 20,000 nodes need."""

_DIGEST = 32  # bytes
_SEAL: Final = b"blake2b "  # begins no line of JSON
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


class _Head(msgspec.Struct, frozen=True):
    prefix: str
    node_id: str
    saved: Annotated[float, msgspec.Meta(ge=0, le=_LATEST)]
    past: Past
    config: _Record | None


_RECORD: Final = msgspec.json.Decoder(_Record)


def pieces(recollection: Recollection) -> Iterator[bytes]:
    """Give the content of the file line by line.

    Ten thousand records at once would take as much memory as everything else in the daemon.
    """
    digest = blake2b(digest_size=_DIGEST)
    for line in _lines(recollection):
        digest.update(line)
        yield line
    yield _SEAL + digest.hexdigest().encode() + b"\n"


def _lines(recollection: Recollection) -> Iterator[bytes]:
    yield MAGIC
    yield _line(
        _Head(
            recollection.prefix,
            recollection.node_id,
            recollection.saved,
            recollection.past,
            _record(recollection.config) if recollection.config is not None else None,
        )
    )
    for lease in recollection.leases:
        yield _line(_record(lease))


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def encode(recollection: Recollection) -> bytes:
    """Give the content of the file."""
    return b"".join(pieces(recollection))


def decode(content: bytes, *, prefix: str, node_id: str) -> Recollection | str:
    """Read the file's content: give the value, or the reason why it cannot be used. Never raises.

    It must have been written by this node, for this prefix.
    """
    if len(content) > LARGEST:
        return f"it has more than {LARGEST} bytes"
    if not content.startswith(MAGIC):
        return "it is no snapshot of a version that this program knows"
    body, seal, digest = content.rpartition(_SEAL)
    if not seal or digest != blake2b(body, digest_size=_DIGEST).hexdigest().encode() + b"\n":
        return "its content is not what was written: it ends early, or the digest differs"
    try:
        head, *records = body.split(b"\n")[1:-1] or [b""]
        found = msgspec.json.decode(head, type=_Head)
        config = _entry(found.config) if found.config is not None else None
        leases = tuple(_entry(_RECORD.decode(record)) for record in records)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return str(error)
    return _foreign(found, prefix=prefix, node_id=node_id) or Recollection(
        found.prefix, found.node_id, found.saved, found.past, config, leases
    )


def _foreign(found: _Head, *, prefix: str, node_id: str) -> str:
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
