"""What the kernel's notifications are to us: links, routes of ours and of others, addresses."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from hostgw_daemon.kernel import HostChanged, Route, RouteForeign, RouteLost
from hostgw_daemon.netlink import ifmsg, rtmsg, wire
from hostgw_daemon.netlink.notices import Notices

V4 = Route(bytes([10, 5, 1, 0]), 24, 1300, bytes([192, 0, 2, 7]), 9)


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
    (event,) = notices.read(message)
    assert event == HostChanged(5, what, name=what.partition(" ")[0].rstrip(":"))


def test_what_did_not_change_is_no_event():
    """A link message that says nothing new is not passed on."""
    notices = Notices()
    notices.read(_link())
    assert notices.read(_link()) == []


def test_leaving_a_bridge_is_not_the_end_of_a_link():
    """A bridge's own DELLINK about a port does not concern the link."""
    assert Notices().read(_link(kind=17, family=7)) == []


def _told(kind: int, *, protocol: int = 104, flags: int = 0, table: int = 254) -> bytes:
    body = rtmsg.RTMSG.pack(2, 24, 0, 0, table if table < 256 else 252, protocol, 0, 1, 0)
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


def test_what_the_kernel_keeps_for_itself_is_left_out():
    """A foreign route is told with its table, for ours may be in any but the table local."""
    assert Notices().read(_told(24, protocol=4, table=255)) == []
    (event,) = Notices().read(_told(24, protocol=4, table=1000))
    assert isinstance(event, RouteForeign)
    assert event.route.table == 1000


def _vrf(kind: bytes, data: bytes) -> bytes:
    link = _link(name=b"blue")[16:]
    information = wire.attribute(1, kind) + wire.attribute(2, data)
    return wire.request(16, 0, seq=0, body=link + wire.attribute(18, information))


@pytest.mark.parametrize(
    ("message", "table"),
    [
        (_vrf(b"vrf\0", struct.pack("=HHI", 8, 1, 1000)), 1000),  # as iproute2 makes it
        (_vrf(b"vrf", struct.pack("=HHI", 8, 1, 7)), 7),
        (_vrf(b"vrf", b""), 0),
        (_vrf(b"vrf", struct.pack("=HHH", 6, 1, 7)), 0),
        (_vrf(b"vlan", struct.pack("=HHI", 8, 1, 1000)), 0),
        (_link(), 0),
    ],
)
def test_the_table_of_a_vrf_is_read(message, table):
    """A VRF device says which table is its; of no other device is that number a table."""
    (walked,) = wire.messages(message)
    link = ifmsg.read_link(message, walked)
    assert link is not None
    assert link.vrf_table == table
    assert Notices().read(message)[0].name == link.name


def test_an_address_that_moves_is_told_by_itself():
    """Which address came or went: somebody may wait for it, wherever it is."""
    (event,) = Notices().read(_address(0x80, family=2))
    assert event.address == ip_address("1.2.3.4")


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
