"""The host picture: links, addresses and default routes, read at one go.

The kernel cannot be asked for default routes only. So the main table is dumped and every route that
is not a default one is left unread, by one look at its prefix length: 1.5 us a route that is
there, kernel included, instead of 350 us.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import suppress

from hostgw_core.model import FAMILIES, Family, IPAddress
from hostgw_daemon.kernel import (
    MAIN_TABLE,
    UNICAST,
    DefaultRoute,
    HostPicture,
    Leg,
    Link,
    LinkAddress,
)
from hostgw_daemon.netlink import ifmsg, rtmsg, rtread
from hostgw_daemon.netlink.speaker import Speaker
from hostgw_daemon.netlink.wire import Piece


class HostReader(Speaker):
    """Looks at the network namespace in which it was opened."""

    def look(self, can_reach: Iterable[IPAddress] = ()) -> HostPicture:
        """Read it all; `can_reach` are the addresses of --iface-can-reach. Raise OSError."""
        return HostPicture(
            links=tuple(self.links()),
            addresses=tuple(self.addresses()),
            defaults=tuple(route for family in FAMILIES for route in self._defaults(family)),
            reached_by=tuple(self._ways(can_reach)),
        )

    def offers(self, kind: str) -> bool:
        """Tell whether this kernel can make links of a kind that needs a parameter. Raise OSError.

        It is asked to make one without its parameters. A kernel that knows the kind misses these;
        to one that does not, the kind is not supported (net/core/rtnetlink.c, rtnl_newlink). No
        link is made either way.
        """
        seq = self._channel.reserve()
        replies = self._channel.batch(ifmsg.pack_new_link("hostgw-probe", kind, seq=seq), seq)
        refused = replies.refused.get(seq)
        return refused is None or refused.errno != errno.EOPNOTSUPP

    def links(self) -> Iterator[Link]:
        """Read the links. Raise OSError."""
        seq = self._channel.reserve()
        for piece in self._channel.dump(ifmsg.pack_links(seq), seq):
            for message in piece.messages:
                if message.type == ifmsg.RTM_NEWLINK:
                    link = ifmsg.read_link(piece.data, message)
                    if link is not None:
                        yield link

    def addresses(self) -> list[LinkAddress]:
        """Read the addresses, those of a link in the order in which they should be chosen.

        Those that stay come before those that may be taken back (DHCP, router advertisements), then
        as the kernel has them. Raise OSError.
        """
        seq = self._channel.reserve()
        seen = [
            address
            for piece in self._channel.dump(ifmsg.pack_addresses(seq), seq)
            for message in piece.messages
            if message.type == ifmsg.RTM_NEWADDR
            and (address := ifmsg.read_address(piece.data, message)) is not None
        ]
        return [each.address for each in sorted(seen, key=lambda each: not each.permanent)]

    def _defaults(self, family: Family) -> Iterator[DefaultRoute]:
        seq = self._channel.reserve()
        request = rtmsg.pack_dump(family, seq=seq, table=MAIN_TABLE, kind=UNICAST)
        for piece in self._channel.dump(request, seq):
            for message in piece.messages:
                if (
                    message.type != rtmsg.RTM_NEWROUTE
                    or rtread.summary(piece.data, message).length != 0
                ):
                    continue
                # Of a default route with several ways each way counts.
                for way in rtread.read(piece.data, message):
                    if way.link and len(way.destination) == (4 if family == 4 else 16):
                        yield DefaultRoute(family, way.link, way.metric)

    def hop(self, to: IPAddress, source: IPAddress | None = None) -> Leg | None:
        """Tell which way a packet would leave, None for one to this host. Raise OSError: no way.

        `source` is an address of this host's, for rules that ask whence a packet comes.
        """
        piece = self._look_up(to, source)
        return rtread.read_hop(piece.data, piece.messages[0])

    def table(self, to: IPAddress, source: IPAddress) -> int:
        """Tell which table decides of the way of such a packet. Raise OSError: there is none."""
        piece = self._look_up(to, source)
        return rtread.read_table(piece.data, piece.messages[0])

    def _look_up(self, to: IPAddress, source: IPAddress | None) -> Piece:
        seq, whence = self._channel.reserve(), source.packed if source is not None else b""
        return self._channel.ask(rtmsg.pack_lookup(to.packed, source=whence, seq=seq), seq)

    def _ways(self, addresses: Iterable[IPAddress]) -> Iterator[tuple[IPAddress, int]]:
        for address in addresses:
            with suppress(OSError):  # no route to it: then no link reaches it, which is the answer
                if (hop := self.hop(address)) is not None and hop.link:
                    yield address, hop.link
