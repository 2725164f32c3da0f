"""What the check of the host asks of the kernel: switches, neighbour tables, routes of others.

The kernel cannot be asked for the routes that meet a network. So the table is dumped, our own
routes are left out by one byte, and of the others the destination alone is read.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping

from hostgw_core.model import Family, IPNetwork
from hostgw_daemon.kernel import MAIN_TABLE, ForeignRoute, Link, LinkAddress
from hostgw_daemon.netlink import netconf, ntable, rtmsg, rtread
from hostgw_daemon.netlink.channel import Channel
from hostgw_daemon.netlink.host import HostReader
from hostgw_daemon.netlink.speaker import Speaker
from hostgw_daemon.switches import NeighbourTable, Switches


class Inspector(Speaker):
    """Looks at the network namespace in which it was opened. OSError from any method."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._host = HostReader(channel)

    def links(self) -> tuple[Link, ...]:
        """Read the links."""
        return tuple(self._host.links())

    def addresses(self) -> tuple[LinkAddress, ...]:
        """Read the addresses."""
        return tuple(self._host.addresses())

    def switches(self, family: Family) -> Mapping[int, Switches]:
        """Read what the sysctls of each link say, and those of `all` (`ALL_LINKS`)."""
        seq = self._channel.reserve()
        return dict(
            told
            for piece in self._channel.dump(netconf.pack_dump(family, seq=seq), seq)
            for message in piece.messages
            if message.type == netconf.RTM_NEWNETCONF
            and (told := netconf.read(piece.data, message)) is not None
        )

    def neighbours(self, family: Family) -> NeighbourTable | None:
        """Read the size of the neighbour table; None where this kernel has none of the family."""
        seq = self._channel.reserve()
        for piece in self._channel.dump(ntable.pack_dump(family, seq=seq), seq):
            for message in piece.messages:
                table = ntable.read(piece.data, message)
                if message.type == ntable.RTM_NEWNEIGHTBL and table is not None:
                    return table
        return None

    def foreign(
        self, networks: Iterable[IPNetwork], table: int = MAIN_TABLE
    ) -> Iterator[ForeignRoute]:
        """Give the routes of others, in one table, that share an address with a network.

        A default route shares all of them.
        """
        by_family: dict[Family, list[tuple[int, int]]] = {}
        for network in networks:
            bounds = (int(network.network_address), int(network.broadcast_address))
            by_family.setdefault(network.version, []).append(bounds)
        for family, wanted in by_family.items():
            yield from self._meeting(family, wanted, table)

    def _meeting(
        self, family: Family, wanted: list[tuple[int, int]], table: int
    ) -> Iterator[ForeignRoute]:
        seq, width = self._channel.reserve(), 4 if family == 4 else 16
        request = rtmsg.pack_dump(family, seq=seq, table=table)
        try:
            pieces = self._channel.dump(request, seq)
        except OSError as error:
            if error.errno == errno.ENOENT:  # nobody has ever written to this table
                return
            raise
        for piece in pieces:
            for message, length in rtread.others(piece, table):
                destination = rtread.destination(piece.data, message)
                if len(destination) != width:  # the family is off: another one's routes are told
                    continue
                first = int.from_bytes(destination, "big")
                last = first | (1 << (8 * width - length)) - 1
                if any(first <= end and start <= last for start, end in wanted):
                    yield from rtread.read(piece.data, message)
