"""Route messages, read: bytes to a `Route`. Pure.

A multipath is read as one value a leg; ours, in IPv4, as one route with its legs. In IPv6 it is how
routes of one key come back that were appended one by one: the kernel joins them. A blackhole of
IPv6 has the loopback for a link, one of IPv4 has none: it is read as none. **A route of ours in a
shape that we never write** (no gateway, a nexthop object) is read as one route with an empty
gateway and link 0: so it equals nothing that is desired, and a delete of it names neither, which is
what the kernel asks for such routes. What holds no key of ours at all (a cached clone, a route for
one source or one type of service) is left out.

A dump of our protocol consists nearly wholly of the very shape that we send. One struct reads such
a message, fixed part and attributes together, in 1.3 us; everything else takes the walk over the
attributes, 3.6 us. The order of the attributes is that of `fib_dump_info` (net/ipv4) and
`rt6_fill_node` (net/ipv6); a kernel with another order would make it slower, never wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from hostgw_daemon.kernel import (
    KIND_WORDS,
    PLAIN,
    PROTOCOL,
    UNICAST,
    ForeignRoute,
    Form,
    Leg,
    Route,
)
from hostgw_daemon.netlink.rtmsg import (
    RT_TABLE_COMPAT,
    RTA_DST,
    RTA_GATEWAY,
    RTA_METRICS,
    RTA_MULTIPATH,
    RTA_NH_ID,
    RTA_OIF,
    RTA_PREFSRC,
    RTA_PRIORITY,
    RTA_TABLE,
    RTA_VIA,
    RTAX_MTU,
    RTM_F_CLONED,
    RTM_NEWROUTE,
    RTMSG,
    RTNEXTHOP,
)
from hostgw_daemon.netlink.wire import ATTRIBUTE, U32, Message, Piece, attributes


class _Plain(NamedTuple):
    """The shape of nearly every message: rtmsg, table, destination, metric, gateway, link."""

    struct: Struct
    heads: tuple[int, ...]


def _plain(width: int) -> _Plain:
    address = 4 + width
    heads = (
        (8, RTA_TABLE),
        (address, RTA_DST),
        (8, RTA_PRIORITY),
        (address, RTA_GATEWAY),
        (8, RTA_OIF),
    )
    # An attribute's length and type are compared as the one number that they are in memory.
    numbers = tuple(U32.unpack(ATTRIBUTE.pack(*head))[0] for head in heads)
    return _Plain(Struct(f"=8BI II I{width}s II I{width}s II"), numbers)


_PLAIN = {2: _plain(4), 10: _plain(16)}
_KIND = 7  # where the fixed part says of what kind a route is
RTN_LOCAL = 2
_DESTINATION = {width: ATTRIBUTE.pack(4 + width, RTA_DST) for width in (4, 16)}


def read_piece(piece: Piece) -> list[Route]:
    """Read one piece of a dump of our protocol."""
    found: list[Route] = []
    for message in piece.messages:
        if message.type != RTM_NEWROUTE:
            continue
        route = _read_plain(piece.data, message)
        if route is None:
            found += read_ours(piece.data, message)
        else:
            found.append(route)
    return found


def read_ours(buffer: bytes | memoryview, message: Message) -> list[Route]:
    """Read one message about a route of our protocol, of whatever shape."""
    legs, form = _walk(buffer, message)
    if form is None or form.kind != UNICAST or form.legs:
        destination, length, metric, _, _, _, table = legs[0]
        return [Route(destination, length, metric, b"", 0, table, form or PLAIN)]
    return [without_protocol(leg)._replace(form=form) for leg in legs]


def read(buffer: bytes | memoryview, message: Message) -> list[ForeignRoute]:
    """Read one route message of whatever protocol and shape: one value a leg, mostly one."""
    return _walk(buffer, message)[0]


def without_protocol(route: ForeignRoute) -> Route:
    """Give the route as one that we may name in a write."""
    destination, length, metric, _, gateway, link, table = route
    return Route(destination, length, metric, gateway, link, table)


class Summary(NamedTuple):
    """What stands in the fixed part of a route message: enough to leave most of them unread."""

    length: int
    table: int
    protocol: int


def summary(buffer: bytes | memoryview, message: Message) -> Summary:
    """Look at a route message without reading its attributes; `table` is 252 above 255."""
    if message.end - message.start < RTMSG.size:
        return Summary(0, 0, 0)
    start = message.start
    return Summary(buffer[start + 1], buffer[start + 4], buffer[start + 5])


def others(piece: Piece, table: int) -> Iterator[tuple[Message, int]]:
    """Give the routes of other protocols in one table, unread, with their prefixes' lengths."""
    said = table if table < 256 else RT_TABLE_COMPAT
    for message in piece.messages:
        if message.type == RTM_NEWROUTE:
            told = summary(piece.data, message)
            if told.protocol != PROTOCOL and told.table == said:
                yield message, told.length


def destination(buffer: bytes | memoryview, message: Message) -> bytes:
    """Read the destination alone: a whole table is searched for a few of them.

    In a dump it stands behind the table's attribute; where it does not, it is looked for.
    """
    width = 4 if buffer[message.start] == 2 else 16
    start = message.start + RTMSG.size + 8
    if buffer[start : start + 4] == _DESTINATION[width]:
        return bytes(buffer[start + 4 : start + 4 + width])
    found = attributes(buffer, message.start + RTMSG.size, message.end)
    return found.get(RTA_DST, bytes(width))


def read_hop(buffer: bytes | memoryview, message: Message) -> Leg | None:
    """Read the answer to `rtmsg.pack_lookup`: the way it leaves; None: it stays on this host."""
    if buffer[message.start + _KIND] == RTN_LOCAL:
        return None
    found = attributes(buffer, message.start + RTMSG.size, message.end)
    return Leg(_gateway(found), _number(found.get(RTA_OIF)))


def read_table(buffer: bytes | memoryview, message: Message) -> int:
    """Read from the same answer which table decided."""
    found = attributes(buffer, message.start + RTMSG.size, message.end)
    return _number(found.get(RTA_TABLE)) or summary(buffer, message).table


def _walk(buffer: bytes | memoryview, message: Message) -> tuple[list[ForeignRoute], Form | None]:
    """Walk the attributes; give the legs and their form, None where only the bare key counts."""
    start, end = message.start, message.end
    if end - start < RTMSG.size:
        return [], PLAIN
    af, length, source, tos, table, protocol, _, kind, flags = RTMSG.unpack_from(buffer, start)
    if af not in _PLAIN or source or tos or flags & RTM_F_CLONED:
        return [], PLAIN
    found = attributes(buffer, start + RTMSG.size, end)
    destination = found.get(RTA_DST) or bytes(4 if af == 2 else 16)
    metric = _number(found.get(RTA_PRIORITY))
    table = _number(found.get(RTA_TABLE)) or table
    legs = [(_gateway(found), _number(found.get(RTA_OIF)))]
    if RTA_MULTIPATH in found:
        legs = _legs(found[RTA_MULTIPATH]) or legs
    bare = RTA_NH_ID in found or not all(gateway for gateway, _ in legs)
    form = _form(kind, found, bare=bare)
    if form is not None and form.kind == UNICAST and af == 2 and RTA_MULTIPATH in found:
        form = form._replace(legs=tuple(Leg(*leg) for leg in legs))
    return [
        ForeignRoute(destination, length, metric, protocol, gateway, link, table)
        for gateway, link in legs
    ], form


def _form(kind: int, found: dict[int, bytes], *, bare: bool) -> Form | None:
    if kind in KIND_WORDS:
        return Form(kind)
    if bare:
        return None
    source, metrics = found.get(RTA_PREFSRC, b""), found.get(RTA_METRICS, b"")
    if not source and not metrics:
        return PLAIN
    return Form(UNICAST, source, _number(attributes(metrics, 0, len(metrics)).get(RTAX_MTU)))


def _read_plain(buffer: bytes, message: Message) -> Route | None:
    start = message.start
    plain = _PLAIN.get(buffer[start])
    if plain is None or message.end - start < plain.struct.size:
        return None
    fields = plain.struct.unpack_from(buffer, start)
    if fields[9::2] != plain.heads:
        return None
    (_, length, source, tos, _, _, _, kind, flags, *attrs) = fields
    if kind != UNICAST or source or tos or flags & RTM_F_CLONED:
        return None
    _, table, _, destination, _, metric, _, gateway, _, link = attrs
    return Route(destination, length, metric, gateway, link, table)


def _gateway(found: dict[int, bytes]) -> bytes:
    """Give the gateway, of whichever family: RTA_VIA holds one of another than the route's."""
    return found.get(RTA_GATEWAY) or found.get(RTA_VIA, b"")[2:]


def _number(value: bytes | None) -> int:
    return U32.unpack(value)[0] if value and len(value) == 4 else 0


def _legs(value: bytes) -> list[tuple[bytes, int]]:
    """Read RTA_MULTIPATH: a row of `struct rtnexthop`, each with its own attributes."""
    legs, offset = [], 0
    while offset + RTNEXTHOP.size <= len(value):
        length, _, _, link = RTNEXTHOP.unpack_from(value, offset)
        if length < RTNEXTHOP.size:
            break
        found = attributes(value, offset + RTNEXTHOP.size, min(offset + length, len(value)))
        legs.append((_gateway(found), link))
        offset += (length + 3) & ~3
    return legs
