"""The kernel's routing tables: the port `Kernel`, done with our own messages.

| errno | verdict | said when |
|---|---|---|
| ESRCH | gone | a delete found no route of our protocol with that gateway |
| EEXIST | conflict | the key is held, by anyone |
| ENETUNREACH, EHOSTUNREACH | off_link | no address of the link covers the gateway (IPv4, IPv6) |
| ENODEV, ENETDOWN | link_down | the link is gone or down |
| others | failed | the kernel's own words go with it |

A link that is down has no connected network left, and the kernel looks there first. So it
answers `off_link` for a link that is down too (IPv4: also for one that does not exist), and
`link_down` only where it gets as far: to tell the two apart, look at the link.

Deletes name our protocol, so they cannot hit anybody else's route. `take_over` is the exception,
and because the kernel understands metric 0 in a delete as "of any metric", it looks again at
what is there before it deletes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from itertools import islice

from hostgw_core.model import FAMILIES, Family
from hostgw_daemon.kernel import (
    MAIN_TABLE,
    PROTOCOL,
    UNICAST,
    ForeignRoute,
    Outcome,
    Table,
    Verb,
    Verdict,
    Write,
)
from hostgw_daemon.netlink import rtmsg, rtread
from hostgw_daemon.netlink.speaker import Speaker
from hostgw_daemon.netlink.wire import Piece

SEND = 1000  # messages a send: 92 KB of IPv6 at most; the kernel is busy with them for 6-15 ms

# The metric that the kernel gives a route whose author named none: flannel names none.
UNNAMED_METRIC: dict[Family, int] = {4: 0, 6: 1024}

VERDICTS = {
    errno.ESRCH: Verdict.GONE,
    errno.EEXIST: Verdict.CONFLICT,
    errno.ENETUNREACH: Verdict.OFF_LINK,
    errno.EHOSTUNREACH: Verdict.OFF_LINK,
    errno.ENODEV: Verdict.LINK_DOWN,
    errno.ENETDOWN: Verdict.LINK_DOWN,
}
_DONE = {
    Verb.CREATE: Verdict.CREATED,
    Verb.APPEND: Verdict.CREATED,
    Verb.DELETE: Verdict.DELETED,
}


def outcome(write: Write, number: int = 0, text: str = "") -> Outcome:
    """Judge one answer of the kernel."""
    if number == 0:
        return Outcome(write, _DONE[write.verb])
    verdict = VERDICTS.get(number, Verdict.FAILED)
    return Outcome(write, verdict, number, text or os.strerror(number))


class NetlinkKernel(Speaker):
    """Implements the port `Kernel` in the network namespace in which it was opened."""

    @property
    def port_id(self) -> int:
        """What the monitor must not hear: notifications of our own changes carry this number."""
        return self._channel.port_id

    def routes(self, family: Family) -> Table:
        """Give every route of our protocol, in whatever table, complete. Raise OSError."""
        pieces = self._dump(family, protocol=PROTOCOL)
        # Where the family is switched off the kernel answers with another one's routes.
        return frozenset(
            route
            for piece in pieces
            for route in rtread.read_piece(piece)
            if route.family == family
        )

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Do every write, in order, each by itself. One outcome each. Raise OSError."""
        return self._write(writes, PROTOCOL)

    def foreign(
        self, destinations: Iterable[tuple[bytes, int]], table: int = MAIN_TABLE
    ) -> list[ForeignRoute]:
        """Give the routes of other protocols, in one table, to exactly these destinations.

        One dump of the whole table, nearly all of which is left unread: 2 us a route that is
        there, the kernel's part included. Asking for each destination (RTM_F_FIB_MATCH) costs
        9 us each, follows the policy rules instead of one table, and tells only of the best
        route, not of one that merely holds the key.
        """
        wanted = frozenset(destinations)
        found: list[ForeignRoute] = []
        for family in FAMILIES:
            if any(len(destination) == (4 if family == 4 else 16) for destination, _ in wanted):
                for piece in self._dump(family, table=table):
                    found += _foreign(piece, wanted, table)
        return found

    def leftovers(self, link: int, family: Family) -> list[ForeignRoute]:
        """Give what flannel may have left on a link: protocol boot, no metric, unicast, main table.

        Raise OSError.
        """
        pieces = self._dump(
            family,
            table=MAIN_TABLE,
            protocol=rtmsg.RTPROT_BOOT,
            kind=UNICAST,
            link=link,
        )
        return [
            route
            for piece in pieces
            for message in piece.messages
            if message.type == rtmsg.RTM_NEWROUTE
            for route in rtread.read(piece.data, message)
            if route.metric == UNNAMED_METRIC[family] and route.gateway and route.link == link
        ]

    def take_over(self, leftovers: Iterable[ForeignRoute]) -> list[Outcome]:
        """Delete flannel's leftovers; one that is not there any more is `gone`. Raise OSError."""
        wanted = list(leftovers)
        places = {(route.link, rtread.without_protocol(route).family) for route in wanted}
        there = {route for link, family in places for route in self.leftovers(link, family)}
        answers = iter(
            self._write(
                [
                    Write(Verb.DELETE, rtread.without_protocol(route))
                    for route in wanted
                    if route in there
                ],
                rtmsg.RTPROT_BOOT,
            )
        )
        return [
            next(answers)
            if route in there
            else outcome(Write(Verb.DELETE, rtread.without_protocol(route)), errno.ESRCH)
            for route in wanted
        ]

    def _write(self, writes: Sequence[Write], protocol: int) -> list[Outcome]:
        rest, outcomes = iter(writes), list[Outcome]()
        while chunk := list(islice(rest, SEND)):
            first = self._channel.reserve(len(chunk))
            requests = rtmsg.pack_all(chunk, first, protocol=protocol)
            replies = self._channel.batch(requests, first + len(chunk) - 1)
            for seq, write in enumerate(chunk, start=first):
                if refused := replies.refused.get(seq):
                    outcomes.append(outcome(write, refused.errno, refused.text))
                else:
                    outcomes.append(outcome(write, replies.lost))
        return outcomes

    def _dump(
        self, family: Family, *, table: int = 0, protocol: int = 0, kind: int = 0, link: int = 0
    ) -> list[Piece]:
        seq = self._channel.reserve()
        request = rtmsg.pack_dump(
            family, seq=seq, table=table, protocol=protocol, kind=kind, link=link
        )
        try:
            return self._channel.dump(request, seq)
        except OSError as error:
            # Nobody has ever written to this table; the link that was asked for does not exist.
            if error.errno in {errno.ENOENT, errno.ENODEV}:
                return []
            raise


def _foreign(piece: Piece, wanted: frozenset[tuple[bytes, int]], table: int) -> list[ForeignRoute]:
    found: list[ForeignRoute] = []
    for message, length in rtread.others(piece, table):
        if (rtread.destination(piece.data, message), length) in wanted:
            found += rtread.read(piece.data, message)
    return found
