"""Messages of switches and neighbour tables, laid out by hand as the kernel's headers say."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_daemon.kernel import SwitchesChanged
from hostgw_daemon.netlink import netconf, ntable, wire
from hostgw_daemon.netlink.notices import Notices
from hostgw_daemon.switches import ALL_LINKS, NeighbourTable, Switches


def told(kind: int, family: int, *attributes: tuple[int, bytes]) -> bytes:
    """Make a message with a body of one byte, and these attributes behind the padding."""
    body = bytes([family, 0, 0, 0]) + b"".join(wire.attribute(*each) for each in attributes)
    return wire.request(kind, 0, seq=1, body=body)


def numbers(**values: int) -> list[tuple[int, bytes]]:
    """Give the attributes of a message about switches."""
    kinds = {"link": 1, "forwarding": 2, "rp_filter": 3, "mc_forwarding": 4}
    return [(kinds[name], struct.pack("=i", value)) for name, value in values.items()]


def body(message: bytes) -> wire.Message:
    """Walk the one message."""
    (found,) = wire.messages(message)
    return found


def test_the_dumps_are_these_very_bytes():
    """A family and nothing else: the kernel refuses more (NETLINK_GET_STRICT_CHK)."""
    head = struct.pack("=IHHII", 20, 82, 0x301, 7, 0)
    assert netconf.pack_dump(4, seq=7) == head + bytes([2, 0, 0, 0])
    head = struct.pack("=IHHII", 20, 66, 0x301, 7, 0)
    assert ntable.pack_dump(6, seq=7) == head + bytes([10, 0, 0, 0])


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        (
            told(80, 2, *numbers(link=5, forwarding=1, rp_filter=2, mc_forwarding=0)),
            (5, Switches(forwarding=True, rp_filter=2)),
        ),
        (
            told(80, 2, *numbers(link=-1, forwarding=0, rp_filter=1)),
            (ALL_LINKS, Switches(forwarding=False, rp_filter=1)),
        ),
        (told(80, 10, *numbers(link=5, forwarding=1)), (5, Switches(forwarding=True))),
        (told(80, 2, *numbers(link=5, rp_filter=1)), None),  # of a change only that is told
        (told(80, 2, *numbers(forwarding=1)), None),
        (told(80, 2, (1, b"\5"), (2, b"\1")), None),
        (told(80, 2), None),
    ],
)
def test_switches_are_read(message: bytes, seen: tuple[int, Switches] | None):
    """Link, forwarding and rp_filter; nothing of a message that does not tell the first two."""
    assert netconf.read(message, body(message)) == seen


def test_a_change_of_a_switch_is_an_event():
    """Whatever it was; what of it is so now is asked for, not believed."""
    notices = Notices()
    changed = told(80, 2, *numbers(link=5, rp_filter=1)) + told(80, 10, *numbers(link=-1))
    assert notices.read(changed) == [SwitchesChanged(5), SwitchesChanged(ALL_LINKS)]
    assert notices.read(told(80, 2)) == []
    assert notices.read(told(81, 2, *numbers(link=5))) == []  # with its link, which is told of


THRESHOLDS = [(kind, struct.pack("=I", size)) for kind, size in ((2, 128), (3, 512), (4, 1024))]
CONFIG = (5, struct.pack("=HHIIIIIIII", 4, 320, 77, 1, 1, 1, 1, 1, 1, 0))


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        (told(64, 2, (1, b"arp_cache\0"), *THRESHOLDS, CONFIG), (77, (128, 512, 1024))),
        (told(64, 2, (1, b"arp_cache\0"), (6, b"")), None),  # the parameters of one link
        (told(64, 2, *THRESHOLDS), None),
        (told(64, 2, *THRESHOLDS[:2], CONFIG), None),
        (told(64, 2, *THRESHOLDS, (5, b"\0\0")), None),
    ],
)
def test_a_neighbour_table_is_read(message: bytes, seen: tuple[int, tuple[int, ...]] | None):
    """Its thresholds and how many entries there are, or nothing."""
    found = ntable.read(message, body(message))
    assert found == (NeighbourTable(*seen) if seen is not None else None)


@given(st.binary())
def test_no_body_raises(tail: bytes):
    """Whatever is behind the header can be read."""
    message = wire.request(80, 0, seq=1, body=tail)
    netconf.read(message, body(message))
    netconf.link_of(message, body(message))
    ntable.read(message, body(message))
