from __future__ import annotations

import struct
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_daemon.kernel import (
    HostChanged,
    Route,
    RouteForeign,
    RouteLost,
    Verb,
    Write,
)
from hostgw_daemon.netlink import ifmsg, rtmsg, rtread, wire
from hostgw_daemon.netlink.notices import Notices


def _route(prefix="10.5.1.0/24", gateway="192.0.2.7", *, metric=1300, link=9, table=254) -> Route:
    network = ip_network(prefix)
    packed = ip_address(gateway).packed
    return Route(network.network_address.packed, network.prefixlen, metric, packed, link, table)


def _read(message: bytes) -> list[Route]:
    return rtread.read_piece(wire.Piece.of(message))


V4 = _route()
V6 = _route("fd05:1::/64", "fd00::7")


def test_create_is_these_very_bytes():
    """A create is laid out as the kernel's headers say, written down here by hand."""
    expected = bytes.fromhex(
        "44000000 1800 0506 2a000000 00000000"  # length 68, NEWROUTE, REQUEST|ACK|EXCL|CREATE, 42
        "02 18 00 00 fe 68 00 01 00000000"  # AF_INET /24, main, protocol 104, universe, unicast
        "0800 0f00 fe000000"  # table 254
        "0800 0600 14050000"  # metric 1300
        "0800 0400 09000000"  # link 9
        "0800 0100 0a050100"  # 10.5.1.0
        "0800 0500 c0000207"  # 192.0.2.7
    )
    expected = expected[:6] + struct.pack("=H", 0x1 | 0x4 | 0x200 | 0x400) + expected[8:]
    assert rtmsg.pack(Write(Verb.CREATE, V4), 42, ack=True) == expected


@pytest.mark.parametrize(
    ("verb", "kind", "flags"),
    [
        (Verb.CREATE, 24, 0x1 | 0x200 | 0x400),
        (Verb.APPEND, 24, 0x1 | 0x400 | 0x800),
        (Verb.DELETE, 25, 0x1),
    ],
)
@pytest.mark.parametrize("route", [V4, V6])
def test_flags_by_verb(verb, kind, flags, route):
    """No verb ever carries NLM_F_REPLACE, which steals routes; only CREATE and APPEND create."""
    message = rtmsg.pack(Write(verb, route), 1)
    length, said_kind, said_flags, _, _ = struct.unpack_from("=IHHII", message)
    assert (length, said_kind, said_flags) == (len(message), kind, flags)
    assert message[16 + 5] == 104


def _routes(width: int) -> st.SearchStrategy[Route]:
    return st.builds(
        Route,
        destination=st.binary(min_size=width, max_size=width),
        length=st.integers(0, 8 * width),
        metric=st.integers(1, 2**32 - 1),
        gateway=st.binary(min_size=width, max_size=width),
        link=st.integers(1, 2**31 - 1),
        table=st.integers(1, 2**32 - 1),
    )


@given(_routes(4) | _routes(16))
def test_what_is_packed_is_read_back(route):
    """Any route survives the way through the wire, both families alike."""
    assert _read(rtmsg.pack(Write(Verb.CREATE, route), 7)) == [route]


def test_both_readers_agree():
    """The quick reader of the common shape and the walk over attributes give the same."""
    for route, af, width in ((V4, 2, 4), (V6, 10, 16)):
        in_order = (
            rtmsg.RTMSG.pack(af, route.length, 0, 0, 254, 104, 0, 1, 0)
            + wire.attribute(rtmsg.RTA_TABLE, struct.pack("=I", 254))
            + wire.attribute(rtmsg.RTA_DST, route.destination)
            + wire.attribute(rtmsg.RTA_PRIORITY, struct.pack("=I", route.metric))
            + wire.attribute(rtmsg.RTA_GATEWAY, route.gateway)
            + wire.attribute(rtmsg.RTA_OIF, struct.pack("=I", route.link))
        )
        message = wire.request(rtmsg.RTM_NEWROUTE, 0, seq=1, body=in_order)
        piece = wire.Piece.of(message)
        assert len(route.destination) == width
        assert _read(message) == [route]
        assert rtread.read_ours(message, piece.messages[0]) == [route]


def test_families_do_not_mix():
    """A gateway of the other family is an error, not an address that struct has cut."""
    with pytest.raises(ValueError, match="different families"):
        rtmsg.pack(Write(Verb.CREATE, V4._replace(gateway=V6.gateway)), 1)


def test_a_batch_is_numbered_and_asks_once():
    """Messages of a batch are numbered in a row, and only the last asks for an acknowledgement."""
    batch = rtmsg.pack_all([Write(Verb.CREATE, V4)] * 5, 100)
    walked = list(wire.messages(batch))
    assert [message.seq for message in walked] == [100, 101, 102, 103, 104]
    assert [bool(message.flags & wire.NLM_F_ACK) for message in walked] == [False] * 4 + [True]


def test_a_bare_route_is_deleted_by_its_key_alone():
    """A shape we never write is deleted without naming gateway or link."""
    message = rtmsg.pack(Write(Verb.DELETE, V4._replace(gateway=b"", link=0)), 1)
    body = wire.attributes(message, 28, len(message))
    assert rtmsg.RTA_GATEWAY not in body
    assert body[rtmsg.RTA_OIF] == bytes(4)


def _error(code: int, *, capped: bool, text: bytes = b"") -> bytes:
    echoed = struct.pack("=IHHII", 28, 24, 5, 9, 0) + (b"" if capped else bytes(12))
    flags = (wire.NLM_F_CAPPED if capped else 0) | (wire.NLM_F_ACK_TLVS if text else 0)
    body = struct.pack("=i", -code) + echoed
    body += wire.attribute(wire.NLMSGERR_ATTR_MSG, text + b"\0") if text else b""
    return struct.pack("=IHHII", 16 + len(body), wire.NLMSG_ERROR, flags, 9, 0) + body


@pytest.mark.parametrize("capped", [True, False])
def test_the_kernels_words_are_found(capped):
    """The text of a refusal is read behind a request that is echoed whole, or only its header."""
    data = _error(101, capped=capped, text=b"Nexthop has invalid gateway")
    (message,) = wire.messages(data)
    assert wire.answer(data, message) == (9, 101, "Nexthop has invalid gateway")


def test_an_acknowledgement_is_errno_0():
    """An answer without an error is errno 0 and no text."""
    data = _error(0, capped=True)
    (message,) = wire.messages(data)
    assert wire.answer(data, message) == (9, 0, "")


@given(st.binary(max_size=400))
def test_no_bytes_raise(data):
    """Whatever comes is walked to its end: nothing that is read can raise."""
    piece = wire.Piece.of(data)
    rtread.read_piece(piece)
    Notices().read(data)
    for message in piece.messages:
        wire.answer(data, message)
        rtread.read(data, message)


@given(st.sampled_from([16, 17, 20, 21, 24, 25]), st.sampled_from([0, 2, 10]), st.binary())
def test_no_body_raises(kind, family, tail):
    """A message of a type we know may hold anything behind its family."""
    Notices().read(wire.request(kind, 0, seq=0, body=bytes([family]) + tail))


def _link(index=5, name=b"u0", flags=0x1 | 0x10000, mtu=1500, *, kind=16, family=0) -> bytes:
    body = struct.pack("=BxHiII", family, 1, index, flags, 0)
    body += wire.attribute(3, name + b"\0") + wire.attribute(4, struct.pack("=I", mtu))
    return wire.request(kind, 0, seq=0, body=body)


def test_every_change_of_a_link_is_an_event():
    """Down and up in one read are two events: the routes went in between, without a word."""
    notices = Notices()
    events = notices.read(_link() + _link(flags=0) + _link())
    assert [event.what for event in events] == ["u0: up", "u0: down", "u0: up"]


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (_link(flags=0x1), "u0: up, without carrier"),
        (_link(mtu=1400), "u0: MTU 1500 -> 1400"),
        (_link(name=b"v0"), "v0: was u0"),
        (_link(kind=17), "u0 is gone"),
    ],
)
def test_what_changed_is_said(message, what):
    """Carrier, MTU, name and the end of a link are events with words for the log."""
    notices = Notices()
    notices.read(_link())
    assert notices.read(message) == [HostChanged(5, what)]


def test_what_did_not_change_is_no_event():
    """A link message that says nothing new is not passed on."""
    notices = Notices()
    notices.read(_link())
    assert notices.read(_link()) == []


def test_leaving_a_bridge_is_not_the_end_of_a_link():
    """A bridge's own DELLINK about a port does not concern the link."""
    assert Notices().read(_link(kind=17, family=7)) == []


def _told(kind: int, *, protocol: int = 104, flags: int = 0, table: int = 254) -> bytes:
    body = rtmsg.RTMSG.pack(2, 24, 0, 0, table, protocol, 0, 1, 0)
    body += wire.attribute(rtmsg.RTA_TABLE, struct.pack("=I", table))
    body += wire.attribute(rtmsg.RTA_DST, V4.destination)
    body += wire.attribute(rtmsg.RTA_PRIORITY, struct.pack("=I", V4.metric))
    body += wire.attribute(rtmsg.RTA_GATEWAY, V4.gateway)
    body += wire.attribute(rtmsg.RTA_OIF, struct.pack("=I", V4.link))
    return wire.request(kind, flags, seq=0, body=body)


def test_a_lost_route_of_ours():
    """A DELROUTE of our protocol is a loss, in whatever table."""
    assert Notices().read(_told(25)) == [RouteLost(V4)]
    assert Notices().read(_told(25, table=100)) == [RouteLost(V4._replace(table=100))]


def test_foreign_routes_come_and_go():
    """A foreign route is told when it comes, when it goes, and when it replaced another."""
    came, went, took = Notices().read(
        _told(24, protocol=4) + _told(25, protocol=4) + _told(24, protocol=4, flags=0x100)
    )
    assert isinstance(came, RouteForeign)
    assert (came.added, came.took) == (True, False)
    assert (came.route.protocol, came.route.destination) == (4, V4.destination)
    assert (went.added, went.took) == (False, False)
    assert (took.added, took.took) == (True, True)


def test_foreign_routes_of_other_tables_are_left_out():
    """What others do in tables of their own does not shadow ours."""
    assert Notices().read(_told(24, protocol=4, table=255)) == []


def _address(flags: int, *, family: int = 10, scope: int = 0) -> bytes:
    body = struct.pack("=BBBBI", family, 24, flags & 255, scope, 5)
    body += wire.attribute(ifmsg.IFA_ADDRESS, bytes(range(1, 5 if family == 2 else 17)))
    body += wire.attribute(ifmsg.IFA_FLAGS, struct.pack("=I", flags))
    return wire.request(20, 0, seq=0, body=body)


@pytest.mark.parametrize(
    ("message", "stable"),
    [
        (_address(0x80), True),
        (_address(0x00), True),
        (_address(0x101), False),  # temporary
        (_address(0x01, family=2), True),  # the same bit: secondary
        (_address(0x08), False),  # duplicate found
        (_address(0x20), False),  # deprecated
        (_address(0x20, family=2), False),
        (_address(0x40), False),  # tentative
        (_address(0x80, scope=253), False),  # link
        (_address(0x80, scope=254), False),  # host
    ],
)
def test_which_addresses_are_stable(message, stable):
    """Flags and scope say whether a peer may rely on an address."""
    (walked,) = wire.messages(message)
    seen = ifmsg.read_address(message, walked)
    assert seen is not None
    assert seen.address.stable is stable
