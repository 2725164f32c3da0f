"""ARP frames: one that a container sends, and what a witness keeps of one that arrives. Pure.

The gratuitous ARP is an ARP announcement (RFC 5227, 2.3): a request with the sender's own address
as sender and target, to everybody. CNI's plugins send one for each container that they attach.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import Final, NamedTuple

ETH_P_ALL: Final = 0x0003  # linux/if_ether.h
ETH_P_ARP: Final = 0x0806
EVERYBODY: Final = b"\xff" * 6

_ETHERNET: Final = struct.Struct("!6s6sH")
_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")  # RFC 826, for Ethernet and IPv4
_REQUEST: Final = 1

# The classic BPF program (linux/filter.h) that lets broadcast ARP frames pass, and nothing else:
# code, jump if true, jump if false, constant. Offsets count from the Ethernet header.
_LOAD_HALF, _LOAD_WORD, _JUMP_EQUAL, _RETURN = 0x28, 0x20, 0x15, 0x06
BROADCAST_ARP: Final = b"".join(
    struct.pack("=HBBI", *each)
    for each in (
        (_LOAD_HALF, 0, 0, 12),
        (_JUMP_EQUAL, 0, 5, ETH_P_ARP),
        (_LOAD_WORD, 0, 0, 0),
        (_JUMP_EQUAL, 0, 3, 0xFFFFFFFF),
        (_LOAD_HALF, 0, 0, 4),
        (_JUMP_EQUAL, 0, 1, 0xFFFF),
        (_RETURN, 0, 0, 0xFFFF),
        (_RETURN, 0, 0, 0),
    )
)


class Broadcast(NamedTuple):
    """An ARP broadcast: its source MAC address, the address that it tells, the one it asks for."""

    mac: bytes
    sender: IPv4Address
    target: IPv4Address


def announcement(mac: bytes, address: IPv4Address) -> bytes:
    """Write the frame by which a container tells everybody that it has an address."""
    packet = _ARP.pack(1, 0x0800, 6, 4, _REQUEST, mac, address.packed, b"\0" * 6, address.packed)
    return (_ETHERNET.pack(EVERYBODY, mac, ETH_P_ARP) + packet).ljust(60, b"\0")


def parse(frame: bytes) -> Broadcast | None:
    """Read a frame; None when it is no ARP broadcast."""
    if len(frame) < _ETHERNET.size + _ARP.size:
        return None
    to, mac, kind = _ETHERNET.unpack_from(frame)
    if to != EVERYBODY or kind != ETH_P_ARP:
        return None
    *_, sender, _, target = _ARP.unpack_from(frame, _ETHERNET.size)
    return Broadcast(mac, IPv4Address(sender), IPv4Address(target))
