from __future__ import annotations

import struct
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_daemon.kernel import (
    BLACKHOLE,
    PLAIN,
    UNICAST,
    UNREACHABLE,
    Form,
    Leg,
    Route,
    Verb,
    Write,
)
from hostgw_daemon.netlink import rtmsg, rtread, wire
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


def _routes(width: int, gateway: int = 0) -> st.SearchStrategy[Route]:
    return st.builds(
        Route,
        destination=st.binary(min_size=width, max_size=width),
        length=st.integers(0, 8 * width),
        metric=st.integers(1, 2**32 - 1),
        gateway=st.binary(min_size=gateway or width, max_size=gateway or width),
        link=st.integers(1, 2**31 - 1),
        table=st.integers(1, 2**32 - 1),
        form=st.just(PLAIN) | _forms(width),
    )


def _forms(width: int) -> st.SearchStrategy[Form]:
    return st.builds(
        Form,
        kind=st.just(UNICAST),
        source=st.just(b"") | st.binary(min_size=width, max_size=width),
        mtu=st.just(0) | st.integers(68, 65520),
        legs=st.just(()),
    )


def _several() -> st.SearchStrategy[Route]:
    gateways = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
    ways = st.lists(st.builds(Leg, gateways, st.integers(1, 2**31 - 1)), min_size=2, max_size=9)
    forms = st.builds(lambda form, legs: form._replace(legs=tuple(legs)), _forms(4), ways)
    return st.builds(
        lambda route, form: route._replace(gateway=b"", link=0, form=form), _routes(4), forms
    )


@given(_routes(4) | _routes(16) | _routes(4, 16) | _several())
def test_what_is_packed_is_read_back(route):
    """Any route survives the way through the wire, both families alike."""
    assert _read(rtmsg.pack(Write(Verb.CREATE, route), 7)) == [route]


@pytest.mark.parametrize("kind", [BLACKHOLE, UNREACHABLE])
@pytest.mark.parametrize("route", [V4, V6])
def test_a_route_to_nowhere_is_read_back(kind, route):
    """It has neither gateway nor link; that IPv6 puts the loopback in does not make it another."""
    nowhere = route._replace(gateway=b"", link=0, form=Form(kind))
    message = rtmsg.pack(Write(Verb.CREATE, nowhere), 7)
    assert _read(message) == [nowhere]
    assert rtmsg.RTA_OIF not in wire.attributes(message, 28, len(message))
    loopback = wire.attribute(rtmsg.RTA_OIF, struct.pack("=I", 1))
    told = struct.pack("=I", len(message) + 8) + message[4:] + loopback
    assert _read(told) == [nowhere]


def test_a_route_with_a_form_is_these_very_bytes():
    """Source, MTU, and a table of more than eight bits: written down here by hand."""
    route = V4._replace(table=100000, form=Form(source=bytes([192, 0, 2, 1]), mtu=1400))
    expected = bytes.fromhex(
        "58000000 1800 0000 2a000000 00000000"  # length 88, NEWROUTE, flags below, 42
        "02 18 00 00 00 68 00 01 00000000"  # AF_INET /24, no short table, 104, universe, unicast
        "0800 0f00 a0860100"  # table 100000
        "0800 0600 14050000"  # metric 1300
        "0800 0100 0a050100"  # 10.5.1.0
        "0800 0400 09000000"  # link 9
        "0800 0500 c0000207"  # 192.0.2.7
        "0800 0700 c0000201"  # preferred source 192.0.2.1
        "0c00 0800 0800 0200 78050000"  # metrics: MTU 1400
    )
    expected = expected[:6] + struct.pack("=H", 0x1 | 0x200 | 0x400) + expected[8:]
    assert rtmsg.pack(Write(Verb.CREATE, route), 42) == expected


def test_a_delete_names_what_is_special():
    """The kind of a route to nowhere, source and MTU: so that another of its key is not hit."""
    nowhere = V4._replace(gateway=b"", link=0, form=Form(UNREACHABLE))
    message = rtmsg.pack(Write(Verb.DELETE, nowhere), 1)
    assert (message[16 + 6], message[16 + 7]) == (255, 7)  # scope nowhere, RTN_UNREACHABLE
    special = V4._replace(form=Form(source=bytes([192, 0, 2, 1]), mtu=1400))
    message = rtmsg.pack(Write(Verb.DELETE, special), 1, ack=True)
    assert (message[16 + 6], message[16 + 7]) == (255, 0)
    body = wire.attributes(message, 28, len(message))
    assert body[rtmsg.RTA_PREFSRC] == bytes([192, 0, 2, 1])
    assert body[rtmsg.RTA_METRICS] == struct.pack("=HHI", 8, 2, 1400)


def test_a_route_of_several_ways_is_these_very_bytes():
    """Each way is a struct rtnexthop with its gateway: written down here by hand."""
    ways = (Leg(bytes([192, 0, 2, 7]), 9), Leg(bytes([198, 51, 100, 7]), 10))
    route = V4._replace(gateway=b"", link=0, form=Form(legs=ways))
    expected = bytes.fromhex(
        "58000000 1800 0000 2a000000 00000000"  # length 88, NEWROUTE, flags below, 42
        "02 18 00 00 fe 68 00 01 00000000"  # AF_INET /24, main, 104, universe, unicast
        "0800 0f00 fe000000"  # table 254
        "0800 0600 14050000"  # metric 1300
        "0800 0100 0a050100"  # 10.5.1.0
        "2400 0900"  # multipath
        "1000 00 00 09000000 0800 0500 c0000207"  # 16 bytes, no flags, weight 1, link 9, gateway
        "1000 00 00 0a000000 0800 0500 c6336407"
    )
    expected = expected[:6] + struct.pack("=H", 0x1 | 0x200 | 0x400) + expected[8:]
    message = rtmsg.pack(Write(Verb.CREATE, route), 42)
    assert message == expected
    assert _read(message) == [route]
    assert str(route) == "10.5.1.0/24 via 192.0.2.7 and 198.51.100.7 metric 1300"


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
    """An IPv4 gateway to IPv6 is an error, not an address that struct has cut."""
    with pytest.raises(ValueError, match="different families"):
        rtmsg.pack(Write(Verb.CREATE, V6._replace(gateway=V4.gateway)), 1)


def test_an_ipv6_gateway_to_ipv4_is_these_very_bytes():
    """It goes in an attribute of its own, which says its family: written down here by hand."""
    expected = bytes.fromhex(
        "54000000 1800 0000 2a000000 00000000"  # length 84, NEWROUTE, flags below, 42
        "02 18 00 00 fe 68 00 01 00000000"  # AF_INET /24, main, 104, universe, unicast
        "0800 0f00 fe000000"  # table 254
        "0800 0600 14050000"  # metric 1300
        "0800 0400 09000000"  # link 9
        "0800 0100 0a050100"  # 10.5.1.0
        "1600 1200 0a00 fd000000000000000000000000000007 0000"  # via AF_INET6 fd00::7, padding
    )
    expected = expected[:6] + struct.pack("=H", 0x1 | 0x200 | 0x400) + expected[8:]
    route = V4._replace(gateway=V6.gateway)
    assert rtmsg.pack(Write(Verb.CREATE, route), 42) == expected
    assert str(route) == "10.5.1.0/24 via inet6 fd00::7 metric 1300"


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


@given(st.sampled_from([16, 17, 20, 21, 24, 25, 80]), st.sampled_from([0, 2, 10]), st.binary())
def test_no_body_raises(kind, family, tail):
    """A message of a type we know may hold anything behind its family."""
    Notices().read(wire.request(kind, 0, seq=0, body=bytes([family]) + tail))
