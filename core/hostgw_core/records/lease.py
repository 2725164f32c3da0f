"""A lease's value: the address its subnets are reached through, and whose they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from itertools import islice
from typing import Final, TypeVar

import msgspec

from hostgw_core.keys import Keys, quoted
from hostgw_core.model import HOST_GW, QUARANTINE, Addresses, IPAddress, Lease, Refusal, Subnets
from hostgw_core.records.wire import Name, decode, decode_in_any_case, encode, malformed
from hostgw_core.store import Entry


class _LeaseValue(msgspec.Struct, gc=False):
    public_ip: str | None = msgspec.field(name="PublicIP", default=None)
    public_ipv6: str | None = msgspec.field(name="PublicIPv6", default=None)
    backend: str = msgspec.field(name="BackendType", default="")
    node: Name = msgspec.field(name="Node", default="")
    node_id: Name = msgspec.field(name="NodeID", default="")
    public_ips: list[str] | None = msgspec.field(name="PublicIPs", default=None)


class _Written(msgspec.Struct, gc=False):
    """What is written of it where a node has one link, as nearly all have."""

    public_ip: str | None = msgspec.field(name="PublicIP")
    public_ipv6: str | None = msgspec.field(name="PublicIPv6")
    backend: str = msgspec.field(name="BackendType")
    node: str = msgspec.field(name="Node")
    node_id: str = msgspec.field(name="NodeID")


_Address = TypeVar("_Address", IPv4Address, IPv6Address)
_LEASE: Final = msgspec.json.Decoder(_LeaseValue)

REMEMBERED: Final = 1 << 17
"""How many records are not read twice: more than a cluster has nodes, and more than somebody puts
between them. To read one takes 20 us, to find it again 1; a claim, and every judgement after the
first, looks at all there are."""

MOST_LINKS: Final = 16
"""How many further addresses of one node are read."""

REMEMBERED_SIZE: Final = 512
"""The longest key and value, in bytes, that are worth it: what is remembered outlives its key, and
whoever writes records must not fill our memory by it. A lease needs about 200."""


def lease_of(keys: Keys, entry: Entry, *, any_backend: bool = False) -> Lease | Refusal:
    """Read a lease.

    The refusals: `malformed_key`, `malformed_value`, `bad_address`; and, unless `any_backend`,
    `other_backend` for a node that uses another way to carry packets (flannel ignores such a peer
    too) and `quarantined` for one that was withdrawn on purpose while its subnet is kept. A lease
    of both families may lack the address of one of them.
    """
    short = len(entry.key) + len(entry.value) <= REMEMBERED_SIZE
    backend, lease = _remembered(keys, entry) if short else _read(keys, entry)
    if backend != HOST_GW and not any_backend:
        return _quarantined(entry) if backend == QUARANTINE else _other_backend(entry, backend)
    return lease


def _read(keys: Keys, entry: Entry) -> tuple[str, Lease | Refusal]:
    """Read a lease of any backend, and the backend: where that cannot be read, the usual one."""
    subnets = keys.subnets_of(entry.key)
    if isinstance(subnets, Refusal):
        return HOST_GW, subnets
    value = _value_of(entry)
    if isinstance(value, Refusal):
        return HOST_GW, value
    gateways = _gateways(entry, value, subnets)
    if isinstance(gateways, Refusal):
        return value.backend, gateways
    return value.backend, _lease(entry, value, subnets, gateways)


def readable_of(keys: Keys, entry: Entry) -> Lease | None:
    """Give what can be read of a record that is not used: at the least the subnets of its key.

    None where the key names none. A lease of this kind may have no address and no node.
    """
    subnets = keys.subnets_of(entry.key)
    if isinstance(subnets, Refusal):
        return None
    value = _value_of(entry)
    if isinstance(value, Refusal):
        return Lease(entry.key, subnets, Addresses())
    gateways = _gateways(entry, value, subnets)
    given = Addresses() if isinstance(gateways, Refusal) else gateways
    return _lease(entry, value, subnets, given)


def _lease(entry: Entry, value: _LeaseValue, subnets: Subnets, gateways: Addresses) -> Lease:
    return Lease(
        entry.key,
        subnets,
        gateways,
        sys.intern(value.backend),
        value.node,
        value.node_id,
        entry.created,
        entry.modified,
        entry.lease,
        _further(value.public_ips or ()),
    )


_remembered: Final = lru_cache(maxsize=REMEMBERED)(_read)


def lease_value(
    *,
    gateways: Addresses,
    backend: str = HOST_GW,
    node: str = "",
    node_id: str = "",
    further: Iterable[IPAddress] = (),
) -> bytes:
    """Write a lease's value: flannel's fields in flannel's order, then ours."""
    ipv4 = None if gateways.ipv4 is None else str(gateways.ipv4)
    ipv6 = None if gateways.ipv6 is None else str(gateways.ipv6)
    if more := [str(each) for each in further]:
        return encode(_LeaseValue(ipv4, ipv6, backend, node, node_id, more))
    return encode(_Written(ipv4, ipv6, backend, node, node_id))


def _further(texts: Iterable[str]) -> tuple[IPAddress, ...]:
    """Read addresses on further links; one that no node can have is left out: there are others."""
    found: list[IPAddress] = []
    for text in islice(texts, MOST_LINKS):
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if usable_gateway(address):
            found.append(address)
    return tuple(dict.fromkeys(found))


def _value_of(entry: Entry) -> _LeaseValue | Refusal:
    value = decode(_LEASE, entry)
    if isinstance(value, Refusal):
        return value
    if not value.backend or (value.public_ip is None and value.public_ipv6 is None):
        value = decode_in_any_case(_LEASE, entry)
        if isinstance(value, Refusal):
            return value
    if not (value.node.isprintable() and value.node_id.isprintable()):
        return malformed(entry, "Node and NodeID must be printable")
    return value


def _quarantined(entry: Entry) -> Refusal:
    return Refusal(
        entry.key,
        "quarantined",
        f"the lease {quoted(entry.key)} is not routed to: it was withdrawn, and its subnet is kept;"
        " its node takes it back by starting, anybody may have it once the key is deleted",
    )


def _other_backend(entry: Entry, backend: str) -> Refusal:
    return Refusal(
        entry.key,
        "other_backend",
        f"the lease {quoted(entry.key)} is not routed to: its BackendType is {quoted(backend)},"
        f" not {quoted(HOST_GW)}; give its node the backend of the others",
    )


def _gateways(entry: Entry, value: _LeaseValue, subnets: Subnets) -> Addresses | Refusal:
    """Read the addresses. One of a family without a subnet spoils nothing.

    (Go writes its zero value, 0.0.0.0, where a node has no IPv4 address.) A good one may lead to an
    IPv4 subnet all the same: whoever routes by the lease knows whether it does.
    """
    ipv4 = _address(IPv4Address, value.public_ip)
    ipv6 = _address(IPv6Address, value.public_ipv6)
    for subnet, address in ((subnets.ipv4, ipv4), (subnets.ipv6, ipv6)):
        if subnet is not None and isinstance(address, str):
            return _bad_address(entry, f"{quoted(address)} is no address that a node can have")
    found = Addresses(
        None if isinstance(ipv4, str) else ipv4, None if isinstance(ipv6, str) else ipv6
    )
    if not any(found):
        return _bad_address(entry, "it names no address of a node")
    return found


def _address(kind: type[_Address], text: str | None) -> _Address | str | None:
    """Give a usable address, the text of an unusable one, or None where there is none."""
    if text is None:
        return None
    try:
        address = kind(text)
    except AddressValueError:
        return text
    return address if usable_gateway(address) else text


def _bad_address(entry: Entry, why: str) -> Refusal:
    return Refusal(
        entry.key,
        "bad_address",
        f"the lease {quoted(entry.key)} is not routed to: {why}; correct PublicIP or"
        " PublicIPv6, or delete the key",
    )


_THIS_NETWORK, _LOOPBACK, _MULTICAST, _BROADCAST = 0, 127, 224, 0xFFFFFFFF


def usable_gateway(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address can be a node's on the link.

    Not "this network" and loopback (RFC 1122, 3.2.1.3), multicast, the limited broadcast; for IPv6
    neither unspecified, loopback, multicast, link-local, nor an IPv4 address mapped (RFC 4291).
    """
    if isinstance(address, IPv4Address):
        number = int(address)
        first = number >> 24
        return (
            first not in {_THIS_NETWORK, _LOOPBACK}
            and first >> 4 != _MULTICAST >> 4
            and number != _BROADCAST
        )
    return not (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or address.scope_id is not None
        or address.ipv4_mapped is not None
    )
