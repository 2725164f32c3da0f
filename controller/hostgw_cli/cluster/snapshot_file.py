"""The file that keeps a cluster's keys: JSON with a checksum, written whole or not at all: pure.

It has what a cluster cannot make again by itself: the network, the leases and the reservations, all
at one revision of the store. Not presences: they say who lives *now*.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import blake2b
from typing import Final

import msgspec

from hostgw_core.keys import Keys
from hostgw_core.store import Entry, Listing, Span

FORMAT: Final = "hostgw-cluster 1"
"""Name and version; a file of another version is refused whole."""


class Kept(msgspec.Struct, frozen=True):
    """A key below the prefix, its value (as text, or in base64 where it is none), its revisions.

    `leased`: it hung on an etcd lease, and would go with its owner.
    """

    key: str
    value: str
    created: int
    modified: int
    leased: bool
    base64: bool = False

    @property
    def content(self) -> bytes:
        """The value as bytes. Raise ValueError."""
        return b64decode(self.value, validate=True) if self.base64 else self.value.encode()


class Snapshot(msgspec.Struct, frozen=True):
    """The keys of a cluster under a prefix, at a revision of a store.

    `taken` is in seconds since the epoch; `cluster` is the store's id in hexadecimal.
    """

    format: str
    prefix: str
    cluster: str
    revision: int
    taken: float
    keys: tuple[Kept, ...]
    checksum: str = ""

    def entries(self) -> tuple[Entry, ...]:
        """Give the keys as the store had them. Raise ValueError."""
        base = f"{self.prefix}/"
        return tuple(
            Entry(
                f"{base}{kept.key}".encode(),
                kept.content,
                kept.created,
                kept.modified,
                1,
                1 if kept.leased else 0,
            )
            for kept in self.keys
        )


def spans(keys: Keys) -> tuple[Span, ...]:
    """Give what is kept."""
    return Span(keys.config), keys.subnets, keys.subnets6, keys.reservations


def snapshot_of(keys: Keys, listing: Listing, *, taken: float) -> Snapshot:
    """Keep what was read."""
    base = f"{keys.prefix}/".encode()
    return Snapshot(
        FORMAT,
        keys.prefix,
        f"{listing.header.cluster:x}",
        listing.header.revision,
        taken,
        tuple(_kept(entry, base) for entry in listing.entries if _is_text(entry.key)),
    )


def encode(snapshot: Snapshot) -> bytes:
    """Give the file's content."""
    sealed = msgspec.structs.replace(snapshot, checksum=_checksum(snapshot))
    return msgspec.json.format(msgspec.json.encode(sealed), indent=1) + b"\n"


def decode(content: bytes) -> Snapshot:
    """Read a file. Raise ValueError with a sentence."""
    try:
        version = msgspec.json.decode(content, type=dict).get("format")
        if version != FORMAT:
            raise ValueError(f"its format is {version!r}, and {FORMAT!r} is known here")
        snapshot = msgspec.json.decode(content, type=Snapshot)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is no snapshot of a cluster: {error}") from error
    if snapshot.checksum != _checksum(snapshot):
        raise ValueError("its checksum is wrong: it is torn, or somebody has changed it")
    snapshot.entries()
    return snapshot


def _checksum(snapshot: Snapshot) -> str:
    """Digest everything but the checksum, in one spelling of it."""
    plain = msgspec.structs.replace(snapshot, checksum="")
    return f"blake2b:{blake2b(msgspec.json.encode(plain), digest_size=32).hexdigest()}"


def _kept(entry: Entry, base: bytes) -> Kept:
    key = entry.key.removeprefix(base).decode()
    leased = entry.lease != 0
    try:
        return Kept(key, entry.value.decode(), entry.created, entry.modified, leased)
    except UnicodeDecodeError:
        value = b64encode(entry.value).decode()
        return Kept(key, value, entry.created, entry.modified, leased, base64=True)


def _is_text(key: bytes) -> bool:
    """Tell whether a key is a text: no daemon uses another one."""
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True
