"""What is sent for a macvlan or ipvlan link, attribute by attribute, as if_link.h has it.

Not every kernel has ipvlan: what is asked of one that has is checked here.
"""

from __future__ import annotations

import struct
from ipaddress import ip_interface

import pytest

from hostgw_daemon.kernel import Child
from hostgw_daemon.netlink import childmsg
from hostgw_daemon.netlink.wire import Message, attributes, messages


def only(packed: bytes) -> Message:
    """Give the one message."""
    (message,) = messages(packed)
    return message


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("macvlan", b"\x04\x00\x00\x00"),  # MACVLAN_MODE_BRIDGE, 32 bits
        ("ipvlan", b"\x02\x00"),  # IPVLAN_MODE_L3S, 16 bits
    ],
)
def test_a_link_is_made_with_its_mode_and_in_our_group(kind: str, mode: bytes):
    """RTM_NEWLINK, exclusive, set up at once; little-endian, as the machines of the tests are."""
    packed = childmsg.pack_make("hostgw0", Child(kind, 7, 1400, frozenset()), 3)
    message = only(packed)
    assert (message.type, message.flags, message.seq) == (16, 0x605, 3)
    assert struct.unpack_from("=BxHiII", packed, message.start) == (0, 0, 0, 1, 1)
    found = attributes(packed, message.start + 16, message.end)
    info = found.pop(18)
    assert found == {
        3: b"hostgw0\0",
        5: struct.pack("=I", 7),
        4: struct.pack("=I", 1400),
        27: struct.pack("=I", 104),
    }
    inner = attributes(info, 0, len(info))
    assert inner[1] == kind.encode() + b"\0"
    assert attributes(inner[2], 0, len(inner[2])) == {1: mode}


def test_a_macvlan_has_an_address_of_its_own_that_follows_from_its_parents():
    """Unicast and locally administered; the same for the same parent, and another for another."""
    parent, other = bytes.fromhex("525400123456"), bytes.fromhex("525400123457")
    mac = childmsg.own_mac(parent)
    assert (len(mac), mac[0]) == (6, 0x02)
    assert mac == childmsg.own_mac(parent)
    assert len({mac, childmsg.own_mac(other), parent, other}) == 4
    packed = childmsg.pack_make("hostgw0", Child("macvlan", 7, 1400, frozenset()), 3, mac=mac)
    message = only(packed)
    assert attributes(packed, message.start + 16, message.end)[1] == mac


@pytest.mark.parametrize(
    ("address", "family", "flags", "packed"),
    [
        ("10.5.1.1/24", 2, 0, bytes((10, 5, 1, 1))),
        ("fd00::1/64", 10, 2, b"\xfd" + bytes(14) + b"\x01"),  # IFA_F_NODAD
    ],
)
def test_an_address_comes_and_goes(address: str, family: int, flags: int, packed: bytes):
    """RTM_NEWADDR, exclusive, and RTM_DELADDR, with the length of its network."""
    for add, kind, asked in ((True, 20, 0x605), (False, 21, 0x005)):
        sent = childmsg.pack_address(9, ip_interface(address), add=add, seq=1)
        message = only(sent)
        assert (message.type, message.flags) == (kind, asked)
        length = int(address.partition("/")[2])
        header = struct.unpack_from("=BBBBI", sent, message.start)
        assert header == (family, length, flags, 0, 9)
        assert attributes(sent, message.start + 8, message.end) == {1: packed, 2: packed}
