"""The neighbour table, heard as it changes: who answers on the link, and who does not.

The kernel tells of every change of an entry's state. Most of that (stale, delayed, being asked)
says nothing yet, and a table of ten thousand busy peers tells a lot of it; so a filter of the
socket keeps what means something: reachable (an answer has just come), failed (none has), and that
an entry is gone: deleted, flushed with its link, or thrown out because the table is full.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, Self, TypeAlias

from hostgw_core.model import IPAddress
from hostgw_daemon.netlink.ear import DROP, KEEP, Ear, Instruction, as_loaded, subscribed
from hostgw_daemon.netlink.neighbours import (
    NDA_DST,
    NDA_LLADDR,
    NDMSG,
    NUD_REACHABLE,
    RTM_DELNEIGH,
    RTM_NEWNEIGH,
)
from hostgw_daemon.netlink.wire import attributes, messages

GROUP = 0x4  # RTMGRP_NEIGH, linux/rtnetlink.h
NUD_FAILED = 0x20
RECEIVE_BUFFER = 4 << 20  # bytes: some ten thousand notifications

Told: TypeAlias = tuple[int, IPAddress, bool | None, bytes]
"""(link, address, whether it answers; None: its entry is gone; its hardware address)."""
News: TypeAlias = list[Told]
"""In order."""

_WHAT_MATTERS: Final[tuple[Instruction, ...]] = (
    # The type of a message is at offset 4, `ndm_state` at 24.
    (0x28, 0, 0, 4),  # A = half word at 4
    (0x15, 2, 0, as_loaded(RTM_DELNEIGH, "H")),  # if A is that: keep
    (0x28, 0, 0, 24),  # A = half word at 24
    (0x45, 0, 1, as_loaded(NUD_REACHABLE | NUD_FAILED, "H")),  # if A & those: next, else skip one
    KEEP,
    DROP,
)


class NeighbourWatch(Ear[Told]):
    """Hears the network namespace in which it was opened.

    Of what is lost (ENOBUFS), who answers and who does not comes again; `missed` counts the losses,
    for what is gone does not.
    """

    missed = 0

    @classmethod
    def open(cls) -> Self:
        """Subscribe, in the current namespace. Raise OSError."""
        return cls(subscribed(GROUP, _WHAT_MATTERS, receive_buffer=RECEIVE_BUFFER))

    def _understood(self, notification: memoryview) -> Iterable[Told]:
        return _read(notification)

    def _lost(self) -> Iterable[Told]:
        self.missed += 1
        return ()


def _read(buffer: memoryview) -> News:
    found: News = []
    for message in messages(buffer):
        if message.end - message.start < NDMSG.size:
            continue
        _, _, _, link, state, _, _ = NDMSG.unpack_from(buffer, message.start)
        kept = attributes(buffer, message.start + NDMSG.size, message.end)
        if len(kept.get(NDA_DST, b"")) not in {4, 16}:
            continue
        address = ip_address(kept[NDA_DST])
        if message.type == RTM_DELNEIGH:
            found.append((link, address, None, b""))
        elif message.type == RTM_NEWNEIGH and state & (NUD_REACHABLE | NUD_FAILED):
            answers = bool(state & NUD_REACHABLE)
            found.append((link, address, answers, kept.get(NDA_LLADDR, b"") if answers else b""))
    return found
