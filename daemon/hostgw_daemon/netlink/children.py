"""The adapter for macvlan and ipvlan links of ours: looked at, made, changed, deleted."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from ipaddress import ip_interface

from hostgw_daemon.kernel import Child, IPInterface
from hostgw_daemon.netlink import childmsg, ifmsg
from hostgw_daemon.netlink.speaker import Speaker


class Children(Speaker):
    """Implements the port `doorway.Children` in the namespace in which it was opened."""

    def look(self, name: str) -> Child | None:
        """Give the link with its addresses, None when there is none of that name.

        Raise OSError: EEXIST when somebody else made it.
        """
        seq = self._channel.reserve()
        try:
            piece = self._channel.ask(childmsg.pack_look(name, seq), seq)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        child = childmsg.read_look(name, piece.data, piece.messages[0])
        return replace(child, addresses=frozenset(self._addresses(child.index)))

    def make(self, name: str, child: Child) -> None:
        """Make the link, up, without addresses. Raise OSError."""
        mac = self._mac(child.parent) if child.kind == "macvlan" else b""
        seq = self._channel.reserve()
        self._have(childmsg.pack_make(name, child, seq, mac=mac), seq)

    def delete(self, name: str) -> None:
        """Delete the link. Raise OSError."""
        seq = self._channel.reserve()
        self._have(childmsg.pack_delete(self._index(name), seq), seq)

    def adjust(self, name: str, *, mtu: int) -> None:
        """Give the link an MTU in bytes, and set it up. Raise OSError."""
        seq = self._channel.reserve()
        self._have(childmsg.pack_adjust(self._index(name), mtu, seq), seq)

    def add(self, name: str, address: IPInterface) -> None:
        """Give the link an address. Raise OSError."""
        seq = self._channel.reserve()
        self._have(childmsg.pack_address(self._index(name), address, add=True, seq=seq), seq)

    def drop(self, name: str, address: IPInterface) -> None:
        """Take an address from the link. Raise OSError."""
        seq = self._channel.reserve()
        self._have(childmsg.pack_address(self._index(name), address, add=False, seq=seq), seq)

    def _index(self, name: str) -> int:
        """Give the index of a link of ours: nobody else's is ever written to. Raise OSError."""
        seq = self._channel.reserve()
        piece = self._channel.ask(childmsg.pack_look(name, seq), seq)
        return childmsg.read_look(name, piece.data, piece.messages[0]).index

    def _mac(self, parent: int) -> bytes:
        """Give the address for a child of a link; none where it is not Ethernet. Raise OSError."""
        seq = self._channel.reserve()
        piece = self._channel.ask(childmsg.pack_parent(parent, seq), seq)
        of_parent = childmsg.read_mac(piece.data, piece.messages[0])
        return childmsg.own_mac(of_parent) if len(of_parent) == 6 else b""

    def _addresses(self, index: int) -> list[IPInterface]:
        seq = self._channel.reserve()
        return [
            ip_interface((seen.address.address, seen.address.network.prefixlen))
            for piece in self._channel.dump(childmsg.pack_addresses_of(index, seq), seq)
            for message in piece.messages
            if message.type == ifmsg.RTM_NEWADDR
            and (seen := ifmsg.read_address(piece.data, message)) is not None
            and seen.address.link == index
            and seen.permanent
            and not seen.address.address.is_link_local
        ]

    def _have(self, request: bytes, seq: int) -> None:
        """Have one thing done. Raise OSError with the kernel's words."""
        replies = self._channel.batch(request, seq)
        refusal = replies.refused.get(seq)
        if refusal is not None:
            raise OSError(refusal.errno, refusal.text or os.strerror(refusal.errno))
        if replies.lost:
            raise OSError(replies.lost, "the kernel's answer was lost")
