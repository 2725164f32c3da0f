"""A node's presence: the sign that it lives, and what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, Presence, Refusal, Subnets
from hostgw_core.records.wire import Name, decode, encode, malformed
from hostgw_core.store import Entry

Codes: TypeAlias = Annotated[list[Name], msgspec.Meta(max_length=64)]
"""The codes of what is wrong on a node; there are about thirty."""


class _PresenceValue(msgspec.Struct):
    node: Name = msgspec.field(name="Node")
    instance: Name = msgspec.field(name="Instance")
    boot_id: Name = msgspec.field(name="BootID", default="")
    version: Name = msgspec.field(name="Version", default="")
    subnets: list[str] = msgspec.field(name="Subnets", default_factory=list)
    addresses: list[str] = msgspec.field(name="Addresses", default_factory=list)
    conditions: Codes = msgspec.field(name="Conditions", default_factory=list)
    applied: int = msgspec.field(name="Applied", default=0)


_PRESENCE: Final = msgspec.json.Decoder(_PresenceValue)
_NO_SUBNETS: Final = Subnets()


@dataclass(frozen=True, slots=True)
class Status:
    """What a node says about itself beside its presence.

    `applied` is the store's revision up to which its routes are in the kernel; `conditions` are the
    codes of what is wrong there.
    """

    boot_id: str = ""
    version: str = ""
    subnets: Subnets = _NO_SUBNETS
    conditions: tuple[str, ...] = ()
    applied: int = 0


def presence_of(keys: Keys, entry: Entry) -> Presence | Refusal:
    """Read a node's sign of life. The refusals: `malformed_key`, `malformed_value`."""
    node_id = keys.node_of(entry.key)
    return node_id if isinstance(node_id, Refusal) else presence_in(entry, node_id)


def presence_in(entry: Entry, node_id: str) -> Presence | Refusal:
    """Read what the value says of the node with this id. The refusal: `malformed_value`."""
    value = decode(_PRESENCE, entry)
    if isinstance(value, Refusal):
        return value
    if not (value.node.isprintable() and value.instance.isprintable()):
        return malformed(entry, "Node and Instance must be printable")
    addresses = _addresses(value.addresses)
    if addresses is None:
        return malformed(entry, "Addresses is at most one address a family")
    return Presence(node_id, value.instance, value.node, addresses, entry.created, entry.modified)


def status_of(entry: Entry) -> Status | Refusal:
    """Read what a node says about itself in its presence. The refusal: `malformed_value`."""
    value = decode(_PRESENCE, entry)
    if isinstance(value, Refusal):
        return value
    subnets = _subnets(value.subnets)
    if subnets is None:
        return malformed(entry, "Subnets is at most one subnet a family")
    said = (value.boot_id, value.version, *value.conditions)
    if not all(map(str.isprintable, said)):
        return malformed(entry, "BootID, Version and Conditions must be printable")
    return Status(value.boot_id, value.version, subnets, tuple(value.conditions), value.applied)


def presence_value(
    *, instance: str, node: str, addresses: Addresses, status: Status | None = None
) -> bytes:
    """Write a node's sign of life; the node id is in its key."""
    status = status or Status()
    return encode(
        _PresenceValue(
            node,
            instance,
            status.boot_id,
            status.version,
            [str(subnet) for subnet in status.subnets],
            [str(address) for address in addresses],
            list(status.conditions),
            status.applied,
        )
    )


def _addresses(texts: list[str]) -> Addresses | None:
    found: dict[str, Any] = {}
    for text in texts:
        kind = IPv6Address if ":" in text else IPv4Address
        name = "ipv6" if ":" in text else "ipv4"
        if name in found or "%" in text:  # a zone may be any text, and means nothing elsewhere
            return None
        try:
            found[name] = kind(text)
        except AddressValueError:
            return None
    return Addresses(**found)


def _subnets(texts: list[str]) -> Subnets | None:
    found: dict[str, Any] = {}
    for text in texts:
        kind = IPv6Network if ":" in text else IPv4Network
        name = "ipv6" if ":" in text else "ipv4"
        if name in found:
            return None
        try:
            found[name] = kind(text)
        except ValueError:
            return None
    return Subnets(**found)
